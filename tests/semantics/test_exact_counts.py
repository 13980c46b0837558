"""Exact numbers of states and transitions, derived by hand or by brute force over plain tuples."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checker.ir.program import Budgets

from .exploring import Counts, brute_force, counts, machine_of
from .small_models import (
    Benchmark,
    BumpingOnce,
    Crashing,
    Locking,
    Piping,
    TwoCounters,
    TwoPhase,
    Updating,
)


def test_two_counters() -> None:
    """a in 0..3 and b in 0..2: 4 x 3 states; a moves in 3 of 4 columns of 3, b in 2 of 3 rows of 4."""
    assert counts(machine_of(TwoCounters)) == Counts(4 * 3, 3 * 3 + 2 * 4)


@pytest.mark.parametrize("workers", [1, 2, 3, 5])
def test_a_lock(workers: int) -> None:
    """Free, or held by one of the workers; each of them can take it and give it back."""
    assert counts(machine_of(Locking, Worker=workers)) == Counts(1 + workers, 2 * workers)


def test_producer_and_consumer() -> None:
    """Sequences of two colors up to length 2: 1 + 2 + 4 states.

    Puts: 2 colors from each of the 1 + 2 states that are not full; takes: 1 from each of the 2 + 4 others.
    """
    assert counts(machine_of(Piping)) == Counts(7, 2 * 3 + 6)


@pytest.mark.parametrize("workers", [1, 2, 3])
def test_lost_updates(workers: int) -> None:
    """A state is the value, and for every worker what it has read, or None."""

    def following(state: tuple[int | None, ...]) -> Iterator[tuple[int | None, ...]]:
        value, *seen = state
        for worker, known in enumerate(seen):
            changed = list(seen)
            changed[worker] = value if known is None else None
            yield (value if known is None else (known + 1) % 3, *changed)

    expected = brute_force((0, *[None] * workers), following)
    assert counts(machine_of(Updating, Worker=workers)) == expected
    assert expected.transitions == workers * expected.states
    if workers == 1:
        # It reads 0, 1, 2 in turn, and writes the next one: six places of one circle.
        assert expected == Counts(6, 6)


@pytest.mark.parametrize("crashes", [0, 1, 2])
def test_a_worker_with_crashes(crashes: int) -> None:
    """A state is the value, the place (bump, read, write with what was kept), and the crashes left."""

    def following(state: tuple[int, str, int, int]) -> Iterator[tuple[int, str, int, int]]:
        value, place, kept, left = state
        match place:
            case "bump":
                yield (value + 1) % 4, "read", 0, left
            case "read":
                yield value, "write", value, left
            case "write":
                yield kept, "bump", 0, left
        if left and place != "bump":
            yield value, "bump", 0, left - 1

    expected = brute_force((0, "bump", 0, crashes), following)
    assert counts(machine_of(Crashing, Budgets(crash=crashes))) == expected
    # Without a crash: a circle of 4 values x 3 places. Each crash adds a copy of it, and 2 ways in per value.
    assert expected == Counts(12 * (crashes + 1), 12 * (crashes + 1) + 8 * crashes)


def test_a_lost_answer_that_is_tried_again() -> None:
    """Values 0..3, each either fresh, or applied and waiting for its retry, with the answer lost or not.

    Before the loss: 4 states, each with its call and its loss. After the loss: the 4 states of the retry,
    each answered without being applied again, and the 4 states in which nothing is left to go wrong.
    """
    machine = machine_of(BumpingOnce, Budgets(ambiguous=1, max_attempts=2))
    assert counts(machine) == Counts(4 + 4 + 4, 4 * 2 + 4 + 4)


@pytest.mark.parametrize(("managers", "states"), [(1, None), (2, None), (3, 288), (5, 8_832)])
def test_two_phase_commit(managers: int, states: int | None) -> None:
    """288 and 8,832 states are what Stateright and the TLA+ examples publish for 3 and 5 managers."""
    everyone = range(managers)
    work, ready, done, dead = range(4)

    def put(phases: tuple[int, ...], manager: int, phase: int) -> tuple[int, ...]:
        return (*phases[:manager], phase, *phases[manager + 1 :])

    State = tuple[tuple[int, ...], int, frozenset[int], frozenset[int], bool, bool]

    def following(state: State) -> Iterator[State]:
        phases, decided, heard, sent, commit, abort = state
        if decided == work and len(heard) == managers:
            yield phases, done, heard, sent, True, abort
        if decided == work:
            yield phases, dead, heard, sent, commit, True
        for manager in everyone:
            if decided == work and manager in sent:
                yield phases, decided, heard | {manager}, sent, commit, abort
            if phases[manager] == work:
                yield put(phases, manager, ready), decided, heard, sent | {manager}, commit, abort
                yield put(phases, manager, dead), decided, heard, sent, commit, abort
            if commit:
                yield put(phases, manager, done), decided, heard, sent, commit, abort
            if abort:
                yield put(phases, manager, dead), decided, heard, sent, commit, abort

    start: State = ((work,) * managers, work, frozenset(), frozenset(), False, False)
    expected = brute_force(start, following)
    assert states is None or expected.states == states
    assert counts(machine_of(TwoPhase, ResourceManager=managers)) == expected


def _benchmark(orders: int, consumers: int, redeliveries: int) -> Counts:
    """order_intake(N, C, R) over tuples.

    Per order: status, redeliveries, times created, whether recorded. Per consumer: its place, its order.
    """
    Order = tuple[str, int, int, bool]
    Consumer = tuple[str, int]
    State = tuple[tuple[Order, ...], tuple[Consumer, ...]]

    def following(state: State) -> Iterator[State]:
        every, workers = state

        def with_order(number: int, order: Order) -> tuple[Order, ...]:
            return (*every[:number], order, *every[number + 1 :])

        def with_worker(number: int, worker: Consumer) -> tuple[Consumer, ...]:
            return (*workers[:number], worker, *workers[number + 1 :])

        for number, (status, again, created, recorded) in enumerate(every):
            if status == "new":
                yield with_order(number, ("visible", again, created, recorded)), workers
            if status == "visible":
                for worker, (pc, _) in enumerate(workers):
                    if pc == "idle":
                        taken = with_order(number, ("in flight", again, created, recorded))
                        yield taken, with_worker(worker, ("read", number))
        for worker, (pc, number) in enumerate(workers):
            if pc == "idle":
                continue
            status, again, created, recorded = every[number]
            if pc == "read":
                yield every, with_worker(worker, ("ack" if recorded else "create", number))
            if pc == "create":
                more = with_order(number, (status, again, created + 1, recorded))
                yield more, with_worker(worker, ("record", number))
            if pc == "record":
                noted = with_order(number, (status, again, created, True))
                yield noted, with_worker(worker, ("ack", number))
            if pc == "ack":
                acked = with_order(number, ("acked", again, created, recorded))
                yield acked, with_worker(worker, ("idle", -1))
            if again < redeliveries:
                back = with_order(number, ("visible", again + 1, created, recorded))
                yield back, with_worker(worker, ("idle", -1))

    start: State = ((("new", 0, 0, False),) * orders, (("idle", -1),) * consumers)
    return brute_force(start, following)


def _benchmark_counts(orders: int, consumers: int, redeliveries: int) -> Counts:
    return counts(machine_of(Benchmark, Order=orders, Consumer=consumers, Redelivery=redeliveries))


@pytest.mark.parametrize("size", [(1, 1, 1), (1, 2, 1), (2, 1, 2), (2, 2, 1)])
def test_the_benchmark(size: tuple[int, int, int]) -> None:
    assert _benchmark_counts(*size) == _benchmark(*size)


@pytest.mark.slow
def test_the_benchmark_s() -> None:
    """Size S of the benchmarks, as SPIN, TLC and rumur count it: 339,607 includes the initial state."""
    assert _benchmark(3, 2, 2) == Counts(115_552, 339_607 - 1)
    assert _benchmark_counts(3, 2, 2) == Counts(115_552, 339_607 - 1)
