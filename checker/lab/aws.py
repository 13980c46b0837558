"""What AWS does and the emulator does not: the semantics that the interposer supplies.

`AwsBackend.apply` is the one place where a released call takes effect. It adds to the emulator: delivery of
the message that the schedule names, stale receipt handles, and idempotent transaction tokens.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from checker.errors import UserError
from checker.lab.forward import Forwarder, with_body, with_parameters
from checker.lab.receipts import HandleState, Queue, Receipt, Receipts
from checker.lab.service_errors import json_response, service_error
from checker.lab.transactions import TokenMismatch, TransactionTokens
from checker.lab.wire import HttpRequest, HttpResponse, WireCall

# Time passes by the schedule only: longer than any run, and short of the 12 h at which SQS refuses.
VISIBILITY_TIMEOUT_S = 36_000
RECEIVE_MESSAGES_MAX = 10

BodyMatch = Callable[[str], bool]


class Clients(Protocol):
    """Where `AwsBackend` gets boto3 clients straight to the backend."""

    def client(self, service: str, region: str) -> Any:
        """A client for one service in one region."""


@dataclass(frozen=True, slots=True)
class Choice:
    """What the schedule decides about a released call, where AWS leaves it open.

    Attributes:
        delivers: one predicate on the body per message that a receive is to return; empty for the first
            visible messages, as many as the client asks for.
        stale_delete: whether a delete under a stale handle deletes.
    """

    delivers: tuple[BodyMatch, ...] = ()
    stale_delete: bool = False


NO_CHOICE = Choice()


class NoSuchMessage(Exception):
    """A receive was to deliver a message that is not visible in the queue; its client is still waiting.

    Attributes:
        visible: bodies of the messages that are.
    """

    def __init__(self, queue: str, visible: Sequence[str]) -> None:
        super().__init__(f"no such visible message in {queue}")
        self.queue = queue
        self.visible = tuple(visible)


@dataclass(frozen=True, slots=True)
class Applied:
    """The response of an applied call, and in words what the interposer added, if anything."""

    response: HttpResponse
    note: str = ""


class AwsBackend:
    """The emulator, completed with AWS semantics.

    Args:
        forwarder: sends requests to the emulator.
        clients: boto3 clients straight to the emulator.
    """

    def __init__(self, forwarder: Forwarder, clients: Clients) -> None:
        self._forwarder = forwarder
        self._clients = clients
        self.forget()

    def forget(self) -> None:
        """Clear the ledgers, for an emulator that was reset."""
        self.receipts = Receipts()
        self.tokens = TransactionTokens()

    def forward(self, request: HttpRequest) -> HttpResponse:
        """Pass a request on as it is."""
        return self._forwarder.send(request)

    def apply(self, request: HttpRequest, call: WireCall, choice: Choice = Choice()) -> Applied:
        """Make a call take effect.

        Raises:
            NoSuchMessage: for a receive whose message is not there; nothing has changed then.
            UserError: for a request in a form that the lab cannot steer.
        """
        match call.service, call.operation:
            case "sqs", "ReceiveMessage":
                return self._receive(request, call, choice.delivers)
            case "sqs", "DeleteMessage":
                return self._delete(request, call, choice)
            case "sqs", "DeleteMessageBatch":
                return self._delete_batch(request, call, choice)
            case "sqs", "ChangeMessageVisibility":
                return self._change_visibility(request, call)
            case "sqs", "ChangeMessageVisibilityBatch":
                raise UserError(
                    f"{call}: the lab cannot steer ChangeMessageVisibilityBatch",
                    hint="call ChangeMessageVisibility once a message",
                )
            case "dynamodb", "TransactWriteItems":
                return self._transact(request, call)
        return Applied(self.forward(request))

    # Receiving

    def _receive(self, request: HttpRequest, call: WireCall, delivers: tuple[BodyMatch, ...]) -> Applied:
        if request.header("x-amz-target") == "":
            raise UserError(
                f"{call} uses the SQS query protocol, which the lab cannot steer",
                hint="use an SDK that speaks the AWS JSON protocol (all since November 2023)",
            )
        queue = (call.region, call.resource)
        wanted = len(delivers) or int(call.parameters.get("MaxNumberOfMessages") or 1)
        found: list[dict[str, Any]] = []  # every message taken so far: hidden from the next round
        while True:
            response = self.forward(
                with_parameters(
                    request,
                    {
                        **call.parameters,
                        "MaxNumberOfMessages": RECEIVE_MESSAGES_MAX,
                        "WaitTimeSeconds": 0,
                        "VisibilityTimeout": VISIBILITY_TIMEOUT_S,
                    },
                )
            )
            if response.status != 200:
                return Applied(response)
            batch = json.loads(response.body).get("Messages") or []
            found += batch
            chosen = _choose(found, delivers) if delivers else found[:wanted]
            if chosen is not None and len(chosen) == wanted:
                break
            if not batch:
                break
        taken = {message["MessageId"] for message in chosen or ()}
        for message in found:
            if message["MessageId"] not in taken:
                self.make_visible(queue, message["ReceiptHandle"])
        if chosen is None:
            raise NoSuchMessage(call.resource, [message["Body"] for message in found])
        for message in chosen:
            receipt = Receipt(
                queue, message["MessageId"], message["Body"], message["ReceiptHandle"], call.process
            )
            self.receipts.received(receipt)
        return Applied(with_body(response, {"Messages": chosen} if chosen else {}))

    def make_visible(self, queue: Queue, handle: str) -> None:
        """Make a message that was received under ``handle`` visible again at once."""
        region, name = queue
        sqs = self._clients.client("sqs", region)
        sqs.change_message_visibility(
            QueueUrl=sqs.get_queue_url(QueueName=name)["QueueUrl"], ReceiptHandle=handle, VisibilityTimeout=0
        )

    # Deleting

    def _delete(self, request: HttpRequest, call: WireCall, choice: Choice) -> Applied:
        queue = (call.region, call.resource)
        handle = str(call.parameters.get("ReceiptHandle", ""))
        match self.receipts.state(queue, handle):
            case HandleState.DELETED:
                return Applied(json_response(call, {}), "its message was deleted before")
            case HandleState.STALE if choice.stale_delete:
                self._delete_stale(queue, handle)
                return Applied(
                    json_response(call, {}), "stale receipt handle: the message is deleted all the same"
                )
            case HandleState.STALE:
                return Applied(
                    json_response(call, {}), "stale receipt handle: succeeds, and the message stays"
                )
        response = self.forward(request)
        receipt = self.receipts.of_handle(queue, handle)
        if response.status == 200 and receipt is not None:
            self.receipts.deleted(receipt)
        return Applied(response)

    def _delete_stale(self, queue: Queue, handle: str) -> None:
        """Delete by a handle that the backend honours, since backends differ on stale ones."""
        receipt = self.receipts.of_handle(queue, handle)
        assert receipt is not None
        region, name = queue
        sqs = self._clients.client("sqs", region)
        url = sqs.get_queue_url(QueueName=name)["QueueUrl"]
        current = self.receipts.current(queue, receipt.message_id)
        fresh = current.handle if current is not None else None
        if fresh is None:
            others: list[str] = []
            while fresh is None:
                messages = sqs.receive_message(
                    QueueUrl=url,
                    MaxNumberOfMessages=RECEIVE_MESSAGES_MAX,
                    WaitTimeSeconds=0,
                    VisibilityTimeout=VISIBILITY_TIMEOUT_S,
                ).get("Messages", [])
                if not messages:
                    break
                for message in messages:
                    if message["MessageId"] == receipt.message_id:
                        fresh = message["ReceiptHandle"]
                    else:
                        others.append(message["ReceiptHandle"])
            for other in others:
                self.make_visible(queue, other)
        if fresh is not None:
            sqs.delete_message(QueueUrl=url, ReceiptHandle=fresh)
        self.receipts.deleted(receipt)

    def _delete_batch(self, request: HttpRequest, call: WireCall, choice: Choice) -> Applied:
        """As `_delete`, an entry at a time: the batch has no atomicity to preserve."""
        successful: list[dict[str, Any]] = []
        failed: list[dict[str, Any]] = []
        notes: list[str] = []
        headers = tuple(
            (name, "AmazonSQS.DeleteMessage" if name.lower() == "x-amz-target" else value)
            for name, value in request.headers
        )
        for entry in call.parameters.get("Entries") or []:
            parameters = {
                "QueueUrl": call.parameters.get("QueueUrl"),
                "ReceiptHandle": entry["ReceiptHandle"],
            }
            single = HttpRequest(request.method, request.path, headers, json.dumps(parameters).encode())
            one = WireCall(
                call.process, call.region, "sqs", "DeleteMessage", call.resources, parameters=parameters
            )
            applied = self._delete(single, one, choice)
            if applied.note:
                notes.append(f"{entry['Id']}: {applied.note}")
            if applied.response.status == 200:
                successful.append({"Id": entry["Id"]})
            else:
                failed.append({"Id": entry["Id"], "Code": applied.response.error, "SenderFault": True})
        body: dict[str, Any] = {"Successful": successful}
        if failed:
            body["Failed"] = failed
        return Applied(json_response(call, body), "; ".join(notes))

    def _change_visibility(self, request: HttpRequest, call: WireCall) -> Applied:
        queue = (call.region, call.resource)
        handle = str(call.parameters.get("ReceiptHandle", ""))
        state = self.receipts.state(queue, handle)
        receipt = self.receipts.of_handle(queue, handle)
        if receipt is not None and state is HandleState.STALE:
            if self.receipts.current(queue, receipt.message_id) is not None:
                # AWS does not say what an old handle does to another's receive; the lab lets it do nothing.
                return Applied(json_response(call, {}), "stale receipt handle: succeeds without effect")
            code = "AWS.SimpleQueueService.MessageNotInflight"
            return Applied(service_error(call, code, "The message is not in flight.", 400))
        timeout_s = int(call.parameters.get("VisibilityTimeout") or 0)
        parameters = {**call.parameters, "VisibilityTimeout": VISIBILITY_TIMEOUT_S if timeout_s else 0}
        response = self.forward(with_parameters(request, parameters))
        if response.status == 200 and timeout_s == 0 and receipt is not None:
            self.receipts.made_visible(receipt)
        return Applied(response)

    # Transactions

    def _transact(self, request: HttpRequest, call: WireCall) -> Applied:
        try:
            earlier = self.tokens.earlier(call.region, call.parameters)
        except TokenMismatch:
            code = "IdempotentParameterMismatchException"
            message = "The client token was used with other parameters within ten minutes."
            return Applied(service_error(call, code, message, 400))
        if earlier is not None:
            return Applied(earlier, "repeated client token: answered, not applied again")
        response = self.forward(request)
        if response.status == 200:
            self.tokens.applied(call.region, call.parameters, response)
        return Applied(response)


def _choose(messages: list[dict[str, Any]], delivers: tuple[BodyMatch, ...]) -> list[dict[str, Any]] | None:
    """A different message for each predicate, first come first served; None when one finds none."""
    rest = list(messages)
    chosen = []
    for matches in delivers:
        message = next((message for message in rest if matches(message["Body"])), None)
        if message is None:
            return None
        rest.remove(message)
        chosen.append(message)
    return chosen
