"""Charging a card: a worker dies after the charge and before the delete, and the message comes again.

Catalogue: anomaly 1. The provider is outside of every transaction; only what it is told can keep it from
charging twice.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from checker.components import Charged, Provider, ReceiptHandleExpired, SqsFifoQueue, SqsQueue
from checker.dsl import (
    Index,
    Model,
    Set,
    action,
    always,
    choose,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Order(Index, interchangeable=True):
    """Orders."""


class Worker(Index, interchangeable=True):
    """Consumer processes."""


class Attempt(Index):
    """Idempotency keys that are minted for each attempt."""


class Queue(Index):
    """The one message group."""


@record
class Checkout:
    """The message that asks for a payment."""

    order: Order


Key = TypeVar("Key")


class ChargeCards(Model, Generic[Key]):
    """What the variants share: orders to be paid, and the provider, which knows what it has charged for."""

    placed: Set[Order]
    provider: Provider[Key, Order]

    @always
    def charged_at_most_once(self) -> bool:
        """Nobody pays twice."""
        return all(self.provider.times_charged(order) <= 1 for order in Order)

    @quiescent
    def every_order_is_charged(self) -> bool:
        """No order is forgotten."""
        return all(self.provider.times_charged(order) >= 1 for order in self.placed)

    @reachable
    def all_orders_are_charged(self) -> bool:
        """The model is not idle."""
        return all(self.provider.times_charged(order) == 1 for order in Order)


class Charge(ChargeCards[Key], Generic[Key]):
    """The variants with a standard queue."""

    inbox: SqsQueue[Checkout]

    @action
    def place(self, order: Order) -> None:
        """A client checks out."""
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(Checkout(order))


class KeyPerAttempt(Charge[Attempt]):
    """Charge under a new idempotency key, then delete."""

    minted: Set[Attempt]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        key = choose(attempt for attempt in Attempt if attempt not in self.minted)
        self.minted.add(key)
        answer = await self.provider.charge(key, delivery.body.order)
        if answer == Charged.DONE:
            await self.inbox.delete(delivery)


class DeleteFirst(Charge[Order]):
    """Delete, then charge: what dies in between is never charged."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        await self.inbox.delete(delivery)
        await self.provider.charge(delivery.body.order, delivery.body.order)


class FifoQueue(ChargeCards[Attempt]):
    """A FIFO queue processes a message once; but the charge is not part of that."""

    minted: Set[Attempt]
    inbox: SqsFifoQueue[Queue, Order, Checkout]

    @action
    def place(self, order: Order) -> None:
        """A client checks out."""
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(Queue(0), order, Checkout(order))

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        key = choose(attempt for attempt in Attempt if attempt not in self.minted)
        self.minted.add(key)
        answer = await self.provider.charge(key, delivery.body.order)
        if answer == Charged.DONE:
            try:
                await self.inbox.delete(delivery)
            except ReceiptHandleExpired:
                pass


class BusinessKey(Charge[Order]):
    """Charge under the order's own id, and delete once the provider says that it is done."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        answer = await self.provider.charge(order, order)
        if answer == Charged.DONE:
            await self.inbox.delete(delivery)
