"""CAP (dotnetcore): every node retries the same failed message, and each publishes it.

Reports (dotnetcore/CAP): #1257, #1271. A publish that failed leaves a row in the outbox. Each node's retry
processor reads the failed rows, publishes them and marks them as done: with several nodes, several times.
The remedy of version 7.1, ``UseStorageLock``, lets one node retry at a time; but the lock has a time to live
(#1682 asks for a longer one), and a node that stalls past it goes on with what it has read. What holds is
what the maintainers ask for: a consumer that is idempotent.
"""

from __future__ import annotations

from enum import Enum
from typing import Generic, TypeVar

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Process,
    action,
    always,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Message(Index, interchangeable=True):
    """Messages, by the id in their outbox row."""


class Node(Index, interchangeable=True):
    """Instances of the publishing service."""


class Consumer(Index, interchangeable=True):
    """Instances of the subscriber."""


class EffectId(Index):
    """Ids of what the subscriber writes."""


class Status(Enum):
    """The state of an outbox row."""

    FAILED = "Failed"
    SUCCEEDED = "Succeeded"


@record
class Effect:
    """What the subscriber does for a message."""

    message: Message


class Outbox(Component):
    """The table of published messages."""

    rows: Map[Message, Status]

    @operation
    def next_failed(self) -> Message:
        """Any row that needs a retry."""
        message = choose(message for message in self.rows if self.rows[message] == Status.FAILED)
        return message

    @operation
    def mark_succeeded(self, message: Message) -> None:
        """UPDATE without a condition."""
        self.rows[message] = Status.SUCCEEDED

    def add_failed(self, message: Message) -> None:
        """A row whose first publish failed, for the environment."""
        self.rows[message] = Status.FAILED


class StorageLock(Component):
    """The lock of ``UseStorageLock``: one row that names its holder, with a time to live."""

    holder: Process | None

    @operation
    def acquire(self) -> None:
        """Wait for the lock."""
        when(self.holder is None)
        self.holder = caller()

    @operation
    def release(self) -> None:
        """Release it, if it is still one's own."""
        if self.holder == caller():
            self.holder = None

    @action
    def dead_holder(self) -> None:
        """The lock of a node that died is free after its time to live."""
        when(self.holder is not None and is_idle(self.holder))
        self.holder = None

    @fault
    def expire(self) -> None:
        """The time to live is over while the node is still at work."""
        when(self.holder is not None and not is_idle(self.holder))
        self.holder = None


EffectKey = TypeVar("EffectKey")


class Retry(Model, Generic[EffectKey]):
    """What the variants share: failed rows, a broker, and what a subscriber writes for each message."""

    outbox: Outbox
    topic: SqsQueue[Message]
    effects: DynamoTable[EffectKey, Effect]

    @action
    def publish_fails(self, message: Message) -> None:
        """A business transaction has stored a message, and its first publish failed."""
        when(message not in self.outbox.rows)
        self.outbox.add_failed(message)

    def effects_of(self, message: Message) -> int:
        return sum(1 for effect in self.effects.rows() if effect.message == message)

    @always
    def handled_at_most_once(self) -> bool:
        """No message takes effect twice."""
        return all(self.effects_of(message) <= 1 for message in Message)

    @quiescent
    def every_message_is_handled(self) -> bool:
        """No message is lost."""
        return all(self.effects_of(message) >= 1 for message in self.outbox.rows)

    @reachable
    def all_are_handled(self) -> bool:
        """Every message can fail first and be handled in the end."""
        return all(self.effects_of(message) == 1 for message in Message)


class EveryNodeRetries(Retry[EffectId]):
    """Version 7.0: each node publishes what it finds."""

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        message = await self.outbox.next_failed()
        await self.topic.send(message)
        await self.outbox.mark_succeeded(message)

    @process(instances=Consumer)
    async def consumer(self, me: Consumer) -> None:
        delivery = await self.topic.receive()
        await self.effects.insert(Effect(delivery.body))
        await self.topic.delete(delivery)


class LockedRetry(Retry[EffectId]):
    """Version 7.1: under a lock with a time to live."""

    lock: StorageLock

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        await self.lock.acquire()
        message = await self.outbox.next_failed()
        await self.topic.send(message)
        await self.outbox.mark_succeeded(message)
        await self.lock.release()

    @process(instances=Consumer)
    async def consumer(self, me: Consumer) -> None:
        delivery = await self.topic.receive()
        await self.effects.insert(Effect(delivery.body))
        await self.topic.delete(delivery)


class IdempotentSubscriber(Retry[Message]):
    """Every node retries, and the subscriber writes under the message's id, only if it is absent."""

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        message = await self.outbox.next_failed()
        await self.topic.send(message)
        await self.outbox.mark_succeeded(message)

    @process(instances=Consumer)
    async def consumer(self, me: Consumer) -> None:
        delivery = await self.topic.receive()
        try:
            await self.effects.put_if_absent(delivery.body, Effect(delivery.body))
        except ConditionalCheckFailed:
            pass
        await self.topic.delete(delivery)
