"""Random walks of both engines: what they find is there, and they find it again."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Limits, Request
from checker.engines.native.codegen.layout import Unsupported
from checker.engines.native.compile import CannotCompile
from checker.engines.native.simulate import simulate
from checker.engines.simulation import (
    Simulation,
    SimulationRequest,
    Walker,
    WalkProgress,
    without_loops,
)
from checker.errors import InternalError
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.spec import load_spec
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.engines import sample_models as models


def small(model: type[Model]) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), 2), Budgets())


def compiled_walks(request: SimulationRequest) -> Simulation:
    found = runner.simulate(request)
    assert (found.engine, found.notice) == ("native", "")
    return found


def python_walks(request: SimulationRequest) -> Simulation:
    return Walker(Machine(request.lowered.program), request).simulate("explicit")


BOTH = pytest.mark.parametrize("walk", [compiled_walks, python_walks])


def answers(found: Simulation) -> dict[str, str]:
    return {verdict.property: str(verdict) for verdict in found.verdicts}


@BOTH
def test_a_small_model_is_seen_whole(walk: object) -> None:
    found = walk(SimulationRequest(small(models.Ladder), 1, 200, 10))  # type: ignore[operator]
    assert answers(found) == {
        "not_at_the_top": "VIOLATED",
        "one_at_a_time": "VIOLATED",
        "rests_at_the_bottom": "VIOLATED",
        "half_way": "HOLDS",
        "above_the_top": "UNKNOWN",
        "deadlock_free": "UNKNOWN",
    }
    reasons = {verdict.property: verdict.reason for verdict in found.verdicts}
    assert reasons["above_the_top"] == "not reached in 200 walks of up to 10 steps"
    assert reasons["deadlock_free"] == "no violation in 200 walks of up to 10 steps"
    assert (found.walks, found.longest, found.stopped) == (200, 3, None)
    assert 400 <= found.steps <= 600
    assert not any(verdict.is_shortest for verdict in found.verdicts if verdict.path is not None)


@BOTH
def test_the_seed_decides(walk: object) -> None:
    lowered = load_spec(Path("specs/order_intake/naive.toml")).lowered

    def paths(seed: int, threads: int = 1) -> list[object]:
        request = SimulationRequest(lowered, seed, 300, 100, threads=threads)
        return [verdict.path for verdict in walk(request).verdicts]  # type: ignore[operator]

    assert paths(1) == paths(1, threads=2)
    assert paths(1) != paths(2)


@BOTH
def test_walks_end_at_their_depth(walk: object) -> None:
    found = walk(SimulationRequest(small(models.Round), 0, 5, 2))  # type: ignore[operator]
    assert set(answers(found).values()) == {"UNKNOWN"}
    assert (found.steps, found.longest) == (10, 2)
    assert answers(walk(SimulationRequest(small(models.Round), 0, 1, 3)))["below_three"] == "VIOLATED"  # type: ignore[operator]


@BOTH
def test_a_model_error_ends_the_walks(walk: object) -> None:
    found = walk(SimulationRequest(small(models.Overflow), 3, 100, 50))  # type: ignore[operator]
    assert found.stopped == "model error"
    assert found.failure is not None
    assert "4 is outside int[0..3]" in str(found.failure.error)
    assert found.failure.path is not None
    assert len(found.failure.path.transitions) == 4


@BOTH
def test_no_time_is_said(walk: object) -> None:
    request = SimulationRequest(small(models.Round), 0, 10**9, 10_000_000, time_s_max=0.05)
    if walk is python_walks:
        request = SimulationRequest(small(models.Round), 0, 10**9, 50, time_s_max=0.05)
    found = walk(request)  # type: ignore[operator]
    assert found.stopped == "time limit of 0.05 s"
    assert found.walks >= 1
    assert found.seconds < 2
    assert answers(found)["deadlock_free"] == "UNKNOWN"


@BOTH
def test_ctrl_c_keeps_what_was_found(walk: object) -> None:
    def interrupt(progress: WalkProgress) -> None:
        raise KeyboardInterrupt

    request = SimulationRequest(small(models.Round), 0, 10**9, 100, report=interrupt)
    found = walk(request)  # type: ignore[operator]
    assert found.stopped == "interrupted"
    assert answers(found)["below_three"] == "VIOLATED"


def test_without_a_compiler_python_walks_and_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    def none(*_: object) -> object:
        raise CannotCompile("there is no C compiler")

    monkeypatch.setattr(runner, "simulate_compiled", none)
    found = runner.simulate(SimulationRequest(small(models.Ladder), 1, 100, 10))
    assert found.engine == "explicit"
    assert found.notice == "the native engine is not used: there is no C compiler"
    assert answers(found)["not_at_the_top"] == "VIOLATED"


def test_what_walks_claim_is_confirmed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary: a simulation that gives the path of one property for another."""

    def liar(engine: str, request: SimulationRequest) -> Simulation:
        found = simulate(engine, request)
        path = next(v.path for v in found.verdicts if v.property == "half_way")
        wrong = tuple(
            type(v)(v.property, Answer.VIOLATED, path) if v.property == "not_at_the_top" else v
            for v in found.verdicts
        )
        return replace(found, verdicts=wrong)

    monkeypatch.setattr(runner, "simulate_compiled", liar)
    with pytest.raises(InternalError, match="do not confirm the trace of not_at_the_top"):
        runner.simulate(SimulationRequest(small(models.Ladder), 1, 200, 10))


def test_walks_lose_their_loops() -> None:
    assert without_loops("a") == [0]
    assert without_loops("abc") == [0, 1, 2]
    assert without_loops("abcbd") == [0, 3, 4]
    assert without_loops("abacabad") == [6, 7]
    assert without_loops("aba") == [0, 1, 2], "the last step is kept"


@pytest.mark.slow
def test_walks_of_random_models_find_nothing_that_is_not_there(tmp_path: Path) -> None:
    compared = violated = 0
    for seed in range(3000, 3030):
        with lowered_from(random_model(seed), tmp_path) as lowered:
            request = SimulationRequest(lowered, seed, 200, 12)
            try:
                found = runner.simulate(request)
            except Unsupported:
                continue
            whole = ExplicitEngine().check(Request(lowered, Limits(depth_max=12, states_max=3000)))
        if whole.stopped is not None and not whole.stopped.startswith("depth"):
            continue
        compared += 1
        true = {verdict.property: verdict.answer for verdict in whole.verdicts}
        for verdict in found.verdicts:
            if verdict.answer is not Answer.UNKNOWN:
                assert true[verdict.property] is verdict.answer
                violated += verdict.answer is Answer.VIOLATED
    assert compared >= 5
    assert violated >= 2
