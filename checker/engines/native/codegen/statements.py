"""C statements for the IR's atomic statements, and C functions for its routines."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

from checker.engines.native.codegen.changes import MUTATIONS, changed
from checker.engines.native.codegen.expressions import Expressions
from checker.engines.native.codegen.layout import Unsupported, cardinality
from checker.errors import ModelErrorKind
from checker.ir.dependencies import all_expressions, flat
from checker.ir.expressions import Apply, Domain, Expr, Local, StateVar
from checker.ir.iterables import bound_types
from checker.ir.program import Routine
from checker.ir.statements import (
    Assert,
    Assign,
    Break,
    CallRoutine,
    Choose,
    Continue,
    For,
    Forget,
    If,
    Raise,
    Return,
    Stmt,
    When,
    While,
)
from checker.ir.types import NONE, Type


class Statements:
    """Emits the statements of one C function.

    ``failed`` is what a model error does: return a status, or, in a pure routine, some value.
    """

    def __init__(
        self, expressions: Expressions, services: Sequence[str], failed: str, returns: Type | None, pure: bool
    ) -> None:
        self.expressions = expressions
        self._services = services
        self._failed = failed
        self._returns = returns
        self._pure = pure
        self._loops: list[tuple[str, str]] = []

    def body(self, statements: Iterable[Stmt]) -> list[str]:
        """The lines for statements in order."""
        return [line for statement in statements for line in self.statement(statement)]

    def statement(self, statement: Stmt) -> list[str]:
        """The lines for one statement, followed by a look at the error where there can be one."""
        self.expressions.may_fail = False
        lines = self._lines(statement)
        if self.expressions.may_fail and not isinstance(statement, If | While | For | Return):
            lines.append(f"if (c->error) {self._failed}")
        return lines

    def _lines(self, statement: Stmt) -> list[str]:
        value = self.expressions.value
        match statement:
            case Assign(target=Local() as target, value=new):
                return self._set(target, value(new))
            case Assign(target=StateVar() as target, value=new):
                self.expressions.is_storing = True
                line = self._assign(statement, target, new)
                self.expressions.is_storing = False
                return [line]
            case Forget(names=names):
                return [f"{self.expressions.flags[name]} = false;" for name in names]
            case If(condition=condition, then=then, orelse=orelse):
                return self._if(value(condition), then, orelse)
            case While():
                return self._while(statement)
            case For():
                return self._for(statement)
            case Choose():
                return self._choose(statement)
            case When(guard=guard):
                test = value(guard)
                look = [f"if (c->error) {self._failed}"] if self.expressions.may_fail else []
                held = self.expressions.fresh("g")
                return [f"bool {held} = {test};", *look, f"if (!{held}) return QC_DISABLED;"]
            case Return(value=returned):
                return self._return(returned)
            case Raise(error=error):
                return [f"c->service = {self._services.index(error)};  /* {error} */", "return QC_RAISED;"]
            case CallRoutine():
                return self._call(statement)
            case Assert(condition=condition, location=location):
                note = self.expressions.fail(ModelErrorKind.ASSERTION, location)
                return [f"if (!{value(condition)}) {note};"]
            case Break():
                return [f"goto {self._loops[-1][1]};"]
            case Continue():
                return [f"goto {self._loops[-1][0]};"]
        raise Unsupported(f"the statement {type(statement).__name__}")

    def _set(self, target: Local, new: str) -> list[str]:
        lines = [f"{self.expressions.names[target.name]} = {new};"]
        flag = self.expressions.flags.get(target.name)
        return lines if flag is None else [*lines, f"{flag} = true;"]

    def _assign(self, statement: Assign, target: StateVar, new: Expr) -> str:
        expressions = self.expressions
        base = str(expressions.layout.variables[target.name].offset)
        if isinstance(new, Apply) and new.op in MUTATIONS and changed(new) == target:
            return expressions.mutation(new, "s", base)
        if not expressions.types.needs_check(target.type):
            return expressions.store(target.type, "s", base, expressions.value(new))
        v, name = expressions.fresh("v"), expressions.types.name(target.type)
        note = expressions.fail(ModelErrorKind.OVERFLOW, statement.location)
        key = expressions.types.key(target.type, v)
        store = expressions.store(target.type, "s", base, v)
        check = f"if (!c->error && {key} < 0) {note};"
        return f"{{ {name} {v} = {expressions.value(new)}; {check} else if (!c->error) {store} }}"

    def _if(self, test: str, then: Iterable[Stmt], orelse: Iterable[Stmt]) -> list[str]:
        held = self.expressions.fresh("t")
        lines = [f"bool {held} = {test};"]
        if self.expressions.may_fail:
            lines.append(f"if (c->error) {self._failed}")
        other = self.body(orelse)
        tail = ["} else {", *_indented(other), "}"] if other else ["}"]
        return [*lines, f"if ({held}) {{", *_indented(self.body(then)), *tail]

    def _while(self, statement: While) -> list[str]:
        proceed, leave, rounds = (self.expressions.fresh(stem) for stem in ("next", "done", "rounds"))
        test, held = self.expressions.value(statement.condition), self.expressions.fresh("t")
        note = self.expressions.fail(ModelErrorKind.LOOP, statement.location)
        self._loops.append((proceed, leave))
        body = self.body(statement.body)
        self._loops.pop()
        return [
            f"for (uint32_t {rounds} = 1;; {rounds}++) {{",
            f"    bool {held} = {test};",
            f"    if (c->error) {self._failed}",
            f"    if (!{held}) break;",
            f"    if ({rounds} > QC_LOOP_STEPS_MAX) {{ {note}; {self._failed} }}",
            *_indented(body),
            f"    {proceed}:;",
            "}",
            f"{leave}:;",
        ]

    def _for(self, statement: For) -> list[str]:
        expressions = self.expressions
        proceed, leave = expressions.fresh("next"), expressions.fresh("done")
        types = bound_types(statement.iterable)
        rounds = [(expressions.fresh("b"), type_) for type_ in types]
        iterable, setup = self._snapshot(statement.iterable)
        self._loops.append((proceed, leave))
        binds = []
        for name, (round_name, type_) in zip(statement.variables, rounds, strict=True):
            binds += self._set(Local(name, type_), round_name)
        body = "\n".join([*binds, *self.body(statement.body), f"{proceed}:;"])
        self._loops.pop()
        loop = expressions.loop(iterable, rounds, f"\n{body}\n")
        return ["{", *_indented([*setup, loop]), "}", f"{leave}:;", f"if (c->error) {self._failed}"]

    def _snapshot(self, iterable: Expr) -> tuple[Expr, list[str]]:
        """A loop goes over what the collection was when it began, whatever its body changes."""
        if isinstance(iterable, Domain) or not isinstance(iterable, Apply):
            return iterable, []
        expressions = self.expressions
        source = expressions.inlined(iterable.args[0])
        held = Local(expressions.fresh("snapshot"), source.type)
        expressions.names[held.name] = held.name
        if isinstance(source, Apply) and source.op.name in ("ELEMENTS", "DISTINCT", "MAP_VALUES"):
            inner, setup = self._snapshot(source)
            return (replace(iterable, args=(inner,)) if iterable.op.name == "DISTINCT" else inner), setup
        name = expressions.types.name(source.type)
        setup = [f"{name} {held.name} = {expressions.value(source)};"]
        return Apply(iterable.op, (held,), iterable.type, iterable.location), setup

    def _choose(self, statement: Choose) -> list[str]:
        expressions = self.expressions
        n, k, v, leave = (expressions.fresh(stem) for stem in ("n", "k", "b", "chosen"))
        (type_,) = bound_types(statement.iterable)
        bind = " ".join(self._set(statement.target, v))
        if isinstance(statement.iterable, Domain):
            size = cardinality(statement.iterable.of)
            chosen = expressions.types.unkey(statement.iterable.of, f"gen_choose(c, {size})")
            return self._set(statement.target, chosen)
        iterable, setup = self._snapshot(statement.iterable)
        count = expressions.loop(iterable, [(v, type_)], f"{n}++; (void){v};")
        take = expressions.loop(iterable, [(v, type_)], f"if ({k}-- == 0) {{ {bind} goto {leave}; }}")
        inside = [*setup, f"uint32_t {n} = 0;", count, f"if (c->error) {self._failed}"]
        inside += [f"if ({n} == 0) return QC_DISABLED;", f"uint32_t {k} = gen_choose(c, {n});", take]
        expressions.may_fail = True
        return ["{", *_indented(inside), "}", f"{leave}:;"]

    def _return(self, returned: Expr | None) -> list[str]:
        if self._pure:
            assert self._returns is not None
            zero = "return 0;" if returned is None else f"return {self.expressions.value(returned)};"
            return [zero]
        lines = []
        if returned is not None:
            lines.append(f"*result = {self.expressions.value(returned)};")
            if self.expressions.may_fail:
                lines.append(f"if (c->error) {self._failed}")
        return [*lines, "return QC_DONE;"]

    def _call(self, statement: CallRoutine) -> list[str]:
        expressions = self.expressions
        routine = expressions.program.routines[statement.routine]
        if routine.pure:
            call = expressions.call(routine, statement.args)
            return [f"(void){call};"] if statement.target is None else self._set(statement.target, call)
        lines, out = [], []
        status = expressions.fresh("status")
        result = expressions.fresh("result")
        if routine.returns != NONE:
            name = expressions.types.name(routine.returns)
            lines.append(f"{name} {result} = {expressions.types.zero(routine.returns)};")
            out = [f"&{result}"]
        args = [expressions.value(arg) for arg in statement.args]
        call = f"{expressions.routine_names[routine.name]}({', '.join(['c', 's', *args, *out])})"
        lines += [f"int {status} = {call};", f"if ({status} != QC_DONE) return {status};"]
        if statement.target is not None:
            lines += self._set(statement.target, result)
        expressions.may_fail = True
        return lines


def _indented(lines: Iterable[str]) -> list[str]:
    return [f"    {line}" for line in lines]


def routine_prototype(expressions: Expressions, routine: Routine) -> str:
    """The C prototype of a routine's function, without its linkage and its semicolon."""
    types, name = expressions.types, expressions.routine_names[routine.name]
    given = [f"{types.name(p.type)} p{i}" for i, p in enumerate(routine.parameters)]
    if routine.pure:
        inside = ", ".join(["gen_ctx *c", "const uint64_t *s", *given])
        return f"{types.name(routine.returns)} {name}({inside})"
    out = [f"{types.name(routine.returns)} *result"] if routine.returns != NONE else []
    return f"int {name}({', '.join(['gen_ctx *c', 'uint64_t *s', *given, *out])})"


def routine_function(expressions: Expressions, routine: Routine, services: Sequence[str]) -> str:
    """The C function of a routine, without its linkage."""
    types = expressions.types
    expressions.names = {p.name: f"p{i}" for i, p in enumerate(routine.parameters)}
    expressions.flags = {}
    declarations = declare_locals(expressions, routine.body, set(expressions.names))
    returned = types.name(routine.returns)
    failed = "return QC_FAILED;" if not routine.pure else f"return ({returned}){types.zero(routine.returns)};"
    statements = Statements(expressions, services, failed, routine.returns, routine.pure)
    body = statements.body(routine.body)
    last = "return QC_DONE;" if not routine.pure else failed
    lines = [*declarations, *body, last]
    return "\n".join([f"{routine_prototype(expressions, routine)} {{", *_indented(lines), "}"])


def guard_function(
    expressions: Expressions, routine: Routine, guards: Sequence[When], services: Sequence[str]
) -> str:
    """The C function of the guards that a routine begins with: whether they hold, or end in a model error."""
    types = expressions.types
    expressions.names = {p.name: f"p{i}" for i, p in enumerate(routine.parameters)}
    expressions.flags = {}
    given = [f"{types.name(p.type)} p{i}" for i, p in enumerate(routine.parameters)]
    lines = []
    for when in guards:
        expressions.may_fail = False
        held, test = expressions.fresh("g"), expressions.value(when.guard)
        lines.append(f"const bool {held} = {test};")
        if expressions.may_fail:
            lines.append("if (c->error) return true;")
        lines.append(f"if (!{held}) return false;")
    name = f"{expressions.routine_names[routine.name]}_guard"
    head = f"GEN_INLINE bool {name}({', '.join(['gen_ctx *c', 'const uint64_t *s', *given])}) {{"
    return "\n".join([head, *_indented(["(void)c; (void)s;", *lines, "return true;"]), "}"])


def declare_locals(expressions: Expressions, body: Iterable[Stmt], known: set[str]) -> list[str]:
    """Declarations of the locals that statements assign, each with a flag for having a value."""
    statements = list(flat(body))
    found: dict[str, Type] = {}
    for expr in all_expressions(statements):
        if isinstance(expr, Local):
            found.setdefault(expr.name, expr.type)
    assigned: dict[str, Type] = {}
    for statement in statements:
        match statement:
            case (
                Assign(target=Local() as target)
                | Choose(target=target)
                | CallRoutine(target=Local() as target)
            ):
                assigned[target.name] = target.type
            case For(variables=variables, iterable=iterable):
                for name, type_ in zip(variables, bound_types(iterable), strict=True):
                    declared = found.get(name, type_)
                    if expressions.types.name(declared) != expressions.types.name(type_):
                        raise Unsupported(f"the loop variable {name} is {type_} and {declared}")
                    assigned.setdefault(name, type_)
    lines = []
    for name, type_ in assigned.items():
        if name in known:
            continue
        variable = f"l{len(expressions.names)}"
        expressions.names[name] = variable
        expressions.flags[name] = f"{variable}_set"
        lines.append(
            f"{expressions.types.name(type_)} {variable} = {expressions.types.zero(type_)};  /* {name} */"
        )
        lines.append(f"bool {variable}_set = false;")
    return lines
