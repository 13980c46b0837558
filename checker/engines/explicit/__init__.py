"""The explicit engine: breadth-first search over the interpreted IR, in plain Python."""

from checker.engines.explicit.engine import ExplicitEngine

__all__ = ["ExplicitEngine"]
