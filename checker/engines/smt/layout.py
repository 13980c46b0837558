"""States as rows of bits: which bits a type takes, symbolic values from bits and back, decoding.

Numbers are binary; members of sets that may be renamed have a bit for each member, so that renaming
permutes the bits of a row (``atoms.py``). Records lie field by field, an option is a bit and its value, a
set a bit for every possible element, a bag a count for each, a map a bit and a value for each key, a FIFO its
slots. Bits that mean nothing (the value of an absent entry) are 0, so that equal states are equal rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import combinations, pairwise
from typing import TypeAlias

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.numbers import Numbers
from checker.engines.smt.symbols import (
    CASES_MAX,
    BagOf,
    MapOf,
    Num,
    Opt,
    Rec,
    Seq,
    SetOf,
    Symbol,
    Symbols,
    bounds_of,
    lifted,
    one_hot,
    width_of,
)
from checker.engines.smt.symbols import number as constant
from checker.ir.program import Process, Program
from checker.ir.types import (
    PROCESS_SET_NAME,
    BagType,
    BoolType,
    FifoType,
    IndexType,
    MapType,
    NoneType,
    OptionType,
    PairsType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value, domain
from checker.semantics.state import UNASSIGNED, ProcessState, State

STATE_BITS_MAX = 1 << 16


@dataclass(frozen=True, slots=True)
class Capacities:
    """What has no bound in the model: copies of one element in a bag, length of a FIFO.

    A step beyond them is a bad state of its own; where one is found the encoding grows.
    """

    bag_count_max: int = 3
    fifo_length_max: int = 4

    def doubled(self) -> Capacities:
        """The next larger capacities."""
        return Capacities(2 * self.bag_count_max + 1, 2 * self.fifo_length_max)


@dataclass(frozen=True, slots=True)
class Abstraction:
    """What an encoding leaves open, so that it has all steps of the model and some more.

    What is never reached in it is never reached in the model; a run of it may be none of the model.

    ``elsewhere`` names index sets of which members may have been left out, which values may name still
    (``checker.semantics.restriction``). Where ``bags_saturate``, a bag that holds as many copies as its
    capacity may hold more. Where ``faults_are_endless``, no fault spends its budget.
    """

    elsewhere: frozenset[str] = frozenset()
    bags_saturate: bool = False
    faults_are_endless: bool = False


EXACT = Abstraction()


def keys_of(type_: Type) -> list[Value]:
    """Every value of the type of elements or keys, in order. Raises Unsupported for too many."""
    values = domain(type_)
    if values is None:
        raise Unsupported(f"values of {type_} cannot be enumerated")
    if len(values) > CASES_MAX:
        raise Unsupported(f"{type_} has {len(values):,} values, more than {CASES_MAX:,}")
    return values


class Packing:
    """Values of types as bits; those of the named index sets are one-hot."""

    def __init__(
        self,
        symbols: Symbols,
        capacities: Capacities,
        one_hot_sets: frozenset[str],
        elsewhere: frozenset[str],
        bags_saturate: bool,
    ) -> None:
        self.symbols = symbols
        self.circuit: Circuit = symbols.circuit
        self.capacities = capacities
        self._one_hot_sets = one_hot_sets
        self._elsewhere = elsewhere
        self._bags_saturate = bags_saturate

    def members(self, type_: Type) -> int | None:
        """How many members a type has whose values are one-hot; None for every other type.

        Where values may be elsewhere, that counts as a member.
        """
        if not isinstance(type_, IndexType) or type_.name not in self._one_hot_sets:
            return None
        members = type_.size + (type_.name in self._elsewhere)
        return members if members > 1 else None

    def width(self, type_: Type) -> int:
        """How many bits a value of the type takes."""
        match type_:
            case BoolType():
                return 1
            case NoneType():
                return 0
            case OptionType(inner):
                return 1 + self.width(inner)
            case RecordType(_, fields):
                return sum(self.width(t) for _, t in fields)
            case SetType(element):
                return len(keys_of(element))
            case BagType(element):
                return len(keys_of(element)) * width_of(0, self.capacities.bag_count_max)
            case MapType(key, inner):
                return len(keys_of(key)) * (1 + self.width(inner))
            case FifoType(element):
                return self.capacities.fifo_length_max * (1 + self.width(element))
            case _:
                return self.members(type_) or width_of(*self._bounds(type_))

    def bounds_of(self, type_: Type) -> tuple[int, int] | None:
        """The least and greatest code of a type of numbers, elsewhere included; None for other types."""
        if isinstance(type_, IndexType) and type_.name in self._elsewhere:
            return 0, type_.size
        return bounds_of(type_)

    def _bounds(self, type_: Type) -> tuple[int, int]:
        bounds = self.bounds_of(type_)
        if bounds is None:
            raise Unsupported(f"a state that holds a value of {type_}")
        return bounds

    def names_elsewhere(self, type_: Type, value: Symbol) -> int:
        """Where a value names a member that is none, outside of collections."""
        match type_:
            case IndexType(name, size) if name in self._elsewhere:
                return self.symbols.equal(value, constant(size)) if value.high >= size else FALSE
            case OptionType(inner) if isinstance(value, Opt) and value.some != FALSE:
                return self.circuit.and_(value.some, self.names_elsewhere(inner, value.value))
            case RecordType(_, fields):
                parts = zip(fields, value.fields, strict=True)
                return self.circuit.any(self.names_elsewhere(t, part) for (_, t), part in parts)
            case PairsType(first, second):
                one, other = value.fields
                return self.circuit.or_(self.names_elsewhere(first, one), self.names_elsewhere(second, other))
            case _:
                return FALSE

    def symbol(self, type_: Type, bits: Iterator[int]) -> Symbol:
        """The value that the next bits of a row hold."""
        match type_:
            case BoolType():
                return next(bits)
            case NoneType():
                return None
            case OptionType(inner):
                return Opt(next(bits), self.symbol(inner, bits))
            case RecordType(_, fields):
                return Rec(tuple(self.symbol(t, bits) for _, t in fields))
            case SetType(element):
                return SetOf({key: next(bits) for key in keys_of(element)})
            case BagType(element):
                most = self.capacities.bag_count_max
                return BagOf({key: self.number(0, most, bits) for key in keys_of(element)})
            case MapType(key_type, inner):
                return MapOf({key: (next(bits), self.symbol(inner, bits)) for key in keys_of(key_type)})
            case FifoType(element):
                slots = range(self.capacities.fifo_length_max)
                return Seq(tuple((next(bits), self.symbol(element, bits)) for _ in slots), packed=True)
            case _:
                members = self.members(type_)
                if members is not None:
                    return one_hot(self.circuit, [next(bits) for _ in range(members)])
                return self.number(*self._bounds(type_), bits)

    def number(self, low: int, high: int, bits: Iterator[int]) -> Num:
        """The number within bounds that the next bits hold."""
        return Num(tuple(next(bits) for _ in range(width_of(low, high))), low, high)

    def in_bounds(self, value: Num) -> list[int]:
        """Literals that hold where a number lies within its bounds; just one bit of a one-hot one holds."""
        if value.hot is not None:
            apart = [self.circuit.and_(a, b) ^ 1 for a, b in combinations(value.hot, 2)]
            return [self.circuit.any(value.hot), *apart]
        width = len(value.bits)
        low, high = (-(1 << width - 1), (1 << width - 1) - 1) if value.low < 0 else (0, (1 << width) - 1)
        free = Num(value.bits, low, high)
        numbers = Numbers(self.symbols)
        return [numbers.at_most(constant(value.low), free), numbers.at_most(free, constant(value.high))]

    def well_formed(self, type_: Type, value: Symbol) -> list[int]:
        """Literals that hold where the numbers inside a value of the type lie within their bounds."""
        match type_:
            case OptionType(inner):
                some = value.some
                return [self.circuit.implies(some, lit) for lit in self.well_formed(inner, value.value)]
            case RecordType(_, fields):
                parts = zip(fields, value.fields, strict=True)
                return [lit for (_, t), part in parts for lit in self.well_formed(t, part)]
            case BagType():
                return [lit for count in value.counts.values() for lit in self.in_bounds(count)]
            case MapType(_, inner):
                entries = value.entries.values()
                return [
                    self.circuit.implies(there, lit)
                    for there, entry in entries
                    for lit in self.well_formed(inner, entry)
                ]
            case FifoType(element):
                items = value.items
                order = [self.circuit.implies(b, a) for (a, _), (b, _) in pairwise(items)]
                within = [
                    self.circuit.implies(there, lit)
                    for there, item in items
                    for lit in self.well_formed(element, item)
                ]
                return order + within
            case _:
                return self.in_bounds(value) if isinstance(value, Num) else []

    def bits(self, type_: Type, value: Symbol, there: int, beyond: list[int]) -> list[int]:
        """The bits of a value that fits its type, all 0 where ``there`` does not hold.

        Where a capacity is exceeded, a literal that says so is put on ``beyond``.
        """
        circuit = self.circuit
        match type_:
            case BoolType():
                return [circuit.and_(there, value)]
            case NoneType():
                return []
            case OptionType(inner):
                some = circuit.and_(there, value.some)
                if some == FALSE:
                    return [FALSE] * self.width(type_)
                return [some, *self.bits(inner, value.value, some, beyond)]
            case RecordType(_, fields):
                parts = zip(fields, value.fields, strict=True)
                return [bit for (_, t), part in parts for bit in self.bits(t, part, there, beyond)]
            case SetType(element):
                return [circuit.and_(there, value.members.get(key, FALSE)) for key in keys_of(element)]
            case BagType(element):
                return self._bag_bits(element, value, there, beyond)
            case MapType(key_type, inner):
                found = []
                for key in keys_of(key_type):
                    present, entry = value.entries.get(key, (FALSE, None))
                    present = circuit.and_(there, present)
                    found.append(present)
                    if present == FALSE:
                        found += [FALSE] * self.width(inner)
                    else:
                        found += self.bits(inner, entry, present, beyond)
                return found
            case FifoType(element):
                return self._fifo_bits(element, value, there, beyond)
            case _:
                members = self.members(type_)
                if members is not None:
                    return [circuit.and_(there, self.symbols.is_value(value, i)) for i in range(members)]
                width = width_of(*self._bounds(type_))
                return [circuit.and_(there, value.bit(i)) for i in range(width)]

    def _bag_bits(self, element: Type, value: BagOf, there: int, beyond: list[int]) -> list[int]:
        width = width_of(0, self.capacities.bag_count_max)
        found = []
        for key in keys_of(element):
            count = value.counts.get(key, constant(0))
            if self._bags_saturate:
                count = Numbers(self.symbols).least(count, constant(self.capacities.bag_count_max))
            beyond += [self.circuit.and_(there, bit) for bit in count.bits[width:] if bit != FALSE]
            found += [self.circuit.and_(there, count.bit(i)) for i in range(width)]
        return found

    def _fifo_bits(self, element: Type, value: Seq, there: int, beyond: list[int]) -> list[int]:
        items = self.symbols.packed(value).items
        slots = self.capacities.fifo_length_max
        found = []
        for position in range(slots):
            present, item = items[position] if position < len(items) else (FALSE, None)
            present = self.circuit.and_(there, present)
            found.append(present)
            if present == FALSE:
                found += [FALSE] * self.width(element)
            else:
                found += self.bits(element, item, present, beyond)
        if len(items) > slots:
            beyond.append(self.circuit.and_(there, items[slots][0]))
        return found

    def decoded(self, type_: Type, bits: Iterator[bool]) -> Value:
        """The canonical value of the next bits."""
        match type_:
            case BoolType():
                return next(bits)
            case NoneType():
                return None
            case OptionType(inner):
                some, value = next(bits), self.decoded(inner, bits)
                return value if some else None
            case RecordType(_, fields):
                return tuple(self.decoded(t, bits) for _, t in fields)
            case SetType(element):
                return frozenset([key for key in keys_of(element) if next(bits)])
            case BagType(element):
                most = self.capacities.bag_count_max
                counts = [(key, self.decoded_number(0, most, bits)) for key in keys_of(element)]
                return FrozenMap({key: count for key, count in counts if count})
            case MapType(key_type, inner):
                entries = [(key, next(bits), self.decoded(inner, bits)) for key in keys_of(key_type)]
                return FrozenMap({key: value for key, present, value in entries if present})
            case FifoType(element):
                slots = range(self.capacities.fifo_length_max)
                items = [(next(bits), self.decoded(element, bits)) for _ in slots]
                return tuple(item for present, item in items if present)
            case _:
                members = self.members(type_)
                if members is not None:
                    # Where there is no value, none of the bits holds; what stands there is not looked at.
                    row = [next(bits) for _ in range(members)]
                    return row.index(True) if True in row else 0
                return self.decoded_number(*self._bounds(type_), bits)

    def decoded_number(self, low: int, high: int, bits: Iterator[bool]) -> int:
        """The number within bounds of the next bits."""
        width = width_of(low, high)
        value = sum(int(next(bits)) << i for i in range(width))
        return value - (1 << width) if low < 0 and value >> (width - 1) else value


@dataclass(frozen=True, slots=True)
class LocalPlace:
    """A local that some label keeps; ``marked`` ones have a bit that says whether they have a value."""

    name: str
    type: Type
    marked: bool


@dataclass(frozen=True, slots=True)
class ProcessSymbols:
    """Where one process instance waits; a local is a literal that says whether it has a value, and that."""

    label: Num
    attempt: Num
    applied: int
    locals: Mapping[str, tuple[int, Symbol]]


@dataclass(frozen=True, slots=True)
class StateSymbols:
    """A symbolic state: variables by name, process instances, and what is left of every budget."""

    variables: Mapping[str, Symbol]
    processes: tuple[ProcessSymbols, ...]
    budgets: tuple[Num, ...]


#: A process, a label and a local that is live there but does not have a value on every way to it.
Unsure: TypeAlias = tuple[str, int, str]


class Layout:
    """The rows of a program's states. Members of the sets named by ``one_hot`` have a bit each in them."""

    def __init__(
        self,
        program: Program,
        symbols: Symbols,
        capacities: Capacities,
        unsure: frozenset[Unsure],
        one_hot: frozenset[str] = frozenset(),
        abstraction: Abstraction = EXACT,
    ) -> None:
        self.program = program
        self.unsure = unsure
        self.one_hot = one_hot
        owners = frozenset({process.index.name for process in program.processes if process.index is not None})
        self.abstraction = abstraction
        self.packing = Packing(
            symbols,
            capacities,
            _with_process(one_hot, owners),
            _with_process(abstraction.elsewhere, owners),
            abstraction.bags_saturate,
        )
        self.places = {process.name: _places(process, unsure) for process in program.processes}
        self._once = any(label.call.applied_once for p in program.processes for label in p.labels)
        budgets = program.budgets
        self.attempts_max = budgets.max_attempts if budgets.fail or budgets.ambiguous else 1
        self.has_applied = self._once and self.attempts_max > 1
        self.bits = self._width()
        if self.bits > STATE_BITS_MAX:
            raise Unsupported(f"a state takes {self.bits:,} bits, more than {STATE_BITS_MAX:,}")

    def _width(self) -> int:
        width = sum(self.packing.width(variable.type) for variable in self.program.variables)
        for process in self.program.processes:
            one = width_of(0, len(process.labels) - 1) + width_of(0, self.attempts_max - 1)
            one += int(self.has_applied)
            one += sum(place.marked + self.packing.width(place.type) for place in self.places[process.name])
            width += one * process.instances
        return width + sum(width_of(0, amount) for amount in self.program.budgets.amounts)

    def over(self, circuit: Circuit) -> Layout:
        """The same layout for another circuit."""
        symbols, capacities = Symbols(circuit), self.packing.capacities
        return Layout(self.program, symbols, capacities, self.unsure, self.one_hot, self.abstraction)

    def symbols(self, row: list[int]) -> StateSymbols:
        """The symbolic state of a row of literals."""
        bits = iter(row)
        packing = self.packing
        variables = {v.name: packing.symbol(v.type, bits) for v in self.program.variables}
        processes = tuple(
            self._process(self.program.process_of(instance)[0], bits)
            for instance in range(self.program.process_count)
        )
        budgets = tuple(packing.number(0, amount, bits) for amount in self.program.budgets.amounts)
        return StateSymbols(variables, processes, budgets)

    def _process(self, process: Process, bits: Iterator[int]) -> ProcessSymbols:
        packing = self.packing
        label = packing.number(0, len(process.labels) - 1, bits)
        attempt = packing.number(0, self.attempts_max - 1, bits)
        applied = next(bits) if self.has_applied else FALSE
        local = {
            place.name: (next(bits) if place.marked else TRUE, packing.symbol(place.type, bits))
            for place in self.places[process.name]
        }
        return ProcessSymbols(label, attempt, applied, local)

    def row(self, state: StateSymbols, beyond: list[int]) -> list[int]:
        """The literals of a symbolic state whose values all fit their types."""
        packing, found = self.packing, list[int]()
        for variable in self.program.variables:
            found += packing.bits(variable.type, state.variables[variable.name], 1, beyond)
        for instance, waiting in enumerate(state.processes):
            process, _ = self.program.process_of(instance)
            found += [waiting.label.bit(i) for i in range(width_of(0, len(process.labels) - 1))]
            found += [waiting.attempt.bit(i) for i in range(width_of(0, self.attempts_max - 1))]
            found += [waiting.applied] * self.has_applied
            for place in self.places[process.name]:
                there, value = waiting.locals.get(place.name, (FALSE, None))
                found += [there] * place.marked
                if there == FALSE:
                    found += [FALSE] * packing.width(place.type)
                else:
                    found += packing.bits(place.type, value, there, beyond)
        for amount, left in zip(self.program.budgets.amounts, state.budgets, strict=True):
            found += [left.bit(i) for i in range(width_of(0, amount))]
        return found

    def well_formed(self, row: list[int]) -> list[int]:
        """Literals that hold in every row of a state: numbers within bounds, 0 where nothing is.

        They follow from how rows are made. A proof, which begins with any row, is told them.
        """
        state = self.symbols(row)
        packing, circuit = self.packing, self.packing.circuit
        found = []
        for variable in self.program.variables:
            found += packing.well_formed(variable.type, state.variables[variable.name])
        for instance, waiting in enumerate(state.processes):
            process, _ = self.program.process_of(instance)
            found += packing.in_bounds(waiting.label) + packing.in_bounds(waiting.attempt)
            for place in self.places[process.name]:
                there, value = waiting.locals[place.name]
                labels = [label for label in process.labels if place.name in label.live]
                kept = circuit.any(
                    packing.symbols.equal(waiting.label, constant(label.id)) for label in labels
                )
                if place.marked:
                    found.append(circuit.implies(there, kept))
                    kept = there
                found += [circuit.implies(bit, kept) for bit in packing.bits(place.type, value, TRUE, [])]
                found += [circuit.implies(kept, lit) for lit in packing.well_formed(place.type, value)]
        for left in state.budgets:
            found += packing.in_bounds(left)
        canonical = self.row(state, [])
        found += [circuit.equal(a, b) for a, b in zip(canonical, row, strict=True)]
        return sorted({literal for literal in found if literal != TRUE})

    def encoded(self, state: State) -> list[bool] | None:
        """The row of a state; None where a capacity is too small for it."""
        processes = []
        for instance, waiting in enumerate(state.processes):
            process, _ = self.program.process_of(instance)
            names = process.labels[waiting.label].live
            kept = {
                name: (TRUE, lifted(process.locals[name], value))
                for name, value in zip(names, waiting.locals, strict=True)
                if value is not UNASSIGNED
            }
            label, attempt = constant(waiting.label), constant(waiting.attempt)
            processes.append(ProcessSymbols(label, attempt, int(waiting.applied), kept))
        pairs = zip(self.program.variables, state.variables, strict=True)
        symbols = StateSymbols(
            {variable.name: lifted(variable.type, value) for variable, value in pairs},
            tuple(processes),
            tuple(constant(left) for left in state.budgets),
        )
        beyond: list[int] = []
        row = self.row(symbols, beyond)
        return None if TRUE in beyond else [bool(literal) for literal in row]

    def decoded(self, row: list[bool]) -> State:
        """The state of a row of bits."""
        bits = iter(row)
        packing = self.packing
        variables = tuple(packing.decoded(v.type, bits) for v in self.program.variables)
        processes = []
        for instance in range(self.program.process_count):
            process, _ = self.program.process_of(instance)
            label = packing.decoded_number(0, len(process.labels) - 1, bits)
            attempt = packing.decoded_number(0, self.attempts_max - 1, bits)
            applied = next(bits) if self.has_applied else False
            local = {
                place.name: (next(bits) if place.marked else True, packing.decoded(place.type, bits))
                for place in self.places[process.name]
            }
            kept = tuple(
                UNASSIGNED
                if (process.name, label, name) in self.unsure and not local[name][0]
                else local[name][1]
                for name in process.labels[label].live
            )
            processes.append(ProcessState(label, attempt, applied, kept))
        amounts = self.program.budgets.amounts
        budgets = tuple(packing.decoded_number(0, amount, bits) for amount in amounts)
        return State(variables, tuple(processes), budgets)


def _with_process(sets: frozenset[str], owners: frozenset[str]) -> frozenset[str]:
    """The sets, and that of the process instances where some belong to members of these."""
    return sets | {PROCESS_SET_NAME} if owners & sets else sets


def _places(process: Process, unsure: frozenset[Unsure]) -> tuple[LocalPlace, ...]:
    kept = dict.fromkeys(name for label in process.labels for name in label.live)
    marked = {name for owner, _, name in unsure if owner == process.name}
    return tuple(LocalPlace(name, process.locals[name], name in marked) for name in kept)
