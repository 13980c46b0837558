"""Candidate lemmas from the shape of states: facts that no sampled state has, alone or two together.

A fact is one bit of a row that means something by itself, or that a number, such as the label at which a
process waits, has a given value; or both of one process, that it waits there with a local of that value. That
two facts never hold together says, among others, that a key in one collection is in another, what holds at a
label, and which phases exclude each other. What the samples do not refute is filtered by induction; the
samples only save the solver's time.
"""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

from checker.engines.smt.encoding import System
from checker.engines.smt.induction import Candidate, filtered
from checker.engines.smt.naming import Field, fields_of
from checker.engines.smt.obligations import cube_literal
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
#: More candidates than this, copies included, take longer to filter than they save.
CANDIDATES_MAX = 20_000

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
    others: Sequence[Candidate],
    known: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
    seconds: float,
    orbits: Orbits | None = None,
) -> list[Candidate]:
    """Lemmas, and other candidates, that are inductive together with what is known.

    Where there are ``orbits``, a lemma is filtered with all its copies, and its cube is one of them. Sampling
    takes half of the time at most.

    Args:
        known: literals over the state that hold in every reachable state.

    Raises:
        OutOfTime.
    """
    states = sampled(system.program, time.monotonic() + seconds / 2)
    rows = [row for row in map(system.layout.encoded, states) if row is not None]
    if not rows:
        return []
    cubes = _strongest(_candidates(_facts(fields_of(system.layout), rows)))
    candidates = _with_copies(system, cubes, orbits or Orbits(), watch)
    return list(filtered(system, [*others, *candidates], known, make, watch).kept)


def _with_copies(system: System, cubes: Sequence[Cube], orbits: Orbits, watch: Watch) -> list[Candidate]:
    """A candidate for all copies of each cube, where every one of them is among the cubes."""
    among, seen = set(cubes), set[Cube]()
    found: list[Candidate] = []
    for cube in cubes:
        if cube in seen or orbits.count(cube) > COPIES_MAX:
            continue
        if len(seen) > CANDIDATES_MAX:
            break
        watch.check()
        copies = orbits.copies(cube)
        seen.update(copies)
        # What some sample refutes of one member is not worth believing of another.
        if among.issuperset(copies):
            literal = system.circuit.all(cube_literal(system, copy) for copy in copies)
            found.append(Candidate(literal, cube=cube))
    return found


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
    return [*found, *_at_labels(fields, found)]


def _at_labels(fields: Sequence[Field], facts: Sequence[Fact]) -> Iterator[Fact]:
    """For each process, that it waits at a label with a local of some value, where some sample has that."""
    steps = [(field.leaf.path[0], field.leaf.path[1:2]) for field in fields]
    for label in facts:
        process, kind = steps[label.field]
        if process.kind != "process" or kind[0].kind != "label":
            continue
        for local in facts:
            owner, inner = steps[local.field]
            samples = label.samples & local.samples
            if owner == process and inner[0].kind == "local" and samples:
                yield Fact(label.field, label.cube | local.cube, samples)


def _candidates(facts: Sequence[Fact]) -> Iterator[Cube]:
    """Facts that no sample has, and pairs of others that no sample has together."""
    never = [fact for fact in facts if not fact.samples and fact.cube]
    yield from (fact.cube for fact in never)
    some = [fact for fact in facts if fact.samples and fact.cube]
    for position, fact in enumerate(some):
        for other in some[position + 1 :]:
            if other.field != fact.field and not fact.samples & other.samples:
                yield fact.cube | other.cube


def _strongest(cubes: Iterable[Cube]) -> list[Cube]:
    """The cubes of which no other one is a part, shorter ones first."""
    found: list[Cube] = []
    kept: set[Cube] = set()
    for cube in sorted(set(cubes), key=lambda cube: (len(cube), sorted(cube))):
        parts = (frozenset(part) for size in (1, 2) for part in combinations(sorted(cube), size))
        if not any(part in kept for part in parts if len(part) < len(cube)):
            found.append(cube)
            kept.add(cube)
    return found
