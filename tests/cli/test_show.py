"""``quackcheck show``: what was understood of a model."""

from __future__ import annotations

import pytest

from tests.cli.project import Project


def test_a_spec(project: Project) -> None:
    spec = project.sample(
        "TwoRows", "[bounds]\nOrder = 1\nWorker = 2\nRowId = 3\n[faults]\ninbox.duplicate = 2\n"
    )
    outcome = project.run("show", spec)
    assert (outcome.code, outcome.err) == (0, "")
    for line in (
        "  One process writes twice.",
        "  Order: 1 members, interchangeable",
        "  RowId: 3 members",
        "  inbox.visible: Bag[Placed] = {}",
        "process worker, 2 instance(s), 4 labels",
        "  inbox.duplicate()  ",
        "  @always one_row: There is one row for each order.",
    ):
        assert f"\n{line}" in outcome.out
    assert "(budget 2)\n" in outcome.out


def test_a_model_with_default_and_given_bounds(project: Project) -> None:
    project.sample("TwoRows")
    assert "  Order: 2 members" in project.run("show", "models/samples.py:TwoRows").out
    outcome = project.run("show", "models/samples.py:TwoRows", "--bound", "Order=4")
    assert "  Order: 4 members" in outcome.out


def test_prose_with_brackets(project: Project) -> None:
    project.sample("Overflow")
    outcome = project.run("show", "models/samples.py:Overflow")
    assert "  @always fine: Row[order] is [/] always :smile: fine.\n" in outcome.out
    assert "  count: int[0..3] = 0\n" in outcome.out


@pytest.mark.parametrize(
    ("arguments", "parts"),
    [
        (["specs/none.toml"], ["error: specs/none.toml: there is no such spec", "FILE.py:CLASS"]),
        (["models/none.py:TwoRows"], ["there is no model file 'models/none.py'", "'models/samples.py'?"]),
        (["models/samples.py:TwoRow"], ["has no model 'TwoRow'", "did you mean 'TwoRows'?"]),
        (["models/samples.py"], ["'models/samples.py' does not name a model"]),
        (["models/samples.py:TwoRows", "--bound", "Order"], ["error: --bound: 'Order' is no bound"]),
        (["models/samples.py:TwoRows", "--bound", "Order=²"], ["error: --bound: 'Order=²' is no bound"]),
        (["models/samples.py:TwoRows", "--bound", "Order=-1"], ["error: --bound: 'Order=-1' is no bound"]),
        (["models/samples.py:TwoRows", "--bound", "Ordr=1"], ["no index set 'Ordr'", "mean 'Order'?"]),
        (["models/samples.py:TwoRows", "--bound", "Order=0"], ["'Order' has 0 members"]),
    ],
)  # fmt: skip
def test_mistakes(project: Project, arguments: list[str], parts: list[str]) -> None:
    project.sample("TwoRows")
    project.refuses(["show", *arguments], *parts)
