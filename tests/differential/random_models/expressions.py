"""Random expressions of a wanted type."""

from __future__ import annotations

from collections.abc import Callable

from .choices import Choices
from .names import Names
from .types import BOOL, COLOR, INT, ITEM, PAIR, SCALARS, VAR, Schema, Ty, option


class Expressions:
    """Writes expressions of a wanted type; ``depth`` limits their size."""

    def __init__(self, choices: Choices, schema: Schema, names: Names) -> None:
        self.choices = choices
        self.schema = schema
        self.names = names

    def known(self, type_: Ty, writable: bool = False) -> list[str]:
        """Fields and locals of a type."""
        found = [name for name, t in self.names.sure.items() if t == type_ and not writable]
        found += [name for name, t in self.names.fields.items() if t == type_]
        if not writable and self.choices.chance(6):
            found += [name for name, t in self.names.maybe.items() if t == type_]
        return found

    def of(self, type_: Ty, depth: int = 2) -> str:
        """An expression of the type."""
        known = self.known(type_)
        if known and (depth <= 0 or self.choices.chance(35)):
            return self.choices.pick(known)
        if depth <= 0:
            return self.literal(type_)
        writers: dict[str, Callable[[int], str]] = {
            "int": self._int,
            "bool": self._bool,
            "record": self._record,
            "option": lambda d: self._option(type_, d),
        }
        if type_.kind in writers:
            return writers[type_.kind](depth - 1)
        return self._member(type_, depth - 1)

    def literal(self, type_: Ty) -> str:
        match type_.kind:
            case "int":
                return str(self.choices.number(self.schema.low, self.schema.high))
            case "bool":
                return self.choices.pick(("False", "True"))
            case "index":
                return f"Item({self.choices.number(0, self.schema.items - 1)})"
            case "enum":
                return f"Color.{self.choices.pick(self.schema.colors)}"
            case "record":
                return f"Pair({', '.join(self.literal(t) for _, t in self.schema.pair)})"
            case "option":
                return "None"
            case _:
                return self.choices.pick([name for name, t in self.names.sure.items() if t == type_])

    def has_value_of(self, type_: Ty) -> bool:
        """Whether a value of the type can be written here: the type variable has no literals."""
        if type_.kind in ("var", "option"):
            inner = type_ if type_.kind == "var" else type_.args[0]
            return inner != VAR or VAR in self.names.sure.values()
        return True

    def fields(self, *kinds: str) -> list[tuple[str, Ty]]:
        """Collections: fields, and locals that the code made itself."""
        everything = {**self.names.fields, **self.names.owned}
        return [(name, t) for name, t in everything.items() if t.kind in kinds]

    def _int(self, depth: int) -> str:
        ways: list[Callable[[], str]] = [
            lambda: f"{self.operand(depth)} {self.choices.pick('+-*')} {self.operand(depth)}",
            lambda: f"{self.operand(depth)} {self.choices.pick(('//', '%'))} {self._divisor(depth)}",
            lambda: f"min({self.schema.high}, max({self.schema.low}, {self.of(INT, depth)}))",
            lambda: f"abs({self.of(INT, depth)})",
            lambda: f"-{self.operand(depth)}",
            lambda: f"{self.choices.pick(('min', 'max'))}({self.of(INT, depth)}, {self.of(INT, depth)})",
            lambda: self._conditional(INT, depth),
            lambda: self._fold(depth),
            lambda: self._looked_up(INT, depth) or self.literal(INT),
            lambda: f"len({self._counted(depth)})",
            lambda: self.called(INT, depth) or self.literal(INT),
            lambda: self._unwrapped() or self.literal(INT),
            lambda: f"int({self.of(BOOL, depth)})",
            self._bag_count,
        ]
        return self.choices.pick(ways)()

    def _divisor(self, depth: int) -> str:
        return self.operand(depth) if self.choices.chance(25) else self.choices.pick(("2", "3", "(-2)"))

    def value(self, type_: Ty) -> str:
        """What is stored; ints mostly within their range."""
        if type_ == INT and self.choices.chance(85):
            return f"min({self.schema.high}, max({self.schema.low}, {self.of(INT)}))"
        return self.of(type_)

    def operand(self, depth: int) -> str:
        """An int that an operator can take without changing what is written."""
        text = self.of(INT, depth)
        return text if text.replace(".", "").replace("_", "").isalnum() else f"({text})"

    def _bag_count(self) -> str:
        bags = [(name, t) for name, t in self.fields("bag") if self.has_value_of(t.args[0])]
        if not bags:
            return self.literal(INT)
        name, bag = self.choices.pick(bags)
        return f"{name}.count({self.of(bag.args[0], 1)})"

    def _unwrapped(self) -> str | None:
        """An option used as a value: None there is a model error."""
        options = self.known(option(INT))
        records = self.known(option(PAIR))
        ints = [name for name, t in self.schema.pair if t == INT]
        ways = [f"({name} + 0)" for name in options]
        ways += [f"{name}.{part}" for name in records for part in ints]
        return self.choices.pick(ways) if ways else None

    def _looked_up(self, type_: Ty, depth: int) -> str | None:
        """A value of a map, FIFO or record: a missing key or position is a model error."""
        found = [
            (f"{name}[{{}}]", t.args[0])
            for name, t in self.fields("map")
            if t.args[1] == type_ and self.has_value_of(t.args[0])
        ]
        ways = []
        for pattern, key in found:
            text = pattern.format(at := self.of(key, min(depth, 1)))
            guard = f"{at} in {text.partition('[')[0]}"
            careful = self.choices.chance(85)
            ways.append(
                f"({text} if {guard} else {self.literal(type_)})" if careful and type_ != VAR else text
            )
        if any(t.args[0] == type_ for _, t in self.fields("fifo")):
            name = self.choices.pick([n for n, t in self.fields("fifo") if t.args[0] == type_])
            text = f"{name}[{self.choices.pick((0, -1, 1))}]"
            careful = type_ != VAR and self.choices.chance(85)
            ways.append(f"({text} if len({name}) > 1 else {self.literal(type_)})" if careful else text)
        ways += [f"{r}.{part}" for r in self.known(PAIR) for part, t in self.schema.pair if t == type_]
        return self.choices.pick(ways) if ways else None

    def called(self, type_: Ty, depth: int) -> str | None:
        """A call of a pure helper."""
        helpers = [m for m in self.names.methods if m.returns == type_]
        if not helpers:
            return None
        helper = self.choices.pick(helpers)
        return f"{helper.name}({', '.join(self.of(p, depth) for p in helper.parameters)})"

    def _counted(self, depth: int) -> str:
        known = [name for name, _ in self.fields("set", "bag", "fifo", "map")]
        known += [f"{name}.values()" for name, _ in self.fields("map")]
        if known and self.choices.chance(60):
            return self.choices.pick(known)
        return self._comprehended(lambda: self.of(INT, depth), "[{}]")

    def _conditional(self, type_: Ty, depth: int) -> str:
        return f"({self.of(type_, depth)} if {self.of(BOOL, depth)} else {self.of(type_, depth)})"

    def _fold(self, depth: int) -> str:
        function = self.choices.pick(("sum", "min", "max"))
        if function != "sum" and self.choices.chance(50):
            text = self._comprehended(lambda: self.of(INT, depth), "({})")
            return f"{function}({text}, default={self.literal(INT)})"
        return self._comprehended(lambda: self.of(INT, depth), f"{function}({{}})")

    def iterable(self) -> tuple[str, tuple[Ty, ...]]:
        """Something to iterate over, and the types of the variables of one round."""
        ways: list[tuple[str, tuple[Ty, ...]]] = [
            ("Color", (COLOR,)),
            ("Item", (ITEM,)),
            (f"range({self.choices.number(0, 3)})", (INT,)),
        ]
        for name, t in self.fields("set", "bag", "fifo"):
            ways.append((name, (t.args[0],)))
        for name, t in self.fields("map"):
            ways += [(name, (t.args[0],)), (f"{name}.keys()", (t.args[0],))]
            if t.args[1].is_scalar:
                ways += [(f"{name}.values()", (t.args[1],)), (f"{name}.items()", t.args)]
        return self.choices.pick(ways)

    def _comprehended(self, body: Callable[[], str], frame: str) -> str:
        """``body for x in ... if ...``, at times with two generators."""
        text = ""
        bound: dict[str, Ty] = {}
        before = dict(self.names.sure)
        for _ in range(self.choices.pick((1, 1, 1, 2))):
            source, types = self.iterable()
            variables = [self.names.fresh("c") for _ in types]
            text += f" for {', '.join(variables)} in {source}"
            bound.update(zip(variables, types, strict=True))
            self.names.sure.update(bound)
            if self.choices.chance(40):
                text += f" if {self.of(BOOL, 1)}"
        written = frame.format(f"{body()}{text}")
        self.names.sure = before
        return written

    def _bool(self, depth: int) -> str:
        ways: list[Callable[[], str]] = [
            lambda: (
                f"{self.operand(depth)} {self.choices.pick(('<', '<=', '>', '>='))} {self.operand(depth)}"
            ),
            lambda: self._equal(depth),
            lambda: f"not ({self.of(BOOL, depth)})",
            lambda: f"({self.of(BOOL, depth)}) {self.choices.pick(('and', 'or'))} ({self.of(BOOL, depth)})",
            lambda: self._is_none() or self.literal(BOOL),
            lambda: self._contained(depth),
            lambda: self._comprehended(
                lambda: self.of(BOOL, depth), f"{self.choices.pick(('all', 'any'))}({{}})"
            ),
            lambda: f"{self.operand(depth)} <= {self.operand(0)} < {self.operand(depth)}",
            lambda: f"{self.of(COLOR, 0)} {self.choices.pick(('is', 'is not'))} {self.of(COLOR, 0)}",
            lambda: self._conditional(BOOL, depth),
            lambda: self._looked_up(BOOL, depth) or self.literal(BOOL),
            lambda: self.called(BOOL, depth) or self.literal(BOOL),
            lambda: self._filled(),
        ]
        return self.choices.pick(ways)()

    def _filled(self) -> str:
        known = self.fields("set", "bag", "fifo", "map")
        return f"bool({self.choices.pick(known)[0]})" if known else self.literal(BOOL)

    def _equal(self, depth: int) -> str:
        type_ = self.choices.pick((*SCALARS, option(INT), option(ITEM)))
        left, right = self.of(type_, depth), self.of(type_, depth)
        if (type_.kind == "option" and "None" in (left, right)) or type_ in (INT, BOOL):
            left, right = f"({self.of(INT, depth)})", f"({self.of(INT, depth)})"
        return f"{left} {self.choices.pick(('==', '!='))} {right}"

    def _is_none(self) -> str | None:
        known = [name for t in (option(INT), option(ITEM), option(PAIR)) for name in self.known(t)]
        if not known:
            return None
        return f"{self.choices.pick(known)} {self.choices.pick(('is None', 'is not None'))}"

    def _contained(self, depth: int) -> str:
        word = self.choices.pick(("in", "not in"))
        known = [(n, t) for n, t in self.fields("set", "bag", "fifo", "map") if self.has_value_of(t.args[0])]
        if known and self.choices.chance(75):
            name, type_ = self.choices.pick(known)
            return f"{self.of(type_.args[0], depth)} {word} {name}"
        type_ = self.choices.pick((ITEM, COLOR, INT))
        return f"{self.of(type_, depth)} {word} ({self.of(type_, depth)}, {self.of(type_, depth)})"

    def _record(self, depth: int) -> str:
        if self.choices.chance(30) and (known := self.known(PAIR)):
            name, type_ = self.choices.pick(self.schema.pair)
            return f"replace({self.choices.pick(known)}, {name}={self.of(type_, depth)})"
        if self.choices.chance(25):
            return self._conditional(PAIR, depth)
        return f"Pair({', '.join(self.of(t, depth) for _, t in self.schema.pair)})"

    def _option(self, type_: Ty, depth: int) -> str:
        (inner,) = type_.args
        maps = [(n, t) for n, t in self.fields("map") if t.args[1] == inner and self.has_value_of(t.args[0])]
        if maps and self.choices.chance(50):
            name, found = self.choices.pick(maps)
            return f"{name}.get({self.of(found.args[0], depth)})"
        return self.of(inner, depth) if self.has_value_of(inner) else "None"

    def _member(self, type_: Ty, depth: int) -> str:
        """An index, a member of an enum, or a value of the type variable."""
        if self.choices.chance(30) and (found := self._looked_up(type_, depth)) is not None:
            return found
        if self.choices.chance(30):
            return self._conditional(type_, min(depth, 1))
        known = self.known(type_)
        return self.choices.pick(known) if known and self.choices.chance(70) else self.literal(type_)

    def made(self, type_: Ty) -> str:
        """A collection that nothing else holds."""
        same = [name for name, t in self.fields(type_.kind) if t == type_]
        ways = [f"{type_.kind.capitalize()}()"] + [f"{name}.copy()" for name in same]
        if type_.kind == "set":
            (element,) = type_.args
            ways += [f"{a} {op} {b}" for a in same for b in same for op in "|&-"]
            if element.kind in ("index", "enum"):
                domain = element.text
                ways.append(f"Set(x for x in {domain} if x != {self.literal(element)})")
                ways.append(f"Set([{self.literal(element)}, {self.of(element, 1)}])")
        return self.choices.pick(ways)
