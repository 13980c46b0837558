"""What is said of bags holds in every reachable state, and where it says so no step leaves the encoding."""

from __future__ import annotations

import time
from itertools import islice
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel
from checker.engines.interface import Limits, Request
from checker.engines.smt import conservation
from checker.engines.smt.bounded import BoundedSearch, Findings, alike
from checker.engines.smt.cnf import Clauses
from checker.engines.smt.conservation import Conserved, conserved
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.layout import Capacities
from checker.engines.smt.oracle import OutOfTime, Watch, oracle_named
from checker.engines.smt.unrolling import Unrolling
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model

from . import small_models
from .agreement import ROOMY
from .solvers import on_every_solver
from .test_bounded import lowered

NAIVE, KEYED = "specs/order_intake/naive.toml", "specs/order_intake/keyed.toml"
SPECS = [
    NAIVE,
    KEYED,
    "specs/order_intake/marker_first_lost_answer.toml",
    "specs/orders/batch_exact_failures.toml",
    "specs/orders/cancel_reject_and_retry.toml",
    "specs/orders/replay_by_rule.toml",
    "specs/orders/stream_log_and_go_on.toml",
    "specs/healing/client_ids.toml",
]
STATES_MAX = 2_000
MAKE = oracle_named("auto")


@pytest.fixture(autouse=True)
def patience(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conservation, "SECONDS_MAX", 60.0)


def spec(path: str) -> LoweredModel:
    return load_spec(Path(path)).lowered


def system_of(model: LoweredModel, capacities: Capacities | None = None) -> System:
    return encode(model.program, MAKE, capacities)


def reachable(model: LoweredModel, states_max: int) -> list[State]:
    """The first states, breadth first."""
    machine = Machine(model.program)
    todo = list(dict.fromkeys(s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)))
    seen = set(todo)
    for state in islice(todo, states_max):
        for successor in machine.successors(state):
            if isinstance(successor.outcome, State) and successor.outcome not in seen:
                seen.add(successor.outcome)
                todo.append(successor.outcome)
    return todo[:states_max]


def broken(system: System, found: Conserved, states: list[State]) -> int:
    """How many states contradict a fact, or do not fit into the encoding although all do."""
    count = 0
    for state in states:
        row = system.layout.encoded(state)
        if row is None:
            count += found.stays_inside
        else:
            count += not all(any(row[abs(p) - 1] == (p > 0) for p in fact) for fact in found.facts)
    return count


@pytest.mark.parametrize("path", SPECS)
def test_the_facts_hold_in_reachable_states(path: str) -> None:
    model = spec(path)
    system = system_of(model)
    found = conserved(system, MAKE, alike(Request(model)))
    assert found.facts
    assert broken(system, found, reachable(model, STATES_MAX)) == 0


def test_the_facts_of_random_models_hold(tmp_path: Path) -> None:
    with_bags = 0
    for seed in range(24):
        with lowered_from(random_model(seed), tmp_path) as model:
            system = system_of(model, ROOMY)
            found = conserved(system, MAKE, alike(Request(model)))
            with_bags += bool(found.facts)
            assert broken(system, found, reachable(model, 200)) == 0
    assert with_bags >= 3


@on_every_solver
def test_a_message_that_is_only_moved_is_in_one_place(solver: str) -> None:
    model = spec(NAIVE)
    assert conserved(system_of(model), oracle_named(solver)).stays_inside
    # A fault that duplicates messages breaks that.
    assert not conserved(system_of(spec(KEYED)), oracle_named(solver)).stays_inside


def test_one_fact_stands_for_its_renamings() -> None:
    model = spec(NAIVE)
    system = system_of(model)
    names = alike(Request(model))
    assert names == ["Order", "Worker"]
    families = conservation._families(system, frozenset(names))
    assert sum(len(f.samples) for f in families) < sum(len(f.facts) for f in families) / 2
    assert all(f.samples == f.facts for f in conservation._families(system, frozenset()))
    assert conserved(system, MAKE, names) == conserved(system, MAKE)


def test_a_bag_that_overflows_is_not_said_to_stay() -> None:
    found = conserved(system_of(lowered(small_models.Filling)), MAKE)
    assert not found.stays_inside
    assert found.facts == ()


@pytest.mark.parametrize("path", [NAIVE, KEYED])
def test_facts_that_steps_break_are_noticed(path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    # Whatever holds initially is kept.
    drop = conservation._Houdini._drop
    calls = iter([True, False])

    def once(self: conservation._Houdini, *args: object) -> None:
        if next(calls):
            drop(self, *args)  # type: ignore[arg-type]

    monkeypatch.setattr(conservation._Houdini, "_drop", once)
    model = spec(path)
    system = system_of(model)
    assert broken(system, conserved(system, MAKE, alike(Request(model))), reachable(model, STATES_MAX)) > 0


def test_what_does_not_hold_initially_is_dropped() -> None:
    system = system_of(spec(NAIVE))
    before = conservation._families(system, frozenset())
    (bit,) = before[0].facts[0]
    wrong = conservation._Family(((-bit,),), ((-bit,),))
    houdini = conservation._Houdini(system, Clauses(MAKE()), [wrong, *before], Watch())
    assert (-bit,) not in houdini.run().facts


def test_it_gives_up_where_it_takes_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conservation, "SECONDS_MAX", -1.0)
    assert conserved(system_of(spec(NAIVE)), MAKE) == Conserved()


def test_the_time_limit_is_the_callers_where_that_is_nearer() -> None:
    with pytest.raises(OutOfTime):
        conserved(system_of(spec(NAIVE)), MAKE, watch=Watch(0.0))


def test_too_many_guesses_are_not_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(conservation, "FACTS_MAX", 10)
    assert conserved(system_of(spec(NAIVE)), MAKE) == Conserved()


def test_the_search_does_not_ask_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    model = spec(NAIVE)
    request = Request(model, Limits(depth_max=6))

    def refuse(self: Unrolling) -> int:
        raise AssertionError("it is known that no step leaves the encoding")

    monkeypatch.setattr(Unrolling, "beyond", refuse)
    findings = Findings()
    BoundedSearch(system_of(model), MAKE, request, findings, time.monotonic()).run(6)
    assert findings.depth == 6
