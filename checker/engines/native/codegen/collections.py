"""C expressions that read collections, or make them from their elements."""

from __future__ import annotations

from collections.abc import Callable

from checker.engines.native.codegen.changes import Changes
from checker.engines.native.codegen.emitter import Emitter
from checker.engines.native.codegen.layout import Unsupported, cardinality
from checker.engines.native.codegen.loops import Loops
from checker.errors import ModelErrorKind
from checker.ir.expressions import Apply, Expr, Local, Op, StateVar
from checker.ir.types import BagType, FifoType, MapType, OptionType, SetType, Type

_WORDWISE = {Op.SET_UNION: "|", Op.SET_INTERSECTION: "&", Op.SET_DIFFERENCE: "& ~"}


class Collections:
    """Emits the operators on sets, bags, FIFOs and maps that have a value and change nothing."""

    def __init__(self, emitter: Emitter, changes: Changes, loops: Loops) -> None:
        self._emitter = emitter
        self._types = emitter.types
        self._packing = emitter.packing
        self._changes = changes
        self._loops = loops

    def value(self, expr: Apply) -> str:
        """A C expression for what an operator on collections gives."""
        if expr.op in _WORDWISE:
            return self._wordwise(expr)
        source, *args = expr.args
        match expr.op:
            case Op.SET_MAKE:
                return self._set_make(expr)
            case Op.SET_SUBSET:
                rest = Apply(Op.SET_DIFFERENCE, expr.args, source.type)
                return self._emitter.at(
                    rest, lambda p, b: f"(gen_count({p}, {b}, {self._packing.size(source.type)}) == 0)"
                )
            case Op.CONTAINS:
                return self._contains(args[0], source)
            case Op.LENGTH:
                return self._length(source)
            case Op.BAG_COUNT:
                assert isinstance(source.type, BagType)
                return self._keyed(source, args[0], self._bag_count, "0")
            case Op.MAP_GET | Op.MAP_GET_OPTION:
                return self._map_get(expr, source, args[0])
            case Op.MAP_FRESH_KEY:
                return self._fresh_key(expr, source)
            case Op.FIFO_HEAD | Op.FIFO_AT:
                return self._fifo_at(expr, source, args[0] if args else None)
            case Op.ELEMENTS | Op.DISTINCT | Op.MAP_VALUES:
                return self._materialised(expr)
            case _:
                raise Unsupported(f"the operator {expr.op.name} as a value")

    def _wordwise(self, expr: Apply) -> str:
        name, words = self._types.name(expr.type), self._types.words(expr.type)
        a, b = self._emitter.fresh("a"), self._emitter.fresh("b")
        if self._types.name(expr.args[1].type) != name:
            raise Unsupported("sets over different ranges")
        loop = f"for (int i = 0; i < {words}; i++) {a}.w[i] = {a}.w[i] {_WORDWISE[expr.op]} {b}.w[i];"
        first, second = self._emitter.value(expr.args[0]), self._emitter.value(expr.args[1])
        return f"({{ {name} {a} = {first}, {b} = {second}; {loop} {a}; }})"

    def _keyed(
        self, source: Expr, element: Expr, use: Callable[[str, str, str, Type], str], otherwise: str
    ) -> str:
        """An expression on the slot of an element; ``otherwise`` where it is outside the domain."""
        k = self._emitter.fresh("k")
        key = self._types.key(self._packing.key_type(source.type), self._emitter.value(element))
        inside = self._emitter.at(source, lambda p, b: use(p, b, k, source.type))
        if not self._types.needs_check(self._packing.key_type(source.type)):
            return f"({{ int64_t {k} = {key}; {inside}; }})"
        return f"({{ int64_t {k} = {key}; {k} < 0 ? {otherwise} : {inside}; }})"

    def _bag_count(self, pointer: str, base: str, key: str, type_: Type) -> str:
        return f"(int64_t){self._packing.slot(pointer, base, key, type_)}"

    def _contains(self, source: Expr, element: Expr) -> str:
        source = self._emitter.inlined(source)
        if isinstance(source.type, FifoType):
            held, found, v = self._emitter.fresh("v"), self._emitter.fresh("found"), self._emitter.fresh("v")
            name = self._types.name(element.type)
            same = self._types.equal(source.type.element, held, v)
            body = f"if ({same}) {found} = true;"
            loop = self._loops.loop(source, [(v, source.type.element)], body)
            value = self._emitter.value(element)
            return f"({{ {name} {held} = {value}; bool {found} = false; {loop} {found}; }})"
        return self._keyed(source, element, self._packing.present, "false")

    def _length(self, source: Expr) -> str:
        source = self._emitter.inlined(source)
        match source.type:
            case SetType(element):
                return self._emitter.at(
                    source, lambda p, b: f"(int64_t)gen_count({p}, {b}, {cardinality(element)})"
                )
            case FifoType() if isinstance(source, StateVar | Local):
                head = self._packing.fifo_head
                return self._emitter.at(source, lambda p, b: f"(int64_t)gen_get({p}, {b}, {head})")
            case _:
                total, v = self._emitter.fresh("n"), self._emitter.fresh("v")
                element = self._packing.key_type(source.type)
                loop = self._loops.loop(source, [(v, element)], f"{total}++; (void){v};")
                return f"({{ int64_t {total} = 0; {loop} {total}; }})"

    def _map_get(self, expr: Apply, source: Expr, key: Expr) -> str:
        type_ = source.type
        assert isinstance(type_, MapType)
        result, k, name = self._emitter.fresh("r"), self._emitter.fresh("k"), self._types.name(expr.type)
        number = self._types.key(type_.key, self._emitter.value(key))
        wraps = expr.op is Op.MAP_GET_OPTION and not isinstance(type_.value, OptionType)
        store = "{result}.some = true; {result}.value = {value};" if wraps else "{result} = {value};"

        def use(pointer: str, base: str) -> str:
            then = store.format(result=result, value=self._packing.entry_value(pointer, base, k, type_))
            if self._packing.is_total(pointer, base) and not self._types.needs_check(type_.key):
                return f"({{ {then} {result}; }})"
            test = f"{k} >= 0 && {self._packing.present(pointer, base, k, type_)}"
            missing = ""
            if expr.op is Op.MAP_GET:
                missing = f"else {self._emitter.fail(ModelErrorKind.MISSING, expr.location)};"
            return f"({{ if ({test}) {{ {then} }} {missing} {result}; }})"

        zero = self._types.zero(expr.type)
        return f"({{ {name} {result} = {zero}; int64_t {k} = {number}; {self._emitter.at(source, use)}; }})"

    def _fresh_key(self, expr: Apply, source: Expr) -> str:
        assert isinstance(source.type, MapType)
        type_ = source.type
        size, k = cardinality(type_.key), self._emitter.fresh("k")
        note = self._emitter.fail(ModelErrorKind.FULL, expr.location)

        def use(pointer: str, base: str) -> str:
            search = f"while ({k} < {size} && {self._packing.present(pointer, base, k, type_)}) {k}++;"
            full = f"if ({k} == {size}) {{ {note}; {k} = 0; }}"
            return f"({{ {search} {full} {self._types.unkey(type_.key, k)}; }})"

        return f"({{ int64_t {k} = 0; {self._emitter.at(source, use)}; }})"

    def _fifo_at(self, expr: Apply, source: Expr, position: Expr | None) -> str:
        type_ = source.type
        assert isinstance(type_, FifoType)
        i, n, result = self._emitter.fresh("i"), self._emitter.fresh("n"), self._emitter.fresh("r")
        head = self._packing.fifo_head
        note = self._emitter.fail(ModelErrorKind.INDEX, expr.location)
        where = "0" if position is None else self._emitter.value(position)

        def use(pointer: str, base: str) -> str:
            slot = f"{base} + {head} + (uint32_t){i} * {self._packing.stride(type_)}"
            return (
                f"({{ int64_t {n} = (int64_t)gen_get({pointer}, {base}, {head}); if ({i} < 0) {i} += {n}; "
                f"if ({i} < 0 || {i} >= {n}) {note}; "
                f"else {result} = {self._packing.load(type_.element, pointer, slot)}; {result}; }})"
            )

        name, zero = self._types.name(type_.element), self._types.zero(type_.element)
        return f"({{ int64_t {i} = {where}; {name} {result} = {zero}; {self._emitter.at(source, use)}; }})"

    def _set_make(self, expr: Apply) -> str:
        assert isinstance(expr.type, SetType)
        made = self._emitter.fresh("v")
        adds = " ".join(
            self._changes.add_to(made, expr.type, self._emitter.value(arg), expr.location)
            for arg in expr.args
        )
        return f"({{ {self._types.name(expr.type)} {made} = {{0}}; {adds} {made}; }})"

    def _materialised(self, expr: Apply) -> str:
        """The elements of something as a FIFO of its own."""
        assert isinstance(expr.type, FifoType)
        made, v = self._emitter.fresh("v"), self._emitter.fresh("v")
        append = self._changes.append(expr.type, f"{made}.w", "0", v, expr.location)
        loop = self._loops.loop(expr, [(v, expr.type.element)], append)
        return f"({{ {self._types.name(expr.type)} {made} = {{0}}; {loop} {made}; }})"
