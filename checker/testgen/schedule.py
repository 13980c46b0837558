"""The schedule of a trace: one line of a test for each step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from checker.errors import UserError
from checker.ir.types import BagType, RecordType, Type
from checker.ir.values import FrozenMap, Value
from checker.semantics.state import StepKind
from checker.trace.plain import to_plain
from checker.trace.trace import CallRecord, Change, Step, Trace

#: Parameters of table operations that hold the item which is written.
_ITEMS = ("item",)
_KEYS = ("key",)


@dataclass(frozen=True, slots=True)
class Line:
    """A statement of the schedule, and what it means."""

    number: int
    code: str
    comment: str


def schedule_of(trace: Trace) -> list[Line]:
    """The statements that make a lab take the steps of a trace, in order.

    Raises:
        UserError: a step that the lab cannot take.
    """
    return [Line(step.number, _code(step), _comment(step)) for step in trace.steps]


def _comment(step: Step) -> str:
    outcome = f" {step.outcome}" if step.outcome else ""
    return f"{step.actor}: {step.title}{outcome}"


def _code(step: Step) -> str:
    match step.kind:
        case StepKind.CALL | StepKind.FAIL | StepKind.AMBIGUOUS:
            return _call(step)
        case StepKind.CRASH:
            return _statement("crash", [_process(step)], {})
        case StepKind.FAULT | StepKind.ACTION if "." in step.transition.name:
            component, _, name = step.transition.name.rpartition(".")
            verb = "fault" if step.kind is StepKind.FAULT else "timeout"
            return _statement(verb, [component, name], _message(step, component))
        case StepKind.ACTION:
            if step.transition.choices:
                hint = "let the action take what it chooses as a parameter"
                raise _untakeable(step, "an action that chooses", hint)
            parameters = {p.name: to_plain(p.type, p.value) for p in step.parameters}
            return _statement("act", [step.transition.name], parameters)
    raise _untakeable(step, "a fault of the model itself", "give the fault to a component")


def _untakeable(step: Step, what: str, hint: str) -> UserError:
    return UserError(f"step {step.number}, '{step.title}', cannot be taken in the lab: {what}", hint=hint)


def _process(step: Step) -> str:
    return step.actor.replace(" ", "-")


def _call(step: Step) -> str:
    options: dict[str, Any] = {}
    first = step.calls[0]
    operation = first.name
    if step.transition.name.startswith("transact("):
        operation = "transact"
        options["writes"] = tuple(call.name for call in step.calls)
    else:
        options.update(_expected(first))
    match step.kind:
        case StepKind.FAIL:
            options["fault"] = "fail_before"
        case StepKind.AMBIGUOUS:
            # To the consumer a call that never arrived looks like any other that failed.
            options["fault"] = "drop_response" if first.applied else "fail_before"
    error = _error(step)
    if error is not None:
        options["raises"] = error
    if first.attempt > 1:
        options["attempt"] = first.attempt
    if step.transition.choices and first.operation == "delete" and _variables_changed(step):
        options["stale_delete"] = "deleted"
    return _statement("call", [_process(step), operation], options)


def _error(step: Step) -> str | None:
    errors = [call.error for call in step.calls if call.error is not None]
    if not errors:
        return None
    return "TransactionCanceled" if step.transition.name.startswith("transact(") else errors[0]


def _variables_changed(step: Step) -> bool:
    return any(change.name.startswith(f"{change.owner}.") for change in step.changes)


def _expected(call: CallRecord) -> dict[str, Any]:
    """What the call must name: the message that a receive delivers, a table's key, the item written."""
    if call.operation == "receive":
        if call.result is None:
            return {}
        delivered = to_plain(call.result.type, call.result.value)
        return {"delivers": _body(delivered["body"])}
    expected: dict[str, Any] = {}
    for argument in call.arguments:
        plain = to_plain(argument.type, argument.value)
        if argument.name in _KEYS:
            expected["key"] = plain
        elif argument.name in _ITEMS and isinstance(argument.type, RecordType) and plain:
            expected["values"] = plain
    return expected


def _message(step: Step, component: str) -> dict[str, Any]:
    """The message that a queue's own step is about, by what the step changed."""
    by_name = {change.name: change for change in step.changes}
    in_flight = by_name.get(f"{component}.in_flight")
    if in_flight is not None:
        type_, value = _difference(in_flight)
        plain = to_plain(type_, value)
        return {**_body(plain["body"]), "holder": plain["holder"]}
    visible = by_name.get(f"{component}.visible")
    if visible is not None:
        return _body(to_plain(*_difference(visible)))
    hint = "the lab takes the steps of the components in checker.components"
    raise _untakeable(step, "it changes nothing that the lab could change", hint)


def _body(plain: Any) -> dict[str, Any]:
    """A message's fields; the wiring says which attribute of the real message each one is."""
    if not isinstance(plain, dict):
        hint = "make the queue's messages a @record with one field"
        raise UserError(f"the message body {plain!r} has no field that the lab could write", hint=hint)
    return plain


def _difference(change: Change) -> tuple[Type, Value]:
    """The one element of a bag that a change added or removed."""
    assert isinstance(change.type, BagType)
    before: FrozenMap = change.before
    after: FrozenMap = change.after
    (element,) = [value for value in {*before, *after} if before.get(value, 0) != after.get(value, 0)]
    return change.type.element, element


def _statement(method: str, args: list[str], options: dict[str, Any]) -> str:
    parts = [_literal(arg) for arg in args]
    parts += [f"{name}={_literal(value)}" for name, value in options.items()]
    return f"lab.{method}({', '.join(parts)})"


def _literal(value: Any) -> str:
    """A Python literal in double quotes, as a formatter would write it."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"'
    if isinstance(value, dict):
        return "{" + ", ".join(f"{_literal(k)}: {_literal(v)}" for k, v in value.items()) + "}"
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_literal, value)) + ("," if len(value) == 1 else "") + ")"
    if isinstance(value, list):
        return "[" + ", ".join(map(_literal, value)) + "]"
    return repr(value)
