"""The gate: a loopback HTTP server that parks every AWS call until the schedule decides about it.

One event loop in a thread reads requests and writes answers. Decisions are made, and applied to the backend,
in the thread of whoever calls `release` and its siblings, so that effects and history have one order.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import threading
import urllib.parse
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Self

from checker.errors import InternalError, QuackcheckError, UserError
from checker.lab.aws import NO_CHOICE, Applied, AwsBackend, Choice
from checker.lab.forward import with_body
from checker.lab.service_errors import internal_error, service_error, throttled
from checker.lab.wire import HttpRequest, HttpResponse, WireCall, parse

# Set-up calls that read names and settings; they pass ungated, since no protocol step is made of them.
CONTROL_OPERATIONS = frozenset(
    {
        ("sqs", "GetQueueUrl"),
        ("sqs", "GetQueueAttributes"),
        ("sqs", "ListQueues"),
        ("sqs", "ListQueueTags"),
        ("dynamodb", "DescribeTable"),
        ("dynamodb", "DescribeEndpoints"),
        ("dynamodb", "DescribeTimeToLive"),
        ("dynamodb", "ListTables"),
        ("sts", "GetCallerIdentity"),
    }
)
_QUEUE_URL_OPERATIONS = {"GetQueueUrl", "ListQueues", "CreateQueue"}
_HEAD_BYTES_MAX = 64 * 1024
_NOT_FORWARDED = {"content-length", "connection", "transfer-encoding", "keep-alive"}


class Decision(StrEnum):
    """What became of a call."""

    UNGATED = "ungated"
    RELEASE = "released"
    FAIL_BEFORE = "failed before it was applied"
    DROP_RESPONSE = "applied, response dropped"
    REFUSE = "refused"
    DISCARD = "discarded"


@dataclass(frozen=True, slots=True)
class RecordedCall:
    """A call and what became of it; ``error`` is the AWS error code that its client was answered with."""

    number: int
    call: WireCall
    decision: Decision
    status: int | None = None
    error: str | None = None
    note: str = ""

    def __str__(self) -> str:
        text = f"{self.call}: {self.decision}"
        text += f", {self.error}" if self.error else ""
        return text + (f" ({self.note})" if self.note else "")


class ParkedCall:
    """A call that waits at the gate. ``number`` counts arrivals from 0."""

    def __init__(
        self, number: int, call: WireCall, request: HttpRequest, answer: asyncio.Future[Any]
    ) -> None:
        self.number = number
        self.call = call
        self.request = request
        self._answer = answer

    def __str__(self) -> str:
        return str(self.call)


class Interposer:
    """The gate in front of one backend, with a listener for each process.

    Args:
        backend: where released calls take effect.
        processes: access key id to process.
        key_attributes: table name to hash key attribute, to name the key of a PutItem.
        control_operations: (service, operation) pairs that pass ungated; they are recorded all the same.
    """

    def __init__(
        self,
        backend: AwsBackend,
        processes: Mapping[str, str],
        *,
        key_attributes: Mapping[str, str] | None = None,
        control_operations: Iterable[tuple[str, str]] = CONTROL_OPERATIONS,
    ) -> None:
        self.backend = backend
        self._processes = dict(processes)
        self._key_attributes = dict(key_attributes or {})
        self._control_operations = frozenset(control_operations)
        self._changed = threading.Condition()
        self._parked: list[ParkedCall] = []
        self._history: list[RecordedCall] = []
        self._numbers = 0
        self._endpoints: dict[str, str] = {}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="interposer", daemon=True)
        self._servers: list[asyncio.Server] = []
        self._connections: set[asyncio.Task[None]] = set()
        self._failure: BaseException | None = None

    # Life

    def start(self) -> Self:
        """Open a listener for each process."""
        self._thread.start()
        try:
            for process in sorted(set(self._processes.values())):
                self._endpoints[process] = asyncio.run_coroutine_threadsafe(
                    self._listen(process), self._loop
                ).result()
        except BaseException:
            self.close()
            raise
        return self

    def close(self) -> None:
        """Close listeners and connections; parked calls are discarded. Idempotent."""
        if self._loop.is_closed():
            return
        if self._thread.is_alive():
            asyncio.run_coroutine_threadsafe(self._close(), self._loop).result()
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
        self._loop.close()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def endpoint(self, process: str) -> str:
        """The URL that ``process`` takes for AWS."""
        return self._endpoints[process]

    # Looking

    @property
    def history(self) -> list[RecordedCall]:
        """Every decided call, in the order of the decisions."""
        with self._changed:
            return list(self._history)

    def parked(self, process: str | None = None) -> list[ParkedCall]:
        """The calls that wait now, in order of arrival."""
        with self._changed:
            return [parked for parked in self._parked if process in (None, parked.call.process)]

    def notify(self) -> None:
        """Wake `wait_for`: something that its predicates look at has changed (a process ended)."""
        with self._changed:
            self._changed.notify_all()

    def wait_for(self, predicate: Callable[[], bool], timeout_s: float) -> bool:
        """Wait until ``predicate``, looked at again whenever a call arrives or leaves; False on timeout.

        Raises:
            QuackcheckError: when an ungated call failed on the way.
        """
        with self._changed:
            fired = self._changed.wait_for(lambda: self._failure is not None or predicate(), timeout_s)
            if self._failure is not None:
                failure, self._failure = self._failure, None
                if isinstance(failure, QuackcheckError):
                    raise failure
                raise InternalError(f"the interposer failed: {failure!r}") from failure
            return fired

    # Deciding

    def release(self, parked: ParkedCall, choice: Choice = NO_CHOICE) -> RecordedCall:
        """Apply the call and answer it.

        Raises:
            NoSuchMessage: from a receive whose message is not there; it stays parked.
        """
        applied = self.backend.apply(parked.request, parked.call, choice)
        return self._answer(parked, Decision.RELEASE, applied)

    def drop_response(self, parked: ParkedCall, choice: Choice = NO_CHOICE) -> RecordedCall:
        """Apply the call and close the connection without an answer; raises as `release` does."""
        applied = self.backend.apply(parked.request, parked.call, choice)
        note = "; ".join(filter(None, [applied.response.error, applied.note]))
        return self._settle(parked, Decision.DROP_RESPONSE, None, applied.response.status, note)

    def fail_before(self, parked: ParkedCall) -> RecordedCall:
        """Answer with the service's internal error; the call is not applied."""
        return self._answer(parked, Decision.FAIL_BEFORE, Applied(internal_error(parked.call)))

    def throttle(self, parked: ParkedCall) -> RecordedCall:
        """Answer with the service's throttling error; the call is not applied."""
        return self._answer(parked, Decision.REFUSE, Applied(throttled(parked.call)))

    def refuse(self, parked: ParkedCall, code: str, message: str = "", status: int = 400) -> RecordedCall:
        """Answer with the given error; the call is not applied."""
        response = service_error(parked.call, code, message or f"Refused: {code}.", status)
        return self._answer(parked, Decision.REFUSE, Applied(response))

    def discard(self, parked: ParkedCall) -> RecordedCall:
        """Take a call away whose client is about to be killed; it is not applied.

        The connection stays open, so that the client cannot see a failure and react before it dies.
        """
        return self._settle(parked, Decision.DISCARD, None, None, "", answer=False)

    def _answer(self, parked: ParkedCall, decision: Decision, applied: Applied) -> RecordedCall:
        response = applied.response
        return self._settle(parked, decision, response, response.status, applied.note)

    def _settle(
        self,
        parked: ParkedCall,
        decision: Decision,
        response: HttpResponse | None,
        status: int | None,
        note: str,
        *,
        answer: bool = True,
    ) -> RecordedCall:
        with self._changed:
            if parked in self._parked:  # else its client went away while the call was applied
                self._parked.remove(parked)
            error = response.error if response is not None else None
            recorded = RecordedCall(parked.number, parked.call, decision, status, error, note)
            self._history.append(recorded)
            self._changed.notify_all()
        if answer:
            self._loop.call_soon_threadsafe(_resolve, parked._answer, response)
        return recorded

    # In the event loop

    async def _listen(self, process: str) -> str:
        async def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._connections.add(task)
            try:
                await self._serve(process, reader, writer)
            except (ConnectionError, asyncio.IncompleteReadError, asyncio.CancelledError, TimeoutError):
                pass
            except Exception as error:
                with self._changed:
                    self._failure = error
                    self._changed.notify_all()
            finally:
                self._connections.discard(task)
                writer.transport.abort()

        server = await asyncio.start_server(connected, "127.0.0.1", 0, limit=_HEAD_BYTES_MAX)
        self._servers.append(server)
        host, port = server.sockets[0].getsockname()[:2]
        return f"http://{host}:{port}"

    async def _close(self) -> None:
        for server in self._servers:
            server.close()
        tasks = list(self._connections)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._loop.shutdown_default_executor()

    async def _serve(self, process: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while (request := await read_request(reader, writer)) is not None:
            call = parse(
                request, listener=process, processes=self._processes, key_attributes=self._key_attributes
            )
            if (call.service, call.operation) in self._control_operations:
                response: HttpResponse | None = await self._pass(request, call)
            else:
                response = await self._park(request, call, reader)
            if response is None:
                return
            writer.write(rendered(response))
            await writer.drain()
            if request.header("connection").lower() == "close":
                return

    async def _pass(self, request: HttpRequest, call: WireCall) -> HttpResponse:
        response = await self._loop.run_in_executor(None, self.backend.forward, request)
        if call.operation in _QUEUE_URL_OPERATIONS and response.status == 200:
            response = queue_urls_on(response, request.header("host"))
        with self._changed:
            number, self._numbers = self._numbers, self._numbers + 1
            self._history.append(
                RecordedCall(number, call, Decision.UNGATED, response.status, response.error)
            )
        return response

    async def _park(
        self, request: HttpRequest, call: WireCall, reader: asyncio.StreamReader
    ) -> HttpResponse | None:
        answer: asyncio.Future[HttpResponse | None] = self._loop.create_future()
        with self._changed:
            parked = ParkedCall(self._numbers, call, request, answer)
            self._numbers += 1
            self._parked.append(parked)
            self._changed.notify_all()
        # An SDK gives up on a call that is held too long, and sends it again: the old one must not stay
        # parked, or releasing it later would apply a write whose client is gone.
        gone = asyncio.ensure_future(reader.read(1))
        try:
            waits: set[asyncio.Future[Any]] = {answer, gone}
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            if not gone.done():
                gone.cancel()
                with contextlib.suppress(asyncio.CancelledError):
                    await gone
            with self._changed:
                if parked in self._parked:
                    self._parked.remove(parked)
                    self._history.append(
                        RecordedCall(
                            parked.number, call, Decision.DISCARD, note="its client closed the connection"
                        )
                    )
                    self._changed.notify_all()
        return answer.result() if answer.done() else None


def _resolve(answer: asyncio.Future[Any], response: HttpResponse | None) -> None:
    if not answer.done():
        answer.set_result(response)


async def read_request(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> HttpRequest | None:
    """Read one HTTP/1.1 request; None at the end of the connection."""
    try:
        head = await reader.readuntil(b"\r\n\r\n")
    except asyncio.IncompleteReadError:
        return None
    first, *lines = head.decode("latin-1").rstrip("\r\n").split("\r\n")
    method, path, version = [*first.split(" ", 2), "", ""][:3]
    if not version.startswith("HTTP/1."):
        raise UserError(
            f"a consumer speaks something else than HTTP/1 to the interposer: {first!r}",
            hint="configure its SDK for HTTP/1.1 (JavaScript's Kinesis client speaks HTTP/2 by default)",
        )
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name.strip(), value.strip()))
    request = HttpRequest(method, path, tuple(headers), b"")
    if request.header("expect").lower() == "100-continue":
        writer.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        await writer.drain()
    if request.header("transfer-encoding").lower() == "chunked":
        body = await _read_chunks(reader)
    else:
        body = await reader.readexactly(int(request.header("content-length") or 0))
    return HttpRequest(method, path, tuple(headers), body)


async def _read_chunks(reader: asyncio.StreamReader) -> bytes:
    body = b""
    while size := int((await reader.readline()).split(b";")[0], 16):
        body += await reader.readexactly(size)
        await reader.readline()
    while (await reader.readline()).strip():
        pass  # trailers
    return body


def rendered(response: HttpResponse) -> bytes:
    """The bytes of a response."""
    lines = [f"HTTP/1.1 {response.status} {'OK' if response.status < 400 else 'Error'}"]
    lines += [f"{name}: {value}" for name, value in response.headers if name.lower() not in _NOT_FORWARDED]
    lines.append(f"Content-Length: {len(response.body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + response.body


def queue_urls_on(response: HttpResponse, host: str) -> HttpResponse:
    """The response with its queue URLs on ``host``: SDKs send SQS calls to wherever QueueUrl points."""
    try:
        body = json.loads(response.body)
    except ValueError:
        return response

    def moved(url: str) -> str:
        return urllib.parse.urlunsplit(("http", host, urllib.parse.urlsplit(url).path, "", ""))

    if isinstance(body.get("QueueUrl"), str):
        body["QueueUrl"] = moved(body["QueueUrl"])
    if isinstance(body.get("QueueUrls"), list):
        body["QueueUrls"] = [moved(url) for url in body["QueueUrls"]]
    return with_body(response, body)
