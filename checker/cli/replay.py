"""``quackcheck replay``: step through a saved trace, with the state after each step."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.text import Text

from checker.cli.terminal import console as new_console
from checker.errors import InternalError, UserError
from checker.report.state import state_lines
from checker.report.text import change_text, durable
from checker.semantics.machine import Machine
from checker.semantics.state import State, Transition
from checker.spec import load_spec
from checker.trace.itf import read_itf, to_itf, transitions_of
from checker.trace.trace import Trace, replay

_EXAMPLES = """\b
Examples:
  quackcheck replay traces/order_intake/naive.at_most_one_order.itf.json
  quackcheck replay TRACE --step 4          the state after step 4
  quackcheck replay TRACE --interactive     step by step, by the Enter key
"""


@click.command("replay", epilog=_EXAMPLES, short_help="Step through a saved trace.")
@click.argument("trace", type=click.Path())
@click.option("--step", type=click.IntRange(min=0), help="Show the state after this step only.")
@click.option("--interactive", "-i", is_flag=True, help="Wait for Enter after each step.")
def replay_command(trace: str, step: int | None, interactive: bool) -> None:
    """Run a saved TRACE again on its model, and show every step with the whole state."""
    document = read_itf(trace)
    path = transitions_of(document, trace)
    spec = load_spec(_spec_of(document, trace))
    machine = Machine(spec.lowered.program)
    run = _run(machine, path, document["states"], trace)
    if step is not None and step > len(run.steps):
        hint = f"give a step from 0, the initial state, to {len(run.steps)}"
        raise UserError(f"the trace has {len(run.steps)} steps, not {step}", where=trace, hint=hint)
    console = new_console()
    meta = document["#meta"]
    console.print(
        Text(f"{meta.get('property', '')}: {meta.get('story') or meta.get('answer', '')}", style="bold")
    )
    for number in range(len(run.steps) + 1) if step is None else [step]:
        _print_step(console, run, number)
        if interactive and number < len(run.steps):
            _pause()


def _is_at_terminal() -> bool:
    return sys.stdin.isatty() and sys.stdout.isatty()


def _pause() -> None:
    """Wait for Enter where a person is there to press it; Ctrl-C and Ctrl-D end the command."""
    if not _is_at_terminal():
        return
    try:
        input("-- Enter for the next step, Ctrl-C to stop --")
    except EOFError:
        raise KeyboardInterrupt from None


def _spec_of(document: Any, source: str) -> Path:
    named = document["#meta"].get("spec")
    if not isinstance(named, str):
        hint = "use a file that 'quackcheck check' wrote into traces/"
        raise UserError("the trace does not say which spec it belongs to", where=source, hint=hint)
    path = Path(named)
    if not path.is_file():
        hint = "run quackcheck in the folder in which the trace was saved"
        raise UserError(f"the trace's spec, {path}, is not here", where=source, hint=hint)
    return path


def _run(machine: Machine, path: tuple[Transition, ...], states: list[Any], source: str) -> Trace:
    """The run again, from the initial state and through the states that were saved."""
    hint = "the model or the spec has changed since; check the spec again: it writes a new trace"
    for successor in machine.initial_states():
        if not isinstance(successor.outcome, State):
            continue
        start = Trace(machine.program, successor.outcome, ())
        if _states(start) != states[:1]:
            continue
        try:
            run = replay(machine, successor.outcome, path)
        except InternalError as error:
            what = f"the trace cannot be replayed: {error.args[0]}"
            raise UserError(what, where=source, hint=hint) from None
        if _states(run) == states:
            return run
    raise UserError("the states of the trace are not those of the model", where=source, hint=hint)


def _states(run: Trace) -> Any:
    return json.loads(json.dumps(to_itf(run, {})["states"]))


def _print_step(console: Console, run: Trace, number: int) -> None:
    state = run.initial if number == 0 else run.steps[number - 1].state
    if number == 0:
        console.print(Text("\n 0  initial state", style="bold"))
    else:
        step = run.steps[number - 1]
        outcome = f" {step.outcome}" if step.outcome else ""
        console.print(Text(f"\n{number:>2}  {step.actor}: {step.title}{outcome}", style="bold"))
        for change in durable(step):
            console.print(Text(f"      {change_text(change)}", style="cyan"))
    for line in state_lines(run.program, state):
        console.print(f"      {line}", style="dim")
