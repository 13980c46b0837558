"""Drives a model step by step with the interpreter, as a test says, and looks at its variables."""

from __future__ import annotations

from typing import Any

from checker.dsl import Model
from checker.ir.program import Budgets
from checker.ir.values import FrozenMap, Value
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind
from tests.semantics.exploring import initial, machine_of


class Impossible(AssertionError):
    """The step that a test takes is not possible in the state."""


class Driver:
    """A run of a model; ``budgets`` are those of component faults, by their dotted names."""

    def __init__(self, cls: type[Model], budgets: dict[str, int] | None = None, **sizes: int) -> None:
        amounts = tuple((budgets or {}).items())
        self.machine: Machine = machine_of(cls, Budgets(component=amounts), **sizes)
        self.state = initial(self.machine)
        self._places = {variable.name: place for place, variable in enumerate(self.machine.program.variables)}

    def outcomes(self, name: str, *parameters: Value, process: int = -1) -> list[State]:
        """The states after a step by its name: an action, a fault, or a call of a process instance."""
        found = []
        for successor in self.machine.successors(self.state):
            step = successor.transition
            if step.kind in (StepKind.FAIL, StepKind.AMBIGUOUS, StepKind.CRASH):
                continue
            if (step.name, step.parameters, step.process) == (name, parameters, process):
                assert isinstance(successor.outcome, State), successor.outcome
                found.append(successor.outcome)
        return found

    def can(self, name: str, *parameters: Value, process: int = -1) -> bool:
        """Whether a step is possible."""
        return bool(self.outcomes(name, *parameters, process=process))

    def step(self, name: str, *parameters: Value, process: int = -1, choice: int | None = None) -> None:
        """Take a step; where it has several outcomes, ``choice`` numbers the one that is meant."""
        found = self.outcomes(name, *parameters, process=process)
        if not found:
            raise Impossible(f"{name}{parameters} is not possible now")
        if choice is None:
            assert len(found) == 1, f"{name}{parameters} has {len(found)} outcomes"
        self.state = found[choice or 0]

    def value(self, variable: str) -> Any:
        """A durable variable as a canonical value; a map as a dict."""
        found = self.state.variables[self._places[variable]]
        return dict(found.items()) if isinstance(found, FrozenMap) else found

    def holds(self, name: str) -> bool:
        """Whether a property holds in the present state."""
        numbers = {prop.name: number for number, prop in enumerate(self.machine.program.properties)}
        return self.machine.holds(numbers[name], self.state)
