"""Decorators that say what a model's methods are, and the classes that hold them."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, TypeVar, dataclass_transform, overload

from checker.dsl.index import Index
from checker.ir.types import Type

F = TypeVar("F", bound=Callable[..., Any])
A = TypeVar("A", bound=Callable[..., Coroutine[Any, Any, None]])
T = TypeVar("T")

_MARK = "__quackcheck__"


class Role(Enum):
    """What a decorated method is."""

    ACTION = "action"
    FAULT = "fault"
    PROCESS = "process"
    ALWAYS = "always"
    TRANSITION = "transition"
    QUIESCENT = "quiescent"
    REACHABLE = "reachable"
    LEMMA = "lemma"


@dataclass(frozen=True, slots=True)
class Mark:
    """A method's role; ``instances`` is the index set of a process."""

    role: Role
    instances: type[Index] | None = None


def mark_of(member: object) -> Mark | None:
    """The mark that a decorator left on a method."""
    found = getattr(member, _MARK, None)
    return found if isinstance(found, Mark) else None


def _marked(function: F, mark: Mark) -> F:
    setattr(function, _MARK, mark)
    return function


def action(function: F) -> F:
    """A step that the environment may take whenever its guards hold; parameters are free choices."""
    return _marked(function, Mark(Role.ACTION))


def fault(function: F) -> F:
    """A step that goes wrong: it draws on the budget of its name in the spec's ``[faults]``."""
    return _marked(function, Mark(Role.FAULT))


@overload
def process(function: A, /) -> A: ...
@overload
def process(*, instances: type[Index]) -> Callable[[A], A]: ...
def process(function: A | None = None, /, *, instances: type[Index] | None = None) -> A | Callable[[A], A]:
    """An ``async def`` that runs again and again; every ``await`` is one call on the wire.

    With ``instances`` there is one for each member of an index set, passed as its parameter.
    """
    if function is not None:
        return _marked(function, Mark(Role.PROCESS))
    return lambda declared: _marked(declared, Mark(Role.PROCESS, instances))


def always(function: F) -> F:
    """A property of every reachable state."""
    return _marked(function, Mark(Role.ALWAYS))


def transition(function: F) -> F:
    """A property of every step: ``def p(self, before: Self) -> bool`` compares two states."""
    return _marked(function, Mark(Role.TRANSITION))


def quiescent(function: F) -> F:
    """A property of every state in which nothing more can happen, faults aside."""
    return _marked(function, Mark(Role.QUIESCENT))


def reachable(function: F) -> F:
    """Something that must be possible: a state in which it is true has to exist."""
    return _marked(function, Mark(Role.REACHABLE))


def lemma(function: F) -> F:
    """What you believe of every reachable state, and think that a proof needs: ``quackcheck prove`` uses it
    where it can, and says whether it helped. Nobody asks it of the real consumers.
    """
    return _marked(function, Mark(Role.LEMMA))


@dataclass_transform(frozen_default=True)
def record(cls: type[T]) -> type[T]:
    """An immutable record: a frozen dataclass whose fields are finite types."""
    return dataclass(frozen=True, slots=True, repr=False)(_with_repr(cls))


def _with_repr(cls: type[T]) -> type[T]:
    def __repr__(self: T) -> str:
        values = ", ".join(repr(getattr(self, name)) for name in cls.__annotations__)
        return f"{cls.__name__}({values})" if values else cls.__name__

    cls.__repr__ = __repr__  # type: ignore[assignment]
    return cls


@dataclass(frozen=True, slots=True)
class Range:
    """The bounds of an integer, both included: ``Version = Annotated[int, Range(0, 3)]``."""

    low: int
    high: int


class Holder:
    """A class with durable fields: a model or a component. ``bind`` fills and guards the fields."""

    _guards: dict[str, Callable[[Any], Any]]

    def __setattr__(self, name: str, value: Any) -> None:
        guard = self.__dict__.get("_guards", {}).get(name)
        if guard is not None:
            value = guard(value)
        object.__setattr__(self, name, value)


class Component(Holder):
    """Base of components: durable state, operations on it, and faults, written in the same DSL."""

    #: Whether its operations can be parts of a ``transact``.
    transactional = True

    @classmethod
    def unfit(cls, carried: Mapping[str, Type]) -> tuple[str, str] | None:
        """Why a model cannot declare it so, with what to write instead; None where it can.

        Args:
            carried: what its type variables stand for, by their names. Index sets have their sizes.
        """
        return None


class Model(Holder):
    """Base of models: fields, components, actions, processes and properties of one protocol."""
