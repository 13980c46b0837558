"""C loops over what the IR iterates over, and the comprehensions that are made of them."""

from __future__ import annotations

from collections.abc import Callable

from checker.engines.native.codegen.changes import Changes
from checker.engines.native.codegen.emitter import Emitter
from checker.engines.native.codegen.layout import Unsupported, cardinality
from checker.engines.native.codegen.magnitude import fits_a_word
from checker.errors import ModelErrorKind
from checker.ir.expressions import Apply, Comprehension, Domain, Expr, Fold, Generator, Op, StateVar
from checker.ir.iterables import bound_types
from checker.ir.types import BagType, FifoType, MapType, SetType, Type


class Loops:
    """Emits loops and comprehensions of one function."""

    def __init__(self, emitter: Emitter, changes: Changes) -> None:
        self._emitter = emitter
        self._types = emitter.types
        self._packing = emitter.packing
        self._changes = changes

    def loop(self, iterable: Expr, variables: list[tuple[str, Type]], body: str) -> str:
        """A loop over an iterable that declares its C variables; ``body`` sees them."""
        iterable = self._emitter.inlined(iterable)
        if isinstance(iterable, Domain):
            return self._domain_loop(iterable.of, variables, body)
        if isinstance(iterable, Apply) and iterable.op in (
            Op.ELEMENTS,
            Op.DISTINCT,
            Op.MAP_VALUES,
            Op.MAP_ITEMS,
        ):
            return self._apply_loop(iterable, variables, body)
        if isinstance(iterable.type, SetType | BagType | FifoType | MapType):
            return self._apply_loop(Apply(Op.ELEMENTS, (iterable,), iterable.type), variables, body)
        raise Unsupported(f"iterating over {iterable.type}")

    def _domain_loop(self, type_: Type, variables: list[tuple[str, Type]], body: str) -> str:
        k = self._emitter.fresh("k")
        ((name, declared),) = variables
        bind = f"{self._types.name(declared)} {name} = {self._types.unkey(type_, k)};"
        return f"for (int64_t {k} = 0; {k} < {cardinality(type_)}; {k}++) {{ {bind} {body} }}"

    def _apply_loop(self, iterable: Apply, variables: list[tuple[str, Type]], body: str) -> str:
        source = self._emitter.inlined(iterable.args[0])
        if iterable.op is Op.DISTINCT and isinstance(source.type, FifoType):
            return self._distinct_loop(source, source.type, variables, body)
        listings = (Op.ELEMENTS, Op.DISTINCT, Op.MAP_VALUES)
        if iterable.op is Op.ELEMENTS and isinstance(source, Apply) and source.op in listings:
            # The elements of a listing are iterated over where it is made.
            return self._apply_loop(source, variables, body)
        loop = self._place_loop(iterable.op, source.type, variables, body)
        # A statement, unlike an expression, needs its place declared around it.
        if isinstance(source, StateVar):
            return loop(*self._emitter.place_of(source))
        held = self._emitter.fresh("v")
        name, value = self._types.name(source.type), self._emitter.value(source)
        return f"{{ {name} {held} = {value}; {loop(f'{held}.w', '0')} }}"

    def _distinct_loop(
        self, source: Expr, type_: FifoType, variables: list[tuple[str, Type]], body: str
    ) -> str:
        """The distinct elements of a FIFO, in their order: those of the set that they make."""
        elements = SetType(type_.element)
        held, v = self._emitter.fresh("v"), self._emitter.fresh("v")
        fill = self.loop(source, [(v, type_.element)], self._changes.add_to(held, elements, v, None))
        loop = self._place_loop(Op.ELEMENTS, elements, variables, body)(f"{held}.w", "0")
        return f"{{ {self._types.name(elements)} {held} = {{0}}; {fill} {loop} }}"

    def _place_loop(
        self, op: Op, type_: Type, variables: list[tuple[str, Type]], body: str
    ) -> Callable[[str, str], str]:
        if isinstance(type_, FifoType):
            return lambda pointer, base: self._fifo_loop(type_, pointer, base, variables, body)
        k, i = self._emitter.fresh("k"), self._emitter.fresh("i")
        size = self._packing.size(type_)

        def loop(pointer: str, base: str) -> str:
            binds = []
            keys = [*variables]
            if op is Op.MAP_VALUES or op is Op.MAP_ITEMS:
                assert isinstance(type_, MapType)
                name, declared = keys.pop()
                value = self._packing.entry_value(pointer, base, k, type_)
                binds.append(f"{self._types.name(declared)} {name} = {value};")
            for name, declared in keys:
                c_type, value = (
                    self._types.name(declared),
                    self._types.unkey(self._packing.key_type(type_), k),
                )
                binds.append(f"{c_type} {name} = {value};")
            inner = f"{' '.join(binds)} {body}"
            if isinstance(type_, BagType) and op is Op.ELEMENTS:
                count = self._packing.slot(pointer, base, k, type_)
                inner = f"for (uint64_t {i} = {count}; {i} > 0; {i}--) {{ {inner} }}"
            test = self._packing.present(pointer, base, k, type_)
            return f"for (int64_t {k} = 0; {k} < {size}; {k}++) if {test} {{ {inner} }}"

        return loop

    def _fifo_loop(
        self, type_: FifoType, pointer: str, base: str, variables: list[tuple[str, Type]], body: str
    ) -> str:
        head, i = self._packing.fifo_head, self._emitter.fresh("i")
        ((name, declared),) = variables
        slot = f"{base} + {head} + (uint32_t){i} * {self._packing.stride(type_)}"
        bind = f"{self._types.name(declared)} {name} = {self._packing.load(type_.element, pointer, slot)};"
        return f"for (uint64_t {i} = 0; {i} < gen_get({pointer}, {base}, {head}); {i}++) {{ {bind} {body} }}"

    # Comprehensions

    def comprehension(self, expr: Comprehension) -> str:
        """A C expression for a comprehension's value."""
        acc, done = self._emitter.fresh("acc"), self._emitter.fresh("done")
        fold = expr.fold
        name = self._types.name(expr.type)
        start = "1" if fold is Fold.ALL else self._types.zero(expr.type)
        some = self._emitter.fresh("some")

        def innermost() -> str:
            match fold:
                case Fold.ALL:
                    return f"if (!{self._emitter.value(expr.body)}) {{ {acc} = 0; goto {done}; }}"
                case Fold.ANY:
                    return f"if ({self._emitter.value(expr.body)}) {{ {acc} = 1; goto {done}; }}"
                case Fold.SUM:
                    if fits_a_word(expr):
                        return f"{acc} += {self._emitter.value(expr.body)};"
                    self._emitter.may_fail = True
                    return f"{acc} = gen_add(c, {acc}, {self._emitter.value(expr.body)});"
                case Fold.COUNT:
                    return f"{acc}++;"
                case Fold.SET:
                    assert isinstance(expr.type, SetType)
                    return self._changes.add_to(acc, expr.type, self._emitter.value(expr.body), expr.location)
                case Fold.MIN | Fold.MAX:
                    v, sign = self._emitter.fresh("v"), "<" if fold is Fold.MIN else ">"
                    better = f"if (!{some} || {v} {sign} {acc}) {acc} = {v};"
                    return f"int64_t {v} = {self._emitter.value(expr.body)}; {better} {some} = true;"

        could_fail, self._emitter.may_fail = self._emitter.may_fail, False
        loops = self._nested(expr.generators, innermost)
        before, finish = "", ""
        if fold in (Fold.ALL, Fold.ANY) and self._emitter.is_symmetric and self._emitter.may_fail:
            # Whether one that fails comes before one that decides depends on their names: look at them all.
            loops = loops.replace(f"goto {done};", "")
            held = self._emitter.fresh("e")
            before = f"const uint32_t {held} = c->error;"
            finish = f"if ({held} == 0 && c->error > QC_UNSYMMETRIC) c->error = QC_UNSYMMETRIC;"
        self._emitter.may_fail |= could_fail
        if fold in (Fold.MIN, Fold.MAX):
            empty = f"{self._emitter.fail(ModelErrorKind.EMPTY, expr.location)};"
            if expr.default is not None:
                empty = f"{acc} = {self._emitter.value(expr.default)};"
            finish = f"if (!{some}) {empty}"
        return (
            f"({{ __label__ {done}; {name} {acc} = {start}; bool {some} = false; (void){some}; {before} "
            f"{loops} {done}:; {finish} {acc}; }})"
        )

    def _nested(self, generators: tuple[Generator, ...], innermost: Callable[[], str]) -> str:
        if not generators:
            return innermost()
        first, *rest = generators
        types = bound_types(first.iterable)
        variables = []
        for variable, type_ in zip(first.variables, types, strict=True):
            self._emitter.names[variable] = self._emitter.fresh("b")
            variables.append((self._emitter.names[variable], type_))
        inner = self._nested(tuple(rest), innermost)
        for condition in reversed(first.conditions):
            inner = f"if ({self._emitter.value(condition)}) {{ {inner} }}"
        return self.loop(first.iterable, variables, inner)
