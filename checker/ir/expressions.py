"""Expressions of the IR: pure, typed, evaluated left to right.

Python, C and SMT solvers disagree on division, shifts and missing values, so nothing here is called
just ``/``: every operator of ``Op`` names its meaning, and ``checker.semantics.operators`` defines it.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum, auto
from typing import TypeAlias

from checker.errors import Location
from checker.ir.types import BOOL, RecordType, Type
from checker.ir.values import Value


class Op(Enum):
    """A strict operator: all arguments are evaluated, left to right, before it applies."""

    INT_ADD = auto()
    INT_SUB = auto()
    INT_MUL = auto()
    #: Rounds towards minus infinity, as Python's ``//``. Divisor 0 is a model error.
    INT_FLOOR_DIV = auto()
    #: Takes the divisor's sign, as Python's ``%``. Divisor 0 is a model error.
    INT_FLOOR_MOD = auto()
    INT_NEG = auto()
    INT_ABS = auto()
    INT_MIN = auto()
    INT_MAX = auto()
    INT_LT = auto()
    INT_LE = auto()
    INT_GT = auto()
    INT_GE = auto()
    #: False is 0, True is 1.
    BOOL_TO_INT = auto()
    NOT = auto()
    #: Both sides have the same type.
    EQ = auto()
    NE = auto()
    IS_NONE = auto()
    #: From ``T`` to ``T | None``.
    SOME = auto()
    #: From ``T | None`` to ``T``. None is a model error.
    UNWRAP = auto()
    #: Record, then the field by position in ``Apply.field``.
    RECORD_GET = auto()
    RECORD_MAKE = auto()
    SET_MAKE = auto()
    SET_ADD = auto()
    #: An absent element is a model error.
    SET_REMOVE = auto()
    SET_DISCARD = auto()
    SET_UNION = auto()
    SET_INTERSECTION = auto()
    SET_DIFFERENCE = auto()
    #: Every element of the first is in the second.
    SET_SUBSET = auto()
    BAG_ADD = auto()
    #: Takes one copy away. An absent element is a model error.
    BAG_REMOVE = auto()
    #: Takes one copy away where there is one.
    BAG_DISCARD = auto()
    BAG_COUNT = auto()
    FIFO_APPEND = auto()
    #: The head. An empty FIFO is a model error.
    FIFO_HEAD = auto()
    #: All but the head. An empty FIFO is a model error.
    FIFO_TAIL = auto()
    #: The element at a position from 0; negative counts from the end. Out of range is a model error.
    FIFO_AT = auto()
    #: A missing key is a model error.
    MAP_GET = auto()
    #: A missing key gives None.
    MAP_GET_OPTION = auto()
    #: The value first, then map and key: the order in which Python evaluates ``map[key] = value``.
    MAP_SET = auto()
    #: A missing key is a model error.
    MAP_DELETE = auto()
    MAP_DISCARD = auto()
    #: The lowest key of the key's index set that is absent. A full map is a model error.
    MAP_FRESH_KEY = auto()
    #: Element or key, then the set, bag, FIFO or map that may contain it.
    CONTAINS = auto()
    #: The next value of an index set, Enum or range; only where there is one.
    NEXT = auto()
    #: The value itself. In the DSL, where collections can change, it is a copy.
    COPY = auto()
    #: The number of elements; a bag counts every copy.
    LENGTH = auto()
    #: All elements in their order, as a FIFO; a bag yields every copy.
    ELEMENTS = auto()
    #: The distinct elements in the order of their values, as a FIFO.
    DISTINCT = auto()
    MAP_VALUES = auto()
    MAP_ITEMS = auto()
    #: Whether the process instance waits at a label where its iteration begins.
    IS_IDLE = auto()
    #: The process instance that makes the current call. Outside a call it is a model error.
    CALLER = auto()


@dataclass(frozen=True, slots=True)
class Const:
    """A canonical value."""

    value: Value
    type: Type


@dataclass(frozen=True, slots=True)
class Local:
    """A local variable, a parameter or a bound variable. Reading an unassigned one is a model error."""

    name: str
    type: Type
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class StateVar:
    """A durable variable of the model or of a component, by its dotted name (``inbox.visible``)."""

    name: str
    type: Type


@dataclass(frozen=True, slots=True)
class Apply:
    """A strict operator applied to arguments; ``field`` is the position that RECORD_GET reads."""

    op: Op
    args: tuple[Expr, ...]
    type: Type
    location: Location | None = None
    field: int = 0


@dataclass(frozen=True, slots=True)
class Domain:
    """Every value of an enumerable type in order; only iterated over."""

    of: Type
    type: Type


class Logic(Enum):
    """Lazy connectives: the right side is evaluated only where it decides."""

    AND = auto()
    OR = auto()


@dataclass(frozen=True, slots=True)
class Connective:
    """``left and right`` or ``left or right`` on booleans, lazily."""

    logic: Logic
    left: Expr
    right: Expr
    type: Type = BOOL


@dataclass(frozen=True, slots=True)
class IfElse:
    """A conditional expression: only the chosen side is evaluated."""

    condition: Expr
    then: Expr
    orelse: Expr
    type: Type


class Fold(Enum):
    """What a comprehension makes of the values that its body yields."""

    ALL = auto()
    ANY = auto()
    SUM = auto()
    COUNT = auto()
    #: An empty MIN or MAX takes ``default``; without one it is a model error.
    MIN = auto()
    MAX = auto()
    SET = auto()


@dataclass(frozen=True, slots=True)
class Generator:
    """``for variables in iterable if conditions``; two variables take the items of a map."""

    variables: tuple[str, ...]
    iterable: Expr
    conditions: tuple[Expr, ...]


@dataclass(frozen=True, slots=True)
class Comprehension:
    """A fold over one or more generators, the first outermost; ALL and ANY stop as soon as they can."""

    fold: Fold
    generators: tuple[Generator, ...]
    body: Expr
    type: Type
    default: Expr | None = None
    location: Location | None = None


@dataclass(frozen=True, slots=True)
class PureCall:
    """A call of a routine that changes nothing and chooses nothing."""

    routine: str
    args: tuple[Expr, ...]
    type: Type


Expr: TypeAlias = Const | Local | StateVar | Apply | Domain | Connective | IfElse | Comprehension | PureCall


def children(expr: Expr) -> tuple[Expr, ...]:
    """The direct subexpressions, in evaluation order."""
    match expr:
        case Apply(args=args) | PureCall(args=args):
            return args
        case Connective(left=left, right=right):
            return (left, right)
        case IfElse(condition=condition, then=then, orelse=orelse):
            return (condition, then, orelse)
        case Comprehension(generators=generators, body=body, default=default):
            parts: list[Expr] = []
            for generator in generators:
                parts += [generator.iterable, *generator.conditions]
            return (*parts, body, *([default] if default is not None else []))
        case _:
            return ()


def record_make(type_: RecordType, args: tuple[Expr, ...], location: Location | None = None) -> Apply:
    """A record of ``type_`` from its fields in order."""
    return Apply(Op.RECORD_MAKE, args, type_, location)
