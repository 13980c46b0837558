"""A check by the symbolic engine: encode, unroll, and ask a SAT solver at every depth."""

from __future__ import annotations

import time
from dataclasses import replace

from checker.engines.interface import Request, Result
from checker.engines.memory import shown_bytes
from checker.engines.smt.bounded import BoundedSearch, Findings, TooSmall, result_of
from checker.engines.smt.encoding import encode
from checker.engines.smt.engine import DEPTH_DEFAULT, NAME
from checker.engines.smt.layout import Capacities
from checker.engines.smt.oracle import OutOfMemory, OutOfTime, Watch, oracle_named


def check(request: Request, solver: str) -> Result:
    """Check all properties of a model, as ``SmtEngine.check`` says."""
    begun = time.monotonic()
    make, searching = oracle_named(solver), oracle_named(solver, hard=True)
    limits, program = request.limits, request.lowered.program
    depth_max = limits.depth_max
    if depth_max is None and limits.time_s_max is None:
        depth_max = DEPTH_DEFAULT
    deadline = None if limits.time_s_max is None else begun + limits.time_s_max
    watch = Watch(deadline, memory_bytes_max=limits.memory_bytes_max)
    capacities, findings, clauses, bits = Capacities(), Findings(), 0, 0
    try:
        while True:
            system = encode(program, make, capacities, watch.check)
            bits = system.layout.bits
            search = BoundedSearch(system, searching, request, findings, begun)
            try:
                search.run(depth_max)
                break
            except TooSmall:
                capacities = capacities.doubled()
            finally:
                clauses = search.clauses
    except OutOfTime:
        findings.stopped = f"time limit of {limits.time_s_max:g} s"
    except OutOfMemory:
        findings.stopped = f"memory limit of {shown_bytes(limits.memory_bytes_max or 0)}"
    except KeyboardInterrupt:
        findings.stopped = "interrupted"
    seconds = time.monotonic() - begun
    summary = f"depth {max(findings.depth, 0)}, {bits:,} bits a state, {clauses:,} clauses"
    result = result_of(NAME, program, findings, seconds, summary, request.wanted)
    if limits.states_max is not None:
        return replace(result, notice="the limit of states does not apply: this engine counts none")
    return result
