"""A thousand random models: the states after each number of steps, and every verdict, are the same.

One encoding of each serves for both, by the solver that is preferred; one in ten is done by Z3 as well, which
has to do where there is no other.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Limits, Request
from checker.engines.smt.bounded import BoundedSearch, Findings, TooSmall, result_of
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.engine import NAME
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.oracle import Solver, Z3Solver, oracle_named
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.sampling import seeds

from .agreement import ROOMY, assert_same_verdicts
from .test_reachable import compare_depths

MODELS, PARTS = 1_000, 20
#: Every so many-th model is done by Z3 as well.
BY_Z3 = 10
#: How far runs are followed, as long as they end in few states, and how far verdicts are compared.
STEPS, STATES_MAX, DEPTH = 6, 16, 3


def compare_verdicts(lowered: LoweredModel, system: System, make: Callable[[], Solver]) -> Counter[str]:
    """Compare the verdicts to ``DEPTH``. Returns what there was among them."""
    request, findings = Request(lowered, Limits(depth_max=DEPTH)), Findings()
    try:
        BoundedSearch(system, make, request, findings, time.monotonic()).run(DEPTH)
    except TooSmall:
        return Counter({"too small": 1})
    ours = result_of(NAME, lowered.program, findings, 0.0, "")
    kinds = {prop.name: prop.kind for prop in lowered.program.properties}
    assert_same_verdicts(ours, ExplicitEngine().check(request), kinds, DEPTH)
    return Counter({"failures": int(ours.failure is not None), "runs": len(findings.paths)})


def compare(seed: int, folder: Path) -> Counter[str]:
    """Compare all about one model. Returns what was compared."""
    found: Counter[str] = Counter()
    auto = oracle_named("auto", hard=True)
    solvers = [auto, *([Z3Solver] if seed % BY_Z3 == 0 and auto is not Z3Solver else [])]
    with lowered_from(random_model(seed), folder) as lowered:
        try:
            system = encode(lowered.program, auto, ROOMY)
        except Unsupported:
            return Counter({"unsupported": 1})
        for make in solvers:
            found["states"] += compare_depths(lowered, make, STEPS, STATES_MAX, system)
            found += compare_verdicts(lowered, system, make)
    return found + Counter({"models": 1})


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_a_thousand_random_models(part: int, tmp_path: Path) -> None:
    total: Counter[str] = Counter()
    chosen = seeds(9_000, MODELS, part, PARTS)
    for seed in chosen:
        try:
            total += compare(seed, tmp_path)
        except AssertionError as error:
            raise AssertionError(f"the model of seed {seed}: {error}") from error
    assert total["models"] + total["unsupported"] == len(chosen)
    assert total["unsupported"] + total["too small"] < 0.1 * len(chosen)
    assert total["states"] > 8 * len(chosen)
    assert total["failures"] > 0
    assert total["runs"] > 0.5 * len(chosen)


def test_a_few_random_models(tmp_path: Path) -> None:
    total = sum((compare(seed, tmp_path) for seed in range(8_000, 8_020)), Counter())
    assert total["states"] > 160
    assert total["failures"] > 0
    assert total["runs"] > 10
