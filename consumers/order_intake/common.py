"""Settings, clients and the receive loop that the order intake workers share."""

from __future__ import annotations

import json
import os
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import boto3


@dataclass(frozen=True)
class Settings:
    """Where the worker reads and writes, from the environment."""

    queue_url: str
    seen_table: str
    orders_table: str
    worker_name: str

    @classmethod
    def from_environment(cls) -> Settings:
        """Raises KeyError for a variable that is not set."""
        return cls(
            queue_url=os.environ["QUEUE_URL"],
            seen_table=os.environ["SEEN_TABLE"],
            orders_table=os.environ["ORDERS_TABLE"],
            worker_name=os.environ.get("WORKER_NAME") or socket.gethostname(),
        )


@dataclass(frozen=True)
class Delivery:
    """One received message."""

    order_id: str
    receipt_handle: str


class Intake:
    """The clients of one worker."""

    def __init__(self) -> None:
        self.settings = Settings.from_environment()
        self.sqs: Any = boto3.client("sqs")
        self.dynamodb: Any = boto3.client("dynamodb")

    def deliveries(self) -> Iterator[Delivery]:
        """Long-poll the queue, one message at a time, for ever."""
        while True:
            response = self.sqs.receive_message(
                QueueUrl=self.settings.queue_url, MaxNumberOfMessages=1, WaitTimeSeconds=20
            )
            for message in response.get("Messages", []):
                body = json.loads(message["Body"])
                yield Delivery(body["order_id"], message["ReceiptHandle"])

    def delete(self, delivery: Delivery) -> None:
        self.sqs.delete_message(QueueUrl=self.settings.queue_url, ReceiptHandle=delivery.receipt_handle)
