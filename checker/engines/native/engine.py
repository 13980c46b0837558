"""The native engine: generate, compile, search, and read the answer back as verdicts."""

from __future__ import annotations

import time
from dataclasses import replace

from checker.engines.interface import (
    ALL_FOUND,
    NOT_ASKED,
    Answer,
    Limits,
    Progress,
    Request,
    Result,
    Run,
    SearchOrder,
    Statistics,
    SymmetryUsed,
    Verdict,
)
from checker.engines.memory import shown_bytes
from checker.engines.native import findings
from checker.engines.native.binding import Search
from checker.engines.native.codegen.program import Source
from checker.engines.native.equivariance import treats_alike
from checker.engines.native.findings import Config, Descent, SearchResult, Status
from checker.engines.native.opening import Unsymmetric, lacks_room, symmetry_for, with_room_enough
from checker.engines.native.reading import Reader, asked_properties, mask_of
from checker.engines.native.structures import Library
from checker.ir.program import PropertyKind
from checker.ir.symmetry import Broken, Symmetry

_STOPPED = {
    Status.CALLER: "interrupted",
    Status.STATES: "state limit of {states:,} states",
    Status.TIME: "time limit of {seconds:g} s",
    Status.DEPTH: "depth limit of {depth} steps",
    Status.MEMORY: "no memory left",
    Status.ERROR: "model error",
    Status.HITS: ALL_FOUND,
}


#: What a depth-first search may take where no limit is given: a fixed amount, so that every run is the same.
DESCENT_MEMORY_BYTES = 1 << 30


class NativeEngine:
    """Exhausts the states that the bounds and budgets allow; exact, parallel, the same on every run."""

    name = "native"

    def check(self, request: Request) -> Result:
        """Check all properties of the model.

        Raises:
            Unsupported: the model needs something that only the explicit engine has.
            CannotCompile: there is no compiler, or it fails.
        """
        begun = time.monotonic()
        symmetry = symmetry_for(request.lowered.program, request.symmetry)
        try:
            return self._check(request, symmetry, begun)
        except Unsymmetric as error:
            broken = tuple(Broken(index.name, str(error), None) for index in symmetry.sets)
            return self._check(request, Symmetry((), (*broken, *symmetry.broken)), begun)

    def _check(self, request: Request, symmetry: Symmetry, begun: float) -> Result:
        limits = request.limits

        def attempt(source: Source, library: Library) -> Result | None:
            left = limits.time_s_max
            if left is not None:
                # A search that begins again has what the others left of the time.
                left = max(left - (time.monotonic() - begun), 0.01)
            within = replace(request, limits=replace(limits, time_s_max=left))
            return self._search(within, symmetry, source, library, limits)

        return with_room_enough(request.lowered.program, attempt, symmetry.sets)

    def _search(
        self, request: Request, symmetry: Symmetry, source: Source, library: Library, asked: Limits
    ) -> Result | None:
        """One search; None where a capacity of the layout was too small. ``asked`` is for the report."""
        limits, begun = request.limits, time.monotonic()
        is_breadth_first = request.order is SearchOrder.BREADTH_FIRST
        memory = limits.memory_bytes_max
        config = Config(
            properties=mask_of(request.lowered.program, request.wanted),
            depth_max=limits.depth_max,
            states_max=limits.states_max,
            time_s_max=limits.time_s_max,
            memory_bytes_max=memory or (None if is_breadth_first else DESCENT_MEMORY_BYTES),
            threads=request.threads if is_breadth_first else 1,
            stop_when_all_hit=request.wanted is not None,
        )

        def report(now: findings.Progress) -> None:
            words = source.layout.words if is_breadth_first else 0
            request.report(_progress(now, time.monotonic() - begun, words))

        within, descent = replace(request, limits=asked), None
        with Search(library, config) as search:
            if is_breadth_first:
                found = search.run(report)
            else:
                descent = search.descend(request.order is SearchOrder.DEEPENING, report)
                found = descent.result
            if lacks_room(found.fault):
                return None
            if is_breadth_first and source.symmetric:
                program = request.lowered.program
                if not treats_alike(program, source, search, found.states):
                    raise Unsymmetric("renaming some states does not rename what they lead to")
            used = _used(symmetry, found.represented)
            return _Reading(within, used, source, search, found, descent).result(self.name)


def _used(symmetry: Symmetry, represented: int | None) -> SymmetryUsed | None:
    """What symmetry did; None where no set is declared interchangeable."""
    if not symmetry.sets and not symmetry.broken:
        return None
    sets = tuple(index.name for index in symmetry.sets)
    return SymmetryUsed(sets, symmetry.permutations, represented, tuple(map(str, symmetry.broken)))


def _progress(now: findings.Progress, seconds: float, words: int) -> Progress:
    # Breadth first the C side adds up its memory after each round only; `words` is 0 otherwise.
    memory = now.resident_bytes
    if words:
        memory = max(memory, 8 * words * now.states + 4 * now.table_slots)
    load = min(now.states / now.table_slots, 1.0) if now.table_slots else None
    return Progress(now.states, now.depth, now.frontier - now.frontier_done, seconds, memory, load)


class _Reading:
    """Turns what the C side found into verdicts."""

    def __init__(
        self,
        request: Request,
        symmetry: SymmetryUsed | None,
        source: Source,
        search: Search,
        found: SearchResult,
        descent: Descent | None,
    ) -> None:
        self._request = request
        self._symmetry = symmetry
        self._descent = descent
        self._source = source
        self._search = search
        self._found = found
        self._reader = Reader(request.lowered.program, source, search)
        self._asked = asked_properties(request.lowered.program)

    def result(self, engine: str) -> Result:
        found = self._found
        runs = self._runs()
        failure = None if found.fault is None else self._reader.failure(found.fault, self._path(found.fault))
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
            self._depth(),
            found.seconds,
            dict(sorted(fired.items())),
            any(hit.property == len(self._asked) for hit in found.hits),
            self._symmetry,
        )
        return Result(engine, tuple(verdicts), statistics, failure, stopped, self._notice())

    def _path(self, fault: findings.ModelFault) -> tuple[findings.PackedState, ...]:
        if fault.origin is findings.Origin.INITIAL:
            return ()
        return self._search.paths([fault])[0] if self._descent is None else self._descent.fault_path

    def _depth(self) -> int:
        if self._descent is None:
            return max(len(self._found.level_states) - 1, 0)
        return self._descent.deepest

    def _notice(self) -> str:
        if self._descent is None:
            return ""
        found, forgotten = f"searched {self._request.order.value}", self._descent.forgotten
        again = f"; {forgotten:,} states were forgotten for lack of memory, and are counted again"
        return found + (again if forgotten else "")

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
            answer = Answer.HOLDS if kind is PropertyKind.REACHABLE else Answer.VIOLATED
            is_shortest = self._request.order is not SearchOrder.DEPTH_FIRST
            return Verdict(name, answer, run, is_shortest=is_shortest)
        wanted = self._request.wanted
        if wanted is not None and name not in wanted:
            return Verdict(name, Answer.UNKNOWN, reason=NOT_ASKED)
        if stopped is None:
            return Verdict(name, Answer.VIOLATED if kind is PropertyKind.REACHABLE else Answer.HOLDS)
        if self._found.status is Status.DEPTH and kind is not PropertyKind.REACHABLE:
            return Verdict(name, Answer.HOLDS_UP_TO, depth=self._request.limits.depth_max)
        if self._descent is not None:
            is_known = self._request.order is SearchOrder.DEEPENING or self._found.status is Status.DEPTH
            depth = self._found.depth_complete if is_known else None
            return Verdict(name, Answer.UNKNOWN, depth=depth, reason=stopped)
        # The states of the last complete level are known, but not all of their steps.
        return Verdict(name, Answer.UNKNOWN, depth=max(self._found.depth_complete - 1, 0), reason=stopped)

    def _runs(self) -> dict[int, Run]:
        hits = [hit for hit in self._found.hits if hit.property < len(self._asked)]
        if self._descent is not None:
            paths = [self._descent.paths[hit.property] for hit in hits]
        else:
            paths = self._search.paths(hits)
        return {hit.property: self._reader.run_to(hit, path) for hit, path in zip(hits, paths, strict=True)}
