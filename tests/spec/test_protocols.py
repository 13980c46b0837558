"""The library of protocols is as docs/protocols.md says, and as its specs have to be."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from checker.engines.interface import Answer
from checker.ir.program import PropertyKind
from checker.spec import load_spec

SPECS = sorted([*Path("specs/orders").glob("*.toml"), *Path("specs/public_bugs").glob("*.toml")])
CELLS = [
    [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in Path("docs/protocols.md").read_text(encoding="utf-8").splitlines()
    if line.startswith("| ") and "`" in line
]
CATALOGUE = {int(cells[0]): cells[2:] for cells in CELLS if cells[0].isdigit()}
ROWS = [cells for cells in CELLS if not cells[0].isdigit()]
#: A working form of one anomaly that is broken by another: the property that works.
WORKS_IN_PART = {"inventory/ledger": "nothing_is_lost"}


def data(path: Path) -> dict[str, Any]:
    return tomllib.loads(path.read_text(encoding="utf-8"))


def is_broken(path: Path) -> bool:
    return "violated" in data(path).get("expect", {}).values()


def named(cell: str) -> list[str]:
    return re.findall(r"`(\w+)`", cell)


def paths(cell: str) -> list[str]:
    return re.findall(r"`([\w/]+)`", cell)


def test_the_catalogue_has_every_anomaly_once() -> None:
    assert sorted(CATALOGUE) == list(range(1, 23))
    assert sum(cells[0].isdigit() for cells in CELLS) == 22


@pytest.mark.parametrize("number", CATALOGUE)
def test_the_catalogue_says_what_the_specs_expect(number: int) -> None:
    broken, working = (paths(cell) for cell in CATALOGUE[number])
    assert broken
    assert working
    for name in broken:
        assert is_broken(Path(f"specs/{name}.toml")), name
    for name in working:
        path = Path(f"specs/{name}.toml")
        if name in WORKS_IN_PART:
            assert WORKS_IN_PART[name] in load_spec(path).expected
            assert WORKS_IN_PART[name] not in data(path)["expect"]
        else:
            assert not is_broken(path), name


def test_the_catalogue_has_every_form_of_orders() -> None:
    listed = {name for cells in CATALOGUE.values() for cell in cells for name in paths(cell)}
    assert {f"orders/{path.stem}" for path in Path("specs/orders").glob("*.toml")} <= listed


def test_models_cite_the_anomaly_of_their_specs() -> None:
    for number, cells in CATALOGUE.items():
        for name in (name for cell in cells for name in paths(cell) if name.startswith("orders/")):
            model, _, _ = data(Path(f"specs/{name}.toml"))["model"].partition(":")
            assert re.search(rf"Catalogue: anomaly {number}\b", Path(model).read_text(encoding="utf-8"))


def test_the_page_lists_every_spec_where_it_belongs() -> None:
    orders = [path for path in SPECS if path.parent.name == "orders"]
    broken = [name for row in ROWS for name in named(row[1])]
    working = [name for row in ROWS for name in named(row[2])]
    assert sorted(broken) == [path.stem for path in orders if is_broken(path)]
    assert sorted(working) == [path.stem for path in orders if not is_broken(path)]


def test_the_page_names_the_models() -> None:
    for row in ROWS:
        (model,) = re.findall(r"`(\w+\.py)`", row[3])
        for name in named(row[1]) + named(row[2]):
            assert data(Path(f"specs/orders/{name}.toml"))["model"].startswith(f"models/orders/{model}:")


@pytest.mark.parametrize("path", [path for path in SPECS if not is_broken(path)], ids=str)
def test_a_working_form_lists_mistakes_and_has_two_of_what_it_is_about(path: Path) -> None:
    spec = data(path)
    assert len(spec.get("mutation", [])) >= 2
    assert sum(size >= 2 for size in spec["bounds"].values()) >= 1


@pytest.mark.parametrize("path", SPECS, ids=str)
def test_no_model_passes_by_doing_nothing(path: Path) -> None:
    spec = load_spec(path)
    wanted = [p.name for p in spec.lowered.program.properties if p.kind is PropertyKind.REACHABLE]
    assert wanted
    assert all(spec.expected[name] is Answer.HOLDS for name in wanted)
    assert spec.description
