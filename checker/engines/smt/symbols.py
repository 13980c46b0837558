"""Symbolic values: what an expression of the IR is while neither the state nor the choices are known.

A bool is a literal of the circuit (an ``int``), None is None, and everything else one of the classes
here. A collection lists what it may contain by canonical value, so that an element is in it where a
literal holds; a FIFO, and whatever else is iterated over, is a list of values with a literal each that
says whether the value is there.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
from checker.engines.smt.errors import Unsupported
from checker.errors import InternalError
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
from checker.ir.values import EMPTY_MAP, FrozenMap, Value, sort_key

#: A value whose cases are told apart may have so many of them at most.
CASES_MAX = 1 << 14
#: A number may be one of so many at most to be told apart one-hot.
HOT_MAX = 256
#: Wider integers than this are not built.
BITS_MAX = 128


@dataclass(frozen=True, slots=True, eq=False)
class Num:
    """An integer, Enum member or index between ``low`` and ``high``, lowest bit first.

    Without sign where ``low`` is not negative, else in two's complement; as many bits as the bounds need.
    Where the number comes from a row that holds it one-hot, ``hot`` has a literal for each value from 0 to
    ``high``; the bits are made of these, and say 0 too where none of them holds: where there is no number.
    """

    bits: tuple[int, ...]
    low: int
    high: int
    hot: tuple[int, ...] | None = None

    def bit(self, position: int) -> int:
        """The bit at a position, however wide the number is made."""
        if position < len(self.bits):
            return self.bits[position]
        return self.bits[-1] if self.low < 0 else FALSE


@dataclass(frozen=True, slots=True, eq=False)
class Rec:
    """A record, or a pair of what is iterated over."""

    fields: tuple[Symbol, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Opt:
    """None, or a value where ``some`` holds; ``value`` may be missing only where ``some`` is FALSE."""

    some: int
    value: Symbol


@dataclass(frozen=True, slots=True, eq=False)
class SetOf:
    """A set: for every value that may be in it, where it is."""

    members: Mapping[Value, int]


@dataclass(frozen=True, slots=True, eq=False)
class BagOf:
    """A bag: the number of copies of every value that may be in it."""

    counts: Mapping[Value, Num]


@dataclass(frozen=True, slots=True, eq=False)
class MapOf:
    """A map: for every key that may be in it, where it is, and its value there."""

    entries: Mapping[Value, tuple[int, Symbol]]


@dataclass(frozen=True, slots=True, eq=False)
class Seq:
    """Values in order, each there where its literal holds; ``packed`` says that there are no gaps."""

    items: tuple[tuple[int, Symbol], ...]
    packed: bool = False


Symbol: TypeAlias = Any


def width_of(low: int, high: int) -> int:
    """The bits of a number within bounds."""
    if low < 0:
        return max((-low - 1).bit_length(), max(high, 0).bit_length()) + 1
    return high.bit_length()


def one_hot(circuit: Circuit, literals: Sequence[int]) -> Num:
    """The number of the one literal that holds, of two at least."""
    width = width_of(0, len(literals) - 1)
    bits = (circuit.any(lit for i, lit in enumerate(literals) if i >> bit & 1) for bit in range(width))
    return Num(tuple(bits), 0, len(literals) - 1, tuple(literals))


def number(value: int) -> Num:
    """A constant."""
    width = width_of(value, value)
    return Num(tuple(TRUE if value >> i & 1 else FALSE for i in range(width)), value, value)


def bounds_of(type_: Type) -> tuple[int, int] | None:
    """The least and greatest code of a type of numbers; None for other types."""
    match type_:
        case IntType(low, high) if low is not None and high is not None:
            return low, high
        case EnumType(_, members):
            return 0, len(members) - 1
        case IndexType(size=size):
            return 0, size - 1
        case _:
            return None


def lifted(type_: Type, value: Value) -> Symbol:
    """A constant of a type."""
    match type_:
        case BoolType():
            return TRUE if value else FALSE
        case NoneType():
            return None
        case OptionType(inner):
            return Opt(FALSE, None) if value is None else Opt(TRUE, lifted(inner, value))
        case RecordType(_, fields):
            return Rec(tuple(lifted(t, v) for (_, t), v in zip(fields, value, strict=True)))
        case SetType():
            return SetOf(dict.fromkeys(value, TRUE))
        case BagType():
            return BagOf({k: number(count) for k, count in value.items()})
        case MapType(_, inner):
            return MapOf({k: (TRUE, lifted(inner, v)) for k, v in value.items()})
        case FifoType(element):
            return Seq(tuple((TRUE, lifted(element, v)) for v in value), packed=True)
        case _:
            return number(int(value))


def placeholder(type_: Type) -> Symbol:
    """Some value of a type, for where none is needed."""
    match type_:
        case NoneType() | OptionType():
            return lifted(type_, None)
        case RecordType(_, fields):
            return Rec(tuple(placeholder(t) for _, t in fields))
        case SetType():
            return SetOf({})
        case BagType() | MapType():
            return lifted(type_, EMPTY_MAP)
        case FifoType():
            return Seq((), packed=True)
        case BoolType():
            return FALSE
        case IntType(low, high):
            return number(low if low is not None else min(high or 0, 0))
        case _:
            return number(0)


def as_option(value: Symbol) -> Opt:
    """A value of ``T | None``, of ``T`` or of None's own type as the first of these."""
    if isinstance(value, Opt):
        return value
    return Opt(FALSE, None) if value is None else Opt(TRUE, value)


class Symbols:
    """What can be asked of symbolic values of any type: equality, choice between two, cases."""

    def __init__(self, circuit: Circuit) -> None:
        self.circuit = circuit

    # Choosing between values

    def choose(self, condition: int, then: Symbol, orelse: Symbol) -> Symbol:
        """``then`` where the condition holds, else ``orelse``; both of one type."""
        if condition == TRUE or then is orelse:
            return then
        if condition == FALSE:
            return orelse
        if isinstance(then, Opt) is not isinstance(orelse, Opt) or then is None or orelse is None:
            then, orelse = as_option(then), as_option(orelse)
        match then, orelse:
            case int(), int():
                return self.circuit.mux(condition, then, orelse)
            case Num(), Num():
                return self._choose_number(condition, then, orelse)
            case Rec(ours), Rec(theirs):
                return Rec(tuple(self.choose(condition, a, b) for a, b in zip(ours, theirs, strict=True)))
            case Opt(), Opt():
                some = self.circuit.mux(condition, then.some, orelse.some)
                if then.some == FALSE or orelse.some == FALSE:
                    # Where it is None its value is not looked at.
                    return Opt(some, orelse.value if then.some == FALSE else then.value)
                return Opt(some, self.choose(condition, then.value, orelse.value))
            case SetOf(ours), SetOf(theirs):
                keys = dict.fromkeys([*ours, *theirs])
                return SetOf(
                    {k: self.circuit.mux(condition, ours.get(k, FALSE), theirs.get(k, FALSE)) for k in keys}
                )
            case BagOf(ours), BagOf(theirs):
                keys, none = dict.fromkeys([*ours, *theirs]), number(0)
                return BagOf(
                    {k: self.choose(condition, ours.get(k, none), theirs.get(k, none)) for k in keys}
                )
            case MapOf(ours), MapOf(theirs):
                return MapOf(self._choose_entries(condition, ours, theirs))
            case Seq(), Seq():
                return self._choose_items(condition, then, orelse)
            case _:
                raise InternalError(f"a choice between {type(then)} and {type(orelse)}")

    def _choose_number(self, condition: int, then: Num, orelse: Num) -> Num:
        low, high = min(then.low, orelse.low), max(then.high, orelse.high)
        bits = (self.circuit.mux(condition, then.bit(i), orelse.bit(i)) for i in range(width_of(low, high)))
        hot = None
        if low >= 0 and (then.hot is not None or orelse.hot is not None) and high < HOT_MAX:
            hot = tuple(
                self.circuit.mux(condition, self.is_value(then, value), self.is_value(orelse, value))
                for value in range(high + 1)
            )
        return Num(tuple(bits), low, high, hot)

    def _choose_entries(
        self,
        condition: int,
        ours: Mapping[Value, tuple[int, Symbol]],
        theirs: Mapping[Value, tuple[int, Symbol]],
    ) -> dict[Value, tuple[int, Symbol]]:
        result = {}
        for key in dict.fromkeys([*ours, *theirs]):
            there, value = ours.get(key, (FALSE, None))
            there_too, other = theirs.get(key, (FALSE, None))
            if there == FALSE or there_too == FALSE:
                kept = other if there == FALSE else value
            else:
                kept = self.choose(condition, value, other)
            result[key] = self.circuit.mux(condition, there, there_too), kept
        return result

    def _choose_items(self, condition: int, then: Seq, orelse: Seq) -> Seq:
        # Position by position: in either case the items that are there are those of one side, in order.
        items = []
        for position in range(max(len(then.items), len(orelse.items))):
            ours = then.items[position] if position < len(then.items) else None
            theirs = orelse.items[position] if position < len(orelse.items) else None
            if ours is None or theirs is None:
                there, value = ours or theirs or (FALSE, None)
                side = condition if theirs is None else condition ^ 1
                items.append((self.circuit.and_(side, there), value))
            else:
                there = self.circuit.mux(condition, ours[0], theirs[0])
                items.append((there, self.choose(condition, ours[1], theirs[1])))
        return Seq(tuple(items), then.packed and orelse.packed)

    def selected(self, alternatives: Sequence[tuple[int, Symbol]]) -> Symbol:
        """The one value whose literal holds, of one at least; where several hold, any of them will do."""
        return self._joined([alternative for alternative in alternatives if alternative[0] != FALSE])

    def _joined(self, alternatives: Sequence[tuple[int, Symbol]]) -> Symbol:
        first = alternatives[0][1]
        if all(value is first for _, value in alternatives):
            return first
        if isinstance(first, int):
            return self.circuit.any(self.circuit.and_(there, value) for there, value in alternatives)
        if isinstance(first, Num):
            low = min(value.low for _, value in alternatives)
            high = max(value.high for _, value in alternatives)
            bits = (
                self.circuit.any(self.circuit.and_(there, value.bit(i)) for there, value in alternatives)
                for i in range(width_of(low, high))
            )
            hot = None
            if low >= 0 and any(value.hot is not None for _, value in alternatives) and high < HOT_MAX:
                hot = tuple(
                    self.circuit.any(
                        self.circuit.and_(there, self.is_value(value, case)) for there, value in alternatives
                    )
                    for case in range(high + 1)
                )
            return Num(tuple(bits), low, high, hot)
        if isinstance(first, Rec):
            columns = range(len(first.fields))
            return Rec(tuple(self._joined([(t, v.fields[i]) for t, v in alternatives]) for i in columns))
        result = first
        for there, value in alternatives[1:]:
            result = self.choose(there, value, result)
        return result

    def indexed(self, bits: Sequence[int], values: Sequence[Symbol]) -> Symbol:
        """The value at the position that bits hold, lowest first; beyond the last value, that one."""
        if not bits or len(values) == 1:
            return values[0]
        half = 1 << (len(bits) - 1)
        low = self.indexed(bits[:-1], values[:half])
        if len(values) <= half:
            return low
        return self.choose(bits[-1], self.indexed(bits[:-1], values[half:]), low)

    # Comparing

    def equal(self, a: Symbol, b: Symbol) -> int:
        """Where two values of one type are equal."""
        circuit = self.circuit
        if a is b:
            return TRUE
        if isinstance(a, Opt) is not isinstance(b, Opt) or a is None or b is None:
            a, b = as_option(a), as_option(b)
        match a, b:
            case int(), int():
                return circuit.equal(a, b)
            case Num(), Num():
                if a.high < b.low or b.high < a.low:
                    return FALSE
                if (a.hot is not None or b.hot is not None) and a.low >= 0 and b.low >= 0:
                    return self._equal_hot(a, b)
                width = width_of(min(a.low, b.low), max(a.high, b.high))
                return circuit.all(circuit.equal(a.bit(i), b.bit(i)) for i in range(width))
            case Rec(ours), Rec(theirs):
                return circuit.all(self.equal(x, y) for x, y in zip(ours, theirs, strict=True))
            case Opt(), Opt():
                same = circuit.equal(a.some, b.some)
                if a.some == FALSE or b.some == FALSE:
                    return same
                return circuit.and_(same, circuit.implies(a.some, self.equal(a.value, b.value)))
            case SetOf(ours), SetOf(theirs):
                keys = dict.fromkeys([*ours, *theirs])
                return circuit.all(circuit.equal(ours.get(k, FALSE), theirs.get(k, FALSE)) for k in keys)
            case BagOf(ours), BagOf(theirs):
                keys, none = dict.fromkeys([*ours, *theirs]), number(0)
                return circuit.all(self.equal(ours.get(k, none), theirs.get(k, none)) for k in keys)
            case MapOf(ours), MapOf(theirs):
                return circuit.all(self._equal_entries(ours, theirs))
            case Seq(), Seq():
                return self._equal_items(self.packed(a), self.packed(b))
            case _:
                raise InternalError(f"a comparison of {type(a)} and {type(b)}")

    def is_value(self, value: Num, case: int) -> int:
        """Where a number without sign is a constant."""
        if not value.low <= case <= value.high:
            return FALSE
        if value.hot is not None:
            return value.hot[case]
        return self.circuit.all(value.bit(i) ^ (not case >> i & 1) for i in range(len(value.bits)))

    def _equal_hot(self, a: Num, b: Num) -> int:
        cases = range(max(a.low, b.low), min(a.high, b.high) + 1)
        return self.circuit.any(
            self.circuit.and_(self.is_value(a, case), self.is_value(b, case)) for case in cases
        )

    def _equal_entries(
        self, ours: Mapping[Value, tuple[int, Symbol]], theirs: Mapping[Value, tuple[int, Symbol]]
    ) -> Iterator[int]:
        for key in dict.fromkeys([*ours, *theirs]):
            there, value = ours.get(key, (FALSE, None))
            there_too, other = theirs.get(key, (FALSE, None))
            yield self.circuit.equal(there, there_too)
            if there != FALSE and there_too != FALSE:
                yield self.circuit.implies(there, self.equal(value, other))

    def _equal_items(self, a: Seq, b: Seq) -> int:
        same = []
        for position in range(max(len(a.items), len(b.items))):
            there, value = a.items[position] if position < len(a.items) else (FALSE, None)
            there_too, other = b.items[position] if position < len(b.items) else (FALSE, None)
            same.append(self.circuit.equal(there, there_too))
            if there != FALSE and there_too != FALSE:
                same.append(self.circuit.implies(there, self.equal(value, other)))
        return self.circuit.all(same)

    # Cases

    def cases(self, value: Symbol) -> dict[Value, int]:
        """The canonical values that a symbolic one may have, and where it has each: exactly one holds.

        Raises Unsupported for more than ``CASES_MAX``.
        """
        match value:
            case None:
                return {None: TRUE}
            case int():
                return {v: lit for v, lit in ((False, value ^ 1), (True, value)) if lit != FALSE}
            case Num():
                return self._number_cases(value)
            case Opt(some, inner):
                found = {None: some ^ 1} if some != TRUE else {}
                if some != FALSE:
                    found |= {v: self.circuit.and_(some, lit) for v, lit in self.cases(inner).items()}
                return {v: lit for v, lit in found.items() if lit != FALSE}
            case Rec(fields):
                rows: dict[tuple[Value, ...], int] = {(): TRUE}
                for field in fields:
                    column = self.cases(field)
                    if len(rows) * len(column) > CASES_MAX:
                        raise Unsupported(f"a value with more than {CASES_MAX:,} cases")
                    rows = {
                        (*row, v): both
                        for row, there in rows.items()
                        for v, lit in column.items()
                        if (both := self.circuit.and_(there, lit)) != FALSE
                    }
                return rows
            case _:
                return {_constant(value): TRUE}

    def _number_cases(self, value: Num) -> dict[Value, int]:
        if value.high - value.low >= CASES_MAX:
            raise Unsupported(f"a number with more than {CASES_MAX:,} values")
        if value.hot is not None:
            hot = enumerate(value.hot)
            return {case: lit for case, lit in hot if lit != FALSE and value.low <= case}
        width = len(value.bits)
        rows = {0: TRUE}
        # Bit by bit, so that numbers share what their highest bits have in common.
        for position in reversed(range(width)):
            bit = value.bits[position]
            sign = -1 if value.low < 0 and position == width - 1 else 1
            grown = {}
            for row, there in rows.items():
                for addend, lit in ((0, bit ^ 1), (sign << position, bit)):
                    both = self.circuit.and_(there, lit)
                    if both != FALSE:
                        grown[row + addend] = both
            rows = grown
        return {v: lit for v, lit in sorted(rows.items()) if value.low <= v <= value.high}

    # Sequences

    def packed(self, seq: Seq) -> Seq:
        """The same items without gaps: the first ``n`` positions are there."""
        if seq.packed:
            return seq
        result = Seq((), packed=True)
        for there, value in seq.items:
            if there != FALSE:
                result = self._choose_items(there, self.appended(result, value), result)
        return result

    def appended(self, seq: Seq, value: Symbol) -> Seq:
        """With one more item at the end."""
        if not seq.packed:
            return Seq((*seq.items, (TRUE, value)))
        items = []
        before = TRUE
        for there, item in (*seq.items, (FALSE, value)):
            items.append((before, self.choose(there, item, value)))
            before = there
        return Seq(tuple(item for item in items if item[0] != FALSE), packed=True)


def _constant(value: Symbol) -> Value:
    """The canonical value of a collection without unknowns. Raises Unsupported for any other."""
    match value:
        case SetOf(members) if all(lit <= TRUE for lit in members.values()):
            return frozenset(k for k, lit in members.items() if lit)
        case BagOf(counts) if all(n.low == n.high for n in counts.values()):
            return FrozenMap({k: n.low for k, n in counts.items() if n.low})
        case _:
            raise Unsupported("a collection as an element of another")


def in_order(type_: Type, keys: Iterable[Value]) -> list[Value]:
    """Keys in the order in which models iterate over values of their type."""
    return sorted(keys, key=lambda key: sort_key(type_, key))
