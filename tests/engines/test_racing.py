"""Engines that race: the first answer is taken, nobody contradicts it, and no process is left behind."""

from __future__ import annotations

import io
import json
import os
import pickle
import signal
import subprocess
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from checker.dsl import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import racing, runner
from checker.engines.contender import PROVER, Broken, Declined, Job, done
from checker.engines.interface import Answer, Limits, Progress, Request, Result, SearchOrder, Verdict
from checker.engines.racing import agreed, automatic_jobs, contending, race
from checker.errors import InternalError, Location, ModelError, ModelErrorKind, UserError
from checker.ir.program import Budgets
from checker.ir.values import FrozenMap
from checker.semantics.state import UNASSIGNED
from checker.spec import find_specs, load_spec
from tests.cli.project import COMMAND, Project, environment
from tests.cli.project import project as project
from tests.engines import sample_models as models

WIDE = """
    from typing import Annotated
    from checker.dsl import Model, Range, action, always, when

    Level = Annotated[int, Range(0, 250)]

    class Wide(Model):
        {fields}

        @action
        def up(self) -> None:
            when(self.a < 200)
            self.a += 1

        @always
        def is_low(self) -> bool:
            return self.a <= {most}
{actions}
"""


def wide(most: int = 200) -> str:
    """A model of 200 ** 6 states, in which one step shows that a property is kept."""
    fields = "\n        ".join(f"{name}: Level = 0" for name in "abcdef")
    actions = "".join(
        f"\n        @action\n        def up_{name}(self) -> None:\n"
        f"            when(self.{name} < 200)\n            self.{name} += 1\n"
        for name in "bcdef"
    )
    return WIDE.format(fields=fields, actions=actions, most=most)


def written(project: Project, most: int = 200) -> str:
    project.write("models/wide.py", wide(most))
    project.write("specs/wide.toml", 'model = "models/wide.py:Wide"\n')
    return "specs/wide.toml"


def lowered(model: type[Model], size: int = 1) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), size), Budgets())


def children_in(folder: Path) -> list[int]:
    """The processes at work in a folder."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if Path(os.readlink(entry / "cwd")) == folder and int(entry.name) != os.getpid():
                    found.append(int(entry.name))
            except OSError:
                continue
    return found


def eventually(condition: Callable[[], bool], seconds: float = 10) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


# Who wins


def test_the_explicit_engine_wins_a_small_space() -> None:
    request = Request(lowered(models.Ladder))
    result = runner.run("auto", request)
    expected = runner.run("explicit", request)
    assert [v.answer for v in result.verdicts] == [v.answer for v in expected.verdicts]
    assert [v.path for v in result.verdicts] == [v.path for v in expected.verdicts]


def test_the_symbolic_engine_wins_a_wide_one(project: Project) -> None:
    outcome = project.run("check", "--engine", "auto", "--json", "--seconds", "60", written(project))
    (spec,) = json.loads(outcome.out)["specs"]
    assert outcome.code == 0
    assert spec["engine"] == "smt"
    assert {v["property"]: (v["answer"], v["proved"]) for v in spec["verdicts"]} == {
        "is_low": ("HOLDS", True),
        "deadlock_free": ("HOLDS", True),
    }
    assert spec["notice"] == racing.PROVED_NOTICE
    assert children_in(project.root) == []


def test_a_spec_may_ask_for_it(project: Project) -> None:
    spec = project.sample("Ladder", 'engine = "auto"\n[expect]\nnot_at_the_top = "violated"\n')
    assert project.load(spec).engine == "auto"
    outcome = project.run("check", "--json", spec)
    assert json.loads(outcome.out)["specs"][0]["engine"] in ("native", "explicit", "smt")


def test_each_verdict_names_its_engine_where_a_limit_comes_first(project: Project) -> None:
    spec = written(project, 190)
    outcome = project.run("check", "--engine", "auto", "--json", "--seconds", "8", spec)
    assert outcome.code == 3
    (found,) = json.loads(outcome.out)["specs"]
    answers = {v["property"]: (v["answer"], v["method"]) for v in found["verdicts"]}
    assert answers["deadlock_free"][0] == "HOLDS"
    assert answers["deadlock_free"][1]
    assert answers["is_low"][0] == "UNKNOWN"
    assert found["stopped"] == "time limit of 8 s"


def test_no_race_is_endless_where_one_side_has_met_its_limit(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proof counts no states, and would go on."""
    monkeypatch.setattr(racing, "ALONE_S", 1.0)
    outcome = project.run("check", "--engine", "auto", "--states", "100", "--json", written(project, 190))
    assert outcome.code == 3
    (found,) = json.loads(outcome.out)["specs"]
    assert found["stopped"] == "state limit of 100 states"


def test_a_model_error_ends_the_race() -> None:
    result = runner.run("auto", Request(lowered(models.Overflow)))
    assert result.failure is not None
    assert result.failure.error.kind is ModelErrorKind.OVERFLOW


def test_a_depth_is_kept_to() -> None:
    result = runner.run("auto", Request(lowered(models.Ladder), Limits(depth_max=1)))
    answers = {verdict.property: verdict for verdict in result.verdicts}
    assert str(answers["not_at_the_top"]) == "HOLDS UP TO depth 1"
    assert answers["half_way"].answer is Answer.UNKNOWN or answers["half_way"].path is not None


def test_another_order_is_refused() -> None:
    request = Request(lowered(models.Ladder), order=SearchOrder.DEPTH_FIRST)
    with pytest.raises(UserError, match="the auto engine searches breadth first only"):
        runner.run("auto", request)


def test_progress_tells_of_both(project: Project) -> None:
    """As soon as it does, Ctrl-C; what was known by then is kept."""
    told: list[str] = []

    def report(now: Progress) -> None:
        told.append(now.text)
        if " states" in now.text and "symbolic: " in now.text:
            raise KeyboardInterrupt

    spec = project.load(written(project, 190))
    request = Request(spec.lowered, Limits(time_s_max=60), report)
    result = race(automatic_jobs(request), request)
    assert told[-1].startswith("explicit: ")
    assert result.stopped == "interrupted"
    answers = {verdict.property: verdict for verdict in result.verdicts}
    assert answers["deadlock_free"].answer is Answer.HOLDS
    assert answers["deadlock_free"].method == "induction"
    assert answers["is_low"].answer is Answer.UNKNOWN


def job_of(model: LoweredModel, engine: str, seconds: float | None = None) -> Job:
    return Job(engine, model.program, Limits(time_s_max=seconds))


# Nobody contradicts anybody


def results_of(model: LoweredModel, seconds: float) -> tuple[Result, Result] | None:
    """What the native engine and the prover say of a small space; None where it is not small."""
    limits = Limits(states_max=20_000)
    explicit = done(Job("native", model.program, limits), io.BytesIO())
    assert isinstance(explicit, Result)
    if explicit.stopped is not None:
        return None
    symbolic = done(job_of(model, PROVER, seconds), io.BytesIO())
    if isinstance(symbolic, Declined):
        return None
    assert isinstance(symbolic, Result)
    return explicit, symbolic


def agreements(paths: list[Path], seconds: float) -> int:
    """How many verdicts both engines give; they never differ."""
    both = 0
    for path in paths:
        results = results_of(load_spec(path).lowered, seconds)
        if results is None:
            continue
        for told in zip(*(result.verdicts for result in results), strict=True):
            assert agreed(told, results).answer is told[0].answer
            both += all(verdict.answer is not Answer.UNKNOWN for verdict in told)
    return both


def test_engines_agree_on_some_small_specs() -> None:
    names = ("delete_first", "marker_first", "marker_first_lost_answer")
    assert agreements([Path(f"specs/order_intake/{name}.toml") for name in names], 5) > 5


@pytest.mark.slow
def test_engines_agree_on_small_specs_of_all_kinds() -> None:
    assert agreements(find_specs(())[::3], 2) > 6


def test_a_contradiction_is_an_internal_error() -> None:
    result = runner.run("explicit", Request(lowered(models.Ladder)))
    holds, violated = Verdict("p", Answer.HOLDS), Verdict("p", Answer.VIOLATED)
    with pytest.raises(InternalError, match="engines contradict each other on p"):
        agreed((holds, violated), (result, replace(result, engine="smt")))
    unknown = Verdict("p", Answer.UNKNOWN, depth=3)
    assert agreed((unknown, violated), (result, replace(result, engine="smt"))).method == "smt"
    up_to = Verdict("p", Answer.HOLDS_UP_TO, depth=2)
    assert agreed((unknown, up_to), (result, result)).answer is Answer.HOLDS_UP_TO


# Processes


def test_a_contender_that_breaks_is_an_internal_error() -> None:
    model = lowered(models.Ladder)
    with pytest.raises(InternalError, match="the odd engine failed"):
        race([("odd", job_of(model, "no such engine"))], Request(model))


def test_a_contender_that_dies_leaves_the_other() -> None:
    model = lowered(models.Ladder)
    jobs = [("one", job_of(model, "explicit")), ("two", job_of(model, PROVER, 600))]
    with contending(jobs) as running:
        os.killpg(running.contenders[1].process.pid, signal.SIGKILL)
        while running.running:
            running.listen(5)
        assert set(running.results) == {"one"}
        assert running.declined == {"two": "it ended without an answer, perhaps for lack of memory"}
    assert all(one.process.poll() is not None for one in running.contenders)


def test_an_engine_that_fails_says_how() -> None:
    message = done(job_of(lowered(models.Ladder), "no such engine"), io.BytesIO())
    assert isinstance(message, Broken)
    assert "KeyError" in message.text


def started(project: Project, *args: str, processes: int = 3) -> subprocess.Popen[str]:
    """The command at work on a model that takes it long, with processes of its own."""
    process = subprocess.Popen(
        [*COMMAND, *args],
        cwd=project.root,
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.default_int_handler) and None,
    )
    assert eventually(lambda: len(children_in(project.root)) >= processes)
    return process


def test_ctrl_c_keeps_what_is_known_and_leaves_no_process(project: Project) -> None:
    process = started(project, "check", "--engine", "auto", "--json", written(project, 190))
    time.sleep(2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    (spec,) = json.loads(out)["specs"]
    assert spec["stopped"] == "interrupted"
    assert {v["answer"] for v in spec["verdicts"]} <= {"HOLDS", "UNKNOWN"}
    assert eventually(lambda: children_in(project.root) == [])


def test_ctrl_c_keeps_what_was_proved(project: Project) -> None:
    process = started(project, "prove", "--json", "--seconds", "300", written(project, 190), processes=2)
    time.sleep(3)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert process.returncode == 130, err
    (spec,) = json.loads(out)["specs"]
    assert spec["stopped"] == "interrupted"
    answers = {v["property"]: (v["answer"], v["proved"]) for v in spec["verdicts"]}
    assert answers == {"is_low": ("UNKNOWN", False), "deadlock_free": ("HOLDS", True)}
    assert project.run("verify-certificate", spec["certificate"]).code == 0
    assert eventually(lambda: children_in(project.root) == [])


def test_processes_end_with_who_started_them(project: Project) -> None:
    process = started(project, "check", "--engine", "auto", written(project, 190))
    process.kill()
    process.communicate()
    assert eventually(lambda: children_in(project.root) == [])


def test_a_contender_ends_with_its_input(project: Project) -> None:
    """Though somebody still listens to what it says."""
    spec = project.load(written(project, 190))
    with contending([("explicit", job_of(spec.lowered, "native"))]) as running:
        (contender,) = running.contenders
        while "explicit" not in running.progress:
            running.listen(10)
        assert contender.process.poll() is None
        assert contender.process.stdin is not None
        contender.process.stdin.close()
        assert eventually(lambda: contender.process.poll() is not None)


def test_what_goes_between_processes() -> None:
    assert pickle.loads(pickle.dumps(UNASSIGNED)) is UNASSIGNED
    entries = FrozenMap({(0, None): "x", 1: True})
    hash(entries)
    assert pickle.loads(pickle.dumps(entries)) == entries
    assert pickle.loads(pickle.dumps(entries))._hash is None
    error = ModelError(ModelErrorKind.OVERFLOW, "too much", Location("a.py", 3))
    again = pickle.loads(pickle.dumps(error))
    assert (again.kind, again.what, again.location, str(again)) == (
        error.kind,
        error.what,
        error.location,
        str(error),
    )


# Beside a proof


def test_what_is_not_proved_may_be_exhausted(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    project.copy("models/order_intake.py", "specs/order_intake/keyed.toml")
    path = "specs/order_intake/keyed.toml"
    project.write(path, project.files()[path].partition("[lab]")[0])
    monkeypatch.setattr(racing, "BESIDE_AFTER_S", 0.0)
    outcome = project.run("prove", "--seconds", "20", "--json", path)
    (spec,) = json.loads(outcome.out)["specs"]
    assert {v["answer"] for v in spec["verdicts"]} == {"HOLDS"}
    for verdict in spec["verdicts"]:
        assert verdict["proved"] or "exhausting" in verdict["method"] or verdict["steps"] is not None
    assert children_in(project.root) == []
