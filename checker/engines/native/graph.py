"""The graph of all states and transitions, as arrays, from the states that a native search has stored."""

from __future__ import annotations

from array import array
from dataclasses import dataclass

from checker.dsl.lowering import LoweredModel
from checker.engines.interface import Limits
from checker.engines.native.binding import Search
from checker.engines.native.codegen.layout import Layout, Unsupported
from checker.engines.native.codegen.program import Source
from checker.engines.native.compile import CannotCompile
from checker.engines.native.findings import Config, Origin, Status
from checker.engines.native.opening import lacks_room, with_room_enough
from checker.engines.native.reading import Reader
from checker.engines.native.structures import Library
from checker.errors import ModelError, UserError
from checker.ir.program import Program
from checker.semantics.state import State


@dataclass(frozen=True)
class StateGraph:
    """States by their number, in order of depth, and the transitions between them.

    Edge ``e`` leads from state ``sources[e]`` to state ``targets[e]`` by a step called
    ``step_names[steps[e]]``; edges are in order of their source. There are as many as transitions: two
    steps between the same states are two edges. ``words`` holds the packed states, ``words_per_state``
    64-bit words each. ``level_states`` counts the states of each depth; those of depth 0 are the initial
    ones. With a ``depth_max``, the states at that depth have their edges to known states only; None means
    that the graph is whole.
    """

    program: Program
    layout: Layout
    step_names: tuple[str, ...]
    words: array[int]
    words_per_state: int
    level_states: tuple[int, ...]
    sources: array[int]
    targets: array[int]
    steps: array[int]
    depth_max: int | None = None

    def __len__(self) -> int:
        """How many states there are."""
        return len(self.words) // self.words_per_state

    @property
    def initial(self) -> range:
        """The numbers of the initial states."""
        return range(self.level_states[0] if self.level_states else 0)

    def state(self, number: int) -> State:
        """A state by its number, from 0 to ``len(self)`` - 1, as the interpreter has it."""
        begin = number * self.words_per_state
        return self.layout.decode(tuple(self.words[begin : begin + self.words_per_state]))

    def depths(self) -> array[int]:
        """The depth of every state."""
        depths = array("I")
        for depth, count in enumerate(self.level_states):
            depths.extend([depth] * count)
        return depths


def state_graph(lowered: LoweredModel, limits: Limits | None = None) -> StateGraph:
    """Search a model's states and list its transitions; the same graph on every run.

    Of the limits, ``depth_max`` cuts the graph; reaching another means that there is no graph.

    Raises:
        UserError: the graph is larger than the limits allow, the native engine cannot be used, or the
            model runs into a model error.
        KeyboardInterrupt: Ctrl-C; half a graph is of no use.
    """
    limits = limits or Limits()

    def attempt(source: Source, library: Library) -> StateGraph | None:
        # One thread: with several, the order of states within a depth varies.
        config = Config(
            properties=0,
            threads=1,
            depth_max=limits.depth_max,
            states_max=None if limits.states_max is None else limits.states_max + 1,
            time_s_max=limits.time_s_max,
        )
        with Search(library, config) as search:
            return _listed(lowered.program, limits, source, search)

    try:
        return with_room_enough(lowered.program, attempt)
    except (CannotCompile, Unsupported) as error:
        what = f"a graph needs the native engine, which cannot be used: {error}"
        hint = "it needs a C compiler, and types that its states can hold"
        raise UserError(what, where=str(lowered.program.location), hint=hint) from None


def _listed(program: Program, limits: Limits, source: Source, search: Search) -> StateGraph | None:
    where = str(program.location)
    found = search.run()
    if lacks_room(found.fault):
        return None
    if found.fault is not None:
        initially = found.fault.origin is Origin.INITIAL
        path = () if initially else search.paths([found.fault])[0]
        error: ModelError = Reader(program, source).failure(found.fault, path).error
        hint = "'quackcheck check' shows the run into it"
        raise UserError(f"the model runs into a model error: {error}", where=where, hint=hint)
    if found.status is Status.CALLER:
        raise KeyboardInterrupt
    if limits.states_max is not None and found.states > limits.states_max:
        what = f"the graph has more than {limits.states_max:,} states"
        raise UserError(what, where=where, hint="smaller bounds, --depth, or a larger --states")
    if found.status not in (Status.COMPLETE, Status.DEPTH):
        lacking = found.status.name.lower()
        what = f"the graph is not whole: after {found.states:,} states there was no {lacking} left"
        raise UserError(what, where=where, hint="smaller bounds, or --depth")
    sources, targets, steps = search.edges()
    return StateGraph(
        program,
        source.layout,
        source.step_names,
        search.packed_states(),
        source.layout.words,
        found.level_states,
        sources,
        targets,
        steps,
        limits.depth_max if found.status is Status.DEPTH else None,
    )
