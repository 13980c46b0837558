"""Checking one spec: the verdicts of an engine, their traces and stories, and whether all is as expected."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property

from checker.engines import runner
from checker.engines.interface import (
    DEADLOCK_FREE,
    Answer,
    Failure,
    Limits,
    Progress,
    Request,
    Result,
    Run,
    SearchOrder,
    Verdict,
)
from checker.ir.program import Program, Property, PropertyKind
from checker.semantics.machine import Machine
from checker.spec.load import Spec
from checker.trace.story import tell, tell_deadlock
from checker.trace.trace import Trace, replay


class Status(IntEnum):
    """How a check ended; its value is the command's exit code, and the highest of several counts."""

    AS_EXPECTED = 0
    DIFFERS = 1
    BAD_INPUT = 2
    UNDECIDED = 3


@dataclass(frozen=True, slots=True)
class Finding:
    """The verdict of one property with its trace (counterexample or witness) and story."""

    verdict: Verdict
    kind: PropertyKind
    description: str
    expected: Answer
    trace: Trace | None
    story: str

    @property
    def name(self) -> str:
        """The property's name."""
        return self.verdict.property

    @property
    def status(self) -> Status:
        """Whether the verdict is the expected one."""
        if self.verdict.answer is self.expected:
            return Status.AS_EXPECTED
        undecided = self.verdict.answer in (Answer.UNKNOWN, Answer.HOLDS_UP_TO)
        return Status.UNDECIDED if undecided else Status.DIFFERS


@dataclass(frozen=True)
class Checked:
    """A spec with what was found; ``failure`` is the run into a model error, if there is one."""

    spec: Spec
    result: Result
    findings: tuple[Finding, ...]
    failure: Trace | None = None

    @cached_property
    def status(self) -> Status:
        """The worst of all findings: a model error, else a difference, else something undecided."""
        return worst_status(self.findings, self.result.failure)

    @property
    def never_fired(self) -> tuple[str, ...]:
        """Actions, calls and faults that the bounds and budgets allow, but that never happened."""
        fired = self.result.statistics.fired
        budgets = self.spec.lowered.program.budgets
        lost = [("fail", budgets.fail), ("ambiguous", budgets.ambiguous)]
        unspent = [n for n, amount in lost if amount and not any(name.endswith(f" {n}") for name in fired)]
        return (*unspent, *(n for n in possible_steps(self.spec.lowered.program) if n not in fired))


def check(
    spec: Spec,
    engine: str | None = None,
    limits: Limits | None = None,
    report: Callable[[Progress], None] = lambda progress: None,
    threads: int = 0,
    symmetry: bool | None = None,
    order: SearchOrder = SearchOrder.BREADTH_FIRST,
) -> Checked:
    """Check a spec.

    Args:
        engine: overrides the spec's engine.
        limits: override the spec's where they are given.
        threads: of the native engine, 0 one per core.
        symmetry: overrides whether the engine may look at one state of each orbit only.
        order: in which the native engine looks at states.

    Raises:
        UserError: no such engine.
        InternalError: the reference semantics disagree with what was found.
    """
    within = _limits(spec.limits, limits or Limits())
    reduces = spec.symmetry if symmetry is None else symmetry
    request = Request(spec.lowered, within, report, threads, reduces, order)
    result = runner.run(engine or spec.engine, request)
    findings, failure = replayed(spec, result.verdicts, result.failure)
    return Checked(spec, result, findings, failure)


def worst_status(findings: Sequence[Finding], failure: Failure | None) -> Status:
    """A model error, else a difference, else something undecided."""
    if failure is not None:
        return Status.BAD_INPUT
    statuses = {finding.status for finding in findings}
    for worst in (Status.DIFFERS, Status.UNDECIDED):
        if worst in statuses:
            return worst
    return Status.AS_EXPECTED


def replayed(
    spec: Spec, verdicts: Sequence[Verdict], failure: Failure | None
) -> tuple[tuple[Finding, ...], Trace | None]:
    """What an engine found, with traces and stories; and the run into the model error, if there is one."""
    machine = Machine(spec.lowered.program)
    findings = tuple(_finding(spec, machine, verdict) for verdict in verdicts)
    if failure is None or failure.path is None:
        return findings, None
    return findings, replace(_replayed(machine, failure.path), error=failure.error)


def possible_steps(program: Program) -> list[str]:
    """The names of all steps that a program's budgets leave possible, in program order."""
    amounts = dict(zip(program.budgets.names, program.budgets.amounts, strict=True))
    names = [a.name for a in program.actions if a.budget is None or amounts[a.budget] > 0]
    names += [label.call.name for process in program.processes for label in process.labels]
    if program.budgets.crash and program.processes:
        names.append("crash")
    return list(dict.fromkeys(names))


def _limits(own: Limits, given: Limits) -> Limits:
    return Limits(
        given.states_max if given.states_max is not None else own.states_max,
        given.time_s_max if given.time_s_max is not None else own.time_s_max,
        given.depth_max if given.depth_max is not None else own.depth_max,
        given.memory_bytes_max if given.memory_bytes_max is not None else own.memory_bytes_max,
    )


def _replayed(machine: Machine, path: Run) -> Trace:
    return replay(machine, path.initial, path.transitions)


def _finding(spec: Spec, machine: Machine, verdict: Verdict) -> Finding:
    prop = _property(machine.program, verdict.property)
    trace = None if verdict.path is None else _replayed(machine, verdict.path)
    story = ""
    if trace is not None and verdict.answer is Answer.VIOLATED:
        story = tell_deadlock(machine, trace) if prop is None else tell(machine, prop, trace)
    elif verdict.answer is Answer.VIOLATED:
        story = "no state within the bounds makes it true: the model may be doing nothing"
    kind = PropertyKind.QUIESCENT if prop is None else prop.kind
    description = "No process is stuck in the middle of its work." if prop is None else prop.description
    return Finding(verdict, kind, description, spec.expected[verdict.property], trace, story)


def _property(program: Program, name: str) -> Property | None:
    if name == DEADLOCK_FREE:
        return None
    return next(prop for prop in program.properties if prop.name == name)
