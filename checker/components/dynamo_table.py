"""Amazon DynamoDB, tables in one Region.

What they represent (Source: DynamoDB developer guide and API reference): strongly consistent reads and
writes of single items, each atomic; conditional writes that fail without effect; several writes in one
transaction by ``transact``. What needs state of its own has a class of its own, so that a plain table
pays nothing for it: ``CounterTable`` has atomic counters, ``TokenTable`` transactions whose client token
is the caller's and expires, ``ExpiringTable`` time to live, ``StreamTable`` a stream of its changes.
Update expressions other than these are operations of a model's own subclass.

What they leave out: conflicts between transactions, requests that land after their caller has given
up, eventually consistent reads, secondary indexes, pages of a scan, throughput limits (throttling is the
fault ``fail``), and that the token that an SDK gives a ``transact`` of its own expires: its retries
take seconds, the token lasts ten minutes.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Fifo,
    Map,
    Set,
    action,
    choose,
    fault,
    operation,
    record,
)
from checker.ir.types import IntType, Type

K = TypeVar("K")
V = TypeVar("V")
N = TypeVar("N", bound=int)
T = TypeVar("T")


class DynamoTable(Component, Generic[K, V]):
    """A table of items ``V`` under keys ``K``."""

    items: Map[K, V]

    @operation
    def get(self, key: K) -> V | None:
        """GetItem, strongly consistent."""
        return self.items.get(key)

    @operation
    def put(self, key: K, item: V) -> None:
        """PutItem: create or replace."""
        self.write(key, item)

    @operation(raises=(ConditionalCheckFailed,))
    def put_if_absent(self, key: K, item: V) -> None:
        """PutItem with attribute_not_exists(key)."""
        if key in self.items:
            raise ConditionalCheckFailed
        self.write(key, item)

    @operation(applied_once=True)
    def insert(self, item: V) -> None:
        """PutItem under an id that the client has just minted: it never meets another item.

        The SDK's retry repeats the id, so that it replaces the item by itself.
        """
        self.write(self.items.fresh_key(), item)

    @operation
    def update(self, key: K, item: V) -> None:
        """UpdateItem: set the attributes, creating the item where it is missing."""
        self.write(key, item)

    @operation(raises=(ConditionalCheckFailed,))
    def update_if(self, key: K, expected: V, item: V) -> None:
        """UpdateItem with a condition on the present attributes: compare and set."""
        if self.items.get(key) != expected:
            raise ConditionalCheckFailed
        self.write(key, item)

    @operation
    def delete(self, key: K) -> None:
        """DeleteItem: it may be missing already."""
        self.remove(key)

    @operation(raises=(ConditionalCheckFailed,))
    def delete_if(self, key: K, expected: V) -> None:
        """DeleteItem with a condition on the present attributes; a missing item fails it."""
        if self.items.get(key) != expected:
            raise ConditionalCheckFailed
        self.remove(key)

    @operation(raises=(ConditionalCheckFailed,))
    def check_absent(self, key: K) -> None:
        """ConditionCheck of a transaction: attribute_not_exists(key); it writes nothing."""
        if key in self.items:
            raise ConditionalCheckFailed

    @operation
    def scan(self) -> Set[V]:
        """A strongly consistent Scan, or Query, of one page; equal items are one element."""
        return Set(item for item in self.items.values())

    def write(self, key: K, item: V) -> None:
        """Every write ends here; for update expressions of subclasses."""
        self.items[key] = item

    def remove(self, key: K) -> None:
        """Every delete ends here; the item may be missing."""
        self.items.discard(key)

    def rows(self) -> list[V]:
        """All items, for properties."""
        return self.items.values()

    def has(self, key: K) -> bool:
        """Whether there is an item under the key, for properties."""
        return key in self.items


class CounterTable(DynamoTable[K, N]):
    """A table whose items are numbers: ``CounterTable[Item, Annotated[int, Range(0, 9)]]``.

    An atomic counter is not idempotent (developer guide): a retry whose first attempt was applied
    counts twice.
    """

    @classmethod
    def unfit(cls, carried: Mapping[str, Type]) -> tuple[str, str] | None:
        if isinstance(carried["N"], IntType):
            return None
        what = f"it counts, and {carried['N']} is not a number"
        return what, "write CounterTable[Item, Annotated[int, Range(0, 9)]], or use a DynamoTable"

    @operation
    def add(self, key: K, amount: N) -> N:
        """UpdateItem ADD, which starts a missing item at 0. Returns the new number (ALL_NEW)."""
        result = self.items[key] + amount if key in self.items else amount
        self.write(key, result)  # type: ignore[arg-type]  # whether it lies in N is checked when it is stored
        return result  # type: ignore[return-value]

    @operation(raises=(ConditionalCheckFailed,))
    def take(self, key: K, amount: N) -> None:
        """UpdateItem SET n = n - :amount with the condition n >= :amount; a missing item fails it."""
        if key not in self.items or self.items[key] < amount:
            raise ConditionalCheckFailed
        self.write(key, self.items[key] - amount)  # type: ignore[arg-type]


class TokenTable(DynamoTable[K, V], Generic[K, V, T]):
    """A table that is written by transactions with a client token ``T`` that the caller keeps.

    Within ten minutes a request with the same token succeeds without effect; then it is a new request.
    """

    tokens: Set[T]

    @operation
    def put_once(self, token: T, key: K, item: V) -> None:
        """TransactWriteItems with one Put and a client token."""
        if token not in self.tokens:
            self.tokens.add(token)
            self.write(key, item)

    @operation(raises=(ConditionalCheckFailed,))
    def put_new_once(self, token: T, key: K, item: V) -> None:
        """TransactWriteItems with one Put, attribute_not_exists(key), and a client token.

        A cancelled transaction leaves its token unused.
        """
        if token in self.tokens:
            return
        if key in self.items:
            raise ConditionalCheckFailed
        self.tokens.add(token)
        self.write(key, item)

    @fault
    def token_expiry(self) -> None:
        """Ten minutes are over: the same token is a new request."""
        token = choose(self.tokens)
        self.tokens.remove(token)


class ExpiringTable(DynamoTable[K, V]):
    """A table whose items have a time to live.

    An expired item stays readable until it is deleted, typically within two days; a consumer that
    minds filters by the expiry time. A write gives an item its whole time again.
    """

    expired: Set[K]

    @operation
    def get_live(self, key: K) -> V | None:
        """GetItem, and the consumer ignores an item whose expiry time is over."""
        return None if key in self.expired else self.items.get(key)

    @operation(raises=(ConditionalCheckFailed,))
    def put_if_absent_or_expired(self, key: K, item: V) -> None:
        """PutItem with attribute_not_exists(key) OR expires_at < :now."""
        if key in self.items and key not in self.expired:
            raise ConditionalCheckFailed
        self.write(key, item)

    def write(self, key: K, item: V) -> None:
        self.items[key] = item
        self.expired.discard(key)

    def remove(self, key: K) -> None:
        self.items.discard(key)
        self.expired.discard(key)

    @fault
    def expiry(self) -> None:
        """An item's time to live is over. It is still there."""
        key = choose(key for key in self.items if key not in self.expired)
        self.expired.add(key)

    @action
    def ttl_delete(self) -> None:
        """An expired item is deleted in the background."""
        key = choose(self.expired)
        self.remove(key)


@record
class Change(Generic[K, V]):
    """A record of a stream with the new image; None where the item was deleted."""

    key: K
    item: V | None


class StreamTable(DynamoTable[K, V]):
    """A table with a stream of its changes (NEW_IMAGE).

    Every change is in the stream once, the changes of one item in their order; those of different items
    come in any order, because they may lie in different shards. A reader that dies before its checkpoint
    reads again. A write that changes nothing makes no record.
    """

    stream: Map[K, Fifo[V | None]]

    @operation
    def read_stream(self) -> Change[K, V]:
        """GetRecords: the oldest change of any item that is not past the reader's checkpoint."""
        key = choose(self.stream)
        return Change(key, self.stream[key][0])

    @operation
    def checkpoint(self, change: Change[K, V]) -> None:
        """Done with a change, if it is still the oldest of its item: it is not read again."""
        if change.key in self.stream and self.stream[change.key][0] == change.item:
            self._advance(change.key)

    def write(self, key: K, item: V) -> None:
        if self.items.get(key) != item:
            self.items[key] = item
            self._record(key, item)

    def remove(self, key: K) -> None:
        if key in self.items:
            del self.items[key]
            self._record(key, None)

    def _record(self, key: K, item: V | None) -> None:
        if key not in self.stream:
            self.stream[key] = Fifo()
        self.stream[key].append(item)

    def _advance(self, key: K) -> None:
        self.stream[key].popleft()
        if len(self.stream[key]) == 0:
            del self.stream[key]

    @fault
    def trim(self) -> None:
        """A change is older than 24 hours and leaves the stream unread."""
        key = choose(self.stream)
        self._advance(key)
