"""Bounded model checking: all runs of 0 steps, then of 1, and so on, until a limit or the last run.

What is found at a depth is found for the first time, so that every counterexample is a shortest one.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

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
from checker.engines.smt.circuit import FALSE
from checker.engines.smt.conservation import conserved
from checker.engines.smt.encoding import AskedProperty, System
from checker.engines.smt.evaluation import Fault
from checker.engines.smt.oracle import Solver, Watch
from checker.engines.smt.unrolling import Unrolling
from checker.errors import InternalError, ModelError
from checker.ir.program import Program, PropertyKind
from checker.ir.symmetry import may_err_by_order, symmetry_of
from checker.semantics.machine import Machine
from checker.semantics.state import State, Transition

_REPORT_EVERY_S = 0.2


class TooSmall(Exception):
    """Some run leaves the capacities of the encoding, which has to grow."""


@dataclass(slots=True)
class Findings:
    """What is known so far, and stays known when the encoding grows.

    ``depth`` is the greatest depth to which everything has been asked, -1 before the initial states.
    ``complete`` says that no run is longer.
    """

    paths: dict[str, Run] = field(default_factory=dict)
    failure: Failure | None = None
    comes_to_rest: bool = False
    depth: int = -1
    complete: bool = False
    stopped: str | None = None


class BoundedSearch:
    """One search of one encoding; goes on where ``findings`` end."""

    def __init__(
        self, system: System, make: Callable[[], Solver], request: Request, findings: Findings, begun: float
    ) -> None:
        self._system = system
        self._request = request
        self._findings = findings
        self._begun = begun
        self._depth_begun = self._reported = time.monotonic()
        self._last_depth_s = 0.0
        self._machine = Machine(system.program)
        limits = request.limits
        deadline = None if limits.time_s_max is None else begun + limits.time_s_max
        self._watch = Watch(deadline, self._look, limits.memory_bytes_max)
        sets = alike(request)
        before = Watch(deadline, memory_bytes_max=limits.memory_bytes_max)
        self._conserved = conserved(system, make, sets, before)
        self._unrolling = Unrolling(system, make, sets, self._conserved.facts)

    def run(self, depth_max: int | None) -> None:
        """Search to a depth, or until no run is longer.

        Raises:
            TooSmall: the encoding has to grow.
            OutOfTime: the time limit is reached.
        """
        findings, unrolling = self._findings, self._unrolling
        if self._begins_badly():
            return
        while True:
            if not self._solve([]):
                findings.complete = True
                return
            if unrolling.depth > findings.depth:
                self._ask_state()
                if findings.failure is not None:
                    return
                findings.depth = unrolling.depth
            wanted = self._request.wanted
            if wanted is not None and wanted <= findings.paths.keys():
                findings.stopped = ALL_FOUND
                return
            if depth_max is not None and findings.depth >= depth_max and unrolling.depth >= findings.depth:
                findings.stopped = f"depth limit of {depth_max} steps"
                return
            self._ask_step()
            if findings.failure is not None:
                return
            now = time.monotonic()
            self._last_depth_s, self._depth_begun = now - self._depth_begun, now
            self._watch.check()
            unrolling.extend()

    def _solve(self, assumptions: list[int]) -> bool:
        return self._unrolling.solver.solve(assumptions, self._watch)

    def _begins_badly(self) -> bool:
        """Whether a process fails before its first call."""
        unrolling, system = self._unrolling, self._system
        if system.initial_faults:
            literals = [unrolling.initial[fault.literal] for fault in system.initial_faults]
            if self._solve([unrolling.clauses.any_of(literals)]):
                outcomes = [s.outcome for s in self._machine.initial_states()]
                errors = [outcome for outcome in outcomes if isinstance(outcome, ModelError)]
                if not errors:
                    raise InternalError("the encoding begins with a model error, the IR does not")
                self._findings.failure = Failure(errors[0], None)
                return True
        if system.initial_beyond != FALSE and self._solve([unrolling.initial[system.initial_beyond]]):
            raise TooSmall
        unrolling.begin()
        return False

    # What is asked at one depth

    def _ask_state(self) -> None:
        """Ask every property that is still open of the last states, until none can be hit."""
        unrolling, findings = self._unrolling, self._findings
        while True:
            hits: dict[str, int] = {}
            faults: list[tuple[AskedProperty, Fault, int]] = []
            for asked in self._open():
                hits[asked.property.name] = unrolling.hit(asked)
                faults += [(asked, fault, unrolling.fault(asked, fault)) for fault in asked.faults]
            if DEADLOCK_FREE not in findings.paths and self._is_wanted(DEADLOCK_FREE):
                hits[DEADLOCK_FREE] = unrolling.at_rest()[self._system.stuck]
            every = [*hits.values(), *(literal for _, _, literal in faults)]
            if not self._solve([unrolling.clauses.any_of(every)] if every else [-unrolling.clauses.true]):
                break
            self._found(hits, faults)
            if findings.failure is not None:
                return
        unrolling.clauses.add([[-literal] for literal in every])
        if not findings.comes_to_rest and self._request.wanted is None:
            findings.comes_to_rest = self._solve([unrolling.at_rest()[self._system.rests]])

    def _is_wanted(self, name: str) -> bool:
        return self._request.wanted is None or name in self._request.wanted

    def _open(self) -> list[AskedProperty]:
        """The properties without an answer that are wanted and can be asked of the last states."""
        return [
            asked
            for asked in self._system.properties
            if asked.property.name not in self._findings.paths
            and self._is_wanted(asked.property.name)
            and (asked.property.kind is not PropertyKind.TRANSITION or self._unrolling.depth > 0)
        ]

    def _found(self, hits: dict[str, int], faults: list[tuple[AskedProperty, Fault, int]]) -> None:
        unrolling, findings = self._unrolling, self._findings
        run = self.followed(unrolling.states())
        true = {name for name, literal in hits.items() if self._is_true(literal)}
        for name in true:
            findings.paths[name] = run
        for asked, fault, literal in faults:
            if self._is_true(literal) and findings.failure is None:
                findings.failure = Failure(self._property_error(asked, fault), run)
        if not true and findings.failure is None:
            raise InternalError("the solver's answer hits nothing that was asked for")

    def _is_true(self, literal: int) -> bool:
        return self._unrolling.solver.value(abs(literal)) == (literal > 0)

    def _ask_step(self) -> None:
        """Ask whether a step from the last states leaves the encoding or runs into a model error."""
        unrolling = self._unrolling
        # Where it is known for all depths that no step leaves the encoding, it is not asked at each.
        if not self._conserved.stays_inside and self._solve([unrolling.beyond()]):
            raise TooSmall
        faults = unrolling.faults()
        if not faults:
            return
        if self._solve([unrolling.clauses.any_of([literal for _, literal in faults])]):
            fault = next(fault for fault, literal in faults if self._is_true(literal))
            self._findings.failure = self._step_failure(unrolling.states(), fault)
        else:
            unrolling.clauses.add([[-literal] for _, literal in faults])

    # Runs

    def followed(self, states: list[State]) -> Run:
        """The run through some states. Raises InternalError where the model does not have it."""
        transitions = [self._transition(before, after) for before, after in pairwise(states)]
        return Run(states[0], tuple(transitions))

    def _transition(self, before: State, after: State) -> Transition:
        for successor in self._machine.successors(before):
            if successor.outcome == after:
                return successor.transition
        raise InternalError(f"the encoding goes from {before} to {after}, which the IR does not allow")

    def _step_failure(self, states: list[State], fault: Fault) -> Failure:
        run = self.followed(states)
        for successor in self._machine.successors(states[-1]):
            error = successor.outcome
            if isinstance(error, ModelError) and (error.kind, error.location) == (fault.kind, fault.location):
                return Failure(error, Run(run.initial, (*run.transitions, successor.transition)))
        raise InternalError(f"the encoding runs into {fault.kind} at {fault.location}, the IR does not")

    def _property_error(self, asked: AskedProperty, fault: Fault) -> ModelError:
        states = self._unrolling.states()
        number = self._system.properties.index(asked)
        is_step = asked.property.kind is PropertyKind.TRANSITION
        try:
            self._machine.holds(number, states[-1], states[-2] if is_step else None)
        except ModelError as error:
            return error
        raise InternalError(f"{asked.property.name} has no value by the encoding ({fault.kind}), but it has")

    # Progress

    def _look(self) -> None:
        now = time.monotonic()
        if now - self._reported > _REPORT_EVERY_S:
            self._reported = now
            text = (
                f"depth {self._unrolling.depth}  {self._unrolling.clauses.count:,} clauses  "
                f"last depth {self._last_depth_s:.1f} s  {shown_bytes(resident_bytes())}"
            )
            self._request.report(Progress(0, self._unrolling.depth, 0, now - self._begun, text=text))

    @property
    def clauses(self) -> int:
        """How many clauses the solver has been given."""
        return self._unrolling.clauses.count


def alike(request: Request) -> list[str]:
    """The index sets whose members the request's program treats alike, as far as that is asked for."""
    if not request.symmetry:
        return []
    program = request.lowered.program
    if may_err_by_order(program):
        # A run whose members are in order may miss the error that a renaming of it runs into.
        return []
    most = max((index.size for index in program.index_sets), default=0)
    return [index.name for index in symmetry_of(program, most).sets]


def result_of(
    engine: str,
    program: Program,
    findings: Findings,
    seconds: float,
    summary: str,
    wanted: frozenset[str] | None = None,
) -> Result:
    """The verdicts that findings give; of properties that were not ``wanted`` nothing is known."""
    if findings.failure is not None:
        findings.stopped = "model error"
    verdicts = [_verdict(prop.name, prop.kind, findings) for prop in program.properties]
    verdicts.append(_verdict(DEADLOCK_FREE, PropertyKind.QUIESCENT, findings))
    if wanted is not None:
        known = findings.paths.keys() | wanted
        verdicts = [
            verdict
            if verdict.property in known
            else Verdict(verdict.property, Answer.UNKNOWN, reason=NOT_ASKED)
            for verdict in verdicts
        ]
    depth = max(findings.depth, 0)
    statistics = Statistics(0, 0, depth, seconds, {}, findings.comes_to_rest, summary=summary)
    return Result(engine, tuple(verdicts), statistics, findings.failure, findings.stopped)


def _verdict(name: str, kind: PropertyKind, findings: Findings) -> Verdict:
    path = findings.paths.get(name)
    is_reachable = kind is PropertyKind.REACHABLE
    if path is not None:
        return Verdict(name, Answer.HOLDS if is_reachable else Answer.VIOLATED, path)
    if findings.complete and findings.failure is None:
        return Verdict(name, Answer.VIOLATED if is_reachable else Answer.HOLDS)
    reason = findings.stopped or ""
    if is_reachable or findings.depth < 0:
        return Verdict(name, Answer.UNKNOWN, depth=max(findings.depth, 0), reason=reason)
    return Verdict(name, Answer.HOLDS_UP_TO, depth=findings.depth)
