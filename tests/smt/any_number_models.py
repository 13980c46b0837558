"""Models with what matters for any number of members: few steps, and what a step can tell apart."""

from __future__ import annotations

from typing import Annotated

from checker.dsl import (
    Bag,
    Component,
    Fifo,
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
    record,
    when,
)

Small = Annotated[int, Range(0, 3)]


class Item(Index, interchangeable=True):
    """Any number of these."""


class Owner(Index, interchangeable=True):
    """And of these."""


@record
class Pair:
    one: Item
    other: Item


class Growing(Model):
    """Four different items never meet, as long as there are three."""

    taken: Set[Item]

    @action
    def take(self, item: Item) -> None:
        self.taken.add(item)

    @always
    def never_four(self) -> bool:
        return all(
            not (a != b and a != c and a != d and b != c and b != d and c != d)
            for a in self.taken
            for b in self.taken
            for c in self.taken
            for d in self.taken
        )


class Locked(Model):
    """Each item has one owner at a time, who is written down twice."""

    owners: Map[Item, Owner]
    owned: Set[Item]

    @action
    def lock(self, item: Item, owner: Owner) -> None:
        when(item not in self.owners)
        self.owners[item] = owner
        self.owned.add(item)

    @action
    def unlock(self, item: Item, owner: Owner) -> None:
        when(self.owners.get(item) == owner)
        self.owners.discard(item)
        self.owned.remove(item)

    @always
    def written_down_twice(self) -> bool:
        return all((item in self.owners) == (item in self.owned) for item in Item)


class Forgetful(Locked):
    """Unlocking forgets the second note where somebody else has another item."""

    @action
    def steal(self, item: Item, other: Item, owner: Owner) -> None:
        when(item != other and self.owners.get(other) == owner)
        self.owners.discard(item)


class Mailbox(Component):
    """Letters, any number of copies of each."""

    letters: Bag[Item]

    @operation
    def post(self, item: Item) -> None:
        self.letters.add(item)

    @operation
    def fetch(self) -> Item:
        item = choose(self.letters)
        self.letters.remove(item)
        return item


class Posted(Model):
    """What is delivered was posted, however often."""

    posted: Set[Item]
    delivered: Set[Item]
    box: Mailbox

    @action
    def post(self, item: Item) -> None:
        self.posted.add(item)
        self.box.post(item)

    @process(instances=Owner)
    async def postman(self, me: Owner) -> None:
        item = await self.box.fetch()
        self.delivered.add(item)

    @always
    def only_what_was_posted(self) -> bool:
        return all(item in self.posted for item in self.delivered)


class Sized(Model):
    """The code depends on how many items there are."""

    taken: Set[Item]

    @action
    def take(self, item: Item) -> None:
        when(len(self.taken) < len(Item))
        self.taken.add(item)

    @always
    def fine(self) -> bool:
        return all(item in self.taken for item in self.taken)


class Counted(Model):
    """Three items with a number are noticed by the sum of the numbers."""

    numbers: Map[Item, Small]
    bad: bool = False

    @action
    def number(self, item: Item) -> None:
        self.numbers[item] = 1

    @action
    def notice(self) -> None:
        when(sum(self.numbers.values()) >= 3)
        self.bad = True

    @always
    def never_three(self) -> bool:
        return not self.bad


class SummedUp(Model):
    """The same, looked at by the property."""

    numbers: Map[Item, Small]

    @action
    def number(self, item: Item) -> None:
        self.numbers[item] = 1

    @always
    def never_three(self) -> bool:
        return sum(self.numbers.values()) <= 2


@record
class Place:
    item: Item | None


class Pointed(Model):
    """A third item is seen only through a key that is kept."""

    place: Place = Place(None)
    marks: Map[Place, bool]
    bad: bool = False

    @action
    def mark(self, item: Item) -> None:
        self.marks[Place(item)] = True

    @action
    def point(self, item: Item) -> None:
        self.place = Place(item)

    @action
    def look(self, one: Item, other: Item) -> None:
        when(one != other and self.place != Place(one) and self.place != Place(other))
        when(self.marks.get(self.place) is not None)
        self.bad = True

    @always
    def never_three(self) -> bool:
        return not self.bad


class Ranged(Model):
    """A loop that is empty for few items."""

    taken: Set[Item]
    bad: bool = False

    @action
    def go(self, item: Item) -> None:
        self.taken.add(item)
        for _ in range(3, len(Item)):
            self.bad = True

    @always
    def never(self) -> bool:
        return not self.bad


class Scanned(Model):
    """A set of owners is made of a map's values: the items under which they lie are left out."""

    owners: Map[Item, Owner]
    bad: bool = False

    @action
    def own(self, item: Item, owner: Owner) -> None:
        when(item not in self.owners)
        self.owners[item] = owner

    @action
    def look(self, a: Owner, b: Owner, c: Owner) -> None:
        used = Set(owner for owner in self.owners.values())
        when(a != b and b != c and a != c and a in used and b in used and c in used)
        self.bad = True

    @always
    def never_three(self) -> bool:
        return not self.bad


class LookingOnce(Model):
    """Levels are looked for in a loop without a call, and before the first call."""

    levels: Map[Item, Small]
    seen: Small = 0
    bell: Mailbox

    @action
    def lift(self, item: Item, level: Small) -> None:
        when(level < 3)
        self.levels[item] = level

    @process
    async def looker(self) -> None:
        item = await self.bell.fetch()
        n = 0
        while n < 3 and any(self.levels.get(other) == n for other in Item):
            n += 1
        self.seen = max(self.seen, n)
        await self.bell.post(item)

    @action
    def ring(self, item: Item) -> None:
        self.bell.post(item)

    @always
    def never_three(self) -> bool:
        return self.seen < 3


class Eager(Model):
    """Processes take items before their first call, one after another."""

    taken: Set[Item]
    count: Small = 0
    bell: Mailbox

    @process
    async def first(self) -> None:
        item = choose(Item)
        if item not in self.taken:
            self.taken.add(item)
            self.count += 1
        await self.bell.fetch()

    @process
    async def second(self) -> None:
        item = choose(Item)
        if item not in self.taken:
            self.taken.add(item)
            self.count += 1
        await self.bell.fetch()

    @always
    def never_two(self) -> bool:
        return self.count < 2


class Queued(Model):
    """Items wait in order."""

    line: Fifo[Item]

    @action
    def join(self, item: Item) -> None:
        when(item not in self.line)
        self.line.append(item)

    @always
    def fine(self) -> bool:
        return all(item in self.line for item in self.line)


class Unanimous(Model):
    """Something is decided when all have voted for it."""

    votes: Set[Owner]
    decided: bool = False
    pairs: Set[Pair]

    @action
    def vote(self, owner: Owner) -> None:
        self.votes.add(owner)

    @action
    def decide(self) -> None:
        when(all(owner in self.votes for owner in Owner))
        self.decided = True

    @action
    def meet(self, one: Item, other: Item) -> None:
        when(not any(Pair(other, third) in self.pairs for third in Item))
        self.pairs.add(Pair(one, other))

    @always
    def all_have_voted(self) -> bool:
        return not self.decided or all(owner in self.votes for owner in Owner)


class Paired(Model):
    """Whoever has met somebody has met somebody whom nobody has met: looked for anew for each."""

    pairs: Set[Pair]

    @action
    def meet(self, one: Item, other: Item) -> None:
        when(all(any(Pair(a, b) not in self.pairs for b in Item) for a in Item))
        self.pairs.add(Pair(one, other))

    @always
    def fine(self) -> bool:
        return True
