"""``quackcheck check``: verdicts for specs, their counterexamples, and saved traces."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import click

from checker.cli.results import exit_code, print_runs, print_summary, progress_line, save_traces
from checker.cli.terminal import console as new_console
from checker.engines.interface import Limits, Progress, SearchOrder
from checker.engines.memory import bytes_of, shown_bytes
from checker.engines.runner import ENGINES
from checker.report.data import SCHEMA_VERSION, checked_data
from checker.report.text import print_mutations, print_verdicts, print_warnings
from checker.spec import find_specs, load_spec
from checker.spec.check import Status, check, check_mutations, compiling_ahead

_EXAMPLES = """\b
Examples:
  quackcheck check                                    every spec under specs/
  quackcheck check specs/order_intake/naive.toml      one spec
  quackcheck check specs/order_intake --quiet         verdicts only
  quackcheck check --states 100000 --seconds 20       with limits
  quackcheck check SPEC --engine auto                 explicit and symbolic, whoever is first
  quackcheck check SPEC --engine smt --depth 12       all runs of twelve steps at once
  quackcheck check --json > verdicts.json             for other programs
"""


def _memory(context: click.Context, option: click.Parameter, value: str | None) -> int | None:
    try:
        return None if value is None else bytes_of(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no amount of memory: {error}") from None


@click.command(
    "check", epilog=_EXAMPLES, short_help="Check specs, and compare the verdicts with what they expect."
)
@click.argument("specs", nargs=-1, type=click.Path())
@click.option(
    "--engine",
    type=click.Choice(list(ENGINES)),
    help="Use this engine, whatever the spec says; auto races native and smt in two processes.",
)
@click.option("--states", type=click.IntRange(min=1), help="Stop after this many distinct states.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop a spec after this long.")
@click.option("--depth", type=click.IntRange(min=1), help="Look at most this many steps deep.")
@click.option(
    "--memory",
    metavar="SIZE",
    callback=_memory,
    help="Stop a spec at this much memory, such as 500MB or 2GiB.",
)
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of the native engine; all cores if not given."
)
@click.option(
    "--symmetry/--no-symmetry",
    default=None,
    help="Whether one state may stand for those that renaming makes of it; as the spec says if not given.",
)
@click.option(
    "--search",
    type=click.Choice([order.value for order in SearchOrder]),
    default=SearchOrder.BREADTH_FIRST.value,
    show_default=True,
    help="depth-first and deepening are for when memory is short: they forget states, 1 GiB if not --memory; "
    "what deepening finds is shortest.",
)
@click.option("--traces", type=click.Path(), default="traces", show_default=True, help="Where traces go.")
@click.option("--quiet", "-q", is_flag=True, help="Print verdicts, no counterexamples.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")
@click.pass_context
def check_command(
    context: click.Context,
    specs: tuple[str, ...],
    engine: str | None,
    states: int | None,
    seconds: float | None,
    depth: int | None,
    memory: int | None,
    threads: int | None,
    symmetry: bool | None,
    search: str,
    traces: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check SPECS (files or folders; all of specs/ by default) and compare with what they expect."""
    loaded = [load_spec(path) for path in find_specs(specs)]
    console = new_console(stderr=as_json)
    order = SearchOrder(search)
    limits = Limits(states, seconds, depth, memory)
    documents: list[dict[str, Any]] = []
    statuses: list[Status] = []
    interrupted = False
    with compiling_ahead(loaded, engine, symmetry):
        for spec in loaded:
            try:
                with progress_line(str(spec.path)) as show:

                    def report(mutation: str, now: Progress, show: Callable[[str], None] = show) -> None:
                        show(_progress_text(now) + (f"  mutation '{mutation}'" if mutation else ""))

                    checked = check(
                        spec,
                        engine,
                        limits,
                        partial(report, ""),
                        threads or 0,
                        symmetry=symmetry,
                        order=order,
                    )
                    checked = check_mutations(checked, engine, limits, report, threads or 0, symmetry)
            except KeyboardInterrupt:  # outside the search, which keeps what it has found
                interrupted = True
                break
            saved = save_traces(checked, Path(traces))
            statuses.append(checked.status)
            documents.append(checked_data(checked, saved))
            if not as_json:
                print_verdicts(console, checked)
                print_mutations(console, checked)
                print_warnings(console, spec)
                print_runs(console, checked, saved, quiet)
            if checked.interrupted:
                interrupted = True
                break
    code = 130 if interrupted else exit_code(statuses)
    if as_json:
        click.echo(json.dumps({"version": SCHEMA_VERSION, "exit_code": code, "specs": documents}, indent=2))
    else:
        print_summary(console, len(loaded), statuses, interrupted)
    context.exit(code)


def _progress_text(progress: Progress) -> str:
    if progress.text:
        return f"{progress.text}  {progress.seconds:.0f} s"
    rate = progress.states / progress.seconds if progress.seconds else 0
    load = "" if progress.load is None else f" ({progress.load:.0%} of the table)"
    return (
        f"{progress.states:,} states  depth {progress.depth}  waiting {progress.frontier:,}  "
        f"{rate:,.0f} states/s  {shown_bytes(progress.memory_bytes)}{load}  {progress.seconds:.0f} s"
    )
