"""The symbolic engine. Its work is imported when it is used, for most commands do without."""

from __future__ import annotations

from checker.engines.interface import Request, Result

NAME = "smt"
#: How deep to look where no limit is given.
DEPTH_DEFAULT = 10


class SmtEngine:
    """Looks at all runs up to a depth at once, without enumerating states.

    ``solver`` names the SAT solver; ``auto`` is the fastest that is installed.
    """

    name = NAME

    def __init__(self, solver: str = "auto") -> None:
        self._solver = solver

    def check(self, request: Request) -> Result:
        """Check all properties of the model up to a depth, ``DEPTH_DEFAULT`` where no limit is given.

        Raises Unsupported where only the explicit engine can take the model.
        """
        from checker.engines.smt.checking import check

        return check(request, self._solver)
