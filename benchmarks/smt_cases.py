"""What is measured, as ``smt.toml`` says it: specs at sizes of their own, beside published times."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker.dsl.lowering import LoweredModel, lower
from checker.errors import UserError
from checker.spec import Spec, load_spec
from checker.spec.amounts import bounds_of, budgets_of, overlaid
from checker.spec.mutations import property_names
from checker.spec.tables import Table, did_you_mean

FILE = Path(__file__).with_name("smt.toml")
_ANY = ("published_any", "target_any")
_KEYS = ("name", "spec", "sizes", "faults", "published", "targets", "asked", "depth")


@dataclass(frozen=True)
class Case:
    """A spec at one size. Without a ``depth`` it is to be proved, else searched to that depth.

    Without ``bounds`` it is to be proved for any number of members, and the spec's own sizes are where
    witnesses are looked for. ``published`` has the seconds that others took, ``target_s`` what we want to
    take at most; ``asked`` is the property that bounded search looks for.
    """

    name: str
    spec: Spec
    bounds: Mapping[str, int]
    faults: Mapping[str, Any]
    published: Mapping[str, float] = field(default_factory=dict)
    target_s: float | None = None
    asked: str | None = None
    depth: int | None = None

    @property
    def sizes(self) -> str:
        """``Client 2, Server 2``, or that it is for any number."""
        if not self.bounds:
            return "any number"
        return ", ".join(f"{name} {size}" for name, size in self.bounds.items())

    @property
    def title(self) -> str:
        """What is asked, in a line."""
        asked = "" if self.depth is None else f", {self.asked} to depth {self.depth}"
        return f"{self.name} ({self.sizes}){asked}"

    def lowered(self) -> LoweredModel:
        """The model, lowered for these sizes and faults."""
        data = tomllib.loads(self.spec.path.read_text())
        table = Table(overlaid(data, {"bounds": self.bounds, "faults": self.faults}), str(self.spec.path))
        return lower(self.spec.model, bounds_of(table), budgets_of(table))


def load_cases(path: Path = FILE) -> tuple[list[Case], dict[str, str]]:
    """The cases of a file in its order, proofs first, and the sources of published times by their names.

    Raises:
        UserError: anything wrong in the file, or in a spec that it names.
    """
    try:
        data = tomllib.loads(path.read_text())
    except (OSError, tomllib.TOMLDecodeError) as error:
        hint = "benchmarks/smt.toml of this repository is an example"
        raise UserError(f"the cases cannot be read: {error}", where=str(path), hint=hint) from None
    Table(data, str(path)).known(["sources", "proof", "bounded"])
    sources = {name: str(source) for name, source in data.get("sources", {}).items()}
    cases: list[Case] = []
    for kind in ("proof", "bounded"):
        for number, part in enumerate(data.get(kind, []), start=1):
            cases += _cases(Table(part, str(path), f"{kind} {number}"), kind == "bounded", sources)
    return cases, sources


def _cases(table: Table, is_bounded: bool, sources: Mapping[str, str]) -> Iterator[Case]:
    table.known(_KEYS if is_bounded else (*_KEYS, *_ANY))
    name, spec = table.text("name"), load_spec(Path(table.text("spec")))
    published = table.table("published")
    published.known(sources)
    asked: str | None = None
    depth: int | None = None
    if is_bounded:
        asked, depth = table.text("asked"), table.whole("depth", low=1)
        names = property_names(spec.lowered)
        if asked not in names:
            hint = did_you_mean(asked, names)
            what = f"the model has no property '{asked}'"
            raise UserError(what, where=table.where("asked"), hint=hint)
        if depth is None:
            raise UserError("'depth' is missing", where=table.where(), hint="add: depth = 8")
    sizes, targets = table.data.get("sizes"), table.data.get("targets", [])
    if not isinstance(sizes, list) or not sizes or len(targets) not in (0, len(sizes)):
        hint = "write: sizes = [{ Node = 3 }], and as many targets or none"
        raise UserError("'sizes' and 'targets' do not fit", where=table.where("sizes"), hint=hint)
    faults = table.table("faults").data
    for bounds, target in zip(sizes, targets or [0] * len(sizes), strict=True):
        # What others took was for the first sizes.
        known = published.data if bounds == sizes[0] else {}
        yield Case(name, spec, bounds, faults, known, target or None, asked, depth)
    if not is_bounded:
        published = table.table("published_any")
        published.known(sources)
        yield Case(name, spec, {}, faults, published.data, table.number("target_any"))


def chosen(cases: Sequence[Case], names: Sequence[str]) -> list[Case]:
    """The cases whose names contain one of ``names``, all without any.

    Raises UserError for a name that fits none.
    """
    for name in names:
        if not any(name in case.name for case in cases):
            hint = did_you_mean(name, {case.name: None for case in cases})
            raise UserError(f"nothing that is measured is called '{name}'", hint=hint)
    return [case for case in cases if not names or any(name in case.name for name in names)]
