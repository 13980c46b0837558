"""Values of the IR's types: their canonical form, order, domain and range check.

A canonical value is hashable and equal to another exactly when the two are the same value of their
type: bool and int as they are, an enum member or an index as its position, a record as a tuple,
``None`` or the value for an option, a frozenset, a tuple for a FIFO, a FrozenMap for bags and maps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import product
from typing import Any, TypeAlias

from checker.ir.types import (
    BagType,
    BoolType,
    EnumType,
    FifoType,
    IndexType,
    IntType,
    MapType,
    NoneType,
    OptionType,
    PairsType,
    RecordType,
    SetType,
    Type,
)

#: A canonical value. Which Python type it has follows from its IR type, which every user knows.
Value: TypeAlias = Any


class FrozenMap(Mapping[Value, Value]):
    """An immutable, hashable mapping: the canonical form of maps and bags."""

    __slots__ = ("_entries", "_hash")

    def __init__(self, entries: Mapping[Value, Value] | None = None) -> None:
        self._entries: dict[Value, Value] = dict(entries or {})
        self._hash: int | None = None

    def __reduce__(self) -> tuple[type[FrozenMap], tuple[dict[Value, Value]]]:
        # Without the hash, which another process computes anew: that of None, for one, is its own there.
        return FrozenMap, (self._entries,)

    def __getitem__(self, key: Value) -> Value:
        return self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[Value]:
        return iter(self._entries)

    def __len__(self) -> int:
        return len(self._entries)

    def __hash__(self) -> int:
        if self._hash is None:
            self._hash = hash(frozenset(self._entries.items()))
        return self._hash

    def __eq__(self, other: object) -> bool:
        return isinstance(other, FrozenMap) and self._entries == other._entries

    def __repr__(self) -> str:
        return f"FrozenMap({self._entries!r})"

    def set(self, key: Value, value: Value) -> FrozenMap:
        """A copy in which ``key`` maps to ``value``."""
        return FrozenMap({**self._entries, key: value})

    def without(self, key: Value) -> FrozenMap:
        """A copy without ``key``, which may be absent."""
        return FrozenMap({k: v for k, v in self._entries.items() if k != key})


EMPTY_MAP = FrozenMap()


def sort_key(type_: Type, value: Value) -> Any:
    """A key that orders the values of one type totally: the order in which models iterate."""
    match type_:
        case OptionType(inner):
            return (0,) if value is None else (1, sort_key(inner, value))
        case RecordType(_, fields):
            return tuple(sort_key(t, v) for (_, t), v in zip(fields, value, strict=True))
        case SetType(element):
            return sorted(sort_key(element, v) for v in value)
        case FifoType(element):
            return [sort_key(element, v) for v in value]
        case BagType(element):
            return sorted((sort_key(element, v), n) for v, n in value.items())
        case MapType(key, inner):
            return sorted((sort_key(key, k), sort_key(inner, v)) for k, v in value.items())
        case NoneType():
            return 0
        case _:
            return value


def in_order(type_: Type, values: Any) -> list[Value]:
    """``values``, all of ``type_``, in their total order."""
    return sorted(values, key=lambda value: sort_key(type_, value))


def domain(type_: Type) -> list[Value] | None:
    """Every value of the type in order, or None where it is not enumerable (collections, open ranges)."""
    match type_:
        case BoolType():
            return [False, True]
        case IntType(low, high):
            return None if low is None or high is None else list(range(low, high + 1))
        case EnumType(_, members):
            return list(range(len(members)))
        case IndexType(_, size):
            return list(range(size))
        case OptionType(inner):
            inner_domain = domain(inner)
            return None if inner_domain is None else [None, *inner_domain]
        case RecordType(_, fields):
            columns = [domain(t) for _, t in fields]
            known = [column for column in columns if column is not None]
            return list(product(*known)) if len(known) == len(columns) else None
        case NoneType():
            return [None]
        case _:
            return None


def fits(type_: Type, value: Value) -> str | None:
    """None where ``value`` lies in the type, else what is wrong with it, as words."""
    match type_:
        case IntType(low, high):
            if (low is not None and value < low) or (high is not None and value > high):
                return f"{value} is outside {type_}"
        case IndexType(name, size):
            if value >= size:
                return f"{name} {value} does not exist, it has {size} members"
        case EnumType() | BoolType() | NoneType() | PairsType():
            return None
        case OptionType(inner):
            return None if value is None else fits(inner, value)
        case RecordType(name, fields):
            for (field, field_type), part in zip(fields, value, strict=True):
                if (problem := fits(field_type, part)) is not None:
                    return f"{name}.{field}: {problem}"
        case SetType(element) | FifoType(element) | BagType(element):
            return next((p for v in value if (p := fits(element, v)) is not None), None)
        case MapType(key, inner):
            for k, v in value.items():
                if (problem := fits(key, k) or fits(inner, v)) is not None:
                    return problem
    return None


def always_fits(type_: Type) -> bool:
    """Whether no value of the type's kind can lie outside it: there is no bounded integer inside."""
    match type_:
        case IntType(low, high):
            return low is None and high is None
        case OptionType(inner) | SetType(inner) | FifoType(inner) | BagType(inner):
            return always_fits(inner)
        case RecordType(_, fields):
            return all(always_fits(field_type) for _, field_type in fields)
        case MapType(key, inner):
            return always_fits(key) and always_fits(inner)
        case _:
            return True


def show(type_: Type, value: Value) -> str:
    """The value as a person reads it: ``order 0``, ``OrderRow(order 0, worker 1)``, ``{order 0}``."""
    match type_:
        case BoolType():
            return "true" if value else "false"
        case EnumType(_, members):
            return members[value]
        case IndexType(name, labels=labels):
            return labels[value] if labels else f"{index_label(name)} {value}"
        case OptionType(inner):
            return "none" if value is None else show(inner, value)
        case RecordType(name, fields):
            parts = ", ".join(show(t, v) for (_, t), v in zip(fields, value, strict=True))
            return f"{name}({parts})" if fields else name
        case SetType(element):
            return "{" + ", ".join(show(element, v) for v in in_order(element, value)) + "}"
        case FifoType(element):
            return "[" + ", ".join(show(element, v) for v in value) + "]"
        case BagType(element):
            shown = [(show(element, v), value[v]) for v in in_order(element, value)]
            return "{" + ", ".join(text if n == 1 else f"{n}× {text}" for text, n in shown) + "}"
        case MapType(key, inner):
            entries = (f"{show(key, k)}: {show(inner, value[k])}" for k in in_order(key, value))
            return "{" + ", ".join(entries) + "}"
        case _:
            return str(value)


def index_label(name: str) -> str:
    """An index set's name as used in prose and in the lab: ``Order`` gives ``order``, ``RowId`` ``rowid``."""
    return name.lower()
