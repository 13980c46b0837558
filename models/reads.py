"""Reads: a customer changes a profile and looks at it; what she has written, she must see."""

from __future__ import annotations

from typing import Annotated

from checker.components import GlobalTable, Region, Regions
from checker.dsl import (
    Component,
    Index,
    Map,
    Model,
    Range,
    Set,
    always,
    operation,
    process,
    quiescent,
    reachable,
    when,
)

CHANGES = 2
Version = Annotated[int, Range(0, CHANGES)]


class Customer(Index, interchangeable=True):
    """Customers, each with a profile of her own."""


class Browsers(Component):
    """What customers do: each changes her profile a few times, and looks at it after each change."""

    made: Map[Customer, Version] = Map.filled(0)
    #: Who has seen her last change, and who has seen an older profile after it.
    pleased: Set[Customer]
    puzzled: Set[Customer]

    @operation
    def change(self, customer: Customer) -> Version:
        """She fills in the form: the next version of her profile."""
        when(self.made[customer] < CHANGES)
        self.made[customer] = self.made[customer] + 1
        return self.made[customer]

    @operation
    def show(self, customer: Customer, version: Version) -> None:
        """She sees a version of her profile; 0 is none."""
        if version < self.made[customer]:
            self.puzzled.add(customer)
        if version == CHANGES:
            self.pleased.add(customer)


class Reads(Model):
    """What the variants share: a session writes in the Region to which it is routed."""

    browsers: Browsers
    regions: Regions
    profiles: GlobalTable[Customer, Version]
    saved: Map[Customer, Version] = Map.filled(0)

    @always
    def own_writes_are_read(self) -> bool:
        """Nobody sees an older profile than the one that she has saved."""
        return len(self.browsers.puzzled) == 0

    @quiescent
    def the_last_write_stays(self) -> bool:
        """Once all is quiet, every Region shows the version that was saved last, so that they agree."""
        return self.profiles.agree() and all(
            self.version(region, customer) >= self.saved[customer]
            for region in Region
            for customer in Customer
        )

    def version(self, region: Region, customer: Customer) -> int:
        version = self.profiles.read(region, customer)
        return 0 if version is None else version

    @reachable
    def all_see_their_last_change(self) -> bool:
        """Everybody can see her last change, after a failover, too."""
        return self.regions.epoch > 0 and len(self.browsers.pleased) == len(Customer)


class ReadAnywhere(Reads):
    """Route every request by DNS: the read may come to a Region that the write has not reached."""

    @process(instances=Customer)
    async def session(self, me: Customer) -> None:
        version = await self.browsers.change(me)
        here = await self.regions.route()
        await self.profiles.put(here, me, version)
        self.saved[me] = version
        there = await self.regions.route()
        shown = await self.profiles.get(there, me)
        await self.browsers.show(me, 0 if shown is None else shown)


class SessionPin(Reads):
    """Read where the session has written: a cookie names the Region."""

    @process(instances=Customer)
    async def session(self, me: Customer) -> None:
        version = await self.browsers.change(me)
        here = await self.regions.route()
        await self.profiles.put(here, me, version)
        self.saved[me] = version
        shown = await self.profiles.get(here, me)
        await self.browsers.show(me, 0 if shown is None else shown)


class SessionToken(Reads):
    """Take along the version that was written, and read again until the Region shows it, or a later one."""

    @process(instances=Customer)
    async def session(self, me: Customer) -> None:
        version = await self.browsers.change(me)
        here = await self.regions.route()
        await self.profiles.put(here, me, version)
        self.saved[me] = version
        there = await self.regions.route()
        shown = await self.profiles.get(there, me)
        while shown is None or shown < version:
            shown = await self.profiles.get(there, me)
        await self.browsers.show(me, shown)
