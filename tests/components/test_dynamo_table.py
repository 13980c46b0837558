"""DynamoTable against what AWS says of single-item calls and transactions.

| clause (developer guide, API reference)                        | test                                      |
|----------------------------------------------------------------|-------------------------------------------|
| PutItem and UpdateItem create or replace                       | test_writes                               |
| a conditional put of an existing item fails without effect     | test_writes                               |
| a conditional update compares the present attributes           | test_writes                               |
| deleting a missing item succeeds                               | test_writes                               |
| GetItem of a missing item gives nothing                        | test_get                                  |
| an item under a minted id meets no other                       | test_insert_takes_a_fresh_key             |
| the SDK's retry repeats the minted id: one item                | test_a_retried_insert_is_one_item         |
| a process' own retry mints another id: two items               | test_an_insert_made_again_is_two_items    |
| TransactWriteItems writes all, or nothing where a check fails  | test_a_transaction_is_all_or_nothing      |
| its retry carries a client token: it is applied once           | test_a_retried_transaction_is_applied_once|
"""

from __future__ import annotations

import pytest

from checker.errors import ModelError, ModelErrorKind
from checker.ir.program import Budgets
from checker.ir.values import FrozenMap
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind
from tests.semantics.exploring import after, initial, machine_of, steps

from .service_models import Minting, Storing, Transacting

EMPTY, ONE, TWO = FrozenMap(), FrozenMap({0: 1}), FrozenMap({0: 2})


def outcome(operation: str, items: FrozenMap) -> tuple[FrozenMap, bool, int | None]:
    """Items, whether it was refused, and what was found, after one call on a table of ``items``."""
    machine = machine_of(Storing)
    places = {variable.name: place for place, variable in enumerate(machine.program.variables)}
    starts = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    (state,) = [s for s in starts if machine.label_of(s, 0).call.name == f"table.{operation}"]
    variables = list(state.variables)
    variables[places["table.items"]] = items
    following = [
        s for found in steps(machine, state._replace(variables=tuple(variables))).values() for s in found
    ]
    names = ("table.items", "refused", "found")
    (result,) = {tuple(after.variables[places[name]] for name in names) for after in following}
    return result


@pytest.mark.parametrize(
    ("operation", "before", "after", "refused"),
    [
        ("put", EMPTY, TWO, False),
        ("put", ONE, TWO, False),
        ("update", EMPTY, TWO, False),
        ("update", ONE, TWO, False),
        ("put_if_absent", EMPTY, TWO, False),
        ("put_if_absent", ONE, ONE, True),
        ("update_if", ONE, TWO, False),
        ("update_if", TWO, TWO, True),
        ("update_if", EMPTY, EMPTY, True),
        ("delete", ONE, EMPTY, False),
        ("delete", EMPTY, EMPTY, False),
    ],
)
def test_writes(operation: str, before: FrozenMap, after: FrozenMap, refused: bool) -> None:
    assert outcome(operation, before) == (after, refused, None)


@pytest.mark.parametrize(("items", "found"), [(EMPTY, None), (ONE, 1)])
def test_get(items: FrozenMap, found: int | None) -> None:
    assert outcome("get", items) == (items, False, found)


def rows(machine: Machine, state: State, name: str = "table.items") -> FrozenMap:
    found = state.variables[[variable.name for variable in machine.program.variables].index(name)]
    assert isinstance(found, FrozenMap)
    return found


def test_insert_takes_a_fresh_key() -> None:
    machine = machine_of(Minting, RowId=2)
    once = after(machine, initial(machine), StepKind.CALL)
    twice = after(machine, once, StepKind.CALL)
    assert rows(machine, once) == FrozenMap({0: 1})
    assert rows(machine, twice) == FrozenMap({0: 1, 1: 1})


def test_a_table_without_a_fresh_key_is_a_model_error() -> None:
    machine = machine_of(Minting, RowId=1)
    full = after(machine, initial(machine), StepKind.CALL)
    (error,) = (successor.outcome for successor in machine.successors(full))
    assert isinstance(error, ModelError)
    assert error.kind is ModelErrorKind.FULL
    assert "raise its bound in the spec" in error.what


def test_a_retried_insert_is_one_item() -> None:
    machine = machine_of(Minting, Budgets(ambiguous=1, max_attempts=2), RowId=3)
    lost = after(machine, initial(machine), StepKind.AMBIGUOUS)
    answered = after(machine, lost, StepKind.CALL)
    assert rows(machine, lost) == rows(machine, answered) == FrozenMap({0: 1})


def test_an_insert_made_again_is_two_items() -> None:
    """All attempts used up, the process begins again and mints another id."""
    machine = machine_of(Minting, Budgets(ambiguous=1, max_attempts=1), RowId=3)
    found = steps(machine, initial(machine))
    # Without an answer the item was inserted, or it was not.
    arrived, missed = [s for (kind, _), states in found.items() if kind is StepKind.AMBIGUOUS for s in states]
    assert rows(machine, after(machine, arrived, StepKind.CALL)) == FrozenMap({0: 1, 1: 1})
    assert rows(machine, after(machine, missed, StepKind.CALL)) == FrozenMap({0: 1})


def test_a_transaction_is_all_or_nothing() -> None:
    machine = machine_of(Transacting, RowId=3)
    done = after(machine, initial(machine), StepKind.CALL)
    assert rows(machine, done, "rows.items") == FrozenMap({0: 2})
    assert rows(machine, done, "markers.items") == FrozenMap({0: 1})
    canceled = after(machine, done, StepKind.CALL)
    assert rows(machine, canceled, "rows.items") == FrozenMap({0: 2})
    assert canceled.variables != done.variables


def test_a_retried_transaction_is_applied_once() -> None:
    machine = machine_of(Transacting, Budgets(ambiguous=1, max_attempts=2), RowId=3)
    lost = after(machine, initial(machine), StepKind.AMBIGUOUS)
    answered = after(machine, lost, StepKind.CALL)
    assert answered.variables == lost.variables
    assert rows(machine, answered, "rows.items") == FrozenMap({0: 2})
