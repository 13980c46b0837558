"""Verdicts and traces as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from checker.engines.interface import Answer, Statistics
from checker.ir.program import Program
from checker.ir.types import BagType, MapType, SetType, Type
from checker.ir.values import Value, in_order, show
from checker.spec import Spec
from checker.spec.check import Checked, CheckedMutation, Finding, Status
from checker.spec.simulate import Simulated
from checker.trace.trace import Change, Step, Trace

_COLOURS = {
    Status.AS_EXPECTED: "green",
    Status.DIFFERS: "red",
    Status.BAD_INPUT: "red",
    Status.UNDECIDED: "yellow",
}
_WORDS = {
    Status.AS_EXPECTED: "as expected",
    Status.DIFFERS: "NOT as expected",
    Status.UNDECIDED: "undecided",
    Status.BAD_INPUT: "model error",
}


def print_verdicts(console: Console, checked: Checked) -> None:
    """The table of one spec: what was checked, every property's verdict, coverage."""
    result, statistics = checked.result, checked.result.statistics
    _print_about(console, checked.spec)
    _print_table(console, checked.findings)
    stopped = f"; stopped: {result.stopped}" if result.stopped else ""
    counted = (
        f"{statistics.states:,} states, {statistics.transitions:,} transitions, depth {statistics.depth}"
    )
    console.print(
        f"  {result.engine}: {statistics.summary or counted}, {statistics.seconds:.1f} s{stopped}",
        style="dim",
        highlight=False,
    )
    for line in symmetry_text(statistics):
        console.print(f"  {line}", style="dim", highlight=False)
    if not statistics.comes_to_rest and result.stopped is None:
        rest = "nothing ever comes to rest: what is asked of quiescent states holds of nothing"
        console.print(f"  {rest}", style="yellow", highlight=False)
    if result.notice:
        console.print(f"  {result.notice}", style="yellow", highlight=False)
    if checked.never_fired and result.stopped is None:
        console.print(f"  never happened: {', '.join(checked.never_fired)}", style="yellow", highlight=False)


def print_warnings(console: Console, spec: Spec) -> None:
    """What a spec declares and no search can see."""
    for warning in spec.warnings:
        console.print(f"  warning: {warning}", style="yellow")


def print_simulation(console: Console, simulated: Simulated) -> None:
    """The table of one simulated spec: what was looked at, every property's verdict, how much was walked."""
    result = simulated.result
    _print_about(console, simulated.spec)
    _print_table(console, simulated.findings)
    stopped = f"; stopped: {result.stopped}" if result.stopped else ""
    console.print(
        f"  {result.engine}, seed {result.seed}: {result.walks:,} walks, {result.steps:,} steps, "
        f"the longest walk {result.longest:,}, {result.seconds:.1f} s{stopped}",
        style="dim",
        highlight=False,
    )
    if result.notice:
        console.print(f"  {result.notice}", style="yellow", highlight=False)


def _print_about(console: Console, spec: Spec) -> None:
    console.print(Text.assemble((f"{spec.path}", "bold"), f"  {spec.lowered.program.name}"))
    if spec.description:
        console.print(f"  {spec.description}", highlight=False)
    console.print(f"  {bounds_text(spec.lowered.program)}", style="dim", highlight=False)


def _print_table(console: Console, findings: Sequence[Finding]) -> None:
    rows = [(str(f.verdict), f.name, _note(f), _expectation(f)) for f in findings]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    for finding, row in zip(findings, rows, strict=True):
        colour = _COLOURS[finding.status]
        padded = [f"{text:<{width}}  " for text, width in zip(row, widths, strict=False)]
        line = Text.assemble((padded[0], colour), padded[1], (padded[2], "dim"), (row[3], colour))
        console.print(Text("    ") + line, soft_wrap=True)


def symmetry_text(statistics: Statistics) -> list[str]:
    """What symmetry did, and for each set that is declared interchangeable and is not, why."""
    used = statistics.symmetry
    if used is None:
        return []
    lines = [f"symmetry: not of {reason}" for reason in used.broken]
    if used.sets:
        about = f"symmetry of {' and '.join(used.sets)}: {used.permutations:,} permutations"
        if used.represented is not None and statistics.states:
            times = used.represented / statistics.states
            about += f", {times:.1f}x fewer states than {used.represented:,}"
        lines.insert(0, about)
    return lines


def print_mutations(console: Console, checked: Checked) -> None:
    """A line for each mutation: which property notices it, after how many steps, or that none does."""
    if not checked.mutations:
        return
    console.print("  mutations:", style="dim")
    width = max(len(m.mutation.name) for m in checked.mutations)
    for m in checked.mutations:
        colour = _COLOURS[m.status]
        line = Text.assemble(f"    {m.mutation.name:<{width}}  ", (_noticed(m), colour))
        console.print(line, soft_wrap=True)


def _noticed(checked: CheckedMutation) -> str:
    """What became of a mutation, and whether that is as expected."""
    if checked.noticed_by:
        told = [f"{f.name} VIOLATED{_in_steps(f)}" for f in checked.noticed_by]
        return f"{', '.join(told)}  as expected"
    if checked.result.failure is not None:
        return f"model error: {checked.result.failure.error}"
    if checked.status is Status.UNDECIDED:
        reason = checked.result.stopped or "the model without it was not searched to its end"
        return f"no property notices it so far: {reason}  undecided"
    said = "SURVIVES"
    if checked.violated_anyway:
        anyway = ", ".join(checked.violated_anyway)
        said += f": within its bounds and faults {anyway} VIOLATED without it, too;"
    else:
        said += f": {', '.join(f'{f.name} {f.verdict.answer.value}' for f in checked.findings)};"
    return f"{said} a mutation that survives is a hole in the properties  NOT as expected"


def _in_steps(finding: Finding) -> str:
    if finding.trace is None:
        return ""
    count = len(finding.trace.steps)
    return f" in {count} step{'' if count == 1 else 's'}"


def bounds_text(program: Program) -> str:
    """The bounds and budgets that a verdict covers, in one line."""
    sizes = ", ".join(f"{index.name} {index.size}" for index in program.index_sets)
    budgets = program.budgets
    amounts = zip(budgets.names, budgets.amounts, strict=True)
    faults = ", ".join(f"{name} {amount}" for name, amount in amounts if amount) or "none"
    return f"bounds: {sizes or 'none'}; faults: {faults}; SDK attempts: {budgets.max_attempts}"


def _note(finding: Finding) -> str:
    verdict = finding.verdict
    if verdict.method and verdict.answer is Answer.HOLDS and finding.trace is None:
        return f"by {verdict.method}"
    if verdict.answer is Answer.UNKNOWN:
        up_to = "" if verdict.depth is None else f"; nothing found up to depth {verdict.depth}"
        return f"{verdict.reason}{up_to}"
    if finding.trace is None:
        return ""
    count = len(finding.trace.steps)
    what = "counterexample" if verdict.answer is Answer.VIOLATED else "witness"
    longer = "" if verdict.is_shortest else ", perhaps not the shortest"
    return f"{what} of {count} step{'' if count == 1 else 's'}{longer}"


def _expectation(finding: Finding) -> str:
    word = _WORDS[finding.status]
    if finding.status is Status.BAD_INPUT:
        return f"FALSE LEMMA: expected {finding.expected.value}"
    return word if finding.status is Status.AS_EXPECTED else f"{word}: expected {finding.expected.value}"


def print_counterexample(console: Console, finding: Finding) -> None:
    """A violated property's story, and the run step by step with what each step changed."""
    assert finding.trace is not None
    console.print()
    console.print(Text(f"  {finding.name}: {finding.story}.", style="bold"))
    if finding.description:
        console.print(f"  ({finding.description})", style="dim", highlight=False)
    console.print(f"  faults it uses: {faults_text(finding.trace)}", style="dim", highlight=False)
    print_trace(console, finding.trace)


def faults_text(trace: Trace) -> str:
    """Which faults a run uses, of which budgets."""
    used = [f"{spent} of {full} {name}" for name, (spent, full) in trace.spent.items()]
    return ", ".join(used) or "none"


def print_trace(console: Console, trace: Trace) -> None:
    """The steps of a run: who, what, how it ended, and the changes to durable state."""
    actor_width = max([len(step.actor) for step in trace.steps], default=0)
    for step in trace.steps:
        style = "yellow" if step.kind.is_fault else ""
        line = f"  {step.number:>3}  {step.actor:<{actor_width}}  {step.title}"
        outcome = f"  {step.outcome}" if step.outcome else ""
        console.print(Text.assemble((line, style), (outcome, "cyan")), soft_wrap=True)
        for change in durable(step):
            console.print(
                Text(f"       {'':<{actor_width}}    {change_text(change)}", style="dim"), soft_wrap=True
            )


def durable(step: Step) -> list[Change]:
    """A step's changes to the variables of the model and its components."""
    return [change for change in step.changes if change.type is not None and _is_variable(step, change)]


def _is_variable(step: Step, change: Change) -> bool:
    return change.owner == "" or change.name.startswith(f"{change.owner}.")


def change_text(change: Change) -> str:
    """A change as a difference: ``orders.items: + rowid 0: OrderRow(order 0, worker 0)``."""
    assert change.type is not None
    removed, added = _difference(change.type, change.before, change.after)
    if removed is None or added is None:
        return f"{change.name}: {change.text(change.before)} → {change.text(change.after)}"
    parts = [f"− {text}" for text in removed] + [f"+ {text}" for text in added]
    return f"{change.name}: {'  '.join(parts)}"


def _difference(type_: Type, before: Value, after: Value) -> tuple[list[str] | None, list[str] | None]:
    match type_:
        case SetType(element):
            gone, new = before - after, after - before
            return [show(element, v) for v in in_order(element, gone)], [
                show(element, v) for v in in_order(element, new)
            ]
        case BagType(element):
            values = in_order(element, {*before, *after})
            gone = [v for v in values for _ in range(before.get(v, 0) - after.get(v, 0))]
            new = [v for v in values for _ in range(after.get(v, 0) - before.get(v, 0))]
            return [show(element, v) for v in gone], [show(element, v) for v in new]
        case MapType(key, inner):
            keys = in_order(key, {*before, *after})
            gone = [k for k in keys if k in before and (k not in after or before[k] != after[k])]
            new = [k for k in keys if k in after and (k not in before or before[k] != after[k])]
            return [f"{show(key, k)}: {show(inner, before[k])}" for k in gone], [
                f"{show(key, k)}: {show(inner, after[k])}" for k in new
            ]
        case _:
            return None, None
