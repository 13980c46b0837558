"""What breaks the symmetry of an interchangeable set, and what only looks as if it did."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.dsl.lowering import lower
from checker.ir.program import Budgets
from checker.ir.symmetry import Symmetry, symmetry_of
from tests.differential.comparison import imported

_HEAD = """
from __future__ import annotations

from typing import Annotated

from checker.components import DynamoTable
from checker.dsl import (
    Bag, Fifo, Index, Map, Model, Range, Set, action, always, choose, process, quiescent, record, transition,
    when,
)


class Order(Index, interchangeable=True):
    pass


class Slot(Index):
    pass


Count = Annotated[int, Range(0, 9)]


@record
class Row:
    order: Order
    next: Order | None


class Sample(Model):
    done: Set[Order]
    slots: Set[Slot]
    rows: Map[Order, Row]
    line: Fifo[Order]
    last: Order | None = None
    flags: Map[Order, bool] = Map.filled(False)
"""

_FINISH = """
    @action
    def finish(self, order: Order) -> None:
        when(order not in self.done)
        self.done.add(order)
"""


def _symmetry(body: str, folder: Path, orders: int = 3) -> Symmetry:
    with imported(_HEAD + _FINISH + body, folder) as module:
        return symmetry_of(lower(module.Sample, {"Order": orders, "Slot": 2}, Budgets()).program, 64)


BROKEN = {
    "a member by its number": (
        "    @always\n    def first(self) -> bool:\n        return Order(0) not in self.done\n",
        "names one of its members",
    ),
    "an initial state that is not alike": (
        "    favourite: Order = Order(1)\n",
        "favourite does not begin alike",
    ),
    "a loop that stops at the first": (
        "    @action\n    def take(self) -> None:\n        for order in Order:\n"
        "            if order not in self.done:\n                self.last = order\n                break\n",
        "takes its members in order",
    ),
    "a loop that queues in order": (
        "    @action\n    def queue(self) -> None:\n        for order in self.done:\n"
        "            self.line.append(order)\n",
        "takes its members in order",
    ),
    "a loop that discards as long as there are several": (
        "    @action\n    def drop(self) -> None:\n        for order in Order:\n"
        "            if len(self.rows) > 1:\n                self.rows.discard(order)\n",
        "takes its members in order",
    ),
    "a list in order": (
        "    @action\n    def take(self) -> None:\n        when(len(self.rows) > 0)\n"
        "        first = self.rows.values()[0]\n        self.last = first.order\n",
        "in order",
    ),
    "a loop variable after its loop": (
        "    @action\n    def take(self) -> None:\n        for order in Order:\n            pass\n"
        "        self.last = order\n",
        "read after its loop",
    ),
    "a loop over what a helper copies": (
        "    def left(self) -> Set[Order]:\n        found = self.done.copy()\n        return found\n"
        "    @action\n    def take(self) -> None:\n        for order in self.left():\n"
        "            self.last = order\n",
        "takes its members in order",
    ),
    "a loop that reads what it changes, through a helper": (
        "    taken: Map[Order, Count] = Map.filled(0)\n"
        "    def most(self) -> int:\n        return sum(1 for order in Order if self.taken[order] > 0)\n"
        "    @action\n    def number(self) -> None:\n        for order in Order:\n"
        "            self.taken[order] = self.most() + 1\n",
        "takes its members in order",
    ),
    "a process that changes something before its first call": (
        "    table: DynamoTable[Order, Row]\n"
        "    @process(instances=Order)\n    async def serve(self, me: Order) -> None:\n"
        "        self.line.append(me)\n        await self.table.delete(me)\n",
        "before their first call",
    ),
    "a fresh key": (
        "    @action\n    def mint(self) -> None:\n        when(len(self.rows) < len(Order))\n"
        "        self.last = self.rows.fresh_key()\n",
        "fresh key",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
def test_what_tells_members_apart_breaks_it(name: str, tmp_path: Path) -> None:
    body, reason = BROKEN[name]
    found = _symmetry(body, tmp_path)
    assert found.sets == ()
    (broken,) = found.broken
    assert broken.set == "Order"
    assert reason in broken.reason
    assert broken.location is not None
    assert str(broken).startswith(f"Order: {broken.reason} (")


KEPT = {
    "nothing": "",
    "a choice": (
        "    @action\n    def take(self) -> None:\n"
        "        order = choose(self.done)\n        self.last = order\n"
    ),
    "a loop that adds": (
        "    @action\n    def reset(self) -> None:\n        for order in Order:\n"
        "            if order in self.done:\n                self.flags[order] = True\n"
    ),
    "a loop that discards entries": (
        "    @action\n    def drop(self) -> None:\n        for order in self.done:\n"
        "            self.rows.discard(order)\n"
    ),
    "all and any that cannot fail": (
        "    @always\n    def rows_fit(self) -> bool:\n"
        "        return all(self.rows[order].order == order for order in Order if order in self.rows)\n"
        "    @always\n    def nexts(self) -> bool:\n"
        "        return not any(\n            row.next is not None and row.next == row.order\n"
        "            for row in self.rows.values()\n        )\n"
    ),
    "a count": (
        "    @always\n    def few(self) -> bool:\n"
        "        return sum(1 for order in Order if self.flags[order]) <= len(self.done)\n"
    ),
    "a queue, whose order is its own": (
        "    @action\n    def queue(self, order: Order) -> None:\n        when(order not in self.line)\n"
        "        self.line.append(order)\n"
        "    @action\n    def serve(self) -> None:\n        when(len(self.line) > 0)\n"
        "        self.last = self.line.popleft()\n"
    ),
    "a loop over a queue": (
        "    @action\n    def serve(self) -> None:\n        for order in self.line:\n"
        "            self.last = order\n"
    ),
    "a number of another set": (
        "    slot: Slot | None = None\n"
        "    @action\n    def choose_slot(self) -> None:\n        self.slot = Slot(0)\n"
    ),
    "a step": (
        "    @transition\n    def grows(self, before: Sample) -> bool:\n"
        "        return all(order in self.done for order in before.done)\n"
    ),
}


@pytest.mark.parametrize("name", KEPT)
def test_what_treats_members_alike_keeps_it(name: str, tmp_path: Path) -> None:
    found = _symmetry(KEPT[name], tmp_path)
    assert [index.name for index in found.sets] == ["Order"], found.broken
    assert found.permutations == 6


def test_a_set_of_one_member_has_nothing_to_rename(tmp_path: Path) -> None:
    assert _symmetry("", tmp_path, orders=1) == Symmetry((), ())
