"""Random simulation of generated code: millions of steps a second, reproducible from a seed."""

from __future__ import annotations

import time
from dataclasses import replace

from checker.engines.interface import Failure
from checker.engines.native.binding import Search
from checker.engines.native.codegen.program import Source
from checker.engines.native.findings import Config, Origin, PackedState, SimulationResult, Status
from checker.engines.native.opening import lacks_room, with_room_enough
from checker.engines.native.reading import Reader, asked_properties, mask_of
from checker.engines.native.structures import Library
from checker.engines.simulation import (
    Simulation,
    SimulationRequest,
    WalkProgress,
    verdicts_of_walks,
    without_loops,
)

_STOPPED = {
    Status.CALLER: "interrupted",
    Status.TIME: "time limit of {seconds:g} s",
    Status.ERROR: "model error",
    Status.HITS: "nothing left to look for",
}


def simulate(engine: str, request: SimulationRequest) -> Simulation:
    """Walk at random. Ctrl-C ends it with what was found.

    Raises:
        Unsupported: the model needs something that only the explicit engine has.
        CannotCompile: there is no compiler, or it fails.
    """
    begun, seconds = time.monotonic(), request.time_s_max

    def attempt(source: Source, library: Library) -> Simulation | None:
        left = None if seconds is None else max(seconds - (time.monotonic() - begun), 0.01)
        with Search(library, _config(request)) as search:
            found = search.simulate(
                seed=request.seed,
                depth_max=request.depth_max,
                walks_max=request.walks_max,
                time_s_max=left,
                report=lambda now: request.report(
                    WalkProgress(now.walks, now.transitions, time.monotonic() - begun)
                ),
            )
        return None if lacks_room(found.fault) else _read(engine, request, source, found)

    return with_room_enough(request.lowered.program, attempt)


def _config(request: SimulationRequest) -> Config:
    # Without the last of the mask, which asks whether anything comes to rest: nobody reads the answer.
    return Config(properties=mask_of(request.lowered.program) >> 1, threads=request.threads)


def _read(engine: str, request: SimulationRequest, source: Source, found: SimulationResult) -> Simulation:
    program = request.lowered.program
    reader = Reader(program, source)
    names = [name for name, _ in asked_properties(program)]
    runs = {names[hit.property]: reader.run(_without_loops(hit.states)) for hit in found.hits}
    failure: Failure | None = None
    if found.fault is not None:
        path = () if found.fault.origin is Origin.INITIAL else _without_loops(found.fault.states)
        failure = reader.failure(replace(found.fault, states=path), path)
    stopped = _STOPPED.get(found.status)
    if stopped is not None and request.time_s_max is not None:
        stopped = stopped.format(seconds=request.time_s_max)
    return Simulation(
        engine,
        verdicts_of_walks(program, runs, found.walks, request.depth_max),
        request.seed,
        request.depth_max,
        found.walks,
        found.steps,
        found.depth_reached,
        found.seconds,
        failure,
        stopped,
    )


def _without_loops(states: tuple[PackedState, ...]) -> tuple[PackedState, ...]:
    return tuple(states[position] for position in without_loops(states))
