"""The benchmark of the symbolic engine: what it measures, tells and writes, and what it refuses."""

from __future__ import annotations

import json
import time
from dataclasses import replace
from pathlib import Path

import pytest

from benchmarks import smt
from benchmarks.smt_cases import FILE, Case, chosen, load_cases
from benchmarks.smt_report import BEGIN, END, Row, markdown, shown, updated
from checker.engines import runner
from checker.engines.interface import Request, Result
from checker.engines.smt.prove import Proof
from checker.errors import UserError
from checker.spec import find_specs, load_spec

PROTOCOLS = {path.stem for path in find_specs(["benchmarks/protocols"])}


@pytest.fixture
def cases() -> list[Case]:
    return load_cases()[0]


def named(cases: list[Case], name: str) -> Case:
    return chosen(cases, [name])[0]


def row(**changes: object) -> Row:
    made = Row(
        "locks",
        {"Node": 3},
        "none",
        None,
        None,
        "proved",
        True,
        1.5,
        1.25,
        1,
        60.0,
        "",
        witnesses={"busy": 2},
    )
    return replace(made, **changes)  # type: ignore[arg-type]


# What is measured


def test_every_protocol_is_measured_at_its_published_size_first(cases: list[Case]) -> None:
    proofs = [case for case in cases if case.depth is None and case.bounds]
    assert {case.spec.name for case in proofs if "endive" in case.published} == PROTOCOLS
    for case in proofs:
        assert {index.name for index in case.lowered().program.index_sets} >= set(case.bounds)
    later = [case for case in proofs if case.name == "tla TwoPhase"][1]
    assert (later.sizes, dict(later.published)) == ("Manager 4", {})


def test_every_protocol_is_measured_for_any_number(cases: list[Case]) -> None:
    general = {case.spec.name: case for case in cases if not case.bounds}
    assert general.keys() >= PROTOCOLS
    assert general["keyed"].target_s == 10
    assert dict(general["lockserv"].published) == {"mypyvy": 4.5}
    own = load_spec(Path("benchmarks/protocols/lockserv.toml")).lowered.program.index_sets
    assert general["lockserv"].lowered().program.index_sets == own
    assert general["lockserv"].sizes == "any number"


def test_faults_are_laid_over_those_of_the_spec(cases: list[Case]) -> None:
    usual = named(cases, "order intake, keyed").lowered().program.budgets
    fewer = named(cases, "order intake, keyed, with fewer faults").lowered().program.budgets
    assert usual == load_spec(Path("specs/order_intake/keyed.toml")).lowered.program.budgets
    assert (fewer.crash, fewer.fail, fewer.ambiguous) == (1, 0, 0)
    assert dict(zip(fewer.names, fewer.amounts, strict=True))["inbox.duplicate"] == 0
    assert dict(zip(fewer.names, fewer.amounts, strict=True))["inbox.visibility_expiry"] == 1


def test_a_proof_is_measured_checked_and_not_vacuous(cases: list[Case]) -> None:
    found = smt.proof_row(named(cases, "i4 lock_server"), 30, lambda now: None)
    assert found.is_decided
    assert found.answer == "proved"
    assert {"mutual_exclusion", "deadlock_free"} == set(found.proved)
    assert found.witnesses == {"every_server_is_locked": 2}
    assert found.vacuity == "2 actions, 1 witness"
    assert found.certificate_check_s is not None
    assert found.lemmas > 0
    assert 0 < found.cpu_s < 30
    assert found.times == smt.REPEATS


def test_a_proof_for_any_number_is_measured_and_checked(cases: list[Case]) -> None:
    case = next(case for case in cases if case.spec.name == "lock_server" and not case.bounds)
    found = smt.proof_row(case, 30, lambda now: None)
    assert found.is_decided
    assert found.answer == "Client and Server"
    assert found.any_number == {"mutual_exclusion": ["Client", "Server"]}
    assert found.witnesses == {"every_server_is_locked": 2}
    assert found.certificate_check_s is not None
    assert found.lemmas > 0


def test_a_proof_at_fixed_sizes_is_none_for_any_number(cases: list[Case]) -> None:
    found = smt.proof_row(named(cases, "i4 lock_server"), 30, lambda now: None)
    assert found.any_number == {}
    assert found.sizes == {"Client": 2, "Server": 2}


@pytest.mark.parametrize(
    ("sets", "answer"),
    [(("Server",), "Server, not of Client"), ((), "no: proved")],
)
def test_what_is_not_for_any_number_of_all_sets_stays_open(
    cases: list[Case], sets: tuple[str, ...], answer: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = runner.prove

    def prove(request: Request, method: str) -> Proof:
        proof = real(request, method=method)
        verdicts = tuple(
            replace(verdict, any_number=sets if verdict.any_number else ())
            for verdict in proof.result.verdicts
        )
        return replace(proof, result=replace(proof.result, verdicts=verdicts))

    monkeypatch.setattr(runner, "prove", prove)
    case = next(case for case in cases if case.spec.name == "lock_server" and not case.bounds)
    found = smt.proof_row(case, 30, lambda now: None)
    assert found.answer == answer
    assert not found.is_decided


def test_what_is_proved_of_some_properties_is_told_of_these(cases: list[Case]) -> None:
    lowered = named(cases, "i4 two_phase_commit").lowered()
    general = {"decisions_agree": ["Node"], "commit_is_unanimous": [], "abort_has_a_reason": ["Node"]}
    answer, missing = smt._told(lowered, general, "")
    assert answer == "Node: decisions_agree, abort_has_a_reason; not commit_is_unanimous"
    assert missing == ["commit_is_unanimous"]


def test_a_bounded_search_is_measured(cases: list[Case]) -> None:
    search = named([case for case in cases if case.depth], "TwoPhase")
    found = smt.bounded_row(search, 30, lambda now: None)
    assert (found.answer, found.is_decided) == ("HOLDS UP TO depth 11", True)
    naive = smt.bounded_row(named(cases, "order intake, naive"), 30, lambda now: None)
    assert (naive.answer, naive.is_decided) == ("VIOLATED in 8 steps", True)


def test_what_is_exhausted_is_not_called_proved(cases: list[Case], monkeypatch: pytest.MonkeyPatch) -> None:
    real = runner.prove

    def prove(request: Request, method: str = "auto") -> Proof:
        proof = real(request, method=method)
        verdicts = tuple(
            replace(verdict, proved=False, method="exhausting 9 states") for verdict in proof.result.verdicts
        )
        return replace(proof, result=replace(proof.result, verdicts=verdicts))

    monkeypatch.setattr(runner, "prove", prove)
    found = smt.proof_row(named(cases, "i4 lock_server"), 30, lambda now: None)
    assert not found.proved
    assert found.unproved["mutual_exclusion"] == "HOLDS exhausting 9 states"
    assert not found.is_decided


def test_a_limit_leaves_a_case_open(cases: list[Case]) -> None:
    proof = smt.proof_row(named(cases, "consensus_forall"), 0.01, lambda now: None)
    assert not proof.is_decided
    assert proof.answer.startswith("open: agreement")
    assert proof.certificate_check_s is None
    assert "missing: " in proof.vacuity
    search = named([case for case in cases if case.depth], "TwoPhase")
    found = smt.bounded_row(search, 0.01, lambda now: None)
    assert not found.is_decided


BROKEN = '''
from checker.dsl import Index, Model, Set, action, always, reachable, when


class Node(Index, interchangeable=True):
    """Nodes."""


class Idle(Model):
    """Nothing can happen, so that everything holds."""

    busy: Set[Node]

    @action
    def work(self, node: Node) -> None:
        """Nobody can."""
        when(node in self.busy)
        self.busy.add(node)

    @always
    def never_busy(self) -> bool:
        """True of nothing."""
        return all(node not in self.busy for node in Node)

    @reachable
    def somebody_is_busy(self) -> bool:
        """Not so."""
        return any(node in self.busy for node in Node)
'''


def test_what_holds_of_nothing_is_no_success(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("idle.py").write_text(BROKEN)
    Path("idle.toml").write_text('model = "idle.py:Idle"\n[bounds]\nNode = 2\n')
    case = Case("idle", load_spec(Path("idle.toml")), {"Node": 2}, {})
    found = smt.proof_row(case, 10, lambda now: None)
    assert "never_busy" in found.proved
    assert not found.is_decided
    assert found.vacuity == "missing: work, somebody_is_busy"


# Timing


def test_short_work_is_measured_several_times_and_the_middle_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    result = runner.run("smt", Request(load_spec(Path("benchmarks/protocols/lock_server.toml")).lowered))
    naps = iter([0.05, 0.25, 0.15])
    taken: list[float] = []

    def work() -> Result:
        begun = time.perf_counter()
        time.sleep(next(naps))
        taken.append(time.perf_counter() - begun)
        return result

    _, wall, cpu, times = smt.timed(work, lambda found: found)
    assert times == len(taken) == 3
    assert sorted(taken)[1] <= wall < sorted(taken)[2]
    assert cpu < 0.1
    monkeypatch.setattr(smt, "SHORT_S", 0.01)
    naps = iter([0.05])
    assert smt.timed(work, lambda found: found)[3] == 1


# What is written


def test_the_command_writes_what_it_prints(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"Above.\n\n{BEGIN}\nold\n{END}\n\nBelow.\n")
    assert smt.main(["lock_server", "--json", "--update", str(page)], tmp_path) == 0
    data = json.loads(capsys.readouterr().out)
    assert data == json.loads((tmp_path / "latest.smt.json").read_text())
    sizes = [{"Client": 2, "Server": 2}, {"Client": 4, "Server": 4}, {}]
    assert [row["sizes"] for row in data["rows"]] == sizes
    assert data["environment"]["z3-solver"]
    assert not data["interrupted"]
    tables = (tmp_path / "latest.smt.md").read_text()
    assert "| i4 lock_server | Client 2, Server 2 | proved |" in tables
    assert "| i4 lock_server | Client and Server |" in tables
    assert page.read_text() == f"Above.\n\n{BEGIN}\n{tables}{END}\n\nBelow.\n"


def test_the_command_says_that_something_is_open(tmp_path: Path) -> None:
    assert smt.main(["consensus_forall", "--seconds", "0.01"], tmp_path) == 3


def test_ctrl_c_keeps_what_was_measured(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"{BEGIN}\nold\n{END}\n")
    real = runner.prove

    def prove(request: Request, method: str = "auto") -> Proof:
        proof = real(request, method=method)
        if request.lowered.program.index_sets[0].size == 4:
            return replace(proof, result=replace(proof.result, stopped="interrupted"))
        return proof

    monkeypatch.setattr(runner, "prove", prove)
    assert smt.main(["lock_server", "--update", str(page)], tmp_path) == 130
    data = json.loads((tmp_path / "latest.smt.json").read_text())
    assert data["interrupted"]
    assert [row["sizes"] for row in data["rows"]] == [{"Client": 2, "Server": 2}]
    assert "old" in page.read_text()


def test_tables_say_what_others_took() -> None:
    rows = [
        row(published={"endive": 5.5}, never_happens=("unlock",)),
        row(asked="safe", depth=8, answer="VIOLATED in 8 steps", target_s=3.0),
    ]
    text = markdown(rows, {"endive": "a paper", "unused": "nothing"})
    assert "| proved | 1.50 | 1.25 |" in text
    assert "| missing: unlock | endive 5.5 |" in text
    assert "| safe to depth 8 | VIOLATED in 8 steps | 1.50 | 1.25 | target 3 |" in text
    assert "- *endive*: a paper." in text
    assert "unused" not in text


@pytest.mark.parametrize(
    ("seconds", "text"), [(None, ""), (0.034, "0.03"), (9.876, "9.88"), (12.34, "12.3"), (2273, "2,273")]
)
def test_seconds_are_shown_with_few_digits(seconds: float | None, text: str) -> None:
    assert shown(seconds) == text


# What is refused


@pytest.mark.parametrize(
    ("old", "new", "what"),
    [
        ('asked = "consistent"', 'asked = "consistant"', "did you mean 'consistent'"),
        ("depth = 11", "depth = 0", "expected at least 1, got 0"),
        ("depth = 11", "", "'depth' is missing"),
        ("targets = [2, 20]", "targets = [2]", "do not fit"),
        ("published = { endive = 1.3 }", "published = { endiv = 1.3 }", "did you mean 'endive'"),
        ("published_any = { mypyvy = 4.5 }", "published_any = { mypy = 4.5 }", "did you mean 'mypyvy'"),
        ("target_any = 10", "target_any = 0", "expected a number above 0"),
        ('asked = "consistent"', 'target_any = 3\nasked = "consistent"', "unknown key 'target_any'"),
        ('name = "i4 lock_server"', "", "'name' is missing"),
        ('name = "i4 lock_server"', 'nam = "i4 lock_server"', "unknown key 'nam'"),
        ("[[proof]]", "[[prof]]", "did you mean 'proof'"),
        ("[[proof]]", "[[proof", "cannot be read"),
    ],
)
def test_a_wrong_file_of_cases_is_refused(tmp_path: Path, old: str, new: str, what: str) -> None:
    text = FILE.read_text()
    assert old in text
    path = tmp_path / "cases.toml"
    path.write_text(text.replace(old, new, 1))
    with pytest.raises(UserError) as caught:
        load_cases(path)
    assert what in str(caught.value)


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["lock_servr"], "did you mean 'i4 lock_server'"),
        (["lock_server", "--update", "nowhere.md"], "cannot be read"),
        (["lock_server", "--update", "README.md"], "has no place for the tables"),
    ],
)
def test_bad_arguments_are_refused(
    arguments: list[str], what: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert smt.main(arguments, tmp_path) == 2
    assert what in capsys.readouterr().err
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("seconds", ["0", "-1", "nan", "soon"])
def test_a_limit_has_to_be_a_time(seconds: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        smt.main(["--seconds", seconds])
    assert caught.value.code == 2
    assert "--seconds" in capsys.readouterr().err


@pytest.mark.parametrize("text", ["", f"{BEGIN}\n", f"{END}\n{BEGIN}\n", f"{BEGIN}\n{END}\n{BEGIN}\n{END}\n"])
def test_a_page_needs_one_place_for_the_tables(tmp_path: Path, text: str) -> None:
    page = tmp_path / "page.md"
    page.write_text(text)
    with pytest.raises(UserError, match="no place"):
        updated(page, "")
