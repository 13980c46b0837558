"""The symbolic engine's verdicts: those of the explicit engine to the same depth, with runs as short."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pytest

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import DEADLOCK_FREE, Answer, Limits, Progress, Request, Result, Verdict
from checker.engines.memory import shown_bytes
from checker.engines.smt import bounded, circuit, oracle
from checker.engines.smt.bounded import BoundedSearch, alike
from checker.engines.smt.engine import DEPTH_DEFAULT, SmtEngine
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.oracle import OutOfTime, Watch, oracle_named
from checker.engines.smt.unrolling import Unrolling
from checker.errors import InternalError, ModelErrorKind, UserError
from checker.ir.program import Budgets
from checker.spec import load_spec
from models.order_intake import Naive
from tests.cli.project import Project
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.engines import sample_models as models

from . import small_models
from .agreement import assert_same_verdicts, length
from .solvers import SMALL_SPECS, on_every_solver


def lowered(model: type[Model], size: int = 1, budgets: Budgets | None = None) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), size), budgets or Budgets())


def checked(model: type[Model], solver: str = "auto", size: int = 1, depth: int | None = 6) -> Result:
    return SmtEngine(solver).check(Request(lowered(model, size), Limits(depth_max=depth)))


def by_name(result: Result) -> dict[str, Verdict]:
    return {verdict.property: verdict for verdict in result.verdicts}


def compare(model: LoweredModel, depth: int, solver: str = "auto") -> Result:
    """Both engines to one depth; what the symbolic one found is confirmed by the reference semantics."""
    request = Request(model, Limits(depth_max=depth))
    theirs = ExplicitEngine().check(request)
    runner.ENGINES["smt"] = SmtEngine(solver)
    try:
        ours = runner.run("smt", request)
    finally:
        runner.ENGINES["smt"] = SmtEngine()
    if ours.engine != "smt":
        raise Unsupported(ours.notice)
    kinds = {prop.name: prop.kind for prop in model.program.properties}
    assert_same_verdicts(ours, theirs, kinds, depth)
    return ours


# Verdicts


@on_every_solver
@pytest.mark.parametrize("path", SMALL_SPECS)
def test_every_spec(path: str, solver: str) -> None:
    compare(load_spec(Path(path)).lowered, 6, solver)


@pytest.mark.parametrize("name", ["naive", "delete_first", "marker_first", "marker_first_lost_answer"])
def test_every_broken_protocol_is_found_out(name: str) -> None:
    spec = load_spec(Path(f"specs/order_intake/{name}.toml"))
    verdicts = by_name(compare(spec.lowered, 9))
    wrong = {name for name, answer in spec.expected.items() if answer is Answer.VIOLATED}
    assert wrong
    assert {name for name, verdict in verdicts.items() if verdict.answer is Answer.VIOLATED} == wrong


def test_random_models(tmp_path: Path) -> None:
    # A thousand more are compared without the runner.
    failures = violated = 0
    for seed in range(7000, 7020):
        with lowered_from(random_model(seed), tmp_path) as model:
            try:
                result = compare(model, 3)
            except Unsupported:
                continue
            failures += result.failure is not None
            violated += any(verdict.answer is Answer.VIOLATED for verdict in result.verdicts)
    assert failures > 1
    assert violated > 1


SAMPLES = [
    *(models.Ladder, models.FalseAtOnce, models.Overflow, models.EarlyOverflow, models.BadArgument),
    *(models.TwoFailingProperties, models.TransitionAndReachableFail, models.Needy, models.TwoRows),
    *(models.Overwriter, models.Chooser, models.EveryType, models.Store),
    *(small_models.Filling, small_models.Looping),
]


@pytest.mark.parametrize("model", SAMPLES)
def test_sample_models(model: type[Model]) -> None:
    compare(lowered(model, 2), 5)


def test_a_process_that_is_stuck() -> None:
    assert length(by_name(compare(lowered(models.Needy), 6))[DEADLOCK_FREE]) == 3


@on_every_solver
def test_each_kind_of_property(solver: str) -> None:
    found = by_name(compare(lowered(models.Ladder), 6, solver))
    assert {name: (str(verdict), length(verdict)) for name, verdict in found.items()} == {
        "not_at_the_top": ("VIOLATED", 2),
        "one_at_a_time": ("VIOLATED", 1),
        "rests_at_the_bottom": ("VIOLATED", 2),
        "half_way": ("HOLDS", 1),
        "above_the_top": ("VIOLATED", None),
        DEADLOCK_FREE: ("HOLDS", None),
    }


def test_where_no_run_is_longer_everything_is_known() -> None:
    result = checked(models.Ladder, depth=None)
    assert result.stopped is None
    assert result.statistics.depth == 3
    assert result.statistics.comes_to_rest


def test_a_depth_is_a_bound_of_what_is_said() -> None:
    result = checked(models.Ladder, depth=1)
    assert result.stopped == "depth limit of 1 steps"
    found = by_name(result)
    assert str(found["not_at_the_top"]) == "HOLDS UP TO depth 1"
    assert found["above_the_top"].answer is Answer.UNKNOWN
    assert found["above_the_top"].reason == "depth limit of 1 steps"
    assert found["one_at_a_time"].answer is Answer.VIOLATED


def test_without_a_limit_it_stops_at_a_depth() -> None:
    result = SmtEngine().check(Request(load_spec(Path("specs/order_intake/marker_first.toml")).lowered))
    assert result.stopped in (None, f"depth limit of {DEPTH_DEFAULT} steps")
    assert result.statistics.depth <= DEPTH_DEFAULT


# Model errors


@on_every_solver
def test_a_model_error_with_a_shortest_run(solver: str) -> None:
    request = Request(lowered(models.Overflow), Limits(depth_max=6))
    result = SmtEngine(solver).check(request)
    assert result.failure is not None
    assert result.failure.path is not None
    assert result.failure.error.kind is ModelErrorKind.OVERFLOW
    assert len(result.failure.path.transitions) == 4
    assert result.stopped == "model error"
    runner.run("smt", request)  # the reference semantics confirm it


def test_a_loop_without_end_is_found_after_one_that_ends() -> None:
    result = compare(lowered(small_models.Looping), 12)
    assert result.failure is not None
    assert result.failure.error.kind is ModelErrorKind.LOOP
    assert result.failure.path is not None
    assert [t.name for t in result.failure.path.transitions] == ["up"] * 8 + ["halve", "hang"]


# The encoding grows


def test_what_has_no_bound_in_the_model_grows_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    sizes = []
    ask = BoundedSearch._ask_step

    def noting(self: BoundedSearch) -> None:
        sizes.append(self._system.layout.packing.capacities)
        ask(self)

    monkeypatch.setattr(BoundedSearch, "_ask_step", noting)
    result = compare(lowered(small_models.Filling), 8)
    assert len(dict.fromkeys(sizes)) == 2
    found = by_name(result)
    assert (length(found["below_six"]), length(found["few_copies"])) == (6, 5)
    assert found["in_order"].answer is Answer.HOLDS


def test_runs_that_are_cut_off_are_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary: an encoding that says nothing of a full FIFO holds too much to be true."""
    monkeypatch.setattr(Unrolling, "beyond", lambda self: -self.clauses.true)
    with pytest.raises(AssertionError):
        compare(lowered(small_models.Filling), 8)


# Limits


def test_the_time_limit_is_honoured() -> None:
    spec = load_spec(Path("specs/order_intake/keyed.toml"))
    begun = time.monotonic()
    result = SmtEngine().check(Request(spec.lowered, Limits(time_s_max=1.5)))
    assert time.monotonic() - begun < 4
    assert result.stopped == "time limit of 1.5 s"
    verdict = by_name(result)["at_most_one_order"]
    assert verdict.answer is Answer.HOLDS_UP_TO
    assert verdict.depth == result.statistics.depth
    assert verdict.depth > 2


def test_the_time_limit_covers_the_encoding(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(circuit, "NODES_PER_LOOK", 8)
    request = Request(load_spec(Path("specs/order_intake/keyed.toml")).lowered, Limits(time_s_max=0.001))
    result = SmtEngine().check(request)
    assert result.stopped == "time limit of 0.001 s"
    assert result.statistics.summary == "depth 0, 0 bits a state, 0 clauses"


def test_no_time_at_all() -> None:
    result = SmtEngine().check(Request(lowered(models.Ladder), Limits(time_s_max=1e-9)))
    assert {verdict.answer for verdict in result.verdicts} == {Answer.UNKNOWN}


def test_the_memory_limit_is_honoured() -> None:
    limits = Limits(depth_max=5, memory_bytes_max=1 << 20)
    result = SmtEngine().check(Request(lowered(models.Ladder), limits))
    assert result.stopped == f"memory limit of {shown_bytes(1 << 20)}"


def test_ctrl_c_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    ask = BoundedSearch._ask_step

    def interrupted(self: BoundedSearch) -> None:
        if self._findings.depth == 1:
            raise KeyboardInterrupt
        ask(self)

    monkeypatch.setattr(BoundedSearch, "_ask_step", interrupted)
    result = checked(models.Ladder)
    assert result.stopped == "interrupted"
    found = by_name(result)
    assert found["one_at_a_time"].answer is Answer.VIOLATED
    assert str(found["not_at_the_top"]) == "HOLDS UP TO depth 1"


def test_states_are_not_counted() -> None:
    result = SmtEngine().check(Request(lowered(models.Ladder), Limits(states_max=5)))
    assert result.notice == "the limit of states does not apply: this engine counts none"


def test_progress_tells_the_depth(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bounded, "_REPORT_EVERY_S", 0.0)
    heard: list[Progress] = []
    SmtEngine().check(Request(lowered(models.Ladder), report=heard.append))
    assert heard
    assert heard[-1].depth >= 2
    assert "clauses" in heard[-1].text


# What it cannot take


def test_a_domain_that_is_too_wide_goes_to_the_explicit_engine() -> None:
    with pytest.raises(Unsupported, match=r"16,384"):
        checked(small_models.TooWide, depth=2)
    result = runner.run("smt", Request(lowered(small_models.TooWide), Limits(depth_max=2)))
    assert result.engine == "explicit"
    assert result.notice.startswith("the smt engine is not used: ")


def test_a_solver_that_is_not_there() -> None:
    with pytest.raises(UserError, match="there is no SAT solver 'walksat'") as caught:
        oracle_named("walksat")
    assert "z3" in caught.value.hint


# Canaries: a wrong encoding is an internal error, not a wrong answer


def test_a_run_that_the_model_does_not_have(monkeypatch: pytest.MonkeyPatch) -> None:
    found = BoundedSearch.followed

    def swapped(self: BoundedSearch, states: list[object]) -> object:
        return found(self, [states[0], *states])  # type: ignore[list-item]

    monkeypatch.setattr(BoundedSearch, "followed", swapped)
    with pytest.raises(InternalError, match="which the IR does not allow"):
        checked(models.Ladder)


# Solvers


@on_every_solver
def test_a_solver_answers_and_explains(solver: str) -> None:
    one = oracle_named(solver)()
    one.add([[1, 2], [-1, 3]])
    assert one.solve()
    assert one.solve([-2])
    assert (one.value(1), one.value(2), one.value(3)) == (True, False, True)
    assert not one.solve([4, -2, -3])
    assert set(one.core()) == {-2, -3}
    one.add([[-3], [4, 5]])
    assert one.solve([-4])
    assert (one.value(1), one.value(2), one.value(5)) == (False, True, True)
    one.add([[-2]])
    assert not one.solve()
    one.close()


@on_every_solver
def test_a_hard_query_ends_in_time(solver: str) -> None:
    # Fourteen pigeons for thirteen holes: too hard for resolution.
    one = oracle_named(solver)()
    holes, pigeons = range(13), range(14)
    one.add([[1 + 13 * p + h for h in holes] for p in pigeons])
    one.add([[-(1 + 13 * p + h), -(1 + 13 * q + h)] for h in holes for p in pigeons for q in range(p)])
    looked: list[int] = []
    begun = time.monotonic()
    with pytest.raises(OutOfTime):
        one.solve([], Watch(begun + 0.6, lambda: looked.append(1)))
    assert time.monotonic() - begun < 3
    assert looked
    one.close()


@on_every_solver
def test_a_deadline_does_not_wait_for_conflicts(solver: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """In a large formula conflicts can be far between, so that they do not measure time."""
    monkeypatch.setattr(oracle, "CONFLICTS_PER_LOOK", 1_000_000)
    monkeypatch.setattr(oracle, "Z3_SLICE_MS", 20_000)
    one = oracle_named(solver)()
    holes, pigeons = range(13), range(14)
    one.add([[1 + 13 * p + h for h in holes] for p in pigeons])
    one.add([[-(1 + 13 * p + h), -(1 + 13 * q + h)] for h in holes for p in pigeons for q in range(p)])
    begun = time.monotonic()
    with pytest.raises(OutOfTime):
        one.solve([], Watch(begun + 0.6))
    assert time.monotonic() - begun < 3
    # Nothing is left that interrupts the next query, easy as it is: two pigeons in one hole.
    assert not one.solve([1, 14], Watch(time.monotonic() + 60))
    one.close()


# The command


def test_the_command_runs_it(project: Project) -> None:
    outcome = project.run("check", "--engine", "smt", "--depth", "2", project.sample("Ladder"))
    assert outcome.code == 1
    assert "not_at_the_top       counterexample of 2 steps" in outcome.out
    assert "HOLDS UP TO depth 2  deadlock_free" in outcome.out
    assert "smt: depth 2, 2 bits a state, " in outcome.out
    assert "never happened" not in outcome.out


def test_a_depth_below_one(project: Project) -> None:
    outcome = project.run("check", "--engine", "smt", "--depth", "0", project.sample("Ladder"))
    assert outcome.code == 2
    assert "x>=1" in outcome.err


# Symmetry


@pytest.mark.parametrize("name", ["naive", "delete_first", "keyed"])
def test_runs_that_renaming_makes_of_others_are_left_out(name: str) -> None:
    spec = load_spec(Path(f"specs/order_intake/{name}.toml"))
    request = Request(spec.lowered, Limits(depth_max=7))
    sets = spec.lowered.program.index_sets
    assert alike(request) == [one.name for one in sets if one.interchangeable and one.size > 1]
    whole = SmtEngine().check(replace(request, symmetry=False))
    reduced = SmtEngine().check(request)
    for ours, theirs in zip(reduced.verdicts, whole.verdicts, strict=True):
        assert (ours.property, ours.answer, length(ours)) == (theirs.property, theirs.answer, length(theirs))
        if ours.path is not None:
            # The first order to be placed is the first, and so on.
            placed = [t.parameters[0] for t in ours.path.transitions if t.name == "place"]
            assert placed == sorted(placed)


def test_a_set_that_is_told_apart_is_not_reduced() -> None:
    request = Request(lowered(small_models.Favourite, 3), Limits(depth_max=4))
    assert alike(request) == []
    result = SmtEngine().check(request)
    assert length(by_name(result)["the_last_is_not_picked"]) == 1


def test_reducing_a_set_that_is_told_apart_would_be_wrong(monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary: without the check on the model, the shortest run is missed."""
    monkeypatch.setattr(bounded, "alike", lambda request: ["Item"])
    result = SmtEngine().check(Request(lowered(small_models.Favourite, 3), Limits(depth_max=4)))
    assert length(by_name(result)["the_last_is_not_picked"]) == 3


def test_symmetry_is_not_used_where_an_error_depends_on_the_order() -> None:
    request = Request(lower(small_models.ErrsByOrder, {"Paid": 2}, Budgets()), Limits(depth_max=4))
    reduced, whole = SmtEngine().check(request), SmtEngine().check(replace(request, symmetry=False))
    assert reduced.failure is not None
    assert whole.failure is not None
    assert reduced.failure.path is not None
    assert whole.failure.path is not None
    assert len(reduced.failure.path.transitions) == len(whole.failure.path.transitions)
    assert alike(request) == []


def test_a_duplicate_among_many_orders_and_workers() -> None:
    budgets = load_spec(Path("specs/order_intake/naive.toml")).lowered.program.budgets
    model = lower(Naive, {"Order": 16, "Worker": 8, "RowId": 4}, budgets)
    begun = time.process_time()
    result = SmtEngine().check(Request(model, Limits(depth_max=8)))
    # Two or three seconds; machines differ.
    assert time.process_time() - begun < 20
    assert length(by_name(result)["at_most_one_order"]) == 8
    assert by_name(result)["every_placed_order_exists"].answer is Answer.HOLDS_UP_TO
