"""What the DSL's functions do while CPython runs a model's own code.

One run of one step has a ``StepContext``: who calls, whether code may interleave, and which
nondeterministic choices to take. The reference engine sets it; without one, choices take the first
alternative, so that a model also steps in a plain debugger.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TypeVar

from checker.dsl.index import Process
from checker.dsl.order import in_order
from checker.errors import ModelError, ModelErrorKind
from checker.semantics.rules import Disabled

T = TypeVar("T")


@dataclass(slots=True)
class StepContext:
    """The surroundings of one step: choices to take, the caller, and whether awaits are allowed here."""

    script: tuple[int, ...] = ()
    caller: int | None = None
    is_idle: Callable[[int], bool] = lambda _: True
    in_process: bool = False
    taken: list[int] = field(default_factory=list)
    offered: list[int] = field(default_factory=list)


_current = StepContext()


@contextmanager
def step(context: StepContext) -> Iterator[StepContext]:
    """Run the code inside as (part of) one step."""
    global _current
    outer, _current = _current, context
    try:
        yield context
    finally:
        _current = outer


@contextmanager
def atomic() -> Iterator[None]:
    """Run the code inside as one call: operations that it uses happen at once."""
    outer = _current.in_process
    _current.in_process = False
    try:
        yield
    finally:
        _current.in_process = outer


def inside_process() -> bool:
    """Whether the running code is a process' own, where an operation has to be awaited."""
    return _current.in_process


def when(guard: bool) -> None:
    """Let the step happen only where ``guard`` is true."""
    if not guard:
        raise Disabled


def choose(alternatives: Iterable[T]) -> T:
    """Any one of ``alternatives``: every choice is explored. With none, the step cannot happen."""
    values = list(dict.fromkeys(in_order(alternatives)))
    if not values:
        raise Disabled
    position = len(_current.taken)
    number = _current.script[position] if position < len(_current.script) else 0
    _current.taken.append(number)
    _current.offered.append(len(values))
    return values[number]


def caller() -> Process:
    """The process instance that makes the current call; only inside an operation."""
    if _current.caller is None:
        raise ModelError(ModelErrorKind.CALLER, "no process makes this step")
    return Process(_current.caller)


def is_idle(process: Process) -> bool:
    """Whether a process instance, as the step begins, waits where its iteration starts."""
    return _current.is_idle(process.position)
