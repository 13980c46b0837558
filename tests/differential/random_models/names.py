"""What generated code can name at one point of it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .types import Signature, Ty


@dataclass
class Names:
    """What code can name: fields, locals that surely have a value, and locals that may have one."""

    fields: dict[str, Ty]
    owner: str = "self."
    methods: tuple[Signature, ...] = ()
    sure: dict[str, Ty] = field(default_factory=dict)
    maybe: dict[str, Ty] = field(default_factory=dict)
    #: Collections that the code made itself, and may change.
    owned: dict[str, Ty] = field(default_factory=dict)
    #: Locals that must not be assigned.
    fixed: set[str] = field(default_factory=set)
    raises: tuple[str, ...] = ()
    count: int = 0

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Code that may not run: what it assigns may have a value afterwards."""
        before = dict(self.sure)
        yield
        self.maybe.update({name: t for name, t in self.sure.items() if name not in before})
        self.sure = before

    @contextmanager
    def bound(self, names: dict[str, Ty]) -> Iterator[None]:
        """Variables of a comprehension."""
        before = dict(self.sure)
        self.sure.update(names)
        yield
        self.sure = before
