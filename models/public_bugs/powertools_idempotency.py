"""Powertools for AWS Lambda, idempotency: an order is charged twice, and the record says nothing.

The utility claims a key by a conditional put (no record, or one in progress past its lease), runs the
handler, then completes the record without a condition; it deletes the record where the handler raises.
Report (aws-powertools/powertools-lambda-python): #8049. A function that times out after its charge leaves a
record in progress; once the lease is over, the next attempt charges again. The same follows from a lease
that another function's clock takes to be over, and from a charge whose answer is lost, after which the
record is deleted.

A lease cannot tell an attempt that charged from one that did not; only who keeps the charges can.
"""

from __future__ import annotations

from enum import Enum
from typing import Generic, TypeVar

from checker.components import DynamoTable, SqsQueue
from checker.dsl import (
    CallFailed,
    CallTimedOut,
    Component,
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    Process,
    Set,
    action,
    always,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)


class Order(Index, interchangeable=True):
    """Orders, each to be charged once; the payload from which the idempotency key is made."""


class Function(Index, interchangeable=True):
    """Concurrent executions of the Lambda function."""


class ChargeId(Index):
    """Ids that the payment provider mints."""


class Status(Enum):
    """What a record of the idempotency table says."""

    IN_PROGRESS = "INPROGRESS"
    COMPLETED = "COMPLETED"


@record
class Claim:
    """A record: its status, whose it is, and whether its lease (in_progress_expiration) is over."""

    status: Status
    holder: Process
    is_over: bool


@record
class Charge:
    """A charge at the provider."""

    order: Order


K = TypeVar("K")


class IdempotencyTable(Component, Generic[K]):
    """The utility's DynamoDB table, with its own calls.

    ``expire`` is the window (expires_after_seconds, one hour by default) passing over a completed record.
    """

    claims: Map[K, Claim]

    @operation(raises=(ConditionalCheckFailed,))
    def save_in_progress(self, key: K) -> None:
        """PutItem if there is no record, or one in progress whose lease is over."""
        if key in self.claims:
            claim = self.claims[key]
            if claim.status == Status.COMPLETED or not claim.is_over:
                raise ConditionalCheckFailed
        self.claims[key] = Claim(Status.IN_PROGRESS, caller(), False)

    @operation
    def get(self, key: K) -> Claim | None:
        """GetItem."""
        return self.claims.get(key)

    @operation
    def save_success(self, key: K) -> None:
        """UpdateItem to COMPLETED, without a condition."""
        self.claims[key] = Claim(Status.COMPLETED, caller(), False)

    @operation
    def delete(self, key: K) -> None:
        """DeleteItem, as the utility does when the handler raises."""
        self.claims.discard(key)

    @action
    def lease_ends(self, key: K) -> None:
        """The lease of a function that is dead is over in the end."""
        when(key in self.claims)
        claim = self.claims[key]
        when(claim.status == Status.IN_PROGRESS and not claim.is_over and is_idle(claim.holder))
        self.claims[key] = Claim(claim.status, claim.holder, True)

    @fault
    def lease_ends_early(self, key: K) -> None:
        """The lease is over by the next function's clock while the first one is still at work."""
        when(key in self.claims)
        claim = self.claims[key]
        when(claim.status == Status.IN_PROGRESS and not claim.is_over and not is_idle(claim.holder))
        self.claims[key] = Claim(claim.status, claim.holder, True)

    @fault
    def expire(self) -> None:
        """A completed record is older than the window."""
        key = choose(key for key in self.claims if self.claims[key].status == Status.COMPLETED)
        del self.claims[key]


ChargeKey = TypeVar("ChargeKey")


class Payment(Model, Generic[ChargeKey]):
    """What the variants share: orders come over SQS and are charged by a function with the utility."""

    placed: Set[Order]
    inbox: SqsQueue[Order]
    idempotency: IdempotencyTable[Order]
    charges: DynamoTable[ChargeKey, Charge]

    @action
    def place(self, order: Order) -> None:
        """A customer places an order."""
        when(order not in self.placed)
        self.placed.add(order)
        self.inbox.send(order)

    def charges_of(self, order: Order) -> int:
        return sum(1 for charge in self.charges.rows() if charge.order == order)

    @always
    def charged_at_most_once(self) -> bool:
        """Nobody pays twice."""
        return all(self.charges_of(order) <= 1 for order in Order)

    @quiescent
    def every_order_is_charged(self) -> bool:
        """No order goes unpaid."""
        return all(self.charges_of(order) >= 1 for order in self.placed)

    @reachable
    def all_are_charged(self) -> bool:
        """Every order can be placed and charged."""
        return all(self.charges_of(order) == 1 for order in Order)


class Powertools(Payment[ChargeId]):
    """Claim, charge, complete: the charge is one more item under an id that the provider mints."""

    @process(instances=Function)
    async def function(self, me: Function) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body
        try:
            await self.idempotency.save_in_progress(order)
        except ConditionalCheckFailed:
            claim = await self.idempotency.get(order)
            if claim is not None and claim.status == Status.COMPLETED:
                await self.inbox.delete(delivery)
            return
        try:
            await self.charges.insert(Charge(order))
        except (CallFailed, CallTimedOut):
            await self.idempotency.delete(order)
            return
        await self.idempotency.save_success(order)
        await self.inbox.delete(delivery)


class ChargedUnderTheOrder(Payment[Order]):
    """The same, and the charge carries the order's id, which the provider keeps for as long as charges."""

    @process(instances=Function)
    async def function(self, me: Function) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body
        try:
            await self.idempotency.save_in_progress(order)
        except ConditionalCheckFailed:
            claim = await self.idempotency.get(order)
            if claim is not None and claim.status == Status.COMPLETED:
                await self.inbox.delete(delivery)
            return
        try:
            await self.charges.put_if_absent(order, Charge(order))
        except ConditionalCheckFailed:
            pass  # charged by an earlier attempt
        except (CallFailed, CallTimedOut):
            await self.idempotency.delete(order)
            return
        await self.idempotency.save_success(order)
        await self.inbox.delete(delivery)

    @always
    def a_completed_order_is_charged(self) -> bool:
        """The record does not say more than is true."""
        return all(
            self.charges.has(order)
            for order in self.idempotency.claims
            if self.idempotency.claims[order].status == Status.COMPLETED
        )
