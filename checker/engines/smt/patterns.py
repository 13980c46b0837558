"""Lemmas for all members of some sets, apart from how many there are.

A pattern says of some members, all different, what is never true of them together. It is a lemma of one
instance with its members as variables; in an instance of another size it stands for one cube for each way to
give its variables different members.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations, product
from typing import TypeAlias

from checker.engines.smt.atoms import Atom, Atoms, Member, Shape
from checker.engines.smt.orbits import Cube

#: What a pattern says of its variables: a place, the variables' numbers, and whether it holds.
Fact: TypeAlias = tuple[tuple[Shape, ...], tuple[tuple[str, int], ...], bool]

#: More variables of one set than this are not put in order: patterns may then be there twice.
ORDERED_MAX = 4


@dataclass(frozen=True, slots=True)
class Pattern:
    """Facts that never hold together, whichever different members the variables are.

    ``variables`` counts them for each set; those of a set are numbered from 0.
    """

    facts: frozenset[Fact]
    variables: tuple[tuple[str, int], ...]

    def cubes(self, atoms: Atoms, first_only: bool = False) -> Iterator[Cube]:
        """The cubes that it stands for in the rows of a layout; none where there are too few members.

        Args:
            atoms: of the layout.
            first_only: only that in which the variables are the first members of each set.

        Raises:
            KeyError: the layout has no place that the pattern speaks of.
        """
        names = [name for name, _ in self.variables]
        if any(atoms.sizes[name] < count for name, count in self.variables):
            return
        ways = [permutations(range(atoms.sizes[name]), count) for name, count in self.variables]
        chosen = [tuple(range(count) for _, count in self.variables)] if first_only else product(*ways)
        for members in chosen:
            given = dict(zip(names, members, strict=True))
            yield frozenset(self._literal(atoms, fact, given) for fact in self.facts)

    def _literal(self, atoms: Atoms, fact: Fact, given: Mapping[str, Sequence[int]]) -> int:
        place, variables, holds = fact
        atom = Atom(place, tuple((name, given[name][variable]) for name, variable in variables))
        position = atoms.positions[atom] + 1
        return position if holds else -position


def pattern_of(atoms: Atoms, cube: Cube) -> Pattern:
    """A cube with its members as variables. Cubes that are renamings of each other give equal patterns."""
    facts = [(atoms.atoms[abs(literal) - 1], literal > 0) for literal in _positive(atoms, cube)]
    members: dict[str, list[int]] = {}
    for atom, _ in sorted(facts, key=repr):
        for name, member in atom.members:
            if member not in members.setdefault(name, []):
                members[name].append(member)
    names = sorted(members)
    counts = tuple((name, len(members[name])) for name in names)
    ways = [
        permutations(members[name]) if len(members[name]) <= ORDERED_MAX else [tuple(members[name])]
        for name in names
    ]
    candidates = (
        frozenset(_fact(atom, holds, dict(zip(names, order, strict=True))) for atom, holds in facts)
        for order in product(*ways)
    )
    return Pattern(min(candidates, key=lambda one: sorted(map(repr, one))), counts)


def _fact(atom: Atom, holds: bool, order: Mapping[str, Sequence[int]]) -> Fact:
    return atom.place, tuple((name, order[name].index(member)) for name, member in atom.members), holds


def _positive(atoms: Atoms, cube: Cube) -> Cube:
    """A cube that says of a value who it is where it says of all others that it is none of them.

    With as few members as there are, the two are the same; with more of them they are not.
    """
    groups: dict[tuple[tuple[Shape, ...], tuple[Member, ...]], dict[int, int]] = {}
    for position, atom in enumerate(atoms.atoms):
        if atom.place[-1] == ("is", ("member", _set_of(atom))):
            groups.setdefault((atom.place, atom.members[:-1]), {})[atom.members[-1][1]] = position + 1
    found = set(cube)
    for codes in groups.values():
        denied = {member for member, literal in codes.items() if -literal in cube}
        left = codes.keys() - denied
        if denied and len(left) == 1:
            found -= {-codes[member] for member in denied}
            found.add(codes[left.pop()])
        elif any(literal in cube for literal in codes.values()):
            found -= {-codes[member] for member in denied}
    return frozenset(found)


def _set_of(atom: Atom) -> str:
    return atom.members[-1][0] if atom.members else ""
