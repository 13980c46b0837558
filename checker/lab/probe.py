"""Conformance probe: which AWS clauses a backend honours, behind the interposer.

A replay that rests on a clause that its backend violates proves nothing; it is inconclusive there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Self

from botocore.exceptions import ClientError

from checker.errors import UserError
from checker.lab.adapters import Bench, DynamoTableAdapter, Resource, SqsQueueAdapter
from checker.lab.aws import NO_CHOICE, AwsBackend, Choice
from checker.lab.clients import lab_client
from checker.lab.emulator import Emulator
from checker.lab.forward import Forwarder
from checker.lab.interposer import Interposer

REGION = "us-east-1"
OTHER_REGION = "eu-west-1"
_PROCESS = "probe"
_KEY = "AKQUACKPROBE"
_TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Finding:
    """Whether a backend honours one clause.

    Attributes:
        clause: a stable name, such as ``sqs-stale-delete-succeeds``.
        source: where AWS says so.
        honoured: as seen behind the interposer.
        note: what was seen instead; empty where honoured.
    """

    clause: str
    source: str
    honoured: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Clause:
    """A clause and the sequence that tests it; the sequence returns what it saw wrong, or an empty string."""

    name: str
    source: str
    check: Callable[[Probe], str]


class Probe:
    """Calls that go through an interposer and are released at once, on fresh resources."""

    def __init__(self, emulator: Emulator) -> None:
        self._emulator = emulator
        self._backend = AwsBackend(Forwarder(emulator.url), emulator)
        self._interposer = Interposer(self._backend, {_KEY: _PROCESS})
        self._pool = ThreadPoolExecutor(1)
        self._clients: dict[tuple[str, str], Any] = {}
        bench = Bench(emulator, self._backend)
        self.queue = SqsQueueAdapter(Resource("queue", "SqsQueue", "probe-queue", REGION), bench)
        self.table = DynamoTableAdapter(
            Resource("table", "DynamoTable", "probe-table", REGION, key="id"), bench
        )

    def __enter__(self) -> Self:
        self._interposer.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._interposer.close()
        self._pool.shutdown()
        for client in self._clients.values():
            client.close()

    def fresh(self) -> None:
        """Empty resources."""
        self._emulator.reset()
        self._backend.forget()
        self.queue.create()
        self.table.create()

    def ask(
        self,
        service: str,
        operation: str,
        *,
        choice: Choice = NO_CHOICE,
        region: str = REGION,
        **parameters: Any,
    ) -> tuple[dict[str, Any], str]:
        """Make a call and release it; its response, and its error code or an empty string."""
        before = len(self._interposer.history)
        future = self._pool.submit(getattr(self._client(service, region), operation), **parameters)
        parked = self._interposer.parked
        if not self._interposer.wait_for(lambda: bool(parked()) or future.done(), _TIMEOUT_S):
            raise UserError(f"the probe's call {service} {operation} did not reach the interposer")
        if parked():
            self._interposer.release(parked()[0], choice)
        try:
            return dict(future.result(_TIMEOUT_S)), ""
        except ClientError as error:
            return dict(error.response), str(error.response["Error"]["Code"])
        finally:
            assert len(self._interposer.history) > before

    # Shorthands

    def send(self, body: str) -> None:
        self.ask("sqs", "send_message", QueueUrl=self.queue_url(), MessageBody=body)

    def receive(self, body: str | None = None) -> dict[str, Any]:
        """The received message; empty if there was none."""
        choice = NO_CHOICE if body is None else Choice(delivers=(lambda candidate: candidate == body,))
        response, _ = self.ask("sqs", "receive_message", choice=choice, QueueUrl=self.queue_url())
        return dict((response.get("Messages") or [{}])[0])

    def delete(self, message: Mapping[str, Any]) -> str:
        handle = message["ReceiptHandle"]
        return self.ask("sqs", "delete_message", QueueUrl=self.queue_url(), ReceiptHandle=handle)[1]

    def expire(self) -> None:
        self.queue.expire(self.queue.in_flight()[0])

    def put(self, key: str, *, only_new: bool = False) -> str:
        condition: dict[str, Any] = {"ConditionExpression": "attribute_not_exists(id)"} if only_new else {}
        return self.ask(
            "dynamodb", "put_item", TableName="probe-table", Item={"id": {"S": key}}, **condition
        )[1]

    def keys(self) -> list[str]:
        return sorted(self.table.census())

    def queue_url(self) -> str:
        return self._interposer.endpoint(_PROCESS) + self.queue.url_path()

    def _client(self, service: str, region: str) -> Any:
        if (service, region) not in self._clients:
            endpoint = self._interposer.endpoint(_PROCESS)
            self._clients[service, region] = lab_client(service, region, endpoint, _KEY)
        return self._clients[service, region]


def probe(emulator: Emulator, clauses: Iterable[str] | None = None) -> list[Finding]:
    """Test a running backend, which is reset on the way.

    Args:
        clauses: names of the clauses to test; default: all, in the order of `CLAUSES`.

    Returns:
        A finding a clause.

    Raises:
        UserError: for an unknown clause.
    """
    wanted = [clause.name for clause in CLAUSES] if clauses is None else list(clauses)
    by_name = {clause.name: clause for clause in CLAUSES}
    for name in wanted:
        if name not in by_name:
            raise UserError(f"there is no clause {name!r}", hint=f"known: {', '.join(by_name)}")
    findings = []
    with Probe(emulator) as run:
        for name in wanted:
            run.fresh()
            note = by_name[name].check(run)
            findings.append(Finding(name, by_name[name].source, not note, note))
    emulator.reset()
    return findings


def violated(findings: Iterable[Finding], needed: Iterable[str]) -> list[Finding]:
    """The clauses that a test rests on and its backend violates: with any, the test is inconclusive."""
    names = set(needed)
    return [finding for finding in findings if finding.clause in names and not finding.honoured]


# The sequences


def _hidden(run: Probe) -> str:
    run.send("a")
    run.receive()
    return "it was delivered again" if run.receive() else ""


def _redelivered(run: Probe) -> str:
    run.send("a")
    first = run.receive()
    run.expire()
    again = run.receive()
    if not again:
        return "it was not delivered again"
    return "under the same receipt handle" if again["ReceiptHandle"] == first["ReceiptHandle"] else ""


def _deleted(run: Probe) -> str:
    run.send("a")
    error = run.delete(run.receive())
    if error:
        return error
    return "it is still in the queue" if set(run.queue.census().values()) != {"0"} else ""


def _deleted_twice(run: Probe) -> str:
    run.send("a")
    message = run.receive()
    run.delete(message)
    return run.delete(message)


def _stale(run: Probe) -> str:
    run.send("a")
    stale = run.receive()
    run.expire()
    run.receive()
    error = run.delete(stale)
    if error:
        return error
    return (
        "" if run.queue.in_flight() and run.queue.census()["in flight"] == "1" else "it deleted the message"
    )


def _stale_deletes(run: Probe) -> str:
    run.send("a")
    stale = run.receive()
    run.expire()
    handle = stale["ReceiptHandle"]
    _, error = run.ask(
        "sqs",
        "delete_message",
        choice=Choice(stale_delete=True),
        QueueUrl=run.queue_url(),
        ReceiptHandle=handle,
    )
    return error or ("the message is still there" if run.receive() else "")


def _targeted(run: Probe) -> str:
    for body in "abc":
        run.send(body)
    got = [run.receive(body).get("Body") for body in "bca"]
    return "" if got == list("bca") else f"delivered {got} instead of b, c, a"


def _conditional_put(run: Probe) -> str:
    if error := run.put("k", only_new=True):
        return f"the first put failed: {error}"
    error = run.put("k", only_new=True)
    return "" if error == "ConditionalCheckFailedException" else f"the second put gave {error or 'success'}"


def _consistent_read(run: Probe) -> str:
    run.put("k")
    got, error = run.ask(
        "dynamodb", "get_item", TableName="probe-table", Key={"id": {"S": "k"}}, ConsistentRead=True
    )
    return error or ("" if "Item" in got else "the row was not there")


def _conditional_update(run: Probe) -> str:
    update: dict[str, Any] = {
        "TableName": "probe-table",
        "Key": {"id": {"S": "k"}},
        "UpdateExpression": "SET v = :new",
        "ConditionExpression": "attribute_not_exists(v) OR v < :new",
    }
    codes = [
        run.ask("dynamodb", "update_item", **update, ExpressionAttributeValues={":new": {"N": version}})[1]
        for version in ("5", "4", "6")
    ]
    return "" if codes == ["", "ConditionalCheckFailedException", ""] else f"versions 5, 4, 6 gave {codes}"


def _transact(run: Probe, keys: Iterable[str], token: str = "") -> tuple[dict[str, Any], str]:
    items = [
        {
            "Put": {
                "TableName": "probe-table",
                "Item": {"id": {"S": key}},
                "ConditionExpression": "attribute_not_exists(id)",
            }
        }
        for key in keys
    ]
    with_token: dict[str, Any] = {"ClientRequestToken": token} if token else {}
    return run.ask("dynamodb", "transact_write_items", TransactItems=items, **with_token)


def _transaction_atomic(run: Probe) -> str:
    run.put("b")
    response, error = _transact(run, "ab")
    if error != "TransactionCanceledException":
        return f"it ended with {error or 'success'}"
    if run.keys() != ["b"]:
        return f"the table holds {run.keys()}"
    codes = [reason.get("Code") for reason in response.get("CancellationReasons", [])]
    return "" if codes == ["None", "ConditionalCheckFailed"] else f"its reasons are {codes}"


def _token_idempotent(run: Probe) -> str:
    first, again = _transact(run, "a", "token")[1], _transact(run, "a", "token")[1]
    return "" if not first and not again else f"it ended with {first or 'success'}, then {again or 'success'}"


def _token_mismatch(run: Probe) -> str:
    _transact(run, "a", "token")
    error = _transact(run, "b", "token")[1]
    return "" if error == "IdempotentParameterMismatchException" else f"it ended with {error or 'success'}"


def _regions_apart(run: Probe) -> str:
    run.put("k")
    _, error = run.ask(
        "dynamodb", "get_item", region=OTHER_REGION, TableName="probe-table", Key={"id": {"S": "k"}}
    )
    return "" if error == "ResourceNotFoundException" else f"{OTHER_REGION} sees the table of {REGION}"


_SQS_VISIBILITY = "SQS developer guide, visibility timeout"
_SQS_DELETE = "SQS API reference, DeleteMessage"
_PUT = "DynamoDB API reference, PutItem"
_TRANSACT = "DynamoDB API reference, TransactWriteItems"

CLAUSES: tuple[Clause, ...] = (
    Clause("sqs-in-flight-hidden", _SQS_VISIBILITY, _hidden),
    Clause("sqs-visibility-expiry-redelivers", _SQS_VISIBILITY, _redelivered),
    Clause("sqs-delete-removes", _SQS_DELETE, _deleted),
    Clause("sqs-delete-twice-succeeds", _SQS_DELETE, _deleted_twice),
    Clause("sqs-stale-delete-may-keep", _SQS_DELETE, _stale),
    Clause("sqs-stale-delete-may-delete", _SQS_DELETE, _stale_deletes),
    Clause("sqs-any-visible-message", "SQS developer guide, standard queues: best-effort order", _targeted),
    Clause("dynamodb-conditional-put", _PUT, _conditional_put),
    Clause("dynamodb-conditional-update", "DynamoDB API reference, UpdateItem", _conditional_update),
    Clause("dynamodb-consistent-read", "DynamoDB API reference, GetItem", _consistent_read),
    Clause("dynamodb-transaction-atomic", _TRANSACT, _transaction_atomic),
    Clause("dynamodb-token-idempotent", _TRANSACT, _token_idempotent),
    Clause("dynamodb-token-mismatch", _TRANSACT, _token_mismatch),
    Clause("regions-apart", "DynamoDB developer guide: tables are regional", _regions_apart),
)
