"""Facts about bags that every step preserves: that a message is in one place at most, and was once sent.

Most bags hold tokens that steps move about. A solver that looks for a run in which some bag overflows has
to find that out anew for each element and depth, which took most of the time of a bounded search. The
facts are clauses of two literals, guessed by what the elements have in common and kept as far as they
hold initially and are preserved together (Houdini: Flanagan and Leino, FME 2001). They are grouped
into families, whose facts differ only in the members of index sets that they name; where a program
treats these alike, one fact stands for its renamings.
"""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, combinations, product
from typing import TypeAlias

from checker.engines.smt.atoms import Leaf, leaves_of
from checker.engines.smt.circuit import FALSE
from checker.engines.smt.cnf import Clauses, Copy, Template
from checker.engines.smt.encoding import System
from checker.engines.smt.oracle import OutOfTime, Solver, Watch
from checker.ir.program import Program
from checker.ir.types import PROCESS_SET_NAME, IndexType, OptionType, RecordType, Type
from checker.ir.values import Value

#: More facts than this are not looked at: telling a solver of them would take longer than they save.
FACTS_MAX = 50_000
#: It hardly ever takes a fifth of this; where it does, it is not worth it.
SECONDS_MAX = 1.0

#: A clause over a row: positions of its bits from 1, negative where the bit is 0.
Fact: TypeAlias = tuple[int, ...]
#: A member of an index set.
_Member: TypeAlias = tuple[str, int]


@dataclass(frozen=True, slots=True)
class _Token:
    """A place where something is or is not: its bits are all 0 where it is not.

    ``place`` is what it is apart from the ``members`` that it names.
    """

    place: tuple[object, ...]
    members: tuple[_Member, ...]
    bits: tuple[int, ...]
    is_bag: bool


@dataclass(frozen=True, slots=True)
class _Family:
    """Facts that are kept or dropped together; the others are renamings of ``samples``."""

    facts: tuple[Fact, ...]
    samples: tuple[Fact, ...]


@dataclass(frozen=True, slots=True)
class Conserved:
    """What holds in all reachable states: ``facts`` over rows, and that no step leaves the encoding.

    ``stays_inside`` is False where that does not follow from the facts.
    """

    facts: tuple[Fact, ...] = ()
    stays_inside: bool = False


def conserved(
    system: System, make: Callable[[], Solver], alike: Sequence[str] = (), watch: Watch | None = None
) -> Conserved:
    """What every reachable state of a system has in common, by its bags; nothing if that takes too long.

    ``alike`` names index sets whose members the program treats alike. Raises OutOfTime at the watch's limit.
    """
    if system.beyond == FALSE:
        return Conserved(stays_inside=system.initial_beyond == FALSE)
    watch = watch or Watch()
    deadline = time.monotonic() + SECONDS_MAX
    if watch.deadline is None or deadline < watch.deadline:
        watch, is_own = replace(watch, deadline=deadline), True
    else:
        is_own = False
    families = _families(system, frozenset(alike))
    if sum(len(family.facts) for family in families) > FACTS_MAX:
        return Conserved()
    solver = make()
    try:
        return _Houdini(system, Clauses(solver), families, watch).run()
    except OutOfTime:
        if not is_own:
            raise
        return Conserved()
    finally:
        solver.close()


class _Houdini:
    """Drops families of facts until those that are left hold initially, and after each step again."""

    def __init__(self, system: System, clauses: Clauses, families: Sequence[_Family], watch: Watch) -> None:
        self._system = system
        self._clauses = clauses
        self._watch = watch
        self._families = dict(enumerate(families))
        template = Template(system.circuit, [*system.following, system.valid, system.beyond])
        self._step = template.copy(clauses, {lit >> 1: clauses.variable() for lit in system.state})
        self._now = self._step.row(system.state)
        self._guards = {number: self._assumed(family.facts) for number, family in self._families.items()}

    def run(self) -> Conserved:
        """The facts that are left."""
        system, step = self._system, self._step
        roots = [*system.initial, system.initial_valid, system.initial_beyond]
        initial = Template(system.circuit, roots).copy(self._clauses, {})
        self._drop(initial, system.initial, lambda: [initial[system.initial_valid]])
        self._drop(step, system.following, lambda: [step[system.valid], *self._guards.values()])
        solve = self._clauses.solver.solve
        leaves = solve([step[system.beyond], *self._guards.values()], self._watch)
        leaves = leaves or (
            system.initial_beyond != FALSE and solve([initial[system.initial_beyond]], self._watch)
        )
        facts = sorted(fact for family in self._families.values() for fact in family.facts)
        return Conserved(tuple(facts), not leaves)

    def _assumed(self, family: Sequence[Fact]) -> int:
        """A literal that makes all facts of a family hold before the step."""
        guard = self._clauses.variable()
        self._clauses.add([[-guard, *named(fact, self._now)] for fact in family])
        return guard

    def _drop(self, copy: Copy, row: Sequence[int], assumed: Callable[[], list[int]]) -> None:
        """Drop each family that has a fact which does not hold in a row."""
        clauses, solver = self._clauses, self._clauses.solver
        names = [copy[literal] for literal in row]
        broken = {number: self._broken(family.samples, names) for number, family in self._families.items()}
        while self._families:
            some = clauses.variable()
            clauses.add([[-some, *(broken[number] for number in self._families)]])
            if not solver.solve([*assumed(), some], self._watch):
                return
            for number in list(self._families):
                facts = self._families[number].samples
                if any(not any(self._holds(name) for name in named(fact, names)) for fact in facts):
                    del self._families[number], self._guards[number]

    def _broken(self, family: Sequence[Fact], names: Sequence[int]) -> int:
        """A literal that makes some fact of a family not hold in a row."""
        clauses = self._clauses
        some, wrong = clauses.variable(), []
        for fact in family:
            one = clauses.variable()
            wrong.append(one)
            clauses.add([[-one, -name] for name in named(fact, names)])
        clauses.add([[-some, *wrong]])
        return some

    def _holds(self, name: int) -> bool:
        return self._clauses.solver.value(abs(name)) == (name > 0)


def named(fact: Fact, names: Sequence[int]) -> list[int]:
    """A fact as a clause over the solver's literals of a row."""
    return [names[part - 1] if part > 0 else -names[-part - 1] for part in fact]


# Guesses


def _families(system: System, alike: frozenset[str]) -> list[_Family]:
    """Guesses: an element is in a bag once at most, not in two at once, only where something is set."""
    found: dict[object, dict[tuple[_Member, ...], list[Fact]]] = {}

    def guess(place: object, members: Sequence[_Member], facts: list[Fact]) -> None:
        everything = frozenset(name for name, _ in members)
        family = found.setdefault((place, _pattern(members, everything)), {})
        family.setdefault(tuple(members), facts)

    by_member: dict[_Member, list[_Token]] = {}
    for token in _tokens(system):
        for member in dict.fromkeys(token.members):
            by_member.setdefault(member, []).append(token)
        if token.is_bag:
            guess(token.place, token.members, [(-bit,) for bit in token.bits[1:]])
    for sharing in by_member.values():
        for one, other in combinations(sharing, 2):
            bag, beside = (one, other) if one.is_bag else (other, one)
            if bag.is_bag:
                sign = -1 if beside.is_bag else 1
                facts: list[Fact] = [(-a, sign * b) for a, b in product(bag.bits, beside.bits)]
                guess((bag.place, beside.place), (*bag.members, *beside.members), facts)
    return [_family(instances, alike) for instances in found.values()]


def _family(instances: dict[tuple[_Member, ...], list[Fact]], alike: frozenset[str]) -> _Family:
    samples: dict[object, list[Fact]] = {}
    for members, facts in instances.items():
        samples.setdefault(_pattern(members, alike), facts)
    return _Family(tuple(chain(*instances.values())), tuple(chain(*samples.values())))


def _pattern(members: Sequence[_Member], alike: frozenset[str]) -> tuple[_Member, ...]:
    """The members with those that are alike numbered as they come: the same for renamings of one another."""
    numbers: dict[_Member, int] = {}
    counts: Counter[str] = Counter()
    for name, number in members:
        if (name, number) not in numbers:
            numbers[name, number] = counts[name] if name in alike else number
            counts[name] += 1
    return tuple((name, numbers[name, number]) for name, number in members)


def _tokens(system: System) -> Iterator[_Token]:
    """The elements of bags, and beside them the elements of sets and the keys of maps."""
    at = 1
    for leaf in leaves_of(system.layout):
        bits = tuple(range(at, at + leaf.width))
        at += leaf.width
        if leaf.path[0].kind == "variable" and leaf.path[-1].kind in ("copies", "in", "there", "some"):
            place, members = _told(system.program, leaf)
            if members:
                yield _Token(place, members, bits, leaf.path[-1].kind == "copies")


def _told(program: Program, leaf: Leaf) -> tuple[tuple[object, ...], tuple[_Member, ...]]:
    """What a leaf tells, apart from the members that it names, and these."""
    place: list[object] = []
    members: list[_Member] = []
    for step in leaf.path:
        place.append((step.kind, step.name))
        if step.type is not None:
            place.append(_split(program, step.type, step.value, members))
        else:
            place.append(step.value)
    return tuple(place), tuple(members)


def _split(program: Program, type_: Type, value: Value, members: list[_Member]) -> object:
    """A value without the members that it names, which go to ``members``."""
    match type_:
        case IndexType(name) if name == PROCESS_SET_NAME:
            process, index = program.process_of(value)
            members.append((name if process.index is None else process.index.name, index))
            return process.name
        case IndexType(name):
            members.append((name, value))
            return name
        case OptionType(inner) if value is not None:
            return "some", _split(program, inner, value, members)
        case RecordType(_, fields):
            parts: Mapping[str, Type] = dict(fields)
            return tuple(
                _split(program, t, part, members) for t, part in zip(parts.values(), value, strict=True)
            )
        case _:
            return value
