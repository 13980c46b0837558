"""What each decision means to an ordinary boto3 client, and to the backend."""

from __future__ import annotations

import json
import socket
from typing import Any

import pytest
from botocore.exceptions import ClientError, ConnectionClosedError

from checker.errors import UserError
from checker.lab.aws import AwsBackend, Choice, NoSuchMessage
from checker.lab.interposer import Decision, Interposer, queue_urls_on
from checker.lab.wire import HttpRequest, HttpResponse

from .gate import Gate

ITEM = {"TableName": "orders", "Item": {"id": {"S": "k"}, "order_id": {"S": "order-0"}}}


def decisions(gate: Gate) -> list[tuple[str, Decision, str | None]]:
    return [(r.call.operation, r.decision, r.error) for r in gate.interposer.history]


def test_a_call_is_parked_until_it_is_released(gate: Gate) -> None:
    put = gate.submit(gate.client("dynamodb").put_item, **ITEM)
    parked = gate.parked()
    assert str(parked) == "worker-0: dynamodb PutItem orders"
    assert parked.call.key == "k"
    assert not put.done()
    assert gate.table.census() == {}
    recorded = gate.interposer.release(parked)
    put.result(10)
    assert list(gate.table.census()) == ["k"]
    assert gate.interposer.history == [recorded]
    assert (recorded.decision, recorded.status, recorded.error) == (Decision.RELEASE, 200, None)
    assert gate.interposer.parked() == []


@pytest.mark.parametrize("service", ["dynamodb", "sqs"])
def test_fail_before_is_not_applied_and_retried(gate: Gate, service: str) -> None:
    client = gate.client(service, attempts=2)
    if service == "sqs":
        call = gate.submit(client.send_message, QueueUrl=gate.queue_url(), MessageBody="{}")
    else:
        call = gate.submit(client.put_item, **ITEM)
    first = gate.parked()
    gate.interposer.fail_before(first)
    second = gate.parked(attempt=2)
    assert second.call.invocation_id == first.call.invocation_id
    assert (gate.table.census(), gate.queue.visible_count()) == ({}, 0)
    gate.interposer.release(second)
    call.result(10)
    assert len(gate.table.census()) + gate.queue.visible_count() == 1


def test_fail_before_surfaces_when_attempts_are_exhausted(gate: Gate) -> None:
    call = gate.submit(gate.client("dynamodb").put_item, **ITEM)
    gate.interposer.fail_before(gate.parked())
    with pytest.raises(ClientError, match="InternalServerError"):
        call.result(10)
    assert decisions(gate) == [("PutItem", Decision.FAIL_BEFORE, "InternalServerError")]


def test_drop_response_is_applied_and_retried(gate: Gate) -> None:
    call = gate.submit(gate.client("dynamodb", attempts=2).put_item, **ITEM)
    first = gate.parked()
    gate.interposer.drop_response(first)
    assert list(gate.table.census()) == ["k"]
    second = gate.parked(attempt=2)
    assert second.call.invocation_id == first.call.invocation_id
    gate.interposer.release(second)
    call.result(10)


def test_drop_response_surfaces_as_a_closed_connection(gate: Gate) -> None:
    call = gate.submit(gate.client("dynamodb").put_item, **ITEM)
    recorded = gate.interposer.drop_response(gate.parked())
    with pytest.raises(ConnectionClosedError):
        call.result(10)
    assert (recorded.status, recorded.error) == (200, None)
    assert list(gate.table.census()) == ["k"]


@pytest.mark.parametrize(
    ("service", "code"),
    [("dynamodb", "ProvisionedThroughputExceededException"), ("sqs", "RequestThrottled")],
)
def test_throttle(gate: Gate, service: str, code: str) -> None:
    client = gate.client(service)
    if service == "sqs":
        call = gate.submit(client.send_message, QueueUrl=gate.queue_url(), MessageBody="{}")
    else:
        call = gate.submit(client.put_item, **ITEM)
    gate.interposer.throttle(gate.parked())
    with pytest.raises(ClientError) as caught:
        call.result(10)
    assert caught.value.response["Error"]["Code"] == code


def test_refuse_gives_the_named_exception(gate: Gate) -> None:
    client = gate.client("dynamodb")
    call = gate.submit(client.put_item, **ITEM)
    gate.interposer.refuse(gate.parked(), "ConditionalCheckFailedException")
    with pytest.raises(client.exceptions.ConditionalCheckFailedException):
        call.result(10)


def test_set_up_calls_pass_ungated_and_are_recorded(gate: Gate) -> None:
    url = gate.client("sqs").get_queue_url(QueueName="order-inbox")["QueueUrl"]
    assert url == gate.queue_url()
    assert gate.client("sqs").list_queues()["QueueUrls"] == [url]
    gate.client("dynamodb").describe_table(TableName="orders")
    assert decisions(gate) == [
        ("GetQueueUrl", Decision.UNGATED, None),
        ("ListQueues", Decision.UNGATED, None),
        ("DescribeTable", Decision.UNGATED, None),
    ]


def test_the_list_of_ungated_calls_can_be_extended(gate: Gate) -> None:
    other = Interposer(gate.backend, {"AKQUACK0": "worker-0"}, control_operations={("dynamodb", "PutItem")})
    with other:
        gate.interposer, own = other, gate.interposer
        gate.client("dynamodb").put_item(**ITEM)
        gate.interposer = own
    assert [recorded.decision for recorded in other.history] == [Decision.UNGATED]


def test_processes_are_told_apart_by_listener_and_by_key(gate: Gate) -> None:
    calls = [
        gate.submit(gate.client("dynamodb", process).put_item, **ITEM) for process in ("worker-1", "worker-0")
    ]
    assert gate.interposer.wait_for(lambda: len(gate.interposer.parked()) == 2, 10)
    assert len(gate.interposer.parked("worker-1")) == 1
    for parked in gate.interposer.parked():
        gate.interposer.release(parked)
    for call in calls:
        call.result(10)


def test_a_client_that_goes_away_takes_its_parked_call_with_it(gate: Gate) -> None:
    host, port = gate.interposer.endpoint("worker-1").removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(
            b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\nContent-Length: 2\r\n\r\n{}"
        )
        gate.parked()
    assert gate.interposer.wait_for(lambda: not gate.interposer.parked(), 10)
    assert decisions(gate) == [("PutItem", Decision.DISCARD, None)]


def test_a_discarded_call_is_not_applied(gate: Gate) -> None:
    call = gate.submit(gate.client("dynamodb").put_item, **ITEM)
    gate.interposer.discard(gate.parked())
    assert gate.interposer.parked() == []
    gate.interposer.close()
    with pytest.raises(ConnectionClosedError):
        call.result(10)
    assert gate.table.census() == {}
    assert decisions(gate) == [("PutItem", Decision.DISCARD, None)]


def test_chunked_bodies_and_100_continue(gate: Gate) -> None:
    host, port = gate.interposer.endpoint("worker-0").removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(
            b"POST / HTTP/1.1\r\nX-Amz-Target: DynamoDB_20120810.PutItem\r\n"
            b"Transfer-Encoding: chunked\r\nExpect: 100-continue\r\n\r\n"
        )
        assert raw.recv(100).startswith(b"HTTP/1.1 100")
        raw.sendall(b'c\r\n{"TableName"\r\n7;x=y\r\n: "abc"\r\n1\r\n}\r\n0\r\n\r\n')
        assert gate.parked().call.resource == "abc"


def messages(response: dict[str, Any]) -> list[str]:
    return [message["Body"] for message in response.get("Messages", [])]


def test_a_targeted_receive_delivers_the_named_message_among_many(gate: Gate) -> None:
    for number in range(25):
        gate.queue.perform("send", {"order": f"order-{number}"})
    sqs = gate.client("sqs")
    for wanted in ("order-17", "order-0", "order-24"):
        choice = Choice(delivers=(gate.queue.matches({"order": wanted}),))
        got = gate.through(sqs.receive_message, choice, QueueUrl=gate.queue_url(), WaitTimeSeconds=20)
        assert [gate.queue.decode(body) for body in messages(got)] == [{"order": wanted}]
    assert gate.queue.census() == {"visible": "22", "in flight": "3"}


def test_a_targeted_receive_of_several(gate: Gate) -> None:
    for number in range(3):
        gate.queue.perform("send", {"order": f"order-{number}"})
    wanted = [{"order": "order-2"}, {"order": "order-0"}]
    choice = Choice(delivers=tuple(gate.queue.matches(values) for values in wanted))
    got = gate.through(
        gate.client("sqs").receive_message, choice, QueueUrl=gate.queue_url(), MaxNumberOfMessages=10
    )
    assert [gate.queue.decode(body) for body in messages(got)] == wanted
    assert gate.queue.census() == {"visible": "1", "in flight": "2"}


def test_a_targeted_receive_without_the_message_is_an_error_and_stays_parked(gate: Gate) -> None:
    gate.queue.perform("send", {"order": "order-1"})
    call = gate.submit(gate.client("sqs").receive_message, QueueUrl=gate.queue_url(), WaitTimeSeconds=20)
    parked = gate.parked()
    choice = Choice(delivers=(gate.queue.matches({"order": "order-0"}),))
    with pytest.raises(NoSuchMessage) as caught:
        gate.interposer.release(parked, choice)
    assert caught.value.visible == ('{"order_id": "order-1"}',)
    assert gate.interposer.parked() == [parked]
    assert gate.queue.census() == {"visible": "1", "in flight": "0"}
    gate.interposer.release(parked)
    assert len(messages(call.result(10))) == 1


def test_a_receive_is_forwarded_without_waiting(gate: Gate, monkeypatch: pytest.MonkeyPatch) -> None:
    """A long poll would hold the whole schedule; and no timeout may run out by itself during a run."""
    forwarded: list[dict[str, Any]] = []
    forward = AwsBackend.forward

    def spy(backend: AwsBackend, request: HttpRequest) -> HttpResponse:
        forwarded.append(json.loads(request.body))
        return forward(backend, request)

    monkeypatch.setattr(AwsBackend, "forward", spy)
    receive = gate.client("sqs").receive_message
    got = gate.through(receive, QueueUrl=gate.queue_url(), WaitTimeSeconds=20, VisibilityTimeout=1)
    assert messages(got) == []
    assert [(body["WaitTimeSeconds"], body["VisibilityTimeout"]) for body in forwarded] == [(0, 36_000)]


def test_queue_urls_are_moved_onto_the_interposer() -> None:
    elsewhere = "https://sqs.eu-west-1.amazonaws.com/123456789012/order-inbox"
    body = json.dumps({"QueueUrl": elsewhere, "QueueUrls": [elsewhere]}).encode()
    response = HttpResponse(200, (("x-amz-crc32", "1"), ("x-amzn-RequestId", "r")), body)
    moved = queue_urls_on(response, "127.0.0.1:40000")
    url = "http://127.0.0.1:40000/123456789012/order-inbox"
    assert json.loads(moved.body) == {"QueueUrl": url, "QueueUrls": [url]}
    assert moved.headers == (("x-amzn-RequestId", "r"),)
    assert queue_urls_on(HttpResponse(200, (), b"no json"), "h").body == b"no json"


def test_a_looked_up_queue_url_is_moved_onto_the_interposer(
    gate: Gate, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also behind a backend that does not build it from the Host header."""
    body = b'{"QueueUrl": "http://10.0.0.1:4566/000000000000/order-inbox"}'
    monkeypatch.setattr(AwsBackend, "forward", lambda *_: HttpResponse(200, (), body))
    got = gate.client("sqs").get_queue_url(QueueName="order-inbox")
    assert got["QueueUrl"] == gate.interposer.endpoint("worker-0") + "/000000000000/order-inbox"


def test_http_2_is_named(gate: Gate) -> None:
    host, port = gate.interposer.endpoint("worker-0").removeprefix("http://").split(":")
    with socket.create_connection((host, int(port))) as raw:
        raw.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
        with pytest.raises(UserError, match="something else than HTTP/1"):
            gate.interposer.wait_for(lambda: False, 10)
