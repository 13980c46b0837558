"""LambdaMapping and LambdaStreamMapping against what AWS says of event source mappings.

| clause (Lambda developer guide)                                      | test                              |
|----------------------------------------------------------------------|-----------------------------------|
| queue: a batch has one message or more                               | test_a_batch_of_a_queue           |
| an empty batchItemFailures is complete success                       | test_no_failures_is_success       |
| listed messages become visible again, the others are deleted         | test_listed_messages_come_again   |
| an exception brings all messages of the batch back                   | test_an_exception_repeats_all     |
| a crashed function's messages come back as well                      | test_a_crash_repeats_all          |
| a message that keeps failing goes to the dead-letter queue           | test_a_poison_message             |
| stream: one batch of a shard at a time                               | test_one_batch_at_a_time          |
| after success the shard goes on behind the batch                     | test_success_goes_on              |
| the checkpoint is the lowest failed sequence number                  | test_the_lowest_failure_counts    |
| an exception repeats the whole batch                                 | test_an_exception_repeats_a_batch |
| when the retries are used up the batch goes to the destination       | test_retries_are_used_up          |
| until then the shard is blocked                                      | test_retries_are_used_up          |
| bisect halves the batch that failed                                  | test_bisect_finds_the_bad_record  |
| and uses no retry                                                    | test_bisect_uses_no_retry         |
"""

from __future__ import annotations

from checker.ir.values import FrozenMap

from .messaging_models import Invoked, InvokedByStream, InvokedInHalves
from .stepping import Scene, scene

NEXT, RESPOND, FAIL = "function.next_batch", "function.respond", "function.fail"


def whole_batches(*bodies: int, **budgets: int) -> list[Scene]:
    """All ways in which a function has just got all messages: what it will answer is decided already."""
    start = scene(Invoked, dict(budgets), Body=2)
    for body in bodies:
        start = start.after("send")[body]
    return [after for after in start.after(NEXT) if len(after.bag("function.visible")) == 0]


def queue(found: Scene) -> tuple[list[object], list[object]]:
    return list(found.bag("function.visible")), list(found.bag("function.in_flight"))


def test_a_batch_of_a_queue() -> None:
    start = scene(Invoked, Body=1).do("send", "send")
    assert {len(after.bag("function.in_flight")) for after in start.after(NEXT)} == {1, 2}


def test_listed_messages_come_again() -> None:
    """Every answer that a function of two different messages can give, by what is visible after it."""
    answered = [after.do(RESPOND) for after in whole_batches(0, 1) if after.can(RESPOND)]
    assert {tuple(visible) for visible, _ in map(queue, answered)} == {(), (0,), (1,), (0, 1)}
    assert all(held == [] for _, held in map(queue, answered))


def test_no_failures_is_success() -> None:
    silent = [after.do(RESPOND) for after in whole_batches(0, 0) if after.can(RESPOND)]
    assert ([], []) in map(queue, silent)


def test_an_exception_repeats_all() -> None:
    raised = [after.do(FAIL) for after in whole_batches(0, 1) if after.can(FAIL)]
    assert raised
    assert all(queue(after) == ([0, 1], []) for after in raised)


def test_a_crash_repeats_all() -> None:
    dead = whole_batches(0, 1, crash=1)[0].do("crash")
    assert queue(dead.do("function.visibility_timeout", "function.visibility_timeout")) == ([0, 1], [])


def test_what_expired_in_the_meantime_is_not_deleted() -> None:
    (late, *_) = [
        after.do("function.visibility_expiry")
        for after in whole_batches(0, **{"function.visibility_expiry": 1})
        if after.can(RESPOND)
    ]
    assert queue(late.do(RESPOND)) == ([0], [])


def test_a_poison_message() -> None:
    once = next(after for after in whole_batches(0) if after.can(FAIL)).do(FAIL)
    twice = next(after for after in once.after(NEXT) if after.can(FAIL)).do(FAIL)
    assert queue(twice) == ([], [])
    assert twice.bag("function.dead_letters") == [0]


def lost(start: Scene, call: str = NEXT) -> list[Scene]:
    """What comes of a call that was applied and whose answer was lost, all attempts used up."""
    return [after for after in start.after(call) if sum(after.state.budgets) < sum(start.state.budgets)]


def test_an_invocation_that_nobody_answers_for_deletes_nothing() -> None:
    """The first invocation's answer is lost with message 0; the second succeeds with message 1."""
    start = scene(Invoked, {"ambiguous": 1}, Body=2).after("send")[0].after("send")[1]
    first = next(after for after in lost(start) if after.bag("function.in_flight") == [(0, 0)])
    answered = [after.do(RESPOND) for after in first.after(NEXT) if after.can(RESPOND)]
    assert answered
    assert all(after.bag("function.in_flight") == [(0, 0)] for after in answered)
    back = answered[0].do("function.visibility_timeout")
    assert 0 in back.bag("function.visible")


# Streams


def stream(*bodies: int, bad: tuple[int, ...] = (), raises: bool = False, workers: int = 1) -> Scene:
    """Records of one shard, and how the function will take them."""
    start = scene(InvokedByStream, Body=3, Shard=1, Worker=workers)
    for body in bad:
        start = start.after("make_bad")[body]
    start = start.do("let_it_raise") if raises else start
    for body in bodies:
        start = start.after("put")[body]
    return start


def checkpoint(found: Scene) -> object:
    kept = found["function.checkpoints"]
    assert isinstance(kept, FrozenMap)
    return kept[0]


def test_one_batch_at_a_time() -> None:
    running = stream(0, 1, workers=2).do((NEXT, 0))
    assert not running.can(NEXT, 1)
    assert running.do(RESPOND).can(NEXT, 1)


def test_success_goes_on() -> None:
    sizes = [checkpoint(after.do(RESPOND)) for after in stream(0, 1, 2).after(NEXT)]
    assert sizes == [1, 2, 3]


def test_the_lowest_failure_counts() -> None:
    """The second and the third of three fail: the first is done, and both come again."""
    failed = stream(0, 1, 2, bad=(1, 2)).after(NEXT)[2].do(RESPOND)
    assert checkpoint(failed) == 1
    assert failed["function.failed_sizes"] == FrozenMap({0: 2})


def test_an_exception_repeats_a_batch() -> None:
    failed = stream(0, 1, bad=(1,), raises=True).after(NEXT)[1].do(FAIL)
    assert checkpoint(failed) == 0
    (again,) = failed.after(NEXT)
    assert again["function.sizes"] == FrozenMap({0: 2})


def test_retries_are_used_up() -> None:
    """One retry: the batch fails twice, then both records are given up, and the shard goes on."""
    failed = stream(0, 1, 2, bad=(0,), raises=True).after(NEXT)[1].do(FAIL)
    assert failed.bag("function.given_up") == []
    given_up = failed.do(NEXT, FAIL)
    assert given_up.bag("function.given_up") == [0, 1]
    assert checkpoint(given_up) == 2
    assert checkpoint(given_up.do(NEXT, RESPOND)) == 3


def test_a_new_batch_has_all_its_retries() -> None:
    failed = stream(0, 0, bad=(0,), raises=True).after(NEXT)[0].do(FAIL, NEXT, FAIL)
    assert failed.bag("function.given_up") == [0]
    assert failed.after(NEXT)[0].do(FAIL).bag("function.given_up") == [0]


def halves(*bodies: int) -> Scene:
    start = scene(InvokedInHalves, Body=2, Shard=1)
    for body in bodies:
        start = start.after("put")[body]
    return start


def test_bisect_finds_the_bad_record() -> None:
    """[1, 0]: the batch fails, its first half succeeds, and the bad record is given up alone."""
    half = halves(1, 0).after(NEXT)[1].do(FAIL)
    assert half["function.failed_sizes"] == FrozenMap({0: 1})
    first = half.do(NEXT, RESPOND)
    assert checkpoint(first) == 1
    alone = first.do(NEXT, FAIL)
    assert alone.bag("function.given_up") == [0]
    assert checkpoint(alone) == 2


def test_bisect_uses_no_retry() -> None:
    """The mapping has no retry at all, and yet halves a batch of three twice."""
    once = halves(0, 1, 1).after(NEXT)[2].do(FAIL)
    assert once.bag("function.given_up") == []
    assert once["function.failures"] == FrozenMap({0: 0})


def test_a_crashed_function_is_invoked_again() -> None:
    start = scene(InvokedInHalves, {"crash": 1}, Body=2, Shard=1).after("put")[1]
    dead = start.do(NEXT, "crash")
    assert checkpoint(dead.do(NEXT, RESPOND)) == 1


def test_an_invocation_that_nobody_answers_for_moves_no_checkpoint() -> None:
    """The answer of the first is lost, on shard 0; the second is on shard 1, and moves that one alone."""
    start = scene(InvokedByStream, {"ambiguous": 1}, Body=1, Shard=2).after("put")[0].after("put")[1]
    first = next(after for after in lost(start) if after["function.running"] == FrozenMap({0: 0}))
    second = next(s for s in first.after(NEXT) if s["function.running"] == FrozenMap({1: 0}))
    assert second.do(RESPOND)["function.checkpoints"] == FrozenMap({0: 0, 1: 1})
