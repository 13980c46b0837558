"""Wrong meanings are noticed: the comparison of both machines has to fail for each of these.

The rules of a step are shared by both, so that a wrong rule is no difference: tests/semantics has those.
"""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from checker.dsl.lowering import finishing
from checker.dsl.lowering.liveness import Liveness, liveness
from checker.errors import ModelError
from checker.ir.expressions import Op
from checker.semantics import evaluation, operators

from .comparison import compare, lowered_from
from .random_models import random_model

MODELS_MAX = 150


def differs(seed: int, folder: Path) -> bool:
    """Whether both machines give different answers on a random model."""
    try:
        with lowered_from(random_model(seed), folder) as lowered:
            compare(lowered, 30, 5)
    except AssertionError:
        return True
    return False


def assert_noticed(folder: Path, change: pytest.MonkeyPatch) -> None:
    """Some model shows a difference, and shows none once the change is undone."""
    seed = next((seed for seed in range(MODELS_MAX) if differs(seed, folder)), None)
    assert seed is not None
    change.undo()
    assert not differs(seed, folder)


def remainder_of_c(a: int, b: int) -> int:
    if b == 0:
        return operators._floor_mod(a, b)
    return int(math.fmod(a, b))


def test_the_remainder_of_c(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(operators._SIMPLE, Op.INT_FLOOR_MOD, remainder_of_c)
    assert_noticed(tmp_path, monkeypatch)


def test_a_live_local_that_is_dropped(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def dropping(*args: object) -> Liveness:
        found = liveness(*args)  # type: ignore[arg-type]
        return found._replace(at_label={n: frozenset(sorted(live)[1:]) for n, live in found.at_label.items()})

    monkeypatch.setattr(finishing, "liveness", dropping)
    assert_noticed(tmp_path, monkeypatch)


def test_a_range_that_is_not_checked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(evaluation, "fits", lambda type_, value: None)
    assert_noticed(tmp_path, monkeypatch)


def test_an_error_at_another_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    placed = evaluation._placed

    def misplaced(error: ModelError, location: object) -> ModelError:
        found = placed(error, location)  # type: ignore[arg-type]
        if found.location is None:
            return found
        moved = type(found.location)(found.location.path, found.location.line + 1)
        return ModelError(found.kind, found.what, moved)

    monkeypatch.setattr(evaluation, "_placed", misplaced)
    assert_noticed(tmp_path, monkeypatch)
