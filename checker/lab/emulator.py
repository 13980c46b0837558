"""The AWS emulator behind the interposer: moto's server as a child process, or an endpoint given by URL."""

from __future__ import annotations

import http.client
import os
import sys
import threading
import urllib.parse
from collections.abc import Sequence
from functools import cached_property
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from checker.errors import UserError
from checker.lab.clients import lab_client
from checker.lab.moto_child import PORT_LINE
from checker.lab.processes import ChildProcess
from checker.lab.surroundings import inherited_environment

START_TIMEOUT_S = 30.0
_PROJECT = Path(__file__).resolve().parents[2]  # where `checker` is importable from


class Emulator:
    """An AWS endpoint for the lab.

    Args:
        url: an endpoint that already runs (no child is started), or None for moto's server.
        command: what to run instead of moto's server; it prints ``quackcheck-emulator-port=N``.
        start_timeout_s: how long it may take to come up.
    """

    def __init__(
        self,
        url: str | None = None,
        *,
        command: Sequence[str] | None = None,
        start_timeout_s: float = START_TIMEOUT_S,
    ) -> None:
        self._url = url.rstrip("/") if url else None
        self._start_timeout_s = start_timeout_s
        self._port: int | None = None
        self._changed = threading.Condition()
        self._clients: dict[tuple[str, str], Any] = {}
        self._child: ChildProcess | None = None
        if url is None:
            environment = {**inherited_environment(), "PYTHONPATH": _python_path()}
            self._child = ChildProcess(
                "the emulator",
                command or [sys.executable, "-m", "checker.lab.moto_child"],
                environment,
                on_exit=self._notify,
                on_line=self._line,
            )

    @property
    def url(self) -> str:
        """The endpoint URL; for the lab itself, never for a consumer.

        Raises:
            UserError: when it is not running.
        """
        if self._url is None:
            raise UserError(
                "the emulator is not running", hint="use it as a context manager, or call start()"
            )
        return self._url

    @cached_property
    def label(self) -> str:
        """What verdicts call this backend."""
        return f"moto {version('moto')}" if self._child is not None else f"endpoint {self._url}"

    @property
    def pid(self) -> int | None:
        """The process id of the child, if there is one."""
        return self._child.pid if self._child is not None else None

    def start(self) -> Self:
        """Start the child and wait until it listens; an endpoint given by URL is only checked.

        Raises:
            UserError: when it does not come up in time, with the end of its output.
        """
        if self._child is None:
            self._check_reachable()
            return self
        self._child.start()
        with self._changed:
            self._changed.wait_for(
                lambda: self._port is not None or not self._running(), timeout=self._start_timeout_s
            )
        if self._port is None:
            self._child.kill()
            tail = self._child.output_tail()
            raise UserError(
                f"the emulator did not start within {self._start_timeout_s:g} s"
                f" (exit status {self._child.exit_code})" + (f"; its last output:\n{tail}" if tail else ""),
                hint="run `python -m checker.lab.moto_child` by hand to see why",
            )
        self._url = f"http://127.0.0.1:{self._port}"
        return self

    def stop(self) -> None:
        """Kill the child; nothing to do for an endpoint given by URL."""
        for client in self._clients.values():
            client.close()
        self._clients.clear()
        if self._child is not None:
            self._child.kill()
            self._port = None
            self._url = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def reset(self) -> bool:
        """Forget all resources; False when the endpoint has no reset (it is not moto)."""
        parts = urllib.parse.urlsplit(self.url)
        connection = _connection(parts)
        try:
            connection.request("POST", f"{parts.path}/moto-api/reset")
            response = connection.getresponse()
            response.read()
            return response.status == 200
        except OSError as error:
            raise UserError(f"the emulator at {self.url} does not answer: {error}") from error
        finally:
            connection.close()

    def client(self, service: str, region: str) -> Any:
        """A boto3 client straight to the emulator, for the lab's own steps; cached."""
        if (service, region) not in self._clients:
            self._clients[service, region] = lab_client(service, region, self.url, "quackcheck")
        return self._clients[service, region]

    def _running(self) -> bool:
        return self._child is not None and self._child.running

    def _notify(self) -> None:
        with self._changed:
            self._changed.notify_all()

    def _line(self, line: str) -> None:
        prefix, found, number = line.partition(PORT_LINE)
        if found and not prefix and number.isdigit():
            with self._changed:
                self._port = int(number)
                self._changed.notify_all()

    def _check_reachable(self) -> None:
        parts = urllib.parse.urlsplit(self.url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise UserError(f"{self.url!r} is not an endpoint URL", hint="write it as http://127.0.0.1:4566")
        connection = _connection(parts)
        try:
            connection.connect()
        except OSError as error:
            raise UserError(
                f"nothing answers at {self.url}: {error}", hint="start the emulator, or leave the URL out"
            ) from error
        finally:
            connection.close()


def _connection(parts: urllib.parse.SplitResult) -> http.client.HTTPConnection:
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    return kind(parts.hostname or "", parts.port, timeout=30)


def _python_path() -> str:
    return os.pathsep.join([str(_PROJECT), *filter(None, [os.environ.get("PYTHONPATH")])])
