"""The generated tests give the same result every time: a test that sometimes fails tests nothing."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
REPEATS = 10
_OUTCOME = re.compile(r"^(generated_tests/\S+?::.+?) (PASSED|FAILED|XFAIL|XPASS|ERROR)", re.MULTILINE)


def outcomes() -> dict[str, str]:
    """Run all generated tests in a process of their own; the outcome of each by its name."""
    command = [
        sys.executable,
        "-m",
        "pytest",
        "generated_tests",
        "-v",
        "-p",
        "no:cacheprovider",
        "-p",
        "no:xdist",
    ]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=300, check=False)
    found = dict(_OUTCOME.findall(run.stdout))
    assert found, run.stdout + run.stderr
    return found


@pytest.mark.slow
@pytest.mark.parametrize("repeat", range(REPEATS))
def test_the_same_outcome_every_time(repeat: int) -> None:
    """Each run: broken consumers violate their property (xfail), fixed ones hold (pass)."""
    for name, outcome in outcomes().items():
        expected = "PASSED" if "test_fix_holds" in name else "XFAIL"
        assert outcome == expected, f"{name} in repeat {repeat}"
