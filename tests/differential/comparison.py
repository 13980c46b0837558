"""Runs two machines side by side over the states of a model, and says where they differ."""

from __future__ import annotations

import importlib.util
import itertools
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType
from typing import Any

from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines.reference import ReferenceMachine
from checker.errors import ModelError, ModelErrorKind
from checker.ir.program import PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.rules import TransitionRules
from checker.semantics.state import State, Successor

from .random_models import RandomModel

_numbers = itertools.count()


@dataclass
class Comparison:
    """What was compared: states, transitions by kind, model errors by kind, property values."""

    states: int = 0
    transitions: Counter[str] = field(default_factory=Counter)
    errors: Counter[str] = field(default_factory=Counter)
    values: Counter[str] = field(default_factory=Counter)


@contextmanager
def imported(source: str, folder: Path) -> Iterator[ModuleType]:
    """A model file with this text, imported as long as the code inside runs."""
    name = f"random_model_{next(_numbers)}"
    path = folder / f"{name}.py"
    path.write_text(source, encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
        yield module
    finally:
        del sys.modules[name]


@contextmanager
def lowered_from(model: RandomModel, folder: Path) -> Iterator[LoweredModel]:
    """A random model, lowered for its bounds and budgets."""
    with imported(model.source, folder) as module:
        sizes = {name: model.bounds[name] for name in index_sets_of(module.Sample)}
        yield lower(module.Sample, sizes, model.budgets)


def compare(lowered: LoweredModel, states_max: int, depth_max: int = 1000) -> Comparison:
    """Explore breadth-first with the interpreter and the reference engine; every answer has to agree."""
    machine, reference = Machine(lowered.program), ReferenceMachine(lowered)
    found = Comparison()
    level = _agreed(list(machine.initial_states()), list(reference.initial_states()), "initially", found)
    seen = set(level)
    for _ in range(depth_max):
        following: list[State] = []
        for state in level:
            found.states += 1
            after = _agreed(list(machine.successors(state)), list(reference.successors(state)), state, found)
            _compare_properties(machine, reference, state, after, found)
            for outcome in after:
                if outcome not in seen and len(seen) < states_max:
                    seen.add(outcome)
                    following.append(outcome)
        level = following
    return found


def _agreed(ours: list[Successor], theirs: list[Successor], where: Any, found: Comparison) -> list[State]:
    """The reference's next states, whose processes know their history."""
    for one, other in itertools.zip_longest(ours, theirs):
        assert _shown(one) == _shown(other), f"from {where}:\n  IR        {one}\n  reference {other}"
    for successor in theirs:
        found.transitions[successor.transition.kind.value] += 1
        if isinstance(successor.outcome, ModelError):
            found.errors[successor.outcome.kind.name] += 1
    return [s.outcome for s in theirs if not isinstance(s.outcome, ModelError)]


def _shown(successor: Successor | None) -> Any:
    if successor is None or not isinstance(successor.outcome, ModelError):
        return successor
    return successor.transition, _error(successor.outcome)


def _error(error: ModelError) -> tuple[str, str, int]:
    """Kind and line. CPython 3.11 may report an unassigned local one statement early.

    It fuses a store and the load after it into one instruction, once the code is warm.
    """
    assert error.location is not None, error
    line = 0 if error.kind is ModelErrorKind.UNASSIGNED else error.location.line
    return error.kind.name, error.location.path, line


def _compare_properties(
    machine: TransitionRules[Any],
    reference: TransitionRules[Any],
    state: State,
    after: list[State],
    found: Comparison,
) -> None:
    for number, prop in enumerate(machine.program.properties):
        pairs: list[tuple[State, State | None]] = [(state, None)]
        if prop.kind is PropertyKind.TRANSITION:
            pairs = [(outcome, state) for outcome in dict.fromkeys(after)]
        for now, before in pairs:
            ours, theirs = _value(machine, number, now, before), _value(reference, number, now, before)
            assert ours == theirs, f"{prop.name} in {now}: IR {ours}, reference {theirs}"
            found.values[str(ours) if isinstance(ours, bool) else ours[0]] += 1


def _value(rules: TransitionRules[Any], number: int, state: State, before: State | None) -> Any:
    try:
        return rules.holds(number, state, before)
    except ModelError as error:
        return _error(error)
