"""Plain values: the way there and back, for values of random types."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from checker.errors import UserError
from checker.ir.types import (
    BOOL,
    BagType,
    EnumType,
    FifoType,
    IndexType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value, fits
from checker.trace.plain import from_plain, index_name, to_plain

ORDER = IndexType("Order", 3, interchangeable=True)
PROCESS = IndexType("Process", 3, labels=("worker 0", "worker 1", "relay"))
PHASE = EnumType("Phase", ("LOW", "HIGH"))
SIMPLE: list[Type] = [BOOL, IntType(-3, 3), ORDER, PROCESS, PHASE, IndexType("RowId", 2)]


def records(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    parts = st.lists(inner, max_size=3)
    return parts.map(
        lambda types: RecordType(f"R{len(types)}", tuple((f"f{i}", type_) for i, type_ in enumerate(types)))
    )


def optional(inner: st.SearchStrategy[Type]) -> st.SearchStrategy[Type]:
    return inner.map(lambda type_: type_ if isinstance(type_, OptionType) else OptionType(type_))


element_types = st.recursive(
    st.sampled_from(SIMPLE), lambda inner: records(inner) | optional(inner), max_leaves=4
)
types = element_types | st.one_of(
    element_types.map(SetType),
    element_types.map(BagType),
    element_types.map(FifoType),
    st.builds(MapType, element_types, element_types | element_types.map(SetType)),
)


def values(type_: Type) -> st.SearchStrategy[Value]:
    match type_:
        case IntType(low, high):
            return st.integers(low, high)
        case IndexType(_, size):
            return st.integers(0, size - 1)
        case EnumType(_, members):
            return st.integers(0, len(members) - 1)
        case OptionType(inner):
            return st.none() | values(inner)
        case RecordType(_, fields):
            return st.tuples(*(values(field_type) for _, field_type in fields))
        case SetType(element):
            return st.frozensets(values(element), max_size=3)
        case BagType(element):
            return st.dictionaries(values(element), st.integers(1, 3), max_size=3).map(FrozenMap)
        case FifoType(element):
            return st.lists(values(element), max_size=3).map(tuple)
        case MapType(key, inner):
            return st.dictionaries(values(key), values(inner), max_size=3).map(FrozenMap)
        case _:
            return st.booleans()


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.data())
def test_there_and_back(data: st.DataObject) -> None:
    type_ = data.draw(types)
    value = data.draw(values(type_))
    plain = to_plain(type_, value)
    assert fits(type_, value) is None
    assert from_plain(type_, plain) == value
    assert from_plain(type_, json.loads(json.dumps(plain))) == value


def test_names() -> None:
    assert index_name(ORDER, 2) == "order-2"
    assert index_name(PROCESS, 1) == "worker-1"
    assert index_name(PROCESS, 2) == "relay"


def test_what_is_observed_may_exceed_what_was_modelled() -> None:
    assert from_plain(ORDER, "order-17") == 17
    assert from_plain(IntType(0, 3), 9) == 9


@pytest.mark.parametrize(
    ("type_", "plain", "message"),
    [
        (ORDER, "worker-0", "'worker-0' is no Order"),
        (ORDER, "order", "'order' is no Order"),
        (ORDER, "order-x", "'order-x' is no Order"),
        (ORDER, "order-²", "'order-²' is no Order"),
        (ORDER, 0, "0 is no Order"),
        (PROCESS, "worker-7", "'worker-7' is no Process"),
        (PHASE, "MIDDLE", "'MIDDLE' is no Phase"),
        (BOOL, 1, "1 is no bool"),
        (IntType(0, 3), "1", "'1' is no int[0..3]"),
        (SetType(ORDER), "order-0", "'order-0' is no Set[Order]"),
        (RecordType("Row", (("order", ORDER),)), {"id": "order-0"}, "{'id': 'order-0'} is no Row"),
        (RecordType("Row", (("order", ORDER),)), {}, "{} is no Row"),
        (BagType(ORDER), [None], "None is no Order"),
        (MapType(ORDER, BOOL), {"order-0": True}, "is no Map[Order, bool]"),
    ],
)
def test_values_that_are_none_of_the_type(type_: Type, plain: Any, message: str) -> None:
    with pytest.raises(UserError) as caught:
        from_plain(type_, plain)
    assert message in str(caught.value)
    assert "hint: compare the wiring's fields with the model's" in str(caught.value)
