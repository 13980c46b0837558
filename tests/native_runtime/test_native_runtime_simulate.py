"""Random walks in C: reproducible from a seed, for any number of threads."""

from __future__ import annotations

from itertools import pairwise

import pytest

from checker.engines.native.binding import Search
from checker.engines.native.findings import Config, SimulationResult, Status
from tests.native_runtime.building import ALL_ACKED, CREATED_ONCE, NEVER_BACK, STAYS_ACKED, library, small


def _simulate(properties: int, seed: int, threads: int, walks_max: int = 20_000) -> SimulationResult:
    with Search(small(), Config(properties, threads=threads)) as search:
        return search.simulate(seed=seed, depth_max=200, walks_max=walks_max)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_hits_depend_on_the_seed_alone(threads: int) -> None:
    wanted = CREATED_ONCE | ALL_ACKED | NEVER_BACK
    for seed in range(5):
        assert _simulate(wanted, seed, threads).hits == _simulate(wanted, seed, 1).hits
    assert _simulate(wanted, 0, 1).hits != _simulate(wanted, 1, 1).hits


def test_a_walk_is_made_of_steps_and_shows_the_hit() -> None:
    with Search(small(), Config(CREATED_ONCE | NEVER_BACK)) as search:
        result = search.simulate(seed=3, depth_max=200)
        assert result.status is Status.HITS
        assert [hit.property for hit in result.hits] == [1, 3]
        for hit in result.hits:
            assert len(hit.states) == hit.depth + 1
            for before, after in pairwise(hit.states):
                assert after in [state for _, state in search.successors(before)]
        created_twice = result.hits[0].states
        assert any(created_twice[-1][0] >> 8 * order + 4 & 7 == 2 for order in range(3))
        assert not any(created_twice[-2][0] >> 8 * order + 4 & 7 == 2 for order in range(3))


def test_walks_end_at_rest_and_are_counted() -> None:
    result = _simulate(STAYS_ACKED, seed=1, threads=1, walks_max=500)
    assert (result.status, result.walks, result.hits) == (Status.COMPLETE, 500, ())
    assert 18 <= result.depth_reached <= 42
    assert 500 * 18 <= result.steps <= 500 * 42
    assert result.steps == _simulate(STAYS_ACKED, seed=1, threads=1, walks_max=500).steps


@pytest.mark.parametrize("threads", [1, 2])
def test_a_model_error_ends_the_simulation_with_its_walk(threads: int) -> None:
    model = library("order_intake", "FAIL_AT_CREATED=2")
    with Search(model, Config(STAYS_ACKED, threads=threads)) as search:
        result = search.simulate(seed=7, depth_max=200)
        fault = result.fault
        assert result.status is Status.ERROR
        assert fault is not None
        assert (fault.id, fault.step) == (7, 3)
        again = search.simulate(seed=7, depth_max=200).fault
    assert again == fault


def test_time_limit() -> None:
    with Search(small(), Config(STAYS_ACKED)) as search:
        result = search.simulate(seed=1, depth_max=200, time_s_max=0.05)
    assert result.status is Status.TIME
    assert result.walks > 0
