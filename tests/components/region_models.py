"""Clients of Regions and of a strongly consistent global table, who do what a test asks."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.components import (
    Lease,
    Region,
    Regions,
    RegionUnavailable,
    ReplicatedWriteConflict,
    StrongGlobalTable,
)
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Fifo,
    Index,
    Model,
    Range,
    ServiceError,
    action,
    always,
    choose,
    operation,
    process,
    record,
    when,
)

Number = Annotated[int, Range(0, 9)]


class Key(Index):
    """Keys that clients know."""


class Call(Enum):
    """What a client can do."""

    ROUTE = 0
    REACH = 1
    LEASE = 2
    GET = 3
    PUT = 4
    PUT_IF_ABSENT = 5
    UPDATE_IF = 6
    DELETE = 7


class Outcome(Enum):
    """How a call was answered."""

    DONE = 0
    UNAVAILABLE = 1
    REFUSED = 2
    CONFLICT = 3


@record
class Wish:
    """What the client is asked to do."""

    call: Call
    region: Region
    key: Key
    number: Number


class Wishes(Component):
    """What the client is asked to do next."""

    waiting: Fifo[Wish]

    @operation
    def take(self) -> Wish:
        when(len(self.waiting) > 0)
        wish = self.waiting.popleft()
        return wish

    def add(self, wish: Wish) -> None:
        self.waiting.append(wish)


class Client(Model):
    """Keeps what it was told last."""

    wishes: Wishes
    regions: Regions
    table: StrongGlobalTable[Key, Number]
    outcome: Outcome = Outcome.DONE
    region: Region | None
    lease: Lease | None
    found: Number | None

    @action
    def ask(self, call: Call, region: Region, key: Key, number: Number) -> None:
        when(len(self.wishes.waiting) == 0)
        self.wishes.add(Wish(call, region, key, number))

    @process
    async def client(self) -> None:
        wish = await self.wishes.take()
        self.outcome = Outcome.DONE
        try:
            match wish.call:
                case Call.ROUTE:
                    self.region = await self.regions.route()
                case Call.REACH:
                    await self.regions.reach(wish.region)
                case Call.LEASE:
                    self.lease = await self.regions.lease()
                case Call.GET:
                    self.found = await self.table.get(wish.region, wish.key)
                case Call.PUT:
                    await self.table.put(wish.region, wish.key, wish.number)
                case Call.PUT_IF_ABSENT:
                    await self.table.put_if_absent(wish.region, wish.key, wish.number)
                case Call.UPDATE_IF:
                    await self.table.update_if(wish.region, wish.key, 1, wish.number)
                case Call.DELETE:
                    await self.table.delete(wish.region, wish.key)
        except RegionUnavailable:
            self.outcome = Outcome.UNAVAILABLE
        except ConditionalCheckFailed:
            self.outcome = Outcome.REFUSED
        except ReplicatedWriteConflict:
            self.outcome = Outcome.CONFLICT

    @always
    def one_is_there(self) -> bool:
        return self.table.has(Key(0)) and 1 in self.table.rows()


class Busy(Model):
    """Someone asks and writes, again and again."""

    regions: Regions
    table: StrongGlobalTable[Key, Number]

    @process
    async def client(self) -> None:
        here = await self.regions.route()
        call = choose(range(4))
        try:
            await self.regions.reach(here)
            match call:
                case 0:
                    await self.table.put(here, Key(0), 1)
                case 1:
                    await self.table.update_if(here, Key(0), 1, 2)
                case 2:
                    await self.table.delete(here, Key(0))
                case _:
                    lease = await self.regions.lease()
                    await self.table.put_if_absent(lease.region, Key(0), 1)
        except ServiceError:
            pass

    @always
    def one_is_there(self) -> bool:
        return 1 in self.table.rows()
