"""The total order in which models iterate, on the DSL's own values.

It is the order of ``checker.ir.values.sort_key``, for values whose IR type is not at hand.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any, TypeVar

T = TypeVar("T")


def order_key(value: Any) -> Any:
    """A key by which values of one type are ordered: None first, members by position, records by field."""
    if value is None:
        return (0,)
    if isinstance(value, Enum):
        return (1, list(type(value)).index(value))
    if is_dataclass(value):
        return (1, tuple(order_key(getattr(value, part.name)) for part in fields(value)))
    if hasattr(value, "position"):
        return (1, value.position)
    if isinstance(value, bool | int):
        return (1, int(value))
    if isinstance(value, tuple):
        return (1, tuple(order_key(part) for part in value))
    raise TypeError(f"values like {value!r} have no order")


def in_order(values: Iterable[T]) -> list[T]:
    """``values`` in their total order."""
    return sorted(values, key=order_key)
