"""Traces as ITF JSON, the Informal Trace Format of the TLA+ ecosystem, so that other tools read them.

Source: Apalache ADR-015. What the format does not have (who did what, the spec, how to replay) lies in
``#meta`` objects, as the format intends.
"""

from __future__ import annotations

import json
from typing import Any

from checker.errors import UserError
from checker.ir.program import Program
from checker.ir.types import (
    BagType,
    EnumType,
    FifoType,
    IndexType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import Value, in_order
from checker.semantics.state import UNASSIGNED, State, StepKind, Transition
from checker.trace.plain import index_name
from checker.trace.trace import Step, Trace

#: The version of what ``#meta`` holds.
FORMAT_VERSION = 1

_HINT = "use a file that 'quackcheck check' wrote into traces/"


def to_itf(trace: Trace, about: dict[str, Any]) -> dict[str, Any]:
    """The trace as an ITF document; ``about`` is added to its ``#meta`` (the spec, the property, ...)."""
    program = trace.program
    names = [variable.name for variable in program.variables]
    names += [process.name for process in program.processes] + ["budgets"]
    states = [{"#meta": {"index": 0, "step": "init"}, **state_data(program, trace.initial)}]
    for step in trace.steps:
        states.append({"#meta": _step(step), **state_data(program, step.state)})
    meta = {"format": "ITF", "format-version": FORMAT_VERSION, "model": program.name, **about}
    return {"#meta": meta, "vars": names, "states": states}


def transitions_of(document: Any, source: str) -> tuple[Transition, ...]:
    """The transitions of a saved trace.

    Raises:
        UserError: the document is no trace that quackcheck saved.
    """
    try:
        version = document["#meta"]["format-version"]
        states = document["states"] if version == FORMAT_VERSION else []
        transitions = tuple(_transition(state["#meta"]["transition"]) for state in states[1:])
    except (KeyError, TypeError, ValueError) as error:
        missing = f": {error} is missing" if isinstance(error, KeyError) else ""
        raise UserError(f"this is no trace of quackcheck{missing}", where=source, hint=_HINT) from None
    if version != FORMAT_VERSION:
        hint = "save the trace again with this version: quackcheck check"
        what = f"the trace has format version {version}, not {FORMAT_VERSION}"
        raise UserError(what, where=source, hint=hint)
    return transitions


def read_itf(path: str) -> Any:
    """The JSON of a trace file. Raises UserError where it cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            return json.load(file)
    except OSError as error:
        hint = "'quackcheck check' writes traces, and says where"
        raise UserError(f"the trace cannot be read: {error.strerror}", where=path, hint=hint) from None
    except ValueError as error:
        raise UserError(f"the trace is not JSON: {error}", where=path, hint=_HINT) from None


def _step(step: Step) -> dict[str, Any]:
    transition = step.transition
    return {
        "index": step.number,
        "actor": step.actor,
        "step": step.title,
        "outcome": step.outcome,
        "transition": {
            "kind": transition.kind.value,
            "name": transition.name,
            "process": transition.process,
            "parameters": transition.parameters,
            "choices": transition.choices,
        },
    }


def _transition(data: Any) -> Transition:
    return Transition(
        StepKind(data["kind"]),
        data["name"],
        data["process"],
        tuple(_tupled(parameter) for parameter in data["parameters"]),
        tuple(data["choices"]),
    )


def _tupled(value: Any) -> Any:
    return tuple(_tupled(part) for part in value) if isinstance(value, list) else value


def state_data(program: Program, state: State) -> dict[str, Any]:
    """A state as ITF has it: variables, processes by their name, budgets."""
    result = {
        variable.name: _value(variable.type, value)
        for variable, value in zip(program.variables, state.variables, strict=True)
    }
    for process in program.processes:
        entries = []
        for index in range(process.instances):
            number = process.first_instance + index
            waiting = state.processes[number]
            label = process.labels[waiting.label]
            known = zip(label.live, waiting.locals, strict=True)
            entries.append(
                [
                    program.instance_name(number).replace(" ", "-"),
                    {
                        "waits_for": label.call.name,
                        "line": label.location.line,
                        "attempts_failed": waiting.attempt,
                        "locals": {
                            name: _value(process.locals[name], value)
                            for name, value in known
                            if value is not UNASSIGNED
                        },
                    },
                ]
            )
        result[process.name] = {"#map": entries}
    result["budgets"] = dict(zip(program.budgets.names, state.budgets, strict=True))
    return result


def _value(type_: Type, value: Value) -> Any:
    match type_:
        case IndexType():
            return index_name(type_, value)
        case EnumType(_, members):
            return members[value]
        case OptionType(inner):
            if value is None:
                return {"tag": "None", "value": {"#tup": []}}
            return {"tag": "Some", "value": _value(inner, value)}
        case RecordType(_, fields):
            return {name: _value(t, v) for (name, t), v in zip(fields, value, strict=True)}
        case SetType(element):
            return {"#set": [_value(element, v) for v in in_order(element, value)]}
        case BagType(element):
            return {"#map": [[_value(element, v), value[v]] for v in in_order(element, value)]}
        case FifoType(element):
            return [_value(element, v) for v in value]
        case MapType(key, inner):
            entries = [[_value(key, k), _value(inner, value[k])] for k in in_order(key, value)]
            return {"#map": entries}
        case _:
            return value
