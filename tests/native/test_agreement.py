"""The native engine and the interpreter agree: on the models of the repository and on random ones."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.engines.native import compile as native_compile
from checker.engines.native.codegen.layout import Unsupported
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.sampling import SOME_SPECS, seeds

from .agreement import compare_results, compare_steps

#: Specs whose whole space the explicit engine has in a second or two.
SMALL = [
    "specs/order_intake/naive.toml",
    "specs/order_intake/delete_first.toml",
    "specs/order_intake/marker_first.toml",
    "specs/order_intake/marker_first_lost_answer.toml",
]
SEEDS_IN_CI = 40
PARTS = 4


@pytest.mark.parametrize("path", SMALL)
def test_whole_searches_agree(path: str) -> None:
    compare_results(load_spec(Path(path)).lowered)


@pytest.mark.parametrize("path", SOME_SPECS)
def test_every_spec_agrees_step_by_step(path: str) -> None:
    assert compare_steps(load_spec(Path(path)).lowered, 400) > 10


def _random(seeds: range, folder: Path) -> tuple[int, int]:
    """Compares models of these seeds; how many were compared, and how many transitions of them."""
    models = transitions = 0
    for seed in seeds:
        model = random_model(seed)
        with lowered_from(model, folder) as lowered:
            try:
                transitions += compare_steps(lowered, 80)
            except Unsupported:
                continue
            models += 1
    return models, transitions


@pytest.fixture
def quickly_compiled(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without optimising, and without the vector instructions' header: four times as fast."""
    plain = [flag for flag in native_compile.FLAGS if flag != "-O2"]
    monkeypatch.setattr(native_compile, "FLAGS", (*plain, "-O0", "-U__SSE2__"))


@pytest.mark.usefixtures("quickly_compiled")
@pytest.mark.parametrize("part", range(PARTS))
def test_random_models_agree(part: int, tmp_path: Path) -> None:
    models, transitions = _random(range(part, SEEDS_IN_CI, PARTS), tmp_path)
    assert models >= 0.8 * SEEDS_IN_CI / PARTS
    assert transitions > 300


def test_random_models_agree_when_optimised(tmp_path: Path) -> None:
    models, transitions = _random(range(SEEDS_IN_CI, SEEDS_IN_CI + 3), tmp_path)
    assert models >= 2
    assert transitions > 50


@pytest.mark.slow
@pytest.mark.parametrize("part", range(8))
def test_many_random_models_agree(part: int, tmp_path: Path) -> None:
    models, _ = _random(seeds(1000, 24, part, 8), tmp_path)
    assert models >= 2


@pytest.mark.slow
@pytest.mark.usefixtures("quickly_compiled")
@pytest.mark.parametrize("part", range(16))
def test_thousands_of_random_models_agree(part: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Libraries that nobody will ask for again.
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    models, transitions = _random(seeds(10_000, 160, part, 16), tmp_path)
    assert models >= 7
    assert transitions > 200


def test_a_broken_emitter_is_noticed() -> None:
    """The canary: generated code that reads the first variable as 0 whatever it is."""
    lowered = load_spec(Path("specs/order_intake/naive.toml")).lowered

    def broken(text: str) -> str:
        changed = text.replace("gen_get(s, 0, ", "0 & gen_get(s, 0, ")
        assert changed != text
        return changed

    with pytest.raises(AssertionError):
        compare_steps(lowered, 400, broken)
