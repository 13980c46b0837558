"""Bags that count up to a number in proofs: every step of the model is still there, and nothing is wrong."""

from __future__ import annotations

from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.interface import Answer, Limits, Request
from checker.engines.smt.certificate import checksum, verified
from checker.engines.smt.cnf import Clauses, Template
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.evaluation import Executor
from checker.engines.smt.layout import Abstraction, Capacities
from checker.engines.smt.oracle import oracle_named
from checker.engines.smt.prove import Proof, Prover
from checker.errors import ModelError, UserError
from checker.ir.copies import counts_copies, has_bags
from checker.ir.expressions import Op
from checker.ir.program import Budgets, PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model

from . import small_models
from .solvers import SMALL_SPECS


def of(model: type[Model]) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), 1), Budgets())


def saturating(lowered: LoweredModel, most: int) -> System:
    opened = Abstraction(bags_saturate=True)
    return encode(lowered.program, oracle_named("auto"), Capacities(most, 6), abstraction=opened)


class Covering:
    """Asks whether what a state of the model does is there in a system whose bags saturate."""

    def __init__(self, lowered: LoweredModel, most: int) -> None:
        self.machine = Machine(lowered.program)
        self.system = system = saturating(lowered, most)
        self.counts: Counter[str] = Counter()
        self._clauses = Clauses(oracle_named("auto")())
        roots = [*system.state, *system.before, *system.following, system.valid, system.beyond, system.rests]
        roots += [system.stuck, *(fault.literal for fault in system.faults)]
        for asked in system.properties:
            roots += [asked.hit, *(fault.literal for fault in asked.faults)]
        self._copy = Template(system.circuit, roots).copy(self._clauses, {})

    def _row(self, state: State) -> list[bool] | None:
        return self.system.layout.encoded(state)

    def _fixed(self, literals: tuple[int, ...], row: list[bool]) -> list[int]:
        names = self._copy.row(literals)
        return [name if bit else -name for name, bit in zip(names, row, strict=True)]

    def _can(self, literal: int, fixed: list[int]) -> bool:
        return self._clauses.solver.solve([*fixed, self._copy[literal]])

    def state(self, state: State) -> list[State]:
        """Compare one state. Returns the states after it that fit the capacities of FIFOs."""
        system = self.system
        row = self._row(state)
        assert row is not None
        fixed = self._fixed(system.state, row)
        after = []
        for successor in self.machine.successors(state):
            if isinstance(successor.outcome, ModelError):
                error = successor.outcome
                same = [f for f in system.faults if (f.kind, f.location) == (error.kind, error.location)]
                assert any(self._can(fault.literal, fixed) for fault in same)
                continue
            following = self._row(successor.outcome)
            if following is None:
                assert self._can(system.beyond, fixed)
                continue
            assert self._can(system.valid, [*fixed, *self._fixed(system.following, following)])
            after.append(successor.outcome)
            self.counts["steps"] += 1
        rests = all(s.transition.kind.is_fault for s in self.machine.successors(state))
        # At rest is at least what is at rest: of more, nothing that holds at rest is proved.
        assert not rests or self._can(system.rests, fixed)
        self.counts["at rest"] += rests
        self.counts["said to be"] += self._can(system.rests, fixed)
        for number, asked in enumerate(system.properties):
            if asked.property.kind is PropertyKind.QUIESCENT and not rests:
                continue
            if asked.property.kind is PropertyKind.TRANSITION or asked.faults:
                continue
            holds = self.machine.holds(number, state)
            hit = holds == (asked.property.kind is PropertyKind.REACHABLE)
            assert self._can(asked.hit, fixed) == hit, asked.property.name
            self.counts["hit" if hit else "missed"] += 1
        return after


def covered(lowered: LoweredModel, most: int, states_max: int) -> Counter[str]:
    covering = Covering(lowered, most)
    todo = [s.outcome for s in covering.machine.initial_states() if isinstance(s.outcome, State)]
    seen = set(todo)
    for state in todo:
        for after in covering.state(state):
            if after not in seen and len(seen) < states_max:
                seen.add(after)
                todo.append(after)
    return covering.counts


# What counts say


@pytest.mark.parametrize(
    ("model", "counts"),
    [
        (small_models.Once, False),
        (small_models.Pouring, False),
        (small_models.Peeking, True),
        (small_models.Counted, True),
        (small_models.Filling, True),
        (small_models.Resting, False),
    ],
)
def test_what_tells_copies_apart(model: type[Model], counts: bool) -> None:
    assert has_bags(of(model).program)
    assert counts_copies(of(model).program) is counts
    if counts:
        with pytest.raises(Unsupported, match="tells how many copies a bag holds"):
            saturating(of(model), 1)


def test_a_program_whose_steps_depend_on_what_is_left_is_not_encoded() -> None:
    with pytest.raises(Unsupported, match="whether a step is possible depends on how many copies"):
        saturating(of(small_models.Resting), 1)


# Every step is there


@pytest.mark.parametrize("path", SMALL_SPECS)
def test_steps_of_specs(path: str) -> None:
    counts = covered(load_spec(Path(path)).lowered, 1, 150)
    assert counts["steps"] > 15
    assert counts["hit"] + counts["missed"] > 30


@pytest.mark.parametrize(
    ("model", "most"), [(small_models.Once, 1), (small_models.Pouring, 1), (small_models.Pouring, 2)]
)
def test_steps_of_small_models(model: type[Model], most: int) -> None:
    assert covered(of(model), most, 60)["steps"] >= 2


def test_steps_of_random_models(tmp_path: Path) -> None:
    counts: Counter[str] = Counter()
    for seed in range(300):
        with lowered_from(random_model(seed), tmp_path) as lowered:
            if counts_copies(lowered.program) or not has_bags(lowered.program):
                continue
            try:
                counts += covered(lowered, 1 + seed % 2, 20)
            except Unsupported:
                continue
            counts["models"] += 1
    assert counts["models"] > 5
    assert counts["steps"] > 100


# Proofs


def proved_by(lowered: LoweredModel, seconds: float = 20) -> tuple[Proof, dict[str, Answer]]:
    proof = Prover(Request(lowered, Limits(time_s_max=seconds))).run()
    runner._confirm_all(lowered, proof.result.verdicts, proof.result.failure)
    return proof, {verdict.property: verdict.answer for verdict in proof.result.verdicts}


def test_a_bag_that_fills_without_end_is_no_obstacle() -> None:
    proof, answers = proved_by(of(small_models.Pouring))
    assert answers["only_threes"] is Answer.HOLDS
    assert answers["never_tired"] is Answer.VIOLATED
    if proof.general.certificate is None:
        assert proof.certificate is not None
        assert proof.certificate.data("x.toml")["bags_saturate"] is True


def test_what_is_refuted_wrongly_is_proved_with_counts() -> None:
    proof, answers = proved_by(of(small_models.Once))
    assert answers["handled_once"] is Answer.HOLDS
    assert proof.certificate is not None
    assert not proof.certificate.bags_saturate


def test_what_counts_copies_is_decided_rightly() -> None:
    assert proved_by(of(small_models.Counted))[1]["few"] is Answer.HOLDS
    assert proved_by(of(small_models.Peeking), 10)[1]["at_most_one"] is Answer.VIOLATED
    # Two are poured and one is taken away, so that the bag is never empty again.
    assert proved_by(of(small_models.Resting))[1]["emptied_in_the_end"] is Answer.VIOLATED


def test_certificates_with_open_bags() -> None:
    lowered = load_spec(Path("specs/order_intake/keyed.toml")).lowered
    proof, answers = proved_by(lowered, 60)
    assert Answer.UNKNOWN not in answers.values()
    assert proof.certificate is not None
    data: dict[str, Any] = proof.certificate.data("x.toml")
    assert data["bags_saturate"] is True
    assert verified(data, lowered.program, "x") == []
    facts = [fact for lemma in data["lemmas"] for fact in lemma["never_together"]]
    assert any(fact.startswith("copies of ") for fact in facts)
    # With bags that count, the lemmas speak of other bits.
    with pytest.raises(UserError):
        verified({**data, "bags_saturate": False, "capacities": asdict(Capacities())}, lowered.program, "x")


# Canaries


def test_a_removal_that_never_leaves_as_many_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    opened = Executor._of_open_bag

    def careless(self: Executor, expr: Any, args: Any, path: Any, most: int) -> Any:
        found = opened(self, expr, args, path, most)
        if expr.op is Op.BAG_ADD:
            return found
        self.around.open_copies.pop()
        return self.operators.apply(expr, args, lambda condition, kind: None)

    monkeypatch.setattr(Executor, "_of_open_bag", careless)
    with pytest.raises(AssertionError):
        covered(of(small_models.Pouring), 1, 60)


def test_a_certificate_cannot_claim_an_abstraction_that_the_model_sees_through() -> None:
    lowered = of(small_models.Counted)
    proof, _ = proved_by(lowered)
    assert proof.certificate is not None
    data = {**proof.certificate.data("x.toml"), "bags_saturate": True}
    with pytest.raises(UserError, match="cannot be encoded so: the model tells how many copies a bag holds"):
        verified({**data, "checksum": checksum(data)}, lowered.program, "x")
