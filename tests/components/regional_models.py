"""Clients of tables in several Regions, who make the calls that a test asks them to make."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.components import GlobalTable, Region, RegionUnavailable
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    ServiceError,
    action,
    always,
    choose,
    operation,
    process,
    record,
    transact,
    when,
)

Number = Annotated[int, Range(0, 9)]


class Key(Index):
    """Keys that clients know."""


class Call(Enum):
    """The calls of a table."""

    GET = 0
    PUT = 1
    PUT_IF_ABSENT = 2
    UPDATE_IF_ONE = 3
    DELETE = 4
    ADD = 5
    PUT_BOTH = 6


class Outcome(Enum):
    """How a call was answered."""

    DONE = 0
    REFUSED = 1
    UNAVAILABLE = 2


@record
class Request:
    """What a client is asked to do: ``number`` is what it writes, or adds."""

    call: Call
    key: Key
    number: Number


@record
class Answer:
    """What the client was told; ``found`` is what it read."""

    outcome: Outcome
    found: Number | None


class Requests(Component):
    """What clients are asked to do next."""

    waiting: Map[Region, Request]

    @operation
    def take(self, region: Region) -> Request:
        when(region in self.waiting)
        request = self.waiting[region]
        del self.waiting[region]
        return request

    def ask(self, region: Region, request: Request) -> None:
        self.waiting[region] = request


class Counters(GlobalTable[Key, Number]):
    """A table with an update expression."""

    @operation(raises=(RegionUnavailable,))
    def add(self, region: Region, key: Key, amount: Number) -> None:
        """UpdateItem ADD: on the number that the Region shows."""
        if region in self.lost:
            raise RegionUnavailable
        present = self.read(region, key)
        self.write(region, key, amount if present is None else present + amount)


class Clients(Model):
    """A client in each Region, and a table that is replicated between them."""

    requests: Requests
    table: Counters
    answers: Map[Region, Answer]

    @action
    def ask(self, region: Region, call: Call, key: Key, number: Number) -> None:
        self.requests.ask(region, Request(call, key, number))

    @process(instances=Region)
    async def client(self, here: Region) -> None:
        request = await self.requests.take(here)
        outcome = Outcome.DONE
        found: Number | None = None
        try:
            match request.call:
                case Call.GET:
                    found = await self.table.get(here, request.key)
                case Call.PUT:
                    await self.table.put(here, request.key, request.number)
                case Call.PUT_IF_ABSENT:
                    await self.table.put_if_absent(here, request.key, request.number)
                case Call.UPDATE_IF_ONE:
                    await self.table.update_if(here, request.key, 1, request.number)
                case Call.DELETE:
                    await self.table.delete(here, request.key)
                case Call.ADD:
                    await self.table.add(here, request.key, request.number)
                case Call.PUT_BOTH:
                    await transact(
                        self.table.put(here, Key(0), request.number),
                        self.table.put(here, Key(1), request.number),
                    )
        except ConditionalCheckFailed:
            outcome = Outcome.REFUSED
        except RegionUnavailable:
            outcome = Outcome.UNAVAILABLE
        self.answers[here] = Answer(outcome, found)

    @always
    def regions_agree(self) -> bool:
        return self.table.agree()

    @always
    def a_one_and_all_keys_are_shown(self) -> bool:
        return 1 in self.table.rows(Region(0)) and all(self.table.has(Region(0), key) for key in Key)


class Busy(Model):
    """In each Region someone makes any calls on one item, again and again."""

    table: Counters

    @process(instances=Region)
    async def client(self, here: Region) -> None:
        call = choose(Call)
        try:
            match call:
                case Call.GET:
                    await self.table.get(here, Key(0))
                case Call.PUT:
                    await self.table.put(here, Key(0), 0)
                case Call.PUT_IF_ABSENT:
                    await self.table.put_if_absent(here, Key(0), 1)
                case Call.UPDATE_IF_ONE:
                    await self.table.update_if(here, Key(0), 1, 2)
                case Call.DELETE:
                    await self.table.delete(here, Key(0))
                case Call.ADD:
                    await self.table.add(here, Key(0), 1)
                case Call.PUT_BOTH:
                    await transact(self.table.put(here, Key(0), 1), self.table.delete(here, Key(0)))
        except ServiceError:
            pass

    @always
    def regions_agree(self) -> bool:
        return self.table.agree()
