"""Inventory in two Regions: customers reserve pieces of an item, and each piece must be sold once.

There are two pieces of every item at first. What a table does not say yet stands for that: an
update expression writes ``if_not_exists(left, :initial)``.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import (
    GlobalTable,
    Region,
    RegionUnavailable,
    ReplicatedWriteConflict,
    StrongGlobalTable,
)
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    TransactionCanceled,
    action,
    always,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)
from models.clients import Clients

#: How many pieces of an item there are at first, and each Region's share of them.
STOCK = 2
SHARE = 1
#: The Region that decides alone, where there is one.
HOME = Region(0)

Pieces = Annotated[int, Range(0, STOCK)]


class Item(Index, interchangeable=True):
    """What is sold."""


class Order(Index):
    """Orders of one piece, by the id that the client gave them."""


@record
class Demand:
    """The request to reserve a piece for an order."""

    order: Order
    item: Item


class Inventory(Model):
    """What the variants share: orders arrive in any Region and are confirmed or refused."""

    clients: Clients[Demand]
    placed: Map[Order, Item]

    @action
    def place(self, item: Item, region: Region) -> None:
        """A customer orders a piece in a Region."""
        when(len(self.placed) < len(Order))
        order = self.placed.fresh_key()
        self.placed[order] = item
        self.clients.send(region, Demand(order, item))

    def left(self, region: Region, item: Item) -> int:
        """How many pieces a Region takes to be left; each variant has its own way."""
        return STOCK

    def is_lost(self, region: Region) -> bool:
        """Whether a Region is gone for good, and shows nothing any more."""
        return False

    def sold(self, item: Item) -> int:
        return sum(1 for demand in self.clients.confirmed if demand.item == item)

    @always
    def never_oversold(self) -> bool:
        """No more orders are confirmed than there are pieces."""
        return all(self.sold(item) <= STOCK for item in Item)

    @always
    def never_negative(self) -> bool:
        """No Region shows fewer pieces than none."""
        return all(self.left(region, item) >= 0 for region in Region for item in Item)

    @quiescent
    def nothing_is_lost(self) -> bool:
        """Once all is quiet, every piece that is not sold is left: in every Region that is there."""
        return all(
            self.is_lost(region) or self.left(region, item) == STOCK - self.sold(item)
            for region in Region
            for item in Item
        )

    @reachable
    def an_item_sells_out(self) -> bool:
        """All pieces of an item can be sold."""
        return any(self.sold(item) == STOCK for item in Item)

    @reachable
    def both_items_sell(self) -> bool:
        """The model is not about one item alone."""
        return all(self.sold(item) >= 1 for item in Item)


class StockTable(GlobalTable[Item, Pieces]):
    """How many pieces are left, in one item for all Regions."""

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable))
    def take_one(self, region: Region, item: Item) -> None:
        """UpdateItem SET left = if_not_exists(left, 2) - 1 with the condition left >= 1."""
        if region in self.lost:
            raise RegionUnavailable
        left = self.left(region, item)
        if left < 1:
            raise ConditionalCheckFailed
        self.write(region, item, left - 1)

    def left(self, region: Region, item: Item) -> Pieces:
        left = self.read(region, item)
        return STOCK if left is None else left


class ConditionalDecrement(Inventory):
    """Count down where the customer is, if there is something left: the condition asks one Region only."""

    stock: StockTable

    def left(self, region: Region, item: Item) -> int:
        return self.stock.left(region, item)

    def is_lost(self, region: Region) -> bool:
        return region in self.stock.lost

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        try:
            await self.stock.take_one(here, demand.item)
        except ConditionalCheckFailed:
            await self.clients.refuse(here, demand)
            return
        await self.clients.confirm(here, demand)


@record
class Share:
    """A Region's part of the stock of an item."""

    region: Region
    item: Item


class SalesCounters(GlobalTable[Share, Pieces]):
    """A PN-counter: each Region counts its own sales in an item of its own, which nobody else writes."""

    @operation(raises=(RegionUnavailable,))
    def sold_everywhere(self, region: Region, item: Item) -> int:
        """Query: the sales of all Regions, as far as this one has heard of them."""
        if region in self.lost:
            raise RegionUnavailable
        return self.sold(region, item)

    @operation(raises=(RegionUnavailable,))
    def count_one(self, region: Region, item: Item) -> None:
        """UpdateItem ADD: one more sale of this Region."""
        if region in self.lost:
            raise RegionUnavailable
        own = self.read(region, Share(region, item))
        self.write(region, Share(region, item), 1 if own is None else own + 1)

    def sold(self, region: Region, item: Item) -> int:
        return sum(self._of(region, Share(seller, item)) for seller in Region)

    def _of(self, region: Region, share: Share) -> int:
        sold = self.read(region, share)
        return 0 if sold is None else sold


class PnCounter(Inventory):
    """Count sales by Region and add them up: no sale is forgotten, but the last piece is sold twice."""

    sales: SalesCounters

    def left(self, region: Region, item: Item) -> int:
        return STOCK - self.sales.sold(region, item)

    def is_lost(self, region: Region) -> bool:
        return region in self.sales.lost

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        if await self.sales.sold_everywhere(here, demand.item) >= STOCK:
            await self.clients.refuse(here, demand)
            return
        await self.sales.count_one(here, demand.item)
        await self.clients.confirm(here, demand)


class Rights(GlobalTable[Share, Pieces]):
    """How many pieces each Region may still sell: written by that Region only."""

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable))
    def use_one(self, region: Region, item: Item) -> None:
        """UpdateItem SET rights = if_not_exists(rights, 1) - 1 with the condition rights >= 1."""
        if region in self.lost:
            raise RegionUnavailable
        rights = self.left(region, Share(region, item))
        if rights < 1:
            raise ConditionalCheckFailed
        self.write(region, Share(region, item), rights - 1)

    def left(self, region: Region, share: Share) -> Pieces:
        rights = self.read(region, share)
        return SHARE if rights is None else rights


class Escrow(Inventory):
    """Give each Region the right to sell its share, and use one up in a transaction with the reservation."""

    rights: Rights
    reservations: GlobalTable[Order, Item]

    def left(self, region: Region, item: Item) -> int:
        return sum(self.rights.left(region, Share(seller, item)) for seller in Region)

    def is_lost(self, region: Region) -> bool:
        return region in self.rights.lost

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        try:
            await transact(
                self.reservations.put_if_absent(here, demand.order, demand.item),
                self.rights.use_one(here, demand.item),
            )
        except TransactionCanceled:
            if await self.reservations.get(here, demand.order) is None:
                await self.clients.refuse(here, demand)
                return
        await self.clients.confirm(here, demand)


class HomeRegion(Inventory):
    """Every reservation is made in one Region, wherever the customer is: one replica, one truth.

    What it has acknowledged and not yet replicated is lost with that Region.
    """

    stock: StockTable
    reservations: GlobalTable[Order, Item]

    def left(self, region: Region, item: Item) -> int:
        return self.stock.left(region, item)

    def is_lost(self, region: Region) -> bool:
        return region in self.stock.lost

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        try:
            await transact(
                self.reservations.put_if_absent(HOME, demand.order, demand.item),
                self.stock.take_one(HOME, demand.item),
            )
        except TransactionCanceled:
            if await self.reservations.get(HOME, demand.order) is None:
                await self.clients.refuse(here, demand)
                return
        await self.clients.confirm(here, demand)


class Ledger(Inventory):
    """Write a row for each sale under its id, and derive the stock: no sale is lost, some too many."""

    sales: GlobalTable[Order, Item]

    def left(self, region: Region, item: Item) -> int:
        return STOCK - sum(1 for order in Order if self.sales.read(region, order) == item)

    def is_lost(self, region: Region) -> bool:
        return region in self.sales.lost

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        await self.sales.put(here, demand.order, demand.item)
        await self.clients.confirm(here, demand)


@record
class Piece:
    """One piece of an item."""

    item: Item
    number: Annotated[int, Range(0, STOCK - 1)]


class StrongPieces(Inventory):
    """A row for each piece in a strongly consistent table: an order claims the first that is free.

    A row for each piece because such a table has no transactions: one conditional put has to be all.
    """

    pieces: StrongGlobalTable[Piece, Order]

    def left(self, region: Region, item: Item) -> int:
        return sum(1 for number in range(STOCK) if not self.pieces.has(Piece(item, number)))

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        for number in range(STOCK):
            try:
                await self.pieces.put_if_absent(here, Piece(demand.item, number), demand.order)
                await self.clients.confirm(here, demand)
                return
            except ReplicatedWriteConflict:
                return
            except ConditionalCheckFailed:
                if await self.pieces.get(here, Piece(demand.item, number)) == demand.order:
                    await self.clients.confirm(here, demand)
                    return
        await self.clients.refuse(here, demand)
