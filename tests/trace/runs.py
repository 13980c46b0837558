"""Counterexamples of small models and of the order intake specs, for the tests of stories and traces."""

from __future__ import annotations

import functools
from pathlib import Path

from checker.dsl.declarations import Model
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.interface import DEADLOCK_FREE, Limits, Request
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.spec import load_spec
from checker.spec.check import Checked, check
from checker.trace.story import tell, tell_deadlock
from checker.trace.trace import Trace, replay
from tests.cli.project import ROOT


@functools.lru_cache
def checked(name: str) -> Checked:
    """A spec of the order intake, checked once; the working directory has to be the project's."""
    assert Path.cwd() == ROOT
    return check(load_spec(Path(f"specs/order_intake/{name}.toml")))


def run_of(
    model: type[Model], prop: str, budgets: Budgets | None = None, **sizes: int
) -> tuple[Machine, Trace]:
    """The counterexample of a sample model's property; index sets have two members unless said otherwise."""
    bounds = {name: sizes.get(name, 2) for name in index_sets_of(model)}
    lowered = lower(model, bounds, budgets or Budgets())
    result = runner.run("explicit", Request(lowered, Limits(states_max=3000)))
    path = next(verdict.path for verdict in result.verdicts if verdict.property == prop)
    assert path is not None
    machine = Machine(lowered.program)
    return machine, replay(machine, path.initial, path.transitions)


def story_of(model: type[Model], prop: str, budgets: Budgets | None = None, **sizes: int) -> str:
    """The story of that counterexample."""
    machine, trace = run_of(model, prop, budgets, **sizes)
    if prop == DEADLOCK_FREE:
        return tell_deadlock(machine, trace)
    return tell(machine, next(p for p in machine.program.properties if p.name == prop), trace)
