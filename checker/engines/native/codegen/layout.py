"""The bit-packed layout of states: where every variable, process and budget lies, and how it is coded.

A *scalar* (bool, int, Enum, index, option or record of those) is coded by its position in its type's
domain, densely, in the domain's order. A collection is an array over the domain of its elements: a bit
each for a set, a count for a bag, absent or 1 + code for a map; a FIFO is its length and its slots. No
value has two codes and unused bits are 0, so that equal states are equal words.
"""

from __future__ import annotations

from dataclasses import dataclass

from checker.errors import QuackcheckError
from checker.ir.assigned import assigned_at_labels
from checker.ir.program import Label, Process, Program
from checker.ir.types import (
    BagType,
    BoolType,
    EnumType,
    FifoType,
    IndexType,
    IntType,
    MapType,
    NoneType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value
from checker.semantics.state import UNASSIGNED, ProcessState, State

#: A type with more values than this cannot be coded, or be the elements of a collection.
DOMAIN_MAX = 1 << 20
WORDS_MAX = 64


class Unsupported(QuackcheckError):
    """The native engine cannot take this program; the explicit engine can."""


def cardinality(type_: Type) -> int:
    """How many values a scalar type has. Raises Unsupported for collections and open or huge ranges."""
    match type_:
        case BoolType():
            return 2
        case NoneType():
            return 1
        case IntType(low, high) if low is not None and high is not None:
            size = high - low + 1
        case EnumType(_, members):
            size = len(members)
        case IndexType(size=size):
            pass
        case OptionType(inner):
            size = 1 + cardinality(inner)
        case RecordType(_, fields):
            size = 1
            for _, field_type in fields:
                size *= cardinality(field_type)
        case _:
            raise Unsupported(f"values of {type_} have no fixed number")
    if size > DOMAIN_MAX:
        raise Unsupported(f"{type_} has {size:,} values, more than {DOMAIN_MAX:,}")
    return size


def bits_for(count: int) -> int:
    """The bits that tell ``count`` values apart; 0 for one value."""
    return (count - 1).bit_length()


def is_scalar(type_: Type) -> bool:
    """Whether values are coded as one number."""
    return not isinstance(type_, SetType | BagType | FifoType | MapType)


def code(type_: Type, value: Value) -> int:
    """The position of a scalar value in its domain."""
    match type_:
        case IntType(low):
            return int(value) - (low or 0)
        case OptionType(inner):
            return 0 if value is None else 1 + code(inner, value)
        case RecordType(_, fields):
            result = 0
            for (_, field_type), part in zip(fields, value, strict=True):
                result = result * cardinality(field_type) + code(field_type, part)
            return result
        case NoneType():
            return 0
        case _:
            return int(value)


def value_of(type_: Type, number: int) -> Value:
    """The scalar value at a position of its domain."""
    match type_:
        case IntType(low):
            return number + (low or 0)
        case BoolType():
            return bool(number)
        case OptionType(inner):
            return None if number == 0 else value_of(inner, number - 1)
        case RecordType(_, fields):
            parts = []
            for _, field_type in reversed(fields):
                number, part = divmod(number, cardinality(field_type))
                parts.append(value_of(field_type, part))
            return tuple(reversed(parts))
        case NoneType():
            return None
        case _:
            return number


@dataclass(frozen=True, slots=True)
class Capacities:
    """What bounds have no bound in the model: copies of one element in a bag, length of a FIFO.

    Reaching one is no error of the model: the engine starts again with twice as much.
    """

    bag_count_max: int = 3
    fifo_length_max: int = 4

    def doubled(self) -> Capacities:
        """The next larger capacities."""
        return Capacities(2 * self.bag_count_max + 1, 2 * self.fifo_length_max)


def width(type_: Type, capacities: Capacities) -> int:
    """The bits of a value of the type."""
    match type_:
        case SetType(element):
            return cardinality(element)
        case BagType(element):
            return cardinality(element) * bits_for(capacities.bag_count_max + 1)
        case FifoType(element):
            slots = capacities.fifo_length_max
            return bits_for(slots + 1) + slots * width(element, capacities)
        case MapType(key, value):
            return cardinality(key) * entry_width(value, capacities)
        case _:
            return bits_for(cardinality(type_))


def entry_width(type_: Type, capacities: Capacities) -> int:
    """The bits of a map's entry: a scalar's code plus one for absence, or a presence bit and a collection."""
    if is_scalar(type_):
        return bits_for(cardinality(type_) + 1)
    return 1 + width(type_, capacities)


def pack(type_: Type, value: Value, capacities: Capacities) -> int:
    """A value as a number of ``width`` bits."""
    result = 0
    match type_:
        case SetType(element):
            for part in value:
                result |= 1 << code(element, part)
        case BagType(element):
            bits = bits_for(capacities.bag_count_max + 1)
            for part, count in value.items():
                result |= count << (bits * code(element, part))
        case FifoType(element):
            result = len(value)
            offset = bits_for(capacities.fifo_length_max + 1)
            for part in value:
                result |= pack(element, part, capacities) << offset
                offset += width(element, capacities)
        case MapType(key, inner):
            stride = entry_width(inner, capacities)
            for k, v in value.items():
                entry = (1 + code(inner, v)) if is_scalar(inner) else (1 | pack(inner, v, capacities) << 1)
                result |= entry << (stride * code(key, k))
        case _:
            result = code(type_, value)
    return result


def unpack(type_: Type, bits: int, capacities: Capacities) -> Value:
    """The value of a number of ``width`` bits."""
    match type_:
        case SetType(element):
            return frozenset(value_of(element, i) for i in range(cardinality(element)) if bits >> i & 1)
        case BagType(element):
            each = bits_for(capacities.bag_count_max + 1)
            counts = {i: bits >> (each * i) & ((1 << each) - 1) for i in range(cardinality(element))}
            return FrozenMap({value_of(element, i): count for i, count in counts.items() if count})
        case FifoType(element):
            head = bits_for(capacities.fifo_length_max + 1)
            each = width(element, capacities)
            slots = (bits >> (head + each * i) & ((1 << each) - 1) for i in range(bits & ((1 << head) - 1)))
            return tuple(unpack(element, slot, capacities) for slot in slots)
        case MapType(key, inner):
            stride = entry_width(inner, capacities)
            found = {}
            for i in range(cardinality(key)):
                entry = bits >> (stride * i) & ((1 << stride) - 1)
                if entry and is_scalar(inner):
                    found[value_of(key, i)] = value_of(inner, entry - 1)
                elif entry:
                    found[value_of(key, i)] = unpack(inner, entry >> 1, capacities)
            return FrozenMap(found)
        case _:
            return value_of(type_, bits)


@dataclass(frozen=True, slots=True)
class Slot:
    """A place in the state: first bit and number of bits."""

    offset: int
    width: int


@dataclass(frozen=True, slots=True)
class LocalSlot:
    """A live local at a label, relative to its process; ``is_optional`` codes "not yet assigned" as 0."""

    name: str
    type: Type
    slot: Slot
    is_optional: bool


@dataclass(frozen=True, slots=True)
class ProcessLayout:
    """One instance of a process takes ``width`` bits from ``offset`` on, the others follow."""

    process: Process
    offset: int
    width: int
    label: Slot
    attempt: Slot
    applied: Slot
    locals: tuple[tuple[LocalSlot, ...], ...]

    def start(self, instance_in_process: int) -> int:
        """The first bit of an instance."""
        return self.offset + instance_in_process * self.width


class Layout:
    """The layout of a program's states."""

    def __init__(self, program: Program, capacities: Capacities | None = None) -> None:
        self.program = program
        self.capacities = capacities or Capacities()
        self.variables: dict[str, Slot] = {}
        self.processes: list[ProcessLayout] = []
        self.budgets: list[Slot] = []
        self._bits = 0
        for variable in program.variables:
            self.variables[variable.name] = self._place(width(variable.type, self.capacities))
        for process in program.processes:
            self.processes.append(self._process(process))
        for amount in program.budgets.amounts:
            self.budgets.append(self._place(bits_for(amount + 1)))
        self.bits = self._bits
        self.words = max(1, -(-self._bits // 64))
        if self.words > WORDS_MAX:
            raise Unsupported(f"a state takes {self._bits:,} bits, more than {64 * WORDS_MAX:,}")

    def _place(self, bits: int) -> Slot:
        """The next free place; one of at most 64 bits does not begin in a word that it cannot end in."""
        if 0 < bits <= 64 and self._bits % 64 + bits > 64:
            self._bits += -self._bits % 64
        slot = Slot(self._bits, bits)
        self._bits += bits
        return slot

    def _process(self, process: Process) -> ProcessLayout:
        attempts = self.program.budgets.max_attempts if self._has_retries else 1
        label = Slot(0, bits_for(len(process.labels)))
        attempt = Slot(label.width, bits_for(attempts))
        once = any(label.call.applied_once for label in process.labels)
        applied = Slot(attempt.offset + attempt.width, 1 if once and attempts > 1 else 0)
        head = applied.offset + applied.width
        assigned = assigned_at_labels(process)
        places = [self._locals(process, label_, head, assigned[label_.id]) for label_ in process.labels]
        last = max([head, *(part.slot.offset + part.slot.width for place in places for part in place)])
        offset = self._bits
        if last <= 64:
            # Instances begin where none of them crosses a word, so that each is read with one load.
            last = next((w for w in (1, 2, 4, 8, 16, 32, 64) if w >= last), last) if self._bits else last
            offset += -self._bits % last if last else 0
        self._bits = offset + last * process.instances
        return ProcessLayout(process, offset, last, label, attempt, applied, tuple(places))

    @property
    def _has_retries(self) -> bool:
        budgets = self.program.budgets
        return budgets.fail > 0 or budgets.ambiguous > 0

    def _locals(
        self, process: Process, label: Label, head: int, assigned: frozenset[str]
    ) -> tuple[LocalSlot, ...]:
        places = []
        offset = head
        for name in label.live:
            type_ = process.locals[name]
            optional = name not in assigned
            bits = entry_width(type_, self.capacities) if optional else width(type_, self.capacities)
            places.append(LocalSlot(name, type_, Slot(offset, bits), optional))
            offset += bits
        return tuple(places)

    def encode(self, state: State) -> tuple[int, ...]:
        """A state as words, the first holding the lowest bits."""
        bits = 0
        for variable, value in zip(self.program.variables, state.variables, strict=True):
            bits |= pack(variable.type, value, self.capacities) << self.variables[variable.name].offset
        for layout in self.processes:
            for index in range(layout.process.instances):
                waiting = state.processes[layout.process.first_instance + index]
                bits |= self._encode_process(layout, waiting) << layout.start(index)
        for slot, left in zip(self.budgets, state.budgets, strict=True):
            bits |= left << slot.offset
        return tuple(bits >> (64 * word) & (2**64 - 1) for word in range(self.words))

    def _encode_process(self, layout: ProcessLayout, waiting: ProcessState) -> int:
        bits = waiting.label | waiting.attempt << layout.attempt.offset
        bits |= int(waiting.applied) << layout.applied.offset
        for place, value in zip(layout.locals[waiting.label], waiting.locals, strict=True):
            if value is UNASSIGNED:
                continue
            packed = pack(place.type, value, self.capacities)
            if place.is_optional:
                packed = packed + 1 if is_scalar(place.type) else packed << 1 | 1
            bits |= packed << place.slot.offset
        return bits

    def decode(self, words: tuple[int, ...]) -> State:
        """The state that words hold."""
        bits = sum(word << (64 * position) for position, word in enumerate(words))

        def read(slot: Slot, base: int = 0) -> int:
            return bits >> (base + slot.offset) & ((1 << slot.width) - 1)

        variables = tuple(
            unpack(variable.type, read(self.variables[variable.name]), self.capacities)
            for variable in self.program.variables
        )
        processes = []
        for layout in self.processes:
            for index in range(layout.process.instances):
                base = layout.start(index)
                label = read(layout.label, base)
                values = [self._decode_local(place, read(place.slot, base)) for place in layout.locals[label]]
                attempt, applied = read(layout.attempt, base), bool(read(layout.applied, base))
                processes.append(ProcessState(label, attempt, applied, tuple(values)))
        return State(variables, tuple(processes), tuple(read(slot) for slot in self.budgets))

    def _decode_local(self, place: LocalSlot, bits: int) -> Value:
        if not place.is_optional:
            return unpack(place.type, bits, self.capacities)
        if bits == 0:
            return UNASSIGNED
        return unpack(place.type, bits - 1 if is_scalar(place.type) else bits >> 1, self.capacities)
