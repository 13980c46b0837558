"""Every SAT solver that is installed here, for tests that run on all of them."""

from __future__ import annotations

import pytest

from checker.engines.smt.oracle import oracles
from checker.spec import find_specs

SOLVERS = list(oracles())
#: Small specs, on every solver; the slow tier has all of them on one.
SMALL_SPECS = [str(path) for path in find_specs(["specs/order_intake"])]
on_every_solver = pytest.mark.parametrize("solver", SOLVERS)
