"""The same model for other numbers of members, checked to be the same but for the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from typing import Any

from checker.dsl.lowering import LoweredModel, lower
from checker.ir.program import Program, Variable
from checker.ir.types import PROCESS_SET_NAME, IndexType
from checker.semantics.restriction import Restriction


class DependsOnSize(Exception):
    """The model's code, or its initial state, is not the same for every number of members."""


def sizes_of(program: Program) -> dict[str, int]:
    """The number of members of every index set that a spec sizes."""
    return {index.name: index.size for index in program.index_sets if index.name != PROCESS_SET_NAME}


def resized(lowered: LoweredModel, sizes: Mapping[str, int]) -> LoweredModel:
    """A model for other numbers of members of some sets.

    Raises:
        DependsOnSize: it is another program then, or begins elsewhere.
    """
    program = lowered.program
    other = lower(lowered.cls, {**sizes_of(program), **sizes}, program.budgets)
    names = frozenset(sizes)
    asked = sorted(names & (lowered.lengths_asked | other.lengths_asked))
    if asked:
        raise DependsOnSize(f"the code asks how many {' and '.join(asked)} there are")
    if _without_sizes(program, names) != _without_sizes(other.program, names):
        raise DependsOnSize("the code is not the same for every number of members")
    _check_initial(program, other.program, sizes)
    return other


def _check_initial(one: Program, other: Program, sizes: Mapping[str, int]) -> None:
    """Leaving members out of one initial state has to give the other."""
    own = sizes_of(one)
    common = {name: range(min(size, own[name])) for name, size in sizes.items()}
    least = {name: len(kept) for name, kept in common.items()}
    pairs = zip(one.variables, other.variables, strict=True)
    for ours, theirs in pairs:
        left = [_left(program, least, common, v) for program, v in ((one, ours), (other, theirs))]
        if left[0] != left[1]:
            raise DependsOnSize(f"`{ours.name}` does not begin alike for every number of members")


def _left(
    program: Program, least: Mapping[str, int], common: Mapping[str, range], variable: Variable
) -> object:
    # Values that a model begins with name no process, so that the smaller program is not needed for these.
    return least, Restriction(program, program, common).value(variable.type, variable.initial)


def _without_sizes(value: Any, names: frozenset[str]) -> Any:
    """What is the same for every number of members of some sets."""
    match value:
        case IndexType(name, _, interchangeable) if name in names or name == PROCESS_SET_NAME:
            return (name, interchangeable)
        case Variable(name, type_, _, component):
            return (name, _without_sizes(type_, names), component)
        case tuple() | list():
            return [_without_sizes(one, names) for one in value]
        case Mapping():
            return {key: _without_sizes(one, names) for key, one in value.items()}
    if is_dataclass(value) and not isinstance(value, type):
        parts = {one.name: _without_sizes(getattr(value, one.name), names) for one in fields(value)}
        parts.pop("first_instance", None)
        return [type(value).__name__, parts]
    return value
