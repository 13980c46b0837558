"""What each bit of a row says, apart from which members of interchangeable sets it says it of.

A row consists of leaves: consecutive bits that hold one fact, one number or one member of a set. An atom is
one bit: a place, which is the same for all members and for models of any size, and the members it
names, in order. So renaming members permutes the bits of a row, and what is said of one instance of a model
can be said of a larger one.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeAlias

from checker.engines.smt.layout import Layout, keys_of
from checker.engines.smt.symbols import bounds_of, width_of
from checker.errors import InternalError
from checker.ir.program import Process
from checker.ir.symmetry import Renaming
from checker.ir.types import (
    PROCESS_SET_NAME,
    BagType,
    BoolType,
    FifoType,
    IndexType,
    MapType,
    NoneType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import Value

#: In a shape, that a value names a member that was left out.
ELSEWHERE = "elsewhere"
#: A member of an index set: the set's name and the member's number.
Member: TypeAlias = tuple[str, int]
#: A value without the members that it names: a position in ``Atom.members`` stands for each.
Shape: TypeAlias = Hashable


@dataclass(frozen=True, slots=True)
class Step:
    """One step on the way from a state to a part of it.

    ``kind`` is variable, process, local, field, slot or entry; or what is told of the part that the steps
    before it lead to: in, copies, there, some, value, label, attempts, applied, has (a value), budget.
    ``value`` is the instance, element or key, of ``type``, or the slot.
    """

    kind: str
    name: str = ""
    type: Type | None = None
    value: Value = None


@dataclass(frozen=True, slots=True)
class Leaf:
    """Consecutive bits of a row.

    They are a fact of one bit, or, where there are ``bounds``, a binary number between them, or a bit
    for each of ``members`` of a set. ``type`` is that of a number or member, if it has one.
    """

    path: tuple[Step, ...]
    bounds: tuple[int, int] | None = None
    type: Type | None = None
    members: int | None = None

    @property
    def width(self) -> int:
        """How many bits it takes."""
        if self.members is not None:
            return self.members
        return 1 if self.bounds is None else width_of(*self.bounds)


@dataclass(frozen=True, slots=True)
class Atom:
    """What one bit says: ``place`` with these members. Members can come twice."""

    place: tuple[Shape, ...]
    members: tuple[Member, ...]

    def renamed(self, names: Renaming) -> Atom:
        """The atom of the renamed members."""
        return Atom(self.place, tuple((s, names[s][i] if s in names else i) for s, i in self.members))


def leaves_of(layout: Layout) -> Iterator[Leaf]:
    """The leaves of a layout's rows, in the rows' order."""
    program = layout.program
    for variable in program.variables:
        yield from _value(layout, variable.type, (Step("variable", variable.name),))
    for instance in range(program.process_count):
        process, index = program.process_of(instance)
        yield from _process(layout, process, (Step("process", process.name, process.index, index),))
    for name, amount in zip(program.budgets.names, program.budgets.amounts, strict=True):
        yield Leaf((Step("budget", name),), (0, amount))


def _process(layout: Layout, process: Process, path: tuple[Step, ...]) -> Iterator[Leaf]:
    yield Leaf((*path, Step("label")), (0, len(process.labels) - 1))
    yield Leaf((*path, Step("attempts")), (0, layout.attempts_max - 1))
    if layout.has_applied:
        yield Leaf((*path, Step("applied")))
    for place in layout.places[process.name]:
        inner = (*path, Step("local", place.name))
        if place.marked:
            yield Leaf((*inner, Step("has")))
        yield from _value(layout, place.type, inner)


def _value(layout: Layout, type_: Type, path: tuple[Step, ...]) -> Iterator[Leaf]:
    match type_:
        case BoolType():
            yield Leaf((*path, Step("value")))
        case NoneType():
            return
        case OptionType(inner):
            # Not "there", which is said of an entry or a slot that may hold it.
            yield Leaf((*path, Step("some")))
            yield from _value(layout, inner, path)
        case RecordType(_, fields):
            for field, field_type in fields:
                yield from _value(layout, field_type, (*path, Step("field", field)))
        case SetType(element):
            for key in keys_of(element):
                yield Leaf((*path, Step("in", type=element, value=key)))
        case BagType(element):
            most = layout.packing.capacities.bag_count_max
            for key in keys_of(element):
                yield Leaf((*path, Step("copies", type=element, value=key)), (0, most))
        case MapType(key_type, inner):
            for key in keys_of(key_type):
                entry = (*path, Step("entry", type=key_type, value=key))
                yield Leaf((*entry, Step("there")))
                yield from _value(layout, inner, entry)
        case FifoType(element):
            for position in range(layout.packing.capacities.fifo_length_max):
                slot = (*path, Step("slot", value=position))
                yield Leaf((*slot, Step("there")))
                yield from _value(layout, element, slot)
        case _:
            members = layout.packing.members(type_)
            yield Leaf((*path, Step("value")), bounds_of(type_), type_, members)


def atoms_of(layout: Layout) -> list[Atom]:
    """The atom of each bit of a layout's rows, in the rows' order; no two are equal."""
    found = [atom for leaf in leaves_of(layout) for atom in _atoms(layout, leaf)]
    if len(found) != layout.bits or len(set(found)) != layout.bits:
        raise InternalError("the atoms of a row are not its bits")
    return found


def _atoms(layout: Layout, leaf: Leaf) -> Iterator[Atom]:
    place: list[Shape] = []
    members: list[Member] = []
    for step in leaf.path:
        shape, named = (step.value, ()) if step.type is None else _shape(layout, step.type, step.value)
        place.append((step.kind, step.name, shape))
        members += named
    for bit in range(leaf.width):
        if leaf.members is None or leaf.type is None:
            yield Atom((*place, ("bit", bit)), tuple(members))
        else:
            shape, named = _shape(layout, leaf.type, bit)
            yield Atom((*place, ("is", shape)), (*members, *named))


def _shape(layout: Layout, type_: Type, value: Value) -> tuple[Shape, tuple[Member, ...]]:
    """A value without the members that it names, and these."""
    match type_:
        case IndexType(name, size) if value == size:
            return (ELSEWHERE, name), ()
        case IndexType(name) if name == PROCESS_SET_NAME:
            process, index = layout.program.process_of(value)
            own = (index, ()) if process.index is None else _shape(layout, process.index, index)
            return ("process", process.name, own[0]), own[1]
        case IndexType(name) if name in layout.one_hot:
            return ("member", name), ((name, value),)
        case OptionType(inner):
            if value is None:
                return None, ()
            shape, members = _shape(layout, inner, value)
            return ("some", shape), members
        case RecordType(_, fields):
            parts = [_shape(layout, t, part) for (_, t), part in zip(fields, value, strict=True)]
            return tuple(shape for shape, _ in parts), tuple(m for _, members in parts for m in members)
        case _:
            return value, ()


class Atoms:
    """The atoms of a layout's rows, and what renaming does to them."""

    def __init__(self, layout: Layout) -> None:
        self.layout = layout
        self.atoms = atoms_of(layout)
        self.positions: Mapping[Atom, int] = {atom: i for i, atom in enumerate(self.atoms)}
        sizes = {index.name: index.size for index in layout.program.index_sets}
        self.sizes = {name: sizes[name] for name in sorted(layout.one_hot)}

    def permutation(self, names: Renaming) -> list[int]:
        """For each bit of a row the position where it is in the renamed row."""
        return [self.positions[atom.renamed(names)] for atom in self.atoms]

    def renamed(self, row: Sequence[bool], names: Renaming) -> list[bool]:
        """The row of the renamed state."""
        found = [False] * len(row)
        for bit, position in zip(row, self.permutation(names), strict=True):
            found[position] = bit
        return found

    def swaps(self) -> Iterator[Renaming]:
        """Renamings of two neighbouring members, of which all others are made."""
        for name, size in self.sizes.items():
            for a, b in pairwise(range(size)):
                names = list(range(size))
                names[a], names[b] = b, a
                yield {name: names}
