"""Random well-typed models, as the source text of model files.

The text is what a person could have written: enums, index sets, bounded ints, records, collections, a
generic component with operations and faults, processes, helpers and properties. It is built by category:
``Schema`` holds the types of one model, ``Expressions`` writes expressions, ``Statements`` atomic code,
``Processes`` code with awaits, and ``random_models`` puts a file together.

Two rules keep every model inside the language: a local keeps one type, and no loop runs for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from checker.ir.program import Budgets

T = TypeVar("T")


@dataclass(frozen=True)
class RandomModel:
    """A model file, and the sizes of index sets and the budgets to lower its class ``Sample`` with."""

    source: str
    bounds: dict[str, int]
    budgets: Budgets


# Types


@dataclass(frozen=True)
class Ty:
    """A type: its kind, how an annotation spells it, and the types inside it."""

    kind: str
    text: str
    args: tuple[Ty, ...] = ()

    @property
    def is_scalar(self) -> bool:
        return self.kind not in ("set", "bag", "fifo", "map")


BOOL = Ty("bool", "bool")
INT = Ty("int", "Small")
ITEM = Ty("index", "Item")
COLOR = Ty("enum", "Color")
PAIR = Ty("record", "Pair")
VAR = Ty("var", "T")
NONE = Ty("none", "None")
SCALARS = (INT, BOOL, ITEM, COLOR, PAIR)


def option(inner: Ty) -> Ty:
    return Ty("option", f"{inner.text} | None", (inner,))


def collection(kind: str, *args: Ty) -> Ty:
    return Ty(kind, f"{kind.capitalize()}[{', '.join(arg.text for arg in args)}]", args)


def substituted(type_: Ty, actual: Ty) -> Ty:
    """``type_`` with the component's type variable replaced."""
    if type_ == VAR:
        return actual
    if type_.kind == "option":
        return option(substituted(type_.args[0], actual))
    return type_


@dataclass(frozen=True)
class Signature:
    """A method: its name, parameters, result, and the errors that it may answer with."""

    name: str
    parameters: tuple[Ty, ...]
    returns: Ty
    raises: tuple[str, ...] = ()
    applied_once: bool = False

    def at(self, owner: str, actual: Ty) -> Signature:
        """The signature as a caller sees it, who holds the component as ``owner``."""
        parameters = tuple(substituted(p, actual) for p in self.parameters)
        returns = substituted(self.returns, actual)
        return Signature(f"{owner}.{self.name}", parameters, returns, self.raises, self.applied_once)


class Choices:
    """What the writers decide, by a seed: drawing every choice from hypothesis gives near copies."""

    def __init__(self, seed: int) -> None:
        self._random = Random(seed)

    def number(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def chance(self, percent: int) -> bool:
        return self._random.random() * 100 < percent

    def pick(self, alternatives: Sequence[T]) -> T:
        return alternatives[self.number(0, len(alternatives) - 1)]


@dataclass
class Schema:
    """The types of one model: what the enum, the record and the bounded int look like."""

    colors: tuple[str, ...]
    low: int
    high: int
    pair: tuple[tuple[str, Ty], ...]
    items: int

    @classmethod
    def drawn(cls, choices: Choices) -> Schema:
        inner = (INT, ITEM, COLOR, BOOL, option(INT), option(ITEM))
        pair = tuple((name, choices.pick(inner)) for name in ("left", "right")[: choices.number(1, 2)])
        colors = ("RED", "GREEN", "BLUE")[: choices.number(2, 3)]
        return cls(colors, choices.number(-2, 0), choices.number(2, 4), pair, choices.number(1, 2))

    def text(self) -> str:
        members = "\n".join(f"    {name} = {number}" for number, name in enumerate(self.colors))
        fields = "\n".join(f"    {name}: {type_.text}" for name, type_ in self.pair)
        return (
            f"Small = Annotated[int, Range({self.low}, {self.high})]\n\n\n"
            f"class Color(Enum):\n{members}\n\n\n"
            "class Item(Index):\n    pass\n\n\n"
            "class Worker(Index):\n    pass\n\n\n"
            "class Refused(ServiceError):\n    pass\n\n\n"
            "class Gone(ServiceError):\n    pass\n\n\n"
            f"@record\nclass Pair:\n{fields}\n\n\n"
            'T = TypeVar("T")\n'
        )


@dataclass
class Names:
    """What code can name: fields, locals that surely have a value, and locals that may have one."""

    fields: dict[str, Ty]
    owner: str = "self."
    methods: tuple[Signature, ...] = ()
    sure: dict[str, Ty] = field(default_factory=dict)
    maybe: dict[str, Ty] = field(default_factory=dict)
    #: Collections that the code made itself, and may change.
    owned: dict[str, Ty] = field(default_factory=dict)
    #: Locals that must not be assigned.
    fixed: set[str] = field(default_factory=set)
    raises: tuple[str, ...] = ()
    count: int = 0

    def fresh(self, stem: str) -> str:
        self.count += 1
        return f"{stem}{self.count}"

    @contextmanager
    def branch(self) -> Iterator[None]:
        """Code that may not run: what it assigns may have a value afterwards."""
        before = dict(self.sure)
        yield
        self.maybe.update({name: t for name, t in self.sure.items() if name not in before})
        self.sure = before

    @contextmanager
    def bound(self, names: dict[str, Ty]) -> Iterator[None]:
        """Variables of a comprehension."""
        before = dict(self.sure)
        self.sure.update(names)
        yield
        self.sure = before


# Expressions


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


# Atomic statements


class Statements(Expressions):
    """Writes atomic statements, as lines without the indentation of the code around them."""

    #: Whether guards, choices and changes of fields are written: not in pure code.
    def block(self, size: int, leave: bool = True) -> list[str]:
        """A few statements; ``leave`` allows an early return or raise at the end of a branch."""
        lines: list[str] = []
        for _ in range(self.choices.number(1, size)):
            lines += self.statement(size - 1)
        return lines

    def statement(self, size: int) -> list[str]:
        ways: list[Callable[[], list[str]]] = [
            self.change,
            self.change,
            self.progress,
            self.progress,
            self.local,
            self._collection_local,
            self._augmented,
        ]
        if size > 0:
            ways += [
                lambda: self.if_(lambda: self.block(size)),
                lambda: self.for_(lambda: self.block(size)),
                lambda: self.while_(lambda: self.block(size)),
                lambda: self.match(lambda: self.block(size)),
            ]
        if self.choices.chance(2):
            ways = [lambda: [f"assert {self.of(BOOL, 2)}"]]
        return self.choices.pick(ways)()

    # Changes of fields and of collections that the code made itself

    def change(self) -> list[str]:
        """Assign a field, or change a collection."""
        scalars = [(n, t) for n, t in self.names.fields.items() if t.is_scalar and self.has_value_of(t)]
        collections = self.fields("set", "bag", "fifo", "map")
        if scalars and (not collections or self.choices.chance(45)):
            name, type_ = self.choices.pick(scalars)
            if type_ in (INT, ITEM) and self.choices.chance(6) and (found := self.known(option(type_))):
                return [f"{name} = {self.choices.pick(found)}"]
            return [f"{name} = {self.value(type_)}"]
        if not collections:
            return ["pass"]
        return self._mutation(*self.choices.pick(collections))

    def progress(self) -> list[str]:
        """A change that leads to another state in most states."""
        ways: list[list[str]] = []
        low, high = self.schema.low, self.schema.high
        for name, type_ in self.names.fields.items():
            if type_ == INT:
                ways.append([f"{name} = {name} + 1 if {name} < {high} else {low}"])
            elif type_ == BOOL:
                ways.append([f"{name} = not {name}"])
            elif type_ in (COLOR, ITEM, PAIR):
                ways.append([f"{name} = {self.literal(type_)}"])
            elif type_.kind in ("set", "bag", "fifo") and self.has_value_of(type_.args[0]):
                method = "append" if type_.kind == "fifo" else "add"
                values = (self.literal if type_.args[0] != VAR else self.of)(type_.args[0])
                ways.append([f"if len({name}) < 2:", f"    {name}.{method}({values})"])
            elif type_.kind == "map" and self.has_value_of(type_.args[0]) and type_.args[1].is_scalar:
                key = self.of(type_.args[0], 0)
                ways.append([f"{name}[{key}] = {self.literal(type_.args[1])}"])
        return self.choices.pick(ways) if ways else []

    def _mutation(self, name: str, type_: Ty) -> list[str]:
        element = type_.args[0]
        if not self.has_value_of(element) or not all(map(self.has_value_of, type_.args)):
            return ["pass"]
        match type_.kind:
            case "set":
                method = self.choices.pick(("add",) * 8 + ("discard",) * 3 + ("remove",))
                if name in self.names.fields and self.choices.chance(15):
                    return [f"{name} = {self.made(type_)}"]
                return [f"{name}.{method}({self.of(element)})"]
            case "bag":
                method = self.choices.pick(("add",) * 8 + ("discard",) * 3 + ("remove",))
                return [f"{name}.{method}({self.of(element)})"]
            case "fifo":
                return self._queue_change(name, element)
            case _:
                return self._map_change(name, element, type_.args[1])

    def _queue_change(self, name: str, element: Ty) -> list[str]:
        if self.choices.chance(60):
            return [f"{name}.append({self.of(element)})"]
        guard = [f"if {name}:"] if self.choices.chance(90) else []
        if self.choices.chance(50):
            line = f"{name}.popleft()"
        else:
            with self.names.branch():
                line = f"{self.target(element)} = {name}.popleft()"
        return [guard[0], "    " + line] if guard else [line]

    def _map_change(self, name: str, key: Ty, value: Ty) -> list[str]:
        index = self.of(key, 0)
        at = f"{name}[{index}]"
        guarded = [f"if {index} in {name}:"] if self.choices.chance(90) else []
        if value.kind == "set":
            lines = [
                self.choices.pick((f"{at} = {self.made(value)}", f"{at}.add({self.of(value.args[0], 1)})"))
            ]
        elif value == INT and self.choices.chance(30):
            lines = [f"{at} {self.choices.pick(('+=', '-=', '//='))} {self.of(INT, 1)}"]
        elif self.choices.chance(20):
            lines = [self.choices.pick((f"del {at}", f"{name}.discard({self.of(key, 1)})"))]
        else:
            guarded = []
            lines = [f"{name}[{self.of(key, 1)}] = {self.value(value)}"]
        return [guarded[0], *("    " + line for line in lines)] if guarded else lines

    def _augmented(self) -> list[str]:
        known = self.known(INT, writable=True)
        if not known:
            return self.change()
        name = self.choices.pick(known)
        if self.choices.chance(50):
            return [f"if {name} < {self.schema.high}:", f"    {name} += 1"]
        sign = self.choices.pick(("+=", "-=", "*=", "//=", "%="))
        return [f"{name} {sign} {self._divisor(1)}"]

    # Locals

    def target(self, type_: Ty) -> str:
        """A local to assign: a new one, or one of the same type."""
        known = [n for n, t in {**self.names.sure, **self.names.maybe}.items() if t == type_]
        known = [name for name in known if name not in self.names.fixed and name[0] == "v"]
        name = self.choices.pick(known) if known and self.choices.chance(50) else self.names.fresh("v")
        self.names.sure[name] = type_
        self.names.maybe.pop(name, None)
        return name

    def annotated(self, name: str, type_: Ty) -> str:
        """The target of an assignment, with the annotation that an int kept across an await needs."""
        return f"{name}: {type_.text}" if type_ == INT or type_.kind == "option" else name

    def local(self) -> list[str]:
        type_ = self.choices.pick((*SCALARS, option(INT), option(ITEM)))
        value = self.value(type_)
        return [f"{self.annotated(self.target(type_), type_)} = {value}"]

    def _collection_local(self) -> list[str]:
        known = self.fields("set", "bag", "fifo", "map")
        if not known:
            return self.local()
        _, type_ = self.choices.pick(known)
        value = self.made(type_)
        name = self.names.fresh("w")
        lines = [f"{name}: {type_.text} = {value}"]
        before = dict(self.names.owned)
        self.names.owned[name] = type_
        lines += self._mutation(name, type_)
        if all(map(self.has_value_of, type_.args)) and self.choices.chance(50):
            lines += self.local()
        self.names.owned = before
        return lines

    # Control flow

    @staticmethod
    def indented(lines: list[str]) -> list[str]:
        return ["    " + line for line in lines]

    def branch(self, body: Callable[[], list[str]]) -> list[str]:
        with self.names.branch():
            return self.indented(body())

    def if_(self, body: Callable[[], list[str]]) -> list[str]:
        lines = [f"if {self.of(BOOL)}:", *self.branch(body)]
        if self.choices.chance(30):
            lines += [f"elif {self.of(BOOL)}:", *self.branch(body)]
        if self.choices.chance(40):
            lines += ["else:", *self.branch(body)]
        return lines

    def for_(self, body: Callable[[], list[str]]) -> list[str]:
        source, types = self.iterable()
        variables = [self.names.fresh("i") for _ in types]
        with self.names.branch():
            self.names.sure.update(zip(variables, types, strict=True))
            lines = [*body(), *self._jump()]
        return [f"for {', '.join(variables)} in {source}:", *self.indented(lines)]

    def _jump(self) -> list[str]:
        """A break or continue under a condition, and something after it."""
        if not self.choices.chance(30):
            return []
        return [
            f"if {self.of(BOOL, 1)}:",
            f"    {self.choices.pick(('break', 'continue'))}",
            *self.change(),
        ]

    def while_(self, body: Callable[[], list[str]]) -> list[str]:
        """A loop of at most three rounds."""
        count = self.names.fresh("n")
        self.names.sure[count] = INT
        condition = f"{count} < {self.choices.number(1, 2)}"
        if self.choices.chance(40):
            condition += f" and ({self.of(BOOL, 1)})"
        with self.names.branch():
            lines = [f"{count} += 1", *body(), *self._jump()]
        return [
            f"{count}: Annotated[int, Range(0, 3)] = 0",
            f"while {condition}:",
            *self.indented(lines),
        ]

    def match(self, body: Callable[[], list[str]]) -> list[str]:
        lines: list[str] = []
        match self.choices.number(0, 2):
            case 0:
                lines = [f"match {self.of(COLOR)}:"]
                for name in self.schema.colors[: self.choices.number(1, len(self.schema.colors))]:
                    lines += [f"    case Color.{name}{self._guard()}:", *self.indented(self.branch(body))]
            case 1:
                options = self.known(option(INT))
                if not options:
                    return self.change()
                lines = [f"match {self.choices.pick(options)}:", "    case None:"]
                lines += self.indented(self.branch(body))
                lines += [f"    case 1 | 2{self._guard()}:", *self.indented(self.branch(body))]
            case _:
                part, type_ = self.choices.pick(self.schema.pair)
                name = self.names.fresh("m")
                lines = [f"match {self.of(PAIR)}:"]
                if type_.kind in ("int", "enum"):
                    lines += [f"    case Pair({part}={self.literal(type_)}):"]
                    lines += self.indented(self.branch(body))
                with self.names.branch():
                    self.names.sure[name] = type_
                    lines += [f"    case Pair({part}={name}){self._guard()}:"]
                    lines += self.indented(self.indented(body()))
        if self.choices.chance(60):
            lines += ["    case _:", *self.indented(self.branch(body))]
        return lines

    def _guard(self) -> str:
        return f" if {self.of(BOOL, 1)}" if self.choices.chance(25) else ""

    # Choices and guards

    def chosen(self) -> list[str]:
        """``name = choose(...)``."""
        ways: list[tuple[str, Ty]] = [("Color", COLOR), ("Item", ITEM), ("[False, True]", BOOL)]
        ways += [(name, t.args[0]) for name, t in self.fields("set", "bag", "fifo", "map")]
        ways.append((f"x for x in Item if x != {self.of(ITEM, 0)}", ITEM))
        source, type_ = self.choices.pick(ways)
        return [f"{self.target(type_)} = choose({source})"]

    def when(self) -> list[str]:
        return [f"when({self.of(BOOL)})"]


# Code with awaits


@dataclass
class Calls:
    """What a process can await: operations of components, and async helpers."""

    operations: tuple[Signature, ...]
    helpers: tuple[Signature, ...] = ()


class Processes(Statements):
    """Writes the bodies of processes and async helpers."""

    def __init__(
        self, choices: Choices, schema: Schema, names: Names, calls: Calls, returns: Ty | None = None
    ) -> None:
        super().__init__(choices, schema, names)
        self._calls = calls
        self._returns = returns
        self._caught: tuple[str, ...] = ()

    def body(self, size: int) -> list[str]:
        """A body that surely awaits before anything can leave it."""
        lines: list[str] = []
        if self.choices.chance(15):
            lines += self.chosen() if self.choices.chance(20) else self.change()
        lines += self.awaited()
        for _ in range(self.choices.number(1, size)):
            lines += self.step(size - 1)
        if self._returns is not None:
            lines += self._return()
        return lines

    def steps(self, size: int) -> list[str]:
        lines: list[str] = []
        for _ in range(self.choices.number(1, max(size, 1))):
            lines += self.step(size - 1)
        return lines

    def step(self, size: int) -> list[str]:
        """A statement that may await."""
        ways: list[Callable[[], list[str]]] = [
            self.awaited,
            self.awaited,
            self.awaited,
            lambda: self.statement(1),
        ]
        if size > 0:
            ways += [
                lambda: self.if_(lambda: self.steps(size)),
                lambda: self._awaiting_if(size),
                lambda: self._try(size),
                lambda: self.while_(lambda: self.steps(size)),
                lambda: self._endless(size),
                lambda: self._domain_loop(size),
                lambda: self._awaiting_match(size),
                lambda: self.match(lambda: self.steps(size)),
                self._leaving_loop,
            ]
        lines = self.choices.pick(ways)()
        if self.choices.chance(12):
            lines += [f"if {self.of(BOOL, 1)}:", *self.indented(self._leave())]
        return lines

    def _leave(self) -> list[str]:
        if self.choices.chance(30):
            return [f"raise {self.choices.pick(('Refused', 'Gone', 'CallFailed'))}"]
        return self._return()

    def _return(self) -> list[str]:
        if self._returns is None or self._returns == NONE:
            return ["return"]
        return [f"return {self.of(self._returns)}"]

    def call(self, signature: Signature) -> str:
        return f"{signature.name}({', '.join(self.of(p) for p in signature.parameters)})"

    def awaited(self) -> list[str]:
        """One call, its result kept, used at once, or ignored."""
        if self.choices.chance(12):
            return self._transaction()
        targets = [*self._calls.operations, *self._calls.helpers * 3]
        signature = self.choices.pick(targets)
        text = f"await {self.call(signature)}"
        if signature.returns == NONE or self.choices.chance(20):
            return [text]
        if signature.returns == INT and self.choices.chance(30):
            name = self.target(INT)
            return [f"{name}: Small = ({text}) {self.choices.pick('+-')} {self.operand(1)}"]
        fields = [n for n, t in self.names.fields.items() if t == signature.returns]
        if fields and self.choices.chance(30):
            return [f"{self.choices.pick(fields)} = {text}"]
        name = self.target(signature.returns)
        return [f"{self.annotated(name, signature.returns)} = {text}"]

    def _transaction(self) -> list[str]:
        parts = [self.choices.pick(self._calls.operations) for _ in range(self.choices.number(1, 2))]
        lines = [f"await transact({', '.join(self.call(part) for part in parts)})"]
        if self.choices.chance(50):
            return ["try:", *self.indented(lines), "except TransactionCanceled:", "    pass"]
        return lines

    def _of_result(self, kind: Ty) -> list[Signature]:
        every = (*self._calls.operations, *self._calls.helpers)
        return [signature for signature in every if signature.returns == kind]

    def _awaiting_if(self, size: int) -> list[str]:
        tests = [f"await {self.call(s)}" for s in self._of_result(BOOL)]
        tests += [f"await {self.call(s)} < {self.of(INT, 0)}" for s in self._of_result(INT)]
        options = [s for s in self._calls.operations if s.returns.kind == "option"]
        tests += [f"await {self.call(s)} is None" for s in options]
        if not tests:
            return self.awaited()
        test = self.choices.pick(tests)
        return [f"if {test}:", *self.branch(lambda: self.steps(size)), "else:", *self.branch(self.change)]

    def _awaiting_match(self, size: int) -> list[str]:
        found = self._of_result(COLOR)
        if not found:
            return self.awaited()
        color = self.choices.pick(self.schema.colors)
        return [
            f"match await {self.call(self.choices.pick(found))}:",
            f"    case Color.{color}{self._guard()}:",
            *self.indented(self.branch(lambda: self.steps(size))),
            "    case _:",
            *self.indented(self.branch(self.change)),
        ]

    def _try(self, size: int) -> list[str]:
        lines = ["try:", *self.branch(lambda: [*self.awaited(), *self.steps(size - 1)])]
        errors = self.choices.pick(
            (
                ("Refused",),
                ("Refused", "Gone"),
                ("(Refused, CallFailed)",),
                ("CallTimedOut", "ServiceError"),
                ("ServiceError",),
                ("Gone", "(CallFailed, CallTimedOut)"),
            )
        )
        for error in errors:
            lines += [f"except {error}:", *self.branch(self._handler)]
        if self.choices.chance(20):
            lines += ["else:", *self.branch(self.change)]
        return lines

    def _handler(self) -> list[str]:
        ways: list[Callable[[], list[str]]] = [lambda: ["pass"], self.change, self.awaited, self._leave]
        return self.choices.pick(ways)()

    def _endless(self, size: int) -> list[str]:
        """``while True``, left by a break; every round awaits."""
        with self.names.branch():
            lines = [*self.awaited(), f"if {self.of(BOOL)}:", "    break", *self.steps(size - 1)]
        return ["while True:", *self.indented(lines)]

    def _domain_loop(self, size: int) -> list[str]:
        """A loop over all values of a type that awaits in every round."""
        source, type_ = self.choices.pick((("Color", COLOR), ("Item", ITEM), ("range(1, 3)", INT)))
        name = self.names.fresh("d")
        with self.names.branch():
            self.names.sure[name] = type_
            self.names.fixed.add(name)
            lines = [*self.steps(size - 1), *self._jump(), *self.awaited()]
        return [f"for {name} in {source}:", *self.indented(lines)]

    def _leaving_loop(self) -> list[str]:
        """A loop over a collection within one step, which an early return or raise leaves."""
        source, types = self.iterable()
        if len(types) != 1:
            return self.awaited()
        name = self.names.fresh("i")
        with self.names.branch():
            self.names.sure[name] = types[0]
            lines = [*self.change(), f"if {self.of(BOOL, 1)}:", *self.indented(self._leave())]
        return [f"for {name} in {source}:", *self.indented(lines)]


# Whole files

_HEADER = '''"""A random model."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Annotated, Generic, Self, TypeVar

from checker.dsl import (
    Bag,
    CallFailed,
    CallTimedOut,
    Component,
    Fifo,
    Index,
    Map,
    Model,
    Process,
    Range,
    ServiceError,
    Set,
    TransactionCanceled,
    action,
    always,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transact,
    transition,
    when,
)

'''


class ModelWriter:
    """Writes one model file."""

    def __init__(self, choices: Choices) -> None:
        self._choices = choices
        self._schema = Schema.drawn(choices)
        self._faults: list[str] = []

    def write(self) -> RandomModel:
        operations, component = self._component()
        actual = self._choices.pick((ITEM, COLOR, INT, PAIR))
        other = self._choices.pick((COLOR, ITEM))
        components = {"near": actual, "far": other} if self._choices.chance(30) else {"near": actual}
        model = self._model(operations, components)
        source = f"{_HEADER}{self._schema.text()}\n\n{component}\n\n{model}"
        bounds = {"Item": self._schema.items, "Worker": self._choices.number(1, 2)}
        return RandomModel(source, bounds, self._budgets(components))

    def _budgets(self, components: dict[str, Ty]) -> Budgets:
        number = self._choices.number
        faults = [f"{owner}.{name}" for owner in components for name in self._faults if name != "break_down"]
        faults += [name for name in self._faults if name == "break_down"]
        budgets = tuple((name, number(0, 1)) for name in faults)
        return Budgets(number(0, 1), number(0, 1), number(0, 1), budgets, number(1, 2))

    # The component

    def _component(self) -> tuple[tuple[Signature, ...], str]:
        fields = {
            "self.shelf": collection(self._choices.pick(("bag", "set", "fifo")), VAR),
            "self.cells": collection("map", VAR, INT),
            "self.total": INT,
            "self.last": self._choices.pick((option(VAR), option(INT), BOOL, COLOR)),
        }
        lines = ["class Store(Component, Generic[T]):", *self._declarations(fields)]
        helper = Signature("self.room", (INT,), INT)
        lines += self._method(
            ["def room(self, a1: Small) -> int:"], self._pure_body(fields, helper), doc="A helper."
        )
        operations = []
        for number in range(self._choices.number(2, 4)):
            signature, written = self._operation(number, fields, helper)
            operations.append(signature)
            lines += written
        if self._choices.chance(40):
            self._faults.append("wear")
            lines += self._step("@fault", "wear", (), Names(dict(fields), methods=(helper,)))
        if self._choices.chance(30):
            lines += self._step("@action", "settle", (), Names(dict(fields), methods=(helper,)))
        return tuple(operations), "\n".join(lines) + "\n"

    def _declarations(self, fields: dict[str, Ty]) -> list[str]:
        lines = []
        for name, type_ in fields.items():
            initial = self._initial(type_)
            lines.append(
                f"    {name.removeprefix('self.')}: {type_.text}" + (f" = {initial}" if initial else "")
            )
        return lines

    def _initial(self, type_: Ty) -> str:
        literal = Expressions(self._choices, self._schema, Names({})).literal
        if type_.kind == "map":
            filled = type_.args[0].kind in ("index", "enum", "int") and type_.args[1].is_scalar
            if filled and self._choices.chance(50):
                return f"Map.filled({literal(type_.args[1])})"
        if type_.is_scalar and type_.kind != "option":
            return literal(type_)
        return ""

    def _operation(
        self, number: int, fields: dict[str, Ty], helper: Signature
    ) -> tuple[Signature, list[str]]:
        pick, chance = self._choices.pick, self._choices.chance
        parameters = (VAR, *(pick(SCALARS) for _ in range(self._choices.number(0, 1))))
        returns = pick((NONE, NONE, INT, BOOL, COLOR, option(INT), option(VAR)))
        raises = pick(((), (), ("Refused",), ("Refused", "Gone")))
        once = returns == NONE and chance(50)
        signature = Signature(f"op{number}", parameters, returns, raises, once)
        names = Names(dict(fields), methods=(helper,), raises=raises)
        names.sure = {f"a{position}": type_ for position, type_ in enumerate(parameters)}
        writer = Statements(self._choices, self._schema, names)
        body = []
        if chance(15):
            names.fields["self.last"] = fields["self.last"]
            body += [f"when({writer.of(BOOL)})"]
        if chance(30):
            body += writer.chosen()
        if chance(10):
            body += ["if is_idle(caller()):", "    self.total = 0"]
        body += writer.block(2)
        for error in raises:
            body += [f"if {writer.of(BOOL)}:", f"    raise {error}"]
        body += writer.progress() if chance(80) else writer.block(1)
        if returns != NONE:
            if chance(30):
                body += [f"if {writer.of(BOOL)}:", f"    return {writer.of(returns)}"]
            body.append(f"return {writer.of(returns)}")
        arguments = "".join(f", {name}: {t.text}" for name, t in zip(names.sure, parameters, strict=False))
        extras = [f"raises=({', '.join(raises)},)"] if raises else []
        extras += ["applied_once=True"] if once else []
        decorator = f"@operation({', '.join(extras)})" if extras else "@operation"
        head = [decorator, f"def op{number}(self{arguments}) -> {returns.text}:"]
        return signature, self._method(head, body)

    @staticmethod
    def _method(head: list[str], body: list[str], doc: str = "") -> list[str]:
        lines = [f'"""{doc}"""'] if doc else []
        return ["", *Statements.indented([*head, *Statements.indented([*lines, *body])])]

    def _pure_body(self, fields: dict[str, Ty], signature: Signature) -> list[str]:
        """A helper that only looks: locals, branches and a loop, then a return."""
        names = Names(dict(fields))
        names.sure = {f"a{number + 1}": type_ for number, type_ in enumerate(signature.parameters)}
        writer = Statements(self._choices, self._schema, names)
        lines = [line for _ in range(self._choices.number(0, 1)) for line in writer.local()]
        if self._choices.chance(40):
            lines += [f"if {writer.of(BOOL)}:", f"    return {writer.of(signature.returns)}"]
        if self._choices.chance(40):
            source, types = writer.iterable()
            if len(types) == 1:
                with names.branch():
                    names.sure["e1"] = types[0]
                    test, value = writer.of(BOOL, 1), writer.of(signature.returns, 1)
                lines += [f"for e1 in {source}:", f"    if {test}:", f"        return {value}"]
        return [*lines, f"return {writer.of(signature.returns)}"]

    def _step(self, decorator: str, name: str, parameters: tuple[Ty, ...], names: Names) -> list[str]:
        """An action or a fault."""
        names.sure = {f"a{number}": type_ for number, type_ in enumerate(parameters)}
        arguments = "".join(f", {name}: {type_.text}" for name, type_ in names.sure.items())
        writer = Statements(self._choices, self._schema, names)
        body = writer.when() if self._choices.chance(35) else []
        if self._choices.chance(35):
            body += writer.chosen()
        if self._choices.chance(25):
            body += [f"if {writer.of(BOOL)}:", *writer.indented(writer.change()), "    return"]
        if self._choices.chance(80):
            body += writer.progress()
        body += writer.block(2 if self._choices.chance(40) else 1)
        return self._method([decorator, f"def {name}(self{arguments}) -> None:"], body)

    # The model

    def _model(self, operations: tuple[Signature, ...], components: dict[str, Ty]) -> str:
        fields = self._fields()
        lines = ["class Sample(Model):", *self._declarations(fields)]
        lines += [f"    {owner}: Store[{actual.text}]" for owner, actual in components.items()]
        self._readable = dict(fields)
        pure = tuple(
            Signature(f"self.pure{number}", (self._choices.pick((INT, ITEM)),), returns)
            for number, returns in enumerate(self._choices.pick(((INT,), (BOOL,), (INT, BOOL))))
        )
        for helper in pure:
            head = f"def {helper.name[5:]}(self, a1: {helper.parameters[0].text}) -> {helper.returns.text}:"
            lines += self._method([head], self._pure_body(fields, helper))
        for number in range(self._choices.number(1, 2)):
            parameters = tuple(self._choices.pick(SCALARS) for _ in range(self._choices.number(0, 1)))
            names = Names(dict(fields), methods=pure)
            lines += self._step("@action", f"act{number}", parameters, names)
        if self._choices.chance(30):
            self._faults.append("break_down")
            lines += self._step("@fault", "break_down", (), Names(dict(fields), methods=pure))
        calls = Calls(tuple(o.at(f"self.{owner}", t) for owner, t in components.items() for o in operations))
        if self._choices.chance(50):
            helper, written = self._async_helper(fields, pure, calls)
            lines += written
            calls = Calls(calls.operations, (helper,))
        for number in range(self._choices.pick((1, 1, 2))):
            lines += self._process(number, fields, pure, calls)
        lines += self._properties(fields, pure)
        return "\n".join(lines) + "\n"

    def _fields(self) -> dict[str, Ty]:
        pick, number = self._choices.pick, self._choices.number
        fields = {"self.level": INT, "self.flag": pick((BOOL, COLOR))}
        scalars = (option(INT), ITEM, PAIR, option(ITEM), option(PAIR))
        for position in range(number(1, 2)):
            fields[f"self.s{position}"] = pick(scalars)
        elements = (ITEM, COLOR, INT, PAIR)
        for position in range(number(1, 3)):
            kind = pick(("set", "map", "fifo", "bag"))
            if kind == "map":
                value = pick((INT, BOOL, COLOR, collection("set", ITEM)))
                fields[f"self.c{position}"] = collection("map", pick(elements), value)
            else:
                fields[f"self.c{position}"] = collection(kind, pick(elements))
        return fields

    def _async_helper(
        self, fields: dict[str, Ty], pure: tuple[Signature, ...], calls: Calls
    ) -> tuple[Signature, list[str]]:
        returns = self._choices.pick((NONE, INT, BOOL, ITEM))
        parameter = self._choices.pick((INT, ITEM, COLOR))
        signature = Signature("self.routine", (parameter,), returns)
        names = Names(dict(fields), methods=pure)
        names.sure = {"v0": parameter}
        body = Processes(self._choices, self._schema, names, calls, returns).body(2)
        head = [f"async def routine(self, v0: {parameter.text}) -> {returns.text}:"]
        return signature, self._method(head, body)

    def _process(
        self, number: int, fields: dict[str, Ty], pure: tuple[Signature, ...], calls: Calls
    ) -> list[str]:
        names = Names(dict(fields), methods=pure)
        body = Processes(self._choices, self._schema, names, calls).body(3)
        if self._choices.chance(50):
            head = ["@process(instances=Worker)", f"async def run{number}(self, me: Worker) -> None:"]
        else:
            head = ["@process", f"async def run{number}(self) -> None:"]
        return self._method(head, body)

    def _properties(self, fields: dict[str, Ty], pure: tuple[Signature, ...]) -> list[str]:
        lines: list[str] = []
        for kind in ("always", "quiescent", "reachable"):
            writer = Statements(self._choices, self._schema, Names(dict(fields), methods=pure))
            lines += self._method(
                [f"@{kind}", f"def {kind}_holds(self) -> bool:"], [f"return {writer.of(BOOL, 3)}"]
            )
        old = {name.replace("self.", "before."): type_ for name, type_ in fields.items()}
        writer = Statements(self._choices, self._schema, Names({**fields, **old}, methods=pure))
        head = ["@transition", "def transition_holds(self, before: Self) -> bool:"]
        return [*lines, *self._method(head, [f"return {writer.of(BOOL, 3)}"])]


def random_model(seed: int) -> RandomModel:
    """The model of a seed: always the same one, and one that lowers."""
    return ModelWriter(Choices(seed)).write()
