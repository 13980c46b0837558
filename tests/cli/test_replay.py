"""``quackcheck replay``: the saved run again, and every way in which a trace can be the wrong one."""

from __future__ import annotations

import json
from typing import Any

import pytest

from tests.cli.project import Project

TRACE = "traces/specs/ladder.not_at_the_top.itf.json"


@pytest.fixture
def ladder(project: Project) -> Project:
    """A project with the traces of one spec."""
    project.run("check", project.sample("Ladder"))
    return project


def changed(project: Project, change: Any) -> None:
    """Change the saved trace."""
    document = json.loads(project.files()[TRACE])
    change(document)
    project.write(TRACE, json.dumps(document))


def test_the_whole_run(ladder: Project) -> None:
    outcome = ladder.run("replay", TRACE)
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out
        == """\
not_at_the_top: `height` was written twice: by environment at steps 1 and 2

 0  initial state
      height = 0
      budgets left: none

 1  environment: up()
      height: 0 → 1
      height = 1
      budgets left: none

 2  environment: leap()
      height: 1 → 3
      height = 3
      budgets left: none
"""
    )


def test_one_step(ladder: Project) -> None:
    outcome = ladder.run("replay", TRACE, "--step", "1")
    assert (outcome.code, outcome.out.count("height = ")) == (0, 1)
    assert "height = 1" in outcome.out
    assert "height = 0" in ladder.run("replay", TRACE, "--step", "0").out


def test_a_step_beyond_the_end(ladder: Project) -> None:
    ladder.refuses(
        ["replay", TRACE, "--step", "3"],
        f"error: {TRACE}: the trace has 2 steps, not 3",
        "hint: give a step from 0, the initial state, to 2",
    )


def test_interactive_without_a_terminal_does_not_wait(ladder: Project) -> None:
    assert ladder.run("replay", TRACE, "--interactive").out == ladder.run("replay", TRACE).out


def test_collections_in_brackets_are_shown(project: Project) -> None:
    project.run("check", project.sample("EveryType", "[bounds]\nOrder = 2\n"))
    outcome = project.run("replay", "traces/specs/everytype.never_filled.itf.json")
    assert outcome.code == 0
    assert "      line = [order 0, order 0]\n" in outcome.out
    assert "      line: [order 0] → [order 0, order 0]\n" in outcome.out


def test_a_run_from_another_initial_state_than_the_first(project: Project) -> None:
    """A process that chooses before its first call gives a model several initial states."""
    bounds = "[bounds]\nOrder = 2\nWorker = 1\n"
    assert project.run("check", project.sample("Chooser", bounds)).code == 1
    outcome = project.run("replay", "traces/specs/chooser.never_one.itf.json")
    assert outcome.code == 0
    assert "reader 0 waits for table.put with mine = order 1" in outcome.out


def test_locals_attempts_and_budgets_are_shown(project: Project) -> None:
    project.copy("models/order_intake.py")
    text = 'model = "models/order_intake.py:MarkerFirst"\n[bounds]\nOrder = 1\nWorker = 1\nRowId = 2\n'
    project.write("specs/lost.toml", text + "[faults]\nambiguous = 1\n[sdk]\nmax_attempts = 2\n")
    project.run("check")
    trace = "traces/specs/lost.every_placed_order_exists.itf.json"
    out = project.run("replay", trace, "--step", "3").out
    assert "worker 0 waits for seen.put_if_absent, 1 attempt(s) failed with delivery = " in out
    assert "budgets left: none" in out
    assert "budgets left: ambiguous 1" in project.run("replay", trace, "--step", "2").out


# Wrong traces


def test_a_trace_that_is_not_there(project: Project) -> None:
    project.refuses(
        ["replay", "a.json"], "error: a.json: the trace cannot be read: No such file or directory"
    )


def test_a_folder_for_a_trace(ladder: Project) -> None:
    ladder.refuses(["replay", "traces"], "error: traces: the trace cannot be read: Is a directory")


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("", "the trace is not JSON: Expecting value"),
        ("{", "the trace is not JSON: "),
        ("[]", "this is no trace of quackcheck"),
        ("3", "this is no trace of quackcheck"),
        ('{"#meta": {"format": "ITF"}, "states": []}', "'format-version' is missing"),
        ('{"#meta": {"format-version": 99}, "states": []}', "the trace has format version 99, not 1"),
        ('{"#meta": {"format-version": 1}, "states": []}', "the trace does not say which spec it belongs to"),
        (
            '{"#meta": {"format-version": 1, "spec": 3}, "states": []}',
            "the trace does not say which spec it belongs to",
        ),
    ],
)
def test_files_that_are_no_traces(project: Project, text: str, what: str) -> None:
    project.write("a.json", text)
    project.refuses(["replay", "a.json"], f"error: a.json: {what}" if what[0] != "'" else what)


def test_a_trace_whose_spec_is_gone(ladder: Project) -> None:
    (ladder.root / "specs/ladder.toml").unlink()
    ladder.refuses(
        ["replay", TRACE],
        f"error: {TRACE}: the trace's spec, specs/ladder.toml, is not here",
        "hint: run quackcheck in the folder in which the trace was saved",
    )


def test_a_trace_of_a_spec_that_is_wrong_now(ladder: Project) -> None:
    ladder.write("specs/ladder.toml", "nonsense")
    ladder.refuses(["replay", TRACE], "error: specs/ladder.toml: this is not TOML")


def test_a_trace_with_a_step_that_the_model_no_longer_has(ladder: Project) -> None:
    text = ladder.files()["models/samples.py"]
    ladder.write("models/samples.py", text.replace("def leap(self)", "def jump(self)"))
    ladder.refuses(
        ["replay", TRACE], f"error: {TRACE}: the trace cannot be replayed: step 2", "is not enabled"
    )


@pytest.mark.parametrize("change", [("height: Small = 0", "height: Small = 1"), ("+= 2", "+= 1")])
def test_a_trace_whose_states_are_others_now(ladder: Project, change: tuple[str, str]) -> None:
    text = ladder.files()["models/samples.py"]
    ladder.write("models/samples.py", text.replace(*change))
    ladder.refuses(["replay", TRACE], f"error: {TRACE}: the states of the trace are not those of the model")


@pytest.mark.parametrize(
    "change",
    [
        lambda document: document["states"][1].update(height=2),
        lambda document: document["states"].pop(),
        lambda document: document["states"].clear(),
        lambda document: document["states"][1]["#meta"]["transition"].update(process="x"),
        lambda document: document["states"][1]["#meta"]["transition"].update(parameters=[{}]),
        lambda document: document["states"][1]["#meta"]["transition"].update(choices=3),
    ],
)
def test_a_trace_that_was_edited(ladder: Project, change: Any) -> None:
    before = ladder.files()[TRACE]
    changed(ladder, change)
    if len(json.loads(before)["states"]) - len(json.loads(ladder.files()[TRACE])["states"]) == 1:
        assert ladder.run("replay", TRACE).code == 0  # a shorter run is a run
    else:
        ladder.refuses(["replay", TRACE], f"error: {TRACE}: ")


def test_wrong_options(ladder: Project) -> None:
    assert ladder.run("replay", TRACE, "--step", "-1").code == 2
    assert ladder.run("replay").code == 2
