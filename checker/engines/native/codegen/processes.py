"""The C functions of processes: applying the call at a label, and running on to the next await."""

from __future__ import annotations

from collections.abc import Sequence

from checker.engines.native.codegen.expressions import Expressions
from checker.engines.native.codegen.layout import LocalSlot, ProcessLayout, entry_width, is_scalar
from checker.engines.native.codegen.statements import Statements, declare_locals
from checker.errors import ModelErrorKind
from checker.ir.program import Await, Block, Branch, End, Fail, Goto, Label, OperationCall, OperationPart
from checker.ir.types import NONE, Type


class ProcessFunctions:
    """Emits the functions of one process; a bit in them is relative to ``base``, the instance's first bit."""

    def __init__(self, expressions: Expressions, layout: ProcessLayout, services: Sequence[str]) -> None:
        self._expressions = expressions
        self._layout = layout
        self._process = layout.process
        self._services = services
        expressions.names = {}
        expressions.flags = {}
        self._parameter: list[str] = []
        if self._process.parameter is not None:
            expressions.names[self._process.parameter] = "me"
            self._parameter = [self._process.parameter]
        statements = [statement for block in self._process.blocks for statement in block.body]
        self._declarations = declare_locals(expressions, statements, set(self._parameter))
        for label in self._process.labels:
            for place in layout.locals[label.id]:
                self._declare(place.name)
            if label.result is not None:
                self._declare(label.result)
        self._statements = Statements(expressions, services, "return QC_FAILED;", None, pure=False)

    def _declare(self, name: str) -> None:
        expressions = self._expressions
        if name in expressions.names:
            return
        type_ = self._process.locals.get(name) or self._result_type(name)
        variable = f"l{len(expressions.names)}"
        expressions.names[name] = variable
        expressions.flags[name] = f"{variable}_set"
        zero = expressions.types.zero(type_)
        self._declarations.append(f"{expressions.types.name(type_)} {variable} = {zero};  /* {name} */")
        self._declarations.append(f"bool {variable}_set = false;")

    def _result_type(self, name: str) -> Type:
        label = next(label for label in self._process.labels if label.result == name)
        return self._expressions.program.routines[label.call.parts[-1].routine].returns

    @property
    def name(self) -> str:
        """The stem of the process' C functions."""
        return f"process_{self._process.name}"

    def functions(self) -> str:
        """All functions of the process."""
        return "\n\n".join([self._apply_function(), self._run_function()])

    # Applying a call

    def _apply_function(self) -> str:
        lines = [*self._declarations, "switch (label) {"]
        for label in self._process.labels:
            lines += [f"case {label.id}: {{  /* {label.call.name}, {label.location} */"]
            lines += [*_in(self._restored(label)), *_in(self._applied(label.call, None, "return QC_RAISED;"))]
            lines += ["    return QC_DONE;", "}"]
        lines += ["}", "return QC_DONE;"]
        return self._function(f"static int {self.name}_apply", "uint32_t label", lines)

    def _applied(self, call: OperationCall, result: str | None, on_raise: str) -> list[str]:
        """Apply the parts of a call; one that raises is undone, with the others of its transaction."""
        if not any(part.raises for part in call.parts):
            return [line for part in call.parts for line in self._part(part, result, "return QC_RAISED;")]
        if call.cancelled is not None:
            on_raise = f"c->service = {self._services.index(call.cancelled)}; {on_raise}"
        lines = ["uint64_t undo[QC_WORDS];", "memcpy(undo, s, sizeof undo);"]
        for part in call.parts:
            lines += self._part(part, result, f"memcpy(s, undo, sizeof undo); {on_raise}")
        return lines

    def _part(self, part: OperationPart, result: str | None, on_raise: str) -> list[str]:
        expressions = self._expressions
        routine = expressions.program.routines[part.routine]
        if routine.pure:
            value = expressions.call(routine, part.args)
            keep = [f"(void){value};"] if result is None else self._kept(result, value)
            return [*keep, "if (c->error) return QC_FAILED;"]
        args = [expressions.value(arg) for arg in part.args]
        status, out = expressions.fresh("status"), expressions.fresh("out")
        lines, pointer = [], []
        if routine.returns != NONE:
            name = expressions.types.name(routine.returns)
            lines.append(f"{name} {out} = {expressions.types.zero(routine.returns)};")
            pointer = [f"&{out}"]
        name = expressions.routine_names[routine.name]
        lines += [
            f"int {status} = {name}({', '.join(['c', 's', *args, *pointer])});",
            "if (c->error) return QC_FAILED;",
            f"if ({status} == QC_RAISED) {{ {on_raise} }}",
            f"if ({status} != QC_DONE) return {status};",
        ]
        if result is not None and routine.returns != NONE:
            lines += self._kept(result, out)
        return lines

    def _kept(self, name: str, value: str) -> list[str]:
        expressions = self._expressions
        return [f"{expressions.names[name]} = {value};", f"{expressions.flags[name]} = true;"]

    # Running on

    def _run_function(self) -> str:
        entry = self._process.entry
        lines = [
            *self._declarations,
            "uint32_t rounds = 0, error = raised;",
            f"if (mode == QC_START) goto b{entry};",
            "switch (label) {",
        ]
        for label in self._process.labels:
            lines += [f"case {label.id}: {{", *_in(self._label_lines(label)), "}"]
        lines += ["}", "return QC_DONE;", "die:;  /* nobody catches the error */"]
        lines += [*self._reset(), f"goto b{entry};"]
        for block in self._process.blocks:
            lines += [f"b{block.id}:;", "{", *_in(self._block_lines(block)), "}"]
        parameters = "enum gen_mode mode, uint32_t label, uint32_t raised"
        return self._function(f"static int {self.name}_run", parameters, lines)

    def _label_lines(self, label: Label) -> list[str]:
        lines = [*self._restored(label), f"if (mode == QC_RAISE) goto raise{label.id};"]
        on_raise = f"error = c->service; goto raise{label.id};"
        lines += ["if (mode == QC_CALL) {", *_in(self._applied(label.call, label.result, on_raise)), "}"]
        lines += [f"goto b{label.resume};", f"raise{label.id}:;", "switch (error) {"]
        for handler in label.handlers:
            cases = " ".join(f"case {self._services.index(error)}:" for error in handler.errors)
            lines.append(f"{cases} goto b{handler.block};")
        return [*lines, "default: goto die;", "}"]

    def _block_lines(self, block: Block) -> list[str]:
        lines = self._statements.body(block.body)
        expressions = self._expressions
        match block.terminator:
            case Goto(target):
                return [*lines, *self._jump(target, block)]
            case Branch(condition, then, orelse):
                expressions.may_fail = False
                held = expressions.fresh("t")
                lines.append(f"bool {held} = {expressions.value(condition)};")
                if expressions.may_fail:
                    lines.append("if (c->error) return QC_FAILED;")
                return [*lines, f"if ({held}) goto b{then};", *self._jump(orelse, block)]
            case Await(number):
                return [*lines, *self._wait(self._process.labels[number])]
            case End() | Fail():
                return [*lines, *self._bound(), *self._reset(), f"goto b{self._process.entry};"]

    def _jump(self, target: int, block: Block) -> list[str]:
        """A goto; one that goes back counts rounds, so that no step runs for ever."""
        return [*(self._bound() if target <= block.id else []), f"goto b{target};"]

    def _bound(self) -> list[str]:
        note = self._expressions.fail(ModelErrorKind.LOOP, self._process.location)
        return [f"if (++rounds > QC_LOOP_STEPS_MAX) {{ {note}; return QC_FAILED; }}"]

    def _reset(self) -> list[str]:
        """Forget all locals."""
        return [f"{flag} = false;" for flag in self._expressions.flags.values()]

    # Locals

    def _restored(self, label: Label) -> list[str]:
        lines = []
        for place in self._layout.locals[label.id]:
            variable, flag = self._expressions.names[place.name], self._expressions.flags[place.name]
            position = f"base + {place.slot.offset}"
            if not place.is_optional:
                lines.append(
                    f"{variable} = {self._expressions.load(place.type, 's', position)}; {flag} = true;"
                )
                continue
            test = f"gen_get(s, {position}, {min(place.slot.width, 64) if is_scalar(place.type) else 1}) != 0"
            if is_scalar(place.type):
                value = self._expressions.types.unkey(
                    place.type, f"gen_get(s, {position}, {place.slot.width}) - 1"
                )
            else:
                value = self._expressions.load(place.type, "s", f"{position} + 1")
            lines.append(f"if ({test}) {{ {variable} = {value}; {flag} = true; }}")
        return lines

    def _wait(self, label: Label) -> list[str]:
        """Leave the process at a label: check what it keeps, and write its part of the state."""
        expressions = self._expressions
        places = self._layout.locals[label.id]
        lines = []
        for place in places:
            if expressions.types.needs_check(place.type):
                value = expressions.names[place.name]
                note = expressions.fail(ModelErrorKind.OVERFLOW, label.location)
                key = expressions.types.key(place.type, value)
                lines.append(
                    f"if ({expressions.flags[place.name]} && {key} < 0) {{ {note}; return QC_FAILED; }}"
                )
        lines.append(f"gen_clear(s, base, {self._layout.width});")
        lines.append(f"gen_put(s, base, {self._layout.label.width}, {label.id});")
        lines += [self._saved(place) for place in places]
        return [*lines, "return QC_DONE;"]

    def _saved(self, place: LocalSlot) -> str:
        expressions = self._expressions
        variable, flag = expressions.names[place.name], expressions.flags[place.name]
        position = f"base + {place.slot.offset}"
        if not place.is_optional:
            return expressions.store(place.type, "s", position, variable)
        if is_scalar(place.type):
            key = expressions.types.key(place.type, variable)
            bits = entry_width(place.type, expressions.layout.capacities)
            return f"if ({flag}) gen_put(s, {position}, {bits}, (uint64_t){key} + 1);"
        inner = expressions.store(place.type, "s", f"{position} + 1", variable)
        return f"if ({flag}) {{ gen_put(s, {position}, 1, 1); {inner} }}"

    def _function(self, head: str, parameters: str, lines: list[str]) -> str:
        given = f"gen_ctx *c, uint64_t *s, uint32_t base, int64_t me, {parameters}"
        unused = "(void)me; (void)base; (void)c; (void)label;"
        return "\n".join([f"{head}({given}) {{", f"    {unused}", *_in(lines), "}"])


def _in(lines: Sequence[str]) -> list[str]:
    return [f"    {line}" for line in lines]
