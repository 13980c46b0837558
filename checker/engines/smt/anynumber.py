"""Proofs for any number of members, from the lemmas of small instances.

Lemmas that IC3 finds in a small instance are taken as patterns, for all members. Those are kept that are
inductive in every instance up to a size, which the program's locality gives (``checker.ir.locality``): no
step, and nothing that a pattern says, can tell more members from the rest, so that what is inductive up to
there is so for any number (docs/decisions/0012). Generalising the lemmas of small instances is after A. Goel
and K. Sakallah, "On symmetry and quantification" (NFM 2021); dropping candidates until the rest is
inductive is Houdini (C. Flanagan and K. R. M. Leino, FME 2001).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from itertools import combinations

from checker.dsl.lowering import LoweredModel
from checker.engines.smt.atoms import Atoms
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.general_certificate import (
    Claim,
    GeneralCertificate,
    Sizes,
    broken_by,
    certified_for_any,
    instance_system,
    instances_up_to,
)
from checker.engines.smt.ic3 import Ic3, Proved, Target
from checker.engines.smt.instances import Instance
from checker.engines.smt.layout import Abstraction, Capacities
from checker.engines.smt.obligations import ENCODING, targets
from checker.engines.smt.oracle import OutOfTime, Solver, Watch
from checker.engines.smt.orbits import Cube, Orbits, orbits_of
from checker.engines.smt.patterns import Pattern, pattern_of
from checker.engines.smt.sizes import DependsOnSize, resized
from checker.ir.locality import Locality, NotLocal, Reach
from checker.ir.symmetry import symmetry_of

#: Small instances have so many members of each set, in this order.
SMALL = (2, 3, 4)
#: More instances than this are not looked at.
INSTANCES_MAX = 200


@dataclass(frozen=True, slots=True)
class ForAnyNumber:
    """What was proved for any number of members, and why not more; nothing where there is no certificate."""

    certificate: GeneralCertificate | None
    why_not: str = ""

    @property
    def proved(self) -> tuple[str, ...]:
        """The properties that were proved."""
        return () if self.certificate is None else self.certificate.claim.proved

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets that may have any number of members."""
        return () if self.certificate is None else self.certificate.claim.sets


def prove_for_any_number(
    lowered: LoweredModel,
    names: Sequence[str],
    make: Callable[[], Solver],
    watch: Watch,
    say: Callable[[str], None] = lambda text: None,
    until: Watch | None = None,
) -> ForAnyNumber:
    """Prove properties of a model for any number of members of its interchangeable sets.

    Tries all of the sets, then fewer, which then are as the spec has them.

    Args:
        names: the properties.
        watch: ends the search; what was proved by then gets its certificate.
        say: is told what is being done.
        until: ends all; without it, certificates get the time that they take.
    """
    kept = _symmetric(lowered)
    if not kept:
        return ForAnyNumber(None, "no set of the model is interchangeable")
    why_not = ""
    best: GeneralCertificate | None = None
    try:
        for sets in _subsets(kept):
            for abstraction, capacities in _abstractions(sets):
                claim = Claim(sets, abstraction, capacities, (), ())
                try:
                    attempt = _Attempt(lowered, claim, names, make, watch, say, until or Watch())
                    found = attempt.run()
                except (NotLocal, DependsOnSize, Unsupported) as error:
                    why_not = why_not or f"{_listed(sets)}: {error}"
                    continue
                why_not = why_not or attempt.why_not
                if found is not None and (best is None or len(found.claim.proved) > len(best.claim.proved)):
                    best = found
                if best is not None and set(best.claim.proved) >= attempt.provable.keys():
                    return ForAnyNumber(best, why_not)
    except OutOfTime:
        why_not = why_not or "the time is up"
    return ForAnyNumber(best, why_not)


def _symmetric(lowered: LoweredModel) -> tuple[str, ...]:
    """The sets whose members the program treats alike, however many of them the spec has."""
    declared = [index.name for index in lowered.program.index_sets if index.interchangeable]
    try:
        program = resized(lowered, dict.fromkeys(declared, 2)).program
    except DependsOnSize:
        program = lowered.program
    return tuple(index.name for index in symmetry_of(program, 2).sets)


def _subsets(sets: Sequence[str]) -> Iterator[tuple[str, ...]]:
    for size in range(len(sets), 0, -1):
        yield from combinations(sets, size)


def _abstractions(sets: Sequence[str]) -> Iterator[tuple[Abstraction, Capacities]]:
    """From what is proved most easily to what is exact but for members left out."""
    elsewhere = frozenset(sets)
    yield Abstraction(elsewhere, bags_saturate=True, faults_are_endless=True), Capacities(bag_count_max=1)
    yield Abstraction(elsewhere, bags_saturate=True), Capacities(bag_count_max=1)
    yield Abstraction(elsewhere), Capacities()


def _listed(names: Sequence[str]) -> str:
    return " and ".join(names)


class _Attempt:
    """One choice of sets and abstraction."""

    def __init__(
        self,
        lowered: LoweredModel,
        claim: Claim,
        names: Sequence[str],
        make: Callable[[], Solver],
        watch: Watch,
        say: Callable[[str], None],
        until: Watch,
    ) -> None:
        self._until = until
        self._lowered = lowered
        self._claim = claim
        self._make = make
        self._watch = watch
        self._say = say
        self._instances: dict[Sizes, Instance] = {}
        self.why_not = ""
        self._step = Counter[str]()
        locality = Locality(lowered.program, claim.sets)
        for rule in locality.rules():
            self._step |= rule.reach
        #: The properties that can be proved at all, with how many members it takes to break them.
        self.provable: dict[str, Reach] = {}
        for name in names:
            try:
                self.provable[name] = broken_by(locality, lowered.program, name, self._step)
            except NotLocal as error:
                self.why_not = f"{name}: {error}"

    def run(self) -> GeneralCertificate | None:
        """Take patterns from larger and larger instances until they prove everything, or the time is up."""
        if not self.provable:
            return None
        candidates: list[Pattern] = []
        best: tuple[tuple[str, ...], list[Pattern]] = ((), [])
        try:
            with suppress(OutOfTime):
                for size in SMALL:
                    new = self._patterns_at(size)
                    if not self.provable:
                        break
                    candidates = list(dict.fromkeys([*candidates, *new]))
                    kept = self._inductive(candidates)
                    proved = self._proved(kept)
                    if len(proved) > len(best[0]):
                        best = proved, kept
                    if len(proved) == len(self.provable):
                        break
                    self.why_not = self._failed(proved, size)
            if not best[0]:
                self._watch.check()
            return self._certified(*best)
        finally:
            for instance in self._instances.values():
                instance.close()

    def _failed(self, proved: Sequence[str], size: int) -> str:
        left = [name for name in self.provable if name not in proved]
        sets = _listed(self._claim.sets)
        return f"what proves {', '.join(left)} for {size} {sets} does not for more"

    def _certified(self, proved: tuple[str, ...], patterns: list[Pattern]) -> GeneralCertificate | None:
        if not proved:
            return None
        claim = replace(self._claim, patterns=tuple(self._needed(proved, patterns)), proved=proved)
        self._watch = self._until

        def system_of(sizes: Sizes) -> System:
            self._until.check()
            self._say("any number: checking " + ", ".join(f"{size} {name}" for name, size in sizes))
            return self._instance(sizes).system

        return certified_for_any(self._lowered, claim, system_of)

    def _needed(self, proved: Sequence[str], patterns: list[Pattern]) -> list[Pattern]:
        """Patterns none of which can be left out, if there is time to find them."""
        kept = list(patterns)
        with suppress(OutOfTime):
            for pattern in sorted(patterns, key=lambda one: -len(one.facts)):
                fewer = [one for one in kept if one is not pattern]
                is_inductive = len(self._inductive(fewer, all_or_nothing=True)) == len(fewer)
                if is_inductive and set(proved) <= set(self._proved(fewer)):
                    kept = fewer
        return kept

    def _patterns_at(self, size: int) -> list[Pattern]:
        """The lemmas by which IC3 proves properties of one small instance, as patterns."""
        sets = _listed(self._claim.sets)
        self._say(f"any number of {sets}: lemmas for {size} of each")
        lowered = resized(self._lowered, dict.fromkeys(self._claim.sets, size))
        abstraction = replace(self._claim.abstraction, elsewhere=frozenset())
        one_hot = frozenset(self._claim.sets)
        capacities, look = self._claim.capacities, self._watch.check
        system = encode(
            lowered.program, self._make, capacities, look, one_hot=one_hot, abstraction=abstraction
        )
        atoms, orbits, lemmas = Atoms(system.layout), orbits_of(system), list[Cube]()
        for target in targets(system):
            if target.name == ENCODING or target.name in self.provable:
                found = self._lemmas(system, target, lemmas, orbits)
                if found is not None:
                    lemmas += found
                elif target.name == ENCODING:
                    raise Unsupported("a step may run into a model error, or fill a queue")
                else:
                    self.provable.pop(target.name)
                    self.why_not = f"{target.name}: it may be broken with {size} {sets}"
        return list(dict.fromkeys(pattern_of(atoms, cube) for cube in lemmas))

    def _lemmas(
        self, system: System, target: Target, known: Sequence[Cube], orbits: Orbits
    ) -> Sequence[Cube] | None:
        """Lemmas that prove one target, one of each orbit; None where it is reached."""
        proof = Ic3(system, target, known, self._make, self._watch, orbits)
        try:
            found = proof.run()
        finally:
            proof.close()
        return found.lemmas if isinstance(found, Proved) else None

    def _inductive(self, candidates: Sequence[Pattern], all_or_nothing: bool = False) -> list[Pattern]:
        """Those candidates that are inductive together in every instance that a step can tell apart."""
        kept = list(candidates)
        while True:
            before = len(kept)
            most = Counter[str]()
            for pattern in kept:
                most |= Counter(dict(pattern.variables))
            for sizes in self._sizes(self._step + most):
                kept = self._inductive_at(self._instance(sizes), kept)
                if all_or_nothing and len(kept) < before:
                    return []
            if len(kept) == before:
                return kept

    def _inductive_at(self, instance: Instance, kept: list[Pattern]) -> list[Pattern]:
        kept = [pattern for pattern in kept if not instance.begins_in(pattern)]
        while True:
            broken = {pattern for pattern in kept if instance.breaks(pattern, kept)}
            if not broken:
                return kept
            kept = [pattern for pattern in kept if pattern not in broken]

    def _proved(self, patterns: Sequence[Pattern]) -> tuple[str, ...]:
        """The properties that inductive patterns exclude the breaking of, in every instance."""
        if not self._excludes(ENCODING, self._step, patterns):
            return ()
        return tuple(name for name, reach in self.provable.items() if self._excludes(name, reach, patterns))

    def _excludes(self, target: str, reach: Reach, patterns: Sequence[Pattern]) -> bool:
        return not any(self._instance(sizes).allows(target, patterns) for sizes in self._sizes(reach))

    def _sizes(self, reach: Reach) -> list[Sizes]:
        found = list(instances_up_to(Counter({name: max(reach[name], 1) for name in self._claim.sets})))
        if len(found) > INSTANCES_MAX:
            raise Unsupported(
                f"{len(found):,} instances would have to be looked at, more than {INSTANCES_MAX}"
            )
        return found

    def _instance(self, sizes: Sizes) -> Instance:
        if sizes not in self._instances:
            self._say("any number: " + ", ".join(f"{size} {name}" for name, size in sizes))
            lowered = resized(self._lowered, dict(sizes))
            system: System = instance_system(lowered, self._claim, self._make, self._watch.check)
            self._instances[sizes] = Instance(system, self._make(), self._watch)
        return self._instances[sizes]
