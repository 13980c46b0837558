"""Plain values: what the lab exchanges with its caller, and how AWS spells them on the wire.

A plain value is None, a bool, an int, a string ("order-0" for an index) or a dict of plain values by
field name. Item attributes that hold anything else (bytes, a set) are shown as they are.
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

type_tags = ("S", "N", "BOOL", "NULL", "M", "L", "B", "SS", "NS", "BS")


def to_attribute(value: Any) -> dict[str, Any]:
    """The DynamoDB attribute value of a plain value.

    Raises:
        TypeError: for a value that is not plain.
    """
    match value:
        case None:
            return {"NULL": True}
        case bool():
            return {"BOOL": value}
        case int() | Decimal():
            return {"N": str(value)}
        case str():
            return {"S": value}
        case Mapping():
            return {"M": {str(name): to_attribute(inner) for name, inner in value.items()}}
        case list() | tuple():
            return {"L": [to_attribute(inner) for inner in value]}
    raise TypeError(f"{value!r} has no DynamoDB attribute type")


def from_attribute(attribute: Any) -> Any:
    """The plain value of a DynamoDB attribute value; an unknown type is returned as it is."""
    if not isinstance(attribute, Mapping) or len(attribute) != 1:
        return attribute
    [(tag, value)] = attribute.items()
    match tag:
        case "NULL":
            return None
        case "N":
            return number(str(value))
        case "M":
            return {name: from_attribute(inner) for name, inner in value.items()}
        case "L":
            return [from_attribute(inner) for inner in value]
        case "SS":
            return sorted(value)
    return value


def number(text: str) -> int | float:
    """An int where the text is one, so that 1 and 1.0 (DynamoDB has one number type) compare equal."""
    parsed = Decimal(text)
    return int(parsed) if parsed == parsed.to_integral_value() else float(parsed)


def from_item(item: Mapping[str, Any]) -> dict[str, Any]:
    """The plain values of a DynamoDB item, by attribute name."""
    return {name: from_attribute(attribute) for name, attribute in item.items()}


def to_item(row: Mapping[str, Any]) -> dict[str, Any]:
    """The DynamoDB item of plain values by attribute name."""
    return {name: to_attribute(value) for name, value in row.items()}


class Minted:
    """Names for the keys that consumers mint (UUIDs): ``rowid-0``, ``rowid-1``, ... by first sight."""

    def __init__(self, prefix: str = "rowid") -> None:
        self.prefix = prefix
        self._names: dict[Any, str] = {}

    def name(self, key: Any) -> str:
        """The stable name of ``key``; a key not seen before takes the next number."""
        return self._names.setdefault(key, f"{self.prefix}-{len(self._names)}")
