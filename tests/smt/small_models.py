"""Small models of what is particular to the symbolic engine."""

from __future__ import annotations

from typing import Annotated

from checker.dsl import Bag, Fifo, Index, Map, Model, Range, Set, action, always, quiescent, when

Small = Annotated[int, Range(0, 15)]
Wide = Annotated[int, Range(0, 20_000)]


class Filling(Model):
    """A FIFO and a bag that hold more than an encoding begins with."""

    line: Fifo[Small]
    bag: Bag[Small]

    @action
    def append(self) -> None:
        when(len(self.line) < 7)
        self.line.append(len(self.line))
        self.bag.add(3)

    @always
    def below_six(self) -> bool:
        return len(self.line) < 6

    @always
    def few_copies(self) -> bool:
        return self.bag.count(3) < 5

    @always
    def in_order(self) -> bool:
        return all(self.line[i] == i for i in range(7) if i < len(self.line))


class TooWide(Model):
    """The elements of a set have too many values to list."""

    seen: Set[Wide]
    last: Wide = 0

    @action
    def see(self) -> None:
        when(self.last < 3)
        self.last += 1
        self.seen.add(self.last)

    @always
    def few(self) -> bool:
        return len(self.seen) < 2


class Looping(Model):
    """A loop whose end depends on the state, and one that never ends where it begins at 3."""

    level: Small = 0
    halvings: Small = 0

    @action
    def up(self) -> None:
        when(self.level < 9)
        self.level += 1

    @action
    def halve(self) -> None:
        when(self.level > 6)
        rest = self.level
        count = 0
        while rest > 0:
            rest = rest // 2
            count += 1
            if count == 15:
                break
        self.halvings = count

    @action
    def hang(self) -> None:
        when(self.halvings == 4)
        while self.halvings == 4:
            pass

    @always
    def at_most_three(self) -> bool:
        return self.halvings <= 3


class Item(Index, interchangeable=True):
    """Declared alike, but one of them is named."""


class Favourite(Model):
    """A property that tells the last item from the others."""

    picked: Set[Item]

    @action
    def pick(self, item: Item) -> None:
        when(item not in self.picked)
        self.picked.add(item)

    @always
    def the_last_is_not_picked(self) -> bool:
        return Item(2) not in self.picked


Height = Annotated[int, Range(0, 31)]


class Counting(Model):
    """Thirty steps to something wrong."""

    level: Height = 0

    @action
    def up(self) -> None:
        when(self.level < 30)
        self.level += 1

    @always
    def never_at_thirty(self) -> bool:
        return self.level < 30

    @always
    def never_above(self) -> bool:
        return self.level <= 30


class Guarded(Model):
    """The only step waits for something that never happens."""

    open: bool = False
    inside: bool = False

    @action
    def enter(self) -> None:
        when(self.open)
        self.inside = True

    @always
    def stays_outside(self) -> bool:
        return not self.inside


class Paid(Index, interchangeable=True):
    """What is paid for."""


class ErrsByOrder(Model):
    """With one member paid and another not, any() says yes, or errs where it comes to the other first."""

    paid: Map[Paid, bool]
    done: Set[Paid]

    @action
    def pay(self, item: Paid) -> None:
        self.paid[item] = True

    @action
    def finish(self, item: Paid) -> None:
        self.done.add(item)

    @always
    def some_paid(self) -> bool:
        return not self.done or any(self.paid[item] for item in self.done)


class Seat(Index, interchangeable=True):
    """Declared alike, whatever the models do with them."""


class OneBegins(Model):
    """Only the second seat counts, for that is how it begins: nothing in the code tells them apart."""

    counting: Set[Seat] = Set([Seat(1)])
    level: Small = 0

    @action
    def count(self, seat: Seat) -> None:
        when(seat in self.counting and self.level < 9)
        self.level += 1

    @always
    def not_the_first(self) -> bool:
        return Seat(0) not in self.counting

    @always
    def below_nine(self) -> bool:
        return self.level < 9


class OneActs(Model):
    """Every seat begins alike, but only the second one can be taken, which opens the way up."""

    taken: Set[Seat]
    level: Small = 0

    @action
    def take(self, seat: Seat) -> None:
        when(seat == Seat(1))
        self.taken.add(seat)

    @action
    def count(self, seat: Seat) -> None:
        when(seat in self.taken and self.level < 9)
        self.level += 1

    @always
    def not_the_first(self) -> bool:
        return Seat(0) not in self.taken

    @always
    def below_nine(self) -> bool:
        return self.level < 9


class Once(Model):
    """One message, handled once: to count it up to one and no further is too little to see that."""

    sent: bool = False
    bag: Bag[Small]
    handled: Small = 0

    @action
    def send(self) -> None:
        when(not self.sent)
        self.sent = True
        self.bag.add(3)

    @action
    def handle(self) -> None:
        when(3 in self.bag and self.handled < 9)
        self.bag.remove(3)
        self.handled += 1

    @always
    def handled_once(self) -> bool:
        return self.handled <= 1


class Pouring(Model):
    """A bag that fills without end, of which no count is asked for."""

    bag: Bag[Small]
    drunk: Small = 0
    tired: bool = False

    @action
    def pour(self) -> None:
        self.bag.add(3)

    @action
    def drink(self) -> None:
        when(3 in self.bag and not self.tired and self.drunk < 9)
        self.bag.remove(3)
        self.drunk += 1
        self.tired = 3 not in self.bag

    @action
    def wake(self) -> None:
        when(self.tired)
        self.tired = False

    @always
    def only_threes(self) -> bool:
        return all(kind == 3 for kind in self.bag)

    @always
    def never_tired(self) -> bool:
        return not self.tired


class Peeking(Model):
    """A property takes a copy away, of a bag of its own, and looks at what is left."""

    bag: Bag[Small]

    @action
    def pour(self) -> None:
        self.bag.add(3)

    @always
    def at_most_one(self) -> bool:
        left: Bag[Small] = self.bag.copy()
        left.discard(3)
        return 3 not in left


class Counted(Model):
    """The number of copies is used as one."""

    bag: Bag[Small]
    most: Small = 0

    @action
    def pour(self) -> None:
        when(len(self.bag) < 3)
        self.bag.add(3)
        self.most = len(self.bag)

    @always
    def few(self) -> bool:
        return self.most <= 3


class Resting(Model):
    """What is at rest, and what is not, turns on what one removal leaves."""

    bag: Bag[Small]
    poured: Small = 0
    emptied: bool = False

    @action
    def pour(self) -> None:
        when(self.poured < 2)
        self.poured += 1
        self.bag.add(3)

    @action
    def empty(self) -> None:
        when(self.poured > 0)
        self.bag.discard(3)
        when(3 not in self.bag)
        self.emptied = True

    @quiescent
    def emptied_in_the_end(self) -> bool:
        return self.emptied
