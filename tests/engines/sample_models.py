"""Small models, each with one thing to find; the tests lower them, or copy this file into a project."""

from __future__ import annotations

from enum import Enum
from typing import Annotated, Self

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    Bag,
    Component,
    ConditionalCheckFailed,
    Fifo,
    Index,
    Map,
    Model,
    Range,
    Set,
    action,
    always,
    choose,
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


class Worker(Index):
    """Workers."""


class RowId(Index):
    """Minted ids."""


class Phase(Enum):
    """How far something is."""

    LOW = 1
    HIGH = 2


Small = Annotated[int, Range(0, 3)]
Huge = Annotated[int, Range(0, 1_000_000_000)]


@record
class Placed:
    """A message."""

    order: Order


@record
class Row:
    """A row."""

    order: Order
    by: Worker


@record
class Note:
    """A record with a value of every simple type."""

    order: Order
    phase: Phase
    level: Small
    urgent: bool
    other: Order | None


class Ladder(Model):
    """Up by one or by two: the top is two steps away, and there are longer ways to it."""

    height: Small = 0

    @action
    def up(self) -> None:
        when(self.height < 3)
        self.height += 1

    @action
    def leap(self) -> None:
        when(self.height < 2)
        self.height += 2

    @always
    def not_at_the_top(self) -> bool:
        """The top is never reached."""
        return self.height < 3

    @transition
    def one_at_a_time(self, before: Self) -> bool:
        """Nobody leaps."""
        return self.height <= before.height + 1

    @quiescent
    def rests_at_the_bottom(self) -> bool:
        return self.height == 0

    @reachable
    def half_way(self) -> bool:
        return self.height == 2

    @reachable
    def above_the_top(self) -> bool:
        return self.height == 3 and not self.not_at_the_top() and self.height < 3


class FalseAtOnce(Model):
    """False before anything happens."""

    height: Small = 0

    @action
    def up(self) -> None:
        when(self.height < 3)
        self.height += 1

    @always
    def starts_higher(self) -> bool:
        return self.height > 0


class Endless(Model):
    """Goes on for ever, and is wrong early."""

    height: Huge = 0

    @action
    def up(self) -> None:
        self.height += 1

    @always
    def below_three(self) -> bool:
        """It stays low."""
        return self.height < 3

    @reachable
    def at_the_end(self) -> bool:
        return self.height == 1_000_000_000


class Round(Model):
    """Goes round for ever among four states, and is wrong early."""

    height: Small = 0

    @action
    def up(self) -> None:
        self.height = (self.height + 1) % 4

    @always
    def below_three(self) -> bool:
        """It stays low."""
        return self.height < 3


class Overflow(Model):
    """Counts past its range; it has no process."""

    count: Small = 0
    line: Fifo[Order]

    @action
    def bump(self, order: Order) -> None:
        self.count += 1
        self.line.append(order)

    @always
    def fine(self) -> bool:
        """Row[order] is [/] always :smile: fine."""
        return self.count >= 0


class EarlyOverflow(Model):
    """Fails while its process starts."""

    count: Small = 3
    table: DynamoTable[Order, Phase]

    @process
    async def clerk(self) -> None:
        self.count += 1
        await self.table.put(Order(0), Phase.LOW)


class BadArgument(Model):
    """The argument of a call is what fails."""

    line: Fifo[Order]
    gate: DynamoTable[Order, Phase]

    @process
    async def clerk(self) -> None:
        await self.gate.get(Order(0))
        await self.gate.put(self.line[1], Phase.LOW)


class TwoFailingProperties(Model):
    """Several properties have no value in the same state; the first one that is asked is not the first."""

    count: Small = 0
    line: Fifo[Order]

    @action
    def bump(self) -> None:
        when(self.count < 1)
        self.count += 1

    @reachable
    def first(self) -> bool:
        return self.count == 1 and self.line[3] == Order(0)

    @quiescent
    def second(self) -> bool:
        return self.line[0] == Order(0)

    @always
    def third(self) -> bool:
        return self.count == 0 or self.line[1] == Order(0)


class TransitionAndReachableFail(Model):
    """A step fails in a property of steps, and its end in a property of states."""

    count: Small = 0
    line: Fifo[Order]

    @action
    def bump(self) -> None:
        self.count += 1

    @always
    def state(self) -> bool:
        return self.count == 0 or self.line[1] == Order(0)

    @transition
    def step(self, before: Self) -> bool:
        return before.count == self.count or self.line[0] == Order(0)


class Needy(Model):
    """Takes two messages for one piece of work; with one message it waits for ever."""

    inbox: SqsQueue[Placed]
    placed: Set[Order]

    @action
    def place(self, order: Order) -> None:
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(Placed(order))

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        first = await self.inbox.receive()
        await self.inbox.delete(first)
        second = await self.inbox.receive()
        await self.inbox.delete(second)


class TwoRows(Model):
    """One process writes twice."""

    inbox: SqsQueue[Placed]
    orders: DynamoTable[RowId, Row]
    placed: Set[Order]

    @action
    def place(self, order: Order) -> None:
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(Placed(order))

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        await self.orders.insert(Row(delivery.body.order, me))
        await self.orders.insert(Row(delivery.body.order, me))
        await self.inbox.delete(delivery)

    @always
    def one_row(self) -> bool:
        """There is one row for each order."""
        return all(sum(1 for row in self.orders.rows() if row.order == order) <= 1 for order in Order)

    @always
    def no_row(self) -> bool:
        return len(self.orders.items) == 0


class Overwriter(Model):
    """Two workers write the same key, each its own name."""

    orders: DynamoTable[Order, Row]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        if await self.orders.get(Order(0)) is None:
            await self.orders.put(Order(0), Row(Order(0), me))
        await self.orders.delete(Order(0))

    @transition
    def rows_never_change(self, before: Self) -> bool:
        """A row is not overwritten."""
        return all(
            self.orders.items.get(order) is None
            or self.orders.items.get(order) == before.orders.items.get(order)
            for order in before.orders.items
        )


class Chooser(Model):
    """Several initial states: a process chooses before its first call."""

    table: DynamoTable[Order, Phase]

    @process(instances=Worker)
    async def reader(self, me: Worker) -> None:
        mine = choose(Order)
        await self.table.put(mine, Phase.LOW)
        await self.table.get(mine)

    @always
    def never_one(self) -> bool:
        """No [order 1] :smile: is there."""
        return not self.table.has(Order(1))


class EveryType(Model):
    """A variable of every type, all of them filled, and a local."""

    level: Small = 2
    urgent: bool = False
    phase: Phase = Phase.LOW
    other: Order | None
    note: Note = Note(Order(0), Phase.HIGH, 3, True, None)
    orders: Set[Order | None]
    bag: Bag[Note]
    line: Fifo[Order]
    book: Map[Order, Phase]
    table: DynamoTable[Order, Note]

    @action
    def fill(self, order: Order) -> None:
        when(len(self.line) < 2)
        self.line.append(order)
        self.other = order
        self.urgent = True
        self.orders.add(None)
        self.orders.add(order)
        self.bag.add(self.note)
        self.book[order] = Phase.HIGH

    @process
    async def clerk(self) -> None:
        found = await self.table.get(Order(1))
        if found is None:
            await self.table.put(Order(1), self.note)

    @always
    def never_filled(self) -> bool:
        return not (len(self.line) == 2 and self.table.has(Order(1)))

    @always
    def some_order_is_no_member(self) -> bool:
        return all(member is None for member in self.orders)


class Shelf(Component):
    """A component with a fault that the lab does not know, and an operation that answers wrongly."""

    things: Set[Order]

    @operation(raises=(ConditionalCheckFailed,))
    def take(self, order: Order) -> None:
        if order not in self.things:
            raise ConditionalCheckFailed
        self.things.remove(order)

    @operation
    def put(self, order: Order) -> None:
        self.things.add(order)

    @fault
    def lose(self) -> None:
        order = choose(self.things)
        self.things.remove(order)


class Room(Component):
    """A component inside a component."""

    shelf: Shelf
    open: bool = True


class Store(Model):
    """Uses a component of its own, inside another one."""

    room: Room
    done: Set[Order]

    @process
    async def clerk(self) -> None:
        await self.room.shelf.put(Order(0))
        await self.room.shelf.take(Order(0))

    @action
    def close(self) -> None:
        order = choose(Order)
        self.done.add(order)

    @fault
    def forget(self) -> None:
        order = choose(self.done)
        self.done.remove(order)

    @always
    def never_lost(self) -> bool:
        """The shelf is full."""
        return len(self.done) < 2
