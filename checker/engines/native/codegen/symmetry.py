"""C code that the representative of an orbit is found with: colours of members, and renaming them.

An *element* is what lies at one place of a collection, with the key it lies under, or a process instance with
its locals. A member's colour is a sum over the elements that it occurs in of what they are but for the names
in them, and where in the element it occurs; then, once more, with the colours of the other members in the
same element. So a colour does not change when members are renamed.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from itertools import count
from math import factorial, prod

from checker.engines.native.codegen.layout import (
    Layout,
    LocalSlot,
    ProcessLayout,
    bits_for,
    cardinality,
    is_scalar,
    width,
)
from checker.engines.native.codegen.packing import Packing
from checker.engines.native.codegen.values import CTypes
from checker.ir.program import Program
from checker.ir.symmetry import contains
from checker.ir.types import (
    PROCESS_SET_NAME,
    BagType,
    FifoType,
    IndexType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
)

#: A set with more members than this is left as it is.
MEMBERS_MAX = 64

#: The low bits of a colour, which hold small entries as they are; hashes lie above them.
_EXACT_BITS_MAX = 24


@dataclass(frozen=True, slots=True)
class Occurrence:
    """A member in an element: the number of its set, and C expressions for it and for whether it is there."""

    set: int
    member: str
    condition: str = ""


@dataclass(frozen=True, slots=True)
class _Element:
    """The part of an element that has been seen: C expressions for what it is, and the members in it."""

    parts: tuple[str, ...] = ()
    members: tuple[Occurrence, ...] = ()

    def also(self, parts: Sequence[str] = (), members: Sequence[Occurrence] = ()) -> _Element:
        return _Element((*self.parts, *parts), (*self.members, *members))


@dataclass(slots=True)
class _Lines:
    """Lines of C, indented by blocks."""

    lines: list[str] = field(default_factory=list)
    depth: int = 1

    def add(self, line: str) -> None:
        self.lines.append("    " * self.depth + line)

    def block(self, head: str, body: Callable[[], None]) -> None:
        self.add(f"{head} {{")
        self.depth += 1
        body()
        self.depth -= 1
        self.add("}")


class SymmetryCode:
    """Emits for the sets of one program; the text goes before ``gen_symmetry.h`` and after it."""

    def __init__(self, program: Program, layout: Layout, types: CTypes, sets: Sequence[IndexType]) -> None:
        self._program = program
        self._layout = layout
        self._types = types
        self.sets = tuple(sets)
        self._numbers = {index.name: number for number, index in enumerate(sets)}
        self._counter = count()
        self._packing = Packing(layout.capacities, types, self._fresh, ())
        self._renamers: dict[Type, str] = {}
        self._definitions: list[str] = []
        self._exact: list[list[str]] = [[] for _ in sets]
        self._exact_bits = [0] * len(sets)
        self._out = _Lines()
        self._round = 1
        self._salts = count(1)

    def before(self) -> str:
        """What ``gen_symmetry.h`` needs."""
        sizes = ", ".join(str(index.size) for index in self.sets)
        orbit = prod(factorial(index.size) for index in self.sets)
        return "\n".join(
            [
                f"#define GEN_SETS {len(self.sets)}",
                f"#define GEN_MEMBERS {max(index.size for index in self.sets)}",
                f"static const uint32_t gen_set_sizes[GEN_SETS] = {{ {sizes} }};",
                f"static const uint64_t gen_orbit_max = UINT64_C({orbit if orbit < 2**63 else 0});",
            ]
        )

    def after(self) -> str:
        """The functions that ``gen_symmetry.h`` calls."""
        colour, rename = self._colour_function(), self._rename_function()
        return "\n\n".join([self._process_function(), *self._definitions, colour, rename])

    def _fresh(self, stem: str) -> str:
        return f"{stem}{next(self._counter)}"

    def _names(self, type_: Type) -> bool:
        return any(contains(self._program, type_, index) for index in self.sets)

    # Renaming scalars

    def _process_function(self) -> str:
        lines = _Lines()
        for process in self._program.processes:
            if process.index is not None and process.index.name in self._numbers:
                first, number = process.first_instance, self._numbers[process.index.name]
                end = first + process.instances
                lines.add(
                    f"if (v >= {first} && v < {end}) return {first} + (int64_t)p->to[{number}][v - {first}];"
                )
        lines.add("(void)p;")
        lines.add("return v;")
        head = "static inline int64_t gen_renamed_process(int64_t v, const gen_renaming *p) {"
        return "\n".join([head, *lines.lines, "}"])

    def _renamed(self, type_: Type, value: str) -> str:
        """A C value of a scalar type with its members renamed by ``p``."""
        if not self._names(type_):
            return value
        match type_:
            case IndexType(name) if name == PROCESS_SET_NAME:
                return f"gen_renamed_process({value}, p)"
            case IndexType(name):
                return f"(int64_t)p->to[{self._numbers[name]}][{value}]"
            case _:
                if type_ not in self._renamers:
                    self._define_renamer(type_)
                return f"{self._renamers[type_]}({value}, p)"

    def _define_renamer(self, type_: Type) -> None:
        name, c = self._fresh("gen_renamed"), self._types.name(type_)
        lines: list[str] = []
        match type_:
            case OptionType(inner):
                lines.append(f"if (v.some) v.value = {self._renamed(inner, 'v.value')};")
            case RecordType(_, fields):
                for number, (_, field_type) in enumerate(fields):
                    if self._names(field_type):
                        lines.append(f"v.f{number} = {self._renamed(field_type, f'v.f{number}')};")
            case _:
                raise AssertionError(type_)
        self._renamers[type_] = name
        head = f"static inline {c} {name}({c} v, const gen_renaming *p) {{"
        self._definitions.append("\n".join([head, *(f"    {line}" for line in [*lines, "return v;"]), "}"]))

    def _renamed_code(self, type_: Type, code: str) -> str:
        """The code of a scalar with its members renamed."""
        if isinstance(type_, IndexType) and type_.name != PROCESS_SET_NAME:
            return f"(int64_t)p->to[{self._numbers[type_.name]}][{code}]"
        return self._types.key(type_, self._renamed(type_, self._types.unkey(type_, code)))

    # Renaming states

    def _rename_function(self) -> str:
        out = self._out = _Lines()
        out.add("qc_copy(n, s);")
        for variable in self._program.variables:
            if self._names(variable.type):
                base = str(self._layout.variables[variable.name].offset)
                self._move(variable.type, base, base)
        for process in self._layout.processes:
            self._move_process(process)
        head = "static void gen_rename(uint64_t *n, const uint64_t *s, const gen_renaming *p) {"
        return "\n".join([head, *out.lines, "}"])

    def _move(self, type_: Type, source: str, target: str) -> None:
        """Writes to bit ``target`` of ``n`` what lies at bit ``source`` of ``s``, renamed."""
        out, capacities = self._out, self._layout.capacities
        if not self._names(type_):
            out.add(f"gen_copy(n, {target}, s, {source}, {width(type_, capacities)});")
            return
        match type_:
            case SetType(element) | BagType(element):
                self._move_slots(element, self._packing.stride(type_), None, source, target)
            case MapType(key, value):
                self._move_slots(key, self._packing.stride(type_), value, source, target)
            case FifoType(element):
                head, stride = bits_for(capacities.fifo_length_max + 1), self._packing.stride(type_)
                i = self._fresh("i")
                slot = f"{head} + {i} * {stride}"
                # As the value of a map, the target was cleared: the length moves, too.
                out.add(f"gen_put(n, {target}, {head}, gen_get(s, {source}, {head}));")
                out.block(
                    f"for (uint32_t {i} = 0; {i} < gen_get(s, {source}, {head}); {i}++)",
                    lambda: self._move(element, f"{source} + {slot}", f"{target} + {slot}"),
                )
            case _:
                bits = width(type_, capacities)
                code = self._renamed_code(type_, f"(int64_t)gen_get(s, {source}, {bits})")
                out.add(f"gen_put(n, {target}, {bits}, (uint64_t){code});")

    def _move_slots(self, key: Type, stride: int, value: Type | None, source: str, target: str) -> None:
        """The slots of a set, a bag or a map, each to where its key goes: renaming only permutes them."""
        out, k, to = self._out, self._fresh("k"), self._fresh("to")
        place, moved = f"{source} + (uint32_t){k} * {stride}", f"{target} + (uint32_t){to} * {stride}"
        bits = cardinality(key) * stride
        # A small collection is put together in a register.
        gathered = self._fresh("all") if bits <= 64 and (value is None or is_scalar(value)) else ""

        def put(slot: str) -> None:
            if gathered:
                out.add(f"{gathered} |= (uint64_t)({slot}) << ({to} * {stride});")
            else:
                out.add(f"gen_put(n, {moved}, {stride}, {slot});")

        def body() -> None:
            renamed = self._renamed_code(key, k) if self._names(key) else k
            out.add(f"const int64_t {to} = {renamed};")
            if value is not None and not is_scalar(value) and self._names(value):
                out.add(f"gen_clear(n, {moved}, {stride});")
                out.add(f"gen_put(n, {moved}, 1, gen_get(s, {place}, 1));")
                self._move(value, f"{place} + 1", f"{moved} + 1")
            elif value is not None and self._names(value):
                put(self._renamed_optional(value, place, stride))
            elif stride <= 64:
                put(f"gen_get(s, {place}, {stride})")
            else:
                out.add(f"gen_copy(n, {moved}, s, {place}, {stride});")

        if gathered:
            out.add(f"uint64_t {gathered} = 0;")
            out.add('_Pragma("GCC unroll 16")')
        out.block(f"for (int64_t {k} = 0; {k} < {cardinality(key)}; {k}++)", body)
        if gathered:
            out.add(f"gen_put(n, {target}, {bits}, {gathered});")

    def _renamed_optional(self, type_: Type, source: str, bits: int) -> str:
        """A scalar that is 0 where it is absent, and 1 + its code, renamed."""
        e = self._fresh("e")
        self._out.add(f"const int64_t {e} = (int64_t)gen_get(s, {source}, {bits});")
        # Code 0 is looked up where there is none, which costs less than a branch.
        code = self._renamed_code(type_, f"({e} - ({e} != 0))")
        return f"{e} == 0 ? 0 : (uint64_t){code} + 1"

    def _move_process(self, layout: ProcessLayout) -> None:
        process = layout.process
        number = None if process.index is None else self._numbers.get(process.index.name)
        named = [[place for place in places if self._names(place.type)] for places in layout.locals]
        if number is None and not any(named):
            return
        out = self._out

        def body() -> None:
            to = "i" if number is None else f"p->to[{number}][i]"
            out.add(f"const uint32_t from = {layout.offset} + i * {layout.width};")
            out.add(f"const uint32_t to = {layout.offset} + {to} * {layout.width};")
            if number is not None:
                out.add(f"gen_copy(n, to, s, from, {layout.width});")
            if any(named):
                out.block(f"switch (gen_get(s, from, {layout.label.width}))", lambda: self._cases(named))

        out.block(f"for (uint32_t i = 0; i < {process.instances}; i++)", body)

    def _cases(self, named: Sequence[Sequence[LocalSlot]]) -> None:
        for label, places in enumerate(named):
            if places:
                self._out.block(f"case {label}:", lambda places=places: self._move_locals(places))  # type: ignore[misc]

    def _move_locals(self, places: Sequence[LocalSlot]) -> None:
        for place in places:
            source, target = f"from + {place.slot.offset}", f"to + {place.slot.offset}"
            if not place.is_optional:
                self._move(place.type, source, target)
            elif is_scalar(place.type):
                renamed = self._renamed_optional(place.type, source, place.slot.width)
                self._out.add(f"gen_put(n, {target}, {place.slot.width}, {renamed});")
            else:
                self._move(place.type, f"{source} + 1", f"{target} + 1")
        self._out.add("break;")

    # Colours

    def _colour_function(self) -> str:
        out = self._out = _Lines()
        self._round, self._salts = 1, count(1)
        self._elements()
        first = out.lines
        second = self._out = _Lines()
        self._round, self._salts = 2, count(1)
        self._elements()
        first += second.lines
        head = "static void gen_colour(const uint64_t *s, gen_colours *c) {"
        blank = "static const gen_renaming gen_blank;"
        body = ["    const gen_renaming *p = &gen_blank;", "    (void)p;", *self._exact_lines(), *first]
        return "\n".join([blank, "", head, *body, "}"])

    def _exact_lines(self) -> list[str]:
        """Where colours begin: with the entries that they take as they are."""
        lines = []
        for number, (index, entries) in enumerate(zip(self.sets, self._exact, strict=True)):
            lines.append('    _Pragma("GCC unroll 16")')
            start = " | ".join(f"({entry})" for entry in entries) or "0"
            loop = f"for (int64_t k = 0; k < {index.size}; k++)"
            lines.append(f"    {loop} c->of[{number}][k] = {start}, c->more[{number}][k] = 0;")
        return lines

    def _elements(self) -> None:
        """Emits what one round takes from each element of the state."""
        for variable in self._program.variables:
            if self._names(variable.type):
                base = str(self._layout.variables[variable.name].offset)
                self._walk(variable.type, base, _Element())
        for process in self._layout.processes:
            self._walk_process(process)

    def _walk(self, type_: Type, base: str, element: _Element) -> None:
        """The elements of a value that lies at a bit of the state."""
        match type_:
            case SetType(inner) | BagType(inner):
                self._walk_slots(type_, inner, None, base, element)
            case MapType(key, value):
                self._walk_slots(type_, key, value, base, element)
            case FifoType(inner):
                head = bits_for(self._layout.capacities.fifo_length_max + 1)
                i = self._fresh("i")
                slot = f"{base} + {head} + {i} * {self._packing.stride(type_)}"
                self._loop(
                    f"for (uint32_t {i} = 0; {i} < gen_get(s, {base}, {head}); {i}++)",
                    lambda: self._walk(inner, slot, element.also([f"{i} + 1"])),
                )
            case _:
                bits = width(type_, self._layout.capacities)
                self._take(self._scalar(type_, f"(int64_t)gen_get(s, {base}, {bits})", element))

    def _loop(self, head: str, body: Callable[[], None]) -> None:
        """A loop that is left out where its body is empty."""
        out = self._out
        before = len(out.lines)
        out.block(head, body)
        if len(out.lines) == before + 2:
            del out.lines[before:]

    def _walk_slots(self, type_: Type, key: Type, value: Type | None, base: str, element: _Element) -> None:
        stride, k, e = self._packing.stride(type_), self._fresh("k"), self._fresh("e")
        place = f"{base} + (uint32_t){k} * {stride}"
        is_plain = value is None or (is_scalar(value) and not self._names(value))
        if element == _Element() and is_plain and self._is_exact(key, stride):
            self._take_exact(key, f"gen_get(s, {base} + (uint32_t)k * {stride}, {stride})", stride)
            return
        entry = f"gen_get(s, {place}, {stride if value is None or is_scalar(value) else 1})"

        def body() -> None:
            held = self._scalar(key, k, element)
            if value is None or is_plain:
                self._take(held.also([f"(int64_t){e}"]))
            elif is_scalar(value):
                self._take(self._scalar(value, f"((int64_t){e} - 1)", held))
            else:
                self._take(held)
                self._walk(value, f"{place} + 1", held)

        def guarded() -> None:
            self._out.add(f"const uint64_t {e} = {entry};")
            before = len(self._out.lines)
            self._loop(f"if ({e} != 0)", body)
            if len(self._out.lines) == before:
                self._out.lines.pop()

        self._loop(f"for (int64_t {k} = 0; {k} < {cardinality(key)}; {k}++)", guarded)

    def _is_exact(self, key: Type, stride: int) -> bool:
        if not isinstance(key, IndexType) or key.name not in self._numbers:
            return False
        number = self._numbers[key.name]
        return self._round == 2 or self._exact_bits[number] + stride <= _EXACT_BITS_MAX

    def _take_exact(self, key: Type, entry: str, stride: int) -> None:
        """Small entries that lie directly under a member go into its colour as they are."""
        if self._round == 2:
            return
        assert isinstance(key, IndexType)
        number = self._numbers[key.name]
        self._exact[number].append(f"{entry} << {self._exact_bits[number]}")
        self._exact_bits[number] += stride

    def _scalar(self, type_: Type, code: str, element: _Element) -> _Element:
        """The element with a scalar, by its code: what it is but for names, and the members in it."""
        if not self._names(type_):
            return element.also([code])
        if isinstance(type_, IndexType):
            return element.also((), self._members(type_, code, ""))
        v = self._fresh("v")
        self._out.add(f"const {self._types.name(type_)} {v} = {self._types.unkey(type_, code)};")
        blank = self._types.key(type_, self._renamed(type_, v))
        return element.also([blank], self._members(type_, v, ""))

    def _members(self, type_: Type, value: str, condition: str) -> list[Occurrence]:
        match type_:
            case IndexType(name) if name == PROCESS_SET_NAME:
                found = []
                for process in self._program.processes:
                    if process.index is not None and process.index.name in self._numbers:
                        first, end = process.first_instance, process.first_instance + process.instances
                        inside = f"{value} >= {first} && {value} < {end}"
                        both = f"{condition} && {inside}" if condition else inside
                        number = self._numbers[process.index.name]
                        found.append(Occurrence(number, f"({value} - {first})", both))
                return found
            case IndexType(name):
                return [Occurrence(self._numbers[name], value, condition)] if name in self._numbers else []
            case OptionType(inner):
                some = f"{condition} && {value}.some" if condition else f"{value}.some"
                return self._members(inner, f"{value}.value", some)
            case RecordType(_, fields):
                return [
                    found
                    for number, (_, field_type) in enumerate(fields)
                    for found in self._members(field_type, f"{value}.f{number}", condition)
                ]
            case _:
                return []

    def _take(self, element: _Element) -> None:
        """Adds an element to the colours of the members in it."""
        out, salt, members = self._out, next(self._salts), element.members
        if not members or (self._round == 2 and len(members) < 2):
            return
        h = self._fresh("h")
        out.add(f"uint64_t {h} = {salt};")
        for part in element.parts:
            out.add(f"{h} = gen_mix({h}, (uint64_t)({part}));")
        if self._round == 2:
            self._take_others(h, members)
            return
        for number, member in enumerate(members):
            more = f"gen_mix({h}, {number + 1}) << {_EXACT_BITS_MAX}"
            line = f"c->of[{member.set}][{member.member}] += {more};"
            out.add(f"if ({member.condition}) {line}" if member.condition else line)

    def _take_others(self, h: str, members: Sequence[Occurrence]) -> None:
        """Where two or more members are in an element, each takes the colours of the others."""
        out, all_of = self._out, self._fresh("h")
        colours = [f"gen_mix({n + 1}, c->of[{m.set}][{m.member}])" for n, m in enumerate(members)]
        conditions = [m.condition for m in members]
        there = [f"({c})" if c else "1" for c in conditions]
        pairs = zip(conditions, colours, strict=True)
        terms = [f"({condition} ? {colour} : 0)" if condition else colour for condition, colour in pairs]
        out.add(f"const uint64_t {all_of} = {h} + {' + '.join(terms)};")

        def body() -> None:
            for number, (member, term) in enumerate(zip(members, terms, strict=True)):
                others = f"{all_of} - {term} + {number}"
                # What is known of one other member is mixed already.
                others = f"({others})" if len(members) == 2 else f"gen_mix({number + 1}, {others})"
                more = f"{others} << {_EXACT_BITS_MAX};"
                lines = f"c->more[{member.set}][{member.member}] += {more} "
                lines += f"gen_link(c, {member.set}, (uint64_t){member.member});"
                out.add(f"if ({member.condition}) {{ {lines} }}" if member.condition else lines)

        if any(conditions):
            out.block(f"if ({' + '.join(there)} > 1)", body)
        else:
            body()

    def _walk_process(self, layout: ProcessLayout) -> None:
        process, out = layout.process, self._out
        number = None if process.index is None else self._numbers.get(process.index.name)
        members = [] if number is None else [Occurrence(number, "i")]
        if number is None and not any(self._names(p.type) for places in layout.locals for p in places):
            return

        def body() -> None:
            out.add(f"const uint32_t from = {layout.offset} + i * {layout.width};")
            head = layout.applied.offset + layout.applied.width
            waiting = _Element((f"gen_get(s, from, {head})",), tuple(members))
            self._loop(
                f"switch (gen_get(s, from, {layout.label.width}))",
                lambda: self._walk_labels(layout, waiting),
            )

        before = len(out.lines)
        out.block(f"for (uint32_t i = 0; i < {process.instances}; i++)", body)
        if len(out.lines) == before + 3:
            del out.lines[before:]

    def _walk_labels(self, layout: ProcessLayout, waiting: _Element) -> None:
        """An instance with its scalar locals is one element; what collections hold are further ones."""
        out = self._out
        for label, places in enumerate(layout.locals):

            def body(places: Sequence[LocalSlot] = places) -> None:
                element = waiting
                for place in places:
                    position = f"from + {place.slot.offset}"
                    if is_scalar(place.type):
                        element = self._local(place, position, element)
                for place in places:
                    if not is_scalar(place.type):
                        position = f"from + {place.slot.offset}"
                        self._walk(place.type, f"{position} + 1" if place.is_optional else position, element)
                self._take(element)
                out.add("break;")

            before = len(out.lines)
            out.block(f"case {label}:", body)
            if len(out.lines) == before + 3:
                del out.lines[before:]

    def _local(self, place: LocalSlot, position: str, element: _Element) -> _Element:
        """The element with a scalar local, which may have no value yet."""
        if not place.is_optional:
            bits = place.slot.width
            return self._scalar(place.type, f"(int64_t)gen_get(s, {position}, {bits})", element)
        e = self._fresh("e")
        self._out.add(f"const int64_t {e} = (int64_t)gen_get(s, {position}, {place.slot.width});")
        if not self._names(place.type):
            return element.also([e])
        safe = f"({e} == 0 ? 0 : {e} - 1)"
        inside = self._scalar(place.type, safe, _Element())
        there = [
            Occurrence(m.set, m.member, f"{e} != 0 && {m.condition}" if m.condition else f"{e} != 0")
            for m in inside.members
        ]
        return element.also([f"({e} != 0)", *inside.parts], there)
