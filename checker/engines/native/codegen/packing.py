"""C expressions for where values lie in packed words, and for getting them in and out."""

from __future__ import annotations

from collections.abc import Callable, Collection

from checker.engines.native.codegen.layout import (
    Capacities,
    Unsupported,
    bits_for,
    cardinality,
    entry_width,
    is_scalar,
    width,
)
from checker.engines.native.codegen.values import CTypes
from checker.ir.types import BagType, FifoType, MapType, SetType, Type


class Packing:
    """Reads and writes packed values; ``fresh`` makes C names that nothing else has.

    A place is a pointer to words and a bit in them: ``s`` and a number for a state variable, ``x.w`` and 0
    for a local. ``key`` is the code of an element or of a map's key. ``total`` are the places, in states, of
    maps that have all their keys.
    """

    def __init__(
        self, capacities: Capacities, types: CTypes, fresh: Callable[[str], str], total: Collection[str]
    ) -> None:
        self.capacities = capacities
        self._types = types
        self._fresh = fresh
        self._total = total

    @property
    def fifo_head(self) -> int:
        """The width of the length that a FIFO begins with."""
        return bits_for(self.capacities.fifo_length_max + 1)

    def stride(self, type_: Type) -> int:
        """The bits between one element and the next."""
        match type_:
            case SetType():
                return 1
            case BagType():
                return bits_for(self.capacities.bag_count_max + 1)
            case MapType(_, value):
                return entry_width(value, self.capacities)
            case FifoType(element):
                return width(element, self.capacities)
            case _:
                raise Unsupported(f"the elements of {type_}")

    def size(self, type_: Type) -> int:
        """How many elements a set or bag, or keys a map, can have."""
        match type_:
            case SetType(element) | BagType(element):
                return cardinality(element)
            case MapType(key, _):
                return cardinality(key)
            case _:
                raise Unsupported(f"the size of {type_}")

    def key_type(self, type_: Type) -> Type:
        """The type of a collection's elements, of a map's keys."""
        match type_:
            case SetType(element) | BagType(element) | FifoType(element):
                return element
            case MapType(key, _):
                return key
            case _:
                raise Unsupported(f"the elements of {type_}")

    def slot(self, pointer: str, base: str, key: str, type_: Type) -> str:
        """What lies at an element's place: a bit, a count, or a map's entry."""
        stride = self.stride(type_)
        return f"gen_get({pointer}, {base} + (uint32_t){key} * {stride}, {min(stride, 64)})"

    def is_total(self, pointer: str, base: str) -> bool:
        """Whether a map has all its keys, whatever the state."""
        return pointer in ("s", "c->old") and base in self._total

    def present(self, pointer: str, base: str, key: str, type_: Type) -> str:
        """Whether an element is in a set, bag or map."""
        if self.is_total(pointer, base):
            return "(true)"
        if isinstance(type_, MapType) and not is_scalar(type_.value):
            return f"(gen_get({pointer}, {base} + (uint32_t){key} * {self.stride(type_)}, 1) != 0)"
        return f"({self.slot(pointer, base, key, type_)} != 0)"

    def entry_value(self, pointer: str, base: str, key: str, type_: MapType) -> str:
        """The value of an entry that is there."""
        if is_scalar(type_.value):
            return self._types.unkey(type_.value, f"({self.slot(pointer, base, key, type_)} - 1)")
        return self.load(type_.value, pointer, f"{base} + (uint32_t){key} * {self.stride(type_)} + 1")

    def load(self, type_: Type, pointer: str, base: str) -> str:
        """The value that lies at a bit of some words."""
        if is_scalar(type_):
            bits = width(type_, self.capacities)
            return self._types.unkey(type_, f"gen_get({pointer}, {base}, {bits})")
        name, bits = self._types.name(type_), width(type_, self.capacities)
        v = self._fresh("v")
        return f"({{ {name} {v} = {{0}}; gen_copy({v}.w, 0, {pointer}, {base}, {bits}); {v}; }})"

    def store(self, type_: Type, pointer: str, base: str, value: str) -> str:
        """The C statement that puts a value of the type, known to fit, at a bit of some words."""
        bits = width(type_, self.capacities)
        if is_scalar(type_):
            return f"gen_put({pointer}, {base}, {bits}, (uint64_t){self._types.key(type_, value)});"
        temporary = self._fresh("v")
        name = self._types.name(type_)
        return f"{{ {name} {temporary} = {value}; gen_copy({pointer}, {base}, {temporary}.w, 0, {bits}); }}"
