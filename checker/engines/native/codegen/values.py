"""C types for the IR's types, and how scalars become codes and back.

All of bool, int, Enum and index are ``int64_t`` in C, an option or a record is a struct of its parts, a
collection is its packed form. Integers inside records keep their natural value, so that one out of range
is noticed where it is stored, as in the reference semantics.
"""

from __future__ import annotations

import re

from checker.engines.native.codegen.layout import (
    Capacities,
    Unsupported,
    cardinality,
    is_scalar,
    pack,
    width,
)
from checker.ir.types import IntType, OptionType, RecordType, Type
from checker.ir.values import Value, always_fits


class CTypes:
    """The C types of one program. ``definitions`` grows as types are first used."""

    def __init__(self, capacities: Capacities) -> None:
        self.capacities = capacities
        self.definitions: list[str] = []
        self._names: dict[object, str] = {}
        self._functions: dict[tuple[str, Type], str] = {}

    def name(self, type_: Type) -> str:
        """The C type of values of a type."""
        shape = self._shape(type_)
        if shape == "i":
            return "int64_t"
        if shape not in self._names:
            self._names[shape] = self._define(type_)
        return self._names[shape]

    def zero(self, type_: Type) -> str:
        """An initialiser with all bits 0."""
        return "0" if self.name(type_) == "int64_t" else "{0}"

    def _shape(self, type_: Type) -> object:
        """What decides the C type: as the type, but whatever the ranges of integers."""
        match type_:
            case OptionType(inner):
                return ("option", self._shape(inner))
            case RecordType(name, fields):
                return ("record", name, tuple(self._shape(field_type) for _, field_type in fields))
            case _ if not is_scalar(type_):
                return type_
            case _:
                return "i"

    def _define(self, type_: Type) -> str:
        match type_:
            case OptionType(inner):
                body = f"bool some; {self.name(inner)} value;"
            case RecordType(_, fields):
                body = " ".join(f"{self.name(t)} f{i};" for i, (_, t) in enumerate(fields)) or "char none;"
            case _:
                body = f"uint64_t w[{self.words(type_)}];"
        name = f"value{len(self._names)}"
        self.definitions.append(f"typedef struct {{ {body} }} {name};  /* {type_} */")
        return name

    def words(self, type_: Type) -> int:
        """The words of a collection's packed form."""
        return max(1, -(-width(type_, self.capacities) // 64))

    def key(self, type_: Type, value: str) -> str:
        """The code of a C value, or -1 where an integer in it is out of range."""
        match type_:
            case IntType(low, high):
                if low is None or high is None:
                    raise Unsupported("an integer without bounds inside a collection")
                return f"({self._function('key', type_)}({value}))"
            case OptionType() | RecordType():
                return f"{self._function('key', type_)}({value})"
            case _:
                return f"({value})"

    def unkey(self, type_: Type, number: str) -> str:
        """The C value of a code."""
        match type_:
            case IntType(low, _):
                return f"((int64_t)({number}) + ({low or 0}))"
            case OptionType() | RecordType():
                return f"{self._function('unkey', type_)}({number})"
            case _:
                return f"((int64_t)({number}))"

    def equal(self, type_: Type, left: str, right: str) -> str:
        """Whether two C values are equal."""
        if self.name(type_) == "int64_t":
            return f"(({left}) == ({right}))"
        return f"{self._function('eq', type_)}({left}, {right})"

    def constant(self, type_: Type, value: Value) -> str:
        """A canonical value as a C expression."""
        match type_:
            case OptionType(inner):
                if value is None:
                    return f"(({self.name(type_)}){{0}})"
                return f"(({self.name(type_)}){{true, {self.constant(inner, value)}}})"
            case RecordType(_, fields):
                parts = [self.constant(t, v) for (_, t), v in zip(fields, value, strict=True)]
                return f"(({self.name(type_)}){{{', '.join(parts) or '0'}}})"
            case _ if not is_scalar(type_):
                bits = pack(type_, value, self.capacities)
                words = [f"{bits >> (64 * i) & (2**64 - 1)}u" for i in range(self.words(type_))]
                return f"(({self.name(type_)}){{{{{', '.join(words)}}}}})"
            case _:
                return "0" if value is None else f"INT64_C({int(value)})"

    def needs_check(self, type_: Type) -> bool:
        """Whether a value may be out of range when it is stored."""
        return is_scalar(type_) and not always_fits(type_)

    def _function(self, kind: str, type_: Type) -> str:
        known = (kind, type_)
        if known not in self._functions:
            stem = re.sub(r"\W+", "_", str(type_))[:24].strip("_")
            self._functions[known] = name = f"{kind}{len(self._functions)}_{stem}"
            body = {"key": self._key_body, "unkey": self._unkey_body, "eq": self._equal_body}[kind](type_)
            self.definitions.append(body.replace("NAME", name))
        return self._functions[known]

    def _key_body(self, type_: Type) -> str:
        c = self.name(type_)
        match type_:
            case IntType(low, high):
                return (
                    "static inline int64_t NAME(int64_t v) "
                    f"{{ return v < ({low}) || v > ({high}) ? -1 : v - ({low}); }}"
                )
            case OptionType(inner):
                inside = self.key(inner, "v.value")
                return (
                    f"static inline int64_t NAME({c} v) {{\n    if (!v.some) return 0;\n"
                    f"    int64_t k = {inside};\n    return k < 0 ? -1 : k + 1;\n}}"
                )
            case RecordType(_, fields):
                lines = ["    int64_t r = 0, k;"]
                for i, (_, field_type) in enumerate(fields):
                    lines.append(f"    k = {self.key(field_type, f'v.f{i}')};")
                    lines.append(f"    if (k < 0) return -1;\n    r = r * {cardinality(field_type)} + k;")
                return "\n".join([f"static inline int64_t NAME({c} v) {{", *lines, "    return r;", "}"])
            case _:
                raise AssertionError(type_)

    def _unkey_body(self, type_: Type) -> str:
        c = self.name(type_)
        match type_:
            case OptionType(inner):
                inside = self.unkey(inner, "k - 1")
                return (
                    f"static inline {c} NAME(int64_t k) {{\n    {c} v = {{0}};\n"
                    f"    if (k > 0) {{ v.some = true; v.value = {inside}; }}\n    return v;\n}}"
                )
            case RecordType(_, fields):
                lines = [f"    {c} v = {{0}};"]
                for i, (_, field_type) in reversed(list(enumerate(fields))):
                    size = cardinality(field_type)
                    lines.append(f"    v.f{i} = {self.unkey(field_type, f'k % {size}')};\n    k /= {size};")
                return "\n".join([f"static inline {c} NAME(int64_t k) {{", *lines, "    return v;", "}"])
            case _:
                raise AssertionError(type_)

    def _equal_body(self, type_: Type) -> str:
        c = self.name(type_)
        match type_:
            case OptionType(inner):
                same = self.equal(inner, "a.value", "b.value")
                test = f"a.some == b.some && (!a.some || {same})"
            case RecordType(_, fields):
                tests = [self.equal(t, f"a.f{i}", f"b.f{i}") for i, (_, t) in enumerate(fields)]
                test = " && ".join(tests) or "true"
            case _:
                test = "memcmp(a.w, b.w, sizeof a.w) == 0"
        return f"static inline bool NAME({c} a, {c} b) {{ return {test}; }}"
