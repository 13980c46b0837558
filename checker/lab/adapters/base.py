"""What the lab asks of a component kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from checker.lab.aws import AwsBackend, Clients
from checker.lab.wire import WireCall

Plain = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Resource:
    """A component of the model and the AWS resource that stands for it.

    Attributes:
        component: its name in the model.
        kind: the component class (``SqsQueue``, ``DynamoTable``).
        name: the queue's or table's name in AWS.
        fields: model field to body or item attribute (dots reach into nested JSON); None: as they are.
        key: a table's hash key attribute.
        key_type: its DynamoDB type, ``S`` or ``N``.
        minted: the index name for keys that consumers mint ("rowid"), empty for keys that the model knows.
    """

    component: str
    kind: str
    name: str
    region: str = "us-east-1"
    fields: Mapping[str, str] | None = field(default=None, hash=False)
    key: str = ""
    key_type: str = "S"
    minted: str = ""


@dataclass(frozen=True, slots=True)
class Operation:
    """A model operation on the wire.

    Attributes:
        call: the AWS operation.
        conditional: whether the call must (True) or must not (False) carry a condition; None: either.
    """

    call: str
    conditional: bool | None = None


@dataclass(frozen=True, slots=True)
class Bench:
    """What adapters work with: clients straight to the emulator, and the semantics layer's ledgers."""

    clients: Clients
    backend: AwsBackend


class Adapter(Protocol):
    """One component of the model in the lab."""

    resource: Resource
    service: str
    operations: Mapping[str, Operation]

    def create(self) -> None:
        """Make the resource, empty."""

    def mismatch(self, operation: str, call: WireCall, key: Any, values: Mapping[str, Any] | None) -> str:
        """Why ``call`` (right service, operation and resource) is not the predicted one; empty if it is."""

    def perform(self, step: str, values: Mapping[str, Any]) -> None:
        """An environment step or a fault; raises `NothingToActOn` when there is nothing for it to act on."""

    @property
    def steps(self) -> tuple[str, ...]:
        """The names that `perform` knows."""

    def observe(self) -> Any:
        """The resource's contents in plain model values; changes nothing that a consumer can see."""

    def census(self) -> Mapping[str, str]:
        """What the backend holds now, to be compared with an earlier census; cheap, changes nothing."""


class NothingToActOn(Exception):
    """An environment step or fault found nothing to act on; the text says what was missing."""


def at_path(document: Any, path: str) -> Any:
    """The value at a dotted path in nested dicts, None where there is none."""
    for part in path.split("."):
        document = document.get(part) if isinstance(document, Mapping) else None
    return document


def differences(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> str:
    """The fields whose values are not the expected ones, as a phrase; empty if there are none."""
    return ", ".join(
        f"{name} is {actual.get(name)!r} instead of {value!r}"
        for name, value in expected.items()
        if name not in actual or actual[name] != value
    )
