"""Mutations of a spec: noticed, surviving, and every mistake in their tables."""

# ruff: noqa: E501 (the cases are a table, a line each)

from __future__ import annotations

import ast
import json
import sys
from pathlib import Path

import pytest

from checker.dsl.mutation import Replacement
from checker.engines.interface import Limits, Progress
from checker.spec.check import Status, check, check_mutations
from tests.cli.project import Project

MODEL = """\
from __future__ import annotations

from checker.components import DynamoTable
from checker.dsl import ConditionalCheckFailed, Index, Model, always, process, quiescent, reachable, record


class Key(Index):
    pass


class Worker(Index):
    pass


class Spare(Index):
    pass


@record
class Row:
    by: Worker


def unused(order: Key) -> bool:
    return order == Key(0)


class Base(Model):
    rows: DynamoTable[Key, Row]
    written: DynamoTable[Worker, Row]

    @always
    def one_writer(self) -> bool:
        return sum(1 for w in Worker if self.written.has(w)) <= 1

    @quiescent
    def written_at_rest(self) -> bool:
        return self.rows.has(Key(0))

    @reachable
    def something(self) -> bool:
        return self.rows.has(Key(0))


class Good(Base):
    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        key = Key(0)
        try:
            await self.rows.put_if_absent(key, Row(me))
        except ConditionalCheckFailed:
            return
        await self.written.put(me, Row(me))
"""
SPEC = """\
model = "models/m.py:Good"

[bounds]
Key = 1
Worker = 2

[[mutation]]
name = "no condition"
replace = "put_if_absent(key, Row(me))"
by = "put(key, Row(me))"
violates = ["one_writer"]
"""
PATH = "specs/m.toml"
OWN = f"{PATH} [mutation 'no condition']"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("models/m.py", MODEL)
    project.write(PATH, SPEC)
    return project


def test_a_mistake_that_is_noticed(shop: Project) -> None:
    outcome = shop.run("check", PATH)
    assert outcome.code == 0, outcome
    assert "  mutations:\n    no condition  one_writer VIOLATED in 4 steps  as expected\n" in outcome.out


def test_one_that_survives_is_not_as_expected(shop: Project) -> None:
    shop.write(PATH, SPEC.replace('violates = ["one_writer"]', 'violates = ["written_at_rest"]'))
    outcome = shop.run("check", PATH)
    assert outcome.code == 1
    assert (
        "    no condition  SURVIVES: written_at_rest HOLDS; a mutation that survives is a hole in the properties"
        "  NOT as expected\n" in outcome.out
    )
    assert outcome.out.endswith("1 spec: 1 not as expected\n")


def test_one_of_several_properties_is_enough(shop: Project) -> None:
    shop.write(PATH, SPEC.replace('["one_writer"]', '["written_at_rest", "one_writer", "deadlock_free"]'))
    (document,) = json.loads(shop.run("check", "--json", PATH).out)["specs"]
    (mutation,) = document["mutations"]
    assert (mutation["status"], mutation["noticed_by"]) == ("as_expected", ["one_writer"])
    assert mutation["violates"] == ["written_at_rest", "one_writer", "deadlock_free"]
    answers = {v["property"]: (v["answer"], v["steps"] and len(v["steps"])) for v in mutation["verdicts"]}
    assert answers == {
        "one_writer": ("VIOLATED", 4),
        "written_at_rest": ("HOLDS", None),
        "deadlock_free": ("HOLDS", None),
    }
    assert mutation["location"] == "models/m.py:50"
    assert document["status"] == "as_expected"


def test_a_property_of_what_must_be_reachable(shop: Project) -> None:
    shop.write(
        PATH,
        SPEC.replace("put_if_absent(key, Row(me))", "self.rows.put_if_absent(key, Row(me))")
        .replace("put(key, Row(me))", "self.rows.get(key)")
        .replace('["one_writer"]', '["something"]'),
    )
    outcome = shop.run("check", PATH)
    assert outcome.code == 0, outcome
    assert "no condition  something VIOLATED  as expected" in outcome.out


def test_the_real_model_is_as_it_was(shop: Project) -> None:
    """Mutated source is a module of its own; the model keeps its classes, its source and its verdicts."""
    spec = shop.load(PATH)
    real = sys.modules["models.m"]
    assert spec.model.__module__ == "models.m"
    assert spec.model is real.Good
    (mutation,) = spec.mutations
    assert mutation.lowered.cls.__name__ == "Good"
    assert mutation.lowered.cls is not real.Good
    assert mutation.lowered.cls.__mro__[1] is not real.Base
    calls = {name for p in mutation.lowered.program.processes for name in [q.call.name for q in p.labels]}
    assert calls == {"rows.put", "written.put"}
    again = shop.load(PATH).lowered.program
    assert [label.call.name for label in again.processes[0].labels] == ["rows.put_if_absent", "written.put"]


@pytest.mark.parametrize("engine", ["native", "explicit", "reference"])
def test_every_engine_notices(shop: Project, engine: str) -> None:
    checked = check_mutations(check(shop.load(PATH), engine), engine)
    assert [len(f.trace.steps) for m in checked.mutations for f in m.noticed_by if f.trace] == [4]


# Bounds and faults of its own


def test_bounds_of_its_own(shop: Project) -> None:
    shop.write(PATH, SPEC.replace("Worker = 2", "Worker = 1"))
    assert shop.run("check", PATH).code == 1
    shop.write(PATH, SPEC.replace("Worker = 2", "Worker = 1") + "[mutation.bounds]\nWorker = 2\n")
    assert shop.run("check", PATH).code == 0


def test_what_is_violated_without_the_mistake_shows_nothing(shop: Project) -> None:
    """Within the mutation's own bounds the model itself has to hold."""
    shop.write("models/m.py", MODEL.replace("put_if_absent(key, Row(me))", "put(key, Row(me))"))
    harmless = SPEC.replace("Worker = 2", "Worker = 1").replace("put_if_absent(key, Row(me))", "key = Key(0)")
    harmless = harmless.replace('by = "put(key, Row(me))"', 'by = "key = choose(Key)"')
    shop.write("models/m.py", shop.files()["models/m.py"].replace("import Cond", "import choose, Cond"))
    shop.write(PATH, harmless + "[mutation.bounds]\nWorker = 2\n")
    outcome = shop.run("check", PATH)
    assert outcome.code == 1
    assert "SURVIVES: within its bounds and faults one_writer VIOLATED without it, too;" in outcome.out
    (document,) = json.loads(shop.run("check", "--json", PATH).out)["specs"]
    (mutation,) = document["mutations"]
    assert (mutation["noticed_by"], mutation["violated_anyway"]) == ([], ["one_writer"])


def test_a_size_that_the_mistake_makes_needless_is_left_out(shop: Project) -> None:
    shop.write(
        "models/m.py", MODEL.replace("key = Key(0)\n", "key = Key(0)\n        assert len(Spare) > 0\n")
    )
    text = SPEC.replace("Worker = 2", "Worker = 2\nSpare = 1")
    text += '[[mutation]]\nname = "2"\nreplace = "assert len(Spare) > 0"\nby = "return"\nviolates = ["something"]\n'
    shop.write(PATH, text)
    assert shop.run("check", PATH).code == 2  # `key` is never used: nothing is ever called
    shop.write(
        PATH, text.replace('by = "return"', 'by = "key = Key(0)"').replace('["something"]', '["one_writer"]')
    )
    assert "2             SURVIVES" in shop.run("check", PATH).out


# Trouble


def test_a_model_error_of_the_mutated_model(shop: Project) -> None:
    by = "put_if_absent(key, Row(me if 1 // (len(Worker) - 2) == 0 else me))"
    shop.write(PATH, SPEC.replace('by = "put(key, Row(me))"', f'by = "{by}"'))
    outcome = shop.run("check", PATH)
    assert outcome.code == 2
    assert "no condition  model error: models/m.py:50:" in outcome.out, outcome.out


def test_limits_leave_it_undecided(shop: Project) -> None:
    outcome = shop.run("check", "--depth", "2", PATH)
    assert "no condition  no property notices it so far: depth limit of 2 steps  undecided" in outcome.out
    assert outcome.code == 3


def test_ctrl_c_keeps_what_was_found(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    spec = shop.load(PATH)
    checked = check(spec, "explicit")
    seen = []

    def report(name: str, progress: Progress) -> None:
        seen.append(name)
        raise KeyboardInterrupt

    monkeypatch.setattr("checker.engines.search._REPORT_EVERY_S", -1.0)
    interrupted = check_mutations(checked, "explicit", Limits(), report)
    assert (interrupted.interrupted, interrupted.mutations, seen) == (True, (), ["no condition"])
    assert interrupted.findings == checked.findings
    assert interrupted.status is Status.AS_EXPECTED


@pytest.mark.parametrize(
    ("before", "after", "where", "what", "hint"),
    [
        ("[[mutation]]", "[mutation]", f"{PATH} mutation", "expected tables, got {'name': 'no condition'", "write [[mutation]], with two brackets"),
        ("[[mutation]]", "mutation = 3\n[x]", PATH, "unknown key 'x'", "known: "),
        ("replace =", "replaces =", OWN, "unknown key 'replaces'", "did you mean 'replace'?"),
        ('name = "no condition"\n', "", f"{PATH} [mutation 1]", "'name' is missing", 'add: name = "..."'),
        ('name = "no condition"', 'name = " "', f"{PATH} [mutation ' ']", "'name' is empty", "say in a few words"),
        ('name = "no condition"', "name = 3", f"{PATH} [mutation 1] name", "expected a string, got 3", "write: name"),
        ('by = "put(key, Row(me))"\n', "", OWN, "'by' is missing", "add: by"),
        ('by = "put(key, Row(me))"', 'by = "put_if_absent(key, Row(me))"', f"{OWN} by", "'by' is what 'replace' is", "changes the model"),
        ('replace = "put_if_absent(key, Row(me))"', 'replace = " "', f"{OWN} replace", "'replace' is empty", "give a piece"),
        ('violates = ["one_writer"]', "", OWN, "'violates' is missing or empty", 'add: violates = ["one_writer"]'),
        ('violates = ["one_writer"]', 'violates = "one_writer"', f"{OWN} violates", "expected a list of strings", "write: violates"),
        ('["one_writer"]', '["one_writr"]', f"{OWN} violates", "the model has no property 'one_writr'", "did you mean 'one_writer'?"),
        ("[[mutation]]", '[expect]\none_writer = "violated"\n[[mutation]]', f"{OWN} violates", "'one_writer' is expected to be violated without the mutation, too", "a property that holds without it"),
        ('replace = "put_if_absent(key, Row(me))"', 'replace = "zzz"', f"{OWN} replace", "'replace' occurs 0 times, not once, in Good and its bases in models/m.py", "copy the text as it stands"),
        ('replace = "put_if_absent(key, Row(me))"', 'replace = "await self.rows.put_if_absent(kei, Row(me))"', f"{OWN} replace", "occurs 0 times", "the closest line is: await self.rows.put_if_absent(key, Row(me))"),
        ('replace = "put_if_absent(key, Row(me))"', 'replace = "return order == Key(0)"', f"{OWN} replace", "occurs 0 times", "it occurs 1 times elsewhere in the file"),
        ('replace = "put_if_absent(key, Row(me))"', 'replace = "Row(me)"', f"{OWN} replace", "'replace' occurs 2 times, not once, in Good and its bases in models/m.py (Good 2; lines 50, 53)", "take in more of the text"),
        ('replace = "put_if_absent(key, Row(me))"', 'replace = "Key(0)"', f"{OWN} replace", "occurs 3 times, not once, in Good and its bases in models/m.py (Base 2, Good 1; lines 38, 42, 48)", "take in more"),
        ('by = "put(key, Row(me))"', 'by = "put(key"', "models/m.py:50", "with the mutation 'no condition' of specs/m.toml: the model does not parse: '(' was never closed", "await self.rows.put(key\n"),
        ('by = "put(key, Row(me))"', 'by = "putt(key, Row(me))"', "models/m.py:50:13", "with the mutation 'no condition' of specs/m.toml: this cannot be awaited", "            await self.rows.putt(key, Row(me))\n                ^^^^^"),
        ('violates = ["one_writer"]', 'violates = ["one_writer"]\n[mutation.bounds]\nWorkers = 2', f"{OWN} [bounds]", "Good has no index set 'Workers'", "did you mean 'Worker'?"),
        ('violates = ["one_writer"]', 'violates = ["one_writer"]\n[mutation.bounds]\nWorker = 0', f"{OWN} [bounds]", "'Worker' has 0 members", "at least one member"),
        ('violates = ["one_writer"]', 'violates = ["one_writer"]\n[mutation.faults]\ncrash = -1', f"{PATH} [mutation 'no condition'.faults] crash", "expected at least 0, got -1", "write: crash = 1"),
        ('violates = ["one_writer"]', 'violates = ["one_writer"]\n[mutation.faults]\nrows.melt = 1', f"{OWN} [faults]", "Good has no fault 'rows.melt'", "its faults: crash"),
        ('violates = ["one_writer"]', 'violates = ["one_writer"]\n[mutation.sdk]\ntries = 1', f"{PATH} [mutation 'no condition'.sdk]", "unknown key 'tries'", "known: max_attempts"),
        ('violates = ["one_writer"]', 'violates = ["one_writer"]\n[[mutation]]\nname = "no condition"\nreplace = "except ConditionalCheckFailed:\\n            return"\nby = "except ConditionalCheckFailed:\\n            pass"\nviolates = ["one_writer"]', PATH, "two mutations are called 'no condition'", "a name of its own"),
    ],
)  # fmt: skip
def test_mistakes(shop: Project, before: str, after: str, where: str, what: str, hint: str) -> None:
    assert before in SPEC
    shop.write(PATH, SPEC.replace(before, after))
    shop.refuses(["check", PATH], f"error: {where}", what, hint)


def test_a_mutated_module_that_fails_while_it_is_imported(shop: Project) -> None:
    text = SPEC.replace("put_if_absent(key, Row(me))", "rows: DynamoTable[Key, Row]\\n")
    shop.write(PATH, text.replace("put(key, Row(me))", "rows: DynamoTable[Key, Row] = no_such\\n"))
    shop.refuses(
        ["check", PATH],
        "error: models/m.py:29: with the mutation 'no condition' of specs/m.toml: the model does not import",
        "NameError: name 'no_such' is not defined",
    )
    assert "models.m" in sys.modules
    assert not [name for name in sys.modules if name.startswith("models.m__mutated")]


# Positions


TEXT = "a = 1\nb = f(1,\n      2)\nc = 3\n"


def positions(old: str, new: str) -> dict[str, tuple[int, int]]:
    """Where each name stands that is assigned, in the real file."""
    tree = Replacement(Path("x.py"), TEXT, TEXT.index(old), old, new).tree()
    return {n.id: (n.lineno, n.col_offset) for n in ast.walk(tree) if isinstance(n, ast.Name)}


@pytest.mark.parametrize(
    ("old", "new", "expected", "shown"),
    [
        ("b = f(1,\n      2)", "b = f(7)", {"a": (1, 0), "b": (2, 0), "f": (2, 4), "c": (4, 0)}, ["a = 1", "b = f(7)", "", "c = 3", ""]),
        ("2)", "3)", {"a": (1, 0), "b": (2, 0), "f": (2, 4), "c": (4, 0)}, ["a = 1", "b = f(1,", "      3)", "c = 3", ""]),
        ("a = 1", "a = 1\nx = 2\ny = 4", {"a": (1, 0), "x": (1, 10), "y": (1, 20), "b": (2, 0), "f": (2, 4), "c": (4, 0)}, ["a = 1 ⏎ x = 2 ⏎ y = 4", "b = f(1,", "      2)", "c = 3", ""]),
        ("1\nb = f(1,\n", "1\nz = 0\nx = g(1,\n", {"a": (1, 0), "z": (2, 0), "x": (3, 0), "g": (3, 4), "c": (4, 0)}, ["a = 1", "z = 0", "x = g(1, ⏎       2)", "c = 3", ""]),
    ],
)  # fmt: skip
def test_positions_are_those_of_the_real_file(
    old: str, new: str, expected: dict[str, tuple[int, int]], shown: list[str]
) -> None:
    assert positions(old, new) == expected
    assert Replacement(Path("x.py"), TEXT, TEXT.index(old), old, new).shown() == shown


def test_columns_point_into_what_is_shown() -> None:
    replacement = Replacement(Path("x.py"), TEXT, TEXT.index("a = 1"), "a = 1", "a = 1\nxyz = 2\ny = 4")
    line = replacement.shown()[0].encode()
    for name, (_, column) in positions("a = 1", "a = 1\nxyz = 2\ny = 4").items():
        if name in ("xyz", "y"):
            assert line[column:].startswith(name.encode())


def test_more_lines_than_before_work_in_every_engine(shop: Project) -> None:
    """Calls on added lines are told apart, and what follows keeps its line."""
    by = "put(key, Row(me))\\n            await self.rows.get(key)\\n            await self.rows.get(key)"
    shop.write(PATH, SPEC.replace('by = "put(key, Row(me))"', f'by = "{by}"'))
    for engine in ("native", "explicit", "reference"):
        outcome = shop.run("check", "--engine", engine, PATH)
        assert "one_writer VIOLATED in 8 steps" in outcome.out, outcome.out
    (mutation,) = shop.load(PATH).mutations
    lines = [label.location.line for label in mutation.lowered.program.processes[0].labels]
    assert lines == [50, 50, 50, 53]
