"""Proofs: never more than is true, lemmas that hold in every reachable state, certificates."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest
import z3

from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel, lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import DEADLOCK_FREE, Answer, Limits, Request, Verdict
from checker.engines.smt import circuit, ic3, prove
from checker.engines.smt.atoms import Atoms
from checker.engines.smt.certificate import (
    Certificate,
    broken_obligations,
    certified,
    program_hash,
    read_certificate,
    verified,
)
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.ic3 import Ic3, Proved, Refuted, Target
from checker.engines.smt.induction import excluded
from checker.engines.smt.layout import Abstraction, Capacities
from checker.engines.smt.naming import fields_of, told
from checker.engines.smt.obligations import ENCODING, obligations, targets
from checker.engines.smt.oracle import OutOfTime, Watch, oracle_named
from checker.engines.smt.orbits import Cube, Orbits
from checker.engines.smt.prove import Proof, Prover
from checker.errors import InternalError, UserError
from checker.ir.program import Budgets
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec
from tests.cli.project import Project
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.engines import sample_models as models

from . import small_models
from .solvers import on_every_solver


def lowered(model: type[Model], size: int = 1, budgets: Budgets | None = None) -> LoweredModel:
    return lower(model, dict.fromkeys(index_sets_of(model), size), budgets or Budgets())


def spec_lowered(name: str) -> LoweredModel:
    return load_spec(Path(f"specs/order_intake/{name}.toml")).lowered


def proved_by(model: LoweredModel, seconds: float = 20, solver: str = "auto") -> Proof:
    """A proof whose paths the reference semantics have confirmed."""
    request = Request(model, Limits(time_s_max=seconds))
    proof = Prover(request, solver).run()
    runner._confirm_all(model, proof.result.verdicts, proof.result.failure)
    return proof


def answers(proof: Proof) -> dict[str, str]:
    return {verdict.property: str(verdict) for verdict in proof.result.verdicts}


def compare(model: LoweredModel, seconds: float) -> tuple[int, int]:
    """A proof beside an exhausted space. Returns how many answers it gave, and how many it owed."""
    whole = ExplicitEngine().check(Request(model, Limits(states_max=3_000)))
    proof = proved_by(model, seconds)
    if whole.failure is not None or proof.result.failure is not None:
        # A failure may be found before the states are exhausted, or after the time is up.
        assert proof.result.failure is None or whole.failure is not None or whole.stopped is not None
        return 0, 0
    given = owed = 0
    for ours, theirs in zip(proof.result.verdicts, whole.verdicts, strict=True):
        if theirs.answer is Answer.UNKNOWN:
            continue
        owed += 1
        if ours.answer is not Answer.UNKNOWN:
            given += 1
            assert ours.answer is theirs.answer, (ours, theirs)
            if ours.path is not None and not ours.is_shortest:
                assert (steps(ours) or 0) >= (steps(theirs) or 0)
            else:
                assert steps(ours) == steps(theirs)
            assert ours.proved == (ours.path is None)
    if proof.certificate is not None and whole.stopped is None:
        assert_true_everywhere(model, proof.certificate)
    return given, owed


def steps(verdict: Verdict) -> int | None:
    return None if verdict.path is None else len(verdict.path.transitions)


def assert_true_everywhere(model: LoweredModel, certificate: Certificate) -> None:
    """No reachable state lies in a cube of the certificate."""
    sets = frozenset(certificate.renamed)
    opened = Abstraction(bags_saturate=certificate.bags_saturate)
    system = encode(
        model.program, oracle_named("auto"), certificate.capacities, one_hot=sets, abstraction=opened
    )
    orbits = Orbits(Atoms(system.layout))
    copies = [copy for cube in certificate.lemmas for copy in orbits.copies(cube)]
    machine = Machine(model.program)
    todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    seen = set(todo)
    for state in todo:
        row = system.layout.encoded(state)
        assert row is not None
        for cube in copies:
            assert not all(row[abs(literal) - 1] == (literal > 0) for literal in cube)
        for successor in machine.successors(state):
            assert isinstance(successor.outcome, State)
            if successor.outcome not in seen:
                seen.add(successor.outcome)
                todo.append(successor.outcome)


# What is proved


@on_every_solver
@pytest.mark.parametrize("name", ["marker_first_lost_answer"])
def test_specs_are_decided(name: str, solver: str) -> None:
    spec = load_spec(Path(f"specs/order_intake/{name}.toml"))
    proof = proved_by(spec.lowered, 60, solver)
    assert {v.property: v.answer for v in proof.result.verdicts} == spec.expected
    assert proof.certificate is not None
    expected = {n for n, a in spec.expected.items() if a is Answer.HOLDS} - {"all_orders_created"}
    assert {*proof.certificate.proved, *proof.general.proved} == expected
    assert_true_everywhere(spec.lowered, proof.certificate)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "sets"), [("keyed", "Order and Worker"), ("transactional", "Worker")])
def test_the_fixes_are_proved(name: str, sets: str) -> None:
    found = answers(proved_by(spec_lowered(name), 400))
    assert found == {
        "at_most_one_order": f"HOLDS for any number of {sets} (proved)",
        "every_placed_order_exists": "HOLDS (proved)",
        "rows_never_change": f"HOLDS for any number of {sets} (proved)",
        "all_orders_created": "HOLDS",
        DEADLOCK_FREE: "HOLDS (proved)",
    }


def test_a_fix_is_proved_with_other_bounds() -> None:
    spec = spec_lowered("keyed")
    budgets = Budgets(crash=1, component=(("inbox.visibility_expiry", 1), ("inbox.duplicate", 0)))
    sizes = {name: 1 if name == "Order" else 2 for name in index_sets_of(spec.cls)}
    model = lower(spec.cls, sizes, budgets)
    found = answers(proved_by(model, 60))
    assert found.pop("all_orders_created") == "HOLDS"
    assert found == {
        "at_most_one_order": "HOLDS for any number of Order and Worker (proved)",
        "every_placed_order_exists": "HOLDS (proved)",
        "rows_never_change": "HOLDS for any number of Order and Worker (proved)",
        DEADLOCK_FREE: "HOLDS (proved)",
    }


@on_every_solver
def test_each_kind_of_property(solver: str) -> None:
    proof = proved_by(lowered(models.Ladder), solver=solver)
    assert answers(proof) == {
        "not_at_the_top": "VIOLATED",
        "one_at_a_time": "VIOLATED",
        "rests_at_the_bottom": "VIOLATED",
        "half_way": "HOLDS",
        "above_the_top": "VIOLATED",
        DEADLOCK_FREE: "HOLDS (proved)",
    }
    # That nothing is above the top is proved, too.
    assert proof.certificate is not None
    assert proof.certificate.proved == ("above_the_top", DEADLOCK_FREE)


SAMPLES = [
    *(models.Ladder, models.FalseAtOnce, models.Needy, models.TwoRows, models.Overwriter, models.Chooser),
    *(models.Store, models.EveryType, models.Overflow, models.EarlyOverflow),
    *(small_models.Filling, small_models.Looping),
]


@pytest.mark.parametrize("model", SAMPLES)
def test_sample_models(model: type[Model]) -> None:
    compare(lowered(model, 2), 6)


def test_random_models(tmp_path: Path) -> None:
    given = owed = 0
    for seed in range(9000, 9030):
        with lowered_from(random_model(seed), tmp_path) as model:
            try:
                found = compare(model, 3)
            except Unsupported:
                continue
        given, owed = given + found[0], owed + found[1]
    assert owed > 10
    assert given > 0.7 * owed


def test_a_deep_counterexample_is_found_without_unrolling_all_before_it() -> None:
    proof = proved_by(lowered(small_models.Counting), 20)
    verdict = next(v for v in proof.result.verdicts if v.property == "never_at_thirty")
    assert verdict.answer is Answer.VIOLATED
    assert steps(verdict) == 30
    assert answers(proof)["never_above"] == "HOLDS (proved)"


def test_nothing_is_proved_of_an_encoding_that_runs_are_cut_off_in(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every proof rests on that no step leaves the encoding: where that is open, all is."""
    run = Ic3.run

    def giving_up(self: Ic3) -> Proved | Refuted:
        if self.target.name == ENCODING:
            raise OutOfTime
        return run(self)

    monkeypatch.setattr(Ic3, "run", giving_up)
    # Induction over one step may prove all but the encoding.
    monkeypatch.setattr(
        prove, "excluded", lambda *given: [one for one in excluded(*given) if one.name != ENCODING]
    )
    proof = proved_by(lowered(models.Ladder), 3)
    assert proof.certificate is None
    assert answers(proof)[DEADLOCK_FREE] == "UNKNOWN"
    reason = next(v.reason for v in proof.result.verdicts if v.property == DEADLOCK_FREE)
    assert reason.startswith("proved but for model errors and full bags: ")


# Limits


def test_the_time_limit_is_honoured() -> None:
    begun = time.monotonic()
    proof = proved_by(spec_lowered("naive"), 1.5)
    assert time.monotonic() - begun < 6
    assert proof.result.stopped == "time limit of 1.5 s"
    unknown = [v for v in proof.result.verdicts if v.answer is Answer.UNKNOWN]
    assert unknown
    assert all(v.reason for v in unknown)


def test_ctrl_c_keeps_what_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    run = Ic3.run

    def interrupted(self: Ic3) -> Proved | Refuted:
        if self.target.name == DEADLOCK_FREE:
            raise KeyboardInterrupt
        return run(self)

    monkeypatch.setattr(Ic3, "run", interrupted)
    monkeypatch.setattr(prove, "excluded", lambda *given: [])
    monkeypatch.setattr(Prover, "_inducted", lambda *given: False)
    proof = proved_by(lowered(models.Ladder))
    assert proof.result.stopped == "interrupted"
    assert answers(proof)["not_at_the_top"] == "VIOLATED"
    assert answers(proof)[DEADLOCK_FREE] == "UNKNOWN"


# Canaries


def test_a_lifting_without_that_the_step_is_enabled(monkeypatch: pytest.MonkeyPatch) -> None:
    lifted = ic3._Queries._lifted

    def careless(self: Any, row: Any, inputs: Any, wanted: list[int], watch: Watch) -> Cube:
        kept = [literal for literal in wanted if literal != self._system.valid]
        return lifted(self, row, inputs, kept, watch) if kept else frozenset()

    monkeypatch.setattr(ic3._Queries, "_lifted", careless)
    with pytest.raises(InternalError, match="is claimed that the search does not find"):
        Prover(Request(lowered(small_models.Guarded), Limits(time_s_max=20)), method="IC3").run()


def test_a_wrong_lemma_does_not_pass() -> None:
    system, lemmas, proved = proof_of(lowered(models.Ladder))
    assert broken_obligations(system, obligations(system, lemmas, proved)) == []
    # The height is never 0, though it begins there; and never 2, though steps lead there.
    assert "initiation" in broken_obligations(system, obligations(system, [frozenset({-1, -2})], proved))
    assert broken_obligations(system, obligations(system, [frozenset({-1, 2})], proved)) == ["consecution"]
    with pytest.raises(InternalError, match="does not pass its check: consecution"):
        certified(system, [frozenset({-1, 2})], proved)


def test_a_claim_that_lemmas_do_not_support() -> None:
    system, lemmas, _ = proof_of(lowered(models.Ladder))
    broken = broken_obligations(system, obligations(system, lemmas, ["not_at_the_top"]))
    assert broken == ["safety: not_at_the_top"]


def proof_of(model: LoweredModel) -> tuple[System, list[Cube], list[str]]:
    make = oracle_named("auto")
    system = encode(model.program, make, Capacities())
    lemmas: list[Cube] = []
    proved = []
    for target in targets(system):
        found = Ic3(system, target, lemmas, make, Watch(time.monotonic() + 20)).run()
        if isinstance(found, Proved):
            lemmas += found.lemmas
            proved.append(target.name)
    return system, lemmas, proved


# IC3 on its own


@on_every_solver
def test_a_target_that_is_reached_has_a_run_to_it(solver: str) -> None:
    make = oracle_named(solver)
    system = encode(lowered(small_models.Counting).program, make)
    # The level is 5: its lowest bits are the first variable's.
    bad = system.circuit.all(bit ^ (not 5 >> i & 1) for i, bit in enumerate(system.state[:5]))
    found = Ic3(system, Target("five", bad), [], make, Watch()).run()
    assert isinstance(found, Refuted)
    levels = [system.layout.decoded(list(row)).variables[0] for row in found.rows]
    assert levels == [0, 1, 2, 3, 4, 5]


# Certificates


def data_of(name: str) -> tuple[dict[str, Any], LoweredModel]:
    model = spec_lowered(name)
    certificate = proved_by(model, 40).certificate
    assert certificate is not None
    return certificate.data(f"specs/order_intake/{name}.toml"), model


@pytest.fixture(scope="module")
def kept() -> tuple[dict[str, Any], LoweredModel]:
    return data_of("marker_first")


def resealed(data: dict[str, Any]) -> dict[str, Any]:
    """Edited by somebody who knows how checksums are made."""
    from checker.engines.smt.certificate import checksum

    return {**data, "checksum": checksum(data)}


def test_a_certificate_is_verified_again(kept: tuple[dict[str, Any], LoweredModel]) -> None:
    data, model = kept
    read = read_certificate("x.json", json.dumps(data))
    assert verified(read, model.program, "x.json") == []
    told_of_orders = [fact for lemma in data["lemmas"] for fact in lemma["never_together"]]
    assert any("order 0" in fact for fact in told_of_orders)


def test_an_edited_certificate_is_refused(kept: tuple[dict[str, Any], LoweredModel]) -> None:
    data, _ = kept
    for edited in (
        {**data, "proved": [*data["proved"], "every_placed_order_exists"]},
        {**data, "lemmas": data["lemmas"][1:]},
        {**data, "capacities": {"bag_count_max": 7, "fifo_length_max": 4}},
    ):
        with pytest.raises(UserError, match="the certificate was edited"):
            read_certificate("x.json", json.dumps(edited))


def test_an_edited_certificate_with_a_new_checksum_proves_nothing_false(
    kept: tuple[dict[str, Any], LoweredModel],
) -> None:
    data, model = kept
    more = resealed({**data, "proved": [*data["proved"], "every_placed_order_exists"]})
    assert verified(more, model.program, "x") == ["safety: every_placed_order_exists"]
    fewer = resealed({**data, "lemmas": []})
    assert verified(fewer, model.program, "x") != []
    first = {**data["lemmas"][0], "never_together": ["the moon is full"]}
    with pytest.raises(UserError, match="a lemma's text is not what the lemma says"):
        verified(resealed({**data, "lemmas": [first, *data["lemmas"][1:]]}), model.program, "x")
    outside = {"never_together": [], "literals": [10_000]}
    with pytest.raises(UserError, match="bits that a state has not"):
        verified(resealed({**data, "lemmas": [outside]}), model.program, "x")


def test_a_certificate_of_another_model(kept: tuple[dict[str, Any], LoweredModel]) -> None:
    data, _ = kept
    with pytest.raises(UserError, match="not for the present version of MarkerFirst"):
        verified(data, spec_lowered("keyed").program, "x")


def test_what_a_program_means_is_hashed_and_nothing_else() -> None:
    one = program_hash(lowered(models.Ladder).program)
    assert one == program_hash(lowered(models.Ladder).program)
    assert one != program_hash(lowered(models.Ladder, 1, Budgets(crash=1)).program)
    assert program_hash(lowered(models.Needy, 1).program) != program_hash(lowered(models.Needy, 2).program)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "this is no certificate: it is not JSON"),
        ("[]", "this is no certificate"),
        ('{"lemmas": [], "format": 99}', "its format is 99"),
        ('{"lemmas": [], "format": 2}', "the certificate was edited"),
    ],
)
def test_files_that_are_no_certificates(text: str, message: str) -> None:
    with pytest.raises(UserError, match=message):
        read_certificate("x.json", text)


def test_the_script_is_unsatisfiable_by_any_solver() -> None:
    certificate = proved_by(lowered(models.Ladder)).certificate
    assert certificate is not None
    lines = certificate.script.splitlines()
    definitions = [line for line in lines if line.startswith(("(declare", "(define"))]
    claims = [line for line in lines if line.startswith("(assert")]
    assert len(claims) == lines.count("(check-sat)") == 3 + len(certificate.proved)
    for claim in claims:
        solver = z3.Solver()
        solver.from_string("\n".join([*definitions, claim]))
        assert solver.check() == z3.unsat


def test_lemmas_are_told_in_the_models_terms() -> None:
    system = encode(lowered(models.EveryType, 2).program, oracle_named("auto"))
    names = fields_of(system.layout)
    level = next(i for i, field in enumerate(names) if field.name == "level")
    first = sum(field.width for field in names[:level]) + 1
    assert told(names, frozenset({first, first + 1})) == ["level: 3"]
    assert told(names, frozenset({-first})) == ["level: 0 or 2"]
    urgent = first + names[level].width
    assert told(names, frozenset({-urgent})) == ["not urgent"]


# The command


def test_the_command_proves_and_verifies(project: Project) -> None:
    spec = project.sample("Store", "[bounds]\nOrder = 1\n")
    outcome = project.run("prove", "--seconds", "20", spec)
    assert outcome.code == 0, outcome.out
    assert "HOLDS (proved)  never_lost" in outcome.out
    assert "  certificate: certificates/specs/store.json" in outcome.out
    again = project.run("verify-certificate", "certificates/specs/store.json")
    assert again.code == 0
    assert "proved      never_lost" in again.out
    assert "(check-sat)" in project.files()["certificates/specs/store.smt2"]
    data = json.loads(project.files()["certificates/specs/store.json"])
    project.write("certificates/specs/store.json", json.dumps({**data, "model": "Shop"}))
    edited = project.run("verify-certificate", "certificates/specs/store.json")
    assert edited.code == 2
    assert "the certificate was edited" in edited.err


def test_a_changed_model_needs_a_new_proof(project: Project) -> None:
    spec = project.sample("Store", "[bounds]\nOrder = 1\n")
    project.run("prove", "--seconds", "20", spec)
    project.sample("Store", "[bounds]\nOrder = 2\n")
    outcome = project.run("verify-certificate", "certificates/specs/store.json")
    assert outcome.code == 2
    assert "not for the present version of Store" in outcome.err


def test_the_command_says_what_is_not_proved(project: Project) -> None:
    outcome = project.run("prove", "--seconds", "0.0001", project.sample("Store", "[bounds]\nOrder = 1\n"))
    assert outcome.code == 3
    assert "  not proved: never_lost: time limit of 0.0001 s" in outcome.out
    assert "certificate" not in outcome.out


def test_a_certificate_that_is_not_there(project: Project) -> None:
    outcome = project.run("verify-certificate", "nowhere.json")
    assert outcome.code == 2
    assert "cannot read this certificate: No such file" in outcome.err


def test_a_model_that_is_too_wide(project: Project) -> None:
    text = """
        from typing import Annotated
        from checker.dsl import Model, Range, Set, action

        class Wide(Model):
            seen: Set[Annotated[int, Range(0, 20000)]]

            @action
            def see(self) -> None:
                self.seen.add(len(self.seen))
    """
    project.write("models/wide.py", text)
    project.write("specs/wide.toml", 'model = "models/wide.py:Wide"\n')
    project.refuses(
        ["prove", "--seconds", "20"],
        "no proof can be tried: int[0..20000] has 20,001 values, more than 16,384",
        "`quackcheck check` exhausts its states instead",
    )


def test_no_time(project: Project) -> None:
    outcome = project.run("prove", "--seconds", "0", project.sample("Store"))
    assert outcome.code == 2
    assert "x>0" in outcome.err


def test_the_command_as_json(project: Project) -> None:
    outcome = project.run("prove", "--json", project.sample("Store", "[bounds]\nOrder = 1\n"))
    (document,) = json.loads(outcome.out)["specs"]
    assert document["certificate"] == "certificates/specs/store.json"
    assert {v["property"]: v["proved"] for v in document["verdicts"]}["never_lost"]


def test_a_proof_that_ends_with_its_time_keeps_what_was_proved(monkeypatch: pytest.MonkeyPatch) -> None:
    """What watches the encoding is not asked when the certificate is made, maybe after the deadline."""
    monkeypatch.setattr(circuit, "NODES_PER_LOOK", 1)
    late: list[bool] = []

    def look() -> None:
        if late:
            raise OutOfTime

    program = load_spec(Path("benchmarks/protocols/lockserv.toml")).lowered.program
    system = encode(program, oracle_named("auto"), look=look)
    late.append(True)
    lemmas: list[Cube] = []
    for target in targets(system):
        if target.name in (ENCODING, "mutual_exclusion"):
            found = Ic3(system, target, lemmas, oracle_named("auto"), Watch()).run()
            assert isinstance(found, Proved)
            lemmas += found.lemmas
    assert certified(system, lemmas, ["mutual_exclusion"]).proved == ("mutual_exclusion",)


def test_a_search_that_cannot_begin_in_its_share_does_not_end_the_proof() -> None:
    """Laying out a first state may take longer than the moment that deeper witnesses are worth."""
    model = load_spec(Path("specs/orders/versions_condition.toml")).lowered
    prover = Prover(Request(model, Limits(time_s_max=30)))
    system = encode(model.program, oracle_named("auto"))
    assert prover._search(system, 3, time.monotonic() - 1) is None
    assert prover._findings.stopped is None
