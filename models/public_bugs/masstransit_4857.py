"""MassTransit #4857, #5159, #5915: an SQS message that failed is never processed again, and never deleted.

A node keeps the ids of the messages that it is working on. A handler fails, the node makes the message
visible at once, reports the failure, and forgets the id afterwards; in between the message is received
again, by the same node, which takes it for a duplicate (R-DUPE) and leaves it alone, while it goes on
renewing its visibility.
"""

from __future__ import annotations

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    Component,
    Index,
    Model,
    ServiceError,
    Set,
    action,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Message(Index, interchangeable=True):
    """Messages, by their ids."""


class Thread(Index, interchangeable=True):
    """Receivers of the one node."""


@record
class Handled:
    """What the handler leaves, or the report of its failure."""


class Renewal(Component):
    """The task that renews a message's visibility."""

    @operation
    def runs_for_ever(self) -> None:
        """Nobody ends it: the attempt that it belongs to was never begun."""
        when(False)


class Node(Model):
    """What the two forms share: a queue, and one node with several receivers and one memory."""

    sent: Set[Message]
    inbox: SqsQueue[Message]
    handled: DynamoTable[Message, Handled]
    faults: DynamoTable[Message, Handled]
    in_progress: Set[Message]
    renewal: Renewal

    @action
    def send(self, message: Message) -> None:
        """Somebody sends a message."""
        when(message not in self.sent)
        self.sent.add(message)
        self.inbox.send(message)

    @quiescent
    def every_message_is_handled(self) -> bool:
        """No message is left for ever."""
        return all(self.handled.has(message) for message in self.sent)

    @reachable
    def all_messages_are_handled(self) -> bool:
        """The model is not idle."""
        return all(self.handled.has(message) for message in Message)


class ReleaseThenForget(Node):
    """The bug: the message can come back before its id is forgotten."""

    @process(instances=Thread)
    async def receiver(self, me: Thread) -> None:
        delivery = await self.inbox.receive()
        if delivery.body in self.in_progress:
            await self.renewal.runs_for_ever()
        self.in_progress.add(delivery.body)
        try:
            await self.handled.put(delivery.body, Handled())
            await self.inbox.delete(delivery)
        except ServiceError:
            await self.inbox.release(delivery)
            await self.faults.put(delivery.body, Handled())
        self.in_progress.remove(delivery.body)


class ForgetThenRelease(Node):
    """Forget the id first. (The project advises a RedeliverVisibilityTimeout of some seconds instead.)"""

    @process(instances=Thread)
    async def receiver(self, me: Thread) -> None:
        delivery = await self.inbox.receive()
        if delivery.body in self.in_progress:
            await self.renewal.runs_for_ever()
        self.in_progress.add(delivery.body)
        try:
            await self.handled.put(delivery.body, Handled())
            await self.inbox.delete(delivery)
        except ServiceError:
            await self.faults.put(delivery.body, Handled())
            self.in_progress.remove(delivery.body)
            await self.inbox.release(delivery)
            return
        self.in_progress.remove(delivery.body)
