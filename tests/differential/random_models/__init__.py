"""Random well-typed models, as the source text of model files.

The text is what a person could have written: enums, index sets, bounded ints, records, collections, a
generic component with operations and faults, processes, helpers and properties. Each module writes one
category of it, and ``assembling`` puts a file together.

Two rules keep every model inside the language: a local keeps one type, and no loop runs for ever.
"""

from .assembling import RandomModel, random_model

__all__ = ["RandomModel", "random_model"]
