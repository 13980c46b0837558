"""The rules of a step: which transitions a state has, and how faults spend their budgets.

This is the definition of the transition system (``docs/semantics.md`` says it in words). How code
runs is left to a subclass: ``Machine`` interprets the IR, the reference engine lets CPython run the
model's own source. A process' step is its awaited call, atomically, and its local code up to the next
await.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from itertools import product
from typing import Generic, TypeAlias, TypeVar

from checker.errors import InternalError, ModelError
from checker.ir.program import Action, Label, Process, Program
from checker.ir.values import Value, domain
from checker.semantics.state import ProcessState, State, StepKind, Successor, Transition

#: What a process sees when a call failed before it was applied, all attempts of the SDK used up.
CALL_FAILED = "CallFailed"
#: What a process sees when no answer came, all attempts used up: the call was applied, or it was not.
CALL_TIMED_OUT = "CallTimedOut"

_CRASH, _FAIL, _AMBIGUOUS = 0, 1, 2

_Context = TypeVar("_Context")
_T = TypeVar("_T")

#: The choices that a run took, and the variables after it with its result, or its model error.
Outcome: TypeAlias = tuple[tuple[int, ...], tuple[tuple[Value, ...], _T] | ModelError]


class Disabled(BaseException):
    """The step is not enabled: a guard is false, or there is nothing to choose from.

    Not an Exception, so that no handler in a model can catch it.
    """


class ServiceErrorRaised(Exception):
    """An operation answered with a service error, by its class name."""

    def __init__(self, error: str) -> None:
        super().__init__(error)
        self.error = error


class TransitionRules(ABC, Generic[_Context]):
    """The transition system of a program over canonical states.

    Successors come in a fixed order: free actions in program order, then the processes' calls with
    their failures, then crashes, then components' faults. The order is part of the meaning: which of
    several shortest counterexamples is reported depends on it, and on nothing else.
    """

    def __init__(self, program: Program) -> None:
        self.program = program
        self.instances: list[tuple[Process, int]] = [
            program.process_of(instance) for instance in range(program.process_count)
        ]
        self._budget_of = {name: i for i, name in enumerate(program.budgets.names)}
        self._parameters = {action.name: _parameter_values(action) for action in program.actions}

    # How code runs

    @abstractmethod
    def _outcomes(self, state: State, caller: int, run: Callable[[_Context], _T]) -> Iterator[Outcome[_T]]:
        """Every way to run ``run`` from a state, by its choices in lexicographic order."""

    @abstractmethod
    def _choose(self, context: _Context, count: int) -> int:
        """Take the next choice of a run among ``count`` alternatives."""

    @abstractmethod
    def _act(self, context: _Context, action: Action, parameters: tuple[Value, ...]) -> None:
        """Run an action's body."""

    @abstractmethod
    def _start(self, context: _Context, instance: int) -> ProcessState:
        """Begin an iteration of a process: run up to its first await."""

    @abstractmethod
    def _apply(self, context: _Context, instance: int, waiting: ProcessState) -> Value:
        """Apply the call that a process waits for. Raises ServiceErrorRaised, with nothing applied."""

    @abstractmethod
    def _resume(self, context: _Context, instance: int, waiting: ProcessState, result: Value) -> ProcessState:
        """Go on after the call, with its result, up to the next await."""

    @abstractmethod
    def _raise_in(self, context: _Context, instance: int, waiting: ProcessState, error: str) -> ProcessState:
        """Go on where the call has raised: at its handler, or, without one, from the start."""

    @abstractmethod
    def holds(self, number: int, state: State, before: State | None = None) -> bool:
        """Whether property ``number`` holds in a state; a TRANSITION property also takes the state before.

        Raises ModelError where the property itself has no meaning in the state.
        """

    # The rules

    def initial_states(self) -> Iterator[Successor]:
        """The states in which every process has run up to its first await; ModelErrors as outcomes."""
        program = self.program
        variables = tuple(variable.initial for variable in program.variables)
        states = [State(variables, (), program.budgets.amounts)]
        start = Transition(StepKind.ACTION, "init", -1, (), ())
        for instance in range(len(self.instances)):
            grown: list[State] = []
            for state in states:
                for _, outcome in self._outcomes(state, instance, self._starter(instance)):
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
        for instance in range(len(self.instances)):
            yield from self._calls(state, instance)
        for instance in range(len(self.instances)):
            yield from self._crash(state, instance)
        for action in self.program.actions:
            if action.budget is not None:
                yield from self._action(state, action)

    def label_of(self, state: State, instance: int) -> Label:
        """The label at which a process instance waits."""
        return self.instances[instance][0].labels[state.processes[instance].label]

    def _idle_in(self, state: State) -> Callable[[int], bool]:
        """Whether a process instance is idle in a state; before they all have started, every one is."""
        if len(state.processes) < len(self.instances):
            return lambda _: True
        return lambda instance: self.label_of(state, instance).idle

    def _starter(self, instance: int) -> Callable[[_Context], ProcessState]:
        return lambda context: self._start(context, instance)

    def _action(self, state: State, action: Action) -> Iterator[Successor]:
        budgets = state.budgets
        kind = StepKind.ACTION
        if action.budget is not None:
            position = self._budget_of[action.budget]
            if budgets[position] == 0:
                return
            budgets, kind = _spend(budgets, position), StepKind.FAULT
        for parameters in self._parameters[action.name]:

            def act(context: _Context, parameters: tuple[Value, ...] = parameters) -> None:
                self._act(context, action, parameters)

            for choices, outcome in self._outcomes(state, -1, act):
                transition = Transition(kind, action.name, -1, parameters, choices)
                if isinstance(outcome, ModelError):
                    yield Successor(transition, outcome)
                else:
                    yield Successor(transition, State(outcome[0], state.processes, budgets))

    def _calls(self, state: State, instance: int) -> Iterator[Successor]:
        waiting = state.processes[instance]
        name = self.label_of(state, instance).call.name

        def step(context: _Context) -> ProcessState:
            try:
                result = None if waiting.applied else self._apply(context, instance, waiting)
            except ServiceErrorRaised as raised:
                return self._raise_in(context, instance, waiting, raised.error)
            return self._resume(context, instance, waiting, result)

        enabled = False
        for choices, outcome in self._outcomes(state, instance, step):
            enabled = True
            transition = Transition(StepKind.CALL, name, instance, (), choices)
            yield _moved(transition, state, state.budgets, outcome)
        if enabled:
            # A call that could not be answered yet has nothing to lose: it fails only once it could be.
            yield from self._failed(state, instance)
            yield from self._unanswered(state, instance)

    def _failed(self, state: State, instance: int) -> Iterator[Successor]:
        if state.budgets[_FAIL] == 0:
            return
        waiting = state.processes[instance]
        budgets = _spend(state.budgets, _FAIL)

        def fail(context: _Context) -> ProcessState:
            if self._is_last_attempt(waiting):
                return self._raise_in(context, instance, waiting, CALL_FAILED)
            return waiting._replace(attempt=waiting.attempt + 1)

        name = self.label_of(state, instance).call.name
        for choices, outcome in self._outcomes(state, instance, fail):
            transition = Transition(StepKind.FAIL, name, instance, (), choices)
            yield _moved(transition, state, budgets, outcome)

    def _unanswered(self, state: State, instance: int) -> Iterator[Successor]:
        waiting = state.processes[instance]
        if state.budgets[_AMBIGUOUS] == 0:
            return
        budgets = _spend(state.budgets, _AMBIGUOUS)
        call = self.label_of(state, instance).call

        def lose_answer(context: _Context) -> ProcessState:
            last = self._is_last_attempt(waiting)
            # Where nothing is tried again, it matters whether the call arrived at all: a timeout says
            # neither. Before that, a call that did not arrive is the same as FAIL.
            if not waiting.applied and (not last or self._choose(context, 2) == 0):
                try:
                    self._apply(context, instance, waiting)
                except ServiceErrorRaised:
                    # Nothing was applied: as if the call had not arrived.
                    raise Disabled from None
            if last:
                return self._raise_in(context, instance, waiting, CALL_TIMED_OUT)
            applied = waiting.applied or call.applied_once
            return waiting._replace(attempt=waiting.attempt + 1, applied=applied)

        for choices, outcome in self._outcomes(state, instance, lose_answer):
            transition = Transition(StepKind.AMBIGUOUS, call.name, instance, (), choices)
            yield _moved(transition, state, budgets, outcome)

    def _is_last_attempt(self, waiting: ProcessState) -> bool:
        return waiting.attempt + 1 >= self.program.budgets.max_attempts

    def _crash(self, state: State, instance: int) -> Iterator[Successor]:
        if state.budgets[_CRASH] == 0 or self.label_of(state, instance).idle:
            return
        budgets = _spend(state.budgets, _CRASH)
        for choices, outcome in self._outcomes(state, instance, self._starter(instance)):
            transition = Transition(StepKind.CRASH, "crash", instance, (), choices)
            yield _moved(transition, state, budgets, outcome)


def next_scripts(script: tuple[int, ...], taken: list[int], offered: list[int]) -> Iterator[tuple[int, ...]]:
    """The scripts that differ from a run in one later choice, the lexicographically last one first.

    ``script`` is what the run was given, ``taken`` what it took, ``offered`` how many there were. Put
    on a stack, each script of choices comes off once, in lexicographic order.
    """
    for position in range(len(script), len(taken)):
        for number in range(offered[position] - 1, 0, -1):
            yield (*taken[:position], number)


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
    budgets: tuple[int, ...],
    outcome: tuple[tuple[Value, ...], ProcessState] | ModelError,
) -> Successor:
    if isinstance(outcome, ModelError):
        return Successor(transition, outcome)
    variables, waiting = outcome
    instance = transition.process
    processes = (*state.processes[:instance], waiting, *state.processes[instance + 1 :])
    return Successor(transition, State(variables, processes, budgets))
