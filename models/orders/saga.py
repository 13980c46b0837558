"""A saga with compensation: reserve stock, charge the card, and release the stock where the card is
declined.

Catalogue: anomaly 15. The commands go to the warehouse over a standard queue: a Release can overtake its
Reserve, and both can come twice. The coordinator is a workflow that makes each of its steps once (as a
Standard workflow of Step Functions does); the warehouse differs.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Index,
    Model,
    Range,
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
    """Processes of the warehouse."""


class Outcome(Enum):
    """How far a saga is."""

    RUNNING = 0
    CONFIRMED = 1
    CANCELLED = 2


class Kind(Enum):
    """What the coordinator tells the warehouse."""

    RESERVE = 0
    RELEASE = 1


class Hold(Enum):
    """A reservation; RELEASED is for ever."""

    HELD = 0
    RELEASED = 1


@record
class Command:
    """A message to the warehouse."""

    kind: Kind
    order: Order


#: There is one piece for each of at most two orders.
Count = Annotated[int, Range(0, 5)]


class Stock(Component):
    """The stock of one item: a row with a number, and its two updates."""

    left: Count = 2

    @operation(raises=(ConditionalCheckFailed,))
    def take(self) -> None:
        """UpdateItem: one piece less, with the condition that there is one."""
        if self.left <= 0:
            raise ConditionalCheckFailed
        self.left -= 1

    @operation
    def give_back(self) -> None:
        """UpdateItem ADD: one piece more."""
        self.left += 1


class Holds(DynamoTable[Order, Hold]):
    """The table of reservations."""

    @operation(raises=(ConditionalCheckFailed,))
    def delete_present(self, key: Order) -> None:
        """DeleteItem with attribute_exists(key)."""
        if key not in self.items:
            raise ConditionalCheckFailed
        self.items.discard(key)


class Saga(Model):
    """What the variants share: the workflow, which loses nothing, and what must be true of the stock."""

    sagas: DynamoTable[Order, Outcome]
    commands: SqsQueue[Command]
    stock: Stock

    @action
    def start(self, order: Order) -> None:
        """A client checks out: reserve, then charge the card."""
        when(not self.sagas.has(order))
        self.sagas.put(order, Outcome.RUNNING)
        self.commands.send(Command(Kind.RESERVE, order))

    @action
    def charge(self, order: Order) -> None:
        """The card is accepted."""
        when(self.sagas.items.get(order) == Outcome.RUNNING)
        self.sagas.put(order, Outcome.CONFIRMED)

    @action
    def compensate(self, order: Order) -> None:
        """The card is declined, or the answer of the warehouse took too long: release what was reserved."""
        when(self.sagas.items.get(order) == Outcome.RUNNING)
        self.sagas.put(order, Outcome.CANCELLED)
        self.commands.send(Command(Kind.RELEASE, order))

    def confirmed(self) -> int:
        return sum(1 for outcome in self.sagas.rows() if outcome == Outcome.CONFIRMED)

    @always
    def stock_never_grows(self) -> bool:
        """Nothing is given back that was not taken."""
        return self.stock.left <= 2

    @quiescent
    def stock_is_what_was_not_sold(self) -> bool:
        """When everything is handled, exactly the confirmed orders have taken a piece."""
        return self.stock.left == 2 - self.confirmed()

    @reachable
    def an_order_is_confirmed_with_its_piece(self) -> bool:
        """The model is not idle."""
        return self.confirmed() == 1 and self.stock.left == 1

    @reachable
    def an_order_is_cancelled(self) -> bool:
        """Compensation happens."""
        return any(outcome == Outcome.CANCELLED for outcome in self.sagas.rows())


class CountUpAndDown(Saga):
    """The warehouse takes a piece for a Reserve and gives one back for a Release."""

    @process(instances=Worker)
    async def warehouse(self, me: Worker) -> None:
        delivery = await self.commands.receive()
        if delivery.body.kind == Kind.RESERVE:
            try:
                await self.stock.take()
            except ConditionalCheckFailed:
                pass
        else:
            await self.stock.give_back()
        await self.commands.delete(delivery)


class DeletedReservation(Saga):
    """A reservation is a row, which the Release deletes: a Reserve that comes later makes it again."""

    holds: Holds

    @process(instances=Worker)
    async def warehouse(self, me: Worker) -> None:
        delivery = await self.commands.receive()
        order = delivery.body.order
        try:
            if delivery.body.kind == Kind.RESERVE:
                await transact(self.holds.put_if_absent(order, Hold.HELD), self.stock.take())
            else:
                await transact(self.holds.delete_present(order), self.stock.give_back())
        except TransactionCanceled:
            pass
        await self.commands.delete(delivery)


class TerminalState(Saga):
    """A released reservation keeps its row for ever, and a Release without a Reserve leaves one, too."""

    holds: DynamoTable[Order, Hold]

    @process(instances=Worker)
    async def warehouse(self, me: Worker) -> None:
        delivery = await self.commands.receive()
        order = delivery.body.order
        try:
            if delivery.body.kind == Kind.RESERVE:
                await transact(self.holds.put_if_absent(order, Hold.HELD), self.stock.take())
            elif await self.holds.get(order) is None:
                await self.holds.put_if_absent(order, Hold.RELEASED)
            else:
                await transact(self.holds.update_if(order, Hold.HELD, Hold.RELEASED), self.stock.give_back())
        except TransactionCanceled:
            pass
        except ConditionalCheckFailed:
            return
        await self.commands.delete(delivery)
