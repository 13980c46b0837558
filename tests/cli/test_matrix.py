"""``quackcheck matrix``: cells, prices, what is printed and written, and every mistake in a matrix file."""

# ruff: noqa: E501 (the cases are a table, a line each)

from __future__ import annotations

import json
from pathlib import Path

import pytest

from checker.engines.interface import Progress
from checker.spec.compare import compare
from checker.spec.matrix import load_matrix
from checker.spec.price import price_of
from tests.cli.project import Project

MODEL = """\
from __future__ import annotations

from checker.components import DynamoTable, SqsQueue
from checker.dsl import Index, Model, Set, action, always, process, quiescent, reachable, record, when
from checker.dsl import choose


class Job(Index):
    pass


class Worker(Index):
    pass


class RowId(Index):
    pass


@record
class Done:
    job: Job


class Base(Model):
    sent: Set[Job]
    inbox: SqsQueue[Job]

    @action
    def send(self, job: Job) -> None:
        when(job not in self.sent)
        self.sent.add(job)
        self.inbox.send(job)

    @reachable
    def all_sent(self) -> bool:
        return len(self.sent) == len(Job)


class Once(Base):
    rows: DynamoTable[Job, Done]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        await self.rows.put(delivery.body, Done(delivery.body))
        await self.inbox.delete(delivery)

    @quiescent
    def none_lost(self) -> bool:
        return all(self.rows.has(job) for job in self.sent)


class Minted(Base):
    rows: DynamoTable[RowId, Done]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        await self.rows.insert(Done(delivery.body))
        await self.inbox.delete(delivery)

    @always
    def once(self) -> bool:
        return all(sum(1 for row in self.rows.rows() if row.job == job) <= 1 for job in Job)

    @reachable
    def all_done(self) -> bool:
        return all(sum(1 for row in self.rows.rows() if row.job == job) == 1 for job in Job)


class Queueless(Model):
    rows: DynamoTable[Job, Done]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        job = choose(Job)
        await self.rows.get(job)

    @reachable
    def never(self) -> bool:
        return self.rows.has(Job(0))
"""
MATRIX = """\
title = "Jobs"
description = "Two ways to do a job."
model = "models/jobs.py"

[bounds]
Job = 1
Worker = 2
RowId = 3

[faults]
"no fault" = {}
crash = { crash = 1 }
"twice" = { inbox.duplicate = 1 }

[[variant]]
model = "Once"

[[variant]]
name = "minted ids"
model = "models/jobs.py:Minted"
"""
PATH = "specs/matrix/jobs.toml"
DOC = "docs/strategy.md"
MARKED = f"# Strategy\n\n<!-- quackcheck matrix {PATH} -->\n<!-- end of matrix -->\n\nafter\n"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("models/jobs.py", MODEL)
    project.write(PATH, MATRIX)
    return project


def test_what_is_printed(shop: Project) -> None:
    outcome = shop.run("matrix")
    assert (outcome.code, outcome.err) == (0, "")
    assert (
        outcome.out
        == f"""\
{PATH}  Jobs
  Two ways to do a job.
  bounds: Job 1, Worker 2; SDK attempts: 1
              no fault  crash      twice
  Once        holds     holds      holds
  minted ids  holds     FAILS (7)  FAILS (6)

  Once
    calls without faults: 3: inbox.receive, rows.put, inbox.delete

  minted ids
    calls without faults: 3: inbox.receive, rows.insert, inbox.delete
    once (crash, twice, 6 steps): job 0 was written to `rows` twice: by worker 0 at step 3 and by worker 1 at step 6; inbox.duplicate happened at step 4.

"""
    )


def test_markdown(shop: Project) -> None:
    outcome = shop.run("matrix", "--markdown")
    assert outcome.code == 0
    assert (
        outcome.out
        == """\
## Jobs

Two ways to do a job. (bounds: Job 1, Worker 2; SDK attempts: 1; FAILS has the steps of the shortest counterexample.)

|  | no fault | crash | twice | calls |
| --- | --- | --- | --- | --- |
| Once | holds | holds | holds | 3 |
| minted ids | holds | **FAILS** (7) | **FAILS** (6) | 3 |

- **Once**. Calls without faults: 3: inbox.receive, rows.put, inbox.delete.
- **minted ids**. Calls without faults: 3: inbox.receive, rows.insert, inbox.delete.
  - `once` (crash, twice): job 0 was written to `rows` twice: by worker 0 at step 3 and by worker 1 at step 6; inbox.duplicate happened at step 4.

"""
    )


def test_json(shop: Project) -> None:
    outcome = shop.run("matrix", "--json")
    document = json.loads(outcome.out)
    assert (document["exit_code"], outcome.code, outcome.err) == (0, 0, "")
    (matrix,) = document["matrices"]
    assert matrix["faults"] == {"no fault": {}, "crash": {"crash": 1}, "twice": {"inbox.duplicate": 1}}
    once, minted = matrix["variants"]
    assert once["price"] == {
        "calls": 3,
        "by_operation": {"inbox.receive": 1, "rows.put": 1, "inbox.delete": 1},
        "until": "all_sent",
        "comes_to_rest": True,
        "reason": "",
    }
    assert (once["name"], once["model"]) == ("Once", "models/jobs.py:Once")
    assert once["cells"]["twice"]["answer"] == "holds"
    assert once["cells"]["twice"]["asked"] == ["all_sent", "none_lost", "deadlock_free"]
    cell = minted["cells"]["crash"]
    assert (cell["answer"], cell["bounds"]) == ("fails", {"Job": 1, "RowId": 3, "Worker": 2})
    assert [(v["property"], v["steps"]) for v in cell["violated"]] == [("once", 7)]


def test_only_the_properties_that_are_asked(shop: Project) -> None:
    shop.write(PATH, 'properties = ["none_lost", "all_done"]\n' + MATRIX)
    assert "FAILS" not in shop.run("matrix").out
    shop.write(PATH, 'properties = ["once"]\n' + MATRIX)
    assert "minted ids  holds     FAILS (7)" in shop.run("matrix").out


def test_a_fault_that_a_variant_cannot_have(shop: Project) -> None:
    shop.write(PATH, MATRIX + '[[variant]]\nmodel = "Queueless"\n')
    outcome = shop.run("matrix")
    assert "Queueless   FAILS     FAILS      –\n" in outcome.out
    assert "never (no fault, crash): no state within the bounds makes it true" in outcome.out
    assert "calls without faults: ? (no run without faults makes never true)" in outcome.out
    (matrix,) = json.loads(shop.run("matrix", "--json").out)["matrices"]
    assert matrix["variants"][2]["cells"]["twice"]["answer"] == "not applicable"


def test_a_fault_of_any_component(shop: Project) -> None:
    """A pattern stands for the fault of each component that has one; a variant without any has no cell."""
    shop.write(
        "models/jobs.py",
        MODEL.replace("    sent: Set[Job]\n", "    sent: Set[Job]\n    more: SqsQueue[Job]\n"),
    )
    pattern = MATRIX.replace("inbox.duplicate = 1", '"*.duplicate" = 2, "*.nothing" = 1')
    shop.write(PATH, pattern + '[[variant]]\nmodel = "Queueless"\n')
    shop.refuses(["matrix"], f"{PATH} [faults] twice: no variant has a fault '*.nothing'")
    shop.write(PATH, pattern.replace(', "*.nothing" = 1', "") + '[[variant]]\nmodel = "Queueless"\n')
    matrix = load_matrix(Path(PATH))
    budgets = [
        check and {n: a for n, a in check.lowered.program.budgets.component if a}
        for check in (variant.checks["twice"] for variant in matrix.variants)
    ]
    both = {"inbox.duplicate": 2, "more.duplicate": 2}
    assert budgets == [both, both, None]


def test_a_failure_that_is_inherited(shop: Project) -> None:
    faults = MATRIX.replace('"twice" = {', '"both" = { crash = 1, inbox.duplicate = 1 }\n"twice" = {')
    shop.write(PATH, "inherit = true\n" + faults)
    outcome = shop.run("matrix")
    assert "minted ids  holds     FAILS (7)  FAILS (≤ 7)  FAILS (6)\n" in outcome.out
    assert "once (crash, twice, 6 steps)" in outcome.out
    (matrix,) = json.loads(shop.run("matrix", "--json").out)["matrices"]
    inherited = {title: cell["inherited"] for title, cell in matrix["variants"][1]["cells"].items()}
    assert inherited == {"no fault": None, "crash": None, "both": "crash", "twice": None}
    shop.write(PATH, faults.replace("RowId = 3", "RowId = 4"))
    assert "minted ids  holds     FAILS (7)  FAILS (6)  FAILS (6)\n" in shop.run("matrix").out
    shop.write(PATH, "inherit = 1\n" + faults)
    shop.refuses(["matrix"], f"{PATH} inherit: ")


def test_what_is_not_reachable_is_not_inherited(shop: Project) -> None:
    """More faults can make more reachable: only counterexamples stay."""
    shop.write(PATH, "inherit = true\n" + MATRIX + '[[variant]]\nmodel = "Queueless"\n')
    (matrix,) = json.loads(shop.run("matrix", "--json").out)["matrices"]
    assert [c.get("inherited") for c in matrix["variants"][2]["cells"].values()] == [None, None, None]


@pytest.mark.parametrize("engine", ["native", "explicit", "reference"])
def test_every_engine_gives_the_same(shop: Project, engine: str) -> None:
    assert shop.run("matrix", "--markdown", "--engine", engine).out == shop.run("matrix", "--markdown").out


def test_larger_spaces_go_to_the_native_engine(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    before = shop.run("matrix", "--markdown").out
    monkeypatch.setattr("checker.spec.compare.EXPLICIT_STATES_MAX", 10)
    assert shop.run("matrix", "--markdown").out == before
    (matrix,) = json.loads(shop.run("matrix", "--json").out)["matrices"]
    engines = {cell["engine"] for row in matrix["variants"] for cell in row["cells"].values()}
    assert engines == {"native", "explicit"}


# Prices


def test_a_price_counts_what_the_work_takes(shop: Project) -> None:
    shop.write(PATH, MATRIX + "[price]\nbounds = { Job = 3 }\n")
    row = compare(load_matrix(Path(PATH))).rows[0]
    assert row.price.calls == {"inbox.receive": 3, "rows.put": 3, "inbox.delete": 3}
    assert (row.price.total, row.price.rests, row.price.until) == (9, True, "all_sent")


def test_a_price_that_need_not_come_to_rest(shop: Project) -> None:
    shop.write(PATH, MATRIX + "[price]\nrest = false\n")
    prices = [row.price for row in compare(load_matrix(Path(PATH))).rows]
    assert [(price.calls, price.rests) for price in prices] == [({}, True), ({}, True)]
    shop.write(PATH, MATRIX + 'until = "all_done"\n[price]\nrest = false\n')
    prices = [row.price for row in compare(load_matrix(Path(PATH))).rows]
    assert prices[1].calls == {"inbox.receive": 1, "rows.insert": 1}


def test_the_price_of_a_model_that_never_rests(shop: Project) -> None:
    model = MODEL.replace("await self.rows.get(job)", "await self.rows.put(job, Done(job))")
    shop.write("models/jobs.py", model)
    shop.write(PATH, MATRIX + '[[variant]]\nmodel = "Queueless"\n')
    assert "calls without faults: 1: rows.put (never comes to rest)" in shop.run("matrix").out


def test_a_price_beyond_the_limit_is_none(shop: Project) -> None:
    variant = load_matrix(Path(PATH)).variants[0]
    price = price_of(variant.fault_free, "all_sent", states_max=3)
    assert (price.reason, price.calls) == ("none found among 3 states", {})


def test_until_is_the_variants_the_matrixs_or_the_first(shop: Project) -> None:
    def untils() -> list[str | None]:
        return [variant.until for variant in load_matrix(Path(PATH)).variants]

    assert untils() == ["all_sent", "all_sent"]
    shop.write(PATH, MATRIX + 'until = "all_done"\n')
    assert untils() == ["all_sent", "all_done"]
    shop.write(PATH, MATRIX + '[price]\nuntil = "all_sent"\n')
    assert untils() == ["all_sent", "all_sent"]


# How it ends


def test_2_for_a_model_error(shop: Project) -> None:
    shop.write(PATH, MATRIX.replace("RowId = 3", "RowId = 1"))
    outcome = shop.run("matrix")
    assert outcome.code == 2
    assert "crash: model error: " in outcome.out
    assert "all 1 keys of RowId are taken" in outcome.out
    assert "minted ids  holds     model error" in outcome.out


def test_3_where_a_limit_leaves_something_undecided(shop: Project) -> None:
    shop.write(PATH, MATRIX.replace("[faults]", "[limits]\nstates = 5\n[faults]"))
    outcome = shop.run("matrix")
    assert outcome.code == 3
    assert "Once        undecided  undecided  undecided" in outcome.out
    assert "crash: state limit of 5 states" in outcome.out


def test_ctrl_c_keeps_the_finished_cells(shop: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("checker.engines.search._REPORT_EVERY_S", -1.0)

    def report(variant: str, faults: str, progress: Progress) -> None:
        if (variant, faults) == ("minted ids", "crash"):
            raise KeyboardInterrupt

    compared = compare(load_matrix(Path(PATH)), report=report)
    assert compared.interrupted
    assert [list(row.cells) for row in compared.rows] == [["no fault", "crash", "twice"], ["no fault"]]
    monkeypatch.setattr("checker.cli.matrix.compare", lambda *_: compared)
    outcome = shop.run("matrix")
    assert outcome.code == 130
    assert "minted ids  holds     not checked  not checked" in outcome.out
    assert json.loads(shop.run("matrix", "--json").out)["exit_code"] == 130
    shop.write(DOC, MARKED)
    outcome = shop.run("matrix", "--update", DOC)
    assert (outcome.code, shop.files()[DOC]) == (130, MARKED)


def test_a_matrix_is_no_spec(shop: Project) -> None:
    shop.refuses(
        ["check", PATH], f"error: {PATH}: this is a matrix, no spec", f"run: quackcheck matrix {PATH}"
    )
    shop.refuses(["check"], "there is no spec in this folder")


# Tables in a document


def test_update_and_check(shop: Project) -> None:
    shop.write(DOC, MARKED)
    outcome = shop.run("matrix", "--update", DOC, "--check")
    assert (outcome.code, shop.files()[DOC]) == (1, MARKED)
    assert outcome.out == f"{DOC}: not fresh; run: quackcheck matrix --update {DOC}\n"
    outcome = shop.run("matrix", "--update", DOC)
    assert (outcome.code, outcome.out) == (0, f"{DOC}: 1 matrix, rewritten\n")
    written = shop.files()[DOC]
    assert written.startswith(f"# Strategy\n\n<!-- quackcheck matrix {PATH} -->\n\nTwo ways to do a job.")
    assert written.endswith("\n\n<!-- end of matrix -->\n\nafter\n")
    assert shop.run("matrix", "--update", DOC, "--check").code == 0
    assert shop.run("matrix", "--update", DOC).out == f"{DOC}: 1 matrix, fresh\n"
    shop.write(
        "models/jobs.py",
        MODEL.replace("rows.insert(Done(delivery.body))", "rows.put(RowId(0), Done(delivery.body))"),
    )
    assert shop.run("matrix", "--update", DOC, "--check").code == 1


def test_what_is_undecided_is_not_written(shop: Project) -> None:
    shop.write(PATH, MATRIX.replace("[faults]", "[limits]\nstates = 5\n[faults]"))
    shop.write(DOC, MARKED)
    outcome = shop.run("matrix", "--update", DOC)
    assert (outcome.code, shop.files()[DOC]) == (3, MARKED)
    assert f"nothing was written; run: quackcheck matrix {PATH}" in outcome.err


@pytest.mark.parametrize(
    ("arguments", "text", "parts"),
    [
        (["--check"], MARKED, ["--check needs --update", "add: --update"]),
        (["--json", "--markdown"], MARKED, ["only one of --markdown, --json and --update", "run it twice"]),
        (["--update", DOC, PATH], MARKED, [f"{PATH}: --update takes no matrices", "the file's markers name them"]),
        (["--update", "docs/none.md"], MARKED, ["docs/none.md: the file cannot be read: No such file", "markers"]),
        (["--update", DOC], "# nothing\n", [f"{DOC}: there is no marker in this file", "write: <!--"]),
        (["--update", DOC], MARKED.replace("<!-- end of matrix -->\n", ""), [f"{DOC}: the table of {PATH} does not end", "close it with"]),
        (["--update", DOC], MARKED.replace("<!-- end of matrix -->", f"<!-- quackcheck matrix {PATH} -->"), [f"{DOC}:4: the table of {PATH} does not end", "close it with"]),
        (["--update", DOC], MARKED + "<!-- end of matrix -->\n", [f"{DOC}:7: a matrix ends here that never began", "remove it"]),
        (["--update", DOC], MARKED.replace("jobs.toml", "job.toml"), [f"{DOC}:3: there is no matrix 'specs/matrix/job.toml'", "mend the marker"]),
        (["specs/matrix/job.toml"], MARKED, ["specs/matrix/job.toml: there is no such matrix", f"did you mean '{PATH}'?"]),
        (["models"], MARKED, ["models: there is no matrix in this folder", "end in .toml"]),
    ],
)  # fmt: skip
def test_wrong_arguments(shop: Project, arguments: list[str], text: str, parts: list[str]) -> None:
    shop.write(DOC, text)
    shop.refuses(["matrix", *arguments], *parts)


@pytest.mark.parametrize(
    ("before", "after", "where", "what", "hint"),
    [
        ("title =", "titel =", PATH, "unknown key 'titel'", "did you mean 'title'?"),
        ("[faults]\n", "[fault]\n", PATH, "unknown key 'fault'", "did you mean 'faults'?"),
        ('"no fault" = {}\ncrash = { crash = 1 }\n"twice" = { inbox.duplicate = 1 }', "", f"{PATH} [faults]", "no class of faults is given", "add: [faults]"),
        ("crash = { crash = 1 }", "crash = 1", f"{PATH} [faults] crash", "expected a table of budgets, got 1", "write: crash = { crash = 1 }"),
        ("crash = { crash = 1 }", "crash = { crash = -1 }", f"{PATH} [faults.crash] crash", "expected at least 0, got -1", "write: crash = 1"),
        ("inbox.duplicate", "inbox.duplicat", f"{PATH} [faults] twice", "no variant has a fault 'inbox.duplicat'", "did you mean 'inbox.duplicate'?"),
        ("RowId = 3", "RowIds = 3", f"{PATH} [bounds]", "no size is given for RowId", "add: RowId = 2"),
        ("RowId = 3", "RowId = 3\nOther = 1", f"{PATH} [bounds]", "no variant has an index set 'Other'", "known: Job, RowId, Worker"),
        ("RowId = 3", "RowId = 0", f"{PATH} [bounds]", "'RowId' has 0 members", "at least one member"),
        ("[faults]", "[price]\nbounds = { Jobs = 1 }\n[faults]", f"{PATH} [price.bounds]", "no variant has an index set 'Jobs'", "did you mean 'Job'?"),
        ("[faults]", '[price]\nuntil = "all_sentt"\n[faults]', f"{PATH} [price] until", "Once has no @reachable property 'all_sentt'", "did you mean 'all_sent'?"),
        ("[faults]", "[price]\nfor = 1\n[faults]", f"{PATH} [price]", "unknown key 'for'", "known: bounds, until, rest"),
        ("[bounds]", 'properties = ["onc"]\n[bounds]', f"{PATH} properties", "no variant has a property 'onc'", "did you mean 'once'?"),
        ("[bounds]", "[sdk]\nmax_attempts = 0\n[bounds]", f"{PATH} [sdk] max_attempts", "expected at least 1, got 0", "write: max_attempts = 1"),
        ("[bounds]", "[limits]\nstate = 1\n[bounds]", f"{PATH} [limits]", "unknown key 'state'", "did you mean 'states'?"),
        ('model = "Once"', 'model = "Onc"', f"{PATH} [variant 1] model", "'models/jobs.py' has no model 'Onc'", "did you mean 'Once'?"),
        ('[[variant]]\nmodel = "Once"', "[[variant]]", f"{PATH} [variant 1]", "'model' is missing", "add: model"),
        ('model = "Once"', 'model = "Once"\nmodle = 1', f"{PATH} [variant 1]", "unknown key 'modle'", "did you mean 'model'?"),
        ('model = "Once"', 'model = "Once"\nname = "minted ids"', PATH, "two variants are called 'minted ids'", "another name"),
        ('model = "Once"', 'model = "Once"\nuntil = "none_lost"', f"{PATH} [variant 1] until", "Once has no @reachable property 'none_lost'", "known: all_sent"),
        ('model = "models/jobs.py"\n', "", PATH, "'model' is missing", "add: model"),
        (MATRIX[MATRIX.index("[[variant]]"):], "", f"{PATH} variant", "expected tables, got []", "write [[variant]]"),
        (MATRIX[MATRIX.index("[[variant]]"):], "variant = 3", f"{PATH} [faults] variant", "expected a table of budgets, got 3", "write: variant"),
    ],
)  # fmt: skip
def test_mistakes(shop: Project, before: str, after: str, where: str, what: str, hint: str) -> None:
    assert before in MATRIX
    shop.write(PATH, MATRIX.replace(before, after))
    shop.refuses(["matrix"], f"error: {where}: {what}", hint)
