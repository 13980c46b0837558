"""Partial failure of a batch of a stream: what comes after the record that failed must wait for it.

Catalogue: anomaly 16, for streams. A function applies changes of orders in the order of their shard;
each change builds on the one before, and is refused without it.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import DynamoTable, LambdaStreamMapping
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Range,
    ServiceError,
    Set,
    action,
    always,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Order(Index, interchangeable=True):
    """Orders; the changes of one order are in one shard."""


class Worker(Index, interchangeable=True):
    """Instances of the function."""


class Shard(Index):
    """Shards of the stream."""


#: How many changes of an order there are.
Number = Annotated[int, Range(0, 2)]

#: A record's position in its shard.
Position = Annotated[int, Range(0, 7)]


@record
class Change:
    """A change of an order, which follows the one with the number before."""

    order: Order
    number: Number


class Applied(DynamoTable[Order, Number]):
    """How many changes of each order are applied."""

    @operation(raises=(ConditionalCheckFailed,))
    def apply(self, change: Change) -> None:
        """UpdateItem with the condition that the change before is the last one; again is no change."""
        known = self.items.get(change.order)
        last = 0 if known is None else known
        if last < change.number - 1:
            raise ConditionalCheckFailed
        self.items[change.order] = max(last, change.number)


class Changes(LambdaStreamMapping[Shard, Change]):
    """The stream and its mapping; no batch fails as often as this."""

    max_retries = 3


class ApplyChanges(Model):
    """What the variants share: changes in a stream, and the table that they are applied to."""

    made: Map[Order, Number] = Map.filled(0)
    stream: Changes
    applied: Applied

    @action
    def change(self, order: Order) -> None:
        """An order changes."""
        when(self.made[order] < 2)
        self.made[order] += 1
        self.stream.put(Shard(0), Change(order, self.made[order]))

    def applied_of(self, order: Order) -> Number:
        known = self.applied.items.get(order)
        return 0 if known is None else known

    @quiescent
    def every_change_is_applied(self) -> bool:
        """No change is lost, and none given up."""
        return all(self.applied_of(order) == self.made[order] for order in Order)

    @always
    def nothing_is_applied_that_was_not_made(self) -> bool:
        """Nothing comes out of nothing."""
        return all(self.applied_of(order) <= self.made[order] for order in Order)

    @reachable
    def all_changes_are_applied(self) -> bool:
        """The model is not idle."""
        return all(self.applied_of(order) == 2 for order in Order)


class LogAndGoOn(ApplyChanges):
    """Catch the error of one record, log it, and return nothing: the change is lost, and so are the next."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.stream.next_batch()
        while len(batch) > 0:
            change = batch.popleft()
            try:
                await self.applied.apply(change.data)
            except ServiceError:
                pass
        await self.stream.respond(Set())


class LastFailureOnly(ApplyChanges):
    """Go on, and answer with the last failure: the checkpoint moves past the first."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.stream.next_batch()
        failed: Set[Position] = Set()
        while len(batch) > 0:
            change = batch.popleft()
            try:
                await self.applied.apply(change.data)
            except ServiceError:
                failed = Set([change.position])
        await self.stream.respond(failed)


class StopAtTheFirstFailure(ApplyChanges):
    """Answer with the first failure: all that comes after it is tried again, in order."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.stream.next_batch()
        while len(batch) > 0:
            change = batch.popleft()
            try:
                await self.applied.apply(change.data)
            except ServiceError:
                await self.stream.respond(Set([change.position]))
                return
        await self.stream.respond(Set())
