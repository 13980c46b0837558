"""A shop that makes the calls to a provider that a test asks it to make."""

from __future__ import annotations

from enum import Enum

from checker.components import Charged, NotifyingProvider
from checker.dsl import Component, Fifo, Index, Model, action, always, operation, process, record, when


class Order(Index):
    """What is charged for."""


class Attempt(Index):
    """Idempotency keys."""


class Call(Enum):
    """The calls of a provider."""

    CHARGE = 0
    REFUND = 1
    WAS_CHARGED = 2
    SUBMIT = 3
    CALLBACK = 4
    ACKNOWLEDGE = 5


@record
class Wish:
    """What the shop is asked to do."""

    call: Call
    key: Attempt
    order: Order


class Wishes(Component):
    """What the shop is asked to do next."""

    waiting: Fifo[Wish]

    @operation
    def take(self) -> Wish:
        when(len(self.waiting) > 0)
        wish = self.waiting.popleft()
        return wish

    def add(self, wish: Wish) -> None:
        self.waiting.append(wish)


class Shop(Model):
    """Keeps what it was told last."""

    wishes: Wishes
    bank: NotifyingProvider[Attempt, Order]
    answer: Charged | None
    known: bool = False
    told: Order | None

    @action
    def ask(self, call: Call, key: Attempt, order: Order) -> None:
        when(len(self.wishes.waiting) == 0)
        self.wishes.add(Wish(call, key, order))

    @process
    async def shop(self) -> None:
        wish = await self.wishes.take()
        match wish.call:
            case Call.CHARGE:
                self.answer = await self.bank.charge(wish.key, wish.order)
            case Call.REFUND:
                await self.bank.refund(wish.key, wish.order)
            case Call.WAS_CHARGED:
                self.known = await self.bank.was_charged(wish.key)
            case Call.SUBMIT:
                await self.bank.submit(wish.key, wish.order)
            case Call.CALLBACK:
                self.told = await self.bank.callback()
            case Call.ACKNOWLEDGE:
                await self.bank.acknowledge(wish.order)

    @always
    def charged_once(self) -> bool:
        return all(self.bank.times_charged(order) == 1 for order in Order)

    @always
    def nothing_is_due(self) -> bool:
        return all(self.bank.balance(order) == 0 for order in Order)
