"""``quackcheck graph``: all states and transitions of a spec, in a file."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import click

from checker.cli.files import write_whole
from checker.engines.interface import Limits
from checker.engines.native.graph import StateGraph, state_graph
from checker.errors import UserError
from checker.report.graph import dot, graph_json, graphml, npz
from checker.spec import load_spec
from checker.spec.tables import did_you_mean

_EXAMPLES = """\b
Examples:
  quackcheck graph specs/order_intake/naive.toml naive.npz          arrays, for large graphs
  quackcheck graph specs/order_intake/naive.toml naive.json         states in words
  quackcheck graph SPEC small.dot --depth 4                         a picture: dot -Tsvg small.dot
  quackcheck graph SPEC small.graphml --states 20000
"""

#: The forms by their file ending, and how many states each is written with unless --states says more.
_FORMS: dict[str, tuple[Callable[[StateGraph], str | bytes], int]] = {
    ".npz": (npz, 10_000_000),
    ".json": (graph_json, 100_000),
    ".graphml": (graphml, 10_000),
    ".dot": (dot, 2_000),
}


@click.command(
    "graph", epilog=_EXAMPLES, short_help="Write all states and transitions of a spec into a file."
)
@click.argument("spec", type=click.Path())
@click.argument("file", type=click.Path())
@click.option(
    "--states",
    type=click.IntRange(min=1),
    help="The most states to write: 10,000,000 into .npz, 100,000 into .json, 10,000 into .graphml, "
    "2,000 into .dot if not given.",
)
@click.option("--depth", type=click.IntRange(min=1), help="Only the states up to this depth.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Give up after this long.")
def graph_command(spec: str, file: str, states: int | None, depth: int | None, seconds: float | None) -> None:
    """Write all states and transitions of SPEC into FILE, whose ending decides on the form.

    .npz has arrays as numpy.load reads them, .json states as in ITF traces, .graphml and .dot labels to read.
    """
    path = Path(file)
    if path.suffix not in _FORMS:
        hint = did_you_mean(path.suffix, _FORMS)
        raise UserError(f"the file's ending, '{path.suffix}', names no form", where=file, hint=hint)
    if not Path(spec).is_file():
        raise UserError("there is no such spec", where=spec, hint="give one spec, a .toml file")
    write, most = _FORMS[path.suffix]
    graph = state_graph(load_spec(Path(spec)).lowered, Limits(states or most, seconds, depth))
    write_whole(path, write(graph))
    up_to = "" if graph.depth_max is None else f", up to depth {graph.depth_max}"
    click.echo(f"{file}: {len(graph):,} states, {len(graph.sources):,} transitions{up_to}")
