"""Nothing that an engine claims is shown before the reference semantics confirm it: canaries."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import pytest

from checker.dsl.declarations import Model
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import DEADLOCK_FREE, Answer, Failure, Request, Result, Run, Verdict
from checker.errors import InternalError, Location, ModelError, ModelErrorKind, UserError
from checker.ir.program import Budgets
from checker.semantics.state import StepKind, Transition
from tests.cli.project import Project
from tests.engines import sample_models as models


class Liar:
    """An engine that changes what an honest one found."""

    name = "explicit"

    def __init__(self, change: Callable[[Result], Result]) -> None:
        self._change = change

    def check(self, request: Request) -> Result:
        return self._change(ExplicitEngine().check(request))


def run_with(
    monkeypatch: pytest.MonkeyPatch, model: type[Model], change: Callable[[Result], Result]
) -> Result:
    monkeypatch.setitem(runner.ENGINES, "explicit", Liar(change))
    bounds = dict.fromkeys(index_sets_of(model), 1)
    return runner.run("explicit", Request(lower(model, bounds, Budgets())))


def path_of(result: Result, name: str) -> Run:
    path = next(verdict.path for verdict in result.verdicts if verdict.property == name)
    assert path is not None
    return path


def with_path(result: Result, name: str, path: Run, answer: Answer | None = None) -> Result:
    verdicts = tuple(
        replace(v, path=path, answer=answer or v.answer) if v.property == name else v for v in result.verdicts
    )
    return replace(result, verdicts=verdicts)


def test_an_honest_result_passes(monkeypatch: pytest.MonkeyPatch) -> None:
    assert len(run_with(monkeypatch, models.Ladder, lambda result: result).verdicts) == 6


def test_a_step_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        path = path_of(result, "not_at_the_top")
        wrong = Transition(StepKind.ACTION, "fall", -1, (), ())
        return with_path(result, "not_at_the_top", replace(path, transitions=(path.transitions[0], wrong)))

    with pytest.raises(InternalError, match=r"a fault of quackcheck.*do not allow step 2: .*'fall'"):
        run_with(monkeypatch, models.Ladder, change)


def test_a_path_from_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        path = path_of(result, "not_at_the_top")
        return with_path(
            result, "not_at_the_top", replace(path, initial=path.initial._replace(variables=(1,)))
        )

    with pytest.raises(InternalError, match="do not begin where the trace begins"):
        run_with(monkeypatch, models.Ladder, change)


@pytest.mark.parametrize("name", ["not_at_the_top", "one_at_a_time", "rests_at_the_bottom"])
def test_a_path_after_which_the_property_holds(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    def change(result: Result) -> Result:
        path = path_of(result, name)
        shorter = Transition(StepKind.ACTION, "up", -1, (), ())
        return with_path(result, name, replace(path, transitions=(shorter,)))

    with pytest.raises(InternalError, match=f"do not confirm the trace of {name}"):
        run_with(monkeypatch, models.Ladder, change)


def test_a_path_to_a_state_that_is_not_at_rest(monkeypatch: pytest.MonkeyPatch) -> None:
    """False there, but only asked of states in which nothing more can happen."""

    def change(result: Result) -> Result:
        leap = Transition(StepKind.ACTION, "leap", -1, (), ())
        return with_path(result, "rests_at_the_bottom", Run(path_of(result, "half_way").initial, (leap,)))

    with pytest.raises(InternalError, match="do not confirm the trace of rests_at_the_bottom"):
        run_with(monkeypatch, models.Ladder, change)


def test_a_property_of_steps_with_a_path_without_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        return with_path(result, "one_at_a_time", replace(path_of(result, "one_at_a_time"), transitions=()))

    with pytest.raises(InternalError):
        run_with(monkeypatch, models.Ladder, change)


def test_a_witness_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        return with_path(result, "above_the_top", path_of(result, "not_at_the_top"), Answer.HOLDS)

    with pytest.raises(InternalError, match="do not confirm the trace of above_the_top"):
        run_with(monkeypatch, models.Ladder, change)


def test_a_counterexample_that_is_called_a_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        path = path_of(result, "not_at_the_top")
        return with_path(result, "not_at_the_top", path, Answer.HOLDS)

    with pytest.raises(InternalError, match="do not confirm the trace of not_at_the_top"):
        run_with(monkeypatch, models.Ladder, change)


def test_a_deadlock_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        path = path_of(result, DEADLOCK_FREE)
        return with_path(result, DEADLOCK_FREE, replace(path, transitions=path.transitions[:-1]))

    with pytest.raises(InternalError, match="do not confirm the trace of deadlock_free"):
        run_with(monkeypatch, models.Needy, change)


def test_a_trace_that_runs_into_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        assert result.failure is not None
        assert result.failure.path is not None
        verdict = Verdict("fine", Answer.VIOLATED, result.failure.path)
        return replace(result, verdicts=(verdict,), failure=None)

    with pytest.raises(InternalError, match=r"the trace of fine ends with .* outside int"):
        run_with(monkeypatch, models.Overflow, change)


def test_a_trace_that_goes_on_after_a_model_error(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        assert result.failure is not None
        assert result.failure.path is not None
        path = result.failure.path
        longer = replace(path, transitions=(*path.transitions, path.transitions[0]))
        return replace(result, verdicts=(Verdict("fine", Answer.VIOLATED, longer),), failure=None)

    with pytest.raises(InternalError, match=r"end with .* before step 5"):
        run_with(monkeypatch, models.Overflow, change)


def test_a_property_without_a_value_after_its_trace(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        assert result.failure is not None
        assert result.failure.path is not None
        return replace(
            result, verdicts=(Verdict("third", Answer.VIOLATED, result.failure.path),), failure=None
        )

    with pytest.raises(InternalError, match="third has no value after its trace"):
        run_with(monkeypatch, models.TwoFailingProperties, change)


@pytest.mark.parametrize(
    "model", [models.Overflow, models.BadArgument, models.TwoFailingProperties, models.EarlyOverflow]
)
@pytest.mark.parametrize("wrong", ["kind", "line"])
def test_another_model_error(monkeypatch: pytest.MonkeyPatch, model: type[Model], wrong: str) -> None:
    def change(result: Result) -> Result:
        assert result.failure is not None
        error = result.failure.error
        assert error.location is not None
        place = error.location
        if wrong == "line":
            place = Location(place.path, place.line + 1)
        kind = ModelErrorKind.DIVISION if wrong == "kind" else error.kind
        return replace(result, failure=Failure(ModelError(kind, error.what, place), result.failure.path))

    with pytest.raises(InternalError, match="not the model error"):
        run_with(monkeypatch, model, change)


def test_a_model_error_that_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    def change(result: Result) -> Result:
        error = ModelError(ModelErrorKind.DIVISION, "no such thing")
        return replace(result, failure=Failure(error, path_of(result, "half_way")))

    with pytest.raises(InternalError, match="the reference semantics give none"):
        run_with(monkeypatch, models.Ladder, change)


def test_an_unknown_engine() -> None:
    with pytest.raises(UserError, match=r"there is no engine 'explict'\n  hint: did you mean 'explicit'\?"):
        runner.engine_named("explict")


def test_the_command_says_that_it_is_the_tools_fault(
    project: Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    def change(result: Result) -> Result:
        path = path_of(result, "half_way")
        return with_path(result, "not_at_the_top", path)

    monkeypatch.setitem(runner.ENGINES, "explicit", Liar(change))
    outcome = project.run("check", project.sample("Ladder"))
    assert (outcome.code, outcome.out) == (70, "")
    assert outcome.err == (
        "error: internal error (a fault of quackcheck, please report it): "
        "the reference semantics do not confirm the trace of not_at_the_top\n"
    )
    assert not (project.root / "traces").exists()
