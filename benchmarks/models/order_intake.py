"""order_intake(N orders, C consumers, R redeliveries): the peers' benchmark, transition for transition.

Published counts for comparison (distinct states / transitions with the initial state): N=3, C=2, R=2:
115,552 / 339,607; 4, 3, 1: 895,168 / 3,613,305; 4, 3, 2: 15,669,376 / 69,521,993.
"""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.dsl import Index, Map, Model, Range, Set, action, always, when

Redeliveries = Annotated[int, Range(0, 3)]
Created = Annotated[int, Range(0, 4)]


class Order(Index, interchangeable=True):
    """Orders: N of them."""


class Consumer(Index, interchangeable=True):
    """Consumers: C of them."""


class Redelivery(Index):
    """How often an order may come again: R times."""


class Status(Enum):
    """Where an order's message is."""

    NEW = 0
    VISIBLE = 1
    IN_FLIGHT = 2
    ACKED = 3


class Place(Enum):
    """What a consumer does next."""

    IDLE = 0
    READ = 1
    CREATE = 2
    RECORD = 3
    ACK = 4


class OrderIntake(Model):
    """At-least-once order intake with a dedup flag that is read first and written last."""

    status: Map[Order, Status] = Map.filled(Status.NEW)
    redelivered: Map[Order, Redeliveries] = Map.filled(0)
    created: Map[Order, Created] = Map.filled(0)
    recorded: Set[Order]
    place: Map[Consumer, Place] = Map.filled(Place.IDLE)
    current: Map[Consumer, Order]

    @action
    def submit(self, order: Order) -> None:
        when(self.status[order] == Status.NEW)
        self.status[order] = Status.VISIBLE

    @action
    def deliver(self, order: Order, consumer: Consumer) -> None:
        when(self.status[order] == Status.VISIBLE and self.place[consumer] == Place.IDLE)
        self.status[order] = Status.IN_FLIGHT
        self.place[consumer] = Place.READ
        self.current[consumer] = order

    @action
    def read(self, consumer: Consumer) -> None:
        when(self.place[consumer] == Place.READ)
        self.place[consumer] = Place.ACK if self.current[consumer] in self.recorded else Place.CREATE

    @action
    def create(self, consumer: Consumer) -> None:
        when(self.place[consumer] == Place.CREATE)
        self.created[self.current[consumer]] += 1
        self.place[consumer] = Place.RECORD

    @action
    def record(self, consumer: Consumer) -> None:
        when(self.place[consumer] == Place.RECORD)
        self.recorded.add(self.current[consumer])
        self.place[consumer] = Place.ACK

    @action
    def acknowledge(self, consumer: Consumer) -> None:
        when(self.place[consumer] == Place.ACK)
        self.status[self.current[consumer]] = Status.ACKED
        self.place[consumer] = Place.IDLE
        del self.current[consumer]

    @action
    def crash(self, consumer: Consumer) -> None:
        when(self.place[consumer] != Place.IDLE)
        when(self.redelivered[self.current[consumer]] < len(Redelivery))
        self.redelivered[self.current[consumer]] += 1
        self.status[self.current[consumer]] = Status.VISIBLE
        self.place[consumer] = Place.IDLE
        del self.current[consumer]

    @always
    def acknowledged_is_created(self) -> bool:
        return all(self.status[order] != Status.ACKED or self.created[order] >= 1 for order in Order)
