"""CPython, the interpreter and the native engine agree on every messaging component, with all faults."""

from __future__ import annotations

import pytest

from checker.dsl import Model
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import LoweredModel, index_sets_of
from checker.ir.program import Budgets
from tests.differential.comparison import compare
from tests.native.agreement import compare_steps

from . import messaging_models as models

SIZES = {"Body": 2, "Worker": 2, "Key": 2, "Group": 2, "Shard": 2}
MODELS: list[type[Model]] = [
    models.Batches,
    models.Releasing,
    models.DeadLetters,
    models.Grouped,
    models.Producing,
    models.Streaming,
    models.StreamingUnordered,
    models.StreamingBatches,
    models.Invoked,
    models.InvokedByStream,
    models.InvokedInHalves,
    models.Routing,
    models.PuttingSeveral,
    models.Archiving,
    models.Crossing,
]

#: One of each component: compiling takes most of the time, and every spec is compared elsewhere.
COMPILED = [
    models.DeadLetters,
    models.Grouped,
    models.StreamingBatches,
    models.InvokedByStream,
    models.Archiving,
]


def lowered(cls: type[Model]) -> LoweredModel:
    """The model with one of every fault."""
    sizes = {name: SIZES[name] for name in index_sets_of(cls)}
    actions = lower(cls, sizes, Budgets()).program.actions
    component = tuple((action.budget, 1) for action in actions if action.budget is not None)
    return lower(cls, sizes, Budgets(1, 1, 1, component, 2))


@pytest.mark.parametrize("cls", MODELS)
def test_python_and_the_ir_agree(cls: type[Model]) -> None:
    found = compare(lowered(cls), states_max=250)
    assert found.states > 5
    assert not found.errors


@pytest.mark.parametrize("cls", COMPILED)
def test_native_and_the_ir_agree(cls: type[Model]) -> None:
    assert compare_steps(lowered(cls), 150) > 10
