"""Every operator of the IR on symbolic values; ``checker.semantics.operators`` is the definition."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
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
    in_order,
    lifted,
    number,
    placeholder,
)
from checker.errors import InternalError, ModelErrorKind
from checker.ir.expressions import Apply, Op
from checker.ir.types import BagType, FifoType, MapType, SetType, Type
from checker.ir.values import Value, domain

#: Where an operator fails, and how.
Fail: TypeAlias = Callable[[int, ModelErrorKind], None]


class Operators:
    """Applies operators. Where one fails, the caller is told, and any value of the type is the result."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._circuit: Circuit = symbols.circuit
        self._numbers = Numbers(symbols)

    def apply(self, expr: Apply, args: list[Symbol], fail: Fail) -> Symbol:
        """The value of an operator for evaluated arguments; IS_IDLE and CALLER are not values' business."""
        op = expr.op
        if op in _ARITHMETIC:
            return _ARITHMETIC[op](self._numbers, *args)
        types = [arg.type for arg in expr.args]
        match op:
            case Op.INT_FLOOR_DIV | Op.INT_FLOOR_MOD:
                fail(self._symbols.equal(args[1], number(0)), ModelErrorKind.DIVISION)
                quotient, remainder = self._numbers.floor_divided(*args)
                return quotient if op is Op.INT_FLOOR_DIV else remainder
            case Op.BOOL_TO_INT:
                return Num((args[0],), 0, 1) if args[0] > TRUE else number(args[0])
            case Op.NOT:
                return args[0] ^ 1
            case Op.EQ:
                return self._symbols.equal(*args)
            case Op.NE:
                return self._symbols.equal(*args) ^ 1
            case Op.NEXT:
                return self._numbers.add(args[0], number(1))
            case Op.COPY:
                return args[0]
            case Op.IS_NONE | Op.SOME | Op.UNWRAP | Op.RECORD_GET | Op.RECORD_MAKE:
                return self._shapes(expr, args, fail)
            case Op.CONTAINS:
                return self._contains(args[0], args[1])
            case Op.LENGTH:
                return self.total(self._counts(args[0]))
            case Op.ELEMENTS | Op.DISTINCT:
                return self._elements(types[0], args[0], distinct=op is Op.DISTINCT)
        if op in _OF_SETS:
            return self._of_sets(op, args, fail)
        if op in _OF_BAGS:
            return self._of_bags(op, args, fail)
        if op in _OF_FIFOS:
            return self._of_fifos(expr, args, fail)
        return self._of_maps(expr, types, args, fail)

    def total(self, numbers: list[Num]) -> Num:
        """The sum of numbers, as a balanced tree."""
        row = numbers or [number(0)]
        while len(row) > 1:
            pairs = (row[i : i + 2] for i in range(0, len(row), 2))
            row = [self._numbers.add(*pair) if len(pair) == 2 else pair[0] for pair in pairs]
        return row[0]

    def least(self, a: Num, b: Num) -> Num:
        """The smaller number."""
        return self._numbers.least(a, b)

    def greatest(self, a: Num, b: Num) -> Num:
        """The greater number."""
        return self._numbers.greatest(a, b)

    def _shapes(self, expr: Apply, args: list[Symbol], fail: Fail) -> Symbol:
        match expr.op:
            case Op.IS_NONE:
                return as_option(args[0]).some ^ 1
            case Op.SOME:
                return as_option(args[0])
            case Op.UNWRAP:
                option = as_option(args[0])
                fail(option.some ^ 1, ModelErrorKind.NONE)
                return placeholder(expr.type) if option.some == FALSE else option.value
            case Op.RECORD_GET:
                return args[0].fields[expr.field]
            case _:
                return Rec(tuple(args))

    # Collections

    def _contains(self, element: Symbol, collection: Symbol) -> int:
        circuit = self._circuit
        if isinstance(collection, Seq):
            return circuit.any(
                circuit.and_(there, self._symbols.equal(value, element)) for there, value in collection.items
            )
        cases = self._symbols.cases(element)
        return circuit.any(circuit.and_(lit, self._has(collection, key)) for key, lit in cases.items())

    def _has(self, collection: Symbol, key: Value) -> int:
        match collection:
            case SetOf(members):
                return members.get(key, FALSE)
            case BagOf(counts):
                return self._circuit.any(counts[key].bits) if key in counts else FALSE
            case MapOf(entries):
                return entries[key][0] if key in entries else FALSE
            case _:
                raise InternalError(f"membership in {type(collection)}")

    def _counts(self, collection: Symbol) -> list[Num]:
        match collection:
            case BagOf(counts):
                return list(counts.values())
            case SetOf(members):
                literals = list(members.values())
            case MapOf(entries):
                literals = [there for there, _ in entries.values()]
            case Seq(items):
                literals = [there for there, _ in items]
            case _:
                raise InternalError(f"the length of {type(collection)}")
        return [Num((lit,), 0, 1) if lit > TRUE else number(lit) for lit in literals]

    def _elements(self, type_: Type, collection: Symbol, distinct: bool) -> Seq:
        match type_, collection:
            case (FifoType(), Seq()) if not distinct:
                return collection
            case (FifoType(element), Seq(items)):
                return self._elements(SetType(element), self.set_of(list(items)), distinct)
            case (BagType(element), BagOf(counts)) if not distinct:
                found = []
                for key in in_order(element, counts):
                    count = counts[key]
                    copies = range(count.high)
                    found += [(self._numbers.less(number(n), count), key) for n in copies]
                return self._constants(element, found)
            case ((SetType(element) | BagType(element) | MapType(element, _)), _):
                keys = in_order(element, _keys(collection))
                return self._constants(element, [(self._has(collection, key), key) for key in keys])
            case _:
                raise InternalError(f"the elements of {type_}")

    def _constants(self, element: Type, items: list[tuple[int, Value]]) -> Seq:
        return Seq(tuple((there, lifted(element, key)) for there, key in items if there != FALSE))

    def set_of(self, items: list[tuple[int, Symbol]]) -> SetOf:
        """The set of the values that are there."""
        members: dict[Value, list[int]] = {}
        for there, value in items:
            for key, lit in self._symbols.cases(value).items():
                members.setdefault(key, []).append(self._circuit.and_(there, lit))
        return SetOf({key: self._circuit.any(literals) for key, literals in members.items()})

    def _of_sets(self, op: Op, args: list[Symbol], fail: Fail) -> Symbol:
        circuit = self._circuit
        if op is Op.SET_MAKE:
            return self.set_of([(TRUE, arg) for arg in args])
        members = args[0].members
        if op in (Op.SET_ADD, Op.SET_REMOVE, Op.SET_DISCARD):
            changed = dict(members)
            cases = self._symbols.cases(args[1])
            if op is Op.SET_REMOVE:
                fail(self._contains(args[1], args[0]) ^ 1, ModelErrorKind.MISSING)
            for key, lit in cases.items():
                before = members.get(key, FALSE)
                adds = op is Op.SET_ADD
                changed[key] = circuit.or_(before, lit) if adds else circuit.and_(before, lit ^ 1)
            return SetOf(changed)
        others = args[1].members
        keys = dict.fromkeys([*members, *others])
        pairs = {key: (members.get(key, FALSE), others.get(key, FALSE)) for key in keys}
        match op:
            case Op.SET_UNION:
                return SetOf({key: circuit.or_(a, b) for key, (a, b) in pairs.items()})
            case Op.SET_INTERSECTION:
                return SetOf({key: circuit.and_(a, b) for key, (a, b) in pairs.items()})
            case Op.SET_DIFFERENCE:
                return SetOf({key: circuit.and_(a, b ^ 1) for key, (a, b) in pairs.items()})
            case _:
                return circuit.all(circuit.implies(a, b) for a, b in pairs.values())

    def _of_bags(self, op: Op, args: list[Symbol], fail: Fail) -> Symbol:
        counts, cases, none = args[0].counts, self._symbols.cases(args[1]), number(0)
        if op is Op.BAG_COUNT:
            known = [(lit, counts.get(key, none)) for key, lit in cases.items()]
            return self._symbols.selected(known)
        if op is Op.BAG_REMOVE:
            fail(self._contains(args[1], args[0]) ^ 1, ModelErrorKind.MISSING)
        changed = dict(counts)
        for key, lit in cases.items():
            before = counts.get(key, none)
            if op is Op.BAG_ADD:
                after = self._numbers.add(before, number(1))
            else:
                # One below nothing is nothing: the greatest of 0 and one less.
                after = self._numbers.greatest(number(0), self._numbers.subtract(before, number(1)))
            changed[key] = self._symbols.choose(lit, after, before)
        return BagOf(changed)

    def _of_fifos(self, expr: Apply, args: list[Symbol], fail: Fail) -> Symbol:
        fifo: Seq = args[0]
        if expr.op is Op.FIFO_APPEND:
            return self._symbols.appended(fifo, args[1])
        if expr.op is Op.FIFO_AT:
            return self._at(expr, self._symbols.packed(fifo), args[1], fail)
        circuit = self._circuit
        fail(circuit.any(there for there, _ in fifo.items) ^ 1, ModelErrorKind.INDEX)
        if not fifo.items:
            return placeholder(expr.type)
        packed = self._symbols.packed(fifo)
        if expr.op is Op.FIFO_HEAD:
            return packed.items[0][1] if packed.items else placeholder(expr.type)
        return Seq(packed.items[1:], packed=True)

    def _at(self, expr: Apply, fifo: Seq, position: Num, fail: Fail) -> Symbol:
        length = self.total(self._counts(fifo))
        counted = self._symbols.choose(
            self._numbers.less(position, number(0)), self._numbers.add(position, length), position
        )
        below = self._numbers.less(counted, number(0))
        fail(self._circuit.or_(below, self._numbers.at_most(length, counted)), ModelErrorKind.INDEX)
        found = [
            (self._symbols.equal(counted, number(i)), value)
            for i, (there, value) in enumerate(fifo.items)
            if there != FALSE
        ]
        found = [alternative for alternative in found if alternative[0] != FALSE]
        return self._symbols.selected(found) if found else placeholder(expr.type)

    def _of_maps(self, expr: Apply, types: list[Type], args: list[Symbol], fail: Fail) -> Symbol:
        op = expr.op
        match op:
            case Op.MAP_VALUES | Op.MAP_ITEMS:
                return self._items(types[0], args[0], with_keys=op is Op.MAP_ITEMS)
            case Op.MAP_FRESH_KEY:
                return self._fresh_key(types[0], args[0], fail)
            case Op.MAP_SET:
                value, entries, cases = args[0], args[1].entries, self._symbols.cases(args[2])
                return MapOf({**entries, **self._set_entries(value, entries, cases)})
            case Op.MAP_DELETE | Op.MAP_DISCARD:
                if op is Op.MAP_DELETE:
                    fail(self._contains(args[1], args[0]) ^ 1, ModelErrorKind.MISSING)
                changed = dict(args[0].entries)
                for key, lit in self._symbols.cases(args[1]).items():
                    if key in changed:
                        there, value = changed[key]
                        changed[key] = self._circuit.and_(there, lit ^ 1), value
                return MapOf(changed)
            case Op.MAP_GET | Op.MAP_GET_OPTION:
                return self._get(expr, args, fail)
            case _:
                raise InternalError(f"the symbolic engine does not know {op.name}")

    def _set_entries(
        self, value: Symbol, entries: dict[Value, tuple[int, Symbol]], cases: dict[Value, int]
    ) -> dict[Value, tuple[int, Symbol]]:
        found = {}
        for key, lit in cases.items():
            there, before = entries.get(key, (FALSE, None))
            kept = value if there == FALSE else self._symbols.choose(lit, value, before)
            found[key] = self._circuit.or_(there, lit), kept
        return found

    def _get(self, expr: Apply, args: list[Symbol], fail: Fail) -> Symbol:
        entries = args[0].entries
        cases = [(lit, *entries[key]) for key, lit in self._symbols.cases(args[1]).items() if key in entries]
        there = self._circuit.any(self._circuit.and_(lit, present) for lit, present, _ in cases)
        known = [(lit, value) for lit, present, value in cases if present != FALSE]
        if expr.op is Op.MAP_GET_OPTION:
            if there == FALSE:
                return Opt(FALSE, None)
            found = self._symbols.selected(known)
            # A map of options: what is there may itself be None.
            return (
                Opt(self._circuit.and_(there, found.some), found.value)
                if isinstance(found, Opt)
                else Opt(there, found)
            )
        fail(there ^ 1, ModelErrorKind.MISSING)
        return self._symbols.selected(known) if known else placeholder(expr.type)

    def _items(self, type_: Type, entries: MapOf, with_keys: bool) -> Seq:
        assert isinstance(type_, MapType)
        found = []
        for key in in_order(type_.key, entries.entries):
            there, value = entries.entries[key]
            if there != FALSE:
                found.append((there, Rec((lifted(type_.key, key), value)) if with_keys else value))
        return Seq(tuple(found))

    def _fresh_key(self, type_: Type, entries: MapOf, fail: Fail) -> Symbol:
        assert isinstance(type_, MapType)
        keys = domain(type_.key)
        assert keys is not None
        constants = {key: number(key) for key in keys}
        result: Symbol = constants[keys[-1]]
        taken = [self._has(entries, key) for key in keys]
        for key, there in reversed(list(zip(keys, taken, strict=True))):
            result = self._symbols.choose(there, result, constants[key])
        fail(self._circuit.all(taken), ModelErrorKind.FULL)
        return result


def _keys(collection: Symbol) -> list[Value]:
    match collection:
        case SetOf(keys) | BagOf(keys) | MapOf(keys):
            return list(keys)
        case _:
            raise InternalError(f"the keys of {type(collection)}")


_ARITHMETIC: dict[Op, Callable[..., Symbol]] = {
    Op.INT_ADD: Numbers.add,
    Op.INT_SUB: Numbers.subtract,
    Op.INT_MUL: Numbers.multiply,
    Op.INT_NEG: Numbers.negate,
    Op.INT_ABS: Numbers.absolute,
    Op.INT_MIN: Numbers.least,
    Op.INT_MAX: Numbers.greatest,
    Op.INT_LT: Numbers.less,
    Op.INT_LE: Numbers.at_most,
    Op.INT_GT: lambda numbers, a, b: numbers.less(b, a),
    Op.INT_GE: lambda numbers, a, b: numbers.at_most(b, a),
}
_OF_SETS = frozenset(op for op in Op if op.name.startswith("SET_"))
_OF_BAGS = frozenset(op for op in Op if op.name.startswith("BAG_"))
_OF_FIFOS = frozenset(op for op in Op if op.name.startswith("FIFO_"))
