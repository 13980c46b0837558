"""The states that unrolled runs end in are those of the reference semantics, depth by depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel
from checker.engines.reference import ReferenceMachine
from checker.engines.smt.encoding import encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.oracle import Solver, oracle_named
from checker.engines.smt.unrolling import Unrolling
from checker.errors import ModelError
from checker.semantics.state import State
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model

from .agreement import ROOMY
from .solvers import SMALL_SPECS, on_every_solver

STATES_MAX = 60


def compare_depths(lowered: LoweredModel, make: Callable[[], Solver], depth_max: int) -> int:
    """Exactly the states after 0, 1, ... steps, up to ``STATES_MAX``. Returns how many were compared."""
    reference = ReferenceMachine(lowered)
    outcomes = [s.outcome for s in reference.initial_states()]
    if any(isinstance(outcome, ModelError) for outcome in outcomes):
        return 0
    unrolling = Unrolling(encode(lowered.program, make, ROOMY), make)
    unrolling.begin()
    level = [outcome for outcome in outcomes if isinstance(outcome, State)]
    compared = 0
    for depth in range(depth_max + 1):
        assert ended(unrolling) == set(level), f"after {depth} steps"
        compared += len(level)
        following: dict[State, State] = {}
        for state in level:
            for successor in reference.successors(state):
                if isinstance(successor.outcome, State):
                    # The reference's own states know their history, so they are kept as they are.
                    following.setdefault(successor.outcome, successor.outcome)
        fits = all(unrolling.system.layout.encoded(state) is not None for state in following)
        if not following or not fits or len(following) > STATES_MAX:
            break
        level = list(following)
        unrolling.extend()
    return compared


def ended(unrolling: Unrolling) -> set[State]:
    """Every state that a run of the present length ends in."""
    found: set[State] = set()
    row, solver = unrolling.frames[-1].row, unrolling.solver
    guard = unrolling.clauses.variable()
    while solver.solve([guard]):
        found.add(unrolling.states()[-1])
        values = [name if solver.value(abs(name)) == (name > 0) else -name for name in row]
        unrolling.clauses.add([[-guard, *(-value for value in values)]])
    return found


@on_every_solver
@pytest.mark.parametrize("path", SMALL_SPECS)
def test_every_spec(path: str, solver: str) -> None:
    assert compare_depths(load_spec(Path(path)).lowered, oracle_named(solver), 6) > 8


@pytest.mark.parametrize("part", range(3))
def test_random_models(part: int, tmp_path: Path) -> None:
    compared = 0
    for seed in range(5000 + part, 5036, 3):
        with lowered_from(random_model(seed), tmp_path) as lowered:
            try:
                compared += compare_depths(lowered, oracle_named("auto"), 6)
            except Unsupported:
                continue
    assert compared > 150
