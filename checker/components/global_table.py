"""Amazon DynamoDB global tables with multi-Region eventual consistency (MREC).

What it represents (Source: DynamoDB developer guide, "Global tables"; AWS prescriptive guidance for
global tables): one replica of the table in each Region. A call reads and writes the replica of its
Region, and a condition is evaluated against the version *there*. Every write of an item goes to the other
Regions by itself, after any time and in any order with the writes of other items, so that a
transaction is torn on its way. Where two Regions wrote one item, the write with the later timestamp
replaces the other everywhere, item by item, and nothing tells anybody.

Timestamps cost no states. The versions of an item that some replica shows, or that are still on their
way, stand in one order, and only their places in that order (``Rank``) are kept: all that
last-writer-wins can see. A version that nothing shows any more is forgotten. The later write is the
one that happened later, except in a Region whose clock is behind (``clock_skew``): its writes may take
any place above the version that they replace in their own Region.

Faults: ``clock_skew``; ``partition``, which cuts one Region's replication off until ``heal`` (its clients
go on); ``region_loss``, after which calls there are answered with RegionUnavailable, and writes that
had not left the Region are lost with it.

What it leaves out: a write under the timestamp of a remote one that it has seen (AWS does not say what
happens; here a write always replaces what its own Region shows); a clock that is ahead, which for two
Regions is the other one's being behind; a link that fails in one direction or between two Regions of three; a
write that leaves the item as it was counts as a write; replication of TTL deletes; the cap on a
partition's length; a Region that comes back after its loss; what DynamoTable leaves out.
At most 8 versions of one item can be alive at once: more is a model error.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from checker.components.regions import Region, RegionUnavailable
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Map,
    Range,
    Set,
    action,
    choose,
    fault,
    operation,
    record,
    when,
)

K = TypeVar("K")
V = TypeVar("V")

#: How many versions of one item can be alive.
VERSIONS_MAX = 8
#: A version's place among those of its item that are alive, the oldest first.
Rank = Annotated[int, Range(0, VERSIONS_MAX - 1)]


@record
class Version(Generic[K]):
    """One version of an item, by its place in the order of the item's writes."""

    key: K
    rank: Rank


@record
class Replica(Generic[K]):
    """An item in one Region."""

    region: Region
    key: K


@record
class Arrival(Generic[K]):
    """A write on its way to a Region."""

    target: Region
    key: K
    rank: Rank


class GlobalTable(Component, Generic[K, V]):
    """A table of items ``V`` under keys ``K`` with a replica in every Region.

    Update expressions are operations of a subclass, written with ``read`` and ``write``.
    """

    #: The versions that are alive; None is a deleted item.
    versions: Map[Version[K], V | None]
    #: Which version each Region shows.
    shown: Map[Replica[K], Rank]
    #: The writes on their way to a Region, with the Region where they were made.
    arriving: Map[Arrival[K], Region]
    isolated: Region | None
    behind: Region | None
    lost: Set[Region]

    @operation(raises=(RegionUnavailable,))
    def get(self, region: Region, key: K) -> V | None:
        """GetItem in a Region; ConsistentRead sees that Region's writes only."""
        if region in self.lost:
            raise RegionUnavailable
        return self.read(region, key)

    @operation(raises=(RegionUnavailable,))
    def put(self, region: Region, key: K, item: V) -> None:
        """PutItem in a Region: create or replace."""
        if region in self.lost:
            raise RegionUnavailable
        self.write(region, key, item)

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable))
    def put_if_absent(self, region: Region, key: K, item: V) -> None:
        """PutItem with attribute_not_exists(key), asked of the Region's own replica."""
        if region in self.lost:
            raise RegionUnavailable
        if self.read(region, key) is not None:
            raise ConditionalCheckFailed
        self.write(region, key, item)

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable))
    def update_if(self, region: Region, key: K, expected: V, item: V) -> None:
        """UpdateItem with a condition on the attributes that the Region's own replica shows."""
        if region in self.lost:
            raise RegionUnavailable
        if self.read(region, key) != expected:
            raise ConditionalCheckFailed
        self.write(region, key, item)

    @operation(raises=(RegionUnavailable,))
    def delete(self, region: Region, key: K) -> None:
        """DeleteItem in a Region: a missing item is left missing, and nothing is replicated."""
        if region in self.lost:
            raise RegionUnavailable
        if self.read(region, key) is not None:
            self.write(region, key, None)

    def read(self, region: Region, key: K) -> V | None:
        """What a Region shows under a key; for update expressions and properties."""
        rank = self.shown.get(Replica(region, key))
        return None if rank is None else self.versions[Version(key, rank)]

    def has(self, region: Region, key: K) -> bool:
        """Whether a Region shows an item under the key, for properties."""
        return self.read(region, key) is not None

    def rows(self, region: Region) -> Set[V]:
        """The different items that a Region shows, for properties."""
        return Set(
            self._item(version)
            for version in self.versions
            if self.shown.get(Replica(region, version.key)) == version.rank
            and self.versions[version] is not None
        )

    def _item(self, version: Version[K]) -> V:
        item = self.versions[version]
        assert item is not None
        return item

    def agree(self) -> bool:
        """Whether every Region that is left shows the same items, for properties."""
        return all(
            self.shown.get(Replica(region, version.key)) == version.rank
            for version in self.versions
            for region in Region
            if region not in self.lost
        )

    def write(self, region: Region, key: K, item: V | None) -> None:
        """Write a version of an item in a Region, and send it to the others; None deletes the item."""
        present = self.shown.get(Replica(region, key))
        latest = max((version.rank for version in self.versions if version.key == key), default=-1) + 1
        rank = latest
        if self.behind == region:
            rank = choose(
                place
                for place in range(VERSIONS_MAX)
                if place <= latest and (present is None or present < place)
            )
        for steps in range(VERSIONS_MAX):
            later = VERSIONS_MAX - 1 - steps
            if rank <= later and Version(key, later) in self.versions:
                self._renumber(key, later, later + 1)
        self.versions[Version(key, rank)] = item
        for other in Region:
            if other != region and other not in self.lost:
                # What is older than the version shown there would be dropped on arrival.
                there = self.shown.get(Replica(other, key))
                if there is None or there < rank:
                    self.arriving[Arrival(other, key, rank)] = region
        self._show(region, key, rank)

    def _show(self, region: Region, key: K, rank: Rank) -> None:
        """A Region shows a version from now on: older writes on their way to it have no effect."""
        self.shown[Replica(region, key)] = rank
        for older in range(VERSIONS_MAX):
            if older <= rank:
                self.arriving.discard(Arrival(region, key, older))
        self._forget(key)

    def _forget(self, key: K) -> None:
        """Leave out the versions that nothing shows or sends, and close the gaps in the order."""
        place = 0
        for rank in range(VERSIONS_MAX):
            if Version(key, rank) in self.versions:
                if self._is_alive(key, rank):
                    if place < rank:
                        self._renumber(key, rank, place)
                    place += 1
                else:
                    del self.versions[Version(key, rank)]
        if place == 1 and self.versions[Version(key, 0)] is None and not self._is_sent(key, 0):
            # Deleted wherever it was known: as if the item had never been.
            del self.versions[Version(key, 0)]
            for region in Region:
                self.shown.discard(Replica(region, key))

    def _is_alive(self, key: K, rank: Rank) -> bool:
        return self._is_sent(key, rank) or any(
            self.shown.get(Replica(region, key)) == rank for region in Region
        )

    def _is_sent(self, key: K, rank: Rank) -> bool:
        return any(Arrival(region, key, rank) in self.arriving for region in Region)

    def _renumber(self, key: K, old: int, new: int) -> None:
        """Give a version another place, which is free."""
        self.versions[Version(key, new)] = self.versions[Version(key, old)]
        del self.versions[Version(key, old)]
        for region in Region:
            if self.shown.get(Replica(region, key)) == old:
                self.shown[Replica(region, key)] = new
            if Arrival(region, key, old) in self.arriving:
                self.arriving[Arrival(region, key, new)] = self.arriving[Arrival(region, key, old)]
                del self.arriving[Arrival(region, key, old)]

    @action
    def replicate(self, target: Region, key: K) -> None:
        """A write arrives in another Region. It is later than what is shown there, and replaces it."""
        rank = choose(
            arrival.rank for arrival in self.arriving if arrival.target == target and arrival.key == key
        )
        origin = self.arriving[Arrival(target, key, rank)]
        when(self.isolated is None or (self.isolated != origin and self.isolated != target))
        self._show(target, key, rank)

    @fault
    def partition(self, region: Region) -> None:
        """Nothing is replicated to or from a Region any more; its clients do not notice."""
        # Of two Regions, either is cut off from the other: that is one fault, not two.
        when(self.isolated is None and (len(Region) > 2 or region == Region(0)))
        self.isolated = region

    @action
    def heal(self) -> None:
        """The partition is over; what waited arrives in its time."""
        when(self.isolated is not None)
        self.isolated = None

    @fault
    def clock_skew(self, region: Region) -> None:
        """A Region's clock is behind: its writes may lose against earlier ones of other Regions."""
        when(self.behind is None)
        self.behind = region

    @fault
    def region_loss(self, region: Region) -> None:
        """A Region is gone for good, with the writes that had not left it."""
        when(region not in self.lost)
        self.lost.add(region)
        for version in self.versions:
            self.shown.discard(Replica(region, version.key))
        sent = Set(arrival for arrival in self.arriving if self.arriving[arrival] == region)
        bound = Set(arrival for arrival in self.arriving if arrival.target == region)
        for arrival in sent | bound:
            self.arriving.discard(arrival)
        # What is left keeps its places; the next write of the item closes the gaps.
        dead = Set(version for version in self.versions if not self._is_alive(version.key, version.rank))
        for version in dead:
            self.versions.discard(version)
