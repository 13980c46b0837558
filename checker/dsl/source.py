"""Source text of models: syntax trees, locations, and error messages that point with a caret."""

from __future__ import annotations

import ast
import functools
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from checker.errors import Location, UserError


@functools.lru_cache(maxsize=256)
def _module_tree(path: str, modified_ns: int) -> ast.Module:
    with open(path, encoding="utf-8") as file:
        return ast.parse(file.read(), filename=path)


#: The name under which a module whose source was mutated keeps its syntax tree.
MUTATED_TREE = "__quackcheck_mutated_tree__"


def _tree(path: str, module: Mapping[str, Any]) -> ast.Module:
    """The syntax tree of a module: that of its file, unless it was made from a mutated text."""
    mutated = module.get(MUTATED_TREE)
    if isinstance(mutated, ast.Module):
        return mutated
    return _module_tree(path, os.stat(path).st_mtime_ns)


_shown: dict[str, Sequence[str]] = {}


@contextmanager
def showing(path: Path, lines: Sequence[str]) -> Iterator[None]:
    """Let excerpts show these lines for a file while the code inside runs."""
    key = displayed(str(path))
    _shown[key] = lines
    try:
        yield
    finally:
        del _shown[key]


def displayed(path: str) -> str:
    """A path as messages show it: relative to the working directory where it lies inside."""
    relative = os.path.relpath(path)
    return path if relative.startswith("..") else relative


def function_tree(function: Callable[..., Any]) -> ast.FunctionDef | ast.AsyncFunctionDef:
    """The syntax tree of a function or method, with its positions in the file.

    Raises:
        UserError: the function has no source file (it was typed at a prompt, or built by exec).
    """
    code = function.__code__
    name = function.__qualname__
    try:
        tree = _tree(code.co_filename, function.__globals__)
    except OSError:
        hint = "put the model in a .py file and import it"
        raise UserError(f"the source of {name} cannot be read", hint=hint) from None
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == function.__name__:
            first = min([node.lineno, *(d.lineno for d in node.decorator_list)])
            if first == code.co_firstlineno:
                return node
    raise UserError(f"the source of {name} is not where Python says", hint="save the file and run again")


def location(path: str, node: ast.AST) -> Location:
    """The place of a syntax node."""
    line = getattr(node, "lineno", 1)
    column = getattr(node, "col_offset", 0) + 1
    end = getattr(node, "end_col_offset", column)
    same_line = getattr(node, "end_lineno", line) == line
    return Location(displayed(path), line, column, end if same_line else 0)


def class_location(cls: type) -> Location:
    """Where a class is defined."""
    node = class_tree(cls)
    if node is None:
        return Location(cls.__module__, 1)
    return Location(displayed(inspect.getsourcefile(cls) or "?"), node.lineno)


def field_location(cls: type, attribute: str) -> Location:
    """Where a field of a class, or of one of its bases, is annotated."""
    for base in cls.__mro__:
        if attribute not in inspect.get_annotations(base):
            continue
        node = class_tree(base)
        for statement in node.body if node is not None else ():
            target = statement.target if isinstance(statement, ast.AnnAssign) else None
            if isinstance(target, ast.Name) and target.id == attribute:
                return location(inspect.getsourcefile(base) or "?", statement)
    return class_location(cls)


def declared_twice(cls: type) -> tuple[str, Location, Location] | None:
    """A name that a class or one of its bases annotates twice in its body, with both places."""
    for base in cls.__mro__:
        node = class_tree(base) if base.__module__ != "builtins" else None
        seen: dict[str, Location] = {}
        for statement in node.body if node is not None else ():
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                name, place = statement.target.id, location(inspect.getsourcefile(base) or "?", statement)
                if name in seen:
                    return name, seen[name], place
                seen[name] = place
    return None


def field_and_method(cls: type) -> tuple[str, Location, Location] | None:
    """A name that is both a field and a method of a class and its bases, with both places, the later last.

    The places are those of the field's annotation and the method's ``def``.
    """
    places: dict[str, dict[bool, Location]] = {}
    for base in reversed(cls.__mro__):
        node = class_tree(base) if base.__module__ != "builtins" else None
        for statement in node.body if node is not None else ():
            if isinstance(statement, ast.AnnAssign) and isinstance(statement.target, ast.Name):
                name, is_method = statement.target.id, False
            elif isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef):
                name, is_method = statement.name, True
            else:
                continue
            known = places.setdefault(name, {})
            known[is_method] = location(inspect.getsourcefile(base) or "?", statement)
            if len(known) == 2:
                return name, known[not is_method], known[is_method]
    return None


def class_tree(cls: type) -> ast.ClassDef | None:
    """The syntax tree of a class; None where it has no source file."""
    try:
        path = inspect.getsourcefile(cls)
        tree = None if path is None else _tree(path, vars(sys.modules[cls.__module__]))
    except (OSError, TypeError):  # typed at a prompt, or built by exec
        return None
    for node in ast.walk(tree) if tree is not None else ():
        if isinstance(node, ast.ClassDef) and node.name == cls.__name__:
            return node
    return None


def excerpt(place: Location) -> str:
    """The source line with carets under the place, or nothing where the file cannot be read."""
    shown = _shown.get(place.path)
    line = linecache.getline(place.path, place.line) if shown is None else shown[place.line - 1]
    line = line.rstrip("\n")
    if not line or not place.column:
        return line and f"    {line}"
    width = max((place.end_column or len(line)) - place.column + 1, 1)
    return f"    {line}\n    {' ' * (place.column - 1)}{'^' * width}"


def rejected(place: Location | str, what: str, hint: str) -> UserError:
    """The error for a construct that a model must not use, with its source line and a rewrite."""
    shown = excerpt(place) if isinstance(place, Location) else ""
    return UserError(what, where=place, hint=hint, excerpt=shown)
