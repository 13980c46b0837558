"""Renaming members of interchangeable sets in whole states."""

from __future__ import annotations

from checker.ir.program import Program
from checker.ir.symmetry import Renamer, Renaming
from checker.semantics.state import UNASSIGNED, ProcessState, State


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


def following(first: Renaming, second: Renaming) -> Renaming:
    """One renaming after another; no names at all are as they are."""
    if not first:
        return second
    return {name: tuple(second[name][member] for member in names) for name, names in first.items()}
