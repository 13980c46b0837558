"""What a native search is asked for and what it answers, as plain data that outlives the search."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import IntEnum

#: A state as the compiled model stores it: unsigned 64-bit words.
PackedState = tuple[int, ...]


class Status(IntEnum):
    """Why a search or simulation ended; everything but COMPLETE leaves valid partial results."""

    COMPLETE = 1
    CALLER = 2
    STATES = 3
    TIME = 4
    MEMORY = 5
    DEPTH = 6
    ERROR = 7
    HITS = 8
    NOT_FOUND = 9


class Origin(IntEnum):
    """Which of the model's functions reported a hit or a model error."""

    INITIAL = 1
    STEP = 2
    STATE = 3
    STEP_CHECK = 4
    QUIESCENT = 5


@dataclass(frozen=True, slots=True)
class Config:
    """What to search for and when to stop; None is no limit, ``threads`` 0 one per core.

    ``properties`` is a mask. Without ``memory_bytes_max`` a search stops short of the memory available.
    ``stop_when_all_hit`` ends it after the level in which the last property is hit.
    """

    properties: int
    threads: int = 0
    depth_max: int | None = None
    states_max: int | None = None
    memory_bytes_max: int | None = None
    time_s_max: float | None = None
    stop_when_all_hit: bool = False


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: ``frontier`` states at ``depth``, of which ``frontier_done`` are expanded."""

    states: int
    transitions: int
    depth: int
    frontier: int
    frontier_done: int
    resident_bytes: int
    table_slots: int
    walks: int


@dataclass(frozen=True, slots=True)
class Hit:
    """The smallest witness of a property in the first level that has one; ``before`` only for a step."""

    property: int
    depth: int
    origin: Origin
    state: PackedState
    before: PackedState | None


@dataclass(frozen=True, slots=True)
class ModelFault:
    """A model error: its id, the state it happened in, at ``depth``, and the step name if in a step."""

    id: int
    origin: Origin
    depth: int
    state: PackedState
    step: int | None


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What a search found; the same for any number of threads, unless a limit cut it short.

    ``depth_complete``: all states up to this depth are known and checked. ``transitions`` leaves initial
    states out. ``coverage`` counts the transitions of each step name. ``represented`` is how many states
    the stored ones stand for, None where that is not known.
    """

    status: Status
    states: int
    transitions: int
    depth_complete: int
    level_states: tuple[int, ...]
    coverage: tuple[int, ...]
    hits: tuple[Hit, ...]
    fault: ModelFault | None
    seconds: float
    resident_bytes_peak: int
    represented: int | None


@dataclass(frozen=True, slots=True)
class Descent:
    """What a depth-first search found: ``result`` without levels, and the paths of its hits.

    ``states`` and ``transitions`` of the result count what was forgotten, and seen again, each time.
    ``fault_path`` leads to the state of the model error, and is empty where there is none or it comes
    before any state.
    """

    result: SearchResult
    paths: Mapping[int, tuple[PackedState, ...]]
    fault_path: tuple[PackedState, ...]
    deepest: int
    forgotten: int


@dataclass(frozen=True, slots=True)
class WalkHit:
    """The first hit of a property: at step ``depth`` of walk ``walk``; ``states`` from an initial one on."""

    property: int
    walk: int
    depth: int
    origin: Origin
    states: tuple[PackedState, ...]


@dataclass(frozen=True, slots=True)
class WalkFault:
    """The model error of the first walk that met one; ``states`` ends with the state it happened in."""

    id: int
    walk: int
    origin: Origin
    step: int | None
    states: tuple[PackedState, ...]


@dataclass(frozen=True, slots=True)
class SimulationResult:
    """What random walks found.

    Hits and fault depend on the seed only; ``walks`` and ``steps`` also on the number of threads.
    """

    status: Status
    walks: int
    steps: int
    depth_reached: int
    hits: tuple[WalkHit, ...]
    fault: WalkFault | None
    seconds: float
