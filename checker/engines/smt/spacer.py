"""Z3's Spacer as a member of the portfolio: the circuit's bits as Horn clauses.

Source: A. Komuravelli, A. Gurfinkel and S. Chaki, "SMT-based model checking for recursive programs"
(CAV 2014). Nothing that it says is believed: an invariant counts where our own check of it goes through, and
that a target is reached only where bounded search finds the run.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

from checker.engines.smt.circuit import FALSE, TRUE, Gate
from checker.engines.smt.encoding import System
from checker.engines.smt.ic3 import Target
from checker.engines.smt.induction import excluded, filtered, of_cubes
from checker.engines.smt.oracle import OutOfTime, Solver, Watch, z3_module
from checker.engines.smt.orbits import Cube

#: An invariant of more clauses than this is not taken apart.
CLAUSES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Answered:
    """What Spacer says: lemmas that were checked, or, where ``reached`` holds, that there is a run."""

    lemmas: tuple[Cube, ...] = ()
    reached: bool = False


def spacer(
    system: System,
    target: Target,
    invariant: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
) -> Answered | None:
    """Prove or refute one target; None where Spacer gives up, or its invariant does not pass our check.

    Args:
        invariant: literals over the state that hold in every reachable state.

    Raises:
        OutOfTime.
    """
    z3 = z3_module()
    horn = _Horn(system, z3)
    answer = horn.asked(target, invariant, watch)
    if answer == z3.sat:
        return Answered(reached=True)
    if answer != z3.unsat:
        if watch.deadline is not None and time.monotonic() >= watch.deadline - 0.05:
            raise OutOfTime
        return None
    cubes = horn.cubes()
    if cubes is None:
        return None
    kept = filtered(system, of_cubes(system, cubes), invariant, make, watch).kept
    if not excluded(system, [target], [*invariant, *(one.literal for one in kept)], make, watch):
        return None
    return Answered(tuple(one.cube for one in kept if one.cube is not None))


class _Horn:
    """The system as rules over one relation, which is true of the rows that runs reach."""

    def __init__(self, system: System, z3: Any) -> None:
        self._system = system
        self._z3 = z3
        self._context = z3.Context()
        self._terms: dict[int, Any] = {0: z3.BoolVal(False, self._context)}
        self._fixedpoint = z3.Fixedpoint(ctx=self._context)
        self._fixedpoint.set(engine="spacer")
        # The relation is to keep its arguments, for its cover to be told of them.
        for name in ("xform.slice", "xform.inline_linear", "xform.inline_eager"):
            self._fixedpoint.set(name, False)
        sort = z3.BoolSort(self._context)
        self._relation = z3.Function("reached", *([sort] * len(system.state)), sort)
        self._fixedpoint.register_relation(self._relation)

    def asked(self, target: Target, invariant: Sequence[int], watch: Watch) -> Any:
        """Z3's answer: sat where the target is reached."""
        z3, system = self._z3, self._system
        given = [*system.layout.well_formed(list(system.state)), *invariant]
        inputs = [*system.state, *system.inputs, *system.initial_inputs]
        roots = [*system.following, *system.initial, *given, system.valid, system.initial_valid, target.bad]
        nodes = [node for node in system.circuit.cone(roots) if system.circuit.gate(node)[0] == Gate.INPUT]
        for node in dict.fromkeys([*(literal >> 1 for literal in inputs), *nodes]):
            self._terms[node] = z3.Bool(f"n{node}", self._context)
            self._fixedpoint.declare_var(self._terms[node])
        self._fixedpoint.rule(self._row(system.initial), self._term(system.initial_valid))
        here = self._row(system.state)
        known = [self._term(literal) for literal in given]
        self._fixedpoint.rule(self._row(system.following), [here, *known, self._term(system.valid)])
        if watch.deadline is not None:
            left = watch.deadline - time.monotonic()
            if left <= 0:
                raise OutOfTime
            self._fixedpoint.set("timeout", max(int(1000 * left), 1))
        try:
            answer = self._fixedpoint.query(z3.And(here, *known, self._term(target.bad)))
        except z3.Z3Exception as error:
            if "cancel" in str(error) or "timeout" in str(error):
                raise OutOfTime from None
            return z3.unknown
        if answer == z3.unknown and "interrupted" in str(self._fixedpoint.reason_unknown()):
            raise KeyboardInterrupt
        return answer

    def _row(self, row: Sequence[int]) -> Any:
        return self._relation(*(self._term(literal) for literal in row))

    def _term(self, literal: int) -> Any:
        for node in self._system.circuit.cone([literal]):
            if node in self._terms:
                continue
            kind, *operands = self._system.circuit.gate(node)
            a, b, c = (self._of(operand) for operand in operands)
            make = {Gate.AND: self._z3.And, Gate.XOR: self._z3.Xor}
            self._terms[node] = self._z3.If(a, b, c) if kind == Gate.MUX else make[Gate(kind)](a, b)
        return self._of(literal)

    def _of(self, literal: int) -> Any:
        if literal in (FALSE, TRUE):
            return self._z3.BoolVal(literal == TRUE, self._context)
        term = self._terms.get(literal >> 1)
        if term is None:
            return None
        return self._z3.Not(term) if literal & 1 else term

    def cubes(self) -> list[Cube] | None:
        """The invariant's clauses, each as the cube that it excludes; None where it is none of clauses."""
        cover = self._fixedpoint.get_cover_delta(-1, self._relation)
        clauses = self._clauses(cover, True)
        if clauses is None:
            return None
        tautologies = (clause for clause in clauses if not any(-literal in clause for literal in clause))
        return [frozenset(-literal for literal in clause) for clause in dict.fromkeys(tautologies) if clause]

    def _clauses(self, term: Any, positive: bool) -> list[frozenset[int]] | None:
        """A term, or its negation, as clauses over the relation's arguments, counted from 1."""
        z3 = self._z3
        if z3.is_var(term):
            place = z3.get_var_index(term) + 1
            return [frozenset({place if positive else -place})]
        if z3.is_true(term) or z3.is_false(term):
            return [] if z3.is_true(term) == positive else [frozenset()]
        if z3.is_not(term):
            return self._clauses(term.arg(0), not positive)
        if z3.is_implies(term):
            parts = [(term.arg(0), not positive), (term.arg(1), positive)]
            joined = not positive
        elif z3.is_and(term) or z3.is_or(term):
            parts = [(child, positive) for child in term.children()]
            joined = z3.is_and(term) == positive
        else:
            return None
        found = [self._clauses(child, sign) for child, sign in parts]
        known = [one for one in found if one is not None]
        if len(known) < len(found):
            return None
        if joined:
            return [clause for one in known for clause in one]
        size = 1
        for one in known:
            size *= len(one)
        if size > CLAUSES_MAX:
            return None
        return [frozenset().union(*chosen) for chosen in product(*known)]
