"""Reconciliation: a job repairs what one Region lacks of another's orders, while these go on changing.

Orders change in their home Region, one version after the other; replication brings the versions to the
other Region, sooner or later. What an accident has removed there (a restore, an import, a bug) does not come
back by itself. The job cannot tell the one from the other: it repairs what it finds missing.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import GlobalTable, Region
from checker.components.global_table import Replica
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    Set,
    action,
    always,
    fault,
    process,
    quiescent,
    reachable,
    record,
    when,
)
from models.clients import Clients, Sent

#: Where orders change, and where the job looks for gaps.
HOME = Region(0)
AWAY = Region(1)

VERSIONS = 2
Version = Annotated[int, Range(0, VERSIONS)]


class Order(Index, interchangeable=True):
    """Orders."""


@record
class Change:
    """The request to bring an order to its next version; the first one creates it."""

    order: Order
    version: Version


@record
class Row:
    """An order as a Region shows it, and a bit that a repair turns over.

    An update that leaves an item as it was need not be replicated.
    """

    version: Version
    touched: bool


class Orders(GlobalTable[Order, Row]):
    """The orders, with accidents."""

    def lose(self, region: Region, order: Order) -> None:
        """An item is gone in one replica, without a write that the others would hear of."""
        self.shown.discard(Replica(region, order))
        self._forget(order)


class Reconciliation(Model):
    """What the variants share: the service that changes orders, and the plan to look at each of them."""

    clients: Clients[Change]
    repairs: Clients[Order]
    orders: Orders
    sent: Map[Order, Version] = Map.filled(0)
    planned: Set[Order]
    repaired: bool = False

    @action
    def change(self, order: Order) -> None:
        """A customer changes an order."""
        when(self.sent[order] < VERSIONS)
        self.sent[order] = self.sent[order] + 1
        self.clients.send(HOME, Change(order, self.sent[order]))

    @action
    def plan(self, order: Order) -> None:
        """The job's turn to look at an order comes."""
        when(order not in self.planned and Sent(AWAY, order) not in self.repairs.waiting)
        self.planned.add(order)
        self.repairs.send(AWAY, order)

    @fault
    def lose_row(self, order: Order) -> None:
        """An accident removes an order in the other Region; the job will come round to it once more."""
        when(self.orders.has(AWAY, order))
        self.orders.lose(AWAY, order)
        self.planned.discard(order)

    @process
    async def service(self) -> None:
        change = await self.clients.next_request(HOME)
        present = await self.orders.get(HOME, change.order)
        old = 0 if present is None else present.version
        if old + 1 < change.version:
            return
        if old < change.version:
            try:
                if present is None:
                    await self.orders.put_if_absent(HOME, change.order, Row(change.version, False))
                else:
                    changed = Row(change.version, False)
                    await self.orders.update_if(HOME, change.order, present, changed)
            except ConditionalCheckFailed:
                return
        await self.clients.confirm(HOME, change)

    def version(self, region: Region, order: Order) -> int:
        row = self.orders.read(region, order)
        return 0 if row is None else row.version

    @always
    def no_change_is_undone(self) -> bool:
        """What is acknowledged stays at least that new in the home Region."""
        return all(self.version(HOME, change.order) >= change.version for change in self.clients.confirmed)

    @quiescent
    def regions_agree(self) -> bool:
        """Once all is quiet, every Region shows the last version that was sent, also after an accident."""
        return all(self.version(region, order) == self.sent[order] for region in Region for order in Order)

    @reachable
    def a_repair_is_made(self) -> bool:
        """The job finds gaps, and every change can be made all the same."""
        return self.repaired and len(self.clients.confirmed) == 2 * len(Order)


class BlindRepair(Reconciliation):
    """Write what the home Region showed: a new write, which beats a change that was made meanwhile."""

    @process
    async def job(self) -> None:
        order = await self.repairs.next_request(AWAY)
        theirs = await self.orders.get(HOME, order)
        mine = await self.orders.get(AWAY, order)
        if theirs is not None and mine != theirs:
            await self.orders.put(AWAY, order, theirs)
            self.repaired = True
        await self.repairs.confirm(AWAY, order)


class RepairIfUnchanged(Reconciliation):
    """Write it if the gap is still there: the condition does not see a change that is still on its way."""

    @process
    async def job(self) -> None:
        order = await self.repairs.next_request(AWAY)
        theirs = await self.orders.get(HOME, order)
        mine = await self.orders.get(AWAY, order)
        if theirs is not None and mine != theirs:
            try:
                if mine is None:
                    await self.orders.put_if_absent(AWAY, order, theirs)
                else:
                    await self.orders.update_if(AWAY, order, mine, theirs)
                self.repaired = True
            except ConditionalCheckFailed:
                pass
        await self.repairs.confirm(AWAY, order)


class RepairAtHome(Reconciliation):
    """Touch the order in its home Region if it has not changed: replication then brings what is missing."""

    @process
    async def job(self) -> None:
        order = await self.repairs.next_request(AWAY)
        theirs = await self.orders.get(HOME, order)
        mine = await self.orders.get(AWAY, order)
        if theirs is not None and mine != theirs:
            try:
                touched = Row(theirs.version, not theirs.touched)
                await self.orders.update_if(HOME, order, theirs, touched)
                self.repaired = True
            except ConditionalCheckFailed:
                pass
        await self.repairs.confirm(AWAY, order)
