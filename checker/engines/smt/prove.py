"""Proofs without a bound on the steps: bounded search for what is wrong, then IC3 for what is not.

Each property is a target of its own, and what is proved for one is known to the next. The first target
is that no step leaves the encoding or runs into a model error: every other proof rests on it.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from checker.engines.interface import (
    Answer,
    Progress,
    Request,
    Result,
    Verdict,
)
from checker.engines.memory import shown_bytes
from checker.engines.smt.anynumber import ForAnyNumber, prove_for_any_number
from checker.engines.smt.bounded import BoundedSearch, Findings, TooSmall, result_of
from checker.engines.smt.certificate import STEPS_MAX, Certificate, certified
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.engine import NAME
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.explaining import Explanation, explained
from checker.engines.smt.ic3 import Ic3, Proved, Refuted, Target
from checker.engines.smt.induction import (
    Candidate,
    excluded,
    filtered,
    is_k_inductive,
    predicates_of,
    support,
)
from checker.engines.smt.layout import EXACT, Abstraction, Capacities
from checker.engines.smt.lemmas import Fate, LemmaFate, needs
from checker.engines.smt.obligations import ENCODING, REST, cube_literal, targets
from checker.engines.smt.oracle import OutOfMemory, OutOfTime, Solver, Watch, oracle_named, z3_module
from checker.engines.smt.orbits import Cube, Orbits, alike_sets, orbits_of
from checker.engines.smt.spacer import spacer
from checker.engines.smt.templates import templates
from checker.engines.smt.walking import followed_rows, is_hit, walk
from checker.errors import InternalError
from checker.ir.copies import counts_copies, has_bags
from checker.ir.program import Program, Property, PropertyKind
from checker.semantics.machine import Machine

#: How deep the bounded search looks before proofs are tried, and its share of the time.
SHALLOW_DEPTH = 6
SHALLOW_SHARE = 0.2
#: How long a target is tried at first; twice as long in each round after that.
FIRST_ROUND_S = 2.0
#: The part of its turn that induction over several steps may take, one step more in each round.
INDUCTION_SHARE = 0.2

#: Methods, as verdicts name them.
INDUCTION, TEMPLATES, IC3, SPACER = "induction", "templates", "IC3", "spacer"
#: Proofs for any number of members.
SMALL_INSTANCES = "IC3 on small instances"
#: Lemmas from templates are looked for this long at most, or for this part of the time.
TEMPLATES_S, TEMPLATES_SHARE = 2.0, 0.1
#: What a proof may be asked to use.
AUTO = "auto"
METHODS = (AUTO, INDUCTION, IC3, SPACER)
#: How many steps deeper bounded search looks for a run that Spacer says there is, and for a witness.
FURTHER_STEPS = 20
#: The part of its turn in which a witness is looked for.
WITNESS_SHARE = 0.7
#: How much of the time is kept for explaining what is not proved, at most, and as a part of all.
EXPLAIN_S, EXPLAIN_SHARE = 1.0, 0.1
#: How long it may take to leave out of an invariant what is not needed.
PRUNING_S = 1.0
#: How long it may take, after the time is up, to find out which lemmas were needed, and to explain.
AFTERWARDS_S = 0.5

#: How long random walks look for witnesses, at most, and as a part of the time; and how long a shortest run
#: is sought where there is a longer one.
WALK_S, WALK_SHARE, SHORTEST_S = 1.0, 0.05, 3.0
#: In proofs a bag holds no copy of an element, or one or more, where the model cannot tell more apart.
OPEN_COPIES = Capacities(bag_count_max=1)

#: The part of the time that may go into proofs for any number of members.
ANY_NUMBER_SHARE = 0.25

_REPORT_EVERY_S = 0.2


@dataclass(frozen=True, slots=True)
class Proof:
    """What was proved and what was refuted; without a certificate, nothing was proved.

    ``lemmas`` tells what became of the model's own, in their order; ``explanations`` why properties are not
    inductive: those without an answer, or all of them where that was asked for.
    """

    result: Result
    certificate: Certificate | None
    general: ForAnyNumber = field(default_factory=lambda: ForAnyNumber(None))
    lemmas: tuple[LemmaFate, ...] = ()
    explanations: tuple[Explanation, ...] = ()


@dataclass(slots=True)
class _Known:
    """What the proofs know so far of one encoding.

    ``orbits`` are what renaming makes of each lemma. ``predicates`` are properties of single states that
    are inductive together with ``lemmas``; ``proved`` tells for each proved target by which method. ``steps``
    says over how many steps an induction goes where that is not one. ``why_not`` says why a target was given
    up.
    """

    orbits: Orbits = field(default_factory=Orbits)
    lemmas: list[Cube] = field(default_factory=list)
    predicates: list[Candidate] = field(default_factory=list)
    proved: dict[str, str] = field(default_factory=dict)
    steps: dict[str, int] = field(default_factory=dict)
    why_not: dict[str, str] = field(default_factory=dict)

    @property
    def facts(self) -> list[int]:
        """What the predicates say, over the system's state."""
        return [one.literal for one in self.predicates]

    def invariant(self, system: System) -> list[int]:
        """The conjuncts of all that is known to hold in every reachable state."""
        return [*self.facts, *(cube_literal(system, copy) for copy, _ in self.copies())]

    def copies(self) -> list[tuple[Cube, Cube]]:
        """All copies of all lemmas, each with the lemma that stands for it."""
        return [(copy, cube) for cube in self.lemmas for copy in self.orbits.copies(cube)]


class _Spurious(Exception):
    """What was refuted is no run of the model: proofs have to count the copies in bags."""


class Prover:
    """Proves and refutes the properties of one model within the request's time, 60 s by default.

    ``explains`` asks for every property why it is not inductive by itself. ``method`` is one of METHODS: the
    only one that proves, or ``auto`` for those that are worth their time. ``elsewhere`` is asked often what
    another engine has found meanwhile: what it has a run to needs no proof. ``for_any_number`` lets it try
    other sizes of the model, for which it is lowered anew from its class.

    Raises UserError where Z3, which checks certificates, is missing or too old.
    """

    name = NAME

    def __init__(
        self,
        request: Request,
        solver: str = "auto",
        explains: bool = False,
        method: str = AUTO,
        elsewhere: Callable[[], Result | None] = lambda: None,
        for_any_number: bool = True,
    ) -> None:
        z3_module()
        self._method = method
        self._elsewhere = elsewhere
        self._for_any_number = for_any_number
        limits = request.limits
        seconds = 60.0 if limits.time_s_max is None else limits.time_s_max
        # A proof rests on lemmas from all properties, and what is refuted is searched whatever is wanted.
        self._request = replace(request, limits=replace(limits, time_s_max=seconds), wanted=None)
        self._make: Callable[[], Solver] = oracle_named(solver)
        self._seconds = seconds
        self._explains = explains
        self._begun = self._reported = time.monotonic()
        #: When proofs end: what is left of the time is for explaining those that were not found.
        self._until = self._begun + seconds - min(EXPLAIN_S, EXPLAIN_SHARE * seconds)
        self._findings = Findings()
        self._known = _Known()
        self._adopted: Result | None = None
        #: The proofs that were begun, each with the number of lemmas that it was told of.
        self._proofs: dict[str, tuple[Ic3, int]] = {}
        self._general = ForAnyNumber(None)
        #: What runs are searched in, where the system of proofs leaves open how many copies a bag holds.
        self._exact: System | None = None
        program = self._request.lowered.program
        #: The properties whose run may not be a shortest one.
        self._longer: set[str] = set()
        self._leaves_open = has_bags(program) and not counts_copies(program)

    def run(self) -> Proof:
        """Prove what can be proved. Ctrl-C keeps what is known.

        Raises Unsupported where the model cannot be encoded.
        """
        capacities = Capacities()
        limits = self._request.limits
        watch = Watch(self._until, memory_bytes_max=limits.memory_bytes_max)
        system: System | None = None
        while True:
            try:
                system = self._encoded(capacities, watch.check)
                self._prove(system)
                self._adopt()
                break
            except _Spurious:
                self._leaves_open = False
            except TooSmall:
                # What was proved of the smaller encoding says nothing of this one.
                capacities = capacities.doubled()
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

    def _encoded(self, capacities: Capacities, look: Callable[[], None]) -> System:
        """The system of proofs, with a bit for each member of the sets that can be renamed."""
        program = self._request.lowered.program
        sets = alike_sets(program) if self._request.symmetry else frozenset[str]()
        kept, abstraction = capacities, EXACT
        if self._leaves_open:
            kept = replace(OPEN_COPIES, fifo_length_max=capacities.fifo_length_max)
            abstraction = Abstraction(bags_saturate=True)
        try:
            system = encode(program, self._make, kept, look, sets, abstraction)
            orbits = orbits_of(system)
            if sets and orbits.is_trivial:
                system = encode(program, self._make, kept, look, abstraction=abstraction)
        except Unsupported:
            if not self._leaves_open:
                raise
            # What a step does may turn on how many copies are left.
            self._leaves_open = False
            return self._encoded(capacities, look)
        self._exact = encode(program, self._make, capacities, look) if self._leaves_open else None
        self._known, self._proofs = _Known(orbits), {}
        return system

    def _exactly(self, system: System) -> tuple[System, list[int]]:
        """The system in which bags count, and what is known over its state."""
        known, exact = self._known, self._exact
        if exact is None:
            return system, known.invariant(system)
        names = {one.name for one in known.predicates}
        facts = [one.literal for one in predicates_of(exact) if one.name in names]
        row = system.layout.over(exact.circuit).row(exact.layout.symbols(list(exact.state)), [])
        return exact, facts + [
            exact.circuit.any(row[abs(literal) - 1] ^ (literal > 0) for literal in sorted(cube, key=abs))
            for cube, _ in known.copies()
        ]

    def _lacks_witness(self, program: Program) -> bool:
        wanted = (prop.name for prop in program.properties if prop.kind is PropertyKind.REACHABLE)
        return self._findings.failure is None and any(name not in self._findings.paths for name in wanted)

    def _walk(self, program: Program) -> None:
        """Look for what is wanted to be reachable, and for rest, where bounded search found none."""
        findings = self._findings
        wanted = [
            number
            for number, prop in enumerate(program.properties)
            if prop.kind is PropertyKind.REACHABLE and prop.name not in findings.paths
        ]
        if findings.failure is not None or findings.complete or not (wanted or not findings.comes_to_rest):
            return
        deadline = min(self._until, time.monotonic() + min(WALK_S, WALK_SHARE * self._seconds))
        found, rests = walk(Machine(program), wanted, deadline)
        findings.comes_to_rest = findings.comes_to_rest or rests
        for number, run in found.items():
            findings.paths[program.properties[number].name] = run
            self._longer.add(program.properties[number].name)

    def _prove(self, system: System) -> None:
        self._search(system, SHALLOW_DEPTH, self._begun + SHALLOW_SHARE * self._seconds)
        if self._lacks_witness(system.program):
            # Shortest witnesses are worth a moment more; what is deeper is found by walking.
            moment = min(WALK_S, WALK_SHARE * self._seconds)
            self._search(system, SHALLOW_DEPTH + FURTHER_STEPS, time.monotonic() + moment)
        self._walk(system.program)
        if self._findings.failure is None and self._method == AUTO and self._for_any_number:
            self._generalise()
        if self._findings.failure is None and self._method in (AUTO, INDUCTION):
            self._induct(system)
        try:
            todo, share, steps = self._open(system), FIRST_ROUND_S, 2
            while todo and self._findings.failure is None:
                # Every target gets its turn before a hard one gets more: what is proved for one helps others.
                hard = []
                for target in todo:
                    self._adopt()
                    if target.name in self._findings.paths or self._findings.failure is not None:
                        continue
                    left = self._until - time.monotonic()
                    if left <= 0:
                        raise OutOfTime
                    if self._sought(system, target, min(share, left)):
                        continue
                    if self._decide(system, target, time.monotonic() + min(share, left)):
                        continue
                    # What IC3 does not see at once, which is easier to check, may follow from several steps.
                    if not self._inducted(system, target, steps, min(share, left)):
                        hard.append(target)
                if all(target.name in (REST, *self._findings.paths) for target in hard):
                    return  # No property: what stays open of it is not worth more time.
                todo, share, steps = hard, 2 * share, steps + 1
        finally:
            for proof, _ in self._proofs.values():
                proof.close()

    def _watching(self, target: Target, deadline: float) -> Watch:
        def look() -> None:
            self._adopt()
            if target.name in self._findings.paths:
                raise OutOfTime  # There is nothing left to prove.
            if target.name in self._proofs:
                proof = self._proofs[target.name][0]
                self._look(f"{target.name}: frame {proof.frames}, {proof.lemmas} lemmas")

        return Watch(deadline, look, self._request.limits.memory_bytes_max)

    def _adopt(self) -> None:
        """Take over the runs that another engine has found. Raises InternalError where one cannot be."""
        result = self._elsewhere()
        if result is None or result is self._adopted:
            return
        self._adopted = result
        for verdict in result.verdicts:
            if verdict.path is None or verdict.property in self._findings.paths:
                continue
            if verdict.property in (*self._known.proved, *self._general.proved):
                raise InternalError(f"there is a run to what {verdict.property} is proved to exclude")
            self._findings.paths[verdict.property] = verdict.path
            if not verdict.is_shortest:
                self._longer.add(verdict.property)

    def _open(self, system: System) -> list[Target]:
        """The targets without an answer.

        The user's lemmas come late, for what needs them has them already, and later still what is mostly not
        to be proved: that a witness is not there.
        """
        kinds = {p.name: p.kind for p in system.program.properties}

        def late(target: Target) -> int:
            if target.name == REST:
                return 3
            kind = kinds.get(target.name)
            return 2 if kind is PropertyKind.REACHABLE else 1 if kind is PropertyKind.LEMMA else 0

        answered = {*self._known.proved, *self._findings.paths, *self._general.proved}
        if self._findings.comes_to_rest:
            answered.add(REST)
        todo = [one for one in targets(system) if one.name not in answered]
        needs_encoding = {one.name for one in todo} | self._known.proved.keys()
        if needs_encoding <= {ENCODING, REST}:
            return []  # All that was asked is known already, for any number.
        return sorted(todo, key=late)

    def _sought(self, system: System, target: Target, share: float) -> bool:
        """Look deeper for a witness, for a part of the time; whether it was found."""
        kinds = {p.name: p.kind for p in system.program.properties}
        if kinds.get(target.name) is not PropertyKind.REACHABLE or self._method != AUTO:
            return False
        depth = self._findings.depth + FURTHER_STEPS
        self._search(system, depth, time.monotonic() + WITNESS_SHARE * share)
        return target.name in self._findings.paths

    def _generalise(self) -> None:
        """Try to prove what is open for any number of members, which says more than for those of the spec."""
        if self._general.certificate is not None:
            return
        begun = time.monotonic()
        deadline = min(self._until, begun + ANY_NUMBER_SHARE * (self._until - begun))
        text = [""]
        memory = self._request.limits.memory_bytes_max
        watch, until = (Watch(ends, lambda: self._look(text[0]), memory) for ends in (deadline, self._until))
        program = self._request.lowered.program
        names = [prop.name for prop in program.properties if prop.name not in self._findings.paths]
        self._general = prove_for_any_number(
            self._request.lowered, names, self._make, watch, lambda now: text.__setitem__(0, now), until
        )

    def _induct(self, system: System) -> None:
        """Induction over one step: cheap, and with the lemmas that users write often enough."""
        watch = Watch(self._until, memory_bytes_max=self._request.limits.memory_bytes_max)
        known = self._known
        candidates = [one for one in predicates_of(system) if one.name not in self._findings.paths]
        known.predicates = list(filtered(system, candidates, [], self._make, watch).kept)
        for target in excluded(system, self._open(system), known.facts, self._make, watch):
            known.proved[target.name] = INDUCTION
        if self._method == AUTO and any(target.name != REST for target in self._open(system)):
            self._guess(system, watch)

    def _guess(self, system: System, watch: Watch) -> None:
        """Lemmas from templates: some targets follow from them at once, and IC3 begins with them."""
        known = self._known
        seconds = min(TEMPLATES_S, TEMPLATES_SHARE * self._seconds)
        within = replace(watch, deadline=min(watch.deadline or 0, time.monotonic() + seconds))
        # With what templates say, more of the author's lemmas may be inductive.
        names = {*known.proved, *self._findings.paths, *(one.name for one in known.predicates)}
        others = [one for one in predicates_of(system) if one.name not in names]
        try:
            kept = templates(system, others, known.facts, self._make, within, seconds, known.orbits)
        except OutOfTime:
            return
        known.predicates += [one for one in kept if one.name]
        known.lemmas += [one.cube for one in kept if one.cube is not None]
        todo = self._open(system)
        for target in excluded(system, todo, known.invariant(system), self._make, watch):
            known.proved[target.name] = TEMPLATES

    def _inducted(self, system: System, target: Target, steps: int, share: float) -> bool:
        """Induction over some steps, for a small part of the time; false where that proves nothing."""
        if self._method not in (AUTO, INDUCTION) or target.name in (ENCODING, REST):
            return False
        if self._exact is not None or not steps <= min(self._findings.depth, STEPS_MAX):
            # Where bags are open, that no run found so far is wrong says less than an induction needs.
            return False
        known = self._known
        deadline = time.monotonic() + INDUCTION_SHARE * share
        watch = Watch(deadline, memory_bytes_max=self._request.limits.memory_bytes_max)
        invariant = known.invariant(system)
        try:
            if not is_k_inductive(system, target, steps, invariant, self._make, watch):
                return False
        except OutOfTime:
            return False
        known.proved[target.name], known.steps[target.name] = f"{steps}-induction", steps
        return True

    def _decide(self, system: System, target: Target, deadline: float) -> bool:
        """Prove or refute one target; false where the time is up."""
        if self._method == INDUCTION:
            self._known.why_not[target.name] = "not inductive, nor over several steps"
            return False
        if self._method == SPACER:
            return self._by_spacer(system, target, deadline)
        known = self._known
        watch = self._watching(target, deadline)
        if target.name in self._proofs:
            proof, told = self._proofs[target.name]
            proof.resume(known.lemmas[told:], watch)
        else:
            proof = Ic3(system, target, known.lemmas, self._make, watch, known.orbits, known.facts)
        self._proofs[target.name] = proof, len(known.lemmas)
        try:
            found = proof.run()
        except OutOfTime:
            known.why_not[target.name] = f"no invariant in {proof.frames} frames and {proof.lemmas} lemmas"
            return False
        if isinstance(found, Proved):
            self._known.lemmas += found.lemmas
            self._known.proved[target.name] = IC3
        elif target.name == REST:
            # With open bags, a state of rest may be none.
            self._findings.comes_to_rest = self._findings.comes_to_rest or self._exact is None
        elif self._exact is None:
            self._refuted(system, target, found)
        else:
            self._refuted_with_open_bags(system, target, found)
        return True

    def _by_spacer(self, system: System, target: Target, deadline: float) -> bool:
        """Let Z3's Spacer prove or refute one target; false where it gives up, or where its time is up."""
        known = self._known
        invariant = known.invariant(system)
        watch = Watch(deadline, memory_bytes_max=self._request.limits.memory_bytes_max)
        try:
            found = spacer(system, target, invariant, self._make, watch)
        except OutOfTime:
            found = None
        if found is None:
            known.why_not[target.name] = "Spacer finds no invariant that can be checked"
            return False
        if not found.reached:
            known.lemmas += found.lemmas
            known.proved[target.name] = SPACER
            return True
        if target.name == REST:
            self._findings.comes_to_rest = self._findings.comes_to_rest or self._exact is None
            return True
        self._search(system, self._findings.depth + FURTHER_STEPS, deadline)
        known.why_not[target.name] = "Spacer says that it is reached, and no run to it is found so far"
        return target.name in self._findings.paths or self._findings.failure is not None

    def _refuted(self, system: System, target: Target, found: Refuted) -> None:
        """Find a shortest run to what is known to be reached; failing that, take the one that is there."""
        states = [system.layout.decoded(list(row)) for row in found.rows]
        # A model error in a step comes one step later than the state that it begins in.
        search = self._search(system, len(states), self._until)
        if target.name in self._findings.paths or self._findings.failure is not None:
            return
        if self._findings.complete or self._findings.depth >= len(states):
            raise InternalError(f"a run to {target.name} is claimed that the search does not find")
        if target.name == ENCODING or search is None:
            raise OutOfTime
        self._findings.paths[target.name] = search.followed(states)
        self._longer.add(target.name)

    def _refuted_with_open_bags(self, system: System, target: Target, found: Refuted) -> None:
        """As ``_refuted``, where the rows may be those of no run: raises _Spurious where none is found."""
        program, machine = system.program, Machine(system.program)
        numbers = [i for i, prop in enumerate(program.properties) if prop.name == target.name]
        rows = list(found.rows)
        if numbers and program.properties[numbers[0]].kind is PropertyKind.TRANSITION:
            rows.append(found.after)
        run = followed_rows(machine, system.layout, rows)
        if run is not None and not (numbers and is_hit(machine, numbers[0], run)):
            run = None
        self._search(system, len(rows), min(self._until, time.monotonic() + SHORTEST_S))
        if target.name in self._findings.paths or self._findings.failure is not None:
            return
        if run is None:
            raise _Spurious
        self._findings.paths[target.name] = run
        self._longer.add(target.name)

    def _search(self, system: System, depth: int, deadline: float) -> BoundedSearch | None:
        """Bounded search to a depth, or as far as the time allows; None where it could not even begin."""
        left = deadline - self._begun
        request = replace(self._request, limits=replace(self._request.limits, time_s_max=left))
        search: BoundedSearch | None = None
        try:
            search = BoundedSearch(self._exact or system, self._make, request, self._findings, self._begun)
            search.run(depth)
        except OutOfTime:
            if time.monotonic() >= self._until:
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
        names = [] if system is None or not holds else [target.name for target in targets(system)]
        proved = [name for name in names if name in known.proved and name not in (ENCODING, REST)]
        # Only a proof can tell that nothing ever comes to rest.
        findings.comes_to_rest = findings.comes_to_rest or not (holds and REST in known.proved)
        certificate, explained_in, invariant = None, system, list[int]()
        if system is not None:
            explained_in, invariant = self._exactly(system)
        if proved and system is not None:
            self._keep_needed(system, proved)
            predicates = [one.name for one in known.predicates]
            steps = {name: steps for name, steps in known.steps.items() if name in proved}
            certificate = certified(system, known.lemmas, proved, known.orbits, predicates, steps)
        seconds = time.monotonic() - self._begun
        lemmas = 0 if certificate is None else len(certificate.lemmas)
        depth, bits = max(findings.depth, 0), 0 if system is None else system.layout.bits
        program = self._request.lowered.program
        summary = f"{lemmas} lemmas, searched to depth {depth}, {bits:,} bits a state"
        if certificate is not None and certificate.bags_saturate:
            summary += ", copies in bags as none or some"
        result = result_of(self.name, program, findings, seconds, summary)
        kinds = {prop.name: prop.kind for prop in program.properties}
        verdicts = tuple(
            self._verdict(verdict, kinds.get(verdict.property, PropertyKind.QUIESCENT), proved)
            for verdict in result.verdicts
        )
        fates = self._fates(system, verdicts, proved)
        explanations = self._explanations(explained_in, verdicts, invariant)
        return Proof(replace(result, verdicts=verdicts), certificate, self._general, fates, explanations)

    def _keep_needed(self, system: System, proved: list[str]) -> None:
        """Leave out of the invariant what no proof needs; a user's lemma comes before one that was found."""
        known = self._known
        if any(name in known.steps for name in proved):
            return  # An induction over several steps may lean on all of it.
        goals = [target.bad for target in targets(system) if target.name in (ENCODING, *proved)]
        cubes = [Candidate(cube_literal(system, copy), cube=cube) for copy, cube in known.copies()]
        try:
            watch = Watch(time.monotonic() + PRUNING_S)
            kept = support(system, [known.predicates, cubes], goals, self._make, watch)
        except OutOfTime:
            return
        known.predicates = [one for one in known.predicates if one in kept]
        used = {one.cube for one in kept}
        known.lemmas = [cube for cube in known.lemmas if cube in used]

    def _explanations(
        self, system: System | None, verdicts: Sequence[Verdict], invariant: list[int]
    ) -> tuple[Explanation, ...]:
        """Why properties without an answer do not follow from what was proved; all, where that was asked."""
        findings = self._findings
        if system is None or findings.failure is not None or findings.stopped == "interrupted":
            return ()
        kinds = {prop.name: prop.kind for prop in system.program.properties}
        unknown = {verdict.property for verdict in verdicts if verdict.answer is Answer.UNKNOWN}
        watch = Watch(max(self._begun + self._seconds, time.monotonic() + AFTERWARDS_S))
        found = []
        for target in targets(system):
            is_asked = self._explains or target.name in unknown
            if target.name in (ENCODING, REST) or not is_asked:
                continue
            if kinds.get(target.name) is PropertyKind.REACHABLE:
                continue
            try:
                given = invariant if target.name in unknown else []
                explanation = explained(system, target, given, self._make, watch)
            except OutOfTime:
                break
            if explanation is not None:
                found.append(explanation)
        return tuple(found)

    def _fates(
        self, system: System | None, verdicts: Sequence[Verdict], proved: list[str]
    ) -> tuple[LemmaFate, ...]:
        """What became of each of the user's lemmas."""
        known = self._known
        given = [p for p in self._request.lowered.program.properties if p.kind is PropertyKind.LEMMA]
        used = [one.name for one in known.predicates if one.name in {lemma.name for lemma in given}]
        needed: dict[str, tuple[str, ...]] = {}
        if system is not None and proved:
            watch = Watch(max(self._begun + self._seconds, time.monotonic() + AFTERWARDS_S))
            cubes, predicates, steps = [copy for copy, _ in known.copies()], known.predicates, known.steps
            needed = needs(system, cubes, predicates, steps, proved, used, self._make, watch)
        answers = {verdict.property: verdict for verdict in verdicts}
        return tuple(_fate(one, answers[one.name], needed.get(one.name), one.name in used) for one in given)

    def _verdict(self, verdict: Verdict, kind: PropertyKind, proved: list[str]) -> Verdict:
        if verdict.path is not None:
            return replace(verdict, is_shortest=verdict.property not in self._longer)
        if verdict.property in self._general.proved:
            sets = self._general.sets
            return Verdict(
                verdict.property, Answer.HOLDS, proved=True, method=SMALL_INSTANCES, any_number=sets
            )
        if verdict.property in proved:
            # That a state is never reached is what a witness is wanted against.
            answer = Answer.VIOLATED if kind is PropertyKind.REACHABLE else Answer.HOLDS
            method = self._known.proved[verdict.property]
            return Verdict(verdict.property, answer, proved=True, method=method)
        if ENCODING not in self._known.proved and verdict.property in self._known.proved:
            why = self._known.why_not.get(ENCODING, "")
            reason = f"proved but for model errors and full bags: {why}"
            return replace(verdict, answer=Answer.UNKNOWN, reason=reason, depth=max(self._findings.depth, 0))
        reason = self._known.why_not.get(verdict.property) or self._findings.stopped or ""
        return replace(verdict, answer=Answer.UNKNOWN, reason=reason, depth=max(self._findings.depth, 0))


def _fate(lemma: Property, verdict: Verdict, needed_for: tuple[str, ...] | None, is_used: bool) -> LemmaFate:
    """What became of a lemma; ``needed_for`` is None where that is not known."""
    if verdict.path is not None:
        fate = Fate.FALSE if verdict.path.transitions else Fate.FALSE_INITIALLY
    elif is_used:
        fate = Fate.TRUE if needed_for is None else Fate.NEEDED if needed_for else Fate.NOT_NEEDED
    elif verdict.answer is Answer.HOLDS:
        fate = Fate.NOT_NEEDED
    else:
        fate = Fate.NOT_PRESERVED
    steps = 0 if verdict.path is None else len(verdict.path.transitions)
    return LemmaFate(lemma.name, lemma.location, fate, needed_for or (), steps)
