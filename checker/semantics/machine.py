"""The transition system of a program: initial states, successors, properties.

This is the definition of a step (``docs/semantics.md`` says it in words). A process' step is its
awaited call, atomically, and its local code up to the next await.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from itertools import product
from typing import TypeVar

from checker.errors import InternalError, ModelError
from checker.ir.program import (
    Action,
    Await,
    Branch,
    End,
    Fail,
    Goto,
    Label,
    Process,
    Program,
    PropertyKind,
)
from checker.ir.statements import LOOP_STEPS_MAX
from checker.ir.values import Value, domain, fits
from checker.semantics.evaluation import (
    Disabled,
    Evaluate,
    Evaluator,
    Execute,
    Frame,
    ServiceErrorRaised,
    endless,
    overflow,
)
from checker.semantics.state import UNASSIGNED, ProcessState, State, StepKind, Successor, Transition

#: What a process sees when a call failed before it was applied, all attempts of the SDK used up.
CALL_FAILED = "CallFailed"
#: What a process sees when an answer was lost, all attempts used up: the call may have been applied.
CALL_TIMED_OUT = "CallTimedOut"

_CRASH, _FAIL, _AMBIGUOUS = 0, 1, 2

_T = TypeVar("_T")


class Machine:
    """Executes a program over canonical states.

    Successors come in a fixed order: actions in program order, then the processes' calls with their
    failures, crashes, and components' faults. The order is part of the meaning: which of several
    shortest counterexamples is reported depends on it, and on nothing else.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self._evaluator = Evaluator(program)
        self._processes = [_ProcessCode(process, self._evaluator) for process in program.processes]
        self._instances = [
            (self._processes[number], index, process.first_instance + index)
            for number, process in enumerate(program.processes)
            for index in range(process.instances)
        ]
        self._budget_of = {name: i for i, name in enumerate(program.budgets.names)}
        self._parameters = {action.name: _parameter_values(action) for action in program.actions}

    def initial_states(self) -> Iterator[Successor]:
        """The states in which every process has run up to its first await; ModelErrors as outcomes."""
        program = self.program
        variables = tuple(variable.initial for variable in program.variables)
        states = [State(variables, (), program.budgets.amounts)]
        start = Transition(StepKind.ACTION, "init", -1, (), ())
        for code, index, instance in self._instances:
            grown: list[State] = []
            for state in states:
                for _, outcome in self._outcomes(
                    state,
                    instance,
                    lambda frame, c=code, i=index: c.start(frame, i),  # type: ignore[misc]
                ):
                    if isinstance(outcome, ModelError):
                        yield Successor(start, outcome)
                        return
                    after, waiting = outcome
                    grown.append(State(after, (*state.processes, waiting), state.budgets))
            states = grown
        for state in dict.fromkeys(states):
            yield Successor(start, state)

    def successors(self, state: State) -> Iterator[Successor]:
        """Every enabled transition of a state with its outcome, in the fixed order."""
        for action in self.program.actions:
            if action.budget is None:
                yield from self._action(state, action)
        for code, index, instance in self._instances:
            yield from self._calls(state, code, index, instance)
        for code, index, instance in self._instances:
            yield from self._crash(state, code, index, instance)
        for action in self.program.actions:
            if action.budget is not None:
                yield from self._action(state, action)

    def holds(self, number: int, state: State, before: State | None = None) -> bool:
        """Whether property ``number`` holds in a state; a TRANSITION property also takes the state before.

        Raises ModelError where the property itself has no meaning in the state.
        """
        prop = self.program.properties[number]
        frame = Frame(list(state.variables), idle=self._idle_in(state))
        if prop.kind is PropertyKind.TRANSITION:
            if before is None:
                raise InternalError(f"{prop.name} needs the state before")
            frame.old = before.variables
        return bool(self._evaluator.call(prop.routine, (), frame))

    def _idle_in(self, state: State) -> Callable[[int], bool]:
        def idle(instance: int) -> bool:
            code = self._instances[instance][0]
            return code.labels[state.processes[instance].label].idle

        return idle

    def _outcomes(
        self, state: State, caller: int, run: Callable[[Frame], _T]
    ) -> Iterator[tuple[tuple[int, ...], tuple[tuple[Value, ...], _T] | ModelError]]:
        """Every way to run ``run``, by its choices in lexicographic order, with what it made of the state."""
        scripts: list[tuple[int, ...]] = [()]
        idle = self._idle_in(state) if len(state.processes) == len(self._instances) else lambda _: True
        while scripts:
            script = scripts.pop()
            frame = Frame(list(state.variables), script, caller, idle)
            outcome: tuple[tuple[Value, ...], _T] | ModelError | None
            try:
                result = run(frame)
                outcome = (tuple(frame.variables), result)
            except Disabled:
                outcome = None
            except ModelError as error:
                outcome = error
            taken = tuple(frame.taken)
            for position in range(len(script), len(taken)):
                for number in range(frame.offered[position] - 1, 0, -1):
                    scripts.append((*taken[:position], number))
            if outcome is not None:
                yield taken, outcome

    def _action(self, state: State, action: Action) -> Iterator[Successor]:
        budgets = state.budgets
        kind = StepKind.ACTION
        if action.budget is not None:
            position = self._budget_of[action.budget]
            if budgets[position] == 0:
                return
            budgets, kind = _spend(budgets, position), StepKind.FAULT
        call = self._evaluator.call
        for parameters in self._parameters[action.name]:
            run = lambda frame, p=parameters: call(action.routine, p, frame)  # noqa: E731
            for choices, outcome in self._outcomes(state, -1, run):
                transition = Transition(kind, action.name, -1, parameters, choices)
                if isinstance(outcome, ModelError):
                    yield Successor(transition, outcome)
                else:
                    yield Successor(transition, State(outcome[0], state.processes, budgets))

    def _calls(self, state: State, code: _ProcessCode, index: int, instance: int) -> Iterator[Successor]:
        waiting = state.processes[instance]
        label = code.labels[waiting.label]
        enabled = False
        for choices, outcome in self._outcomes(
            state, instance, lambda frame: code.step(frame, index, waiting)
        ):
            enabled = True
            transition = Transition(StepKind.CALL, label.call.name, instance, (), choices)
            yield _moved(transition, state, instance, state.budgets, outcome)
        if enabled:
            yield from self._failures(state, code, index, instance, label)

    def _failures(
        self, state: State, code: _ProcessCode, index: int, instance: int, label: Label
    ) -> Iterator[Successor]:
        waiting = state.processes[instance]
        last = waiting.attempt + 1 >= self.program.budgets.max_attempts
        if state.budgets[_FAIL] > 0:
            budgets = _spend(state.budgets, _FAIL)

            def failed(frame: Frame) -> ProcessState:
                if last:
                    return code.raise_in(frame, index, waiting, CALL_FAILED)
                return waiting._replace(attempt=waiting.attempt + 1)

            for choices, outcome in self._outcomes(state, instance, failed):
                transition = Transition(StepKind.FAIL, label.call.name, instance, (), choices)
                yield _moved(transition, state, instance, budgets, outcome)
        if state.budgets[_AMBIGUOUS] > 0 and not waiting.applied:
            budgets = _spend(state.budgets, _AMBIGUOUS)

            def unanswered(frame: Frame) -> ProcessState:
                try:
                    code.apply(frame, index, waiting)
                except ServiceErrorRaised:
                    # Nothing was applied, so that losing the answer is the same as FAIL.
                    raise Disabled from None
                if last:
                    return code.raise_in(frame, index, waiting, CALL_TIMED_OUT)
                applied = label.call.cancelled is not None
                return waiting._replace(attempt=waiting.attempt + 1, applied=applied)

            for choices, outcome in self._outcomes(state, instance, unanswered):
                transition = Transition(StepKind.AMBIGUOUS, label.call.name, instance, (), choices)
                yield _moved(transition, state, instance, budgets, outcome)

    def _crash(self, state: State, code: _ProcessCode, index: int, instance: int) -> Iterator[Successor]:
        if state.budgets[_CRASH] == 0 or code.labels[state.processes[instance].label].idle:
            return
        budgets = _spend(state.budgets, _CRASH)
        for choices, outcome in self._outcomes(state, instance, lambda frame: code.start(frame, index)):
            transition = Transition(StepKind.CRASH, "crash", instance, (), choices)
            yield _moved(transition, state, instance, budgets, outcome)


class _ProcessCode:
    """The executable form of one process: its blocks as closures, its labels' calls."""

    def __init__(self, process: Process, evaluator: Evaluator) -> None:
        self.process = process
        self.labels = process.labels
        self._evaluator = evaluator
        self._bodies: list[Execute] = [evaluator.block(block.body) for block in process.blocks]
        self._conditions: list[Evaluate | None] = [
            evaluator.expression(block.terminator.condition) if isinstance(block.terminator, Branch) else None
            for block in process.blocks
        ]
        self._args = [
            [[evaluator.expression(arg) for arg in part.args] for part in label.call.parts]
            for label in process.labels
        ]

    def start(self, frame: Frame, index: int) -> ProcessState:
        """Begin an iteration: run up to the first await."""
        frame.locals = {}
        if self.process.parameter is not None:
            frame.locals[self.process.parameter] = index
        return self._run(frame, index, self.process.entry)

    def step(self, frame: Frame, index: int, waiting: ProcessState) -> ProcessState:
        """Apply the call at the label, then run on to the next await."""
        label = self.labels[waiting.label]
        try:
            result = None if waiting.applied else self.apply(frame, index, waiting)
        except ServiceErrorRaised as raised:
            return self.raise_in(frame, index, waiting, raised.error)
        self._restore(frame, index, waiting)
        if label.result is not None:
            frame.locals[label.result] = result
        return self._run(frame, index, label.resume)

    def apply(self, frame: Frame, index: int, waiting: ProcessState) -> Value:
        """Apply the call at the label. Raises ServiceErrorRaised where it answers with an error."""
        label = self.labels[waiting.label]
        self._restore(frame, index, waiting)
        before = list(frame.variables)
        result = None
        try:
            for part, args in zip(label.call.parts, self._args[label.id], strict=True):
                values = [arg(frame) for arg in args]
                result = self._evaluator.call(part.routine, values, frame)
        except ServiceErrorRaised:
            if label.call.cancelled is None:
                raise
            frame.variables[:] = before
            raise ServiceErrorRaised(label.call.cancelled) from None
        return result if label.call.cancelled is None else None

    def raise_in(self, frame: Frame, index: int, waiting: ProcessState, error: str) -> ProcessState:
        """Go on where the label's call has raised: at its handler, or, without one, from the start."""
        for handler in self.labels[waiting.label].handlers:
            if error in handler.errors:
                self._restore(frame, index, waiting)
                return self._run(frame, index, handler.block)
        return self.start(frame, index)

    def _restore(self, frame: Frame, index: int, waiting: ProcessState) -> None:
        label = self.labels[waiting.label]
        known = zip(label.live, waiting.locals, strict=True)
        frame.locals = {name: value for name, value in known if value is not UNASSIGNED}
        if self.process.parameter is not None:
            frame.locals[self.process.parameter] = index

    def _run(self, frame: Frame, index: int, number: int) -> ProcessState:
        for _ in range(LOOP_STEPS_MAX):
            block = self.process.blocks[number]
            self._bodies[number](frame)
            match block.terminator:
                case Goto(target):
                    number = target
                case Branch(_, then, orelse):
                    condition = self._conditions[number]
                    assert condition is not None
                    number = then if condition(frame) else orelse
                case Await(label):
                    return self._wait(frame, label)
                case End() | Fail():
                    frame.locals = {}
                    if self.process.parameter is not None:
                        frame.locals[self.process.parameter] = index
                    number = self.process.entry
        raise endless(self.process.location)

    def _wait(self, frame: Frame, number: int) -> ProcessState:
        label = self.labels[number]
        for name in label.live:
            if name in frame.locals:
                problem = fits(self.process.locals[name], frame.locals[name])
                if problem is not None:
                    raise overflow(name, problem, label.location)
        values = tuple(frame.locals.get(name, UNASSIGNED) for name in label.live)
        return ProcessState(number, 0, False, values)


def _parameter_values(action: Action) -> list[tuple[Value, ...]]:
    columns = [domain(parameter.type) for parameter in action.parameters]
    known = [column for column in columns if column is not None]
    if len(known) != len(columns):
        raise InternalError(f"{action.name}: a parameter cannot be enumerated")
    return list(product(*known))


def _spend(budgets: tuple[int, ...], position: int) -> tuple[int, ...]:
    return (*budgets[:position], budgets[position] - 1, *budgets[position + 1 :])


def _moved(
    transition: Transition,
    state: State,
    instance: int,
    budgets: tuple[int, ...],
    outcome: tuple[tuple[Value, ...], ProcessState] | ModelError,
) -> Successor:
    if isinstance(outcome, ModelError):
        return Successor(transition, outcome)
    variables, waiting = outcome
    processes = (*state.processes[:instance], waiting, *state.processes[instance + 1 :])
    return Successor(transition, State(variables, processes, budgets))
