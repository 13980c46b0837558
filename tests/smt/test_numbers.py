"""Symbolic arithmetic is Python's, on every pair of values: signs, rounding, widths."""

from __future__ import annotations

import operator
from collections.abc import Callable
from itertools import product

import pytest

from checker.engines.smt.circuit import Circuit
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.numbers import Numbers
from checker.engines.smt.symbols import Num, Symbols, number, width_of

RANGES = [(0, 5), (-3, 4), (-6, -2), (3, 3), (0, 0), (-1, 0), (2, 9)]
Binary = Callable[[int, int], int]


def unknown(circuit: Circuit, low: int, high: int) -> Num:
    return Num(tuple(circuit.inputs(width_of(low, high))), low, high)


def bits(value: int, width: int) -> list[bool]:
    return [bool(value >> i & 1) for i in range(width)]


def value_of(found: Num, values: list[bool]) -> int:
    total = sum(1 << i for i, bit in enumerate(values) if bit)
    return total - (1 << len(values)) if found.low < 0 and values[-1] else total


OPERATORS: dict[str, tuple[Callable[[Numbers, Num, Num], Num], Binary, bool]] = {
    "add": (Numbers.add, operator.add, False),
    "subtract": (Numbers.subtract, operator.sub, False),
    "multiply": (Numbers.multiply, operator.mul, False),
    "least": (Numbers.least, min, False),
    "greatest": (Numbers.greatest, max, False),
    "quotient": (lambda n, a, b: n.floor_divided(a, b)[0], operator.floordiv, True),
    "remainder": (lambda n, a, b: n.floor_divided(a, b)[1], operator.mod, True),
    "absolute": (lambda n, a, b: n.absolute(a), lambda a, b: abs(a), False),
    "negate": (lambda n, a, b: n.negate(b), lambda a, b: -b, False),
    "less": (lambda n, a, b: Num((n.less(a, b),), 0, 1), lambda a, b: int(a < b), False),
    "at most": (lambda n, a, b: Num((n.at_most(a, b),), 0, 1), lambda a, b: int(a <= b), False),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("ours", RANGES)
def test_every_pair_of_values(name: str, ours: tuple[int, int]) -> None:
    symbolic, exact, is_division = OPERATORS[name]
    for theirs in RANGES:
        circuit = Circuit()
        a, b = unknown(circuit, *ours), unknown(circuit, *theirs)
        found = symbolic(Numbers(Symbols(circuit)), a, b)
        assert len(found.bits) == width_of(found.low, found.high)
        for x, y in product(range(ours[0], ours[1] + 1), range(theirs[0], theirs[1] + 1)):
            if is_division and y == 0:
                continue
            given = dict(zip((lit >> 1 for lit in a.bits), bits(x, len(a.bits)), strict=True))
            given |= dict(zip((lit >> 1 for lit in b.bits), bits(y, len(b.bits)), strict=True))
            expected = exact(x, y)
            assert value_of(found, circuit.evaluated(found.bits, given)) == expected, (x, y)
            assert found.low <= expected <= found.high


def test_constants_stay_constants() -> None:
    numbers = Numbers(Symbols(Circuit()))
    for x, y in product(range(-7, 8), repeat=2):
        for symbolic, exact, is_division in OPERATORS.values():
            if not (is_division and y == 0):
                found = symbolic(numbers, number(x), number(y))
                assert value_of(found, [bool(bit) for bit in found.bits]) == exact(x, y)
                assert set(found.bits) <= {0, 1}


def test_cases_are_exactly_the_values() -> None:
    circuit = Circuit()
    symbols = Symbols(circuit)
    value = unknown(circuit, -3, 2)
    cases = symbols.cases(value)
    assert list(cases) == [-3, -2, -1, 0, 1, 2]
    for x in range(-3, 3):
        given = dict(zip((lit >> 1 for lit in value.bits), bits(x, 3), strict=True))
        assert [key for key, lit in cases.items() if circuit.evaluated([lit], given)[0]] == [x]


def test_numbers_too_wide_to_build_are_refused() -> None:
    numbers = Numbers(Symbols(Circuit()))
    wide = number(1 << 100)
    with pytest.raises(Unsupported, match="128 bits"):
        numbers.multiply(wide, wide)
