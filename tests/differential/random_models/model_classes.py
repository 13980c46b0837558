"""The class that is checked: its state, components, actions and processes."""

from __future__ import annotations

from dataclasses import dataclass

from .members import Members
from .names import Names
from .processes import Calls, Processes
from .properties import Properties
from .types import BOOL, COLOR, INT, ITEM, NONE, PAIR, SCALARS, Signature, Ty, collection, option


@dataclass(frozen=True)
class ModelClass:
    """The source of a model class, and the faults of its own that can have a budget."""

    source: str
    faults: tuple[str, ...]


class ModelClassWriter(Members):
    """Writes the model class of one model."""

    def write(self, operations: tuple[Signature, ...], components: dict[str, Ty]) -> ModelClass:
        """The class ``Sample``, which holds components of these names and type arguments."""
        fields = self._fields()
        lines = ["class Sample(Model):", *self.declarations(fields)]
        lines += [f"    {owner}: Store[{actual.text}]" for owner, actual in components.items()]
        faults = []
        pure = tuple(
            Signature(f"self.pure{number}", (self.choices.pick((INT, ITEM)),), returns)
            for number, returns in enumerate(self.choices.pick(((INT,), (BOOL,), (INT, BOOL))))
        )
        for helper in pure:
            head = f"def {helper.name[5:]}(self, a1: {helper.parameters[0].text}) -> {helper.returns.text}:"
            lines += self.method([head], self.pure_body(fields, helper))
        for number in range(self.choices.number(1, 2)):
            parameters = tuple(self.choices.pick(SCALARS) for _ in range(self.choices.number(0, 1)))
            names = Names(dict(fields), methods=pure)
            lines += self.step("@action", f"act{number}", parameters, names)
        if self.choices.chance(30):
            faults.append("break_down")
            lines += self.step("@fault", "break_down", (), Names(dict(fields), methods=pure))
        calls = Calls(tuple(o.at(f"self.{owner}", t) for owner, t in components.items() for o in operations))
        if self.choices.chance(50):
            helper, written = self._async_helper(fields, pure, calls)
            lines += written
            calls = Calls(calls.operations, (helper,))
        for number in range(self.choices.pick((1, 1, 2))):
            lines += self._process(number, fields, pure, calls)
        lines += Properties(self.choices, self.schema).write(fields, pure)
        return ModelClass("\n".join(lines) + "\n", tuple(faults))

    def _fields(self) -> dict[str, Ty]:
        pick, number = self.choices.pick, self.choices.number
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
        returns = self.choices.pick((NONE, INT, BOOL, ITEM))
        parameter = self.choices.pick((INT, ITEM, COLOR))
        signature = Signature("self.routine", (parameter,), returns)
        names = Names(dict(fields), methods=pure)
        names.sure = {"v0": parameter}
        body = Processes(self.choices, self.schema, names, calls, returns).body(2)
        head = [f"async def routine(self, v0: {parameter.text}) -> {returns.text}:"]
        return signature, self.method(head, body)

    def _process(
        self, number: int, fields: dict[str, Ty], pure: tuple[Signature, ...], calls: Calls
    ) -> list[str]:
        names = Names(dict(fields), methods=pure)
        body = Processes(self.choices, self.schema, names, calls).body(3)
        if self.choices.chance(50):
            head = ["@process(instances=Worker)", f"async def run{number}(self, me: Worker) -> None:"]
        else:
            head = ["@process", f"async def run{number}(self) -> None:"]
        return self.method(head, body)
