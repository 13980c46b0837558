"""The members that a component and a model class have alike: fields, pure helpers, actions and faults."""

from __future__ import annotations

from .choices import Choices
from .expressions import Expressions
from .names import Names
from .statements import Statements
from .types import BOOL, Schema, Signature, Ty


class Members:
    """Writes members of a class, each as indented lines."""

    def __init__(self, choices: Choices, schema: Schema) -> None:
        self.choices = choices
        self.schema = schema

    def declarations(self, fields: dict[str, Ty]) -> list[str]:
        lines = []
        for name, type_ in fields.items():
            initial = self._initial(type_)
            lines.append(
                f"    {name.removeprefix('self.')}: {type_.text}" + (f" = {initial}" if initial else "")
            )
        return lines

    def _initial(self, type_: Ty) -> str:
        literal = Expressions(self.choices, self.schema, Names({})).literal
        if type_.kind == "map":
            filled = type_.args[0].kind in ("index", "enum", "int") and type_.args[1].is_scalar
            if filled and self.choices.chance(50):
                return f"Map.filled({literal(type_.args[1])})"
        if type_.is_scalar and type_.kind != "option":
            return literal(type_)
        return ""

    @staticmethod
    def method(head: list[str], body: list[str], doc: str = "") -> list[str]:
        lines = [f'"""{doc}"""'] if doc else []
        return ["", *Statements.indented([*head, *Statements.indented([*lines, *body])])]

    def pure_body(self, fields: dict[str, Ty], signature: Signature) -> list[str]:
        """A helper that only looks: locals, branches and a loop, then a return."""
        names = Names(dict(fields))
        names.sure = {f"a{number + 1}": type_ for number, type_ in enumerate(signature.parameters)}
        writer = Statements(self.choices, self.schema, names)
        lines = [line for _ in range(self.choices.number(0, 1)) for line in writer.local()]
        if self.choices.chance(40):
            lines += [f"if {writer.of(BOOL)}:", f"    return {writer.of(signature.returns)}"]
        if self.choices.chance(40):
            source, types = writer.iterable()
            if len(types) == 1:
                with names.branch():
                    names.sure["e1"] = types[0]
                    test, value = writer.of(BOOL, 1), writer.of(signature.returns, 1)
                lines += [f"for e1 in {source}:", f"    if {test}:", f"        return {value}"]
        return [*lines, f"return {writer.of(signature.returns)}"]

    def step(self, decorator: str, name: str, parameters: tuple[Ty, ...], names: Names) -> list[str]:
        """An action or a fault."""
        names.sure = {f"a{number}": type_ for number, type_ in enumerate(parameters)}
        arguments = "".join(f", {name}: {type_.text}" for name, type_ in names.sure.items())
        writer = Statements(self.choices, self.schema, names)
        body = writer.when() if self.choices.chance(35) else []
        if self.choices.chance(35):
            body += writer.chosen()
        if self.choices.chance(25):
            body += [f"if {writer.of(BOOL)}:", *writer.indented(writer.change()), "    return"]
        if self.choices.chance(80):
            body += writer.progress()
        body += writer.block(2 if self.choices.chance(40) else 1)
        return self.method([decorator, f"def {name}(self{arguments}) -> None:"], body)
