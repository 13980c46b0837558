"""Lemmas up to renaming: their copies, and that nothing is renamed which the model tells apart."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path
from random import Random

import pytest

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines.interface import Answer, Limits, Request
from checker.engines.smt import prove
from checker.engines.smt.atoms import Atoms
from checker.engines.smt.certificate import certified, verified
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.ic3 import Ic3, Proved
from checker.engines.smt.naming import fields_of, told_of_all
from checker.engines.smt.obligations import targets
from checker.engines.smt.oracle import Watch, oracle_named
from checker.engines.smt.orbits import Cube, Orbits, alike_sets, orbits_of
from checker.errors import InternalError, UserError
from checker.ir.program import Budgets
from checker.spec import load_spec
from tests.differential.renaming import renamings

from . import small_models


def keyed() -> LoweredModel:
    return load_spec(Path("specs/order_intake/keyed.toml")).lowered


def of(model: type[Model]) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), 2), Budgets())


def encoded(lowered: LoweredModel, sets: frozenset[str]) -> System:
    return encode(lowered.program, oracle_named("auto"), one_hot=sets)


def some_cubes(system: System, count: int) -> list[Cube]:
    random = Random(7)
    bits = range(1, system.layout.bits + 1)
    return [
        frozenset(random.choice((-1, 1)) * bit for bit in random.sample(bits, random.randrange(1, 6)))
        for _ in range(count)
    ]


def image(atoms: Atoms, cube: Cube, permutation: list[int]) -> Cube:
    return frozenset((permutation[abs(lit) - 1] + 1) * (1 if lit > 0 else -1) for lit in cube)


def test_copies_are_what_all_renamings_make() -> None:
    lowered = keyed()
    sets = alike_sets(lowered.program)
    assert sets == {"Order", "Worker"}
    system = encoded(lowered, sets)
    atoms, orbits = Atoms(system.layout), orbits_of(system)
    assert orbits.sets == ("Order", "Worker")
    index_sets = [index for index in lowered.program.index_sets if index.name in sets]
    permutations = [atoms.permutation(names) for names in islice(renamings(index_sets), 100)]
    several = 0
    for cube in some_cubes(system, 200):
        expected = {image(atoms, cube, permutation) for permutation in permutations}
        copies = orbits.copies(cube)
        assert copies[0] == cube
        assert len(copies) == len(set(copies)) <= orbits.count(cube)
        assert set(copies) == expected
        several += len(copies) > 1
    assert several > 100


def test_a_copy_is_found_where_there_is_one() -> None:
    system = encoded(keyed(), frozenset({"Order", "Worker"}))
    orbits = orbits_of(system)
    random = Random(3)
    found = missed = 0
    for cube in some_cubes(system, 300):
        row = frozenset(random.choice((-1, 1)) * (bit + 1) for bit in range(system.layout.bits))
        inside = [copy for copy in orbits.copies(cube) if copy <= row]
        copy = orbits.copy_in(cube, row)
        assert (copy in inside) if inside else copy is None
        found, missed = found + bool(inside), missed + (not inside)
    assert found > 30
    assert missed > 30


def test_a_lemma_is_told_of_all_members() -> None:
    system = encoded(keyed(), frozenset({"Order", "Worker"}))
    fields, atoms = fields_of(system.layout), Atoms(system.layout).atoms
    placed = [i + 1 for i, atom in enumerate(atoms) if atom.place[0] == ("variable", "placed", None)]
    holder = next(
        i + 1
        for i, atom in enumerate(atoms)
        if ("variable", "inbox.in_flight", None) in atom.place
        and atom.members == (("Order", 1), ("Worker", 0))
    )
    cube = frozenset({placed[0], -placed[1], holder})
    whom, facts = told_of_all(fields, cube, orbits_of(system).members(cube))
    assert whom == "distinct order a, b and worker c"
    assert facts[:2] == ["order a in placed", "not order b in placed"]
    assert "worker c" in facts[2]
    assert "order b" in facts[2]
    assert told_of_all(fields, frozenset({placed[0]}), [("Order", 0)]) == ("order a", ["order a in placed"])


def test_a_proof_stands_for_all_members() -> None:
    lowered = keyed()
    proof = prove.Prover(Request(lowered, Limits(time_s_max=60))).run()
    assert proof.certificate is not None
    assert "every_placed_order_exists" in proof.certificate.proved
    data = proof.certificate.data("specs/order_intake/keyed.toml")
    assert data["renamed"] == ["Order", "Worker"]
    assert any(lemma["for_all"].startswith("distinct ") for lemma in data["lemmas"])
    assert verified(data, lowered.program, "x") == []
    # Without renaming, the lemmas speak of other bits, or of some members only.
    with pytest.raises(UserError):
        verified({**data, "renamed": []}, lowered.program, "x")
    with pytest.raises(UserError, match="no index set 'Moon' has several members"):
        verified({**data, "renamed": ["Moon"]}, lowered.program, "x")


# Canaries: what the model tells apart is not renamed, and what slips through does not pass the check


def test_sets_that_begin_or_act_apart_are_not_alike() -> None:
    assert alike_sets(of(small_models.OneBegins).program) == frozenset()
    assert alike_sets(of(small_models.OneActs).program) == frozenset()
    assert alike_sets(of(small_models.ErrsByOrder).program) == frozenset()


def test_an_asymmetric_initial_row_is_not_renamed() -> None:
    system = encoded(of(small_models.OneBegins), frozenset({"Seat"}))
    assert orbits_of(system).is_trivial
    assert not orbits_of(encoded(of(small_models.OneActs), frozenset({"Seat"}))).is_trivial


@pytest.mark.parametrize("model", [small_models.OneBegins, small_models.OneActs])
def test_both_are_decided_rightly(model: type[Model]) -> None:
    proof = prove.Prover(Request(of(model), Limits(time_s_max=20))).run()
    assert next(v for v in proof.result.verdicts if v.property == "below_nine").answer is Answer.VIOLATED


@pytest.mark.parametrize("model", [small_models.OneBegins, small_models.OneActs])
def test_a_proof_that_renames_them_all_the_same_does_not_pass_its_check(model: type[Model]) -> None:
    """IC3 calls the model safe then, as it did when this was first tried: the check has to see it."""
    system = encoded(of(model), frozenset({"Seat"}))
    orbits = Orbits(Atoms(system.layout))
    make, lemmas = oracle_named("auto"), list[Cube]()
    for name in ("not_the_first", "below_nine"):
        target = next(one for one in targets(system) if one.name == name)
        found = Ic3(system, target, lemmas, make, Watch(time.monotonic() + 20), orbits).run()
        assert isinstance(found, Proved)
        lemmas += found.lemmas
    with pytest.raises(InternalError, match="does not pass its check"):
        certified(system, lemmas, ["below_nine"], orbits)


def test_a_lemma_that_holds_of_one_member_only_does_not_pass() -> None:
    system = encoded(of(small_models.OneActs), frozenset({"Seat"}))
    atoms = Atoms(system.layout)
    never = frozenset({1 + next(i for i, atom in enumerate(atoms.atoms) if atom.members == (("Seat", 0),))})
    assert certified(system, [never], []).lemmas == (never,)
    with pytest.raises(InternalError, match="does not pass its check: consecution"):
        certified(system, [never], [], Orbits(atoms))
