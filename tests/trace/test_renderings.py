"""A run as lanes and as text, and the table of verdicts, line by line."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from checker.engines.interface import Answer
from checker.ir.types import BagType, FifoType, IndexType, MapType, SetType
from checker.ir.values import FrozenMap
from checker.report.lanes import lanes
from checker.report.text import bounds_text, change_text, faults_text, print_counterexample, print_verdicts
from checker.trace.trace import Change
from tests.cli.project import ROOT
from tests.engines import sample_models as models
from tests.trace.runs import checked, run_of

ORDER = IndexType("Order", 3)
ITEM = IndexType("Item", 3)


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)


def printed(*names: str) -> str:
    out = io.StringIO()
    console = Console(file=out, highlight=False, soft_wrap=True, markup=False, emoji=False, width=80)
    result = checked("marker_first_lost_answer")
    for name in names:
        if name == "verdicts":
            print_verdicts(console, result)
        else:
            print_counterexample(console, next(f for f in result.findings if f.name == name))
    return out.getvalue()


def lines_of(spec: str, prop: str) -> list[str]:
    trace = next(finding.trace for finding in checked(spec).findings if finding.name == prop)
    assert trace is not None
    return lanes(trace)


def test_lanes_of_a_crash() -> None:
    assert lines_of("delete_first", "every_placed_order_exists") == [
        "    environment      worker 0",
        " 1  place(order 0)",
        " 2                   inbox.receive() → Delivery(OrderPlaced(order 0))",
        " 3                   inbox.delete(Delivery(OrderPlaced(order 0)))",
        " 4                   ☠ crashes and restarts",
    ]


def test_lanes_of_a_lost_answer() -> None:
    assert lines_of("marker_first_lost_answer", "every_placed_order_exists") == [
        "    environment      worker 0",
        " 1  place(order 0)",
        " 2                   inbox.receive() → Delivery(OrderPlaced(order 0))",
        " 3                   ? seen.put_if_absent(order 0, Marker) is applied, but its answer is lost",
        " 4                   seen.put_if_absent(order 0, Marker) raises ConditionalCheckFailed",
        " 5                   inbox.delete(Delivery(OrderPlaced(order 0)))",
    ]


def test_lanes_of_a_fault_of_a_component() -> None:
    assert lines_of("delete_first", "at_most_one_order")[:4] == [
        "    environment           worker 0",
        " 1  place(order 0)",
        " 2                        inbox.receive() → Delivery(OrderPlaced(order 0))",
        " 3  ⚡ inbox.duplicate()",
    ]


def test_lanes_stay_within_the_page_by_running_into_empty_ones() -> None:
    _, trace = run_of(models.Overwriter, "rows_never_change")
    assert lanes(trace) == [
        "    worker 0                                      worker 1",
        " 1  orders.get(order 0) → none",
        " 2                                                orders.get(order 0) → none",
        " 3  orders.put(order 0, Row(order 0, worker 0))",
        " 4                                                orders.put(order 0, Row(order 0, worker 1))",
    ]
    narrow = lanes(trace, width_max=70)
    assert max(map(len, narrow)) <= 70
    assert narrow[0].split() == ["worker", "0", "worker", "1"]


def test_lanes_of_a_run_without_steps() -> None:
    _, trace = run_of(models.FalseAtOnce, "starts_higher")
    assert lanes(trace) == [""]


def test_the_table_of_verdicts() -> None:
    head, *rows, last = printed("verdicts").splitlines()
    assert head == "specs/order_intake/marker_first_lost_answer.toml  MarkerFirst"
    assert rows == [
        "  The same without any crash: the answer to the claim is lost, and the SDK's own retry is refused.",
        "  bounds: Order 1, RowId 2, Worker 1; faults: ambiguous 1; SDK attempts: 2",
        "    HOLDS     at_most_one_order                                     as expected",
        "    VIOLATED  every_placed_order_exists  counterexample of 5 steps  as expected",
        "    HOLDS     rows_never_change                                     as expected",
        "    HOLDS     all_orders_created         witness of 4 steps         as expected",
        "    HOLDS     deadlock_free                                         as expected",
    ]
    assert last.startswith("  native: 17 states, 18 transitions, depth 6, ")


def test_a_counterexample_step_by_step() -> None:
    first, *rest = printed("every_placed_order_exists").splitlines()[1:]
    assert first.startswith("  every_placed_order_exists: order 0 never reached `orders`")
    assert rest == [
        "  (No placed order is lost.)",
        "  faults it uses: 1 of 1 ambiguous",
        "    1  environment  place(order 0)",
        "                      placed: + order 0",
        "                      inbox.visible: + OrderPlaced(order 0)",
        "    2  worker 0     inbox.receive()  → Delivery(OrderPlaced(order 0))",
        "                      inbox.visible: − OrderPlaced(order 0)",
        "                      inbox.in_flight: + InFlight(OrderPlaced(order 0), worker 0)",
        "    3  worker 0     seen.put_if_absent(order 0, Marker)  is applied, but its answer is lost",
        "                      seen.items: + order 0: Marker",
        "    4  worker 0     seen.put_if_absent(order 0, Marker)  raises ConditionalCheckFailed",
        "    5  worker 0     inbox.delete(Delivery(OrderPlaced(order 0)))",
        "                      inbox.in_flight: − InFlight(OrderPlaced(order 0), worker 0)",
    ]


@pytest.mark.parametrize(
    ("change", "text"),
    [
        (
            Change("", "a", SetType(ORDER), frozenset({0, 1}), frozenset({1, 2})),
            "a: − order 0  + order 2",
        ),
        (
            Change("", "a", BagType(ORDER), FrozenMap({0: 1, 1: 1}), FrozenMap({0: 3})),
            "a: − order 1  + order 0  + order 0",
        ),
        (
            Change("", "a", MapType(ORDER, ITEM), FrozenMap({0: 1, 1: 1}), FrozenMap({0: 2, 1: 1})),
            "a: − order 0: item 1  + order 0: item 2",
        ),
        (Change("", "a", FifoType(ORDER), (0,), (0, 1)), "a: [order 0] → [order 0, order 1]"),
    ],
)
def test_changes_are_told_as_differences(change: Change, text: str) -> None:
    assert change_text(change) == text


def test_faults_and_bounds_in_a_line() -> None:
    result = checked("delete_first")
    traces = {finding.name: finding.trace for finding in result.findings}
    assert traces["at_most_one_order"] is not None
    assert faults_text(traces["at_most_one_order"]) == "1 of 1 inbox.duplicate"
    _, without = run_of(models.Ladder, "one_at_a_time")
    assert faults_text(without) == "none"
    assert bounds_text(without.program) == "bounds: none; faults: none; SDK attempts: 1"
    assert (
        bounds_text(result.spec.lowered.program)
        == "bounds: Order 1, RowId 3, Worker 2; faults: crash 1, inbox.duplicate 1; SDK attempts: 1"
    )


def test_every_violated_property_of_the_order_intake_has_a_trace() -> None:
    for name in ("delete_first", "marker_first", "marker_first_lost_answer"):
        for finding in checked(name).findings:
            assert (finding.verdict.answer is Answer.VIOLATED) <= (finding.trace is not None)
