"""The interpreter of the IR and CPython agree on every order-intake consumer, with every fault."""

from __future__ import annotations

import pytest

from checker.dsl import Model
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.ir.program import Budgets
from models.order_intake import DeleteFirst, Keyed, MarkerFirst, Naive, Transactional

from .comparison import compare

STATES_MAX = 400


@pytest.mark.parametrize("max_attempts", [1, 2])
@pytest.mark.parametrize("variant", [Naive, DeleteFirst, MarkerFirst, Keyed, Transactional])
def test_both_machines_agree(variant: type[Model], max_attempts: int) -> None:
    sizes = {"Order": 2, "Worker": 2, "RowId": 6}
    bounds = {name: sizes[name] for name in index_sets_of(variant)}
    faults = (("inbox.visibility_expiry", 1), ("inbox.duplicate", 1))
    lowered = lower(variant, bounds, Budgets(1, 1, 1, faults, max_attempts))
    found = compare(lowered, STATES_MAX)
    assert found.states == STATES_MAX
    assert not found.errors
    assert set(found.transitions) == {"action", "call", "fail", "ambiguous", "crash", "fault"}
    assert found.values["True"] > 0
    assert found.values["False"] > 0


@pytest.mark.parametrize("variant", [Naive, Transactional])
def test_both_machines_agree_to_the_end(variant: type[Model]) -> None:
    """One order, one worker: the whole state space, with one crash and one lost answer."""
    lowered = lower(variant, {"Order": 1, "Worker": 1, "RowId": 3}, Budgets(crash=1, ambiguous=1))
    found = compare(lowered, states_max=10_000)
    assert 25 < found.states < 10_000
