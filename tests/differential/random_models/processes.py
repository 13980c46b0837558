"""Random code with awaits: the bodies of processes and async helpers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from .choices import Choices
from .names import Names
from .statements import Statements
from .types import BOOL, COLOR, INT, ITEM, NONE, Schema, Signature, Ty


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
