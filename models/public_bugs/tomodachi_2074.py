"""tomodachi #2074: a handled message whose delete failed goes to the dead-letter queue, again and again.

A consumer remembers the messages that it has handled, and ignores one that comes again; it does not
delete it either. Each time the message is received its count goes up, until it is a dead letter; and
after a redrive the same consumer ignores it again.
"""

from __future__ import annotations

from checker.components import DynamoTable, SqsQueueWithDlq
from checker.dsl import Index, Model, ServiceError, Set, action, process, quiescent, reachable, record, when


class Message(Index, interchangeable=True):
    """Messages, by their ids."""


@record
class Handled:
    """What the handler leaves."""


class Inbox(SqsQueueWithDlq[Message]):
    """The queue with its redrive policy."""

    max_receive_count = 3


class OneConsumer(Model):
    """What the two forms share: one consumer, with its memory."""

    sent: Set[Message]
    inbox: Inbox
    handled: DynamoTable[Message, Handled]
    remembered: Set[Message]

    @action
    def send(self, message: Message) -> None:
        """Somebody sends a message."""
        when(message not in self.sent)
        self.sent.add(message)
        self.inbox.send(message)

    @quiescent
    def no_handled_message_is_a_dead_letter(self) -> bool:
        """A person who looks at the dead letters finds only what still has to be done."""
        return all(not self.handled.has(message) for message in self.inbox.dead_letters)

    @quiescent
    def every_message_is_handled(self) -> bool:
        """No message is lost."""
        return all(self.handled.has(message) for message in self.sent)

    @reachable
    def all_messages_are_handled(self) -> bool:
        """The model is not idle."""
        return all(self.handled.has(message) for message in Message)


class IgnoreDuplicates(OneConsumer):
    """The bug: what is remembered is not handled, and not deleted either."""

    @process
    async def consumer(self) -> None:
        delivery = await self.inbox.receive()
        if delivery.body not in self.remembered:
            await self.handled.put(delivery.body, Handled())
            self.remembered.add(delivery.body)
            try:
                await self.inbox.delete(delivery)
            except ServiceError:
                return


class DeleteDuplicates(OneConsumer):
    """What is remembered is deleted. (The project's own fix handles it again after a minute.)"""

    @process
    async def consumer(self) -> None:
        delivery = await self.inbox.receive()
        if delivery.body not in self.remembered:
            await self.handled.put(delivery.body, Handled())
            self.remembered.add(delivery.body)
        try:
            await self.inbox.delete(delivery)
        except ServiceError:
            return
