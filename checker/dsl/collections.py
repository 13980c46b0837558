"""The DSL's collections: Set, Bag, Fifo and Map.

They behave like Python's own where those exist, iterate in the order of their elements, and check
every value against the declared type once they are fields of a model. Iterating goes over a snapshot.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Generic, Self, TypeVar

from checker.dsl.order import in_order
from checker.errors import ModelError, ModelErrorKind

T = TypeVar("T")
K = TypeVar("K")
V = TypeVar("V")

#: Raises ModelError where an element, or a key and a value, lies outside the declared type.
Check = Callable[..., None]


def _unchecked(*_: Any) -> None:
    """Collections that are not fields are checked when they are stored."""


class Collection(ABC, Generic[T]):
    """What all collections share; ``attach`` ties one to the field that holds it."""

    _check: Check = staticmethod(_unchecked)
    _fresh: Callable[[], Iterable[Any]] | None = None

    def attach(self, check: Check, keys: Callable[[], Iterable[Any]] | None = None) -> Self:
        """Check every element from now on; ``keys`` lists the key type's domain for ``Map.fresh_key``."""
        self._check = check
        self._fresh = keys
        return self

    @abstractmethod
    def copy(self) -> Self:
        """A copy that is no field and shares nothing that can change."""

    def _missing(self, element: Any) -> ModelError:
        return ModelError(ModelErrorKind.MISSING, f"{element!r} is not in {self!r}")


class Set(Collection[T]):
    """A finite set."""

    def __init__(self, elements: Iterable[T] = ()) -> None:
        self._elements: set[T] = set(elements)

    def add(self, element: T) -> None:
        """Put ``element`` in; it may be there already."""
        self._check(element)
        self._elements.add(element)

    def remove(self, element: T) -> None:
        """Take ``element`` out; its absence is a model error."""
        if element not in self._elements:
            raise self._missing(element)
        self._elements.remove(element)

    def discard(self, element: T) -> None:
        """Take ``element`` out if it is there."""
        self._elements.discard(element)

    def copy(self) -> Set[T]:
        return Set(self._elements)

    def __contains__(self, element: object) -> bool:
        return element in self._elements

    def __iter__(self) -> Iterator[T]:
        return iter(in_order(self._elements))

    def __len__(self) -> int:
        return len(self._elements)

    def __or__(self, other: Set[T]) -> Set[T]:
        return Set(self._elements | other._elements)

    def __and__(self, other: Set[T]) -> Set[T]:
        return Set(self._elements & other._elements)

    def __sub__(self, other: Set[T]) -> Set[T]:
        return Set(self._elements - other._elements)

    def __le__(self, other: Set[T]) -> bool:
        return self._elements <= other._elements

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Set) and self._elements == other._elements

    def __repr__(self) -> str:
        return "{" + ", ".join(map(repr, self)) + "}"


class Bag(Collection[T]):
    """A multiset: elements without order, each any number of times."""

    def __init__(self, elements: Iterable[T] = ()) -> None:
        self._counts: dict[T, int] = {}
        for element in elements:
            self.add(element)

    def add(self, element: T) -> None:
        """Put one copy in."""
        self._check(element)
        self._counts[element] = self._counts.get(element, 0) + 1

    def remove(self, element: T) -> None:
        """Take one copy out; its absence is a model error."""
        if element not in self._counts:
            raise self._missing(element)
        self.discard(element)

    def discard(self, element: T) -> None:
        """Take one copy out if there is one."""
        count = self._counts.get(element, 0)
        if count > 1:
            self._counts[element] = count - 1
        else:
            self._counts.pop(element, None)

    def count(self, element: T) -> int:
        """How many copies there are."""
        return self._counts.get(element, 0)

    def counts(self) -> dict[T, int]:
        """Every element with its number of copies."""
        return dict(self._counts)

    def copy(self) -> Bag[T]:
        return Bag(self)

    def __contains__(self, element: object) -> bool:
        return element in self._counts

    def __iter__(self) -> Iterator[T]:
        return iter([e for e in in_order(self._counts) for _ in range(self._counts[e])])

    def __len__(self) -> int:
        return sum(self._counts.values())

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Bag) and self._counts == other._counts

    def __repr__(self) -> str:
        return "Bag(" + ", ".join(map(repr, self)) + ")"


class Fifo(Collection[T]):
    """A queue that keeps its order."""

    def __init__(self, elements: Iterable[T] = ()) -> None:
        self._elements: list[T] = list(elements)

    def append(self, element: T) -> None:
        """Put ``element`` at the end."""
        self._check(element)
        self._elements.append(element)

    def popleft(self) -> T:
        """Take the head; an empty queue is a model error."""
        if not self._elements:
            raise ModelError(ModelErrorKind.INDEX, "the head of an empty Fifo")
        return self._elements.pop(0)

    def copy(self) -> Fifo[T]:
        return Fifo(self._elements)

    def __getitem__(self, position: int) -> T:
        if not -len(self._elements) <= position < len(self._elements):
            what = f"position {position} of a Fifo of {len(self._elements)}"
            raise ModelError(ModelErrorKind.INDEX, what)
        return self._elements[position]

    def __contains__(self, element: object) -> bool:
        return element in self._elements

    def __iter__(self) -> Iterator[T]:
        return iter(list(self._elements))

    def __len__(self) -> int:
        return len(self._elements)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Fifo) and self._elements == other._elements

    def __repr__(self) -> str:
        return repr(self._elements)


class Map(Collection[K], Generic[K, V]):
    """A partial map; iterating yields the keys."""

    def __init__(self, entries: dict[K, V] | None = None) -> None:
        self._entries: dict[K, V] = dict(entries or {})
        self.filled_with: V | None = None

    @staticmethod
    def filled(value: V) -> Map[Any, V]:
        """As a field's initial value: every key of the key type maps to ``value``."""
        result: Map[Any, V] = Map()
        result.filled_with = value
        return result

    def get(self, key: K) -> V | None:
        """The value at ``key``, or None."""
        return self._entries.get(key)

    def discard(self, key: K) -> None:
        """Take ``key`` out if it is there."""
        self._entries.pop(key, None)

    def fresh_key(self) -> K:
        """The lowest key of the key's index set that is not taken; a full map is a model error."""
        for key in self._fresh() if self._fresh is not None else ():
            if key not in self._entries:
                return key  # type: ignore[no-any-return]
        raise ModelError(ModelErrorKind.FULL, "every key is taken; raise its bound in the spec")

    def keys(self) -> list[K]:
        """The keys in order."""
        return in_order(self._entries)

    def values(self) -> list[V]:
        """The values, in the order of their keys."""
        return [self._entries[key] for key in self.keys()]

    def items(self) -> list[tuple[K, V]]:
        """Keys with their values, in the order of the keys."""
        return [(key, self._entries[key]) for key in self.keys()]

    def copy(self) -> Map[K, V]:
        return Map({key: _copied(value) for key, value in self._entries.items()})

    def __getitem__(self, key: K) -> V:
        if key not in self._entries:
            raise self._missing(key)
        return self._entries[key]

    def __setitem__(self, key: K, value: V) -> None:
        self._check(key, value)
        self._entries[key] = value

    def __delitem__(self, key: K) -> None:
        if key not in self._entries:
            raise self._missing(key)
        del self._entries[key]

    def __contains__(self, key: object) -> bool:
        return key in self._entries

    def __iter__(self) -> Iterator[K]:
        return iter(self.keys())

    def __len__(self) -> int:
        return len(self._entries)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Map) and self._entries == other._entries

    def __repr__(self) -> str:
        return "{" + ", ".join(f"{key!r}: {value!r}" for key, value in self.items()) + "}"


def _copied(value: V) -> V:
    return value.copy() if isinstance(value, Collection) else value
