"""Induction over one step or a few: which of some candidates hold together in every reachable state.

Source: the filter is Houdini's (C. Flanagan and K. R. M. Leino, FME 2001); k-induction is that of M. Sheeran,
S. Singh and G. Stalmarck (FMCAD 2000), without its constraint that states differ.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from checker.engines.smt.circuit import TRUE
from checker.engines.smt.cnf import Clauses, Template
from checker.engines.smt.encoding import System
from checker.engines.smt.ic3 import Target
from checker.engines.smt.obligations import cube_literal, hit_of
from checker.engines.smt.oracle import Solver, Watch
from checker.engines.smt.orbits import Cube
from checker.ir.program import PropertyKind

Row = tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Candidate:
    """What may hold in every reachable state: a literal over the system's state.

    ``name`` is that of the property that says it; it is empty where ``cube`` is the lemma instead.
    """

    literal: int
    name: str = ""
    cube: Cube | None = None


@dataclass(frozen=True, slots=True)
class Dropped:
    """A candidate that the others do not support: false after a step (or initially, ``before`` None)."""

    candidate: Candidate
    before: Row | None
    after: Row


@dataclass(frozen=True, slots=True)
class Filtered:
    """The candidates that hold initially and that a step from where all of them hold keeps."""

    kept: tuple[Candidate, ...]
    dropped: tuple[Dropped, ...]


def predicates_of(system: System) -> list[Candidate]:
    """The properties of single states, lemmas first: each false where it has a model error."""
    kinds = (PropertyKind.LEMMA, PropertyKind.ALWAYS)
    return [
        Candidate(hit_of(system, asked) ^ 1, asked.property.name)
        for kind in kinds
        for asked in system.properties
        if asked.property.kind is kind
    ]


def of_cubes(system: System, cubes: Iterable[Cube]) -> list[Candidate]:
    """Lemmas as candidates."""
    return [Candidate(cube_literal(system, cube), cube=cube) for cube in cubes]


def filtered(
    system: System,
    candidates: Sequence[Candidate],
    known: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
) -> Filtered:
    """The greatest inductive set among some candidates.

    Args:
        known: literals over the state that hold in every reachable state.

    Raises:
        OutOfTime.
    """
    alive, dropped = _true_initially(system, candidates, make, watch)
    nodes = [literal >> 1 for literal in system.state]
    afters = system.circuit.substituted(
        [one.literal for one in alive], dict(zip(nodes, system.following, strict=True))
    )
    following = dict(zip(alive, afters, strict=True))
    query = _Query(system, [*known, system.valid], alive, afters, make)
    try:
        while alive:
            assumed = [query.copy[one.literal] for one in alive]
            broken = query.clauses.variable()
            query.clauses.add([[-broken, *(-query.copy[following[one]] for one in alive)]])
            if not query.solver.solve([*assumed, broken], watch):
                break
            before, after = query.row(system.state), query.row(system.following)
            lost = [one for one in alive if not query.is_true(following[one])]
            dropped += [Dropped(one, before, after) for one in lost]
            gone = set(lost)
            alive = [one for one in alive if one not in gone]
            query.clauses.add([[-broken]])
    finally:
        query.solver.close()
    return Filtered(tuple(alive), tuple(dropped))


def _true_initially(
    system: System, candidates: Sequence[Candidate], make: Callable[[], Solver], watch: Watch
) -> tuple[list[Candidate], list[Dropped]]:
    """The candidates that hold in every initial state, and the others."""
    nodes = [literal >> 1 for literal in system.state]
    begins = system.circuit.substituted(
        [one.literal for one in candidates], dict(zip(nodes, system.initial, strict=True))
    )
    alive = [(one, literal) for one, literal in zip(candidates, begins, strict=True) if literal == TRUE]
    unsure = [(one, literal) for one, literal in zip(candidates, begins, strict=True) if literal != TRUE]
    dropped: list[Dropped] = []
    if not unsure:
        return [one for one, _ in alive], dropped
    solver = make()
    clauses = Clauses(solver)
    roots = [system.initial_valid, *system.initial, *(literal for _, literal in unsure)]
    copy = Template(system.circuit, roots).copy(clauses, {})
    try:
        for one, literal in unsure:
            if solver.solve([copy[system.initial_valid], -copy[literal]], watch):
                row = tuple(_value(solver, name) for name in copy.row(system.initial))
                dropped.append(Dropped(one, None, row))
            else:
                alive.append((one, literal))
    finally:
        solver.close()
    return [one for one, _ in alive], dropped


class _Query:
    """A solver with one copy of a state, a step from it, and what is known of the state."""

    def __init__(
        self,
        system: System,
        known: Sequence[int],
        candidates: Sequence[Candidate],
        others: Sequence[int],
        make: Callable[[], Solver],
    ) -> None:
        self.solver = make()
        self.clauses = Clauses(self.solver)
        given = [*system.layout.well_formed(list(system.state)), *known]
        roots = [*system.state, *system.inputs, *system.following, *given, *others]
        roots += [one.literal for one in candidates]
        self.copy = Template(system.circuit, roots).copy(self.clauses, {})
        self.clauses.add([[self.copy[literal]] for literal in given])

    def is_true(self, literal: int) -> bool:
        return _value(self.solver, self.copy[literal])

    def row(self, literals: Sequence[int]) -> Row:
        return tuple(_value(self.solver, name) for name in self.copy.row(literals))


def excluded(
    system: System,
    targets: Sequence[Target],
    invariant: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
) -> list[Target]:
    """The targets that no state inside an invariant, given by its conjuncts, can hit."""
    query = _Query(system, invariant, [], [target.bad for target in targets], make)
    try:
        return [one for one in targets if not query.solver.solve([query.copy[one.bad]], watch)]
    finally:
        query.solver.close()


def _value(solver: Solver, name: int) -> bool:
    return solver.value(abs(name)) == (name > 0)


def support(
    system: System,
    conjuncts: Sequence[Sequence[Candidate]],
    goals: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
) -> set[Candidate]:
    """A part of an inductive invariant that is inductive and excludes what all of it does.

    Args:
        conjuncts: the invariant's, in groups: what an earlier group suffices for is not laid on a later one.
        goals: literals over the state and inputs that the invariant excludes.

    Raises:
        OutOfTime.
    """
    every = [one for group in conjuncts for one in group]
    nodes = [literal >> 1 for literal in system.state]
    afters = system.circuit.substituted(
        [one.literal for one in every], dict(zip(nodes, system.following, strict=True))
    )
    following = dict(zip(every, afters, strict=True))
    query = _Query(system, [], every, [system.valid, *goals, *afters], make)

    def used(wanted: list[int]) -> list[Candidate]:
        names: dict[int, Candidate] = {}
        for group in conjuncts:
            names.update((query.copy[one.literal], one) for one in group)
            if not query.solver.solve([*names, *wanted], watch):
                core = query.solver.core()
                return [names[name] for name in core if name in names]
        return every  # It is no invariant: let its check say so.

    try:
        found: dict[Candidate, None] = {}
        for goal in goals:
            found.update(dict.fromkeys(used([query.copy[goal]])))
        todo = list(found)
        for one in todo:
            needed = used([query.copy[system.valid], -query.copy[following[one]]])
            todo += [other for other in dict.fromkeys(needed) if other not in found]
            found.update(dict.fromkeys(needed))
        return set(found)
    finally:
        query.solver.close()


def is_k_inductive(
    system: System,
    target: Target,
    steps: int,
    invariant: Sequence[int],
    make: Callable[[], Solver],
    watch: Watch,
) -> bool:
    """Whether no run of ``steps`` steps inside an invariant hits a target for the first time at its end."""
    solver = make()
    clauses = Clauses(solver)
    given = [*system.layout.well_formed(list(system.state)), *invariant]
    roots = [*system.state, *system.inputs, *system.following, system.valid, target.bad, *given]
    template = Template(system.circuit, roots)
    inputs: dict[int, int] = {}
    try:
        for step in range(steps + 1):
            copy = template.copy(clauses, inputs)
            clauses.add([[copy[literal]] for literal in given])
            if step == steps:
                return not solver.solve([copy[target.bad]], watch)
            clauses.add([[copy[system.valid]], [-copy[target.bad]]])
            inputs = dict(zip((lit >> 1 for lit in system.state), copy.row(system.following), strict=True))
        raise AssertionError
    finally:
        solver.close()
