"""Plain values: canonical values as JSON-like data with names a person, a file or a test can use.

An index is ``"order-0"``, an Enum member its name, a record a dict, a set or bag a sorted list, a map
a list of key and value pairs, ``None`` None.
"""

from __future__ import annotations

from typing import Any

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
from checker.ir.values import Value, in_order, index_label


def index_name(type_: IndexType, position: int) -> str:
    """``order-0``; a process instance by its own name, ``worker-1``."""
    if type_.labels:
        return type_.labels[position].replace(" ", "-")
    return f"{index_label(type_.name)}-{position}"


def to_plain(type_: Type, value: Value) -> Any:
    """The plain form of a canonical value."""
    match type_:
        case IndexType():
            return index_name(type_, value)
        case EnumType(_, members):
            return members[value]
        case OptionType(inner):
            return None if value is None else to_plain(inner, value)
        case RecordType(_, fields):
            return {name: to_plain(t, v) for (name, t), v in zip(fields, value, strict=True)}
        case SetType(element):
            return [to_plain(element, v) for v in in_order(element, value)]
        case BagType(element):
            return [to_plain(element, v) for v in in_order(element, value) for _ in range(value[v])]
        case FifoType(element):
            return [to_plain(element, v) for v in value]
        case MapType(key, inner):
            return [[to_plain(key, k), to_plain(inner, value[k])] for k in in_order(key, value)]
        case _:
            return value
