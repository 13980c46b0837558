"""CAP (dotnetcore): the database times out, and the message is completed all the same.

Report (dotnetcore/CAP): #1583, mended by #1584. The subscriber stores a received message before it handles
it. Where that failed, CAP 8.2 called ``Reject``, which did nothing on Azure Service Bus, and the transport
completed the message: nobody has it any more.
"""

from __future__ import annotations

from typing import Self

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    CallFailed,
    CallTimedOut,
    Index,
    Model,
    Set,
    action,
    process,
    quiescent,
    reachable,
    record,
    transition,
    when,
)


class Message(Index, interchangeable=True):
    """Messages of the topic."""


class Subscriber(Index, interchangeable=True):
    """Instances of the subscriber."""


@record
class Received:
    """The row of a message that was received and is to be handled."""


class Topic(Model):
    """What the variants share: messages are sent, and a row of each has to be stored."""

    sent: Set[Message]
    inbox: SqsQueue[Message]
    received: DynamoTable[Message, Received]

    @action
    def send(self, message: Message) -> None:
        """A publisher sends a message."""
        when(message not in self.sent)
        self.sent.add(message)
        self.inbox.send(message)

    @quiescent
    def no_message_is_lost(self) -> bool:
        """Every message that was sent is stored."""
        return all(self.received.has(message) for message in self.sent)

    @transition
    def only_stored_messages_are_completed(self, before: Self) -> bool:
        """What leaves the queue for good is stored."""
        return all(self.received.has(m) for m in before.sent if before.is_queued(m) and not self.is_queued(m))

    def is_queued(self, message: Message) -> bool:
        return message in self.inbox.visible or any(m.body == message for m in self.inbox.in_flight)

    @reachable
    def all_are_stored(self) -> bool:
        """Every message can be sent and stored."""
        return all(self.received.has(message) for message in Message)


class RejectDoesNothing(Topic):
    """CAP 8.2: where storing fails, the message is completed as if it had been stored."""

    @process(instances=Subscriber)
    async def subscriber(self, me: Subscriber) -> None:
        delivery = await self.inbox.receive()
        try:
            await self.received.put(delivery.body, Received())
        except (CallFailed, CallTimedOut):
            pass  # Reject: a no-op
        await self.inbox.delete(delivery)


class RejectAbandons(Topic):
    """CAP 8.3: where storing fails, the message is abandoned, and comes again."""

    @process(instances=Subscriber)
    async def subscriber(self, me: Subscriber) -> None:
        delivery = await self.inbox.receive()
        try:
            await self.received.put(delivery.body, Received())
        except (CallFailed, CallTimedOut):
            return
        await self.inbox.delete(delivery)
