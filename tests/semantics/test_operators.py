"""What each operator means, with known answers."""

from __future__ import annotations

import pytest

from checker.errors import ModelError, ModelErrorKind
from checker.ir.expressions import Op
from checker.ir.types import (
    BOOL,
    INT,
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
from checker.ir.values import EMPTY_MAP, FrozenMap, Value, domain, fits, in_order, show
from checker.semantics.operators import meaning

ITEM = IndexType("Item", 3)
SET, BAG, FIFO, MAP = SetType(ITEM), BagType(ITEM), FifoType(ITEM), MapType(ITEM, INT)
BAG_OF_THREE = FrozenMap({2: 1, 0: 2})
ENTRIES = FrozenMap({2: 5, 0: 7})


def apply(op: Op, *args: tuple[Type, Value]) -> Value:
    return meaning(op, tuple(type_ for type_, _ in args))(*(value for _, value in args))


@pytest.mark.parametrize(
    ("a", "b", "quotient", "remainder"),
    [
        (7, 2, 3, 1),
        (-7, 2, -4, 1),
        (7, -2, -4, -1),
        (-7, -2, 3, -1),
        (6, 3, 2, 0),
        (-6, 3, -2, 0),
        (0, 5, 0, 0),
    ],
)
def test_division_rounds_down_and_the_remainder_takes_the_divisors_sign(
    a: int, b: int, quotient: int, remainder: int
) -> None:
    assert apply(Op.INT_FLOOR_DIV, (INT, a), (INT, b)) == quotient
    assert apply(Op.INT_FLOOR_MOD, (INT, a), (INT, b)) == remainder
    assert quotient * b + remainder == a


KNOWN: list[tuple[Op, list[tuple[Type, Value]], Value]] = [
    (Op.INT_ADD, [(INT, 2), (INT, -5)], -3),
    (Op.INT_SUB, [(INT, 2), (INT, -5)], 7),
    (Op.INT_MUL, [(INT, -2), (INT, 5)], -10),
    (Op.INT_NEG, [(INT, 4)], -4),
    (Op.INT_ABS, [(INT, -4)], 4),
    (Op.INT_MIN, [(INT, -4), (INT, 3)], -4),
    (Op.INT_MAX, [(INT, -4), (INT, 3)], 3),
    (Op.INT_LT, [(INT, 3), (INT, 3)], False),
    (Op.INT_LE, [(INT, 3), (INT, 3)], True),
    (Op.INT_GT, [(INT, 3), (INT, 3)], False),
    (Op.INT_GE, [(INT, 3), (INT, 3)], True),
    (Op.BOOL_TO_INT, [(BOOL, True)], 1),
    (Op.NOT, [(BOOL, True)], False),
    (Op.EQ, [(ITEM, 1), (ITEM, 1)], True),
    (Op.EQ, [(OptionType(ITEM), None), (OptionType(ITEM), 0)], False),
    (Op.NE, [(ITEM, 1), (ITEM, 1)], False),
    (Op.IS_NONE, [(OptionType(ITEM), 0)], False),
    (Op.IS_NONE, [(OptionType(ITEM), None)], True),
    (Op.SOME, [(ITEM, 0)], 0),
    (Op.UNWRAP, [(OptionType(ITEM), 0)], 0),
    (Op.RECORD_MAKE, [(ITEM, 2), (BOOL, True)], (2, True)),
    (Op.SET_MAKE, [(ITEM, 2), (ITEM, 2), (ITEM, 1)], frozenset({1, 2})),
    (Op.SET_ADD, [(SET, frozenset({1})), (ITEM, 1)], frozenset({1})),
    (Op.SET_REMOVE, [(SET, frozenset({1, 2})), (ITEM, 1)], frozenset({2})),
    (Op.SET_DISCARD, [(SET, frozenset({2})), (ITEM, 1)], frozenset({2})),
    (Op.SET_UNION, [(SET, frozenset({0})), (SET, frozenset({1}))], frozenset({0, 1})),
    (Op.SET_INTERSECTION, [(SET, frozenset({0, 1})), (SET, frozenset({1}))], frozenset({1})),
    (Op.SET_DIFFERENCE, [(SET, frozenset({0, 1})), (SET, frozenset({1}))], frozenset({0})),
    (Op.SET_SUBSET, [(SET, frozenset({1})), (SET, frozenset({0, 1}))], True),
    (Op.SET_SUBSET, [(SET, frozenset({0, 1})), (SET, frozenset({1}))], False),
    (Op.SET_SUBSET, [(SET, frozenset({1})), (SET, frozenset({1}))], True),
    (Op.BAG_ADD, [(BAG, BAG_OF_THREE), (ITEM, 2)], FrozenMap({0: 2, 2: 2})),
    (Op.BAG_REMOVE, [(BAG, BAG_OF_THREE), (ITEM, 0)], FrozenMap({0: 1, 2: 1})),
    (Op.BAG_REMOVE, [(BAG, BAG_OF_THREE), (ITEM, 2)], FrozenMap({0: 2})),
    (Op.BAG_DISCARD, [(BAG, BAG_OF_THREE), (ITEM, 1)], BAG_OF_THREE),
    (Op.BAG_COUNT, [(BAG, BAG_OF_THREE), (ITEM, 0)], 2),
    (Op.BAG_COUNT, [(BAG, BAG_OF_THREE), (ITEM, 1)], 0),
    (Op.FIFO_APPEND, [(FIFO, (2, 0)), (ITEM, 2)], (2, 0, 2)),
    (Op.FIFO_HEAD, [(FIFO, (2, 0))], 2),
    (Op.FIFO_TAIL, [(FIFO, (2, 0))], (0,)),
    (Op.FIFO_AT, [(FIFO, (2, 0)), (INT, 1)], 0),
    (Op.FIFO_AT, [(FIFO, (2, 0)), (INT, -2)], 2),
    (Op.MAP_GET, [(MAP, ENTRIES), (ITEM, 2)], 5),
    (Op.MAP_GET_OPTION, [(MAP, ENTRIES), (ITEM, 1)], None),
    (Op.MAP_SET, [(INT, 9), (MAP, ENTRIES), (ITEM, 1)], FrozenMap({0: 7, 1: 9, 2: 5})),
    (Op.MAP_SET, [(INT, 9), (MAP, ENTRIES), (ITEM, 0)], FrozenMap({0: 9, 2: 5})),
    (Op.MAP_DELETE, [(MAP, ENTRIES), (ITEM, 0)], FrozenMap({2: 5})),
    (Op.MAP_DISCARD, [(MAP, ENTRIES), (ITEM, 1)], ENTRIES),
    (Op.MAP_FRESH_KEY, [(MAP, ENTRIES)], 1),
    (Op.CONTAINS, [(ITEM, 0), (SET, frozenset({0}))], True),
    (Op.CONTAINS, [(ITEM, 1), (BAG, BAG_OF_THREE)], False),
    (Op.CONTAINS, [(ITEM, 2), (FIFO, (0, 2))], True),
    (Op.CONTAINS, [(ITEM, 1), (MAP, ENTRIES)], False),
    (Op.NEXT, [(ITEM, 1)], 2),
    (Op.COPY, [(SET, frozenset({1}))], frozenset({1})),
    (Op.LENGTH, [(BAG, BAG_OF_THREE)], 3),
    (Op.LENGTH, [(FIFO, (1, 1))], 2),
    (Op.LENGTH, [(MAP, ENTRIES)], 2),
    (Op.ELEMENTS, [(BAG, BAG_OF_THREE)], (0, 0, 2)),
    (Op.ELEMENTS, [(SET, frozenset({2, 0}))], (0, 2)),
    (Op.ELEMENTS, [(FIFO, (2, 0, 2))], (2, 0, 2)),
    (Op.ELEMENTS, [(MAP, ENTRIES)], (0, 2)),
    (Op.DISTINCT, [(BAG, BAG_OF_THREE)], (0, 2)),
    (Op.DISTINCT, [(FIFO, (2, 0, 2))], (0, 2)),
    (Op.MAP_VALUES, [(MAP, ENTRIES)], (7, 5)),
    (Op.MAP_ITEMS, [(MAP, ENTRIES)], ((0, 7), (2, 5))),
]


@pytest.mark.parametrize(("op", "args", "result"), KNOWN, ids=lambda part: getattr(part, "name", ""))
def test_known_answers(op: Op, args: list[tuple[Type, Value]], result: Value) -> None:
    found = apply(op, *args)
    assert found == result
    assert type(found) is type(result)


def test_every_operator_has_a_known_answer() -> None:
    """IS_IDLE, CALLER and RECORD_GET depend on more than values; test_rules and test_evaluation have them."""
    elsewhere = {Op.IS_IDLE, Op.CALLER, Op.RECORD_GET, Op.INT_FLOOR_DIV, Op.INT_FLOOR_MOD}
    assert {op for op, _, _ in KNOWN} | elsewhere == set(Op)


@pytest.mark.parametrize(
    ("op", "args", "kind", "words"),
    [
        (Op.INT_FLOOR_DIV, [(INT, 1), (INT, 0)], ModelErrorKind.DIVISION, "1 // 0"),
        (Op.INT_FLOOR_MOD, [(INT, 1), (INT, 0)], ModelErrorKind.DIVISION, "1 % 0"),
        (Op.UNWRAP, [(OptionType(ITEM), None)], ModelErrorKind.NONE, "None"),
        (Op.SET_REMOVE, [(SET, frozenset()), (ITEM, 1)], ModelErrorKind.MISSING, "item 1 is not in {}"),
        (Op.BAG_REMOVE, [(BAG, EMPTY_MAP), (ITEM, 1)], ModelErrorKind.MISSING, "item 1"),
        (Op.FIFO_HEAD, [(FIFO, ())], ModelErrorKind.INDEX, "empty Fifo[Item]"),
        (Op.FIFO_TAIL, [(FIFO, ())], ModelErrorKind.INDEX, "empty Fifo[Item]"),
        (Op.FIFO_AT, [(FIFO, (1,)), (INT, 1)], ModelErrorKind.INDEX, "position 1"),
        (Op.FIFO_AT, [(FIFO, (1,)), (INT, -2)], ModelErrorKind.INDEX, "position -2"),
        (Op.MAP_GET, [(MAP, ENTRIES), (ITEM, 1)], ModelErrorKind.MISSING, "item 1 is not in {item 0: 7"),
        (Op.MAP_DELETE, [(MAP, ENTRIES), (ITEM, 1)], ModelErrorKind.MISSING, "item 1"),
        (Op.MAP_FRESH_KEY, [(MAP, FrozenMap({0: 1, 1: 1, 2: 1}))], ModelErrorKind.FULL, "all 3 keys of Item"),
    ],
)
def test_errors(op: Op, args: list[tuple[Type, Value]], kind: ModelErrorKind, words: str) -> None:
    with pytest.raises(ModelError) as caught:
        apply(op, *args)
    assert caught.value.kind is kind
    assert words in caught.value.what
    assert caught.value.location is None


# Values

ROW = RecordType("Row", (("item", OptionType(ITEM)), ("sold", BOOL)))
COLOR = EnumType("Color", ("RED", "GREEN"))


def test_domains_are_complete_and_in_order() -> None:
    assert domain(ROW) == [
        (None, False),
        (None, True),
        (0, False),
        (0, True),
        (1, False),
        (1, True),
        (2, False),
        (2, True),
    ]
    assert domain(COLOR) == [0, 1]
    assert domain(INT) is None
    assert domain(SET) is None


def test_none_is_ordered_first_and_records_by_their_fields() -> None:
    assert in_order(ROW, [(2, False), (None, True), (0, True), (0, False)]) == [
        (None, True),
        (0, False),
        (0, True),
        (2, False),
    ]


def test_values_are_shown_as_a_person_reads_them() -> None:
    assert show(ROW, (1, True)) == "Row(item 1, true)"
    assert show(OptionType(COLOR), None) == "none"
    assert show(BAG, BAG_OF_THREE) == "{2× item 0, item 2}"
    assert show(MapType(COLOR, FIFO), FrozenMap({1: (2, 0)})) == "{GREEN: [item 2, item 0]}"


def test_an_index_that_does_not_exist_does_not_fit() -> None:
    assert fits(ITEM, 2) is None
    assert fits(SET, frozenset({3})) == "Item 3 does not exist, it has 3 members"


def test_frozen_maps_are_values() -> None:
    one, other = FrozenMap({1: 2, 3: 4}), FrozenMap({3: 4, 1: 2})
    assert one == other
    assert hash(one) == hash(other)
    assert one.set(1, 5) != one
    assert one == FrozenMap({1: 2, 3: 4})
    assert one.without(9) == one
    assert one != {1: 2, 3: 4}
