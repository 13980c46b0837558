"""The native engine's own ways: limits, model errors, capacities, the compiler and its cache."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel, lower
from checker.engines import runner
from checker.engines.interface import Answer, Limits, Progress, Request, Result
from checker.engines.native import compile as native_compile
from checker.engines.native.codegen.layout import Capacities, Layout, Unsupported
from checker.engines.native.codegen.program import generate
from checker.engines.native.compile import CannotCompile, cached_models, clear_cache, compiled
from checker.engines.native.engine import NativeEngine
from checker.errors import InternalError
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec
from checker.spec.models import load_model
from models.order_intake import Keyed
from tests.native.agreement import compare_results

HEADER = """
from __future__ import annotations
from typing import Annotated
from checker.dsl import *
from checker.components import DynamoTable, SqsQueue
Small = Annotated[int, Range(0, 3)]
class Item(Index):
    pass
"""


def lowered_source(source: str, folder: Path, budgets: Budgets | None = None) -> LoweredModel:
    """A model named M from its source, with two of every index set."""
    path = folder / f"model_{folder.name}.py"
    path.write_text(HEADER + source, encoding="utf-8")
    cls = load_model(f"{path}:M", "test")
    bounds = {"Item": 2} if "Item" in source else {}
    return lower(cls, bounds, budgets or Budgets())


def test_layout_codes_every_state_once() -> None:
    program = load_spec(Path("specs/order_intake/marker_first.toml")).lowered.program
    layout, machine = Layout(program), Machine(program)
    todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    seen = set(todo)
    for state in todo:
        assert layout.decode(layout.encode(state)) == state
        for successor in machine.successors(state):
            if isinstance(successor.outcome, State) and successor.outcome not in seen:
                seen.add(successor.outcome)
                todo.append(successor.outcome)
    assert len({layout.encode(state) for state in seen}) == len(seen) == 778


def test_limits_say_what_is_known() -> None:
    lowered = load_spec(Path("specs/order_intake/naive.toml")).lowered
    deep = NativeEngine().check(Request(lowered, Limits(depth_max=5)))
    assert {v.answer for v in deep.verdicts} == {Answer.HOLDS_UP_TO, Answer.UNKNOWN}
    assert deep.stopped == "depth limit of 5 steps"
    few = NativeEngine().check(Request(lowered, Limits(states_max=50)))
    assert few.stopped == "state limit of 50 states"
    assert all(v.answer is Answer.UNKNOWN for v in few.verdicts)
    found = NativeEngine().check(Request(lowered, Limits(depth_max=9)))
    assert [v.answer for v in found.verdicts if v.property == "at_most_one_order"] == [Answer.VIOLATED]


@pytest.mark.parametrize(
    "body",
    [
        "level: Small = 0\n    @action\n    def up(self) -> None:\n        self.level = self.level + 1",
        "level: Small = 2\n    @action\n    def cut(self) -> None:\n"
        "        self.level = 3 // (self.level - 2)",
        "line: Fifo[Small]\n    @action\n    def take(self) -> None:\n        self.line.popleft()",
        "held: Map[Item, Small]\n    @action\n    def drop(self, item: Item) -> None:\n"
        "        del self.held[item]",
        "one: Item | None = None\n    bag: Bag[Item]\n"
        "    @action\n    def use(self) -> None:\n        self.bag.remove(Item(1))",
        "level: Small = 0\n    @action\n    def go(self) -> None:\n        assert self.level == 1",
    ],
)
def test_model_errors_are_those_of_the_interpreter(body: str, tmp_path: Path) -> None:
    native, explicit = compare_results(lowered_source(f"class M(Model):\n    {body}\n", tmp_path))
    assert native.failure is not None
    assert explicit.failure is not None
    assert native.failure.error.kind is explicit.failure.error.kind
    assert native.failure.error.location == explicit.failure.error.location


def test_a_bag_that_outgrows_its_layout_starts_again(tmp_path: Path) -> None:
    source = """
class M(Model):
    bag: Bag[Item]
    @action
    def add(self, item: Item) -> None:
        when(len(self.bag) < 9)
        self.bag.add(item)
    @always
    def small(self) -> bool:
        return self.bag.count(Item(0)) < 9
"""
    assert Capacities().bag_count_max < 9
    native, _ = compare_results(lowered_source(source, tmp_path))
    assert native.verdicts[0].answer is Answer.VIOLATED


def test_no_compiler_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CC", "no-such-compiler")
    native_compile.find_compiler.cache_clear()
    try:
        with pytest.raises(CannotCompile, match=r"no-such-compiler.*install gcc"), compiled("int x;"):
            pass
    finally:
        native_compile.find_compiler.cache_clear()


def test_a_compiler_that_fails_is_quoted(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(CannotCompile, match="failed"), compiled("this is not C"):
        pass
    assert not list((tmp_path / "quackcheck").iterdir())


def test_the_cache_is_used_cleared_and_mended(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lowered = load_spec(Path("specs/order_intake/marker_first_lost_answer.toml")).lowered
    first = NativeEngine().check(Request(lowered))
    (cached,) = cached_models()
    written = cached.path.stat().st_ino
    NativeEngine().check(Request(lowered))
    assert cached.path.stat().st_ino == written
    assert clear_cache() == 1
    assert cached_models() == []
    # A file of that name that is no library: in a process of its own, for a loaded one stays mapped.
    cached.path.write_bytes(b"broken")
    script = (
        "from pathlib import Path; from checker.spec import load_spec;"
        "from checker.engines.interface import Request;"
        "from checker.engines.native.engine import NativeEngine;"
        "spec = load_spec(Path('specs/order_intake/marker_first_lost_answer.toml'));"
        "print(NativeEngine().check(Request(spec.lowered)).statistics.states)"
    )
    run = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert run.stdout.strip() == str(first.statistics.states), run.stderr


def test_a_cache_that_cannot_be_written_is_done_without(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("in the way")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    lowered = load_spec(Path("specs/order_intake/marker_first_lost_answer.toml")).lowered
    assert NativeEngine().check(Request(lowered)).stopped is None


@pytest.fixture
def compiler(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Callable[[str], None]]:
    """Takes a shell script for the compiler; the cache is empty."""

    def use(script: str) -> None:
        path = tmp_path / "compiler"
        path.write_text(f'#!/bin/sh\n[ "$1" = --version ] && echo sh 1.0 && exit 0\n{script}\n')
        path.chmod(0o755)
        monkeypatch.setenv("CC", str(path))
        native_compile.find_compiler.cache_clear()

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    yield use
    native_compile.find_compiler.cache_clear()


LOST_ANSWER = Path("specs/order_intake/marker_first_lost_answer.toml")


@pytest.mark.parametrize(
    ("script", "said"),
    [
        ("kill -9 $$", "was killed by signal 9"),
        ("echo broken >&2; exit 1", "failed:\nbroken"),
        ("exit 0", "failed:"),
        ("sleep 20", "took over 0.5 s"),
    ],
)
def test_a_compiler_in_trouble_leaves_the_python_engine(
    compiler: Callable[[str], None], script: str, said: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    compiler(script)
    monkeypatch.setattr(native_compile, "COMPILE_TIMEOUT_S", 0.5 if "sleep" in script else 60)
    result = runner.run("native", Request(load_spec(LOST_ANSWER).lowered))
    assert result.engine == "explicit"
    assert result.statistics.states == 17
    assert result.notice.startswith("the native engine is not used: ")
    assert said in result.notice
    assert list((tmp_path / "cache" / "quackcheck").iterdir()) == []


def test_a_full_cache_folder_is_done_without(compiler: Callable[[str], None], tmp_path: Path) -> None:
    full = 'echo "fatal: No space left on device" >&2; exit 1'
    compiler(f'case "$*" in *{tmp_path}/cache*) {full};; esac; exec cc "$@"')
    result = NativeEngine().check(Request(load_spec(LOST_ANSWER).lowered))
    assert result.statistics.states == 17
    assert list((tmp_path / "cache" / "quackcheck").iterdir()) == []


def test_no_room_anywhere_leaves_the_python_engine(compiler: Callable[[str], None]) -> None:
    compiler('echo "fatal: No space left on device" >&2; exit 1')
    result = runner.run("native", Request(load_spec(LOST_ANSWER).lowered))
    assert result.engine == "explicit"
    assert "there is no room for a compiled model" in result.notice


def test_a_library_that_was_cut_short_is_built_anew(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """To load one would end the process with a bus error."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    lowered = load_spec(LOST_ANSWER).lowered
    NativeEngine().check(Request(lowered))
    (cached,) = cached_models()
    whole = cached.path.read_bytes()
    for damaged in (whole[: len(whole) // 2], b"", whole[:5000] + b"!" + whole[5001:]):
        cached.path.unlink()
        cached.path.write_bytes(damaged)
        assert NativeEngine().check(Request(lowered)).statistics.states == 17
        assert len(cached.path.read_bytes()) == len(whole)


def test_an_error_of_whoever_uses_a_library_is_his_own() -> None:
    source = generate(load_spec(LOST_ANSWER).lowered.program).text
    with pytest.raises(OSError, match="mine"), compiled(source):
        raise OSError("mine")


def test_a_process_with_many_calls_is_handed_over(tmp_path: Path) -> None:
    """Sets of labels are words in generated code; a shift beyond them would be silently wrong."""
    calls = "\n".join("        await self.table.get(Item(0))" for _ in range(65))
    source = f"""
class M(Model):
    table: DynamoTable[Item, Item]
    @process
    async def work(self) -> None:
{calls}
"""
    lowered = lowered_source(source, tmp_path)
    with pytest.raises(Unsupported, match="65 calls"):
        NativeEngine().check(Request(lowered))
    result = runner.run("native", Request(lowered))
    assert result.engine == "explicit"
    assert "65 calls" in result.notice


def test_a_small_space_is_searched_by_both(monkeypatch: pytest.MonkeyPatch) -> None:
    """A native engine that is wrong about a small model is found out before anyone sees its verdict."""
    lowered = load_spec(Path("specs/order_intake/marker_first.toml")).lowered

    class Wrong(NativeEngine):
        def check(self, request: Request) -> Result:
            result = super().check(request)
            return replace(result, statistics=replace(result.statistics, states=777))

    monkeypatch.setitem(runner.ENGINES, "native", Wrong())
    with pytest.raises(InternalError, match="777"):
        runner.run("native", Request(lowered, symmetry=False))


def test_rest_is_told(tmp_path: Path) -> None:
    source = """
class M(Model):
    on: bool = False
    @action
    def flip(self) -> None:
        self.on = not self.on
"""
    native, explicit = compare_results(lowered_source(source, tmp_path))
    assert not native.statistics.comes_to_rest
    assert not explicit.statistics.comes_to_rest


def test_a_property_without_a_value_is_not_violated(tmp_path: Path) -> None:
    """Both a violation and a model error in one state: only what came before the error counts."""
    source = """
class M(Model):
    level: Small = 0
    one: Item | None = None
    @action
    def up(self) -> None:
        when(self.level == 0)
        self.level = 1
    @always
    def before(self) -> bool:
        return self.level == 0
    @always
    def fails(self) -> bool:
        return 3 // (1 - self.level) > 2
    @always
    def after(self) -> bool:
        return self.level == 0
"""
    lowered = lowered_source(source, tmp_path)
    native, explicit = compare_results(lowered)
    for result in (native, explicit):
        answers = {verdict.property: verdict.answer for verdict in result.verdicts}
        assert answers["before"] is Answer.VIOLATED
        assert answers["fails"] is answers["after"] is Answer.UNKNOWN


def test_progress_tells_memory_and_load() -> None:
    lowered = lower(Keyed, {"Order": 3, "Worker": 3}, Budgets(1, 1, 1, (("inbox.visibility_expiry", 1),), 2))
    seen: list[Progress] = []
    NativeEngine().check(Request(lowered, report=seen.append, symmetry=False))
    assert seen
    for progress in seen:
        assert progress.load is not None
        assert 0 < progress.load < 1
        assert progress.memory_bytes > 8 * progress.states


def test_a_number_beyond_64_bits_is_left_to_the_explicit_engine(tmp_path: Path) -> None:
    """The IR's integers have no bound inside a step: C must not wrap around and say HOLDS."""
    source = """
class M(Model):
    done: bool = False
    @action
    def grow(self) -> None:
        y = 1
        for k in range(30):
            y = y * 1000
        when(y // 2 > 1000000)
        self.done = True
    @always
    def never(self) -> bool:
        return not self.done
"""
    lowered = lowered_source(source, tmp_path)
    with pytest.raises(Unsupported, match="64 bits"):
        NativeEngine().check(Request(lowered))
    result = runner.run("native", Request(lowered))
    assert result.verdicts[0].answer is Answer.VIOLATED
    assert "64 bits" in result.notice
