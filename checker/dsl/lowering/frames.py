"""The functions lowered into one process' graph: its own, and each use of an async helper."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from checker.dsl.lowering.scope import Receiver, Scope, Unit
from checker.dsl.lowering.statements import StatementLowering
from checker.ir.expressions import Local
from checker.ir.types import Type

Position = tuple[int, int, int, int]


@dataclass
class Frame:
    """One function being lowered into the graph: the process itself, or an inlined helper.

    ``after`` is the block at which a helper's caller goes on, ``result`` what its value goes into.
    """

    scope: Scope
    statements: StatementLowering
    returns: Type
    position: tuple[Position, ...]
    after: int | None = None
    result: Local | None = None
    loops: list[tuple[int, int]] = field(default_factory=list)

    @contextmanager
    def loop(self, proceed: int, leave: int) -> Iterator[None]:
        """Where continue and break go, while a loop's body is lowered."""
        self.loops.append((proceed, leave))
        yield
        self.loops.pop()


class Frames:
    """Makes the frames of one process, and keeps the types found for their locals between rounds."""

    def __init__(self, unit: Unit) -> None:
        self._unit = unit
        self._scopes: dict[str, Scope] = {}
        self._locals: dict[str, Type] = {}
        self._declared: set[str] = set()
        self._hidden: dict[str, Type] = {}
        #: Locals that are assigned only to fail where what they are assigned has no value.
        self.checks: set[str] = set()

    def restart(self) -> None:
        """Before lowering the process once more with the types found so far."""
        self._hidden = {}
        self.checks = set()
        for scope in self._scopes.values():
            scope.restart()

    @property
    def changed(self) -> bool:
        """Whether this round found other types than the one before."""
        return any(scope.changed for scope in self._scopes.values())

    @property
    def types(self) -> dict[str, Type]:
        """The types of all locals, hidden ones included."""
        return {**self._locals, **self._hidden}

    def frame(
        self, receiver: Receiver, function: Any, prefix: str, position: tuple[Position, ...], returns: Type
    ) -> Frame:
        """The frame of a function whose locals begin with a prefix."""
        scope = self._scopes.get(prefix)
        if scope is None:
            receivers = {"self": receiver}
            scope = Scope(self._unit, function, receivers, prefix, self._locals, self._declared)
            self._scopes[prefix] = scope
        return Frame(scope, StatementLowering(scope, returns, in_process=True), returns, position)

    def known_locals(self, prefix: str) -> list[str]:
        """The locals found so far that begin with a prefix."""
        return sorted(name for name in self._locals if name.startswith(prefix))

    def hide(self, frame: Frame, stem: str, type_: Type) -> Local:
        """A local that the source does not have."""
        local = Local(frame.scope.fresh(stem), type_)
        self._hidden[local.name] = type_
        return local

    def check(self, frame: Frame, type_: Type) -> Local:
        """A hidden local that is assigned only to fail where what it is assigned has no value."""
        local = self.hide(frame, "checked", type_)
        self.checks.add(local.name)
        return local
