"""Models with one messaging component each, whose processes make the calls that the tests look at."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.components import (
    ArchivedEventBus,
    CrossRegionBus,
    DynamoTable,
    EventBus,
    KinesisStream,
    LambdaMapping,
    LambdaStreamMapping,
    LeaseLost,
    ReceiptHandleExpired,
    SqsFifoQueue,
    SqsQueue,
    SqsQueueWithDlq,
)
from checker.dsl import Fifo, Index, Model, Range, Set, action, choose, process, when


class Body(Index):
    """What messages say."""


class Worker(Index):
    """Consumers."""


class Key(Index):
    """Keys of a table, and partition keys."""


class Group(Index):
    """Message groups."""


class Shard(Index):
    """Shards."""


class Target(Enum):
    """Targets of a bus."""

    BILLING = 0
    SHIPPING = 1


Number = Annotated[int, Range(0, 3)]
Position = Annotated[int, Range(0, 7)]


class Sending(Model):
    """What the models share: up to three messages are sent, and workers make a call elsewhere."""

    sent: Number = 0
    done: Fifo[Body]
    elsewhere: DynamoTable[Key, Number]


class Batches(Sending):
    """A batch is received, and its messages deleted one after the other."""

    inbox: SqsQueue[Body]

    @action
    def send(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.inbox.send(body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        batch = await self.inbox.receive_batch()
        while len(batch) > 0:
            delivery = batch.popleft()
            await self.inbox.delete(delivery)


class Releasing(Sending):
    """A message is received and given back at once."""

    inbox: SqsQueue[Body]

    @action
    def send(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.inbox.send(body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        await self.elsewhere.get(Key(0))
        await self.inbox.release(delivery)


class Inbox(SqsQueueWithDlq[Body]):
    """Two receives, then the dead-letter queue."""

    max_receive_count = 2


class DeadLetters(Sending):
    """A message is received, and deleted or not."""

    inbox: Inbox

    @action
    def send(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.inbox.send(body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        deletes = choose([False, True])
        if deletes:
            await self.inbox.delete(delivery)
        else:
            await self.inbox.release(delivery)


class Grouped(Sending):
    """Messages are sent to any group; a worker makes a call elsewhere, then deletes."""

    queue: SqsFifoQueue[Group, Body, Body]
    refused: bool = False

    @action
    def send(self, body: Body, group: Group) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.queue.send(group, body, body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.queue.receive()
        await self.elsewhere.get(Key(0))
        try:
            await self.queue.delete(delivery)
        except ReceiptHandleExpired:
            self.refused = True
            return
        self.done.append(delivery.body)


class Producing(Model):
    """A process sends one message to a FIFO queue."""

    queue: SqsFifoQueue[Group, Body, Body]

    @process
    async def producer(self) -> None:
        await self.queue.send(Group(0), Body(0), Body(0))


class Streaming(Sending):
    """Records of any key; a worker reads one, makes a call elsewhere, and writes the checkpoint."""

    stream: KinesisStream[Key, Shard, Body]
    refused: bool = False

    @action
    def put(self, key: Key, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.stream.put(key, body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        read = await self.stream.next_record()
        await self.elsewhere.get(Key(0))
        self.done.append(read.data)
        try:
            await self.stream.checkpoint(read)
        except LeaseLost:
            self.refused = True


class StreamingUnordered(Sending):
    """The same with a reader that pays no heed to parents."""

    stream: KinesisStream[Key, Shard, Body]

    @action
    def put(self, key: Key, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.stream.put(key, body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        read = await self.stream.next_record_of_any_shard()
        self.done.append(read.data)


class StreamingBatches(Sending):
    """A batch is read; the checkpoint is written after all of it."""

    stream: KinesisStream[Key, Shard, Body]

    @action
    def put(self, key: Key, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.stream.put(key, body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        batch = await self.stream.next_batch()
        last = batch[0]
        while len(batch) > 0:
            last = batch.popleft()
            await self.elsewhere.get(Key(0))
            self.done.append(last.data)
        await self.stream.checkpoint(last)


class ProducingRecords(Model):
    """A process puts one record."""

    stream: KinesisStream[Key, Shard, Body]

    @process
    async def producer(self) -> None:
        await self.stream.put(Key(0), Body(0))


class Invoked(Sending):
    """A function of a queue: it returns any list of failures, or raises."""

    function: LambdaMapping[Body]

    @action
    def send(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.function.send(body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        batch = await self.function.next_batch()
        failed: Set[Body] = Set()
        for body in batch:
            fails = choose([False, True])
            if fails:
                failed.add(body)
        raises = choose([False, True])
        if raises:
            await self.function.fail()
        else:
            await self.function.respond(failed)


class InvokedByStream(Sending):
    """A function of a stream: it succeeds, lists one failure, or raises, as the step ``decide`` says."""

    function: LambdaStreamMapping[Shard, Body]
    bad: Set[Body]
    raises: bool = False

    @action
    def put(self, body: Body, shard: Shard) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.function.put(shard, body)

    @action
    def make_bad(self, body: Body) -> None:
        self.bad.add(body)

    @action
    def let_it_raise(self) -> None:
        self.raises = True

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        batch = await self.function.next_batch()
        if self.raises and any(record.data in self.bad for record in batch):
            await self.function.fail()
        else:
            await self.function.respond(Set(r.position for r in batch if r.data in self.bad))


class Bisecting(LambdaStreamMapping[Shard, Body]):
    """A mapping with BisectBatchOnFunctionError, and no retry."""

    bisects = True
    max_retries = 0


class InvokedInHalves(Sending):
    """A function that raises on body 0, behind a mapping that bisects."""

    function: Bisecting

    @action
    def put(self, body: Body, shard: Shard) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.function.put(shard, body)

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        batch = await self.function.next_batch()
        if any(record.data == Body(0) for record in batch):
            await self.function.fail()
        else:
            await self.function.respond(Set(r.position for r in batch if r.data == Body(0)))


class BillingAlone(EventBus[Target, Body]):
    """Body 1 matches the rule of billing alone."""

    def matches(self, target: Target, event: Body) -> bool:
        return event == Body(0) or target == Target.BILLING


class Kept(EventBus[Target, Body]):
    """A bus with a dead-letter queue."""

    has_dead_letter_queue = True


class Routing(Sending):
    """Events on three buses: one with rules that differ, one with a dead-letter queue."""

    bus: BillingAlone
    kept: Kept

    @action
    def put(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.bus.put(body)
        self.kept.put(body)

    @process(instances=Worker)
    async def billing(self, me: Worker) -> None:
        event = await self.bus.receive(Target.BILLING)
        await self.bus.done(Target.BILLING, event)
        self.done.append(event)


class PuttingSeveral(Model):
    """A process puts all bodies in one call."""

    bus: EventBus[Target, Body]
    refused: Set[Body]

    @process
    async def producer(self) -> None:
        self.refused = await self.bus.put_all(Set(body for body in Body))


class ProjectionsOnly(ArchivedEventBus[Target, Body]):
    """Replays name the rule of shipping alone."""

    def replays_to(self, target: Target) -> bool:
        return target == Target.SHIPPING


class Archiving(Sending):
    """Two buses with archives: replayed to all rules, or to one."""

    bus: ArchivedEventBus[Target, Body]
    filtered: ProjectionsOnly

    @action
    def put(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.bus.put(body)
        self.filtered.put(body)


class Crossing(Sending):
    """Events that cross to another Region."""

    bus: CrossRegionBus[Target, Body]

    @action
    def put(self, body: Body) -> None:
        when(self.sent < 3)
        self.sent += 1
        self.bus.put(body)
