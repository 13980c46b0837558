"""Breadth-first search over a transition system: shortest counterexamples, the same on every run."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

from checker.engines.interface import (
    ALL_FOUND,
    DEADLOCK_FREE,
    NOT_ASKED,
    Answer,
    Failure,
    Progress,
    Request,
    Result,
    Run,
    Statistics,
    Verdict,
)
from checker.engines.memory import resident_bytes, shown_bytes
from checker.errors import ModelError
from checker.ir.dependencies import OLD_PREFIX, reads_processes, variables_read
from checker.ir.program import PropertyKind
from checker.ir.values import Value
from checker.semantics.rules import TransitionRules
from checker.semantics.state import State, StepKind, Transition

_REPORT_EVERY_S = 0.2
#: How many states are expanded between two looks at the clock.
_STATES_PER_LOOK = 64


class _AskedProperty:
    """A property with its answers so far, by the values of the variables that it reads.

    Most steps change nothing that a property looks at, so that nearly every answer is known.
    """

    def __init__(self, rules: TransitionRules[Any], number: int) -> None:
        program = rules.program
        prop = program.properties[number]
        self.name = prop.name
        self._rules = rules
        self._number = number
        positions = {variable.name: i for i, variable in enumerate(program.variables)}
        read = variables_read(program, prop.routine)
        self._now = [positions[name] for name in sorted(read) if not name.startswith(OLD_PREFIX)]
        self._old = [positions[name.removeprefix(OLD_PREFIX)] for name in sorted(read - set(positions))]
        self._is_remembered = not reads_processes(program, prop.routine)
        self._answers: dict[tuple[Value, ...], bool] = {}

    def holds(self, state: State, before: State | None) -> bool:
        """As ``TransitionRules.holds``."""
        if not self._is_remembered:
            return self._rules.holds(self._number, state, before)
        key = tuple(state.variables[position] for position in self._now)
        if before is not None:
            key += tuple(before.variables[position] for position in self._old)
        answer = self._answers.get(key)
        if answer is None:
            answer = self._answers[key] = self._rules.holds(self._number, state, before)
        return answer


class BreadthFirstSearch:
    """One search. Every state is expanded once, level by level, in the order of its discovery."""

    def __init__(self, engine: str, rules: TransitionRules[Any], request: Request) -> None:
        self._engine = engine
        self._rules = rules
        self._request = request
        self._properties = rules.program.properties
        self._asked: dict[PropertyKind, list[_AskedProperty]] = {kind: [] for kind in PropertyKind}
        for number, prop in enumerate(self._properties):
            if request.wanted is None or prop.name in request.wanted:
                self._asked[prop.kind].append(_AskedProperty(rules, number))
        self._parents: dict[State, tuple[State, Transition] | None] = {}
        self._found: dict[str, Run] = {}
        self._failure: Failure | None = None
        self._stopped: str | None = None
        self._transitions = 0
        self._depth = 0
        self._comes_to_rest = False
        self._fired: Counter[str] = Counter()
        self._begun = time.monotonic()
        self._reported = self._begun
        self._resident = resident_bytes()

    def run(self) -> Result:
        """Search until everything is seen, a limit is reached, the model fails, or Ctrl-C."""
        try:
            self._search()
        except KeyboardInterrupt:
            self._stopped = "interrupted"
        return self._result()

    def _search(self) -> None:
        level: list[State] = []
        for successor in self._rules.initial_states():
            if isinstance(successor.outcome, ModelError):
                self._failure = Failure(successor.outcome, None)
                return
            self._discover(successor.outcome, None, level)
        if self._failure is not None:
            return
        limits = self._request.limits
        while level and not self._over(len(level)):
            if limits.depth_max is not None and self._depth >= limits.depth_max:
                self._look_at_rest(level)
                self._stopped = self._stopped or f"depth limit of {limits.depth_max} steps"
                return
            following: list[State] = []
            for number, state in enumerate(level):
                self._expand(state, following)
                if self._failure is not None:
                    return
                if number % _STATES_PER_LOOK == 0 and self._over(len(level) - number + len(following)):
                    return
            level = following
            if level:
                self._depth += 1

    def _over(self, frontier: int) -> bool:
        limits, now = self._request.limits, time.monotonic()
        if now - self._reported > _REPORT_EVERY_S:
            self._reported = now
            taken = max(resident_bytes() - self._resident, 0)
            progress = Progress(len(self._parents), self._depth, frontier, now - self._begun, taken)
            self._request.report(progress)
        if limits.states_max is not None and len(self._parents) >= limits.states_max:
            self._stopped = f"state limit of {limits.states_max:,} states"
        elif limits.time_s_max is not None and now - self._begun >= limits.time_s_max:
            self._stopped = f"time limit of {limits.time_s_max:g} s"
        elif self._taken_bytes_over(limits.memory_bytes_max):
            self._stopped = f"memory limit of {shown_bytes(limits.memory_bytes_max or 0)}"
        elif self._request.wanted is not None and self._request.wanted <= self._found.keys():
            self._stopped = ALL_FOUND
        return self._stopped is not None

    def _taken_bytes_over(self, most: int | None) -> bool:
        return most is not None and resident_bytes() - self._resident >= most

    def _expand(self, state: State, following: list[State]) -> None:
        is_quiescent = True
        for successor in self._rules.successors(state):
            transition, outcome = successor.transition, successor.outcome
            self._transitions += 1
            self._fired[fired_name(transition)] += 1
            is_quiescent = is_quiescent and transition.kind.is_fault
            if isinstance(outcome, ModelError):
                self._fail(outcome, self._path(state, transition))
                return
            self._ask(PropertyKind.TRANSITION, outcome, state, transition)
            if outcome not in self._parents:
                self._discover(outcome, (state, transition), following)
        if is_quiescent:
            self._rest(state)

    def _rest(self, state: State) -> None:
        """What is asked of a state in which nothing more can happen."""
        self._comes_to_rest = True
        self._ask(PropertyKind.QUIESCENT, state)
        instances = range(len(self._rules.instances))
        if any(not self._rules.label_of(state, instance).idle for instance in instances):
            self._found.setdefault(DEADLOCK_FREE, self._path(state))

    def _look_at_rest(self, level: list[State]) -> None:
        """Ask of states that are not expanded, for the depth limit, what must hold at rest."""
        for number, state in enumerate(level):
            if number % _STATES_PER_LOOK == 0 and self._over(len(level) - number):
                return
            if all(successor.transition.kind.is_fault for successor in self._rules.successors(state)):
                self._rest(state)
            if self._failure is not None:
                return

    def _discover(self, state: State, parent: tuple[State, Transition] | None, level: list[State]) -> None:
        if state in self._parents:
            return
        self._parents[state] = parent
        level.append(state)
        self._ask(PropertyKind.ALWAYS, state)
        self._ask(PropertyKind.LEMMA, state)
        self._ask(PropertyKind.REACHABLE, state)

    def _ask(
        self,
        kind: PropertyKind,
        state: State,
        before: State | None = None,
        transition: Transition | None = None,
    ) -> None:
        for asked in self._asked[kind]:
            if asked.name in self._found or self._failure is not None:
                continue
            start = state if before is None else before
            try:
                holds = asked.holds(state, before)
            except ModelError as error:
                self._fail(error, self._path(start, transition))
                return
            if holds == (kind is PropertyKind.REACHABLE):
                self._found[asked.name] = self._path(start, transition)

    def _fail(self, error: ModelError, path: Run) -> None:
        if self._failure is None:
            self._failure = Failure(error, path)

    def _path(self, state: State, last: Transition | None = None) -> Run:
        transitions = [] if last is None else [last]
        while (parent := self._parents[state]) is not None:
            state, transition = parent
            transitions.append(transition)
        return Run(state, tuple(reversed(transitions)))

    def _result(self) -> Result:
        if self._failure is not None:
            self._stopped = "model error"
        verdicts = [self._verdict(prop.name, prop.kind) for prop in self._properties]
        verdicts.append(self._verdict(DEADLOCK_FREE, PropertyKind.QUIESCENT))
        statistics = Statistics(
            len(self._parents),
            self._transitions,
            self._depth,
            time.monotonic() - self._begun,
            dict(sorted(self._fired.items())),
            self._comes_to_rest,
        )
        return Result(self._engine, tuple(verdicts), statistics, self._failure, self._stopped)

    def _verdict(self, name: str, kind: PropertyKind) -> Verdict:
        path = self._found.get(name)
        if path is not None:
            return Verdict(name, Answer.HOLDS if kind is PropertyKind.REACHABLE else Answer.VIOLATED, path)
        if self._request.wanted is not None and name not in self._request.wanted:
            return Verdict(name, Answer.UNKNOWN, reason=NOT_ASKED)
        if self._stopped is None:
            return Verdict(name, Answer.VIOLATED if kind is PropertyKind.REACHABLE else Answer.HOLDS)
        if self._stopped.startswith("depth limit"):
            answer = Answer.UNKNOWN if kind is PropertyKind.REACHABLE else Answer.HOLDS_UP_TO
            reason = self._stopped if kind is PropertyKind.REACHABLE else ""
            return Verdict(name, answer, depth=self._depth, reason=reason)
        # Every state before the level being expanded has been seen with all its steps.
        return Verdict(name, Answer.UNKNOWN, depth=max(self._depth - 1, 0), reason=self._stopped)


def fired_name(transition: Transition) -> str:
    """The name under which coverage counts a transition: ``seen.get``, ``seen.get fail``, ``crash``."""
    if transition.kind in (StepKind.FAIL, StepKind.AMBIGUOUS):
        return f"{transition.name} {transition.kind.value}"
    return transition.name
