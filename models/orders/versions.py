"""Versioned apply: a projection of orders gets the versions of one order in any order.

Catalogue: anomaly 7. The owner of an order numbers its versions; a queue brings them late, twice, or crossed.
"""

from __future__ import annotations

from typing import Annotated, Self

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    action,
    fault,
    operation,
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
    """Processes that keep the projection."""


#: Versions of an order; 0 says that there is none yet.
Version = Annotated[int, Range(0, 2)]

#: When a version was sent, by the clock of the server that sent it.
Time = Annotated[int, Range(0, 2)]


@record
class OrderChanged:
    """A message with a whole version of an order."""

    order: Order
    version: Version
    sent_at: Time


@record
class Projected:
    """What the projection knows of an order."""

    version: Version
    sent_at: Time


class Projections(DynamoTable[Order, Projected]):
    """The projection's table, with the one conditional write that it needs."""

    @operation(raises=(ConditionalCheckFailed,))
    def put_if_newer(self, key: Order, item: Projected) -> None:
        """PutItem with attribute_not_exists(key) OR version < :version."""
        known = self.items.get(key)
        if known is not None and known.version >= item.version:
            raise ConditionalCheckFailed
        self.items[key] = item


class ProjectOrders(Model):
    """What the variants share: orders change, and every change is sent to the projection."""

    latest: Map[Order, Version] = Map.filled(0)
    inbox: SqsQueue[OrderChanged]
    projection: Projections

    @action
    def change(self, order: Order) -> None:
        """The owner of an order makes the next version."""
        when(self.latest[order] < 2)
        self.latest[order] += 1
        self.inbox.send(OrderChanged(order, self.latest[order], self.latest[order]))

    def projected(self, order: Order) -> Version:
        row = self.projection.items.get(order)
        return 0 if row is None else row.version

    @quiescent
    def the_projection_catches_up(self) -> bool:
        """When all messages are handled, the projection has the latest version of every order."""
        return all(self.projected(order) == self.latest[order] for order in Order)

    @transition
    def versions_never_go_back(self, before: Self) -> bool:
        """What a reader has seen is not undone."""
        return all(self.projected(order) >= before.projected(order) for order in Order)

    @reachable
    def all_versions_arrive(self) -> bool:
        """The model is not idle."""
        return all(self.projected(order) == 2 for order in Order)


class LastArrival(ProjectOrders):
    """What comes last is the latest."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        await self.projection.put(event.order, Projected(event.version, event.sent_at))
        await self.inbox.delete(delivery)


class CheckThenPut(ProjectOrders):
    """Look at the version that is there, and put only a newer one: another worker can come in between."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        known = await self.projection.get(event.order)
        if known is None or known.version < event.version:
            await self.projection.put(event.order, Projected(event.version, event.sent_at))
        await self.inbox.delete(delivery)


class SentTimestamp(ProjectOrders):
    """A conditional write, but by the time of sending: a server whose clock is slow loses its change."""

    @fault
    def change_with_a_slow_clock(self, order: Order) -> None:
        """The second version comes from a server that is behind the first one's."""
        when(self.latest[order] == 1)
        self.latest[order] = 2
        self.inbox.send(OrderChanged(order, 2, 0))

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        new = Projected(event.version, event.sent_at)
        known = await self.projection.get(event.order)
        try:
            if known is None:
                await self.projection.put_if_absent(event.order, new)
            elif known.sent_at < event.sent_at:
                await self.projection.update_if(event.order, known, new)
        except ConditionalCheckFailed:
            return
        await self.inbox.delete(delivery)


class VersionCondition(ProjectOrders):
    """One conditional write: only a newer version replaces an older one."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        event = delivery.body
        try:
            await self.projection.put_if_newer(event.order, Projected(event.version, event.sent_at))
        except ConditionalCheckFailed:
            pass
        await self.inbox.delete(delivery)
