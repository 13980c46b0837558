"""Reconciliation: a job repairs what one Region lacks of another's orders, while these go on changing.

Orders change in their home Region, one version after the other; replication brings the versions to the
other Region, sooner or later. The job does not know which, and copies what it finds missing.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import GlobalTable, Region
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    Set,
    action,
    always,
    process,
    quiescent,
    reachable,
    record,
    when,
)
from models.clients import Clients

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


class Reconciliation(Model):
    """What the variants share: the service that changes orders, and the plan to repair each of them once."""

    clients: Clients[Change]
    repairs: Clients[Order]
    orders: GlobalTable[Order, Version]
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
        when(order not in self.planned)
        self.planned.add(order)
        self.repairs.send(AWAY, order)

    @process
    async def service(self) -> None:
        change = await self.clients.next_request(HOME)
        present = await self.orders.get(HOME, change.order)
        old = 0 if present is None else present
        if old + 1 < change.version:
            return
        if old < change.version:
            try:
                if present is None:
                    await self.orders.put_if_absent(HOME, change.order, change.version)
                else:
                    await self.orders.update_if(HOME, change.order, present, change.version)
            except ConditionalCheckFailed:
                return
        await self.clients.confirm(HOME, change)

    def version(self, region: Region, order: Order) -> int:
        version = self.orders.read(region, order)
        return 0 if version is None else version

    @always
    def no_change_is_undone(self) -> bool:
        """What is acknowledged stays at least that new in the home Region."""
        return all(self.version(HOME, change.order) >= change.version for change in self.clients.confirmed)

    @quiescent
    def regions_agree(self) -> bool:
        """Once all is quiet, every Region shows the last version that was sent."""
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
                await self.orders.update_if(HOME, order, theirs, theirs)
                self.repaired = True
            except ConditionalCheckFailed:
                pass
        await self.repairs.confirm(AWAY, order)
