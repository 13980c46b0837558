"""What ``check`` and ``simulate`` have in common: progress, saved traces, counterexamples, the last line."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from rich.console import Console
from rich.text import Text

from checker.cli.files import write_whole
from checker.cli.terminal import console as new_console
from checker.engines.interface import Answer
from checker.report.text import print_counterexample, print_trace
from checker.spec.check import Checked, Status
from checker.spec.simulate import Simulated
from checker.trace.itf import to_itf


def exit_code(statuses: Sequence[Status]) -> int:
    """The worst status as the command's exit code."""
    for worst in (Status.BAD_INPUT, Status.DIFFERS, Status.UNDECIDED):
        if worst in statuses:
            return int(worst)
    return 0


@contextmanager
def progress_line(title: str) -> Iterator[Callable[[str], None]]:
    """A line on the terminal that is written anew with every call; nothing where there is no terminal.

    The title comes last, because what does not fit is cut off.
    """
    console = new_console(stderr=True)
    if not console.is_terminal:
        yield lambda text: None
        return
    from rich.status import Status as Spinner  # slow to import, and seldom needed

    with Spinner(Text(title), console=console) as spinner:
        yield lambda text: spinner.update(Text(f"{text}  {title}"))


def save_traces(outcome: Checked | Simulated, folder: Path) -> dict[str, str]:
    """Write every trace; returns the file of each property."""
    saved = {}
    for finding in outcome.findings:
        if finding.trace is None:
            continue
        path = folder / outcome.spec.group / f"{outcome.spec.name}.{finding.name}.itf.json"
        about = {
            "spec": str(outcome.spec.path),
            "property": finding.name,
            "answer": finding.verdict.answer.value,
            "story": finding.story,
        }
        write_whole(path, json.dumps(to_itf(finding.trace, about), indent=1) + "\n")
        saved[finding.name] = str(path)
    return saved


def print_runs(console: Console, outcome: Checked | Simulated, saved: dict[str, str], quiet: bool) -> None:
    """The model error and the counterexamples, those with their steps unless ``quiet``."""
    if outcome.result.failure is not None:
        console.print(f"\n  model error: {outcome.result.failure.error}", style="bold red")
        if outcome.failure is not None and not quiet:
            print_trace(console, outcome.failure)
    if not quiet:
        for finding in outcome.findings:
            if finding.verdict.answer is Answer.VIOLATED and finding.trace is not None:
                print_counterexample(console, finding)
                console.print(f"  trace: {saved[finding.name]}", style="dim")
            elif finding.verdict.answer is Answer.VIOLATED:
                console.print(f"  {finding.name}: {finding.story}")
    console.print()


def print_summary(console: Console, specs: int, statuses: list[Status], interrupted: bool) -> None:
    """How many of the specs ended in which way."""
    counts = [
        f"{statuses.count(status)} {word}"
        for status, word in (
            (Status.AS_EXPECTED, "as expected"),
            (Status.DIFFERS, "not as expected"),
            (Status.UNDECIDED, "undecided"),
            (Status.BAD_INPUT, "with an error in the model"),
        )
        if status in statuses
    ]
    if interrupted:
        counts.append(f"interrupted, {specs - len(statuses)} not checked")
    fine = not interrupted and set(statuses) == {Status.AS_EXPECTED}
    number = "1 spec" if specs == 1 else f"{specs} specs"
    console.print(f"{number}: {', '.join(counts)}", style="bold green" if fine else "bold red")
