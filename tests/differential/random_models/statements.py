"""Random atomic code: statements without an await."""

from __future__ import annotations

from collections.abc import Callable

from .expressions import Expressions
from .types import BOOL, COLOR, INT, ITEM, PAIR, SCALARS, VAR, Ty, option


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
