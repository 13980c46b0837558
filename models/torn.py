"""A transaction in one Region, seen in another: its items replicate one by one.

The shop writes an order and the reservation of its goods in one transaction; the warehouse works in
another Region, from that Region's replicas.
"""

from __future__ import annotations

from checker.components import GlobalTable, Region
from checker.dsl import (
    Index,
    Model,
    Set,
    TransactionCanceled,
    action,
    always,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)
from models.clients import Clients

SHOP = Region(0)
WAREHOUSE = Region(1)


class Order(Index, interchangeable=True):
    """Orders."""


@record
class Row:
    """Says that something is there for an order."""


@record
class WholeOrder:
    """An order together with its reservation."""

    reserved: bool


class Checkout(Model):
    """What the variants share: each order goes to the shop, and a picking list to the warehouse."""

    clients: Clients[Order]
    picking: Clients[Order]
    placed: Set[Order]

    @action
    def place(self, order: Order) -> None:
        """A customer orders; the warehouse is told to look."""
        when(order not in self.placed)
        self.placed.add(order)
        self.clients.send(SHOP, order)
        self.picking.send(WAREHOUSE, order)

    def is_whole(self, order: Order) -> bool:
        """Whether the warehouse's Region shows all of an order; each variant has its own tables."""
        return True

    @always
    def nothing_ships_in_part(self) -> bool:
        """What the warehouse ships is there as a whole."""
        return all(self.is_whole(order) for order in self.picking.confirmed)

    @always
    def no_reserved_order_is_cancelled(self) -> bool:
        """The warehouse never takes an order for one without goods: they all have some."""
        return len(self.picking.refused) == 0

    @quiescent
    def every_order_is_shipped(self) -> bool:
        """Once all is quiet, every order has been shipped."""
        return all(order in self.picking.confirmed for order in self.placed)

    @reachable
    def all_orders_are_shipped(self) -> bool:
        """Every order can be shipped."""
        return all(order in self.picking.confirmed for order in Order)


class TrustedTransaction(Checkout):
    """An order without a reservation has no goods, says the transaction: in the other Region it lies."""

    orders: GlobalTable[Order, Row]
    reservations: GlobalTable[Order, Row]

    def is_whole(self, order: Order) -> bool:
        return self.orders.has(WAREHOUSE, order) and self.reservations.has(WAREHOUSE, order)

    @process
    async def shop(self) -> None:
        order = await self.clients.next_request(SHOP)
        try:
            await transact(
                self.orders.put_if_absent(SHOP, order, Row()),
                self.reservations.put_if_absent(SHOP, order, Row()),
            )
        except TransactionCanceled:
            pass
        await self.clients.confirm(SHOP, order)

    @process
    async def warehouse(self) -> None:
        order = await self.picking.next_request(WAREHOUSE)
        if await self.orders.get(WAREHOUSE, order) is None:
            return
        if await self.reservations.get(WAREHOUSE, order) is None:
            await self.picking.refuse(WAREHOUSE, order)
            return
        await self.picking.confirm(WAREHOUSE, order)


class MarkerLast(Checkout):
    """Write a marker after the transaction, and act on the marker: it may arrive before what it marks."""

    orders: GlobalTable[Order, Row]
    reservations: GlobalTable[Order, Row]
    markers: GlobalTable[Order, Row]

    def is_whole(self, order: Order) -> bool:
        return self.orders.has(WAREHOUSE, order) and self.reservations.has(WAREHOUSE, order)

    @process
    async def shop(self) -> None:
        order = await self.clients.next_request(SHOP)
        try:
            await transact(
                self.orders.put_if_absent(SHOP, order, Row()),
                self.reservations.put_if_absent(SHOP, order, Row()),
            )
        except TransactionCanceled:
            pass
        await self.markers.put(SHOP, order, Row())
        await self.clients.confirm(SHOP, order)

    @process
    async def warehouse(self) -> None:
        order = await self.picking.next_request(WAREHOUSE)
        if await self.markers.get(WAREHOUSE, order) is None:
            return
        if await self.reservations.get(WAREHOUSE, order) is None:
            await self.picking.refuse(WAREHOUSE, order)
            return
        await self.picking.confirm(WAREHOUSE, order)


class AllParts(TrustedTransaction):
    """Act when every part of the transaction is there; until then, look again later."""

    @process
    async def warehouse(self) -> None:
        order = await self.picking.next_request(WAREHOUSE)
        if await self.orders.get(WAREHOUSE, order) is None:
            return
        if await self.reservations.get(WAREHOUSE, order) is None:
            return
        await self.picking.confirm(WAREHOUSE, order)


class OneItem(Checkout):
    """Keep what belongs together in one item: it arrives as a whole."""

    orders: GlobalTable[Order, WholeOrder]

    def is_whole(self, order: Order) -> bool:
        return self.orders.has(WAREHOUSE, order)

    @process
    async def shop(self) -> None:
        order = await self.clients.next_request(SHOP)
        await self.orders.put(SHOP, order, WholeOrder(True))
        await self.clients.confirm(SHOP, order)

    @process
    async def warehouse(self) -> None:
        order = await self.picking.next_request(WAREHOUSE)
        whole = await self.orders.get(WAREHOUSE, order)
        if whole is None:
            return
        if not whole.reserved:
            await self.picking.refuse(WAREHOUSE, order)
            return
        await self.picking.confirm(WAREHOUSE, order)
