"""MassTransit #3791: what a consumer publishes through its outbox is published twice.

A consumer's messages are stored with the row of the inbox, and published after the commit. The row was
not really locked meanwhile: a second delivery of the same message finds the stored messages, too, and
both publish.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Process,
    Range,
    Set,
    action,
    always,
    caller,
    is_idle,
    operation,
    process,
    quiescent,
    reachable,
    when,
)


class Message(Index, interchangeable=True):
    """Messages, by their ids."""


class Consumer(Index, interchangeable=True):
    """Consumers; a database transaction ends with its consumer."""


class InboxState(Enum):
    """A row of the inbox: the consumer has run, its outgoing messages are stored, or published."""

    CONSUMED = 0
    DELIVERED = 1


Count = Annotated[int, Range(0, 4)]


class Topic(Component):
    """Where the outgoing messages go; one for each incoming."""

    published: Map[Message, Count] = Map.filled(0)

    @operation
    def publish(self, message: Message) -> None:
        """Publish what the consumer of a message has stored."""
        self.published[message] += 1


class RowLocks(Component):
    """Row locks of a database: held until they are given back, or the holder is dead."""

    holders: Map[Message, Process]

    @operation
    def lock(self, message: Message) -> None:
        """SELECT ... FOR UPDATE: it waits for the row."""
        when(message not in self.holders or is_idle(self.holders[message]))
        self.holders[message] = caller()

    @operation
    def unlock(self, message: Message) -> None:
        """COMMIT."""
        self.holders.discard(message)


class InboxAndOutbox(Model):
    """What the two forms share: messages, the inbox, and what is published."""

    sent: Set[Message]
    queue: SqsQueue[Message]
    inbox: DynamoTable[Message, InboxState]
    topic: Topic

    @action
    def send(self, message: Message) -> None:
        """Somebody sends a message."""
        when(message not in self.sent)
        self.sent.add(message)
        self.queue.send(message)

    @always
    def published_at_most_once(self) -> bool:
        """What a consumer has stored is published once, unless a publisher dies."""
        return all(self.topic.published[message] <= 1 for message in Message)

    @quiescent
    def everything_is_published(self) -> bool:
        """Nothing is lost."""
        return all(self.topic.published[message] >= 1 for message in self.sent)

    @reachable
    def all_messages_are_published(self) -> bool:
        """The model is not idle."""
        return all(self.inbox.items.get(message) == InboxState.DELIVERED for message in Message)


class Unlocked(InboxAndOutbox):
    """The bug: both deliveries see that the messages are stored and not yet published."""

    @process(instances=Consumer)
    async def consumer(self, me: Consumer) -> None:
        delivery = await self.queue.receive()
        message = delivery.body
        try:
            await self.inbox.put_if_absent(message, InboxState.CONSUMED)
        except ConditionalCheckFailed:
            pass
        if await self.inbox.get(message) == InboxState.CONSUMED:
            await self.topic.publish(message)
            await self.inbox.put(message, InboxState.DELIVERED)
        await self.queue.delete(delivery)


class Locked(InboxAndOutbox):
    """The row is locked from the look at it until it says that all is published."""

    rows: RowLocks

    @process(instances=Consumer)
    async def consumer(self, me: Consumer) -> None:
        delivery = await self.queue.receive()
        message = delivery.body
        try:
            await self.inbox.put_if_absent(message, InboxState.CONSUMED)
        except ConditionalCheckFailed:
            pass
        await self.rows.lock(message)
        if await self.inbox.get(message) == InboxState.CONSUMED:
            await self.topic.publish(message)
            await self.inbox.put(message, InboxState.DELIVERED)
        await self.rows.unlock(message)
        await self.queue.delete(delivery)
