"""The interpreter of the IR and CPython agree on random models, on every state that is looked at."""

from __future__ import annotations

import ast
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from .comparison import compare, lowered_from
from .random_models import random_model

#: Parts run in parallel; together they are more than 1,000 models.
PARTS = 8
MODELS_PER_PART = 140
STATES_MAX = 40
DEPTH_MAX = 6


@pytest.mark.parametrize("part", range(PARTS))
@settings(
    max_examples=MODELS_PER_PART,
    derandomize=True,
    deadline=None,
    database=None,
    # A seed has nothing to shrink towards.
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(number=st.integers(0, 2**32 - 1))
def test_both_machines_agree(part: int, number: int, tmp_path: Path) -> None:
    model = random_model(number * PARTS + part)
    note(model.source)
    note(f"{model.bounds} {model.budgets}")
    with lowered_from(model, tmp_path) as lowered:
        compare(lowered, STATES_MAX, DEPTH_MAX)


#: Constructs that the fuzzing is about, and the least share of models (in percent) that have each.
CONSTRUCTS = {
    "If": 95,
    "For": 60,
    "While": 40,
    "Match": 30,
    "Try": 30,
    "Await": 100,
    "AugAssign": 40,
    "Break": 25,
    "Continue": 5,
    "Raise": 40,
    "Return": 95,
    "Delete": 5,
    "Assert": 3,
    "IfExp": 60,
    "GeneratorExp": 60,
    "ListComp": 15,
    "choose": 70,
    "when": 40,
    "transact": 25,
    "fault": 40,
    "action": 100,
    "routine": 25,
    "replace": 10,
    "popleft": 5,
    "copy": 30,
    "is_idle": 10,
    "applied_once": 20,
}
#: The least number of models, in percent, that run into each kind of model error.
ERRORS = {
    "OVERFLOW": 10,
    "MISSING": 4,
    "INDEX": 5,
    "NONE": 4,
    "DIVISION": 3,
    "EMPTY": 2,
    "UNASSIGNED": 2,
    "ASSERTION": 2,
}


def test_the_models_are_not_vacuous(tmp_path: Path) -> None:
    count = 300
    constructs: Counter[str] = Counter()
    errors: Counter[str] = Counter()
    transitions: Counter[str] = Counter()
    values: Counter[str] = Counter()
    erring = explored = 0
    for seed in range(count):
        model = random_model(seed)
        constructs.update(_constructs(model.source))
        with lowered_from(model, tmp_path) as lowered:
            found = compare(lowered, 25, DEPTH_MAX)
        errors.update(set(found.errors))
        transitions.update(found.transitions)
        values.update(found.values)
        erring += bool(found.errors)
        explored += found.states >= 10
    shares = {name: 100 * number / count for name, number in (constructs + errors).items()}
    print(f"shares {shares}, transitions {transitions}, property values {values}")
    print(f"models with errors {erring}, with 10 states or more {explored}, of {count}")
    for name, least in {**CONSTRUCTS, **ERRORS}.items():
        assert shares.get(name, 0) >= least, f"{name} in {shares.get(name, 0)} % of the models"
    assert 0.2 * count <= erring <= 0.7 * count
    assert explored >= 0.4 * count
    assert all(transitions[kind] > 300 for kind in ("action", "call", "fail", "ambiguous", "crash", "fault"))
    assert min(values["True"], values["False"]) > 1000


def _constructs(source: str) -> set[str]:
    tree = ast.parse(source)
    found = {type(node).__name__ for node in ast.walk(tree)}
    calls = [node.func for node in ast.walk(tree) if isinstance(node, ast.Call)]
    found |= {func.attr if isinstance(func, ast.Attribute) else ast.unparse(func) for func in calls}
    functions = (n for n in ast.walk(tree) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef))
    found |= {ast.unparse(decorator) for function in functions for decorator in function.decorator_list}
    keywords = (node.arg for node in ast.walk(tree) if isinstance(node, ast.keyword))
    return found | {keyword for keyword in keywords if keyword is not None}
