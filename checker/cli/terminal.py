"""The terminal: plain text as it is, colour and progress only where a person is looking."""

from __future__ import annotations

from rich.console import Console


def console(stderr: bool = False) -> Console:
    """A console that prints values, paths and prose as they are: brackets and colons mean nothing to it."""
    return Console(stderr=stderr, highlight=False, soft_wrap=True, markup=False, emoji=False)
