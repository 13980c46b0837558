"""Proofs without a bound on the steps: bounded search for what is wrong, then IC3 for what is not.

Each property is a target of its own, and what is proved for one is known to the next. The first target
is that no step leaves the encoding or runs into a model error: every other proof rests on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from checker.engines.interface import (
    Answer,
    Progress,
    Request,
    Result,
    Verdict,
)
from checker.engines.memory import shown_bytes
from checker.engines.smt.bounded import BoundedSearch, Findings, TooSmall, result_of
from checker.engines.smt.certificate import Certificate, certified
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.engine import NAME
from checker.engines.smt.ic3 import Cube, Ic3, Proved, Refuted, Target
from checker.engines.smt.layout import Capacities
from checker.engines.smt.obligations import ENCODING, REST, targets
from checker.engines.smt.oracle import OutOfMemory, OutOfTime, Solver, Watch, oracle_named
from checker.errors import InternalError
from checker.ir.program import PropertyKind

#: How deep the bounded search looks before proofs are tried, and its share of the time.
SHALLOW_DEPTH = 6
SHALLOW_SHARE = 0.2
#: How long a target is tried at first; twice as long in each round after that.
FIRST_ROUND_S = 2.0

_REPORT_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved and what was refuted; without a certificate, nothing was proved."""

    result: Result
    certificate: Certificate | None


@dataclass(slots=True)
class _Known:
    """What the proofs know so far of one encoding.

    ``why_not`` says why a target was given up; ``longer`` names those whose run may not be a shortest one.
    """

    lemmas: list[Cube] = field(default_factory=list)
    proved: list[str] = field(default_factory=list)
    why_not: dict[str, str] = field(default_factory=dict)
    longer: set[str] = field(default_factory=set)


class Prover:
    """Proves and refutes the properties of one model within the request's time, 60 s by default."""

    name = NAME

    def __init__(self, request: Request, solver: str = "auto") -> None:
        limits = request.limits
        seconds = 60.0 if limits.time_s_max is None else limits.time_s_max
        self._request = replace(request, limits=replace(limits, time_s_max=seconds))
        self._make: Callable[[], Solver] = oracle_named(solver)
        self._seconds = seconds
        self._begun = self._reported = time.monotonic()
        self._findings = Findings()
        self._known = _Known()

    def run(self) -> Proof:
        """Prove what can be proved. Ctrl-C keeps what is known.

        Raises Unsupported where the model cannot be encoded.
        """
        capacities = Capacities()
        limits = self._request.limits
        watch = Watch(self._begun + self._seconds, memory_bytes_max=limits.memory_bytes_max)
        system: System | None = None
        while True:
            try:
                system = encode(self._request.lowered.program, self._make, capacities, watch.check)
                self._prove(system)
                break
            except TooSmall:
                # What was proved of the smaller encoding says nothing of this one.
                capacities, self._known = capacities.doubled(), _Known()
            except OutOfTime:
                self._findings.stopped = f"time limit of {self._seconds:g} s"
                break
            except OutOfMemory:
                most = shown_bytes(self._request.limits.memory_bytes_max or 0)
                self._findings.stopped = f"memory limit of {most}"
                break
            except KeyboardInterrupt:
                self._findings.stopped = "interrupted"
                break
        return self._proof(system)

    def _prove(self, system: System) -> None:
        self._search(system, SHALLOW_DEPTH, self._begun + SHALLOW_SHARE * self._seconds)
        todo, share = targets(system), FIRST_ROUND_S
        while todo and self._findings.failure is None:
            # Every target gets its turn before a hard one gets more: what is proved for one helps the others.
            hard = []
            for target in todo:
                if target.name in self._findings.paths or self._findings.failure is not None:
                    continue
                left = self._begun + self._seconds - time.monotonic()
                if left <= 0:
                    raise OutOfTime
                if not self._decide(system, target, time.monotonic() + min(share, left)):
                    hard.append(target)
            todo, share = hard, 2 * share

    def _decide(self, system: System, target: Target, deadline: float) -> bool:
        """Prove or refute one target; false where the time is up."""
        proof: list[Ic3] = []

        def look() -> None:
            if proof:
                self._look(f"{target.name}: frame {proof[0].frames}, {proof[0].lemmas} lemmas")

        watch = Watch(deadline, look, self._request.limits.memory_bytes_max)
        proof.append(Ic3(system, target, self._known.lemmas, self._make, watch))
        try:
            found = proof[0].run()
        except OutOfTime:
            tried = f"no invariant in {proof[0].frames} frames and {proof[0].lemmas} lemmas"
            self._known.why_not[target.name] = tried
            return False
        if isinstance(found, Proved):
            self._known.lemmas += found.lemmas
            self._known.proved.append(target.name)
        elif target.name == REST:
            self._findings.comes_to_rest = True
        else:
            self._refuted(system, target, found)
        return True

    def _refuted(self, system: System, target: Target, found: Refuted) -> None:
        """Find a shortest run to what is known to be reached; failing that, take the one that is there."""
        states = [system.layout.decoded(list(row)) for row in found.rows]
        # A model error in a step comes one step later than the state that it begins in.
        search = self._search(system, len(states), self._begun + self._seconds)
        if target.name in self._findings.paths or self._findings.failure is not None:
            return
        if self._findings.complete or self._findings.depth >= len(states):
            raise InternalError(f"a run to {target.name} is claimed that the search does not find")
        if target.name == ENCODING:
            raise OutOfTime
        self._findings.paths[target.name] = search.followed(states)
        self._known.longer.add(target.name)

    def _search(self, system: System, depth: int, deadline: float) -> BoundedSearch:
        """Bounded search to a depth, or as far as the time allows."""
        left = deadline - self._begun
        request = replace(self._request, limits=replace(self._request.limits, time_s_max=left))
        search = BoundedSearch(system, self._make, request, self._findings, self._begun)
        try:
            search.run(depth)
        except OutOfTime:
            if time.monotonic() >= self._begun + self._seconds:
                raise
        self._findings.stopped = None
        return search

    def _look(self, text: str) -> None:
        now = time.monotonic()
        if now - self._reported > _REPORT_EVERY_S:
            self._reported = now
            progress = Progress(0, max(self._findings.depth, 0), 0, now - self._begun, text=text)
            self._request.report(progress)

    def _proof(self, system: System | None) -> Proof:
        findings, known = self._findings, self._known
        holds = ENCODING in known.proved and findings.failure is None
        proved = [name for name in known.proved if name not in (ENCODING, REST)] if holds else []
        # Only a proof can tell that nothing ever comes to rest.
        findings.comes_to_rest = findings.comes_to_rest or not (holds and REST in known.proved)
        certificate = certified(system, known.lemmas, proved) if proved and system is not None else None
        seconds = time.monotonic() - self._begun
        lemmas = 0 if certificate is None else len(certificate.lemmas)
        depth, bits = max(findings.depth, 0), 0 if system is None else system.layout.bits
        program = self._request.lowered.program
        summary = f"{lemmas} lemmas, searched to depth {depth}, {bits:,} bits a state"
        result = result_of(self.name, program, findings, seconds, summary)
        kinds = {prop.name: prop.kind for prop in program.properties}
        verdicts = tuple(
            self._verdict(verdict, kinds.get(verdict.property, PropertyKind.QUIESCENT), proved)
            for verdict in result.verdicts
        )
        return Proof(replace(result, verdicts=verdicts), certificate)

    def _verdict(self, verdict: Verdict, kind: PropertyKind, proved: list[str]) -> Verdict:
        if verdict.path is not None:
            return replace(verdict, is_shortest=verdict.property not in self._known.longer)
        if verdict.property in proved:
            # That a state is never reached is what a witness is wanted against.
            answer = Answer.VIOLATED if kind is PropertyKind.REACHABLE else Answer.HOLDS
            return Verdict(verdict.property, answer, proved=True)
        if ENCODING not in self._known.proved and verdict.property in self._known.proved:
            why = self._known.why_not.get(ENCODING, "")
            reason = f"proved but for model errors and full bags: {why}"
            return replace(verdict, answer=Answer.UNKNOWN, reason=reason, depth=max(self._findings.depth, 0))
        reason = self._known.why_not.get(verdict.property) or self._findings.stopped or ""
        return replace(verdict, answer=Answer.UNKNOWN, reason=reason, depth=max(self._findings.depth, 0))
