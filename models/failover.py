"""Failover: one Region at a time sells seats. A failover makes it another; the old one may not know.

A seat is sold with a read and a write, because the active Region takes itself to be alone.
"""

from __future__ import annotations

from checker.components import (
    Epoch,
    GlobalTable,
    Region,
    Regions,
    RegionUnavailable,
    ReplicatedWriteConflict,
    StrongGlobalTable,
)
from checker.dsl import (
    ConditionalCheckFailed,
    Index,
    Map,
    Model,
    action,
    always,
    operation,
    process,
    quiescent,
    reachable,
    record,
    when,
)
from models.clients import Clients


class Seat(Index, interchangeable=True):
    """What is sold."""


class Order(Index):
    """Orders of one seat, by the id that the client gave them."""


@record
class Demand:
    """The request to sell a seat to an order."""

    order: Order
    seat: Seat


class Failover(Model):
    """What the variants share: clients ask any Region, which sells if it is the active one."""

    clients: Clients[Demand]
    regions: Regions
    placed: Map[Order, Seat]

    @action
    def place(self, seat: Seat, region: Region) -> None:
        """A client asks for a seat in a Region."""
        when(len(self.placed) < len(Order))
        order = self.placed.fresh_key()
        self.placed[order] = seat
        self.clients.send(region, Demand(order, seat))

    def holder(self, region: Region, seat: Seat) -> Order | None:
        """To whom a Region shows a seat to be sold; each variant has its own table."""
        return None

    @always
    def no_seat_is_sold_twice(self) -> bool:
        """Of the orders that were confirmed, no two have one seat."""
        return all(sum(1 for demand in self.clients.confirmed if demand.seat == seat) <= 1 for seat in Seat)

    @quiescent
    def nothing_acknowledged_is_lost(self) -> bool:
        """Once all is quiet, every confirmed order has its seat in every Region."""
        return all(
            self.holder(region, demand.seat) == demand.order
            for region in Region
            for demand in self.clients.confirmed
        )

    @reachable
    def both_regions_sell(self) -> bool:
        """A failover happens, and the orders before and after it get their seats."""
        return self.regions.epoch > 0 and len(self.clients.confirmed) == len(Order)


class Unfenced(Failover):
    """Ask the control plane first, then sell: the failover comes in between, and replication after it."""

    seats: GlobalTable[Seat, Order]

    def holder(self, region: Region, seat: Seat) -> Order | None:
        return self.seats.read(region, seat)

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        lease = await self.regions.lease()
        if lease.region != here:
            await self.clients.redirect(here, lease.region, demand)
            return
        holder = await self.seats.get(here, demand.seat)
        if holder is not None and holder != demand.order:
            await self.clients.refuse(here, demand)
            return
        await self.seats.put(here, demand.seat, demand.order)
        await self.clients.confirm(here, demand)


@record
class Ticket:
    """A seat's row: who has it, and the epoch of the Region that wrote it."""

    holder: Order | None
    epoch: Epoch


class FencedReplica(GlobalTable[Seat, Ticket]):
    """Seats whose rows refuse writers of an older epoch, as far as the Region's replica knows."""

    @operation(raises=(ConditionalCheckFailed,))
    def put_fenced(self, region: Region, seat: Seat, ticket: Ticket) -> None:
        """PutItem with the condition attribute_not_exists(epoch) OR epoch <= :epoch."""
        present = self.read(region, seat)
        if present is not None and present.epoch > ticket.epoch:
            raise ConditionalCheckFailed
        self.write(region, seat, ticket)


class FencedOnReplica(Failover):
    """Give every write the epoch, and refuse older ones: each replica knows its own writes only."""

    seats: FencedReplica

    def holder(self, region: Region, seat: Seat) -> Order | None:
        ticket = self.seats.read(region, seat)
        return None if ticket is None else ticket.holder

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        lease = await self.regions.lease()
        if lease.region != here:
            await self.clients.redirect(here, lease.region, demand)
            return
        ticket = await self.seats.get(here, demand.seat)
        if ticket is not None and ticket.holder != demand.order:
            await self.clients.refuse(here, demand)
            return
        try:
            await self.seats.put_fenced(here, demand.seat, Ticket(demand.order, lease.epoch))
        except ConditionalCheckFailed:
            return
        await self.clients.confirm(here, demand)


class StrongUnfenced(Failover):
    """Use a strongly consistent table, and still write without a condition: the old Region writes late."""

    seats: StrongGlobalTable[Seat, Order]

    def holder(self, region: Region, seat: Seat) -> Order | None:
        return self.seats.items.get(seat)

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        lease = await self.regions.lease()
        if lease.region != here:
            await self.clients.redirect(here, lease.region, demand)
            return
        holder = await self.seats.get(here, demand.seat)
        if holder is not None and holder != demand.order:
            await self.clients.refuse(here, demand)
            return
        await self.seats.put(here, demand.seat, demand.order)
        await self.clients.confirm(here, demand)


class FencedSeats(StrongGlobalTable[Seat, Ticket]):
    """Seats in a strongly consistent table, whose rows refuse writers of an older epoch."""

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable, ReplicatedWriteConflict))
    def claim(self, region: Region, seat: Seat, epoch: Epoch) -> Ticket:
        """UpdateItem SET epoch = :epoch with the condition epoch <= :epoch, ALL_NEW."""
        if not self.serves(region):
            raise RegionUnavailable
        present = self.items.get(seat)
        if present is not None and present.epoch > epoch:
            raise ConditionalCheckFailed
        if self.conflicts(region):
            raise ReplicatedWriteConflict
        self.items[seat] = Ticket(None if present is None else present.holder, epoch)
        return self.items[seat]

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable, ReplicatedWriteConflict))
    def sell(self, region: Region, seat: Seat, ticket: Ticket) -> None:
        """UpdateItem SET holder = :holder with the condition epoch = :epoch."""
        if not self.serves(region):
            raise RegionUnavailable
        present = self.items.get(seat)
        if present is None or present.epoch != ticket.epoch:
            raise ConditionalCheckFailed
        if self.conflicts(region):
            raise ReplicatedWriteConflict
        self.items[seat] = ticket


class Fenced(Failover):
    """Claim the seat for the epoch before reading it; the store then refuses the Region that was left."""

    seats: FencedSeats

    def holder(self, region: Region, seat: Seat) -> Order | None:
        ticket = self.seats.items.get(seat)
        return None if ticket is None else ticket.holder

    @process(instances=Region)
    async def desk(self, here: Region) -> None:
        demand = await self.clients.next_request(here)
        lease = await self.regions.lease()
        if lease.region != here:
            await self.clients.redirect(here, lease.region, demand)
            return
        try:
            ticket = await self.seats.claim(here, demand.seat, lease.epoch)
            if ticket.holder is not None and ticket.holder != demand.order:
                await self.clients.refuse(here, demand)
                return
            await self.seats.sell(here, demand.seat, Ticket(demand.order, lease.epoch))
        except (ConditionalCheckFailed, RegionUnavailable, ReplicatedWriteConflict):
            return
        await self.clients.confirm(here, demand)
