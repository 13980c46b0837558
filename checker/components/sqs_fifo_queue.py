"""Amazon SQS, a FIFO queue.

What it represents (Source: SQS developer guide and API reference):
messages of one group are received in the order in which they were sent; while a message of a group is in
flight, the group is blocked; a message that comes back stays at the head of its group; a send with a
deduplication id that the queue remembers is accepted and changes nothing, for all groups alike and even
after the message was deleted; the queue forgets an id after 5 minutes, so that a later resend is a new
message; deleting with a handle whose visibility timeout is over fails, unlike on a standard queue.

What it leaves out: several messages of one group in one receive, content-based deduplication (pass the
body's own identity as the id to have it), ReceiveRequestAttemptId, dead-letter queues (which break the
order, and give the message a new deduplication id), throughput limits, retention, and the queue attribute
DeduplicationScope=messageGroup, with which an id is remembered for each group by itself: put the group
into the deduplication id to have that.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from checker.dsl import (
    Component,
    Fifo,
    Map,
    Process,
    ServiceError,
    Set,
    action,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    record,
    when,
)

G = TypeVar("G")
D = TypeVar("D")
T = TypeVar("T")


class ReceiptHandleExpired(ServiceError):
    """InvalidParameterValue: the visibility timeout is over, so that the handle no longer deletes."""


@record
class FifoDelivery(Generic[G, T]):
    """What a receive hands to a consumer; the receipt handle is the consumer's own."""

    group: G
    body: T


class SqsFifoQueue(Component, Generic[G, D, T]):
    """A FIFO queue of messages with body ``T``, in groups ``G``, with deduplication ids ``D``."""

    transactional = False

    groups: Map[G, Fifo[T]] = Map.filled(Fifo())
    #: Who holds the head of a blocked group.
    in_flight: Map[G, Process]
    #: The deduplication ids of the last five minutes.
    remembered: Set[D]

    @operation
    def send(self, group: G, deduplication_id: D, body: T) -> None:
        """SendMessage: accepted without effect where the id is remembered."""
        if deduplication_id not in self.remembered:
            self.remembered.add(deduplication_id)
            self.groups[group].append(body)

    @operation
    def receive(self) -> FifoDelivery[G, T]:
        """ReceiveMessage: the head of any group that is not blocked."""
        group = choose(g for g in self.groups if len(self.groups[g]) > 0 and g not in self.in_flight)
        self.in_flight[group] = caller()
        return FifoDelivery(group, self.groups[group][0])

    @operation(raises=(ReceiptHandleExpired,))
    def delete(self, delivery: FifoDelivery[G, T]) -> None:
        """DeleteMessage: it fails once the visibility timeout is over."""
        if self.in_flight.get(delivery.group) != caller():
            raise ReceiptHandleExpired
        self.in_flight.discard(delivery.group)
        self.groups[delivery.group].popleft()

    @operation
    def release(self, delivery: FifoDelivery[G, T]) -> None:
        """ChangeMessageVisibility to 0: the message can be received at once; an old handle does nothing."""
        if self.in_flight.get(delivery.group) == caller():
            self.in_flight.discard(delivery.group)

    @action
    def visibility_timeout(self) -> None:
        """A message whose consumer is done without deleting it, or dead, becomes visible in the end."""
        group = choose(self.in_flight)
        when(is_idle(self.in_flight[group]))
        self.in_flight.discard(group)

    @fault
    def visibility_expiry(self) -> None:
        """The visibility timeout is over while the consumer still works: another one gets the message."""
        group = choose(self.in_flight)
        when(not is_idle(self.in_flight[group]))
        self.in_flight.discard(group)

    @fault
    def dedup_window_expiry(self) -> None:
        """Five minutes have passed since the first send with an id: the same id is a new message."""
        forgotten = choose(self.remembered)
        self.remembered.remove(forgotten)

    def size(self, group: G) -> int:
        """How many messages of a group are not deleted, for properties."""
        return len(self.groups[group])
