"""Child processes: how they start, end, and never outlive the lab."""

from __future__ import annotations

import contextlib
import os
import select
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

import checker
from checker.errors import UserError
from checker.lab.emulator import Emulator
from checker.lab.moto_child import PORT_LINE
from checker.lab.processes import ChildProcess

PROJECT = Path(checker.__file__).parents[1]
SLEEPER = "import threading; print('up', flush=True); threading.Event().wait()"


@pytest.fixture
def started() -> Iterator[list[ChildProcess]]:
    """Processes to kill after the test, whatever becomes of it."""
    children: list[ChildProcess] = []
    yield children
    for child in children:
        child.kill()


def run(children: list[ChildProcess], *command: str) -> tuple[ChildProcess, threading.Event]:
    ended = threading.Event()
    child = ChildProcess("worker-0", command, dict(os.environ), on_exit=ended.set)
    children.append(child)
    child.start()
    return child, ended


def wait_gone(pid: int, timeout_s: float = 10.0) -> bool:
    """Wait for the end of any process, a child of ours or not."""
    try:
        handle = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([handle], [], [], timeout_s)[0])
    finally:
        os.close(handle)


def test_exit_status_and_output_are_kept(started: list[ChildProcess]) -> None:
    script = "import sys; print('out'); print('err', file=sys.stderr); sys.exit(3)"
    child, ended = run(started, sys.executable, "-c", script)
    assert ended.wait(10)
    assert child.exit_code == 3
    assert set(child.output_tail().split()) == {"out", "err"}
    assert not child.running
    assert child.pid is None


def test_only_the_tail_is_kept_and_it_may_be_garbage(started: list[ChildProcess]) -> None:
    script = "import os; os.write(1, b'\\xff' * 300_000 + b'\\n'); [print(i) for i in range(1000)]"
    child, ended = run(started, sys.executable, "-c", script)
    assert ended.wait(10)
    assert child.output_tail(2) == "998\n999"


def test_standard_input_is_empty(started: list[ChildProcess]) -> None:
    child, ended = run(started, sys.executable, "-c", "import sys; print(repr(sys.stdin.read()))")
    assert ended.wait(10)
    assert child.output_tail() == "''"


def test_kill_reaches_grandchildren(started: list[ChildProcess]) -> None:
    line = threading.Event()
    script = (
        "import subprocess, sys;"
        f"p = subprocess.Popen([sys.executable, '-c', {SLEEPER!r}], stdout=subprocess.PIPE);"
        "p.stdout.readline(); print(p.pid, flush=True); p.wait()"
    )
    child = ChildProcess(
        "worker-0", [sys.executable, "-c", script], dict(os.environ), on_line=lambda _: line.set()
    )
    started.append(child)
    child.start()
    assert line.wait(10)
    grandchild = int(child.output_tail(1))
    child.kill()
    assert child.exit_code == -signal.SIGKILL
    assert wait_gone(grandchild)


def test_restart(started: list[ChildProcess]) -> None:
    child, _ = run(started, sys.executable, "-c", SLEEPER)
    first = child.pid
    child.restart()
    assert child.running
    assert child.pid != first
    assert child.starts == 2


def test_a_missing_program(started: list[ChildProcess]) -> None:
    with pytest.raises(UserError, match=r"worker-0 cannot be run: there is no program 'no-such-program'"):
        run(started, "no-such-program", "--flag")


def test_a_missing_directory(tmp_path: Path) -> None:
    child = ChildProcess("worker-0", [sys.executable], dict(os.environ), cwd=tmp_path / "gone")
    with pytest.raises(UserError, match="the working directory of worker-0 does not exist"):
        child.start()


def test_a_program_that_cannot_be_executed(started: list[ChildProcess], tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_bytes(b"\x7fELF nonsense")
    program.chmod(0o755)
    child, ended = run(started, str(program))
    assert ended.wait(10)
    assert child.exit_code == 127
    assert "cannot run" in child.output_tail()


# The emulator


def test_an_emulator_that_ends_at_once_says_why() -> None:
    command = [sys.executable, "-c", "import sys; sys.exit('Address already in use')"]
    with pytest.raises(UserError, match=r"did not start.*exit status 1.*\n.*Address already in use"):
        Emulator(command=command).start()


def test_an_emulator_that_never_reports_its_port() -> None:
    with pytest.raises(UserError, match=r"did not start within 0\.3 s"):
        Emulator(command=[sys.executable, "-c", SLEEPER], start_timeout_s=0.3).start()


def test_an_emulator_may_print_before_its_port() -> None:
    script = f"print('hello {PORT_LINE}1'); print('{PORT_LINE}x'); print('{PORT_LINE}4242'); {SLEEPER}"
    with Emulator(command=[sys.executable, "-c", script]) as emulator:
        assert emulator.url == "http://127.0.0.1:4242"
        pid = emulator.pid
    assert pid is not None
    assert wait_gone(pid)
    with pytest.raises(UserError, match="not running"):
        _ = emulator.url


def test_an_endpoint_by_url(emulator: Emulator) -> None:
    with Emulator(emulator.url + "/") as same:
        assert same.url == emulator.url
        assert same.label == f"endpoint {emulator.url}"
        assert same.pid is None
        assert same.reset()


def test_an_endpoint_where_nothing_answers() -> None:
    with pytest.raises(UserError, match=r"nothing answers at http://127\.0\.0\.1:9"):
        Emulator("http://127.0.0.1:9").start()
    with pytest.raises(UserError, match="is not an endpoint URL"):
        Emulator("localhost:4566").start()


def test_two_emulators_take_different_ports(emulator: Emulator) -> None:
    with Emulator() as other:
        assert other.url != emulator.url


# No process outlives the lab

LAB_SCRIPT = """
import sys, threading
from checker.lab.session import Lab
from checker.lab.wiring import load_wiring
variant = {
    "wiring": "consumers/order_intake/wiring.toml",
    "command": ["{python}", "-m", "consumers.order_intake.naive"],
}
with Lab(load_wiring(variant), ["worker-0", "worker-1"]) as lab:
    lab.perform("inbox", "send", {"order": "order-0"})
    lab.call("worker-0", "inbox.receive")
    pids = [lab.emulator.pid] + [child.pid for child in lab._crew._children.values()]
    print(*pids, flush=True)
    threading.Event().wait()
"""


@pytest.mark.parametrize("how", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_no_process_outlives_the_lab(how: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", LAB_SCRIPT],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    try:
        assert parent.stdout is not None
        pids = [int(word) for word in parent.stdout.readline().split()]
        assert len(pids) == 3, parent.communicate()[1]
        parent.send_signal(how)
        _, errors = parent.communicate(timeout=90)
        assert all(wait_gone(pid) for pid in pids)
        for pid in pids:  # watchdogs share the process group of what they watch
            with contextlib.suppress(ProcessLookupError):
                assert wait_gone(group_member(pid))
        assert ("KeyboardInterrupt" in errors) == (how == signal.SIGINT)
    finally:
        parent.kill()
        parent.wait()


def group_member(group: int) -> int:
    """Some process of the group; raises ProcessLookupError when there is none."""
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ProcessLookupError):
                if os.getpgid(int(entry.name)) == group:
                    return int(entry.name)
    raise ProcessLookupError(group)


def test_ctrl_c_in_a_pytest_run_leaves_nothing_behind(tmp_path: Path) -> None:
    """Ctrl-C goes to pytest alone: consumers and emulator are in sessions of their own."""
    (tmp_path / "conftest.py").write_text("from checker.lab.fixtures import emulator, start_lab\n")
    (tmp_path / "test_one.py").write_text(
        "import os, threading\n"
        "def test_one(start_lab, capfd):\n"
        "    variant = {'wiring': 'consumers/order_intake/wiring.toml',\n"
        "               'command': ['{python}', '-m', 'consumers.order_intake.naive']}\n"
        "    lab = start_lab(variant, ['worker-0'])\n"
        "    pids = [lab.emulator.pid, lab._crew._children['worker-0'].pid]\n"
        "    with capfd.disabled():\n"
        "        os.write(1, ('pids %d %d\\n' % tuple(pids)).encode())\n"
        "    threading.Event().wait()\n"
    )
    command = [sys.executable, "-m", "pytest", "-q", f"--rootdir={PROJECT}", "-c", os.devnull, str(tmp_path)]
    parent = subprocess.Popen(
        [*command, "-p", "no:cacheprovider"],
        cwd=PROJECT,
        env={**os.environ, "PYTHONPATH": str(PROJECT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    try:
        assert parent.stdout is not None
        seen = []
        for line in parent.stdout:
            seen.append(line)
            if "pids" in line:
                break
        assert seen, "pytest printed nothing"
        assert "pids" in seen[-1], "".join(seen)
        pids = [int(word) for word in seen[-1].split("pids")[1].split()]
        os.killpg(parent.pid, signal.SIGINT)
        parent.communicate(timeout=90)
        assert parent.returncode == pytest.ExitCode.INTERRUPTED
        assert all(wait_gone(pid) for pid in pids)
    finally:
        parent.kill()
        parent.wait()
