"""A reshard: the updates of one order go on in a child shard while its parent is still being read.

Catalogue: anomaly 20. A projection reads a stream of versions; one shard has one reader at a time, but a
reader that stalls works on after it has lost its lease.
"""

from __future__ import annotations

from typing import Annotated, Self

from checker.components import DynamoTable, KinesisStream, LeaseLost
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    action,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transition,
    when,
)


class Order(Index, interchangeable=True):
    """Orders; an order's id is its partition key."""


class Shard(Index):
    """Shards of the stream."""


class Worker(Index, interchangeable=True):
    """Readers of the stream."""


#: Versions of an order; 0 says that there is none yet.
Version = Annotated[int, Range(0, 2)]


@record
class OrderChanged:
    """A record with a whole version of an order."""

    order: Order
    version: Version


class Projections(DynamoTable[Order, OrderChanged]):
    """The projection's table, with the one conditional write that it needs."""

    @operation(raises=(ConditionalCheckFailed,))
    def put_if_newer(self, key: Order, item: OrderChanged) -> None:
        """PutItem with attribute_not_exists(key) OR version < :version."""
        known = self.items.get(key)
        if known is not None and known.version >= item.version:
            raise ConditionalCheckFailed
        self.items[key] = item


class ProjectStream(Model):
    """What the variants share: the owner of an order puts its versions into the stream, in order."""

    latest: Map[Order, Version] = Map.filled(0)
    stream: KinesisStream[Order, Shard, OrderChanged]
    projection: Projections

    @action
    def change(self, order: Order) -> None:
        """The owner of an order makes the next version."""
        when(self.latest[order] < 2)
        self.latest[order] += 1
        self.stream.put(order, OrderChanged(order, self.latest[order]))

    def projected(self, order: Order) -> Version:
        row = self.projection.items.get(order)
        return 0 if row is None else row.version

    @quiescent
    def the_projection_catches_up(self) -> bool:
        """When all records are read, the projection has the latest version of every order."""
        return all(self.projected(order) == self.latest[order] for order in Order)

    @quiescent
    def the_stream_is_drained(self) -> bool:
        """No shard waits for ever."""
        return self.stream.is_drained()

    @transition
    def versions_never_go_back(self, before: Self) -> bool:
        """What a reader has seen is not undone."""
        return all(self.projected(order) >= before.projected(order) for order in Order)

    @reachable
    def a_child_is_drained(self) -> bool:
        """There is a reshard, and its child is read to the end."""
        return len(self.stream.parents) > 0 and all(self.projected(order) == 2 for order in Order)


class ReadEveryShard(ProjectStream):
    """Read every shard that has records: the partition key keeps the order."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        read = await self.stream.next_record_of_any_shard()
        await self.projection.put(read.data.order, read.data)
        try:
            await self.stream.checkpoint(read)
        except LeaseLost:
            pass


class ParentsFirst(ProjectStream):
    """Read a child after its parent, as the KCL does: enough until a reader loses its lease."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        read = await self.stream.next_record()
        await self.projection.put(read.data.order, read.data)
        try:
            await self.stream.checkpoint(read)
        except LeaseLost:
            pass


class ParentsFirstAndVersions(ProjectStream):
    """Read a child after its parent, and let only a newer version replace an older one."""

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        read = await self.stream.next_record()
        try:
            await self.projection.put_if_newer(read.data.order, read.data)
        except ConditionalCheckFailed:
            pass
        try:
            await self.stream.checkpoint(read)
        except LeaseLost:
            pass
