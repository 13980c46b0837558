"""The semantics that the interposer supplies: receipt handles, transaction tokens, delivery."""

from __future__ import annotations

from typing import Any

import pytest

from checker.errors import UserError
from checker.lab.aws import Choice
from checker.lab.emulator import Emulator
from checker.lab.probe import CLAUSES, Finding, probe, violated
from checker.lab.receipts import HandleState, Receipt, Receipts
from checker.lab.transactions import TOKEN_LIFETIME_S, TokenMismatch, TransactionTokens
from checker.lab.wire import HttpResponse

from .gate import Gate

QUEUE = ("us-east-1", "q")
DONE = HttpResponse(200, (), b"{}")


def receipt(message: str, handle: str) -> Receipt:
    return Receipt(QUEUE, message, "{}", handle, "worker-0")


class TestReceipts:
    def test_a_second_receive_makes_the_first_handle_stale(self) -> None:
        receipts = Receipts()
        receipts.received(receipt("m", "h1"))
        assert receipts.state(QUEUE, "h1") is HandleState.CURRENT
        receipts.received(receipt("m", "h2"))
        assert receipts.state(QUEUE, "h1") is HandleState.STALE
        assert receipts.state(QUEUE, "h2") is HandleState.CURRENT
        assert [held.handle for held in receipts.in_flight(QUEUE)] == ["h2"]

    def test_visibility_makes_the_handle_stale(self) -> None:
        receipts = Receipts()
        receipts.received(receipt("m", "h"))
        receipts.made_visible(receipt("m", "h"))
        assert receipts.state(QUEUE, "h") is HandleState.STALE
        assert receipts.in_flight(QUEUE) == []

    def test_deleted_and_unknown(self) -> None:
        receipts = Receipts()
        receipts.received(receipt("m", "h"))
        receipts.deleted(receipt("m", "h"))
        assert receipts.state(QUEUE, "h") is HandleState.DELETED
        assert receipts.state(QUEUE, "x") is HandleState.UNKNOWN
        assert receipts.state(("eu-west-1", "q"), "h") is HandleState.UNKNOWN

    def test_in_flight_is_in_order_of_the_latest_receive(self) -> None:
        receipts = Receipts()
        for message, handle in (("a", "1"), ("b", "2"), ("a", "3")):
            receipts.received(receipt(message, handle))
        assert [held.message_id for held in receipts.in_flight(QUEUE)] == ["b", "a"]


class TestTokens:
    def transaction(self, token: str | None, table: str = "t") -> dict[str, Any]:
        items = [{"Put": {"TableName": table}}]
        return {"TransactItems": items, **({"ClientRequestToken": token} if token else {})}

    def test_a_repeat_is_answered(self) -> None:
        tokens = TransactionTokens()
        assert tokens.earlier("r", self.transaction("x")) is None
        tokens.applied("r", self.transaction("x"), DONE)
        assert tokens.earlier("r", self.transaction("x")) == DONE
        assert tokens.earlier("other region", self.transaction("x")) is None
        assert tokens.earlier("r", self.transaction("y")) is None

    def test_other_parameters(self) -> None:
        tokens = TransactionTokens()
        tokens.applied("r", self.transaction("x"), DONE)
        with pytest.raises(TokenMismatch):
            tokens.earlier("r", self.transaction("x", "u"))

    def test_no_token_is_never_a_repeat(self) -> None:
        tokens = TransactionTokens()
        tokens.applied("r", self.transaction(None), DONE)
        assert tokens.earlier("r", self.transaction(None)) is None

    def test_a_token_lasts_ten_minutes(self) -> None:
        now_s = 0.0
        tokens = TransactionTokens(lambda: now_s)
        tokens.applied("r", self.transaction("x"), DONE)
        now_s = TOKEN_LIFETIME_S - 1
        assert tokens.earlier("r", self.transaction("x")) == DONE
        now_s = TOKEN_LIFETIME_S
        assert tokens.earlier("r", self.transaction("x")) is None

    def test_expire(self) -> None:
        tokens = TransactionTokens()
        tokens.applied("r", self.transaction("x"), DONE)
        tokens.expire()
        assert tokens.earlier("r", self.transaction("x")) is None


def received(gate: Gate) -> str:
    gate.queue.perform("send", {"order": "order-0"})
    got = gate.through(gate.client("sqs").receive_message, QueueUrl=gate.queue_url())
    return str(got["Messages"][0]["ReceiptHandle"])


@pytest.mark.parametrize("redelivered", [True, False])
@pytest.mark.parametrize("deletes", [True, False])
def test_a_stale_delete_succeeds_and_deletes_as_the_schedule_says(
    gate: Gate, redelivered: bool, deletes: bool
) -> None:
    stale = received(gate)
    gate.queue.perform("visibility_expiry", {"order": "order-0"})
    if redelivered:
        gate.through(gate.client("sqs", "worker-1").receive_message, QueueUrl=gate.queue_url())
    gate.through(
        gate.client("sqs").delete_message,
        Choice(stale_delete=deletes),
        QueueUrl=gate.queue_url(),
        ReceiptHandle=stale,
    )
    recorded = gate.interposer.history[-1]
    assert recorded.status == 200
    assert "stale" in recorded.note
    left = sum(map(int, gate.queue.census().values()))
    assert left == (0 if deletes else 1)


def test_a_batch_delete_tells_stale_handles_apart(gate: Gate) -> None:
    stale = received(gate)
    gate.queue.perform("visibility_expiry", {"order": "order-0"})
    gate.queue.perform("send", {"order": "order-1"})
    choice = Choice(delivers=(gate.queue.matches({"order": "order-1"}),))
    got = gate.through(gate.client("sqs").receive_message, choice, QueueUrl=gate.queue_url())
    answer = gate.through(
        gate.client("sqs").delete_message_batch,
        QueueUrl=gate.queue_url(),
        Entries=[
            {"Id": "old", "ReceiptHandle": stale},
            {"Id": "new", "ReceiptHandle": got["Messages"][0]["ReceiptHandle"]},
            {"Id": "bad", "ReceiptHandle": "nonsense"},
        ],
    )
    assert [entry["Id"] for entry in answer["Successful"]] == ["old", "new"]
    assert [entry["Id"] for entry in answer["Failed"]] == ["bad"]
    assert gate.queue.observe() == {"visible": [{"order": "order-0"}], "in_flight": []}


def test_a_consumer_makes_its_message_visible(gate: Gate) -> None:
    handle = received(gate)
    change = gate.client("sqs").change_message_visibility
    gate.through(change, QueueUrl=gate.queue_url(), ReceiptHandle=handle, VisibilityTimeout=60)
    assert len(gate.queue.in_flight()) == 1
    gate.through(change, QueueUrl=gate.queue_url(), ReceiptHandle=handle, VisibilityTimeout=0)
    assert gate.queue.observe() == {"visible": [{"order": "order-0"}], "in_flight": []}
    call = gate.submit(change, QueueUrl=gate.queue_url(), ReceiptHandle=handle, VisibilityTimeout=60)
    gate.interposer.release(gate.parked())
    assert "MessageNotInflight" in str(call.exception(10))


def test_a_heartbeat_under_a_stale_handle_does_not_touch_the_new_receive(gate: Gate) -> None:
    stale = received(gate)
    gate.queue.perform("visibility_expiry", {"order": "order-0"})
    gate.through(gate.client("sqs", "worker-1").receive_message, QueueUrl=gate.queue_url())
    change = gate.client("sqs").change_message_visibility
    gate.through(change, QueueUrl=gate.queue_url(), ReceiptHandle=stale, VisibilityTimeout=0)
    assert gate.queue.census() == {"visible": "0", "in flight": "1"}


def test_a_dropped_transaction_is_applied_once(gate: Gate) -> None:
    """The SDK retries under its own token; moto alone would fail the second attempt's condition."""
    put = {
        "TableName": "orders",
        "Item": {"id": {"S": "k"}},
        "ConditionExpression": "attribute_not_exists(id)",
    }
    transact = gate.client("dynamodb", attempts=2).transact_write_items
    call = gate.submit(transact, TransactItems=[{"Put": put}])
    gate.interposer.drop_response(gate.parked())
    recorded = gate.interposer.release(gate.parked(attempt=2))
    call.result(10)
    assert "not applied again" in recorded.note
    assert list(gate.table.census()) == ["k"]


def test_the_probe_finds_every_clause_honoured_behind_the_interposer(emulator: Emulator) -> None:
    findings = probe(emulator)
    assert [finding.clause for finding in findings] == [clause.name for clause in CLAUSES]
    assert [finding for finding in findings if not finding.honoured] == []


def test_the_probe_sees_a_violation(emulator: Emulator, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without the token cache moto violates the clause: the probe must say so."""
    monkeypatch.setattr(TransactionTokens, "earlier", lambda *_: None)
    [finding] = probe(emulator, ["dynamodb-token-idempotent"])
    assert not finding.honoured
    assert "TransactionCanceledException" in finding.note
    assert violated([finding], ["dynamodb-token-idempotent"]) == [finding]
    assert violated([finding], ["sqs-delete-removes"]) == []


def test_the_probe_refuses_an_unknown_clause(emulator: Emulator) -> None:
    with pytest.raises(UserError, match="no clause 'sqs-magic'"):
        probe(emulator, ["sqs-magic"])


def test_a_finding_that_is_honoured_makes_nothing_inconclusive() -> None:
    assert violated([Finding("c", "s", True)], ["c"]) == []
