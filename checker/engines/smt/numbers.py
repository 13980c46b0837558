"""Arithmetic on symbolic numbers: exact, as wide as the results need, rounding as Python does."""

from __future__ import annotations

from itertools import product

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.symbols import BITS_MAX, Num, Symbols, number, width_of


class Numbers:
    """Integer operators over a circuit. Division leaves the divisor 0 to its caller."""

    def __init__(self, symbols: Symbols) -> None:
        self._symbols = symbols
        self._circuit: Circuit = symbols.circuit

    def add(self, a: Num, b: Num) -> Num:
        """The sum."""
        return self._sum(a, b, a.low + b.low, a.high + b.high)

    def subtract(self, a: Num, b: Num) -> Num:
        """The difference."""
        return self._sum(a, b, a.low - b.high, a.high - b.low, minus=True)

    def negate(self, a: Num) -> Num:
        """The negation."""
        return self.subtract(number(0), a)

    def absolute(self, a: Num) -> Num:
        """Without its sign."""
        if a.low >= 0:
            return a
        found: Num = self._symbols.choose(a.bits[-1], self.negate(a), a)
        return _within(found, 0, max(-a.low, a.high))

    def multiply(self, a: Num, b: Num) -> Num:
        """The product, by additions of shifted copies."""
        corners = [x * y for x, y in product((a.low, a.high), (b.low, b.high))]
        low, high = min(corners), max(corners)
        width = _checked(width_of(low, high))
        total = number(0)
        negative = b.low < 0
        for position, bit in enumerate(b.bits):
            if bit == FALSE:
                continue
            row = Num(
                tuple([FALSE] * position + [self._circuit.and_(bit, a.bit(i)) for i in range(len(a.bits))]),
                min(a.low, 0) << position,
                max(a.high, 0) << position,
            )
            last = negative and position == len(b.bits) - 1
            total = self.subtract(total, row) if last else self.add(total, row)
        return _within(Num(tuple(total.bit(i) for i in range(width)), low, high), low, high)

    def less(self, a: Num, b: Num) -> int:
        """Where the first is below the second."""
        if a.high < b.low:
            return TRUE
        if a.low >= b.high:
            return FALSE
        circuit = self._circuit
        width = width_of(min(a.low, b.low), max(a.high, b.high))
        result = FALSE
        signed = a.low < 0 or b.low < 0
        for position in range(width):
            x, y = a.bit(position), b.bit(position)
            if signed and position == width - 1:
                x, y = y, x
            result = circuit.mux(circuit.xor(x, y), y, result)
        return result

    def at_most(self, a: Num, b: Num) -> int:
        """Where the first is not above the second."""
        return self.less(b, a) ^ 1

    def least(self, a: Num, b: Num) -> Num:
        """The smaller one."""
        found: Num = self._symbols.choose(self.less(b, a), b, a)
        return _within(found, min(a.low, b.low), min(a.high, b.high))

    def greatest(self, a: Num, b: Num) -> Num:
        """The greater one."""
        found: Num = self._symbols.choose(self.less(a, b), b, a)
        return _within(found, max(a.low, b.low), max(a.high, b.high))

    def floor_divided(self, a: Num, b: Num) -> tuple[Num, Num]:
        """Quotient and remainder as Python's ``//`` and ``%``; any values where the divisor is 0."""
        circuit = self._circuit
        quotient, remainder = self._divided(self.absolute(a), self.absolute(b))
        differ = circuit.xor(_sign(a), _sign(b))
        rest = circuit.any(remainder.bits)
        # With different signs, the exact quotient is negative: rounding down is away from zero.
        down = circuit.and_(differ, rest)
        away = self.add(quotient, Num((down,), 0, 1))
        result: Num = self._symbols.choose(differ, self.negate(away), quotient)
        complement = self.subtract(self.absolute(b), remainder)
        modulo: Num = self._symbols.choose(down, complement, remainder)
        modulo = self._symbols.choose(_sign(b), self.negate(modulo), modulo)
        return result, modulo

    def _divided(self, a: Num, b: Num) -> tuple[Num, Num]:
        """Quotient and remainder of numbers without sign, bit by bit from the highest."""
        remainder = number(0)
        bits: list[int] = []
        for bit in reversed(a.bits):
            shifted = Num((bit, *remainder.bits), 0, 2 * remainder.high + 1)
            fits = self.at_most(b, shifted)
            bits.insert(0, fits)
            remainder = self._symbols.choose(fits, self.subtract(shifted, b), shifted)
            # What is left is below the divisor, or there is none.
            top = max(b.high, 1)
            remainder = _within(remainder, 0, min(max(remainder.high, 0), top))
        return _within(Num(tuple(bits), 0, a.high), 0, a.high), remainder

    def _sum(self, a: Num, b: Num, low: int, high: int, minus: bool = False) -> Num:
        width = _checked(width_of(low, high))
        circuit = self._circuit
        carry = TRUE if minus else FALSE
        bits = []
        for position in range(width):
            x, y = a.bit(position), b.bit(position) ^ minus
            either = circuit.xor(x, y)
            bits.append(circuit.xor(either, carry))
            carry = circuit.mux(either, carry, x)
        return Num(tuple(bits), low, high)


def _sign(a: Num) -> int:
    return a.bits[-1] if a.low < 0 else FALSE


def _within(a: Num, low: int, high: int) -> Num:
    """The same number, known to lie within narrower bounds."""
    return Num(tuple(a.bit(i) for i in range(width_of(low, high))), low, high)


def _checked(width: int) -> int:
    if width > BITS_MAX:
        raise Unsupported(f"integers of more than {BITS_MAX} bits")
    return width
