"""What the bits of a row mean in the model's own terms, and lemmas told in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial

from checker.engines.smt.atoms import Leaf, Member, Step, leaves_of
from checker.engines.smt.layout import Layout
from checker.engines.smt.orbits import Cube
from checker.errors import InternalError
from checker.ir.types import PROCESS_SET_NAME, IndexType, OptionType, RecordType, Type
from checker.ir.values import Value, index_label, show

#: More values than this are told as what they are not, or as bits.
VALUES_TOLD_MAX = 4

#: What members are called, where that is not their set's name and number.
Names = Mapping[Member, str]


@dataclass(frozen=True, slots=True)
class Field:
    """A leaf of a row with the words for it."""

    layout: Layout
    leaf: Leaf

    @property
    def width(self) -> int:
        """How many bits it takes."""
        return self.leaf.width

    @property
    def name(self) -> str:
        """What it is called."""
        return self.told({})

    def told(self, names: Names) -> str:
        """What it is called where members have names."""
        text = ""
        for step in self.leaf.path:
            text = self._further(text, step, names)
        return text

    def _further(self, text: str, step: Step, names: Names) -> str:
        match step.kind:
            case "variable":
                return step.name
            case "process":
                return _instance(self.layout, step.name, step.type, step.value, names)
            case "local":
                return f"{step.name} of {text}"
            case "field":
                return f"{text}.{step.name}"
            case "slot":
                return f"{text}[{step.value}]"
            case "entry":
                return f"{text}[{self.shown_value(step.type, step.value, names)}]"
            case "in":
                return f"{self.shown_value(step.type, step.value, names)} in {text}"
            case "copies":
                return f"copies of {self.shown_value(step.type, step.value, names)} in {text}"
            case "some":
                return f"{text} is not None"
            case "there":
                return f"{text} is there"
            case "has":
                return f"{text} has a value"
            case "label":
                return f"{text} at"
            case "attempts":
                return f"failed attempts of {text}"
            case "applied":
                return f"the call of {text} was applied"
            case "budget":
                return f"{step.name} left"
            case _:
                return text

    def shown(self, value: int, names: Names) -> str:
        """A value of its number or member."""
        if self.leaf.path[-1].kind == "label":
            process = next(p for p in self.layout.program.processes if p.name == self.leaf.path[0].name)
            label = process.labels[value]
            return f"{label.call.name} (line {label.location.line})"
        if self.leaf.path[-1].kind == "copies" and self.layout.abstraction.bags_saturate:
            is_open = value == self.layout.packing.capacities.bag_count_max
            return f"{value} or more" if is_open else str(value)
        return str(value) if self.leaf.type is None else self.shown_value(self.leaf.type, value, names)

    def shown_value(self, type_: Type | None, value: Value, names: Names) -> str:
        """A value of a type, with the names of its members."""
        match type_:
            case None:
                return str(value)
            case IndexType(name) if name == PROCESS_SET_NAME:
                process, index = self.layout.program.process_of(value)
                return _instance(self.layout, process.name, process.index, index, names)
            case IndexType(name) if (name, value) in names:
                return f"{index_label(name)} {names[name, value]}"
            case OptionType(inner) if value is not None:
                return self.shown_value(inner, value, names)
            case RecordType(name, fields) if fields:
                pairs = zip(fields, value, strict=True)
                return f"{name}({', '.join(self.shown_value(t, part, names) for (_, t), part in pairs)})"
            case _:
                return show(type_, value)


def _instance(layout: Layout, process: str, index: Type | None, number: int, names: Names) -> str:
    if isinstance(index, IndexType) and (index.name, number) in names:
        return f"{process} {names[index.name, number]}"
    first = next(p.first_instance for p in layout.program.processes if p.name == process)
    return layout.program.instance_name(first + number)


def fields_of(layout: Layout) -> list[Field]:
    """The fields of a layout's rows, in the rows' order."""
    found = [Field(layout, leaf) for leaf in leaves_of(layout)]
    if sum(field.width for field in found) != layout.bits:
        raise InternalError("the fields of a row are not its bits")
    return found


def told(fields: Iterable[Field], cube: Cube, names: Names | None = None) -> list[str]:
    """A cube as facts that hold together: ``worker 0 at seen.get (line 103)``, ``not order 0 in placed``."""
    facts = []
    first = 0
    for field in fields:
        bits = {
            bit: (first + bit + 1) in cube
            for bit in range(field.width)
            if first + bit + 1 in cube or -(first + bit + 1) in cube
        }
        first += field.width
        if bits:
            facts.append(_fact(field, bits, names or {}))
    return facts


def told_of_all(fields: Iterable[Field], cube: Cube, members: Iterable[Member]) -> tuple[str, list[str]]:
    """A cube that stands for all its copies: whom it is about, and its facts.

    So ``distinct order a, b and worker c``, ``["order a in placed", "not order b in placed", ...]``; the
    first is empty where there are no members.
    """
    names: dict[Member, str] = {}
    for position, member in enumerate(members):
        letter, round_ = chr(ord("a") + position % 26), position // 26
        names[member] = f"{letter}{round_ or ''}"
    by_set: dict[str, list[str]] = {}
    for (name, _), letter in names.items():
        by_set.setdefault(name, []).append(letter)
    whom = " and ".join(f"{index_label(name)} {', '.join(letters)}" for name, letters in by_set.items())
    distinct = "distinct " if any(len(letters) > 1 for letters in by_set.values()) else ""
    return f"{distinct}{whom}", told(fields, cube, names)


def _fact(field: Field, bits: dict[int, bool], names: Names) -> str:
    name = field.told(names)
    shown = partial(_shown, field, names)
    if field.leaf.members is not None:
        return _member_fact(name, bits, shown)
    if field.leaf.bounds is None:
        return name if bits[0] else f"not {name}"
    low, high = field.leaf.bounds
    if high - low > 256:
        return f"{name} with bits {', '.join(f'{bit} {value:d}' for bit, value in bits.items())}"
    every = range(low, high + 1)
    ours = [v for v in every if all(bool(v >> bit & 1) == value for bit, value in bits.items())]
    others = [v for v in every if v not in ours]
    if len(others) < len(ours) and len(others) <= VALUES_TOLD_MAX:
        return f"{name}: not {' nor '.join(map(shown, others))}"
    return f"{name}: {' or '.join(map(shown, ours))}"


def _shown(field: Field, names: Names, value: int) -> str:
    return field.shown(value, names)


def _member_fact(name: str, bits: dict[int, bool], shown: Callable[[int], str]) -> str:
    """A member that is one, or is none of some; where there is no value, it is none at all."""
    ones = [shown(bit) for bit, value in bits.items() if value]
    zeros = [shown(bit) for bit, value in bits.items() if not value]
    parts = [" and ".join(ones)] * bool(ones) + [f"not {' nor '.join(zeros)}"] * bool(zeros)
    return f"{name}: {', '.join(parts)}"
