"""The zombie consumer: it stalls for longer than its visibility timeout, and then goes on as if nothing
were.

Catalogue: anomaly 5. A worker confirms orders; in the meantime another worker has confirmed the same
order, and the warehouse has shipped it. The zombie's write takes the order back to confirmed.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
    Range,
    Set,
    action,
    process,
    quiescent,
    reachable,
    record,
    transition,
    when,
)


class Order(Index, interchangeable=True):
    """Orders."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


class Status(Enum):
    """How far an order is."""

    PLACED = 0
    CONFIRMED = 1
    SHIPPED = 2


#: Counts the writes of a row.
Version = Annotated[int, Range(0, 2)]


@record
class OrderRow:
    """An order as it is stored."""

    status: Status
    version: Version


@record
class Confirm:
    """The message that says that an order can be confirmed."""

    order: Order


class ConfirmOrders(Model):
    """What the variants share: orders are placed, confirmed by a worker, and shipped by the warehouse."""

    placed: Set[Order]
    inbox: SqsQueue[Confirm]
    orders: DynamoTable[Order, OrderRow]

    @action
    def place(self, order: Order) -> None:
        """An order is stored, and a message asks for its confirmation."""
        when(order not in self.placed)
        self.placed.add(order)
        self.orders.put(order, OrderRow(Status.PLACED, 0))
        self.inbox.send(Confirm(order))

    @action
    def ship(self, order: Order) -> None:
        """The warehouse ships a confirmed order, by an atomic update."""
        when(order in self.placed)
        when(self.status(order) == Status.CONFIRMED)
        self.orders.put(order, OrderRow(Status.SHIPPED, self.orders.items[order].version + 1))

    def status(self, order: Order) -> Status:
        return self.orders.items[order].status

    @quiescent
    def every_order_is_shipped(self) -> bool:
        """No order gets stuck."""
        return all(self.status(order) == Status.SHIPPED for order in self.placed)

    @transition
    def no_update_is_lost(self, before: Self) -> bool:
        """What the warehouse has written is not overwritten."""
        return all(
            self.status(order) == Status.SHIPPED
            for order in before.placed
            if before.status(order) == Status.SHIPPED
        )

    @reachable
    def all_orders_are_shipped(self) -> bool:
        """The model is not idle."""
        return all(order in self.placed and self.status(order) == Status.SHIPPED for order in Order)


class WriteBack(ConfirmOrders):
    """Read the row, write it back confirmed."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        row = await self.orders.get(order)
        if row is not None and row.status == Status.PLACED:
            await self.orders.put(order, OrderRow(Status.CONFIRMED, 1))
        await self.inbox.delete(delivery)


class Heartbeat(ConfirmOrders):
    """Ask for more time before the write: the stall comes after the heartbeat."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        row = await self.orders.get(order)
        if row is not None and row.status == Status.PLACED:
            await self.inbox.extend(delivery)
            await self.orders.put(order, OrderRow(Status.CONFIRMED, 1))
        await self.inbox.delete(delivery)


class DeleteAsProof(ConfirmOrders):
    """Delete first: only the rightful holder of the message could. It succeeds with an old handle, too."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        row = await self.orders.get(order)
        await self.inbox.delete(delivery)
        if row is not None and row.status == Status.PLACED:
            await self.orders.put(order, OrderRow(Status.CONFIRMED, 1))


class VersionOnEveryWrite(ConfirmOrders):
    """Write only on top of the row that was read; whoever comes too late looks again."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        row = await self.orders.get(order)
        if row is not None and row.status == Status.PLACED:
            try:
                await self.orders.update_if(order, row, OrderRow(Status.CONFIRMED, row.version + 1))
            except ConditionalCheckFailed:
                return
        await self.inbox.delete(delivery)
