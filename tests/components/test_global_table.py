"""GlobalTable against what AWS says of global tables with eventual consistency (MREC).

| clause (developer guide, prescriptive guidance)                   | test                                   |
|-------------------------------------------------------------------|----------------------------------------|
| a write is answered by its own Region, and read there             | test_a_write_is_read_in_its_own_region |
| it reaches the other Regions later                                | test_a_write_arrives_later             |
| items replicate one by one, in any order                          | test_items_arrive_in_any_order         |
| so that a transaction is torn in other Regions                    | test_a_transaction_is_torn_on_its_way  |
| each of several writes of an item may be seen on its way          | test_every_version_may_be_seen         |
| a condition is evaluated against the local version                | test_conditions_ask_the_local_replica  |
| the same holds for update expressions                             | test_an_update_expression_is_local     |
| the last of two concurrent writes wins in every Region            | test_the_last_writer_wins              |
| the loser is gone without a trace                                 | test_the_last_writer_wins              |
| a delete is a write like any other; it can win, or lose           | test_a_delete_replicates, ..._loses    |
| a partition holds replication up, not the clients                 | test_a_partition_and_its_end           |
| "last" is what clocks say (inference)                             | test_a_clock_that_is_behind            |
| a lost Region takes along what had not left it (inference)        | test_a_lost_region                     |
"""

from __future__ import annotations

import pytest

from checker.dsl.lowering import lower
from checker.errors import ModelError
from checker.ir.program import Budgets
from checker.semantics.state import State
from tests.differential.comparison import compare
from tests.native.agreement import compare_steps

from .driving import Driver, Impossible
from .regional_models import Busy, Call, Clients, Outcome

FAULTS = ("table.partition", "table.clock_skew", "table.region_loss")


class Regions(Driver):
    """Clients in some Regions; each call is one that a client makes."""

    def __init__(self, regions: int = 2, keys: int = 2, **budgets: int) -> None:
        given = {f"table.{name}": amount for name, amount in budgets.items()}
        super().__init__(Clients, given, Region=regions, Key=keys)

    def call(
        self, region: int, call: Call, number: int = 0, key: int = 0, choice: int | None = None
    ) -> Outcome:
        """One call of the client in a Region; how it was answered."""
        self.step("ask", region, list(Call).index(call), key, number)
        self.step("requests.take", process=region)
        made = {Call.UPDATE_IF_ONE: "update_if"}.get(call, call.name.lower())
        name = "transact(table.put, table.put)" if call is Call.PUT_BOTH else f"table.{made}"
        self.step(name, process=region, choice=choice)
        answer = int(self.value("answers")[region][0])
        return list(Outcome)[answer]

    def read(self, region: int, key: int = 0) -> int | None:
        """What a Region shows, by GetItem."""
        assert self.call(region, Call.GET, key=key) is Outcome.DONE
        found = self.value("answers")[region][1]
        assert found is None or isinstance(found, int)
        return found

    def everywhere(self, regions: int = 2, key: int = 0) -> list[int | None]:
        return [self.read(region, key) for region in range(regions)]

    def replicate(self, target: int, key: int = 0, choice: int | None = None) -> None:
        self.step("table.replicate", target, key, choice=choice)


def test_a_write_is_read_in_its_own_region() -> None:
    world = Regions()
    assert world.call(0, Call.PUT, 1) is Outcome.DONE
    assert world.everywhere() == [1, None]
    assert not world.holds("regions_agree")


def test_a_write_arrives_later() -> None:
    world = Regions(regions=3)
    world.call(0, Call.PUT, 1)
    world.replicate(2)
    assert world.everywhere(3) == [1, None, 1]
    world.replicate(1)
    assert world.everywhere(3) == [1, 1, 1]
    assert world.holds("regions_agree")
    assert not any(world.can("table.replicate", target, 0) for target in range(3))


def test_items_arrive_in_any_order() -> None:
    for first, shown in ((0, (1, None)), (1, (None, 2))):
        world = Regions()
        world.call(0, Call.PUT, 1, key=0)
        world.call(0, Call.PUT, 2, key=1)
        world.replicate(1, first)
        assert (world.read(1, 0), world.read(1, 1)) == shown
        assert not world.can("table.replicate", 1, first)


def test_a_transaction_is_torn_on_its_way() -> None:
    world = Regions()
    world.call(0, Call.PUT_BOTH, 1)
    assert (world.read(0, 0), world.read(0, 1)) == (1, 1)
    world.replicate(1, key=1)
    assert (world.read(1, 0), world.read(1, 1)) == (None, 1)


def test_every_version_may_be_seen() -> None:
    """Region 1 sees the older version although the newer one is written already; or the newer one alone."""
    world = Regions()
    world.call(0, Call.PUT, 1)
    world.call(0, Call.PUT, 2)
    one_by_one = [world.outcomes("table.replicate", 1, 0)[0]]
    assert len(world.outcomes("table.replicate", 1, 0)) == 2
    world.replicate(1, choice=1)
    assert world.everywhere() == [2, 2]
    assert not world.can("table.replicate", 1, 0), "the older one would be dropped on arrival"
    world.state = one_by_one[0]
    assert world.everywhere() == [2, 1]
    world.replicate(1)
    assert world.everywhere() == [2, 2]


def test_conditions_ask_the_local_replica() -> None:
    world = Regions()
    assert world.call(0, Call.PUT_IF_ABSENT, 1) is Outcome.DONE
    assert world.call(0, Call.PUT_IF_ABSENT, 2) is Outcome.REFUSED
    assert world.call(1, Call.PUT_IF_ABSENT, 3) is Outcome.DONE, "the item is not there yet"
    assert world.call(0, Call.UPDATE_IF_ONE, 4) is Outcome.DONE, "it is still 1 here"
    assert world.call(1, Call.UPDATE_IF_ONE, 5) is Outcome.REFUSED
    assert world.everywhere() == [4, 3]


def test_an_update_expression_is_local() -> None:
    """Both Regions add 1 to 1: everywhere it is 2, and no error was seen."""
    world = Regions()
    world.call(0, Call.PUT, 1)
    world.replicate(1)
    assert world.call(0, Call.ADD, 1) is Outcome.DONE
    assert world.call(1, Call.ADD, 1) is Outcome.DONE
    world.replicate(0)
    assert world.everywhere() == [2, 2]
    assert not world.can("table.replicate", 1, 0)


def test_the_last_writer_wins() -> None:
    world = Regions()
    world.call(0, Call.PUT, 1)
    world.call(1, Call.PUT, 2)
    # The earlier write would be dropped in Region 1: only the later one has anywhere to go.
    assert not world.can("table.replicate", 1, 0)
    world.replicate(0)
    assert world.everywhere() == [2, 2]
    assert world.value("table.versions") == {(0, 0): 2}


def test_the_last_writer_wins_among_three() -> None:
    world = Regions(regions=3)
    for region in range(3):
        world.call(region, Call.PUT, region + 1)
    world.replicate(0, choice=0)
    assert world.everywhere(3) == [2, 2, 3]
    world.replicate(0)
    world.replicate(1)
    assert world.everywhere(3) == [3, 3, 3]
    assert world.value("table.versions") == {(0, 0): 3}


def test_a_delete_replicates() -> None:
    world = Regions()
    world.call(0, Call.PUT, 1)
    world.replicate(1)
    world.call(1, Call.DELETE)
    assert world.everywhere() == [1, None]
    world.replicate(0)
    assert world.everywhere() == [None, None]
    assert world.value("table.versions") == {}, "as if the item had never been"
    assert world.value("table.shown") == {}


def test_a_delete_loses_against_a_later_write() -> None:
    world = Regions()
    world.call(0, Call.PUT, 1)
    world.replicate(1)
    world.call(1, Call.DELETE)
    world.call(0, Call.PUT, 2)
    world.replicate(1)
    assert world.everywhere() == [2, 2]


def test_deleting_a_missing_item_is_no_write() -> None:
    world = Regions()
    world.call(0, Call.PUT, 1)
    assert world.call(1, Call.DELETE) is Outcome.DONE
    assert world.value("table.arriving") == {(1, 0, 0): 0}
    world.replicate(1)
    assert world.everywhere() == [1, 1]


def test_a_partition_and_its_end() -> None:
    world = Regions(regions=3, partition=2)
    world.step("table.partition", 0)
    assert not world.can("table.partition", 1), "one Region at a time"
    world.call(0, Call.PUT, 1)
    world.call(1, Call.PUT, 2)
    assert not world.can("table.replicate", 0, 0)
    # Nothing of the isolated Region arrives; the others go on among themselves.
    assert len(world.outcomes("table.replicate", 2, 0)) == 1
    world.replicate(2)
    assert world.everywhere(3) == [1, 2, 2]
    world.step("table.heal")
    world.replicate(0)
    assert world.everywhere(3) == [2, 2, 2]
    with pytest.raises(Impossible):
        world.step("table.heal")


def test_either_of_two_regions_is_cut_off_from_the_other() -> None:
    world = Regions(partition=1)
    assert world.can("table.partition", 0)
    assert not world.can("table.partition", 1), "that is the same partition"
    assert Regions(regions=3, partition=1).can("table.partition", 2)


def test_a_clock_that_is_behind() -> None:
    """Region 1 writes later, under an earlier timestamp: its write loses, though it was acknowledged."""
    world = Regions(clock_skew=1)
    world.step("table.clock_skew", 1)
    world.call(0, Call.PUT, 1)
    before = world.state
    lost = world.call(1, Call.PUT, 2, choice=0)
    assert lost is Outcome.DONE
    world.replicate(1)
    assert world.everywhere() == [1, 1]
    world.state = before
    world.call(1, Call.PUT, 2, choice=1)
    world.replicate(0)
    assert world.everywhere() == [2, 2]
    # What it has seen, it replaces: 3 comes after 2 in any case.
    world.call(1, Call.PUT, 3)
    world.replicate(0)
    assert world.everywhere() == [3, 3]


def test_a_clock_that_is_behind_renumbers_what_is_on_its_way() -> None:
    """Region 1's write takes the lowest place, between what two others have under way."""
    world = Regions(regions=3, clock_skew=1)
    world.step("table.clock_skew", 1)
    world.call(0, Call.PUT, 1)
    world.call(0, Call.PUT, 2)
    world.call(1, Call.PUT, 3, choice=0)
    assert world.value("table.versions") == {(0, 0): 3, (0, 1): 1, (0, 2): 2}
    assert world.value("table.shown") == {(0, 0): 2, (1, 0): 0}
    assert world.value("table.arriving") == {
        (1, 0, 1): 0,
        (1, 0, 2): 0,
        (2, 0, 0): 1,
        (2, 0, 1): 0,
        (2, 0, 2): 0,
    }
    world.replicate(1, choice=0)
    world.replicate(2, choice=0)
    assert world.everywhere(3) == [2, 1, 3]
    world.replicate(1)
    world.replicate(2, choice=1)
    assert world.everywhere(3) == [2, 2, 2]


def test_a_lost_region() -> None:
    world = Regions(region_loss=1)
    world.call(0, Call.PUT, 1, key=0)
    world.replicate(1, key=0)
    world.call(0, Call.PUT, 2, key=1)
    world.step("table.region_loss", 0)
    assert world.call(0, Call.PUT, 3) is Outcome.UNAVAILABLE
    assert (world.read(1, 0), world.read(1, 1)) == (1, None)
    assert not world.can("table.replicate", 1, 1)
    assert world.holds("regions_agree")
    world.call(1, Call.PUT, 4)
    assert world.value("table.arriving") == {}


def test_a_delete_outlives_what_it_deletes() -> None:
    """The write was lost on its way to Region 2 with Region 0; its delete, made in Region 1, goes on."""
    world = Regions(regions=3, region_loss=1)
    world.call(0, Call.PUT, 1)
    world.replicate(1)
    world.call(1, Call.DELETE)
    world.step("table.region_loss", 0)
    assert world.value("table.arriving") == {(2, 0, 1): 1}
    assert world.value("table.versions") == {(0, 1): None}, "the gap is closed with the next change"
    world.replicate(2)
    assert world.value("table.versions") == world.value("table.shown") == {}
    assert world.holds("regions_agree")


def test_regions_without_the_lost_one_agree() -> None:
    world = Regions(region_loss=1)
    world.call(0, Call.PUT, 1)
    world.replicate(1)
    world.step("table.region_loss", 0)
    assert world.holds("regions_agree")


def test_what_properties_may_ask() -> None:
    world = Regions()
    assert not world.holds("a_one_and_all_keys_are_shown")
    world.call(0, Call.PUT_BOTH, 1)
    assert world.holds("a_one_and_all_keys_are_shown")
    world.call(0, Call.DELETE, key=1)
    assert not world.holds("a_one_and_all_keys_are_shown")


def test_too_many_versions_are_a_model_error() -> None:
    world = Regions()
    for _ in range(8):
        world.call(0, Call.PUT, 1)
    world.step("ask", 0, list(Call).index(Call.PUT), 0, 1)
    world.step("requests.take", process=0)
    outcomes = [s.outcome for s in world.machine.successors(world.state) if s.transition.name == "table.put"]
    (error,) = outcomes
    assert isinstance(error, ModelError)
    assert "int[0..7]" in error.what


def test_three_executions_agree() -> None:
    """CPython, the interpreter and the generated C, with every fault."""
    faults = tuple((name, 1) for name in FAULTS)
    lowered = lower(Busy, {"Region": 2, "Key": 1}, Budgets(component=faults))
    found = compare(lowered, 60)
    assert found.states == 60
    assert found.transitions["fault"] > 0
    assert set(found.values) == {"True", "False"}
    assert compare_steps(lowered, 400) > 2000


def test_faults_without_a_budget_cost_no_states() -> None:
    """Their variables keep their initial values, and nothing of them is possible."""
    world = Regions()
    seen, todo = {world.state}, [world.state]
    while len(seen) < 2000:
        world.state = todo.pop(0)
        assert (world.value("table.isolated"), world.value("table.behind")) == (None, None)
        assert not world.value("table.lost")
        for successor in world.machine.successors(world.state):
            assert not successor.transition.kind.is_fault
            assert isinstance(successor.outcome, State)
            if successor.outcome not in seen:
                seen.add(successor.outcome)
                todo.append(successor.outcome)
