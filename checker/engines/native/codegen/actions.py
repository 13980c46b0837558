"""The steps of actions, guards first: one for each combination of an action's parameters.

Most steps are disabled in most states. So the guards that an action begins with become a function of their
own, evaluated on the state itself before anything is copied, and inlined: there the parameters are constants,
and with them the places of the fields that the guards read.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product

from checker.engines.native.codegen.expressions import Expressions
from checker.engines.native.codegen.layout import Slot
from checker.engines.native.codegen.statements import guard_function, routine_function, routine_prototype
from checker.ir.dependencies import routines_called, statements_reached
from checker.ir.program import Action, Routine
from checker.ir.statements import Choose, When
from checker.ir.values import domain

#: The most places at which the body of an action is inlined.
_INLINED_MAX = 32


@dataclass(frozen=True, slots=True)
class Step:
    """How the generated code takes one step of an action; C expressions, ``call`` on the copy ``n``."""

    title: str
    #: The number of its coverage counter.
    name: int
    is_fault: bool
    #: What must hold in ``state`` for a look at the call; an error in ``c`` counts as holding.
    guard: str
    call: str
    has_choices: bool


class ActionSteps:
    """Emits the routines of a program's actions, and their steps."""

    def __init__(self, expressions: Expressions, services: Sequence[str], step_names: Sequence[str]) -> None:
        self._expressions = expressions
        self._program = expressions.program
        self._services = services
        self._step_names = step_names
        called = routines_called(self._program)
        #: Routines that are actions and nothing else, so that their guards can be taken out of them.
        self._own = {a.routine for a in self._program.actions if a.routine not in called}

    def prototype(self, routine: Routine) -> str:
        """The prototype of any routine's C function."""
        return f"{self._linkage(routine)} {routine_prototype(self._expressions, routine)}"

    def function(self, routine: Routine) -> str:
        """The C function of any routine; before that of an action, the function of its guards."""
        guards = self._guards(routine)
        rest = replace(routine, body=routine.body[len(guards) :])
        body = routine_function(self._expressions, rest, self._services)
        text = f"{self._linkage(routine)} {body}"
        if not guards:
            return text
        return f"{guard_function(self._expressions, routine, guards, self._services)}\n\n{text}"

    def steps(self, action: Action, budget: Slot | None) -> list[Step]:
        """The steps of an action; none where its budget is empty from the start."""
        if budget is not None and budget.width == 0:
            return []
        routine = self._program.routines[action.routine]
        name = self._expressions.routine_names[action.routine]
        has_choices = any(isinstance(s, Choose) for s in statements_reached(self._program, routine))
        found = []
        for args in self._arguments(action):
            call = f"{name}({', '.join(['&c', 'n', *args])})"
            if routine.pure:
                call = f"((void){call}, c.error ? QC_FAILED : QC_DONE)"
            tests = []
            if budget is not None:
                tests.append(f"gen_get(state, {budget.offset}, {budget.width}) > 0")
                call = f"(spend(n, {budget.offset}, {budget.width}), {call})"
            if self._guards(routine):
                tests.append(f"{name}_guard({', '.join(['&c', 'state', *args])})")
            found.append(
                Step(
                    title=action.name,
                    name=self._step_names.index(action.name),
                    is_fault=action.budget is not None,
                    guard=" && ".join(tests) or "true",
                    call=call,
                    has_choices=has_choices,
                )
            )
        return found

    def _arguments(self, action: Action) -> list[list[str]]:
        columns = [domain(parameter.type) or [] for parameter in action.parameters]
        constant = self._expressions.types.constant
        return [
            [constant(p.type, value) for p, value in zip(action.parameters, values, strict=True)]
            for values in product(*columns)
        ]

    def _guards(self, routine: Routine) -> tuple[When, ...]:
        """The guards that an action begins with."""
        guards: list[When] = []
        for statement in routine.body if routine.name in self._own else ():
            if not isinstance(statement, When):
                break
            guards.append(statement)
        return tuple(guards)

    def _linkage(self, routine: Routine) -> str:
        if routine.name not in self._own:
            return "static"
        uses = sum(len(self._arguments(a)) for a in self._program.actions if a.routine == routine.name)
        return "GEN_INLINE" if uses <= _INLINED_MAX else "static"
