"""Random simulation: what it is asked for, what it gives, and walks in plain Python.

A walk begins in an initial state and takes one of the possible steps at random, each with the same chance,
until none is left or it is as long as it may be. Walks find violations in spaces that are too large to
exhaust; they prove nothing, so that no verdict of theirs is HOLDS, but that of a ``@reachable`` property
whose witness was found.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any, TypeVar

from checker.dsl.lowering import LoweredModel
from checker.engines.interface import DEADLOCK_FREE, Answer, Failure, Run, Verdict
from checker.errors import ModelError
from checker.ir.program import Program, PropertyKind
from checker.semantics.rules import TransitionRules
from checker.semantics.state import State, Transition

_REPORT_EVERY_S = 0.2
#: What is asked of every state and step of a walk; the others are asked where it rests.
_ASKED_AT_ONCE = tuple(kind for kind in PropertyKind if kind is not PropertyKind.QUIESCENT)

#: A state, decoded or packed.
_State = TypeVar("_State")


@dataclass(frozen=True, slots=True)
class WalkProgress:
    """How far a simulation is: walks and steps made, seconds since its start."""

    walks: int
    steps: int
    seconds: float


@dataclass(frozen=True, slots=True)
class SimulationRequest:
    """A model lowered for its bounds, and how far to walk: ``walks_max`` walks of up to ``depth_max`` steps.

    Violations depend on ``seed`` (0 to 2^64 - 1), ``walks_max`` and ``depth_max`` only, unless
    ``time_s_max`` cuts the simulation short; ``threads``, 0 one per core, changes nothing but the time.
    """

    lowered: LoweredModel
    seed: int
    walks_max: int
    depth_max: int
    time_s_max: float | None = None
    threads: int = 0
    report: Callable[[WalkProgress], None] = lambda progress: None


@dataclass(frozen=True, slots=True)
class Simulation:
    """What random walks found: ``walks`` of them with ``steps`` in all, the longest of ``longest`` steps.

    ``stopped`` says why not all walks were made; None where they were. ``notice`` says why another engine
    than the native one did the work: its walks are others.
    """

    engine: str
    verdicts: tuple[Verdict, ...]
    seed: int
    depth_max: int
    walks: int
    steps: int
    longest: int
    seconds: float
    failure: Failure | None = None
    stopped: str | None = None
    notice: str = ""


def verdicts_of_walks(
    program: Program, found: dict[str, Run], walks: int, depth_max: int
) -> tuple[Verdict, ...]:
    """The verdicts of all properties, given the runs to those that were violated or reached."""
    asked = [(prop.name, prop.kind) for prop in program.properties]
    asked.append((DEADLOCK_FREE, PropertyKind.QUIESCENT))
    number = "1 walk" if walks == 1 else f"{walks:,} walks"
    verdicts = []
    for name, kind in asked:
        is_reachable = kind is PropertyKind.REACHABLE
        if name in found:
            answer = Answer.HOLDS if is_reachable else Answer.VIOLATED
            verdicts.append(Verdict(name, answer, found[name], is_shortest=False))
        else:
            nothing = "not reached" if is_reachable else "no violation"
            reason = f"{nothing} in {number} of up to {depth_max:,} steps"
            verdicts.append(Verdict(name, Answer.UNKNOWN, reason=reason))
    return tuple(verdicts)


def without_loops(states: Sequence[_State]) -> list[int]:
    """The positions of a walk's states that are left without what leads from a state back to itself.

    The step that leaves each of them leads to the next; the last step is kept whatever its states.
    """
    kept: dict[_State, int] = {}
    for position, state in enumerate(states[:-1]):
        if state in kept:
            while next(reversed(kept)) != state:
                kept.popitem()
        kept[state] = position
    return [*kept.values(), len(states) - 1]


class Walker:
    """Walks of the interpreter: the same for the same seed, but not the native engine's."""

    def __init__(self, rules: TransitionRules[Any], request: SimulationRequest) -> None:
        self._rules = rules
        self._request = request
        self._properties = list(enumerate(rules.program.properties))
        self._found: dict[str, Run] = {}
        self._failure: Failure | None = None
        self._walks = self._steps = self._longest = 0

    def simulate(self, engine: str) -> Simulation:
        """Walk until all walks are made, time is up, the model fails, or Ctrl-C."""
        request, begun = self._request, time.monotonic()
        stopped, reported = None, begun
        try:
            while self._walks < request.walks_max and self._failure is None and stopped is None:
                self._walk(random.Random(f"{request.seed} {self._walks}"))
                now = time.monotonic()
                if request.time_s_max is not None and now - begun > request.time_s_max:
                    stopped = f"time limit of {request.time_s_max:g} s"
                if now - reported > _REPORT_EVERY_S:
                    reported = now
                    request.report(WalkProgress(self._walks, self._steps, now - begun))
        except KeyboardInterrupt:
            stopped = "interrupted"
        if self._failure is not None:
            stopped = "model error"
        return Simulation(
            engine,
            verdicts_of_walks(self._rules.program, self._found, self._walks, request.depth_max),
            request.seed,
            request.depth_max,
            self._walks,
            self._steps,
            self._longest,
            time.monotonic() - begun,
            self._failure,
            stopped,
        )

    def _walk(self, choices: random.Random) -> None:
        states: list[State] = []
        transitions: list[Transition] = []
        successors = list(self._rules.initial_states())
        while self._failure is None:
            error = next((s for s in successors if isinstance(s.outcome, ModelError)), None)
            if error is not None:
                assert isinstance(error.outcome, ModelError)
                run = _run(states, transitions) if states else None
                if run is not None:
                    run = replace(run, transitions=(*run.transitions, error.transition))
                self._failure = Failure(error.outcome, run)
            elif states and all(s.transition.kind.is_fault for s in successors):
                self._judge(PropertyKind.QUIESCENT, states, transitions)
            if self._failure is not None or not successors or len(transitions) >= self._request.depth_max:
                break
            chosen = choices.choice(successors)
            assert isinstance(chosen.outcome, State)
            if states:
                transitions.append(chosen.transition)
            states.append(chosen.outcome)
            for kind in _ASKED_AT_ONCE:
                self._judge(kind, states, transitions)
            successors = list(self._rules.successors(states[-1]))
        self._walks += 1
        self._steps += len(transitions)
        self._longest = max(self._longest, len(transitions))

    def _judge(self, kind: PropertyKind, states: list[State], transitions: list[Transition]) -> None:
        if self._failure is not None or (kind is PropertyKind.TRANSITION and len(states) < 2):
            return
        state, before = states[-1], states[-2] if kind is PropertyKind.TRANSITION else None
        for number, prop in self._properties:
            if prop.kind is not kind or prop.name in self._found:
                continue
            try:
                if self._rules.holds(number, state, before) == (kind is PropertyKind.REACHABLE):
                    self._found[prop.name] = _run(states, transitions)
            except ModelError as error:
                self._failure = Failure(error, _run(states, transitions))
                return
        instances = range(len(self._rules.instances))
        if kind is PropertyKind.QUIESCENT and any(
            not self._rules.label_of(state, instance).idle for instance in instances
        ):
            self._found.setdefault(DEADLOCK_FREE, _run(states, transitions))


def _run(states: Sequence[State], transitions: Sequence[Transition]) -> Run:
    kept = without_loops(states)
    return Run(states[kept[0]], tuple(transitions[position] for position in kept[:-1]))
