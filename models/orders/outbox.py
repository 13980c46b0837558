"""Outbox and inbox: an order and the event about it are written together; a relay sends the event later.

Catalogue: anomaly 14. The relay can die between sending and marking. Marking first loses the event;
sending first repeats it, and only the receiver can tell.
"""

from __future__ import annotations

from enum import Enum

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    Index,
    Model,
    TransactionCanceled,
    action,
    always,
    choose,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)


class Order(Index, interchangeable=True):
    """Orders; the event about an order has the order's id."""


class Relay(Index, interchangeable=True):
    """Processes that empty the outbox."""


class Worker(Index, interchangeable=True):
    """Processes that ship."""


class ShipmentId(Index):
    """Ids of shipments, which the shipping system mints."""


class Entry(Enum):
    """An event in the outbox."""

    WAITING = 0
    SENT = 1


@record
class OrderPlaced:
    """The event, under a stable id."""

    order: Order


@record
class Shipment:
    """What is done for an order, once."""

    order: Order


@record
class Seen:
    """A row of the inbox: the event was handled."""


class Outbox(DynamoTable[Order, Entry]):
    """The outbox with the query that the relay polls."""

    @operation
    def next_waiting(self) -> Order:
        """Query: any event that is not marked as sent; it waits for one."""
        order = choose(order for order in self.items if self.items[order] == Entry.WAITING)
        return order


class OutboxAndInbox(Model):
    """What the variants share: orders with their outbox, and shipments."""

    outbox: Outbox
    topic: SqsQueue[OrderPlaced]
    shipments: DynamoTable[ShipmentId, Shipment]

    @action
    def place(self, order: Order) -> None:
        """The order and its event, in one transaction; of the order nothing else matters here."""
        when(not self.outbox.has(order))
        self.outbox.put(order, Entry.WAITING)

    def shipments_of(self, order: Order) -> int:
        return sum(1 for shipment in self.shipments.rows() if shipment.order == order)

    @always
    def shipped_at_most_once(self) -> bool:
        """No order is shipped twice."""
        return all(self.shipments_of(order) <= 1 for order in Order)

    @quiescent
    def every_order_is_shipped(self) -> bool:
        """No event is lost."""
        return all(self.shipments_of(order) >= 1 for order in self.outbox.items)

    @reachable
    def everything_is_sent_and_shipped(self) -> bool:
        """The model is not idle."""
        return all(
            self.outbox.items.get(order) == Entry.SENT and self.shipments_of(order) == 1 for order in Order
        )


class MarkFirst(OutboxAndInbox):
    """The relay marks the event and then sends it; the receiver ships whatever comes."""

    @process(instances=Relay)
    async def relay(self, me: Relay) -> None:
        order = await self.outbox.next_waiting()
        await self.outbox.put(order, Entry.SENT)
        await self.topic.send(OrderPlaced(order))

    @process(instances=Worker)
    async def shipping(self, me: Worker) -> None:
        delivery = await self.topic.receive()
        await self.shipments.insert(Shipment(delivery.body.order))
        await self.topic.delete(delivery)


class SendFirst(OutboxAndInbox):
    """The relay sends the event and then marks it; the receiver ships whatever comes."""

    @process(instances=Relay)
    async def relay(self, me: Relay) -> None:
        order = await self.outbox.next_waiting()
        await self.topic.send(OrderPlaced(order))
        await self.outbox.put(order, Entry.SENT)

    @process(instances=Worker)
    async def shipping(self, me: Worker) -> None:
        delivery = await self.topic.receive()
        await self.shipments.insert(Shipment(delivery.body.order))
        await self.topic.delete(delivery)


class InboxAtTheReceiver(OutboxAndInbox):
    """The relay sends first; the receiver writes the event's id and its own effect in one transaction."""

    inbox: DynamoTable[Order, Seen]

    @process(instances=Relay)
    async def relay(self, me: Relay) -> None:
        order = await self.outbox.next_waiting()
        await self.topic.send(OrderPlaced(order))
        await self.outbox.put(order, Entry.SENT)

    @process(instances=Worker)
    async def shipping(self, me: Worker) -> None:
        delivery = await self.topic.receive()
        order = delivery.body.order
        try:
            await transact(
                self.inbox.put_if_absent(order, Seen()),
                self.shipments.insert(Shipment(order)),
            )
        except TransactionCanceled:
            pass
        await self.topic.delete(delivery)
