"""Partial failure of a batch: a function gets several messages at once, and one of them fails.

Catalogue: anomaly 16. An exception brings the whole batch back, an empty answer throws the failed
message away.
"""

from __future__ import annotations

from typing import Generic, TypeVar

from checker.components import DynamoTable, LambdaMapping
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Model,
    ServiceError,
    Set,
    action,
    always,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Order(Index):
    """Orders."""


class Worker(Index, interchangeable=True):
    """Instances of the function."""


class ShipmentId(Index):
    """Ids of shipments, minted by the function."""


@record
class Shipment:
    """What is done for an order, once."""

    order: Order


class ShipmentQueue(LambdaMapping[Order]):
    """The queue and its mapping; no message fails as often as this."""

    max_receive_count = 7


Key = TypeVar("Key")


class ShipBatches(Model, Generic[Key]):
    """What the variants share: placed orders are in the queue, and a function ships them in batches."""

    placed: Set[Order]
    queue: ShipmentQueue
    shipments: DynamoTable[Key, Shipment]

    @action
    def place(self, order: Order) -> None:
        """A client places an order."""
        when(order not in self.placed)
        self.placed.add(order)
        self.queue.send(order)

    def shipments_of(self, order: Order) -> int:
        return sum(1 for shipment in self.shipments.rows() if shipment.order == order)

    @always
    def shipped_at_most_once(self) -> bool:
        """No order is shipped twice."""
        return all(self.shipments_of(order) <= 1 for order in Order)

    @quiescent
    def every_order_is_shipped(self) -> bool:
        """No message is lost."""
        return all(self.shipments_of(order) >= 1 for order in self.placed)

    @reachable
    def all_orders_are_shipped(self) -> bool:
        """The model is not idle."""
        return all(self.shipments_of(order) == 1 for order in Order)


class LogAndGoOn(ShipBatches[Order]):
    """Catch the error of one record, log it, and return nothing: complete success."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.queue.next_batch()
        while len(batch) > 0:
            order = batch.popleft()
            try:
                await self.shipments.put_if_absent(order, Shipment(order))
            except ServiceError:
                pass
        await self.queue.respond(Set())


class RaiseAndRepeat(ShipBatches[ShipmentId]):
    """Let the error end the function: what was shipped before it is shipped again."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.queue.next_batch()
        while len(batch) > 0:
            order = batch.popleft()
            await self.shipments.insert(Shipment(order))
        await self.queue.respond(Set())


class ListWithoutIdempotency(ShipBatches[ShipmentId]):
    """List exactly the records whose call failed; one whose answer was lost is shipped again."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.queue.next_batch()
        failed: Set[Order] = Set()
        while len(batch) > 0:
            order = batch.popleft()
            try:
                await self.shipments.insert(Shipment(order))
            except ServiceError:
                failed.add(order)
        await self.queue.respond(failed)


class ExactFailures(ShipBatches[Order]):
    """Each record is idempotent by its own key, and exactly those that failed are listed."""

    @process(instances=Worker)
    async def function(self, me: Worker) -> None:
        batch = await self.queue.next_batch()
        failed: Set[Order] = Set()
        while len(batch) > 0:
            order = batch.popleft()
            try:
                await self.shipments.put_if_absent(order, Shipment(order))
            except ConditionalCheckFailed:
                pass
            except ServiceError:
                failed.add(order)
        await self.queue.respond(failed)
