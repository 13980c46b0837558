"""Limits, stops and model errors: a search that ends early says why, and what it has is right."""

from __future__ import annotations

import _thread
import threading
import time
from pathlib import Path

import pytest

from checker.engines.native.binding import Search
from checker.engines.native.findings import Config, Origin, Progress, Status
from checker.engines.native.structures import Library
from checker.errors import InternalError
from tests.native_runtime.building import (
    ALL_ACKED,
    ALL_PROPERTIES,
    CREATED_ONCE,
    NO_DEADLOCK,
    library,
    medium,
    small,
)


def _large() -> Library:
    return library("order_intake", "ORDERS=4", "CONSUMERS=3", "REDELIVERIES=2")


def _endless() -> tuple[Library, Config]:
    """A search that nobody waits out: five hundred million states, or a thousand million bytes."""
    return library("order_intake", "ORDERS=5", "CONSUMERS=3", "REDELIVERIES=2"), Config(
        1, memory_bytes_max=10**9
    )


@pytest.mark.parametrize("threads", [1, 4])
def test_state_limit(threads: int) -> None:
    with Search(small(), Config(ALL_PROPERTIES, threads=threads, states_max=20_000)) as search:
        result = search.run()
        assert result.status is Status.STATES
        assert 20_000 <= result.states < 20_000 + 5_000 * threads
        assert sum(result.level_states) == result.states
        assert len(result.level_states) - 2 <= result.depth_complete < 42
        (hit, *_) = result.hits
        (path,) = search.paths([hit])
        assert len(path) == hit.depth + 1 == 9


@pytest.mark.parametrize("threads", [1, 2])
def test_depth_limit_looks_at_rest_but_not_beyond(threads: int) -> None:
    exact = Config(ALL_ACKED | NO_DEADLOCK, threads=threads, depth_max=18)
    with Search(small(), exact) as search:
        result = search.run()
    assert (result.status, result.depth_complete, len(result.level_states)) == (Status.DEPTH, 18, 19)
    assert [(hit.property, hit.depth) for hit in result.hits] == [(2, 18), (4, 18)]
    with Search(small(), Config(ALL_ACKED | NO_DEADLOCK, threads=threads, depth_max=17)) as search:
        shorter = search.run()
    assert shorter.hits == ()
    assert shorter.level_states == result.level_states[:18]


def test_time_limit() -> None:
    with Search(_large(), Config(1, time_s_max=0.05)) as search:
        result = search.run()
    assert result.status is Status.TIME
    assert 0.05 <= result.seconds < 2


@pytest.mark.parametrize("threads", [1, 2])
def test_memory_limit_is_kept(threads: int) -> None:
    limit = 8_000_000
    with Search(_large(), Config(1, threads=threads, memory_bytes_max=limit)) as search:
        result = search.run()
    assert result.status is Status.MEMORY
    assert result.states > 300_000
    assert result.resident_bytes_peak <= limit * 1.05


def test_no_memory_at_all_is_no_crash() -> None:
    with Search(small(), Config(1, memory_bytes_max=1)) as search:
        result = search.run()
    assert result.status is Status.MEMORY
    assert result.states <= 1


def test_stop_from_another_thread_ends_soon() -> None:
    with Search(_large(), Config(1, threads=2)) as search:
        timer = threading.Timer(0.2, search.stop)
        timer.start()
        begun = time.monotonic()
        result = search.run()
        timer.join()
    assert result.status is Status.CALLER
    assert time.monotonic() - begun < 5
    assert result.states > 1000


def test_progress_is_reported_and_ctrl_c_ends_the_search() -> None:
    seen: list[Progress] = []

    def report(progress: Progress) -> None:
        seen.append(progress)
        _thread.interrupt_main()

    with Search(*_endless()) as search:
        result = search.run(report)
    assert result.status is Status.CALLER
    assert seen
    assert seen[0].states > 0
    assert seen[0].frontier >= seen[0].frontier_done
    assert seen[0].table_slots >= 1 << 16


def test_a_report_that_raises_stops_the_search() -> None:
    def report(progress: Progress) -> None:
        raise ValueError("no terminal")

    with Search(*_endless()) as search, pytest.raises(ValueError, match="no terminal"):
        search.run(report)


@pytest.mark.parametrize("threads", [1, 2, 4])
def test_a_model_error_ends_the_search_after_its_level(threads: int) -> None:
    model = library("order_intake", "FAIL_AT_CREATED=2")
    with Search(model, Config(CREATED_ONCE, threads=threads)) as search:
        result = search.run()
        assert result.status is Status.ERROR
        fault = result.fault
        assert fault is not None
        assert (fault.id, fault.origin, fault.step, fault.depth) == (7, Origin.STEP, 3, 7)
        # The level is complete, and the smallest state that fails is reported.
        failing = []
        states = list(search.states())[: sum(result.level_states[:8])]
        for state in states:
            pcs = [state[0] >> 24 + 6 * consumer & 63 for consumer in range(2)]
            current = [pc >> 3 for pc in pcs if pc & 7 == 2]
            if any(state[0] >> 8 * order + 4 & 7 == 1 for order in current):
                failing.append(state)
        assert fault.state == min(failing)
        assert len(result.level_states) == 9
        (path,) = search.paths([fault])
        assert path[-1] == fault.state
        assert len(path) == 8


def test_an_error_in_a_property_is_a_model_error_but_only_while_it_is_of_interest() -> None:
    with Search(library("fan"), Config(3)) as search:
        fault = search.run().fault
    assert fault is not None
    assert (fault.id, fault.origin, fault.depth, fault.state, fault.step) == (
        5,
        Origin.QUIESCENT,
        1,
        (0, 1),
        None,
    )
    with Search(library("fan"), Config(1)) as search:
        assert search.run().status is Status.COMPLETE


def test_misuse_is_an_internal_error(tmp_path: Path) -> None:
    with pytest.raises(InternalError, match="no compiled model"):
        Library(tmp_path / "none.so")
    search = Search(small(), Config(1))
    with pytest.raises(InternalError, match="words"):
        search.index_of((1, 2))
    search.close()
    search.close()
    with pytest.raises(InternalError, match="closed"):
        search.run()


def test_a_search_that_has_run_gives_its_result_again() -> None:
    with Search(small(), Config(1)) as search:
        assert search.run().states == search.run().states


def test_a_state_that_was_never_reached_has_no_path() -> None:
    with Search(medium(), Config(CREATED_ONCE, depth_max=8)) as search:
        (hit,) = search.run().hits
        alien = type(hit)(hit.property, hit.depth, hit.origin, (1 << 63,), None)
        with pytest.raises(InternalError, match="no predecessor"):
            search.paths([alien])
        assert len(search.paths([hit])[0]) == 9
