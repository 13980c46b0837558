"""A control-flow graph under construction: blocks, labels, and the except clauses in force."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from checker.dsl.calls import ServiceError
from checker.dsl.lowering.scope import Scope
from checker.ir.program import Await, Branch, Fail, Goto, Handler, Label, Terminator
from checker.ir.statements import Stmt


@dataclass
class OpenBlock:
    """A block under construction; open until it has a terminator."""

    id: int
    body: list[Stmt] = field(default_factory=list)
    terminator: Terminator | None = None


@dataclass(frozen=True)
class Catch:
    """One except clause in force: the errors that it names, and its block."""

    errors: tuple[type[ServiceError], ...]
    block: int


class Graph:
    """Blocks and labels, numbered as they are made; the entry is block 0. ``current`` is being filled."""

    def __init__(self) -> None:
        self.blocks: list[OpenBlock] = []
        self.labels: list[Label] = []
        #: Blocks at whose end a helper ends without the value that it declares.
        self.open_ends: list[tuple[int, Scope]] = []
        self._catches: list[list[Catch]] = []
        self.current = self.block()

    def block(self) -> OpenBlock:
        """A new block that nothing leads to yet."""
        block = OpenBlock(len(self.blocks))
        self.blocks.append(block)
        return block

    @property
    def is_open(self) -> bool:
        """Whether control reaches the end of the current block."""
        return self.current.terminator is None

    def end(self, terminator: Terminator) -> None:
        """Close the current block, unless control has left it already."""
        if self.is_open:
            self.current.terminator = terminator

    def emit(self, statements: Iterable[Stmt]) -> None:
        """Add to the current block, unless control has left it already."""
        if self.is_open:
            self.current.body.extend(statements)

    def go_on_at(self, block: OpenBlock) -> None:
        """Lead from the current block to another, which becomes the current one."""
        self.end(Goto(block.id))
        self.current = block

    def await_at(self, label: Label) -> None:
        """Close the current block with an await at a new label."""
        self.labels.append(label)
        self.end(Await(label.id))

    # Service errors

    @contextmanager
    def catching(self, catches: list[Catch]) -> Iterator[None]:
        """Except clauses in force, while the body of their try statement is lowered."""
        self._catches.append(catches)
        yield
        self._catches.pop()

    def raise_here(self, error: type[ServiceError]) -> None:
        """Go to the except clause for an error, or fail with it."""
        for catches in reversed(self._catches):
            for catch in catches:
                if issubclass(error, catch.errors):
                    self.end(Goto(catch.block))
                    return
        self.end(Fail(error.__name__))

    def handlers(self, possible: Iterable[type[ServiceError]]) -> tuple[Handler, ...]:
        """Where each of the errors that a call may raise is caught, if it is."""
        handlers: list[Handler] = []
        left = list(dict.fromkeys(possible))
        for catches in reversed(self._catches):
            for catch in catches:
                caught = [error for error in left if issubclass(error, catch.errors)]
                if caught:
                    handlers.append(Handler(tuple(error.__name__ for error in caught), catch.block))
                    left = [error for error in left if error not in caught]
        return tuple(handlers)

    # Edges

    def reachable(self) -> set[int]:
        """The blocks that control can reach from the entry, calls and their handlers included."""
        found, todo = {0}, [0]
        while todo:
            new = self._targets(self.blocks[todo.pop()]) - found
            found |= new
            todo += new
        return found

    def _targets(self, block: OpenBlock) -> set[int]:
        match block.terminator:
            case Goto(target):
                return {target}
            case Branch(_, then, orelse):
                return {then, orelse}
            case Await(number):
                label = self.labels[number]
                return {label.resume, *(handler.block for handler in label.handlers)}
        return set()
