"""Schedules against the order intake workers, and against consumers that misbehave."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import Any

import pytest

from checker.errors import UserError
from checker.lab.emulator import Emulator
from checker.lab.errors import Bypass, DidNotQuiesce, Diverged, Outcome, StepDidNotFire, outcome_of
from checker.lab.fixtures import StartLab
from checker.lab.session import Lab

ORDER = {"order": "order-0"}
WORKERS = ["worker-0", "worker-1"]
KEYED_TABLE = {"orders": {"key": "order_id", "minted": False}}


def variant(name: str) -> dict[str, Any]:
    chosen: dict[str, Any] = {
        "wiring": "consumers/order_intake/wiring.toml",
        "command": ["{python}", "-m", f"consumers.order_intake.{name}"],
    }
    return {**chosen, "resources": KEYED_TABLE} if name == "keyed" else chosen


def misbehaving(way: str, **environment: str) -> dict[str, Any]:
    script = str(Path(__file__).with_name("consumers_for_tests.py"))
    return {
        "wiring": "consumers/order_intake/wiring.toml",
        "command": [sys.executable, script, way],
        "environment": environment,
    }


def created_by(lab: Lab) -> list[tuple[str, str]]:
    """(row, worker) of each order row, in the order of creation."""
    return [(key, row["created_by"]) for key, row in lab.observe()["orders"].items()]


def naive_duplicate(lab: Lab) -> None:
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive", delivers=ORDER)
    lab.call("worker-0", "seen.get", key="order-0")
    lab.fault("inbox", "visibility_expiry", ORDER)
    lab.call("worker-1", "inbox.receive", delivers=ORDER)
    lab.call("worker-1", "seen.get", key="order-0")
    lab.call("worker-0", "orders.insert", values={"order": "order-0", "created_by": "worker-0"})
    lab.call("worker-1", "orders.insert", values={"order": "order-0", "created_by": "worker-1"})


def test_naive_creates_the_order_twice(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), WORKERS)
    naive_duplicate(lab)
    assert lab.observe() == {
        "inbox": {"visible": [], "in_flight": [ORDER]},
        "seen": {},
        "orders": {
            "rowid-0": {"order": "order-0", "created_by": "worker-0"},
            "rowid-1": {"order": "order-0", "created_by": "worker-1"},
        },
    }
    lab.drain()
    observed = lab.observe()
    assert (observed["inbox"], observed["seen"]) == ({"visible": [], "in_flight": []}, {"order-0": {}})
    assert [str(step) for step in lab.history[-3:]] == [
        " 10 worker-0: sqs DeleteMessage order-inbox: released"
        " (stale receipt handle: succeeds, and the message stays)",
        " 11 worker-1: dynamodb PutItem seen-orders: released",
        " 12 worker-1: sqs DeleteMessage order-inbox: released",
    ]


def test_keyed_creates_it_once_under_the_same_order_of_processes(start_lab: StartLab) -> None:
    lab = start_lab(variant("keyed"), WORKERS)
    lab.perform("inbox", "send", ORDER)
    first = lab.next_call("worker-0", delivers=ORDER)
    assert str(first) == "worker-0: sqs ReceiveMessage order-inbox"
    lab.next_call("worker-0")
    lab.fault("inbox", "visibility_expiry", ORDER)
    lab.next_call("worker-1", delivers=ORDER)
    lab.next_call("worker-1")
    assert lab.history[-1].error == "ConditionalCheckFailedException"
    lab.next_call("worker-0")
    lab.next_call("worker-1")
    assert lab.next_call("worker-0") is None
    assert lab.next_call("worker-1", delivers=ORDER) is None
    lab.drain()
    assert lab.observe()["orders"] == {"order-0": {"order": "order-0", "created_by": "worker-0"}}


def test_delete_first_loses_the_order_in_a_crash(start_lab: StartLab) -> None:
    lab = start_lab(variant("delete_first"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive", delivers=ORDER)
    lab.call("worker-0", "inbox.delete")
    lab.crash("worker-0")
    lab.drain()
    assert lab.observe() == {"inbox": {"visible": [], "in_flight": []}, "seen": {}, "orders": {}}
    assert [str(step) for step in lab.history[-2:]] == [
        "  4 worker-0: crash (at dynamodb PutItem orders)",
        "  5 worker-0: restarted",
    ]


def test_marker_first_loses_the_order_in_a_crash(start_lab: StartLab) -> None:
    lab = start_lab(variant("marker_first"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive", delivers=ORDER)
    lab.call("worker-0", "seen.put_if_absent", key="order-0")
    lab.crash("worker-0")
    lab.perform("inbox", "visibility_timeout", ORDER)
    lab.call("worker-0", "inbox.receive", delivers=ORDER)
    lab.call("worker-0", "seen.put_if_absent", key="order-0", expect_error="ConditionalCheckFailedException")
    lab.call("worker-0", "inbox.delete")
    lab.drain()
    assert lab.observe() == {
        "inbox": {"visible": [], "in_flight": []},
        "seen": {"order-0": {}},
        "orders": {},
    }


def test_transactional_survives_a_redelivery(start_lab: StartLab) -> None:
    lab = start_lab(variant("transactional"), WORKERS)
    writes = ("seen.put_if_absent", "orders.insert")
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive", delivers=ORDER)
    lab.fault("inbox", "visibility_expiry", ORDER)
    lab.call("worker-1", "inbox.receive", delivers=ORDER)
    lab.call("worker-1", "transact", writes=writes)
    lab.call("worker-0", "transact", writes=writes, expect_error="TransactionCanceled")
    lab.drain()
    assert created_by(lab) == [("rowid-0", "worker-1")]


def test_transactional_survives_a_dropped_response(start_lab: StartLab) -> None:
    lab = start_lab(variant("transactional"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "transact", fault="drop_response")
    retried = lab.call("worker-0", "transact", attempt=2)
    assert retried.attempt == 2
    assert lab.history[-1].note == "repeated client token: answered, not applied again"
    lab.drain()
    assert created_by(lab) == [("rowid-0", "worker-0")]


def test_an_ambiguous_put_is_retried_under_the_same_id(start_lab: StartLab) -> None:
    lab = start_lab(variant("delete_first"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "inbox.delete")
    first = lab.call("worker-0", "orders.insert", fault="drop_response", attempt=1)
    second = lab.call("worker-0", "orders.insert", attempt=2)
    assert first.invocation_id == second.invocation_id
    lab.drain()
    assert created_by(lab) == [("rowid-0", "worker-0")]


def test_an_ambiguous_put_without_retries_ends_the_process_and_is_redone(start_lab: StartLab) -> None:
    """naive: the row was written, the worker saw an error and ended; the redelivery writes another."""
    lab = start_lab(variant("naive"), ["worker-0"], max_attempts=1)
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "seen.get")
    lab.call("worker-0", "orders.insert", fault="drop_response")
    exited, restarted = lab.history[-2:]
    assert (exited.action, restarted.action) == ("exited", "restarted")
    assert "ConnectionClosedError" in exited.note
    lab.drain()
    assert len(created_by(lab)) == 2


def test_exhausted_attempts_surface_as_an_error(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), ["worker-0"], max_attempts=2)
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "seen.get", fault="fail_before")
    assert lab.exhaust_attempts("worker-0") == 1
    assert lab.history[-1].action == "restarted"
    assert lab.exhaust_attempts("worker-0") == 0
    lab.drain()
    assert created_by(lab) == [("rowid-0", "worker-0")]


def test_a_throttled_call_is_retried(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "seen.get", fault="throttle")
    lab.call("worker-0", "seen.get", attempt=2)
    lab.drain()
    assert len(created_by(lab)) == 1


def test_a_duplicate_is_delivered_after_the_delete(start_lab: StartLab) -> None:
    lab = start_lab(variant("delete_first"), WORKERS)
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "inbox.delete")
    lab.fault("inbox", "duplicate", ORDER)
    lab.call("worker-1", "inbox.receive", delivers=ORDER)
    lab.drain()
    assert len(created_by(lab)) == 2


def test_the_holder_tells_two_copies_in_flight_apart(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), WORKERS)
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.fault("inbox", "duplicate", ORDER)
    lab.call("worker-1", "inbox.receive")
    lab.fault("inbox", "visibility_expiry", {**ORDER, "holder": "worker-1"})
    assert lab.observe()["inbox"] == {"visible": [ORDER], "in_flight": [ORDER]}
    with pytest.raises(StepDidNotFire, match=r"in flight: .*held by worker-0"):
        lab.fault("inbox", "visibility_expiry", {**ORDER, "holder": "worker-1"})


def test_a_stale_delete_may_delete(start_lab: StartLab) -> None:
    lab = start_lab(variant("delete_first"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.fault("inbox", "visibility_expiry", ORDER)
    lab.call("worker-0", "inbox.delete", stale_delete="deleted")
    assert lab.observe()["inbox"] == {"visible": [], "in_flight": []}


def test_a_worker_crashed_for_good_leaves_its_message_to_the_other(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), WORKERS)
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.crash("worker-0", restart=False)
    lab.drain()
    assert created_by(lab) == [("rowid-0", "worker-1")]
    with pytest.raises(StepDidNotFire, match=r"worker-0 was expected, but it was crashed for good"):
        lab.next_call("worker-0")


def test_drain_handles_several_messages(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), WORKERS)
    for number in range(3):
        lab.perform("inbox", "send", {"order": f"order-{number}"})
    lab.drain()
    observed = lab.observe()
    assert sorted(observed["seen"]) == ["order-0", "order-1", "order-2"]
    assert [row["order"] for row in observed["orders"].values()] == ["order-0", "order-1", "order-2"]
    lab.drain()


def test_minted_keys_are_numbered_in_the_order_of_the_writes(start_lab: StartLab) -> None:
    lab = start_lab(variant("delete_first"), WORKERS)
    for process, order in (("worker-0", "order-0"), ("worker-1", "order-1")):
        lab.perform("inbox", "send", {"order": order})
        lab.call(process, "inbox.receive")
        lab.call(process, "inbox.delete")
    lab.call("worker-1", "orders.insert")
    lab.call("worker-0", "orders.insert")
    assert created_by(lab) == [("rowid-0", "worker-1"), ("rowid-1", "worker-0")]


def test_an_expired_token_applies_the_transaction_again(start_lab: StartLab) -> None:
    """The condition is what holds then, and the consumer finds the order already taken."""
    lab = start_lab(variant("transactional"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "transact", fault="drop_response")
    lab.fault("orders", "token_expiry", {})
    lab.call("worker-0", "transact", attempt=2, expect_error="TransactionCanceledException")
    lab.drain()
    assert len(created_by(lab)) == 1


def test_a_table_can_be_filled_beforehand(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), ["worker-0"])
    lab.perform("seen", "put", {"key": "order-0"})
    lab.perform("inbox", "send", ORDER)
    lab.drain()
    assert lab.observe()["orders"] == {}
    lab.fault("seen", "ttl_expiry", {"key": "order-0"})
    assert lab.observe()["seen"] == {}
    with pytest.raises(StepDidNotFire, match="seen has no row of key 'order-0'"):
        lab.fault("seen", "ttl_expiry", {"key": "order-0"})


def test_a_backend_without_reset_is_emptied_all_the_same(
    start_lab: StartLab, emulator: Emulator, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Emulator, "reset", lambda _: False)
    for _ in range(2):
        lab = start_lab(variant("naive"), ["worker-0"])
        assert lab.observe() == {"inbox": {"visible": [], "in_flight": []}, "seen": {}, "orders": {}}
        lab.perform("inbox", "send", ORDER)
        lab.drain()
        assert len(created_by(lab)) == 1
        lab.close()


def test_a_profile_in_the_environment_does_not_matter(
    start_lab: StartLab, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "no-such-profile")
    with Emulator() as own:
        lab = start_lab(variant("naive"), ["worker-0"])
        lab.drain()
        assert own.client("sqs", "eu-west-1").list_queues()


# Canaries: what must not pass


def test_another_call_than_predicted_diverges(start_lab: StartLab) -> None:
    lab = start_lab(variant("delete_first"), WORKERS)
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    with pytest.raises(Diverged) as caught:
        lab.call("worker-0", "orders.insert")
    assert str(caught.value) == (
        "the model expects worker-0 to call orders.insert (dynamodb PutItem orders),"
        " but it called sqs DeleteMessage order-inbox\n"
        "parked calls:\n"
        "  worker-0: sqs DeleteMessage order-inbox\n"
        "  worker-1: sqs ReceiveMessage order-inbox\n"
        "last steps:\n"
        "    1 environment: inbox.send {'order': 'order-0'}\n"
        "    2 worker-0: sqs ReceiveMessage order-inbox: released"
    )


@pytest.mark.parametrize(
    ("step", "expected"),
    [
        ({"operation": "orders.put_if_absent"}, "where it carries no condition"),
        (
            {"operation": "orders.insert", "values": {"order": "order-7"}},
            "where order is 'order-0' instead of",
        ),
        ({"operation": "orders.insert", "attempt": 2}, "as attempt 1 instead of 2"),
        ({"operation": "seen.put"}, "but it called dynamodb PutItem orders"),
        ({"operation": "transact", "writes": ["orders.insert"]}, "but it called dynamodb PutItem orders"),
        ({"operation": "orders.insert", "expect_error": "X"}, "to end with X, but it ended with success"),
    ],
)
def test_a_call_that_differs_in_detail_diverges(
    start_lab: StartLab, step: dict[str, Any], expected: str
) -> None:
    lab = start_lab(variant("delete_first"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "inbox.delete")
    with pytest.raises(Diverged, match=expected):
        lab.call("worker-0", **step)


@pytest.mark.parametrize(
    ("writes", "expected"),
    [
        (["seen.put", "orders.insert"], "has Put seen-orders where it carries a condition"),
        (["seen.put_if_absent"], "has another action too: Put orders"),
        (["seen.put_if_absent", "orders.update"], "has no orders.update"),
    ],
)
def test_a_transaction_that_differs_diverges(start_lab: StartLab, writes: list[str], expected: str) -> None:
    lab = start_lab(variant("transactional"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    with pytest.raises(Diverged, match=expected):
        lab.call("worker-0", "transact", writes=writes)


def test_a_conditional_failure_that_the_model_does_not_expect_diverges(start_lab: StartLab) -> None:
    lab = start_lab(variant("keyed"), ["worker-0"])
    lab.perform("orders", "put", {"order": "order-0", "created_by": "worker-9"})
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    with pytest.raises(Diverged, match=r"end with success, but it ended with ConditionalCheckFailed"):
        lab.call("worker-0", "orders.put_if_absent", key="order-0")


def test_a_message_that_is_not_there_does_not_hang(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), WORKERS)
    with pytest.raises(StepDidNotFire, match="the model expects a message in inbox for worker-0"):
        lab.call("worker-0", "inbox.receive")
    lab.perform("inbox", "send", {"order": "order-1"})
    with pytest.raises(StepDidNotFire) as caught:
        lab.call("worker-0", "inbox.receive", delivers=ORDER)
    assert "a message {'order': 'order-0'} in inbox for worker-0, but there is none" in str(caught.value)
    assert "visible: {'order': 'order-1'}; in flight: none" in str(caught.value)


def test_a_fault_with_nothing_to_act_on_fails(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), ["worker-0"])
    with pytest.raises(StepDidNotFire, match=r"visibility_expiry did not happen: no message .* is in flight"):
        lab.fault("inbox", "visibility_expiry", ORDER)
    with pytest.raises(StepDidNotFire, match="was ever in inbox"):
        lab.fault("inbox", "duplicate", ORDER)


def test_a_write_past_the_interposer_is_seen(start_lab: StartLab, emulator: Emulator) -> None:
    lab = start_lab(misbehaving("bypasses", DIRECT_ENDPOINT=emulator.url), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    with pytest.raises(Bypass, match=r"orders \(DynamoTable orders\) changed .*: sneaked-in appeared"):
        lab.observe()
    with pytest.raises(Bypass):
        lab.drain()


def test_a_delete_past_the_interposer_is_seen(start_lab: StartLab, emulator: Emulator) -> None:
    lab = start_lab(misbehaving("takes_behind", DIRECT_ENDPOINT=emulator.url), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "seen.get")
    with pytest.raises(Bypass, match=r"inbox .* in flight went from 1 to 0"):
        lab.perform("inbox", "send", ORDER)


def test_the_outcome_has_three_values(start_lab: StartLab) -> None:
    lab = start_lab(variant("naive"), WORKERS)

    def replay() -> bool:
        naive_duplicate(lab)
        return len(created_by(lab)) > 1

    assert outcome_of(replay) == (Outcome.REPRODUCED, "")
    assert outcome_of(lambda: False) == (Outcome.NOT_REPRODUCED, "")
    outcome, why = outcome_of(replay)
    assert outcome is Outcome.DIVERGED
    assert "the model expects worker-0 to call inbox.receive" in why


# Consumers that misbehave


def test_a_consumer_that_ends_at_once(start_lab: StartLab) -> None:
    with pytest.raises(UserError) as caught:
        start_lab(misbehaving("exits"), WORKERS)
    assert "worker-0 ended with status 1 before it made a gated AWS call" in str(caught.value)
    assert "cannot find my configuration" in str(caught.value)


def test_a_consumer_that_hangs(start_lab: StartLab) -> None:
    with pytest.raises(UserError) as caught:
        start_lab({**misbehaving("hangs"), "start_timeout_s": 0.5}, ["worker-0"])
    assert "worker-0 made no gated AWS call within 0.5 s of its start" in str(caught.value)
    assert "waiting for godot" in str(caught.value)


def test_a_consumer_that_hangs_later(start_lab: StartLab) -> None:
    lab = start_lab(misbehaving("stuck_after_receive"), ["worker-0"], step_timeout_s=0.5)
    lab.perform("inbox", "send", ORDER)
    with pytest.raises(
        StepDidNotFire, match=r"made no further call within 0\.5 s; its last output:\nthinking"
    ):
        lab.call("worker-0", "inbox.receive")


def test_a_command_that_does_not_exist(start_lab: StartLab) -> None:
    with pytest.raises(UserError, match="there is no program 'no-such-program'"):
        start_lab({**variant("naive"), "command": ["no-such-program"]}, ["worker-0"])


def test_a_module_that_does_not_exist(start_lab: StartLab) -> None:
    with pytest.raises(UserError, match=r"No module named consumers\.order_intake\.nave"):
        start_lab(variant("nave"), ["worker-0"])


def test_garbage_on_standard_output_does_not_matter(start_lab: StartLab) -> None:
    lab = start_lab(misbehaving("garbage"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    lab.call("worker-0", "inbox.receive")
    lab.call("worker-0", "inbox.delete")


def test_an_unknown_queue_is_named(start_lab: StartLab) -> None:
    with pytest.raises(UserError) as caught:
        start_lab(misbehaving("unknown_queue"), ["worker-0"])
    assert str(caught.value) == (
        "consumers/order_intake/wiring.toml: worker-0 calls sqs ReceiveMessage order-inbx,"
        " but the wiring names no sqs resource 'order-inbx'\n  hint: did you mean 'order-inbox'?"
    )


def test_an_unknown_service_is_named(start_lab: StartLab) -> None:
    with pytest.raises(UserError, match="worker-0 calls sns Publish, but the wiring names no resource of it"):
        start_lab(misbehaving("unknown_service"), ["worker-0"])


def test_a_failed_look_up_is_named(start_lab: StartLab) -> None:
    with pytest.raises(UserError, match=r"its last call: worker-0: sqs GetQueueUrl order-inbx: ungated, "):
        start_lab(misbehaving("looks_up_a_missing_queue"), ["worker-0"])


def test_a_poison_message_does_not_quiesce(start_lab: StartLab) -> None:
    lab = start_lab(misbehaving("poisoned"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    with pytest.raises(DidNotQuiesce) as caught:
        lab.drain()
    assert "did not come to rest" in str(caught.value)
    assert "5 times worker-0: sqs ReceiveMessage order-inbox" in str(caught.value)


def test_a_message_that_nobody_deletes_does_not_quiesce(start_lab: StartLab) -> None:
    lab = start_lab(misbehaving("never_deletes"), ["worker-0"])
    lab.perform("inbox", "send", ORDER)
    with pytest.raises(DidNotQuiesce, match=r"5 times environment: inbox\.visibility_expiry"):
        lab.drain(steps_max=10)


@pytest.mark.parametrize(
    ("operation", "expected"),
    [
        ("inbx.receive", "declares no resource 'inbx'\n  hint: did you mean 'inbox'?"),
        ("inbox.recieve", r"inbox \(SqsQueue\) has no operation 'recieve'\n  hint: did you mean 'receive'?"),
    ],
)
def test_unknown_names_in_the_schedule(start_lab: StartLab, operation: str, expected: str) -> None:
    lab = start_lab(variant("naive"), ["worker-0"])
    with pytest.raises(UserError, match=expected):
        lab.call("worker-0", operation)
    with pytest.raises(UserError, match="no process 'worker-7'"):
        lab.call("worker-7", "inbox.receive")
    with pytest.raises(UserError, match="no step 'sned'"):
        lab.perform("inbox", "sned", ORDER)
    with pytest.raises(UserError, match="no fault 'explode'"):
        lab.call("worker-0", "inbox.receive", fault="explode", delivers=ORDER)  # type: ignore[arg-type]


def test_a_lab_must_run(emulator: Emulator, request: pytest.FixtureRequest) -> None:
    from checker.lab.wiring import load_wiring

    wiring = load_wiring(variant("naive"), root=Path(request.config.rootpath))
    with pytest.raises(UserError, match="the lab is not running"):
        Lab(wiring, WORKERS, emulator=emulator).next_call("worker-0")
    with pytest.raises(UserError, match="distinct process names"):
        Lab(wiring, ["worker-0", "worker-0"], emulator=emulator)
