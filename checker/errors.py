"""Errors of the tool, split by whose fault they are.

``UserError`` is bad input: the command prints it without a traceback and exits with 2.
``ModelError`` is a fault of a model that showed while it ran (an overflow, a missing key).
``InternalError`` is a fault of quackcheck itself, and says so.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a source file; ``line`` and ``column`` count from 1, ``column`` 0 means the whole line."""

    path: str
    line: int
    column: int = 0
    end_column: int = 0

    def __str__(self) -> str:
        return f"{self.path}:{self.line}" + (f":{self.column}" if self.column else "")


class QuackcheckError(Exception):
    """Base of every error that quackcheck raises on purpose."""


class UserError(QuackcheckError):
    """Bad input: what is wrong, where, why that is likely so, and what to do next.

    Args:
        what: one sentence, expected against actual.
        where: a file, a spec key or a source location; printed first.
        hint: the likely cause or the next step; printed last.
        excerpt: source lines with a caret, already laid out.
    """

    def __init__(
        self, what: str, *, where: Location | str | None = None, hint: str = "", excerpt: str = ""
    ) -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.hint = hint
        self.excerpt = excerpt

    def __str__(self) -> str:
        text = f"{self.where}: {self.what}" if self.where is not None else self.what
        if self.excerpt:
            text += f"\n{self.excerpt}"
        if self.hint:
            text += f"\n  hint: {self.hint}"
        return text


class InternalError(QuackcheckError):
    """Something that must never happen did: a fault of quackcheck, not of its input."""

    def __str__(self) -> str:
        return f"internal error (a fault of quackcheck, please report it): {super().__str__()}"


class ModelErrorKind(Enum):
    """What a running model did that has no meaning."""

    OVERFLOW = "a value outside its range"
    MISSING = "a missing key or element"
    INDEX = "a position out of range"
    NONE = "None used as a value"
    DIVISION = "division by zero"
    EMPTY = "the least or greatest of nothing"
    FULL = "no fresh key left"
    UNASSIGNED = "a local read before it was assigned"
    LOOP = "a loop without end inside one step"
    ASSERTION = "a false assertion"
    CALLER = "caller() outside a call"


class ModelError(QuackcheckError):
    """A model error: the model, run as written, did something that has no meaning.

    ``location`` is where in the model's source. Two executions of a model agree on kind and line.
    """

    def __init__(self, kind: ModelErrorKind, what: str, location: Location | None = None) -> None:
        super().__init__(what)
        self.kind = kind
        self.what = what
        self.location = location

    def __reduce__(self) -> tuple[type[ModelError], tuple[ModelErrorKind, str, Location | None]]:
        return ModelError, (self.kind, self.what, self.location)

    def __str__(self) -> str:
        place = f"{self.location.path}:{self.location.line}: " if self.location is not None else ""
        return f"{place}{self.what} ({self.kind.value})"
