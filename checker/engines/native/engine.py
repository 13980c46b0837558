"""The native engine: generate, compile, search, and read the answer back as verdicts."""

from __future__ import annotations

import time
from dataclasses import replace

from checker.engines.interface import (
    Answer,
    Limits,
    Progress,
    Request,
    Result,
    Run,
    Statistics,
    SymmetryUsed,
    Verdict,
)
from checker.engines.memory import shown_bytes
from checker.engines.native import findings
from checker.engines.native.binding import Search
from checker.engines.native.codegen.program import Source
from checker.engines.native.codegen.symmetry import MEMBERS_MAX
from checker.engines.native.findings import Config, SearchResult, Status
from checker.engines.native.opening import lacks_room, with_room_enough
from checker.engines.native.reading import Reader, asked_properties, mask_of_all
from checker.engines.native.structures import Library
from checker.ir.program import PropertyKind
from checker.ir.symmetry import NO_SYMMETRY, Symmetry, symmetry_of

_STOPPED = {
    Status.CALLER: "interrupted",
    Status.STATES: "state limit of {states:,} states",
    Status.TIME: "time limit of {seconds:g} s",
    Status.DEPTH: "depth limit of {depth} steps",
    Status.MEMORY: "no memory left",
    Status.ERROR: "model error",
}


class NativeEngine:
    """Exhausts the states that the bounds and budgets allow; exact, parallel, the same on every run."""

    name = "native"

    def check(self, request: Request) -> Result:
        """Check all properties of the model.

        Raises:
            Unsupported: the model needs something that only the explicit engine has.
            CannotCompile: there is no compiler, or it fails.
        """
        begun, limits = time.monotonic(), request.limits
        program = request.lowered.program
        symmetry = symmetry_of(program, MEMBERS_MAX) if request.symmetry else NO_SYMMETRY

        def attempt(source: Source, library: Library) -> Result | None:
            left = limits.time_s_max
            if left is not None:
                # A search that begins again has what the others left of the time.
                left = max(left - (time.monotonic() - begun), 0.01)
            within = replace(request, limits=replace(limits, time_s_max=left))
            found = self._search(within, source, library, limits)
            return None if found is None else _with_symmetry(found, symmetry)

        return with_room_enough(program, attempt, symmetry.sets)

    def _search(self, request: Request, source: Source, library: Library, asked: Limits) -> Result | None:
        """One search; None where a capacity of the layout was too small. ``asked`` is for the report."""
        limits = request.limits
        config = Config(
            properties=mask_of_all(request.lowered.program),
            depth_max=limits.depth_max,
            states_max=limits.states_max,
            time_s_max=limits.time_s_max,
            memory_bytes_max=limits.memory_bytes_max,
            threads=request.threads,
        )
        with Search(library, config) as search:
            begun = time.monotonic()
            found = search.run(
                lambda now: request.report(_progress(now, time.monotonic() - begun, source.layout.words))
            )
            if lacks_room(found.fault):
                return None
            return _Reading(replace(request, limits=asked), source, search, found).result(self.name)


def _with_symmetry(result: Result, symmetry: Symmetry) -> Result:
    """With what symmetry did, where sets are declared interchangeable."""
    used = None
    if symmetry.sets or symmetry.broken:
        used = SymmetryUsed(
            tuple(index.name for index in symmetry.sets),
            symmetry.permutations,
            result.statistics.states_all,
            tuple(map(str, symmetry.broken)),
        )
    return replace(result, statistics=replace(result.statistics, symmetry=used))


def _progress(now: findings.Progress, seconds: float, words: int) -> Progress:
    # The C side adds up its memory after each round only.
    memory = max(now.resident_bytes, 8 * words * now.states + 4 * now.table_slots)
    load = now.states / now.table_slots if now.table_slots else None
    return Progress(now.states, now.depth, now.frontier - now.frontier_done, seconds, memory, load)


class _Reading:
    """Turns what the C side found into verdicts."""

    def __init__(self, request: Request, source: Source, search: Search, found: SearchResult) -> None:
        self._request = request
        self._source = source
        self._search = search
        self._found = found
        self._reader = Reader(request.lowered.program, source, search.representative)
        self._asked = asked_properties(request.lowered.program)

    def result(self, engine: str) -> Result:
        found = self._found
        runs = self._runs()
        failure = None
        if found.fault is not None:
            initially = found.fault.origin is findings.Origin.INITIAL
            path = () if initially else self._search.paths([found.fault])[0]
            failure = self._reader.failure(found.fault, path)
        stopped = self._stopped()
        verdicts = [
            self._verdict(name, kind, runs.get(number), stopped)
            for number, (name, kind) in enumerate(self._asked)
        ]
        names = self._source.step_names
        fired = {
            name: count for name, count in zip(names, found.coverage, strict=True) if count and name != "init"
        }
        statistics = Statistics(
            found.states,
            found.transitions,
            max(len(found.level_states) - 1, 0),
            found.seconds,
            dict(sorted(fired.items())),
            any(hit.property == len(self._asked) for hit in found.hits),
            SymmetryUsed((), 1, found.represented),
        )
        return Result(engine, tuple(verdicts), statistics, failure, stopped)

    def _stopped(self) -> str | None:
        found, limits = self._found, self._request.limits
        if found.status is Status.COMPLETE:
            return None
        if found.status is Status.MEMORY and limits.memory_bytes_max is not None:
            return f"memory limit of {shown_bytes(limits.memory_bytes_max)}"
        return _STOPPED[found.status].format(
            states=limits.states_max, seconds=limits.time_s_max, depth=limits.depth_max
        )

    def _verdict(self, name: str, kind: PropertyKind, run: Run | None, stopped: str | None) -> Verdict:
        if run is not None:
            return Verdict(name, Answer.HOLDS if kind is PropertyKind.REACHABLE else Answer.VIOLATED, run)
        if stopped is None:
            return Verdict(name, Answer.VIOLATED if kind is PropertyKind.REACHABLE else Answer.HOLDS)
        if self._found.status is Status.DEPTH and kind is not PropertyKind.REACHABLE:
            return Verdict(name, Answer.HOLDS_UP_TO, depth=self._request.limits.depth_max)
        # The states of the last complete level are known, but not all of their steps.
        return Verdict(name, Answer.UNKNOWN, depth=max(self._found.depth_complete - 1, 0), reason=stopped)

    def _runs(self) -> dict[int, Run]:
        hits = [hit for hit in self._found.hits if hit.property < len(self._asked)]
        return {
            hit.property: self._reader.run_to(hit, path)
            for hit, path in zip(hits, self._search.paths(hits), strict=True)
        }
