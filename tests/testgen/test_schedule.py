"""Every kind of step becomes the line of a test that makes the lab take it."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from checker.components import SqsQueue
from checker.dsl import Index, Model, action, always, process
from checker.dsl.declarations import Model as AnyModel
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.errors import UserError
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind
from checker.testgen.schedule import Line, schedule_of
from checker.trace.trace import Step, Trace, replay
from models.order_intake import DeleteFirst, Keyed, MarkerFirst, Naive, Transactional
from tests.engines.sample_models import Store
from tests.trace.runs import run_of

EVERY_FAULT = Budgets(
    crash=1,
    fail=2,
    ambiguous=1,
    component=(("inbox.visibility_expiry", 1), ("inbox.duplicate", 1)),
    max_attempts=2,
)


def trace_of(model: type[AnyModel], wanted: Iterable[str], budgets: Budgets = EVERY_FAULT) -> Trace:
    """A run by its steps: ``kind actor name`` of each, the last alternative of each choice."""
    lowered = lower(model, dict.fromkeys(index_sets_of(model), 2), budgets)
    machine = Machine(lowered.program)
    state = next(s.outcome for s in machine.initial_states() if isinstance(s.outcome, State))
    initial, path = state, []
    for words in wanted:
        kind, process, name = words.split()
        fitting = [
            successor
            for successor in machine.successors(state)
            if (successor.transition.kind, successor.transition.process) == (StepKind(kind), int(process))
            and successor.transition.name.split("(")[0] == name
        ]
        first = [s for s in fitting if s.transition.parameters == fitting[0].transition.parameters]
        assert first, f"{words} is not enabled"
        assert isinstance(first[-1].outcome, State)
        path.append(first[-1].transition)
        state = first[-1].outcome
    return replay(machine, initial, path)


def code(trace: Trace) -> list[str]:
    return [line.code for line in schedule_of(trace)]


RECEIVED = ["action -1 place", "call 0 inbox.receive"]


def test_actions_receives_reads_and_writes() -> None:
    run = [*RECEIVED, "call 0 seen.get", "call 0 orders.insert", "call 0 seen.put", "call 0 inbox.delete"]
    assert code(trace_of(Naive, run)) == [
        'lab.act("place", order="order-0")',
        'lab.call("worker-0", "inbox.receive", delivers={"order": "order-0"})',
        'lab.call("worker-0", "seen.get", key="order-0")',
        'lab.call("worker-0", "orders.insert", values={"order": "order-0", "created_by": "worker-0"})',
        'lab.call("worker-0", "seen.put", key="order-0")',
        'lab.call("worker-0", "inbox.delete")',
    ]


def test_a_call_that_fails_and_its_retry() -> None:
    run = [*RECEIVED, "fail 0 seen.put_if_absent", "call 0 seen.put_if_absent"]
    assert code(trace_of(MarkerFirst, run))[2:] == [
        'lab.call("worker-0", "seen.put_if_absent", key="order-0", fault="fail_before")',
        'lab.call("worker-0", "seen.put_if_absent", key="order-0", attempt=2)',
    ]


def test_a_call_that_fails_for_good() -> None:
    run = [*RECEIVED, "fail 0 seen.put_if_absent"]
    trace = trace_of(MarkerFirst, run, Budgets(fail=1, max_attempts=1))
    assert code(trace)[2:] == [
        'lab.call("worker-0", "seen.put_if_absent", key="order-0", fault="fail_before")'
    ]


def test_a_lost_answer_and_a_retry_that_is_refused() -> None:
    run = [*RECEIVED, "ambiguous 0 seen.put_if_absent", "call 0 seen.put_if_absent"]
    assert code(trace_of(MarkerFirst, run))[2:] == [
        'lab.call("worker-0", "seen.put_if_absent", key="order-0", fault="drop_response")',
        'lab.call("worker-0", "seen.put_if_absent", key="order-0", '
        'raises="ConditionalCheckFailed", attempt=2)',
    ]


def test_a_retry_of_a_call_that_was_applied() -> None:
    run = [*RECEIVED, "call 0 inbox.delete", "ambiguous 0 orders.insert", "call 0 orders.insert"]
    assert code(trace_of(DeleteFirst, run))[3:] == [
        'lab.call("worker-0", "orders.insert", '
        'values={"order": "order-0", "created_by": "worker-0"}, fault="drop_response")',
        'lab.call("worker-0", "orders.insert", '
        'values={"order": "order-0", "created_by": "worker-0"}, attempt=2)',
    ]


def test_a_crash() -> None:
    assert code(trace_of(Naive, [*RECEIVED, "crash 0 crash"]))[2:] == ['lab.crash("worker-0")']


def test_the_end_of_a_visibility_timeout() -> None:
    run = [*RECEIVED, "crash 0 crash", "action -1 inbox.visibility_timeout"]
    assert code(trace_of(Naive, run))[3:] == [
        'lab.timeout("inbox", "visibility_timeout", order="order-0", holder="worker-0")'
    ]


def test_the_faults_of_a_queue() -> None:
    run = [*RECEIVED, "fault -1 inbox.duplicate", "fault -1 inbox.visibility_expiry"]
    assert code(trace_of(Naive, run))[2:] == [
        'lab.fault("inbox", "duplicate", order="order-0")',
        'lab.fault("inbox", "visibility_expiry", order="order-0", holder="worker-0")',
    ]


def test_a_delete_with_an_old_receipt_that_deletes() -> None:
    run = [
        *RECEIVED,
        "call 0 orders.put_if_absent",
        "fault -1 inbox.visibility_expiry",
        "call 0 inbox.delete",
    ]
    trace = trace_of(Keyed, run)
    assert trace.steps[-1].transition.choices[0] == 1
    assert code(trace)[-1] == 'lab.call("worker-0", "inbox.delete", stale_delete="deleted")'


def test_a_transaction() -> None:
    run = [
        *RECEIVED,
        "fault -1 inbox.duplicate",
        "call 1 inbox.receive",
        "call 0 transact",
        "call 1 transact",
    ]
    writes = 'writes=("seen.put_if_absent", "orders.insert")'
    assert code(trace_of(Transactional, run))[4:] == [
        f'lab.call("worker-0", "transact", {writes})',
        f'lab.call("worker-1", "transact", {writes}, raises="TransactionCanceled")',
    ]


def test_faults_of_a_transaction() -> None:
    run = [*RECEIVED, "ambiguous 0 transact", "fail 0 transact"]
    writes = 'writes=("seen.put_if_absent", "orders.insert")'
    assert code(trace_of(Transactional, run, Budgets(fail=1, ambiguous=1, max_attempts=3)))[2:] == [
        f'lab.call("worker-0", "transact", {writes}, fault="drop_response")',
        f'lab.call("worker-0", "transact", {writes}, fault="fail_before", attempt=2)',
    ]


def test_comments_say_what_happens() -> None:
    run = [*RECEIVED, "fail 0 seen.put_if_absent", "crash 0 crash", "action -1 inbox.visibility_timeout"]
    assert schedule_of(trace_of(MarkerFirst, run))[2:] == [
        Line(
            3,
            'lab.call("worker-0", "seen.put_if_absent", key="order-0", fault="fail_before")',
            "worker 0: seen.put_if_absent(order 0, Marker) fails before it is applied",
        ),
        Line(4, 'lab.crash("worker-0")', "worker 0: crashes and restarts"),
        Line(
            5,
            'lab.timeout("inbox", "visibility_timeout", order="order-0", holder="worker-0")',
            "inbox: visibility_timeout()",
        ),
    ]


# What the lab cannot do


class Order(Index):
    """Orders."""


class Bare(Model):
    """A queue whose messages are not records."""

    inbox: SqsQueue[Order]

    @action
    def place(self, order: Order) -> None:
        self.inbox.send(order)

    @process
    async def worker(self) -> None:
        delivery = await self.inbox.receive()
        await self.inbox.delete(delivery)

    @always
    def empty(self) -> bool:
        return len(self.inbox.in_flight) == 0


def test_a_message_that_is_no_record() -> None:
    _, trace = run_of(Bare, "empty")
    with pytest.raises(UserError) as caught:
        schedule_of(trace)
    assert str(caught.value) == (
        "the message body 'order-0' has no field that the lab could write\n"
        "  hint: make the queue's messages a @record with one field"
    )


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        (["action -1 close"], "step 1, 'close()', cannot be taken in the lab: an action that chooses"),
        (
            ["call 0 room.shelf.put", "fault -1 room.shelf.lose"],
            "step 2, 'lose()', cannot be taken in the lab: it changes nothing that the lab could change",
        ),
        (
            ["action -1 close", "fault -1 forget"],
            "step 2, 'forget()', cannot be taken in the lab: a fault of the model itself",
        ),
    ],
)
def test_steps_that_the_lab_cannot_take(steps: list[str], message: str) -> None:
    trace = trace_of(Store, steps, Budgets(component=(("forget", 1), ("room.shelf.lose", 1))))
    last: Step = trace.steps[-1]
    with pytest.raises(UserError) as caught:
        schedule_of(Trace(trace.program, trace.initial, (last,)))
    assert str(caught.value).startswith(message)
    assert caught.value.hint
