"""A whole state in words."""

from __future__ import annotations

from checker.ir.program import Program
from checker.ir.values import show
from checker.semantics.state import UNASSIGNED, State


def state_lines(program: Program, state: State, initial: State | None = None) -> list[str]:
    """A whole state, a line each: variables, processes, budgets.

    Given ``initial``, variables with the same value as there are left out.
    """
    before = [None] * len(state.variables) if initial is None else initial.variables
    lines = [
        f"{variable.name} = {show(variable.type, value)}"
        for variable, value, old in zip(program.variables, state.variables, before, strict=True)
        if initial is None or value != old
    ]
    for number, waiting in enumerate(state.processes):
        process, _ = program.process_of(number)
        label = process.labels[waiting.label]
        known = zip(label.live, waiting.locals, strict=True)
        held = [f"{local_label(n)} = {show(process.locals[n], v)}" for n, v in known if v is not UNASSIGNED]
        attempt = f", {waiting.attempt} attempt(s) failed" if waiting.attempt else ""
        inside = f" with {', '.join(held)}" if held else ""
        lines.append(f"{program.instance_name(number)} waits for {label.call.name}{attempt}{inside}")
    budgets = zip(program.budgets.names, state.budgets, strict=True)
    left = [f"{name} {amount}" for name, amount in budgets if amount]
    return [*lines, f"budgets left: {', '.join(left) or 'none'}"]


def local_label(name: str) -> str:
    """A local as the source calls it: without the helper that it belongs to, or a compiler's number."""
    return name.rpartition("/")[2].partition("$")[0]
