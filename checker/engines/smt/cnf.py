"""Circuits as clauses: a cone is turned into a template once, and copied for each step of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checker.engines.smt.circuit import TRUE, Circuit, Gate
from checker.engines.smt.oracle import Solver


class Template:
    """The clauses of the cones of some roots, over the circuit's own literals."""

    def __init__(self, circuit: Circuit, roots: Iterable[int]) -> None:
        self._clauses: list[tuple[int, ...]] = []
        self._gates: list[int] = []
        self.inputs: list[int] = []
        self._highest = 0
        for node in circuit.cone(roots):
            self._highest = node
            if circuit.gate(node)[0] == Gate.INPUT:
                self.inputs.append(node)
                continue
            self._gates.append(node)
            self._clauses += gate_clauses(circuit, node)

    def copy(self, clauses: Clauses, inputs: Mapping[int, int]) -> Copy:
        """Add a copy to a solver; ``inputs`` are its literals for some input nodes, others are new."""
        names = [0] * (2 * self._highest + 2)
        names[0], names[1] = -clauses.true, clauses.true
        for node in self.inputs:
            literal = inputs.get(node, 0) or clauses.variable()
            names[2 * node], names[2 * node + 1] = literal, -literal
        for node in self._gates:
            literal = clauses.variable()
            names[2 * node], names[2 * node + 1] = literal, -literal
        clauses.add([[names[literal] for literal in clause] for clause in self._clauses])
        return Copy(names)


class Copy:
    """One copy of a template: from the circuit's literals to a solver's."""

    def __init__(self, names: list[int]) -> None:
        self._names = names

    def __getitem__(self, literal: int) -> int:
        return self._names[literal]

    def row(self, literals: Sequence[int]) -> list[int]:
        """Several literals; one of an input outside of the cone is 0."""
        return [self._names[literal] if literal < len(self._names) else 0 for literal in literals]


class Clauses:
    """A solver with its count of variables; ``true`` is a literal that always holds."""

    def __init__(self, solver: Solver) -> None:
        self.solver = solver
        self.variables = 1
        self.count = 1
        self.true = 1
        solver.add([[1]])

    def variable(self) -> int:
        """A new variable."""
        self.variables += 1
        return self.variables

    def add(self, clauses: list[list[int]]) -> None:
        """Add clauses."""
        self.count += len(clauses)
        self.solver.add(clauses)

    def any_of(self, literals: Sequence[int]) -> int:
        """A literal that, assumed, makes one of some literals hold."""
        if len(literals) == 1:
            return literals[0]
        chosen = self.variable()
        self.add([[-chosen, *literals]])
        return chosen


class Feasibility:
    """Decides whether literals of a growing circuit can hold, with one solver for all of them."""

    def __init__(self, circuit: Circuit, solver: Solver) -> None:
        self._circuit = circuit
        self._solver = solver
        self._done: set[int] = {0}
        solver.add([[-1]])

    def __call__(self, literal: int) -> bool:
        """Whether some inputs make a literal hold."""
        if literal <= TRUE:
            return literal == TRUE
        todo, new = [literal >> 1], []
        while todo:
            node = todo.pop()
            if node not in self._done:
                self._done.add(node)
                new.append(node)
                todo += [operand >> 1 for operand in self._circuit.gate(node)[1:]]
        clauses = [clause for node in new for clause in gate_clauses(self._circuit, node)]
        self._solver.add([[_named(part) for part in clause] for clause in clauses])
        return self._solver.solve([_named(literal)])

    def close(self) -> None:
        """Free the solver."""
        self._solver.close()


def _named(literal: int) -> int:
    """A circuit's literal as a solver's, whose variables are the nodes, from 1."""
    variable = (literal >> 1) + 1
    return -variable if literal & 1 else variable


def gate_clauses(circuit: Circuit, node: int) -> list[tuple[int, ...]]:
    """The clauses that define a node, over the circuit's literals; none for an input."""
    kind, a, b, c = circuit.gate(node)
    n = 2 * node
    if kind == Gate.AND:
        return [(n ^ 1, a), (n ^ 1, b), (n, a ^ 1, b ^ 1)]
    if kind == Gate.XOR:
        return [(n ^ 1, a, b), (n ^ 1, a ^ 1, b ^ 1), (n, a ^ 1, b), (n, a, b ^ 1)]
    if kind == Gate.MUX:
        chosen = [(n ^ 1, a ^ 1, b), (n, a ^ 1, b ^ 1), (n ^ 1, a, c), (n, a, c ^ 1)]
        # The last two are implied, but a solver sees more with them without choosing the condition.
        return [*chosen, (n ^ 1, b, c), (n, b ^ 1, c ^ 1)]
    return []
