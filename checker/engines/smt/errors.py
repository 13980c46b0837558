"""What the symbolic engine says where it cannot work."""

from __future__ import annotations

from checker.errors import QuackcheckError


class Unsupported(QuackcheckError):
    """The symbolic engine cannot take this program; the explicit engine can."""
