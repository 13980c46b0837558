"""Small models whose states and transitions are known, for the tests of the semantics."""

from __future__ import annotations

from enum import Enum
from typing import Annotated

from checker.dsl import (
    CallFailed,
    CallTimedOut,
    Component,
    ConditionalCheckFailed,
    Fifo,
    Index,
    Map,
    Model,
    Range,
    ServiceError,
    Set,
    TransactionCanceled,
    action,
    always,
    choose,
    fault,
    operation,
    process,
    record,
    transact,
    when,
)

Small = Annotated[int, Range(0, 3)]


class Worker(Index):
    """Processes."""


class Order(Index):
    """Orders of the benchmark."""


class Consumer(Index):
    """Consumers of the benchmark."""


class Redelivery(Index):
    """As many members as an order may be delivered again."""


class ResourceManager(Index):
    """Participants of two-phase commit."""


class Color(Enum):
    """Two values."""

    RED = 0
    GREEN = 1


class TwoCounters(Model):
    """Two counters that the environment increments."""

    a: Small = 0
    b: Annotated[int, Range(0, 2)] = 0

    @action
    def increment_a(self) -> None:
        when(self.a < 3)
        self.a += 1

    @action
    def increment_b(self) -> None:
        when(self.b < 2)
        self.b += 1


class Mutex(Component):
    """A lock."""

    held: bool = False

    @operation
    def acquire(self) -> None:
        when(not self.held)
        self.held = True

    @operation
    def release(self) -> None:
        self.held = False


class Locking(Model):
    """Workers take turns."""

    lock: Mutex

    @process(instances=Worker)
    async def work(self, me: Worker) -> None:
        await self.lock.acquire()
        await self.lock.release()


class Channel(Component):
    """A queue of at most two."""

    waiting: Fifo[Color]

    @operation
    def put(self, color: Color) -> None:
        when(len(self.waiting) < 2)
        self.waiting.append(color)

    @operation
    def take(self) -> Color:
        when(len(self.waiting) > 0)
        head = self.waiting.popleft()
        return head  # noqa: RET504 -- popleft() stands in a line of its own


class Piping(Model):
    """A producer of any color, and a consumer that forgets what it takes."""

    channel: Channel

    @process
    async def producer(self) -> None:
        await self.channel.put(Color.RED)

    @process
    async def consumer(self) -> None:
        await self.channel.take()

    @action
    def paint(self) -> None:
        """Send a color without a process."""
        when(len(self.channel.waiting) < 2)
        self.channel.put(Color.GREEN)


class Cell(Component):
    """A number that is read and written, bumped, and claimed."""

    value: Small = 0
    claimed: bool = False
    log: Map[Order, Small]

    @operation
    def read(self) -> Small:
        return self.value

    @operation
    def write(self, value: Small) -> None:
        self.value = value

    @operation
    def bump(self) -> None:
        self.value = (self.value + 1) % 4

    @operation(applied_once=True)
    def bump_once(self) -> None:
        self.value = (self.value + 1) % 4

    @operation(raises=(ConditionalCheckFailed,))
    def claim(self) -> None:
        """Counts the attempts before it looks: an operation that fails has no effect."""
        self.value = (self.value + 1) % 4
        if self.claimed:
            raise ConditionalCheckFailed
        self.claimed = True


class Updating(Model):
    """Everyone reads, then writes one more, modulo three: updates get lost."""

    cell: Cell

    @process(instances=Worker)
    async def work(self, me: Worker) -> None:
        seen = await self.cell.read()
        await self.cell.write((seen + 1) % 3)


class Crashing(Model):
    """Two calls in a row; a crash in between forgets where the process was."""

    cell: Cell

    @process
    async def work(self) -> None:
        await self.cell.bump()
        kept = await self.cell.read()
        await self.cell.write(kept)


class Bumping(Model):
    """One call that is applied again when it is tried again."""

    cell: Cell

    @process
    async def work(self) -> None:
        await self.cell.bump()


class BumpingOnce(Model):
    """One call that a retry does not apply again."""

    cell: Cell

    @process
    async def work(self) -> None:
        await self.cell.bump_once()


class Handling(Model):
    """Every way in which a call can end leads somewhere else."""

    cell: Cell
    outcome: Annotated[int, Range(0, 4)] = 0

    @process
    async def work(self) -> None:
        try:
            await self.cell.claim()
            self.outcome = 1
        except ConditionalCheckFailed:
            self.outcome = 2
        except CallFailed:
            self.outcome = 3
        except CallTimedOut:
            self.outcome = 4


class Restarting(Model):
    """Nobody catches the error: the process begins again."""

    cell: Cell
    began: Small = 0

    @process
    async def work(self) -> None:
        self.began = min(3, self.began + 1)
        await self.cell.read()
        await self.cell.claim()


class AllOrNothing(Model):
    """The second part of the transaction fails once the cell is claimed."""

    cell: Cell
    other: Cell
    canceled: bool = False

    @process
    async def work(self) -> None:
        try:
            await transact(self.other.bump(), self.cell.claim())
        except TransactionCanceled:
            self.canceled = True


class DeadLocal(Model):
    """Two ways to the same place, which differ in a local that nobody reads again."""

    cell: Cell

    @process
    async def work(self) -> None:
        way = await self.cell.read()
        picked = choose([False, True])
        if picked and way == 0:
            way = 3
        await self.cell.read()


class Idling(Model):
    """Idle at the first call of an iteration, and not at the others."""

    cell: Cell

    @process
    async def work(self) -> None:
        if self.cell.value == 0:
            await self.cell.read()
        else:
            await self.cell.bump()
        await self.cell.read()


class Fragile(Component):
    """Breaks by a fault of its own."""

    broken: bool = False

    @operation
    def use(self) -> None:
        when(not self.broken)

    @fault
    def break_down(self) -> None:
        when(not self.broken)
        self.broken = True


class Breaking(Model):
    """Nothing more can happen once it is broken."""

    machine: Fragile

    @process
    async def work(self) -> None:
        await self.machine.use()

    @always
    def works(self) -> bool:
        return not self.machine.broken


class Refused(ServiceError):
    """An error of a model of its own."""


class Picky(Component):
    """Answers with an error that the model declares."""

    @operation(raises=(Refused,))
    def ask(self) -> None:
        raise Refused


class Asking(Model):
    """Catches it by a base class, from within an async helper."""

    picky: Picky
    refused: bool = False

    async def try_it(self) -> bool:
        await self.picky.ask()
        return True

    @process
    async def work(self) -> None:
        done = False
        try:
            done = await self.try_it()
        except ServiceError:
            self.refused = True
        self.refused = self.refused and not done


class Status(Enum):
    """Where an order of the benchmark is."""

    NEW = 0
    VISIBLE = 1
    IN_FLIGHT = 2
    ACKED = 3


class Counter(Enum):
    """Where a consumer of the benchmark is."""

    IDLE = 0
    READ = 1
    CREATE = 2
    RECORD = 3
    ACK = 4


@record
class OrderState:
    """One order of the benchmark; it is created at most three times with R = 2."""

    status: Status = Status.NEW
    redeliveries: Small = 0
    created: Annotated[int, Range(0, 4)] = 0
    recorded: bool = False


class Benchmark(Model):
    """order_intake(N, C, R): the protocol of the benchmarks, transition for transition."""

    orders: Map[Order, OrderState] = Map.filled(OrderState())
    counters: Map[Consumer, Counter] = Map.filled(Counter.IDLE)
    current: Map[Consumer, Order]

    def with_status(self, order: Order, status: Status) -> OrderState:
        old = self.orders[order]
        return OrderState(status, old.redeliveries, old.created, old.recorded)

    @action
    def submit(self, order: Order) -> None:
        when(self.orders[order].status == Status.NEW)
        self.orders[order] = self.with_status(order, Status.VISIBLE)

    @action
    def deliver(self, order: Order, consumer: Consumer) -> None:
        when(self.orders[order].status == Status.VISIBLE and self.counters[consumer] == Counter.IDLE)
        self.orders[order] = self.with_status(order, Status.IN_FLIGHT)
        self.counters[consumer] = Counter.READ
        self.current[consumer] = order

    @action
    def read(self, consumer: Consumer) -> None:
        when(self.counters[consumer] == Counter.READ)
        recorded = self.orders[self.current[consumer]].recorded
        self.counters[consumer] = Counter.ACK if recorded else Counter.CREATE

    @action
    def create(self, consumer: Consumer) -> None:
        when(self.counters[consumer] == Counter.CREATE)
        order = self.current[consumer]
        old = self.orders[order]
        self.orders[order] = OrderState(old.status, old.redeliveries, old.created + 1, old.recorded)
        self.counters[consumer] = Counter.RECORD

    @action
    def write_down(self, consumer: Consumer) -> None:
        when(self.counters[consumer] == Counter.RECORD)
        order = self.current[consumer]
        old = self.orders[order]
        self.orders[order] = OrderState(old.status, old.redeliveries, old.created, True)
        self.counters[consumer] = Counter.ACK

    @action
    def ack(self, consumer: Consumer) -> None:
        when(self.counters[consumer] == Counter.ACK)
        order = self.current[consumer]
        self.orders[order] = self.with_status(order, Status.ACKED)
        self.counters[consumer] = Counter.IDLE
        del self.current[consumer]

    @action
    def crash(self, consumer: Consumer) -> None:
        when(self.counters[consumer] != Counter.IDLE)
        order = self.current[consumer]
        old = self.orders[order]
        when(old.redeliveries < len(Redelivery))
        self.orders[order] = OrderState(Status.VISIBLE, old.redeliveries + 1, old.created, old.recorded)
        self.counters[consumer] = Counter.IDLE
        del self.current[consumer]

    @always
    def acked_is_created(self) -> bool:
        return all(state.created >= 1 for state in self.orders.values() if state.status == Status.ACKED)


class Phase(Enum):
    """Where a resource manager is."""

    WORKING = 0
    PREPARED = 1
    COMMITTED = 2
    ABORTED = 3


class TwoPhase(Model):
    """Two-phase commit with a set of messages that are never taken away (the TLA+ examples' TwoPhase)."""

    phases: Map[ResourceManager, Phase] = Map.filled(Phase.WORKING)
    decided: Phase = Phase.WORKING
    heard: Set[ResourceManager]
    prepared: Set[ResourceManager]
    commit_sent: bool = False
    abort_sent: bool = False

    @action
    def commit(self) -> None:
        when(self.decided == Phase.WORKING and len(self.heard) == len(ResourceManager))
        self.decided = Phase.COMMITTED
        self.commit_sent = True

    @action
    def abort(self) -> None:
        when(self.decided == Phase.WORKING)
        self.decided = Phase.ABORTED
        self.abort_sent = True

    @action
    def hear(self, rm: ResourceManager) -> None:
        when(self.decided == Phase.WORKING and rm in self.prepared)
        self.heard.add(rm)

    @action
    def prepare(self, rm: ResourceManager) -> None:
        when(self.phases[rm] == Phase.WORKING)
        self.phases[rm] = Phase.PREPARED
        self.prepared.add(rm)

    @action
    def choose_to_abort(self, rm: ResourceManager) -> None:
        when(self.phases[rm] == Phase.WORKING)
        self.phases[rm] = Phase.ABORTED

    @action
    def obey_commit(self, rm: ResourceManager) -> None:
        when(self.commit_sent)
        self.phases[rm] = Phase.COMMITTED

    @action
    def obey_abort(self, rm: ResourceManager) -> None:
        when(self.abort_sent)
        self.phases[rm] = Phase.ABORTED

    @always
    def consistent(self) -> bool:
        phases = Set(phase for phase in self.phases.values())
        return not (Phase.COMMITTED in phases and Phase.ABORTED in phases)
