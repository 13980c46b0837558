"""The explicit-state engine over the interpreter."""

from __future__ import annotations

from checker.engines.interface import Request, Result
from checker.engines.search import BreadthFirstSearch
from checker.semantics.machine import Machine


class ExplicitEngine:
    """Exhausts the states that the bounds and budgets allow; exact, deterministic, one thread."""

    name = "explicit"

    def check(self, request: Request) -> Result:
        """Check all properties of the model."""
        return BreadthFirstSearch(self.name, Machine(request.lowered.program), request).run()
