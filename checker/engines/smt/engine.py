"""The symbolic engine: encode, unroll, and ask a SAT solver at every depth."""

from __future__ import annotations

import time
from dataclasses import replace

from checker.engines.interface import Request, Result
from checker.engines.memory import shown_bytes
from checker.engines.smt.bounded import BoundedSearch, Findings, TooSmall, result_of
from checker.engines.smt.encoding import encode
from checker.engines.smt.layout import Capacities
from checker.engines.smt.oracle import OutOfMemory, OutOfTime, oracle_named

#: How deep to look where no limit is given.
DEPTH_DEFAULT = 10


class SmtEngine:
    """Looks at all runs up to a depth at once, without enumerating states.

    ``solver`` names the SAT solver; ``auto`` is the fastest that is installed.
    """

    name = "smt"

    def __init__(self, solver: str = "auto") -> None:
        self._solver = solver

    def check(self, request: Request) -> Result:
        """Check all properties of the model up to a depth, ``DEPTH_DEFAULT`` where no limit is given.

        Raises Unsupported where only the explicit engine can take the model.
        """
        begun = time.monotonic()
        make = oracle_named(self._solver)
        limits, program = request.limits, request.lowered.program
        depth_max = limits.depth_max
        if depth_max is None and limits.time_s_max is None:
            depth_max = DEPTH_DEFAULT
        capacities, findings, clauses = Capacities(), Findings(), 0
        system = encode(program, make, capacities)
        try:
            while True:
                search = BoundedSearch(system, make, request, findings, begun)
                try:
                    search.run(depth_max)
                    break
                except TooSmall:
                    capacities = capacities.doubled()
                    system = encode(program, make, capacities)
                finally:
                    clauses = search.clauses
        except OutOfTime:
            findings.stopped = f"time limit of {limits.time_s_max:g} s"
        except OutOfMemory:
            findings.stopped = f"memory limit of {shown_bytes(limits.memory_bytes_max or 0)}"
        except KeyboardInterrupt:
            findings.stopped = "interrupted"
        seconds = time.monotonic() - begun
        summary = f"depth {max(findings.depth, 0)}, {system.layout.bits:,} bits a state, {clauses:,} clauses"
        result = result_of(self.name, system, findings, seconds, summary)
        if limits.states_max is not None:
            return replace(result, notice="the limit of states does not apply: this engine counts none")
        return result
