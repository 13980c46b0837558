"""The tables with state of their own against what AWS says of them.

| clause (developer guide, API reference)                             | test                                 |
|---------------------------------------------------------------------|--------------------------------------|
| ADD starts a missing item at 0, and gives the new number            | test_an_atomic_counter               |
| an atomic counter is not idempotent                                 | test_a_retried_increment_counts_twice|
| a condition on a number of a missing item fails                     | test_taking_more_than_there_is       |
| a conditional delete, and a ConditionCheck, write nothing they must not | test_conditions_without_a_write  |
| a client token makes a repetition succeed without effect            | test_a_client_token                  |
| after ten minutes it is a new request                               | test_a_client_token_expires          |
| a cancelled transaction leaves its token unused (our choice)        | test_a_canceled_token                |
| expired items stay readable until they are deleted                  | test_time_to_live                    |
| a condition may take an expired item for absent                     | test_taking_over_an_expired_item     |
| a write renews the time to live                                     | test_a_write_renews_the_time_to_live |
| each change is in the stream once, in order for one item            | test_a_stream_keeps_an_items_order   |
| a write that changes nothing makes no record                        | test_no_change_no_record             |
| records of different items come in any order (shards)               | test_items_come_in_any_order         |
| a reader without a checkpoint reads again                           | test_a_stream_is_read_again          |
| records are kept for 24 hours                                       | test_a_trimmed_record                |
"""

from __future__ import annotations

from typing import ClassVar

from checker.dsl.lowering import lower
from checker.errors import ModelError
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.semantics.state import StepKind
from tests.differential.comparison import compare
from tests.native.agreement import compare_steps

from .driving import Driver
from .table_models import Busy, Call, Client


class Tables(Driver):
    """A client and its tables, with two keys and two tokens."""

    NAMES: ClassVar = {
        Call.PUT_ONCE: "payments.put_once",
        Call.PUT_NEW_ONCE: "payments.put_new_once",
        Call.LEASE: "leases.put",
        Call.GET_LIVE: "leases.get_live",
        Call.GET_LEASE: "leases.get",
        Call.LEASE_IF_FREE: "leases.put_if_absent_or_expired",
        Call.RELEASE: "leases.delete",
        Call.PUBLISH: "orders.put",
        Call.WITHDRAW: "orders.delete",
        Call.READ_STREAM: "orders.read_stream",
        Call.CHECKPOINT: "orders.checkpoint",
        Call.PUT_BOTH_NEW: "transact(counters.put_if_absent, counters.put_if_absent)",
        Call.CHECK_AND_PUT: "transact(counters.put, counters.check_absent)",
        Call.TAKE_AND_PUT: "transact(counters.take, counters.put)",
    }

    def __init__(self, **budgets: int) -> None:
        super().__init__(
            Client, {name.replace("__", "."): amount for name, amount in budgets.items()}, Key=2, Token=2
        )

    def call(
        self, call: Call, key: int = 0, number: int = 1, token: int = 0, choice: int | None = None
    ) -> bool:
        """One call; whether it was done, and not refused."""
        self.step("ask", list(Call).index(call), key, token, number)
        self.step("wishes.take", process=0)
        self.step(self.NAMES.get(call, f"counters.{call.name.lower()}"), process=0, choice=choice)
        return not self.value("refused")

    def found(self, call: Call, key: int = 0, number: int = 1) -> int | None:
        """What a call gives."""
        assert self.call(call, key, number)
        value = self.value("found")
        assert value is None or isinstance(value, int)
        return value


def test_an_atomic_counter() -> None:
    tables = Tables()
    assert tables.found(Call.ADD, number=2) == 2
    assert tables.found(Call.ADD, number=3) == 5
    assert tables.found(Call.ADD, number=-1) == 4
    assert tables.value("counters.items") == {0: 4}


def test_a_retried_increment_counts_twice() -> None:
    tables = Tables()
    tables.machine = Machine(
        lower(Client, {"Key": 2, "Token": 2}, Budgets(ambiguous=1, max_attempts=2)).program
    )
    tables.state = next(s.outcome for s in tables.machine.initial_states())  # type: ignore[assignment]
    tables.step("ask", list(Call).index(Call.ADD), 0, 0, 1)
    tables.step("wishes.take", process=0)
    (tables.state,) = [  # type: ignore[assignment]
        s.outcome for s in tables.machine.successors(tables.state) if s.transition.kind is StepKind.AMBIGUOUS
    ]
    tables.step("counters.add", process=0)
    assert tables.value("counters.items") == {0: 2}


def test_taking_more_than_there_is() -> None:
    tables = Tables()
    assert not tables.call(Call.TAKE), "a missing item"
    tables.call(Call.PUT, number=2)
    assert tables.call(Call.TAKE, number=2)
    assert not tables.call(Call.TAKE)
    assert tables.value("counters.items") == {0: 0}


def test_conditions_without_a_write() -> None:
    tables = Tables()
    assert not tables.call(Call.DELETE_IF), "a missing item"
    tables.call(Call.PUT, number=2)
    assert not tables.call(Call.DELETE_IF)
    tables.call(Call.PUT, number=1)
    assert tables.call(Call.DELETE_IF)
    assert tables.call(Call.CHECK_AND_PUT, number=3)
    assert tables.value("counters.items") == {0: 3}
    tables.call(Call.PUT, key=1)
    assert not tables.call(Call.CHECK_AND_PUT, number=4)
    assert tables.value("counters.items") == {0: 3, 1: 1}
    assert tables.call(Call.SCAN)
    assert tables.value("rows") == {1, 3}


def test_a_client_token() -> None:
    tables = Tables()
    assert tables.call(Call.PUT_ONCE, number=1)
    assert tables.call(Call.PUT_ONCE, number=2), "it is answered as the first time"
    assert tables.call(Call.PUT_NEW_ONCE, number=2)
    assert tables.value("payments.items") == {0: 1}
    assert tables.call(Call.PUT_ONCE, number=2, token=1)
    assert tables.value("payments.items") == {0: 2}


def test_a_client_token_expires() -> None:
    tables = Tables(payments__token_expiry=1)
    tables.call(Call.PUT_NEW_ONCE, number=1)
    tables.step("payments.token_expiry")
    before = tables.state
    assert tables.call(Call.PUT_ONCE, number=2)
    assert tables.value("payments.items") == {0: 2}
    tables.state = before
    assert not tables.call(Call.PUT_NEW_ONCE, number=2), "the condition still knows the item"


def test_a_canceled_token() -> None:
    tables = Tables()
    tables.call(Call.PUT_ONCE, number=1, token=0)
    assert not tables.call(Call.PUT_NEW_ONCE, number=2, token=1)
    assert not tables.call(Call.PUT_NEW_ONCE, number=2, token=1)
    assert tables.value("payments.tokens") == {0}


def test_time_to_live() -> None:
    tables = Tables(leases__expiry=1)
    tables.call(Call.LEASE, number=3)
    assert not tables.can("leases.ttl_delete")
    tables.step("leases.expiry")
    assert tables.found(Call.GET_LEASE) == 3
    assert tables.found(Call.GET_LIVE) is None
    tables.step("leases.ttl_delete")
    assert tables.found(Call.GET_LEASE) is None
    assert not tables.value("leases.expired")


def test_taking_over_an_expired_item() -> None:
    tables = Tables(leases__expiry=1)
    assert tables.call(Call.LEASE_IF_FREE, number=1)
    assert not tables.call(Call.LEASE_IF_FREE, number=2)
    tables.step("leases.expiry")
    assert tables.call(Call.LEASE_IF_FREE, number=2)
    assert tables.found(Call.GET_LIVE) == 2


def test_a_write_renews_the_time_to_live() -> None:
    tables = Tables(leases__expiry=2)
    tables.call(Call.LEASE, number=1)
    tables.step("leases.expiry")
    assert not tables.can("leases.expiry"), "it has expired already"
    tables.call(Call.LEASE, number=2)
    assert not tables.can("leases.ttl_delete")
    tables.step("leases.expiry")
    tables.call(Call.RELEASE)
    assert not tables.value("leases.expired")


def read(tables: Tables, choice: int | None = None) -> tuple[int, int | None]:
    tables.call(Call.READ_STREAM, choice=choice)
    key, item = tables.value("change")
    return key, item


def test_a_stream_keeps_an_items_order() -> None:
    tables = Tables()
    tables.call(Call.PUBLISH, number=1)
    tables.call(Call.PUBLISH, number=2)
    tables.call(Call.WITHDRAW)
    assert read(tables) == (0, 1)
    tables.call(Call.CHECKPOINT, number=1)
    assert read(tables) == (0, 2)
    tables.call(Call.CHECKPOINT, number=1)
    assert read(tables) == (0, 2), "an old checkpoint does nothing"
    tables.call(Call.CHECKPOINT, number=2)
    assert read(tables) == (0, None)


def test_no_change_no_record() -> None:
    tables = Tables()
    tables.call(Call.WITHDRAW)
    assert tables.value("orders.stream") == {}
    tables.call(Call.PUBLISH, number=1)
    tables.call(Call.PUBLISH, number=1)
    assert tables.value("orders.stream") == {0: (1,)}


def test_items_come_in_any_order() -> None:
    tables = Tables()
    tables.call(Call.PUBLISH, key=0, number=1)
    tables.call(Call.PUBLISH, key=1, number=2)
    before = tables.state
    assert read(tables, choice=1) == (1, 2)
    tables.state = before
    assert read(tables, choice=0) == (0, 1)


def test_a_stream_is_read_again() -> None:
    tables = Tables()
    tables.call(Call.PUBLISH, number=1)
    assert [read(tables), read(tables)] == [(0, 1), (0, 1)]
    tables.call(Call.CHECKPOINT, number=1)
    assert tables.value("orders.stream") == {}


def test_a_trimmed_record() -> None:
    tables = Tables(orders__trim=1)
    tables.call(Call.PUBLISH, number=1)
    tables.call(Call.PUBLISH, number=2)
    tables.step("orders.trim")
    assert read(tables) == (0, 2)


def test_a_number_outside_the_counters_range_is_a_model_error() -> None:
    tables = Tables()
    tables.call(Call.PUT, number=9)
    tables.step("ask", list(Call).index(Call.ADD), 0, 0, 1)
    tables.step("wishes.take", process=0)
    (error,) = [
        s.outcome for s in tables.machine.successors(tables.state) if s.transition.name == "counters.add"
    ]
    assert isinstance(error, ModelError)
    assert "10 is outside int[-1..9]" in error.what


def test_three_executions_agree() -> None:
    faults = (("payments.token_expiry", 1), ("leases.expiry", 1), ("orders.trim", 1))
    lowered = lower(Busy, {"Key": 1, "Token": 2}, Budgets(component=faults))
    found = compare(lowered, 60)
    assert found.transitions["fault"] > 0
    assert compare_steps(lowered, 400) > 2000
