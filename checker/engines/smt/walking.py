"""Runs of the interpreter beside proofs: witnesses by random walks, and runs that rows stand for."""

from __future__ import annotations

import random
import time
from collections.abc import Sequence

from checker.engines.interface import Run
from checker.engines.smt.layout import Layout
from checker.errors import ModelError
from checker.ir.program import PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State, Successor

#: How long one walk is at most, in steps, and how often it takes a fault where there are other steps.
WALK_STEPS_MAX = 300
FAULT_SHARE = 0.05
#: So many states are kept at each step in the search for a run that rows stand for.
ALIKE_MAX = 200


def walk(
    machine: Machine, wanted: Sequence[int], deadline: float, seed: int = 0
) -> tuple[dict[int, Run], bool]:
    """Walk at random, mostly without faults, until a deadline or until all is found.

    Returns runs to states in which REACHABLE properties, by number, hold, and whether some state is at rest.
    The walks are the same for the same seed; how far they come depends on the time.
    """
    choose = random.Random(seed)
    found: dict[int, Run] = {}
    rests = False
    beginnings = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    while beginnings and time.monotonic() < deadline and not (rests and len(found) == len(wanted)):
        first = state = choose.choice(beginnings)
        taken: list[Successor] = []
        while len(taken) < WALK_STEPS_MAX and time.monotonic() < deadline:
            for number in wanted:
                if number not in found and _holds(machine, number, state):
                    found[number] = Run(first, tuple(step.transition for step in taken))
            successors = list(machine.successors(state))
            rests = rests or all(s.transition.kind.is_fault for s in successors)
            steps = [s for s in successors if isinstance(s.outcome, State)]
            free = [s for s in steps if not s.transition.kind.is_fault]
            among = steps if not free or choose.random() < FAULT_SHARE else free
            if not among or (not free and len(found) == len(wanted)):
                break
            taken.append(choose.choice(among))
            outcome = taken[-1].outcome
            assert isinstance(outcome, State)
            state = outcome
    return found, rests


def _holds(machine: Machine, number: int, state: State) -> bool:
    try:
        return machine.holds(number, state)
    except ModelError:
        return False


def followed_rows(machine: Machine, layout: Layout, rows: Sequence[tuple[bool, ...]]) -> Run | None:
    """A run whose states have these rows, of which several states may have one; None where none is found."""
    beginnings = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    reached: dict[State, Run] = {
        state: Run(state, ()) for state in beginnings if layout.encoded(state) == list(rows[0])
    }
    for row in rows[1:]:
        following: dict[State, Run] = {}
        for state, run in reached.items():
            for successor in machine.successors(state):
                after = successor.outcome
                if not isinstance(after, State) or after in following or len(following) >= ALIKE_MAX:
                    continue
                if layout.encoded(after) == list(row):
                    following[after] = Run(run.initial, (*run.transitions, successor.transition))
        reached = following
    return next(iter(reached.values()), None)


def is_hit(machine: Machine, number: int, run: Run) -> bool:
    """Whether a run ends where a property has its answer: false there, or, for a REACHABLE one, true."""
    states = [run.initial]
    for transition in run.transitions:
        after = next(s.outcome for s in machine.successors(states[-1]) if s.transition == transition)
        assert isinstance(after, State)
        states.append(after)
    prop = machine.program.properties[number]
    before = states[-2] if prop.kind is PropertyKind.TRANSITION and len(states) > 1 else None
    if prop.kind is PropertyKind.TRANSITION and before is None:
        return False
    if prop.kind is PropertyKind.QUIESCENT and not _is_at_rest(machine, states[-1]):
        return False
    try:
        return machine.holds(number, states[-1], before) == (prop.kind is PropertyKind.REACHABLE)
    except ModelError:
        return False


def _is_at_rest(machine: Machine, state: State) -> bool:
    return all(successor.transition.kind.is_fault for successor in machine.successors(state))
