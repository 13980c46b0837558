"""Whole model files: the imports, types, component and model class of a seed, with bounds and budgets."""

from __future__ import annotations

from dataclasses import dataclass

from checker.ir.program import Budgets

from .choices import Choices
from .components import ComponentWriter
from .model_classes import ModelClassWriter
from .types import COLOR, INT, ITEM, PAIR, Schema

_HEADER = '''"""A random model."""

from __future__ import annotations

from dataclasses import replace
from enum import Enum
from typing import Annotated, Generic, Self, TypeVar

from checker.dsl import (
    Bag,
    CallFailed,
    CallTimedOut,
    Component,
    Fifo,
    Index,
    Map,
    Model,
    Process,
    Range,
    ServiceError,
    Set,
    TransactionCanceled,
    action,
    always,
    caller,
    choose,
    fault,
    is_idle,
    operation,
    process,
    quiescent,
    reachable,
    record,
    transact,
    transition,
    when,
)

'''


@dataclass(frozen=True)
class RandomModel:
    """A model file, and the sizes of index sets and the budgets to lower its class ``Sample`` with."""

    source: str
    bounds: dict[str, int]
    budgets: Budgets


def random_model(seed: int) -> RandomModel:
    """The model of a seed: always the same one, and one that lowers."""
    choices = Choices(seed)
    schema = Schema.drawn(choices)
    component = ComponentWriter(choices, schema).write()
    actual = choices.pick((ITEM, COLOR, INT, PAIR))
    other = choices.pick((COLOR, ITEM))
    components = {"near": actual, "far": other} if choices.chance(30) else {"near": actual}
    model = ModelClassWriter(choices, schema).write(component.operations, components)
    source = f"{_HEADER}{schema.text()}\n\n{component.source}\n\n{model.source}"
    bounds = {"Item": schema.items, "Worker": choices.number(1, 2)}
    faults = [f"{owner}.{name}" for owner in components for name in component.faults]
    return RandomModel(source, bounds, _budgets(choices, [*faults, *model.faults]))


def _budgets(choices: Choices, faults: list[str]) -> Budgets:
    number = choices.number
    budgets = tuple((name, number(0, 1)) for name in faults)
    return Budgets(number(0, 1), number(0, 1), number(0, 1), budgets, number(1, 2))
