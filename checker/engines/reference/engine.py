"""The reference engine: the same search over CPython's own execution."""

from __future__ import annotations

from checker.engines.interface import Request, Result
from checker.engines.reference.execution import ReferenceMachine
from checker.engines.search import BreadthFirstSearch


class ReferenceEngine:
    """As the explicit engine, but the model's own Python runs: about ten times slower."""

    name = "reference"

    def check(self, request: Request) -> Result:
        """Check all properties of the model."""
        return BreadthFirstSearch(self.name, ReferenceMachine(request.lowered), request).run()
