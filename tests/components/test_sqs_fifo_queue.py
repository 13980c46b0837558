"""SqsFifoQueue against what AWS says of FIFO queues.

| clause (developer guide, API reference)                              | test                              |
|----------------------------------------------------------------------|-----------------------------------|
| messages of one group come in the order of their sends               | test_order_within_a_group         |
| other groups are independent                                         | test_groups_do_not_wait           |
| a group with a message in flight is blocked                          | test_a_group_in_flight_is_blocked |
| a message that comes back is again the first of its group            | test_a_message_comes_back_first   |
| a repeated deduplication id is accepted and changes nothing          | test_a_repeated_id_is_ignored     |
| the window covers the whole queue, not one group                     | test_the_window_is_queue_wide     |
| it persists after the delete                                         | test_the_window_outlives_a_delete |
| it ends after five minutes: the resend is a second message           | test_the_window_ends              |
| the SDK's retry after a lost answer is no second message             | test_a_retried_send               |
| unless the window ended in between                                   | test_a_retry_after_the_window     |
| after the visibility timeout another consumer gets the message       | test_a_late_delete_fails          |
| the late delete fails, unlike on a standard queue                    | test_a_late_delete_fails          |
"""

from __future__ import annotations

from .messaging_models import Grouped, Producing
from .stepping import Scene, scene

EXPIRY = {"queue.visibility_expiry": 1}
RECEIVE, WORK, DELETE = "queue.receive", "elsewhere.get", "queue.delete"


def sent(start: Scene, *messages: tuple[int, int]) -> Scene:
    """Messages as pairs of body and group, sent in turn; there are two groups."""
    for body, group in messages:
        start = start.after("send")[2 * body + group]
    return start


def grouped(budgets: dict[str, int] | None = None, workers: int = 1) -> Scene:
    return scene(Grouped, budgets, Body=2, Group=2, Worker=workers)


def test_order_within_a_group() -> None:
    for first, second in ((0, 1), (1, 0)):
        done = sent(grouped(), (first, 0), (second, 0)).do(RECEIVE, WORK, DELETE, RECEIVE, WORK, DELETE)
        assert done["done"] == (first, second)


def test_groups_do_not_wait() -> None:
    start = sent(grouped(workers=2), (0, 0), (1, 1))
    assert len(start.after(RECEIVE, 0)) == 2
    assert start.do((RECEIVE, 0)).can(RECEIVE, 1)


def test_a_group_in_flight_is_blocked() -> None:
    start = sent(grouped(workers=2), (0, 0), (1, 0))
    taken = start.do((RECEIVE, 0))
    assert not taken.can(RECEIVE, 1)
    assert taken.do((WORK, 0), (DELETE, 0)).can(RECEIVE, 1)


def test_a_message_comes_back_first() -> None:
    start = sent(grouped({"crash": 1}), (0, 0), (1, 0))
    back = start.do(RECEIVE, "crash", "queue.visibility_timeout")
    assert back.do(RECEIVE, WORK, DELETE)["done"] == (0,)


def test_the_timeout_of_a_consumer_at_work_costs_a_budget() -> None:
    taken = sent(grouped(), (0, 0)).do(RECEIVE)
    assert taken.names() == {"send", WORK}


def test_a_repeated_id_is_ignored() -> None:
    assert sent(grouped(), (0, 0), (0, 0))["queue.groups"] == sent(grouped(), (0, 0))["queue.groups"]


def test_the_window_is_queue_wide() -> None:
    assert sent(grouped(), (0, 0), (0, 1))["queue.groups"] == sent(grouped(), (0, 0))["queue.groups"]


def test_the_window_outlives_a_delete() -> None:
    deleted = sent(grouped(), (0, 0)).do(RECEIVE, WORK, DELETE)
    assert not sent(deleted, (0, 0)).can(RECEIVE)


def test_the_window_ends() -> None:
    deleted = sent(grouped({"queue.dedup_window_expiry": 1}), (0, 0)).do(RECEIVE, WORK, DELETE)
    assert sent(deleted.do("queue.dedup_window_expiry"), (0, 0)).can(RECEIVE)


def lost(budgets: dict[str, int]) -> Scene:
    """A producer whose first answer was lost: the message is there, and the SDK is about to try again."""
    start = scene(Producing, {"ambiguous": 1, **budgets}, attempts=2)
    sends = start.after("queue.send")
    (unanswered,) = [s for s in sends if sum(s.state.budgets) < sum(start.state.budgets)]
    assert unanswered["queue.groups"] == sends[0]["queue.groups"]
    return unanswered


def test_a_retried_send() -> None:
    before = lost({})
    assert before.do("queue.send")["queue.groups"] == before["queue.groups"]


def test_a_retry_after_the_window() -> None:
    before = lost({"queue.dedup_window_expiry": 1})
    twice = before.do("queue.dedup_window_expiry", "queue.send")["queue.groups"]
    assert dict(twice) == {0: (0, 0)}


def test_a_late_delete_fails() -> None:
    """Worker 0 stalls, worker 1 gets the message and deletes it; then worker 0 is told."""
    late = sent(grouped(EXPIRY, workers=2), (0, 0)).do(
        (RECEIVE, 0), "queue.visibility_expiry", (RECEIVE, 1), (WORK, 0)
    )
    refused = late.do((DELETE, 0))
    assert refused["refused"] is True
    assert refused["queue.groups"] == late["queue.groups"]
    assert refused.do((WORK, 1), (DELETE, 1))["done"] == (0,)


def test_a_late_delete_fails_even_where_nobody_else_has_the_message() -> None:
    late = sent(grouped(EXPIRY), (0, 0)).do(RECEIVE, "queue.visibility_expiry", WORK, DELETE)
    assert late["refused"] is True
    assert late.can(RECEIVE)
