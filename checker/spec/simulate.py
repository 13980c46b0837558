"""Random simulation of one spec: what it found, with traces and stories."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

from checker.engines import runner
from checker.engines.simulation import Simulation, SimulationRequest, WalkProgress
from checker.spec.check import Finding, Status, replayed, worst_status
from checker.spec.load import Spec
from checker.trace.trace import Trace


@dataclass(frozen=True)
class Simulated:
    """A spec with what random walks found; ``failure`` is the run into a model error, if there is one."""

    spec: Spec
    result: Simulation
    findings: tuple[Finding, ...]
    failure: Trace | None = None

    @cached_property
    def status(self) -> Status:
        """The worst of all findings: a model error, else a difference, else something undecided."""
        return worst_status(self.findings, self.result.failure)


def simulate(
    spec: Spec,
    *,
    seed: int,
    walks_max: int,
    depth_max: int,
    time_s_max: float | None = None,
    threads: int = 0,
    report: Callable[[WalkProgress], None] = lambda progress: None,
) -> Simulated:
    """Simulate a spec; its own limits, which are those of a search, do not count. Arguments as the request's.

    Raises:
        InternalError: the reference semantics disagree with what was found.
    """
    request = SimulationRequest(spec.lowered, seed, walks_max, depth_max, time_s_max, threads, report)
    result = runner.simulate(request)
    findings, failure = replayed(spec, result.verdicts, result.failure)
    return Simulated(spec, result, findings, failure)
