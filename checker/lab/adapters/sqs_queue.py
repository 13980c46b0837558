"""`SqsQueue` of the model: a standard SQS queue with JSON bodies."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from checker.lab.adapters.base import Bench, NothingToActOn, Operation, Plain, Resource, at_path, differences
from checker.lab.aws import RECEIVE_MESSAGES_MAX, VISIBILITY_TIMEOUT_S, BodyMatch
from checker.lab.receipts import Queue, Receipt
from checker.lab.wire import WireCall


class SqsQueueAdapter:
    """A standard queue.

    Environment steps: ``send``, and ``visibility_timeout`` (of a receive whose holder is done or dead).
    Faults: ``visibility_expiry`` (a received, undeleted message becomes visible at once, its handle stale)
    and ``duplicate`` (a second copy of a message that was sent). The name ``holder`` among the values of an
    expiry is reserved for the process whose receive expires.
    """

    service = "sqs"
    operations: Mapping[str, Operation] = {
        "send": Operation("SendMessage"),
        "receive": Operation("ReceiveMessage"),
        "delete": Operation("DeleteMessage"),
    }
    steps = ("send", "visibility_timeout", "visibility_expiry", "duplicate")

    def __init__(self, resource: Resource, bench: Bench) -> None:
        self.resource = resource
        self._bench = bench
        self._sqs = bench.clients.client("sqs", resource.region)
        self._url = ""

    @property
    def queue(self) -> Queue:
        """The queue's identity in the receipts ledger."""
        return self.resource.region, self.resource.name

    def url_path(self) -> str:
        """The path of QueueUrl; the host is the interposer's."""
        return "/" + self._url.split("/", 3)[3]

    def create(self) -> None:
        """Make the queue anew."""
        existing = self._sqs.list_queues(QueueNamePrefix=self.resource.name).get("QueueUrls", [])
        for url in existing:
            if url.rpartition("/")[2] == self.resource.name:
                self._sqs.delete_queue(QueueUrl=url)
        self._url = self._sqs.create_queue(QueueName=self.resource.name)["QueueUrl"]

    # Bodies

    def encode(self, values: Mapping[str, Any]) -> str:
        """The JSON body of plain values."""
        document: dict[str, Any] = {}
        for name, value in values.items():
            *parents, last = self._path(name).split(".")
            inner = document
            for parent in parents:
                inner = inner.setdefault(parent, {})
            inner[last] = value
        return json.dumps(document)

    def decode(self, body: str) -> Plain:
        """The plain values of a body; a body that is not a JSON object is shown under ``body``."""
        try:
            document = json.loads(body)
        except ValueError:
            document = None
        if not isinstance(document, dict):
            return {"body": body}
        if self.resource.fields is None:
            return document
        return {name: at_path(document, path) for name, path in self.resource.fields.items()}

    def matches(self, values: Mapping[str, Any]) -> BodyMatch:
        """A predicate on bodies: every given field has the given value."""
        return lambda body: not differences(values, self.decode(body))

    def _path(self, name: str) -> str:
        if self.resource.fields is None:
            return name
        if name not in self.resource.fields:
            known = ", ".join(self.resource.fields) or "none"
            raise NothingToActOn(
                f"the wiring of {self.resource.component} maps no field {name!r} (it maps: {known})"
            )
        return self.resource.fields[name]

    # Calls

    def mismatch(self, operation: str, call: WireCall, key: Any, values: Mapping[str, Any] | None) -> str:
        """Compare the body of a SendMessage; receipt handles are not the model's."""
        if operation == "send" and values is not None:
            return differences(values, self.decode(str(call.parameters.get("MessageBody", ""))))
        return ""

    # Environment steps and faults

    def perform(self, step: str, values: Mapping[str, Any]) -> None:
        """Raises `NothingToActOn` when no message fits."""
        match step:
            case "send":
                self._sqs.send_message(QueueUrl=self._url, MessageBody=self.encode(values))
            case "visibility_timeout" | "visibility_expiry":  # the model tells an idle holder from a busy one
                self.expire(self.held(values))
            case "duplicate":
                self._sqs.send_message(QueueUrl=self._url, MessageBody=self._known_body(values))
            case _:
                raise NothingToActOn(f"a queue has no step {step!r}; it has {', '.join(self.steps)}")

    def in_flight(self) -> list[Receipt]:
        """Messages that a consumer received and nobody deleted, in order of the latest receive."""
        return self._bench.backend.receipts.in_flight(self.queue)

    def held(self, values: Mapping[str, Any]) -> Receipt:
        """The first in-flight message with these values.

        The extra name ``holder`` restricts it to one process, where two copies are in flight.
        """
        fields = {name: value for name, value in values.items() if name != "holder"}
        fits = self.matches(fields)
        for receipt in self.in_flight():
            if fits(receipt.body) and values.get("holder", receipt.holder) == receipt.holder:
                return receipt
        now = [f"{self.decode(receipt.body)} held by {receipt.holder}" for receipt in self.in_flight()]
        raise NothingToActOn(
            f"no message {dict(values)} of {self.resource.component} is in flight; in flight: {now or 'none'}"
        )

    def expire(self, receipt: Receipt) -> None:
        """The visibility timeout of this receive runs out."""
        self._bench.backend.make_visible(self.queue, receipt.handle)
        self._bench.backend.receipts.made_visible(receipt)

    def _known_body(self, values: Mapping[str, Any]) -> str:
        fits = self.matches(values)
        bodies = [receipt.body for receipt in self.in_flight()]
        bodies += self._bench.backend.receipts.bodies(self.queue) + self._visible_bodies()
        for body in bodies:
            if fits(body):
                return body
        raise NothingToActOn(f"no message {dict(values)} was ever in {self.resource.component}")

    # Observation

    def observe(self) -> dict[str, list[Plain]]:
        """Bodies of the visible messages and of those in flight, sorted."""
        return {
            "visible": sorted(map(self.decode, self._visible_bodies()), key=repr),
            "in_flight": sorted((self.decode(receipt.body) for receipt in self.in_flight()), key=repr),
        }

    def visible_count(self) -> int:
        """How many messages a receive could return now."""
        return int(self.census()["visible"])

    def census(self) -> dict[str, str]:
        """The counts of visible and of in-flight messages."""
        names = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
        attributes = self._sqs.get_queue_attributes(QueueUrl=self._url, AttributeNames=list(names))[
            "Attributes"
        ]
        return {"visible": str(attributes[names[0]]), "in flight": str(attributes[names[1]])}

    def _visible_bodies(self) -> list[str]:
        """Take every visible message, then make all of them visible again: SQS has no peek."""
        taken: list[dict[str, Any]] = []
        while messages := self._sqs.receive_message(
            QueueUrl=self._url,
            MaxNumberOfMessages=RECEIVE_MESSAGES_MAX,
            WaitTimeSeconds=0,
            VisibilityTimeout=VISIBILITY_TIMEOUT_S,
        ).get("Messages", []):
            taken += messages
        for message in taken:
            self._bench.backend.make_visible(self.queue, message["ReceiptHandle"])
        return [message["Body"] for message in taken]
