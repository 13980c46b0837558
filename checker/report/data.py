"""Check results as JSON-like data, for CI and other programs."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

from checker.spec.check import Checked, CheckedMutation, Finding
from checker.spec.simulate import Simulated
from checker.spec.windows import WindowWarning
from checker.trace.trace import Trace

#: Raised when a field changes its meaning or goes away; new fields do not change it.
SCHEMA_VERSION = 1


def checked_data(checked: Checked, saved: dict[str, str]) -> dict[str, Any]:
    """One spec's result; ``saved`` maps a property to the file of its trace."""
    result, statistics = checked.result, checked.result.statistics
    return {
        **_about(checked),
        "states": None if statistics.summary else statistics.states,
        "transitions": None if statistics.summary else statistics.transitions,
        "depth": statistics.depth,
        "seconds": round(statistics.seconds, 3),
        "stopped": result.stopped,
        "notice": result.notice,
        "comes_to_rest": statistics.comes_to_rest,
        "symmetry": None if statistics.symmetry is None else asdict(statistics.symmetry),
        "never_fired": list(checked.never_fired),
        **_found(checked, saved),
        "warnings": [_warning(warning) for warning in checked.spec.warnings],
        "mutations": [_mutation(mutation) for mutation in checked.mutations],
    }


def simulated_data(simulated: Simulated, saved: dict[str, str]) -> dict[str, Any]:
    """What random walks of one spec found; ``saved`` maps a property to the file of its trace."""
    result = simulated.result
    return {
        **_about(simulated),
        "seed": result.seed,
        "walks": result.walks,
        "steps": result.steps,
        "depth_max": result.depth_max,
        "longest": result.longest,
        "seconds": round(result.seconds, 3),
        "stopped": result.stopped,
        "notice": result.notice,
        **_found(simulated, saved),
    }


def _about(outcome: Checked | Simulated) -> dict[str, Any]:
    program = outcome.spec.lowered.program
    budgets = program.budgets
    return {
        "spec": str(outcome.spec.path),
        "model": outcome.spec.model_reference,
        "engine": outcome.result.engine,
        "bounds": {index.name: index.size for index in program.index_sets},
        "faults": dict(zip(budgets.names, budgets.amounts, strict=True)),
        "max_attempts": budgets.max_attempts,
        "status": outcome.status.name.lower(),
    }


def _found(outcome: Checked | Simulated, saved: dict[str, str]) -> dict[str, Any]:
    failure = outcome.result.failure
    return {
        "model_error": None if failure is None else str(failure.error),
        "model_error_steps": None if outcome.failure is None else trace_data(outcome.failure),
        "verdicts": [_finding(finding, saved.get(finding.name)) for finding in outcome.findings],
    }


def _warning(warning: WindowWarning) -> dict[str, Any]:
    return {
        "window": warning.window,
        "dedup": str(warning.dedup),
        "dedup_seconds": warning.dedup.seconds,
        "dedup_source": warning.dedup_source,
        "component": warning.component,
        "horizon": str(warning.horizon),
        "horizon_seconds": warning.horizon.seconds,
        "horizon_source": warning.horizon_source,
        "text": str(warning),
    }


def _mutation(checked: CheckedMutation) -> dict[str, Any]:
    failure = checked.result.failure
    return {
        "name": checked.mutation.name,
        "location": str(checked.mutation.location),
        "replace": checked.mutation.replace,
        "by": checked.mutation.by,
        "violates": list(checked.mutation.violates),
        "status": checked.status.name.lower(),
        "noticed_by": [finding.name for finding in checked.noticed_by],
        "violated_anyway": list(checked.violated_anyway),
        "states": checked.result.statistics.states,
        "seconds": round(checked.result.statistics.seconds, 3),
        "stopped": checked.result.stopped,
        "model_error": None if failure is None else str(failure.error),
        "verdicts": [_finding(finding, None) for finding in checked.findings],
    }


def _finding(finding: Finding, saved: str | None) -> dict[str, Any]:
    verdict = finding.verdict
    return {
        "property": finding.name,
        "kind": finding.kind.value,
        "answer": verdict.answer.value,
        "expected": finding.expected.value,
        "status": finding.status.name.lower(),
        "depth": verdict.depth,
        "reason": verdict.reason,
        "proved": verdict.proved,
        "method": verdict.method,
        "any_number_of": list(verdict.any_number),
        "is_shortest": None if verdict.path is None else verdict.is_shortest,
        "story": finding.story,
        "trace": saved,
        "steps": None if finding.trace is None else trace_data(finding.trace),
        "faults_used": {} if finding.trace is None else {n: s for n, (s, _) in finding.trace.spent.items()},
    }


def trace_data(trace: Trace) -> list[dict[str, Any]]:
    """The steps of a run in words."""
    return [
        {"number": step.number, "actor": step.actor, "step": step.title, "outcome": step.outcome}
        for step in trace.steps
    ]
