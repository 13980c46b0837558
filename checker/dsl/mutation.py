"""A model's source with one piece of text replaced, as a module of its own beside the real one.

The mutated text is parsed and compiled with the positions of the real file, so that every error names a
line that the reader can open. Lines that the replacement has more of than the text that it replaces are
shown on the last replaced line, joined by ``⏎``.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import inspect
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

from checker.dsl.source import MUTATED_TREE, class_tree, showing
from checker.errors import Location, UserError

_JOINT = " ⏎ "


@dataclass(frozen=True, slots=True)
class Place:
    """Where a text occurs: the class, the first line (from 1), and the offset in the file's text."""

    cls: str
    line: int
    offset: int


@dataclass(frozen=True, slots=True)
class Replacement:
    """A file's text with ``old``, at ``offset``, replaced by ``new``."""

    path: Path
    text: str
    offset: int
    old: str
    new: str

    @property
    def _first(self) -> int:
        """The first replaced line, from 0."""
        return self.text.count("\n", 0, self.offset)

    @property
    def _last(self) -> int:
        return self._first + self.old.count("\n")

    @property
    def _count(self) -> int:
        """How many lines stand where the replaced ones stood."""
        return self.new.count("\n") + 1

    @property
    def _lines(self) -> list[str]:
        end = self.offset + len(self.old)
        return (self.text[: self.offset] + self.new + self.text[end:]).split("\n")

    def shown(self) -> list[str]:
        """What to show for each line of the real file."""
        lines, first, last = self._lines, self._first, self._last
        region, kept = lines[first : first + self._count], last - first
        joined = [*region[:kept], _JOINT.join(region[kept:])]
        joined += [""] * (kept + 1 - len(joined))
        return [*lines[:first], *joined, *lines[first + self._count :]]

    def _real(self, line: int, column: int) -> tuple[int, int]:
        """A position in the mutated text, line from 1 and column in bytes, as one in the real file."""
        first, last = self._first, self._last
        number = line - 1
        if number <= last and number < first + self._count:
            return line, column
        if number >= first + self._count:
            return number - self._count + (last - first + 1) + 1, column
        before = self._lines[last:number]
        return last + 1, column + sum(len(f"{part}{_JOINT}".encode()) for part in before)

    def tree(self) -> ast.Module:
        """The syntax tree of the mutated text, with positions in the real file.

        Raises:
            SyntaxError: it does not parse; its line and columns are of the real file, too.
        """
        try:
            tree = ast.parse("\n".join(self._lines), filename=str(self.path))
        except SyntaxError as error:
            error.lineno, error.offset = self._real(error.lineno or 1, error.offset or 0)
            if error.end_lineno is not None:
                error.end_lineno, error.end_offset = self._real(error.end_lineno, error.end_offset or 0)
            raise
        for node in ast.walk(tree):
            if isinstance(node, ast.stmt | ast.expr | ast.excepthandler | ast.arg | ast.keyword | ast.alias):
                node.lineno, node.col_offset = self._real(node.lineno, node.col_offset)
                if node.end_lineno is not None and node.end_col_offset is not None:
                    node.end_lineno, node.end_col_offset = self._real(node.end_lineno, node.end_col_offset)
            elif isinstance(node, ast.pattern):
                node.lineno, node.col_offset = self._real(node.lineno, node.col_offset)
                node.end_lineno, node.end_col_offset = self._real(node.end_lineno, node.end_col_offset)
        return tree


def occurrences(cls: type, text: str, wanted: str) -> list[Place]:
    """Where ``wanted`` stands in the source of a class and of its bases in the same file, in their order."""
    starts = [0]
    for line in text.split("\n"):
        starts.append(starts[-1] + len(line) + 1)
    found = []
    for base in cls.__mro__:
        node = class_tree(base) if base.__module__ == cls.__module__ else None
        if node is None:
            continue
        end = starts[node.end_lineno or node.lineno]
        offset = text.find(wanted, starts[node.lineno - 1], end)
        while offset >= 0:
            found.append(Place(base.__name__, text.count("\n", 0, offset) + 1, offset))
            offset = text.find(wanted, offset + max(len(wanted), 1), end)
    return sorted(found, key=lambda place: place.offset)


def source_of(cls: type) -> tuple[Path, str]:
    """The file of a model class and its text."""
    path = Path(inspect.getsourcefile(cls) or "")
    return path, path.read_text(encoding="utf-8")


def mutated_module(cls: type, replacement: Replacement) -> ModuleType:
    """Run the mutated source as a module under a name of its own; the real module stays as it is.

    Raises:
        SyntaxError: the mutated source does not parse.
        Exception: whatever running it raises.
    """
    digest = hashlib.sha256(f"{replacement.offset} {replacement.old} {replacement.new}".encode())
    name = f"{cls.__module__}__mutated_{digest.hexdigest()[:12]}"
    tree = replacement.tree()
    code = compile(tree, str(replacement.path), "exec", dont_inherit=True)
    spec = importlib.util.spec_from_file_location(name, replacement.path)
    assert spec is not None
    module = importlib.util.module_from_spec(spec)
    setattr(module, MUTATED_TREE, tree)
    # Annotations are looked up in sys.modules, when the model is read and later again.
    sys.modules[name] = module
    try:
        exec(code, vars(module))
    except BaseException:
        del sys.modules[name]
        raise
    return module


@contextmanager
def told_as_mutated(title: str, replacement: Replacement) -> Iterator[None]:
    """Show the mutated lines in excerpts, and say in errors of the model which mutation it has."""
    with showing(replacement.path, replacement.shown()):
        try:
            yield
        except UserError as error:
            if not isinstance(error.where, Location):
                raise
            raise UserError(
                f"with the mutation {title}: {error.what}",
                where=error.where,
                hint=error.hint,
                excerpt=error.excerpt,
            ) from None
