"""Amazon DynamoDB, a table in one Region.

What it represents (Source: DynamoDB developer guide and API reference): strongly consistent reads and
writes of single items, each atomic; conditional writes that fail without effect; several writes in one
transaction by ``transact``.

What it leaves out: conflicts between transactions, requests that land after their caller has given up,
eventually consistent reads, secondary indexes, TTL, streams, throughput limits
(throttling is the fault ``fail``), and that a client token expires after 10 minutes.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from checker.dsl import Component, ConditionalCheckFailed, Map, operation

K = TypeVar("K")
V = TypeVar("V")


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
        self.items[key] = item

    @operation(raises=(ConditionalCheckFailed,))
    def put_if_absent(self, key: K, item: V) -> None:
        """PutItem with attribute_not_exists(key)."""
        if key in self.items:
            raise ConditionalCheckFailed
        self.items[key] = item

    @operation(applied_once=True)
    def insert(self, item: V) -> None:
        """PutItem under an id that the client has just minted: it never meets another item.

        The SDK's retry repeats the id, so that it replaces the item by itself.
        """
        self.items[self.items.fresh_key()] = item

    @operation
    def update(self, key: K, item: V) -> None:
        """UpdateItem: set the attributes, creating the item where it is missing."""
        self.items[key] = item

    @operation(raises=(ConditionalCheckFailed,))
    def update_if(self, key: K, expected: V, item: V) -> None:
        """UpdateItem with a condition on the present attributes: compare and set."""
        if self.items.get(key) != expected:
            raise ConditionalCheckFailed
        self.items[key] = item

    @operation
    def delete(self, key: K) -> None:
        """DeleteItem: it may be missing already."""
        self.items.discard(key)

    def rows(self) -> list[V]:
        """All items, for properties."""
        return self.items.values()

    def has(self, key: K) -> bool:
        """Whether there is an item under the key, for properties."""
        return key in self.items
