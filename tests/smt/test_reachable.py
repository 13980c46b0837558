"""The states that unrolled runs end in are those of the reference semantics, depth by depth."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel
from checker.engines.reference import ReferenceMachine
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.oracle import Solver, oracle_named
from checker.engines.smt.unrolling import Unrolling
from checker.errors import ModelError
from checker.semantics.state import State
from checker.spec import load_spec

from .agreement import ROOMY
from .solvers import SMALL_SPECS, on_every_solver

STATES_MAX = 60


def compare_depths(
    lowered: LoweredModel,
    make: Callable[[], Solver],
    depth_max: int,
    states_max: int = STATES_MAX,
    system: System | None = None,
) -> int:
    """Exactly the states after 0, 1, ... steps, up to ``states_max``. Returns how many were compared."""
    reference = ReferenceMachine(lowered)
    outcomes = [s.outcome for s in reference.initial_states()]
    if any(isinstance(outcome, ModelError) for outcome in outcomes):
        return 0
    unrolling = Unrolling(system or encode(lowered.program, make, ROOMY), make)
    unrolling.begin()
    level: list[State] | None = [outcome for outcome in outcomes if isinstance(outcome, State)]
    compared = 0
    for depth in range(depth_max + 1):
        if not level:
            break
        if depth:
            unrolling.extend()
        assert ended(unrolling) == set(level), f"after {depth} steps"
        compared += len(level)
        level = following(reference, level, states_max) if depth < depth_max else None
        if level and any(unrolling.system.layout.encoded(state) is None for state in level):
            break
    return compared


def following(reference: ReferenceMachine, level: list[State], states_max: int) -> list[State] | None:
    """The states after one step more, None where they are too many."""
    found: dict[State, State] = {}
    for state in level:
        for successor in reference.successors(state):
            if isinstance(successor.outcome, State):
                # The reference's own states know their history, so they are kept as they are.
                found.setdefault(successor.outcome, successor.outcome)
        if len(found) > states_max:
            return None
    return list(found)


def ended(unrolling: Unrolling) -> set[State]:
    """Every state that a run of the present length ends in."""
    found: set[State] = set()
    row, solver = unrolling.frames[-1].row, unrolling.solver
    guard = unrolling.clauses.variable()
    while solver.solve([guard]):
        bits = [solver.value(abs(name)) == (name > 0) for name in row]
        found.add(unrolling.system.layout.decoded(bits))
        other = [-name if bit else name for name, bit in zip(row, bits, strict=True)]
        unrolling.clauses.add([[-guard, *other]])
    return found


@on_every_solver
@pytest.mark.parametrize("path", SMALL_SPECS)
def test_every_spec(path: str, solver: str) -> None:
    assert compare_depths(load_spec(Path(path)).lowered, oracle_named(solver), 6) > 8
