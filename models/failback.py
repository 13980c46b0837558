"""Failback: a planned move of all writes to another Region, with a pause in which nobody writes.

The pause keeps two Regions from writing at once. It does not say that all that was written has arrived.
"""

from __future__ import annotations

from typing import Annotated

from checker.components import GlobalTable, Region
from checker.dsl import (
    Component,
    Index,
    Map,
    Model,
    Range,
    Set,
    action,
    always,
    choose,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)
from models.clients import Clients

MOVES = 2


class Seat(Index, interchangeable=True):
    """What is sold."""


class Order(Index):
    """Orders of one seat, by the id that the client gave them."""


@record
class Demand:
    """The request to sell a seat to an order."""

    order: Order
    seat: Seat


@record
class Move:
    """A planned move of all writes."""

    source: Region
    target: Region


class Switch(Component):
    """Which Region serves, and whether it still has requests at work: a load balancer that can drain."""

    active: Region = Region(0)
    #: The move in whose pause the system is.
    moving: Move | None
    moves: Annotated[int, Range(0, MOVES)] = 0
    at_work: Set[Region]

    @operation
    def enter(self, region: Region) -> Region:
        """The active Region, once a request may begin: in a pause, only a Region that drains goes on."""
        when(self.moving is None or region in self.at_work)
        if self.active == region:
            self.at_work.add(region)
        return self.active

    @operation
    def leave(self, region: Region) -> None:
        """A request is done."""
        self.at_work.discard(region)

    @operation
    def pause(self) -> Move:
        """Let no new request in, for a move to another Region; who asks again hears of the same one."""
        if self.moving is not None:
            return self.moving
        when(self.moves < MOVES)
        target = choose(region for region in Region if region != self.active)
        move = Move(self.active, target)
        self.moves += 1
        self.moving = move
        return move

    @operation
    def drained(self) -> None:
        """Wait until no request is at work."""
        when(len(self.at_work) == 0)

    @operation
    def resume(self, region: Region) -> None:
        """Let requests in again, to another Region."""
        self.active = region
        self.moving = None


class Failback(Model):
    """What the variants share: clients ask any Region, and the active one sells."""

    clients: Clients[Demand]
    switch: Switch
    seats: GlobalTable[Seat, Order]
    placed: Map[Order, Seat]

    @action
    def place(self, seat: Seat, region: Region) -> None:
        """A client asks for a seat in a Region."""
        when(len(self.placed) < len(Order))
        order = self.placed.fresh_key()
        self.placed[order] = seat
        self.clients.send(region, Demand(order, seat))

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        active = await self.switch.enter(here)
        if active != here:
            await self.clients.redirect(here, active, demand)
            return
        holder = await self.seats.get(here, demand.seat)
        if holder is None:
            await self.seats.put(here, demand.seat, demand.order)
        await self.switch.leave(here)
        if holder is None or holder == demand.order:
            await self.clients.confirm(here, demand)
        else:
            await self.clients.refuse(here, demand)

    @always
    def no_seat_is_sold_twice(self) -> bool:
        """Of the orders that were confirmed, no two have one seat."""
        return all(sum(1 for d in self.clients.confirmed if d.seat == seat) <= 1 for seat in Seat)

    @quiescent
    def nothing_acknowledged_is_lost(self) -> bool:
        """Once all is quiet, every confirmed order has its seat in every Region."""
        return all(
            self.seats.read(region, demand.seat) == demand.order
            for region in Region
            for demand in self.clients.confirmed
        )

    @reachable
    def all_is_sold_and_moved_back(self) -> bool:
        """Orders are confirmed, and the home Region serves again after a move there and back."""
        moved = self.switch.moves == MOVES and self.switch.moving is None
        return moved and len(self.clients.confirmed) == len(Order)


class FailbackAtOnce(Failback):
    """Pause, let the requests at work finish, move: the last writes are still on their way."""

    @process
    async def operator(self) -> None:
        move = await self.switch.pause()
        await self.switch.drained()
        await self.switch.resume(move.target)


class FailbackAfterDrain(Failback):
    """In the pause, compare every item in both Regions until they are the same; then move."""

    @process
    async def operator(self) -> None:
        move = await self.switch.pause()
        await self.switch.drained()
        for seat in Seat:
            written = await self.seats.get(move.source, seat)
            arrived = await self.seats.get(move.target, seat)
            while arrived != written:
                arrived = await self.seats.get(move.target, seat)
        await self.switch.resume(move.target)
