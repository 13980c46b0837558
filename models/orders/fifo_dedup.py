"""A FIFO queue's deduplication window: an order is sent again after the five minutes.

Catalogue: anomaly 4. The shop takes an order from its own durable list and sends it to a FIFO queue;
where the answer is lost, or the shop dies, it sends again, and that can be later than the queue
remembers.
"""

from __future__ import annotations

from typing import Generic, Self, TypeVar

from checker.components import DynamoTable, ReceiptHandleExpired, SqsFifoQueue, SqsQueue
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
    transition,
    when,
)


class Order(Index, interchangeable=True):
    """Orders, by the id that the client gave them."""


class Customer(Index):
    """Customers, whose orders are kept in order."""


class Worker(Index, interchangeable=True):
    """Consumers of the FIFO queue."""


class RowId(Index):
    """Row ids that consumers mint."""


class Content(Index):
    """What an order says: what is bought, and how many."""


@record
class OrderPlaced:
    """The message that says that an order was placed."""

    order: Order


@record
class OrderRow:
    """An order as it is stored."""

    order: Order
    created_by: Worker


RowKey = TypeVar("RowKey")
DedupId = TypeVar("DedupId")


class SendOrders(Model, Generic[RowKey, DedupId]):
    """What the variants share: placed orders wait in a list, and go to the FIFO queue one by one."""

    placed: Set[Order]
    checkouts: SqsQueue[OrderPlaced]
    queue: SqsFifoQueue[Customer, DedupId, OrderPlaced]
    orders: DynamoTable[RowKey, OrderRow]

    @action
    def place(self, order: Order) -> None:
        """A client places an order."""
        when(order not in self.placed)
        self.placed.add(order)
        self.checkouts.send(OrderPlaced(order))

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
    def rows_stay(self, before: Self) -> bool:
        """A row, once created, stays as it is."""
        return all(row in self.orders.rows() for row in before.orders.rows())

    @reachable
    def an_order_is_created(self) -> bool:
        """The model is not idle."""
        return any(self.rows_of(order) == 1 for order in Order)


class TrustTheWindow(SendOrders[RowId, Order]):
    """The queue removes duplicates, so that the consumer need not."""

    @process
    async def shop(self) -> None:
        delivery = await self.checkouts.receive()
        order = delivery.body.order
        await self.queue.send(Customer(0), order, OrderPlaced(order))
        await self.checkouts.delete(delivery)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.queue.receive()
        await self.orders.insert(OrderRow(delivery.body.order, me))
        await self.queue.delete(delivery)


class ContentBased(SendOrders[Order, Content]):
    """Content-based deduplication: the same content is the same order. A customer can mean it twice."""

    @process
    async def shop(self) -> None:
        delivery = await self.checkouts.receive()
        await self.queue.send(Customer(0), Content(0), delivery.body)
        await self.checkouts.delete(delivery)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.queue.receive()
        order = delivery.body.order
        try:
            await self.orders.put_if_absent(order, OrderRow(order, me))
        except ConditionalCheckFailed:
            pass
        await self.queue.delete(delivery)


class ConsumerSide(SendOrders[Order, Order]):
    """The consumer creates the row under the client's order id, only if it is absent."""

    @process
    async def shop(self) -> None:
        delivery = await self.checkouts.receive()
        order = delivery.body.order
        await self.queue.send(Customer(0), order, OrderPlaced(order))
        await self.checkouts.delete(delivery)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.queue.receive()
        order = delivery.body.order
        try:
            await self.orders.put_if_absent(order, OrderRow(order, me))
        except ConditionalCheckFailed:
            pass
        try:
            await self.queue.delete(delivery)
        except ReceiptHandleExpired:
            pass
