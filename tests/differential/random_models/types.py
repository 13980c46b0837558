"""The types that generated code speaks of, and what one model declares for them."""

from __future__ import annotations

from dataclasses import dataclass

from .choices import Choices


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
