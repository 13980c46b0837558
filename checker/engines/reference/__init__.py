"""The reference engine: CPython runs the model's own source. Slow, obviously right, the oracle of tests."""

from checker.engines.reference.execution import ReferenceMachine

__all__ = ["ReferenceMachine"]
