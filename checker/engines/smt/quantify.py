"""Existential quantification of inputs of a circuit, with scopes kept as small as they can be."""

from __future__ import annotations

from checker.engines.smt.circuit import FALSE, TRUE, Circuit, Gate

_AND, _MUX, _INPUT = int(Gate.AND), int(Gate.MUX), int(Gate.INPUT)


class Quantifier:
    """Quantifies the given inputs, by node number, wherever they occur.

    What a node depends on is a number with a bit for each of the inputs, the first made the lowest.
    """

    def __init__(self, circuit: Circuit, inputs: set[int]) -> None:
        self._circuit = circuit
        self._inputs = sorted(inputs)
        self._bits = {node: 1 << place for place, node in enumerate(self._inputs)}
        self._support: list[int] = [0]
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
        if kind == _INPUT:
            return TRUE
        if kind == _AND and literal & 1:
            # A disjunction: each side by itself.
            return circuit.or_(self.exists(a ^ 1), self.exists(b ^ 1))
        if kind == _AND:
            return self._conjunction(literal)
        if kind == _MUX:
            sign = literal & 1
            if not self._support_of(a):
                return circuit.mux(a, self.exists(b ^ sign), self.exists(c ^ sign))
            chosen = self._bits.get(a >> 1, 0)
            if chosen and not chosen & (self._support_of(b) | self._support_of(c)):
                return circuit.or_(self.exists(b ^ sign), self.exists(c ^ sign))
        return self._split(literal)

    def _conjunction(self, literal: int) -> int:
        """Conjuncts that share no input are quantified apart."""
        groups: list[tuple[int, list[int]]] = []
        for conjunct in self._conjuncts(literal):
            support = self._support_of(conjunct)
            joined, members, rest = support, [conjunct], []
            for other, others in groups:
                if joined & other:
                    joined, members = joined | other, others + members
                else:
                    rest.append((other, others))
            groups = [*rest, (joined, members)]
        if len(groups) == 1:
            return self._split(literal)
        result = TRUE
        for _, members in sorted(groups, key=lambda group: group[0].bit_count()):
            result = self._circuit.and_(result, self.exists(self._circuit.all(members)))
            if result == FALSE:
                break
        return result

    def _conjuncts(self, literal: int) -> list[int]:
        found: set[int] = set()
        seen: set[int] = set()
        todo = [literal]
        while todo:
            one = todo.pop()
            if one in seen:
                continue
            seen.add(one)
            kind, a, b, _ = self._circuit.gate(one >> 1)
            if kind == _AND and not one & 1:
                todo += (a, b)
            else:
                found.add(one)
        return sorted(found)

    def _split(self, literal: int) -> int:
        """Shannon's expansion over the input that was made last, which is the innermost choice."""
        circuit = self._circuit
        node = self._inputs[self._support_of(literal).bit_length() - 1]
        low, high = (self._cofactor(literal, node, value) for value in (FALSE, TRUE))
        return circuit.or_(self.exists(low), self.exists(high))

    def _cofactor(self, literal: int, node: int, value: int) -> int:
        """The literal with an input set; what was restricted once is remembered."""
        circuit, known = self._circuit, self._restricted.setdefault((node, value), {})
        known[node] = value
        self._support_of(literal)
        gate, support, bit = circuit.gate, self._support, self._bits[node]
        todo = [literal >> 1]
        while todo:
            one = todo[-1]
            if one in known:
                todo.pop()
                continue
            if not support[one] & bit:
                known[one] = 2 * one
                todo.pop()
                continue
            kind, a, b, c = gate(one)
            x, y = known.get(a >> 1), known.get(b >> 1)
            if x is None or y is None:
                todo += (a >> 1, b >> 1)
                continue
            x, y = x ^ (a & 1), y ^ (b & 1)
            if kind == _MUX:
                z = known.get(c >> 1)
                if z is None:
                    todo.append(c >> 1)
                    continue
                known[one] = circuit.mux(x, y, z ^ (c & 1))
            else:
                known[one] = circuit.and_(x, y) if kind == _AND else circuit.xor(x, y)
            todo.pop()
        return known[literal >> 1] ^ (literal & 1)

    def _support_of(self, literal: int) -> int:
        """The quantified inputs that a literal depends on."""
        known, node = self._support, literal >> 1
        if node >= len(known):
            gate, bits = self._circuit.gate, self._bits
            for one in range(len(known), node + 1):
                # Operands come first, and what is not used is the constant, which depends on nothing.
                _, a, b, c = gate(one)
                known.append(bits.get(one, 0) | known[a >> 1] | known[b >> 1] | known[c >> 1])
        return known[node]
