"""From a model's source (its syntax trees) to the IR."""

from checker.dsl.lowering.model import LoweredModel, lower

__all__ = ["LoweredModel", "lower"]
