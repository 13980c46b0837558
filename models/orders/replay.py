"""Replay: an archive of events is replayed to rebuild a projection, and the payment rule hears it as well.

Catalogue: anomaly 13. The replay comes a month later, when all is settled and the provider has forgotten
its keys.
"""

from __future__ import annotations

from enum import Enum

from checker.components import ArchivedEventBus, Charged, DynamoTable, Provider
from checker.dsl import (
    Index,
    Model,
    action,
    always,
    fault,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Order(Index, interchangeable=True):
    """Orders."""


class Worker(Index, interchangeable=True):
    """Processes that charge."""


class Target(Enum):
    """The rules of the bus."""

    PAYMENT = 0
    PROJECTION = 1


@record
class OrderPlaced:
    """The event."""

    order: Order


@record
class Row:
    """A row of the projection, or of the ledger of payments."""


class ShopBus(ArchivedEventBus[Target, OrderPlaced]):
    """The bus of the shop; a replay goes to every rule."""


class Payments(Provider[Order, Order]):
    """The provider, whose idempotency window is a day."""

    def forget(self) -> None:
        """More than a day has passed."""
        for key in self.remembered:
            self.remembered.discard(key)


class ReplayOrders(Model):
    """What the variants share: events, a projection that is lost and rebuilt, and the payments."""

    bus: ShopBus
    provider: Payments
    projection: DynamoTable[Order, Row]

    @action
    def place(self, order: Order) -> None:
        """A client places an order."""
        when(OrderPlaced(order) not in self.bus.archive)
        self.bus.put(OrderPlaced(order))

    @fault
    def rebuild_a_month_later(self) -> None:
        """The projection has lost an order, and the archive is replayed; everything else is long done."""
        when(len(self.bus.pending) == 0 and len(self.bus.running) == 0)
        when(len(self.provider.under_way) == 0)
        self.provider.forget()
        self.bus.replay()

    @process
    async def project(self) -> None:
        """The projection writes a row for each order, any number of times."""
        event = await self.bus.receive(Target.PROJECTION)
        await self.projection.put(event.order, Row())
        await self.bus.done(Target.PROJECTION, event)

    @always
    def charged_at_most_once(self) -> bool:
        """Nobody pays twice."""
        return all(self.provider.times_charged(order) <= 1 for order in Order)

    @quiescent
    def every_order_is_charged_and_projected(self) -> bool:
        """No event is lost."""
        return all(
            self.provider.times_charged(event.order) >= 1 and self.projection.has(event.order)
            for event in self.bus.archive
        )

    @reachable
    def all_orders_are_charged(self) -> bool:
        """The model is not idle."""
        return all(self.provider.times_charged(order) == 1 for order in Order)


class ProviderKey(ReplayOrders):
    """Charge under the order's id: the provider keeps duplicates out, as long as it remembers."""

    @process(instances=Worker)
    async def charge(self, me: Worker) -> None:
        event = await self.bus.receive(Target.PAYMENT)
        answer = await self.provider.charge(event.order, event.order)
        if answer == Charged.DONE:
            await self.bus.done(Target.PAYMENT, event)


class ProjectionBus(ShopBus):
    """The bus, with replays that name the rule of the projection."""

    def replays_to(self, target: Target) -> bool:
        return target == Target.PROJECTION


class ReplayByRule(ReplayOrders):
    """The same, but the replay names the rule that it is for."""

    bus: ProjectionBus

    @process(instances=Worker)
    async def charge(self, me: Worker) -> None:
        event = await self.bus.receive(Target.PAYMENT)
        answer = await self.provider.charge(event.order, event.order)
        if answer == Charged.DONE:
            await self.bus.done(Target.PAYMENT, event)


class LocalLedger(ReplayOrders):
    """A row of one's own says for ever that an order is paid; the provider's key covers what lies between."""

    ledger: DynamoTable[Order, Row]

    @process(instances=Worker)
    async def charge(self, me: Worker) -> None:
        event = await self.bus.receive(Target.PAYMENT)
        if await self.ledger.get(event.order) is None:
            answer = await self.provider.charge(event.order, event.order)
            if answer != Charged.DONE:
                return
            await self.ledger.put(event.order, Row())
        await self.bus.done(Target.PAYMENT, event)
