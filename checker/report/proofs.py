"""What a proof tells beside its verdicts, as text and as data: lemmas, and why something is not inductive."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from checker.engines.smt.explaining import Explanation
from checker.engines.smt.lemmas import Fate, LemmaFate
from checker.engines.smt.prove import Proof
from checker.ir.program import Program
from checker.report.data import trace_data
from checker.report.state import state_lines
from checker.report.text import print_trace
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.trace.trace import Trace, replay

_COLOURS = {
    Fate.NEEDED: "green",
    Fate.FALSE: "red",
    Fate.FALSE_INITIALLY: "red",
    Fate.NOT_PRESERVED: "yellow",
}


def print_lemmas(console: Console, lemmas: Sequence[LemmaFate]) -> None:
    """A line for each of the user's lemmas: where it stands, and what became of it."""
    if not lemmas:
        return
    console.print("  lemmas:", style="dim")
    names = max(len(lemma.name) for lemma in lemmas)
    places = max(len(_place(lemma)) for lemma in lemmas)
    for lemma in lemmas:
        head = f"    {lemma.name:<{names}}  {_place(lemma):<{places}}  "
        console.print(Text.assemble(head, (_fate(lemma), _COLOURS.get(lemma.fate, ""))), soft_wrap=True)


def _place(lemma: LemmaFate) -> str:
    return f"{lemma.location.path}:{lemma.location.line}"


def _fate(lemma: LemmaFate) -> str:
    if lemma.fate is Fate.NEEDED:
        return f"needed for {', '.join(lemma.needed_for)}"
    if lemma.fate is Fate.FALSE:
        return f"false after {lemma.steps} step{'' if lemma.steps == 1 else 's'}, see its run"
    if lemma.fate is Fate.NOT_PRESERVED:
        return "not preserved, and not used: a step makes it false (see below); whether it is true is open"
    return str(lemma.fate.value)


def print_explanation(console: Console, program: Program, explanation: Explanation) -> None:
    """Two states and the step between them, the first by what differs from the initial state."""
    name = explanation.name
    if explanation.is_inductive:
        console.print(f"\n  {name} is inductive by itself.", highlight=False)
        return
    known = "by itself"
    if explanation.relies_on:
        number = explanation.relies_on
        known = f"together with what was proved ({number} lemma{'' if number == 1 else 's'})"
    title = f"\n  {name} is not inductive {known}: one step makes it false, from a state in which it holds"
    console.print(Text(title, style="bold"), soft_wrap=True)
    console.print("  (possibly unreachable; all else is as in the initial state)", style="dim")
    for line in unlike_initial(program, explanation) or ["the initial state itself"]:
        console.print(f"       {line}", highlight=False, soft_wrap=True)
    print_trace(console, _trace(program, explanation))


def unlike_initial(program: Program, explanation: Explanation) -> list[str]:
    """What of the first state differs from the initial one: variables, processes, budgets."""
    usual = set(state_lines(program, explanation.initial))
    return [line for line in state_lines(program, explanation.before) if line not in usual]


def _trace(program: Program, explanation: Explanation) -> Trace:
    assert explanation.transition is not None
    return replay(Machine(program), explanation.before, (explanation.transition,))


def proof_data(proof: Proof, program: Program) -> dict[str, Any]:
    """What a proof tells beside its verdicts, as JSON-like data."""
    return {
        "lemmas": [
            {
                "name": lemma.name,
                "location": _place(lemma),
                "fate": lemma.fate.name.lower(),
                "needed_for": list(lemma.needed_for),
            }
            for lemma in proof.lemmas
        ],
        "explanations": [_explanation(one, program) for one in proof.explanations],
    }


def _explanation(explanation: Explanation, program: Program) -> dict[str, Any]:
    def whole(state: State) -> list[str]:
        return state_lines(program, state)

    found: dict[str, Any] = {
        "property": explanation.name,
        "inductive": explanation.is_inductive,
        "lemmas": explanation.relies_on,
    }
    if explanation.is_inductive:
        return found
    return {
        **found,
        "possibly_unreachable": True,
        "unlike_initial": unlike_initial(program, explanation),
        "before": whole(explanation.before),
        "step": trace_data(_trace(program, explanation))[0],
        "after": whole(explanation.after),
    }
