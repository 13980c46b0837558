"""Loading specs, and the models that they name."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.source import displayed
from checker.engines.interface import Answer, Limits
from checker.engines.memory import bytes_of
from checker.engines.runner import DEFAULT_ENGINE, engine_named
from checker.errors import UserError
from checker.spec.amounts import bounds_of, budgets_of
from checker.spec.models import load_model
from checker.spec.mutations import Mutation, mutations_of, property_names
from checker.spec.tables import Table, did_you_mean
from checker.spec.windows import WindowWarning, window_warnings

_EXPECTATIONS = {
    "holds": Answer.HOLDS,
    "violated": Answer.VIOLATED,
    "holds up to": Answer.HOLDS_UP_TO,
    "unknown": Answer.UNKNOWN,
}
_KEYS = (
    "model",
    "description",
    "engine",
    "symmetry",
    "bounds",
    "faults",
    "sdk",
    "limits",
    "expect",
    "mutation",
    "windows",
    "horizons",
    "lab",
)
#: The folder, inside any folder of specs, whose files are matrices and no specs.
MATRIX_FOLDER = "matrix"
_LAB_KEYS = ("wiring", "command", "environment", "resources", "start_timeout_s", "fixed_by")


@dataclass(frozen=True, slots=True)
class LabPart:
    """How the lab reaches the consumer that a spec's model stands for; paths are as in the file.

    ``fixed_by`` names the specs whose consumers claim not to have this one's faults.
    """

    wiring: str
    command: tuple[str, ...]
    fixed_by: tuple[str, ...]
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Spec:
    """One check. ``name`` is its file's name without the ending; ``expected`` covers every property."""

    path: Path
    name: str
    description: str
    model: type[Model]
    model_reference: str
    lowered: LoweredModel
    engine: str
    #: Whether the engine may look at one state of each orbit only.
    symmetry: bool
    limits: Limits
    expected: Mapping[str, Answer]
    lab: LabPart | None
    mutations: tuple[Mutation, ...] = ()
    warnings: tuple[WindowWarning, ...] = ()

    @property
    def group(self) -> str:
        """The folder that the spec lies in, which its consumers and generated tests share."""
        return self.path.resolve().parent.name


def find_specs(paths: Iterable[str]) -> list[Path]:
    """The spec files among files and folders, sorted; all of ``specs/`` where none are given.

    Raises:
        UserError: a path that does not exist, or a folder without specs.
    """
    given = list(paths) or ["specs"]
    found: list[Path] = []
    for text in given:
        path = Path(displayed(str(Path(text))))
        if path.is_dir():
            # Those in a folder called `matrix` compare specs, and are none.
            inside = sorted(p for p in path.rglob("*.toml") if p.parent.name != MATRIX_FOLDER)
            if not inside:
                raise UserError("there is no spec in this folder", where=text, hint="specs end in .toml")
            found += inside
        elif path.is_file():
            found.append(path)
        else:
            known = [str(p) for p in sorted(Path("specs").rglob("*.toml"))]
            hint = did_you_mean(text, known) if known else "run quackcheck where models/ and specs/ are"
            raise UserError("there is no such spec", where=text, hint=hint)
    return list(dict.fromkeys(found))


def load_spec(path: Path) -> Spec:
    """Read a spec, import its model, and lower it for the spec's bounds.

    Raises:
        UserError: anything wrong in the file or in the model, with the place.
    """
    source = str(path)
    if path.parent.name == MATRIX_FOLDER:
        raise UserError("this is a matrix, no spec", where=source, hint=f"run: quackcheck matrix {path}")
    table = Table(read_toml(path), source)
    table.known(_KEYS)
    reference = table.text("model")
    model = load_model(reference, source)
    engine = table.text("engine", DEFAULT_ENGINE)
    try:
        engine_named(engine)
        lowered = lower(model, bounds_of(table), budgets_of(table))
    except UserError as error:
        raise _in_spec(error, source) from None
    expected = _expected(table.table("expect"), lowered)
    violated = [name for name, answer in expected.items() if answer is Answer.VIOLATED]
    return Spec(
        path,
        path.stem,
        table.text("description", ""),
        model,
        reference,
        lowered,
        engine,
        table.flag("symmetry", True),
        limits_of(table.table("limits")),
        expected,
        _lab(table.table("lab"), path) if "lab" in table.data else None,
        mutations_of(table, model, property_names(lowered), violated),
        window_warnings(table, lowered),
    )


def _in_spec(error: UserError, source: str) -> UserError:
    """An error whose place is a table of the spec gets the spec's path before it."""
    if error.where is None or (isinstance(error.where, str) and error.where.startswith("[")):
        where = source if error.where is None else f"{source} {error.where}"
        return UserError(error.what, where=where, hint=error.hint, excerpt=error.excerpt)
    return error


def read_toml(path: Path) -> dict[str, Any]:
    """The tables of a TOML file. Raises UserError where it cannot be read."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except tomllib.TOMLDecodeError as error:
        hint = "strings stand in quotes, tables begin with [name]"
        raise UserError(f"this is not TOML: {error}", where=str(path), hint=hint) from None
    except (OSError, UnicodeDecodeError) as error:
        what = error.strerror if isinstance(error, OSError) else "it is not UTF-8 text"
        hint = "a spec is a TOML file that you may read"
        raise UserError(f"the spec cannot be read: {what}", where=str(path), hint=hint) from None


def limits_of(table: Table) -> Limits:
    """The limits in ``[limits]``."""
    table.known(["states", "seconds", "depth", "memory"])
    memory = None
    if "memory" in table.data:
        text = table.text("memory")
        try:
            memory = bytes_of(text)
        except ValueError as error:
            what = f"'{text}' is no amount of memory"
            raise UserError(what, where=table.where("memory"), hint=str(error)) from None
    return Limits(table.whole("states", low=1), table.number("seconds"), table.whole("depth", low=1), memory)


def _expected(table: Table, lowered: LoweredModel) -> dict[str, Answer]:
    names = property_names(lowered)
    for key in table.data:
        if key not in names:
            what = f"{lowered.program.name} has no property '{key}'"
            raise UserError(what, where=table.where(), hint=did_you_mean(key, names))
    expected = {}
    for name in names:
        text = table.text(name, "holds")
        if text not in _EXPECTATIONS:
            hint = did_you_mean(text, _EXPECTATIONS)
            raise UserError(f"unknown expectation '{text}'", where=table.where(name), hint=hint)
        expected[name] = _EXPECTATIONS[text]
    return expected


def _lab(table: Table, path: Path) -> LabPart:
    table.known(_LAB_KEYS)
    settings = {key: value for key, value in table.data.items() if key != "fixed_by"}
    command = table.texts("command")
    if not command:
        hint = 'add: command = ["{python}", "-m", "consumers.my_consumer"]'
        raise UserError("'command' is missing or empty", where=table.where(), hint=hint)
    siblings = [other.stem for other in sorted(path.parent.glob("*.toml")) if other != path]
    fixed_by = table.texts("fixed_by")
    for name in fixed_by:
        if name not in siblings:
            what = f"there is no spec '{name}' beside this one"
            raise UserError(what, where=table.where("fixed_by"), hint=did_you_mean(name, siblings))
    return LabPart(table.text("wiring"), command, fixed_by, settings)
