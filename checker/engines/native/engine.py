"""The native engine: generate, compile, search, and read the answer back as states and transitions.

The C side knows packed states only. A path is the states that it gives; the transition between two of
them is the first, in the order of the rules, that the interpreter takes from one to the other.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, starmap
from pathlib import Path

from checker.engines.interface import (
    DEADLOCK_FREE,
    Answer,
    Failure,
    Limits,
    Progress,
    Request,
    Result,
    Run,
    Statistics,
    Verdict,
)
from checker.engines.native import findings
from checker.engines.native.binding import Search
from checker.engines.native.codegen.layout import Capacities, Unsupported
from checker.engines.native.codegen.program import BEYOND, CAPACITY, Source, generate
from checker.engines.native.compile import compiled, discard
from checker.engines.native.findings import Config, ModelFault, Origin, SearchResult, Status
from checker.engines.native.structures import Library
from checker.errors import InternalError, ModelError
from checker.ir.program import Program, PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State, Transition

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
        capacities = Capacities()
        begun, limits = time.monotonic(), request.limits
        while True:
            source = generate(request.lowered.program, capacities)
            left = limits.time_s_max
            if left is not None:
                # A search that begins again has what the others left of the time.
                left = max(left - (time.monotonic() - begun), 0.01)
            within = replace(request, limits=replace(limits, time_s_max=left))
            result = self._search(within, source, limits)
            if result is not None:
                return result
            capacities = capacities.doubled()

    def _search(self, request: Request, source: Source, asked: Limits) -> Result | None:
        """One search; None where a capacity of the layout was too small. ``asked`` is for the report."""
        program, limits = request.lowered.program, request.limits
        config = Config(
            properties=(1 << (len(program.properties) + 2)) - 1,
            depth_max=limits.depth_max,
            states_max=limits.states_max,
            time_s_max=limits.time_s_max,
            threads=request.threads,
        )
        with compiled(source.text) as path:
            library = _loaded(source, path)
            with Search(library, config) as search:
                begun = time.monotonic()
                found = search.run(lambda now: request.report(_progress(now, time.monotonic() - begun)))
                if found.fault is not None and found.fault.id == CAPACITY:
                    return None
                if found.fault is not None and found.fault.id == BEYOND:
                    raise Unsupported("a local collection holds an element outside its type for a while")
                return _Reading(replace(request, limits=asked), source, search, found).result(self.name)


def _loaded(source: Source, path: Path) -> Library:
    try:
        library = Library(path)
    except InternalError:
        # What lies in the cache is broken: build it once more.
        discard(path)
        with compiled(source.text) as again:
            library = Library(again)
    if library.words != source.layout.words:
        raise InternalError(
            f"the compiled model has {library.words} words a state, not {source.layout.words}"
        )
    return library


def _progress(progress: findings.Progress, seconds: float) -> Progress:
    return Progress(progress.states, progress.depth, progress.frontier, seconds)


class _Reading:
    """Turns what the C side found into verdicts."""

    def __init__(self, request: Request, source: Source, search: Search, found: SearchResult) -> None:
        self._request = request
        self._program: Program = request.lowered.program
        self._source = source
        self._search = search
        self._found = found
        self._machine = Machine(self._program)

    def result(self, engine: str) -> Result:
        found = self._found
        runs = self._runs()
        failure = None if found.fault is None else self._failure(found.fault)
        stopped = self._stopped()
        verdicts = [
            self._verdict(name, kind, runs.get(number), stopped)
            for number, (name, kind) in enumerate(self._asked())
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
            any(hit.property == len(self._asked()) for hit in found.hits),
        )
        return Result(engine, tuple(verdicts), statistics, failure, stopped)

    def _asked(self) -> list[tuple[str, PropertyKind]]:
        asked = [(prop.name, prop.kind) for prop in self._program.properties]
        return [*asked, (DEADLOCK_FREE, PropertyKind.QUIESCENT)]

    def _stopped(self) -> str | None:
        found, limits = self._found, self._request.limits
        if found.status is Status.COMPLETE:
            return None
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

    # Paths

    def _runs(self) -> dict[int, Run]:
        hits = [hit for hit in self._found.hits if hit.property < len(self._asked())]
        return {
            hit.property: self._run(path) for hit, path in zip(hits, self._search.paths(hits), strict=True)
        }

    def _run(self, path: Sequence[tuple[int, ...]]) -> Run:
        states = [self._source.layout.decode(words) for words in path]
        return Run(states[0], tuple(starmap(self._transition, pairwise(states))))

    def _transition(self, before: State, after: State) -> Transition:
        for successor in self._machine.successors(before):
            if successor.outcome == after:
                return successor.transition
        raise InternalError(f"generated code goes from {before} to {after}, which the IR does not allow")

    # Model errors

    def _failure(self, fault: ModelFault) -> Failure:
        kind, place = self._source.errors[fault.id]
        if fault.origin is Origin.INITIAL:
            outcomes = [s.outcome for s in self._machine.initial_states()]
            return Failure(_matching(outcomes, kind, place), None)
        run = self._run(self._search.paths([fault])[0])
        state = self._source.layout.decode(fault.state)
        if fault.origin is Origin.STEP:
            for successor in self._machine.successors(state):
                error = successor.outcome
                if isinstance(error, ModelError) and (error.kind, error.location) == (kind, place):
                    return Failure(error, replace(run, transitions=(*run.transitions, successor.transition)))
            raise InternalError(f"generated code runs into {kind} at {place}, the IR does not")
        return self._property_failure(fault, run, state)

    def _property_failure(self, fault: ModelFault, run: Run, state: State) -> Failure:
        """A model error of a property: ask them all, in the state, or after each step from it."""
        if fault.origin is Origin.STEP_CHECK:
            for successor in self._machine.successors(state):
                if isinstance(successor.outcome, State):
                    error = self._asked_error(successor.outcome, state)
                    if error is not None:
                        longer = replace(run, transitions=(*run.transitions, successor.transition))
                        return Failure(error, longer)
        error = self._asked_error(state, None)
        if error is None:
            raise InternalError("generated code finds a property without a value, the IR does not")
        return Failure(error, run)

    def _asked_error(self, state: State, before: State | None) -> ModelError | None:
        for number, prop in enumerate(self._program.properties):
            if (prop.kind is PropertyKind.TRANSITION) != (before is not None):
                continue
            try:
                self._machine.holds(number, state, before)
            except ModelError as error:
                return error
        return None


def _matching(outcomes: Sequence[State | ModelError], kind: object, place: object) -> ModelError:
    for outcome in outcomes:
        if isinstance(outcome, ModelError) and (outcome.kind, outcome.location) == (kind, place):
            return outcome
    raise InternalError(f"generated code begins with {kind} at {place}, the IR does not")
