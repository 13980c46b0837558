"""`Lab`: replays a schedule against real consumer processes and observes the result.

The lab speaks plain values (see `checker.lab.values`) and component names; it knows nothing of the DSL.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Any, Literal, NoReturn, Self, cast

from checker.errors import UserError
from checker.lab.adapters import KINDS, Adapter, Bench, DynamoTableAdapter, NothingToActOn, SqsQueueAdapter
from checker.lab.aws import AwsBackend, BodyMatch, Choice, NoSuchMessage
from checker.lab.bypass import BypassWatch
from checker.lab.crew import Crew
from checker.lab.emulator import Emulator
from checker.lab.errors import DidNotQuiesce, Diverged, StepDidNotFire
from checker.lab.forward import Forwarder
from checker.lab.history import History, Step
from checker.lab.interposer import Interposer, ParkedCall, RecordedCall
from checker.lab.predictions import Predictions
from checker.lab.surroundings import access_keys, consumer_environment
from checker.lab.wire import WireCall
from checker.lab.wiring import Wiring, did_you_mean

Fault = Literal["fail_before", "drop_response", "throttle"]
StaleDelete = Literal["kept", "deleted"]
Delivers = Mapping[str, Any] | Sequence[Mapping[str, Any]]

STEP_TIMEOUT_S = 15.0
DRAIN_STEPS_MAX = 200
DRAIN_RESTARTS_MAX = 4
_FAULTS: tuple[Fault, ...] = ("fail_before", "drop_response", "throttle")
_READS = {"GetItem", "Query", "Scan", "BatchGetItem", "TransactGetItems"}


class Lab:
    """Emulator, interposer and consumer processes of one replay; a context manager.

    On entry the emulator is reset, resources are created, and every process is started and parked at its
    first call. Between the methods' calls every process is parked at a call; none runs. A process that ends
    by itself is restarted, as its supervisor would, and the history says so.

    Args:
        wiring: see `load_wiring`.
        processes: the model's process names ("worker-0", ...); their order is the order of `drain`.
        emulator: a running emulator to use (and reset); default: one of its own.
        max_attempts: how often an SDK tries a call (AWS_MAX_ATTEMPTS); 1 means no retries.
        step_timeout_s: how long a process may take from one answer to its next call.

    Raises:
        UserError: from entry, when a consumer cannot be started, ends or makes no call; from any method, for
            an unknown name, or a consumer's call to a resource that the wiring does not name.
    """

    def __init__(
        self,
        wiring: Wiring,
        processes: Sequence[str],
        *,
        emulator: Emulator | None = None,
        max_attempts: int = 2,
        step_timeout_s: float = STEP_TIMEOUT_S,
    ) -> None:
        if not processes or len(set(processes)) != len(processes):
            raise UserError(f"expected distinct process names, got {list(processes)!r}")
        self.wiring = wiring
        self.processes = tuple(processes)
        self.emulator = Emulator() if emulator is None else emulator
        self._own_emulator = emulator is None
        self._max_attempts = max_attempts
        self._step_timeout_s = step_timeout_s
        self._history = History()
        self._adapters: dict[str, Adapter] = {}
        self._predictions = Predictions(self._adapters, wiring.path)
        self._watch = BypassWatch(self._adapters, self._history)
        self._interposer: Interposer | None = None
        self._crew_or_none: Crew | None = None

    # Life

    def __enter__(self) -> Self:
        try:
            if self._own_emulator:
                self.emulator.start()
            self.emulator.reset()
            backend = AwsBackend(Forwarder(self.emulator.url), self.emulator)
            for component, resource in self.wiring.resources.items():
                adapter = KINDS[resource.kind](resource, Bench(self.emulator, backend))
                adapter.create()
                self._adapters[component] = adapter
            self._watch.refresh(self._adapters)
            self._start_processes(backend)
        except BaseException:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Kill the processes and close the interposer; idempotent."""
        try:
            if self._crew_or_none is not None:
                self._crew_or_none.stop()
        finally:
            if self._interposer is not None:
                self._interposer.close()
            if self._own_emulator:
                self.emulator.stop()

    def _start_processes(self, backend: AwsBackend) -> None:
        keys = access_keys(self.processes)
        self._interposer = Interposer(
            backend,
            {key: process for process, key in keys.items()},
            key_attributes={r.name: r.key for r in self.wiring.resources.values() if r.key},
        )
        self._interposer.start()
        self._crew_or_none = Crew(
            self._interposer,
            self._history,
            self._predictions.check_known,
            where=self.wiring.path,
            start_timeout_s=self.wiring.start_timeout_s,
            step_timeout_s=self._step_timeout_s,
        )
        for process in self.processes:
            environment = consumer_environment(
                endpoint=self._interposer.endpoint(process),
                region=self.wiring.region,
                access_key=keys[process],
                max_attempts=self._max_attempts,
                own={name: self._resolve(text, process) for name, text in self.wiring.environment.items()},
            )
            command = [self._resolve(part, process) for part in self.wiring.command]
            self._crew_or_none.add(process, command, environment, self.wiring.cwd)
        self._crew_or_none.start()

    def _resolve(self, text: str, process: str) -> str:
        endpoint = self.interposer.endpoint(process)

        def queue_url(component: str) -> str:  # on the interposer: SDKs send SQS calls to where it points
            return endpoint + cast(SqsQueueAdapter, self._adapters[component]).url_path()

        return self.wiring.resolve(text, process, queue_url, endpoint)

    @property
    def interposer(self) -> Interposer:
        """The gate of this run; its ``history`` holds ungated calls too."""
        if self._interposer is None:
            raise UserError(
                "the lab is not running", hint="use it as a context manager: with Lab(...) as lab:"
            )
        return self._interposer

    @property
    def history(self) -> list[Step]:
        """The steps so far."""
        return list(self._history.steps)

    # The schedule

    def perform(self, component: str, step: str, values: Mapping[str, Any]) -> None:
        """An environment step, such as ``perform("inbox", "send", {"order": "order-0"})``.

        Raises:
            StepDidNotFire: when there is nothing for it to act on.
            Bypass: when the component changed behind the lab's back.
        """
        adapter = self._predictions.component(component)
        if step not in adapter.steps:
            raise UserError(
                f"{component} ({adapter.resource.kind}) has no step {step!r}",
                hint=did_you_mean(step, adapter.steps),
            )
        self._watch.check([component])
        try:
            adapter.perform(step, values)
        except NothingToActOn as error:
            raise self._evidence(StepDidNotFire, f"{component}.{step} did not happen: {error}") from error
        self._watch.refresh([component])
        self._history.add("environment", f"{component}.{step} {dict(values)}")

    def fault(self, component: str, fault: str, values: Mapping[str, Any]) -> None:
        """A fault of a component, such as ``fault("inbox", "visibility_expiry", {"order": "order-0"})``.

        Where two copies of a message are in flight, ``holder`` among the values names the process whose
        receive expires. Raises as `perform` does.
        """
        self.perform(component, fault, values)

    def call(
        self,
        process: str,
        operation: str,
        *,
        delivers: Delivers | None = None,
        key: Any = None,
        values: Mapping[str, Any] | None = None,
        writes: Sequence[str] = (),
        fault: Fault | None = None,
        expect_error: str | None = None,
        attempt: int | None = None,
        stale_delete: StaleDelete = "kept",
    ) -> WireCall:
        """A predicted call: check that ``process`` is parked at it, decide it, wait for the next one.

        Args:
            operation: ``component.operation``, or ``transact`` with ``writes``.
            delivers: for a receive, the fields of the message to deliver (a list for several messages);
                without it, the first visible message.
            key: the key that a table operation must name (not compared where keys are minted).
            values: fields that the body or the row must have.
            writes: the operations of a transaction, ``("seen.put_if_absent", "orders.insert")``; any order.
            fault: ``fail_before``, ``throttle`` (not applied) or ``drop_response`` (applied, not answered).
                The SDK sends the call again while it has attempts left: its retry is the next parked call.
            expect_error: the AWS error code that the applied call is answered with (with or without
                ``Exception`` at its end), None for success.
            attempt: the SDK's attempt number that the call must have.
            stale_delete: what a delete under a stale receipt handle does.

        Raises:
            Diverged: when the process is at another call, or the answer is not the expected one.
            StepDidNotFire: when no call came in time, or the message to deliver is not there.
            Bypass: when a resource that the call touches changed behind the lab's back.
        """
        prediction = self._predictions.spell(operation, writes)
        parked, reason = self._predicted(process, operation, key, values, writes, attempt)
        if reason:
            self._diverge(f"the model expects {process} to call {prediction}, but {reason}")
        receives = parked.call.operation == "ReceiveMessage"
        if receives and delivers is None and not self._predictions.queue(parked.call).visible_count():
            self._not_deliverable(parked.call, "a message", ())
        choice = Choice(self._matches(parked.call, delivers), stale_delete == "deleted")
        try:
            recorded = self._decide(parked, fault, choice)
        except NoSuchMessage as error:
            self._not_deliverable(parked.call, f"a message {delivers}", error.visible)
        if fault is None and _bare(recorded.error) != _bare(expect_error):
            self._diverge(
                f"the model expects {prediction} of {process} to end with {expect_error or 'success'},"
                f" but it ended with {recorded.error or 'success'}"
            )
        self._crew.settle(process, parked.number)
        return recorded.call

    def next_call(
        self,
        process: str,
        *,
        fault: Fault | None = None,
        delivers: Delivers | None = None,
        stale_delete: StaleDelete = "kept",
    ) -> WireCall | None:
        """Whatever call ``process`` makes next: to force one variant's order of steps onto another.

        Returns:
            The call, or None where the process has nothing to do: it is at a receive, and the message that
            ``delivers`` names (any message, without it) is not there.

        Raises:
            StepDidNotFire: when no call came in time.
            Bypass: as `call`.
        """
        parked = self._crew.parked(process)[0]
        receives = parked.call.operation == "ReceiveMessage"
        if receives and delivers is None and not self._predictions.queue(parked.call).visible_count():
            return None
        try:
            choice = Choice(self._matches(parked.call, delivers), stale_delete == "deleted")
            recorded = self._decide(parked, fault, choice)
        except NoSuchMessage:
            return None
        self._crew.settle(process, parked.number)
        return recorded.call

    def is_at(self, process: str, operation: str, writes: Sequence[str] = ()) -> bool:
        """Whether ``process`` is parked at this operation, whatever its key and values."""
        parked = self._crew.parked(process)[0]
        return not self._predictions.mismatch(parked.call, operation, writes=writes)

    def knows(self, operation: str) -> bool:
        """Whether the wiring has the component of an operation."""
        return operation.partition(".")[0] in self._adapters

    def exhaust_attempts(self, process: str) -> int:
        """Fail the SDK's remaining attempts of a call whose first one was failed or dropped.

        Returns:
            How many attempts were failed; the process has then seen the error.
        """
        failed = 0
        while (parked := self._crew.parked(process)[0]).call.attempt > 1:
            self._decide(parked, "fail_before", Choice())
            self._crew.settle(process, parked.number)
            failed += 1
        return failed

    def crash(self, process: str, *, restart: bool = True) -> None:
        """SIGKILL at the parked call, which is not applied; then a restart, to the first parked call.

        Args:
            restart: False leaves the process dead for the rest of the run.
        """
        self._crew.crash(process, restart=restart)

    # To quiescence

    def drain(
        self, *, steps_max: int = DRAIN_STEPS_MAX, after_step: Callable[[], None] = lambda: None
    ) -> None:
        """Let everything run, in one fixed order, until nothing more can happen.

        A process at work runs on (in the order of ``processes``); with all at a receive, the first one takes
        the next visible message; with none visible, messages in flight become visible again.

        Raises:
            DidNotQuiesce: after ``steps_max`` steps or a few restarts, with the calls that come back most.
            Bypass: when contents changed behind the lab's back.
        """
        first = len(self._history.steps)
        exits = self._crew.exits
        for _ in range(steps_max):
            if not self._drain_step():
                self._watch.check(self._adapters)
                return
            after_step()
            if self._crew.exits - exits > DRAIN_RESTARTS_MAX:
                break
        steps = self._history.steps[first:]
        lines = Counter(f"{s.actor}: {s.action}" + (f", {s.error}" if s.error else "") for s in steps)
        restarts = self._crew.exits - exits
        raise DidNotQuiesce(
            f"the consumers did not come to rest within {len(steps)} steps"
            + (f" and {restarts} restarts" if restarts else ""),
            looping=tuple(f"{count} times {line}" for line, count in lines.most_common(6)),
        )

    def observe(self) -> dict[str, Any]:
        """Contents of every component in plain values.

        A queue is ``{"visible": [body...], "in_flight": [body...]}``, a table ``{key: row}``.

        Raises:
            Bypass: when contents changed behind the lab's back.
        """
        self._watch.check(self._adapters)
        observed = {component: adapter.observe() for component, adapter in self._adapters.items()}
        self._watch.refresh(self._adapters)
        return observed

    def _drain_step(self) -> bool:
        """One step towards quiescence; False when there is none."""
        receivers: dict[str, SqsQueueAdapter] = {}
        for process in self._crew.alive():
            call = self._crew.parked(process)[0].call
            if call.operation != "ReceiveMessage":
                self.next_call(process)
                return True
            receivers[process] = self._predictions.queue(call)
        for process, queue in receivers.items():
            if queue.visible_count():
                self.next_call(process)
                return True
        for queue in receivers.values():  # every holder is at a receive again, or dead
            for receipt in queue.in_flight():
                values = {**queue.decode(receipt.body), "holder": receipt.holder}
                self.perform(queue.resource.component, "visibility_expiry", values)
                return True
        return False

    # Steps

    @property
    def _crew(self) -> Crew:
        if self._crew_or_none is None:
            raise UserError(
                "the lab is not running", hint="use it as a context manager: with Lab(...) as lab:"
            )
        return self._crew_or_none

    def _predicted(
        self,
        process: str,
        operation: str,
        key: Any,
        values: Mapping[str, Any] | None,
        writes: Sequence[str],
        attempt: int | None,
    ) -> tuple[ParkedCall, str]:
        """The parked call that is the predicted one; else the first, and why it is not."""
        here = self._crew.parked(process)
        reasons = [
            self._predictions.mismatch(
                parked.call, operation, key=key, values=values, writes=writes, attempt=attempt
            )
            for parked in here
        ]
        for parked, reason in zip(here, reasons, strict=True):
            if not reason:
                return parked, ""
        return here[0], reasons[0]

    def _matches(self, call: WireCall, delivers: Delivers | None) -> tuple[BodyMatch, ...]:
        if delivers is None or call.operation != "ReceiveMessage":
            return ()
        queue = self._predictions.queue(call)
        several = [delivers] if isinstance(delivers, Mapping) else delivers
        return tuple(queue.matches(values) for values in several)

    def _decide(self, parked: ParkedCall, fault: Fault | None, choice: Choice) -> RecordedCall:
        reads = parked.call.operation in _READS
        touched = [] if reads else self._predictions.touched(parked.call)
        self._watch.check(touched)
        match fault:
            case None:
                recorded = self.interposer.release(parked, choice)
            case "drop_response":
                recorded = self.interposer.drop_response(parked, choice)
            case "fail_before":
                recorded = self.interposer.fail_before(parked)
            case "throttle":
                recorded = self.interposer.throttle(parked)
            case _:
                raise UserError(f"there is no fault {fault!r} of a call", hint=did_you_mean(fault, _FAULTS))
        for component in touched:
            adapter = self._adapters[component]
            if isinstance(adapter, DynamoTableAdapter) and recorded.status == 200:
                adapter.sight(parked.call)
        self._watch.refresh(touched)
        self._history.add_call(recorded)
        return recorded

    # Messages

    def _evidence(self, kind: type[Diverged], what: str) -> Diverged:
        parked = tuple(sorted(str(parked) for parked in self.interposer.parked()))
        return kind(what, parked=parked, history=self._history.last())

    def _diverge(self, what: str) -> NoReturn:
        raise self._evidence(Diverged, what)

    def _not_deliverable(self, call: WireCall, wanted: str, bodies: Sequence[str]) -> NoReturn:
        queue = self._predictions.queue(call)
        visible = [str(queue.decode(body)) for body in bodies]
        in_flight = [
            f"{queue.decode(receipt.body)} held by {receipt.holder}" for receipt in queue.in_flight()
        ]
        raise self._evidence(
            StepDidNotFire,
            f"the model expects {wanted} in {queue.resource.component} for {call.process}, but there is none:"
            f" visible: {', '.join(visible) or 'none'}; in flight: {', '.join(in_flight) or 'none'}",
        )


def _bare(error: str | None) -> str:
    """An error code as a model spells it: ``ConditionalCheckFailed``."""
    return (error or "").removesuffix("Exception")
