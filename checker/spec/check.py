"""Checking one spec: the verdicts of an engine, their traces and stories, and whether all is as expected."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from enum import IntEnum
from functools import cached_property
from typing import TYPE_CHECKING

from checker.dsl.lowering import LoweredModel
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
from checker.engines.native import ahead as native_ahead
from checker.ir.program import Program, Property, PropertyKind
from checker.semantics.machine import Machine
from checker.spec.load import Spec
from checker.spec.mutations import Mutation
from checker.trace.story import tell, tell_deadlock
from checker.trace.trace import Trace, replay

if TYPE_CHECKING:
    from checker.engines.smt.prove import Proof

_HOLDING = (Answer.HOLDS, Answer.HOLDS_UP_TO)


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
    def is_false_lemma(self) -> bool:
        """Whether it is a lemma that some run makes false."""
        return self.kind is PropertyKind.LEMMA and self.verdict.answer is Answer.VIOLATED

    @property
    def status(self) -> Status:
        """Whether the verdict is the expected one; a lemma that is false is a mistake in the model's text."""
        if self.verdict.answer is self.expected:
            return Status.AS_EXPECTED
        if self.is_false_lemma:
            return Status.BAD_INPUT
        undecided = self.verdict.answer in (Answer.UNKNOWN, Answer.HOLDS_UP_TO)
        return Status.UNDECIDED if undecided else Status.DIFFERS


@dataclass(frozen=True, slots=True)
class CheckedMutation:
    """A mutation with what its properties say of the mutated model.

    ``original`` has the answers for the model without the mistake, where they were asked for: within
    bounds or faults of the mutation's own.
    """

    mutation: Mutation
    result: Result
    findings: tuple[Finding, ...]
    original: Mapping[str, Answer]

    @property
    def noticed_by(self) -> tuple[Finding, ...]:
        """The properties that are violated because of the mistake, the shortest counterexample first."""
        violated = [f for f in self.findings if f.verdict.answer is Answer.VIOLATED]
        because = [f for f in violated if self.original.get(f.name, Answer.HOLDS) in _HOLDING]
        return tuple(sorted(because, key=lambda f: 0 if f.trace is None else len(f.trace.steps)))

    @property
    def violated_anyway(self) -> tuple[str, ...]:
        """The properties that are violated without the mistake, too."""
        return tuple(name for name, answer in self.original.items() if answer is Answer.VIOLATED)

    @property
    def status(self) -> Status:
        """As expected where some property notices it; a mutation that survives differs."""
        if self.noticed_by:
            return Status.AS_EXPECTED
        if self.result.failure is not None:
            return Status.BAD_INPUT
        answers = [f.verdict.answer for f in self.findings if f.name not in self.violated_anyway]
        answers += [answer for answer in self.original.values() if answer is not Answer.VIOLATED]
        return Status.DIFFERS if all(answer is Answer.HOLDS for answer in answers) else Status.UNDECIDED


@dataclass(frozen=True)
class Checked:
    """A spec with what was found; ``failure`` is the run into a model error, if there is one.

    ``mutations`` are those that were checked; ``interrupted`` says that Ctrl-C ended it.
    """

    spec: Spec
    result: Result
    findings: tuple[Finding, ...]
    failure: Trace | None = None
    mutations: tuple[CheckedMutation, ...] = ()
    interrupted: bool = False

    @cached_property
    def status(self) -> Status:
        """The worst of all findings and mutations: bad input, a difference, something undecided."""
        own = worst_status(self.findings, self.result.failure)
        statuses = {own, *(mutation.status for mutation in self.mutations)}
        for worst in (Status.BAD_INPUT, Status.DIFFERS, Status.UNDECIDED):
            if worst in statuses:
                return worst
        return Status.AS_EXPECTED

    @property
    def never_fired(self) -> tuple[str, ...]:
        """Actions, calls and faults that the bounds and budgets allow, but that never happened."""
        if self.result.statistics.summary:
            return ()  # not counted
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
    retells: bool = True,
) -> Checked:
    """Check a spec.

    Args:
        engine: overrides the spec's engine.
        limits: override the spec's where they are given.
        threads: of the native engine, 0 one per core.
        symmetry: overrides whether the engine may look at one state of each orbit only.
        order: in which the native engine looks at states.
        retells: of several shortest runs, give the one in the order of the rules.

    Raises:
        UserError: no such engine.
        InternalError: the reference semantics disagree with what was found.
    """
    within = _limits(spec.limits, limits or Limits())
    reduces = spec.symmetry if symmetry is None else symmetry
    request = Request(spec.lowered, within, report, threads, reduces, order, retells=retells)
    result = runner.run(engine or spec.engine, request)
    findings, failure = replayed(spec, result.verdicts, result.failure)
    return Checked(spec, result, findings, failure, interrupted=result.stopped == "interrupted")


def compiling_ahead(
    specs: Sequence[Spec], engine: str | None = None, symmetry: bool | None = None
) -> AbstractContextManager[None]:
    """While the code inside checks specs, compile their models and mutated models in the background.

    All but the first, whose turn it is at once.
    """
    programs = []
    for spec in specs:
        if (engine or spec.engine) == runner.DEFAULT_ENGINE:
            models = [spec.lowered]
            for mutation in spec.mutations:
                models += [m for m in (mutation.lowered, mutation.original) if m is not None]
            reduces = spec.symmetry if symmetry is None else symmetry
            programs += [(model.program, reduces) for model in models]
    return native_ahead.compiling_ahead(programs[1:])


def check_mutations(
    checked: Checked,
    engine: str | None = None,
    limits: Limits | None = None,
    report: Callable[[str, Progress], None] = lambda name, progress: None,
    threads: int = 0,
    symmetry: bool | None = None,
) -> Checked:
    """Check a spec's mutated models as well, each until all properties that it should violate are.

    A model error in the model itself leaves them out. The time limit is that of the spec, mutations
    included; Ctrl-C keeps what was found. ``report`` is told the name of the mutation, too.

    Raises:
        UserError, InternalError: as ``check``.
    """
    if checked.result.failure is not None or checked.interrupted:
        return checked
    spec, begun = checked.spec, time.monotonic() - checked.result.statistics.seconds
    merged = _limits(spec.limits, limits or Limits())
    reduces = spec.symmetry if symmetry is None else symmetry
    done: list[CheckedMutation] = []
    for mutation in spec.mutations:

        def told(progress: Progress, name: str = mutation.name) -> None:
            report(name, progress)

        def search(lowered: LoweredModel, wanted: frozenset[str]) -> Result:
            left = merged.time_s_max
            if left is not None:
                left = max(left - (time.monotonic() - begun), 0.01)
            within = replace(merged, time_s_max=left)
            request = Request(lowered, within, told, threads, reduces, wanted=wanted, retells=False)
            result = runner.run(engine or spec.engine, request)
            if result.stopped == "interrupted":
                raise KeyboardInterrupt
            return result

        try:
            done.append(_checked_mutation(spec, mutation, search))
        except KeyboardInterrupt:
            return replace(checked, mutations=tuple(done), interrupted=True)
    return replace(checked, mutations=tuple(done))


def _checked_mutation(
    spec: Spec, mutation: Mutation, search: Callable[[LoweredModel, frozenset[str]], Result]
) -> CheckedMutation:
    wanted = frozenset(mutation.violates)
    result = search(mutation.lowered, wanted)
    machine = Machine(mutation.lowered.program)
    findings = [
        replace(_finding(spec, machine, verdict), expected=Answer.VIOLATED)
        for verdict in result.verdicts
        if verdict.property in wanted
    ]
    original = {}
    if mutation.original is not None:
        verdicts = search(mutation.original, wanted).verdicts
        original = {v.property: v.answer for v in verdicts if v.property in wanted}
    return CheckedMutation(mutation, result, tuple(findings), original)


def prove(
    spec: Spec,
    limits: Limits,
    report: Callable[[Progress], None] = lambda progress: None,
    explains: bool = False,
    method: str = "auto",
) -> tuple[Checked, Proof]:
    """Prove a spec's properties without a bound on the steps, within the limits of time and memory.

    Returns what was found, and the proof with its certificate. ``explains`` asks for every property why it is
    not inductive by itself; ``method`` is the only one that may prove, or ``auto``.

    Raises:
        UserError: the model cannot be encoded.
        InternalError: the reference semantics disagree with what was found, or a proof fails its check.
    """
    proof = runner.prove(Request(spec.lowered, limits, report), explains, method)
    findings, failure = replayed(spec, proof.result.verdicts, proof.result.failure)
    interrupted = proof.result.stopped == "interrupted"
    return Checked(spec, proof.result, findings, failure, interrupted=interrupted), proof


def worst_status(findings: Sequence[Finding], failure: Failure | None) -> Status:
    """A model error or a false lemma, else a difference, else something undecided."""
    if failure is not None:
        return Status.BAD_INPUT
    statuses = {finding.status for finding in findings}
    for worst in (Status.BAD_INPUT, Status.DIFFERS, Status.UNDECIDED):
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
