"""Requests as SDKs send them, and the calls that they spell."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.lab.wire import HttpRequest, HttpResponse, WireCall, error_code, parse, resources_of

PROCESSES = {"AKQUACK0001WORKER1": "worker-1"}


def request(
    target: str,
    body: dict[str, Any],
    *,
    service: str = "dynamodb",
    region: str = "eu-west-1",
    key: str = "AKQUACK0001WORKER1",
    headers: tuple[tuple[str, str], ...] = (),
) -> HttpRequest:
    """A request as boto3 sends it (recorded, and shortened to what matters)."""
    scope = f"AWS4-HMAC-SHA256 Credential={key}/20261101/{region}/{service}/aws4_request, SignedHeaders=host"
    return HttpRequest(
        "POST",
        "/",
        (
            ("Host", "127.0.0.1:40000"),
            ("X-Amz-Target", target),
            ("Content-Type", "application/x-amz-json-1.0"),
            ("Authorization", scope + ";x-amz-date;x-amz-target, Signature=0a1b"),
            ("amz-sdk-invocation-id", "4f1c"),
            ("amz-sdk-request", "attempt=2; max=3"),
            *headers,
        ),
        json.dumps(body).encode(),
    )


def call(http: HttpRequest) -> WireCall:
    return parse(http, listener="worker-0", processes=PROCESSES, key_attributes={"orders": "row_id"})


def test_an_sqs_call() -> None:
    body = {"QueueUrl": "http://127.0.0.1:40000/123456789012/order-inbox", "ReceiptHandle": "h"}
    got = call(request("AmazonSQS.DeleteMessage", body, service="sqs"))
    assert (got.process, got.region, got.service) == ("worker-1", "eu-west-1", "sqs")
    assert (got.operation, got.resource, got.parameters) == ("DeleteMessage", "order-inbox", body)
    assert (got.attempt, got.invocation_id) == (2, "4f1c")
    assert str(got) == "worker-1: sqs DeleteMessage order-inbox (attempt 2)"


def test_a_table_call_names_its_key() -> None:
    target = "DynamoDB_20120810.GetItem"
    got = call(request(target, {"TableName": "seen", "Key": {"order_id": {"S": "order-0"}}}))
    assert (got.action, got.key) == ("dynamodb GetItem seen", "order-0")
    composite = {"TableName": "seen", "Key": {"a": {"S": "x"}, "b": {"N": "2"}}}
    assert call(request(target, composite)).key == {"a": "x", "b": 2}


def test_a_put_names_its_key_where_the_key_attribute_is_known() -> None:
    target = "DynamoDB_20120810.PutItem"
    item = {"row_id": {"S": "r"}, "order_id": {"S": "order-0"}}
    assert call(request(target, {"TableName": "orders", "Item": item})).key == "r"
    assert call(request(target, {"TableName": "others", "Item": item})).key is None
    assert call(request(target, {"TableName": "orders", "Item": {}})).key is None


def test_a_transaction_names_its_tables_once_each() -> None:
    items = [
        {"Put": {"TableName": "seen", "Item": {}}},
        {"Put": {"TableName": "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "Item": {}}},
        {"ConditionCheck": {"TableName": "seen", "Key": {}}},
    ]
    got = call(request("DynamoDB_20120810.TransactWriteItems", {"TransactItems": items}))
    assert got.resources == ("seen", "orders")
    assert str(got) == "worker-1: dynamodb TransactWriteItems seen+orders (attempt 2)"


def test_a_batch_names_its_tables() -> None:
    assert resources_of("dynamodb", {"RequestItems": {"a": [], "b": []}}) == ("a", "b")


@pytest.mark.parametrize("key", ["SOMEBODY", "AKQUACK0001WORKER1X"])
def test_an_unknown_access_key_falls_back_to_the_listener(key: str) -> None:
    assert call(request("AmazonSQS.SendMessage", {}, key=key)).process == "worker-0"


def test_an_unsigned_call_falls_back_to_the_listener_and_the_target() -> None:
    got = call(HttpRequest("POST", "/", (("x-amz-target", "AmazonSQS.SendMessage"),), b"{}"))
    assert (got.process, got.region, got.service, got.attempt) == ("worker-0", "", "sqs", 1)


def test_the_query_protocol() -> None:
    http = HttpRequest(
        "POST",
        "/123456789012/order-inbox",
        (("Content-Type", "application/x-www-form-urlencoded; charset=utf-8"),),
        b"Action=ReceiveMessage&Version=2012-11-05",
    )
    assert call(http).operation == "ReceiveMessage"


def test_a_call_that_is_no_json() -> None:
    got = call(HttpRequest("PUT", "/bucket/key?x=1", (), b"\xff\xfe"))
    assert (got.service, got.operation, got.parameters) == ("unknown", "PUT /bucket/key", {})


def test_error_codes_wherever_they_stand() -> None:
    def code(body: bytes, *headers: tuple[str, str]) -> str:
        return error_code(HttpResponse(400, headers, body))

    assert code(b'{"__type": "com.amazonaws.sqs#QueueDoesNotExist"}') == "QueueDoesNotExist"
    assert code(b"{}", ("x-amzn-query-error", "AWS.Missing;Sender")) == "AWS.Missing"
    assert code(b"{}", ("X-Amzn-ErrorType", "Throttling:http://x")) == "Throttling"
    assert code(b"<Error><Code>NoSuchKey</Code></Error>") == "NoSuchKey"
    assert code(b"oops") == "400"
