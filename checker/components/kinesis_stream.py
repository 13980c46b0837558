"""Amazon Kinesis Data Streams, read with leases and checkpoints as by the Kinesis Client Library (KCL).

What it represents (Source: Kinesis developer guide and API reference; KCL's lease table):
records with one partition key go to one shard, and a shard keeps its order; a put that is tried again
after a lost answer makes a second record (budget ``ambiguous``); one worker at a time has the lease of a
shard, reads on from the shard's checkpoint, and writes the checkpoint, which the lease table refuses
once another worker has taken the lease; after a crash, a lost lease or a reset, records come again from
the last checkpoint; a reshard closes a shard, whose keys go on in a child. ``next_record`` and
``next_batch`` open a child only when its parent is drained, as the KCL does;
``next_record_of_any_shard`` does not, as a reader of one's own often does not.

What it leaves out: PutRecords (partial failure, no order), retention, iterator expiry, throughput
limits, enhanced fan-out, merges of shards, and splits that part the keys of one shard: all of them move
to one child, which is what one key sees of any split. A lease changes hands between two reads at no
budget; inside a worker's iteration that is the fault ``lease_lost``. A worker that ends its iteration
without a checkpoint reads the same records again.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from checker.dsl import (
    Component,
    Fifo,
    Map,
    Process,
    Range,
    ServiceError,
    Set,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    record,
    when,
)

K = TypeVar("K")
S = TypeVar("S")
T = TypeVar("T")

#: A sequence number: a record's position in its shard, or how many records a checkpoint has behind it.
#: A shard has seven records at most; an eighth is a model error.
Position = Annotated[int, Range(0, 7)]


class LeaseLost(ServiceError):
    """Another worker has the shard's lease: the checkpoint was not written."""


@record
class StreamRecord(Generic[S, T]):
    """A record as a worker reads it."""

    shard: S
    position: Position
    data: T


class KinesisStream(Component, Generic[K, S, T]):
    """A stream of ``T`` with partition keys ``K`` in at most as many shards as ``S`` has members."""

    transactional = False

    records: Map[S, Fifo[T]] = Map.filled(Fifo())
    #: The shards that exist, open or closed.
    created: Set[S]
    #: The open shard in which each key's hash lies.
    shard_of: Map[K, S]
    parents: Map[S, S]
    #: How many records of each shard are done, as the lease table says.
    checkpoints: Map[S, Position] = Map.filled(0)
    #: Who has read a shard last.
    leases: Map[S, Process]

    @operation
    def put(self, key: K, data: T) -> None:
        """PutRecord: at the end of the key's shard."""
        if key not in self.shard_of:
            self._place(key)
        assert len(self.records[self.shard_of[key]]) < 7, "a shard of the model has seven records at most"
        self.records[self.shard_of[key]].append(data)

    @operation
    def next_record(self) -> StreamRecord[S, T]:
        """Take a lease and GetRecords with Limit 1: the first record after the checkpoint of a shard."""
        shard = choose(s for s in self.records if self._is_ready(s) and self._is_parent_drained(s))
        self.leases[shard] = caller()
        return StreamRecord(shard, self.checkpoints[shard], self.records[shard][self.checkpoints[shard]])

    @operation
    def next_batch(self) -> Fifo[StreamRecord[S, T]]:
        """Take a lease and GetRecords: one record or more after the checkpoint of a shard, in order."""
        shard = choose(s for s in self.records if self._is_ready(s) and self._is_parent_drained(s))
        self.leases[shard] = caller()
        start = self.checkpoints[shard]
        size = choose(n for n in range(1, 8) if start + n <= len(self.records[shard]))
        batch: Fifo[StreamRecord[S, T]] = Fifo()
        while len(batch) < size:
            position = start + len(batch)
            batch.append(StreamRecord(shard, position, self.records[shard][position]))
        return batch

    @operation
    def next_record_of_any_shard(self) -> StreamRecord[S, T]:
        """The same by a reader that opens a child while its parent still has records."""
        shard = choose(s for s in self.records if self._is_ready(s))
        self.leases[shard] = caller()
        return StreamRecord(shard, self.checkpoints[shard], self.records[shard][self.checkpoints[shard]])

    @operation(raises=(LeaseLost,))
    def checkpoint(self, done: StreamRecord[S, T]) -> None:
        """Say in the lease table that a record and all before it are done: conditional on the lease."""
        if self.leases.get(done.shard) != caller():
            raise LeaseLost
        self.checkpoints[done.shard] = done.position + 1

    @fault
    def lease_lost(self) -> None:
        """A worker stalls for longer than its lease lasts, and works on: another one takes the shard."""
        shard = choose(self.leases)
        when(not is_idle(self.leases[shard]))
        self.leases.discard(shard)

    @fault
    def reshard(self) -> None:
        """An open shard is closed; its keys go on in a child."""
        parent = choose(s for s in self.created if self._is_open(s))
        child = choose(s for s in self.records if s == self._next_unused())
        self.created.add(child)
        self.parents[child] = parent
        for key in self.shard_of:
            if self.shard_of[key] == parent:
                self.shard_of[key] = child

    @fault
    def reset_to_start(self) -> None:
        """A shard is read again from TRIM_HORIZON: its checkpoint is lost, or reset to replay."""
        shard = choose(s for s in self.records if self.checkpoints[s] > 0)
        when(shard not in self.leases or is_idle(self.leases[shard]))
        self.checkpoints[shard] = 0

    def is_drained(self) -> bool:
        """Whether every record has a checkpoint behind it, for properties."""
        return all(self.checkpoints[s] == len(self.records[s]) for s in self.records)

    def _place(self, key: K) -> None:
        """A key's hash lies in one of the open shards, or in one that no other key has used so far."""
        shard = choose(s for s in self.records if self._is_open(s) or s == self._next_unused())
        self.created.add(shard)
        self.shard_of[key] = shard

    def _next_unused(self) -> S | None:
        """The first shard that does not exist: which one comes next makes no difference."""
        for shard in self.records:
            if shard not in self.created:
                return shard
        return None

    def _is_open(self, shard: S) -> bool:
        return shard in self.created and all(p != shard for p in self.parents.values())

    def _is_ready(self, shard: S) -> bool:
        """Whether a shard has records to read, and no other worker is at work on it."""
        free = shard not in self.leases or is_idle(self.leases[shard])
        return free and self.checkpoints[shard] < len(self.records[shard])

    def _is_parent_drained(self, shard: S) -> bool:
        """Whether all ancestors are done; a parent that never had a record says nothing of its own parent."""
        ancestor = self.parents.get(shard)
        while ancestor is not None:
            if self.checkpoints[ancestor] < len(self.records[ancestor]):
                return False
            ancestor = self.parents.get(ancestor)
        return True
