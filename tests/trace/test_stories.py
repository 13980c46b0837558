"""The sentences that a person reads first, word for word."""

from __future__ import annotations

import pytest

from checker.dsl.declarations import Model
from checker.engines.interface import Answer
from checker.ir.program import Budgets
from tests.cli.project import ROOT
from tests.engines import sample_models as models
from tests.trace.runs import checked, story_of

ORDER_INTAKE = {
    ("delete_first", "at_most_one_order"): (
        "order 0 was written to `orders` twice: by worker 0 at steps 5 and 8; "
        "inbox.duplicate happened at step 3"
    ),
    ("delete_first", "every_placed_order_exists"): (
        "order 0 never reached `orders`, and nothing more can happen: worker 0 called inbox.delete at step 3 "
        "and crashed at step 4"
    ),
    ("marker_first", "every_placed_order_exists"): (
        "order 0 never reached `orders`, and nothing more can happen: worker 0 called seen.put_if_absent "
        "at step 3, crashed at step 4, called inbox.receive at step 6, was refused by "
        "seen.put_if_absent at step 7 and called inbox.delete at step 8"
    ),
    ("marker_first_lost_answer", "every_placed_order_exists"): (
        "order 0 never reached `orders`, and nothing more can happen: worker 0 called inbox.receive "
        "at step 2, called seen.put_if_absent (its answer was lost) at step 3, was refused by "
        "seen.put_if_absent at step 4 and called inbox.delete at step 5"
    ),
    ("naive", "at_most_one_order"): (
        "order 0 was written to `orders` twice: by worker 0 at step 4 and by worker 1 at step 8; "
        "both read `seen` before either wrote it"
    ),
}


@pytest.mark.parametrize("spec", sorted({spec for spec, _ in ORDER_INTAKE}))
def test_order_intake(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    told = {
        (spec, finding.name): finding.story
        for finding in checked(spec).findings
        if finding.verdict.answer is Answer.VIOLATED
    }
    assert told == {key: story for key, story in ORDER_INTAKE.items() if key[0] == spec}


@pytest.mark.parametrize(
    ("model", "prop", "story"),
    [
        (
            models.Ladder,
            "not_at_the_top",
            "`height` was written twice: by environment at steps 1 and 2",
        ),
        (models.Ladder, "one_at_a_time", "environment changed `height` at step 1"),
        (
            models.Ladder,
            "rests_at_the_bottom",
            "nothing more can happen, and rests_at_the_bottom is false for the state, "
            "written by environment at steps 1 and 2",
        ),
        (models.FalseAtOnce, "starts_higher", "starts_higher is false in the initial state"),
        (
            models.Endless,
            "below_three",
            "`height` was written 3 times: by environment at steps 1, 2 and 3",
        ),
        (
            models.Needy,
            "deadlock_free",
            "nothing more can happen, but worker 0 waits for inbox.receive "
            "and worker 1 waits for inbox.receive",
        ),
        (
            models.Overwriter,
            "rows_never_change",
            "worker 1 changed order 0 in `orders` at step 4, which worker 0 had written at step 3",
        ),
        (models.Chooser, "never_one", "`table` was written: by reader 1 at step 1"),
        (
            models.EveryType,
            "some_order_is_no_member",
            "order 0 was written to `orders`: by environment at step 1",
        ),
    ],
)
def test_small_models(model: type[Model], prop: str, story: str) -> None:
    assert story_of(model, prop) == story


def test_two_writers_that_are_the_same_process() -> None:
    """No race is told of one process alone."""
    told = story_of(models.TwoRows, "one_row", RowId=4)
    assert told == "order 0 was written to `orders` twice: by worker 0 at steps 3 and 4"


def test_a_property_that_is_not_all_of_something_names_no_entity() -> None:
    assert story_of(models.TwoRows, "no_row", RowId=4) == "`orders` was written: by worker 0 at step 3"


def test_one_stuck_process() -> None:
    told = story_of(models.Needy, "deadlock_free", Budgets(crash=1), Order=1, Worker=1)
    assert told == "nothing more can happen, but worker 0 waits for inbox.receive"
