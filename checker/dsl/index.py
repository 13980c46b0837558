"""Index sets: finite sets of anonymous members, sized by the spec."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any, ClassVar, TypeVar

from checker.errors import UserError
from checker.ir.types import PROCESS_SET_NAME
from checker.ir.values import index_label

M = TypeVar("M")


class IndexMeta(type):
    """Makes an index class iterable over its members, in order."""

    def __iter__(cls: type[M]) -> Iterator[M]:
        return iter([cls(position) for position in range(size_of(cls))])  # type: ignore[call-arg]

    def __len__(cls) -> int:
        return length_of(cls)


class Index(metaclass=IndexMeta):
    """Base of index sets: ``class Order(Index, interchangeable=True)``.

    A member is ``Order(0)``; the spec's ``[bounds]`` say how many there are. A set is declared
    interchangeable where any two of its members may be swapped, which engines make use of.
    """

    interchangeable: ClassVar[bool] = False
    __slots__ = ("position",)

    def __init_subclass__(cls, *, interchangeable: bool = False, **extra: Any) -> None:
        super().__init_subclass__(**extra)
        cls.interchangeable = interchangeable

    def __init__(self, position: int) -> None:
        self.position = position

    def __eq__(self, other: object) -> bool:
        return type(other) is type(self) and other.position == self.position

    def __hash__(self) -> int:
        return hash((type(self).__name__, self.position))

    def __repr__(self) -> str:
        return f"{index_label(type(self).__name__)} {self.position}"


class Process(Index):
    """All process instances of a model, counted in the order in which the model declares them."""


assert Process.__name__ == PROCESS_SET_NAME

_sizes: dict[type, int] = {}
_lengths_asked: set[type] = set()


def size_of(index_set: type) -> int:
    """The size that the spec gives an index set. Raises UserError outside ``sized``."""
    try:
        return _sizes[index_set]
    except KeyError:
        raise UserError(
            f"the index set {index_set.__name__} has no size here",
            hint=f"give it one in the spec: [bounds] {index_set.__name__} = 2",
        ) from None


def length_of(index_set: type) -> int:
    """The size of an index set where a model asks for it, which is noted."""
    _lengths_asked.add(index_set)
    return size_of(index_set)


@contextmanager
def sized(sizes: Mapping[type, int]) -> Iterator[set[type]]:
    """Give index sets their sizes while the code inside runs; yields those whose length a model asks for."""
    global _sizes, _lengths_asked
    outer, _sizes = _sizes, {**_sizes, **sizes}
    asked_outside, _lengths_asked = _lengths_asked, set()
    try:
        yield _lengths_asked
    finally:
        _sizes, _lengths_asked = outer, asked_outside
