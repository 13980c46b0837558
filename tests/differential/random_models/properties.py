"""The properties that a random model is checked for."""

from __future__ import annotations

from .members import Members
from .names import Names
from .statements import Statements
from .types import BOOL, Signature, Ty


class Properties(Members):
    """Writes the properties of one model."""

    def write(self, fields: dict[str, Ty], pure: tuple[Signature, ...]) -> list[str]:
        """One property of each kind, over the fields and pure helpers of the model."""
        lines: list[str] = []
        for kind in ("always", "quiescent", "reachable"):
            writer = Statements(self.choices, self.schema, Names(dict(fields), methods=pure))
            lines += self.method(
                [f"@{kind}", f"def {kind}_holds(self) -> bool:"], [f"return {writer.of(BOOL, 3)}"]
            )
        old = {name.replace("self.", "before."): type_ for name, type_ in fields.items()}
        writer = Statements(self.choices, self.schema, Names({**fields, **old}, methods=pure))
        head = ["@transition", "def transition_holds(self, before: Self) -> bool:"]
        return [*lines, *self.method(head, [f"return {writer.of(BOOL, 3)}"])]
