"""Consumers that misbehave in one way each: `python consumers_for_tests.py WAY`."""

from __future__ import annotations

import os
import sys
import threading
from typing import Any


def client(service: str, **options: Any) -> Any:
    import boto3

    return boto3.client(service, **options)


def poll(sqs: Any) -> list[dict[str, Any]]:
    return list(sqs.receive_message(QueueUrl=os.environ["QUEUE_URL"], WaitTimeSeconds=20).get("Messages", []))


def exits() -> None:
    sys.exit("cannot find my configuration")


def hangs() -> None:
    print("waiting for godot", flush=True)
    threading.Event().wait()


def garbage() -> None:
    sys.stdout.buffer.write(b"\xff\xfe\x00 not text" * 3000 + b"\n")
    sys.stdout.flush()
    sqs = client("sqs")
    while True:
        for message in poll(sqs):
            sys.stdout.buffer.write(os.urandom(100_000))
            sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=message["ReceiptHandle"])


def unknown_queue() -> None:
    url = os.environ["QUEUE_URL"].replace("order-inbox", "order-inbx")
    client("sqs").receive_message(QueueUrl=url)


def unknown_service() -> None:
    client("sns").publish(TopicArn="arn:aws:sns:us-east-1:123456789012:topic", Message="hello")


def looks_up_a_missing_queue() -> None:
    client("sqs").get_queue_url(QueueName="order-inbx")


def bypasses() -> None:
    """Takes its messages through the interposer, and writes orders straight to the emulator."""
    sqs, direct = client("sqs"), client("dynamodb", endpoint_url=os.environ["DIRECT_ENDPOINT"])
    while True:
        for message in poll(sqs):
            direct.put_item(TableName=os.environ["ORDERS_TABLE"], Item={"row_id": {"S": "sneaked-in"}})
            sqs.delete_message(QueueUrl=os.environ["QUEUE_URL"], ReceiptHandle=message["ReceiptHandle"])


def takes_behind() -> None:
    """Long-polls and looks into a table through the interposer, but deletes from the queue behind it."""
    sqs = client("sqs")
    dynamodb = client("dynamodb")
    direct = client("sqs", endpoint_url=os.environ["DIRECT_ENDPOINT"])
    url = direct.get_queue_url(QueueName="order-inbox")["QueueUrl"]
    while True:
        for message in poll(sqs):
            # The lab reads the queue back while this call is held, so that the delete comes after it.
            dynamodb.get_item(TableName=os.environ["SEEN_TABLE"], Key={"order_id": {"S": "order-0"}})
            direct.delete_message(QueueUrl=url, ReceiptHandle=message["ReceiptHandle"])


def poisoned() -> None:
    """Falls over every message."""
    sqs = client("sqs")
    while True:
        for message in poll(sqs):
            raise ValueError(f"cannot parse {message['Body']}")


def never_deletes() -> None:
    sqs = client("sqs")
    while True:
        poll(sqs)


def stuck_after_receive() -> None:
    poll(client("sqs"))
    print("thinking", flush=True)
    threading.Event().wait()


if __name__ == "__main__":
    globals()[sys.argv[1]]()
