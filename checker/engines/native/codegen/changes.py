"""C statements that change a collection where it lies."""

from __future__ import annotations

from checker.engines.native.codegen.emitter import Emitter
from checker.engines.native.codegen.layout import is_scalar
from checker.errors import Location, ModelErrorKind
from checker.ir.expressions import Apply, Expr, Op
from checker.ir.types import FifoType, MapType, SetType, Type

MUTATIONS = frozenset(
    {
        Op.SET_ADD,
        Op.SET_REMOVE,
        Op.SET_DISCARD,
        Op.BAG_ADD,
        Op.BAG_REMOVE,
        Op.BAG_DISCARD,
        Op.FIFO_APPEND,
        Op.FIFO_TAIL,
        Op.MAP_SET,
        Op.MAP_DELETE,
        Op.MAP_DISCARD,
    }
)


def changed(expr: Apply) -> Expr:
    """The collection that a changing operator starts from."""
    return expr.args[1] if expr.op is Op.MAP_SET else expr.args[0]


class Changes:
    """Emits changes in place of sets, bags, FIFOs and maps."""

    def __init__(self, emitter: Emitter) -> None:
        self._emitter = emitter
        self._types = emitter.types
        self._packing = emitter.packing

    def mutation(self, expr: Apply, pointer: str, base: str) -> str:
        """The statements that apply a changing operator to a collection where it lies."""
        type_, location = expr.type, expr.location
        if isinstance(type_, FifoType):
            if expr.op is Op.FIFO_APPEND:
                v, name = self._emitter.fresh("v"), self._types.name(type_.element)
                append = self.append(type_, pointer, base, v, location)
                return f"{{ {name} {v} = {self._emitter.value(expr.args[1])}; {append} }}"
            return self._tail(type_, pointer, base, location)
        k = self._emitter.fresh("k")
        if expr.op is Op.MAP_SET:
            return self._map_set(expr, pointer, base, k)
        key = self._types.key(self._packing.key_type(type_), self._emitter.value(expr.args[1]))
        change = self._change(expr, pointer, base, k)
        return f"{{ int64_t {k} = {key}; {change} }}"

    def _change(self, expr: Apply, pointer: str, base: str, k: str) -> str:
        type_, location, stride = expr.type, expr.location, self._packing.stride(expr.type)
        place = f"{base} + (uint32_t){k} * {stride}"
        here = f"{k} >= 0 && {self._packing.present(pointer, base, k, type_)}"
        count = self._packing.slot(pointer, base, k, type_)
        clear = f"gen_clear({pointer}, {place}, {stride});"
        less = f"gen_put({pointer}, {place}, {stride}, {count} - 1);"
        missing = f"else {self._emitter.fail(ModelErrorKind.MISSING, location)};"
        match expr.op:
            case Op.SET_ADD:
                put = f"gen_put({pointer}, {place}, 1, 1);"
                return self._where_inside([(self._packing.key_type(type_), k)], location, put)
            case Op.SET_REMOVE | Op.MAP_DELETE:
                return f"if ({here}) {{ {clear} }} {missing}"
            case Op.SET_DISCARD | Op.MAP_DISCARD:
                return f"if ({here}) {{ {clear} }}"
            case Op.BAG_ADD:
                self._emitter.may_fail = True
                most = self._packing.capacities.bag_count_max
                full = f"if ({count} >= {most}) gen_error(c, QC_CAPACITY);"
                more = f"else gen_put({pointer}, {place}, {stride}, {count} + 1);"
                return self._where_inside([(self._packing.key_type(type_), k)], location, f"{full} {more}")
            case Op.BAG_REMOVE:
                return f"if ({here}) {{ {less} }} {missing}"
            case Op.BAG_DISCARD:
                return f"if ({here}) {{ {less} }}"
            case _:
                raise AssertionError(expr.op)

    def _map_set(self, expr: Apply, pointer: str, base: str, k: str) -> str:
        """The value comes first: it may read the entry that is set, and its errors come before the key's."""
        assert isinstance(expr.type, MapType)
        key_type, value_type = expr.type.key, expr.type.value
        value = self._emitter.value(expr.args[0])
        key = f"int64_t {k} = {self._types.key(key_type, self._emitter.value(expr.args[2]))};"
        stride = self._packing.stride(expr.type)
        place = f"{base} + (uint32_t){k} * {stride}"
        if is_scalar(value_type):
            e = self._emitter.fresh("e")
            put = f"gen_put({pointer}, {place}, {stride}, (uint64_t){e} + 1);"
            inside = self._where_inside([(key_type, k), (value_type, e)], expr.location, put)
            return f"{{ int64_t {e} = {self._types.key(value_type, value)}; {key} {inside} }}"
        v, name = self._emitter.fresh("v"), self._types.name(value_type)
        inner = self._packing.store(value_type, pointer, f"{place} + 1", v)
        put = f"{{ gen_put({pointer}, {place}, 1, 1); {inner} }}"
        return f"{{ {name} {v} = {value}; {key} {self._where_inside([(key_type, k)], expr.location, put)} }}"

    def _where_inside(self, codes: list[tuple[Type, str]], location: Location | None, change: str) -> str:
        """A change that is made where all codes are inside their types; else a note."""
        unsure = [code for type_, code in codes if self._types.needs_check(type_)]
        if not unsure:
            return change
        note = self._emitter.out_of_range(location)
        return f"if ({' || '.join(f'{code} < 0' for code in unsure)}) {note}; else {{ {change} }}"

    def append(self, type_: FifoType, pointer: str, base: str, value: str, location: Location | None) -> str:
        """The statement that appends a value to a FIFO."""
        slots = self._packing.capacities.fifo_length_max
        head, n = self._packing.fifo_head, self._emitter.fresh("n")
        slot = f"{base} + {head} + {n} * {self._packing.stride(type_)}"
        put = self._packing.store(type_.element, pointer, slot, value)
        check = ""
        if self._types.needs_check(type_.element):
            note = self._emitter.out_of_range(location)
            check = f"if ({self._types.key(type_.element, value)} < 0) {note}; else "
        self._emitter.may_fail = True
        return (
            f"{{ uint32_t {n} = (uint32_t)gen_get({pointer}, {base}, {head}); {check}if ({n} >= {slots}) "
            f"gen_error(c, QC_CAPACITY); else {{ {put} gen_put({pointer}, {base}, {head}, {n} + 1); }} }}"
        )

    def _tail(self, type_: FifoType, pointer: str, base: str, location: Location | None) -> str:
        head, stride = self._packing.fifo_head, self._packing.stride(type_)
        n, i = self._emitter.fresh("n"), self._emitter.fresh("i")
        note = self._emitter.fail(ModelErrorKind.INDEX, location)
        slot = f"{base} + {head} + {i} * {stride}"
        move = f"gen_copy({pointer}, {slot}, {pointer}, {slot} + {stride}, {stride});"
        shift = f"for (uint32_t {i} = 0; {i} + 1 < {n}; {i}++) {move}"
        last = f"gen_clear({pointer}, {base} + {head} + ({n} - 1) * {stride}, {stride});"
        return (
            f"{{ uint32_t {n} = (uint32_t)gen_get({pointer}, {base}, {head}); if ({n} == 0) {note}; "
            f"else {{ {shift} {last} gen_put({pointer}, {base}, {head}, {n} - 1); }} }}"
        )

    def add_to(self, made: str, type_: SetType, value: str, location: Location | None) -> str:
        """The statement that adds a value to the set in the C variable ``made``."""
        k = self._emitter.fresh("k")
        note = self._emitter.fail(ModelErrorKind.OVERFLOW, location)
        return (
            f"{{ int64_t {k} = {self._types.key(type_.element, value)}; "
            f"if ({k} < 0) {note}; else gen_put({made}.w, (uint32_t){k}, 1, 1); }}"
        )
