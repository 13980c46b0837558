"""Between the DSL's values and canonical values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any

from checker.dsl.collections import Bag, Fifo, Map, Set
from checker.dsl.index import Index
from checker.errors import InternalError
from checker.ir.types import (
    BagType,
    EnumType,
    FifoType,
    IndexType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value


def encode(value: Any) -> Value:
    """The canonical form of a DSL value."""
    if value is None or isinstance(value, bool | int):
        return value
    if isinstance(value, Index):
        return value.position
    if isinstance(value, Enum):
        return list(type(value)).index(value)
    if isinstance(value, Set):
        return frozenset(encode(element) for element in value)
    if isinstance(value, Bag):
        return FrozenMap({encode(element): count for element, count in value.counts().items()})
    if isinstance(value, Map):
        return FrozenMap({encode(key): encode(inner) for key, inner in value.items()})
    if isinstance(value, Fifo | tuple | list):
        return tuple(encode(element) for element in value)
    if is_dataclass(value):
        return tuple(encode(getattr(value, part.name)) for part in fields(value))
    raise InternalError(f"{value!r} is no value of the DSL")


def decode(type_: Type, value: Value, classes: Mapping[Type, type]) -> Any:
    """The DSL value of a canonical one; ``classes`` are those of a TypeTable."""
    match type_:
        case OptionType(inner):
            return None if value is None else decode(inner, value, classes)
        case IndexType():
            return classes[type_](value)
        case EnumType():
            return list(classes[type_])[value]  # type: ignore[call-overload]
        case RecordType(_, members):
            parts = zip(members, value, strict=True)
            return classes[type_](*(decode(member, part, classes) for (_, member), part in parts))
        case SetType(element):
            return Set(decode(element, part, classes) for part in value)
        case BagType(element):
            return Bag(decode(element, part, classes) for part, n in value.items() for _ in range(n))
        case FifoType(element):
            return Fifo(decode(element, part, classes) for part in value)
        case MapType(key, inner):
            return Map({decode(key, k, classes): decode(inner, v, classes) for k, v in value.items()})
        case _:
            return value
