"""Renaming members of a state permutes the bits of its row, as the atoms say."""

from __future__ import annotations

from itertools import islice
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel
from checker.engines.smt.atoms import Atoms
from checker.engines.smt.cnf import Clauses, Template
from checker.engines.smt.encoding import encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.layout import Layout
from checker.engines.smt.naming import fields_of
from checker.engines.smt.oracle import oracle_named
from checker.ir.symmetry import symmetry_of
from checker.semantics.machine import Machine
from checker.semantics.renaming import renamed
from checker.semantics.state import State
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.differential.renaming import declared_interchangeable, renamings

from .agreement import ROOMY, compare_steps
from .solvers import SMALL_SPECS, on_every_solver


def kept(lowered: LoweredModel) -> frozenset[str]:
    return frozenset(index.name for index in symmetry_of(lowered.program, 64).sets)


def states_of(lowered: LoweredModel, states_max: int) -> list[State]:
    machine = Machine(lowered.program)
    todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    seen = set(todo)
    for state in todo:
        for successor in machine.successors(state):
            after = successor.outcome
            if isinstance(after, State) and after not in seen and len(seen) < states_max:
                seen.add(after)
                todo.append(after)
    return todo


def compare_rows(lowered: LoweredModel, layout: Layout, states_max: int) -> int:
    """Rows of renamed states against permuted rows. Returns how many of them differ from the first."""
    atoms = Atoms(layout)
    sets = symmetry_of(lowered.program, 64).sets
    moved = 0
    for state in states_of(lowered, states_max):
        row = layout.encoded(state)
        if row is None:
            continue
        assert layout.decoded(row) == state
        for names in islice(renamings(sets), 12):
            other = layout.encoded(renamed(lowered.program, state, names))
            assert other == atoms.renamed(row, names)
            moved += other != row
    return moved


@pytest.mark.parametrize(
    "path", ["torn/one_item", "carts/line_per_row", "inventory/escrow", "accounts/last_write"]
)
def test_no_two_bits_say_the_same(path: str) -> None:
    """An entry that is there may hold None: that is told apart from one that is not there."""
    lowered = load_spec(Path(f"specs/{path}.toml")).lowered
    layout = encode(lowered.program, oracle_named("auto"), one_hot=kept(lowered)).layout
    assert len(Atoms(layout).positions) == layout.bits
    names = [field.name for field in fields_of(layout)]
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("path", SMALL_SPECS)
def test_rows_of_specs(path: str) -> None:
    lowered = load_spec(Path(path)).lowered
    system = encode(lowered.program, oracle_named("auto"), ROOMY, one_hot=kept(lowered))
    # One spec has sets of one member, which has no other name.
    assert compare_rows(lowered, system.layout, 150) > 50 * bool(kept(lowered)) - 1


def test_rows_of_random_models(tmp_path: Path) -> None:
    moved = 0
    for seed in range(80):
        with lowered_from(declared_interchangeable(random_model(seed)), tmp_path) as lowered:
            sets = kept(lowered)
            if not sets:
                continue
            try:
                system = encode(lowered.program, oracle_named("auto"), ROOMY, one_hot=sets)
            except Unsupported:
                continue
            moved += compare_rows(lowered, system.layout, 30)
    assert moved > 100


@on_every_solver
@pytest.mark.parametrize("path", SMALL_SPECS)
def test_steps_of_specs_with_a_bit_for_each_member(path: str, solver: str) -> None:
    lowered = load_spec(Path(path)).lowered
    make = oracle_named(solver)
    system = encode(lowered.program, make, ROOMY, one_hot=kept(lowered))
    assert compare_steps(lowered, make, 60, system)["transitions"] > 15


def test_steps_of_random_models_with_a_bit_for_each_member(tmp_path: Path) -> None:
    compared = 0
    for seed in range(60):
        with lowered_from(declared_interchangeable(random_model(seed)), tmp_path) as lowered:
            # Whether or not renaming them makes a difference, they can have a bit each.
            sets = frozenset(index.name for index in lowered.program.index_sets if index.size > 1)
            make = oracle_named("auto")
            try:
                system = encode(lowered.program, make, ROOMY, one_hot=sets)
            except Unsupported:
                continue
            compared += compare_steps(lowered, make, 12, system)["states"]
    assert compared > 150


@pytest.mark.parametrize("name", ["keyed", "transactional"])
def test_a_well_formed_row_is_that_of_a_state(name: str) -> None:
    lowered = load_spec(Path(f"specs/order_intake/{name}.toml")).lowered
    make = oracle_named("auto")
    system = encode(lowered.program, make, one_hot=kept(lowered))
    clauses = Clauses(make())
    conditions = system.layout.well_formed(list(system.state))
    copy = Template(system.circuit, [*system.state, *conditions]).copy(clauses, {})
    clauses.add([[copy[literal]] for literal in conditions])
    names = copy.row(system.state)
    for seed in range(30):
        # The solver is pushed to rows with many bits, here and there.
        wanted = [name for i, name in enumerate(names) if (i * 7 + seed * seed) % 11 < 3]
        while not clauses.solver.solve(wanted):
            core = clauses.solver.core()
            wanted = [name for name in wanted if name != core[-1]]
        row = [clauses.solver.value(abs(name)) == (name > 0) for name in names]
        assert any(row)
        assert system.layout.encoded(system.layout.decoded(row)) == row
