"""SqsQueue against what AWS says of standard queues.

| clause (developer guide, API reference)                            | test                                 |
|--------------------------------------------------------------------|--------------------------------------|
| a sent message can be received                                     | test_a_sent_message_can_be_received  |
| best-effort order: any visible message                             | test_messages_come_in_any_order      |
| a received message is hidden while it is in flight                 | test_a_message_in_flight_is_hidden   |
| a deleted message is gone                                          | test_deleting_with_the_current_handle|
| the visibility timeout makes it visible again, the consumer at work| test_visibility_expiry               |
| a dead or finished consumer's message comes back, at no budget     | test_the_timeout_of_an_idle_holder...|
| deleting with an old handle succeeds, and may not delete           | test_a_late_delete_has_both_outcomes |
| the new receiver's delete is unaffected by a late one that did not | test_a_late_delete_that_does_nothing |
| at-least-once: a copy may come again, even after the delete        | test_a_duplicate_outlives_the_delete |
| two equal messages are two messages                                | test_equal_messages_are_counted      |
"""

from __future__ import annotations

from checker.ir.program import Budgets
from checker.ir.values import FrozenMap
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind
from tests.semantics.exploring import initial, machine_of, reachable, steps

from .service_models import Receiving

CALL, FAULT, ACTION, CRASH = StepKind.CALL, StepKind.FAULT, StepKind.ACTION, StepKind.CRASH
RECEIVE, WORK, DELETE = (CALL, "inbox.receive"), (CALL, "work.get"), (CALL, "inbox.delete")
EXPIRY, DUPLICATE = (FAULT, "inbox.visibility_expiry"), (FAULT, "inbox.duplicate")
TIMEOUT = (ACTION, "inbox.visibility_timeout")


def machine(bodies: int = 1, workers: int = 1, **budgets: int) -> Machine:
    faults = tuple((f"inbox.{name}", budgets.get(name, 0)) for name in ("visibility_expiry", "duplicate"))
    return machine_of(
        Receiving, Budgets(crash=budgets.get("crash", 0), component=faults), Body=bodies, Worker=workers
    )


def queue(state: State) -> tuple[FrozenMap, FrozenMap]:
    """Visible messages, and those in flight with their holders."""
    found = [value for value in state.variables if isinstance(value, FrozenMap)]
    return found[0], found[1]


def step(rules: Machine, state: State, kind: tuple[StepKind, str], which: int = 0) -> State:
    return steps(rules, state)[kind][which]


def sent(rules: Machine, *bodies: int) -> State:
    state = initial(rules)
    for body in bodies:
        state = step(rules, state, (ACTION, "send"), body)
    return state


def test_a_sent_message_can_be_received() -> None:
    rules = machine()
    assert RECEIVE not in steps(rules, initial(rules))
    received = step(rules, sent(rules, 0), RECEIVE)
    assert queue(sent(rules, 0)) == (FrozenMap({0: 1}), FrozenMap())
    assert queue(received) == (FrozenMap(), FrozenMap({(0, 0): 1}))


def test_messages_come_in_any_order() -> None:
    rules = machine(bodies=2)
    received = steps(rules, sent(rules, 0, 1))[RECEIVE]
    assert [queue(state)[0] for state in received] == [FrozenMap({1: 1}), FrozenMap({0: 1})]


def test_equal_messages_are_counted() -> None:
    rules = machine()
    twice = sent(rules, 0, 0)
    assert queue(twice)[0] == FrozenMap({0: 2})
    (received,) = steps(rules, twice)[RECEIVE]
    assert queue(received) == (FrozenMap({0: 1}), FrozenMap({(0, 0): 1}))


def test_a_message_in_flight_is_hidden() -> None:
    rules = machine(workers=2)
    received = step(rules, sent(rules, 0), RECEIVE)
    assert RECEIVE not in steps(rules, received)


def test_deleting_with_the_current_handle() -> None:
    rules = machine()
    working = step(rules, sent(rules, 0), RECEIVE)
    (deleted,) = steps(rules, step(rules, working, WORK))[DELETE]
    assert queue(deleted) == (FrozenMap(), FrozenMap())


def test_visibility_expiry() -> None:
    """The message is visible again while its consumer still works on it, and spends the budget."""
    rules = machine(workers=2, visibility_expiry=1)
    received = step(rules, sent(rules, 0), RECEIVE)
    assert TIMEOUT not in steps(rules, received)
    expired = step(rules, received, EXPIRY)
    assert queue(expired) == (FrozenMap({0: 1}), FrozenMap())
    assert EXPIRY not in steps(rules, expired)
    again = steps(rules, expired)[RECEIVE]
    assert queue(again[0])[1] == FrozenMap({(0, 1): 1})


def test_the_timeout_of_an_idle_holder_is_free_and_its_expiry_impossible() -> None:
    """A crashed consumer is idle again: only time can bring its message back, and it does."""
    rules = machine(crash=1, visibility_expiry=1)
    received = step(rules, sent(rules, 0), RECEIVE)
    crashed = step(rules, received, (CRASH, "crash"))
    assert EXPIRY not in steps(rules, crashed)
    back = step(rules, crashed, TIMEOUT)
    assert queue(back) == (FrozenMap({0: 1}), FrozenMap())
    assert back.budgets == crashed.budgets


def test_a_late_delete_has_both_outcomes() -> None:
    """After the expiry the old handle's delete succeeds; it may or may not delete."""
    rules = machine(visibility_expiry=1)
    late = step(rules, step(rules, step(rules, sent(rules, 0), RECEIVE), EXPIRY), WORK)
    kept, gone = steps(rules, late)[DELETE]
    assert queue(kept) == (FrozenMap({0: 1}), FrozenMap())
    assert queue(gone) == (FrozenMap(), FrozenMap())


def test_a_late_delete_that_does_nothing_leaves_the_new_receiver_its_handle() -> None:
    """Worker 0 is late; worker 1 holds the message now. It is deleted under it, or not."""
    rules = machine(workers=2, visibility_expiry=1)
    expired = step(rules, step(rules, sent(rules, 0), RECEIVE), EXPIRY)
    taken = next(s for s in steps(rules, expired)[RECEIVE] if queue(s)[1] == FrozenMap({(0, 1): 1}))
    late = steps(rules, taken)[WORK][0]
    outcomes = [queue(state) for state in steps(rules, late)[DELETE]]
    assert outcomes == [(FrozenMap(), FrozenMap({(0, 1): 1})), (FrozenMap(), FrozenMap())]


def test_a_duplicate_outlives_the_delete() -> None:
    rules = machine(duplicate=1)
    received = step(rules, sent(rules, 0), RECEIVE)
    doubled = step(rules, received, DUPLICATE)
    assert queue(doubled) == (FrozenMap({0: 1}), FrozenMap({(0, 0): 1}))
    deleted = steps(rules, step(rules, doubled, WORK))[DELETE][0]
    assert queue(deleted) == (FrozenMap({0: 1}), FrozenMap())
    assert RECEIVE in steps(rules, deleted)


def test_deleting_the_last_copy_late_does_not_fail() -> None:
    """Whatever happened to the message in between, a delete succeeds."""
    rules = machine(workers=2, visibility_expiry=2, duplicate=1, crash=1)
    waiting = [
        state
        for state in reachable(rules)
        for instance in range(2)
        if rules.label_of(state, instance).call.name == "inbox.delete"
    ]
    assert len(waiting) > 100
    assert all(DELETE in steps(rules, state) for state in waiting)


def test_without_faults_a_message_is_received_once() -> None:
    rules = machine()
    states = reachable(rules)
    assert all(sum(visible.values()) + sum(held.values()) <= 2 for visible, held in map(queue, states))
    assert {name for state in states for _, name in steps(rules, state)} == {
        "send",
        "inbox.receive",
        "work.get",
        "inbox.delete",
    }
