"""C expressions for the IR's expressions.

A collection is worked on where it lies (``s`` and a bit for a state variable, ``x.w`` and 0 for a local).
A model error sets ``c->error`` and the expression goes on with a harmless value: the first error counts,
and the statement around it looks.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checker.engines.native.codegen.changes import MUTATIONS, Changes, changed
from checker.engines.native.codegen.collections import Collections
from checker.engines.native.codegen.emitter import Emitter
from checker.engines.native.codegen.errors import ErrorSites
from checker.engines.native.codegen.layout import Layout, Unsupported
from checker.engines.native.codegen.loops import Loops
from checker.engines.native.codegen.magnitude import fits_a_word
from checker.engines.native.codegen.values import CTypes
from checker.errors import ModelErrorKind
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Domain,
    Expr,
    IfElse,
    Local,
    Logic,
    Op,
    PureCall,
    StateVar,
)
from checker.ir.program import Program, Routine
from checker.ir.types import Type

_INFIX = {
    Op.INT_ADD: "+",
    Op.INT_SUB: "-",
    Op.INT_MUL: "*",
    Op.INT_LT: "<",
    Op.INT_LE: "<=",
    Op.INT_GT: ">",
    Op.INT_GE: ">=",
}

_CHECKED = {
    Op.INT_ADD: "gen_add",
    Op.INT_SUB: "gen_sub",
    Op.INT_MUL: "gen_mul",
    Op.INT_NEG: "gen_neg",
    Op.INT_ABS: "gen_abs",
}


class Expressions(Emitter):
    """Emits expressions of one function, and the changes and loops that its statements are made of."""

    def __init__(
        self,
        program: Program,
        layout: Layout,
        types: CTypes,
        errors: ErrorSites,
        routine_names: Mapping[str, str],
    ) -> None:
        super().__init__(program, layout, types, errors, routine_names)
        self._changes = Changes(self)
        self._loops = Loops(self, self._changes)
        self._collections = Collections(self, self._changes, self._loops)

    def value(self, expr: Expr) -> str:
        """A C expression for the value."""
        match expr:
            case Const(value=value, type=type_):
                return self.types.constant(type_, value)
            case Local():
                return self._local(expr)
            case StateVar():
                pointer, base = self.place_of(expr)
                return self.packing.load(expr.type, pointer, base)
            case Connective(logic=logic, left=left, right=right):
                sign = "&&" if logic is Logic.AND else "||"
                return f"({self.value(left)} {sign} {self.value(right)})"
            case IfElse(condition=condition, then=then, orelse=orelse):
                return f"({self.value(condition)} ? {self.value(then)} : {self.value(orelse)})"
            case PureCall():
                return self._pure_call(expr)
            case Comprehension():
                return self._loops.comprehension(expr)
            case Apply():
                return self._apply(expr)
            case Domain():
                raise Unsupported("a domain as a value")

    def _local(self, expr: Local) -> str:
        name = self.names.get(expr.name)
        if name is None:
            raise Unsupported(f"the local {expr.name} is not declared")
        flag = self.flags.get(expr.name)
        if flag is None:
            return name
        return f"({{ if (!{flag}) {self.fail(ModelErrorKind.UNASSIGNED, expr.location)}; {name}; }})"

    # Calls of pure routines

    def _pure_call(self, expr: PureCall) -> str:
        inner = self.inlined(expr)
        if inner is not expr:
            return self.value(inner)
        routine = self.program.routines[expr.routine]
        return self.call(routine, expr.args)

    def call(self, routine: Routine, args: Iterable[Expr]) -> str:
        """A call of a pure routine's C function."""
        self.may_fail = True
        parts = [self.value(arg) for arg in args]
        return f"{self.routine_names[routine.name]}({', '.join(['c', 's', *parts])})"

    # Operators

    def _apply(self, expr: Apply) -> str:
        op, args = expr.op, expr.args
        if op in _CHECKED and not fits_a_word(expr):
            # The IR's integers have no bound; those of C are kept from wrapping around.
            self.may_fail = True
            return f"{_CHECKED[op]}(c, {', '.join(self.value(arg) for arg in args)})"
        if op in _INFIX:
            return f"({self.value(args[0])} {_INFIX[op]} {self.value(args[1])})"
        if op in MUTATIONS:
            temporary = self.fresh("v")
            name = self.types.name(expr.type)
            change = self._changes.mutation(expr, f"{temporary}.w", "0")
            return f"({{ {name} {temporary} = {self.value(changed(expr))}; {change} {temporary}; }})"
        match op:
            case Op.EQ:
                return self.types.equal(args[0].type, self.value(args[0]), self.value(args[1]))
            case Op.NE:
                return f"(!{self.types.equal(args[0].type, self.value(args[0]), self.value(args[1]))})"
            case Op.NOT:
                return f"(!{self.value(args[0])})"
            case Op.INT_NEG:
                return f"(-{self.value(args[0])})"
            case Op.NEXT:
                return f"({self.value(args[0])} + 1)"
            case Op.BOOL_TO_INT:
                return f"((int64_t)({self.value(args[0])} != 0))"
            case Op.COPY:
                return self.value(args[0])
            case Op.INT_ABS | Op.INT_MIN | Op.INT_MAX | Op.INT_FLOOR_DIV | Op.INT_FLOOR_MOD:
                return self._arithmetic(expr)
            case Op.IS_NONE:
                return f"(!({self.value(args[0])}).some)"
            case Op.SOME:
                return f"(({self.types.name(expr.type)}){{true, {self.value(args[0])}}})"
            case Op.UNWRAP:
                held, name = self.fresh("v"), self.types.name(args[0].type)
                note = self.fail(ModelErrorKind.NONE, expr.location)
                return (
                    f"({{ {name} {held} = {self.value(args[0])}; if (!{held}.some) {note}; {held}.value; }})"
                )
            case Op.RECORD_GET:
                return f"({self.value(args[0])}).f{expr.field}"
            case Op.RECORD_MAKE:
                parts = ", ".join(self.value(arg) for arg in args) or "0"
                return f"(({self.types.name(expr.type)}){{{parts}}})"
            case Op.IS_IDLE:
                return f"gen_is_idle(s, {self.value(args[0])})"
            case Op.CALLER:
                note = self.fail(ModelErrorKind.CALLER, expr.location)
                return f"({{ if (c->caller < 0) {note}; (int64_t)(c->caller < 0 ? 0 : c->caller); }})"
            case _:
                return self._collections.value(expr)

    def _arithmetic(self, expr: Apply) -> str:
        a, b = self.fresh("a"), self.fresh("b")
        first = f"int64_t {a} = {self.value(expr.args[0])};"
        if expr.op is Op.INT_ABS:
            return f"({{ {first} {a} < 0 ? -{a} : {a}; }})"
        both = f"{first} int64_t {b} = {self.value(expr.args[1])};"
        match expr.op:
            case Op.INT_MIN:
                return f"({{ {both} {a} < {b} ? {a} : {b}; }})"
            case Op.INT_MAX:
                return f"({{ {both} {a} > {b} ? {a} : {b}; }})"
            case _:
                note = self.fail(ModelErrorKind.DIVISION, expr.location)
                function = "gen_floor_div" if expr.op is Op.INT_FLOOR_DIV else "gen_floor_mod"
                return f"({{ {both} if ({b} == 0) {{ {note}; {b} = 1; }} {function}({a}, {b}); }})"

    # What statements use besides

    def load(self, type_: Type, pointer: str, base: str) -> str:
        """The value that lies at a bit of some words."""
        return self.packing.load(type_, pointer, base)

    def store(self, type_: Type, pointer: str, base: str, value: str) -> str:
        """The C statement that puts a value of the type, known to fit, at a bit of some words."""
        return self.packing.store(type_, pointer, base, value)

    def mutation(self, expr: Apply, pointer: str, base: str) -> str:
        """The statements that apply a changing operator to a collection where it lies."""
        return self._changes.mutation(expr, pointer, base)

    def loop(self, iterable: Expr, variables: list[tuple[str, Type]], body: str) -> str:
        """A loop over an iterable that declares its C variables; ``body`` sees them."""
        return self._loops.loop(iterable, variables, body)
