"""Detects effects that did not pass the interposer: a consumer that reached the backend on another way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from checker.lab.adapters import Adapter
from checker.lab.errors import Bypass
from checker.lab.history import History


class BypassWatch:
    """Compares each resource with what it held after the last step that the lab knows of."""

    def __init__(self, adapters: Mapping[str, Adapter], history: History) -> None:
        self._adapters = adapters
        self._history = history
        self._census: dict[str, Mapping[str, str]] = {}

    def refresh(self, components: Iterable[str]) -> None:
        """Take the present contents for explained."""
        for component in components:
            self._census[component] = self._adapters[component].census()

    def check(self, components: Iterable[str]) -> None:
        """Raises `Bypass` when contents changed since the last `refresh`."""
        for component in components:
            before, now = self._census[component], self._adapters[component].census()
            if before != now:
                resource = self._adapters[component].resource
                raise Bypass(
                    f"{component} ({resource.kind} {resource.name}) changed although no released call and no"
                    f" environment step explains it: {_change(before, now)}. A consumer reaches the backend"
                    " past the interposer: look for an endpoint or a queue URL that is not taken from its"
                    " environment",
                    history=self._history.last(),
                )


def _change(before: Mapping[str, str], now: Mapping[str, str]) -> str:
    added = [f"{key} appeared" for key in now if key not in before]
    removed = [f"{key} disappeared" for key in before if key not in now]
    changed = [
        f"{key} went from {before[key]} to {now[key]}"
        for key in now
        if key in before and now[key] != before[key]
    ]
    return ", ".join(added + removed + changed)
