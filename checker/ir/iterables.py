"""What iterating over an expression binds."""

from __future__ import annotations

from checker.errors import InternalError
from checker.ir.expressions import Expr
from checker.ir.types import BagType, FifoType, MapType, PairsType, SetType, Type


def bound_types(iterable: Expr) -> tuple[Type, ...]:
    """The types of what one round over an iterable binds."""
    match iterable.type:
        case PairsType(first, second):
            return (first, second)
        case SetType(element) | BagType(element) | FifoType(element):
            return (element,)
        case MapType(key, _):
            return (key,)
        case other:
            raise InternalError(f"iterating over {other}, which the verifier lets nobody do")
