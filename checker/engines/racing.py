"""Engines that race for the verdicts of one model, each in a process of its own."""

from __future__ import annotations

import contextlib
import os
import queue
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import checker
from checker.engines.contender import PROVER, Broken, Declined, Job, Message, receive, send
from checker.engines.interface import ALL_FOUND, Answer, Progress, Request, Result, Verdict
from checker.errors import InternalError
from checker.ir.program import PropertyKind

#: How long contenders may take to hand over what they know after Ctrl-C, and after their time is up.
GRACE_S = 3.0
#: How long a proof goes on at least, without a limit of time, when the others have stopped at theirs.
ALONE_S = 30.0
#: An exhaustive search beside a proof begins so long after it, and may take so much memory.
BESIDE_AFTER_S = 0.7
BESIDE_MEMORY_BYTES = 1 << 30
#: What is said where a race is won by a proof.
PROVED_NOTICE = "proved by the symbolic engine: `quackcheck prove` writes the certificate"
#: How long before a proof's time is up the search beside it ends, so that it can say what it knows.
_LEAD_S = 0.3
_LOOK_EVERY_S = 0.1
_REPORT_EVERY_S = 0.2


@dataclass(slots=True)
class Contender:
    """A process at work on a job. ``close`` ends it and all that it has started."""

    name: str
    job: Job
    messages: queue.Queue[tuple[str, Message | None]]
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        root = str(Path(checker.__file__).parents[1])
        paths = [root, *filter(None, [os.environ.get("PYTHONPATH")])]
        self.process = subprocess.Popen(
            [sys.executable, "-c", "from checker.engines.contender import main; main()"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            # Ctrl-C is for the process that they work for, which tells them.
            start_new_session=True,
        )
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        stdin, stdout = self.process.stdin, self.process.stdout
        assert stdin is not None
        assert stdout is not None
        # A process that has been ended meanwhile hears nothing, and says nothing.
        with contextlib.suppress(OSError, ValueError, EOFError):
            send(self.job, stdin)
            while (message := receive(stdout)) is not None:
                assert not isinstance(message, Job)
                self.messages.put((self.name, message))
        self.messages.put((self.name, None))

    def interrupt(self) -> None:
        """Ask for what is known so far."""
        with contextlib.suppress(ProcessLookupError):
            self.process.send_signal(signal.SIGINT)

    def close(self) -> None:
        """End the process, now."""
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        for stream in (self.process.stdin, self.process.stdout):
            with contextlib.suppress(OSError):
                if stream is not None:
                    stream.close()


@contextlib.contextmanager
def contending(jobs: Sequence[tuple[str, Job]]) -> Iterator[Race]:
    """Start a process for each job; all have ended when this does."""
    messages: queue.Queue[tuple[str, Message | None]] = queue.Queue()
    contenders: list[Contender] = []
    try:
        for name, job in jobs:
            contenders.append(Contender(name, job, messages))
        yield Race(contenders, messages)
    finally:
        for contender in contenders:
            contender.close()


@dataclass(slots=True)
class Race:
    """What contenders have said so far: ``results`` of those that are done, by their names."""

    contenders: list[Contender]
    messages: queue.Queue[tuple[str, Message | None]]
    results: dict[str, Result] = field(default_factory=dict)
    declined: dict[str, str] = field(default_factory=dict)
    progress: dict[str, Progress] = field(default_factory=dict)
    gone: set[str] = field(default_factory=set)

    @property
    def running(self) -> list[Contender]:
        """Those that have not answered."""
        answered = {*self.results, *self.declined}
        return [one for one in self.contenders if one.name not in answered]

    def listen(self, seconds: float) -> None:
        """Take the next message, if there is one within some seconds. Raises InternalError."""
        try:
            name, message = self.messages.get(timeout=max(seconds, 0))
        except queue.Empty:
            return
        match message:
            case Result():
                self.results[name] = message
            case Declined(reason):
                self.declined[name] = reason
            case Progress():
                self.progress[name] = message
            case Broken(text):
                raise InternalError(f"the {name} engine failed:\n{text}")
            case None:
                self.gone.add(name)
                if name not in self.results and name not in self.declined:
                    self.declined[name] = "it ended without an answer, perhaps for lack of memory"

    def stop(self, grace_s: float = GRACE_S) -> None:
        """Ask all for what they know, and wait a while for it."""
        for one in self.running:
            one.interrupt()
        until = time.monotonic() + grace_s
        while self.running and time.monotonic() < until:
            self.listen(until - time.monotonic())


def race(jobs: Sequence[tuple[str, Job]], request: Request) -> Result:
    """The first result that decides everything; failing that, what all of them know together.

    Ctrl-C keeps what is known. ``request`` says what is asked, and is told how far they are.

    Raises InternalError where they contradict each other.
    """
    begun = reported = alone_since = time.monotonic()
    limit = request.limits.time_s_max
    interrupted = False
    with contending(jobs) as running:
        try:
            while running.running:
                running.listen(_LOOK_EVERY_S)
                now = time.monotonic()
                for result in running.results.values():
                    if decides(result, request):
                        return result
                if now - reported > _REPORT_EVERY_S:
                    reported = now
                    request.report(_progress(running.progress, now - begun))
                if limit is not None and now - begun > limit + GRACE_S / 2:
                    running.stop()
                    break
                if len(running.running) == len(jobs):
                    alone_since = now
                elif limit is None and _is_endless(running, now - alone_since, alone_since - begun):
                    running.stop()
                    break
        except KeyboardInterrupt:
            interrupted = True
            running.stop()
        return merged(running, request, interrupted, time.monotonic() - begun)


def _is_endless(running: Race, alone_s: float, together_s: float) -> bool:
    """Whether only proofs go on, and have done so for long, when others have met limits unknown to proofs."""
    if any(one.job.engine != PROVER for one in running.running):
        return False
    return alone_s > max(ALONE_S, together_s)


def decides(result: Result, request: Request) -> bool:
    """Whether nothing is left to find out within the request's limits."""
    if result.failure is not None or result.stopped == ALL_FOUND:
        return True
    asked = [v for v in result.verdicts if request.wanted is None or v.property in request.wanted]
    return all(is_decided(verdict, request.limits.depth_max) for verdict in asked)


def is_decided(verdict: Verdict, depth_max: int | None = None) -> bool:
    """Whether a verdict is final, given the depth to which was to be looked."""
    if verdict.answer is Answer.HOLDS_UP_TO:
        return depth_max is not None and verdict.depth is not None and verdict.depth >= depth_max
    return verdict.answer is not Answer.UNKNOWN


def merged(running: Race, request: Request, interrupted: bool, seconds: float) -> Result:
    """What several undecided results say together; each verdict names the engine that it is from."""
    results = list(running.results.values())
    if not results:
        why = "; ".join(f"{name}: {reason}" for name, reason in running.declined.items())
        if interrupted:
            raise KeyboardInterrupt
        raise InternalError(f"no engine gives an answer: {why}")
    verdicts = [agreed(list(told), results) for told in zip(*(r.verdicts for r in results), strict=True)]
    # The counts are those of whoever counts states.
    base = min(results, key=lambda result: bool(result.statistics.summary))
    stopped = next((result.stopped for result in results if result.stopped), None)
    if interrupted:
        stopped = "interrupted"
    statistics = replace(
        base.statistics,
        seconds=seconds,
        comes_to_rest=any(result.statistics.comes_to_rest for result in results),
    )
    notices = [result.notice for result in results if result.notice]
    notices += [f"{name}: {reason}" for name, reason in running.declined.items() if reason != "interrupted"]
    return replace(
        base, verdicts=tuple(verdicts), statistics=statistics, stopped=stopped, notice="; ".join(notices)
    )


def agreed(told: Sequence[Verdict], results: Sequence[Result]) -> Verdict:
    """One of the verdicts on one property, the one that says most. Raises InternalError."""
    final = {verdict.answer for verdict in told if verdict.answer in (Answer.HOLDS, Answer.VIOLATED)}
    if len(final) > 1:
        said = ", ".join(f"{r.engine} {v}" for r, v in zip(results, told, strict=True))
        raise InternalError(f"engines contradict each other on {told[0].property}: {said}")

    def says(number: int) -> tuple[bool, bool, int, bool]:
        one = told[number]
        return is_decided(one), one.answer is Answer.HOLDS_UP_TO, one.depth or 0, one.is_shortest

    best = max(range(len(told)), key=says)
    verdict = told[best]
    return replace(verdict, method=verdict.method or results[best].engine)


def _progress(progress: dict[str, Progress], seconds: float) -> Progress:
    parts = [f"{name}: {_told(one)}" for name, one in sorted(progress.items())]
    states = max((one.states for one in progress.values()), default=0)
    depth = max((one.depth for one in progress.values()), default=0)
    return Progress(states, depth, 0, seconds, text="  |  ".join(parts) or "starting")


def _told(progress: Progress) -> str:
    return progress.text or f"{progress.states:,} states, depth {progress.depth}"


def automatic_jobs(request: Request) -> list[tuple[str, Job]]:
    """The explicit and the symbolic engine: this one proves where no depth is asked for."""
    program, limits = request.lowered.program, request.limits
    # One core is the solver's.
    threads = request.threads or max((os.cpu_count() or 1) - 1, 1)
    explicit = Job("native", program, limits, threads, request.symmetry, request.wanted)
    bounded = limits.depth_max is not None or request.wanted is not None
    without_end = replace(limits, time_s_max=limits.time_s_max or _FOREVER_S)
    symbolic = Job("smt" if bounded else PROVER, program, without_end, 0, request.symmetry, request.wanted)
    return [("explicit", explicit), ("symbolic", symbolic)]


#: A limit of time where there is none: ten years.
_FOREVER_S = 10 * 365 * 86_400.0


class AutoEngine:
    """Races the native engine and the symbolic one; the first that decides a model answers for it.

    The result names the engine that it is from; where the limits come first, every verdict does.
    """

    name = "auto"

    def check(self, request: Request) -> Result:
        """Check all properties of the model.

        Raises InternalError where the engines contradict each other.
        """
        result = race(automatic_jobs(request), request)
        if not any(verdict.proved for verdict in result.verdicts):
            return result
        notices = [result.notice] * bool(result.notice) + [PROVED_NOTICE]
        return replace(result, notice="; ".join(notices))


class Beside:
    """An exhaustive search beside a proof, for what the proof leaves open; it begins after a while.

    First it looks for the witnesses of ``@reachable`` properties only, then at everything. A context: the
    search has ended when it does.
    """

    def __init__(self, request: Request, seconds: float) -> None:
        self._request = request
        self._until = time.monotonic() + seconds
        self._messages: queue.Queue[tuple[str, Message | None]] = queue.Queue()
        properties = request.lowered.program.properties
        wanted = frozenset(prop.name for prop in properties if prop.kind is PropertyKind.REACHABLE)
        self._todo: list[tuple[str, frozenset[str] | None]] = [(_WHOLE, None)]
        if wanted:
            self._todo.insert(0, (_WITNESSES, wanted))
        self._begins = time.monotonic() + BESIDE_AFTER_S
        self._race = Race([], self._messages)

    def __enter__(self) -> Beside:
        return self

    def __exit__(self, *error: object) -> None:
        for contender in self._race.contenders:
            contender.close()

    def _start(self, name: str, wanted: frozenset[str] | None) -> None:
        left = self._until - time.monotonic() - _LEAD_S
        if left <= 0:
            return
        limits = self._request.limits
        memory = min(limits.memory_bytes_max or BESIDE_MEMORY_BYTES, BESIDE_MEMORY_BYTES)
        within = replace(limits, time_s_max=left, memory_bytes_max=memory)
        job = Job("native", self._request.lowered.program, within, 1, self._request.symmetry, wanted)
        self._race.contenders.append(Contender(name, job, self._messages))

    def found(self) -> Result | None:
        """What the last search has found that has ended. Called often: it also starts the searches.

        Raises InternalError where one failed.
        """
        while not self._messages.empty():
            self._race.listen(0)
        if self._todo and not self._race.running and time.monotonic() >= self._begins:
            self._start(*self._todo.pop(0))
        return self._race.results.get(_WHOLE) or self._race.results.get(_WITNESSES)

    @property
    def whole(self) -> Result | None:
        """What the search of everything has found, if it has ended."""
        return self._race.results.get(_WHOLE)


#: The searches beside a proof.
_WITNESSES, _WHOLE = "witnesses", "explicit"
