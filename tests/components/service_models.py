"""Models with one component each, whose processes make the calls that the tests look at."""

from __future__ import annotations

from typing import Annotated

from checker.components import Delivery, DynamoTable, SqsQueue
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
    Range,
    TransactionCanceled,
    action,
    choose,
    process,
    transact,
    when,
)


class Body(Index):
    """What messages say."""


class Worker(Index):
    """Consumers."""


class Key(Index):
    """Keys that clients know."""


class RowId(Index):
    """Keys that are minted."""


Number = Annotated[int, Range(0, 3)]


class Receiving(Model):
    """Messages are sent, received, worked on (one call elsewhere), and deleted."""

    inbox: SqsQueue[Body]
    sent: Annotated[int, Range(0, 2)] = 0
    work: DynamoTable[Key, Number]

    @action
    def send(self, body: Body) -> None:
        when(self.sent < 2)
        self.sent += 1
        self.inbox.send(body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery: Delivery[Body] = await self.inbox.receive()
        await self.work.get(Key(0))
        await self.inbox.delete(delivery)


class Storing(Model):
    """A client makes any one call on a table: it writes 2, and expects 1."""

    table: DynamoTable[Key, Number]
    refused: bool = False
    found: Number | None = None

    @process
    async def client(self) -> None:
        which = choose(range(6))
        try:
            match which:
                case 0:
                    await self.table.put(Key(0), 2)
                case 1:
                    await self.table.put_if_absent(Key(0), 2)
                case 2:
                    await self.table.update(Key(0), 2)
                case 3:
                    await self.table.update_if(Key(0), 1, 2)
                case 4:
                    await self.table.delete(Key(0))
                case _:
                    self.found = await self.table.get(Key(0))
        except ConditionalCheckFailed:
            self.refused = True


class Minting(Model):
    """Rows under minted keys."""

    table: DynamoTable[RowId, Number]

    @process
    async def client(self) -> None:
        await self.table.insert(1)


class Transacting(Model):
    """A conditional marker and a row, together."""

    markers: DynamoTable[Key, Number]
    rows: DynamoTable[RowId, Number]
    canceled: bool = False

    @process
    async def client(self) -> None:
        try:
            await transact(self.rows.insert(2), self.markers.put_if_absent(Key(0), 1))
        except TransactionCanceled:
            self.canceled = True
