"""The language of models: what a model file imports."""

from checker.dsl.calls import (
    CallFailed,
    CallTimedOut,
    ConditionalCheckFailed,
    ServiceError,
    TransactionCanceled,
    operation,
    transact,
)
from checker.dsl.collections import Bag, Fifo, Map, Set
from checker.dsl.declarations import (
    Component,
    Model,
    Range,
    action,
    always,
    fault,
    lemma,
    process,
    quiescent,
    reachable,
    record,
    transition,
)
from checker.dsl.index import Index, Process
from checker.dsl.runtime import caller, choose, is_idle, when

__all__ = [
    "Bag",
    "CallFailed",
    "CallTimedOut",
    "Component",
    "ConditionalCheckFailed",
    "Fifo",
    "Index",
    "Map",
    "Model",
    "Process",
    "Range",
    "ServiceError",
    "Set",
    "TransactionCanceled",
    "action",
    "always",
    "caller",
    "choose",
    "fault",
    "is_idle",
    "lemma",
    "operation",
    "process",
    "quiescent",
    "reachable",
    "record",
    "transact",
    "transition",
    "when",
]
