"""Kinesis Client Library #1319 (issue #837): a child shard waits for ever for its parent's end.

A shard consumer goes INITIALIZING, PROCESSING, SHUTTING_DOWN, SHUTDOWN_COMPLETE. The scheduler's thread
calls initializationComplete once too often; when the record thread has seen the end of the shard in
between, that call moves the consumer on from SHUTTING_DOWN, and the ShutdownTask, which makes the
child's lease, never runs.
"""

from __future__ import annotations

from enum import Enum

from checker.dsl import (
    Component,
    Index,
    Map,
    Model,
    choose,
    operation,
    process,
    quiescent,
    reachable,
)


class Shard(Index, interchangeable=True):
    """Parent shards that a reshard has closed, without data; each has one child."""


class Phase(Enum):
    """The states of a shard consumer."""

    INITIALIZING = 0
    PROCESSING = 1
    SHUTTING_DOWN = 2
    SHUTDOWN_COMPLETE = 3


class Consumers(Component):
    """The shard consumers of one worker; each access to one is atomic."""

    phases: Map[Shard, Phase] = Map.filled(Phase.INITIALIZING)
    needs_initialization: Map[Shard, bool] = Map.filled(True)

    @operation
    def next_to_initialize(self) -> Shard:
        """Scheduler: a consumer whose initialization is not known to be over."""
        shard = choose(s for s in self.phases if self.needs_initialization[s])
        return shard

    @operation
    def initialization_complete(self, shard: Shard) -> None:
        """Scheduler: the transition that follows on success; a second call finds the consumer initialized."""
        if self.phases[shard] != Phase.INITIALIZING:
            self.needs_initialization[shard] = False
        self._succeed(shard)

    @operation
    def initialization_complete_once(self, shard: Shard) -> None:
        """The mended call: it makes no transition but the one out of INITIALIZING."""
        self.needs_initialization[shard] = False
        if self.phases[shard] == Phase.INITIALIZING:
            self._succeed(shard)

    @operation
    def end_of_shard(self) -> Shard:
        """Record thread: a consumer that has read the end of its shard begins to shut down."""
        shard = choose(s for s in self.phases if self.phases[s] == Phase.PROCESSING)
        self.phases[shard] = Phase.SHUTTING_DOWN
        return shard

    @operation
    def next_to_shut_down(self) -> Shard:
        """Scheduler: a consumer that shuts down, and is initialized."""
        shard = choose(
            s
            for s in self.phases
            if self.phases[s] == Phase.SHUTTING_DOWN and not self.needs_initialization[s]
        )
        return shard

    @operation
    def shutdown_complete(self, shard: Shard) -> None:
        """The ShutdownTask is done."""
        self.phases[shard] = Phase.SHUTDOWN_COMPLETE

    def _succeed(self, shard: Shard) -> None:
        match self.phases[shard]:
            case Phase.INITIALIZING:
                self.phases[shard] = Phase.PROCESSING
            case Phase.SHUTTING_DOWN:
                self.phases[shard] = Phase.SHUTDOWN_COMPLETE
            case _:
                pass


class Leases(Component):
    """The lease table: which parents have a lease for their child."""

    children: Map[Shard, bool] = Map.filled(False)

    @operation
    def create_child(self, parent: Shard) -> None:
        """Make the lease of the child, and checkpoint the parent at SHARD_END."""
        self.children[parent] = True


class Worker(Model):
    """What the two forms share: closed shards, the thread that reads records, and that which shuts down."""

    consumers: Consumers
    leases: Leases

    @process
    async def record_thread(self) -> None:
        await self.consumers.end_of_shard()

    @process
    async def shutdown_task(self) -> None:
        shard = await self.consumers.next_to_shut_down()
        await self.leases.create_child(shard)
        await self.consumers.shutdown_complete(shard)

    @quiescent
    def every_child_has_a_lease(self) -> bool:
        """No child shard is blocked for ever."""
        return all(self.leases.children[shard] for shard in Shard)

    @reachable
    def all_consumers_end(self) -> bool:
        """The model is not idle."""
        return all(self.consumers.phases[shard] == Phase.SHUTDOWN_COMPLETE for shard in Shard)


class OneCallTooMany(Worker):
    """The bug: the call that finds the consumer initialized makes a transition, too."""

    @process
    async def scheduler(self) -> None:
        shard = await self.consumers.next_to_initialize()
        await self.consumers.initialization_complete(shard)


class OneCall(Worker):
    """Nothing is called any more once the consumer is initialized."""

    @process
    async def scheduler(self) -> None:
        shard = await self.consumers.next_to_initialize()
        await self.consumers.initialization_complete_once(shard)
