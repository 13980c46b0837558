"""Compiling in the background: what is wanted is there in the end, and nothing that goes wrong comes out."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.engines.native import ahead, compile
from checker.engines.native.ahead import compiling_ahead
from checker.engines.native.compile import CannotCompile, cached_models
from checker.spec import load_spec

SPEC = Path("specs/order_intake/marker_first.toml")


@pytest.fixture(autouse=True)
def _own_cache(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))


def test_each_model_is_compiled_once(monkeypatch: pytest.MonkeyPatch) -> None:
    builds: list[Path] = []
    build = compile._build

    def counted(source: str, compiler: compile.Compiler, to: Path) -> None:
        builds.append(to)
        build(source, compiler, to)

    monkeypatch.setattr(compile, "_build", counted)
    program = load_spec(SPEC).lowered.program
    with compiling_ahead([(program, True), (program, True), (program, False)]):
        ahead._compile(program, True)
        ahead._compile(program, False)
    assert len(set(builds)) == len(builds) == len(cached_models()) == 2


def test_what_goes_wrong_is_left_to_the_search(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(source: str, compiler: compile.Compiler, to: Path) -> None:
        raise CannotCompile("no")

    monkeypatch.setattr(compile, "_build", failing)
    program = load_spec(SPEC).lowered.program
    with compiling_ahead([(program, True)]):
        ahead._compile(program, True)
    assert cached_models() == []
