"""The consumer processes of one run: started, parked, crashed, and restarted as a supervisor would."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

from checker.errors import UserError
from checker.lab.errors import StepDidNotFire
from checker.lab.history import History
from checker.lab.interposer import Interposer, ParkedCall
from checker.lab.processes import ChildProcess
from checker.lab.wire import WireCall
from checker.lab.wiring import did_you_mean


class Crew:
    """Starts processes and waits until each is parked at its next call.

    Args:
        interposer: the gate that they call.
        history: exits and restarts are recorded here.
        check_call: raises for a parked call that no step can be (an unknown resource).
        where: the wiring file, for messages.
        start_timeout_s: from a start to the first call.
        step_timeout_s: from an answer to the next call.
    """

    def __init__(
        self,
        interposer: Interposer,
        history: History,
        check_call: Callable[[WireCall], None],
        *,
        where: str,
        start_timeout_s: float,
        step_timeout_s: float,
    ) -> None:
        self._interposer = interposer
        self._history = history
        self._check_call = check_call
        self._where = where
        self._start_timeout_s = start_timeout_s
        self._step_timeout_s = step_timeout_s
        self._children: dict[str, ChildProcess] = {}
        self._dead: set[str] = set()  # crashed for good, on the schedule's word
        self.exits = 0

    def add(self, name: str, command: Sequence[str], environment: dict[str, str], cwd: Path) -> None:
        """Declare a process."""
        self._children[name] = ChildProcess(
            name, command, environment, cwd=cwd, on_exit=self._interposer.notify
        )

    def start(self) -> None:
        """Start all processes at once, and wait for the first call of each.

        Raises:
            UserError: when one cannot be started, ends, or makes no call in time.
        """
        for child in self._children.values():
            child.start()
        for name in self._children:
            self._await_first_call(name)

    def stop(self) -> None:
        """Kill all processes; idempotent."""
        for child in self._children.values():
            child.kill()

    def alive(self) -> list[str]:
        """Processes that the schedule has not crashed for good, in the order of declaration."""
        return [name for name in self._children if name not in self._dead]

    def parked(self, name: str) -> list[ParkedCall]:
        """The calls at which a process is parked, at least one; a process that ended is restarted first.

        Raises:
            StepDidNotFire: when no call comes in time, or the process was crashed for good.
        """
        child = self._child(name)
        if name in self._dead:
            raise self._no_call(f"a call of {name} was expected, but it was crashed for good")
        here = self._interposer.parked
        self._interposer.wait_for(lambda: not child.running or bool(here(name)), self._step_timeout_s)
        if not child.running:
            self._revive(name)
        if not here(name):
            raise self._no_call(
                f"a call of {name} was expected, but it made none within {self._step_timeout_s:g} s", child
            )
        return here(name)

    def settle(self, name: str, number: int) -> None:
        """Wait until the process is parked at a later call than ``number``; restart it if it ended.

        Raises:
            StepDidNotFire: when it makes no further call in time.
        """
        child = self._children[name]

        def settled() -> bool:
            return not child.running or any(p.number > number for p in self._interposer.parked(name))

        if not self._interposer.wait_for(settled, self._step_timeout_s):
            raise self._no_call(f"{name} made no further call within {self._step_timeout_s:g} s", child)
        if child.running:
            self._check(name)
        else:
            self._revive(name)

    def crash(self, name: str, *, restart: bool) -> None:
        """SIGKILL a process at its parked call, which is not applied.

        Raises:
            StepDidNotFire: when the process does not run.
        """
        at = self.parked(name)
        for parked in at:
            self._interposer.discard(parked)
        self._children[name].kill()
        self._history.add(name, "crash", f"at {at[0].call.action}")
        if restart:
            self._restart(name)
        else:
            self._dead.add(name)

    def _revive(self, name: str) -> None:
        """As a supervisor does: whatever the reason of the exit, start it again."""
        child = self._children[name]
        last = child.output_tail(1)
        self._history.add(name, "exited", f"status {child.exit_code}" + (f": {last}" if last else ""))
        self.exits += 1
        self._restart(name)

    def _restart(self, name: str) -> None:
        self._children[name].start()
        self._await_first_call(name)
        self._history.add(name, "restarted")

    def _await_first_call(self, name: str) -> None:
        child = self._children[name]
        here = self._interposer.parked
        self._interposer.wait_for(lambda: not child.running or bool(here(name)), self._start_timeout_s)
        if not child.running:
            raise UserError(
                f"{name} ended with status {child.exit_code} before it made a gated AWS call"
                + (_tail(child) or "; it printed nothing")
                + self._last_ungated(name),
                where=self._where,
                hint=f"its command is {' '.join(child.command)!r}",
            )
        if not here(name):
            raise UserError(
                f"{name} made no gated AWS call within {self._start_timeout_s:g} s of its start"
                + _tail(child)
                + self._last_ungated(name),
                where=self._where,
                hint="does it take its endpoint from AWS_ENDPOINT_URL? A slow start wants a larger"
                " lab.start_timeout_s",
            )
        self._check(name)

    def _check(self, name: str) -> None:
        for parked in self._interposer.parked(name):
            self._check_call(parked.call)

    def _child(self, name: str) -> ChildProcess:
        if name not in self._children:
            raise UserError(f"there is no process {name!r}", hint=did_you_mean(name, self._children))
        return self._children[name]

    def _last_ungated(self, name: str) -> str:
        ungated = [recorded for recorded in self._interposer.history if recorded.call.process == name]
        return f"\nits last call: {ungated[-1]}" if ungated else ""

    def _no_call(self, what: str, child: ChildProcess | None = None) -> StepDidNotFire:
        parked = tuple(sorted(str(parked) for parked in self._interposer.parked()))
        tail = _tail(child) if child is not None else ""
        return StepDidNotFire(what + tail, parked=parked, history=self._history.last())


def _tail(child: ChildProcess) -> str:
    tail = child.output_tail()
    return f"; its last output:\n{tail}" if tail else ""
