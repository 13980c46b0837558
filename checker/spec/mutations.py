"""Mutations of a spec's model: small mistakes that its properties are claimed to notice."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Any

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.dsl.mutation import (
    Place,
    Replacement,
    mutated_module,
    occurrences,
    source_of,
    told_as_mutated,
)
from checker.dsl.source import displayed
from checker.engines.interface import DEADLOCK_FREE
from checker.errors import Location, UserError
from checker.spec.amounts import bounds_of, budgets_of, overlaid
from checker.spec.models import import_error
from checker.spec.tables import Table, did_you_mean

_KEYS = ("name", "replace", "by", "violates", "bounds", "faults", "sdk")
_AMOUNTS = ("bounds", "faults", "sdk")


@dataclass(frozen=True, slots=True)
class Mutation:
    """A mistake in a model, and the properties of which at least one has to notice it.

    ``lowered`` is the mutated model. ``original`` is the model without the mistake where the mutation
    has bounds or faults of its own, within which the properties have to hold of it; else None.
    """

    name: str
    replace: str
    by: str
    violates: tuple[str, ...]
    location: Location
    lowered: LoweredModel
    original: LoweredModel | None


def mutations_of(
    table: Table, model: type[Model], names: Collection[str], expected_violated: Collection[str]
) -> tuple[Mutation, ...]:
    """Read the ``[[mutation]]`` tables of a spec, and lower every mutated model.

    Args:
        table: the whole spec.
        names: the properties of the model.
        expected_violated: those that the spec expects to be violated without any mutation.

    Raises:
        UserError: anything wrong in a table or in a mutated model, with the place.
    """
    found: dict[str, Mutation] = {}
    for own in _tables(table):
        mutation = _mutation(own, table, model, names, expected_violated)
        if mutation.name in found:
            hint = "reports name mutations: give each a name of its own"
            raise UserError(f"two mutations are called '{mutation.name}'", where=table.source, hint=hint)
        found[mutation.name] = mutation
    return tuple(found.values())


def _tables(table: Table) -> Iterator[Table]:
    value = table.data.get("mutation", [])
    if not isinstance(value, list) or not all(isinstance(part, dict) for part in value):
        hint = "write [[mutation]], with two brackets, above each"
        raise UserError(f"expected tables, got {value!r}", where=table.where("mutation"), hint=hint)
    for number, part in enumerate(value, start=1):
        name = part.get("name")
        title = f"'{name}'" if isinstance(name, str) and name else str(number)
        yield Table(part, table.source, f"mutation {title}")


def _mutation(
    own: Table,
    spec: Table,
    model: type[Model],
    names: Collection[str],
    expected_violated: Collection[str],
) -> Mutation:
    own.known(_KEYS)
    name = own.text("name")
    if not name.strip():
        raise UserError("'name' is empty", where=own.where(), hint="say in a few words what is wrong")
    violates = _violates(own, names, expected_violated)
    replacement, place = _replacement(own, model)
    amounts = {key: own.table(key).data for key in _AMOUNTS if key in own.data}
    bounds_of(own), budgets_of(own)  # refused under its own name, before it is laid over the spec's
    both = Table(overlaid(spec.data, amounts), spec.source)
    lowered = _lowered(_mutated_model(own, model, replacement), own, both, replacement)
    original = _lowered(model, own, both, None) if amounts else None
    return Mutation(name, replacement.old, replacement.new, violates, place, lowered, original)


def _violates(own: Table, names: Collection[str], expected_violated: Collection[str]) -> tuple[str, ...]:
    violates = own.texts("violates")
    if not violates:
        hint = f'add: violates = ["{next(iter(names))}"]'
        raise UserError("'violates' is missing or empty", where=own.where(), hint=hint)
    for name in violates:
        if name not in names:
            hint = did_you_mean(name, names)
            raise UserError(f"the model has no property '{name}'", where=own.where("violates"), hint=hint)
        if name in expected_violated:
            hint = "a mutation shows something only of a property that holds without it"
            what = f"'{name}' is expected to be violated without the mutation, too"
            raise UserError(what, where=own.where("violates"), hint=hint)
    return tuple(dict.fromkeys(violates))


def _replacement(own: Table, model: type[Model]) -> tuple[Replacement, Location]:
    old, new = own.text("replace"), own.text("by")
    if not old.strip():
        hint = "give a piece of the model's source"
        raise UserError("'replace' is empty", where=own.where("replace"), hint=hint)
    if old == new:
        hint = "a mutation changes the model"
        raise UserError("'by' is what 'replace' is", where=own.where("by"), hint=hint)
    path, text = source_of(model)
    places = occurrences(model, text, old)
    if len(places) != 1:
        raise _not_once(own, model, text, places)
    replacement = Replacement(path, text, places[0].offset, old, new)
    return replacement, Location(displayed(str(path)), places[0].line)


def _not_once(own: Table, model: type[Model], text: str, places: list[Place]) -> UserError:
    old = own.text("replace")
    file = displayed(str(source_of(model)[0]))
    searched = f"{model.__name__} and its bases in {file}"
    if places:
        classes = [place.cls for place in places]
        counts = ", ".join(f"{cls} {classes.count(cls)}" for cls in dict.fromkeys(classes))
        lines = ", ".join(str(place.line) for place in places)
        return UserError(
            f"'replace' occurs {len(places)} times, not once, in {searched} ({counts}; lines {lines})",
            where=own.where("replace"),
            hint="take in more of the text around the one that is meant",
        )
    hint = "copy the text as it stands in the file, spaces and line breaks included"
    elsewhere = text.count(old)
    first = old.strip().split("\n")[0]
    close = difflib.get_close_matches(first, [line.strip() for line in text.split("\n")], 1, cutoff=0.6)
    if elsewhere:
        hint = f"it occurs {elsewhere} times elsewhere in the file, where nothing is mutated"
    elif close:
        hint = f"the closest line is: {close[0]}"
    return UserError(
        f"'replace' occurs 0 times, not once, in {searched}", where=own.where("replace"), hint=hint
    )


def _mutated_model(own: Table, model: type[Model], replacement: Replacement) -> Any:
    with told_as_mutated(f"{_title(own)}", replacement):
        try:
            module = mutated_module(model, replacement)
        except UserError:
            raise
        except BaseException as error:
            if isinstance(error, KeyboardInterrupt):
                raise
            raise import_error(replacement.path, error) from None
    return getattr(module, model.__qualname__)


def _lowered(model: type[Model], own: Table, amounts: Table, replacement: Replacement | None) -> LoweredModel:
    inherited = set(bounds_of(amounts)) - set(own.table("bounds").data)

    def lowered() -> LoweredModel:
        # A mistake may drop the only mention of an index set, whose size then means nothing.
        unused = inherited - set(index_sets_of(model))
        sizes = {name: size for name, size in bounds_of(amounts).items() if name not in unused}
        return lower(model, sizes, budgets_of(amounts))

    try:
        if replacement is None:
            return lowered()
        with told_as_mutated(_title(own), replacement):
            return lowered()
    except UserError as error:
        if isinstance(error.where, str) and error.where.startswith("["):
            # A table: the spec's own has been read before, so that this is the mutation's.
            where = f"{own.where()} {error.where}"
            raise UserError(error.what, where=where, hint=error.hint, excerpt=error.excerpt) from None
        raise


def _title(own: Table) -> str:
    return f"'{own.text('name')}' of {own.source}"


def property_names(lowered: LoweredModel) -> list[str]:
    """The names under which the properties of a model have verdicts."""
    return [prop.name for prop in lowered.program.properties] + [DEADLOCK_FREE]
