"""The finite types of the IR.

A type says which values a state variable, a local or an expression can take. Index sets and ranges
are concrete here: a model is lowered for the bounds of one spec.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class BoolType:
    """``False`` or ``True``."""

    def __str__(self) -> str:
        return "bool"


@dataclass(frozen=True, slots=True)
class IntType:
    """Integers from ``low`` to ``high``, both included; ``None`` is no bound on that side.

    Only a value that is stored in a state has to be bounded; intermediate results need not be.
    """

    low: int | None = None
    high: int | None = None

    def __str__(self) -> str:
        if self.low is None and self.high is None:
            return "int"
        return f"int[{'' if self.low is None else self.low}..{'' if self.high is None else self.high}]"


@dataclass(frozen=True, slots=True)
class EnumType:
    """One of ``members``; a value is the member's position, from 0."""

    name: str
    members: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class IndexType:
    """An index set, ``0 .. size - 1``; ``interchangeable`` says that its members are symmetric.

    ``labels`` are what its members are called, where that is not the set's name and a number.
    """

    name: str
    size: int
    interchangeable: bool = False
    labels: tuple[str, ...] = ()

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class RecordType:
    """An immutable record; a value is the tuple of its fields in order."""

    name: str
    fields: tuple[tuple[str, Type], ...]

    def field_type(self, name: str) -> Type | None:
        """The type of field ``name``, or None where there is no such field."""
        return next((type_ for field, type_ in self.fields if field == name), None)

    def field_position(self, name: str) -> int:
        """The place of field ``name`` in a value's tuple."""
        return [field for field, _ in self.fields].index(name)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True, slots=True)
class OptionType:
    """``None`` or a value of ``inner``; never nested."""

    inner: Type

    def __str__(self) -> str:
        return f"{self.inner} | None"


@dataclass(frozen=True, slots=True)
class SetType:
    """A finite set; a value is a ``frozenset``."""

    element: Type

    def __str__(self) -> str:
        return f"Set[{self.element}]"


@dataclass(frozen=True, slots=True)
class BagType:
    """A multiset without order; a value is a ``FrozenMap`` from element to its count, from 1."""

    element: Type

    def __str__(self) -> str:
        return f"Bag[{self.element}]"


@dataclass(frozen=True, slots=True)
class FifoType:
    """A queue that keeps its order; a value is a tuple, the head first."""

    element: Type

    def __str__(self) -> str:
        return f"Fifo[{self.element}]"


@dataclass(frozen=True, slots=True)
class MapType:
    """A partial map; a value is a ``FrozenMap``."""

    key: Type
    value: Type

    def __str__(self) -> str:
        return f"Map[{self.key}, {self.value}]"


@dataclass(frozen=True, slots=True)
class PairsType:
    """The items of a map or the like: only iterated over, never stored."""

    first: Type
    second: Type

    def __str__(self) -> str:
        return f"pairs of {self.first} and {self.second}"


@dataclass(frozen=True, slots=True)
class NoneType:
    """The type of ``None`` itself: what an operation without a result returns."""

    def __str__(self) -> str:
        return "None"


Type: TypeAlias = (
    BoolType
    | IntType
    | EnumType
    | IndexType
    | RecordType
    | OptionType
    | SetType
    | BagType
    | FifoType
    | MapType
    | PairsType
    | NoneType
)

BOOL = BoolType()
INT = IntType()
NONE = NoneType()

#: The index set of all process instances of a model, by which a component knows its caller.
PROCESS_SET_NAME = "Process"


def is_bounded(type_: Type) -> bool:
    """Whether every integer inside the type has both bounds, so that a state can hold its values."""
    match type_:
        case IntType(low, high):
            return low is not None and high is not None
        case OptionType(inner) | SetType(inner) | BagType(inner) | FifoType(inner):
            return is_bounded(inner)
        case MapType(first, second) | PairsType(first, second):
            return is_bounded(first) and is_bounded(second)
        case RecordType(_, fields):
            return all(is_bounded(field_type) for _, field_type in fields)
        case _:
            return True


def is_collection(type_: Type) -> bool:
    """Whether values of the type are mutable collections in the DSL (and so must not be aliased)."""
    return isinstance(type_, SetType | BagType | FifoType | MapType)


def element_type(type_: Type) -> Type | None:
    """What iterating over a value of the type yields, or None where it cannot be iterated."""
    match type_:
        case SetType(element) | BagType(element) | FifoType(element):
            return element
        case MapType(key, _):
            return key
        case _:
            return None
