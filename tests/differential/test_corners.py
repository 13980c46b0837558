"""Both machines agree where Python's own rules are easily missed: one small model for each."""

from __future__ import annotations

from pathlib import Path
from typing import NamedTuple

import pytest

from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.semantics.state import State
from tests.dsl.sources import lower_text, model_text

from .comparison import Comparison, compare


class Corner(NamedTuple):
    """Code for holes of a model, and the model errors that its states run into."""

    holes: dict[str, str]
    errors: frozenset[str] = frozenset()


def members(code: str, *errors: str) -> Corner:
    return Corner({"members": code}, frozenset(errors))


CORNERS = {
    "a helper's locals begin anew each time it is awaited": Corner(
        {
            "component": "def fill(self) -> None:\n    self.total = 1\n",
            "members": """
            async def once(self) -> None:
                if await self.store.ready():
                    found: Small = 2
                    self.store.fill()
                self.count = found

            @process
            async def p(self) -> None:
                for i in Item:
                    await self.once()
            """,
        },
        frozenset({"UNASSIGNED"}),
    ),
    "an argument that is an unassigned local fails where the await is reached": Corner(
        {
            "component": "def fill(self) -> None:\n    self.total = 1\n",
            "members": """
            @process
            async def p(self) -> None:
                if await self.store.ready():
                    number: Small = 2
                    self.store.fill()
                await self.store.put(Item(0), number)
            """,
        },
        frozenset({"UNASSIGNED"}),
    ),
    "an unassigned local inside a comprehension": members(
        """
        @action
        def a(self) -> None:
            if self.flag:
                low = 1
            self.flag = all(low < 2 for i in Item)
        """,
        "UNASSIGNED",
    ),
    "local code that asks who is idle": members(
        """
        def busy(self) -> int:
            return sum(1 for p in Process if not is_idle(p))

        @process
        async def p(self) -> None:
            await self.store.ready()
            await self.store.ready()
            seen: Small = self.busy()
            await self.store.put(Item(0), seen)
        """
    ),
    "the copy of a map of sets shares nothing": members(
        """
        @action
        def a(self) -> None:
            if Item(0) not in self.sets:
                self.sets[Item(0)] = Set()
            mine = self.sets.copy()
            mine[Item(0)].add(Item(1))
            self.count = len(self.sets[Item(0)])
        """
    ),
    "a match that always returns": members(
        """
        def number(self, color: Color) -> int:
            match color:
                case Color.RED:
                    return 0
                case _ if self.flag:
                    return 1
                case _:
                    return 2

        @action
        def a(self, color: Color) -> None:
            self.flag = not self.flag
            self.count = self.number(color)
        """
    ),
    "None in a field that takes none": members(
        """
        item: Item = Item(0)
        maybe: Item | None

        @action
        def a(self) -> None:
            self.item = self.maybe
        """,
        "NONE",
    ),
    "None as an element": members(
        """
        maybe: Item | None

        @action
        def a(self) -> None:
            self.known.add(self.maybe)
        """,
        "NONE",
    ),
    "an element is evaluated before the collection that may contain it": members(
        """
        @action
        def a(self) -> None:
            self.flag = self.queue[0] in self.sets[Item(0)]
        """,
        "INDEX",
    ),
    "a value is evaluated before the key that it is stored under": members(
        """
        numbers: Map[Item, Small]

        @action
        def a(self) -> None:
            self.numbers[self.queue[0]] = 1 // self.count
        """,
        "DIVISION",
        "INDEX",
    ),
    "all elements of a tuple are evaluated": members(
        """
        @action
        def a(self) -> None:
            self.flag = self.count in (self.count, 1 // self.count)
        """,
        "DIVISION",
    ),
    "the elements of a counted list are evaluated": members(
        """
        @action
        def a(self) -> None:
            self.count = len([1 // self.count for i in Item])
        """,
        "DIVISION",
    ),
    "an operation that changes something before it raises": Corner(
        {
            "component": """
            @operation(raises=(ConditionalCheckFailed,))
            def try_it(self) -> None:
                self.total = 3
                raise ConditionalCheckFailed
            """,
            "members": """
            @process
            async def p(self) -> None:
                try:
                    await self.store.try_it()
                except ConditionalCheckFailed:
                    self.count = self.store.total
            """,
        }
    ),
    "an async helper of a component": Corner(
        {
            "component": """
            async def twice(self, item: Item) -> Small:
                await self.put(item, 1)
                await self.put(item, 2)
                return 3
            """,
            "members": """
            @process
            async def p(self) -> None:
                self.count = await self.store.twice(Item(0))
            """,
        }
    ),
    "the error of a model that has the name of another model's": Corner(
        {
            "component": "@operation(raises=(Gone,))\ndef go(self) -> None:\n    raise Gone\n",
            "members": """
            @process
            async def p(self) -> None:
                try:
                    await self.store.go()
                except Gone:
                    self.count = 1
            """,
        }
    ),
    "a collection that an operation answers with is the process' own": Corner(
        {
            "component": """
            many: Fifo[Item]

            @operation
            def fill(self) -> Fifo[Item]:
                if len(self.many) == 0:
                    for item in Item:
                        self.many.append(item)
                return self.many
            """,
            "members": """
            @process
            async def p(self) -> None:
                batch = await self.store.fill()
                while len(batch) > 0:
                    item = batch.popleft()
                    await self.store.put(item, len(batch))
                self.count = len(self.store.many)
            """,
        }
    ),
    "an argument keeps the value that it had when the await was reached": members(
        """
        @process
        async def p(self) -> None:
            await self.store.put(Item(0), self.count)
            self.count = 2
        """
    ),
    "an argument out of its range": members(
        """
        @process
        async def p(self) -> None:
            await self.store.put(Item(0), self.count + 3)
            self.count = min(3, self.count + 1)
        """,
        "OVERFLOW",
    ),
    "a bool counts as a number": members(
        """
        @action
        def a(self) -> None:
            self.flag = not self.flag
            self.count = sum(self.flag for i in Item) + self.flag
        """
    ),
    "a case whose guard is false has captured already": members(
        """
        @action
        def a(self, number: Small) -> None:
            match Row(Item(0), number):
                case Row(number=n) if n > 2:
                    self.count = 3
                case _:
                    self.count = n
        """
    ),
}


def compared(corner: Corner, folder: Path) -> Comparison:
    lowered = lower_text(model_text(**corner.holes), folder, budgets=Budgets(crash=1, ambiguous=1))
    return compare(lowered, states_max=300)


@pytest.mark.parametrize("name", CORNERS)
def test_both_machines_agree(name: str, tmp_path: Path) -> None:
    found = compared(CORNERS[name], tmp_path)
    assert set(found.errors) == CORNERS[name].errors
    assert found.states > 1


def test_what_an_operation_answers_is_not_the_field_itself(tmp_path: Path) -> None:
    """The process takes its batch apart; the component's own collection stays whole, in both machines."""
    corner = CORNERS["a collection that an operation answers with is the process' own"]
    lowered = lower_text(model_text(**corner.holes), tmp_path)
    many = [variable.name for variable in lowered.program.variables].index("store.many")
    machine = Machine(lowered.program)
    seen = {s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)}
    todo = list(seen)
    while todo:
        following = {s.outcome for s in machine.successors(todo.pop()) if isinstance(s.outcome, State)}
        todo += following - seen
        seen |= following
    assert {state.variables[many] for state in seen} == {(), (0, 1)}
