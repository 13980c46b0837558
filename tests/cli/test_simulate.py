"""``quackcheck simulate``: exit codes, what is printed, JSON, traces, and Ctrl-C."""

from __future__ import annotations

import json
import signal

import pytest

from tests.cli.project import Project
from tests.cli.test_terminal import AtTerminal

ALL_OF_LADDER = (
    '[expect]\nnot_at_the_top = "violated"\none_at_a_time = "violated"\n'
    'rests_at_the_bottom = "violated"\nabove_the_top = "unknown"\ndeadlock_free = "unknown"\n'
)


def test_what_is_printed(project: Project) -> None:
    outcome = project.run("simulate", "--walks", "100", project.sample("Ladder", ALL_OF_LADDER))
    assert (outcome.code, outcome.err) == (0, "")
    assert "UNKNOWN   above_the_top        not reached in 100 walks of up to 200 steps" in outcome.out
    assert "UNKNOWN   deadlock_free        no violation in 100 walks of up to 200 steps" in outcome.out
    assert ", perhaps not the shortest" in outcome.out
    assert "  native, seed 0: 100 walks, " in outcome.out
    assert "  not_at_the_top: `height` was written" in outcome.out
    assert outcome.out.endswith("\n1 spec: 1 as expected\n")


def test_nothing_found_is_undecided_and_never_holds(project: Project) -> None:
    spec = project.sample("Ladder", ALL_OF_LADDER.replace('deadlock_free = "unknown"', ""))
    outcome = project.run("simulate", spec)
    assert outcome.code == 3
    assert "undecided: expected HOLDS" in outcome.out
    assert "HOLDS     deadlock_free" not in outcome.out


def test_a_violation_that_is_not_expected(project: Project) -> None:
    assert project.run("simulate", project.sample("Ladder")).code == 1


def test_a_model_error(project: Project) -> None:
    outcome = project.run("simulate", project.sample("Overflow", "[bounds]\nOrder = 1\n"))
    assert outcome.code == 2
    assert "count: 4 is outside int[0..3]" in outcome.out
    assert "    4  environment  bump(order 0)\n" in outcome.out


def test_the_trace_is_saved_and_replays(project: Project) -> None:
    project.run("simulate", "--quiet", project.sample("Ladder", ALL_OF_LADDER))
    trace = "traces/specs/ladder.not_at_the_top.itf.json"
    assert "height = 3" in project.run("replay", trace).out


def test_the_same_seed_prints_the_same(project: Project) -> None:
    project.copy("models/order_intake.py", "specs/order_intake/naive.toml")
    path = "specs/order_intake/naive.toml"
    project.write(path, project.files()[path].partition("[lab]")[0])

    def steps(seed: int, threads: int) -> object:
        options = ["--json", "--seed", str(seed), "--threads", str(threads), "--walks", "500"]
        document = json.loads(project.run("simulate", *options, path).out)
        del document["specs"][0]["seconds"]
        return document

    assert steps(5, 1) == steps(5, 2)
    assert steps(5, 1) != steps(6, 1)


def test_json(project: Project) -> None:
    outcome = project.run("simulate", "--json", "--walks", "50", project.sample("Ladder"))
    document = json.loads(outcome.out)
    assert (document["version"], document["exit_code"]) == (1, 1)
    (spec,) = document["specs"]
    assert list(spec) == [
        *("spec", "model", "engine", "bounds", "faults", "max_attempts", "status"),
        *("seed", "walks", "steps", "depth_max", "longest", "seconds", "stopped", "notice"),
        *("model_error", "model_error_steps", "verdicts"),
    ]
    assert (spec["seed"], spec["walks"], spec["depth_max"], spec["stopped"]) == (0, 50, 200, None)
    verdict = spec["verdicts"][0]
    assert (verdict["answer"], verdict["is_shortest"], verdict["depth"]) == ("VIOLATED", False, None)


@pytest.mark.parametrize(
    "arguments",
    [["--walks", "0"], ["--depth", "0"], ["--seed", "-1"], ["--seconds", "0"], ["--seed", "many"]],
)
def test_wrong_options(project: Project, arguments: list[str]) -> None:
    outcome = project.run("simulate", *arguments)
    assert outcome.code == 2
    assert "Invalid value for '--" in outcome.err


def test_no_such_spec(project: Project) -> None:
    project.refuses(["simulate", "specs/none.toml"], "specs/none.toml: there is no such spec")


def test_progress_and_ctrl_c(project: Project) -> None:
    first, second = project.sample("Endless", name="a_first"), project.sample("Ladder")
    options = ["--walks", str(10**12), "--depth", "50"]
    with AtTerminal(project.root, "simulate", *options, first, second) as command:
        command.read_until(lambda text: text.count("steps/s") > 2)
        command.process.send_signal(signal.SIGINT)
        code, out = command.finish()
    assert code == 130
    assert "VIOLATED  below_three    counterexample of 3 steps, perhaps not the shortest" in out
    assert "; stopped: interrupted\n" in out
    assert out.endswith("\n2 specs: 1 not as expected, interrupted, 1 not checked\n")
    assert "Traceback" not in command.seen + out
