"""One size of a model, in which patterns are asked to be inductive."""

from __future__ import annotations

from collections.abc import Sequence

from checker.engines.smt.atoms import Atoms
from checker.engines.smt.circuit import TRUE
from checker.engines.smt.cnf import Clauses, Template
from checker.engines.smt.encoding import System
from checker.engines.smt.obligations import targets
from checker.engines.smt.oracle import Solver, Watch
from checker.engines.smt.orbits import Cube
from checker.engines.smt.patterns import Pattern


class Instance:
    """An instance of a system with one incremental solver, which answers for any set of patterns."""

    def __init__(self, system: System, solver: Solver, watch: Watch) -> None:
        self.system = system
        self.atoms = Atoms(system.layout)
        self._watch = watch
        self._clauses = Clauses(solver)
        self._targets = {target.name: target.bad for target in targets(system)}
        well_formed = system.layout.well_formed(list(system.state))
        roots = [*system.state, *system.following, system.valid, *self._targets.values(), *well_formed]
        self._copy = Template(system.circuit, roots).copy(self._clauses, {})
        self._clauses.add([[self._copy[literal]] for literal in well_formed])
        self._state = self._copy.row(system.state)
        self._following = self._copy.row(system.following)
        self._assumed: dict[Pattern, int] = {}
        self._broken: dict[Pattern, int] = {}

    def begins_in(self, pattern: Pattern) -> bool:
        """Whether an initial state may lie in a cube of a pattern."""
        initial = self.system.initial
        return any(
            # A bit that depends on choices counts as either.
            all(initial[abs(lit) - 1] > TRUE or initial[abs(lit) - 1] == int(lit > 0) for lit in cube)
            for cube in pattern.cubes(self.atoms)
        )

    def breaks(self, pattern: Pattern, known: Sequence[Pattern]) -> bool:
        """Whether a step from where the known patterns hold leads into a cube of a pattern.

        The instance has symmetry, so that it is enough to ask for one cube.
        """
        wrong = self._broken.get(pattern)
        if wrong is None:
            cube = next(pattern.cubes(self.atoms, first_only=True), None)
            if cube is None:
                return False
            wrong = self._broken[pattern] = self._clauses.variable()
            self._clauses.add([[-wrong, literal] for literal in _named(self._following, cube)])
        return self._solve([self._copy[self.system.valid], wrong], known)

    def allows(self, target: str, known: Sequence[Pattern]) -> bool:
        """Whether a target can be hit where the known patterns hold."""
        return self._solve([self._copy[self._targets[target]]], known)

    def _solve(self, wanted: list[int], known: Sequence[Pattern]) -> bool:
        return self._clauses.solver.solve([*map(self._assume, known), *wanted], self._watch)

    def _assume(self, pattern: Pattern) -> int:
        literal = self._assumed.get(pattern)
        if literal is None:
            literal = self._assumed[pattern] = self._clauses.variable()
            cubes = [_named(self._state, cube) for cube in pattern.cubes(self.atoms)]
            self._clauses.add([[-literal, *(-name for name in cube)] for cube in cubes])
        return literal

    def close(self) -> None:
        """Free the solver."""
        self._clauses.solver.close()


def _named(row: Sequence[int], cube: Cube) -> list[int]:
    return [row[abs(literal) - 1] * (1 if literal > 0 else -1) for literal in cube]
