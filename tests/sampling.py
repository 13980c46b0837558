"""Which specs the tests look at that run for each of several; how many random models the slow tier makes."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path

from checker.spec import find_specs

#: Every spec of the repository.
ALL_SPECS = [str(path) for path in find_specs(["specs"])]


def _model_file(path: str) -> str:
    reference: str = tomllib.loads(Path(path).read_text(encoding="utf-8"))["model"]
    return reference.partition(":")[0]


def _first_of_each() -> list[str]:
    found: dict[str, str] = {}
    for path in ALL_SPECS:
        found.setdefault(_model_file(path), path)
    return list(found.values())


#: All specs of the order intake, and one of each other model file: what takes a while for each spec.
SOME_SPECS = list(
    dict.fromkeys([*(path for path in ALL_SPECS if "/order_intake/" in path), *_first_of_each()])
)
#: A few of the smaller ones of these: what takes long.
FEW_SPECS = [path for path in SOME_SPECS if "/order_intake/" in path or "/orders/" in path][::3]

#: How many times more random models than usual: `make test-thorough` makes thousands.
_TIMES = int(os.environ.get("QUACKCHECK_TEST_TIMES", "1"))


def seeds(first: int, count: int, part: int = 0, parts: int = 1) -> range:
    """Seeds of random models for one of several parts of a test: ``count`` in all, or many times as many."""
    return range(first + part, first + count * _TIMES, parts)
