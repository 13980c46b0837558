"""Every mistake in a spec: exit code 2, the place, what is wrong, what to do, and no file written."""

# ruff: noqa: E501 (the cases are a table, a line each)

from __future__ import annotations

from pathlib import Path

import pytest

from checker.spec import find_specs
from tests.cli.project import ROOT, Project

GOOD = """
model = "models/samples.py:TwoRows"
description = "Two rows for one order."
engine = "explicit"

[bounds]
Order = 1
Worker = 1
RowId = 2

[faults]
crash = 0
inbox.visibility_expiry = 0

[sdk]
max_attempts = 1

[limits]
states = 1000
seconds = 60
depth = 100

[expect]
one_row = "violated"
no_row = "violated"

[lab]
wiring = "consumers/order_intake/wiring.toml"
command = ["{python}", "-m", "consumers.order_intake.naive"]
fixed_by = ["other"]
"""
SPEC = "specs/a/spec.toml"


@pytest.fixture
def shop(project: Project) -> Project:
    """A project with one good spec, and another one beside it."""
    project.sample("TwoRows", "[bounds]\nOrder = 1\nWorker = 1\nRowId = 2\n")
    project.write(SPEC, GOOD)
    project.write("specs/a/other.toml", GOOD.replace('fixed_by = ["other"]\n', ""))
    return project


def test_the_good_spec_is_good(shop: Project) -> None:
    outcome = shop.run("check", SPEC)
    assert (outcome.code, outcome.err) == (0, "")


@pytest.mark.parametrize(
    ("before", "after", "where", "what", "hint"),
    [
        # The model
        ("models/samples.py", "models/sample.py", SPEC, "there is no model file 'models/sample.py'", "did you mean 'models/samples.py'?"),
        ("models/samples.py", "elsewhere/samples.py", SPEC, "there is no model file 'elsewhere/samples.py'", "known: none"),
        (":TwoRows", ":TwoRow", SPEC, "'models/samples.py' has no model 'TwoRow'", "did you mean 'TwoRows'?"),
        (":TwoRows", ":Model", SPEC, "'models/samples.py' has no model 'Model'", "known: "),
        (":TwoRows", ":Shelf", SPEC, "'models/samples.py' has no model 'Shelf'", "known: "),
        (":TwoRows", "", SPEC, "'models/samples.py' does not name a model", 'write: model = "models/order_intake.py:Naive"'),
        ('model = "models/samples.py:TwoRows"\n', "", SPEC, "'model' is missing", 'add: model = "..."'),
        ('"models/samples.py:TwoRows"', "7", f"{SPEC} model", "expected a string, got 7", 'write: model = "..."'),
        # Names
        ("one_row =", "one_rwo =", f"{SPEC} [expect]", "TwoRows has no property 'one_rwo'", "did you mean 'one_row'?"),
        ('one_row = "violated"', 'one_row = "voilated"', f"{SPEC} [expect] one_row", "unknown expectation 'voilated'", "did you mean 'violated'?"),
        ('one_row = "violated"', 'one_row = "xyz"', f"{SPEC} [expect] one_row", "unknown expectation 'xyz'", "known: holds, violated, holds up to, unknown"),
        ("crash =", "crsh =", f"{SPEC} [faults]", "TwoRows has no fault 'crsh'", "did you mean 'crash'?"),
        ("inbox.visibility_expiry", "inbox.visibility_expire", f"{SPEC} [faults]", "TwoRows has no fault 'inbox.visibility_expire'", "did you mean 'inbox.visibility_expiry'?"),
        ("inbox.visibility_expiry", "inbx.visibility_expiry", f"{SPEC} [faults]", "TwoRows has no fault 'inbx.visibility_expiry'", "did you mean 'inbox.visibility_expiry'?"),
        ("inbox.visibility_expiry", "a.b.c", f"{SPEC} [faults]", "TwoRows has no fault 'a.b.c'", "its faults: crash, fail, ambiguous, inbox."),
        ("Order =", "Ordr =", f"{SPEC} [bounds]", "TwoRows has no index set 'Ordr'", "did you mean 'Order'?"),
        ("Order = 1\n", "", f"{SPEC} [bounds]", "no size is given for Order", "add: Order = 2"),
        ('"explicit"', '"explict"', SPEC, "there is no engine 'explict'", "did you mean 'explicit'?"),
        ("description =", "descripton =", SPEC, "unknown key 'descripton'", "did you mean 'description'?"),
        ("[expect]", "[expects]", SPEC, "unknown key 'expects'", "did you mean 'expect'?"),
        ("states =", "state =", f"{SPEC} [limits]", "unknown key 'state'", "did you mean 'states'?"),
        ("max_attempts =", "attempts =", f"{SPEC} [sdk]", "unknown key 'attempts'", "did you mean 'max_attempts'?"),
        ("fixed_by =", "fixd_by =", f"{SPEC} [lab]", "unknown key 'fixd_by'", "did you mean 'fixed_by'?"),
        ('["other"]', '["othr"]', f"{SPEC} [lab] fixed_by", "there is no spec 'othr' beside this one", "did you mean 'other'?"),
        # Amounts
        ("crash = 0", "crash = -1", f"{SPEC} [faults] crash", "expected at least 0, got -1", "write: crash = 1"),
        ("expiry = 0", "expiry = -1", f"{SPEC} [faults.inbox] visibility_expiry", "expected at least 0, got -1", "write: visibility_expiry = 1"),
        ("Order = 1", "Order = 0", f"{SPEC} [bounds]", "'Order' has 0 members", "an index set needs at least one member"),
        ("Order = 1", "Order = -3", f"{SPEC} [bounds]", "'Order' has -3 members", "an index set needs at least one member"),
        ("states = 1000", "states = 0", f"{SPEC} [limits] states", "expected at least 1, got 0", "write: states = 1"),
        ("depth = 100", "depth = -5", f"{SPEC} [limits] depth", "expected at least 1, got -5", "write: depth = 1"),
        ("seconds = 60", "seconds = 0", f"{SPEC} [limits] seconds", "expected a number above 0, got 0", "write: seconds = 60"),
        ("seconds = 60", "seconds = nan", f"{SPEC} [limits] seconds", "expected a number above 0, got nan", "write: seconds = 60"),
        ("max_attempts = 1", "max_attempts = 0", f"{SPEC} [sdk] max_attempts", "expected at least 1, got 0", "write: max_attempts = 1"),
        # Types of values
        ("Order = 1", 'Order = "1"', f"{SPEC} [bounds] Order", "expected a whole number, got '1'", "write: Order = 1"),
        ("Order = 1", "Order = true", f"{SPEC} [bounds] Order", "expected a whole number, got True", "write: Order = 1"),
        ("Order = 1", "Order = 1.5", f"{SPEC} [bounds] Order", "expected a whole number, got 1.5", "write: Order = 1"),
        ("crash = 0", "crash = true", f"{SPEC} [faults] crash", "expected a whole number, got True", "write: crash = 1"),
        ("crash = 0", "crash.x = 1", f"{SPEC} [faults] crash", "expected a whole number, got {'x': 1}", "write: crash = 1"),
        ("seconds = 60", 'memory = "2"', f"{SPEC} [limits] memory", "'2' is no amount of memory", "write a number and a unit, such as 500MB or 2GiB"),
        ("seconds = 60", 'memory = "-1 MB"', f"{SPEC} [limits] memory", "'-1 MB' is no amount of memory", "write a number"),
        ("seconds = 60", "memory = 5", f"{SPEC} [limits] memory", "expected a string, got 5", "write: memory ="),
        ("seconds = 60", 'seconds = "60"', f"{SPEC} [limits] seconds", "expected a number above 0, got '60'", "write: seconds = 60"),
        ('"Two rows for one order."', "3", f"{SPEC} description", "expected a string, got 3", 'write: description = "..."'),
        ('one_row = "violated"', "one_row = true", f"{SPEC} [expect] one_row", "expected a string, got True", 'write: one_row = "..."'),
        ('"explicit"', '["explicit"]', f"{SPEC} engine", "expected a string, got ['explicit']", 'write: engine = "..."'),
        ("[sdk]\nmax_attempts", "[sdk.x]\nmax_attempts", f"{SPEC} [sdk]", "unknown key 'x'", "known: max_attempts"),
        ('["other"]', '"other"', f"{SPEC} [lab] fixed_by", "expected a list of strings, got 'other'", 'write: fixed_by = ["..."]'),
        ('command = ["{python}", "-m", "consumers.order_intake.naive"]', "command = [1]", f"{SPEC} [lab] command", "expected a list of strings, got [1]", 'write: command = ["..."]'),
        ('command = ["{python}", "-m", "consumers.order_intake.naive"]', "command = []", f"{SPEC} [lab]", "'command' is missing or empty", "add: command = ["),
        ('wiring = "consumers/order_intake/wiring.toml"\n', "", f"{SPEC} [lab]", "'wiring' is missing", 'add: wiring = "..."'),
        # TOML
        ("[bounds]", "[bounds", SPEC, "this is not TOML: ", "strings stand in quotes"),
        ("Order = 1", "Order = 1\nOrder = 2", SPEC, "this is not TOML: Cannot overwrite a value (at line 8, column 10)", "strings stand in quotes"),
    ],
)  # fmt: skip
def test_mistakes(shop: Project, before: str, after: str, where: str, what: str, hint: str) -> None:
    assert before in GOOD
    shop.write(SPEC, GOOD.replace(before, after, 1))
    shop.refuses(["check", SPEC], f"error: {where}: {what}", f"\n  hint: {hint}")


@pytest.mark.parametrize("key", ["bounds", "faults", "sdk", "limits", "expect", "lab"])
def test_a_value_where_a_table_belongs(shop: Project, key: str) -> None:
    start = GOOD.index(f"[{key}]")
    end = GOOD.find("\n[", start)
    text = f"{key} = 3\n{GOOD[:start]}{GOOD[end:] if end >= 0 else ''}"
    shop.write(SPEC, text)
    shop.refuses(["check", SPEC], f"error: {SPEC} {key}: expected a table, got 3", f"hint: write [{key}]")


def test_a_spec_that_is_no_text(shop: Project) -> None:
    (shop.root / "specs/binary.toml").write_bytes(b"\xff\xfe\x00")
    outcome = shop.run("check", "specs/binary.toml")
    assert outcome.code == 2
    assert "error: specs/binary.toml: the spec cannot be read: it is not UTF-8 text" in outcome.err


def test_one_bad_spec_of_many_stops_all_before_any_is_checked(shop: Project) -> None:
    shop.write("specs/z.toml", GOOD.replace("Order", "Ordr"))
    shop.refuses(["check"], "error: specs/z.toml [bounds]: TwoRows has no index set 'Ordr'")


# Which specs


def test_a_path_that_is_not_there(shop: Project) -> None:
    hint = "did you mean 'specs/a/spec.toml'?"
    shop.refuses(["check", "specs/a/sepc.toml"], "error: specs/a/sepc.toml: there is no such spec", hint)


def test_a_folder_without_specs(shop: Project) -> None:
    shop.refuses(["check", "models"], "error: models: there is no spec in this folder", "specs end in .toml")


def test_no_project_here(project: Project) -> None:
    project.refuses(
        ["check"],
        "error: specs: there is no such spec",
        "hint: run quackcheck where models/ and specs/ are",
    )


def test_the_same_spec_by_several_names_is_checked_once(shop: Project) -> None:
    names = [SPEC, f"./{SPEC}", "specs/../specs/a/spec.toml", str(Path(SPEC).resolve())]
    outcome = shop.run("check", *names)
    assert outcome.out.endswith("\n1 spec: 1 as expected\n")


def test_a_spec_outside_the_working_directory(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = shop.load("specs/a/other.toml")
    assert (spec.name, spec.group) == ("other", "a")
    shop.write("lonely.toml", (shop.root / "specs/a/other.toml").read_text())
    assert shop.load("lonely.toml").group == shop.root.name


# What a good spec means


def test_faults_of_components_inside_components(project: Project) -> None:
    spec = project.load(
        project.sample("Store", "[bounds]\nOrder = 1\n[faults]\nroom.shelf.lose = 2\nforget = 1\n")
    )
    budgets = spec.lowered.program.budgets
    assert dict(budgets.component) == {"forget": 1, "room.shelf.lose": 2}


def test_everything_is_expected_to_hold_unless_said_otherwise(project: Project) -> None:
    spec = project.load(project.sample("Ladder", '[expect]\nhalf_way = "unknown"\n'))
    expected = {name: answer.value for name, answer in spec.expected.items()}
    assert expected.pop("half_way") == "UNKNOWN"
    assert set(expected.values()) == {"HOLDS"}
    assert "deadlock_free" in expected


def test_quackchecks_own_specs_load(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    specs = [project.load(str(path)) for path in find_specs([])]
    assert {spec.name for spec in specs} >= {"naive", "keyed"}
