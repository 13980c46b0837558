"""Sizes of index sets and budgets of faults that do not fit the model are rejected with what would."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.errors import UserError
from checker.ir.program import Budgets
from models.order_intake import Keyed, Naive
from tests.differential.comparison import imported

from .sources import lower_text, model_text

SIZES = {"Order": 2, "Worker": 2, "RowId": 2}


@pytest.mark.parametrize(
    ("sizes", "what", "hint"),
    [
        ({"Order": 2, "Worker": 2}, "no size is given for RowId", "add: RowId = 2"),
        ({**SIZES, "Ordr": 2}, "Naive has no index set 'Ordr'", "did you mean 'Order'?"),
        ({**SIZES, "Shard": 2}, "Naive has no index set 'Shard'", "its index sets: Order, RowId, Worker"),
        ({**SIZES, "Order": 0}, "'Order' has 0 members", "at least one member"),
    ],
)
def test_sizes(sizes: dict[str, int], what: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        lower(Naive, sizes, Budgets())
    assert caught.value.where == "[bounds]"
    assert what in caught.value.what
    assert hint in caught.value.hint


@pytest.mark.parametrize(
    ("budgets", "what", "hint"),
    [
        (Budgets(component=(("inbox.duplicat", 1),)), "no fault 'inbox.duplicat'", "did you mean 'inbox.dup"),
        (Budgets(component=(("outbox.lost", 1),)), "no fault 'outbox.lost'", "its faults: crash, fail, ambi"),
        (Budgets(crash=-1), "the budget of 'crash' is -1", "0 disables"),
        (Budgets(component=(("inbox.duplicate", -2),)), "'inbox.duplicate' is -2", "0 disables"),
    ],
)
def test_budgets(budgets: Budgets, what: str, hint: str) -> None:
    with pytest.raises(UserError) as caught:
        lower(Naive, SIZES, budgets)
    assert caught.value.where == "[faults]"
    assert what in caught.value.what
    assert hint in caught.value.hint


def test_budgets_are_completed_in_program_order() -> None:
    program = lower(Naive, SIZES, Budgets(component=(("inbox.duplicate", 2),))).program
    assert program.budgets.component == (("inbox.visibility_expiry", 0), ("inbox.duplicate", 2))


def test_only_the_index_sets_of_the_variant_need_sizes() -> None:
    assert index_sets_of(Naive) == ["Order", "RowId", "Worker"]
    assert index_sets_of(Keyed) == ["Order", "Worker"]


def test_index_sets_are_found_wherever_a_model_mentions_them(tmp_path: Path) -> None:
    """In a component's code, in a comprehension, in a record, in a function outside of classes."""
    text = model_text(
        top=(
            "class A(Index): ...\nclass B(Index): ...\nclass C(Index): ...\nclass D(Index): ...\n"
            "@record\nclass Holds:\n    c: C\n\ndef count_of() -> int:\n    return len(D)\n"
        ),
        component="@action\ndef touch(self) -> None:\n    a = A(0)\n",
        members="held: Holds | None\n",
        action="when(any(any(b == b for b in B) for i in Item))\nself.count = min(3, count_of())\n",
    )
    with imported(text, tmp_path) as module:
        assert index_sets_of(module.Sample) == ["A", "B", "C", "D", "Item", "Worker"]


def test_the_program_lists_what_the_spec_has_to_know(tmp_path: Path) -> None:
    program = lower_text(model_text(), tmp_path).program
    assert [(t.name, t.size) for t in program.index_sets] == [("Item", 2), ("Worker", 2)]
    assert [action.name for action in program.actions] == ["act"]
    assert [process.name for process in program.processes] == ["work"]
    assert program.process_count == 2
    assert program.instance_name(1) == "work 1"
    assert {v.name: v.component for v in program.variables}["store.cells"] == "store"
