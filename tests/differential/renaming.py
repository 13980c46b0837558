"""Renaming members of interchangeable sets in whole states, and the orbits that this makes."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import permutations, product

from checker.ir.program import Program
from checker.ir.symmetry import Renamer, Renaming
from checker.ir.types import IndexType
from checker.semantics.state import UNASSIGNED, ProcessState, State

from .random_models import RandomModel


def declared_interchangeable(model: RandomModel) -> RandomModel:
    """The model with all its index sets declared interchangeable, whether they are or not."""
    return replace(model, source=model.source.replace("(Index):", "(Index, interchangeable=True):"))


def renamings(sets: Sequence[IndexType]) -> Iterator[Renaming]:
    """Every way to rename the members of all sets."""
    for chosen in product(*(permutations(range(index.size)) for index in sets)):
        yield {index.name: names for index, names in zip(sets, chosen, strict=True)}


def renamed(program: Program, state: State, names: Renaming) -> State:
    """The state with its members renamed, process instances with them."""
    renamer = Renamer(program)
    variables = tuple(
        renamer.value(variable.type, value, names)
        for variable, value in zip(program.variables, state.variables, strict=True)
    )
    processes: dict[int, ProcessState] = {}
    for number, waiting in enumerate(state.processes):
        process, _ = program.process_of(number)
        live = process.labels[waiting.label].live
        values = tuple(
            value if value is UNASSIGNED else renamer.value(process.locals[name], value, names)
            for name, value in zip(live, waiting.locals, strict=True)
        )
        processes[renamer.instance(number, names)] = waiting._replace(locals=values)
    in_order = tuple(processes[number] for number in range(len(processes)))
    return State(variables, in_order, state.budgets)


def orbit(program: Program, sets: Sequence[IndexType], state: State) -> frozenset[State]:
    """All states that renaming makes of one."""
    return frozenset(renamed(program, state, names) for names in renamings(sets))
