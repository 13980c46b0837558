"""Circuits as clauses: a cone is turned into a template once, and copied for each step of a run."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checker.engines.smt.circuit import FALSE, TRUE, Circuit, Gate
from checker.engines.smt.oracle import Solver


class Template:
    """The clauses of the cones of some roots, over the circuit's own literals."""

    def __init__(self, circuit: Circuit, roots: Iterable[int]) -> None:
        # By length, so that a copy is made without looking at each clause for its own.
        self._twos: list[tuple[int, int]] = []
        self._threes: list[tuple[int, int, int]] = []
        self._gates: list[int] = []
        self.inputs: list[int] = []
        self._highest = 0
        for node in circuit.cone(roots):
            self._highest = node
            if circuit.gate(node)[0] == Gate.INPUT:
                self.inputs.append(node)
                continue
            self._gates.append(node)
            for clause in gate_clauses(circuit, node):
                if len(clause) == 2:
                    self._twos.append(clause)
                else:
                    self._threes.append(clause)

    def copy(self, clauses: Clauses, inputs: Mapping[int, int]) -> Copy:
        """Add a copy to a solver; ``inputs`` are its literals for some input nodes, others are new."""
        names = [0] * (2 * self._highest + 2)
        names[0], names[1] = -clauses.true, clauses.true
        for node in self.inputs:
            literal = inputs.get(node, 0) or clauses.variable()
            names[2 * node], names[2 * node + 1] = literal, -literal
        for literal, node in enumerate(self._gates, clauses.variables_for(len(self._gates))):
            names[2 * node], names[2 * node + 1] = literal, -literal
        clauses.add([[names[a], names[b]] for a, b in self._twos])
        clauses.add([[names[a], names[b], names[c]] for a, b, c in self._threes])
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

    def variables_for(self, count: int) -> int:
        """The first of new consecutive variables."""
        first = self.variables + 1
        self.variables += count
        return first

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
    """Decides whether literals of a growing circuit can hold, with one solver for all of them.

    A gate that is asked for in one polarity only gets the clauses of that one only (Plaisted and
    Greenbaum, A structure-preserving clause form translation, 1986).
    """

    def __init__(self, circuit: Circuit, solver: Solver) -> None:
        self._circuit = circuit
        self._solver = solver
        self._done: set[int] = {FALSE, TRUE}
        solver.add([[-1]])

    def __call__(self, literal: int) -> bool:
        """Whether some inputs make a literal hold."""
        if literal <= TRUE:
            return literal == TRUE
        self._solver.add(self._clauses(literal))
        return self._solver.solve([_named(literal)])

    def _clauses(self, literal: int) -> list[list[int]]:
        """What follows where a literal holds, as far as the solver does not know it.

        The solver's variables are the nodes, from 1.
        """
        gate, done, todo, clauses = self._circuit.gate, self._done, [literal], []
        while todo:
            one = todo.pop()
            if one in done:
                continue
            done.add(one)
            kind, a, b, c = gate(one >> 1)
            holds = _named(one)
            if kind == Gate.AND and one & 1:
                todo += (a ^ 1, b ^ 1)
                clauses.append([-holds, -_named(a), -_named(b)])
            elif kind == Gate.AND:
                todo += (a, b)
                clauses += ([-holds, _named(a)], [-holds, _named(b)])
            elif kind == Gate.XOR:
                todo += (a, a ^ 1, b, b ^ 1)
                x, y = _named(a), -_named(b) if one & 1 else _named(b)
                clauses += ([-holds, x, y], [-holds, -x, -y])
            elif kind == Gate.MUX:
                b, c = b ^ (one & 1), c ^ (one & 1)
                todo += (a, a ^ 1, b, c)
                x, y, z = _named(a), _named(b), _named(c)
                clauses += ([-holds, -x, y], [-holds, x, z], [-holds, y, z])
        return clauses

    def close(self) -> None:
        """Free the solver."""
        self._solver.close()


def _named(literal: int) -> int:
    """A circuit's literal as a solver's, whose variables are the nodes, from 1."""
    variable = (literal >> 1) + 1
    return -variable if literal & 1 else variable


def gate_clauses(circuit: Circuit, node: int) -> list[tuple[int, int] | tuple[int, int, int]]:
    """The clauses that define a node, over the circuit's literals; none for an input."""
    kind, a, b, c = circuit.gate(node)
    n = 2 * node
    if kind == Gate.AND:
        return [(n ^ 1, a), (n ^ 1, b), (n, a ^ 1, b ^ 1)]
    if kind == Gate.XOR:
        return [(n ^ 1, a, b), (n ^ 1, a ^ 1, b ^ 1), (n, a ^ 1, b), (n, a, b ^ 1)]
    if kind == Gate.MUX:
        # The last two are implied, but a solver sees more with them without choosing the condition.
        return [
            (n ^ 1, a ^ 1, b),
            (n, a ^ 1, b ^ 1),
            (n ^ 1, a, c),
            (n, a, c ^ 1),
            (n ^ 1, b, c),
            (n, b ^ 1, c ^ 1),
        ]
    return []
