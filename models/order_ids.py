"""Orders on both sides of a partition: a client without an answer sends its order to another Region, too."""

from __future__ import annotations

from checker.components import Charged, GlobalTable, Provider, Region
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
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


class Order(Index, interchangeable=True):
    """Orders, by the id that the client gave them."""


@record
class RegionalId:
    """The number that a Region gives to an order that it receives."""

    region: Region
    order: Order


class Intake(Model):
    """What the variants share: orders arrive, are paid, and are stored."""

    clients: Clients[Order]
    placed: Set[Order]

    @action
    def place(self, order: Order, region: Region) -> None:
        """A client places an order in a Region."""
        when(order not in self.placed)
        self.placed.add(order)
        self.clients.send(region, order)

    def rows(self, region: Region, order: Order) -> int:
        """How many orders a Region shows for one that a client placed; each variant has its own way."""
        return 0

    def charges(self, order: Order) -> int:
        """How often the client was charged."""
        return 0

    @always
    def at_most_one_order(self) -> bool:
        """No Region shows an order twice, once the partition is healed either."""
        return all(self.rows(region, order) <= 1 for region in Region for order in Order)

    @always
    def charged_at_most_once(self) -> bool:
        """Nobody pays twice for one order."""
        return all(self.charges(order) <= 1 for order in Order)

    @quiescent
    def regions_agree(self) -> bool:
        """Once all is quiet, every Region shows every order that was placed, once, and it is paid."""
        return all(
            self.rows(region, order) == 1 and self.charges(order) == 1
            for region in Region
            for order in self.placed
        )

    @reachable
    def all_orders_are_confirmed(self) -> bool:
        """Every order can be stored and paid."""
        return all(order in self.clients.confirmed and self.charges(order) == 1 for order in Order)


class RegionalIds(Intake):
    """Each Region numbers the orders that it receives: the same order in two Regions is two orders."""

    orders: GlobalTable[RegionalId, Order]
    bank: Provider[RegionalId, Order]

    def rows(self, region: Region, order: Order) -> int:
        return sum(1 for home in Region if self.orders.has(region, RegionalId(home, order)))

    def charges(self, order: Order) -> int:
        return self.bank.times_charged(order)

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        order = await self.clients.next_request(here)
        if await self.bank.charge(RegionalId(here, order), order) != Charged.DONE:
            return
        try:
            await self.orders.put_if_absent(here, RegionalId(here, order), order)
        except ConditionalCheckFailed:
            pass
        await self.clients.confirm(here, order)


class ClientIds(Intake):
    """The client's id is the key everywhere: of the order, and of its payment."""

    orders: GlobalTable[Order, Region]
    bank: Provider[Order, Order]

    def rows(self, region: Region, order: Order) -> int:
        return 1 if self.orders.has(region, order) else 0

    def charges(self, order: Order) -> int:
        return self.bank.times_charged(order)

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        order = await self.clients.next_request(here)
        if await self.bank.charge(order, order) != Charged.DONE:
            return
        try:
            await self.orders.put_if_absent(here, order, here)
        except ConditionalCheckFailed:
            pass
        await self.clients.confirm(here, order)
