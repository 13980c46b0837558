"""``quackcheck check``: verdicts for specs, their counterexamples, and saved traces."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.status import Status as Spinner
from rich.text import Text

from checker.cli.files import write_whole
from checker.cli.terminal import console as new_console
from checker.engines.interface import Answer, Limits, Progress
from checker.engines.runner import ENGINES
from checker.report.data import SCHEMA_VERSION, checked_data
from checker.report.text import print_counterexample, print_trace, print_verdicts
from checker.spec import Spec, find_specs, load_spec
from checker.spec.check import Checked, Status, check
from checker.trace.itf import to_itf

_EXAMPLES = """\b
Examples:
  quackcheck check                                    every spec under specs/
  quackcheck check specs/order_intake/naive.toml      one spec
  quackcheck check specs/order_intake --quiet         verdicts only
  quackcheck check --states 100000 --seconds 20       with limits
  quackcheck check --json > verdicts.json             for other programs
"""


@click.command(
    "check", epilog=_EXAMPLES, short_help="Check specs, and compare the verdicts with what they expect."
)
@click.argument("specs", nargs=-1, type=click.Path())
@click.option("--engine", type=click.Choice(list(ENGINES)), help="Use this engine, whatever the spec says.")
@click.option("--states", type=click.IntRange(min=1), help="Stop after this many distinct states.")
@click.option("--seconds", type=click.FloatRange(min=0, min_open=True), help="Stop a spec after this long.")
@click.option("--depth", type=click.IntRange(min=1), help="Look at most this many steps deep.")
@click.option(
    "--threads", type=click.IntRange(min=1), help="Threads of the native engine; all cores if not given."
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
    threads: int | None,
    traces: str,
    quiet: bool,
    as_json: bool,
) -> None:
    """Check SPECS (files or folders; all of specs/ by default) and compare with what they expect."""
    loaded = [load_spec(path) for path in find_specs(specs)]
    console = new_console(stderr=as_json)
    limits = Limits(states, seconds, depth)
    documents: list[dict[str, Any]] = []
    statuses: list[Status] = []
    interrupted = False
    for spec in loaded:
        try:
            with _progress(spec) as report:
                checked = check(spec, engine, limits, report, threads or 0)
        except KeyboardInterrupt:  # outside the search, which keeps what it has found
            interrupted = True
            break
        saved = _save(checked, Path(traces))
        statuses.append(checked.status)
        documents.append(checked_data(checked, saved))
        if not as_json:
            _print(console, checked, saved, quiet)
        if checked.result.stopped == "interrupted":
            interrupted = True
            break
    code = 130 if interrupted else _exit_code(statuses)
    if as_json:
        click.echo(json.dumps({"version": SCHEMA_VERSION, "exit_code": code, "specs": documents}, indent=2))
    else:
        _print_summary(console, loaded, statuses, interrupted)
    context.exit(code)


def _exit_code(statuses: list[Status]) -> int:
    for worst in (Status.BAD_INPUT, Status.DIFFERS, Status.UNDECIDED):
        if worst in statuses:
            return int(worst)
    return 0


@contextmanager
def _progress(spec: Spec) -> Iterator[Any]:
    """A line on the terminal that tells how far the search is; nothing where there is no terminal."""
    console = new_console(stderr=True)
    if not console.is_terminal:
        yield lambda progress: None
        return
    with Spinner(Text(str(spec.path)), console=console) as spinner:

        def report(progress: Progress) -> None:
            rate = progress.states / progress.seconds if progress.seconds else 0
            line = (
                f"{spec.path}  {progress.states:,} states  depth {progress.depth}  "
                f"waiting {progress.frontier:,}  {rate:,.0f} states/s  {progress.seconds:.0f} s"
            )
            spinner.update(Text(line))

        yield report


def _save(checked: Checked, folder: Path) -> dict[str, str]:
    """Write every trace; returns the file of each property."""
    saved = {}
    for finding in checked.findings:
        if finding.trace is None:
            continue
        path = folder / checked.spec.group / f"{checked.spec.name}.{finding.name}.itf.json"
        about = {
            "spec": str(checked.spec.path),
            "property": finding.name,
            "answer": finding.verdict.answer.value,
            "story": finding.story,
        }
        write_whole(path, json.dumps(to_itf(finding.trace, about), indent=1) + "\n")
        saved[finding.name] = str(path)
    return saved


def _print(console: Console, checked: Checked, saved: dict[str, str], quiet: bool) -> None:
    print_verdicts(console, checked)
    if checked.result.failure is not None:
        console.print(f"\n  model error: {checked.result.failure.error}", style="bold red")
        if checked.failure is not None and not quiet:
            print_trace(console, checked.failure)
    if not quiet:
        for finding in checked.findings:
            if finding.verdict.answer is Answer.VIOLATED and finding.trace is not None:
                print_counterexample(console, finding)
                console.print(f"  trace: {saved[finding.name]}", style="dim")
            elif finding.verdict.answer is Answer.VIOLATED:
                console.print(f"  {finding.name}: {finding.story}")
    console.print()


def _print_summary(console: Console, specs: list[Spec], statuses: list[Status], interrupted: bool) -> None:
    counts = [
        f"{statuses.count(status)} {word}"
        for status, word in (
            (Status.AS_EXPECTED, "as expected"),
            (Status.DIFFERS, "not as expected"),
            (Status.UNDECIDED, "undecided"),
            (Status.BAD_INPUT, "with a model error"),
        )
        if status in statuses
    ]
    left = len(specs) - len(statuses)
    if interrupted:
        counts.append(f"interrupted, {left} not checked")
    fine = not interrupted and set(statuses) == {Status.AS_EXPECTED}
    number = "1 spec" if len(specs) == 1 else f"{len(specs)} specs"
    console.print(f"{number}: {', '.join(counts)}", style="bold green" if fine else "bold red")
