"""Traces: a run of a model, step by step, with the calls made and what each changed."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from checker.errors import InternalError, ModelError
from checker.ir.program import OperationPart, Program
from checker.ir.types import Type
from checker.ir.values import Value, show
from checker.semantics.evaluation import OperationRun
from checker.semantics.machine import Machine
from checker.semantics.state import UNASSIGNED, State, StepKind, Transition


@dataclass(frozen=True, slots=True)
class Argument:
    """A named, typed value."""

    name: str
    type: Type
    value: Value

    def __str__(self) -> str:
        return show(self.type, self.value)


@dataclass(frozen=True, slots=True)
class CallRecord:
    """One operation of a component, as part of a step.

    ``applied`` says that it took effect; ``answered`` that its caller saw the answer, which is
    ``result`` or ``error``. ``attempt`` counts from 1.
    """

    component: str
    operation: str
    arguments: tuple[Argument, ...]
    result: Argument | None = None
    error: str | None = None
    applied: bool = True
    answered: bool = True
    attempt: int = 1

    @property
    def name(self) -> str:
        """``component.operation``."""
        return f"{self.component}.{self.operation}"

    def __str__(self) -> str:
        return f"{self.name}({', '.join(map(str, self.arguments))})"


@dataclass(frozen=True, slots=True)
class Change:
    """A variable, a local or a process' place that a step changed; ``owner`` is its component or process."""

    owner: str
    name: str
    type: Type | None
    before: Value
    after: Value

    def text(self, value: Value) -> str:
        """A value of this change as a person reads it."""
        if value is UNASSIGNED:
            return "nothing"
        return str(value) if self.type is None else show(self.type, value)


@dataclass(frozen=True, slots=True)
class Step:
    """A transition, who made it, its calls, what it changed, and the state after it.

    ``number`` counts from 1. ``actor`` is ``worker 0``, ``environment`` or a component's name.
    """

    number: int
    transition: Transition
    actor: str
    parameters: tuple[Argument, ...]
    calls: tuple[CallRecord, ...]
    changes: tuple[Change, ...]
    state: State

    @property
    def kind(self) -> StepKind:
        """What kind of step it is."""
        return self.transition.kind

    @property
    def title(self) -> str:
        """What happens, in a few words, without the actor."""
        name = self.transition.name
        match self.kind:
            case StepKind.CALL | StepKind.FAIL | StepKind.AMBIGUOUS:
                called = ", ".join(map(str, self.calls)) or name
                if len(self.calls) > 1 or name.startswith("transact("):
                    called = f"transact({called})"
                return called
            case StepKind.CRASH:
                return "crashes and restarts"
            case _:
                inside = ", ".join(map(str, self.parameters))
                return f"{name.rpartition('.')[2]}({inside})"

    @property
    def outcome(self) -> str:
        """How the step's call ended, in a few words; empty where there is nothing to say."""
        match self.kind:
            case StepKind.FAIL:
                return "fails before it is applied"
            case StepKind.AMBIGUOUS:
                applied = all(call.applied for call in self.calls)
                return (
                    "is applied, but its answer is lost" if applied else "gets no answer, and is not applied"
                )
            case StepKind.CALL if self.calls:
                last = self.calls[-1]
                error = next((call.error for call in self.calls if call.error is not None), None)
                if error is not None:
                    return f"raises {error}"
                if not last.applied:
                    return "is answered: an earlier attempt was applied"
                return "" if last.result is None else f"→ {last.result}"
            case _:
                return ""


@dataclass(frozen=True, slots=True)
class Trace:
    """A finite run: an initial state and steps. ``error`` is the model error that the last step ran into."""

    program: Program
    initial: State
    steps: tuple[Step, ...]
    error: ModelError | None = None

    @property
    def final(self) -> State:
        """The last state."""
        return self.steps[-1].state if self.steps else self.initial

    @property
    def before_final(self) -> State:
        """The state before the last step."""
        return self.steps[-2].state if len(self.steps) > 1 else self.initial

    @property
    def spent(self) -> dict[str, tuple[int, int]]:
        """The budgets that the run used: how much, and out of how much."""
        budgets = self.program.budgets
        amounts = zip(budgets.names, budgets.amounts, self.final.budgets, strict=True)
        return {name: (full - left, full) for name, full, left in amounts if full != left}


def replay(machine: Machine, initial: State, path: Iterable[Transition]) -> Trace:
    """Run a path from an initial state and record it.

    Raises:
        InternalError: a transition of the path is not enabled where it should be.
    """
    steps: list[Step] = []
    state = initial
    for number, transition in enumerate(path, start=1):
        for successor in machine.successors(state):
            if successor.transition == transition:
                runs = list(machine.last_calls)
                break
        else:
            raise InternalError(f"step {number}, {transition}, is not enabled")
        if isinstance(successor.outcome, ModelError):
            steps.append(_step(machine, number, transition, runs, state, state))
            return Trace(machine.program, initial, tuple(steps), successor.outcome)
        steps.append(_step(machine, number, transition, runs, state, successor.outcome))
        state = successor.outcome
    return Trace(machine.program, initial, tuple(steps))


def _step(
    machine: Machine,
    number: int,
    transition: Transition,
    runs: Sequence[OperationRun],
    before: State,
    after: State,
) -> Step:
    program = machine.program
    actor = "environment"
    parameters: tuple[Argument, ...] = ()
    if transition.process >= 0:
        actor = program.instance_name(transition.process)
    elif transition.kind in (StepKind.ACTION, StepKind.FAULT):
        action = next(action for action in program.actions if action.name == transition.name)
        actor = action.component or actor
        named = zip(action.parameters, transition.parameters, strict=True)
        parameters = tuple(Argument(p.name, p.type, value) for p, value in named)
    calls = _calls(machine, transition, runs, before)
    return Step(number, transition, actor, parameters, calls, changes(program, before, after), after)


def _calls(
    machine: Machine, transition: Transition, runs: Sequence[OperationRun], before: State
) -> tuple[CallRecord, ...]:
    program = machine.program
    if transition.kind not in (StepKind.CALL, StepKind.FAIL, StepKind.AMBIGUOUS):
        return tuple(_nested_call(program, run) for run in runs)
    waiting = before.processes[transition.process]
    label = machine.label_of(before, transition.process)
    try:
        arguments = machine.arguments(before, transition.process)
    except ModelError:  # which is then what the step ran into
        return ()
    applied = transition.kind is not StepKind.FAIL and not waiting.applied and bool(runs)
    records = []
    for position, (part, values) in enumerate(zip(label.call.parts, arguments, strict=True)):
        run = runs[position] if applied and position < len(runs) else None
        records.append(
            _call(program, part, values, run, applied, transition.kind is StepKind.CALL, waiting.attempt + 1)
        )
    return tuple(records)


def _call(
    program: Program,
    part: OperationPart,
    values: tuple[Value, ...],
    run: OperationRun | None,
    applied: bool,
    answered: bool,
    attempt: int,
) -> CallRecord:
    routine = program.routines[part.routine]
    named = zip(routine.parameters, values, strict=True)
    arguments = tuple(Argument(p.name, p.type, value) for p, value in named)
    result = None
    if run is not None and run.error is None and str(routine.returns) != "None":
        result = Argument("result", routine.returns, run.result)
    error = None if run is None else run.error
    return CallRecord(part.component, part.operation, arguments, result, error, applied, answered, attempt)


def _nested_call(program: Program, run: OperationRun) -> CallRecord:
    routine = program.routines[run.routine]
    component, _, operation = run.routine.rpartition(".")
    named = zip(routine.parameters, run.args, strict=True)
    arguments = tuple(Argument(p.name, p.type, value) for p, value in named)
    return CallRecord(component, operation, arguments, error=run.error)


def changes(program: Program, before: State, after: State) -> tuple[Change, ...]:
    """What differs between two states: variables first, then processes with their locals."""
    found: list[Change] = []
    for variable, old, new in zip(program.variables, before.variables, after.variables, strict=True):
        if old != new:
            found.append(Change(variable.component, variable.name, variable.type, old, new))
    for instance, (old, new) in enumerate(zip(before.processes, after.processes, strict=True)):
        process, _ = program.process_of(instance)
        owner = program.instance_name(instance)
        old_label, new_label = process.labels[old.label], process.labels[new.label]
        if old_label is not new_label:
            found.append(Change(owner, "waits for", None, old_label.call.name, new_label.call.name))
        if old.attempt != new.attempt:
            found.append(Change(owner, "attempts failed", None, old.attempt, new.attempt))
        old_locals = dict(zip(old_label.live, old.locals, strict=True))
        for name, value in zip(new_label.live, new.locals, strict=True):
            earlier = old_locals.get(name, UNASSIGNED)
            if value is not UNASSIGNED and value != earlier and "$" not in name:
                found.append(Change(owner, name, process.locals[name], earlier, value))
    return tuple(found)
