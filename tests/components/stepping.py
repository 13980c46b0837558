"""Taking one named step after another in the interpreter, and looking at single variables."""

from __future__ import annotations

from checker.dsl import Model
from checker.errors import ModelError
from checker.ir.program import Budgets
from checker.ir.values import FrozenMap, Value
from checker.semantics.machine import Machine
from checker.semantics.state import State
from tests.semantics.exploring import initial, machine_of


class Scene:
    """A model in one state, of which tests ask what can happen next.

    Steps are named as in traces: ``send``, ``inbox.receive``, ``inbox.duplicate``, ``crash``.
    """

    def __init__(self, machine: Machine, state: State) -> None:
        self.machine = machine
        self.state = state

    def after(self, name: str, process: int | None = None) -> list[Scene]:
        """What can come of a step, in the order of its choices; nothing where it cannot happen."""
        return [
            Scene(self.machine, found.outcome)
            for found in self.machine.successors(self.state)
            if found.transition.name == name and (process is None or found.transition.process == process)
            if isinstance(found.outcome, State)
        ]

    def can(self, name: str, process: int | None = None) -> bool:
        """Whether a step can happen."""
        return bool(self.after(name, process))

    def do(self, *steps: str | tuple[str, int]) -> Scene:
        """Take steps in turn, each by any process or a certain one, and each with its first outcome."""
        scene = self
        for step in steps:
            name, process = step if isinstance(step, tuple) else (step, None)
            found = scene.after(name, process)
            assert found, f"{step} cannot happen here: {scene.names()}"
            scene = found[0]
        return scene

    def names(self) -> set[str]:
        """The names of all steps that can happen."""
        return {found.transition.name for found in self.machine.successors(self.state)}

    def errors(self) -> list[ModelError]:
        """The model errors that a step runs into."""
        outcomes = [found.outcome for found in self.machine.successors(self.state)]
        return [outcome for outcome in outcomes if isinstance(outcome, ModelError)]

    def __getitem__(self, variable: str) -> Value:
        names = [known.name for known in self.machine.program.variables]
        return self.state.variables[names.index(variable)]

    def bag(self, variable: str) -> list[Value]:
        """The elements of a bag, each as often as it is in it."""
        found = self[variable]
        assert isinstance(found, FrozenMap)
        return [element for element, count in sorted(found.items()) for _ in range(count)]


def scene(cls: type[Model], budgets: dict[str, int] | None = None, attempts: int = 1, **sizes: int) -> Scene:
    """A model at its beginning; ``budgets`` are by name, those of components dotted."""
    given = budgets or {}
    component = tuple((name, amount) for name, amount in given.items() if "." in name)
    plain = {name: amount for name, amount in given.items() if "." not in name}
    machine = machine_of(cls, Budgets(component=component, max_attempts=attempts, **plain), **sizes)
    return Scene(machine, initial(machine))
