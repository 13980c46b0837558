"""The generic component of a random model: its state, operations and faults."""

from __future__ import annotations

from dataclasses import dataclass

from .members import Members
from .names import Names
from .statements import Statements
from .types import BOOL, COLOR, INT, NONE, SCALARS, VAR, Signature, Ty, collection, option


@dataclass(frozen=True)
class Component:
    """The source of a component class, and what a model that holds it can call or give a budget."""

    source: str
    operations: tuple[Signature, ...]
    faults: tuple[str, ...]


class ComponentWriter(Members):
    """Writes the component class of one model."""

    def write(self) -> Component:
        """The class ``Store``."""
        fields = {
            "self.shelf": collection(self.choices.pick(("bag", "set", "fifo")), VAR),
            "self.cells": collection("map", VAR, INT),
            "self.total": INT,
            "self.last": self.choices.pick((option(VAR), option(INT), BOOL, COLOR)),
        }
        lines = ["class Store(Component, Generic[T]):", *self.declarations(fields)]
        helper = Signature("self.room", (INT,), INT)
        lines += self.method(
            ["def room(self, a1: Small) -> int:"], self.pure_body(fields, helper), doc="A helper."
        )
        operations = []
        faults = []
        for number in range(self.choices.number(2, 4)):
            signature, written = self._operation(number, fields, helper)
            operations.append(signature)
            lines += written
        if self.choices.chance(40):
            faults.append("wear")
            lines += self.step("@fault", "wear", (), Names(dict(fields), methods=(helper,)))
        if self.choices.chance(30):
            lines += self.step("@action", "settle", (), Names(dict(fields), methods=(helper,)))
        return Component("\n".join(lines) + "\n", tuple(operations), tuple(faults))

    def _operation(
        self, number: int, fields: dict[str, Ty], helper: Signature
    ) -> tuple[Signature, list[str]]:
        pick, chance = self.choices.pick, self.choices.chance
        parameters = (VAR, *(pick(SCALARS) for _ in range(self.choices.number(0, 1))))
        returns = pick((NONE, NONE, INT, BOOL, COLOR, option(INT), option(VAR)))
        raises = pick(((), (), ("Refused",), ("Refused", "Gone")))
        once = returns == NONE and chance(50)
        signature = Signature(f"op{number}", parameters, returns, raises, once)
        names = Names(dict(fields), methods=(helper,), raises=raises)
        names.sure = {f"a{position}": type_ for position, type_ in enumerate(parameters)}
        writer = Statements(self.choices, self.schema, names)
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
        return signature, self.method(head, body)
