"""Amazon SQS, a standard queue, with or without a dead-letter queue.

What it represents (Source: SQS developer guide and API reference):
a message can be received more than once, in any order, alone or in batches of up to 10; receiving hides
it for the visibility timeout; an expired receive makes it visible again while its consumer may still be
at work (a zombie); deleting with an old receipt handle succeeds but may not delete; a copy can come
again after the delete. ``SqsQueueWithDlq`` counts receives: a message that was received
``max_receive_count`` times and comes back goes to the dead-letter queue; from there it can be redriven;
messages that outlive their retention are dropped.

What it leaves out: delays, and an end of the retention of a queue without dead-letter queue. A receive
waits for a message (a long poll that comes back empty changes nothing). Extending the visibility timeout
changes nothing: the model has no clock, and a consumer can stall after it. The entries of a
DeleteMessageBatch succeed or fail one by one, as single deletes do. The receive count belongs to the
body: deleting or moving one of two equal messages starts the other's count anew (AWS calls its own count
approximate). The dead-letter queue has no consumers of its own.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from checker.dsl import (
    Bag,
    Component,
    Fifo,
    Map,
    Process,
    Range,
    action,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    record,
    when,
)

T = TypeVar("T")

#: How often a message is received before it goes to the dead-letter queue (AWS: 1 to 1000, default 10).
MaxReceiveCount = Annotated[int, Range(1, 7)]


@record
class Delivery(Generic[T]):
    """What a receive hands to a consumer; the receipt handle is the consumer's own."""

    body: T


@record
class InFlight(Generic[T]):
    """A message that was received and not deleted, and who received it last."""

    body: T
    holder: Process


class SqsQueue(Component, Generic[T]):
    """A standard queue of messages with body ``T``."""

    transactional = False

    visible: Bag[T]
    in_flight: Bag[InFlight[T]]

    @operation
    def send(self, body: T) -> None:
        """SendMessage."""
        self.visible.add(body)

    @operation
    def receive(self) -> Delivery[T]:
        """ReceiveMessage: any one visible message, hidden from now on."""
        body = choose(self.visible)
        self._hide(body)
        return Delivery(body)

    @operation
    def receive_batch(self) -> Fifo[Delivery[T]]:
        """ReceiveMessage with MaxNumberOfMessages 10: one visible message or more, in any order."""
        batch: Fifo[Delivery[T]] = Fifo()
        more = True
        while more:
            body = choose(self.visible)
            self._hide(body)
            batch.append(Delivery(body))
            more = choose([False, len(self.visible) > 0 and len(batch) < 10])
        return batch

    @operation
    def delete(self, delivery: Delivery[T]) -> None:
        """DeleteMessage: with a current handle it deletes; with an old one it succeeds and may not."""
        held = InFlight(delivery.body, caller())
        if held in self.in_flight:
            self.in_flight.remove(held)
            self._forget(delivery.body)
            return
        deletes = choose([False, True])
        if deletes:
            self._delete_with_old_handle(delivery.body)

    @operation
    def release(self, delivery: Delivery[T]) -> None:
        """ChangeMessageVisibility to 0: the message can be received at once; an old handle does nothing."""
        held = InFlight(delivery.body, caller())
        if held in self.in_flight:
            self._give_back(held)

    @operation
    def extend(self, delivery: Delivery[T]) -> None:
        """ChangeMessageVisibility to more: it succeeds, and says nothing of who holds the message.

        It changes nothing in a model without a clock: a consumer can stall after any heartbeat.
        """

    @action
    def visibility_timeout(self) -> None:
        """A message whose consumer is done without deleting it, or dead, becomes visible in the end."""
        message = choose(self.in_flight)
        when(is_idle(message.holder))
        self._give_back(message)

    @fault
    def visibility_expiry(self) -> None:
        """The visibility timeout is over while the consumer still works on the message."""
        message = choose(self.in_flight)
        when(not is_idle(message.holder))
        self._give_back(message)

    @fault
    def duplicate(self) -> None:
        """At-least-once delivery: a copy stays on a server that missed the receive, or the delete."""
        message = choose(self.in_flight)
        self.visible.add(message.body)

    def _delete_with_old_handle(self, body: T) -> None:
        if body in self.visible:
            self.visible.remove(body)
        else:
            held = choose(message for message in self.in_flight if message.body == body)
            self.in_flight.remove(held)
        self._forget(body)

    def _hide(self, body: T) -> None:
        """The caller has received a visible message."""
        self.visible.remove(body)
        self.in_flight.add(InFlight(body, caller()))

    def _give_back(self, message: InFlight[T]) -> None:
        """A message in flight can be received again."""
        self.in_flight.remove(message)
        self.visible.add(message.body)

    def _forget(self, body: T) -> None:
        """A message was deleted: there is nothing that a plain queue still knows of it."""


class SqsQueueWithDlq(SqsQueue[T], Generic[T]):
    """A standard queue with a redrive policy; a subclass sets ``max_receive_count``."""

    max_receive_count: MaxReceiveCount = 2
    receives: Map[T, MaxReceiveCount]
    dead_letters: Bag[T]

    @fault
    def redrive(self) -> None:
        """StartMessageMoveTask: somebody sends a dead letter through the queue again."""
        body = choose(self.dead_letters)
        self.dead_letters.remove(body)
        self.visible.add(body)

    @fault
    def retention_expiry(self) -> None:
        """A message is older than the queue's retention, 14 days at most, and is dropped."""
        body = choose(self.visible)
        self.visible.remove(body)
        self._forget(body)

    @fault
    def dead_letter_expiry(self) -> None:
        """A dead letter is dropped: its age counts from the time when it was first sent."""
        body = choose(self.dead_letters)
        self.dead_letters.remove(body)

    def _hide(self, body: T) -> None:
        self.visible.remove(body)
        self.in_flight.add(InFlight(body, caller()))
        before = self.receives.get(body)
        self.receives[body] = 1 if before is None else min(before + 1, self.max_receive_count)

    def _give_back(self, message: InFlight[T]) -> None:
        self.in_flight.remove(message)
        if self.receives.get(message.body) == self.max_receive_count:
            self._forget(message.body)
            self.dead_letters.add(message.body)
        else:
            self.visible.add(message.body)

    def _forget(self, body: T) -> None:
        self.receives.discard(body)
