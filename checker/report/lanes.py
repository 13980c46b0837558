"""A trace as swim-lanes in plain text: a column for each actor, a line for each step."""

from __future__ import annotations

from checker.semantics.state import StepKind
from checker.trace.trace import Step, Trace

_MARKS = {
    StepKind.FAIL: "✗ ",
    StepKind.AMBIGUOUS: "? ",
    StepKind.CRASH: "☠ ",
    StepKind.FAULT: "⚡ ",
}


def lanes(trace: Trace, width_max: int = 100) -> list[str]:
    """The lines of the diagram.

    The first lane belongs to the environment and the components, the others to the processes in
    program order. ``✗`` marks a call that failed, ``?`` one whose answer was lost, ``☠`` a crash and
    ``⚡`` a component's fault.
    """
    actors = ["environment"]
    program = trace.program
    actors += [program.instance_name(number) for number in range(program.process_count)]
    actors = [actor for actor in actors if any(_lane(step) == actor for step in trace.steps)]
    texts = [(step.number, _lane(step), _text(step)) for step in trace.steps]
    widths = [
        max([len(actor), *(len(text) for _, lane, text in texts if lane == actor)]) + 3 for actor in actors
    ]
    if sum(widths) + 4 > width_max and widths:
        # Lanes may overlap to the right: a step's text runs on where the next lane is empty in its line.
        share = max((width_max - 4 - widths[-1]) // max(len(widths) - 1, 1), 14)
        widths = [min(width, share) for width in widths[:-1]] + widths[-1:]
    starts = [4 + sum(widths[:position]) for position in range(len(actors))]
    lines = [_placed(dict(zip(starts, actors, strict=True)))]
    for number, lane, text in texts:
        lines.append(f"{number:>2}{_placed({starts[actors.index(lane)]: text})[2:]}")
    return lines


def _placed(parts: dict[int, str]) -> str:
    line = ""
    for start, text in parts.items():
        line = line.ljust(start) + text
    return line


def _lane(step: Step) -> str:
    return step.actor if step.transition.process >= 0 else "environment"


def _text(step: Step) -> str:
    title = step.title
    if step.transition.process < 0 and step.actor != "environment":
        title = f"{step.actor}.{title}"
    outcome = step.outcome
    return _MARKS.get(step.kind, "") + title + (f" {outcome}" if outcome else "")
