"""Reading TOML tables with errors that name the key, what was expected, and what is meant perhaps."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from typing import Any

from checker.errors import UserError


class Table:
    """One table of a TOML file; ``path`` is its dotted name, empty for the file itself."""

    def __init__(self, data: Mapping[str, Any], source: str, path: str = "") -> None:
        self.data = data
        self.source = source
        self.path = path

    def where(self, key: str = "") -> str:
        """The place of a key, for messages: ``specs/a.toml [bounds] Order``."""
        parts = [self.source, f"[{self.path}]" if self.path else "", key]
        return " ".join(part for part in parts if part)

    def known(self, keys: Iterable[str]) -> None:
        """Reject keys other than these."""
        allowed = list(keys)
        for key in self.data:
            if key not in allowed:
                raise UserError(f"unknown key '{key}'", where=self.where(), hint=did_you_mean(key, allowed))

    def text(self, key: str, default: str | None = None) -> str:
        """A string; without a default it has to be there."""
        value = self.data.get(key, default)
        if value is None:
            raise UserError(f"'{key}' is missing", where=self.where(), hint=f'add: {key} = "..."')
        if not isinstance(value, str):
            hint = f'write: {key} = "..."'
            raise UserError(f"expected a string, got {value!r}", where=self.where(key), hint=hint)
        return value

    def whole(self, key: str, default: int | None = None, low: int = 0) -> int | None:
        """A whole number of at least ``low``."""
        value = self.data.get(key, default)
        if value is None:
            return None
        hint = f"write: {key} = {max(low, 1)}"
        if not isinstance(value, int) or isinstance(value, bool):
            raise UserError(f"expected a whole number, got {value!r}", where=self.where(key), hint=hint)
        if value < low:
            raise UserError(f"expected at least {low}, got {value}", where=self.where(key), hint=hint)
        return value

    def flag(self, key: str, default: bool) -> bool:
        """The true or false under a key."""
        value = self.data.get(key, default)
        if not isinstance(value, bool):
            hint = f"write: {key} = true"
            raise UserError(f"expected true or false, found {value!r}", where=self.where(key), hint=hint)
        return value

    def number(self, key: str) -> float | None:
        """A number above 0, or None where it is not given."""
        value = self.data.get(key)
        if value is None:
            return None
        if not isinstance(value, int | float) or isinstance(value, bool) or not value > 0:
            hint = f"write: {key} = 60"
            raise UserError(f"expected a number above 0, got {value!r}", where=self.where(key), hint=hint)
        return float(value)

    def texts(self, key: str) -> tuple[str, ...]:
        """A list of strings, empty where it is not given."""
        value = self.data.get(key, [])
        if not isinstance(value, list) or not all(isinstance(part, str) for part in value):
            hint = f'write: {key} = ["..."]'
            raise UserError(f"expected a list of strings, got {value!r}", where=self.where(key), hint=hint)
        return tuple(value)

    def table(self, key: str) -> Table:
        """A table inside, empty where it is not given."""
        value = self.data.get(key, {})
        path = f"{self.path}.{key}" if self.path else key
        if not isinstance(value, dict):
            raise UserError(f"expected a table, got {value!r}", where=self.where(key), hint=f"write [{path}]")
        return Table(value, self.source, path)


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """The hint for an unknown name: the closest known one, or all of them."""
    names = list(known)
    close = difflib.get_close_matches(name, names, 1, cutoff=0.5)
    return f"did you mean '{close[0]}'?" if close else f"known: {', '.join(names) or 'none'}"
