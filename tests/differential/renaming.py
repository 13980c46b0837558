"""Renaming members of interchangeable sets in whole states, and the orbits that this makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

from checker.ir.program import Program
from checker.ir.symmetry import Renaming
from checker.ir.types import IndexType
from checker.semantics.renaming import renamed
from checker.semantics.state import State

from .random_models import RandomModel


def declared_interchangeable(model: RandomModel) -> RandomModel:
    """The model with all its index sets declared interchangeable, whether they are or not."""
    return replace(model, source=model.source.replace("(Index):", "(Index, interchangeable=True):"))


def renamings(sets: Sequence[IndexType]) -> Iterator[Renaming]:
    """Every way to rename the members of all sets."""
    for chosen in product(*(permutations(range(index.size)) for index in sets)):
        yield {index.name: names for index, names in zip(sets, chosen, strict=True)}


def orbit(program: Program, sets: Sequence[IndexType], state: State) -> frozenset[State]:
    """All states that renaming makes of one."""
    return frozenset(renamed(program, state, names) for names in renamings(sets))
