"""One adapter a component kind: what its operations and faults are in AWS."""

from __future__ import annotations

from checker.lab.adapters.base import Adapter, Bench, NothingToActOn, Operation, Resource
from checker.lab.adapters.dynamo_table import DynamoTableAdapter
from checker.lab.adapters.sqs_queue import SqsQueueAdapter

KINDS: dict[str, type[SqsQueueAdapter] | type[DynamoTableAdapter]] = {
    "SqsQueue": SqsQueueAdapter,
    "DynamoTable": DynamoTableAdapter,
}

__all__ = [
    "KINDS",
    "Adapter",
    "Bench",
    "DynamoTableAdapter",
    "NothingToActOn",
    "Operation",
    "Resource",
    "SqsQueueAdapter",
]
