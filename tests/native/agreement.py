"""Compares the native engine with the interpreter: what generated code emits, and what a search finds."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from checker.dsl.lowering import LoweredModel
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Limits, Request, Result
from checker.engines.native.binding import Search
from checker.engines.native.codegen.layout import Capacities
from checker.engines.native.codegen.program import Source, generate
from checker.engines.native.compile import compiled
from checker.engines.native.engine import NativeEngine
from checker.engines.native.findings import Config
from checker.engines.native.structures import Library
from checker.engines.search import fired_name
from checker.errors import ModelError
from checker.semantics.machine import Machine
from checker.semantics.state import State

#: Random models fill their bags and FIFOs; a larger layout spares most of them a second build.
ROOMY = Capacities(31, 15)


def compare_steps(
    lowered: LoweredModel, states_max: int, change: Callable[[str], str] = lambda text: text
) -> int:
    """Every successor of up to ``states_max`` states, breadth first: generated code against interpreter.

    Model errors are left out here: the C side reports them apart, and ``compare_results`` looks at them.
    Returns how many transitions were compared; 0 where the layout is too small for the model.
    """
    source = generate(lowered.program, ROOMY)
    with compiled(change(source.text)) as path, Search(Library(path), Config(properties=0)) as search:
        machine = Machine(lowered.program)
        todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
        seen, compared = set(todo), 0
        for state in todo:
            expected, following = _interpreted(machine, source, state)
            if expected is None:
                return compared
            found = Counter(
                (source.step_names[step], words)
                for step, words in search.successors(source.layout.encode(state))
            )
            if "QC_BEYOND" in source.text and found < expected:
                # A local collection held an element outside its type: the engine hands such a model over.
                return compared
            assert found == expected, f"{state}: {found - expected} against {expected - found}"
            compared += sum(found.values())
            for after in following:
                if after not in seen and len(seen) < states_max:
                    seen.add(after)
                    todo.append(after)
    return compared


def _interpreted(
    machine: Machine, source: Source, state: State
) -> tuple[Counter[tuple[str, tuple[int, ...]]] | None, list[State]]:
    """The successors as the C side has them, and as states; None where one does not fit the layout."""
    found: Counter[tuple[str, tuple[int, ...]]] = Counter()
    following = []
    for successor in machine.successors(state):
        if isinstance(successor.outcome, ModelError):
            continue
        words = source.layout.encode(successor.outcome)
        if source.layout.decode(words) != successor.outcome:
            return None, []
        found[fired_name(successor.transition), words] += 1
        following.append(successor.outcome)
    return found, following


def summary(result: Result) -> object:
    """What two engines have to agree on: verdicts, lengths of paths, counts, coverage, the model error."""
    statistics = result.statistics
    failure = result.failure
    verdicts = [
        (v.property, v.answer, None if v.path is None else len(v.path.transitions)) for v in result.verdicts
    ]
    if failure is not None:
        # Which of several errors of one level is reported is each engine's own order.
        length = None if failure.path is None else len(failure.path.transitions)
        return ("model error", length)
    counts = (statistics.states, statistics.transitions, statistics.depth, dict(statistics.fired))
    return (result.stopped, counts, verdicts)


def compare_results(lowered: LoweredModel, depth_max: int | None = None) -> tuple[Result, Result]:
    """A whole search by both engines. Returns their results."""
    request = Request(lowered, Limits(depth_max=depth_max), symmetry=False)
    native, explicit = NativeEngine().check(request), ExplicitEngine().check(request)
    assert summary(native) == summary(explicit)
    return native, explicit
