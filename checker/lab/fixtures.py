"""Pytest fixtures for tests that run a lab; a ``conftest.py`` imports them by name.

from checker.lab.fixtures import emulator as emulator, start_lab as start_lab
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from checker.lab.emulator import Emulator
from checker.lab.session import Lab
from checker.lab.wiring import load_wiring

StartLab = Callable[..., Lab]


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One emulator for the whole session; each lab resets it."""
    with Emulator() as running:
        yield running


@pytest.fixture
def start_lab(emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[StartLab]:
    """Start labs that are closed after the test: ``start_lab(variant, processes, **options_of_Lab)``.

    ``variant`` is a spec's ``[lab]`` table. Paths count from pytest's root directory.
    """
    with ExitStack() as stack:

        def start(variant: Mapping[str, Any], processes: Sequence[str], **options: Any) -> Lab:
            where = f"[lab] of {request.node.name}"
            wiring = load_wiring(variant, root=Path(request.config.rootpath), where=where)
            return stack.enter_context(Lab(wiring, processes, emulator=emulator, **options))

        yield start
