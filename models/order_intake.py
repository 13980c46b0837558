"""Order intake: orders arrive over SQS, at least once each, and must be created exactly once.

Five consumers that a team might write, side by side. The first three look right and are not.
"""

from __future__ import annotations

from typing import Generic, Self, TypeVar

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    ConditionalCheckFailed,
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
    transition,
    when,
)


class Order(Index, interchangeable=True):
    """Orders, by the id that the client gave them."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


class RowId(Index):
    """Row ids that consumers mint (UUIDs in reality)."""


@record
class OrderPlaced:
    """The message that says that an order was placed."""

    order: Order


@record
class OrderRow:
    """An order as it is stored."""

    order: Order
    created_by: Worker


@record
class Marker:
    """Says that a message has been handled."""


RowKey = TypeVar("RowKey")


class OrderIntake(Model, Generic[RowKey]):
    """What the variants share: clients place orders; each order must get exactly one row."""

    placed: Set[Order]
    inbox: SqsQueue[OrderPlaced]
    orders: DynamoTable[RowKey, OrderRow]

    @action
    def place(self, order: Order) -> None:
        """A client places an order."""
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(OrderPlaced(order))

    def rows_of(self, order: Order) -> int:
        return sum(1 for row in self.orders.rows() if row.order == order)

    @always
    def at_most_one_order(self) -> bool:
        """No order is created twice."""
        return all(self.rows_of(order) <= 1 for order in Order)

    @quiescent
    def every_placed_order_exists(self) -> bool:
        """No placed order is lost."""
        return all(self.rows_of(order) >= 1 for order in self.placed)

    @transition
    def rows_never_change(self, before: Self) -> bool:
        """A row, once created, is not overwritten or removed."""
        return all(row in self.orders.rows() for row in before.orders.rows())

    @reachable
    def all_orders_created(self) -> bool:
        """Every order can be placed and created."""
        return all(self.rows_of(order) == 1 for order in Order)


class Naive(OrderIntake[RowId]):
    """Has it been seen? If not, create it, then mark it as seen: two workers can both see nothing."""

    seen: DynamoTable[Order, Marker]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        if await self.seen.get(order) is None:
            await self.orders.insert(OrderRow(order, me))
            await self.seen.put(order, Marker())
        await self.inbox.delete(delivery)


class DeleteFirst(OrderIntake[RowId]):
    """Delete the message so that it cannot come again, then create: a crash in between loses the order."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        await self.inbox.delete(delivery)
        await self.orders.insert(OrderRow(delivery.body.order, me))


class MarkerFirst(OrderIntake[RowId]):
    """Claim the order with a conditional marker, then create: a crash in between leaves only the claim."""

    seen: DynamoTable[Order, Marker]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        try:
            await self.seen.put_if_absent(order, Marker())
        except ConditionalCheckFailed:
            await self.inbox.delete(delivery)
            return
        await self.orders.insert(OrderRow(order, me))
        await self.inbox.delete(delivery)


class Keyed(OrderIntake[Order]):
    """Create the row under the client's order id, only if it is absent, then delete the message."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        try:
            await self.orders.put_if_absent(order, OrderRow(order, me))
        except ConditionalCheckFailed:
            pass
        await self.inbox.delete(delivery)


class Transactional(OrderIntake[RowId]):
    """Put the conditional marker and the row in one transaction, then delete the message."""

    seen: DynamoTable[Order, Marker]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        try:
            await transact(
                self.seen.put_if_absent(order, Marker()),
                self.orders.insert(OrderRow(order, me)),
            )
        except TransactionCanceled:
            pass
        await self.inbox.delete(delivery)
