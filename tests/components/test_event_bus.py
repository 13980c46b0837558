"""EventBus against what AWS says of EventBridge.

| clause (user guide, API reference)                                   | test                              |
|----------------------------------------------------------------------|-----------------------------------|
| an event goes to all targets whose rules match                       | test_fan_out                      |
| each delivery is by itself: one target may have it, another not      | test_partial_delivery             |
| no order                                                             | test_any_order                    |
| a delivery that fails is tried again                                 | test_a_failed_delivery_is_retried |
| a target may get an event more than once                             | test_duplicate                    |
| after the last retry it is dropped                                   | test_drop                         |
| or goes to the dead-letter queue, from where it can be redriven      | test_dead_letter_queue            |
| PutEvents can refuse some entries, and says which                    | test_refused_entries              |
| a replay sends archived events again, in any order, to all rules     | test_replay                       |
| or to those that it names                                            | test_replay_to_some_rules         |
| replayed events are not archived again                               | test_replay                       |
| a cross-Region rule delivers later, twice, or never                  | test_crossing                     |
"""

from __future__ import annotations

from .messaging_models import Archiving, Crossing, PuttingSeveral, Routing
from .stepping import Scene, scene

BILLING, SHIPPING = 0, 1
RECEIVE, DONE = "bus.receive", "bus.done"


def routing(budgets: dict[str, int] | None = None, workers: int = 1) -> Scene:
    return scene(Routing, budgets, Body=2, Worker=workers)


def test_fan_out() -> None:
    """The rule of shipping matches body 0 alone."""
    zero, one = routing().after("put")
    assert zero.bag("bus.pending") == [(BILLING, 0), (SHIPPING, 0)]
    assert one.bag("bus.pending") == [(BILLING, 1)]
    assert one.bag("kept.pending") == [(BILLING, 1), (SHIPPING, 1)]


def test_partial_delivery() -> None:
    delivered = routing().do("put", RECEIVE, DONE)
    assert delivered["done"] == (0,)
    assert delivered.bag("bus.pending") == [(SHIPPING, 0)]
    assert delivered.bag("bus.running") == []


def test_any_order() -> None:
    both = routing().after("put")[0].after("put")[1]
    assert {after.do(DONE)["done"] for after in both.after(RECEIVE)} == {(0,), (1,)}


def test_a_failed_delivery_is_retried() -> None:
    dead = routing({"crash": 1}).do("put", RECEIVE, "crash")
    assert dead.bag("bus.pending") == [(SHIPPING, 0)]
    assert dead.do("bus.retry", RECEIVE, DONE)["done"] == (0,)


def test_a_delivery_in_progress_is_not_retried() -> None:
    assert not routing().do("put", RECEIVE).can("bus.retry")


def test_duplicate() -> None:
    again = routing({"bus.duplicate": 1}).do("put", RECEIVE, "bus.duplicate", DONE, RECEIVE, DONE)
    assert again["done"] == (0, 0)


def test_drop() -> None:
    dropped = routing({"bus.drop": 1}).do("put", "bus.drop")
    assert dropped.bag("bus.pending") == [(SHIPPING, 0)]
    assert dropped.bag("bus.dead_letters") == []


def test_dead_letter_queue() -> None:
    kept = routing({"kept.drop": 1, "kept.redrive": 1}).do("put", "kept.drop")
    assert kept.bag("kept.dead_letters") == [(BILLING, 0)]
    assert kept.do("kept.redrive").bag("kept.pending") == [(BILLING, 0), (SHIPPING, 0)]


def test_refused_entries() -> None:
    start = scene(PuttingSeveral, {"bus.refuse_entry": 1}, Body=2)
    (all_accepted,) = start.after("bus.put_all")
    assert all_accepted["refused"] == frozenset()
    throttled = start.do("bus.refuse_entry").after("bus.put_all")
    assert [after["refused"] for after in throttled] == [frozenset(), frozenset({1}), frozenset({0})]
    for after in throttled:
        accepted = {event for _, event in after.bag("bus.pending")}
        assert accepted == {0, 1} - after["refused"]


def archiving() -> Scene:
    budgets = {"bus.replay": 1, "filtered.replay": 1}
    return scene(Archiving, budgets, Body=2).after("put")[0].after("put")[1]


def test_replay() -> None:
    start = archiving()
    assert start["bus.archive"] == frozenset({0, 1})
    replayed = start.after("bus.replay")
    assert len(replayed) == 2
    assert [after.bag("bus.pending").count((BILLING, body)) for body, after in enumerate(replayed)] == [2, 2]
    assert all(after["bus.archive"] == start["bus.archive"] for after in replayed)


def test_replay_to_some_rules() -> None:
    first, _ = archiving().after("filtered.replay")
    assert first.bag("filtered.pending").count((BILLING, 0)) == 1
    assert first.bag("filtered.pending").count((SHIPPING, 0)) == 2


def test_crossing() -> None:
    start = scene(Crossing, {"bus.cross_twice": 1, "bus.cross_never": 1}, Body=1).do("put")
    both = [(BILLING, 0), (SHIPPING, 0)]
    assert (start.bag("bus.home.pending"), start.bag("bus.away.pending")) == (both, [])
    assert start.do("bus.cross").bag("bus.away.pending") == both
    assert start.do("bus.cross_twice", "bus.cross").bag("bus.away.pending") == sorted(both + both)
    assert start.do("bus.cross_never").bag("bus.away.pending") == []
    assert not start.do("bus.cross_never").can("bus.cross")
