"""Every SAT solver that is installed here, for tests that run on all of them."""

from __future__ import annotations

import pytest

from checker.engines.smt.oracle import oracles

SOLVERS = list(oracles())
on_every_solver = pytest.mark.parametrize("solver", SOLVERS)
