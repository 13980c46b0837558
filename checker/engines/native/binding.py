"""Searches and simulations of a compiled model: runs them in C, and turns what they found into plain data."""

from __future__ import annotations

import ctypes
import os
import threading
from array import array
from collections.abc import Callable, Iterator, Sequence
from dataclasses import fields
from types import TracebackType
from typing import TypeVar

from checker.engines.native.findings import (
    Config,
    Descent,
    Hit,
    ModelFault,
    Origin,
    PackedState,
    Progress,
    SearchResult,
    SimulationResult,
    Status,
    WalkFault,
    WalkHit,
)
from checker.engines.native.structures import (
    NO_LIMIT_DEPTH,
    PROPERTIES_MAX,
    U32,
    WORDS,
    Library,
    QcConfig,
    QcError,
    QcResult,
    QcSimulation,
    QcWalks,
)
from checker.errors import InternalError

_PROGRESS_EVERY_S = 0.25
#: How many edges are taken from C at a time; between two portions Ctrl-C is noticed.
_EDGES_AT_ONCE = 1 << 16
#: The share of the memory now available that a search without a limit of its own may take.
_MEMORY_SHARE = 0.85

_Returned = TypeVar("_Returned")


class Search:
    """One search or simulation of a model; close it, or use it in a ``with`` statement.

    Example:
        >>> with Search(Library(path), Config(properties=1)) as search:  # doctest: +SKIP
        ...     result = search.run()
        ...     paths = search.paths(result.hits)
    """

    def __init__(self, library: Library, config: Config) -> None:
        self._library = library
        self._c = library.functions
        self._words = library.words
        self._step_names = library.step_names
        memory = config.memory_bytes_max
        packed = QcConfig(
            threads=config.threads,
            depth_max=NO_LIMIT_DEPTH if config.depth_max is None else config.depth_max,
            properties=config.properties,
            states_max=config.states_max or 0,
            memory_bytes_max=_memory_available_bytes() if memory is None else memory,
            time_s_max=config.time_s_max or 0.0,
            stop_when_all_hit=int(config.stop_when_all_hit),
        )
        self._properties = config.properties
        self._handle: int | None = self._c.qc_open(ctypes.byref(packed))
        if not self._handle:
            raise MemoryError("no memory to begin a search")

    def __enter__(self) -> Search:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Free all memory of the search; its result stays valid, for it is plain data."""
        if self._handle:
            self._c.qc_close(self._handle)
            self._handle = None

    def stop(self) -> None:
        """End a running search soon; from any thread."""
        self._c.qc_stop(self._open())

    def progress(self) -> Progress:
        """How far the search is, at any time, from any thread."""
        now = self._c.qc_progress_of(self._open()).contents
        return Progress(**{field.name: getattr(now, field.name) for field in fields(Progress)})

    def run(self, report: Callable[[Progress], None] | None = None) -> SearchResult:
        """Search breadth first; ``report`` is called about four times a second. Ctrl-C ends it early.

        A first Ctrl-C is not raised: the result has status CALLER.
        """
        handle = self._open()
        self._wait_for(lambda: self._c.qc_run(handle), report)
        return self._result(self._c.qc_result_of(handle).contents)

    def descend(self, deepens: bool, report: Callable[[Progress], None] | None = None) -> Descent:
        """Search depth first, as ``qc_descend`` in runtime/qc_api.h; otherwise as ``run``.

        With ``deepens`` to 0, 1, 2, ... steps, so that every path is a shortest one.
        """
        handle = self._open()
        self._wait_for(lambda: self._c.qc_descend(handle, int(deepens)), report)
        result = self._result(self._c.qc_result_of(handle).contents)
        return Descent(
            result,
            {hit.property: self._descent_path(hit.property) for hit in result.hits},
            self._descent_path(PROPERTIES_MAX),
            int(self._c.qc_deepest(handle)),
            int(self._c.qc_forgotten(handle)),
        )

    def _descent_path(self, number: int) -> tuple[PackedState, ...]:
        count = U32(0)
        words = self._c.qc_descent_path(self._open(), number, ctypes.byref(count))
        size = self._words
        return tuple(tuple(words[i * size : (i + 1) * size]) for i in range(count.value)) if words else ()

    def paths(self, hits: Sequence[Hit | ModelFault]) -> list[tuple[PackedState, ...]]:
        """The smallest shortest path to each hit or fault, all states from an initial one to its state.

        Expands the levels before them again, once for up to 64; for a hit of a step check the path runs
        through its ``before``.

        Raises:
            KeyboardInterrupt: Ctrl-C; unlike a search, half a path is of no use.
        """
        paths: list[tuple[PackedState, ...]] = []
        for begin in range(0, len(hits), PROPERTIES_MAX):
            paths += self._paths_at_once(hits[begin : begin + PROPERTIES_MAX])
        return paths

    def _paths_at_once(self, hits: Sequence[Hit | ModelFault]) -> list[tuple[PackedState, ...]]:
        handle, count = self._open(), len(hits)
        ends: list[tuple[int, PackedState]] = []
        for hit in hits:
            before = hit.before if isinstance(hit, Hit) else None
            ends.append((hit.depth, hit.state) if before is None else (hit.depth - 1, before))
        targets = [self._pack(state) for _, state in ends]
        rooms = [(ctypes.c_uint64 * ((depth + 1) * self._words))() for depth, _ in ends]
        pointers = WORDS * count
        target_pointers = pointers(*(ctypes.cast(target, WORDS) for target in targets))
        room_pointers = pointers(*(ctypes.cast(room, WORDS) for room in rooms))
        depths = (U32 * count)(*(depth for depth, _ in ends))
        status = Status(
            self._wait_for(
                lambda: self._c.qc_paths(handle, count, target_pointers, depths, room_pointers), None
            )
        )
        if status is Status.CALLER:
            raise KeyboardInterrupt
        if status is Status.MEMORY:
            raise MemoryError("no memory to rebuild a path")
        if status is not Status.COMPLETE:
            raise InternalError("a state that the search found has no predecessor")
        paths = [self._unpack_all(room, depth + 1) for room, (depth, _) in zip(rooms, ends, strict=True)]
        return [
            (*path, hit.state) if isinstance(hit, Hit) and hit.before is not None else path
            for path, hit in zip(paths, hits, strict=True)
        ]

    def states(self) -> Iterator[PackedState]:
        """All stored states, in order of depth."""
        handle, index = self._open(), 0
        while words := self._c.qc_state_at(handle, index):
            yield tuple(words[: self._words])
            index += 1

    def state_at(self, index: int) -> PackedState:
        """A stored state by its position in ``states()``. Raises IndexError."""
        words = self._c.qc_state_at(self._open(), index)
        if not words:
            raise IndexError(index)
        return tuple(words[: self._words])

    def index_of(self, state: PackedState) -> int | None:
        """The position of a state in ``states()``, None when it was not found."""
        index = int(self._c.qc_index_of(self._open(), self._pack(state)))
        return None if index < 0 else index

    def representative(self, state: PackedState, sets: int, members: int) -> tuple[PackedState, bytes]:
        """The state of its orbit that the search stores, and the renaming of members that makes it.

        ``sets`` is the number of sets, ``members`` the size of the largest: the new name of member m of set s
        is at ``s * members + m``. Without symmetry it is the state itself, and no renaming.
        """
        out, names = (ctypes.c_uint64 * self._words)(), (ctypes.c_uint8 * (sets * members))()
        self._c.qc_representative(self._pack(state), out, names)
        return tuple(out), bytes(names)

    def successors(self, state: PackedState) -> list[tuple[int, PackedState]]:
        """The step name and the state of each successor, in emission order."""
        handle, packed, room = self._open(), self._pack(state), 256
        while True:
            states, steps = (ctypes.c_uint64 * (room * self._words))(), (U32 * room)()
            count = int(self._c.qc_successors(handle, packed, room, states, steps))
            if count <= room:
                return list(zip(steps[:count], self._unpack_all(states, count), strict=True))
            room = count

    def edges(self) -> tuple[array[int], array[int], array[int]]:
        """All transitions between stored states: sources and targets by their position in ``states()``,
        and step names; in the order of the sources, and of emission.

        Raises:
            KeyboardInterrupt: Ctrl-C, soon.
        """
        handle, following, room = self._open(), ctypes.c_uint64(0), _EDGES_AT_ONCE
        parts = array("I"), array("I"), array("I")
        while True:
            columns = [(U32 * room)() for _ in parts]
            before = following.value
            count = int(self._c.qc_edges(handle, ctypes.byref(following), room, *columns))
            if count > room:
                room = count
            elif following.value == before:
                break
            else:
                for part, column in zip(parts, columns, strict=True):
                    part.frombytes(memoryview(column).cast("B")[: count * part.itemsize])
        if following.value != self._c.qc_result_of(handle).contents.states:
            raise MemoryError("no memory to list the edges")
        return parts

    def packed_states(self) -> array[int]:
        """The words of all stored states, one state after the other, in the order of ``states()``."""
        handle, words = self._open(), array("Q")
        count = int(self._c.qc_result_of(handle).contents.states)
        if count:
            words.frombytes(ctypes.string_at(self._c.qc_state_at(handle, 0), 8 * self._words * count))
        return words

    def simulate(
        self,
        *,
        seed: int,
        depth_max: int,
        walks_max: int | None = None,
        time_s_max: float | None = None,
        report: Callable[[Progress], None] | None = None,
    ) -> SimulationResult:
        """Random walks of up to ``depth_max`` steps, until each property of the search has been hit once."""
        handle, walks = self._open(), QcWalks()
        asked = QcSimulation(
            depth_max=depth_max,
            properties=self._properties,
            seed=seed,
            walks_max=walks_max or 0,
            time_s_max=time_s_max or 0.0,
        )
        self._wait_for(lambda: self._c.qc_simulate(handle, ctypes.byref(asked), ctypes.byref(walks)), report)
        hits = tuple(
            WalkHit(
                number,
                walks.hit_walks[number],
                walks.hit_depths[number],
                Origin(walks.hit_origins[number]),
                self.walk(seed, walks.hit_walks[number], walks.hit_depths[number]),
            )
            for number in _bits(walks.hits)
        )
        fault, error = None, walks.error
        if error.id:
            origin = Origin(error.origin)
            states = () if origin is Origin.INITIAL else self.walk(seed, walks.error_walk, error.depth)
            fault = WalkFault(error.id, walks.error_walk, origin, _step_of(error, origin), states)
        return SimulationResult(
            Status(walks.status), walks.walks, walks.steps, walks.depth_reached, hits, fault, walks.seconds
        )

    def walk(self, seed: int, number: int, steps: int) -> tuple[PackedState, ...]:
        """The first states of walk ``number`` of a seed: the initial one and those of ``steps`` steps."""
        room = (ctypes.c_uint64 * ((steps + 1) * self._words))()
        made = int(self._c.qc_walk(self._open(), seed, number, steps, room))
        return self._unpack_all(room, made + 1)

    def _open(self) -> int:
        if not self._handle:
            raise InternalError("the search is closed")
        return self._handle

    def _pack(self, state: PackedState) -> ctypes.Array[ctypes.c_uint64]:
        if len(state) != self._words:
            raise InternalError(f"a state of {len(state)} words, expected {self._words}")
        return (ctypes.c_uint64 * self._words)(*state)

    def _unpack_all(self, words: ctypes.Array[ctypes.c_uint64], count: int) -> tuple[PackedState, ...]:
        size = self._words
        return tuple(tuple(words[i * size : (i + 1) * size]) for i in range(count))

    def _wait_for(
        self, work: Callable[[], _Returned], report: Callable[[Progress], None] | None
    ) -> _Returned:
        """Do ``work`` in another thread, for a call into C cannot be interrupted; report meanwhile."""
        returned: list[_Returned] = []
        done = threading.Event()

        def do_work() -> None:
            returned.append(work())
            done.set()

        worker = threading.Thread(target=do_work, name="native search", daemon=True)
        worker.start()
        try:
            while not done.wait(_PROGRESS_EVERY_S):
                if report is not None:
                    report(self.progress())
        except KeyboardInterrupt:
            self._end(worker)
        except BaseException:
            self._end(worker)
            raise
        worker.join()
        return returned[0]

    def _end(self, worker: threading.Thread) -> None:
        """Stop and wait: whatever happens, the search must not be closed under a running worker."""
        while worker.is_alive():
            try:
                self.stop()
                worker.join(_PROGRESS_EVERY_S)
            except KeyboardInterrupt:
                continue

    def _result(self, result: QcResult) -> SearchResult:
        words = self._words

        def state_at(states: ctypes._Pointer[ctypes.c_uint64], index: int) -> PackedState:
            return tuple(states[index * words : (index + 1) * words])

        hits = []
        for number in _bits(result.hits):
            origin = Origin(result.hit_origins[number])
            before = state_at(result.hit_befores, number) if origin is Origin.STEP_CHECK else None
            hits.append(
                Hit(number, result.hit_depths[number], origin, state_at(result.hit_states, number), before)
            )
        fault, error = None, result.error
        if error.id:
            origin = Origin(error.origin)
            state = state_at(result.error_state, 0)
            fault = ModelFault(error.id, origin, error.depth, state, _step_of(error, origin))
        return SearchResult(
            Status(result.status),
            result.states,
            result.transitions,
            result.depth_complete,
            tuple(result.level_states[: result.levels]) if result.levels else (),
            tuple(result.coverage[: self._step_names]),
            tuple(hits),
            fault,
            result.seconds,
            result.bytes_peak,
            int(result.represented) or None,
        )


def _step_of(error: QcError, origin: Origin) -> int | None:
    return int(error.step) if origin in (Origin.STEP, Origin.INITIAL) else None


def _bits(mask: int) -> Iterator[int]:
    return (number for number in range(PROPERTIES_MAX) if mask >> number & 1)


def _memory_available_bytes() -> int:
    """What a search may take without driving the machine out of memory; 0 when that cannot be told."""
    try:
        with open("/proc/meminfo", encoding="ascii") as lines:
            for line in lines:
                if line.startswith("MemAvailable:"):
                    return int(int(line.split()[1]) * 1024 * _MEMORY_SHARE)
    except OSError:
        pass
    try:
        return int(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") * _MEMORY_SHARE)
    except (ValueError, OSError):
        return 0
