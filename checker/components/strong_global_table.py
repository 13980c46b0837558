"""Amazon DynamoDB global tables with multi-Region strong consistency (MRSC).

What it represents (Source: DynamoDB developer guide and API reference, since June 2025): a write is
answered once another Region has it, so that nothing acknowledged is lost with a Region (RPO 0), and a
strongly consistent read in any Region gives the last write. Conditions are evaluated against it,
too. A write that meets one of another Region to the same item may be refused with
ReplicatedWriteConflictException. A Region that is cut off from the others serves neither writes nor strongly
consistent reads; the others go on. There are exactly three Regions: three replicas, or two and a
witness, in which no client lives. The mode is chosen when a table is created, hence a class of its own.

Faults: ``write_conflict``, the next write in a Region is refused; ``isolation``, a Region is cut off until
``rejoin``; ``region_loss``, for good.

What it leaves out: eventually consistent reads; the loss of two Regions. It has no transactions, no
time to live and no local indexes in AWS either.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Generic, TypeVar

from checker.components.regions import Region, RegionUnavailable
from checker.dsl import (
    Component,
    ConditionalCheckFailed,
    Map,
    ServiceError,
    action,
    fault,
    operation,
    when,
)
from checker.ir.types import Type

K = TypeVar("K")
V = TypeVar("V")

#: Two replicas and a witness, or three replicas.
REPLICAS = (2, 3)


class ReplicatedWriteConflict(ServiceError):
    """The write met another Region's write to the same item; nothing was written. It may be retried."""


class StrongGlobalTable(Component, Generic[K, V]):
    """A table of items ``V`` under keys ``K`` that is the same in every Region.

    Update expressions are operations of a subclass, which begin with ``self.serves`` and
    ``self.conflicts`` as the ones here do.
    """

    transactional = False

    items: Map[K, V]
    cut_off: Region | None
    lost: Region | None
    conflicting: Region | None

    @classmethod
    def unfit(cls, carried: Mapping[str, Type]) -> tuple[str, str] | None:
        if len(Region) in REPLICAS:
            return None
        what = f"it has replicas in exactly three Regions, or in two with a witness, not in {len(Region)}"
        return what, "write in the spec: [bounds] Region = 3, or 2 where the third is the witness"

    @operation(raises=(RegionUnavailable,))
    def get(self, region: Region, key: K) -> V | None:
        """GetItem with ConsistentRead."""
        if not self.serves(region):
            raise RegionUnavailable
        return self.items.get(key)

    @operation(raises=(RegionUnavailable, ReplicatedWriteConflict))
    def put(self, region: Region, key: K, item: V) -> None:
        """PutItem: create or replace."""
        if not self.serves(region):
            raise RegionUnavailable
        if self.conflicts(region):
            raise ReplicatedWriteConflict
        self.items[key] = item

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable, ReplicatedWriteConflict))
    def put_if_absent(self, region: Region, key: K, item: V) -> None:
        """PutItem with attribute_not_exists(key)."""
        if not self.serves(region):
            raise RegionUnavailable
        if key in self.items:
            raise ConditionalCheckFailed
        if self.conflicts(region):
            raise ReplicatedWriteConflict
        self.items[key] = item

    @operation(raises=(ConditionalCheckFailed, RegionUnavailable, ReplicatedWriteConflict))
    def update_if(self, region: Region, key: K, expected: V, item: V) -> None:
        """UpdateItem with a condition on the present attributes: compare and set."""
        if not self.serves(region):
            raise RegionUnavailable
        if self.items.get(key) != expected:
            raise ConditionalCheckFailed
        if self.conflicts(region):
            raise ReplicatedWriteConflict
        self.items[key] = item

    @operation(raises=(RegionUnavailable, ReplicatedWriteConflict))
    def delete(self, region: Region, key: K) -> None:
        """DeleteItem: it may be missing already."""
        if not self.serves(region):
            raise RegionUnavailable
        if self.conflicts(region):
            raise ReplicatedWriteConflict
        self.items.discard(key)

    def serves(self, region: Region) -> bool:
        """Whether a Region serves strongly consistent calls."""
        return self.cut_off != region and self.lost != region

    def conflicts(self, region: Region) -> bool:
        """Whether a write in a Region meets another one."""
        return self.conflicting == region

    def rows(self) -> list[V]:
        """All items, for properties."""
        return self.items.values()

    def has(self, key: K) -> bool:
        """Whether there is an item under the key, for properties."""
        return key in self.items

    @fault
    def write_conflict(self, region: Region) -> None:
        """A write of another Region is under way to the item that this one writes next."""
        when(self.conflicting is None)
        self.conflicting = region

    @action
    def conflict_over(self) -> None:
        """The other write is done."""
        when(self.conflicting is not None)
        self.conflicting = None

    @fault
    def isolation(self, region: Region) -> None:
        """A Region cannot reach the others; these have a majority, and go on without it."""
        when(self.cut_off is None and self.lost is None)
        self.cut_off = region

    @action
    def rejoin(self) -> None:
        """The Region is back, and shows what was written without it."""
        when(self.cut_off is not None)
        self.cut_off = None

    @fault
    def region_loss(self, region: Region) -> None:
        """A Region is gone for good. Everything acknowledged is in the others, too."""
        when(self.lost is None and self.cut_off is None)
        self.lost = region
