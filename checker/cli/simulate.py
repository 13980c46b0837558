"""``quackcheck simulate``: random walks through specs whose states are too many to exhaust."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from checker.cli.results import exit_code, print_runs, print_summary, progress_line, save_traces
from checker.cli.terminal import console as new_console
from checker.engines.simulation import WalkProgress
from checker.report.data import SCHEMA_VERSION, simulated_data
from checker.report.text import print_simulation
from checker.spec import find_specs, load_spec
from checker.spec.check import Status
from checker.spec.simulate import simulate

_EXAMPLES = """\b
Examples:
  quackcheck simulate specs/order_intake/naive.toml
  quackcheck simulate SPEC --seed 7                   other walks
  quackcheck simulate SPEC --walks 1000000 --depth 500
  quackcheck simulate SPEC --walks 1000000000 --seconds 60
"""


@click.command("simulate", epilog=_EXAMPLES, short_help="Walk through specs at random.")
@click.argument("specs", nargs=-1, type=click.Path())
@click.option(
    "--seed",
    type=click.IntRange(0, 2**64 - 1),
    default=0,
    show_default=True,
    help="The same seed, the same walks.",
)
@click.option(
    "--walks",
    type=click.IntRange(1, 2**63 - 1),
    default=10_000,
    show_default=True,
    help="How many walks are made of each spec.",
)
@click.option(
    "--depth",
    type=click.IntRange(1, 10_000_000),
    default=200,
    show_default=True,
    help="The most steps of a walk.",
)
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop a spec after this long.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of the native engine; all cores if not given."
)
@click.option("--traces", type=click.Path(), default="traces", show_default=True, help="Where traces go.")
@click.option("--quiet", "-q", is_flag=True, help="Print verdicts, no counterexamples.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, and nothing else, on standard output.")
@click.pass_context
def simulate_command(
    context: click.Context,
    specs: tuple[str, ...],
    seed: int,
    walks: int,
    depth: int,
    seconds: float | None,
    threads: int | None,
    traces: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Walk at random through SPECS (files or folders; all of specs/ by default).

    Finds violations where the states are too many for 'check'. That none is found proves nothing: the
    verdict is UNKNOWN then, and the exit code 3. A counterexample is seldom a shortest one.
    """
    loaded = [load_spec(path) for path in find_specs(specs)]
    console = new_console(stderr=as_json)
    documents: list[dict[str, Any]] = []
    statuses: list[Status] = []
    interrupted = False
    for spec in loaded:
        try:
            with progress_line(str(spec.path)) as show:
                simulated = simulate(
                    spec,
                    seed=seed,
                    walks_max=walks,
                    depth_max=depth,
                    time_s_max=seconds,
                    threads=threads or 0,
                    report=lambda now: show(_progress_text(now)),
                )
        except KeyboardInterrupt:  # outside the walks, which keep what they have found
            interrupted = True
            break
        saved = save_traces(simulated, Path(traces))
        statuses.append(simulated.status)
        documents.append(simulated_data(simulated, saved))
        if not as_json:
            print_simulation(console, simulated)
            print_runs(console, simulated, saved, quiet)
        if simulated.result.stopped == "interrupted":
            interrupted = True
            break
    code = 130 if interrupted else exit_code(statuses)
    if as_json:
        click.echo(json.dumps({"version": SCHEMA_VERSION, "exit_code": code, "specs": documents}, indent=2))
    else:
        print_summary(console, len(loaded), statuses, interrupted)
    context.exit(code)


def _progress_text(progress: WalkProgress) -> str:
    rate = progress.steps / progress.seconds if progress.seconds else 0
    return (
        f"{progress.walks:,} walks  {progress.steps:,} steps  {rate:,.0f} steps/s  {progress.seconds:.0f} s"
    )
