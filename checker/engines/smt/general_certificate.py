"""Certificates of proofs for any number of members, and their check.

A certificate of this kind holds patterns, and what has to be true of them in every instance of the model up
to some size. Why that is enough for any number follows from the program's locality, which the check works
out anew (docs/decisions/0012).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from checker.dsl.lowering import LoweredModel
from checker.engines.interface import DEADLOCK_FREE
from checker.engines.smt.atoms import ELSEWHERE, Atoms
from checker.engines.smt.certificate import ANY_NUMBER, FORMAT, broken_obligations, checksum, program_hash
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.layout import Abstraction, Capacities
from checker.engines.smt.naming import fields_of, told
from checker.engines.smt.obligations import Obligation, obligations, smtlib
from checker.engines.smt.oracle import Solver, Z3Solver
from checker.engines.smt.patterns import Fact, Pattern
from checker.engines.smt.sizes import DependsOnSize, resized
from checker.errors import InternalError, UserError
from checker.ir.locality import Locality, NotLocal, Reach
from checker.ir.program import Program, PropertyKind
from checker.ir.symmetry import symmetry_of

#: The sizes of the sets of one instance.
Sizes = tuple[tuple[str, int], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """What is proved for any number of members of ``sets``, under an abstraction with some capacities."""

    sets: tuple[str, ...]
    abstraction: Abstraction
    capacities: Capacities
    patterns: tuple[Pattern, ...]
    proved: tuple[str, ...]

    def reach(self, program: Program) -> Reach:
        """Up to which numbers of members instances have to be looked at.

        Raises:
            NotLocal: there is no such number.
        """
        step, most = Counter[str](), Counter[str]()
        locality = Locality(program, self.sets)
        for rule in locality.rules():
            step |= rule.reach
        for pattern in self.patterns:
            most |= Counter(dict(pattern.variables))
        reach = step + most
        for name in self.proved:
            reach |= broken_by(locality, program, name, step)
        return Counter({name: max(reach[name], 1) for name in self.sets})


def broken_by(locality: Locality, program: Program, name: str, step: Reach) -> Reach:
    """How many members it takes to break a property. Raises NotLocal."""
    prop = next((one for one in program.properties if one.name == name), None)
    if prop is None or prop.kind not in (PropertyKind.ALWAYS, PropertyKind.TRANSITION, PropertyKind.LEMMA):
        raise NotLocal("it is asked of quiescent states only", None if prop is None else prop.location)
    reach = locality.falsity(prop)
    return reach + step if prop.kind is PropertyKind.TRANSITION else reach


def instances_up_to(reach: Reach) -> Iterator[Sizes]:
    """Every size up to some reach, the largest first, which refutes most."""
    names = sorted(reach)
    for sizes in product(*(range(reach[name], 0, -1) for name in names)):
        yield tuple(zip(names, sizes, strict=True))


def instance_system(
    lowered: LoweredModel, claim: Claim, make: Callable[[], Solver], look: Callable[[], None] = lambda: None
) -> System:
    """The system of one instance, from which members may have been left out."""
    sets = frozenset(claim.sets)
    return encode(lowered.program, make, claim.capacities, look, one_hot=sets, abstraction=claim.abstraction)


def instance_obligations(system: System, claim: Claim) -> list[Obligation]:
    """What has to be true in one instance. Raises KeyError for a pattern of no place in it."""
    atoms = Atoms(system.layout)
    cubes = [cube for pattern in claim.patterns for cube in pattern.cubes(atoms)]
    return obligations(system, cubes, claim.proved)


def broken_in(system: System, asked: Sequence[Obligation]) -> list[str]:
    """The names of the obligations of one instance that fail, by Z3's SMT core."""
    together = Obligation("all", system.circuit.any(one.refuted for one in asked))
    return broken_obligations(system, asked) if broken_obligations(system, [together]) else []


@dataclass(frozen=True, slots=True)
class GeneralCertificate:
    """A claim that was checked, and the scripts by which others can check it, by instance."""

    model: str
    program: str
    claim: Claim
    reach: Mapping[str, int]
    told: tuple[tuple[str, ...], ...]
    scripts: Mapping[str, str]

    def data(self, spec: str) -> dict[str, Any]:
        """The certificate as JSON-like data."""
        claim = self.claim
        found: dict[str, Any] = {
            "kind": ANY_NUMBER,
            "format": FORMAT,
            "spec": spec,
            "model": self.model,
            "program": self.program,
            "sets": list(claim.sets),
            "instances_up_to": dict(self.reach),
            "abstraction": {
                "bags_saturate": claim.abstraction.bags_saturate,
                "faults_are_endless": claim.abstraction.faults_are_endless,
            },
            "capacities": {
                "bag_count_max": claim.capacities.bag_count_max,
                "fifo_length_max": claim.capacities.fifo_length_max,
            },
            "proved": list(claim.proved),
            "lemmas": [
                {
                    "for_all_different": dict(pattern.variables),
                    "never_together": list(facts),
                    "facts": sorted(([_listed(p), _listed(v), h] for p, v, h in pattern.facts), key=repr),
                }
                for pattern, facts in zip(claim.patterns, self.told, strict=True)
            ],
        }
        return {**found, "checksum": checksum(found)}


def _listed(value: Any) -> Any:
    return [_listed(one) for one in value] if isinstance(value, tuple) else value


def _tupled(value: Any) -> Any:
    return tuple(_tupled(one) for one in value) if isinstance(value, list) else value


def certified_for_any(
    lowered: LoweredModel, claim: Claim, system_of: Callable[[Sizes], System]
) -> GeneralCertificate:
    """The certificate of a claim, checked in one instance after the other.

    Raises:
        InternalError: the check fails.
    """
    reach = claim.reach(lowered.program)
    scripts = {}
    for sizes in instances_up_to(reach):
        system = system_of(sizes)
        asked = instance_obligations(system, claim)
        broken = broken_in(system, asked)
        if broken:
            raise InternalError(f"a proof for any number does not pass its check: {', '.join(broken)}")
        name = "-".join(f"{set_}{size}" for set_, size in sizes)
        scripts[name] = smtlib(system.circuit, asked)
    largest = system_of(next(instances_up_to(reach)))
    return GeneralCertificate(
        lowered.program.name, _hash(lowered, claim.sets), claim, dict(reach), _told(largest, claim), scripts
    )


def _told(system: System, claim: Claim) -> tuple[tuple[str, ...], ...]:
    """The patterns in the model's own terms, about the first members of each set."""
    fields, atoms = fields_of(system.layout), Atoms(system.layout)
    return tuple(tuple(told(fields, next(p.cubes(atoms, first_only=True)))) for p in claim.patterns)


def _hash(lowered: LoweredModel, sets: Sequence[str]) -> str:
    """What the model means, whatever its spec says of how many members those sets have."""
    return program_hash(resized(lowered, dict.fromkeys(sets, 2)).program)


def verified_for_any(data: Mapping[str, Any], lowered: LoweredModel, path: str) -> list[str]:
    """Check a certificate's data against a model. Returns the names of the obligations that fail.

    Raises:
        UserError: it is a certificate of another model, or claims what it cannot.
    """
    claim = _claim(data, path)
    try:
        two = resized(lowered, dict.fromkeys(claim.sets, 2))
        kept = {index.name for index in symmetry_of(two.program, 1 << 30).sets}
        if data["program"] != program_hash(two.program) or not set(claim.sets) <= kept:
            what = f"this certificate is not for the present version of {data['model']} and its faults"
            raise UserError(what, where=path, hint="prove again")
        reach = claim.reach(lowered.program)
        if data["instances_up_to"] != dict(reach):
            raise UserError("the certificate looks at other instances", where=path, hint="prove again")
        broken: list[str] = []
        for sizes in instances_up_to(reach):
            system = instance_system(resized(lowered, dict(sizes)), claim, Z3Solver)
            if sizes == next(instances_up_to(reach)):
                _require_text(data, system, claim, path)
            at = ", ".join(f"{name} {size}" for name, size in sizes)
            broken += [f"{one} ({at})" for one in broken_in(system, instance_obligations(system, claim))]
        return broken
    except (NotLocal, DependsOnSize, KeyError) as error:
        raise UserError(
            f"this certificate cannot be right: {error}", where=path, hint="prove again"
        ) from None


def _require_text(data: Mapping[str, Any], system: System, claim: Claim, path: str) -> None:
    for lemma, facts in zip(data["lemmas"], _told(system, claim), strict=True):
        if lemma["never_together"] != list(facts):
            raise UserError("a lemma's text is not what the lemma says", where=path, hint="prove again")


def _claim(data: Mapping[str, Any], path: str) -> Claim:
    try:
        sets = tuple(data["sets"])
        patterns = tuple(_pattern(lemma, sets) for lemma in data["lemmas"])
        capacities = data["capacities"].values()
        if not all(type(most) is int and most >= 1 for most in capacities):
            raise ValueError("capacities are numbers from 1")
        if not all(type(flag) is bool for flag in data["abstraction"].values()):
            raise ValueError("abstractions are made or not")
        abstraction = Abstraction(frozenset(sets), **data["abstraction"])
        claim = Claim(sets, abstraction, Capacities(**data["capacities"]), patterns, tuple(data["proved"]))
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise UserError(f"the certificate is broken: {error}", where=path, hint="prove again") from None
    if not claim.sets or DEADLOCK_FREE in claim.proved:
        raise UserError("the certificate claims what none of its kind can", where=path, hint="prove again")
    return claim


def _pattern(lemma: Mapping[str, Any], sets: Sequence[str]) -> Pattern:
    """Raises KeyError, TypeError or ValueError where a lemma says nothing of different members."""
    counts = {name: most for name, most in lemma["for_all_different"].items() if name in sets}
    if counts.keys() != lemma["for_all_different"].keys():
        raise ValueError("a lemma is for all members of other sets")
    if not all(type(most) is int and most >= 1 for most in counts.values()):
        raise ValueError("a lemma has no such number of members")
    facts = frozenset(_fact(fact, counts) for fact in lemma["facts"])
    return Pattern(facts, tuple(sorted(counts.items())))


def _fact(fact: Any, counts: Mapping[str, int]) -> Fact:
    place, variables, holds = (_tupled(part) for part in fact)
    if _names_elsewhere(place):
        # A member that was left out is none: what is said of it is said of no instance.
        raise ValueError("a lemma speaks of members that were left out")
    if not all(type(one) is int and 0 <= one < counts[name] for name, one in variables):
        raise ValueError("a lemma speaks of members that it does not have")
    if type(holds) is not bool:
        raise ValueError("a fact holds or does not")
    return place, variables, holds


def _names_elsewhere(place: Any) -> bool:
    if not isinstance(place, tuple):
        return False
    return ELSEWHERE in place or any(map(_names_elsewhere, place))
