"""Child processes of the lab: consumers and the emulator. None outlives the lab."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO

from checker.errors import UserError

_GUARD = Path(__file__).with_name("guard.py")
_TAIL_LINES = 40
_LINE_BYTES_MAX = 4096
_READER_JOIN_S = 2.0  # only a grandchild that left the process group can hold the pipe longer


class ChildProcess:
    """One command in its own process group, with the tail of its output kept.

    Args:
        name: how messages call it.
        command: program and arguments.
        environment: the whole environment of the child.
        cwd: its working directory.
        on_exit: called in a thread of this object whenever the process has ended, output read to its end.
        on_line: called with every line of output (of either stream), in a thread of this object.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        environment: Mapping[str, str],
        *,
        cwd: Path | None = None,
        on_exit: Callable[[], None] = lambda: None,
        on_line: Callable[[str], None] = lambda line: None,
    ) -> None:
        self.name = name
        self.command = list(command)
        self.environment = dict(environment)
        self.cwd = cwd
        self.starts = 0
        self._on_exit = on_exit
        self._on_line = on_line
        self._lock = threading.Lock()  # between kill() and the reaping of the process id
        self._popen: subprocess.Popen[bytes] | None = None
        self._waiter: threading.Thread | None = None
        self._exit_code: int | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL_LINES)

    @property
    def pid(self) -> int | None:
        """The process id of the running process, else None."""
        return self._popen.pid if self._popen is not None and self._exit_code is None else None

    @property
    def running(self) -> bool:
        """Whether the process was started and has not ended."""
        return self._popen is not None and self._exit_code is None

    @property
    def exit_code(self) -> int | None:
        """The exit status of the last run (negative: killed by that signal); None while running."""
        return self._exit_code

    def start(self) -> None:
        """Start the command.

        Raises:
            UserError: when the program does not exist or the working directory is missing.
        """
        if self.running:
            return
        program = self.command[0]
        if shutil.which(program, path=self.environment.get("PATH")) is None:
            raise UserError(
                f"the command of {self.name} cannot be run: there is no program {program!r}",
                hint=f"the full command is {' '.join(self.command)!r}; install it, or correct `command`",
            )
        if self.cwd is not None and not self.cwd.is_dir():
            raise UserError(f"the working directory of {self.name} does not exist: {self.cwd}")
        self._exit_code = None
        self.starts += 1
        self._popen = subprocess.Popen(
            [sys.executable, "-I", "-S", str(_GUARD), *self.command],
            stdin=subprocess.PIPE,  # the guard's pipe; the command itself reads /dev/null
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=self.environment,
            cwd=self.cwd,
            start_new_session=True,
        )
        self._waiter = threading.Thread(target=self._wait, args=(self._popen,), daemon=True)
        self._waiter.start()

    def kill(self) -> None:
        """SIGKILL the whole process group and wait until it is gone."""
        with self._lock:
            if self._popen is not None and self._exit_code is None:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._popen.pid, signal.SIGKILL)
        if self._waiter is not None and self._waiter is not threading.current_thread():
            self._waiter.join()

    def restart(self) -> None:
        """Kill it if it runs, and start it afresh."""
        self.kill()
        self.start()

    def output_tail(self, lines: int = 12) -> str:
        """The last lines of standard output and error."""
        return "\n".join(list(self._tail)[-lines:])

    def _wait(self, popen: subprocess.Popen[bytes]) -> None:
        readers = []
        for stream in (popen.stdout, popen.stderr):
            assert stream is not None
            reader = threading.Thread(target=self._read, args=(stream,), daemon=True)
            reader.start()
            readers.append(reader)
        # Wait without reaping: while the leader is a zombie its id cannot be reused, so the group's kill
        # below cannot hit a stranger.
        os.waitid(os.P_PID, popen.pid, os.WEXITED | os.WNOWAIT)
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(popen.pid, signal.SIGKILL)
        for reader in readers:
            reader.join(_READER_JOIN_S)
        with self._lock:
            self._exit_code = popen.wait()
        for stream in (popen.stdin, popen.stdout, popen.stderr):
            if stream is not None:
                with contextlib.suppress(OSError):
                    stream.close()
        self._on_exit()

    def _read(self, stream: IO[bytes]) -> None:
        # Consumers may write anything: bytes that are no text, lines without end.
        with contextlib.suppress(ValueError, OSError):
            while line := stream.readline(_LINE_BYTES_MAX):
                text = line.decode(errors="replace").rstrip()
                self._tail.append(text)
                self._on_line(text)
