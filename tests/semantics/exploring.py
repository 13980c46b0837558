"""Exhaustive exploration with the interpreter, and by brute force without any of the checker."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable
from typing import NamedTuple, TypeVar

from checker.dsl import Model
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.errors import ModelError
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind

S = TypeVar("S", bound=Hashable)


class Counts(NamedTuple):
    """Distinct states and transitions, a transition counted from every state that it leaves."""

    states: int
    transitions: int


def machine_of(cls: type[Model], budgets: Budgets | None = None, **sizes: int) -> Machine:
    """The interpreter of a model; index sets have one member unless they are given a size."""
    bounds = {name: sizes.get(name, 1) for name in index_sets_of(cls)}
    return Machine(lower(cls, bounds, budgets or Budgets()).program)


def initial(machine: Machine) -> State:
    """The only initial state."""
    (successor,) = machine.initial_states()
    assert isinstance(successor.outcome, State)
    return successor.outcome


def steps(machine: Machine, state: State) -> dict[tuple[StepKind, str], list[State]]:
    """The states after a state, by the kind and name of the step."""
    found: dict[tuple[StepKind, str], list[State]] = {}
    for successor in machine.successors(state):
        assert isinstance(successor.outcome, State), successor.outcome
        found.setdefault((successor.transition.kind, successor.transition.name), []).append(successor.outcome)
    return found


def after(machine: Machine, state: State, kind: StepKind) -> State:
    """The state after the only step of a kind."""
    (found,) = [o for (k, _), outcomes in steps(machine, state).items() if k is kind for o in outcomes]
    return found


def reachable(machine: Machine) -> list[State]:
    """Every reachable state, breadth-first."""
    seen = dict.fromkeys([initial(machine)])
    todo = list(seen)
    for state in todo:
        for successor in machine.successors(state):
            assert not isinstance(successor.outcome, ModelError), successor.outcome
            if successor.outcome not in seen:
                seen[successor.outcome] = None
                todo.append(successor.outcome)
    return todo


def counts(machine: Machine) -> Counts:
    """What exploring everything finds."""
    first = initial(machine)
    seen = {first}
    todo = [first]
    transitions = 0
    while todo:
        for successor in machine.successors(todo.pop()):
            transitions += 1
            assert not isinstance(successor.outcome, ModelError), successor.outcome
            if successor.outcome not in seen:
                seen.add(successor.outcome)
                todo.append(successor.outcome)
    return Counts(len(seen), transitions)


def brute_force(start: S, following: Callable[[S], Iterable[S]]) -> Counts:
    """The same for a function over plain values."""
    seen = {start}
    todo = [start]
    transitions = 0
    while todo:
        for state in following(todo.pop()):
            transitions += 1
            if state not in seen:
                seen.add(state)
                todo.append(state)
    return Counts(len(seen), transitions)
