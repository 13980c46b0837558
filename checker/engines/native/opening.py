"""From a program to its compiled model: a layout with room enough, generated code, a loaded library."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TypeVar

from checker.engines.native.codegen.layout import Capacities, Unsupported
from checker.engines.native.codegen.program import BEYOND, CAPACITY, UNSYMMETRIC, Source, generate
from checker.engines.native.codegen.symmetry import MEMBERS_MAX
from checker.engines.native.compile import compiled, discard
from checker.engines.native.findings import ModelFault, WalkFault
from checker.engines.native.structures import Library
from checker.errors import InternalError
from checker.ir.program import Program
from checker.ir.symmetry import NO_SYMMETRY, Symmetry, symmetry_of
from checker.ir.types import IndexType

_Found = TypeVar("_Found")


class Unsymmetric(Exception):
    """The members of a set are not alike after all, and why: the model is to be searched without symmetry."""


def symmetry_for(program: Program, allowed: bool) -> Symmetry:
    """The symmetry that a search of a program is reduced by, where that is allowed."""
    return symmetry_of(program, MEMBERS_MAX) if allowed else NO_SYMMETRY


def with_room_enough(
    program: Program,
    attempt: Callable[[Source, Library], _Found | None],
    symmetric: Sequence[IndexType] = (),
) -> _Found:
    """What ``attempt`` finds; it is made again with twice the capacities as long as it finds None.

    ``symmetric`` are the index sets to reduce by.

    Raises:
        Unsupported: the model needs something that only the explicit engine has.
        CannotCompile: there is no compiler, or it fails.
    """
    capacities = Capacities()
    while True:
        source = generate(program, capacities, symmetric)
        with compiled(source.text) as path:
            found = attempt(source, _loaded(source, path))
        if found is not None:
            return found
        capacities = capacities.doubled()


def lacks_room(fault: ModelFault | WalkFault | None) -> bool:
    """Whether a search ended because a capacity of the layout was too small, which is no error of the model.

    Raises:
        Unsupported: the layout cannot hold a value of the model at all.
        Unsymmetric: the search has to be made without symmetry.
    """
    if fault is not None and fault.id == UNSYMMETRIC:
        raise Unsymmetric("all() or any() over members ran into a model error")
    if fault is not None and fault.id == BEYOND:
        raise Unsupported("for a while a local collection is outside its type, or a number outside 64 bits")
    return fault is not None and fault.id == CAPACITY


def _loaded(source: Source, path: Path) -> Library:
    try:
        library = Library(path)
    except InternalError:
        # What lies in the cache is broken: build it once more.
        discard(path)
        with compiled(source.text) as again:
            library = Library(again)
    if library.words != source.layout.words:
        raise InternalError(
            f"the compiled model has {library.words} words a state, not {source.layout.words}"
        )
    return library
