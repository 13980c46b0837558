"""Users' lemmas in proofs, induction over one step and several, and why something is not inductive."""

from __future__ import annotations

import hashlib
import itertools
import json
import sys
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import pytest
import z3

from checker.dsl import Model, Range, action, always, lemma, when
from checker.dsl.lowering import LoweredModel, lower
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Limits, Request
from checker.engines.smt import prove
from checker.engines.smt.certificate import (
    Certificate,
    broken_obligations,
    read_certificate,
    verified,
)
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.explaining import Explanation, explained
from checker.engines.smt.ic3 import Ic3, Proved, Refuted
from checker.engines.smt.induction import Filtered, filtered, is_k_inductive, of_cubes, predicates_of, support
from checker.engines.smt.lemmas import Fate
from checker.engines.smt.obligations import ENCODING, obligations, targets
from checker.engines.smt.oracle import OutOfTime, Watch, Z3Solver, oracle_named
from checker.engines.smt.prove import Proof, Prover
from checker.engines.smt.spacer import Answered, _Horn, spacer
from checker.engines.smt.templates import sampled, templates
from checker.errors import InternalError, ModelError, UserError
from checker.ir.program import Budgets, PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec
from tests.cli.project import Project
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.engines import sample_models as models

from .solvers import on_every_solver

WATCH = Watch()
AUTO = oracle_named("auto")


class Steps(Model):
    """A number that goes up by two and down by four, and another one that follows it."""

    value: Annotated[int, Range(0, 9)] = 0
    other: Annotated[int, Range(0, 9)] = 0

    @action
    def up(self) -> None:
        when(self.value < 7)
        self.value += 2

    @action
    def down(self) -> None:
        when(self.value > 4)
        self.value -= 4
        self.other = self.value

    @always
    def is_not_five(self) -> bool:
        return self.value != 5

    @lemma
    def is_even(self) -> bool:
        return self.value % 2 == 0

    @lemma
    def other_is_small(self) -> bool:
        return self.other <= 9

    @lemma
    def their_sum(self) -> bool:
        return self.value + self.other < 13

    @lemma
    def is_three(self) -> bool:
        return self.value == 3

    @lemma
    def stays_small(self) -> bool:
        return self.value < 3


class Turning(Model):
    """Round and round, 0, 1, 2: what no run reaches, 4, leads to 5, and that to 6, which is bad, for good."""

    place: Annotated[int, Range(0, 7)] = 0

    @action
    def turn(self) -> None:
        when(self.place < 7)
        if self.place != 6:
            self.place = 0 if self.place == 2 else self.place + 1

    @always
    def never_at_six(self) -> bool:
        return self.place != 6


def steps_model() -> LoweredModel:
    return lower(Steps, {}, Budgets())


def proof_of(model: LoweredModel, explains: bool = False, solver: str = "auto", seconds: float = 20) -> Proof:
    return Prover(Request(model, Limits(time_s_max=seconds)), solver, explains).run()


def methods(proof: Proof) -> dict[str, str]:
    return {verdict.property: verdict.method for verdict in proof.result.verdicts if verdict.proved}


# What becomes of lemmas


@on_every_solver
def test_what_becomes_of_lemmas(solver: str) -> None:
    proof = proof_of(steps_model(), solver=solver)
    fates = {one.name: (one.fate, one.needed_for) for one in proof.lemmas}
    assert fates == {
        "is_even": (Fate.NEEDED, ("is_not_five", "their_sum")),
        "other_is_small": (Fate.NOT_NEEDED, ()),
        "their_sum": (Fate.NOT_NEEDED, ()),
        "is_three": (Fate.FALSE_INITIALLY, ()),
        "stays_small": (Fate.FALSE, ()),
    }
    assert methods(proof)["is_not_five"] == "induction"
    assert methods(proof)["their_sum"] in ("templates", "IC3")
    assert proof.certificate is not None
    # What how rows are made says already is left out.
    assert {"is_even"} <= set(proof.certificate.predicates) <= {"is_even", "is_not_five", "their_sum"}
    lines = {one.name: one.location.line for one in proof.lemmas}
    source = Path(__file__).read_text(encoding="utf-8").splitlines()
    assert all(f"def {name}(" in source[line - 1] for name, line in lines.items())


def test_a_lemma_whose_truth_is_open(monkeypatch: pytest.MonkeyPatch) -> None:
    """All but induction over one step gives up."""

    def giving_up(self: Ic3) -> Proved | Refuted:
        raise OutOfTime

    monkeypatch.setattr(Ic3, "run", giving_up)
    monkeypatch.setattr(prove, "is_k_inductive", lambda *given: False)
    monkeypatch.setattr(prove, "templates", lambda *given: [])
    proof = proof_of(steps_model(), seconds=1)
    fates = {one.name: one.fate for one in proof.lemmas}
    assert fates["their_sum"] is Fate.NOT_PRESERVED
    assert fates["is_even"] is Fate.NEEDED
    (told,) = [one for one in proof.explanations if one.name == "their_sum"]
    # What is known of a state, that its value is even, holds in the state of the explanation.
    assert told.relies_on > 0
    value, other = told.before.variables
    assert value % 2 == 0
    assert value + other < 13 <= sum(told.after.variables)


def test_lemmas_of_random_models_change_no_answer(tmp_path: Path) -> None:
    """What is a property may be a lemma: the same answers, and lemmas that are kept hold everywhere."""
    proved = kept = 0
    for seed in range(9100, 9112):
        model = random_model(seed)
        text = model.source.replace("@always", "@lemma").replace("    always,\n", "    lemma,\n")
        with lowered_from(model, tmp_path) as plain:
            try:
                expected = proof_of(plain, seconds=3)
            except Unsupported:
                continue
        with lowered_from(replace(model, source=text), tmp_path) as with_lemmas:
            found = proof_of(with_lemmas, seconds=3)
        for ours, theirs in zip(found.result.verdicts, expected.result.verdicts, strict=True):
            if Answer.UNKNOWN not in (ours.answer, theirs.answer):
                assert (ours.property, ours.answer) == (theirs.property, theirs.answer)
                proved += ours.proved
        kept += sum(one.fate in (Fate.NEEDED, Fate.NOT_NEEDED) for one in found.lemmas)
        assert all((one.fate is Fate.NEEDED) == bool(one.needed_for) for one in found.lemmas)
    assert proved > 5
    assert kept > 0


# The filter


@on_every_solver
def test_the_filter_keeps_what_is_inductive_together(solver: str) -> None:
    system = encode(steps_model().program, oracle_named(solver))
    found = filtered(system, predicates_of(system), [], oracle_named(solver), WATCH)
    assert {one.name for one in found.kept} == {"is_even", "other_is_small", "is_not_five"}
    dropped = {one.candidate.name: one for one in found.dropped}
    assert set(dropped) == {"their_sum", "is_three", "stays_small"}
    assert dropped["is_three"].before is None
    # Without the lemma, the property goes as well.
    fewer = [one for one in predicates_of(system) if one.name != "is_even"]
    kept = filtered(system, fewer, [], oracle_named(solver), WATCH).kept
    assert {one.name for one in kept} == {"other_is_small"}


def test_the_filter_against_all_states() -> None:
    """Of all cubes of one or two bits, the greatest inductive set: by enumeration, and by the filter."""
    system = encode(lower(Turning, {}, Budgets()).program, AUTO)
    literals = [sign * bit for bit in (1, 2, 3) for sign in (1, -1)]
    cubes = [frozenset({a}) for a in literals]
    cubes += [frozenset({a, b}) for a, b in itertools.combinations(literals, 2) if a != -b]
    following = {place: 0 if place == 2 else min(place + 1, 6) for place in range(7)}
    alive = [cube for cube in cubes if not inside(cube, 0)]
    while True:
        good = [place for place in range(8) if not any(inside(cube, place) for cube in alive)]
        kept = [c for c in alive if not any(p in following and inside(c, following[p]) for p in good)]
        if kept == alive:
            break
        alive = kept
    found = filtered(system, of_cubes(system, cubes), [], AUTO, WATCH)
    assert {one.cube for one in found.kept} == set(alive)
    assert 0 < len(alive) < len(cubes)


def inside(cube: frozenset[int], place: int) -> bool:
    return all(bool(place >> (abs(literal) - 1) & 1) == (literal > 0) for literal in cube)


def test_what_an_invariant_needs(tmp_path: Path) -> None:
    """Of what is inductive, a part that is so, too, and proves as much; users' lemmas come first."""
    system = encode(steps_model().program, AUTO)
    predicates = list(filtered(system, predicates_of(system), [], AUTO, WATCH).kept)
    cubes = templates(system, [], [], AUTO, WATCH, 2)
    assert len(cubes) > 5
    bad = {target.name: target.bad for target in targets(system)}
    goals = [bad["is_not_five"], bad[ENCODING]]
    kept = support(system, [predicates, cubes], goals, AUTO, WATCH)
    assert {one.name for one in kept} == {"is_even"}
    kept = support(system, [cubes], goals, AUTO, WATCH)
    assert 0 < len(kept) < len(cubes)
    lemmas = [one.cube for one in kept if one.cube is not None]
    assert broken_obligations(system, obligations(system, lemmas, ["is_not_five"])) == []
    for left_out in lemmas:
        others = [one for one in lemmas if one != left_out]
        assert broken_obligations(system, obligations(system, others, ["is_not_five"]))


# Templates


def test_lemmas_from_templates_hold_in_every_reachable_state(tmp_path: Path) -> None:
    found = 0
    for seed in range(9400, 9415):
        with lowered_from(random_model(seed), tmp_path) as model:
            states = reachable(model, 1_500)
            try:
                system = encode(model.program, AUTO)
            except Unsupported:
                continue
            if states is None:
                continue
            kept = templates(system, [], [], AUTO, WATCH, 1)
            cubes = [one.cube for one in kept if one.cube is not None]
            found += len(cubes)
            for state in states:
                row = system.layout.encoded(state)
                # A state beyond the capacities is one that the proof would not get past.
                if row is None:
                    break
                assert not any(all(row[abs(lit) - 1] == (lit > 0) for lit in cube) for cube in cubes)
    assert found > 20


def reachable(model: LoweredModel, most: int) -> list[State] | None:
    """All reachable states, in the order of their discovery; None where they are too many, or one fails."""
    machine = Machine(model.program)
    todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    seen = set(todo)
    for state in todo:
        for successor in machine.successors(state):
            if not isinstance(successor.outcome, State):
                return None
            if successor.outcome not in seen:
                seen.add(successor.outcome)
                todo.append(successor.outcome)
        if len(todo) > most:
            return None
    return todo


def test_samples_of_a_small_space_are_all_of_it() -> None:
    model = steps_model()
    assert set(sampled(model.program, time.monotonic() + 60)) == set(reachable(model, 1_000) or ())
    assert sampled(model.program, time.monotonic() - 1) == reachable(model, 1_000)[:1]  # type: ignore[index]


def test_templates_prove_what_needs_no_search(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Prover, "_generalise", lambda self: None)
    model = load_spec(Path("benchmarks/protocols/sharded_kv.toml")).lowered
    proof = Prover(Request(model, Limits(time_s_max=60)), for_any_number=False).run()
    assert methods(proof)["keys_are_unique"] in ("templates", "induction")


# Induction over several steps


@on_every_solver
def test_induction_over_several_steps(solver: str) -> None:
    system = encode(lower(Turning, {}, Budgets()).program, oracle_named(solver))
    target = next(one for one in targets(system) if one.name == "never_at_six")
    found = [is_k_inductive(system, target, k, [], oracle_named(solver), WATCH) for k in (1, 2, 3, 4)]
    # 3, 4, 5, 6 is the longest run that ends with six, and begins where no run leads to.
    assert found == [False, False, False, True]
    broken = broken_obligations(system, obligations(system, [], ["never_at_six"], (), {"never_at_six": 4}))
    assert broken == []
    broken = broken_obligations(system, obligations(system, [], ["never_at_six"], (), {"never_at_six": 3}))
    assert broken == ["safety after 3 steps: never_at_six"]


def test_a_proof_by_induction_over_several_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Ic3.run

    def giving_up(self: Ic3) -> Proved | Refuted:
        if self.target.name == "never_at_six":
            raise OutOfTime
        return run(self)

    monkeypatch.setattr(Ic3, "run", giving_up)
    monkeypatch.setattr(prove, "templates", lambda *given: [])
    proof = proof_of(lower(Turning, {}, Budgets()))
    assert proof.certificate is not None
    # Where it is proved first that nothing ever rests, 3 may be known to be out of reach.
    steps = proof.certificate.steps["never_at_six"]
    assert steps in (3, 4)
    assert methods(proof)["never_at_six"] == f"{steps}-induction"


def test_an_induction_without_its_beginning() -> None:
    """A run of three steps reaches it: that no longer run does for the first time proves nothing."""

    class Reaching(Model):
        place: Annotated[int, Range(0, 7)] = 3

        @action
        def on(self) -> None:
            when(self.place < 6)
            self.place += 1

        @always
        def never_at_six(self) -> bool:
            return self.place != 6

    system = encode(lower(Reaching, {}, Budgets()).program, AUTO)
    asked = obligations(system, [], ["never_at_six"], (), {"never_at_six": 7})
    assert broken_obligations(system, asked) == ["the first 7 states: never_at_six"]


# Spacer


def test_spacer_proves_and_is_checked() -> None:
    proof = Prover(Request(steps_model(), Limits(time_s_max=20)), method="spacer").run()
    assert methods(proof) == dict.fromkeys(
        ("is_not_five", "is_even", "other_is_small", "their_sum", "deadlock_free"), "spacer"
    )
    assert proof.certificate is not None
    assert proof.certificate.predicates == ()


def test_spacer_and_the_explicit_engine_on_random_models(tmp_path: Path) -> None:
    proved = 0
    for seed in range(9300, 9312):
        with lowered_from(random_model(seed), tmp_path) as model:
            whole = ExplicitEngine().check(Request(model, Limits(states_max=2_000)))
            if whole.stopped is not None:
                continue
            try:
                found = Prover(Request(model, Limits(time_s_max=2)), method="spacer").run()
            except Unsupported:
                continue
            for ours, theirs in zip(found.result.verdicts, whole.verdicts, strict=True):
                assert ours.answer in (theirs.answer, Answer.UNKNOWN)
                proved += ours.proved
    assert proved > 0


def test_what_spacer_says_is_not_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    system = encode(steps_model().program, AUTO)
    target = next(one for one in targets(system) if one.name == "is_not_five")
    assert isinstance(spacer(system, target, [], AUTO, WATCH), Answered)
    monkeypatch.setattr(_Horn, "cubes", lambda self: [frozenset({1, -2})])
    assert spacer(system, target, [], AUTO, WATCH) is None
    monkeypatch.setattr(_Horn, "cubes", lambda self: None)
    assert spacer(system, target, [], AUTO, WATCH) is None
    false = next(one for one in targets(system) if one.name == "stays_small")
    assert spacer(system, false, [], AUTO, WATCH) == Answered(reached=True)


def test_a_run_that_spacer_claims_and_nobody_finds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(prove, "spacer", lambda *given: Answered(reached=True))
    proof = Prover(Request(steps_model(), Limits(time_s_max=2)), method="spacer").run()
    verdict = next(v for v in proof.result.verdicts if v.property == "is_not_five")
    assert verdict.answer is Answer.UNKNOWN
    assert proof.certificate is None


def test_a_method_alone() -> None:
    by_induction = Prover(Request(steps_model(), Limits(time_s_max=2)), method="induction").run()
    assert methods(by_induction)["is_not_five"] == "induction"
    by_ic3 = Prover(Request(steps_model(), Limits(time_s_max=20)), method="IC3").run()
    assert set(methods(by_ic3).values()) == {"IC3"}


# Certificates


@pytest.fixture(name="kept", scope="module")
def kept_fixture() -> tuple[dict[str, Any], LoweredModel]:
    model = steps_model()
    certificate = proof_of(model).certificate
    assert isinstance(certificate, Certificate)
    return certificate.data("specs/steps.toml"), model


def resealed(data: dict[str, Any]) -> dict[str, Any]:
    """An edited certificate with the checksum of its contents."""
    kept = {key: value for key, value in data.items() if key != "checksum"}
    checksum = hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()
    return read_certificate("x", json.dumps({**kept, "checksum": checksum}))


def test_a_certificate_with_lemmas_is_verified_again(kept: tuple[dict[str, Any], LoweredModel]) -> None:
    data, model = kept
    assert verified(resealed(data), model.program, "x") == []


def test_an_edited_certificate_proves_nothing_false(kept: tuple[dict[str, Any], LoweredModel]) -> None:
    data, model = kept
    fewer = resealed({**data, "predicates": [n for n in data["predicates"] if n != "is_even"]})
    assert "consecution" in verified(fewer, model.program, "x")
    false = resealed({**data, "predicates": [*data["predicates"], "stays_small"]})
    assert verified(false, model.program, "x") == ["consecution"]
    never = resealed({**data, "predicates": [*data["predicates"], "is_three"]})
    assert "initiation" in verified(never, model.program, "x")
    unknown = resealed({**data, "predicates": ["is_odd"]})
    with pytest.raises(UserError, match="'is_odd' is no property of single states"):
        verified(unknown, model.program, "x")
    for steps in (0, 9, "2", True):
        many = resealed({**data, "steps": {"is_not_five": steps}})
        with pytest.raises(UserError, match="an induction over"):
            verified(many, model.program, "x")


def test_a_filter_that_keeps_too_much_is_caught(monkeypatch: pytest.MonkeyPatch) -> None:
    def careless(system: System, candidates: Any, *rest: Any) -> Filtered:
        return Filtered(tuple(one for one in candidates if one.name != "is_three"), ())

    monkeypatch.setattr(prove, "filtered", careless)
    with pytest.raises(InternalError, match="a proof does not pass its check: consecution"):
        proof_of(steps_model())


# Counterexamples to induction


@on_every_solver
def test_a_counterexample_to_induction(solver: str) -> None:
    proof = proof_of(steps_model(), explains=True, solver=solver)
    told = {one.name: one for one in proof.explanations}
    assert told["is_even"].is_inductive
    one = told["is_not_five"]
    assert one.transition is not None
    assert (one.initial.variables, one.before.variables) == ((0, 0), (9, 0))
    assert (one.transition.name, one.after.variables) == ("down", (5, 5))
    # Both have to differ: 3 + 9 is less than 13, and so is every sum with an initial 0.
    assert all(told["their_sum"].before.variables)


def test_what_is_known_of_a_state_keeps_to_it_in_an_explanation() -> None:
    system = encode(steps_model().program, AUTO)
    target = next(one for one in targets(system) if one.name == "is_not_five")
    even = next(one.literal for one in predicates_of(system) if one.name == "is_even")
    alone, together = (explained(system, target, known, AUTO, WATCH) for known in ([], [even]))
    assert alone is not None
    assert together is not None
    assert (alone.is_inductive, together.is_inductive) == (False, True)


def test_counterexamples_of_random_models(tmp_path: Path) -> None:
    """The first state has the property, the second has not, and the step between them is the model's."""
    checked = inductive = 0
    for seed in range(9200, 9216):
        with lowered_from(random_model(seed), tmp_path) as model:
            try:
                system = encode(model.program, AUTO)
            except Unsupported:
                continue
            for target in targets(system):
                kinds = {p.name: p.kind for p in model.program.properties}
                if kinds.get(target.name) not in (PropertyKind.ALWAYS, PropertyKind.TRANSITION):
                    continue
                found = explained(system, target, [], AUTO, WATCH)
                if found is not None and found.is_inductive:
                    inductive += 1
                elif found is not None:
                    assert_breaks(model, found, kinds[target.name])
                    checked += 1
    assert checked > 5
    assert inductive > 0


def assert_breaks(model: LoweredModel, found: Explanation, kind: PropertyKind) -> None:
    machine = Machine(model.program)
    number = [prop.name for prop in model.program.properties].index(found.name)
    outcomes = {s.transition: s.outcome for s in machine.successors(found.before)}
    assert found.transition is not None
    assert outcomes[found.transition] == found.after
    is_step = kind is PropertyKind.TRANSITION
    if not is_step:
        assert machine.holds(number, found.before)
    # A property without a value is broken, too.
    with suppress(ModelError):
        assert not machine.holds(number, found.after, found.before if is_step else None)
    initial = [s.outcome for s in machine.initial_states()]
    assert found.initial in [state for state in initial if isinstance(state, State)]


# Z3


def test_z3_is_missing(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    written(project)
    monkeypatch.setitem(sys.modules, "z3", None)
    project.refuses(["prove"], "Z3 cannot be used: ", "pip install 'z3-solver>=4.13'")
    monkeypatch.undo()


def test_z3_is_too_old(project: Project, monkeypatch: pytest.MonkeyPatch) -> None:
    written(project)
    monkeypatch.setattr(z3, "get_version", lambda: (4, 8, 17, 0))
    project.refuses(["prove"], "Z3 is too old: version 4.8.17, not 4.13 or later")
    with pytest.raises(UserError, match="too old"):
        Z3Solver()


# The command


TEXT = Path(__file__).read_text(encoding="utf-8")


def written(project: Project, *without: str) -> None:
    """The model of these tests as a file, some of its lemmas left out."""
    body = TEXT[TEXT.index("class Steps(Model)") : TEXT.index("class Turning(Model)")]
    for name in without:
        begin = body.index(f"    @lemma\n    def {name}(")
        end = body.find("    @lemma", begin + 1)
        body = body[:begin] + (body[end:] if end > 0 else "")
    names = "Model, Range, action, always, lemma, when"
    head = f"from typing import Annotated\n\nfrom checker.dsl import {names}\n\n\n"
    project.write("models/steps.py", head + body)
    project.write("specs/steps.toml", 'model = "models/steps.py:Steps"\n')


def test_the_command_tells_of_lemmas(project: Project) -> None:
    written(project)
    outcome = project.run("prove")
    assert outcome.code == 2
    lines = [" ".join(line.split()) for line in outcome.out.splitlines()]
    assert "HOLDS (proved) is_not_five by induction as expected" in lines
    assert "VIOLATED is_three counterexample of 0 steps FALSE LEMMA: expected HOLDS" in lines
    places = {name: place_of(project, name) for name in ("is_even", "is_three", "stays_small")}
    assert f"is_even {places['is_even']} needed for is_not_five, their_sum" in lines
    assert f"is_three {places['is_three']} false in the initial state" in lines
    assert f"stays_small {places['stays_small']} false after 2 steps, see its run" in lines
    assert "certificate: certificates/specs/steps.json" in lines
    verified_again = project.run("verify-certificate", "certificates/specs/steps.json")
    assert verified_again.code == 0
    assert "proved      is_not_five" in verified_again.out


def place_of(project: Project, name: str) -> str:
    source = (project.root / "models/steps.py").read_text(encoding="utf-8").splitlines()
    return f"models/steps.py:{next(n for n, line in enumerate(source, 1) if f'def {name}(' in line)}"


def test_lemmas_that_are_true_leave_the_exit_code_alone(project: Project) -> None:
    written(project, "is_three", "stays_small")
    assert project.run("prove").code == 0


def test_the_command_explains(project: Project) -> None:
    written(project, "is_three", "stays_small")
    outcome = project.run("prove", "--explain")
    assert (
        "  is_not_five is not inductive by itself: one step makes it false, from a state in which it holds\n"
        "  (possibly unreachable; all else is as in the initial state)\n"
        "       value = 9\n"
        "    1  environment  down()\n"
    ) in outcome.out
    assert "  is_even is inductive by itself.\n" in outcome.out
    data = json.loads(project.run("prove", "--explain", "--json").out)["specs"][0]
    told = {one["property"]: one for one in data["explanations"]}
    assert told["is_even"]["inductive"]
    assert told["is_not_five"]["unlike_initial"] == ["value = 9"]
    assert told["is_not_five"]["step"]["step"] == "down()"
    assert "value = 5" in told["is_not_five"]["after"]
    fates = {one["name"]: (one["fate"], one["needed_for"]) for one in data["lemmas"]}
    assert fates["is_even"] == ("needed", ["is_not_five", "their_sum"])
    assert {v["property"]: v["method"] for v in data["verdicts"]}["is_not_five"] == "induction"


def test_nothing_is_explained_unless_it_is_open_or_asked_for(project: Project) -> None:
    written(project, "is_three", "stays_small")
    assert "inductive" not in project.run("prove").out


def test_the_encoding_is_what_all_proofs_need() -> None:
    system = encode(steps_model().program, AUTO)
    assert targets(system)[0].name == ENCODING


# Runs that another engine finds meanwhile


def test_runs_from_elsewhere_are_taken_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """With no search of its own a proof has no other runs."""
    model = lowered_ladder()
    whole = ExplicitEngine().check(Request(model))
    monkeypatch.setattr(Prover, "_search", lambda self, *given: None)
    monkeypatch.setattr(Prover, "_refuted", lambda self, *given: None)
    proof = Prover(Request(model, Limits(time_s_max=20)), elsewhere=lambda: whole).run()
    expected = {verdict.property: verdict.path for verdict in whole.verdicts}
    assert any(expected.values())
    assert {verdict.property: verdict.path for verdict in proof.result.verdicts} == expected


def test_a_run_to_what_is_proved_is_an_internal_error() -> None:
    model = lowered_ladder()
    whole = ExplicitEngine().check(Request(model))
    run = next(verdict.path for verdict in whole.verdicts if verdict.path is not None)
    wrong = replace(whole, verdicts=tuple(replace(verdict, path=run) for verdict in whole.verdicts))
    with pytest.raises(InternalError, match=r"there is a run to what .* is proved to exclude"):
        Prover(Request(model, Limits(time_s_max=20)), elsewhere=lambda: wrong).run()


def lowered_ladder() -> LoweredModel:
    return lower(models.Ladder, {}, Budgets())
