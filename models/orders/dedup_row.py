"""A deduplication row that expires: a message is redriven from the dead-letter queue after weeks.

Catalogue: anomaly 2. A worker credits loyalty points for an order, once. A dead letter can be redriven after
14 days; a row that says "done" lives as long as its time to live, and then the message is new again.
"""

from __future__ import annotations

from enum import Enum

from checker.components import DynamoTable, SqsQueueWithDlq
from checker.dsl import (
    Index,
    Model,
    TransactionCanceled,
    action,
    always,
    choose,
    fault,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)


class Order(Index, interchangeable=True):
    """Orders."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


class CreditId(Index):
    """Ids of credits, minted by the ledger of points."""


class Status(Enum):
    """An order goes from PAID to CREDITED and never back."""

    PAID = 0
    CREDITED = 1


@record
class Paid:
    """The message that says that an order is paid."""

    order: Order


@record
class Credit:
    """Points for an order."""

    order: Order


@record
class Done:
    """The row that says that a message was handled."""


class Inbox(SqsQueueWithDlq[Paid]):
    """The queue with its redrive policy."""

    max_receive_count = 2


class CreditPoints(Model):
    """What the variants share: paid orders, and the points that are credited for them."""

    inbox: Inbox
    orders: DynamoTable[Order, Status]
    credits: DynamoTable[CreditId, Credit]

    @action
    def pay(self, order: Order) -> None:
        """A client pays."""
        when(not self.orders.has(order))
        self.orders.put(order, Status.PAID)
        self.inbox.send(Paid(order))

    def credits_of(self, order: Order) -> int:
        return sum(1 for credit in self.credits.rows() if credit.order == order)

    @always
    def credited_at_most_once(self) -> bool:
        """Nobody gets points twice for one order."""
        return all(self.credits_of(order) <= 1 for order in Order)

    @quiescent
    def every_order_is_credited_or_looked_at(self) -> bool:
        """Points are credited, or the message is where a person will see it."""
        return all(
            self.credits_of(order) >= 1 or Paid(order) in self.inbox.dead_letters
            for order in self.orders.items
        )

    @reachable
    def a_credited_order_is_a_dead_letter(self) -> bool:
        """The worker can die after its work, each time: then the message is there to be redriven."""
        return any(self.credits_of(order) == 1 and Paid(order) in self.inbox.dead_letters for order in Order)


class DoneRow(CreditPoints):
    """The points and a row with a time to live in one transaction: right until the row is gone."""

    done: DynamoTable[Order, Done]

    @fault
    def time_to_live(self) -> None:
        """A row is older than its time to live, and is deleted."""
        order = choose(self.done.items)
        self.done.delete(order)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        try:
            await transact(self.done.put_if_absent(order, Done()), self.credits.insert(Credit(order)))
        except TransactionCanceled:
            pass
        await self.inbox.delete(delivery)


class OrderState(CreditPoints):
    """The points and the order's own state in one transaction: the state lives as long as the order."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        try:
            await transact(
                self.orders.update_if(order, Status.PAID, Status.CREDITED),
                self.credits.insert(Credit(order)),
            )
        except TransactionCanceled:
            pass
        await self.inbox.delete(delivery)
