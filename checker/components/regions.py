"""AWS Regions: where a client is sent, which Regions are there, and who may write.

What it represents (Source: Route 53 and Application Recovery Controller developer guides; AWS
prescriptive guidance for global tables): clients find the active Region by a DNS name, whose old answer
they keep for a while; a failover, decided by an operator or by health checks, makes another Region
active; a failback makes it the home Region again. A failover proves nothing about the Region that it leaves:
that may be well, and go on writing. Each of these moves gives a higher fencing epoch; a store that
compares it on every write keeps out whoever still has an older one. A Region may be cut off from its
clients for a while, or lost. What happens to data then is a matter of the tables, which have faults of
their own: the health check that fails over, and the Region that is lost, need not be the same.

Faults: ``failover``, ``failback``, ``cut_off`` (until ``restore``), ``region_loss``.

What it leaves out: weights and latency-based routing; the time that a failover takes, in which some
clients are sent here and some there, except that an old answer may be used until it expires; that
ARC's routing controls can be unavailable in a Region.
"""

from __future__ import annotations

from typing import Annotated

from checker.dsl import (
    Component,
    Index,
    Range,
    ServiceError,
    Set,
    action,
    choose,
    fault,
    operation,
    record,
    when,
)

#: How often the active Region can change, and one more.
EPOCHS_MAX = 8
#: A fencing epoch; the first one is 0.
Epoch = Annotated[int, Range(0, EPOCHS_MAX - 1)]


class Region(Index):
    """The Regions that a system runs in; a spec sizes it: ``[bounds] Region = 2``."""


class RegionUnavailable(ServiceError):
    """The service's endpoint in that Region does not serve the call; nothing was applied."""


@record
class Lease:
    """Which Region is active, and since which epoch."""

    region: Region
    epoch: Epoch


class Regions(Component):
    """The Regions of a system; the home Region, which is active at first, is Region 0."""

    transactional = False

    active: Region = Region(0)
    epoch: Epoch = 0
    #: What DNS answered before, as long as some client may still use it.
    cached: Region | None
    unreachable: Region | None
    lost: Set[Region]

    @operation
    def route(self) -> Region:
        """Resolve the DNS name: the active Region, or the one before as long as it is cached."""
        if self.cached is None:
            return self.active
        region = choose([self.active, self.cached])
        return region

    @operation(raises=(RegionUnavailable,))
    def reach(self, region: Region) -> None:
        """Open a connection to a Region's endpoint."""
        if not self.serves(region):
            raise RegionUnavailable

    @operation
    def lease(self) -> Lease:
        """Ask the control plane which Region is active, and under which epoch: never an old answer."""
        return Lease(self.active, self.epoch)

    def serves(self, region: Region) -> bool:
        """Whether clients reach a Region."""
        return self.unreachable != region and region not in self.lost

    def _activate(self, region: Region) -> None:
        self.cached = self.active
        self.active = region
        self.epoch += 1

    @fault
    def failover(self, region: Region) -> None:
        """Another Region becomes active, whether or not the present one is well."""
        when(region != self.active and region not in self.lost)
        self._activate(region)

    @fault
    def failback(self) -> None:
        """The home Region becomes active again."""
        when(self.active != Region(0) and Region(0) not in self.lost)
        self._activate(Region(0))

    @action
    def dns_expires(self) -> None:
        """No client uses the old answer any more."""
        when(self.cached is not None)
        self.cached = None

    @fault
    def cut_off(self, region: Region) -> None:
        """Clients cannot reach a Region; inside, all goes on."""
        when(self.unreachable is None)
        self.unreachable = region

    @action
    def restore(self) -> None:
        """Clients reach the Region again."""
        when(self.unreachable is not None)
        self.unreachable = None

    @fault
    def region_loss(self, region: Region) -> None:
        """A Region is gone for good."""
        when(region not in self.lost)
        self.lost.add(region)
