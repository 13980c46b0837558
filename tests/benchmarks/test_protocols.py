"""The twelve published protocols: what holds, what can happen, what breaks them, by every engine alike."""

from __future__ import annotations

import functools
from pathlib import Path

import pytest

from benchmarks.protocols.transaction_commit import TransactionCommit
from benchmarks.protocols.two_phase import TwoPhase
from checker.dsl.declarations import Model
from checker.dsl.lowering import lower
from checker.dsl.lowering.model import index_sets_of
from checker.engines import runner
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Limits, Request, Verdict
from checker.engines.smt.prove import Prover
from checker.ir.program import Budgets, PropertyKind
from checker.spec import find_specs, load_spec
from checker.spec.check import Checked, Status, check, check_mutations

PROTOCOLS = find_specs(["benchmarks/protocols"])
#: How deep the symbolic engine looks where nothing is to be found: time grows with every step.
QUIET_DEPTH = 6
every_protocol = pytest.mark.parametrize("path", PROTOCOLS, ids=lambda path: path.stem)


@functools.cache
def exhausted(path: Path) -> Checked:
    """The spec, all of whose states the native engine has seen."""
    return check(load_spec(path))


def length(verdict: Verdict) -> int | None:
    return None if verdict.path is None else len(verdict.path.transitions)


def longest(verdicts: tuple[Verdict, ...]) -> int:
    return max(length(verdict) or 0 for verdict in verdicts)


def test_all_twelve_are_there() -> None:
    assert len(PROTOCOLS) == 12
    assert {path.stem for path in PROTOCOLS} == {
        path.stem for path in Path("benchmarks/protocols").glob("*.py") if path.stem != "__init__"
    }


@every_protocol
def test_the_native_engine_finds_what_the_spec_expects(path: Path) -> None:
    checked = check_mutations(exhausted(path))
    assert checked.status is Status.AS_EXPECTED
    assert checked.result.stopped is None
    assert checked.mutations
    assert not checked.result.notice


@every_protocol
def test_nothing_is_vacuous_and_every_set_can_be_renamed(path: Path) -> None:
    checked = exhausted(path)
    program = checked.spec.lowered.program
    assert checked.never_fired == ()
    assert {action.name for action in program.actions} == set(checked.result.statistics.fired)
    assert {prop.kind for prop in program.properties} == {PropertyKind.ALWAYS, PropertyKind.REACHABLE}
    symmetry = checked.result.statistics.symmetry
    assert symmetry is not None
    assert symmetry.broken == ()
    assert set(symmetry.sets) == set(index_sets_of(checked.spec.model))


@every_protocol
def test_bounded_search_finds_the_same(path: Path) -> None:
    theirs = exhausted(path).result
    depth = max(QUIET_DEPTH, longest(theirs.verdicts))
    ours = check(load_spec(path), engine="smt", limits=Limits(depth_max=depth)).result
    assert ours.engine == "smt"
    for one, other in zip(ours.verdicts, theirs.verdicts, strict=True):
        assert length(one) == length(other), one.property
        if other.path is None:
            assert one.answer in (Answer.HOLDS, Answer.HOLDS_UP_TO), one.property
        else:
            assert one.answer is other.answer, one.property


@every_protocol
def test_every_property_is_proved(path: Path) -> None:
    spec = load_spec(path)
    theirs = {verdict.property: verdict for verdict in exhausted(path).result.verdicts}
    proof = runner.prove(Request(spec.lowered, Limits(time_s_max=60)), method="ic3")
    for verdict in proof.result.verdicts:
        assert verdict.answer is theirs[verdict.property].answer
        assert verdict.proved == (theirs[verdict.property].path is None)
        if verdict.is_shortest:
            assert length(verdict) == length(theirs[verdict.property])
    certified = () if proof.certificate is None else proof.certificate.proved
    names = {prop.name for prop in spec.lowered.program.properties if prop.kind is PropertyKind.ALWAYS}
    assert names <= {*certified, *proof.general.proved}


@pytest.mark.parametrize(
    "name",
    [
        "lock_server",
        "lockserv",
        "lockserv_automaton",
        "two_phase_commit",
        "two_phase",
        "transaction_commit",
        "decentralized_lock",
        "sharded_kv",
        pytest.param("consensus_forall", marks=pytest.mark.slow),
    ],
)
def test_proofs_for_any_number(name: str) -> None:
    """The others need invariants that say that there is some member, and are proved at fixed sizes only."""
    spec = load_spec(Path(f"benchmarks/protocols/{name}.toml"))
    proof = runner.prove(Request(spec.lowered, Limits(time_s_max=200)))
    sets = {index.name for index in spec.lowered.program.index_sets}
    kinds = {prop.name: prop.kind for prop in spec.lowered.program.properties}
    for verdict in proof.result.verdicts:
        if kinds.get(verdict.property) is PropertyKind.ALWAYS:
            assert set(verdict.any_number) == sets
        assert verdict.answer is Answer.HOLDS
        assert verdict.proved == (verdict.path is None)
    assert proof.general.certificate is not None


@pytest.mark.parametrize(
    ("path", "name"),
    [(path, mutation.name) for path in PROTOCOLS for mutation in load_spec(path).mutations],
    ids=lambda part: part.stem if isinstance(part, Path) else part.replace(" ", "_"),
)
def test_broken_variants_are_violated(path: Path, name: str) -> None:
    broken = next(mutation for mutation in load_spec(path).mutations if mutation.name == name)
    wanted = frozenset(broken.violates)
    theirs = runner.run("native", Request(broken.lowered, wanted=wanted))
    request = Request(broken.lowered, Limits(depth_max=longest(theirs.verdicts)), wanted=wanted)
    ours = runner.run("smt", request)
    for one, other in zip(ours.verdicts, theirs.verdicts, strict=True):
        if one.property in wanted:
            assert one.answer is other.answer is Answer.VIOLATED
            assert length(one) == length(other)


def test_a_broken_variant_is_never_proved() -> None:
    broken = [mutation for path in PROTOCOLS for mutation in load_spec(path).mutations]
    for mutation in broken:
        proof = Prover(Request(mutation.lowered, Limits(time_s_max=5))).run()
        answers = {verdict.property: verdict.answer for verdict in proof.result.verdicts}
        assert not any(answers[name] is Answer.HOLDS for name in mutation.violates), mutation.name


@pytest.mark.parametrize(
    ("model", "managers", "states"),
    [
        # The TLA+ examples' own counts by TLC for two-phase commit; TransactionCommit's by hand: below.
        (TwoPhase, 3, 288),
        (TwoPhase, 4, 1_568),
        (TwoPhase, 5, 8_832),
        (TransactionCommit, 3, 34),
    ],
)
def test_published_counts_of_states(model: type[Model], managers: int, states: int) -> None:
    """For transaction commit with N managers: 3**N without a commit, and 2**N - 1 with one or more."""
    lowered = lower(model, {"Manager": managers}, Budgets())
    result = ExplicitEngine().check(Request(lowered, symmetry=False))
    assert result.statistics.states == states
    assert model is TwoPhase or states == 3**managers + 2**managers - 1
