"""Names while lowering one function: receivers, locals with their types, and everything else."""

from __future__ import annotations

import ast
import builtins
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, Protocol

from checker.dsl.lowering.types import join
from checker.dsl.source import function_tree, location, rejected
from checker.dsl.structure import HolderStructure
from checker.errors import Location, UserError
from checker.ir.program import Routine
from checker.ir.types import INT, IntType, Type

#: How often a local's range may grow before it is taken to be unbounded.
_WIDEN_AFTER = 3

NOT_FOUND = object()


@dataclass(frozen=True, slots=True)
class Receiver:
    """``self``, ``self.component``, or either of them in the state before a transition."""

    structure: HolderStructure
    old: bool = False

    def variable(self, attribute: str) -> str:
        """The IR's name of a durable field."""
        return ("old." if self.old else "") + self.structure.qualified(attribute)


class Unit(Protocol):
    """What lowering one function needs of the model around it."""

    def routine(self, receiver: Receiver, method: str, place: Location) -> Routine:
        """The routine of a method, lowered when first asked for."""

    def signature(self, receiver: Receiver, helper: Any, place: Location) -> Routine:
        """The parameters and the result type of an async helper, without its body."""

    def function(self, function: Any, place: Location) -> Routine:
        """The routine of a plain function."""

    def resolve(self, annotation: Any, receiver: Receiver | None, place: Location, what: str) -> Type:
        """The IR type of an annotation."""


@dataclass
class Scope:
    """The names of one function body; ``prefix`` tells an inlined helper's locals from its caller's."""

    unit: Unit
    function: Any
    receivers: dict[str, Receiver]
    prefix: str = ""
    locals: dict[str, Type] = field(default_factory=dict)
    declared: set[str] = field(default_factory=set)
    owned: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    #: Names that must keep their value: a process' parameter, the variable of a loop that awaits.
    fixed: set[str] = field(default_factory=set)
    bound: dict[str, tuple[str, Type]] = field(default_factory=dict)
    raises: tuple[str, ...] | None = None
    changed: bool = False
    _grown: dict[str, int] = field(default_factory=dict)
    _numbers: int = 0

    @property
    def tree(self) -> ast.FunctionDef | ast.AsyncFunctionDef:
        """The function's syntax tree."""
        return function_tree(self.function)

    @property
    def tree_names(self) -> set[str]:
        """All names that the function assigns somewhere."""
        stored = (n for n in ast.walk(self.tree) if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
        return {name.id for name in stored}

    def place(self, node: ast.AST) -> Location:
        """The location of a syntax node."""
        return location(self.function.__code__.co_filename, node)

    def reject(self, node: ast.AST, what: str, hint: str) -> UserError:
        """The error for a construct that is not supported, or wrong, at ``node``."""
        return rejected(self.place(node), what, hint)

    def is_local(self, name: str) -> bool:
        """Whether the name is a local, a parameter or a bound variable here."""
        return name in self.bound or self.prefix + name in self.locals

    def local(self, name: str) -> tuple[str, Type]:
        """The IR name and the type of a local."""
        if name in self.bound:
            return self.bound[name]
        return self.prefix + name, self.locals[self.prefix + name]

    def assign(self, name: str, type_: Type, node: ast.AST) -> Type:
        """Note that a local takes a value of ``type_``; returns the local's type so far."""
        key = self.prefix + name
        known = self.locals.get(key)
        if known is None:
            self.locals[key] = type_
            self.changed = True
            return type_
        if key in self.declared:
            return known
        joined = join(known, type_)
        if joined is None:
            hint = "use another name for the other value"
            raise self.reject(node, f"'{name}' was {known} and becomes {type_}", hint)
        if joined != known:
            self._grown[key] = self._grown.get(key, 0) + 1
            if self._grown[key] > _WIDEN_AFTER and isinstance(joined, IntType):
                joined = INT
            self.locals[key] = joined
            self.changed = True
        return joined

    def declare(self, name: str, type_: Type) -> None:
        """Fix the type of a local by its annotation."""
        key = self.prefix + name
        if self.locals.get(key) != type_:
            self.locals[key] = type_
            self.changed = True
        self.declared.add(key)

    def fresh(self, stem: str) -> str:
        """A name that no source name equals."""
        self._numbers += 1
        return f"{self.prefix}{stem}${self._numbers}"

    def restart(self) -> None:
        """Before lowering the body once more with the types found so far."""
        self.changed = False
        self._numbers = 0

    @contextmanager
    def binding(self, names: dict[str, tuple[str, Type]]) -> Iterator[None]:
        """Bound variables of a comprehension or pattern, while the code inside is lowered."""
        outer, self.bound = self.bound, {**self.bound, **names}
        try:
            yield
        finally:
            self.bound = outer

    def python_object(self, node: ast.expr) -> Any:
        """What a name or dotted name outside of the function means, or NOT_FOUND."""
        if isinstance(node, ast.Name):
            if self.is_local(node.id) or node.id in self.receivers:
                return NOT_FOUND
            found = self.function.__globals__.get(node.id, NOT_FOUND)
            return getattr(builtins, node.id, NOT_FOUND) if found is NOT_FOUND else found
        if isinstance(node, ast.Attribute):
            base = self.python_object(node.value)
            return NOT_FOUND if base is NOT_FOUND else getattr(base, node.attr, NOT_FOUND)
        return NOT_FOUND

    def receiver(self, node: ast.expr) -> Receiver | None:
        """The model or component that an expression denotes, if it does."""
        if isinstance(node, ast.Name):
            return None if self.is_local(node.id) else self.receivers.get(node.id)
        if isinstance(node, ast.Attribute) and (base := self.receiver(node.value)) is not None:
            component = base.structure.components.get(node.attr)
            return None if component is None else Receiver(component, base.old)
        return None
