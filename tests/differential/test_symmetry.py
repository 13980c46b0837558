"""Where the analysis finds sets interchangeable, renaming a state renames its successors and nothing else."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from checker.errors import ModelError
from checker.ir.program import Program, PropertyKind
from checker.ir.symmetry import Renaming, symmetry_of
from checker.semantics.machine import Machine
from checker.semantics.renaming import renamed
from checker.semantics.state import State
from checker.spec import load_spec
from tests.sampling import SOME_SPECS

from .comparison import lowered_from
from .random_models import random_model
from .renaming import declared_interchangeable, renamings

SEEDS_IN_CI = 120
PARTS = 4


def _after(machine: Machine, state: State, names: Renaming) -> Counter[object]:
    """What a state leads to, renamed: states, and model errors by kind and place."""
    found: Counter[object] = Counter()
    for successor in machine.successors(state):
        outcome = successor.outcome
        if isinstance(outcome, ModelError):
            found[successor.transition.kind, outcome.kind, outcome.location] += 1
        else:
            found[successor.transition.kind, renamed(machine.program, outcome, names)] += 1
    return found


def _values(machine: Machine, state: State, names: Renaming) -> list[object]:
    """What the properties of a state say, and of the first steps from it, in any order."""
    program = machine.program
    found: list[object] = []
    for number, prop in enumerate(program.properties):
        if prop.kind is not PropertyKind.TRANSITION:
            found.append((prop.name, _value(machine, number, state, None)))
    steps: Counter[object] = Counter()
    for successor in machine.successors(state):
        if isinstance(successor.outcome, State):
            for number, prop in enumerate(program.properties):
                if prop.kind is PropertyKind.TRANSITION:
                    after = renamed(program, successor.outcome, names)
                    steps[prop.name, after, _value(machine, number, successor.outcome, state)] += 1
    return [*found, steps]


def _value(machine: Machine, number: int, state: State, before: State | None) -> object:
    try:
        return machine.holds(number, state, before)
    except ModelError as error:
        return (error.kind, error.location)


def _alike(program: Program, states_max: int) -> int:
    """Compares each state with its renamings, breadth first. Returns how many pairs were compared."""
    machine = Machine(program)
    sets = symmetry_of(program, 64).sets
    if not sets:
        return 0
    todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    seen, compared = set(todo), 0
    nothing: Renaming = {}
    for state in todo:
        for names in renamings(sets):
            other = renamed(program, state, names)
            assert _after(machine, state, names) == _after(machine, other, nothing)
            assert _values(machine, state, names) == _values(machine, other, nothing)
            compared += 1
        for successor in machine.successors(state):
            after = successor.outcome
            if isinstance(after, State) and after not in seen and len(seen) < states_max:
                seen.add(after)
                todo.append(after)
    return compared


@pytest.mark.parametrize("path", SOME_SPECS)
def test_the_sets_of_every_spec_are_alike(path: str) -> None:
    program = load_spec(Path(path)).lowered.program
    declared = [index for index in program.index_sets if index.interchangeable and index.size > 1]
    found = symmetry_of(program, 64)
    assert len(found.sets) + len(found.broken) == len(declared)
    if found.sets:
        assert _alike(program, 60) > 60


@pytest.mark.parametrize("part", range(PARTS))
def test_the_sets_of_random_models_are_alike_where_the_analysis_says_so(part: int, tmp_path: Path) -> None:
    compared = models = 0
    for seed in range(part, SEEDS_IN_CI, PARTS):
        with lowered_from(declared_interchangeable(random_model(seed)), tmp_path) as lowered:
            pairs = _alike(lowered.program, 25)
            compared += pairs
            models += pairs > 0
    assert models >= SEEDS_IN_CI / PARTS / 10
    assert compared > 200
