"""A model is ordinary Python: a type checker reads it, a debugger steps through it, and it is short."""

from __future__ import annotations

import ast
import sys
from pathlib import Path
from types import FrameType
from typing import Any

from mypy import api

from checker.dsl.lowering import lower
from checker.engines.reference import ReferenceMachine
from checker.ir.program import Budgets
from checker.semantics.state import State
from models import order_intake

MODEL = Path(order_intake.__file__)


def _mypy(path: Path) -> tuple[str, int]:
    root = str(MODEL.parent.parent)
    options = ["--strict", "--no-error-summary", "--cache-dir", f"{root}/.mypy_cache"]
    report, errors, status = api.run([*options, str(path)])
    assert not errors, errors
    return report, status


def test_a_type_checker_passes_the_order_intake_models_and_fails_a_wrong_one(tmp_path: Path) -> None:
    assert _mypy(MODEL) == ("", 0)
    text = MODEL.read_text(encoding="utf-8")
    mistakes = {
        "self.placed.add(order)": "self.placed.add(3)",
        "await self.inbox.receive()\n        order": "self.inbox.receive()\n        order",
        "await self.seen.put(order, Marker())": "await self.seen.put(Marker(), order)",
    }
    for right, wrong in mistakes.items():
        assert right in text
        text = text.replace(right, wrong)
    broken = tmp_path / "broken_model.py"
    broken.write_text(text, encoding="utf-8")
    report, status = _mypy(broken)
    assert status == 1
    assert 'Argument 1 to "add" of "Set" has incompatible type "int"' in report
    assert '"Awaitable[Delivery[OrderPlaced]]" has no attribute "body"' in report
    assert 'has incompatible type "Marker"; expected "Order"' in report


def test_a_debugger_sees_the_lines_of_a_process() -> None:
    """sys.settrace is what debuggers are made of."""
    lowered = lower(order_intake.Keyed, {"Order": 1, "Worker": 1}, Budgets())
    machine = ReferenceMachine(lowered)
    lines: list[str] = []
    source = MODEL.read_text(encoding="utf-8").splitlines()

    def trace(frame: FrameType, event: str, argument: Any) -> Any:
        if frame.f_code.co_filename != str(MODEL):
            return None
        if event == "line" and frame.f_code.co_name == "worker":
            lines.append(source[frame.f_lineno - 1].strip())
        return trace

    (initial,) = (successor.outcome for successor in machine.initial_states())
    assert isinstance(initial, State)
    (placed,) = (successor.outcome for successor in machine.successors(initial))
    assert isinstance(placed, State)
    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        list(machine.successors(placed))
    finally:
        sys.settrace(outer)
    assert "delivery = await self.inbox.receive()" in lines
    after = lines[lines.index("order = delivery.body.order") :]
    assert after[:3] == [
        "order = delivery.body.order",
        "try:",
        "await self.orders.put_if_absent(order, OrderRow(order, me))",
    ]


def test_the_naive_variant_is_at_most_45_lines_of_code() -> None:
    tree = ast.parse(MODEL.read_text(encoding="utf-8"))
    code: set[int] = set()
    for node in tree.body:
        if isinstance(node, ast.ClassDef) and node.name in ("OrderIntake", "Naive"):
            documentation = {
                line
                for inner in ast.walk(node)
                if isinstance(inner, ast.Expr) and isinstance(inner.value, ast.Constant)
                for line in range(inner.lineno, (inner.end_lineno or 0) + 1)
            }
            code |= set(range(node.lineno, (node.end_lineno or 0) + 1)) - documentation
    source = MODEL.read_text(encoding="utf-8").splitlines()
    written = [number for number in code if source[number - 1].strip()]
    assert 30 <= len(written) <= 45
