"""The native engine's symmetry reduction: the same verdicts, exact orbits, runs in unreduced terms."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from checker.dsl.lowering import LoweredModel, lower
from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Limits, Request, Result
from checker.engines.native import engine
from checker.engines.native.binding import Search
from checker.engines.native.codegen.layout import Unsupported
from checker.engines.native.codegen.program import generate
from checker.engines.native.compile import compiled
from checker.engines.native.engine import NativeEngine
from checker.engines.native.findings import Config
from checker.engines.native.structures import Library
from checker.engines.runner import run
from checker.ir.program import Budgets
from checker.ir.symmetry import Symmetry, symmetry_of
from checker.semantics.machine import Machine
from checker.semantics.renaming import renamed
from checker.semantics.state import State
from checker.spec import load_spec
from models.orders.fifo_dedup import ConsumerSide
from tests.differential.comparison import lowered_from
from tests.differential.random_models import random_model
from tests.differential.renaming import declared_interchangeable, orbit, renamings
from tests.dsl.sources import lower_text, model_text
from tests.sampling import SOME_SPECS, seeds

from .agreement import ROOMY
from .test_engine import lowered_source

SMALL = [
    "specs/order_intake/naive.toml",
    "specs/order_intake/delete_first.toml",
    "specs/order_intake/marker_first.toml",
]
#: Its records hold records that name members, each with a renaming function of its own.
NESTED = "specs/inventory/strong_pieces.toml"
#: Its global table keeps several versions of the items that stand for interchangeable customers.
REPLICATED = "specs/reads/session_token.toml"
SEEDS_IN_CI = 60
PARTS = 4


def _outcome(result: Result) -> object:
    """What a reduced search must find as a full one does: verdicts, lengths of runs, whether it rests."""
    if result.failure is not None:
        path = result.failure.path
        return ("model error", None if path is None else len(path.transitions))
    verdicts = [
        (v.property, v.answer, None if v.path is None else len(v.path.transitions)) for v in result.verdicts
    ]
    return (verdicts, result.statistics.comes_to_rest, set(result.statistics.fired))


def _stored(lowered: LoweredModel, reduced: bool) -> list[State]:
    sets = symmetry_of(lowered.program, 64).sets if reduced else ()
    source = generate(lowered.program, ROOMY, sets)
    with compiled(source.text) as path, Search(Library(path), Config(properties=0)) as search:
        search.run()
        return [source.layout.decode(words) for words in search.states()]


@pytest.mark.parametrize("path", [*SMALL, NESTED, REPLICATED])
def test_a_reduced_search_of_a_spec_finds_the_same(path: str) -> None:
    request = Request(load_spec(Path(path)).lowered)
    permutations = symmetry_of(request.lowered.program, 64).permutations
    reduced, full = run("native", request), run("native", replace(request, symmetry=False))
    assert _outcome(reduced) == _outcome(full)
    used = reduced.statistics.symmetry
    assert used is not None
    assert used.permutations == permutations > 1
    assert used.represented == full.statistics.states
    assert reduced.statistics.states < 1.2 * full.statistics.states / permutations
    assert full.statistics.symmetry is None


@pytest.mark.parametrize("path", SMALL[1:])
def test_exactly_one_state_of_each_orbit_is_stored(path: str) -> None:
    lowered = load_spec(Path(path)).lowered
    sets = symmetry_of(lowered.program, 64).sets
    reduced, full = _stored(lowered, reduced=True), _stored(lowered, reduced=False)
    orbits = {orbit(lowered.program, sets, state) for state in full}
    assert len(reduced) == len(orbits)
    assert {orbit(lowered.program, sets, state) for state in reduced} == orbits


def _representatives_agree(lowered: LoweredModel, states_max: int) -> int:
    """Each state, renamed in every way, has one representative, and the renaming that is told leads there."""
    program = lowered.program
    sets = symmetry_of(program, 64).sets
    if not sets:
        return 0
    source, machine = generate(program, ROOMY, sets), Machine(program)
    members, compared = max(index.size for index in sets), 0
    todo = [s.outcome for s in machine.initial_states() if isinstance(s.outcome, State)]
    seen = set(todo)
    with compiled(source.text) as path, Search(Library(path), Config(properties=0)) as search:
        for state in todo:
            found = set()
            for names in renamings(sets):
                other = renamed(program, state, names)
                words, told = search.representative(source.layout.encode(other), len(sets), members)
                rows = [tuple(told[i * members :][: index.size]) for i, index in enumerate(sets)]
                leads_to = {index.name: row for index, row in zip(sets, rows, strict=True)}
                assert renamed(program, other, leads_to) == source.layout.decode(words)
                found.add(words)
                compared += 1
            assert len(found) == 1, state
            for successor in machine.successors(state):
                after = successor.outcome
                if isinstance(after, State) and after not in seen and len(seen) < states_max:
                    if source.layout.decode(source.layout.encode(after)) != after:
                        return compared  # more than the layout holds
                    seen.add(after)
                    todo.append(after)
    return compared


@pytest.mark.parametrize("path", SOME_SPECS)
def test_renaming_in_c_is_renaming(path: str) -> None:
    lowered = load_spec(Path(path)).lowered
    compared = _representatives_agree(lowered, 150)
    assert compared > 0 or not symmetry_of(lowered.program, 64).sets


@pytest.mark.parametrize("part", range(PARTS))
def test_renaming_in_c_is_renaming_in_random_models(part: int, tmp_path: Path) -> None:
    compared = 0
    for seed in range(500 + part, 540, PARTS):
        with lowered_from(declared_interchangeable(random_model(seed)), tmp_path) as lowered:
            try:
                compared += _representatives_agree(lowered, 60)
            except Unsupported:
                continue
    assert compared > 10


def test_a_fifo_that_a_map_holds_is_renamed_with_its_length() -> None:
    """Orders wait in the FIFO queue of a customer, which is an entry of a map."""
    lowered = lower(ConsumerSide, {"Order": 2, "Worker": 2, "Customer": 1}, Budgets())
    sets = symmetry_of(lowered.program, 64).sets
    assert [index.name for index in sets] == ["Order", "Worker"]
    reduced, full = _stored(lowered, reduced=True), _stored(lowered, reduced=False)
    orbits = {orbit(lowered.program, sets, state) for state in full}
    assert len(reduced) == len(orbits) < len(full)
    assert {orbit(lowered.program, sets, state) for state in reduced} == orbits


def test_records_within_records_are_renamed(tmp_path: Path) -> None:
    """Each of the nested types has a function of its own."""
    text = model_text(
        top=(
            "class Member(Index, interchangeable=True): ...\n@record\nclass Inner:\n    member: Member\n\n"
            "@record\nclass Outer:\n    inner: Inner\n    other: Member | None\n"
        ),
        members="outer: Outer | None\n@action\ndef a(self, member: Member) -> None:\n"
        "    self.outer = Outer(Inner(member), None if self.outer is None else self.outer.inner.member)\n",
    )
    lowered = lower_text(text, tmp_path, {"Item": 1, "Worker": 1, "Member": 2})
    sets = symmetry_of(lowered.program, 64).sets
    assert [index.name for index in sets] == ["Member"]
    reduced, full = _stored(lowered, reduced=True), _stored(lowered, reduced=False)
    assert len(reduced) == len({orbit(lowered.program, sets, state) for state in full}) < len(full)


def test_runs_are_in_unreduced_terms() -> None:
    """The run of a reduced search begins in the model's own initial state and follows its own steps."""
    lowered = load_spec(Path("specs/order_intake/keyed.toml")).lowered
    result = run("native", Request(lowered, Limits(depth_max=14)))
    witness = next(v.path for v in result.verdicts if v.property == "all_orders_created")
    assert witness is not None
    explicit = ExplicitEngine().check(Request(lowered, Limits(depth_max=len(witness.transitions))))
    expected = next(v.path for v in explicit.verdicts if v.property == "all_orders_created")
    assert expected is not None
    assert witness.initial == expected.initial
    assert len(witness.transitions) == len(expected.transitions)


def _symmetric(among: range, folder: Path) -> list[int]:
    """Those of the random models that the rules allow to be renamed: about one in four."""
    found = []
    for seed in among:
        with lowered_from(declared_interchangeable(random_model(seed)), folder) as lowered:
            if symmetry_of(lowered.program, 64).sets:
                found.append(seed)
    return found


def _compared(seed: int, folder: Path) -> bool:
    """Whether a random model with symmetry has a space small enough; then both engines have to agree."""
    with lowered_from(declared_interchangeable(random_model(seed)), folder) as lowered:
        request = Request(lowered, Limits(depth_max=5))
        try:
            reduced = NativeEngine().check(request)
        except Unsupported:
            return False
        full = ExplicitEngine().check(replace(request, limits=Limits(depth_max=5, states_max=3000)))
        if full.stopped is not None and "states" in full.stopped:
            return False
        assert _outcome(reduced) == _outcome(full), seed
        if full.failure is None:
            used = reduced.statistics.symmetry
            assert used is not None
            assert used.represented == full.statistics.states, seed
        return True


@pytest.mark.parametrize("part", range(PARTS))
def test_reduced_searches_of_random_models_find_the_same(part: int, tmp_path: Path) -> None:
    models = _symmetric(range(SEEDS_IN_CI), tmp_path)[part::PARTS]
    compared = sum(_compared(seed, tmp_path) for seed in models)
    assert compared >= 0.7 * len(models) > 1


@pytest.mark.slow
@pytest.mark.parametrize("part", range(PARTS))
def test_reduced_searches_of_many_random_models_find_the_same(part: int, tmp_path: Path) -> None:
    models = _symmetric(seeds(3000, 96), tmp_path)[part::PARTS]
    compared = sum(_compared(seed, tmp_path) for seed in models)
    assert compared >= 0.7 * len(models) > 1


_ERRS_BY_ORDER = """
class Item(Index, interchangeable=True):
    pass


class M(Model):
    paid: Map[Item, bool]
    done: Set[Item]

    @action
    def pay(self, item: Item) -> None:
        self.paid[item] = True

    @action
    def finish(self, item: Item) -> None:
        self.done.add(item)

    @always
    def some_paid(self) -> bool:
        return not self.done or any(self.paid[item] for item in self.done)
"""


def test_an_error_that_comes_or_not_with_the_order_is_not_missed(tmp_path: Path) -> None:
    """Item 0 is paid and item 1 is not: any() says yes, or errs where it comes to item 1 first."""
    lowered = lowered_source(_ERRS_BY_ORDER, tmp_path)
    reduced, full = run("native", Request(lowered)), run("native", Request(lowered, symmetry=False))
    assert _outcome(reduced) == _outcome(full)
    assert reduced.failure is not None
    used = reduced.statistics.symmetry
    assert used is not None
    assert used.sets == ()
    assert used.broken == ("Item: all() or any() over members ran into a model error",)


def test_threads_do_not_change_a_reduced_search() -> None:
    lowered = load_spec(Path("specs/order_intake/keyed.toml")).lowered
    results = [NativeEngine().check(Request(lowered, threads=threads)) for threads in (1, 2, 4)]
    counts = {(r.statistics.states, r.statistics.transitions, r.statistics.depth) for r in results}
    assert len(counts) == 1
    assert all(v.answer is not Answer.UNKNOWN for r in results for v in r.verdicts)


_TELLS_APART = """
class Item(Index, interchangeable=True):
    pass


class M(Model):
    last: Item | None = None
    marked: Set[Item]

    @action
    def mark(self, item: Item) -> None:
        self.marked.add(item)

    @action
    def take(self) -> None:
        self.last = Item(0)
"""


def test_a_hole_in_the_rules_is_noticed_by_looking(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The canary: rules that let everything through, and a model that names a member."""
    lowered = lowered_source(_TELLS_APART, tmp_path)
    sets = tuple(index for index in lowered.program.index_sets if index.interchangeable)
    monkeypatch.setattr(engine, "symmetry_for", lambda program, allowed: Symmetry(sets, ()))
    used = NativeEngine().check(Request(lowered)).statistics.symmetry
    assert used is not None
    assert used.sets == ()
    assert used.broken == ("Item: renaming some states does not rename what they lead to",)


def test_a_broken_renaming_is_noticed() -> None:
    """The canary: generated code that renames every member of the first set to its first one."""
    lowered = load_spec(Path("specs/order_intake/delete_first.toml")).lowered
    source = generate(lowered.program, ROOMY, symmetry_of(lowered.program, 64).sets)
    broken = source.text.replace("p->to[0]", "0 * p->to[0]")
    assert broken != source.text
    with compiled(broken) as path, Search(Library(path), Config(properties=0)) as search:
        found = search.run()
    assert found.represented != ExplicitEngine().check(Request(lowered)).statistics.states
