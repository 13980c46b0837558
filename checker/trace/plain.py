"""Plain values: canonical values as JSON-like data with names a person, a file or a test can use.

An index is ``"order-0"``, an Enum member its name, a record a dict, a set or bag a sorted list, a map
a list of key and value pairs, ``None`` None.
"""

from __future__ import annotations

from typing import Any

from checker.errors import UserError
from checker.ir.types import (
    BagType,
    BoolType,
    EnumType,
    FifoType,
    IndexType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value, in_order, index_label


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


def from_plain(type_: Type, plain: Any) -> Value:
    """The canonical value of a plain one.

    Index members beyond the set's size are kept: what is observed may exceed what was modelled.

    Raises:
        UserError: the plain value is none of the type.
    """
    match type_, plain:
        case IndexType(name, labels=labels), str():
            stem, _, number = plain.rpartition("-")
            if plain.replace("-", " ") in labels:
                return labels.index(plain.replace("-", " "))
            if stem == index_label(name) and number.isascii() and number.isdigit() and not labels:
                return int(number)
        case EnumType(_, members), str() if plain in members:
            return members.index(plain)
        case OptionType(inner), _:
            return None if plain is None else from_plain(inner, plain)
        case RecordType(_, fields), dict() if set(plain) == {name for name, _ in fields}:
            return tuple(from_plain(field_type, plain[name]) for name, field_type in fields)
        case (BoolType(), bool()) | (IntType(), int()):
            return plain
        case SetType(element), list():
            return frozenset(from_plain(element, part) for part in plain)
        case FifoType(element), list():
            return tuple(from_plain(element, part) for part in plain)
        case BagType(element), list():
            counts: dict[Value, int] = {}
            for part in plain:
                value = from_plain(element, part)
                counts[value] = counts.get(value, 0) + 1
            return FrozenMap(counts)
        case MapType(key, inner), list():
            return FrozenMap({from_plain(key, k): from_plain(inner, v) for k, v in plain})
    hint = "compare the wiring's fields with the model's, and with what the consumer writes"
    raise UserError(f"{plain!r} is no {type_}", hint=hint)
