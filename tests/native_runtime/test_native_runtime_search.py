"""Breadth-first search in C: exact counts, and the same findings for any number of threads."""

from __future__ import annotations

from itertools import pairwise

import pytest

from checker.engines.native.binding import Search
from checker.engines.native.findings import Config, Origin, PackedState, SearchResult, Status
from checker.engines.native.structures import Library
from tests.native_runtime.building import (
    ALL_PROPERTIES,
    CREATED_ONCE,
    NO_DEADLOCK,
    library,
    medium,
    small,
)


def _run(model: Library, config: Config) -> SearchResult:
    with Search(model, config) as search:
        return search.run()


def _counts(result: SearchResult) -> tuple[int, int, int]:
    """States, transitions as the benchmarks count them, with the initial state, and depth."""
    return result.states, result.transitions + 1, len(result.level_states) - 1


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_order_intake_small_has_the_published_counts(threads: int) -> None:
    result = _run(small(), Config(1, threads=threads))
    assert _counts(result) == (115_552, 339_607, 42)
    assert result.status is Status.COMPLETE
    assert result.hits == ()
    assert result.depth_complete == 42
    assert sum(result.level_states) == result.states
    assert sum(result.coverage) == result.transitions


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_order_intake_medium_has_the_published_counts(threads: int) -> None:
    assert _counts(_run(medium(), Config(1, threads=threads))) == (895_168, 3_613_305, 40)


@pytest.mark.parametrize("words", [2, 3, 5, 9])
def test_states_of_several_words_give_the_same_counts(words: int) -> None:
    result = _run(library("order_intake", f"QC_WORDS={words}"), Config(1, threads=2))
    assert _counts(result) == (115_552, 339_607, 42)


@pytest.mark.parametrize("threads", [1, 2])
def test_two_phase_has_the_published_counts(threads: int) -> None:
    result = _run(library("two_phase"), Config(3, threads=threads))
    assert _counts(result)[:2] == (296_448, 2_744_706)
    assert [hit.property for hit in result.hits] == [1]


@pytest.mark.slow
@pytest.mark.parametrize("threads", [1, 2])
def test_order_intake_large_and_two_phase_8(threads: int) -> None:
    large = library("order_intake", "ORDERS=4", "CONSUMERS=3", "REDELIVERIES=2")
    result = _run(large, Config(1, threads=threads))
    assert _counts(result) == (15_669_376, 69_521_993, 56)
    # Packed state and six bytes for the table, and the workers.
    assert result.resident_bytes_peak < result.states * (8 + 6) + 1_000_000
    assert _counts(_run(library("two_phase", "MANAGERS=8"), Config(1)))[:2] == (1_745_408, 18_507_778)


def test_shortest_counterexample_has_eight_steps() -> None:
    with Search(medium(), Config(CREATED_ONCE, depth_max=8)) as search:
        result = search.run()
        (hit,) = result.hits
        (path,) = search.paths([hit])
    assert result.status is Status.DEPTH
    assert (hit.property, hit.depth, hit.origin, len(path)) == (1, 8, Origin.STATE, 9)


def test_threads_change_nothing_that_is_reported() -> None:
    seen: list[tuple[SearchResult, list[tuple[PackedState, ...]]]] = []
    for threads in (1, 2, 3, 4, 4):
        with Search(small(), Config(ALL_PROPERTIES, threads=threads)) as search:
            result = search.run()
            seen.append((result, search.paths(result.hits)))
    first, first_paths = seen[0]
    assert [hit.property for hit in first.hits] == [1, 2, 3, 4]
    for result, paths in seen:
        assert paths == first_paths
        assert result.hits == first.hits
        assert result.coverage == first.coverage
        assert result.level_states == first.level_states


def test_hits_are_the_smallest_of_their_level() -> None:
    """Against a plain search in Python over the same packed states."""
    with Search(small(), Config(ALL_PROPERTIES, threads=2)) as search:
        result = search.run()
        (created_twice, _, stepped_back, at_rest) = result.hits
        levels: list[list[PackedState]] = []
        states = search.states()
        for count in result.level_states[:20]:
            levels.append([next(states) for _ in range(count)])

        def created_at_most_once(state: PackedState) -> bool:
            return all((state[0] >> 8 * order + 4) & 7 <= 1 for order in range(3))

        assert created_twice.state == min(s for s in levels[8] if not created_at_most_once(s))
        assert all(created_at_most_once(state) for level in levels[:8] for state in level)
        steps = [
            (after, before) for before in levels[2] for step, after in search.successors(before) if step == 6
        ]
        assert (stepped_back.state, stepped_back.before) == min(steps)
        assert at_rest.state == min(state for state in levels[18] if search.successors(state) == [])
        assert (stepped_back.depth, at_rest.depth) == (3, 18)


def test_every_path_is_made_of_steps_and_is_the_smallest_backwards() -> None:
    with Search(small(), Config(ALL_PROPERTIES, threads=2)) as search:
        result = search.run()
        paths = search.paths(result.hits)
        for hit, path in zip(result.hits, paths, strict=True):
            assert len(path) == hit.depth + 1
            assert path[0] == (0,)
            assert path[-1] == hit.state
            if hit.before is not None:
                assert path[-2] == hit.before
            for before, after in pairwise(path):
                assert after in [state for _, state in search.successors(before)]
        created_twice = paths[0]
        states = list(search.states())
        begin = sum(result.level_states[:7])
        level = states[begin : begin + result.level_states[7]]
        predecessors = [s for s in level if created_twice[8] in (n for _, n in search.successors(s))]
        assert created_twice[7] == min(predecessors)


@pytest.mark.parametrize("threads", [1, 4])
def test_stored_states_are_distinct_closed_and_in_order_of_depth(threads: int) -> None:
    with Search(small(), Config(1, threads=threads)) as search:
        result = search.run()
        states = list(search.states())
        assert len(set(states)) == len(states) == result.states
        for index in range(0, len(states), 997):
            assert search.index_of(states[index]) == index
            assert all(search.index_of(state) is not None for _, state in search.successors(states[index]))
        assert search.index_of((1 << 63,)) is None


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_tables_that_fill_within_one_expansion(threads: int) -> None:
    """Wide fans: states spill, the table grows between rounds, nothing is lost or stored twice."""
    with Search(library("fan"), Config(NO_DEADLOCK >> 4, threads=threads)) as search:
        result = search.run()
        assert result.level_states == (4096, 4096 * 73)
        assert len(set(search.states())) == result.states
        assert result.coverage == (0, 4096 * 73)
        (hit,) = result.hits
        assert (hit.depth, hit.origin, hit.state) == (1, Origin.QUIESCENT, (0, 1))
    with Search(library("fan", "LINES=1"), Config(1, threads=threads)) as search:
        assert search.run().level_states == (1, 300_000)
        assert len(search.successors((0, 0))) == 300_000
