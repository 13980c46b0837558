"""Wolverine #587: the durability agent recovers a message that has only just arrived, and it is handled
twice.

A node writes an incoming message into its inbox table with owner 0 ("nobody"), and handles it in memory.
The agent, which looks for messages of nodes that are gone, takes every incoming row of owner 0 and has
it handled, too.
"""

from __future__ import annotations

from enum import Enum

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
    Process,
    Set,
    action,
    always,
    caller,
    choose,
    is_idle,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transact,
    when,
)


class Message(Index, interchangeable=True):
    """Messages, by their ids."""


class Node(Index, interchangeable=True):
    """Nodes that receive."""


class EffectId(Index):
    """Ids of what handlers do (mails that are sent, say)."""


class Status(Enum):
    """A row of wolverine_incoming_envelopes."""

    INCOMING = 0
    HANDLED = 1


@record
class Envelope:
    """A message in the inbox table; owner None is the 0 of the bug."""

    status: Status
    owner: Process | None


@record
class Effect:
    """What a handler did."""

    message: Message


class Envelopes(DynamoTable[Message, Envelope]):
    """The inbox table, with the statements that Wolverine runs on it."""

    @operation(raises=(ConditionalCheckFailed,))
    def store(self, message: Message) -> None:
        """INSERT with the owner 0."""
        if message in self.items:
            raise ConditionalCheckFailed
        self.items[message] = Envelope(Status.INCOMING, None)

    @operation(raises=(ConditionalCheckFailed,))
    def store_as_own(self, message: Message) -> None:
        """INSERT with the node as the owner."""
        if message in self.items:
            raise ConditionalCheckFailed
        self.items[message] = Envelope(Status.INCOMING, caller())

    @operation
    def recover_unowned(self) -> Message:
        """SELECT of an incoming row of owner 0, for the agent."""
        message = choose(m for m in self.items if self.items[m] == Envelope(Status.INCOMING, None))
        return message

    @operation
    def recover_of_dead_nodes(self) -> Message:
        """SELECT of an incoming row whose node is gone; it becomes the agent's."""
        message = choose(m for m in self.items if self._is_orphan(m))
        self.items[message] = Envelope(Status.INCOMING, caller())
        return message

    @operation
    def mark_handled(self, message: Message) -> None:
        """UPDATE to Handled, in the handler's transaction."""
        self.items[message] = Envelope(Status.HANDLED, None)

    def _is_orphan(self, message: Message) -> bool:
        envelope = self.items[message]
        owner = envelope.owner
        return envelope.status == Status.INCOMING and owner is not None and is_idle(owner)


class DurableInbox(Model):
    """What the two forms share: a queue, the inbox table, and what handlers do."""

    sent: Set[Message]
    queue: SqsQueue[Message]
    inbox: Envelopes
    effects: DynamoTable[EffectId, Effect]

    @action
    def send(self, message: Message) -> None:
        """Somebody sends a message."""
        when(message not in self.sent)
        self.sent.add(message)
        self.queue.send(message)

    def effects_of(self, message: Message) -> int:
        return sum(1 for effect in self.effects.rows() if effect.message == message)

    @always
    def handled_at_most_once(self) -> bool:
        """No mail is sent twice."""
        return all(self.effects_of(message) <= 1 for message in Message)

    @quiescent
    def every_message_is_handled(self) -> bool:
        """No message is lost, whichever node dies."""
        return all(self.effects_of(message) >= 1 for message in self.sent)

    @reachable
    def all_messages_are_handled(self) -> bool:
        """The model is not idle."""
        return all(self.effects_of(message) == 1 for message in Message)


class OwnerZero(DurableInbox):
    """The bug: a message that is being handled looks like one that nobody has."""

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        delivery = await self.queue.receive()
        try:
            await self.inbox.store(delivery.body)
        except ConditionalCheckFailed:
            await self.queue.delete(delivery)
            return
        await self.queue.delete(delivery)
        await transact(
            self.effects.insert(Effect(delivery.body)),
            self.inbox.mark_handled(delivery.body),
        )

    @process
    async def agent(self) -> None:
        message = await self.inbox.recover_unowned()
        await transact(
            self.effects.insert(Effect(message)),
            self.inbox.mark_handled(message),
        )


class OwnedFromTheStart(DurableInbox):
    """The row belongs to its node from the start, and the agent takes rows of dead nodes only."""

    @process(instances=Node)
    async def node(self, me: Node) -> None:
        delivery = await self.queue.receive()
        try:
            await self.inbox.store_as_own(delivery.body)
        except ConditionalCheckFailed:
            await self.queue.delete(delivery)
            return
        await self.queue.delete(delivery)
        await transact(
            self.effects.insert(Effect(delivery.body)),
            self.inbox.mark_handled(delivery.body),
        )

    @process
    async def agent(self) -> None:
        message = await self.inbox.recover_of_dead_nodes()
        await transact(
            self.effects.insert(Effect(message)),
            self.inbox.mark_handled(message),
        )
