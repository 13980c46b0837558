"""Every way in which a model can be wrong before it runs: exit code 2, with file, line, caret and hint."""

from __future__ import annotations

import pytest

from tests.cli.project import Project

HEAD = """\
from __future__ import annotations

from checker.components import SqsQueue
from checker.dsl import Component, ConditionalCheckFailed, Index, Model, Set
from checker.dsl import action, always, operation, process


class Order(Index):
    pass


"""
#: Where the model begins.
LINE = HEAD.count("\n") + 1


def refused(project: Project, text: str, *parts: str) -> None:
    project.write("models/bad.py", text)
    project.write("specs/bad.toml", 'model = "models/bad.py:Bad"\n[bounds]\nOrder = 1\n')
    project.refuses(["check"], *parts)


@pytest.mark.parametrize(
    ("body", "offset", "parts"),
    [
        (
            "class Bad(Model):\n"
            "    placed: Set[Order]\n"
            "    @action\n"
            "    def place(self, order: Order) -> None:\n"
            "        with open('x') as file:\n"
            "            self.placed.add(order)\n",
            4,
            ["with open('x')", "^^^^"],
        ),
        (
            "class Bad(Model):\n"
            "    placed: Set[Order]\n"
            "    @action\n"
            "    def place(self, order: Order) -> None:\n"
            "        self.placed.add(3)\n",
            4,
            ["self.placed.add(3)", "^"],
        ),
        (
            "class Bad(Model):\n    placed: Set[Order]\n    name: str\n",
            2,
            ["'name' has the type str, which is not a finite type", "use an Enum"],
        ),
        (
            "class Bad(Model):\n    placed: Set[Order]\n    count: int = 0\n",
            2,
            ["'count' is an int without bounds", "write Annotated[int, Range(0, 7)]"],
        ),
        (
            "class Bad(Model):\n"
            "    placed: Set[Order]\n"
            "    @always\n"
            "    def count(self) -> int:\n"
            "        return len(self.placed)\n",
            3,
            ["the property 'count' returns int, not bool", "^^^", "write: def count(self) -> bool"],
        ),
        (
            "class Bad(Model):\n"
            "    placed: Set[Order]\n"
            "    @always\n"
            "    def empty(self) -> bool:\n"
            "        return len(self.placed)\n",
            4,
            ["return len(self.placed)", "^^^"],
        ),
        (
            "class Bad(Model):\n"
            "    inbox: SqsQueue[Order]\n"
            "    @process\n"
            "    async def worker(self) -> None:\n"
            "        self.inbox.receive()\n",
            4,
            ["self.inbox.receive()", "^^^"],
        ),
    ],
)
def test_what_a_model_must_not_say(project: Project, body: str, offset: int, parts: list[str]) -> None:
    refused(project, HEAD + body, f"error: models/bad.py:{LINE + offset}:", *parts)


def test_a_model_that_does_not_parse(project: Project) -> None:
    refused(
        project,
        "from checker.dsl import Model\n\nclass Bad(Model)\n    pass\n",
        "error: models/bad.py:3:17: the model does not parse: expected ':'\n",
        "\n    class Bad(Model)\n                    ^\n",
    )


@pytest.mark.parametrize(
    ("statement", "what"),
    [
        ("1 / 0", "ZeroDivisionError: division by zero"),
        ("import no_such_module", "ModuleNotFoundError: No module named 'no_such_module'"),
        ("raise SystemExit(0)", "SystemExit: 0"),
    ],
)
def test_a_model_that_does_not_import(project: Project, statement: str, what: str) -> None:
    """A model that ends Python must not end the check as if all were well."""
    refused(
        project,
        f"from checker.dsl import Model\n\n{statement}\n",
        f"error: models/bad.py:3: the model does not import: {what}\n",
        "hint: run the file with python to see the whole traceback",
    )


def test_a_model_that_imports_a_model_that_does_not_import(project: Project) -> None:
    project.write("models/__init__.py", "")
    project.write("models/base.py", "x = [][1]\n")
    refused(
        project,
        "import models.base\n",
        "error: models/bad.py:1: the model does not import: IndexError: list index out of range",
    )


def test_ctrl_c_during_an_import_is_no_error_of_the_model(project: Project) -> None:
    project.write("models/bad.py", "raise KeyboardInterrupt\n")
    project.write("specs/bad.toml", 'model = "models/bad.py:Bad"\n')
    outcome = project.run("check")
    assert (outcome.code, outcome.out, outcome.err) == (130, "", "interrupted\n")


def test_a_model_file_with_its_own_helpers_beside_it(project: Project) -> None:
    project.write("models/__init__.py", "")
    project.write("models/base.py", HEAD + "class Base(Model):\n    placed: Set[Order]\n")
    project.write("models/good.py", "from models.base import Base\n\n\nclass Good(Base):\n    pass\n")
    project.write("specs/good.toml", 'model = "models/good.py:Good"\n[bounds]\nOrder = 1\n')
    assert project.run("check").code == 0


def test_an_error_that_the_operation_does_not_declare(project: Project) -> None:
    refused(
        project,
        HEAD
        + """\
class Shelf(Component):
    things: Set[Order]

    @operation
    def take(self, order: Order) -> None:
        raise ConditionalCheckFailed


class Bad(Model):
    shelf: Shelf

    @process
    async def clerk(self) -> None:
        await self.shelf.take(Order(0))
""",
        "models/bad.py",
        "ConditionalCheckFailed",
    )
