"""States and transitions of a program: what every engine explores and every trace is made of."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Final, NamedTuple

from checker.errors import ModelError
from checker.ir.values import Value


class _Unassigned:
    """The value of a live local that this path has not assigned yet: one object, equal to itself only."""

    def __repr__(self) -> str:
        return "unassigned"

    def __reduce__(self) -> str:
        return "UNASSIGNED"


UNASSIGNED: Final = _Unassigned()


class ProcessState(NamedTuple):
    """Where one process instance waits.

    ``locals`` are the values of the label's live locals, in the label's order. ``attempt`` counts the
    attempts of the current call that failed; ``applied`` says that one of them took effect and that the
    call is one that a retry does not apply again.
    """

    label: int
    attempt: int
    applied: bool
    locals: tuple[Value, ...]


class State(NamedTuple):
    """A state: durable variables, processes and what is left of every budget, in program order."""

    variables: tuple[Value, ...]
    processes: tuple[ProcessState, ...]
    budgets: tuple[int, ...]


class StepKind(Enum):
    """What kind of step a transition is."""

    #: A step of the environment, or a free step of a component.
    ACTION = "action"
    #: A process' call is applied and answered.
    CALL = "call"
    #: A process' call fails before it is applied.
    FAIL = "fail"
    #: A process' call is applied, but its answer is lost.
    AMBIGUOUS = "ambiguous"
    #: A process dies and begins again.
    CRASH = "crash"
    #: A fault of a component.
    FAULT = "fault"

    @property
    def is_fault(self) -> bool:
        """Whether the step spends a budget: nothing has to happen that is a fault."""
        return self not in (StepKind.ACTION, StepKind.CALL)


class Transition(NamedTuple):
    """A step, up to its outcome: with a state it determines the next state.

    ``name`` is an action's name, or a process' label name; ``process`` is an instance number, -1 for
    none; ``parameters`` are an action's; ``choices`` number the alternatives taken, in order.
    """

    kind: StepKind
    name: str
    process: int
    parameters: tuple[Value, ...]
    choices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Successor:
    """One outcome of one transition: the next state, or the model error that it ran into."""

    transition: Transition
    outcome: State | ModelError
