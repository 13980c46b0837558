"""SqsQueue's batches and SqsQueueWithDlq against what AWS says of them.

| clause (developer guide, API reference)                              | test                              |
|----------------------------------------------------------------------|-----------------------------------|
| a receive returns one to ten messages, also fewer than there are     | test_a_batch_has_any_number       |
| a batch comes in any order                                           | test_a_batch_has_any_order        |
| each message of a batch is deleted by itself                         | test_a_batch_is_deleted_one_by_one|
| visibility timeout 0 gives a message back at once                    | test_release                      |
| with an old handle it changes nothing                                | test_release_with_an_old_handle   |
| maxReceiveCount receives without a delete: the dead-letter queue     | test_dead_letter                  |
| a receive that is followed by the delete counts for nothing later    | test_a_delete_forgets_the_count   |
| a redrive brings it back, and counts anew                            | test_redrive                      |
| messages are dropped after their retention, dead letters as well     | test_retention                    |
| maxReceiveCount is at least 1                                        | test_bad_settings                 |
| a queue without a redrive policy has no such state, and no such fault| test_a_plain_queue_pays_nothing   |
"""

from __future__ import annotations

import pytest

from checker.components import SqsQueueWithDlq
from checker.dsl import Model
from checker.dsl.lowering import lower
from checker.errors import UserError
from checker.ir.program import Budgets

from .messaging_models import Batches, Body, DeadLetters, Releasing
from .stepping import Scene, scene

FAULTS = ("redrive", "retention_expiry", "dead_letter_expiry")


def bodies(found: list[Scene], held: str = "inbox.in_flight") -> set[tuple[int, ...]]:
    return {tuple(element[0] for element in after.bag(held)) for after in found}


def test_a_batch_has_any_number() -> None:
    sent = scene(Batches, Body=1).do("send", "send", "send")
    assert bodies(sent.after("inbox.receive_batch")) == {(0,), (0, 0), (0, 0, 0)}


def test_a_batch_has_at_most_ten_messages() -> None:
    start = scene(Batches, Body=1)
    names = [variable.name for variable in start.machine.program.variables]
    values = list(start.state.variables)
    values[names.index("inbox.visible")] = type(start["inbox.visible"])({0: 12})
    full = Scene(start.machine, start.state._replace(variables=tuple(values)))
    sizes = {len(after.bag("inbox.in_flight")) for after in full.after("inbox.receive_batch")}
    assert sizes == set(range(1, 11))


def test_a_batch_has_any_order() -> None:
    """Both orders of two messages: the worker deletes the first of its batch first."""
    sent = scene(Batches, Body=2).after("send")[0].after("send")[1]
    both = [after for after in sent.after("inbox.receive_batch") if len(after.bag("inbox.in_flight")) == 2]
    left = {tuple(after.do("inbox.delete").bag("inbox.in_flight")) for after in both}
    assert left == {((0, 0),), ((1, 0),)}


def test_a_batch_is_deleted_one_by_one() -> None:
    whole = scene(Batches, {"crash": 1}).do("send", "send").after("inbox.receive_batch")[-1]
    assert len(whole.bag("inbox.in_flight")) == 2
    dead = whole.do("inbox.delete", "crash", "inbox.visibility_timeout")
    assert dead.bag("inbox.visible") == [0]
    assert dead.bag("inbox.in_flight") == []


def test_release() -> None:
    received = scene(Releasing).do("send", "inbox.receive", "elsewhere.get")
    released = received.do("inbox.release")
    assert received.bag("inbox.visible") == []
    assert released.bag("inbox.visible") == [0]
    assert released.can("inbox.receive")


def test_release_with_an_old_handle() -> None:
    """Worker 0 is late; the message is in the hands of worker 1, and stays there."""
    late = scene(Releasing, {"inbox.visibility_expiry": 1}, Worker=2).do(
        "send", ("inbox.receive", 0), "inbox.visibility_expiry", ("inbox.receive", 1), ("elsewhere.get", 0)
    )
    (after,) = late.after("inbox.release", 0)
    assert after.bag("inbox.in_flight") == [(0, 1)]


def release(start: Scene) -> Scene:
    """Receive the message and give it back."""
    taken = next(s for s in start.after("inbox.receive") if s.can("inbox.release"))
    return taken.do("inbox.release")


def test_dead_letter() -> None:
    """Two receives without a delete; the message is gone from the queue."""
    once = release(scene(DeadLetters).do("send"))
    assert (once.bag("inbox.visible"), once.bag("inbox.dead_letters")) == ([0], [])
    twice = release(once)
    assert (twice.bag("inbox.visible"), twice.bag("inbox.dead_letters")) == ([], [0])
    assert not twice.can("inbox.receive")


def test_a_message_of_a_dead_consumer_goes_to_the_dead_letter_queue_too() -> None:
    once = release(scene(DeadLetters, {"crash": 1}).do("send"))
    crashed = once.do("inbox.receive", "crash", "inbox.visibility_timeout")
    assert crashed.bag("inbox.dead_letters") == [0]


def test_an_expiry_under_a_working_consumer_counts_as_well() -> None:
    once = release(scene(DeadLetters, {"inbox.visibility_expiry": 1}).do("send"))
    expired = once.do("inbox.receive", "inbox.visibility_expiry")
    assert expired.bag("inbox.dead_letters") == [0]


def test_a_delete_forgets_the_count() -> None:
    once = release(scene(DeadLetters).do("send"))
    taken = next(s for s in once.after("inbox.receive") if s.can("inbox.delete"))
    assert len(taken["inbox.receives"]) == 1
    deleted = taken.do("inbox.delete")
    assert len(deleted["inbox.receives"]) == 0
    assert release(deleted.do("send")).bag("inbox.visible") == [0]


def test_redrive() -> None:
    dead = release(release(scene(DeadLetters, {"inbox.redrive": 1}).do("send")))
    back = dead.do("inbox.redrive")
    assert (back.bag("inbox.visible"), back.bag("inbox.dead_letters")) == ([0], [])
    again = release(back)
    assert again.bag("inbox.visible") == [0]
    assert release(again).bag("inbox.dead_letters") == [0]


def test_retention() -> None:
    budgets = {"inbox.retention_expiry": 1, "inbox.dead_letter_expiry": 1}
    sent = scene(DeadLetters, budgets).do("send")
    assert sent.do("inbox.retention_expiry").bag("inbox.visible") == []
    dropped = release(release(sent)).do("inbox.dead_letter_expiry")
    assert dropped.bag("inbox.dead_letters") == []


def test_a_message_in_flight_is_not_dropped() -> None:
    """Its consumer has it: what is lost there is lost by the consumer."""
    received = scene(DeadLetters, {"inbox.retention_expiry": 1}).do("send", "inbox.receive")
    assert not received.can("inbox.retention_expiry")


class NoReceives(SqsQueueWithDlq[Body]):
    """A redrive policy that AWS refuses."""

    max_receive_count = 0


class NeverReceiving(Model):
    """A model of it."""

    inbox: NoReceives


def test_bad_settings() -> None:
    with pytest.raises(UserError) as caught:
        lower(NeverReceiving, {"Body": 1}, Budgets())
    assert "the initial value of 'max_receive_count': 0 is outside int[1..7]" in caught.value.what


def test_a_plain_queue_pays_nothing() -> None:
    program = scene(Batches).machine.program
    assert [v.name for v in program.variables if v.component == "inbox"] == [
        "inbox.visible",
        "inbox.in_flight",
    ]
    assert [name for name, _ in program.budgets.component] == ["inbox.visibility_expiry", "inbox.duplicate"]
    more = scene(DeadLetters).machine.program.budgets.component
    assert {name for name, _ in more} >= {f"inbox.{fault}" for fault in FAULTS}
