"""Matrices: variants of a protocol against classes of faults, a TOML file under ``specs/matrix/``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines.interface import Answer, Limits
from checker.errors import UserError
from checker.ir.program import Budgets, PropertyKind
from checker.spec.amounts import bounds_of, budgets_of, overlaid
from checker.spec.load import MATRIX_FOLDER, Spec, limits_of, read_toml
from checker.spec.models import load_model
from checker.spec.mutations import property_names
from checker.spec.tables import Table, did_you_mean

_KEYS = (
    "inherit",
    "title",
    "description",
    "model",
    "properties",
    "bounds",
    "sdk",
    "limits",
    "faults",
    "price",
    "variant",
)
_VARIANT_KEYS = ("name", "model", "description", "bounds", "sdk", "until")
_PRICE_KEYS = ("bounds", "until", "rest")


@dataclass(frozen=True, slots=True)
class Variant:
    """A row: a model, and a check of it for every class of faults that it can have.

    ``checks`` has None for a class with a fault that no component of the model has. ``fault_free`` is
    the model within the bounds of the price, and ``until`` the ``@reachable`` property that says that
    the work is done; None where there is none.
    """

    name: str
    description: str
    model_reference: str
    checks: Mapping[str, Spec | None]
    fault_free: LoweredModel
    until: str | None
    to_rest: bool


@dataclass(frozen=True, slots=True)
class Matrix:
    """A matrix file. ``faults`` maps the name of a class to its budgets by dotted name.

    ``inherits`` says that a variant that fails under a class is not searched under classes that have all
    of its faults: it fails there, too.
    """

    path: Path
    title: str
    description: str
    faults: Mapping[str, Mapping[str, int]]
    asked: frozenset[str] | None
    inherits: bool
    limits: Limits
    variants: tuple[Variant, ...]


def find_matrices(paths: tuple[str, ...]) -> list[Path]:
    """The matrix files among files and folders, sorted; all of ``specs/matrix/`` where none are given.

    Raises:
        UserError: a path that does not exist, or a folder without matrices.
    """
    found: list[Path] = []
    for text in paths or (f"specs/{MATRIX_FOLDER}",):
        path = Path(text)
        if path.is_dir():
            inside = sorted(path.glob("*.toml"))
            if not inside:
                raise UserError("there is no matrix in this folder", where=text, hint="matrices end in .toml")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            known = [str(p) for p in sorted(Path(f"specs/{MATRIX_FOLDER}").glob("*.toml"))]
            hint = did_you_mean(text, known) if known else "run quackcheck where models/ and specs/ are"
            raise UserError("there is no such matrix", where=text, hint=hint)
    return list(dict.fromkeys(found))


def load_matrix(path: Path) -> Matrix:
    """Read a matrix file, import its models, and lower each for every class of faults.

    Raises:
        UserError: anything wrong in the file or in a model, with the place.
    """
    table = Table(read_toml(path), str(path))
    table.known(_KEYS)
    faults = _fault_classes(table)
    price = table.table("price")
    price.known(_PRICE_KEYS)
    asked = frozenset(table.texts("properties")) if "properties" in table.data else None
    limits = limits_of(table.table("limits"))
    reader = _Reader(path, table, faults, price, limits)
    variants = [reader.variant(own) for own in _variant_tables(table)]
    names = [variant.name for variant in variants]
    for name in names:
        if names.count(name) > 1:
            hint = "give one of them another name"
            raise UserError(f"two variants are called '{name}'", where=table.source, hint=hint)
    reader.refuse_what_nobody_has(asked)
    budgets = {name: _amounts(budget) for name, budget in faults.items()}
    title, description = table.text("title", path.stem), table.text("description", "")
    return Matrix(
        path, title, description, budgets, asked, table.flag("inherit", False), limits, tuple(variants)
    )


def _amounts(budgets: Budgets) -> dict[str, int]:
    return {n: a for n, a in zip(budgets.names, budgets.amounts, strict=True) if a}


def _means(name: str, fault: str) -> bool:
    """Whether a name in a class of faults means a fault: ``*.partition`` is that of any component."""
    return name == fault or (name.startswith("*.") and fault.endswith(name[1:]))


def _component_budgets(budgets: Budgets, known: tuple[str, ...]) -> tuple[tuple[str, int], ...] | None:
    """The budgets of a model's component faults in a class; None where the model cannot have the class.

    A model has to have every fault that is named in full, and one at least of those with a ``*``.
    """
    found: dict[str, int] = {}
    for name, amount in budgets.component:
        if amount and not name.startswith("*.") and name not in known:
            return None
        found.update((fault, amount) for fault in known if _means(name, fault))
    patterns = [name for name, amount in budgets.component if amount and name.startswith("*.")]
    if patterns and not any(_means(name, fault) for name in patterns for fault in known):
        return None
    return tuple(found.items())


def _fault_classes(table: Table) -> dict[str, Budgets]:
    faults = table.table("faults")
    if not faults.data:
        hint = 'add: [faults] with a class a line, such as crash = { crash = 1 } and "no fault" = {}'
        raise UserError("no class of faults is given", where=table.where("[faults]"), hint=hint)
    for name, value in faults.data.items():
        if not isinstance(value, dict):
            hint = f"write: {name} = {{ {name} = 1 }}"
            raise UserError(
                f"expected a table of budgets, got {value!r}", where=faults.where(name), hint=hint
            )
    return {name: budgets_of(_FaultClass(faults, name)) for name in faults.data}


class _FaultClass(Table):
    """A class of faults as a table with ``faults`` inside, whose places are those of the matrix file."""

    def __init__(self, faults: Table, name: str) -> None:
        super().__init__({"faults": faults.data[name]}, faults.source, f"faults.{name}")
        self._inner = faults.table(name)

    def table(self, key: str) -> Table:
        return self._inner if key == "faults" else super().table(key)


def _variant_tables(table: Table) -> list[Table]:
    value = table.data.get("variant", [])
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value) or not value:
        hint = "write [[variant]], with two brackets, above each"
        raise UserError(f"expected tables, got {value!r}", where=table.where("variant"), hint=hint)
    return [Table(part, table.source, f"variant {number}") for number, part in enumerate(value, start=1)]


class _Reader:
    """Reads the variants of one matrix, and remembers what none of them has a use for."""

    def __init__(
        self, path: Path, table: Table, faults: Mapping[str, Budgets], price: Table, limits: Limits
    ) -> None:
        self._path = path
        self._table = table
        self._faults = faults
        self._price = price
        self._limits = limits
        self._sets: set[str] = set()
        self._budgets: set[str] = set()
        self._properties: set[str] = set()

    def variant(self, own: Table) -> Variant:
        own.known(_VARIANT_KEYS)
        reference = own.text("model")
        if reference.isidentifier():
            reference = f"{self._table.text('model')}:{reference}"
        model = load_model(reference, own.where("model"))
        name = own.text("name", model.__name__)
        common = {key: self._table.table(key).data for key in ("bounds", "sdk")}
        amounts = Table(overlaid(common, {k: own.table(k).data for k in common}), own.source)
        attempts = budgets_of(amounts).max_attempts
        plain = self._lowered(model, amounts, own, Budgets(max_attempts=attempts))
        self._budgets |= set(plain.program.budgets.names)
        self._properties |= set(property_names(plain))
        checks: dict[str, Spec | None] = {}
        for title, budgets in self._faults.items():
            checks[title] = None
            component = _component_budgets(budgets, plain.program.budgets.names)
            if component is not None:
                full = Budgets(budgets.crash, budgets.fail, budgets.ambiguous, component, attempts)
                lowered = self._lowered(model, amounts, own, full)
                checks[title] = self._check(name, model, reference, lowered)
        sizes = overlaid(amounts.data, {"bounds": self._price.table("bounds").data})
        cheap = self._lowered(model, Table(sizes, own.source), own, Budgets(max_attempts=attempts))
        until = self._until(own, cheap)
        to_rest = self._price.flag("rest", True)
        return Variant(name, own.text("description", ""), reference, checks, cheap, until, to_rest)

    def _lowered(self, model: type[Model], amounts: Table, own: Table, budgets: Budgets) -> LoweredModel:
        mentioned = set(index_sets_of(model))
        self._sets |= mentioned
        sizes = {name: size for name, size in bounds_of(amounts).items() if name in mentioned}
        try:
            return lower(model, sizes, budgets)
        except UserError as error:
            if isinstance(error.where, str) and error.where.startswith("["):
                where = f"{own.source} {error.where}"
                raise UserError(error.what, where=where, hint=error.hint) from None
            raise

    def _check(self, name: str, model: type[Model], reference: str, lowered: LoweredModel) -> Spec:
        expected = dict.fromkeys(property_names(lowered), Answer.HOLDS)
        return Spec(
            self._path, name, "", model, reference, lowered, "native", True, self._limits, expected, lab=None
        )

    def _until(self, own: Table, lowered: LoweredModel) -> str | None:
        reachable = [p.name for p in lowered.program.properties if p.kind is PropertyKind.REACHABLE]
        for table in (own, self._price):
            if "until" in table.data:
                name = table.text("until")
                if name in reachable:
                    return name
                if table is own or name not in property_names(lowered):
                    hint = did_you_mean(name, reachable)
                    what = f"{lowered.program.name} has no @reachable property '{name}'"
                    raise UserError(what, where=table.where("until"), hint=hint)
        return reachable[0] if reachable else None

    def refuse_what_nobody_has(self, asked: frozenset[str] | None) -> None:
        """Sizes, faults and properties that no variant knows are mistakes, not empty cells."""
        for key, names in (("bounds", self._table.table("bounds").data), ("price", self._price_sizes())):
            for name in names:
                if name not in self._sets:
                    place = "bounds" if key == "bounds" else "price.bounds"
                    self._refuse(f"no variant has an index set '{name}'", f"[{place}]", name, self._sets)
        for title, budgets in self._faults.items():
            for name in _amounts(budgets):
                if not any(_means(name, known) for known in self._budgets):
                    what = f"no variant has a fault '{name}'"
                    self._refuse(what, f"[faults] {title}", name, self._budgets)
        for name in sorted(asked or ()):
            if name not in self._properties:
                self._refuse(f"no variant has a property '{name}'", "properties", name, self._properties)

    def _price_sizes(self) -> Mapping[str, Any]:
        return self._price.table("bounds").data

    def _refuse(self, what: str, place: str, name: str, known: set[str]) -> None:
        where = f"{self._table.source} {place}"
        raise UserError(what, where=where, hint=did_you_mean(name, sorted(known)))
