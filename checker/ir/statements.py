"""Statements of the IR: atomic code, run within one step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from checker.errors import Location
from checker.ir.expressions import Expr, Local, StateVar


@dataclass(frozen=True, slots=True)
class Assign:
    """Store a value. A state variable's type is checked here; a value outside it is a model error."""

    target: Local | StateVar
    value: Expr
    location: Location


@dataclass(frozen=True, slots=True)
class If:
    """Run one of two branches."""

    condition: Expr
    then: tuple[Stmt, ...]
    orelse: tuple[Stmt, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class While:
    """Repeat while the condition holds. More than ``LOOP_STEPS_MAX`` rounds are a model error."""

    condition: Expr
    body: tuple[Stmt, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class For:
    """Run the body for every element, in the elements' order, of an iterable evaluated once."""

    variables: tuple[str, ...]
    iterable: Expr
    body: tuple[Stmt, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Choose:
    """Bind a nondeterministic choice from an iterable; an empty one disables the step."""

    target: Local
    iterable: Expr
    location: Location


@dataclass(frozen=True, slots=True)
class When:
    """Disable the whole step where the guard is false."""

    guard: Expr
    location: Location


@dataclass(frozen=True, slots=True)
class Return:
    """Leave the routine."""

    value: Expr | None
    location: Location


@dataclass(frozen=True, slots=True)
class Raise:
    """Leave with a service error, by its class name."""

    error: str
    location: Location


@dataclass(frozen=True, slots=True)
class CallRoutine:
    """Run another routine with value arguments; ``target`` takes its result."""

    target: Local | None
    routine: str
    args: tuple[Expr, ...]
    location: Location


@dataclass(frozen=True, slots=True)
class Assert:
    """A false condition is a model error."""

    condition: Expr
    location: Location


@dataclass(frozen=True, slots=True)
class Forget:
    """Locals lose their values: those of an async helper begin anew each time that it is awaited."""

    names: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Break:
    """Leave the innermost loop."""


@dataclass(frozen=True, slots=True)
class Continue:
    """Go on with the innermost loop's next round."""


Stmt: TypeAlias = (
    Assign
    | If
    | While
    | For
    | Choose
    | When
    | Return
    | Raise
    | CallRoutine
    | Assert
    | Forget
    | Break
    | Continue
)

#: A loop inside one step that runs longer than this is reported instead of followed.
LOOP_STEPS_MAX = 10_000


def nested(statement: Stmt) -> tuple[Stmt, ...]:
    """The statements directly inside a statement."""
    match statement:
        case If(then=then, orelse=orelse):
            return (*then, *orelse)
        case While(body=body) | For(body=body):
            return body
        case _:
            return ()


def expressions(statement: Stmt) -> tuple[Expr, ...]:
    """The expressions that a statement itself evaluates, without those of nested statements."""
    match statement:
        case Assign(value=value):
            return (value,)
        case If(condition=condition) | While(condition=condition) | Assert(condition=condition):
            return (condition,)
        case For(iterable=iterable) | Choose(iterable=iterable):
            return (iterable,)
        case When(guard=guard):
            return (guard,)
        case Return(value=value):
            return () if value is None else (value,)
        case CallRoutine(args=args):
            return args
        case _:
            return ()
