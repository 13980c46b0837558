"""Limits on memory: as they are written, and honoured by both engines."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from checker.dsl.lowering import lower
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Engine, Limits, Progress, Request
from checker.engines.memory import bytes_of, resident_bytes, shown_bytes
from checker.engines.native.engine import NativeEngine
from checker.ir.program import Budgets
from models.order_intake import Keyed
from tests.cli.project import Project


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("1B", 1),
        ("500MB", 5 * 10**8),
        ("1.5 GiB", 3 * 2**29),
        ("2 gib", 2**31),
        (" 3kB ", 3000),
        ("4KiB", 4096),
    ],
)
def test_amounts(text: str, amount: int) -> None:
    assert bytes_of(text) == amount


@pytest.mark.parametrize("text", ["", "5", "MB", "-5 MB", "5 parsecs", "1e9 B", "0 B", "9e9TB", "٣ MB"])
def test_no_amounts(text: str) -> None:
    with pytest.raises(ValueError, match="write"):
        bytes_of(text)


def test_amounts_are_shown_with_their_unit() -> None:
    shown = [shown_bytes(amount) for amount in (0, 999, 1536, 2048, 1_500_000, 2**31, 10**12, 3 * 2**40)]
    assert shown == ["0 B", "999 B", "1.54 kB", "2 KiB", "1.5 MB", "2 GiB", "1 TB", "3 TiB"]


#: Some hundred thousand states, which are more than the limits below hold.
LARGE = lower(Keyed, {"Order": 3, "Worker": 3}, Budgets(2, 1, 1, (("inbox.visibility_expiry", 1),), 2))


@pytest.mark.parametrize("engine", [NativeEngine(), ExplicitEngine()])
def test_the_limit_is_honoured(engine: Engine) -> None:
    before, seen = resident_bytes(), list[Progress]()
    result = engine.check(Request(LARGE, Limits(memory_bytes_max=16 * 2**20), seen.append, symmetry=False))
    assert result.stopped == "memory limit of 16 MiB"
    unknown = [verdict for verdict in result.verdicts if verdict.answer is Answer.UNKNOWN]
    assert unknown
    assert all(v.reason == result.stopped and v.depth is not None and v.depth >= 2 for v in unknown)
    assert result.statistics.states > 1000
    # The parts of the process that are no states, and the last round, come on top.
    assert resident_bytes() - before < 64 * 2**20
    assert all(progress.memory_bytes < 32 * 2**20 for progress in seen)


def test_a_limit_below_anything_is_no_crash() -> None:
    result = NativeEngine().check(Request(LARGE, Limits(memory_bytes_max=1000)))
    assert result.stopped == "memory limit of 1 kB"
    assert all(verdict.answer is Answer.UNKNOWN for verdict in result.verdicts)


def test_more_memory_more_states() -> None:
    request = Request(LARGE, Limits(memory_bytes_max=16 * 2**20), symmetry=False)
    less = NativeEngine().check(request)
    more = NativeEngine().check(replace(request, limits=Limits(memory_bytes_max=48 * 2**20)))
    assert less.statistics.states < more.statistics.states


def test_the_option_overrides_the_spec(project: Project) -> None:
    spec = project.sample("Endless", '[limits]\nmemory = "5 MB"\n[expect]\nbelow_three = "violated"\n')
    outcome = project.run("check", "-q", spec)
    assert outcome.code == 3
    assert "memory limit of 5 MB; nothing found up to depth" in outcome.out
    document = json.loads(project.run("check", "--json", "--memory", "1MiB", spec).out)
    assert document["specs"][0]["stopped"] == "memory limit of 1 MiB"


def test_an_option_without_a_unit(project: Project) -> None:
    outcome = project.run("check", "--memory", "500", project.sample("Ladder"))
    assert outcome.code == 2
    assert "Invalid value for '--memory': '500' is no amount of memory: write a number" in outcome.err
