"""The encoding and the interpreter agree: on the specs of the repository and on random models."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import pytest

from checker.engines.smt import evaluation, numbers, operators, processes
from checker.engines.smt.circuit import FALSE, TRUE
from checker.engines.smt.encoding import _Encoder
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.evaluation import Path as Path_
from checker.engines.smt.layout import Packing, ProcessSymbols
from checker.engines.smt.numbers import Numbers
from checker.engines.smt.oracle import oracle_named
from checker.engines.smt.quantify import Quantifier
from checker.engines.smt.symbols import Num, Symbol, Symbols
from checker.ir.expressions import Op
from checker.ir.program import Label
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.sampling import FEW_SPECS, seeds

from .agreement import compare_steps
from .solvers import SMALL_SPECS, on_every_solver

SEEDS_IN_CI = 60
PARTS = 6


@on_every_solver
@pytest.mark.parametrize("path", SMALL_SPECS)
def test_every_spec_agrees_step_by_step(path: str, solver: str) -> None:
    counts = compare_steps(load_spec(Path(path)).lowered, oracle_named(solver), 60)
    assert counts["transitions"] > 10


@pytest.mark.slow
@pytest.mark.parametrize("path", FEW_SPECS)
def test_specs_of_all_kinds_agree_step_by_step(path: str) -> None:
    counts = compare_steps(load_spec(Path(path)).lowered, oracle_named("auto"), 15)
    assert counts["transitions"] > 10


def _random(seeds: range, folder: Path, solver: str = "auto") -> Counter[str]:
    """Compares models of these seeds; what was compared, and how many models."""
    total: Counter[str] = Counter()
    for seed in seeds:
        with lowered_from(random_model(seed), folder) as lowered:
            try:
                total += compare_steps(lowered, oracle_named(solver), 30)
                total["models"] += 1
            except Unsupported:
                total["unsupported"] += 1
    return total


@pytest.mark.parametrize("part", range(PARTS))
def test_random_models_agree(part: int, tmp_path: Path) -> None:
    found = _random(range(part, SEEDS_IN_CI, PARTS), tmp_path)
    assert found["models"] >= 0.8 * SEEDS_IN_CI / PARTS
    assert found["transitions"] > 100
    assert found["errors"] > 0
    assert found["property errors"] + found["always hit"] + found["transition hit"] > 0


def test_random_models_agree_by_z3(tmp_path: Path) -> None:
    assert _random(range(3), tmp_path, "z3")["models"] >= 2


@pytest.mark.slow
@pytest.mark.parametrize("part", range(20))
def test_many_random_models_agree(part: int, tmp_path: Path) -> None:
    assert _random(seeds(1000, 160, part, 20), tmp_path)["models"] >= 6


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_random_models_agree_by_z3(part: int, tmp_path: Path) -> None:
    assert _random(seeds(3000, 16, part, 4), tmp_path, "z3")["models"] >= 3


# Canaries: a meaning that is wrong in one place is noticed. Each begins where one was once noticed.

MODELS_MAX = 80


def differs(seed: int, folder: Path) -> bool:
    try:
        _random(range(seed, seed + 1), folder)
    except AssertionError:
        return True
    return False


def assert_noticed(folder: Path, change: pytest.MonkeyPatch, first: int) -> None:
    """Some model from ``first`` on shows a difference, and shows none once the change is undone."""
    seed = next((seed for seed in range(first, first + MODELS_MAX) if differs(seed, folder)), None)
    assert seed is not None
    change.undo()
    assert not differs(seed, folder)


def test_an_operator_that_is_off_by_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operators._ARITHMETIC, Op.INT_LE, Numbers.less)
    assert_noticed(tmp_path, monkeypatch, 9)


def test_the_remainder_of_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def truncated(self: Numbers, a: Num, b: Num) -> tuple[Num, Num]:
        quotient, rest = self._divided(self.absolute(a), self.absolute(b))
        signed: Num = self._symbols.choose(numbers._sign(a), self.negate(rest), rest)
        return quotient, signed

    monkeypatch.setattr(Numbers, "floor_divided", truncated)
    assert_noticed(tmp_path, monkeypatch, 7)


def test_a_range_that_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "misfit", lambda symbols, type_, value, bounds_of: FALSE)
    assert_noticed(tmp_path, monkeypatch, 0)


def test_a_retry_that_forgets_what_was_applied(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    retrying = processes.ProcessExecutor._retrying

    def forgetting(
        self: processes.ProcessExecutor, label: Label, path: Path_, waiting: ProcessSymbols, applied: int
    ) -> Path_ | None:
        return retrying(self, label, path, waiting, FALSE)

    monkeypatch.setattr(processes.ProcessExecutor, "_retrying", forgetting)
    assert_noticed(tmp_path, monkeypatch, 39)


def test_a_quiescent_state_that_looks_at_one_choice_only(monkeypatch: pytest.MonkeyPatch) -> None:
    # Random models hardly ever come to rest; the order intake does.
    def first(self: Quantifier, literal: int) -> int:
        inputs = dict.fromkeys(self._inputs, FALSE)
        return self._circuit.substituted([literal], inputs)[0]

    lowered = load_spec(Path("specs/order_intake/naive.toml")).lowered
    monkeypatch.setattr(Quantifier, "exists", first)
    with pytest.raises(AssertionError):
        compare_steps(lowered, oracle_named("auto"), 400)


def test_a_frame_that_is_forgotten(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Every process instance moves, not the chosen one alone.
    monkeypatch.setattr(_Encoder, "_is_chosen", lambda self, process, index: TRUE)
    assert_noticed(tmp_path, monkeypatch, 1)


def test_bits_that_are_left_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # The value under a key that was deleted stays in the row: one state has two rows.
    bits = Packing.bits

    def dirty(self: Packing, type_: Symbol, value: Symbol, there: int, beyond: list[int]) -> list[int]:
        return bits(self, type_, value, TRUE, beyond)

    monkeypatch.setattr(Packing, "bits", dirty)
    assert_noticed(tmp_path, monkeypatch, 8)


def test_a_choice_between_values_the_wrong_way_round(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    indexed = Symbols.indexed

    def turned(self: Symbols, bits: list[int], values: list[Symbol]) -> Symbol:
        return (
            indexed(self, bits, list(reversed(values))) if len(values) == 2 else indexed(self, bits, values)
        )

    monkeypatch.setattr(Symbols, "indexed", turned)
    assert_noticed(tmp_path, monkeypatch, 1)
