"""``quackcheck check``: exit codes, what is printed and where, JSON, and folders that cannot be written."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
from typing import Any

import pytest

from checker.cli.main import VERBS
from checker.spec import Spec
from checker.spec.check import Checked, check
from tests.cli.project import Project, environment

VIOLATED = '[expect]\nnot_at_the_top = "violated"\none_at_a_time = "violated"\n'
ALL_OF_LADDER = VIOLATED + 'rests_at_the_bottom = "violated"\nabove_the_top = "violated"\n'

# Exit codes


def test_0_where_all_is_as_expected(project: Project) -> None:
    outcome = project.run("check", project.sample("Ladder", ALL_OF_LADDER))
    assert (outcome.code, outcome.err) == (0, "")
    assert outcome.out.endswith("\n1 spec: 1 as expected\n")


def test_1_where_a_verdict_differs(project: Project) -> None:
    outcome = project.run("check", project.sample("Ladder", VIOLATED))
    assert outcome.code == 1
    assert (
        "VIOLATED  rests_at_the_bottom  counterexample of 2 steps  NOT as expected: expected HOLDS"
        in outcome.out
    )
    assert outcome.out.endswith("\n1 spec: 1 not as expected\n")


def test_1_where_something_holds_that_is_expected_to_be_violated(project: Project) -> None:
    spec = project.sample("Ladder", ALL_OF_LADDER + 'half_way = "violated"\n')
    outcome = project.run("check", spec)
    assert outcome.code == 1
    assert "half_way             witness of 1 step          NOT as expected: expected VIOLATED" in outcome.out


def test_2_for_a_model_error_with_the_run_into_it(project: Project) -> None:
    outcome = project.run("check", project.sample("Overflow", "[bounds]\nOrder = 1\n"))
    assert outcome.code == 2
    line = project.files()["models/samples.py"].splitlines().index("        self.count += 1") + 1
    assert (
        f"""
  model error: models/samples.py:{line}: count: 4 is outside int[0..3] (a value outside its range)
    1  environment  bump(order 0)
                      count: 0 → 1
                      line: [] → [order 0]
    2  environment  bump(order 0)
                      count: 1 → 2
                      line: [order 0] → [order 0, order 0]
    3  environment  bump(order 0)
                      count: 2 → 3
                      line: [order 0, order 0] → [order 0, order 0, order 0]
    4  environment  bump(order 0)

1 spec: 1 with an error in the model
"""
        in outcome.out
    )
    assert (
        "UNKNOWN  fine           model error; nothing found up to depth 2  undecided: expected HOLDS"
        in outcome.out
    )


@pytest.mark.parametrize(
    ("model", "message"),
    [
        ("EarlyOverflow", "count: 4 is outside int[0..3] (a value outside its range)"),
        ("BadArgument", "of 0 (a position out of range)"),
        ("TwoFailingProperties", "of 0 (a position out of range)"),
    ],
)
@pytest.mark.parametrize("engine", ["explicit", "reference"])
def test_2_for_other_model_errors(project: Project, model: str, message: str, engine: str) -> None:
    outcome = project.run("check", "--engine", engine, project.sample(model, "[bounds]\nOrder = 1\n"))
    assert outcome.code == 2
    assert "model error: models/samples.py:" in outcome.out
    assert message in outcome.out


def test_3_where_a_limit_leaves_something_undecided(project: Project) -> None:
    spec = project.sample("Endless", '[expect]\nbelow_three = "violated"\n')
    outcome = project.run("check", "--states", "200", spec)
    assert outcome.code == 3
    assert "VIOLATED  below_three    counterexample of 3 steps" in outcome.out
    assert "state limit of 200 states; nothing found up to depth" in outcome.out
    assert "; stopped: state limit of 200 states" in outcome.out
    assert outcome.out.endswith("\n1 spec: 1 undecided\n")


def test_the_limits_of_the_command_override_those_of_the_spec(project: Project) -> None:
    spec = project.sample("Endless", '[limits]\nstates = 50\ndepth = 7\n[expect]\nbelow_three = "violated"\n')
    assert "depth limit of 7 steps" in project.run("check", spec).out
    assert "depth limit of 2 steps" in project.run("check", "--depth", "2", spec).out
    assert "time limit of 1e-09 s" in project.run("check", "--seconds", "1e-9", spec).out


def test_the_worst_of_several_specs_decides(project: Project) -> None:
    project.sample("Ladder", ALL_OF_LADDER)
    differs = project.sample("Ladder", name="differs")
    undecided = project.sample("Endless", '[limits]\nstates = 9\n[expect]\nbelow_three = "violated"\n')
    fails = project.sample("Overflow", "[bounds]\nOrder = 1\n")
    outcome = project.run("check", "--quiet")
    assert outcome.code == 2
    summary = "\n4 specs: 1 as expected, 1 not as expected, 1 undecided, 1 with an error in the model\n"
    assert outcome.out.endswith(summary)
    assert project.run("check", differs, undecided).code == 1
    assert project.run("check", fails, undecided).code == 2
    assert project.run("check", undecided).code == 3


@pytest.mark.parametrize(
    "arguments",
    [["--states", "0"], ["--seconds", "0"], ["--depth", "-1"], ["--engine", "warp"], ["--states", "many"]],
)
def test_wrong_options(project: Project, arguments: list[str]) -> None:
    outcome = project.run("check", *arguments)
    assert outcome.code == 2
    assert "Invalid value for '--" in outcome.err


def test_a_fault_of_quackcheck_is_no_verdict(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    """Python would exit with 1, which means that a verdict differs."""

    def broken(*_: Any, **__: Any) -> None:
        raise RuntimeError("it broke")

    monkeypatch.setattr("checker.cli.check.check", broken)
    outcome = project.run("check", project.sample("Ladder"))
    assert outcome.code == 70
    assert "RuntimeError: it broke" in outcome.err
    assert outcome.err.endswith(
        "error: internal error (a fault of quackcheck, please report it): RuntimeError: it broke\n"
    )


def test_help_tells_the_exit_codes(project: Project) -> None:
    outcome = project.run("--help")
    assert outcome.code == 0
    text = " ".join(outcome.out.split())
    assert "0 all as expected, 1 a verdict differs, 2 bad input or a model error" in text
    assert {"check", "testgen", "replay", "show"} <= set(VERBS)


def test_ctrl_c_while_a_result_is_confirmed_keeps_the_specs_before(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    first, second = project.sample("Ladder", ALL_OF_LADDER), project.sample("Ladder", name="second")

    def interrupted(spec: Spec, *_: Any, **__: Any) -> Checked:
        if spec.name == "second":
            raise KeyboardInterrupt
        return check(spec)

    monkeypatch.setattr("checker.cli.check.check", interrupted)
    outcome = project.run("check", first, second)
    assert outcome.code == 130
    assert outcome.out.endswith("\n2 specs: 1 as expected, interrupted, 1 not checked\n")
    document = json.loads(project.run("check", "--json", first, second).out)
    assert document["exit_code"] == 130
    assert [spec["spec"] for spec in document["specs"]] == [first]


# Broken expectations


def test_a_broken_expectation_is_named(project: Project) -> None:
    """The protocol is broken, and the spec says that it is not: the build must fail, and say why."""
    project.copy("models/order_intake.py", "specs/order_intake/delete_first.toml")
    path = "specs/order_intake/delete_first.toml"
    text = project.files()[path].replace('at_most_one_order = "violated"\n', "")
    project.write(path, text.replace('fixed_by = ["keyed", "transactional"]\n', ""))
    outcome = project.run("check", "--quiet")
    assert outcome.code == 1
    assert (
        "VIOLATED  at_most_one_order          counterexample of 8 steps  NOT as expected: expected HOLDS"
        in outcome.out
    )
    assert "VIOLATED  every_placed_order_exists  counterexample of 4 steps  as expected\n" in outcome.out


# What is printed


def test_quiet_prints_verdicts_only(project: Project) -> None:
    spec = project.sample("Ladder", ALL_OF_LADDER)
    loud, quiet = project.run("check", spec).out, project.run("check", "--quiet", spec).out
    assert "not_at_the_top: `height` was written twice" in loud
    assert "1  environment  up()" in loud
    assert "environment" not in quiet
    assert "VIOLATED  not_at_the_top" in quiet


def test_prose_with_brackets_and_colons_is_printed_as_it_is(project: Project) -> None:
    project.sample("Chooser", "[bounds]\nOrder = 2\nWorker = 1\n")
    spec = "specs/chooser.toml"
    project.write(spec, 'description = "A [red] [/x] :smile: model"\n' + project.files()[spec])
    outcome = project.run("check", spec)
    assert "\n  A [red] [/x] :smile: model\n" in outcome.out
    assert "\n  (No [order 1] :smile: is there.)\n" in outcome.out


def test_what_never_happened_is_told(project: Project) -> None:
    outcome = project.run("check", project.sample("Needy", "[bounds]\nOrder = 1\nWorker = 1\n"))
    assert "never happened: inbox.visibility_timeout\n" in outcome.out
    limited = project.run("check", "--states", "3", "specs/needy.toml")
    assert "never happened" not in limited.out


def test_never_fired_counts_what_the_budgets_allow(project: Project) -> None:
    bounds = "[bounds]\nOrder = 1\nWorker = 1\n"
    none = check(project.load(project.sample("Needy", bounds)))
    faults = "[faults]\ninbox.duplicate = 1\ncrash = 1\n"
    some = check(project.load(project.sample("Needy", bounds + faults, "faults")))
    assert none.never_fired == ("inbox.visibility_timeout",)
    assert "inbox.visibility_timeout" not in some.never_fired
    assert {"crash", "inbox.duplicate"} <= set(some.result.statistics.fired)


def test_neither_colour_nor_progress_without_a_terminal(project: Project) -> None:
    spec = project.sample("Endless", "[limits]\nstates = 2000\n")
    outcome = project.spawn("check", spec)
    assert outcome.code == 1
    assert "\x1b" not in outcome.out + outcome.err
    assert outcome.err == ""


# Traces


def test_traces_are_saved_whole_and_readable(project: Project) -> None:
    project.run("check", project.sample("Ladder", ALL_OF_LADDER))
    folder = project.root / "traces" / "specs"
    assert sorted(path.name for path in folder.iterdir()) == [
        "ladder.half_way.itf.json",
        "ladder.not_at_the_top.itf.json",
        "ladder.one_at_a_time.itf.json",
        "ladder.rests_at_the_bottom.itf.json",
    ]
    assert all(path.stat().st_mode & 0o777 == 0o644 for path in folder.iterdir())
    project.run("check", "--traces", "out/deep", "specs/ladder.toml")
    assert (project.root / "out/deep/specs/ladder.half_way.itf.json").is_file()


@pytest.mark.parametrize("blocked", ["traces", "traces/specs"])
def test_a_folder_that_cannot_be_made(project: Project, blocked: str) -> None:
    project.sample("Ladder", ALL_OF_LADDER)
    project.write(blocked, "a file where the folder belongs")
    project.refuses(
        ["check"],
        "error: traces/specs: cannot write here: ",
        "choose another folder, or make this one writable",
    )


def test_a_file_that_cannot_be_replaced(project: Project) -> None:
    project.sample("Ladder", ALL_OF_LADDER)
    place = "traces/specs/ladder.one_at_a_time.itf.json"
    (project.root / place / "inside").mkdir(parents=True)
    outcome = project.run("check")
    assert outcome.code == 2
    assert f"error: {place}: cannot write this file: Is a directory" in outcome.err
    assert "hint: remove what stands there" in outcome.err
    assert not [path for path in project.files() if "/." in path], "a temporary file was left"


# JSON

SPEC_KEYS = {
    "spec": str,
    "model": str,
    "engine": str,
    "bounds": dict,
    "faults": dict,
    "max_attempts": int,
    "status": str,
    "states": int,
    "transitions": int,
    "depth": int,
    "seconds": float,
    "stopped": (str, type(None)),
    "notice": str,
    "comes_to_rest": bool,
    "symmetry": (dict, type(None)),
    "never_fired": list,
    "model_error": (str, type(None)),
    "model_error_steps": (list, type(None)),
    "verdicts": list,
    "warnings": list,
    "mutations": list,
}
VERDICT_KEYS = {
    "property": str,
    "kind": str,
    "answer": str,
    "expected": str,
    "status": str,
    "depth": (int, type(None)),
    "reason": str,
    "proved": bool,
    "method": str,
    "any_number_of": list,
    "is_shortest": (bool, type(None)),
    "story": str,
    "trace": (str, type(None)),
    "steps": (list, type(None)),
    "faults_used": dict,
}


def assert_shape(data: dict[str, Any], keys: dict[str, Any]) -> None:
    assert list(data) == list(keys)
    for key, kind in keys.items():
        assert isinstance(data[key], kind), key


def test_json_and_nothing_else_on_standard_output(project: Project) -> None:
    project.sample("Ladder", ALL_OF_LADDER)
    project.sample("Overflow", "[bounds]\nOrder = 1\n")
    project.sample("Endless", "[limits]\nstates = 9\n")
    project.sample("TwoRows", "[bounds]\nOrder = 1\nWorker = 1\nRowId = 3\n[faults]\ncrash = 1\n")
    outcome = project.run("check", "--json")
    document = json.loads(outcome.out)
    assert outcome.err == ""
    assert list(document) == ["version", "exit_code", "specs"]
    assert (document["version"], document["exit_code"], outcome.code) == (1, 2, 2)
    for spec in document["specs"]:
        assert_shape(spec, SPEC_KEYS)
        assert spec["status"] in ("as_expected", "differs", "bad_input", "undecided")
        for verdict in spec["verdicts"]:
            assert_shape(verdict, VERDICT_KEYS)
            assert verdict["kind"] in ("always", "transition", "quiescent", "reachable")
            assert verdict["answer"] in ("HOLDS", "HOLDS UP TO", "VIOLATED", "UNKNOWN")
            assert (verdict["trace"] is None) == (verdict["steps"] is None)
            for number, step in enumerate(verdict["steps"] or [], start=1):
                assert list(step) == ["number", "actor", "step", "outcome"]
                assert step["number"] == number
    by_name = {spec["spec"]: spec for spec in document["specs"]}
    overflow = by_name["specs/overflow.toml"]
    assert "count: 4 is outside int[0..3]" in overflow["model_error"]
    assert [step["step"] for step in overflow["model_error_steps"]] == ["bump(order 0)"] * 4
    crash = by_name["specs/tworows.toml"]
    assert crash["faults"] == {
        "crash": 1,
        "fail": 0,
        "ambiguous": 0,
        "inbox.visibility_expiry": 0,
        "inbox.duplicate": 0,
    }


def test_json_of_bad_input_is_an_error_and_no_document(project: Project) -> None:
    project.refuses(["check", "--json", "specs/none.toml"], "specs/none.toml: there is no such spec")


def test_json_is_the_same_in_every_run(project: Project) -> None:
    spec = project.sample("TwoRows", "[bounds]\nOrder = 1\nWorker = 2\nRowId = 4\n")
    documents = []
    for _ in range(2):
        document = json.loads(project.run("check", "--json", spec).out)
        del document["specs"][0]["seconds"]
        documents.append(document)
        shutil.rmtree(project.root / "traces")
    assert documents[0] == documents[1]


def test_check_starts_without_what_it_does_not_need(project: Project) -> None:
    """Importing these takes longer than checking a small spec does."""
    script = (
        "import sys; from checker.cli.main import main;"
        f"main(['check', '-q', '{project.sample('Ladder', ALL_OF_LADDER)}'], standalone_mode=False);"
        "print([name for name in ('boto3', 'moto', 'z3', 'networkx', 'checker.lab') if name in sys.modules])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env=environment(), capture_output=True, text=True, check=True
    )
    assert done.stdout.splitlines()[-1] == "[]"


def test_every_verb_is_there_and_has_help(project: Project) -> None:
    for verb in VERBS:
        outcome = project.run(verb, "--help")
        assert outcome.code == 0
        assert f"Usage: main {verb}" in outcome.out
