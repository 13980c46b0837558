"""What was measured, as data and as tables."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from checker.errors import UserError

BEGIN, END = "<!-- bench-smt -->", "<!-- end of bench-smt -->"


@dataclass(frozen=True)
class Row:
    """One measured case, as other programs read it; times are in seconds.

    ``asked`` is the property that bounded search looked for, down to ``depth``; both are None for proofs.
    ``sizes`` are empty where it was to be proved for any number of members: then ``any_number`` names, for
    each of the model's own properties, the sets for any number of whose members it was. ``answer`` is what
    came out in a few words, and ``is_decided`` says that nothing stayed open. ``times`` is how often it was
    measured. ``witnesses`` has the steps of the run for each ``@reachable`` property, None where none was
    found; ``never_happens`` names actions that do not happen, of ``actions``, within the spec's own bounds.
    ``certificate_check_s`` is None where there is no certificate.
    """

    name: str
    sizes: Mapping[str, int]
    faults: str
    asked: str | None
    depth: int | None
    answer: str
    is_decided: bool
    wall_s: float
    cpu_s: float
    times: int
    limit_s: float
    summary: str
    proved: Sequence[str] = ()
    unproved: Mapping[str, str] = field(default_factory=dict)
    witnesses: Mapping[str, int | None] = field(default_factory=dict)
    never_happens: Sequence[str] = ()
    actions: int = 0
    lemmas: int = 0
    certificate_check_s: float | None = None
    any_number: Mapping[str, Sequence[str]] = field(default_factory=dict)
    published: Mapping[str, float] = field(default_factory=dict)
    target_s: float | None = None

    @property
    def vacuity(self) -> str:
        """Whether everything that has to be possible is: actions and witnesses."""
        missing = [name for name, steps in self.witnesses.items() if steps is None]
        if self.never_happens or missing:
            return "missing: " + ", ".join([*self.never_happens, *missing])
        return f"{_count(self.actions, 'action')}, {_count(len(self.witnesses), 'witness')}"


def _count(number: int, what: str) -> str:
    plural = "es" if what.endswith("s") else "s"
    return f"{number} {what}" if number == 1 else f"{number} {what}{plural}"


def shown(seconds: float | None) -> str:
    """Seconds with two digits that count, at most two after the point."""
    if seconds is None:
        return ""
    return f"{seconds:,.0f}" if seconds >= 100 else f"{seconds:.1f}" if seconds >= 10 else f"{seconds:.2f}"


def markdown(rows: Sequence[Row], sources: Mapping[str, str]) -> str:
    """Tables of proofs for fixed sizes, for any number, and of searches; where published times come from."""
    general = [row for row in rows if row.depth is None and not row.sizes]
    proofs = [row for row in rows if row.depth is None and row.sizes]
    searches = [row for row in rows if row.depth is not None]
    lines: list[str] = []
    if proofs:
        heads = [
            "protocol",
            "sizes",
            "answer",
            "wall s",
            "CPU s",
            "lemmas",
            "check s",
            "vacuity",
            "others, s",
        ]
        lines += _table(heads, [_proof(row) for row in proofs])
    if general:
        heads = ["protocol", "for any number", "wall s", "CPU s", "lemmas", "check s", "vacuity", "others, s"]
        lines += _table(heads, [_general(row) for row in general])
    if searches:
        heads = ["protocol", "sizes", "asked", "answer", "wall s", "CPU s", "others, s"]
        lines += _table(heads, [_search(row) for row in searches])
    used = {name for row in rows for name in row.published}
    lines += [f"- *{name}*: {source}." for name, source in sources.items() if name in used]
    return "\n".join(lines).strip() + "\n"


def _proof(row: Row) -> list[str]:
    return [row.name, _sizes(row), *_general(row)[1:]]


def _general(row: Row) -> list[str]:
    times = [shown(row.wall_s), shown(row.cpu_s), str(row.lemmas or ""), shown(row.certificate_check_s)]
    return [row.name, row.answer, *times, row.vacuity, _others(row)]


def _search(row: Row) -> list[str]:
    asked = f"{row.asked} to depth {row.depth}"
    return [row.name, _sizes(row), asked, row.answer, shown(row.wall_s), shown(row.cpu_s), _others(row)]


def _table(heads: Sequence[str], cells: Sequence[Sequence[str]]) -> list[str]:
    rows = [heads, ["---"] * len(heads), *cells]
    return [*("| " + " | ".join(cell or " " for cell in row) + " |" for row in rows), ""]


def _sizes(row: Row) -> str:
    return ", ".join(f"{name} {size}" for name, size in row.sizes.items())


def _others(row: Row) -> str:
    parts = [f"{name} {seconds:,g}" for name, seconds in row.published.items()]
    if row.target_s is not None:
        parts.append(f"target {row.target_s:g}")
    return ", ".join(parts)


def updated(path: Path, text: str) -> str:
    """A document with ``text`` between its markers.

    Raises:
        UserError: it cannot be read, or has not both markers once, each on a line of its own.
    """
    try:
        document = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        hint = "name a Markdown file that is there"
        raise UserError(f"the document cannot be read: {error}", where=str(path), hint=hint) from None
    lines = document.splitlines()
    if lines.count(BEGIN) != 1 or lines.count(END) != 1 or lines.index(BEGIN) > lines.index(END):
        hint = f"write {BEGIN} and {END}, each on a line of its own"
        raise UserError("the document has no place for the tables", where=str(path), hint=hint)
    pattern = re.compile(f"^{re.escape(BEGIN)}$.*?^{re.escape(END)}$", re.DOTALL | re.MULTILINE)
    return pattern.sub(lambda _: f"{BEGIN}\n{text}{END}", document)
