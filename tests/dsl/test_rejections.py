"""Whatever a model must not do is rejected with its place, a caret, the reason and a rewrite."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType
from typing import NamedTuple

import pytest

from checker.dsl.lowering import lower
from checker.dsl.source import displayed
from checker.errors import Location, UserError
from checker.ir.program import Budgets

from .sources import lower_text, model_text, rejection


class Case(NamedTuple):
    """Code in one hole of the model, the words of the reason and of the hint, and a part of the line."""

    hole: str
    code: str
    reason: str
    hint: str
    line: str


CASES = {
    # Expressions
    "lambda": Case("action", "f = lambda: 1", "a lambda is not supported", "helper method", "lambda"),
    "f-string": Case("action", 'x = f"{self.count}"', "formatted string", "leave logging out", 'f"'),
    "string": Case("action", 'x = "red"', "a str constant", "use an Enum", '"red"'),
    "float constant": Case("action", "x = 1.5", "a float constant", "bool, int, Enum", "1.5"),
    "list": Case("action", "x = [Item(0)]", "a list display", "Fifo or Bag", "[Item(0)]"),
    "dict": Case("action", "x = {Item(0): 1}", "a dict display", "Map[K, V]", "{Item(0)"),
    "set": Case("action", "x = {Item(0)}", "a set display", "Set([a, b])", "{Item(0)}"),
    "tuple": Case("action", "x = (1, 2)", "a tuple", "@record", "(1, 2)"),
    "list comprehension": Case("action", "x = [i for i in Item]", "list comprehension", "Set(x", "[i for"),
    "set comprehension": Case("action", "x = {i for i in Item}", "set comprehension", "Set(x", "{i for"),
    "generator": Case("action", "x = (i for i in Item)", "a generator on its own", "pass it to", "(i for"),
    "dict comprehension": Case("action", "x = {i: 1 for i in Item}", "dict comprehension", "loop", "{i: 1"),
    "walrus": Case("action", "if (n := self.count) > 1:\n    pass", "inside an expression", "own", "n :="),
    "slice": Case("action", "x = self.queue[0:1]", "a slice", "one position", "0:1"),
    "true division": Case("action", "x = self.count / 2", "this operator", "//", "/ 2"),
    "power": Case("action", "x = self.count ** 2", "this operator", "+, -, *", "** 2"),
    "two awaits": Case(
        "process",
        "x = await self.store.get(Item(0)) == await self.store.get(Item(1))",
        "a second await",
        "into a variable first",
        "await self.store.get(Item(1))",
    ),
    "before an await": Case(
        "process",
        "x = self.count + await self.store.get(Item(0))",
        "evaluated before this await",
        "line of its own",
        "await",
    ),
    "augmented await": Case(
        "process",
        "self.count += await self.store.get(Item(0))",
        "an await inside an expression",
        "own",
        "await",
    ),
    "awaiting something else": Case(
        "process", "await self.store", "cannot be awaited", "component's operation", "await self.store"
    ),
    "awaiting a query": Case("process", "await self.store.size()", "cannot be awaited", "operation", "await"),
    "choose inside": Case(
        "action", "self.count = 1 + choose(range(2))", "choose() inside", "name = choose(...)", "choose"
    ),
    "unknown function": Case("action", "x = print(1)", "'print' is not supported", "their own", "print(1)"),
    "unknown name": Case("action", "x = cuont", "'cuont' is not defined", "spelling", "cuont"),
    "unknown field": Case(
        "action", "self.count = self.cuont", "no field 'cuont'", "did you mean 'count'?", "self.cuont"
    ),
    "unknown method": Case("action", "self.atc()", "no field 'atc'", "did you mean 'act'?", "self.atc()"),
    "unknown record field": Case(
        "action", "x = Row(Item(0), 1).itme", "no field 'itme'", "item, number", "itme"
    ),
    "different types": Case(
        "action", "when(Item(0) == Color.RED)", "is always false", "one type", "Item(0) == Color.RED"
    ),
    "compared with None": Case(
        "action", "when(self.color is None)", "with None is always false", "T | None", "self.color is None"
    ),
    "identity": Case("action", "when(Item(0) is Item(1))", "'is' between", "==", "Item(0) is Item(1)"),
    "truth of an int": Case(
        "action", "when(self.count)", "expected a bool, got int", "compare", "self.count"
    ),
    "truth of an option": Case("action", "when(self.row)", "expected a bool", "is not None", "self.row"),
    "or of collections": Case("action", "x = self.known or self.flag", "expected bool", "mypy", "self.known"),
    "operand of two types": Case(
        "action", "x = Item(0) if self.flag else Color.RED", "the other Color", "one type", "Item(0) if"
    ),
    "index out of its set": Case("action", "self.known.add(Item(7))", "from 0 to 1", "bound", "Item(7)"),
    "computed index": Case("action", "self.known.add(Item(self.count))", "constant", "choose()", "Item("),
    "all of a list": Case(
        "action", "when(all([i in self.known for i in Item]))", "all() of a list", "brackets", "["
    ),
    "default that can fail": Case(
        "action",
        "x = max((1 for i in Item), default=1 // self.count)",
        "default",
        "variable",
        "1 // self.count",
    ),
    "pop inside": Case(
        "action", "x = 1 if self.queue.popleft() == Item(0) else 2", "inside", "own", ".popleft"
    ),
    "wrong arguments": Case("action", "x = Row(Item(0))", "lacks 'number'", "every field", "Row(Item(0))"),
    "too many arguments": Case("action", "x = Row(Item(0), 1, 2)", "takes 2", "item, number", "Row("),
    "result of an operation": Case(
        "action", "x = self.store.get(Item(0))", "once it is awaited", "name = await", "self.store.get"
    ),
    # Statements
    "nested function": Case("action", "def f() -> None: ...", "a nested function", "helper", "def f"),
    "nested class": Case("action", "class A: ...", "a nested class", "top of the file", "class A"),
    "with": Case("action", "with self:\n    pass", "a with statement", "write the calls out", "with self"),
    "global": Case("action", "global z", "a global statement", "fields of the model", "global z"),
    "import": Case("action", "import os", "an import inside", "top of the file", "import os"),
    "loop with else": Case("action", "for i in Item:\n    pass\nelse:\n    pass", "else", "flag", "for i"),
    "several targets": Case("action", "a = b = 1", "several targets", "one after the other", "a = b"),
    "unused value": Case("action", "self.count == 1", "not used", "when(...)", "self.count == 1"),
    "try in an action": Case(
        "action", "try:\n    pass\nexcept Gone:\n    pass", "outside a process", "test", "try:"
    ),
    "raise in an action": Case("action", "raise Gone", "outside of an operation", "when(...)", "raise Gone"),
    "operation that may fail": Case(
        "action", "self.store.put_new(Item(0))", "ConditionalCheckFailed", "condition", "self.store.put_new"
    ),
    "undeclared raise": Case(
        "component",
        "@operation\ndef fail(self) -> None:\n    raise Gone\n\n"
        "@action\ndef a(self) -> None:\n    self.fail()\n",
        "undeclared error, Gone",
        "raises=(Gone,)",
        "raise Gone",
    ),
    "other exception": Case(
        "process", "raise ValueError", "only service errors", "ServiceError", "raise ValueError"
    ),
    "bare except": Case(
        "process", "try:\n    await self.store.ready()\nexcept:\n    pass", "a bare except", "name", "except:"
    ),
    "except Exception": Case(
        "process",
        "try:\n    await self.store.ready()\nexcept Exception:\n    pass",
        "'Exception' is not a service error",
        "ServiceError for all",
        "except Exception",
    ),
    "except as": Case(
        "process",
        "try:\n    await self.store.ready()\nexcept Gone as e:\n    pass",
        "given a name",
        "leave out",
        "except Gone as e",
    ),
    "finally": Case(
        "process", "try:\n    await self.store.ready()\nfinally:\n    pass", "finally", "crash skips", "try:"
    ),
    "no await": Case(
        "process", "self.store.put(Item(0), 1)", "has to be awaited", "write: await", "self.store"
    ),
    "loop over a collection": Case(
        "process",
        "for i in self.known:\n    await self.store.put(i, 1)",
        "a for loop over a collection cannot await",
        "choose(todo)",
        "self.known",
    ),
    "loop variable assigned": Case(
        "process",
        "for i in Item:\n    await self.store.ready()\n    i = Item(0)",
        "'i' is assigned",
        "name",
        "i = ",
    ),
    "parameter assigned": Case("process", "me = Worker(0)", "'me' is assigned", "another name", "me = "),
    "process returns": Case("process", "return 1", "a process returns a value", "bare return", "return 1"),
    "int across an await": Case(
        "process",
        "n = self.count // 2\nawait self.store.put(Item(0), 1)\nself.count = n",
        "'n' is kept across an await and has no bounds",
        "Annotated[int, Range(0, 7)]",
        "await self.store.put(Item(0), 1)",
    ),
    "assigned from outside": Case(
        "action",
        "self.store.total = 1",
        "assigned from outside",
        "operations and methods",
        "self.store.total",
    ),
    "assigned record field": Case(
        "action", "r = Row(Item(0), 1)\nr.number = 2", "a field of a value", "replace(row", "r.number"
    ),
    "alias": Case("action", "s = self.known", "without a copy", ".copy()", "s = self.known"),
    "alias of an entry": Case("action", "s = self.sets[Item(0)]", "without a copy", ".copy()", "s = self"),
    "alias of an option": Case("action", "s = self.sets.get(Item(0))", "without a copy", ".copy()", "s = "),
    "loop over collections": Case(
        "action", "for s in self.sets.values():\n    pass", "is a collection", "keys", "s in"
    ),
    "changed parameter": Case(
        "members",
        "def f(self, s: Set[Item]) -> None:\n    s.add(Item(0))\n\n@action\ndef g(self) -> None:\n"
        "    self.f(self.known.copy())\n",
        "something else holds it",
        "copy it first",
        "s.add(Item(0))",
    ),
    "shared argument": Case(
        "members",
        "def f(self, s: Set[Item]) -> None:\n    self.count = len(s)\n\n@action\ndef g(self) -> None:\n"
        "    self.f(self.known)\n",
        "without a copy",
        ".copy()",
        "self.known",
    ),
    "two types in a local": Case(
        "action", "x = 1\nx = Color.RED", "'x' was int", "another name", "x = Color"
    ),
    "None and a number": Case("action", "x = self.count is Color.RED", "'is'", "==", "self.count is"),
    "case of another class": Case(
        "action", "match self.color:\n    case Row():\n        pass", "is never a Row", "own class", "Row()"
    ),
    "pattern of a sequence": Case(
        "action", "match self.queue:\n    case [a]:\n        pass", "this pattern", "alternatives", "[a]"
    ),
    # Methods
    "recursion": Case(
        "members",
        "def f(self, n: int) -> int:\n    return self.f(n - 1)\n\n@action\ndef g(self) -> None:\n"
        "    self.count = self.f(2)\n",
        "calls itself",
        "write a loop",
        "self.f(n - 1)",
    ),
    "awaits itself": Case(
        "members",
        "async def f(self) -> None:\n    await self.f()\n\n@process\nasync def p(self) -> None:\n"
        "    await self.f()\n",
        "awaits itself",
        "while loop",
        "await self.f()",
    ),
    "missing return": Case(
        "members",
        "def f(self) -> int:\n    if self.flag:\n        return 1\n\n@action\ndef g(self) -> None:\n"
        "    self.count = self.f()\n",
        "may end without a value",
        "add a return",
        "def f(self)",
    ),
    "missing return of an async helper": Case(
        "members",
        "async def f(self) -> int:\n    if await self.store.ready():\n        return 1\n\n@process\n"
        "async def p(self) -> None:\n    x: Small = await self.f()\n",
        "may end without a value",
        "add a return",
        "async def f(self)",
    ),
    "value of a helper without one": Case(
        "members",
        "async def f(self) -> None:\n    return await self.store.ready()\n\n@process\n"
        "async def p(self) -> None:\n    await self.f()\n",
        "returned where none is declared",
        "declare its type",
        "return await",
    ),
    "operation in a helper": Case(
        "members",
        "def f(self) -> None:\n    self.store.put(Item(0), 1)\n\n@process\nasync def p(self) -> None:\n"
        "    await self.store.ready()\n    self.f()\n",
        "used by a helper without an await",
        "make the helper async",
        "self.store.put",
    ),
    "property that is not bool": Case(
        "members", "@always\ndef p(self) -> int:\n    return 1\n", "not bool", "-> bool", "def p(self)"
    ),
    "property with an effect": Case(
        "members",
        "@always\ndef p(self) -> bool:\n    self.count = 0\n    return True\n",
        "changes the state",
        "only look",
        "def p(self)",
    ),
    "property with a choice": Case(
        "members",
        "@always\ndef p(self) -> bool:\n    x = choose([False, True])\n    return x\n",
        "or chooses",
        "only look",
        "def p(self)",
    ),
    "transition without before": Case(
        "members",
        "@transition\ndef p(self) -> bool:\n    return True\n",
        "the parameters of the property",
        "(self, before: Self)",
        "def p(self)",
    ),
    "always with before": Case(
        "members",
        "@always\ndef p(self, before: Self) -> bool:\n    return True\n",
        "the parameters of the property",
        "def p(self) -> bool",
        "def p(self",
    ),
    "process that is not async": Case(
        "members", "@process\ndef p(self) -> None:\n    pass\n", "not async", "async def p", "def p(self)"
    ),
    "process without an await": Case(
        "members",
        "@process\nasync def p(self) -> None:\n    pass\n",
        "makes no call",
        "at least one",
        "def p",
    ),
    "process with a parameter too many": Case(
        "members",
        "@process\nasync def p(self, n: Worker) -> None:\n    await self.store.ready()\n",
        "but one instance",
        "instances=Worker",
        "def p",
    ),
    "process without its parameter": Case(
        "members",
        "@process(instances=Worker)\nasync def p(self) -> None:\n    await self.store.ready()\n",
        "one parameter of type Worker",
        "me: Worker",
        "def p",
    ),
    "missing annotation": Case(
        "members", "@action\ndef a(self, n) -> None:\n    pass\n", "'n' has no type", "write n: T", "def a"
    ),
    "missing result type": Case(
        "members", "@action\ndef a(self):\n    pass\n", "no result type", "-> None", "def a(self)"
    ),
    "default of a parameter": Case(
        "members",
        "@action\ndef a(self, n: Small = 1) -> None:\n    pass\n",
        "parameters of 'a'",
        "plain",
        "def a",
    ),
    "parameter without a domain": Case(
        "members",
        "@action\ndef a(self, n: int) -> None:\n    pass\n",
        "no finite domain",
        "choose()",
        "def a",
    ),
    # Fields and types
    "float field": Case(
        "members", "f: float = 0.0", "float, which is not a finite", "bounded int", "f: float"
    ),
    "string field": Case("members", "f: str = ''", "str, which is not a finite", "Enum", "f: str"),
    "list field": Case("members", "f: list[Item]", "not a finite type", "Fifo[T]", "f: list"),
    "unbounded field": Case("members", "f: int = 0", "int without bounds", "Range(0, 7)", "f: int"),
    "unbounded element": Case("members", "f: Fifo[int]", "int without bounds", "Range(0, 7)", "f: Fifo"),
    "union": Case("members", "f: Item | Color", "union of several types", "only T | None", "f: Item"),
    "nested collection": Case("members", "f: Set[Set[Item]]", "cannot be an element", "immutable", "f: Set"),
    "no initial value": Case("members", "f: bool", "no initial value", "f: ... = <value>", "f: bool"),
    "initial value out of range": Case("members", "f: Small = 9", "outside int[0..3]", "widen", "f: Small"),
    "initial index out of range": Case("members", "f: Item = Item(5)", "does not exist", "widen", "f: Item"),
    "enum of numbers": Case(
        "top",
        "class Level(IntEnum):\n    LOW = 0\n\nclass Model(Model):\n    level: Level = Level.LOW\n",
        "also a number or text",
        "Enum alone",
        "level: Level",
    ),
    "collection in a record": Case(
        "top",
        "@record\nclass Bad:\n    items: Set[Item]\n\nclass Model(Model):\n    bad: Bad | None\n",
        "is a collection",
        "records are immutable",
        "bad: Bad",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_rejected(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    text = model_text(**{case.hole: case.code})
    error = rejection(text, tmp_path)
    shown = str(error)
    assert case.reason in error.what, shown
    assert case.hint in error.hint, shown
    assert isinstance(error.where, Location), shown
    line = text.splitlines()[error.where.line - 1]
    assert case.line in line, shown
    path = next(tmp_path.glob("*.py"))
    assert shown.startswith(f"{displayed(str(path))}:{error.where.line}"), shown
    if error.where.column:
        source, carets = error.excerpt.splitlines()
        assert source == f"    {line}", shown
        assert set(carets.strip()) == {"^"}, shown
        assert carets.index("^") - 4 == error.where.column - 1, shown
        assert len(carets) <= len(source), shown


def test_every_rejection_inside_a_function_points_with_a_caret(tmp_path: Path) -> None:
    without = []
    for number, (name, case) in enumerate(CASES.items()):
        folder = tmp_path / str(number)
        folder.mkdir()
        if "^" not in rejection(model_text(**{case.hole: case.code}), folder).excerpt:
            without.append(name)
    assert not without


def test_the_model_around_is_valid(tmp_path: Path) -> None:
    assert lower_text(model_text(), tmp_path).program.name == "Sample"


def test_a_message_in_full(tmp_path: Path) -> None:
    text = model_text(action="self.count = self.cuont")
    line = text.splitlines().index("        self.count = self.cuont") + 1
    error = rejection(text, tmp_path)
    path = displayed(str(next(tmp_path.glob("*.py"))))
    assert str(error) == (
        f"{path}:{line}:22: 'Sample' has no field 'cuont' in the state\n"
        "            self.count = self.cuont\n"
        "                         ^^^^^^^^^^\n"
        "  hint: did you mean 'count'?"
    )


def test_a_model_without_a_source_file(monkeypatch: pytest.MonkeyPatch) -> None:
    module = ModuleType("typed_at_a_prompt")
    monkeypatch.setitem(sys.modules, module.__name__, module)
    exec(model_text(), vars(module))
    with pytest.raises(UserError, match=r"put the model in a \.py file") as caught:
        lower(module.Sample, {"Item": 2, "Worker": 2}, Budgets())
    assert "cannot be read" in str(caught.value)
