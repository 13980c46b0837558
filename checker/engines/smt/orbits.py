"""The copies of a lemma that renaming the members of interchangeable sets makes."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from itertools import permutations, product
from typing import TypeAlias

from checker.engines.smt.atoms import Atoms, Member
from checker.engines.smt.circuit import TRUE
from checker.engines.smt.encoding import System
from checker.ir.program import Program
from checker.ir.symmetry import may_err_by_order, symmetry_of

#: Literals of a state's row that hold together: ``i + 1`` where bit ``i`` is true, negative where it is not.
Cube: TypeAlias = frozenset[int]

#: How many assignments of members are tried in the search for one copy, before it is given up.
TRIES_MAX = 2_000


def alike_sets(program: Program) -> frozenset[str]:
    """The index sets whose members every step and property treats alike, by the rules on the IR."""
    if may_err_by_order(program):
        return frozenset()
    most = max((index.size for index in program.index_sets), default=0)
    return frozenset(index.name for index in symmetry_of(program, most).sets)


class Orbits:
    """What renaming the members of a system's one-hot sets makes of a cube.

    Without atoms no renaming is known but the one that changes nothing.
    """

    def __init__(self, atoms: Atoms | None = None) -> None:
        self._sizes = {} if atoms is None else atoms.sizes
        self._atoms = [] if atoms is None else atoms.atoms
        self._tables: dict[object, dict[tuple[int, ...], int]] = {}
        for position, atom in enumerate(self._atoms):
            table = self._tables.setdefault(atom.place, {})
            table[tuple(number for _, number in atom.members)] = position + 1

    @property
    def is_trivial(self) -> bool:
        """Whether every cube is its only copy."""
        return not self._sizes

    @property
    def sets(self) -> tuple[str, ...]:
        """The sets whose members are renamed."""
        return tuple(self._sizes)

    def members(self, cube: Cube) -> list[Member]:
        """The members that a cube names, in the order of its literals."""
        if self.is_trivial:
            return []
        ordered = sorted(cube, key=abs)
        return list(dict.fromkeys(m for literal in ordered for m in self._atoms[abs(literal) - 1].members))

    def without(self, cube: Cube, member: Member) -> Cube:
        """The part of a cube that does not name a member."""
        return frozenset([lit for lit in cube if member not in self._atoms[abs(lit) - 1].members])

    def count(self, cube: Cube) -> int:
        """How many renamings of a cube's members there are: at least the number of its copies."""
        total = 1
        for name, size in self._sizes.items():
            named = sum(one == name for one, _ in self.members(cube))
            for less in range(named):
                total *= size - less
        return total

    def copies(self, cube: Cube) -> list[Cube]:
        """All copies of a cube, each once, itself first."""
        members, parts = self._parts(cube)
        if not members:
            return [cube]
        by_set: dict[str, list[int]] = {}
        for position, (name, _) in enumerate(members):
            by_set.setdefault(name, []).append(position)
        chosen = [0] * len(members)
        found = {cube: None}
        for images in product(*(permutations(range(self._sizes[n]), len(at)) for n, at in by_set.items())):
            for positions, image in zip(by_set.values(), images, strict=True):
                for position, number in zip(positions, image, strict=True):
                    chosen[position] = number
            found[_image(parts, chosen)] = None
        return list(found)

    def all_copies(self, cubes: Iterable[Cube]) -> list[Cube]:
        """All copies of several cubes, each once."""
        return list(dict.fromkeys(copy for cube in cubes for copy in self.copies(cube)))

    def copy_in(self, cube: Cube, literals: Collection[int]) -> Cube | None:
        """A copy of a cube that consists of given literals; None where none was found."""
        members, parts = self._parts(cube)
        # A literal is looked at as soon as all its members are chosen.
        due: list[list[_Part]] = [[] for _ in range(len(members) + 1)]
        for part in parts:
            due[max((1 + position for position in part[2]), default=0)].append(part)
        if any(table[()] * sign not in literals for sign, table, _ in due[0]):
            return None
        chosen: list[int] = []
        tries = TRIES_MAX

        def choose() -> bool:
            nonlocal tries
            if len(chosen) == len(members):
                return True
            name = members[len(chosen)][0]
            taken = {number for (other, _), number in zip(members, chosen, strict=False) if other == name}
            for number in range(self._sizes[name]):
                if number in taken or tries <= 0:
                    continue
                tries -= 1
                chosen.append(number)
                now = due[len(chosen)]
                if all(s * t[tuple(chosen[p] for p in at)] in literals for s, t, at in now) and choose():
                    return True
                chosen.pop()
            return False

        return _image(parts, chosen) if choose() else None

    def _parts(self, cube: Cube) -> tuple[list[Member], list[_Part]]:
        members = self.members(cube)
        if not members:
            return [], [(1 if lit > 0 else -1, {(): abs(lit)}, ()) for lit in cube]
        index = {member: position for position, member in enumerate(members)}
        parts: list[_Part] = []
        for literal in sorted(cube, key=abs):
            atom = self._atoms[abs(literal) - 1]
            table = self._tables[atom.place]
            parts.append((1 if literal > 0 else -1, table, tuple(index[m] for m in atom.members)))
        return members, parts


_Part: TypeAlias = tuple[int, Mapping[tuple[int, ...], int], tuple[int, ...]]


def _image(parts: Sequence[_Part], chosen: Sequence[int]) -> Cube:
    return frozenset([sign * table[tuple([chosen[p] for p in at])] for sign, table, at in parts])


def orbits_of(system: System) -> Orbits:
    """The orbits of a system whose one-hot sets are those that its program treats alike.

    There has to be one initial row, and renaming must not change it: else the orbits are trivial. A lemma
    excludes what cannot be reached, and with a buggy protocol and such a row its copies can be reached.
    """
    atoms = Atoms(system.layout)
    if any(literal > TRUE for literal in system.initial):
        return Orbits()
    row = [bool(literal) for literal in system.initial]
    if any(atoms.renamed(row, names) != row for names in atoms.swaps()):
        return Orbits()
    return Orbits(atoms)
