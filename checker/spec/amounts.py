"""The tables of a spec that say how much, ``[bounds]``, ``[faults]`` and ``[sdk]``, one laid over another."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from checker.ir.program import Budgets
from checker.spec.tables import Table

_GLOBAL_FAULTS = ("crash", "fail", "ambiguous")


def bounds_of(table: Table) -> dict[str, int]:
    """The sizes in ``[bounds]``; what is no possible size is refused where the model is lowered."""
    bounds = table.table("bounds")
    return {key: bounds.whole(key, low=-(10**9)) or 0 for key in bounds.data}


def budgets_of(table: Table) -> Budgets:
    """The budgets in ``[faults]``, and the attempts in ``[sdk]``."""
    faults = table.table("faults")
    amounts = {name: faults.whole(name, 0) or 0 for name in _GLOBAL_FAULTS}
    component = [(name, amount) for name, amount in _amounts(faults, "") if name not in _GLOBAL_FAULTS]
    sdk = table.table("sdk")
    sdk.known(["max_attempts"])
    attempts = sdk.whole("max_attempts", 1, low=1) or 1
    return Budgets(amounts["crash"], amounts["fail"], amounts["ambiguous"], tuple(component), attempts)


def _amounts(table: Table, prefix: str) -> Iterator[tuple[str, int]]:
    """Faults by their dotted names: ``inbox.duplicate = 1`` is a table in TOML."""
    for key, value in table.data.items():
        if isinstance(value, dict):
            yield from _amounts(table.table(key), f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", table.whole(key, 0) or 0


def overlaid(below: Mapping[str, Any], above: Mapping[str, Any]) -> dict[str, Any]:
    """Two tables as one: a key of ``above`` wins, and tables inside are overlaid in the same way."""
    result = dict(below)
    for key, value in above.items():
        inner = result.get(key)
        if isinstance(value, dict) and isinstance(inner, dict):
            result[key] = overlaid(inner, value)
        else:
            result[key] = value
    return result
