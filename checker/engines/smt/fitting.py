"""Whether symbolic values lie in a type, and the same values once they are known to."""

from __future__ import annotations

from collections.abc import Callable
from functools import lru_cache
from typing import TypeAlias

from checker.engines.smt.circuit import FALSE, TRUE
from checker.engines.smt.numbers import Numbers
from checker.engines.smt.symbols import (
    BagOf,
    MapOf,
    Num,
    Opt,
    Rec,
    Seq,
    SetOf,
    Symbol,
    Symbols,
    as_option,
    bounds_of,
    number,
    width_of,
)
from checker.ir.types import BagType, FifoType, MapType, OptionType, RecordType, SetType, Type
from checker.ir.values import Value, always_fits, fits


@lru_cache(maxsize=256)
def _membership(type_: Type) -> Callable[[Value], bool]:
    """Whether a value lies in a type; what was asked once is known."""
    known: dict[Value, bool] = {}

    def in_type(value: Value) -> bool:
        found = known.get(value)
        if found is None:
            found = known[value] = fits(type_, value) is None
        return found

    return in_type


#: The least and greatest code of a type of numbers; None for other types.
Bounds: TypeAlias = Callable[[Type], tuple[int, int] | None]


def misfit(symbols: Symbols, type_: Type, value: Symbol, bounds_of: Bounds = bounds_of) -> int:
    """Where a value lies outside its type."""
    circuit = symbols.circuit
    if always_fits(type_):
        return FALSE
    match type_:
        case OptionType(inner):
            option = as_option(value)
            if option.some == FALSE:
                return FALSE
            return circuit.and_(option.some, misfit(symbols, inner, option.value, bounds_of))
        case RecordType(_, fields):
            assert isinstance(value, Rec)
            return circuit.any(
                misfit(symbols, t, part, bounds_of) for (_, t), part in zip(fields, value.fields, strict=True)
            )
        case SetType(element):
            assert isinstance(value, SetOf)
            in_type = _membership(element)
            return circuit.any(lit for key, lit in value.members.items() if not in_type(key))
        case BagType(element):
            assert isinstance(value, BagOf)
            in_type = _membership(element)
            return circuit.any(bit for key, n in value.counts.items() if not in_type(key) for bit in n.bits)
        case MapType(key_type, inner):
            assert isinstance(value, MapOf)
            wrong, in_type = [], _membership(key_type)
            for key, (there, entry) in value.entries.items():
                if there != FALSE:
                    outside = misfit(symbols, inner, entry, bounds_of) if in_type(key) else TRUE
                    wrong.append(circuit.and_(there, outside))
            return circuit.any(wrong)
        case FifoType(element):
            assert isinstance(value, Seq)
            return circuit.any(
                circuit.and_(there, misfit(symbols, element, item, bounds_of)) for there, item in value.items
            )
        case _:
            bounds = bounds_of(type_)
            if bounds is None:
                return FALSE
            numbers = Numbers(symbols)
            low, high = map(number, bounds)
            return circuit.or_(numbers.less(value, low), numbers.less(high, value))


def clamped(type_: Type, value: Symbol, bounds_of: Bounds = bounds_of) -> Symbol:
    """A value that fits its type with the bounds that the type gives it."""
    match type_:
        case OptionType(inner):
            option = as_option(value)
            return (
                option if option.some == FALSE else Opt(option.some, clamped(inner, option.value, bounds_of))
            )
        case RecordType(_, fields):
            return Rec(
                tuple(clamped(t, v, bounds_of) for (_, t), v in zip(fields, value.fields, strict=True))
            )
        case SetType(element):
            in_type = _membership(element)
            return SetOf({key: lit for key, lit in value.members.items() if in_type(key)})
        case BagType(element):
            in_type = _membership(element)
            return BagOf({key: n for key, n in value.counts.items() if in_type(key)})
        case MapType(key_type, inner):
            in_type = _membership(key_type)
            return MapOf(
                {
                    key: (there, clamped(inner, entry, bounds_of) if there != FALSE else entry)
                    for key, (there, entry) in value.entries.items()
                    if in_type(key)
                }
            )
        case FifoType(element):
            return Seq(
                tuple((there, clamped(element, item, bounds_of)) for there, item in value.items), value.packed
            )
        case _:
            bounds = bounds_of(type_)
            if bounds is None or not isinstance(value, Num):
                return value
            low, high = max(bounds[0], value.low), min(bounds[1], value.high)
            if low > high:
                return number(bounds[0])
            hot = None if value.hot is None else value.hot[: high + 1]
            return Num(tuple(value.bit(i) for i in range(width_of(low, high))), low, high, hot)
