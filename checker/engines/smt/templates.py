"""Candidate lemmas from the shape of states: facts that no sampled state has, alone or two together.

A fact is one bit of a row that means something by itself, or that a number, such as the label at which a
process waits, has a given value. That two facts never hold together says, among others, that a key in one
collection is in another, what holds at a label, and which phases exclude each other. What the samples do not
refute is filtered by induction; the samples only save the solver's time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from checker.engines.smt.encoding import System
from checker.engines.smt.induction import filtered, of_cubes
from checker.engines.smt.naming import Field, fields_of
from checker.engines.smt.oracle import Solver, Watch
from checker.engines.smt.orbits import Cube, Orbits
from checker.ir.program import Program
from checker.semantics.machine import Machine
from checker.semantics.state import State

#: How many states are sampled at most, by walks of so many steps.
SAMPLES_MAX = 1_500
WALK_STEPS = 60
#: Numbers with more values than this give no facts.
VALUES_MAX = 16
#: Candidates with more copies than this are left out.
COPIES_MAX = 600
#: More candidates than this take longer to filter than they save.
CANDIDATES_MAX = 4_000

#: The seed of the walks, so that a proof is the same every time.
_SEED = 7


@dataclass(frozen=True, slots=True)
class Fact:
    """Literals of a row that say one thing; ``samples`` has a bit for each sample in which they hold."""

    field: int
    cube: Cube
    samples: int


def sampled(program: Program, deadline: float) -> list[State]:
    """Reachable states: the first ones level by level, which may be all, and others by walks at random."""
    machine, choices = Machine(program), random.Random(_SEED)
    begins = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    found, todo = dict.fromkeys(begins), list(begins)
    for state in todo:
        if len(found) >= SAMPLES_MAX // 2 or time.monotonic() >= deadline:
            break
        after = [s.outcome for s in machine.successors(state) if isinstance(s.outcome, State)]
        todo += dict.fromkeys(one for one in after if one not in found)
        found.update(dict.fromkeys(after))
    else:
        return list(found)
    while len(found) < SAMPLES_MAX and time.monotonic() < deadline:
        state = choices.choice(begins)
        for _ in range(WALK_STEPS):
            after = [s.outcome for s in machine.successors(state) if isinstance(s.outcome, State)]
            if not after or len(found) >= SAMPLES_MAX or time.monotonic() >= deadline:
                break
            # What is new is worth more than what was seen; every state on the way counts.
            new = [one for one in after if one not in found]
            found.update(dict.fromkeys(new))
            state = choices.choice(new or after)
    return list(found)[:SAMPLES_MAX]


def templates(
    system: System,
    known: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
    seconds: float,
    orbits: Orbits | None = None,
) -> tuple[Cube, ...]:
    """Lemmas that are inductive together with what is known; sampling takes half of the time at most.

    One of the copies that renaming makes of it stands for each: where renaming changes neither the steps nor
    what is known, all copies of an inductive set are inductive, too.

    Args:
        known: literals over the state that hold in every reachable state.

    Raises:
        OutOfTime.
    """
    states = sampled(system.program, time.monotonic() + seconds / 2)
    if not states:
        return ()
    rows = [row for row in map(system.layout.encoded, states) if row is not None]
    candidates = list(_candidates(_facts(fields_of(system.layout), rows)))
    orbits = orbits or Orbits()
    candidates = [cube for cube in candidates if orbits.count(cube) <= COPIES_MAX]
    candidates = sorted(candidates, key=len)[:CANDIDATES_MAX]
    kept = filtered(system, of_cubes(system, candidates), known, make, watch).kept
    strongest = _strongest([one.cube for one in kept if one.cube is not None])
    seen: set[Cube] = set()
    found = []
    for cube in strongest:
        if cube not in seen:
            found.append(cube)
            seen.update(orbits.copies(cube))
    return tuple(found)


def _facts(fields: Sequence[Field], rows: Sequence[Sequence[bool]]) -> list[Fact]:
    """The facts of all fields, with the samples in which each holds."""
    columns = [sum(1 << number for number, row in enumerate(rows) if row[bit]) for bit in range(len(rows[0]))]
    every = (1 << len(rows)) - 1
    found, first = [], 0
    for number, field in enumerate(fields):
        bits = range(first, first + field.width)
        first += field.width
        if field.leaf.members is not None:
            found += [Fact(number, frozenset({bit + 1}), columns[bit]) for bit in bits]
            continue
        if 1 << field.width > VALUES_MAX:
            continue
        for value in range(1 << field.width):
            cube, samples = [], every
            for place, bit in enumerate(bits):
                is_set = bool(value >> place & 1)
                cube.append(bit + 1 if is_set else -bit - 1)
                samples &= columns[bit] if is_set else ~columns[bit]
            found.append(Fact(number, frozenset(cube), samples & every))
    return found


def _candidates(facts: Sequence[Fact]) -> Iterator[Cube]:
    """Facts that no sample has, and pairs of others that no sample has together."""
    never = [fact for fact in facts if not fact.samples and fact.cube]
    yield from (fact.cube for fact in never)
    some = [fact for fact in facts if fact.samples and fact.cube]
    for position, fact in enumerate(some):
        for other in some[position + 1 :]:
            if other.field != fact.field and not fact.samples & other.samples:
                yield fact.cube | other.cube


def _strongest(cubes: Sequence[Cube]) -> tuple[Cube, ...]:
    """The cubes that contain no other one."""
    found: list[Cube] = []
    for cube in sorted(set(cubes), key=lambda cube: (len(cube), sorted(cube))):
        if not any(one <= cube for one in found):
            found.append(cube)
    return tuple(found)
