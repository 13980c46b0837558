"""The client token of a transaction: the answer is lost, and the retry comes after the ten minutes.

Catalogue: anomaly 21. A worker books a payment in a ledger, under an id that it mints, and guards the
booking by the order's id: as the token of the transaction, or by a condition inside it.
"""

from __future__ import annotations

from checker.components import DynamoTable, SqsQueue, TokenTable
from checker.dsl import (
    Index,
    Model,
    Set,
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


class Order(Index, interchangeable=True):
    """Orders."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


class EntryId(Index):
    """Ids of bookings, minted by the worker."""


@record
class Paid:
    """The message that says that an order is paid."""

    order: Order


@record
class Booking:
    """A row of the ledger."""

    order: Order


@record
class Booked:
    """Says that an order has its booking."""


class Ledger(TokenTable[EntryId, Booking, Order]):
    """The ledger, with the transaction that books under a client token."""

    @operation
    def book_once(self, token: Order, booking: Booking) -> None:
        """TransactWriteItems with a Put under a new id, and a client token that lasts ten minutes."""
        if token not in self.tokens:
            self.tokens.add(token)
            self.write(self.items.fresh_key(), booking)


class BookPayments(Model):
    """What the variants share: payments arrive over a queue, and are booked in the ledger."""

    paid: Set[Order]
    inbox: SqsQueue[Paid]
    ledger: Ledger

    @action
    def pay(self, order: Order) -> None:
        """A payment arrives."""
        when(order not in self.paid)
        self.paid.add(order)
        self.inbox.send(Paid(order))

    def bookings_of(self, order: Order) -> int:
        return sum(1 for booking in self.ledger.rows() if booking.order == order)

    @always
    def booked_at_most_once(self) -> bool:
        """No payment is booked twice."""
        return all(self.bookings_of(order) <= 1 for order in Order)

    @quiescent
    def every_payment_is_booked(self) -> bool:
        """No payment is lost."""
        return all(self.bookings_of(order) >= 1 for order in self.paid)

    @reachable
    def all_payments_are_booked(self) -> bool:
        """The model is not idle."""
        return all(self.bookings_of(order) == 1 for order in Order)


class ClientToken(BookPayments):
    """The order's id is the client token: the same request succeeds without effect, for ten minutes."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        await self.ledger.book_once(order, Booking(order))
        await self.inbox.delete(delivery)


class ConditionInside(BookPayments):
    """A row under the order's id, only if it is absent, in the same transaction: it does not expire."""

    booked: DynamoTable[Order, Booked]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        try:
            await transact(
                self.booked.put_if_absent(order, Booked()),
                self.ledger.insert(Booking(order)),
            )
        except TransactionCanceled:
            pass
        await self.inbox.delete(delivery)
