"""What the bits of a row mean in the model's own terms, and lemmas told in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from checker.engines.smt.ic3 import Cube
from checker.engines.smt.layout import Capacities, Layout, keys_of
from checker.engines.smt.symbols import bounds_of, width_of
from checker.errors import InternalError
from checker.ir.program import Process
from checker.ir.types import (
    BagType,
    BoolType,
    FifoType,
    MapType,
    NoneType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import show

#: More values than this are told as what they are not, or as bits.
VALUES_TOLD_MAX = 4


@dataclass(frozen=True, slots=True)
class Field:
    """Consecutive bits of a row: a fact of one bit, or a number between two bounds."""

    name: str
    bounds: tuple[int, int] | None
    shown: Callable[[int], str] = str

    @property
    def width(self) -> int:
        """How many bits it takes."""
        return 1 if self.bounds is None else width_of(*self.bounds)


def fields_of(layout: Layout) -> list[Field]:
    """The fields of a layout's rows, in the rows' order."""
    program, capacities = layout.program, layout.packing.capacities
    found: list[Field] = []
    for variable in program.variables:
        found += _value(variable.type, variable.name, capacities)
    for instance in range(program.process_count):
        process, _ = program.process_of(instance)
        found += _process(layout, process, program.instance_name(instance))
    for name, amount in zip(program.budgets.names, program.budgets.amounts, strict=True):
        found.append(Field(f"{name} left", (0, amount)))
    if sum(field.width for field in found) != layout.bits:
        raise InternalError("the fields of a row are not its bits")
    return found


def _process(layout: Layout, process: Process, name: str) -> Iterator[Field]:
    labels = [f"{label.call.name} (line {label.location.line})" for label in process.labels]
    yield Field(f"{name} at", (0, len(labels) - 1), lambda value: labels[value])
    yield Field(f"failed attempts of {name}", (0, layout.attempts_max - 1))
    if layout.has_applied:
        yield Field(f"the call of {name} was applied", None)
    for place in layout.places[process.name]:
        if place.marked:
            yield Field(f"{place.name} of {name} has a value", None)
        yield from _value(place.type, f"{place.name} of {name}", layout.packing.capacities)


def _value(type_: Type, name: str, capacities: Capacities) -> Iterator[Field]:
    match type_:
        case BoolType():
            yield Field(name, None)
        case NoneType():
            return
        case OptionType(inner):
            yield Field(f"{name} is there", None)
            yield from _value(inner, name, capacities)
        case RecordType(_, fields):
            for field, field_type in fields:
                yield from _value(field_type, f"{name}.{field}", capacities)
        case SetType(element):
            for key in keys_of(element):
                yield Field(f"{show(element, key)} in {name}", None)
        case BagType(element):
            for key in keys_of(element):
                yield Field(f"copies of {show(element, key)} in {name}", (0, capacities.bag_count_max))
        case MapType(key_type, inner):
            for key in keys_of(key_type):
                entry = f"{name}[{show(key_type, key)}]"
                yield Field(f"{entry} is there", None)
                yield from _value(inner, entry, capacities)
        case FifoType(element):
            for position in range(capacities.fifo_length_max):
                yield Field(f"{name}[{position}] is there", None)
                yield from _value(element, f"{name}[{position}]", capacities)
        case _:
            yield Field(name, bounds_of(type_), lambda value: show(type_, value))


def told(fields: Iterable[Field], cube: Cube) -> list[str]:
    """A cube as facts that hold together: ``worker 0 at seen.get (line 103)``, ``not order 0 in placed``."""
    facts = []
    first = 0
    for field in fields:
        bits = {
            bit: (first + bit + 1) in cube
            for bit in range(field.width)
            if first + bit + 1 in cube or -(first + bit + 1) in cube
        }
        first += field.width
        if bits:
            facts.append(_fact(field, bits))
    return facts


def _fact(field: Field, bits: dict[int, bool]) -> str:
    if field.bounds is None:
        return field.name if bits[0] else f"not {field.name}"
    low, high = field.bounds
    if high - low > 256:
        return f"{field.name} with bits {', '.join(f'{bit} {value:d}' for bit, value in bits.items())}"
    every = range(low, high + 1)
    ours = [v for v in every if all(bool(v >> bit & 1) == value for bit, value in bits.items())]
    others = [v for v in every if v not in ours]
    if len(others) < len(ours) and len(others) <= VALUES_TOLD_MAX:
        return f"{field.name}: not {' nor '.join(map(field.shown, others))}"
    return f"{field.name}: {' or '.join(map(field.shown, ours))}"
