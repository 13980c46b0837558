"""How large integers can get: where 64 bits are enough, generated code need not look for overflow."""

from __future__ import annotations

from checker.ir.expressions import Apply, Comprehension, Const, Expr, Fold, IfElse, Op, StateVar
from checker.ir.types import IntType

#: Far from 2**63, so that one operation on two such numbers does not overflow either.
_LARGEST = 1 << 61
#: More elements than any collection of a state has: 64 words of 64 bits, each a copy or an element.
_ELEMENTS_MAX = 1 << 20


def fits_a_word(expr: Expr) -> bool:
    """Whether an integer expression, and all that it is made of, stays well within 64 bits."""
    size = magnitude(expr)
    return size is not None and size < _LARGEST


def magnitude(expr: Expr) -> int | None:
    """A bound on the absolute value of an integer expression; None where none is known."""
    type_ = expr.type
    if isinstance(type_, IntType) and type_.low is not None and type_.high is not None and _is_stored(expr):
        return max(abs(type_.low), abs(type_.high))
    match expr:
        case Const(value=value) if isinstance(value, int):
            return abs(value)
        case IfElse(then=then, orelse=orelse):
            return _largest(then, orelse)
        case Comprehension(fold=Fold.SUM, body=body, generators=generators):
            each = magnitude(body)
            return None if each is None else each * _ELEMENTS_MAX ** len(generators)
        case Comprehension(fold=Fold.COUNT, generators=generators):
            return int(_ELEMENTS_MAX ** len(generators))
        case Comprehension(fold=Fold.MIN | Fold.MAX, body=body, default=default):
            return magnitude(body) if default is None else _largest(body, default)
        case Apply():
            return _of_operator(expr)
        case _:
            return None


def _is_stored(expr: Expr) -> bool:
    """Whether a value comes from where its type is kept: a local may be outside its type for a while."""
    match expr:
        case StateVar():
            return True
        case Apply(op=Op.MAP_GET | Op.MAP_GET_OPTION | Op.FIFO_AT | Op.FIFO_HEAD):
            return True
        case Apply(op=Op.UNWRAP | Op.RECORD_GET, args=args):
            return _is_stored(args[0])
        case _:
            return False


def _of_operator(expr: Apply) -> int | None:
    match expr.op:
        case Op.LENGTH | Op.BAG_COUNT:
            return _ELEMENTS_MAX
        case Op.BOOL_TO_INT:
            return 1
        case Op.INT_ADD | Op.INT_SUB:
            parts = [magnitude(arg) for arg in expr.args]
            return None if None in parts else sum(part or 0 for part in parts)
        case Op.INT_MUL:
            left, right = (magnitude(arg) for arg in expr.args)
            return None if left is None or right is None else left * right
        case Op.INT_NEG | Op.INT_ABS | Op.NEXT:
            inner = magnitude(expr.args[0])
            return None if inner is None else inner + 1
        case Op.INT_MIN | Op.INT_MAX | Op.INT_FLOOR_DIV | Op.INT_FLOOR_MOD:
            return _largest(*expr.args)
        case _:
            return None


def _largest(*parts: Expr) -> int | None:
    sizes = [magnitude(part) for part in parts]
    return None if None in sizes else max(size or 0 for size in sizes)
