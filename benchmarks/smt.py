"""What the symbolic engine takes for published protocols: ``python -m benchmarks.smt``.

The cases and the published times are in ``smt.toml``. A proof's time is that of ``quackcheck prove``
without the start of Python and its imports: lowering the model for its sizes, encoding it, a shortest run
for every ``@reachable`` property, the proof, the check of its certificate by Z3, and following every run in
the model's own Python. For fixed sizes the proof is by IC3 at these sizes; for any number it is what
``quackcheck prove`` does by itself. After that the certificate is read back from its JSON and checked anew,
which is timed apart. A bounded search's time begins with lowering the model, too.

Seconds are of the wall and of the CPU, of this process: an exhaustive search that runs beside a long proof,
in a process of its own, is not counted, and what it decides is not called proved. What takes less than two
seconds is measured three times, and the middle one counts.

Writes ``benchmarks/latest.smt.json`` and ``latest.smt.md``. Ctrl-C keeps what was measured. Exit codes: 0
where all cases are decided, 2 for bad input, 3 where something stays open, 130 after Ctrl-C.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any, TypeVar

from benchmarks.smt_cases import Case, chosen, load_cases
from benchmarks.smt_report import Row, markdown, shown, updated
from checker.cli.files import write_whole
from checker.cli.results import progress_line
from checker.dsl.lowering import LoweredModel
from checker.engines import runner
from checker.engines.interface import Answer, Limits, Progress, Request, Result, Verdict
from checker.engines.smt.certificate import Certificate
from checker.engines.smt.general_certificate import GeneralCertificate
from checker.engines.smt.prove import Proof
from checker.errors import UserError
from checker.ir.program import PropertyKind
from checker.spec import load_spec
from checker.spec.check import check

HERE = Path(__file__).parent
#: How often a short case is measured, and what is short.
REPEATS = 3
SHORT_S = 2.0
#: How long enumeration may take to see whether all actions happen.
VACUITY_S = 60.0

T = TypeVar("T")
Report = Callable[[Progress], None]


def timed(work: Callable[[], T], result_of: Callable[[T], Result]) -> tuple[T, float, float, int]:
    """What ``work`` gives, its wall and CPU seconds, and how often it ran: the run in the middle of them.

    Raises KeyboardInterrupt where Ctrl-C ended it, which engines take as a limit.
    """
    runs: list[tuple[float, float, int, T]] = []
    while not runs or (len(runs) < REPEATS and runs[0][0] < SHORT_S):
        begun, spent = time.perf_counter(), time.process_time()
        found = work()
        runs.append((time.perf_counter() - begun, time.process_time() - spent, len(runs), found))
        if result_of(found).stopped == "interrupted":
            raise KeyboardInterrupt
    wall, cpu, _, found = sorted(runs, key=lambda run: run[:3])[len(runs) // 2]
    return found, wall, cpu, len(runs)


@cache
def never_happens(path: Path) -> tuple[tuple[str, ...], int]:
    """The steps of a spec that enumeration never sees within its own bounds, and how many actions it has."""
    spec = load_spec(path)
    checked = check(spec, limits=Limits(time_s_max=VACUITY_S))
    if checked.interrupted:
        raise KeyboardInterrupt
    return checked.never_fired, len(spec.lowered.program.actions)


def proof_row(case: Case, seconds: float, report: Report) -> Row:
    """Prove a case, check its certificate again, and see that what holds does not hold of nothing.

    For fixed sizes that is IC3 at these sizes; a proof for any number would say more, and is measured apart.
    """

    def work() -> tuple[LoweredModel, Proof]:
        lowered = case.lowered()
        request = Request(lowered, Limits(time_s_max=seconds), report)
        return lowered, runner.prove(request, method="ic3" if case.bounds else "auto")

    (lowered, proof), wall, cpu, times = timed(work, lambda found: found[1].result)
    witnesses, proved, unproved = _sorted_out(lowered, proof.result.verdicts)
    general = {} if case.bounds else _general(lowered, proof)
    certificate: Certificate | GeneralCertificate | None = proof.certificate
    if not case.bounds:
        certificate = proof.general.certificate
    check_s = None if certificate is None else _check_again(case, lowered, certificate)
    never, actions = never_happens(case.spec.path)
    open_ = [*unproved, *(name for name, steps in witnesses.items() if steps is None)]
    if proof.result.failure is not None:
        open_.insert(0, f"model error: {proof.result.failure.error}")
    answer = "proved" if not open_ else f"open: {', '.join(open_)}"
    if not case.bounds:
        answer, missing = _told(lowered, general, proof.general.why_not or answer)
        open_ += missing
    return Row(
        **_asked(case, lowered, seconds),
        answer=answer,
        is_decided=not open_ and not never,
        any_number=general,
        wall_s=wall,
        cpu_s=cpu,
        times=times,
        summary=proof.result.statistics.summary,
        proved=proved,
        unproved=unproved,
        witnesses=witnesses,
        never_happens=never,
        actions=actions,
        lemmas=0 if certificate is None else _lemmas(certificate),
        certificate_check_s=check_s,
    )


def _sorted_out(
    lowered: LoweredModel, verdicts: Sequence[Verdict]
) -> tuple[dict[str, int | None], list[str], dict[str, str]]:
    """The steps of every witness, the names of what is proved, and what is not with the reason."""
    wanted = {prop.name for prop in lowered.program.properties if prop.kind is PropertyKind.REACHABLE}
    witnesses = {v.property: None if v.path is None else len(v.path.transitions) for v in verdicts}
    others = [verdict for verdict in verdicts if verdict.property not in wanted]
    is_proved = {v.property: v.proved and v.answer is Answer.HOLDS for v in others}
    proved = [v.property for v in others if is_proved[v.property]]
    unproved = {
        v.property: f"{v} {v.method or v.reason}".strip() for v in others if not is_proved[v.property]
    }
    return {name: witnesses[name] for name in witnesses if name in wanted}, proved, unproved


def _general(lowered: LoweredModel, proof: Proof) -> dict[str, list[str]]:
    """For each of the model's own properties, the sets for any number of whose members it was proved."""
    others = (PropertyKind.REACHABLE, PropertyKind.LEMMA)
    wanted = {prop.name for prop in lowered.program.properties if prop.kind not in others}
    return {v.property: list(v.any_number) for v in proof.result.verdicts if v.property in wanted}


def _told(lowered: LoweredModel, general: dict[str, list[str]], why_not: str) -> tuple[str, list[str]]:
    """For any number of what was proved, in words; and the sets and properties that are missing there."""
    proved = {name: sets for name, sets in general.items() if sets}
    if not proved:
        return f"no: {why_not}", list(general)
    common = set.intersection(*map(set, proved.values()))
    sets = _interchangeable(lowered)
    answer = " and ".join(name for name in sets if name in common)
    missing = [name for name in sets if name not in common]
    if missing:
        answer += f", not of {' and '.join(missing)}"
    if unproved := [name for name in general if name not in proved]:
        answer += f": {', '.join(proved)}; not {', '.join(unproved)}"
    return answer, missing + unproved


def _interchangeable(lowered: LoweredModel) -> list[str]:
    return [index.name for index in lowered.program.index_sets if index.interchangeable]


def _lemmas(certificate: Certificate | GeneralCertificate) -> int:
    if isinstance(certificate, Certificate):
        return len(certificate.lemmas)
    return len(certificate.claim.patterns)


def _check_again(case: Case, lowered: LoweredModel, certificate: Certificate | GeneralCertificate) -> float:
    """The seconds of a check of the certificate's JSON, as ``quackcheck verify-certificate`` does it.

    Raises UserError where it fails.
    """
    text = json.dumps(certificate.data(str(case.spec.path)))
    begun = time.perf_counter()
    checked = runner.verify_certificate(case.title, text, lambda spec: lowered)
    seconds = time.perf_counter() - begun
    if checked.failed:
        hint = "this is a fault of the prover: do not trust its proofs"
        raise UserError(f"a certificate fails its check: {checked.failed}", where=case.title, hint=hint)
    return seconds


def bounded_row(case: Case, seconds: float, report: Report) -> Row:
    """Search all runs of a case up to its depth for one property."""
    assert case.asked is not None
    limits, wanted = Limits(time_s_max=seconds, depth_max=case.depth), frozenset({case.asked})

    def work() -> tuple[LoweredModel, Result]:
        lowered = case.lowered()
        return lowered, runner.run("smt", Request(lowered, limits, report, wanted=wanted))

    (lowered, result), wall, cpu, times = timed(work, lambda found: found[1])
    verdict = next(v for v in result.verdicts if v.property == case.asked)
    answer = str(verdict)
    if verdict.path is not None:
        answer += f" in {len(verdict.path.transitions)} steps"
    # All runs up to the depth have been looked at where the time did not end first.
    reached = verdict.answer is not Answer.HOLDS_UP_TO or verdict.depth == case.depth
    return Row(
        **_asked(case, lowered, seconds),
        answer=f"{answer} ({result.notice})" if result.notice else answer,
        is_decided=reached and verdict.answer is not Answer.UNKNOWN and result.failure is None,
        wall_s=wall,
        cpu_s=cpu,
        times=times,
        summary=result.statistics.summary,
    )


def _asked(case: Case, lowered: LoweredModel, seconds: float) -> dict[str, Any]:
    budgets = lowered.program.budgets
    spent = [f"{name} {n}" for name, n in zip(budgets.names, budgets.amounts, strict=True) if n]
    return {
        "name": case.name,
        "sizes": dict(case.bounds),
        "faults": ", ".join(spent) or "none",
        "asked": case.asked,
        "depth": case.depth,
        "limit_s": seconds,
        "published": dict(case.published),
        "target_s": case.target_s,
    }


def measured(cases: Sequence[Case], seconds: float) -> Iterator[Row]:
    """The rows of some cases, as they come; progress goes to the terminal."""
    for case in cases:
        with progress_line(case.title) as show:

            def report(now: Progress, show: Callable[[str], None] = show) -> None:
                show(f"{now.text}  {now.seconds:.0f} s")

            measure = proof_row if case.depth is None else bounded_row
            row = measure(case, seconds, report)
        told = f"{shown(row.wall_s)} s, CPU {shown(row.cpu_s)} s"
        print(f"{case.title}: {row.answer}, {told}", file=sys.stderr, flush=True)
        yield row


def warmed(cases: Sequence[Case]) -> None:
    """Do one small proof and one small search, so that no import is measured."""
    if cases:
        small = min(cases, key=lambda case: sum(case.bounds.values()) or 99).lowered()
        runner.prove(Request(small, Limits(time_s_max=1)))
        runner.run("smt", Request(small, Limits(time_s_max=1, depth_max=1)))


def environment() -> dict[str, Any]:
    """What the times depend on."""

    def of(package: str) -> str | None:
        try:
            return version(package)
        except PackageNotFoundError:
            return None

    packages = {name: of(name) for name in ("z3-solver", "python-sat")}
    return {"python": platform.python_version(), "cores": os.cpu_count(), **packages}


def document(rows: Sequence[Row], sources: Mapping[str, str], interrupted: bool) -> str:
    """Everything as JSON."""
    data = {
        "version": 1,
        "environment": environment(),
        "interrupted": interrupted,
        "sources": sources,
        "rows": [asdict(row) for row in rows],
    }
    return json.dumps(data, indent=1) + "\n"


def arguments(given: Sequence[str] | None) -> argparse.Namespace:
    """The command line. Exits with 2 where it is wrong."""

    def positive(text: str) -> float:
        if not (value := float(text)) > 0:
            raise argparse.ArgumentTypeError(f"{text} is no time: give seconds above 0")
        return value

    form = argparse.RawDescriptionHelpFormatter
    parser = argparse.ArgumentParser("benchmarks.smt", description=__doc__, formatter_class=form)
    parser.add_argument("names", nargs="*", help="measure only what has one of these in its name")
    parser.add_argument("--seconds", type=positive, default=60.0, help="the limit of a case (default: 60)")
    parser.add_argument(
        "--json", action="store_true", help="print JSON, and nothing else, on standard output"
    )
    parser.add_argument("--update", type=Path, help="a Markdown file whose tables are rewritten")
    return parser.parse_args(given)


def main(given: Sequence[str] | None = None, folder: Path = HERE) -> int:
    """Measure, print, and write the results into ``folder``. Returns the exit code."""
    options = arguments(given)
    rows: list[Row] = []
    interrupted = False
    try:
        cases, sources = load_cases()
        cases = chosen(cases, options.names)
        if options.update is not None:
            updated(options.update, "")  # said before anything is measured
        try:
            warmed(cases)
            for row in measured(cases, options.seconds):
                rows.append(row)
        except KeyboardInterrupt:
            interrupted = True
        tables, data = markdown(rows, sources), document(rows, sources, interrupted)
        write_whole(folder / "latest.smt.json", data)
        write_whole(folder / "latest.smt.md", tables)
        if options.update is not None and not interrupted:
            write_whole(options.update, updated(options.update, tables))
    except UserError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(data if options.json else tables, end="")
    if interrupted:
        print("interrupted", file=sys.stderr)
        return 130
    return 0 if all(row.is_decided for row in rows) else 3


if __name__ == "__main__":
    sys.exit(main())
