"""Amazon EventBridge: buses whose rules send events on to targets.

What it represents (Source: EventBridge user guide and API reference):
an event goes to every target whose rule matches it, to each by itself and in any order; a target may get
an event more than once; while a target fails, the delivery is tried again, and after 24 hours or 185
attempts it is dropped, or goes to a dead-letter queue where one is set; PutEvents of several entries can
accept some and refuse others, and still answer with 200. ``ArchivedEventBus`` keeps an archive, from
which events are replayed in any order to the rules that the replay names; replayed events are not
archived again. ``CrossRegionBus`` forwards every event to the bus of another Region. A target is a
process that awaits ``receive`` and then ``done``; ending an iteration without ``done`` is a failed
delivery.

What it leaves out: schemas, pipes, schedules, input transformation, an archive's retention, quotas, and
that the id of an event differs between the Regions of a global endpoint (events here have no id but
their own content). A PutEvents takes 10 entries at most; ``put_all`` takes any number. A dead-letter
queue here keeps everything; in AWS, one whose queue policy does not let the bus send drops silently.

Retries here are until the target's process says ``done``. In AWS they are of the delivery: a target that
has taken the event, such as a Lambda function, which is invoked asynchronously, is delivered to. If its
handler then fails, Lambda retries it by itself (twice, by default) and the event never reaches the bus'
dead-letter queue, only the function's own or its on-failure destination, if there is one. To model
such a handler, let it call ``done`` first and work from a queue of its own.
"""

from __future__ import annotations

from typing import Annotated, Generic, TypeVar

from checker.dsl import (
    Bag,
    Component,
    Map,
    Process,
    Range,
    Set,
    action,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    record,
    when,
)

R = TypeVar("R")
T = TypeVar("T")

#: How many entries of the next PutEvents will be refused.
Refusals = Annotated[int, Range(0, 3)]


@record
class Routed(Generic[R, T]):
    """An event on its way to one target."""

    target: R
    event: T


@record
class Invocation(Generic[R, T]):
    """An event that a target works on."""

    routed: Routed[R, T]
    holder: Process


class EventBus(Component, Generic[R, T]):
    """A bus with events ``T`` and targets ``R``; a subclass says by ``matches`` who gets what.

    A subclass sets ``has_dead_letter_queue`` to keep what would be dropped.
    """

    transactional = False

    has_dead_letter_queue: bool = False
    #: One rule for each target; whether it is enabled.
    rules: Map[R, bool] = Map.filled(True)
    pending: Bag[Routed[R, T]]
    running: Bag[Invocation[R, T]]
    dead_letters: Bag[Routed[R, T]]
    refusals: Refusals = 0

    @operation
    def put(self, event: T) -> None:
        """PutEvents with one entry."""
        self._accept(event)

    @operation
    def put_all(self, events: Set[T]) -> Set[T]:
        """PutEvents with several entries: the ones that were refused (FailedEntryCount is their number)."""
        refused: Set[T] = Set()
        for event in events:
            refuse = choose([False, self.refusals > 0])
            if refuse:
                self.refusals -= 1
                refused.add(event)
            else:
                self._accept(event)
        return refused

    @operation
    def receive(self, target: R) -> T:
        """The bus invokes a target with any event on its way to it."""
        routed = choose(r for r in self.pending if r.target == target)
        self.pending.remove(routed)
        self.running.add(Invocation(routed, caller()))
        return routed.event

    @operation
    def done(self, target: R, event: T) -> None:
        """The target has accepted the event."""
        self.running.discard(Invocation(Routed(target, event), caller()))

    @action
    def retry(self) -> None:
        """A delivery whose target is done without accepting it, or dead, is tried again."""
        invocation = choose(self.running)
        when(is_idle(invocation.holder))
        self.running.remove(invocation)
        self.pending.add(invocation.routed)

    @fault
    def duplicate(self) -> None:
        """A rule or a target fires once more for an event."""
        routed = choose(invocation.routed for invocation in self.running)
        self.pending.add(routed)

    @fault
    def drop(self) -> None:
        """The retries of a delivery are used up."""
        routed = choose(self.pending)
        self.pending.remove(routed)
        if self.has_dead_letter_queue:
            self.dead_letters.add(routed)

    @fault
    def redrive(self) -> None:
        """Somebody sends a dead letter to its target again."""
        routed = choose(self.dead_letters)
        self.dead_letters.remove(routed)
        self.pending.add(routed)

    @fault
    def refuse_entry(self) -> None:
        """The bus is throttled: an entry of a PutEvents with several may be refused from now on."""
        self.refusals += 1

    def matches(self, target: R, event: T) -> bool:
        """Whether the target's rule matches an event; all do, unless a subclass says otherwise."""
        return self.rules[target]

    def _accept(self, event: T) -> None:
        self._route(event)

    def _route(self, event: T) -> None:
        for target in self.rules:
            if self.matches(target, event):
                self.pending.add(Routed(target, event))


class ArchivedEventBus(EventBus[R, T], Generic[R, T]):
    """A bus with an archive of its events; a subclass says by ``replays_to`` which rules a replay names."""

    archive: Set[T]

    @fault
    def replay(self) -> None:
        """StartReplay: an event of the archive goes to the rules that are named once more."""
        event = choose(self.archive)
        for target in self.rules:
            if self.replays_to(target) and self.matches(target, event):
                self.pending.add(Routed(target, event))

    def replays_to(self, target: R) -> bool:
        """Whether a replay goes to a target's rule; to all of them, unless a subclass says otherwise."""
        return self.rules[target]

    def _accept(self, event: T) -> None:
        self.archive.add(event)
        self._route(event)


class CrossRegionBus(Component, Generic[R, T]):
    """A bus in one Region that forwards its events to a bus in another; both have the targets ``R``."""

    transactional = False

    home: EventBus[R, T]
    away: EventBus[R, T]
    crossing: Bag[T]

    @operation
    def put(self, event: T) -> None:
        """PutEvents in the home Region."""
        self.home.put(event)
        self.crossing.add(event)

    @action
    def cross(self) -> None:
        """An event arrives in the other Region, in any order."""
        event = choose(self.crossing)
        self.crossing.remove(event)
        self.away.put(event)

    @fault
    def cross_twice(self) -> None:
        """The rule that forwards fires once more for an event."""
        event = choose(self.crossing)
        self.away.put(event)

    @fault
    def cross_never(self) -> None:
        """The other Region was away for longer than the retries lasted: an event is dropped."""
        event = choose(self.crossing)
        self.crossing.remove(event)
