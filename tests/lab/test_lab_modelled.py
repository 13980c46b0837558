"""The lab in the model's language: its schedules and properties against real consumers.

That Ctrl-C in such a test leaves no process behind is in ``test_lab_processes.py``.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

import checker
from checker.errors import UserError
from checker.lab.errors import Diverged, StepDidNotFire
from checker.lab.fixtures import Conduct
from checker.lab.fixtures import conduct as conduct
from checker.lab.modelled import ModelledLab, PropertyViolated

PROJECT = Path(checker.__file__).parents[1]
NAIVE = "specs/order_intake/naive.toml"
KEYED = "specs/order_intake/keyed.toml"
TRANSACTIONAL = "specs/order_intake/transactional.toml"
GENERATED = "generated_tests/test_order_intake_naive_at_most_one_order.py"


@pytest.fixture(autouse=True)
def at_root(monkeypatch: pytest.MonkeyPatch) -> None:
    """Specs name their models from here."""
    monkeypatch.chdir(PROJECT)


def duplicate(lab: ModelledLab) -> None:
    """Both workers look before either has written; found on the naive consumer."""
    lab.act("place", order="order-0")
    lab.call("worker-0", "inbox.receive", delivers={"order": "order-0"})
    lab.call("worker-0", "seen.get", key="order-0")
    lab.fault("inbox", "visibility_expiry", order="order-0", holder="worker-0")
    lab.call("worker-1", "inbox.receive", delivers={"order": "order-0"})
    lab.call("worker-1", "seen.get", key="order-0")
    lab.call("worker-0", "orders.insert", values={"order": "order-0", "created_by": "worker-0"})
    lab.call("worker-1", "orders.insert", values={"order": "order-0", "created_by": "worker-1"})


def test_a_violated_property_names_the_order_and_both_workers(conduct: Conduct) -> None:
    lab = conduct(NAIVE, duplicate)
    lab.check("rows_never_change", "every_placed_order_exists", "all_orders_created")
    with pytest.raises(PropertyViolated) as caught:
        lab.check("at_most_one_order")
    assert caught.value.name == "at_most_one_order"
    lines = str(caught.value).splitlines()
    assert lines[0].startswith(
        "at_most_one_order is false for order 0 (No order is created twice.) [backend: "
    )
    assert lines[1] == (
        "orders.items is {rowid 0: OrderRow(order 0, worker 0), rowid 1: OrderRow(order 0, worker 1)}, "
        "changed by"
    )
    assert [line.strip() for line in lines[2:4]] == [
        "7 worker-0: dynamodb PutItem orders: released",
        "8 worker-1: dynamodb PutItem orders: released",
    ]
    with pytest.raises(PropertyViolated):
        lab.check_all()


def test_the_same_schedule_forced_on_a_fix(conduct: Conduct) -> None:
    """The order of processes and the fault are kept; what the fix calls instead, it calls."""
    lab = conduct(KEYED, duplicate, found_on=NAIVE)
    lab.check_all()
    history = [str(step) for step in lab.lab.history]
    assert any("inbox.visibility_expiry" in step for step in history)
    first = next(i for i, step in enumerate(history) if "worker-0: dynamodb PutItem" in step)
    second = next(i for i, step in enumerate(history) if "worker-1: dynamodb PutItem" in step)
    assert first < second
    assert "ConditionalCheckFailedException" in history[second]


def test_the_same_schedule_strictly_on_another_consumer_diverges(conduct: Conduct) -> None:
    """A consumer that does not do what the schedule says tells nothing of the property."""
    with pytest.raises(Diverged, match=r"the model expects worker-0 to call seen.get") as caught:
        conduct(KEYED, duplicate)
    assert not isinstance(caught.value, PropertyViolated)
    assert "but it called dynamodb PutItem orders" in str(caught.value)


def test_a_schedule_whose_faults_never_fire_proves_nothing(conduct: Conduct) -> None:
    def schedule(lab: ModelledLab) -> None:
        lab.act("place", order="order-0")
        lab.fault("inbox", "visibility_expiry", order="order-0", holder="worker-0")

    with pytest.raises(StepDidNotFire, match="none of the schedule's faults could be applied"):
        conduct(KEYED, schedule, found_on=NAIVE)
    with pytest.raises(StepDidNotFire, match=r"inbox.visibility_expiry did not happen"):
        conduct(NAIVE, schedule)


def test_an_action_happens_only_where_the_model_has_it(conduct: Conduct) -> None:
    def twice(lab: ModelledLab) -> None:
        lab.act("place", order="order-0")
        lab.act("place", order="order-0")

    with pytest.raises(StepDidNotFire, match="the action 'place' is not enabled in the observed state"):
        conduct(NAIVE, twice)


@pytest.mark.parametrize(
    ("schedule", "message"),
    [
        (lambda lab: lab.act("plcae", order="order-0"), "Naive has no action 'plcae'"),
        (lambda lab: lab.act("place", order="worker-0"), "'worker-0' is no Order"),
        (lambda lab: lab.act("place"), "the action 'place' takes order"),
        (lambda lab: lab.act("place", order="order-0", by="worker-0"), "the action 'place' takes order"),
        (lambda lab: lab.check("at_most_one"), "Naive has no property 'at_most_one'"),
        (lambda lab: lab.call("worker-7", "inbox.receive"), "there is no process 'worker-7'"),
        (lambda lab: lab.call("worker-0", "inbx.receive"), "the wiring declares no resource 'inbx'"),
        (lambda lab: lab.fault("inbox", "lose"), "has no step 'lose'"),
    ],
)
def test_mistakes_in_a_schedule(
    conduct: Conduct, schedule: Callable[[ModelledLab], None], message: str
) -> None:
    with pytest.raises(UserError) as caught:
        conduct(NAIVE, schedule)
    assert message in str(caught.value)
    assert caught.value.hint


# Specs that do not fit


HANDLED = """
from __future__ import annotations

from checker.dsl import Set, always, process
from models.order_intake import Naive, Order, OrderRow, Marker, Worker


class Handled(Naive):
    handled: Set[Order]

    @process(instances=Worker)
    async def worker(self, me: Worker) -> None:
        delivery = await self.inbox.receive()
        order = delivery.body.order
        self.handled.add(order)
        if await self.seen.get(order) is None:
            await self.orders.insert(OrderRow(order, me))
            await self.seen.put(order, Marker())
        await self.inbox.delete(delivery)

    @always
    def nothing_handled(self) -> bool:
        return len(self.handled) == 0

    @always
    def nothing_in_flight(self) -> bool:
        return len(self.inbox.in_flight) == 0
"""


def spec_of(folder: Path, model: str, **changes: str) -> str:
    text = (PROJECT / NAIVE).read_text().replace("models/order_intake.py:Naive", model)
    for before, after in {'fixed_by = ["keyed", "transactional"]': "", **changes}.items():
        assert before in text
        text = text.replace(before, after)
    (folder / "spec.toml").write_text(text)
    return str(folder / "spec.toml")


def test_a_property_that_the_lab_cannot_observe(conduct: Conduct, tmp_path: Path) -> None:
    """It is never asked, so that it must not be asserted either."""
    model = tmp_path / "handled.py"
    model.write_text(HANDLED)
    lab = conduct(spec_of(tmp_path, f"{model}:Handled"), lambda lab: lab.act("place", order="order-0"))
    for name, what in (("nothing_handled", "handled"), ("nothing_in_flight", "inbox.in_flight")):
        with pytest.raises(UserError) as caught:
            lab.check(name)
        text = str(caught.value)
        assert f"the property '{name}' looks at {what}, which the lab cannot observe" in text
        assert "hint: state it in terms of tables, visible messages" in text
    lab.check("at_most_one_order")


def nothing(_: ModelledLab) -> None:
    """A schedule without steps."""


def test_a_wiring_that_is_not_there(conduct: Conduct, tmp_path: Path) -> None:
    spec = spec_of(tmp_path, "models/order_intake.py:Naive", **{"order_intake/wiring.toml": "none.toml"})
    with pytest.raises(UserError, match=r"there is no wiring file consumers/none.toml"):
        conduct(spec, nothing)


def test_a_consumer_that_is_not_there(conduct: Conduct, tmp_path: Path) -> None:
    spec = spec_of(
        tmp_path, "models/order_intake.py:Naive", **{"consumers.order_intake.naive": "consumers.none"}
    )
    with pytest.raises(
        UserError, match="worker-0 ended with status 1 before it made a gated AWS call"
    ) as caught:
        conduct(spec, nothing)
    assert "No module named consumers.none" in str(caught.value)


def test_a_spec_without_a_lab(conduct: Conduct, tmp_path: Path) -> None:
    text = (PROJECT / NAIVE).read_text()
    (tmp_path / "spec.toml").write_text(text[: text.index("[lab]")])
    with pytest.raises(UserError, match="the spec does not say how the lab reaches its consumer") as caught:
        conduct(str(tmp_path / "spec.toml"), nothing)
    assert caught.value.where == str(tmp_path / "spec.toml")
    assert caught.value.hint


# Generated tests, run as a user runs them


@pytest.fixture
def copied(tmp_path: Path) -> Path:
    """The project with one generated test, to be broken."""
    for folder in ("consumers", "models", "specs"):
        shutil.copytree(PROJECT / folder, tmp_path / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (tmp_path / "generated_tests").mkdir()
    for path in ("generated_tests/conftest.py", GENERATED):
        shutil.copy(PROJECT / path, tmp_path / path)
    return tmp_path


def test_a_broken_fix_fails_its_test_and_no_other(copied: Path) -> None:
    """The keyed consumer forgets its condition; and a test is pointed at another consumer than its own."""
    keyed = copied / "consumers/order_intake/keyed.py"
    condition = '            ConditionExpression="attribute_not_exists(order_id)",\n'
    assert condition in keyed.read_text()
    keyed.write_text(keyed.read_text().replace(condition, ""))
    text = (copied / GENERATED).read_text()
    elsewhere = text.replace(f'SPEC = "{NAIVE}"', f'SPEC = "{TRANSACTIONAL}"')
    (copied / "generated_tests/test_elsewhere.py").write_text(
        elsewhere.partition("@pytest.mark.parametrize")[0]
    )
    command = [
        sys.executable,
        "-m",
        "pytest",
        "generated_tests",
        "-v",
        "-p",
        "no:cacheprovider",
        "-c",
        os.devnull,
    ]
    run = subprocess.run(
        [*command, f"--rootdir={copied}"],
        cwd=copied,
        env={**os.environ, "PYTHONPATH": f"{copied}{os.pathsep}{PROJECT}", "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    outcomes = dict(re.findall(r"::(\S+) (PASSED|FAILED|XFAIL|XPASS|ERROR)", run.stdout))
    names = {f"{Path(path).stem} {test}" for path, test in re.findall(r"(\S+\.py)::(\S+) FAILED", run.stdout)}
    assert names == {
        f"{Path(GENERATED).stem} test_fix_holds[{KEYED}]",
        "test_elsewhere test_violates_at_most_one_order",
    }, run.stdout + run.stderr
    assert outcomes[f"test_fix_holds[{TRANSACTIONAL}]"] == "PASSED"
    assert re.search(rf"{Path(GENERATED).name}::test_violates_at_most_one_order XFAIL", run.stdout)
    assert (
        "rows_never_change is false for order 0 (A row, once created, is not overwritten or removed.)"
        in run.stdout
    )
    for worker in ("worker-0", "worker-1"):
        assert re.search(rf"\d+ {worker}: dynamodb PutItem orders: released", run.stdout)
    assert "Diverged: the model expects worker-0 to call seen.get" in run.stdout
