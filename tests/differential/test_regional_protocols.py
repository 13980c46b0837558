"""The interpreter of the IR and CPython agree on the protocols across Regions, with their specs' faults."""

from __future__ import annotations

from pathlib import Path

import pytest

from checker.spec import find_specs, load_spec

from .comparison import compare

FOLDERS = ("inventory", "accounts", "healing", "failover", "failback", "reads", "torn")
SPECS = [str(path) for path in find_specs([f"specs/{folder}" for folder in FOLDERS])]
STATES_MAX = 60


@pytest.mark.parametrize("path", SPECS)
def test_both_machines_agree(path: str) -> None:
    found = compare(load_spec(Path(path)).lowered, STATES_MAX)
    assert found.states == STATES_MAX
    assert not found.errors
    assert found.transitions["call"] > 0
    assert found.values["True"] > 0
