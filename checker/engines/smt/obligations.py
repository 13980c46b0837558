"""What has to be true for a set of lemmas to prove something, as SMT-LIB 2 that any solver can check."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from checker.engines.interface import DEADLOCK_FREE
from checker.engines.smt.circuit import Circuit, Gate
from checker.engines.smt.encoding import AskedProperty, System
from checker.engines.smt.ic3 import Cube, Target
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


def obligations(system: System, lemmas: Sequence[Cube], proved: Sequence[str]) -> list[Obligation]:
    """Initiation, consecution and safety: with all of them, the named targets are never reached."""
    circuit = system.circuit
    invariant = circuit.all(
        [*system.layout.well_formed(list(system.state)), *(_lemma(system, cube) for cube in lemmas)]
    )
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
        if target.name in wanted:
            what = "no step leaves the encoding" if target.name == ENCODING else target.name
            found.append(Obligation(f"safety: {what}", circuit.and_(invariant, target.bad)))
    return found


def _lemma(system: System, cube: Cube) -> int:
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
