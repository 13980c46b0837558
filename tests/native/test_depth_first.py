"""Depth-first search against breadth-first search: the same verdicts, with all memory and with hardly any."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel, lower
from checker.engines import runner
from checker.engines.interface import Answer, Limits, Progress, Request, Result, SearchOrder
from checker.engines.native.binding import Search
from checker.engines.native.codegen.layout import Unsupported
from checker.engines.native.codegen.program import generate
from checker.engines.native.compile import compiled
from checker.engines.native.engine import NativeEngine
from checker.engines.native.findings import Config, Descent, SearchResult, Status
from checker.engines.native.reading import mask_of
from checker.engines.native.structures import Library
from checker.errors import UserError
from checker.ir.program import Budgets
from checker.spec import load_spec
from models.order_intake import Keyed
from tests.cli.project import Project
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.engines import sample_models as models
from tests.native.agreement import ROOMY
from tests.sampling import FEW_SPECS, seeds

BREADTH, DEPTH, DEEPENING = SearchOrder


def search(
    lowered: LoweredModel, order: SearchOrder, limits: Limits | None = None, symmetry: bool = False
) -> Result:
    return NativeEngine().check(Request(lowered, limits or Limits(), symmetry=symmetry, order=order))


def lengths(result: Result) -> dict[str, int]:
    return {v.property: len(v.path.transitions) for v in result.verdicts if v.path is not None}


def answers(result: Result) -> list[tuple[str, Answer, int | None]]:
    return [(v.property, v.answer, v.depth) for v in result.verdicts]


#: Half a million states and more, each looked at once for every depth. Of the first, those that symmetry
#: leaves are enough; in the second nothing is alike: symmetry would make the same search again.
LARGE_SPACES = {
    "specs/orders/batch_exact_failures.toml": True,
    "specs/orders/fan_out_row_for_each_target.toml": False,
}
WHOLE = [
    *(
        pytest.param(path, symmetry)
        for path in FEW_SPECS
        if path not in LARGE_SPACES
        for symmetry in (False, True)
    ),
    *(pytest.param(path, symmetry, marks=pytest.mark.slow) for path, symmetry in LARGE_SPACES.items()),
]


@pytest.mark.parametrize(("path", "symmetry"), WHOLE)
def test_whole_spaces(path: str, symmetry: bool) -> None:
    lowered = load_spec(Path(path)).lowered
    wide, deep, deepening = (search(lowered, order, symmetry=symmetry) for order in SearchOrder)
    for result in (deep, deepening):
        assert answers(result) == answers(wide)
        assert result.stopped is None
        assert result.statistics.comes_to_rest == wide.statistics.comes_to_rest
        assert set(result.statistics.fired) == set(wide.statistics.fired)
        assert result.statistics.states == wide.statistics.states
    assert deep.statistics.transitions == wide.statistics.transitions
    assert lengths(deepening) == lengths(wide)
    assert all(verdict.is_shortest for verdict in deepening.verdicts)
    assert all(lengths(deep)[name] >= steps for name, steps in lengths(wide).items())
    assert not any(verdict.is_shortest for verdict in deep.verdicts if verdict.path is not None)


@pytest.mark.parametrize("depth", [1, 2, 4, 7, 8, 11])
@pytest.mark.parametrize("path", FEW_SPECS)
def test_within_a_depth(path: str, depth: int) -> None:
    lowered = load_spec(Path(path)).lowered
    wide, deep, deepening = (search(lowered, order, Limits(depth_max=depth)) for order in SearchOrder)
    for result in (deep, deepening):
        assert [v.answer for v in result.verdicts] == [v.answer for v in wide.verdicts]
        assert (result.stopped, result.statistics.states) == (wide.stopped, wide.statistics.states)
    assert lengths(deepening) == lengths(wide)
    assert all(steps <= depth for steps in lengths(deep).values())


def found_by(result: SearchResult) -> object:
    """What does not depend on the order of a search: hits, or that there is a model error."""
    return "fault" if result.fault is not None else [hit.property for hit in result.hits]


def with_tiny_cache(
    lowered: LoweredModel, deepens: bool, buckets: int, depth_max: int | None = None
) -> tuple[SearchResult, Descent]:
    """Breadth first with all memory, and depth first with a cache of ``buckets`` times 16 states."""
    text = generate(lowered.program, ROOMY).text
    small = f"#define QC_CACHE_BUCKETS_MIN {buckets}u\n#define QC_CACHE_BUCKETS_MAX {buckets}u\n{text}"
    config = Config(mask_of(lowered.program), 1, depth_max, time_s_max=60)
    with compiled(small) as path:
        library = Library(path)
        with Search(library, config) as search:
            wide = search.run()
        with Search(library, config) as search:
            descent = search.descend(deepens)
            for states in descent.paths.values():
                for before, after in pairwise(states):
                    assert after in [state for _, state in search.successors(before)]
    return wide, descent


@pytest.mark.parametrize("deepens", [False, True])
@pytest.mark.parametrize("name", ["delete_first", "marker_first"])
def test_what_is_forgotten_is_seen_again(name: str, deepens: bool) -> None:
    lowered = load_spec(Path(f"specs/order_intake/{name}.toml")).lowered
    wide, descent = with_tiny_cache(lowered, deepens, 4)
    result = descent.result
    assert descent.forgotten > 0
    assert result.states > wide.states
    assert found_by(result) == found_by(wide)
    if deepens:
        # What was forgotten at the bound leaves open whether all was seen: only the time limit ends it.
        assert result.status in (Status.COMPLETE, Status.TIME)
        assert {hit.property: hit.depth for hit in result.hits} == {h.property: h.depth for h in wide.hits}
    else:
        assert result.status is Status.COMPLETE


def test_a_path_that_fills_the_cache_is_no_verdict() -> None:
    """Two buckets hold 32 states, and no state of the path may be forgotten."""
    lowered = lower(Keyed, {"Order": 3, "Worker": 3}, Budgets(2, 1, 1, (("inbox.visibility_expiry", 1),), 2))
    _, descent = with_tiny_cache(lowered, False, 2, None)
    assert descent.result.status is Status.MEMORY
    assert descent.deepest >= 16


def _compare_random(seeds: range, folder: Path) -> int:
    """Random models within a depth and with a small cache, by all orders; how many were compared."""
    compared = 0
    for seed in seeds:
        with lowered_from(random_model(seed), folder) as lowered:
            try:
                results = [with_tiny_cache(lowered, deepens, 1 + seed % 5, 7) for deepens in (False, True)]
            except Unsupported:
                continue
        for wide, descent in results:
            result = descent.result
            if Status.TIME in (wide.status, result.status) or result.status is Status.MEMORY:
                continue
            compared += 1
            assert found_by(result) == found_by(wide)
            if wide.fault is not None:
                continue
            assert result.states >= wide.states
            assert (result.states == wide.states) or descent.forgotten > 0
            assert result.status is wide.status or (result.status is Status.DEPTH and descent.forgotten > 0)
        wide, deepening = results[1][0], results[1][1].result
        if deepening.status in (Status.COMPLETE, Status.DEPTH) and wide.fault is None:
            assert {h.property: h.depth for h in deepening.hits} == {h.property: h.depth for h in wide.hits}
    return compared


def test_random_models(tmp_path: Path) -> None:
    assert _compare_random(range(7000, 7006), tmp_path) >= 4


@pytest.mark.slow
@pytest.mark.parametrize("part", range(4))
def test_many_random_models(part: int, tmp_path: Path) -> None:
    assert _compare_random(seeds(7100, 24, part, 4), tmp_path) >= 4


@pytest.mark.parametrize("order", [DEPTH, DEEPENING])
def test_a_model_error_with_a_run_into_it(order: SearchOrder) -> None:
    result = search(lower(models.Overflow, {"Order": 2}, Budgets()), order)
    assert result.failure is not None
    assert result.failure.path is not None
    assert "4 is outside int[0..3]" in str(result.failure.error)
    assert len(result.failure.path.transitions) == 4
    assert result.stopped == "model error"
    early = search(lower(models.EarlyOverflow, {"Order": 1}, Budgets()), order)
    assert early.failure is not None
    assert early.failure.path is None


LARGE = lower(Keyed, {"Order": 3, "Worker": 3}, Budgets(2, 1, 1, (("inbox.visibility_expiry", 1),), 2))


@pytest.mark.parametrize("order", [DEPTH, DEEPENING])
@pytest.mark.parametrize(
    ("limits", "stopped"),
    [
        (Limits(states_max=5000), "state limit of 5,000 states"),
        (Limits(time_s_max=0.1), "time limit of 0.1 s"),
        (Limits(memory_bytes_max=100_000), "memory limit of 100 kB"),
    ],
)
def test_limits(order: SearchOrder, limits: Limits, stopped: str) -> None:
    result = search(LARGE, order, limits)
    assert result.stopped == stopped
    left = [verdict for verdict in result.verdicts if verdict.path is None]
    assert left
    for verdict in left:
        assert (verdict.answer, verdict.reason) == (Answer.UNKNOWN, stopped)
        assert (verdict.depth is None) == (order is DEPTH)


@pytest.mark.parametrize("order", [DEPTH, DEEPENING])
def test_ctrl_c_keeps_what_was_found(order: SearchOrder) -> None:
    def interrupt(progress: Progress) -> None:
        raise KeyboardInterrupt

    result = NativeEngine().check(Request(LARGE, report=interrupt, symmetry=False, order=order))
    assert result.stopped == "interrupted"


def test_memory_stays_below_its_limit() -> None:
    """More states than fit: they are forgotten, and the memory stays what it is."""
    limit = 6 * 2**20
    seen: list[Progress] = []
    request = Request(
        LARGE, Limits(memory_bytes_max=limit, time_s_max=5), seen.append, symmetry=False, order=DEPTH
    )
    result = NativeEngine().check(request)
    assert "states were forgotten for lack of memory" in result.notice
    assert seen
    assert all(progress.memory_bytes <= limit for progress in seen)


def test_other_engines_search_breadth_first(monkeypatch: pytest.MonkeyPatch) -> None:
    request = Request(lower(models.Endless, {}, Budgets()), Limits(states_max=100), order=DEPTH)
    with pytest.raises(UserError, match="the explicit engine searches breadth first only"):
        runner.run("explicit", request)
    result = runner.run("native", request)
    assert result.notice.endswith("; the explicit engine searches breadth first")


def test_the_option(project: Project) -> None:
    spec = project.sample("Round", '[expect]\nbelow_three = "violated"\n')
    outcome = project.run("check", "--search", "depth-first", spec)
    assert outcome.code == 0
    assert "  searched depth-first\n" in outcome.out
    assert "counterexample of 3 steps  as" in outcome.out, "told again by a search by depth"
    limited = project.run("check", "-q", "--search", "deepening", "--depth", "2", spec)
    assert (limited.code, "HOLDS UP TO depth 2" in limited.out) == (3, True)
    assert project.run("check", "--search", "sideways", spec).code == 2


def test_a_run_that_may_be_longer_says_so(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "RETELL_STATES_MAX", 1)
    monkeypatch.setattr(runner, "CROSS_CHECK_STATES_MAX", 0)
    spec = project.sample("Ladder", '[expect]\nnot_at_the_top = "violated"\n')
    out = project.run("check", "-q", "--search", "depth-first", spec).out
    assert "not_at_the_top       counterexample of 3 steps, perhaps not the shortest" in out
    out = project.run("check", "-q", "--search", "deepening", spec).out
    assert "not_at_the_top       counterexample of 2 steps  as expected" in out
