"""Regions and StrongGlobalTable against what AWS says of them.

| clause (developer guides, API reference)                       | test                                     |
|----------------------------------------------------------------|------------------------------------------|
| DNS gives the active Region, or an old answer until it expires | test_an_old_answer_until_it_expires      |
| a failover makes another Region active, and a higher epoch     | test_a_failover_and_a_failback           |
| a failback makes the home Region active again                  | test_a_failover_and_a_failback           |
| a Region that clients cannot reach is back in the end          | test_a_region_out_of_reach               |
| a lost Region is not, and nothing fails over to it             | test_a_lost_region                       |
| MRSC: every Region reads the last write (ConsistentRead)       | test_strong_reads                        |
| MRSC: conditions are evaluated against it, too                 | test_strong_conditions                   |
| MRSC: concurrent writes of an item may be refused              | test_a_write_conflict                    |
| MRSC: an isolated Region serves nothing, the others go on      | test_an_isolated_region                  |
| MRSC: nothing acknowledged is lost with a Region (RPO 0)       | test_a_lost_replica                      |
| MRSC: exactly three Regions                                    | test_bad_wiring.py                       |
| MRSC: no transactions                                          | test_bad_wiring.py                       |
"""

from __future__ import annotations

from checker.dsl.lowering import lower
from checker.ir.program import Budgets
from tests.differential.comparison import compare
from tests.native.agreement import compare_steps

from .driving import Driver
from .region_models import Busy, Call, Client, Outcome


class World(Driver):
    """A client, three Regions and a table."""

    def __init__(self, **budgets: int) -> None:
        given = {name.replace("__", "."): amount for name, amount in budgets.items()}
        super().__init__(Client, given, Region=3, Key=1)

    def call(self, call: Call, region: int = 0, number: int = 1, choice: int | None = None) -> Outcome:
        self.step("ask", list(Call).index(call), region, 0, number)
        self.step("wishes.take", process=0)
        component = "regions" if call.value <= Call.LEASE.value else "table"
        self.step(f"{component}.{call.name.lower()}", process=0, choice=choice)
        return list(Outcome)[int(self.value("outcome"))]

    def reads(self) -> list[object]:
        """What each Region reads: a number, None, or how the read was answered."""
        found = []
        for region in range(3):
            outcome = self.call(Call.GET, region)
            found.append(self.value("found") if outcome is Outcome.DONE else outcome)
        return found

    def routes(self) -> list[int]:
        """The Regions to which a client can be routed."""
        self.step("ask", list(Call).index(Call.ROUTE), 0, 0, 0)
        self.step("wishes.take", process=0)
        asked, found = self.state, []
        for outcome in self.outcomes("regions.route", process=0):
            self.state = outcome
            found.append(int(self.value("region")))
        self.state = asked
        self.step("regions.route", process=0, choice=0)
        return sorted(found)


def test_an_old_answer_until_it_expires() -> None:
    world = World(regions__failover=1)
    assert world.routes() == [0]
    assert not world.can("regions.dns_expires")
    world.step("regions.failover", 2)
    assert world.routes() == [0, 2]
    world.step("regions.dns_expires")
    assert world.routes() == [2]


def test_a_failover_and_a_failback() -> None:
    world = World(regions__failover=2, regions__failback=1)
    assert not world.can("regions.failover", 0), "it is active"
    assert not world.can("regions.failback")
    leases = []
    for step in (("regions.failover", 1), ("regions.failover", 2), ("regions.failback",)):
        world.step(*step)
        world.call(Call.LEASE)
        leases.append(world.value("lease"))
    assert leases == [(1, 1), (2, 2), (0, 3)]
    assert world.routes() == [0, 2]


def test_a_region_out_of_reach() -> None:
    world = World(regions__cut_off=2)
    assert world.call(Call.REACH, 1) is Outcome.DONE
    world.step("regions.cut_off", 1)
    assert not world.can("regions.cut_off", 0), "one at a time"
    assert [world.call(Call.REACH, region) for region in range(2)] == [Outcome.DONE, Outcome.UNAVAILABLE]
    world.step("regions.restore")
    assert world.call(Call.REACH, 1) is Outcome.DONE
    assert not world.can("regions.restore")


def test_a_lost_region() -> None:
    world = World(regions__failover=1, regions__failback=1, regions__region_loss=2)
    world.step("regions.region_loss", 2)
    assert not world.can("regions.region_loss", 2)
    assert world.call(Call.REACH, 2) is Outcome.UNAVAILABLE
    assert not world.can("regions.failover", 2)
    world.step("regions.failover", 1)
    world.step("regions.region_loss", 0)
    assert not world.can("regions.failback")


def test_strong_reads() -> None:
    world = World()
    assert world.reads() == [None, None, None]
    assert world.call(Call.PUT, 1, 1) is Outcome.DONE
    assert world.reads() == [1, 1, 1]
    assert world.holds("one_is_there")
    assert world.call(Call.DELETE, 2) is Outcome.DONE
    assert world.reads() == [None, None, None]


def test_strong_conditions() -> None:
    world = World()
    assert world.call(Call.PUT_IF_ABSENT, 0, 1) is Outcome.DONE
    assert world.call(Call.PUT_IF_ABSENT, 1, 2) is Outcome.REFUSED
    assert world.call(Call.UPDATE_IF, 2, 3) is Outcome.DONE
    assert world.call(Call.UPDATE_IF, 0, 4) is Outcome.REFUSED
    assert world.reads() == [3, 3, 3]


def test_a_write_conflict() -> None:
    world = World(table__write_conflict=2)
    world.step("table.write_conflict", 1)
    assert not world.can("table.write_conflict", 0), "one at a time"
    for call in (Call.PUT, Call.PUT_IF_ABSENT, Call.DELETE):
        assert world.call(call, 1) is Outcome.CONFLICT
    assert world.call(Call.UPDATE_IF, 1) is Outcome.REFUSED, "the condition fails first"
    assert world.reads() == [None, None, None]
    assert world.call(Call.PUT, 0) is Outcome.DONE
    assert world.call(Call.UPDATE_IF, 1) is Outcome.CONFLICT
    world.step("table.conflict_over")
    assert world.call(Call.UPDATE_IF, 1, 2) is Outcome.DONE
    assert not world.can("table.conflict_over")


def test_an_isolated_region() -> None:
    world = World(table__isolation=2)
    world.step("table.isolation", 0)
    assert not world.can("table.isolation", 1), "the other two are the majority"
    for call in (Call.PUT, Call.PUT_IF_ABSENT, Call.UPDATE_IF, Call.DELETE):
        assert world.call(call, 0) is Outcome.UNAVAILABLE
    assert world.call(Call.PUT, 1, 2) is Outcome.DONE
    assert world.reads() == [Outcome.UNAVAILABLE, 2, 2]
    world.step("table.rejoin")
    assert world.reads() == [2, 2, 2]
    assert not world.can("table.rejoin")


def test_a_lost_replica() -> None:
    world = World(table__region_loss=2)
    world.call(Call.PUT, 0, 3)
    world.step("table.region_loss", 0)
    assert not world.can("table.region_loss", 1), "a majority is left"
    assert world.reads() == [Outcome.UNAVAILABLE, 3, 3]


def test_three_executions_agree() -> None:
    names = [f"regions.{name}" for name in ("failover", "failback", "cut_off", "region_loss")]
    names += [f"table.{name}" for name in ("write_conflict", "isolation", "region_loss")]
    lowered = lower(Busy, {"Region": 2, "Key": 1}, Budgets(component=tuple((name, 1) for name in names)))
    found = compare(lowered, 60)
    assert found.transitions["fault"] > 0
    assert compare_steps(lowered, 400) > 2000
