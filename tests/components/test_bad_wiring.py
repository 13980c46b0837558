"""Components that are declared or used as AWS would not have them: exit code 2, at the line that says it."""

from __future__ import annotations

import pytest

from tests.cli.conftest import project as project
from tests.cli.project import Project

MODEL = """\
from __future__ import annotations

from typing import Annotated

from checker.components import *
from checker.dsl import *


class Key(Index):
    pass


@record
class Row:
    key: Key


class Bad(Model):
    number: Annotated[int, Range(0, 200)] = 0
    {declared}

    @process(instances=Region)
    async def client(self, here: Region) -> None:
        {called}

    @always
    def holds(self) -> bool:
        return self.number >= 0
"""
SPEC = """\
model = "models/bad.py:Bad"
[bounds]
Region = {regions}
Key = 1
"""
GET = "await self.table.get(Key(0))"
PLAIN = "table: DynamoTable[Key, Row]"
DECLARED, CALLED = 20, 24


def refused(project: Project, text: str, *parts: str, regions: int = 2, spec: str = "") -> None:
    project.write("models/bad.py", text)
    project.write("specs/bad.toml", SPEC.format(regions=regions) + spec)
    project.refuses(["check"], *parts)


@pytest.mark.parametrize(
    ("declared", "parts"),
    [
        ("table: DynamoTable[Key, str]", ["has the type str, which is not a finite type"]),
        ("table: DynamoTable[Key, int]", ["an int without bounds", "Annotated[int, Range(0, 7)]"]),
        ("table: DynamoTable[int, Row]", ["an int without bounds"]),
        ("table: DynamoTable[Key, list[Row]]", ["has the type list"]),
        ("table: DynamoTable[Set[Key], Row]", ["a collection cannot be an element", "immutable"]),
        ("table: GlobalTable[Set[Key], Row]", ["is a collection", "immutable"]),
        ("table: CounterTable[Key, Row]", ["'table' cannot be a CounterTable here", "Row is not a number"]),
        ("table: Provider[Key, Set[Key]]", ["a collection cannot be an element"]),
        ("table: DynamoTable", ["'table' is a DynamoTable without its types", "table: DynamoTable[K, V]"]),
        ("table: DynamoTable[Key]", ["Too few arguments for", "as many types as it has type parameters"]),
        ("inbox: SqsQueue", ["'inbox' is a SqsQueue without its types", "inbox: SqsQueue[T]"]),
        ("inbox: SqsQueue[Set[Key]]", ["a collection cannot be an element", "immutable"]),
        ("inbox: SqsQueue[int]", ["an int without bounds", "Annotated[int, Range(0, 7)]"]),
        ("queue: SqsFifoQueue[Key, Row]", ["Too few arguments for", "as many types"]),
        ("stream: KinesisStream[Set[Key], Key, Row]", ["a collection cannot be an element"]),
        ("function: LambdaMapping[str]", ["has the type str"]),
        ("bus: EventBus[int, Row]", ["an int without bounds"]),
    ],
)
def test_a_component_wired_to_a_type_that_it_cannot_carry(
    project: Project, declared: str, parts: list[str]
) -> None:
    text = MODEL.format(declared=declared, called=GET)
    refused(project, text, f"models/bad.py:{DECLARED}", declared, *parts)


@pytest.mark.parametrize("second", ["table: DynamoTable[Key, Key]", "table: bool = False"])
def test_two_components_of_one_name(project: Project, second: str) -> None:
    text = MODEL.format(declared=f"{PLAIN}\n    {second}", called=GET)
    parts = [
        f"models/bad.py:{DECLARED + 1}",
        second,
        f"'table' is declared twice, in line {DECLARED} already",
    ]
    refused(project, text, *parts, "a name of its own")


def test_a_region_that_does_not_exist(project: Project) -> None:
    text = MODEL.format(
        declared="table: GlobalTable[Key, Row]", called="await self.table.get(Region(2), Key(0))"
    )
    refused(
        project, text, f"models/bad.py:{CALLED}", "Region() takes a constant from 0 to 1", "raise the bound"
    )


def test_a_home_region_that_does_not_exist(project: Project) -> None:
    text = MODEL.format(declared=f"home: Region = Region(2)\n    {PLAIN}", called=GET)
    refused(
        project, text, f"models/bad.py:{DECLARED}", "home: Region = Region(2)", "the initial value of 'home'"
    )


@pytest.mark.parametrize("regions", [1, 4])
def test_strong_consistency_needs_three_regions(project: Project, regions: int) -> None:
    declared = "table: StrongGlobalTable[Key, Row]"
    text = MODEL.format(declared=declared, called="await self.table.get(here, Key(0))")
    parts = ["exactly three Regions, or in two with a witness", "[bounds] Region = 3"]
    refused(project, text, f"models/bad.py:{DECLARED}", declared, *parts, regions=regions)


def test_a_transaction_over_more_items_than_aws_allows(project: Project) -> None:
    puts = "self.table.put(Key(0), Row(Key(0))),\n" * 101
    text = MODEL.format(declared=PLAIN, called=f"await transact(\n{puts})")
    refused(
        project, text, f"models/bad.py:{CALLED}", "a transaction of 101 operations; AWS takes 100 at most"
    )


def test_a_transaction_of_a_hundred_items_is_none_too_many(project: Project) -> None:
    puts = "self.table.put(Key(0), Row(Key(0))),\n" * 100
    project.write("models/bad.py", MODEL.format(declared=PLAIN, called=f"await transact(\n{puts})"))
    project.write("specs/bad.toml", SPEC.format(regions=1))
    assert project.run("check").code == 0


def test_strong_tables_take_no_part_in_transactions(project: Project) -> None:
    call = "await transact(self.table.put(here, Key(0), Row(Key(0))))"
    text = MODEL.format(declared="table: StrongGlobalTable[Key, Row]", called=call)
    refused(project, text, f"models/bad.py:{CALLED}", "a StrongGlobalTable takes no part in transactions")


@pytest.mark.parametrize(
    ("declared", "call", "name"),
    [
        ("inbox: SqsQueue[Key]", "self.inbox.send(Key(0))", "SqsQueue"),
        ("inbox: SqsQueueWithDlq[Key]", "self.inbox.send(Key(0))", "SqsQueueWithDlq"),
        ("queue: SqsFifoQueue[Key, Key, Key]", "self.queue.send(Key(0), Key(0), Key(0))", "SqsFifoQueue"),
        ("stream: KinesisStream[Key, Key, Key]", "self.stream.put(Key(0), Key(0))", "KinesisStream"),
        (
            "function: LambdaStreamMapping[Key, Key]",
            "self.function.put(Key(0), Key(0))",
            "LambdaStreamMapping",
        ),
        ("bus: EventBus[Key, Key]", "self.bus.put(Key(0))", "EventBus"),
        ("bus: CrossRegionBus[Key, Key]", "self.bus.put(Key(0))", "CrossRegionBus"),
    ],
)
def test_messages_take_no_part_in_transactions(project: Project, declared: str, call: str, name: str) -> None:
    text = MODEL.format(declared=f"{PLAIN}\n    {declared}", called=f"await transact({call})")
    refused(project, text, f"models/bad.py:{CALLED + 1}", f"a {name} takes no part in transactions")


def test_a_negative_budget_of_a_component(project: Project) -> None:
    text = MODEL.format(declared="table: TokenTable[Key, Row, Key]", called=GET)
    spec = "[faults]\ntable.token_expiry = -1\n"
    refused(
        project, text, "specs/bad.toml [faults.table] token_expiry: expected at least 0, got -1", spec=spec
    )


def test_a_fault_that_a_component_does_not_have(project: Project) -> None:
    text = MODEL.format(declared=PLAIN, called=GET)
    spec = "[faults]\ntable.token_expiry = 1\n"
    refused(project, text, "specs/bad.toml [faults]: Bad has no fault 'table.token_expiry'", spec=spec)
