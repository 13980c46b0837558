"""The wiring: which AWS resource stands for which component, and how the consumers are started.

A wiring file (TOML) serves all variants of a consumer; a variant (the ``[lab]`` table of a spec) names the
file, the command, and what differs for it.
"""

from __future__ import annotations

import difflib
import os
import re
import sys
import tomllib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from checker.errors import UserError
from checker.lab.adapters import KINDS, Resource

START_TIMEOUT_S = 20.0
_PLACEHOLDER = re.compile(r"\{([a-z_]+)(?::([^{}]*))?\}")

# Placeholder names, and the component kind that their argument must have ("" for no argument).
_PLACEHOLDERS = {
    "queue_url": "SqsQueue",
    "queue_name": "SqsQueue",
    "table": "DynamoTable",
    "process": "",
    "process_number": "",
    "endpoint": "",
    "region": "",
    "python": "",
    "root": "",
}
_RESOURCE_KEYS = ("kind", "name", "region", "fields", "key", "key_type", "minted")
_LAB_KEYS = ("region", "start_timeout_s", "cwd")
_VARIANT_KEYS = ("wiring", "command", "environment", "resources", "start_timeout_s")


@dataclass(frozen=True, slots=True)
class Wiring:
    """How the lab reaches one variant of the consumers.

    Attributes:
        path: the wiring file, as messages name it.
        command: program and arguments, with placeholders.
        environment: variables for the consumers, with placeholders.
        resources: by component name.
        cwd: the consumers' working directory.
        start_timeout_s: how long a consumer may take to make its first call.
    """

    path: str
    command: tuple[str, ...]
    environment: Mapping[str, str] = field(hash=False)
    resources: Mapping[str, Resource] = field(hash=False)
    cwd: Path
    region: str = "us-east-1"
    start_timeout_s: float = START_TIMEOUT_S

    def resolve(self, text: str, process: str, queue_url: Callable[[str], str], endpoint: str) -> str:
        """Put values for the placeholders of ``text``; ``queue_url`` maps a component to its URL."""

        def value(match: re.Match[str]) -> str:
            name, argument = match[1], match[2] or ""
            match name:
                case "queue_url":
                    return queue_url(argument)
                case "queue_name" | "table":
                    return self.resources[argument].name
                case "process":
                    return process
                case "process_number":
                    return process.rpartition("-")[2]
                case "endpoint":
                    return endpoint
                case "region":
                    return self.region
                case "python":
                    return sys.executable
                case "root":
                    return str(self.cwd)
            return match[0]

        return _PLACEHOLDER.sub(value, text)


def load_wiring(variant: Mapping[str, Any], *, root: Path | None = None, where: str = "[lab]") -> Wiring:
    """Read the wiring file that ``variant`` names, with the variant's own changes.

    Args:
        variant: ``wiring`` (path from ``root``), ``command``, and optionally ``environment``, ``resources``
            (component to the keys that differ) and ``start_timeout_s``.
        root: the project's directory, and the consumers' working directory; default: the current one.
        where: how messages call the variant (a spec file and its table).

    Raises:
        UserError: file, key, expected against actual, and what was perhaps meant.
    """
    root = Path.cwd() if root is None else root
    _known_keys(variant, _VARIANT_KEYS, where)
    name = _typed(variant, "wiring", str, where, "the path of a wiring file")
    document = _read(root / name, name)
    _known_keys(document, ("lab", "environment", "resources"), name)

    lab = _table(document, "lab", name)
    _known_keys(lab, _LAB_KEYS, f"{name}: lab")
    region = str(lab.get("region", "us-east-1"))
    resources = _resources(_table(document, "resources", name), variant, name, where, region)

    environment = {**_table(document, "environment", name), **_table(variant, "environment", where)}
    for variable, text in environment.items():
        if not isinstance(text, str):
            raise UserError(
                f"expected a string, got {text!r}",
                where=f"{name}: environment.{variable}",
                hint=f'environment variables are text: write "{text}"',
            )
        _check_placeholders(text, resources, f"{name}: environment.{variable}")

    command = _command(variant, where)
    for part in command:
        _check_placeholders(part, resources, f"{where}: command")

    timeout = variant.get("start_timeout_s", lab.get("start_timeout_s", START_TIMEOUT_S))
    if isinstance(timeout, bool) or not isinstance(timeout, int | float) or timeout <= 0:
        raise UserError(
            f"expected a positive number of seconds, got {timeout!r}", where=f"{name}: lab.start_timeout_s"
        )
    return Wiring(
        path=name,
        command=command,
        environment=environment,
        resources=resources,
        cwd=root / str(lab.get("cwd", ".")),
        region=region,
        start_timeout_s=float(timeout),
    )


def _command(variant: Mapping[str, Any], where: str) -> tuple[str, ...]:
    command = variant.get("command")
    if isinstance(command, list | tuple) and command and all(isinstance(part, str) for part in command):
        return tuple(command)
    raise UserError(
        f"expected a list of strings, got {command!r}",
        where=f"{where}: command",
        hint='for example ["{python}", "-m", "consumers.order_intake.naive"]',
    )


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A hint: the nearest known name, or all of them."""
    names = sorted(known)
    near = difflib.get_close_matches(name, names, n=1)
    if near:
        return f"did you mean {near[0]!r}?"
    return f"known: {', '.join(names)}" if names else "there are none"


def _read(path: Path, name: str) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise UserError(
            f"there is no wiring file {name}", hint=f"paths count from {os.fspath(path.parent)}"
        ) from None
    except (OSError, UnicodeDecodeError) as error:
        raise UserError(f"the wiring file cannot be read: {error}", where=name) from error
    except tomllib.TOMLDecodeError as error:
        raise UserError(f"this is not TOML: {error}", where=name) from error


def _resources(
    declared: Mapping[str, Any], variant: Mapping[str, Any], name: str, where: str, region: str
) -> dict[str, Resource]:
    overrides = _table(variant, "resources", where)
    for component in overrides:
        if component not in declared:
            raise UserError(
                f"the wiring declares no resource {component!r}",
                where=f"{where}: resources.{component}",
                hint=did_you_mean(component, declared),
            )
    if not declared:
        raise UserError("expected at least one [resources.NAME] table", where=name)
    resources = {}
    for component, own in declared.items():
        place = f"{name}: resources.{component}"
        if not isinstance(own, Mapping):
            raise UserError(f"expected a table, got {own!r}", where=place)
        override = _table(overrides, component, f"{where}: resources")
        _known_keys(own, _RESOURCE_KEYS, place)
        _known_keys(override, _RESOURCE_KEYS, f"{where}: resources.{component}")
        resources[component] = _resource(component, {**own, **override}, place, region)
    _check_distinct(resources, name)
    return resources


def _resource(component: str, values: Mapping[str, Any], place: str, region: str) -> Resource:
    kind = _typed(values, "kind", str, place, "a component kind")
    if kind not in KINDS:
        raise UserError(
            f"{kind!r} is not a component kind that the lab knows",
            where=f"{place}.kind",
            hint=did_you_mean(kind, KINDS),
        )
    fields = values.get("fields")
    if fields is not None and not (
        isinstance(fields, Mapping) and all(isinstance(attribute, str) for attribute in fields.values())
    ):
        raise UserError(
            f"expected a table of model field = attribute name, got {fields!r}", where=f"{place}.fields"
        )
    key = values.get("key", "")
    if kind == "DynamoTable" and not (isinstance(key, str) and key):
        raise UserError("a DynamoTable needs `key`, the name of its hash key attribute", where=place)
    for only_table in ("key", "key_type", "minted"):
        if kind != "DynamoTable" and only_table in values:
            raise UserError(f"a {kind} has no `{only_table}`", where=place)
    key_type = values.get("key_type", "S")
    if key_type not in ("S", "N"):
        raise UserError(f"expected 'S' or 'N', got {key_type!r}", where=f"{place}.key_type")
    minted = values.get("minted", False)
    if not isinstance(minted, bool | str):
        raise UserError(f"expected true, false or an index name, got {minted!r}", where=f"{place}.minted")
    return Resource(
        component=component,
        kind=kind,
        name=_typed(values, "name", str, place, "the name of the resource in AWS"),
        region=str(values.get("region", region)),
        fields=dict(fields) if fields is not None else None,
        key=key,
        key_type=key_type,
        minted=("rowid" if minted else "") if isinstance(minted, bool) else minted,
    )


def _check_distinct(resources: Mapping[str, Resource], name: str) -> None:
    taken: dict[tuple[str, str, str], str] = {}
    for component, resource in resources.items():
        other = taken.setdefault((resource.kind, resource.region, resource.name), component)
        if other != component:
            raise UserError(
                f"{component} and {other} are both {resource.kind} {resource.name!r} in {resource.region}",
                where=f"{name}: resources",
            )


def _check_placeholders(text: str, resources: Mapping[str, Resource], place: str) -> None:
    for match in _PLACEHOLDER.finditer(text):
        name, argument = match[1], match[2]
        if name not in _PLACEHOLDERS:
            raise UserError(
                f"there is no placeholder {match[0]}", where=place, hint=did_you_mean(name, _PLACEHOLDERS)
            )
        kind = _PLACEHOLDERS[name]
        if not kind:
            if argument is not None:
                raise UserError(f"{{{name}}} takes no argument, got {match[0]}", where=place)
            continue
        fitting = [component for component, resource in resources.items() if resource.kind == kind]
        if argument not in fitting:
            raise UserError(
                f"{match[0]} needs the name of a {kind}, got {argument or 'nothing'!r}",
                where=place,
                hint=did_you_mean(argument or "", fitting),
            )


def _known_keys(table: Mapping[str, Any], known: Iterable[str], place: str) -> None:
    for key in table:
        if key not in tuple(known):
            raise UserError(f"unknown key {key!r}", where=place, hint=did_you_mean(key, known))


def _table(parent: Mapping[str, Any], key: str, place: str) -> Mapping[str, Any]:
    value = parent.get(key, {})
    if not isinstance(value, Mapping):
        raise UserError(f"expected a table, got {value!r}", where=f"{place}: {key}")
    return value


def _typed(table: Mapping[str, Any], key: str, kind: type[str], place: str, meaning: str) -> str:
    value = table.get(key)
    if not isinstance(value, kind) or not value:
        got = "nothing" if value is None else repr(value)
        raise UserError(f"expected `{key}`, {meaning}, got {got}", where=place)
    return value
