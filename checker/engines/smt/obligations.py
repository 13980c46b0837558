"""What has to be true for a set of lemmas to prove something, as SMT-LIB 2 that any solver can check."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from checker.engines.interface import DEADLOCK_FREE
from checker.engines.smt.circuit import Circuit, Gate
from checker.engines.smt.encoding import AskedProperty, System
from checker.engines.smt.ic3 import Target
from checker.engines.smt.orbits import Cube
from checker.ir.program import PropertyKind

#: The target beside the properties: no step leaves the encoding or runs into a model error.
ENCODING = "<encoding>"
#: The last target: that no state is quiescent, which is no property, but makes some hold of nothing.
REST = "<rest>"


@dataclass(frozen=True, slots=True)
class Obligation:
    """A literal of the system's circuit that must never hold."""

    name: str
    refuted: int


def targets(system: System) -> list[Target]:
    """What must never happen: first what any proof rests on, then the properties and the stuck process."""
    circuit = system.circuit
    steps = circuit.any([system.beyond, *(fault.literal for fault in system.faults)])
    found = [Target(ENCODING, steps)]
    found += [Target(asked.property.name, hit_of(system, asked)) for asked in system.properties]
    return [*found, Target(DEADLOCK_FREE, system.stuck), Target(REST, system.rests)]


def hit_of(system: System, asked: AskedProperty) -> int:
    """A property's hit, or its model error, over a state and, for a TRANSITION property, the step from it."""
    circuit = system.circuit
    bad = circuit.any([asked.hit, *(fault.literal for fault in asked.faults)])
    if asked.property.kind is not PropertyKind.TRANSITION:
        return bad
    rows = {lit >> 1: now for lit, now in zip(system.before, system.state, strict=True)}
    rows |= {lit >> 1: after for lit, after in zip(system.state, system.following, strict=True)}
    return circuit.and_(system.valid, circuit.substituted([bad], rows)[0])


def predicate_named(system: System, name: str) -> int:
    """A property of single states as a literal: true and without a model error. Raises StopIteration."""
    return next(hit_of(system, asked) for asked in system.properties if asked.property.name == name) ^ 1


def obligations(
    system: System,
    lemmas: Sequence[Cube],
    proved: Sequence[str],
    predicates: Sequence[str] = (),
    depths: Mapping[str, int] | None = None,
) -> list[Obligation]:
    """Initiation, consecution and safety: with all of them, the named targets are never reached.

    Args:
        predicates: the properties of single states that are conjuncts of the invariant, as lemmas are.
        depths: the targets that follow from the invariant by induction over that many steps, at least 1.
    """
    circuit, depths = system.circuit, depths or {}
    conjuncts = [
        *system.layout.well_formed(list(system.state)),
        *(cube_literal(system, cube) for cube in lemmas),
        *(predicate_named(system, name) for name in predicates),
    ]
    invariant = circuit.all(conjuncts)
    nodes = [lit >> 1 for lit in system.state]
    begins = circuit.substituted([invariant], dict(zip(nodes, system.initial, strict=True)))[0]
    stays = circuit.substituted([invariant], dict(zip(nodes, system.following, strict=True)))[0]
    first = [circuit.and_(system.initial_valid, begins ^ 1), system.initial_beyond]
    first += [fault.literal for fault in system.initial_faults]
    found = [
        Obligation("initiation", circuit.any(first)),
        Obligation("consecution", circuit.all((invariant, system.valid, stays ^ 1))),
    ]
    wanted = {ENCODING, *proved}
    for target in targets(system):
        if target.name in depths:
            found += _over_steps(system, target, depths[target.name], invariant)
        elif target.name in wanted:
            what = "no step leaves the encoding" if target.name == ENCODING else target.name
            found.append(Obligation(f"safety: {what}", circuit.and_(invariant, target.bad)))
    return found


def _over_steps(system: System, target: Target, steps: int, invariant: int) -> Iterator[Obligation]:
    """That no first state of a run hits a target, and no state after ``steps`` that did not."""
    circuit = system.circuit
    hits, valid = _unrolled(system, target, system.initial, steps)
    early = (circuit.all((system.initial_valid, hit, *valid[:step])) for step, hit in enumerate(hits[:-1]))
    yield Obligation(f"the first {steps} states: {target.name}", circuit.any(early))
    hits, valid = _unrolled(system, target, system.state, steps)
    late = circuit.all((invariant, *valid, hits[-1], *(hit ^ 1 for hit in hits[:-1])))
    yield Obligation(f"safety after {steps} steps: {target.name}", late)


def _unrolled(system: System, target: Target, row: Sequence[int], steps: int) -> tuple[list[int], list[int]]:
    """Where a run of some steps hits a target, state by state, and that each of its steps is valid."""
    circuit = system.circuit
    nodes = [literal >> 1 for literal in (*system.state, *system.inputs)]
    hits, valid = [], []
    for _ in range(steps + 1):
        given = dict(zip(nodes, (*row, *circuit.inputs(len(system.inputs))), strict=True))
        hit, is_valid, *row = circuit.substituted([target.bad, system.valid, *system.following], given)
        hits.append(hit)
        valid.append(is_valid)
    return hits, valid[:-1]


def cube_literal(system: System, cube: Cube) -> int:
    """That a state lies outside of a cube."""
    return system.circuit.any(
        system.state[abs(literal) - 1] ^ (literal > 0) for literal in sorted(cube, key=abs)
    )


def smtlib(circuit: Circuit, given: Sequence[Obligation], is_bare: bool = False) -> str:
    """A script that asks for each obligation whether it can be broken: every answer has to be ``unsat``.

    A bare script, of one obligation, only asserts it.
    """
    lines = [] if is_bare else ["(set-logic QF_UF)"]
    lines += _definitions(circuit, [one.refuted for one in given])
    for one in given:
        claim = f"(assert {_term(one.refuted)})"
        lines += [claim] if is_bare else [f"; {one.name}", "(push 1)", claim, "(check-sat)", "(pop 1)"]
    return "\n".join(lines) + "\n"


def _definitions(circuit: Circuit, roots: Sequence[int]) -> Iterator[str]:
    for node in circuit.cone(roots):
        kind, a, b, c = circuit.gate(node)
        if kind == Gate.INPUT:
            yield f"(declare-const n{node} Bool)"
            continue
        operands = [_term(literal) for literal in ((a, b, c) if kind == Gate.MUX else (a, b))]
        operator = {Gate.AND: "and", Gate.XOR: "xor", Gate.MUX: "ite"}[Gate(kind)]
        yield f"(define-fun n{node} () Bool ({operator} {' '.join(operands)}))"


def _term(literal: int) -> str:
    if literal <= 1:
        return "true" if literal else "false"
    return f"(not n{literal >> 1})" if literal & 1 else f"n{literal >> 1}"
