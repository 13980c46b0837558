"""Circuits mean what their gates say, whatever is rewritten; quantified inputs are tried out."""

from __future__ import annotations

import random
from itertools import product

import pytest

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
from checker.engines.smt.cnf import Clauses, Feasibility, Template
from checker.engines.smt.oracle import oracle_named
from checker.engines.smt.quantify import Quantifier

from .solvers import on_every_solver

INPUTS = 4


def grown(seed: int, gates: int = 25) -> tuple[Circuit, list[int], list[tuple[int, list[bool]]]]:
    """A random circuit: its inputs, and literals with their values for all values of the inputs."""
    rng = random.Random(seed)
    circuit = Circuit()
    inputs = circuit.inputs(INPUTS)
    rows = list(product([False, True], repeat=INPUTS))
    known = [(lit, [row[i] for row in rows]) for i, lit in enumerate(inputs)]
    known += [(FALSE, [False] * len(rows)), (TRUE, [True] * len(rows))]
    for _ in range(gates):
        (a, x), (b, y), (c, z) = (rng.choice(known) for _ in range(3))
        if rng.random() < 0.5:
            a, x = a ^ 1, [not v for v in x]
        match rng.choice(["and", "or", "xor", "mux", "equal", "implies", "all", "any"]):
            case "and":
                made = circuit.and_(a, b), [p and q for p, q in zip(x, y, strict=True)]
            case "or":
                made = circuit.or_(a, b), [p or q for p, q in zip(x, y, strict=True)]
            case "xor":
                made = circuit.xor(a, b), [p != q for p, q in zip(x, y, strict=True)]
            case "equal":
                made = circuit.equal(a, b), [p == q for p, q in zip(x, y, strict=True)]
            case "implies":
                made = circuit.implies(a, b), [q or not p for p, q in zip(x, y, strict=True)]
            case "mux":
                made = circuit.mux(a, b, c), [q if p else r for p, q, r in zip(x, y, z, strict=True)]
            case "all":
                made = circuit.all([a, b, c]), [all(row) for row in zip(x, y, z, strict=True)]
            case _:
                made = circuit.any([a, b, c]), [any(row) for row in zip(x, y, z, strict=True)]
        known.append(made)
    return circuit, inputs, known


def values_of(circuit: Circuit, inputs: list[int], literal: int) -> list[bool]:
    rows = product([False, True], repeat=INPUTS)
    return [
        circuit.evaluated([literal], {lit >> 1: v for lit, v in zip(inputs, row, strict=True)})[0]
        for row in rows
    ]


@pytest.mark.parametrize("seed", range(60))
def test_gates_keep_their_meaning(seed: int) -> None:
    circuit, inputs, known = grown(seed)
    for literal, values in known:
        assert values_of(circuit, inputs, literal) == values


@pytest.mark.parametrize("seed", range(60))
def test_an_input_that_is_quantified_is_tried_out(seed: int) -> None:
    circuit, inputs, known = grown(seed)
    hidden = inputs[1:3]
    quantifier = Quantifier(circuit, {lit >> 1 for lit in hidden})
    rows = list(product([False, True], repeat=INPUTS))
    for literal, values in known:
        exists = quantifier.exists(literal)
        by_row = dict(zip(rows, values, strict=True))
        expected = [
            any(by_row[row[0], a, b, row[3]] for a in (False, True) for b in (False, True)) for row in rows
        ]
        assert values_of(circuit, inputs, exists) == expected
        assert not {lit >> 1 for lit in hidden} & set(circuit.cone([exists]))


@on_every_solver
@pytest.mark.parametrize("seed", range(8))
def test_a_template_means_what_its_circuit_means(seed: int, solver: str) -> None:
    circuit, inputs, known = grown(seed)
    roots = [literal for literal, _ in known]
    clauses = Clauses(oracle_named(solver)())
    copies = [Template(circuit, roots).copy(clauses, {}) for _ in range(2)]
    for number, row in enumerate(product([False, True], repeat=INPUTS)):
        for copy in copies:
            fixed = [copy[lit] if value else -copy[lit] for lit, value in zip(inputs, row, strict=True)]
            assert clauses.solver.solve(fixed)
            for literal, values in known:
                name = copy[literal]
                assert (clauses.solver.value(abs(name)) == (name > 0)) == values[number]


@on_every_solver
def test_feasibility_is_satisfiability(solver: str) -> None:
    for seed in range(10):
        circuit, _, known = grown(seed)
        feasible = Feasibility(circuit, oracle_named(solver)())
        for literal, values in known:
            assert feasible(literal) == any(values)
            assert feasible(literal ^ 1) == (not all(values))


def test_equal_gates_are_one_node() -> None:
    circuit = Circuit()
    a, b, c = circuit.inputs(3)
    assert circuit.and_(a, b) == circuit.and_(b, a)
    assert circuit.xor(a ^ 1, b) == circuit.xor(a, b) ^ 1
    assert circuit.mux(a ^ 1, b, c) == circuit.mux(a, c, b)
    size = len(circuit)
    assert circuit.and_(circuit.and_(a, b), a ^ 1) == FALSE
    assert circuit.and_(a, circuit.and_(a, b) ^ 1) == circuit.and_(a, b ^ 1)
    assert circuit.mux(a, a, b) == circuit.or_(a, b)
    assert len(circuit) == size + 2


def test_substitution_is_a_change_of_inputs() -> None:
    circuit = Circuit()
    a, b, c = circuit.inputs(3)
    formula = circuit.mux(a, circuit.xor(b, c), circuit.and_(b, c))
    (changed,) = circuit.substituted([formula], {a >> 1: TRUE, c >> 1: b ^ 1})
    assert changed == TRUE
    (swapped,) = circuit.substituted([formula], {b >> 1: c, c >> 1: b})
    assert swapped == formula
