"""AWS Lambda event source mappings: a queue, or a stream, whose records come to a function in batches.

What it represents (Source: Lambda developer guide, "Using Lambda with Amazon SQS" and "with Kinesis"):
the function is a process that awaits ``next_batch``, works, and returns by ``respond`` (the response's
``batchItemFailures``; an empty one means complete success) or by ``fail`` (an unhandled exception; a
crash is one, too). ``LambdaMapping`` is a standard queue with its mapping: failed messages become
visible again, the others are deleted, and all of them come again after an exception.
``LambdaStreamMapping`` keeps the order of each shard: it goes on at the lowest failed sequence number,
repeats a failed batch until its retries are used up, halves it first where ``bisects`` is set (halving
uses no retry), and hands what is given up to an on-failure destination.

What it leaves out: batching windows, filters, concurrent batches of one shard, the record age limit,
scaling of pollers, FIFO queues as a source, and that the mapping's own deletes may be late: a message
whose visibility timeout is over when the function returns is not deleted. Of a stream's mapping:

- ``max_retries`` is 1 unless a subclass sets it. AWS retries without limit, until the record expires.
- ``given_up`` keeps the records. In AWS a destination gets metadata (Amazon S3 also the records), and
  without a destination nothing is kept of what is given up.
- A crash of the function uses no retry here, and its batch may come again with another size; in AWS it
  counts as an error like any other. Call ``fail`` where the count matters.

A process that ends its iteration without ``respond`` counts as crashed: its batch comes again. In Lambda, to
return without a list of failures is complete success: end every such path with ``respond(Set())``.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from checker.components.kinesis_stream import Position, StreamRecord
from checker.components.sqs_queue import InFlight, SqsQueueWithDlq
from checker.dsl import Bag, Component, Fifo, Map, Process, Range, Set, caller, choose, is_idle, operation

S = TypeVar("S")
T = TypeVar("T")

#: How often a failed batch of a stream is tried again (AWS: 0 to 10,000, default until the record expires).
MaxRetries = Annotated[int, Range(0, 3)]

#: How many records are in a batch.
BatchSize = Annotated[int, Range(0, 7)]


class LambdaMapping(SqsQueueWithDlq[T], Generic[T]):
    """A standard queue with messages ``T`` that invokes a function with batches of them."""

    #: What each running invocation got. An invocation that nobody answers for leaves its messages in flight.
    batches: Map[Process, Bag[T]]

    @operation
    def next_batch(self) -> Fifo[T]:
        """The mapping receives one message or more, and invokes the function with them."""
        batch: Fifo[T] = Fifo()
        self.batches[caller()] = Bag()
        more = True
        while more:
            body = choose(self.visible)
            self._hide(body)
            self.batches[caller()].add(body)
            batch.append(body)
            more = choose([False, len(self.visible) > 0 and len(batch) < 10])
        return batch

    @operation(applied_once=True)
    def respond(self, batch_item_failures: Set[T]) -> None:
        """The function returns: what it does not list is deleted, what it lists becomes visible again."""
        for body in self.batches[caller()]:
            held = InFlight(body, caller())
            if held in self.in_flight:
                if body in batch_item_failures:
                    self._give_back(held)
                else:
                    self.in_flight.remove(held)
                    self._forget(body)
        self.batches.discard(caller())

    @operation(applied_once=True)
    def fail(self) -> None:
        """The function raises: every message of the batch becomes visible again."""
        for body in self.batches[caller()]:
            held = InFlight(body, caller())
            if held in self.in_flight:
                self._give_back(held)
        self.batches.discard(caller())


class LambdaStreamMapping(Component, Generic[S, T]):
    """A stream with shards ``S`` that invokes a function with batches of its records, a shard at a time."""

    transactional = False

    bisects: bool = False
    max_retries: MaxRetries = 1
    records: Map[S, Fifo[T]] = Map.filled(Fifo())
    checkpoints: Map[S, Position] = Map.filled(0)
    #: Who works on a batch of the shard, and how many records it has.
    running: Map[S, Process]
    sizes: Map[S, BatchSize] = Map.filled(0)
    #: The size of the batch that failed and comes again, and how often it has failed.
    failed_sizes: Map[S, BatchSize] = Map.filled(0)
    failures: Map[S, MaxRetries] = Map.filled(0)
    #: What the on-failure destination got.
    given_up: Bag[T]

    @operation
    def put(self, shard: S, data: T) -> None:
        """PutRecord: at the end of a shard."""
        assert len(self.records[shard]) < 7, "a shard of the model has seven records at most"
        self.records[shard].append(data)

    @operation
    def next_batch(self) -> Fifo[StreamRecord[S, T]]:
        """Invoke the function with the batch that failed, or with one record or more after the checkpoint."""
        shard = choose(s for s in self.records if self._is_ready(s))
        start = self.checkpoints[shard]
        size = self.failed_sizes[shard]
        if size == 0:
            size = choose(n for n in range(1, 8) if start + n <= len(self.records[shard]))
        batch: Fifo[StreamRecord[S, T]] = Fifo()
        while len(batch) < size:
            position = start + len(batch)
            batch.append(StreamRecord(shard, position, self.records[shard][position]))
        for other in self.running:
            if self.running[other] == caller():
                self._stop(other)
        self.running[shard] = caller()
        self.sizes[shard] = size
        return batch

    @operation(applied_once=True)
    def respond(self, batch_item_failures: Set[Position]) -> None:
        """The function returns: the shard goes on at the lowest position listed, or after the batch."""
        for shard in self.running:
            if self.running[shard] == caller():
                start = self.checkpoints[shard]
                end = start + self.sizes[shard]
                failed = min((p for p in batch_item_failures), default=7)
                if failed >= end:
                    self._go_on(shard, end)
                else:
                    if failed > start:
                        self._go_on(shard, failed)
                    self._retry(shard, end - failed)

    @operation(applied_once=True)
    def fail(self) -> None:
        """The function raises: the whole batch comes again, or its first half."""
        for shard in self.running:
            if self.running[shard] == caller():
                size = self.sizes[shard]
                if self.bisects and size > 1:
                    self.failed_sizes[shard] = size // 2
                    self._stop(shard)
                else:
                    self._retry(shard, size)

    def _is_ready(self, shard: S) -> bool:
        free = shard not in self.running or is_idle(self.running[shard])
        return free and self.checkpoints[shard] < len(self.records[shard])

    def _go_on(self, shard: S, position: Position) -> None:
        """Everything before the position is done."""
        self.checkpoints[shard] = position
        self.failed_sizes[shard] = 0
        self.failures[shard] = 0
        self._stop(shard)

    def _retry(self, shard: S, size: BatchSize) -> None:
        """The next records, as many as ``size``, failed once more: try again, or give them up."""
        if self.failures[shard] < self.max_retries:
            self.failures[shard] += 1
            self.failed_sizes[shard] = size
            self._stop(shard)
            return
        start = self.checkpoints[shard]
        for position in range(8):
            if start <= position < start + size:
                self.given_up.add(self.records[shard][position])
        self._go_on(shard, start + size)

    def _stop(self, shard: S) -> None:
        """The invocation is over."""
        self.running.discard(shard)
        self.sizes[shard] = 0
