"""Cancel before create: a standard queue hands out an order's cancellation before its placement.

Catalogue: anomaly 6. Three consumers that look right, and one that is.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from checker.components import DynamoTable, SqsQueue, SqsQueueWithDlq
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
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
    transition,
    when,
)


class Order(Index, interchangeable=True):
    """Orders, by the id that the client gave them."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


class Status(Enum):
    """An order as it is stored."""

    OPEN = 0
    CANCELLED = 1


class Kind(Enum):
    """What happened to an order."""

    PLACED = 0
    CANCELLED = 1


#: When a web server says that it happened, by its own clock.
Time = Annotated[int, Range(0, 2)]


@record
class OrderEvent:
    """A message about an order."""

    order: Order
    kind: Kind
    sent_at: Time


@record
class OrderRow:
    """A row, with the time of the event that it comes from."""

    status: Status
    sent_at: Time


class CancelOrders(Model):
    """What the variants share: clients place orders, and cancel some of them afterwards."""

    placed: Set[Order]
    cancelled: Set[Order]
    kept: Set[Order]
    inbox: SqsQueue[OrderEvent]
    orders: DynamoTable[Order, OrderRow]

    @action
    def place(self, order: Order) -> None:
        """A client places an order."""
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(OrderEvent(order, Kind.PLACED, 1))

    @action
    def cancel(self, order: Order) -> None:
        """The client thinks better of it; for the client, the order is cancelled from now on."""
        when(self.is_undecided(order))
        self.cancelled.add(order)
        self.inbox.send(OrderEvent(order, Kind.CANCELLED, 2))

    @action
    def keep(self, order: Order) -> None:
        """The client does not."""
        when(self.is_undecided(order))
        self.kept.add(order)

    def is_undecided(self, order: Order) -> bool:
        return order in self.placed and order not in self.cancelled and order not in self.kept

    def is_open(self, order: Order) -> bool:
        row = self.orders.items.get(order)
        return row is not None and row.status == Status.OPEN

    @quiescent
    def cancelled_orders_stay_cancelled(self) -> bool:
        """No order that its client has cancelled is open, once all messages are handled."""
        return all(not self.is_open(order) for order in self.cancelled)

    @quiescent
    def kept_orders_are_open(self) -> bool:
        """No order is lost."""
        return all(self.is_open(order) for order in self.kept)

    @transition
    def no_order_is_opened_again(self, before: Self) -> bool:
        """A cancelled row does not come back to life: something may be shipped for it."""
        return all(
            not self.is_open(order)
            for order, row in before.orders.items.items()
            if row.status == Status.CANCELLED
        )

    @always
    def only_placed_orders_have_rows(self) -> bool:
        """No row comes out of nothing."""
        return all(order in self.placed for order in self.orders.items)

    @reachable
    def an_order_is_open(self) -> bool:
        """The model is not idle."""
        return any(self.is_open(order) for order in self.kept)

    @reachable
    def an_order_is_cancelled(self) -> bool:
        """Cancellations arrive, too."""
        return any(row.status == Status.CANCELLED for row in self.orders.rows())


class IgnoreUnknown(CancelOrders):
    """A cancellation of an order that is not there has nothing to do: the placement comes after it."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        if event.kind == Kind.CANCELLED:
            row = await self.orders.get(event.order)
            if row is not None:
                await self.orders.put(event.order, OrderRow(Status.CANCELLED, event.sent_at))
        else:
            try:
                await self.orders.put_if_absent(event.order, OrderRow(Status.OPEN, event.sent_at))
            except ConditionalCheckFailed:
                pass
        await self.inbox.delete(delivery)


class Inbox(SqsQueueWithDlq[OrderEvent]):
    """The queue with a redrive policy."""

    max_receive_count = 2


class RejectAndRetry(CancelOrders):
    """A cancellation that comes too early is rejected until the order is there, or the retries are over."""

    inbox: Inbox

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        if event.kind == Kind.CANCELLED:
            row = await self.orders.get(event.order)
            if row is None:
                await self.inbox.release(delivery)
                return
            await self.orders.put(event.order, OrderRow(Status.CANCELLED, event.sent_at))
        else:
            try:
                await self.orders.put_if_absent(event.order, OrderRow(Status.OPEN, event.sent_at))
            except ConditionalCheckFailed:
                pass
        await self.inbox.delete(delivery)


class LatestTimestamp(CancelOrders):
    """The event that was sent last wins, by the clocks of the web servers that sent them."""

    @fault
    def cancel_with_a_slow_clock(self, order: Order) -> None:
        """The server that takes the cancellation is behind the one that took the order."""
        when(self.is_undecided(order))
        self.cancelled.add(order)
        self.inbox.send(OrderEvent(order, Kind.CANCELLED, 0))

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        status = Status.CANCELLED if event.kind == Kind.CANCELLED else Status.OPEN
        new = OrderRow(status, event.sent_at)
        old = await self.orders.get(event.order)
        try:
            if old is None:
                await self.orders.put_if_absent(event.order, new)
            elif old.sent_at < event.sent_at:
                await self.orders.update_if(event.order, old, new)
        except ConditionalCheckFailed:
            return
        await self.inbox.delete(delivery)


class Tombstone(CancelOrders):
    """A cancellation is always written, even before its order; a placement never replaces a row."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        if event.kind == Kind.CANCELLED:
            await self.orders.put(event.order, OrderRow(Status.CANCELLED, event.sent_at))
        else:
            try:
                await self.orders.put_if_absent(event.order, OrderRow(Status.OPEN, event.sent_at))
            except ConditionalCheckFailed:
                pass
        await self.inbox.delete(delivery)
