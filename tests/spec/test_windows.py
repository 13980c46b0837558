"""The window lemma: windows that are too short are warned about, and durations that are none refused."""

# ruff: noqa: E501 (the cases are a table, a line each)

from __future__ import annotations

import json

import pytest

from tests.cli.project import Project

MODEL = """\
from __future__ import annotations

from checker.components import DynamoTable, SqsQueue
from checker.dsl import Component, Index, Map, Model, operation


class Order(Index):
    pass


class LongQueue(SqsQueue[Order]):
    pass


class Shelf(Component):
    things: Map[Order, Order]


class Shop(Model):
    inbox: SqsQueue[Order]
    late: LongQueue
    shelf: Shelf
    seen: DynamoTable[Order, Order]
"""
SPEC = 'model = "models/shop.py:Shop"\n[bounds]\nOrder = 1\n'
PATH = "specs/shop.toml"
SQS = "SQS retention"


@pytest.fixture
def shop(project: Project) -> Project:
    project.write("models/shop.py", MODEL)
    return project


def warned(shop: Project, tables: str) -> list[str]:
    """The warnings that ``check`` prints; the exit code stays 0."""
    shop.write(PATH, SPEC + tables)
    outcome = shop.run("check", PATH)
    assert (outcome.code, outcome.err) == (0, "")
    lines = [line for line in outcome.out.splitlines() if "warning: " in line]
    return [line.partition("warning: ")[2] for line in lines]


def test_a_window_that_is_too_short(shop: Project) -> None:
    assert warned(shop, '[windows]\nseen = "5 min"\n') == [
        f"seen remembers for 5 min ({PATH} [windows]), but inbox can deliver again for 14 d ({SQS}): a duplicate waiting to happen"
    ]
    (document,) = json.loads(shop.run("check", "--json", PATH).out)["specs"]
    (warning,) = document["warnings"]
    assert warning["text"].startswith("seen remembers for 5 min")
    del warning["text"]
    assert warning == {
        "window": "seen",
        "dedup": "5 min",
        "dedup_seconds": 300.0,
        "dedup_source": f"{PATH} [windows]",
        "component": "inbox",
        "horizon": "14 d",
        "horizon_seconds": 1_209_600.0,
        "horizon_source": SQS,
    }


@pytest.mark.parametrize(
    ("tables", "expected"),
    [
        ("", []),
        ('[windows]\nseen = "14 d"\n', []),
        ('[windows]\nseen = "13 d 23 h 59 min 59 s"\n', ["inbox"]),
        ('[windows]\nseen = "2 weeks"\n', []),
        ('[windows]\nseen = "336.5 h"\n', []),
        ('[windows]\nseen = "5 min"\n[horizons]\ninbox = "5 min"\nlate = "300 s"\n', []),
        ('[windows]\nseen = "5 min"\n[horizons]\ninbox = "5 min"\n', ["late"]),
        ('[windows]\nseen = "5 min"\n[horizons]\nshelf = "unbounded"\n', ["shelf"]),
        ('[windows]\nseen = { dedup = "5 min", fed_by = ["inbox"] }\n[horizons]\nlate = "20 d"\n', ["inbox"]),
        ('[windows]\nseen = { dedup = "1 d", fed_by = ["seen"] }\n', []),
        ('[windows]\nshelf = { dedup = "23 h", fed_by = ["seen"] }\n', ["seen"]),
        ('[windows]\nseen = "5 min"\nshelf = "6 min"\n', ["inbox", "inbox"]),
        ('[horizons]\ninbox = "unbounded"\n', []),
    ],
)  # fmt: skip
def test_what_feeds_it_longest(shop: Project, tables: str, expected: list[str]) -> None:
    found = [text.partition(", but ")[2].partition(" ")[0] for text in warned(shop, tables)]
    assert found == expected


@pytest.mark.parametrize(
    ("queue", "horizon"),
    [
        ("SqsQueueWithDlq[Order]", "ever (each redrive of a dead letter starts SQS retention anew)"),
        ("LambdaMapping[Order]", "ever (each redrive of a dead letter starts SQS retention anew)"),
        ("LambdaStreamMapping[Order, Order]", "365 d (Lambda retries a stream's batch until the record expires)"),
    ],
)  # fmt: skip
def test_longer_than_a_plain_queue(shop: Project, queue: str, horizon: str) -> None:
    model = MODEL.replace("import DynamoTable", f"import {queue.partition('[')[0]}, DynamoTable")
    shop.write("models/shop.py", model.replace("late: LongQueue", f"late: {queue}"))
    (text,) = warned(shop, '[windows]\nseen = "28 d"\n')
    assert text.partition("but ")[2] == f"late can deliver again for {horizon}: a duplicate waiting to happen"
    assert warned(shop, '[windows]\nseen = "28 d"\n[horizons]\nlate = "28 d"\n') == []


def test_how_it_is_told(shop: Project) -> None:
    tables = '[windows]\nseen = { dedup = "1 h", source = "our TTL" }\n[horizons]\ninbox = "unbounded"\n'
    assert warned(shop, tables) == [
        f"seen remembers for 1 h (our TTL), but inbox can deliver again for ever ({PATH} [horizons]): a duplicate waiting to happen"
    ]


@pytest.mark.parametrize(
    ("tables", "where", "what", "hint"),
    [
        ('[windows]\nseen = "-5 min"', "[windows.seen] dedup", "a duration cannot be negative, got '-5 min'", 'write a number and a unit: "30 s"'),
        ('[windows]\nseen = "soon"', "[windows.seen] dedup", "'soon' is no duration", "write a number and a unit"),
        ('[windows]\nseen = "5"', "[windows.seen] dedup", "'5' is no duration", "write a number and a unit"),
        ('[windows]\nseen = "5 fortnights"', "[windows.seen] dedup", "'5 fortnights' is no duration", "write a number"),
        ('[windows]\nseen = "5 min and 3 s"', "[windows.seen] dedup", "'5 min and 3 s' is no duration", "write a number"),
        ('[windows]\nseen = ""', "[windows.seen] dedup", "'' is no duration", "write a number"),
        ('[windows]\nseen = "0 s"', "[windows.seen] dedup", "expected a duration above 0, got '0 s'", "write a number"),
        ('[windows]\nseen = "unbounded"', "[windows.seen] dedup", "'unbounded' is no duration", "write a number"),
        ("[windows]\nseen = 300", "[windows] seen", "expected a table, got 300", "write [windows.seen]"),
        ("[windows]\nseen = { dedup = 300 }", "[windows.seen] dedup", "expected a string, got 300", 'write: dedup = "..."'),
        ("[windows]\nseen = {}", "[windows.seen]", "'dedup' is missing", 'add: dedup = "5 min"'),
        ('[windows]\nseen = { dedup = "5 min", feeds = [] }', "[windows.seen]", "unknown key 'feeds'", "did you mean 'fed_by'?"),
        ('[windows]\nsen = "5 min"', "[windows]", "the model has no component 'sen'", "did you mean 'seen'?"),
        ('[windows]\nseen = { dedup = "5 min", fed_by = ["inbx"] }', "[windows.seen] fed_by", "the model has no component 'inbx'", "did you mean 'inbox'?"),
        ('[windows]\nseen = { dedup = "5 min", fed_by = ["shelf"] }', "[windows.seen] fed_by", "nobody knows for how long 'shelf', a Shelf, delivers again", 'add: [horizons] with shelf = "14 d"'),
        ('[horizons]\ninbox = "-1 d"', "[horizons] inbox", "a duration cannot be negative, got '-1 d'", "write a number"),
        ('[horizons]\ninbox = "never"', "[horizons] inbox", "'never' is no duration", 'or "unbounded"'),
        ('[horizons]\ninbx = "1 d"', "[horizons]", "the model has no component 'inbx'", "did you mean 'inbox'?"),
        ("[horizons]\ninbox = 4", "[horizons] inbox", "expected a string, got 4", "write: inbox"),
    ],
)  # fmt: skip
def test_mistakes(shop: Project, tables: str, where: str, what: str, hint: str) -> None:
    shop.write(PATH, SPEC + tables)
    shop.refuses(["check", PATH], f"error: {PATH} {where}: {what}", hint)


def test_a_window_that_nothing_feeds(shop: Project) -> None:
    shop.write("models/shop.py", MODEL.replace("    inbox: SqsQueue[Order]\n    late: LongQueue\n", ""))
    shop.write(PATH, SPEC + '[windows]\nseen = "5 min"')
    shop.refuses(
        ["check", PATH], "[windows.seen]: no component of the model delivers again", "name what feeds it"
    )
