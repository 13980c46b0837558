"""Saved traces: the exchange format, and that a saved run is the run again."""

from __future__ import annotations

import json
from typing import Any

import pytest

from checker.dsl.declarations import Model
from checker.errors import UserError
from checker.ir.program import Budgets
from checker.trace.itf import read_itf, to_itf, transitions_of
from checker.trace.trace import Trace, replay
from tests.cli.project import ROOT, Project
from tests.engines import sample_models as models
from tests.trace.runs import checked, run_of


def documents(trace: Trace) -> Any:
    return json.loads(json.dumps(to_itf(trace, {"spec": "specs/a.toml"})))


def assert_expression(value: Any) -> None:
    """ADR-015: booleans, strings, whole numbers, lists, records, and the tagged forms."""
    if isinstance(value, bool | str):
        return
    if isinstance(value, int):
        assert abs(value) < 2**53
        return
    if isinstance(value, list):
        for part in value:
            assert_expression(part)
        return
    assert isinstance(value, dict), value
    tags = [key for key in value if key.startswith("#")]
    if tags:
        assert len(value) == 1
        assert tags[0] in ("#set", "#map", "#tup")
        for part in value[tags[0]]:
            if tags[0] == "#map":
                assert len(part) == 2
            assert_expression(part)
        return
    for part in value.values():
        assert_expression(part)


@pytest.mark.parametrize(
    ("model", "prop"),
    [
        (models.Ladder, "not_at_the_top"),
        (models.Needy, "deadlock_free"),
        (models.EveryType, "never_filled"),
        (models.Chooser, "never_one"),
        (models.FalseAtOnce, "starts_higher"),
    ],
)
def test_the_format_and_the_way_back(model: type[Model], prop: str) -> None:
    machine, trace = run_of(model, prop)
    document = documents(trace)
    assert set(document) == {"#meta", "vars", "states"}
    assert document["#meta"]["format"] == "ITF"
    assert document["#meta"]["model"] == model.__name__
    assert len(document["states"]) == len(trace.steps) + 1
    for index, state in enumerate(document["states"]):
        meta = state.pop("#meta")
        assert meta["index"] == index
        assert list(state) == document["vars"]
        for value in state.values():
            assert_expression(value)
        if index:
            assert set(meta) == {"index", "actor", "step", "outcome", "transition"}
    transitions = transitions_of(documents(trace), "a.itf.json")
    assert transitions == tuple(step.transition for step in trace.steps)
    assert replay(machine, trace.initial, transitions) == trace


def test_values_of_every_type() -> None:
    _, trace = run_of(models.EveryType, "never_filled")
    state = documents(trace)["states"][-1]
    note = {
        "order": "order-0",
        "phase": "HIGH",
        "level": 3,
        "urgent": True,
        "other": {"tag": "None", "value": {"#tup": []}},
    }
    assert {key: value for key, value in state.items() if key != "#meta"} == {
        "level": 2,
        "urgent": True,
        "phase": "LOW",
        "other": {"tag": "Some", "value": "order-0"},
        "note": note,
        "orders": {"#set": [{"tag": "None", "value": {"#tup": []}}, {"tag": "Some", "value": "order-0"}]},
        "bag": {"#map": [[note, 2]]},
        "line": ["order-0", "order-0"],
        "book": {"#map": [["order-0", "HIGH"]]},
        "table.items": {"#map": [["order-1", note]]},
        "clerk": {
            "#map": [
                [
                    "clerk",
                    {
                        "waits_for": "table.get",
                        "line": state["clerk"]["#map"][0][1]["line"],
                        "attempts_failed": 0,
                        "locals": {},
                    },
                ]
            ]
        },
        "budgets": {"crash": 0, "fail": 0, "ambiguous": 0},
    }


@pytest.mark.parametrize("spec", ["delete_first", "marker_first", "marker_first_lost_answer"])
def test_every_kind_of_step_survives(spec: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(ROOT)
    for finding in checked(spec).findings:
        if finding.trace is not None:
            transitions = transitions_of(documents(finding.trace), "")
            assert transitions == tuple(step.transition for step in finding.trace.steps)


def test_parameters_that_are_records_come_back_as_tuples() -> None:
    _, trace = run_of(models.Ladder, "one_at_a_time")
    document = documents(trace)
    document["states"][1]["#meta"]["transition"]["parameters"] = [[0, [1, None]], True]
    assert transitions_of(document, "")[0].parameters == ((0, (1, None)), True)


def test_budgets_left_are_saved() -> None:
    _, trace = run_of(models.Needy, "deadlock_free", Budgets(crash=2, component=(("inbox.duplicate", 1),)))
    assert documents(trace)["states"][0]["budgets"] == {
        "crash": 2,
        "fail": 0,
        "ambiguous": 0,
        "inbox.visibility_expiry": 0,
        "inbox.duplicate": 1,
    }


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "this is no trace of quackcheck"),
        (3, "this is no trace of quackcheck"),
        (None, "this is no trace of quackcheck"),
        ({}, "this is no trace of quackcheck: '#meta' is missing"),
        ({"#meta": []}, "this is no trace of quackcheck"),
        ({"#meta": {"format": "ITF"}}, "this is no trace of quackcheck: 'format-version' is missing"),
        ({"#meta": {"format-version": 1}}, "this is no trace of quackcheck: 'states' is missing"),
        ({"#meta": {"format-version": 1}, "states": 3}, "this is no trace of quackcheck"),
        ({"#meta": {"format-version": 1}, "states": [{}, {}]}, "'#meta' is missing"),
        (
            {"#meta": {"format-version": 1}, "states": [{}, {"#meta": {"transition": {"kind": "hop"}}}]},
            "this is no trace of quackcheck",
        ),
        ({"#meta": {"format-version": 2}}, "the trace has format version 2, not 1"),
    ],
)
def test_documents_that_are_no_traces(document: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        transitions_of(document, "a.itf.json")
    assert str(caught.value).startswith("a.itf.json: ")
    assert message in str(caught.value)
    assert caught.value.hint


def test_files_that_cannot_be_read(project: Project) -> None:
    with pytest.raises(UserError, match=r"none.json: the trace cannot be read: No such file"):
        read_itf("none.json")
    project.write("text.json", "not json")
    with pytest.raises(UserError, match=r"text.json: the trace is not JSON: Expecting value"):
        read_itf("text.json")
