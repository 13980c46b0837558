"""Amazon SQS, a standard queue.

What it represents (Source: SQS developer guide and API reference):
a message can be received more than once, in any order; receiving hides it for the visibility
timeout; an expired receive makes it visible again while its consumer may still be at work; deleting
with an old receipt handle succeeds but may not delete.

What it leaves out: batches, delays, dead-letter queues, retention. A receive waits for a message (a
long poll that comes back empty changes nothing).
"""

from __future__ import annotations

from typing import Generic, TypeVar

from checker.dsl import (
    Bag,
    Component,
    Process,
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
        self.visible.remove(body)
        self.in_flight.add(InFlight(body, caller()))
        return Delivery(body)

    @operation
    def delete(self, delivery: Delivery[T]) -> None:
        """DeleteMessage: with a current handle it deletes; with an old one it succeeds and may not."""
        held = InFlight(delivery.body, caller())
        if held in self.in_flight:
            self.in_flight.remove(held)
            return
        deletes = choose([False, True])
        if deletes:
            self._delete_with_old_handle(delivery.body)

    def _delete_with_old_handle(self, body: T) -> None:
        if body in self.visible:
            self.visible.remove(body)
        else:
            held = choose(message for message in self.in_flight if message.body == body)
            self.in_flight.remove(held)

    @action
    def visibility_timeout(self) -> None:
        """A message whose consumer is done without deleting it, or dead, becomes visible in the end."""
        message = choose(self.in_flight)
        when(is_idle(message.holder))
        self.in_flight.remove(message)
        self.visible.add(message.body)

    @fault
    def visibility_expiry(self) -> None:
        """The visibility timeout is over while the consumer still works on the message."""
        message = choose(self.in_flight)
        when(not is_idle(message.holder))
        self.in_flight.remove(message)
        self.visible.add(message.body)

    @fault
    def duplicate(self) -> None:
        """At-least-once delivery: a copy stays on a server that missed the receive, or the delete."""
        message = choose(self.in_flight)
        self.visible.add(message.body)
