"""Existential quantification of inputs of a circuit, with scopes kept as small as they can be."""

from __future__ import annotations

from checker.engines.smt.circuit import FALSE, TRUE, Circuit, Gate

_NONE: frozenset[int] = frozenset()


class Quantifier:
    """Quantifies the given inputs, by node number, wherever they occur."""

    def __init__(self, circuit: Circuit, inputs: set[int]) -> None:
        self._circuit = circuit
        self._inputs = inputs
        self._support: dict[int, frozenset[int]] = {0: frozenset()}
        self._known: dict[int, int] = {}
        self._restricted: dict[tuple[int, int], dict[int, int]] = {}

    def exists(self, literal: int) -> int:
        """A literal that holds where some values of the inputs make the given one hold."""
        if literal <= TRUE or not self._support_of(literal):
            return literal
        found = self._known.get(literal)
        if found is None:
            found = self._known[literal] = self._quantified(literal)
        return found

    def _quantified(self, literal: int) -> int:
        circuit = self._circuit
        kind, a, b, c = circuit.gate(literal >> 1)
        if kind == Gate.INPUT:
            return TRUE
        if kind == Gate.AND and literal & 1:
            # A disjunction: each side by itself.
            return circuit.or_(self.exists(a ^ 1), self.exists(b ^ 1))
        if kind == Gate.AND:
            return self._conjunction(literal)
        if kind == Gate.MUX:
            sign = literal & 1
            if not self._support_of(a):
                return circuit.mux(a, self.exists(b ^ sign), self.exists(c ^ sign))
            if a >> 1 in self._inputs and a >> 1 not in self._support_of(b) | self._support_of(c):
                return circuit.or_(self.exists(b ^ sign), self.exists(c ^ sign))
        return self._split(literal)

    def _conjunction(self, literal: int) -> int:
        """Conjuncts that share no input are quantified apart."""
        groups: list[tuple[frozenset[int], list[int]]] = []
        for conjunct in self._conjuncts(literal):
            support = self._support_of(conjunct)
            joined, members, rest = support, [conjunct], []
            for other, others in groups:
                if support and joined & other:
                    joined, members = joined | other, others + members
                else:
                    rest.append((other, others))
            groups = [*rest, (joined, members)]
        if len(groups) == 1 or all(len(members) == 0 for _, members in groups):
            return self._split(literal)
        result = TRUE
        for _, members in sorted(groups, key=lambda group: len(group[0])):
            result = self._circuit.and_(result, self.exists(self._circuit.all(members)))
            if result == FALSE:
                break
        return result

    def _conjuncts(self, literal: int) -> list[int]:
        found: dict[int, None] = {}
        todo = [literal]
        while todo:
            one = todo.pop()
            kind, a, b, _ = self._circuit.gate(one >> 1)
            if kind == Gate.AND and not one & 1:
                todo += (a, b)
            else:
                found[one] = None
        return sorted(found)

    def _split(self, literal: int) -> int:
        """Shannon's expansion over the input that was made last, which is the innermost choice."""
        circuit = self._circuit
        node = max(self._support_of(literal))
        low, high = (self._cofactor(literal, node, value) for value in (FALSE, TRUE))
        return circuit.or_(self.exists(low), self.exists(high))

    def _cofactor(self, literal: int, node: int, value: int) -> int:
        """The literal with an input set; what was restricted once is remembered."""
        circuit, known = self._circuit, self._restricted.setdefault((node, value), {})
        known[node] = value
        todo = [literal >> 1]
        while todo:
            one = todo[-1]
            if one in known or node not in self._support_of(2 * one):
                known.setdefault(one, 2 * one)
                todo.pop()
                continue
            kind, a, b, c = circuit.gate(one)
            operands = (a, b, c) if kind == Gate.MUX else (a, b)
            missing = [operand >> 1 for operand in operands if operand >> 1 not in known]
            if missing:
                todo += missing
                continue
            x, y, *z = (known[operand >> 1] ^ (operand & 1) for operand in operands)
            if kind == Gate.MUX:
                known[one] = circuit.mux(x, y, z[0])
            else:
                known[one] = circuit.and_(x, y) if kind == Gate.AND else circuit.xor(x, y)
            todo.pop()
        return known[literal >> 1] ^ (literal & 1)

    def _support_of(self, literal: int) -> frozenset[int]:
        """The quantified inputs that a literal depends on."""
        known = self._support
        todo = [literal >> 1]
        while todo:
            node = todo[-1]
            if node in known:
                todo.pop()
                continue
            kind, a, b, c = self._circuit.gate(node)
            if kind == Gate.INPUT:
                known[node] = frozenset({node}) if node in self._inputs else _NONE
                todo.pop()
                continue
            operands = (a, b, c) if kind == Gate.MUX else (a, b)
            missing = [operand >> 1 for operand in operands if operand >> 1 not in known]
            if missing:
                todo += missing
                continue
            support = _NONE
            for operand in operands:
                other = known[operand >> 1]
                if not other <= support:
                    support |= other
            known[node] = support
            todo.pop()
        return known[literal >> 1]
