"""Hash-consed boolean circuits of AND, XOR and MUX gates.

A literal is an int: twice a node's number, plus one where it is negated. Node 0 is the constant, so
that ``FALSE`` is 0 and ``TRUE`` is 1. Equal gates are one node, and the obvious rewritings are done
when a gate is made, so that a circuit over constants is a constant.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from enum import IntEnum

#: How many nodes are made between two looks at the clock.
NODES_PER_LOOK = 4_096

FALSE = 0
TRUE = 1


class Gate(IntEnum):
    """What a node is: the constant or an input, or a gate over its operands."""

    CONSTANT = 0
    INPUT = 1
    AND = 2
    XOR = 3
    #: The condition first, then what it chooses, then the alternative.
    MUX = 4


# The same as plain numbers: circuits are grown gate by gate, millions of them.
_AND, _XOR, _MUX = int(Gate.AND), int(Gate.XOR), int(Gate.MUX)


def negate(literal: int) -> int:
    """The negation of a literal."""
    return literal ^ 1


class Circuit:
    """A growing circuit; nodes are numbered so that operands come before their gates.

    ``look`` is called once for many new nodes: what it raises ends the growing.
    """

    def __init__(self, look: Callable[[], None] = lambda: None) -> None:
        self._look = look
        self._gates: list[tuple[int, int, int, int]] = [(Gate.CONSTANT, 0, 0, 0)]
        self._known: dict[tuple[int, int, int, int], int] = {}

    def unwatched(self) -> None:
        """Grow without ``look`` from now on: what comes later has limits of its own, or none."""
        self._look = lambda: None

    def __len__(self) -> int:
        return len(self._gates)

    def gate(self, node: int) -> tuple[int, int, int, int]:
        """A node's kind and up to three operands, which are literals; unused ones are 0."""
        return self._gates[node]

    def input(self) -> int:
        """A new input."""
        self._gates.append((Gate.INPUT, 0, 0, 0))
        return 2 * (len(self._gates) - 1)

    def inputs(self, count: int) -> list[int]:
        """New inputs."""
        return [self.input() for _ in range(count)]

    def _node(self, gate: tuple[int, int, int, int]) -> int:
        found = self._known.get(gate)
        if found is None:
            gates = self._gates
            if len(gates) % NODES_PER_LOOK == 0:
                self._look()
            found = self._known[gate] = 2 * len(gates)
            gates.append(gate)
        return found

    def and_(self, a: int, b: int) -> int:
        """Both."""
        if a > b:
            a, b = b, a
        if a <= TRUE:
            return b if a else FALSE
        if a >> 1 == b >> 1:
            return a if a == b else FALSE
        gate = (_AND, a, b, 0)
        found = self._known.get(gate)
        if found is not None:
            return found
        # Operands come before their gates, so that the older one can only be an operand of the younger.
        kind, left, right, _ = self._gates[b >> 1]
        if kind == _AND:
            if not b & 1:
                if a in (left, right):
                    return b
                if a ^ 1 in (left, right):
                    return FALSE
            elif a ^ 1 in (left, right):
                return a
            elif a == left:
                return self.and_(a, right ^ 1)
            elif a == right:
                return self.and_(a, left ^ 1)
        return self._node(gate)

    def or_(self, a: int, b: int) -> int:
        """Either."""
        return self.and_(a ^ 1, b ^ 1) ^ 1

    def xor(self, a: int, b: int) -> int:
        """Exactly one of two."""
        sign = (a ^ b) & 1
        a, b = a & ~1, b & ~1
        if a > b:
            a, b = b, a
        if a == FALSE:
            return b ^ sign
        if a == b:
            return sign
        return self._node((_XOR, a, b, 0)) ^ sign

    def equal(self, a: int, b: int) -> int:
        """Both or neither."""
        return self.xor(a, b) ^ 1

    def implies(self, a: int, b: int) -> int:
        """The second wherever the first."""
        return self.and_(a, b ^ 1) ^ 1

    def mux(self, condition: int, then: int, orelse: int) -> int:
        """``then`` where the condition holds, else ``orelse``."""
        if condition & 1:
            condition, then, orelse = condition ^ 1, orelse, then
        if condition == FALSE:
            # The constant's node carries no sign: FALSE chooses the alternative.
            return orelse
        if then == orelse:
            return then
        if then > TRUE:
            then = self._assuming(condition, then)
        if orelse > TRUE:
            orelse = self._assuming(condition ^ 1, orelse)
        if then == orelse:
            return then
        if then <= TRUE:
            return self.or_(condition, orelse) if then else self.and_(condition ^ 1, orelse)
        if orelse <= TRUE:
            return self.or_(condition ^ 1, then) if orelse else self.and_(condition, then)
        if then == orelse ^ 1:
            return self.xor(condition, orelse)
        sign = then & 1
        return self._node((_MUX, condition, then ^ sign, orelse ^ sign)) ^ sign

    def _assuming(self, known: int, literal: int) -> int:
        """The literal where ``known`` holds, as far as one look shows it."""
        if literal >> 1 == known >> 1:
            return TRUE if literal == known else FALSE
        kind, a, b, c = self._gates[literal >> 1]
        sign = literal & 1
        if kind == _MUX and a >> 1 == known >> 1:
            return (b if a == known else c) ^ sign
        if kind == _AND:
            if known in (a, b):
                return (b if a == known else a) ^ sign
            if known ^ 1 in (a, b):
                return sign
        return literal

    def all(self, literals: Iterable[int]) -> int:
        """All of them, as a balanced tree."""
        row, and_ = list(literals), self.and_
        while len(row) > 1:
            paired = [and_(row[i], row[i + 1]) for i in range(0, len(row) - 1, 2)]
            row = [*paired, row[-1]] if len(row) & 1 else paired
        return row[0] if row else TRUE

    def any(self, literals: Iterable[int]) -> int:
        """At least one of them."""
        return self.all([literal ^ 1 for literal in literals]) ^ 1

    def cone(self, roots: Iterable[int]) -> list[int]:
        """The nodes that the roots depend on, the constant left out, operands before gates."""
        todo = {root >> 1 for root in roots}
        if not todo:
            return []
        # Downwards from the highest node, every gate is met after all that use it.
        needed = bytearray(max(todo) + 1)
        for node in todo:
            needed[node] = 1
        gates = self._gates
        for node in range(len(needed) - 1, 0, -1):
            if needed[node]:
                # What is not used is 0, which is the constant.
                _, a, b, c = gates[node]
                needed[a >> 1] = needed[b >> 1] = needed[c >> 1] = 1
        needed[0] = 0
        return [node for node, is_needed in enumerate(needed) if is_needed]

    def substituted(self, roots: Sequence[int], values: dict[int, int]) -> list[int]:
        """The roots with some nodes, by number, replaced by literals."""
        known = {0: FALSE, **values}
        for node in self.cone(roots):
            if node in known:
                continue
            kind, a, b, c = self._gates[node]
            if kind == Gate.INPUT:
                known[node] = 2 * node
                continue
            x, y = known[a >> 1] ^ (a & 1), known[b >> 1] ^ (b & 1)
            if kind == Gate.AND:
                known[node] = self.and_(x, y)
            elif kind == Gate.XOR:
                known[node] = self.xor(x, y)
            else:
                known[node] = self.mux(x, y, known[c >> 1] ^ (c & 1))
        return [known[root >> 1] ^ (root & 1) for root in roots]

    def evaluated(self, roots: Sequence[int], values: dict[int, bool]) -> list[bool]:
        """The roots' values, given those of the inputs by node; inputs that are left out are false."""
        known: dict[int, bool] = {0: False}
        for node in self.cone(roots):
            kind, a, b, c = self._gates[node]
            if kind == Gate.INPUT:
                known[node] = values.get(node, False)
                continue
            x, y = known[a >> 1] != bool(a & 1), known[b >> 1] != bool(b & 1)
            if kind == Gate.AND:
                known[node] = x and y
            elif kind == Gate.XOR:
                known[node] = x != y
            else:
                known[node] = y if x else known[c >> 1] != bool(c & 1)
        return [known[root >> 1] != bool(root & 1) for root in roots]
