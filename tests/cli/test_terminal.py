"""On a terminal: colour, progress, and Ctrl-C, with real signals to a real process."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.engines import runner
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Limits, Request, Result
from tests.cli.project import COMMAND, Project, environment

#: How long a command may be silent before the test gives up.
SILENCE_S_MAX = 30


def undo_inherited_ignore() -> None:
    """A background job of a shell is started with Ctrl-C ignored; a command at a terminal is not."""
    signal.signal(signal.SIGINT, signal.default_int_handler)


class AtTerminal:
    """A command whose standard error, or all of it, is a terminal."""

    def __init__(self, cwd: Path, *args: str, output_too: bool = False) -> None:
        self._end, theirs = pty.openpty()
        self.process = subprocess.Popen(
            [*COMMAND, *args],
            cwd=cwd,
            env=environment(),
            stdin=theirs,
            stdout=theirs if output_too else subprocess.PIPE,
            stderr=theirs,
            text=True,
            encoding="utf-8",
            preexec_fn=undo_inherited_ignore,
        )
        os.close(theirs)
        self.seen = ""

    def read_until(self, found: Callable[[str], bool]) -> None:
        """Read the terminal until its text so far is as wanted, or it is closed."""
        while not found(self.seen):
            ready, _, _ = select.select([self._end], [], [], SILENCE_S_MAX)
            assert ready, f"nothing more came after {self.seen!r}"
            try:
                part = os.read(self._end, 65536)
            except OSError:  # closed at the other end
                return
            if not part:
                return
            self.seen += part.decode("utf-8", errors="replace")

    def type(self, text: str) -> None:
        os.write(self._end, text.encode())

    def finish(self) -> tuple[int, str]:
        """Wait for the end; the exit code, and what came on a piped standard output."""
        self.read_until(lambda _: False)
        out = self.process.stdout.read() if self.process.stdout is not None else ""
        return self.process.wait(), out

    def __enter__(self) -> AtTerminal:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.wait()
        if self.process.stdout is not None:
            self.process.stdout.close()
        os.close(self._end)


def searching(text: str) -> bool:
    """Whether the progress line says that the violation, three steps deep, is long behind."""
    return any(int(depth) > 3 for depth in re.findall(r"states  depth (\d+)  waiting", text))


def test_ctrl_c_keeps_what_was_found_and_prints_it(project: Project) -> None:
    first = project.sample("Endless", name="a_first")
    second = project.sample("Ladder")
    with AtTerminal(project.root, "check", first, second) as command:
        command.read_until(searching)
        command.process.send_signal(signal.SIGINT)
        code, out = command.finish()
    assert code == 130
    assert "VIOLATED  below_three    counterexample of 3 steps" in out
    assert "UNKNOWN   at_the_end     interrupted; nothing found up to depth" in out
    assert "below_three: `height` was written 3 times" in out
    assert "; stopped: interrupted\n" in out
    assert out.endswith("\n2 specs: 1 not as expected, interrupted, 1 not checked\n")
    assert "Traceback" not in command.seen + out
    traces = [path for path in project.files() if path.startswith("traces/")]
    assert traces == ["traces/specs/a_first.below_three.itf.json"]
    json.loads(project.files()[traces[0]])


def test_ctrl_c_with_json_still_gives_a_document(project: Project) -> None:
    spec = project.sample("Endless")
    with AtTerminal(project.root, "check", "--json", spec) as command:
        command.read_until(searching)
        command.process.send_signal(signal.SIGINT)
        code, out = command.finish()
    document = json.loads(out)
    assert (code, document["exit_code"]) == (130, 130)
    assert document["specs"][0]["stopped"] == "interrupted"
    assert document["specs"][0]["verdicts"][0]["answer"] == "VIOLATED"


def test_progress_and_colour_on_a_terminal(project: Project) -> None:
    spec = project.sample("Endless")
    with AtTerminal(project.root, "check", spec, output_too=True) as command:
        command.read_until(searching)
        assert spec in command.seen
        assert " states  depth " in command.seen
        assert re.search(r" states/s  [\d.]+ ([kMG]i?)?B  \d+ s", command.seen)
        command.process.send_signal(signal.SIGINT)
        code, _ = command.finish()
    assert code == 130
    assert "\x1b[31mVIOLATED" in command.seen


def test_output_into_a_pipe_has_no_colour_even_with_a_terminal_for_errors(project: Project) -> None:
    spec = project.sample("Ladder")
    with AtTerminal(project.root, "check", spec) as command:
        code, out = command.finish()
    assert code == 1
    assert "\x1b" not in out


def test_stepping_through_a_trace(project: Project) -> None:
    project.run("check", project.sample("Ladder"))
    trace = "traces/specs/ladder.not_at_the_top.itf.json"
    with AtTerminal(project.root, "replay", trace, "--interactive", output_too=True) as command:
        command.read_until(lambda text: text.count("Enter for the next step") == 1)
        assert "height = 1" not in command.seen
        command.type("\n")
        command.read_until(lambda text: text.count("Enter for the next step") == 2)
        assert "height = 1" in command.seen
        command.type("\n")
        code, _ = command.finish()
    assert code == 0
    assert "height = 3" in command.seen


def test_ctrl_d_stops_in_the_middle_of_a_trace(project: Project) -> None:
    project.run("check", project.sample("Ladder"))
    trace = "traces/specs/ladder.not_at_the_top.itf.json"
    with AtTerminal(project.root, "replay", trace, "--interactive", output_too=True) as command:
        command.read_until(lambda text: "Enter for the next step" in text)
        command.type("\x04")
        code, _ = command.finish()
    assert code == 130
    assert "height = 1" not in command.seen
    assert "Traceback" not in command.seen


def test_ctrl_c_stops_in_the_middle_of_a_trace(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the prompt says; not by a signal, which may come before the command waits for the answer."""

    def interrupted(_: str) -> str:
        raise KeyboardInterrupt

    monkeypatch.setattr("checker.cli.replay._is_at_terminal", lambda: True)
    monkeypatch.setattr("builtins.input", interrupted)
    project.run("check", project.sample("Ladder"))
    trace = "traces/specs/ladder.not_at_the_top.itf.json"
    outcome = project.run("replay", trace, "--interactive")
    assert (outcome.code, outcome.err) == (130, "interrupted\n")
    assert "height = 0" in outcome.out
    assert "height = 1" not in outcome.out


class Interrupted:
    """An engine at which Ctrl-C comes after a few states."""

    name = "explicit"

    def check(self, request: Request) -> Result:
        def stop(_: object) -> None:
            raise KeyboardInterrupt

        return ExplicitEngine().check(Request(request.lowered, Limits(), stop))


def test_ctrl_c_while_tests_are_generated_leaves_them_as_they_are(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was not searched to the end has no counterexamples yet: their tests must not go."""
    path = "specs/order_intake/delete_first.toml"
    project.copy("models/order_intake.py", path)
    project.write(path, project.files()[path].replace('fixed_by = ["keyed", "transactional"]\n', ""))
    assert project.run("testgen").code == 0
    before = project.files()
    assert len([name for name in before if name.startswith("generated_tests/")]) == 2
    monkeypatch.setattr("checker.engines.search._REPORT_EVERY_S", -1.0)
    monkeypatch.setitem(runner.ENGINES, runner.DEFAULT_ENGINE, Interrupted())
    outcome = project.run("testgen")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "interrupted\n")
    assert project.files() == before
