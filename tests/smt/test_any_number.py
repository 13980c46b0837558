"""Proofs for any number of members: what they rest on, what they claim, and that they claim no more."""

from __future__ import annotations

import json
import random
import time
from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from itertools import combinations, product
from pathlib import Path
from typing import Any

import pytest

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines.smt.anynumber import ForAnyNumber, prove_for_any_number
from checker.engines.smt.certificate import checksum, read_certificate
from checker.engines.smt.cnf import Clauses, Template
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.general_certificate import (
    broken_in,
    instance_obligations,
    instance_system,
    verified_for_any,
)
from checker.engines.smt.layout import Abstraction, Capacities
from checker.engines.smt.obligations import hit_of
from checker.engines.smt.oracle import Watch, Z3Solver, oracle_named
from checker.engines.smt.sizes import DependsOnSize, resized
from checker.errors import UserError
from checker.ir.locality import Locality, NotLocal, Reach
from checker.ir.program import Budgets, PropertyKind
from checker.ir.symmetry import symmetry_of
from checker.semantics.machine import Machine
from checker.semantics.restriction import Restriction
from checker.semantics.state import State, StepKind, Transition
from checker.spec import load_spec
from tests.cli.project import Project

from . import any_number_models as models

KEYED = "specs/order_intake/keyed.toml"


def lowered(model: type[Model], size: int = 2) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), size), Budgets(crash=1))


def attempt(model: LoweredModel, seconds: float = 60) -> ForAnyNumber:
    names = [p.name for p in model.program.properties if p.kind is not PropertyKind.REACHABLE]
    return prove_for_any_number(model, names, oracle_named("auto"), Watch(time.monotonic() + seconds))


def symmetric(model: LoweredModel) -> list[str]:
    return [index.name for index in symmetry_of(model.program, 64).sets]


class Left:
    """A model of three members of each set, and its instances of some of these."""

    def __init__(self, model: LoweredModel, exact: bool) -> None:
        self.sets = symmetric(model)
        self.whole = resized(model, dict.fromkeys(self.sets, 3))
        self.machine = Machine(self.whole.program)
        self.locality = Locality(self.whole.program, self.sets)
        self.rules = {rule.name: rule.reach for rule in self.locality.rules()}
        elsewhere = frozenset(self.sets)
        self._abstraction = Abstraction(elsewhere, not exact, not exact)
        self._capacities = Capacities(7 if exact else 1)
        self._model = model
        self._exact = exact
        self._known: dict[tuple[int, ...], tuple[LoweredModel, System, Any, Clauses]] = {}

    def instance(self, sizes: tuple[int, ...]) -> tuple[LoweredModel, System, Any, Clauses]:
        if sizes not in self._known:
            smaller = resized(self._model, dict(zip(self.sets, sizes, strict=True)))
            make = oracle_named("auto")
            one_hot, given = frozenset(self.sets), self._abstraction
            system = encode(smaller.program, make, self._capacities, one_hot=one_hot, abstraction=given)
            clauses = Clauses(make())
            hits = [hit_of(system, asked) for asked in system.properties]
            roots = [*system.state, *system.following, system.valid, *hits]
            copy = Template(system.circuit, roots).copy(clauses, {})
            self._known[sizes] = smaller, system, copy, clauses
        return self._known[sizes]

    def ways(self, reach: Reach) -> Iterator[dict[str, tuple[int, ...]]]:
        """Which members may stay: as many as are reached, in every choice."""
        sizes = [max(1, min(3, reach[name])) for name in self.sets]
        for kept in product(*(combinations(range(3), size) for size in sizes)):
            yield dict(zip(self.sets, kept, strict=True))

    def row(self, state: State, kept: Mapping[str, tuple[int, ...]]) -> list[bool]:
        smaller, system, _, _ = self.instance(tuple(len(kept[name]) for name in self.sets))
        left = Restriction(self.whole.program, smaller.program, kept).state(state)
        if not self._exact:
            # Budgets are not spent there.
            left = left._replace(budgets=self.whole.program.budgets.amounts)
        row = system.layout.encoded(left)
        assert row is not None
        return row

    def reach(self, before: State, transition: Transition) -> Reach:
        """What the rule of a transition reaches."""
        if transition.kind in (StepKind.ACTION, StepKind.FAULT):
            return self.rules[transition.name]
        process, _ = self.whole.program.process_of(transition.process)
        if transition.kind is StepKind.CRASH:
            return self.rules[f"{process.name} begins"]
        label = process.labels[before.processes[transition.process].label]
        return self.rules[f"{process.name}: {label.call.name} (line {label.location.line})"]

    def has_step(self, before: State, transition: Transition, after: State) -> bool:
        """Whether some choice of so many members as its rule reaches leaves the step."""
        for kept in self.ways(self.reach(before, transition)):
            _, system, copy, clauses = self.instance(tuple(len(kept[name]) for name in self.sets))
            fixed = zip(copy.row(system.state), self.row(before, kept), strict=True)
            wanted = zip(copy.row(system.following), self.row(after, kept), strict=True)
            assumed = [n if bit else -n for n, bit in (*fixed, *wanted) if n]
            if clauses.solver.solve([*assumed, copy[system.valid]]):
                return True
        return False

    def is_broken(self, number: int, state: State) -> bool:
        """Whether some choice of so many members as break a property leaves it broken."""
        prop = self.whole.program.properties[number]
        for kept in self.ways(self.locality.falsity(prop)):
            _, system, copy, clauses = self.instance(tuple(len(kept[name]) for name in self.sets))
            fixed = zip(copy.row(system.state), self.row(state, kept), strict=True)
            assumed = [n if bit else -n for n, bit in fixed if n]
            if clauses.solver.solve([*assumed, copy[hit_of(system, system.properties[number])]]):
                return True
        return False


def walked(left: Left, seed: int, walks: int) -> Iterator[tuple[State, Transition, State]]:
    rng = random.Random(seed)
    for _ in range(walks):
        (state,) = [s.outcome for s in left.machine.initial_states() if isinstance(s.outcome, State)]
        for _ in range(12):
            following = [
                (s.transition, s.outcome)
                for s in left.machine.successors(state)
                if isinstance(s.outcome, State)
            ]
            if not following:
                break
            transition, after = rng.choice(following)
            yield state, transition, after
            state = after


LOCAL = [
    KEYED,
    "specs/orders/cancel_tombstone.toml",
    "specs/orders/versions_condition.toml",
    "specs/public_bugs/cap_reject_abandons.toml",
    "benchmarks/protocols/decentralized_lock.toml",
    "benchmarks/protocols/two_phase.toml",
    "benchmarks/protocols/sharded_kv.toml",
]
OWN = [models.Locked, models.Forgetful, models.Posted, models.Unanimous, models.Growing]


@pytest.mark.parametrize("exact", [False, True])
@pytest.mark.parametrize("path", LOCAL)
def test_a_step_is_a_step_of_what_it_reaches(path: str, exact: bool) -> None:
    left = Left(load_spec(Path(path)).lowered, exact)
    for step in walked(left, 1, 2):
        assert left.has_step(*step)


@pytest.mark.parametrize("model", OWN)
def test_a_step_of_a_small_model_is_a_step_of_what_it_reaches(model: type[Model]) -> None:
    left = Left(lowered(model), exact=False)
    compared = 0
    for step in walked(left, 2, 6):
        assert left.has_step(*step)
        compared += 1
    assert compared > 20


def test_a_step_of_fewer_members_than_it_reaches_is_missed() -> None:
    """The test above can fail: with one item less than a step reaches, steps are lost."""
    left = Left(lowered(models.Forgetful), exact=False)
    assert left.rules["steal"] == {"Item": 2, "Owner": 1}
    left.rules["steal"]["Item"] = 1
    assert not all(left.has_step(*step) for step in walked(left, 2, 6))


def test_a_property_that_is_broken_is_broken_among_those_that_it_reaches() -> None:
    left = Left(lowered(models.Forgetful), exact=True)
    broken = 0
    for seed in range(12):
        for _, _, state in walked(left, seed, 2):
            for number, prop in enumerate(left.whole.program.properties):
                if prop.kind is PropertyKind.ALWAYS and not left.machine.holds(number, state, None):
                    assert left.is_broken(number, state)
                    broken += 1
    assert broken > 5


# What is proved


def test_the_conditional_insert_is_proved_for_any_number_of_orders_and_workers() -> None:
    found = attempt(load_spec(Path(KEYED)).lowered)
    assert found.certificate is not None
    assert set(found.sets) == {"Order", "Worker"}
    assert set(found.proved) == {"at_most_one_order", "rows_never_change"}
    assert found.certificate.told == (("orders.items[order 0].order: order 1",),)


@pytest.mark.parametrize("model", [models.Locked, models.Posted, models.Unanimous])
def test_small_models_are_proved(model: type[Model]) -> None:
    found = attempt(lowered(model))
    assert set(found.proved) == {p.name for p in lowered(model).program.properties}


@pytest.mark.parametrize(
    ("model", "why"),
    [
        (models.Growing, "it may be broken with 4 Item"),
        (models.Forgetful, "it may be broken with 2"),
        (models.Sized, "the code asks how many Item there are"),
        (models.Ranged, "the code asks how many Item there are"),
        (models.Counted, "something is computed from all members"),
        (models.SummedUp, "something is computed from all members"),
        (models.LookingOnce, "a loop looks for members"),
        (models.Eager, "a process looks for members before its first call"),
        (models.Pointed, "may be broken with 3 Item"),
        (models.Queued, "keeps Item in order"),
        (models.Paired, "looked for anew for each"),
    ],
)
def test_what_is_not_so_for_any_number_is_not_proved(model: type[Model], why: str) -> None:
    found = attempt(lowered(model))
    assert found.certificate is None
    assert why in found.why_not


def test_values_under_keys_that_are_left_out() -> None:
    found = attempt(lowered(models.Scanned, 3))
    assert found.certificate is None
    assert "something is computed from all members" in found.why_not
    # With two owners, or two items, for good, no three owners are ever found.
    assert len(attempt(lowered(models.Scanned, 2)).sets) == 1


def test_the_broken_forms_of_a_consumer_are_not_proved(tmp_path: Path) -> None:
    """Without its condition, the insert replaces rows."""
    folder = tmp_path / "specs" / "order_intake"
    folder.mkdir(parents=True)
    text = Path("models/order_intake.py").read_text(encoding="utf-8")
    broken = text.replace("put_if_absent(order, OrderRow(order, me))", "put(order, OrderRow(order, me))")
    (tmp_path / "models").mkdir()
    (tmp_path / "models" / "broken_intake.py").write_text(broken, encoding="utf-8")
    spec = Path(KEYED).read_text(encoding="utf-8").partition("[[mutation]]")[0]
    spec = spec.replace("models/order_intake.py", str(tmp_path / "models" / "broken_intake.py"))
    (folder / "keyed.toml").write_text(spec, encoding="utf-8")
    found = attempt(load_spec(folder / "keyed.toml").lowered)
    assert "rows_never_change" not in found.proved


def test_a_reach_that_is_too_small_is_caught_by_the_check(monkeypatch: pytest.MonkeyPatch) -> None:
    """With too small a reach, three items prove that four never meet; the check knows better."""
    real = Locality.falsity
    monkeypatch.setattr(Locality, "falsity", lambda self, prop: Counter({"Item": 3}))
    monkeypatch.setattr("checker.engines.smt.anynumber.SMALL", (2, 3))
    found = attempt(lowered(models.Growing))
    assert found.certificate is not None
    data = found.certificate.data("spec")
    monkeypatch.setattr(Locality, "falsity", real)
    with pytest.raises(UserError, match="looks at other instances"):
        verified_for_any(data, lowered(models.Growing), "file")


# Certificates


@pytest.fixture(name="kept", scope="module")
def kept_certificate() -> dict[str, Any]:
    found = attempt(lowered(models.Locked))
    assert found.certificate is not None
    data: dict[str, Any] = json.loads(json.dumps(found.certificate.data("a spec")))
    return data


def test_a_certificate_is_verified_again_whatever_the_bounds(kept: dict[str, Any]) -> None:
    read = read_certificate("file", json.dumps(kept))
    assert verified_for_any(read, lowered(models.Locked, 3), "file") == []
    assert verified_for_any(read, lowered(models.Locked, 1), "file") == []


def test_an_edited_certificate_is_refused(kept: dict[str, Any]) -> None:
    edited = {**kept, "proved": []}
    with pytest.raises(UserError, match="edited"):
        read_certificate("file", json.dumps(edited))


def resigned(data: dict[str, Any]) -> dict[str, Any]:
    return {**data, "checksum": checksum(data)}


def test_an_edited_certificate_with_a_new_checksum_proves_nothing_false(kept: dict[str, Any]) -> None:
    without = resigned({**kept, "lemmas": []})
    smaller = dict.fromkeys(kept["instances_up_to"], 2)
    for instances in (kept["instances_up_to"], smaller):
        with suppress(UserError):
            given = resigned({**without, "instances_up_to": instances})
            assert verified_for_any(given, lowered(models.Locked), "file")
    lemma = json.loads(json.dumps(kept["lemmas"][0]))
    lemma["facts"][0][2] = not lemma["facts"][0][2]
    wrong = resigned({**kept, "lemmas": [lemma, *kept["lemmas"][1:]]})
    with pytest.raises(UserError, match="text is not what the lemma says"):
        verified_for_any(wrong, lowered(models.Locked), "file")
    fewer = resigned({**kept, "instances_up_to": dict.fromkeys(kept["instances_up_to"], 1)})
    with pytest.raises(UserError, match="other instances"):
        verified_for_any(fewer, lowered(models.Locked), "file")
    unknown = resigned({**kept, "proved": ["deadlock_free"]})
    with pytest.raises(UserError, match="claims what none of its kind can"):
        verified_for_any(unknown, lowered(models.Locked), "file")
    empty = resigned({**kept, "capacities": {**kept["capacities"], "bag_count_max": 0}})
    with pytest.raises(UserError, match="capacities are numbers from 1"):
        verified_for_any(empty, lowered(models.Locked), "file")
    lemma = json.loads(json.dumps(kept["lemmas"][0]))
    lemma["facts"][0][0].append(["is", ["elsewhere", "Owner"]])
    elsewhere = resigned({**kept, "lemmas": [lemma]})
    with pytest.raises(UserError, match="members that were left out"):
        verified_for_any(elsewhere, lowered(models.Locked), "file")
    for counts in ({"Item": 0}, {"Item": True}, {"Item": "x"}, {"Other": 1}, None, {}):
        wrong = resigned({**kept, "lemmas": [{**kept["lemmas"][0], "for_all_different": counts}]})
        with pytest.raises(UserError, match="broken"):
            verified_for_any(wrong, lowered(models.Locked), "file")
    broken = resigned({**kept, "lemmas": [{"facts": 3}]})
    with pytest.raises(UserError, match="broken"):
        verified_for_any(broken, lowered(models.Locked), "file")


def test_a_certificate_of_another_model(kept: dict[str, Any]) -> None:
    with pytest.raises(UserError, match="not for the present version"):
        verified_for_any(kept, lowered(models.Forgetful), "file")


def test_a_wrong_pattern_does_not_pass() -> None:
    found = attempt(lowered(models.Locked))
    assert found.certificate is not None
    claim = found.certificate.claim
    opposite = replace(
        claim.patterns[0], facts=frozenset((p, v, not holds) for p, v, holds in claim.patterns[0].facts)
    )
    system = instance_system(lowered(models.Locked), claim, Z3Solver)
    assert broken_in(system, instance_obligations(system, claim)) == []
    assert broken_in(system, instance_obligations(system, replace(claim, patterns=(opposite,))))


# Sizes


def test_a_model_for_other_sizes() -> None:
    bigger = resized(lowered(models.Locked), {"Item": 4})
    assert {index.name: index.size for index in bigger.program.index_sets} == {"Item": 4, "Owner": 2}
    with pytest.raises(DependsOnSize):
        resized(lowered(models.Sized), {"Item": 4})


# What is local


def reach_of(model: type[Model]) -> dict[str, Reach]:
    program = lowered(model).program
    return {rule.name: rule.reach for rule in Locality(program, ["Item", "Owner"]).rules()}


def test_what_steps_reach() -> None:
    assert reach_of(models.Locked) == {
        "lock": {"Item": 1, "Owner": 1},
        "unlock": {"Item": 1, "Owner": 1},
    }
    assert reach_of(models.Forgetful)["steal"] == {"Item": 2, "Owner": 1}
    # A guard for all of them needs nobody in particular; one for none of them neither.
    assert reach_of(models.Unanimous) == {"vote": {"Owner": 1}, "decide": {}, "meet": {"Item": 2}}
    (fetch,) = (reach for name, reach in reach_of(models.Posted).items() if "box.fetch" in name)
    assert fetch == {"Item": 1, "Owner": 1}


def test_what_breaks_a_property() -> None:
    program = lowered(models.Growing).program
    (prop,) = program.properties
    locality = Locality(program, ["Item"])
    assert locality.falsity(prop) == {"Item": 4}
    assert locality.keeps_truth(prop)


@pytest.mark.parametrize("model", [models.Queued, models.Paired])
def test_what_is_not_local_says_where(model: type[Model]) -> None:
    with pytest.raises(NotLocal, match=r"any_number_models\.py:\d+|keeps Item in order"):
        Locality(lowered(model).program, ["Item"]).rules()


# The command


def test_the_command_proves_for_any_number_and_verifies(project: Project) -> None:
    text = Path(models.__file__).read_text(encoding="utf-8")
    project.write("models/locks.py", text)
    bounds = "[bounds]\nItem = 2\nOwner = 2\n"
    project.write("specs/locked.toml", f'model = "models/locks.py:Locked"\n{bounds}')
    outcome = project.run("prove", "specs/locked.toml", "--seconds", "30")
    assert outcome.code == 0, outcome.err
    assert "HOLDS for any number of Item and Owner (proved)  written_down_twice" in outcome.out
    path = "certificates/specs/locked.any-number.json"
    assert f"  certificate: {path}" in outcome.out
    assert "(check-sat)" in project.files()["certificates/specs/locked.any-number/Item1-Owner1.smt2"]
    again = project.run("verify-certificate", path)
    assert again.code == 0
    assert "proved      written_down_twice" in again.out
    # It does not depend on the bounds, but on the code.
    project.write("specs/locked.toml", f'model = "models/locks.py:Locked"\n{bounds.replace("2", "3")}')
    assert project.run("verify-certificate", path).code == 0
    project.write("models/locks.py", text.replace("        self.owned.remove(item)\n", ""))
    changed = project.run("verify-certificate", path)
    assert changed.code == 2
    assert "not for the present version" in changed.err
