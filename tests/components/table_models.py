"""A client of tables, who makes the calls that a test asks for."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.components import Change, CounterTable, ExpiringTable, StreamTable, TokenTable
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Fifo,
    Index,
    Model,
    Range,
    ServiceError,
    Set,
    TransactionCanceled,
    action,
    choose,
    operation,
    process,
    reachable,
    record,
    transact,
    when,
)

Number = Annotated[int, Range(-1, 9)]


class Key(Index):
    """Keys that clients know."""


class Token(Index):
    """Client tokens."""


class Call(Enum):
    """The calls of the tables."""

    GET = 0
    PUT = 1
    PUT_IF_ABSENT = 2
    UPDATE = 3
    UPDATE_IF = 4
    DELETE = 5
    DELETE_IF = 6
    ADD = 7
    TAKE = 8
    SCAN = 9
    PUT_BOTH_NEW = 10
    CHECK_AND_PUT = 11
    TAKE_AND_PUT = 12
    PUT_ONCE = 20
    PUT_NEW_ONCE = 21
    LEASE = 30
    GET_LIVE = 31
    LEASE_IF_FREE = 32
    RELEASE = 33
    GET_LEASE = 34
    PUBLISH = 40
    WITHDRAW = 41
    READ_STREAM = 42
    CHECKPOINT = 43


@record
class Wish:
    """What the client is asked to do. For conditions on the present item, it is expected to be 1."""

    call: Call
    key: Key
    token: Token
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
    counters: CounterTable[Key, Number]
    payments: TokenTable[Key, Number, Token]
    leases: ExpiringTable[Key, Number]
    orders: StreamTable[Key, Number]
    refused: bool = False
    found: Number | None
    rows: Set[Number]
    change: Change[Key, Number] | None

    @action
    def ask(self, call: Call, key: Key, token: Token, number: Number) -> None:
        when(len(self.wishes.waiting) == 0)
        self.wishes.add(Wish(call, key, token, number))

    @process
    async def client(self) -> None:
        wish = await self.wishes.take()
        key = wish.key
        number = wish.number
        self.refused = False
        self.found = None
        try:
            match wish.call:
                case Call.GET:
                    self.found = await self.counters.get(key)
                case Call.PUT:
                    await self.counters.put(key, number)
                case Call.PUT_IF_ABSENT:
                    await self.counters.put_if_absent(key, number)
                case Call.UPDATE:
                    await self.counters.update(key, number)
                case Call.UPDATE_IF:
                    await self.counters.update_if(key, 1, number)
                case Call.DELETE:
                    await self.counters.delete(key)
                case Call.DELETE_IF:
                    await self.counters.delete_if(key, 1)
                case Call.ADD:
                    self.found = await self.counters.add(key, number)
                case Call.TAKE:
                    await self.counters.take(key, number)
                case Call.SCAN:
                    self.rows = (await self.counters.scan()).copy()
                case Call.PUT_BOTH_NEW:
                    await transact(
                        self.counters.put_if_absent(Key(0), number),
                        self.counters.put_if_absent(Key(1), number),
                    )
                case Call.CHECK_AND_PUT:
                    await transact(self.counters.put(Key(0), number), self.counters.check_absent(Key(1)))
                case Call.TAKE_AND_PUT:
                    await transact(self.counters.take(Key(0), 1), self.counters.put(Key(1), number))
                case Call.PUT_ONCE:
                    await self.payments.put_once(wish.token, key, number)
                case Call.PUT_NEW_ONCE:
                    await self.payments.put_new_once(wish.token, key, number)
                case Call.LEASE:
                    await self.leases.put(key, number)
                case Call.GET_LIVE:
                    self.found = await self.leases.get_live(key)
                case Call.LEASE_IF_FREE:
                    await self.leases.put_if_absent_or_expired(key, number)
                case Call.RELEASE:
                    await self.leases.delete(key)
                case Call.GET_LEASE:
                    self.found = await self.leases.get(key)
                case Call.PUBLISH:
                    await self.orders.put(key, number)
                case Call.WITHDRAW:
                    await self.orders.delete(key)
                case Call.READ_STREAM:
                    self.change = await self.orders.read_stream()
                case Call.CHECKPOINT:
                    await self.orders.checkpoint(Change(key, number))
        except ConditionalCheckFailed:
            self.refused = True
        except TransactionCanceled:
            self.refused = True


class Busy(Model):
    """Someone makes any calls on one item of each table, again and again."""

    counters: CounterTable[Key, Number]
    payments: TokenTable[Key, Number, Token]
    leases: ExpiringTable[Key, Number]
    orders: StreamTable[Key, Number]

    @process
    async def client(self) -> None:
        call = choose(range(8))
        try:
            match call:
                case 0:
                    await self.counters.put_if_absent(Key(0), 1)
                case 1:
                    await self.counters.take(Key(0), 1)
                case 2:
                    await self.payments.put_once(Token(0), Key(0), 1)
                case 3:
                    await self.payments.put_new_once(Token(1), Key(0), 2)
                case 4:
                    await self.leases.put_if_absent_or_expired(Key(0), 1)
                case 5:
                    when(len(self.orders.stream) == 0)
                    await self.orders.put(Key(0), 1)
                case 6:
                    await self.orders.delete(Key(0))
                case _:
                    change = await self.orders.read_stream()
                    await self.orders.checkpoint(change)
        except ServiceError:
            pass

    @reachable
    def taken(self) -> bool:
        return 0 in self.counters.rows()
