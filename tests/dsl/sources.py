"""Model files for the tests of the DSL: a valid one with holes, and what the holes take."""

from __future__ import annotations

import textwrap
from collections.abc import Mapping
from pathlib import Path

from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.errors import UserError
from checker.ir.program import Budgets
from tests.differential.comparison import imported

SIZES = {"Item": 2, "Worker": 2}

_TEMPLATE = """\
from __future__ import annotations

from dataclasses import replace
from enum import Enum, IntEnum
from typing import Annotated, Any, Generic, Self, TypeVar

from checker.dsl import (
    Bag, CallFailed, Component, ConditionalCheckFailed, Fifo, Index, Map, Model, Process, Range, ServiceError,
    Set, TransactionCanceled, action, always, caller, choose, fault, is_idle, operation, process, quiescent,
    lemma, reachable, record, transact, transition, when,
)

Small = Annotated[int, Range(0, 3)]


class Item(Index):
    pass


class Worker(Index):
    pass


class Color(Enum):
    RED = 0
    GREEN = 1


@record
class Row:
    item: Item
    number: Small


class Gone(ServiceError):
    pass

{top}

class Store(Component):
    cells: Map[Item, Small]
    total: Small = 0

    @operation
    def get(self, item: Item) -> Small | None:
        return self.cells.get(item)

    @operation
    def ready(self) -> bool:
        return self.total == 0

    @operation
    def put(self, item: Item, number: Small) -> None:
        self.cells[item] = number

    @operation(raises=(ConditionalCheckFailed,))
    def put_new(self, item: Item) -> None:
        if item in self.cells:
            raise ConditionalCheckFailed
        self.cells[item] = 0

    def size(self) -> int:
        return len(self.cells)
{component}

class Sample(Model):
    count: Small = 0
    flag: bool = False
    color: Color = Color.RED
    row: Row | None
    known: Set[Item]
    queue: Fifo[Item]
    sets: Map[Item, Set[Item]]
    store: Store
{members}
    @action
    def act(self) -> None:
        self.count = 1
{action}
    @process(instances=Worker)
    async def work(self, me: Worker) -> None:
        await self.store.put(Item(0), 1)
{process}
    @always
    def holds(self) -> bool:
{prop}
        return self.count <= 3
"""


def model_text(**holes: str) -> str:
    """The valid model with code in some of its holes: top, component, members, action, process, prop."""
    indents = {"top": 0, "component": 4, "members": 4, "action": 8, "process": 8, "prop": 8}
    assert not set(holes) - set(indents)
    filled = {
        name: textwrap.indent(textwrap.dedent(holes.get(name, "")).strip("\n"), " " * indent)
        for name, indent in indents.items()
    }
    return _TEMPLATE.format(**filled)


def lower_text(
    text: str, folder: Path, sizes: Mapping[str, int] | None = None, budgets: Budgets | None = None
) -> LoweredModel:
    """Import and lower the class ``Sample`` of a model file."""
    with imported(text, folder) as module:
        used = index_sets_of(module.Sample) if sizes is None else ()
        bounds = {name: SIZES[name] for name in used} if sizes is None else sizes
        return lower(module.Sample, bounds, budgets or Budgets())


def rejection(text: str, folder: Path) -> UserError:
    """The error with which a model file is rejected."""
    try:
        lower_text(text, folder)
    except UserError as error:
        return error
    raise AssertionError(f"nothing is wrong with:\n{text}")
