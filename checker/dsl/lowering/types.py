"""Joining and converting types while lowering, and the ranges of integer expressions."""

from __future__ import annotations

from itertools import product

from checker.errors import Location
from checker.ir.expressions import Apply, Const, Expr, Op
from checker.ir.types import (
    INT,
    BagType,
    BoolType,
    FifoType,
    IntType,
    MapType,
    NoneType,
    OptionType,
    RecordType,
    SetType,
    Type,
)


def same_shape(left: Type, right: Type) -> bool:
    """Whether two types differ at most in the ranges of their integers."""
    match left, right:
        case IntType(), IntType():
            return True
        case OptionType(a), OptionType(b):
            return same_shape(a, b)
        case (SetType(a), SetType(b)) | (BagType(a), BagType(b)) | (FifoType(a), FifoType(b)):
            return same_shape(a, b)
        case MapType(k, v), MapType(l, w):
            return same_shape(k, l) and same_shape(v, w)
        case RecordType(name, fields), RecordType(other, others):
            return (
                name == other
                and len(fields) == len(others)
                and all(same_shape(a, b) for (_, a), (_, b) in zip(fields, others, strict=True))
            )
        case _:
            return left == right


def join(left: Type, right: Type) -> Type | None:
    """The least type that holds the values of both, or None where there is none."""
    if left == right:
        return left
    match left, right:
        case NoneType(), OptionType():
            return right
        case OptionType(), NoneType():
            return left
        case NoneType(), other:
            return OptionType(other)
        case other, NoneType():
            return OptionType(other)
        case IntType(a, b), IntType(c, d):
            return IntType(
                None if a is None or c is None else min(a, c), None if b is None or d is None else max(b, d)
            )
        case OptionType(a), OptionType(b):
            inner = join(a, b)
            return None if inner is None else OptionType(inner)
        case (OptionType(inner), other) | (other, OptionType(inner)):
            joined = join(inner, other)
            return None if joined is None else OptionType(joined)
        case (SetType(a), SetType(b)) | (BagType(a), BagType(b)) | (FifoType(a), FifoType(b)):
            joined = join(a, b)
            if joined is None:
                return None
            if isinstance(left, SetType):
                return SetType(joined)
            return BagType(joined) if isinstance(left, BagType) else FifoType(joined)
        case _:
            return left if same_shape(left, right) else None


def convert(expr: Expr, to: Type, place: Location | None) -> Expr | None:
    """``expr`` as a value of type ``to``, or None where it is none.

    None becomes an empty option, a value a present one; an option is unwrapped (a model error where it
    is None, which mypy rules out in the source); a bool counts as an int, as in Python.
    """
    match expr.type, to:
        case NoneType(), OptionType():
            return Const(None, to)
        case OptionType(a), OptionType(b) if same_shape(a, b):
            return expr
        case OptionType(inner), _ if not isinstance(to, OptionType):
            return convert(Apply(Op.UNWRAP, (expr,), inner, place), to, place)
        case _, OptionType(inner):
            value = convert(expr, inner, place)
            return None if value is None else Apply(Op.SOME, (value,), to, place)
        case BoolType(), IntType():
            return Apply(Op.BOOL_TO_INT, (expr,), IntType(0, 1), place)
        case source, _ if same_shape(source, to):
            return expr
        case _:
            return None


def range_of(op: Op, operands: tuple[Type, ...]) -> Type:
    """The range of an integer operator's result, from its operands' ranges."""
    bounds = [(t.low, t.high) for t in operands if isinstance(t, IntType)]
    if len(bounds) != len(operands) or any(low is None or high is None for low, high in bounds):
        return INT
    corners = list(product(*[(low or 0, high or 0) for low, high in bounds]))
    match op:
        case Op.INT_ADD:
            values = [a + b for a, b in corners]
        case Op.INT_SUB:
            values = [a - b for a, b in corners]
        case Op.INT_MUL:
            values = [a * b for a, b in corners]
        case Op.INT_MIN:
            values = [min(a, b) for a, b in corners]
        case Op.INT_MAX:
            values = [max(a, b) for a, b in corners]
        case Op.INT_NEG:
            values = [-a for (a,) in corners]
        case Op.INT_ABS:
            values = [abs(a) for (a,) in corners] + ([0] if min(corners) < (0,) < max(corners) else [])
        case Op.INT_FLOOR_MOD:
            return IntType(min(0, 1 + (bounds[1][0] or 0)), max(0, (bounds[1][1] or 0) - 1))
        case _:
            return INT
    return IntType(min(values), max(values))
