"""Lemmas are asked of every state by every engine; one that is false is the author's mistake."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Annotated

import pytest

from checker.dsl import Index, Model, Range, action, always, lemma, when
from checker.dsl.lowering import LoweredModel, lower
from checker.engines import runner
from checker.engines.interface import Answer, Limits, Request, Verdict
from checker.engines.simulation import SimulationRequest
from checker.ir.program import Budgets, PropertyKind
from tests.cli.project import Project
from tests.cli.project import project as project
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model


class Item(Index):
    """Items."""


class Halves(Model):
    """Two counters that go up by turns."""

    left: Annotated[int, Range(0, 3)] = 0
    right: Annotated[int, Range(0, 3)] = 0

    @action
    def step_left(self) -> None:
        when(self.left == self.right and self.left < 3)
        self.left += 1

    @action
    def step_right(self) -> None:
        when(self.right < self.left)
        self.right += 1

    @always
    def right_is_not_ahead(self) -> bool:
        """The right one follows."""
        return self.right <= self.left

    @lemma
    def never_far_apart(self) -> bool:
        """By turns."""
        return self.left - self.right <= 1

    @lemma
    def left_stays_below_two(self) -> bool:
        """It does not."""
        return self.left < 2


def halves() -> LoweredModel:
    return lower(Halves, {}, Budgets())


@pytest.mark.parametrize("engine", ["native", "explicit", "reference", "smt"])
def test_every_engine_asks_lemmas(engine: str) -> None:
    result = runner.run(engine, Request(halves(), Limits(depth_max=20)))
    found = {verdict.property: verdict for verdict in result.verdicts}
    assert found["never_far_apart"].answer is Answer.HOLDS
    false = found["left_stays_below_two"]
    assert false.answer is Answer.VIOLATED
    assert false.path is not None
    assert len(false.path.transitions) == 3


def test_random_walks_ask_lemmas() -> None:
    found = runner.simulate(SimulationRequest(halves(), seed=1, walks_max=20, depth_max=20))
    answers = {verdict.property: verdict.answer for verdict in found.verdicts}
    assert answers["left_stays_below_two"] is Answer.VIOLATED
    assert answers["never_far_apart"] is Answer.UNKNOWN


def test_the_kind_of_a_lemma() -> None:
    kinds = {prop.name: prop.kind for prop in halves().program.properties}
    assert kinds == {
        "right_is_not_ahead": PropertyKind.ALWAYS,
        "never_far_apart": PropertyKind.LEMMA,
        "left_stays_below_two": PropertyKind.LEMMA,
    }


@pytest.mark.parametrize("engine", ["native", "explicit", "reference"])
def test_lemmas_of_random_models_are_asked_as_always_is(engine: str, tmp_path: Path) -> None:
    """The same verdicts, runs and counts, whether a model says ``@always`` or ``@lemma``."""
    asked = violated = 0
    for seed in range(5000, 5012):
        plain_model = random_model(seed)
        text = plain_model.source.replace("@always", "@lemma").replace("    always,\n", "    lemma,\n")
        limits = Limits(states_max=300)
        with lowered_from(plain_model, tmp_path) as model:
            plain = runner.engine_named(engine).check(Request(model, limits))
        with lowered_from(replace(plain_model, source=text), tmp_path) as model:
            found = runner.engine_named(engine).check(Request(model, limits))
            asked += sum(prop.kind is PropertyKind.LEMMA for prop in model.program.properties)
        assert [facts(verdict) for verdict in found.verdicts] == [facts(v) for v in plain.verdicts]
        assert found.statistics.states == plain.statistics.states
        violated += sum(verdict.answer is Answer.VIOLATED for verdict in found.verdicts)
    assert asked > 5
    assert violated > 0


def facts(verdict: Verdict) -> tuple[str, Answer, int | None]:
    steps = None if verdict.path is None else len(verdict.path.transitions)
    return verdict.property, verdict.answer, steps


# What the command says


MODEL = """
    from typing import Annotated
    from checker.dsl import Model, Range, action, always, lemma, when

    class Counter(Model):
        value: Annotated[int, Range(0, 9)] = 0

        @action
        def up(self) -> None:
            when(self.value < 4)
            self.value += 2

        @always
        def is_small(self) -> bool:
            return self.value <= 4

        @lemma
        def is_even(self) -> bool:
            return self.value % 2 == 0

        @lemma
        def is_below_three(self) -> bool:
            return self.value < 3
"""


def test_a_false_lemma_is_bad_input(project: Project) -> None:
    project.write("models/counter.py", MODEL)
    project.write("specs/counter.toml", 'model = "models/counter.py:Counter"\n')
    outcome = project.run("check")
    assert outcome.code == 2
    assert "VIOLATED  is_below_three  counterexample of 2 steps  FALSE LEMMA: expected HOLDS" in outcome.out
    assert "HOLDS     is_even                                    as expected" in outcome.out
    assert outcome.out.endswith("\n1 spec: 1 with an error in the model\n")
    assert "trace: traces/specs/counter.is_below_three.itf.json" in outcome.out


def test_a_lemma_may_be_expected_to_be_false(project: Project) -> None:
    project.write("models/counter.py", MODEL)
    project.write(
        "specs/counter.toml", 'model = "models/counter.py:Counter"\n[expect]\nis_below_three = "violated"\n'
    )
    assert project.run("check").code == 0


def test_a_matrix_asks_no_lemmas_unless_it_names_them(project: Project) -> None:
    project.write("models/counter.py", MODEL)
    text = 'model = "models/counter.py"\n[faults]\nnone = {}\n[[variant]]\nmodel = "Counter"\n'
    project.write("specs/matrix/counter.toml", text)
    assert "FAILS" not in project.run("matrix").out
    named = 'model = "models/counter.py"\nproperties = ["is_below_three"]\n' + text.partition("\n")[2]
    project.write("specs/matrix/counter.toml", named)
    assert "FAILS (2)" in project.run("matrix").out


def test_a_field_and_a_method_of_one_name(project: Project) -> None:
    project.write("models/counter.py", MODEL.replace("def is_even", "def value"))
    project.write("specs/counter.toml", 'model = "models/counter.py:Counter"\n')
    project.refuses(
        ["check"],
        "models/counter.py:18",
        "'value' is a field and a method, in line 6 of models/counter.py already",
        "def value(self) -> bool:",
        "give each field, component and method a name of its own",
    )


def test_a_method_that_hides_a_field_of_a_base(project: Project) -> None:
    derived = """
    class Derived(Counter):
        @always
        def value(self) -> bool:
            return True
"""
    project.write("models/counter.py", MODEL + derived)
    project.write("specs/counter.toml", 'model = "models/counter.py:Derived"\n')
    project.refuses(["check"], "'value' is a field and a method, in line 6 of models/counter.py already")
