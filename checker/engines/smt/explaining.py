"""Counterexamples to induction: why a property does not follow from one step to the next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checker.engines.smt.circuit import FALSE
from checker.engines.smt.cnf import Clauses, Copy, Template
from checker.engines.smt.encoding import System
from checker.engines.smt.ic3 import Target
from checker.engines.smt.induction import Row
from checker.engines.smt.naming import fields_of
from checker.engines.smt.oracle import Solver, Watch
from checker.errors import InternalError
from checker.semantics.machine import Machine
from checker.semantics.state import State, Transition


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a property is not inductive: a step from a state in which it holds to one in which it does not.

    ``initial`` is the initial state from which ``before`` differs in as little as can be: with one fact
    fewer, it would be no such state. Nothing says that a run reaches it. ``relies_on`` counts what else is
    true of ``before``: lemmas that were proved. Where ``transition`` is None the property is inductive.
    """

    name: str
    initial: State
    before: State
    transition: Transition | None
    after: State
    relies_on: int = 0

    @property
    def is_inductive(self) -> bool:
        """Whether there is nothing to explain."""
        return self.transition is None


def explained(
    system: System,
    target: Target,
    invariant: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
) -> Explanation | None:
    """A smallest step into a target from a state of an invariant.

    None where there is no initial state, or where the interpreter, in a state that no run reaches, does not
    take the step.

    Args:
        invariant: literals over the state, which hold in the first one.

    Raises:
        OutOfTime.
    """
    query = _Query(system, target, invariant, make)
    try:
        initial = query.initial(watch)
        if initial is None:
            return None
        if not query.solver.solve([], watch):
            state = system.layout.decoded(list(initial))
            return Explanation(target.name, state, state, None, state, len(invariant))
        query.shrink(initial, watch)
        rows = (initial, query.row(system.state), query.row(system.following))
    finally:
        query.solver.close()
    first, before, after = (system.layout.decoded(list(row)) for row in rows)
    transition = _transition(Machine(system.program), before, after)
    if transition is None:
        return None
    return Explanation(target.name, first, before, transition, after, len(invariant))


def _transition(machine: Machine, before: State, after: State) -> Transition | None:
    """The step between two states, of which no run may reach the first: the interpreter may not take it."""
    try:
        for successor in machine.successors(before):
            if successor.outcome == after:
                return successor.transition
    except InternalError:
        return None
    return None


class _Query:
    """A solver with two states and a step that breaks a target's property, and where states begin."""

    def __init__(
        self, system: System, target: Target, invariant: Sequence[int], make: Callable[[], Solver]
    ) -> None:
        self._system = system
        circuit = system.circuit
        inputs = {literal >> 1 for literal in system.inputs} & set(circuit.cone([target.bad]))
        given = [*system.layout.well_formed(list(system.state)), *invariant, system.valid]
        if inputs:
            given.append(target.bad)
        else:
            nodes = [literal >> 1 for literal in system.state]
            following = dict(zip(nodes, system.following, strict=True))
            given += [target.bad ^ 1, circuit.substituted([target.bad], following)[0]]
        self.solver = make()
        self._clauses = Clauses(self.solver)
        roots = [*system.state, *system.inputs, *system.following, *given]
        self._copy = Template(circuit, roots).copy(self._clauses, {})
        self._clauses.add([[self._copy[literal]] for literal in given])
        self._make = make

    def initial(self, watch: Watch) -> Row | None:
        """Some initial state's row, if there is one."""
        system, solver = self._system, self._make()
        clauses = Clauses(solver)
        copy = Template(system.circuit, [*system.initial, system.initial_valid]).copy(clauses, {})
        try:
            if system.initial_valid == FALSE or not solver.solve([copy[system.initial_valid]], watch):
                return None
            return _row(solver, copy, system.initial)
        finally:
            solver.close()

    def row(self, literals: Sequence[int]) -> Row:
        """Some literals' values in the last answer."""
        return _row(self.solver, self._copy, literals)

    def shrink(self, initial: Row, watch: Watch) -> None:
        """Make the first state differ from the initial one in as few fields, and in them bits, as may be."""
        same = [
            name if value else -name
            for name, value in zip(self._copy.row(self._system.state), initial, strict=True)
        ]
        groups, first = [], 0
        for field in fields_of(self._system.layout):
            groups.append(same[first : first + field.width])
            first += field.width
        fixed: list[int] = []
        for group in [*groups, *([literal] for literal in same)]:
            if self.solver.solve([*fixed, *group], watch):
                fixed += group
        if not self.solver.solve(fixed, watch):
            raise InternalError("a state that was found is lost")


def _row(solver: Solver, copy: Copy, literals: Sequence[int]) -> Row:
    return tuple(solver.value(abs(name)) == (name > 0) for name in copy.row(literals))
