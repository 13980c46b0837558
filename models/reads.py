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
    #: Cookies: the Region of the session, and the last version that was answered as saved; 0 is none.
    cookies: Map[Customer, Region]
    tokens: Map[Customer, Version] = Map.filled(0)
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
    def pinned(self, customer: Customer) -> Region | None:
        """The Region that her cookie names, if she has one."""
        return self.cookies.get(customer)

    @operation
    def pin(self, customer: Customer, region: Region) -> None:
        """She gets a cookie for the rest of her session."""
        self.cookies[customer] = region

    @operation
    def token(self, customer: Customer) -> Version:
        """The last version that she knows to be saved."""
        return self.tokens[customer]

    @operation
    def keep(self, customer: Customer, version: Version) -> None:
        """The answer to her change: it is saved."""
        self.tokens[customer] = version

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
    """Stay in one Region for the whole session: a cookie, given before the first write, names it.

    A cookie for a write and the read after it would not do: of two writes in two Regions the later one may
    lose where a clock is slow. The session ends with its Region: there is no failover of a pinned session.
    """

    @process(instances=Customer)
    async def session(self, me: Customer) -> None:
        version = await self.browsers.change(me)
        here = await self.browsers.pinned(me)
        if here is None:
            here = await self.regions.route()
            await self.browsers.pin(me, here)
        await self.profiles.put(here, me, version)
        self.saved[me] = version
        shown = await self.profiles.get(here, me)
        await self.browsers.show(me, 0 if shown is None else shown)


class SessionToken(Reads):
    """Take along the version that was saved: a Region has to show it, or a later one, before it is used.

    Before the next write as well, which then replaces what the Region shows, however slow its clock is.
    A write whose answer got lost has no token: where a clock is slow, it may replace the write that follows
    it in another Region.
    """

    @process(instances=Customer)
    async def session(self, me: Customer) -> None:
        version = await self.browsers.change(me)
        token = await self.browsers.token(me)
        here = await self.regions.route()
        if token > 0:
            known = await self.profiles.get(here, me)
            while known is None or known < token:
                known = await self.profiles.get(here, me)
        await self.profiles.put(here, me, version)
        self.saved[me] = version
        await self.browsers.keep(me, version)
        there = await self.regions.route()
        shown = await self.profiles.get(there, me)
        while shown is None or shown < version:
            shown = await self.profiles.get(there, me)
        await self.browsers.show(me, shown)
