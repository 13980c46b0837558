"""``quackcheck show``: what was understood of a model."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console
from rich.text import Text

from checker.cli.terminal import console
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.errors import UserError
from checker.ir.program import Budgets, Label, Program
from checker.ir.values import show
from checker.spec import load_spec
from checker.spec.models import load_model

_EXAMPLES = """\b
Examples:
  quackcheck show specs/order_intake/naive.toml
  quackcheck show models/order_intake.py:Naive                  every index set of size 2
  quackcheck show models/order_intake.py:Naive --bound Order=3
"""


@click.command("show", epilog=_EXAMPLES, short_help="Show what was understood of a model.")
@click.argument("model")
@click.option("--bound", "bounds", multiple=True, metavar="NAME=SIZE", help="The size of an index set.")
def show_command(model: str, bounds: tuple[str, ...]) -> None:
    """Show what was understood of MODEL: a spec, or a model as FILE.py:CLASS."""
    if model.endswith(".toml"):
        if not Path(model).is_file():
            raise UserError("there is no such spec", where=model, hint="give a file, or FILE.py:CLASS")
        program = load_spec(Path(model)).lowered.program
    else:
        cls = load_model(model, "MODEL")
        sizes = dict.fromkeys(index_sets_of(cls), 2)
        sizes.update(_sizes(bounds))
        program = lower(cls, sizes, Budgets()).program
    _print(console(), program)


def _sizes(bounds: tuple[str, ...]) -> dict[str, int]:
    sizes = {}
    for bound in bounds:
        name, _, size = bound.partition("=")
        if not (size.isascii() and size.isdigit()):
            raise UserError(f"'{bound}' is no bound", where="--bound", hint="write --bound Order=3")
        sizes[name] = int(size)
    return sizes


def _print(console: Console, program: Program) -> None:
    console.print(Text.assemble((program.name, "bold"), f"  {program.location}"))
    if program.description:
        console.print(f"  {program.description}")
    _section(
        console, "index sets", [_index_text(program, number) for number in range(len(program.index_sets))]
    )
    _section(
        console,
        "state",
        [f"{v.name}: {v.type} = {show(v.type, v.initial)}" for v in program.variables],
    )
    for process in program.processes:
        title = f"process {process.name}, {process.instances} instance(s), {len(process.labels)} labels"
        _section(console, title, [_label_text(label) for label in process.labels])
    free = [action for action in program.actions if action.budget is None]
    faults = [action for action in program.actions if action.budget is not None]
    parameters = {a.name: ", ".join(f"{p.name}: {p.type}" for p in a.parameters) for a in program.actions}
    _section(console, "actions", [f"{a.name}({parameters[a.name]})  {a.location}" for a in free])
    general = ["crash: a process dies at a call, loses its locals, begins again"]
    general += ["fail: a call fails before it is applied", "ambiguous: a call is applied, its answer lost"]
    amounts = dict(zip(program.budgets.names, program.budgets.amounts, strict=True))
    lines = [f"{text}  (budget {amounts[text.partition(':')[0]]})" for text in general]
    lines += [f"{a.name}({parameters[a.name]})  {a.location}  (budget {amounts[a.name]})" for a in faults]
    _section(console, "faults", lines)
    _section(
        console, "properties", [f"@{p.kind.value} {p.name}: {p.description}" for p in program.properties]
    )


def _index_text(program: Program, number: int) -> str:
    index = program.index_sets[number]
    return f"{index.name}: {index.size} members" + (", interchangeable" if index.interchangeable else "")


def _label_text(label: Label) -> str:
    live = f"  keeps {', '.join(label.live)}" if label.live else ""
    idle = "  (idle)" if label.idle else ""
    caught = [error for handler in label.handlers for error in handler.errors]
    handled = f"  catches {', '.join(caught)}" if caught else ""
    return f"{label.call.name}  {label.location}{idle}{live}{handled}"


def _section(console: Console, title: str, lines: list[str]) -> None:
    if lines:
        console.print(Text(f"\n{title}", style="bold"))
        for line in lines:
            console.print(f"  {line}")
