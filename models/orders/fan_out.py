"""Fan-out: one order means a notice to each of several services, and one of them does not get it.

Catalogue: anomaly 19. PutEvents takes all notices in one call and can refuse some of them, with status
200.
"""

from __future__ import annotations

from enum import Enum

from checker.components import DynamoTable, EventBus
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
    Set,
    action,
    always,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Order(Index):
    """Orders."""


class Service(Index):
    """Services that have to know of every order: billing, shipping, mail."""


class Relay(Index, interchangeable=True):
    """Processes that empty the outbox."""


class Entry(Enum):
    """A row of the outbox."""

    WAITING = 0
    SENT = 1


@record
class Notice:
    """What one service is told of an order; the outbox has a row for each."""

    order: Order
    service: Service


class NoticeBus(EventBus[Service, Notice]):
    """A rule for each service; what cannot be delivered is kept."""

    has_dead_letter_queue = True

    def matches(self, target: Service, event: Notice) -> bool:
        return event.service == target


class Outbox(DynamoTable[Notice, Entry]):
    """The outbox with the query that the relay polls."""

    @operation
    def waiting(self) -> Set[Notice]:
        """Query: all rows that are not marked as sent; it waits for one."""
        found = Set(notice for notice in self.items if self.items[notice] == Entry.WAITING)
        when(len(found) > 0)
        return found

    @operation
    def mark_sent(self, notices: Set[Notice]) -> None:
        """TransactWriteItems: mark these rows, all or none."""
        for notice in notices:
            self.items[notice] = Entry.SENT


class FanOut(Model):
    """What the variants share: orders with their rows in the outbox, and services that note what they get."""

    outbox: Outbox
    bus: NoticeBus
    noted: DynamoTable[Notice, Notice]

    @action
    def place(self, order: Order) -> None:
        """The order and all its rows, in one transaction."""
        when(all(notice.order != order for notice in self.outbox.items))
        for service in Service:
            self.outbox.put(Notice(order, service), Entry.WAITING)

    @process(instances=Service)
    async def service(self, me: Service) -> None:
        """A service notes an order once, however often it hears of it."""
        notice = await self.bus.receive(me)
        try:
            await self.noted.put_if_absent(notice, notice)
        except ConditionalCheckFailed:
            pass
        await self.bus.done(me, notice)

    def is_kept(self, notice: Notice) -> bool:
        return any(letter.event == notice for letter in self.bus.dead_letters)

    @quiescent
    def every_service_knows_every_order(self) -> bool:
        """Each notice has arrived, or lies in the dead-letter queue."""
        return all(self.noted.has(notice) or self.is_kept(notice) for notice in self.outbox.items)

    @always
    def services_note_only_what_was_placed(self) -> bool:
        """Nothing comes out of nothing."""
        return all(self.outbox.has(notice) for notice in self.noted.items)

    @reachable
    def everything_is_noted(self) -> bool:
        """The model is not idle."""
        return len(self.noted.items) == len(Order) * len(Service)


class StatusCode(FanOut):
    """The call has answered 200: all is sent."""

    @process(instances=Relay)
    async def relay(self, me: Relay) -> None:
        notices = await self.outbox.waiting()
        await self.bus.put_all(notices)
        await self.outbox.mark_sent(notices)


class RowForEachTarget(FanOut):
    """Only what the answer does not list as refused is marked; the rest is sent again."""

    @process(instances=Relay)
    async def relay(self, me: Relay) -> None:
        notices = await self.outbox.waiting()
        refused = await self.bus.put_all(notices)
        await self.outbox.mark_sent(notices - refused)
