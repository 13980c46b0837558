"""Certificates: the lemmas of a proof, and their check by another solver than the one that found them."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass
from enum import Enum
from typing import Any

from checker.engines.interface import DEADLOCK_FREE
from checker.engines.smt.atoms import Atoms
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.layout import Abstraction, Capacities
from checker.engines.smt.naming import fields_of, told_of_all
from checker.engines.smt.obligations import Obligation, obligations, smtlib
from checker.engines.smt.oracle import Z3Solver, z3_module
from checker.engines.smt.orbits import Cube, Orbits
from checker.errors import InternalError, Location, UserError
from checker.ir.program import Program, PropertyKind
from checker.ir.values import FrozenMap

#: Raised when rows, lemmas or obligations change their meaning.
FORMAT = 2
#: Inductions go over no more steps than this.
STEPS_MAX = 8
#: More copies of lemmas than this are not read from a file.
COPIES_MAX = 1_000_000
_KEYS = {
    "format": int,
    "spec": str,
    "model": str,
    "program": str,
    "capacities": dict,
    "bags_saturate": bool,
    "renamed": list,
    "proved": list,
    "lemmas": list,
    "predicates": list,
    "steps": dict,
    "checksum": str,
}
#: The kind of those for any number of members (``general_certificate``), which others do not have.
ANY_NUMBER = "any number"
_GENERAL_KEYS = {
    "format": int,
    "spec": str,
    "model": str,
    "program": str,
    "sets": list,
    "instances_up_to": dict,
    "abstraction": dict,
    "capacities": dict,
    "proved": list,
    "lemmas": list,
    "checksum": str,
}


@dataclass(frozen=True, slots=True)
class Certificate:
    """An inductive invariant: with how rows are made, no reachable state lies in one of the cubes.

    Where ``bags_saturate``, the greatest count of copies in a bag stands for more, too.
    Each lemma stands for all its copies under renaming the members of the sets in ``renamed``, and
    ``told`` has the members that it is about, and what never holds together of them. ``predicates`` names
    properties of single states, the user's lemmas among them, that are part of the invariant as the model has
    them; ``proved`` those that it proves; ``script`` is what a check of it asks. ``steps`` says of some of
    these over how many steps the last induction goes, where that is not one.
    """

    model: str
    program: str
    capacities: Capacities
    bags_saturate: bool
    renamed: tuple[str, ...]
    proved: tuple[str, ...]
    lemmas: tuple[Cube, ...]
    told: tuple[tuple[str, list[str]], ...]
    script: str
    predicates: tuple[str, ...] = ()
    steps: Mapping[str, int] = field(default_factory=dict)

    def data(self, spec: str) -> dict[str, Any]:
        """The certificate as JSON-like data."""
        found: dict[str, Any] = {
            "format": FORMAT,
            "spec": spec,
            "model": self.model,
            "program": self.program,
            "capacities": {
                "bag_count_max": self.capacities.bag_count_max,
                "fifo_length_max": self.capacities.fifo_length_max,
            },
            "bags_saturate": self.bags_saturate,
            "renamed": list(self.renamed),
            "proved": list(self.proved),
            "lemmas": [
                {"for_all": whom, "never_together": facts, "literals": sorted(cube, key=abs)}
                for cube, (whom, facts) in zip(self.lemmas, self.told, strict=True)
            ],
            "predicates": list(self.predicates),
            "steps": dict(self.steps),
        }
        return {**found, "checksum": checksum(found)}


def certified(
    system: System,
    lemmas: Sequence[Cube],
    proved: Sequence[str],
    orbits: Orbits | None = None,
    predicates: Sequence[str] = (),
    steps: Mapping[str, int] | None = None,
) -> Certificate:
    """The certificate of a proof, checked with all copies of its lemmas.

    Raises InternalError where that fails. That renaming makes no difference is not relied on: what does
    not hold for all members fails the check.
    """
    orbits = orbits or Orbits()
    kept = tuple(sorted(set(lemmas), key=lambda cube: (len(cube), sorted(cube, key=abs))))
    copies = [copy for cube in kept for copy in orbits.copies(cube)]
    asked = obligations(system, copies, proved, predicates, steps)
    broken = broken_obligations(system, asked)
    if broken:
        raise InternalError(f"a proof does not pass its check: {', '.join(broken)}")
    names = fields_of(system.layout)
    return Certificate(
        system.program.name,
        program_hash(system.program),
        system.layout.packing.capacities,
        system.layout.abstraction.bags_saturate,
        orbits.sets,
        tuple(proved),
        kept,
        tuple(told_of_all(names, cube, orbits.members(cube)) for cube in kept),
        smtlib(system.circuit, asked),
        tuple(predicates),
        dict(steps or {}),
    )


def broken_obligations(system: System, asked: Sequence[Obligation]) -> list[str]:
    """The names of the obligations that Z3's SMT core, given them as SMT-LIB, does not confirm."""
    z3 = z3_module()
    broken = []
    for one in asked:
        solver = z3.SimpleSolver(ctx=z3.Context())
        solver.from_string(smtlib(system.circuit, [one], is_bare=True))
        if solver.check() != z3.unsat:
            broken.append(one.name)
    return broken


def program_hash(program: Program) -> str:
    """A hash of all that a program means; comments, descriptions and line numbers do not count."""
    return hashlib.sha256(json.dumps(_meaning(program), sort_keys=True).encode()).hexdigest()


def _meaning(value: Any) -> Any:
    if isinstance(value, Enum):
        return [type(value).__name__, value.name]
    if is_dataclass(value) and not isinstance(value, type):
        parts = {
            one.name: _meaning(getattr(value, one.name))
            for one in fields(value)
            if one.name not in ("location", "description", "frames", "prefixes")
        }
        return [type(value).__name__, parts]
    match value:
        case Location():
            return None
        case FrozenMap() | Mapping():
            return sorted(([_meaning(k), _meaning(v)] for k, v in value.items()), key=json.dumps)
        case frozenset():
            return sorted((_meaning(one) for one in value), key=json.dumps)
        case tuple() | list():
            return [_meaning(one) for one in value]
        case None | bool() | int() | str():
            return value
        case _:
            raise InternalError(f"a program that holds a {type(value)}")


def checksum(data: Mapping[str, Any]) -> str:
    """What shows that the data of a certificate were not edited."""
    kept = {key: value for key, value in data.items() if key != "checksum"}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()


def read_certificate(path: str, text: str) -> dict[str, Any]:
    """The data of a certificate's file. Raises UserError where it is none, or was edited."""
    try:
        data = json.loads(text)
    except ValueError as error:
        raise UserError("this is no certificate: it is not JSON", where=path, hint=str(error)) from None
    if not isinstance(data, dict) or "lemmas" not in data or "format" not in data:
        raise UserError(
            "this is no certificate", where=path, hint="certificates are written by `quackcheck prove`"
        )
    if data["format"] != FORMAT:
        what = f"its format is {data['format']!r}, and this version of quackcheck reads {FORMAT}"
        raise UserError(what, where=path, hint="prove again with this version")
    keys = _GENERAL_KEYS if data.get("kind") == ANY_NUMBER else _KEYS
    wrong = [key for key, type_ in keys.items() if not isinstance(data.get(key), type_)]
    if wrong or data["checksum"] != checksum(data):
        what = "the certificate was edited: its checksum is not that of its contents"
        raise UserError(what, where=path, hint="prove again")
    return data


def verified(data: Mapping[str, Any], program: Program, path: str) -> list[str]:
    """Check a certificate's data against a program. Returns the names of the obligations that fail.

    Raises UserError where it is a certificate of another program.
    """
    if data["program"] != program_hash(program):
        what = f"this certificate is not for the present version of {data['model']}, its bounds and faults"
        raise UserError(what, where=path, hint="prove again")
    capacities = Capacities(**data["capacities"])
    sets = frozenset(data["renamed"])
    unknown = sorted(sets - {index.name for index in program.index_sets if index.size > 1})
    if unknown:
        raise UserError(f"no index set {unknown[0]!r} has several members", where=path, hint="prove again")
    abstraction = Abstraction(bags_saturate=data["bags_saturate"])
    try:
        system = encode(program, Z3Solver, capacities, one_hot=sets, abstraction=abstraction)
    except Unsupported as error:
        raise UserError(f"the model cannot be encoded so: {error}", where=path, hint="prove again") from None
    orbits = Orbits(Atoms(system.layout))
    lemmas = [frozenset(int(literal) for literal in lemma["literals"]) for lemma in data["lemmas"]]
    names = fields_of(system.layout)
    bits = system.layout.bits
    for lemma, cube in zip(data["lemmas"], lemmas, strict=True):
        if not cube or any(not 1 <= abs(literal) <= bits for literal in cube):
            raise UserError("a lemma speaks of bits that a state has not", where=path, hint="prove again")
        if (lemma["for_all"], lemma["never_together"]) != told_of_all(names, cube, orbits.members(cube)):
            raise UserError("a lemma's text is not what the lemma says", where=path, hint="prove again")
    known = {prop.name for prop in program.properties}
    for name in data["proved"]:
        if name not in known and name != DEADLOCK_FREE:
            raise UserError(f"there is no property '{name}'", where=path, hint="prove again")
    _require_predicates(data["predicates"], program, path)
    steps = _steps(data["steps"], data["proved"], path)
    if sum(map(orbits.count, lemmas)) > COPIES_MAX:
        raise UserError(f"its lemmas have more than {COPIES_MAX:,} copies", where=path, hint="prove again")
    copies = [copy for cube in lemmas for copy in orbits.copies(cube)]
    asked = obligations(system, copies, data["proved"], data["predicates"], steps)
    return broken_obligations(system, asked)


def _require_predicates(names: Sequence[str], program: Program, path: str) -> None:
    kinds = {prop.name: prop.kind for prop in program.properties}
    for name in names:
        if kinds.get(name) not in (PropertyKind.ALWAYS, PropertyKind.LEMMA):
            what = f"'{name}' is no property of single states, which an invariant consists of"
            raise UserError(what, where=path, hint="prove again")


def _steps(data: Mapping[str, Any], proved: Sequence[str], path: str) -> dict[str, int]:
    for name, steps in data.items():
        if name not in proved or type(steps) is not int or not 1 <= steps <= STEPS_MAX:
            what = f"an induction over {steps!r} steps for '{name}'"
            raise UserError(what, where=path, hint="prove again")
    return dict(data)
