"""How expressions and statements are evaluated: order, laziness, loops, errors with their place."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from checker.errors import Location, ModelError, ModelErrorKind
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Domain,
    Expr,
    Fold,
    Generator,
    IfElse,
    Local,
    Logic,
    Op,
    PureCall,
    StateVar,
)
from checker.ir.program import Budgets, Parameter, Program, Routine, Variable
from checker.ir.statements import (
    Assert,
    Assign,
    Break,
    Continue,
    For,
    Forget,
    If,
    Return,
    Stmt,
    While,
)
from checker.ir.types import (
    BOOL,
    INT,
    FifoType,
    IndexType,
    IntType,
    MapType,
    PairsType,
    RecordType,
    SetType,
)
from checker.ir.values import FrozenMap, Value
from checker.semantics.evaluation import Evaluator, Frame
from checker.semantics.rules import Disabled

HERE = Location("model.py", 7)
ITEM = IndexType("Item", 3)
ITEMS = Domain(ITEM, FifoType(ITEM))
X = Local("x", ITEM)
FALSE, TRUE = Const(False, BOOL), Const(True, BOOL)
COUNT = StateVar("count", IntType(0, 3))


def number(value: int) -> Const:
    return Const(value, IntType(value, value))


#: Evaluating it is a model error: where it has a value, it was not evaluated.
BOOM = Apply(Op.INT_FLOOR_DIV, (number(1), number(0)), INT, HERE)
BOOM_BOOL = Apply(Op.INT_LT, (BOOM, number(1)), BOOL, HERE)


def program(*routines: Routine) -> Program:
    variables = (Variable("count", IntType(0, 3), 0),)
    known = {routine.name: routine for routine in routines}
    return Program("Test", "", HERE, (ITEM,), variables, known, (), (), (), Budgets())


def value_of(expr: Expr, **known: Value) -> Value:
    frame = Frame([0], old=(2,))
    frame.locals = dict(known)
    return Evaluator(program()).expression(expr)(frame)


def run(*body: Stmt, count: int = 0, **known: Value) -> Frame:
    frame = Frame([count])
    frame.locals = dict(known)
    Evaluator(program()).block(body)(frame)
    return frame


def assign(name: str, value: Expr) -> Assign:
    return Assign(Local(name, value.type), value, HERE)


def add(name: str, amount: int) -> Assign:
    local = Local(name, INT)
    return Assign(local, Apply(Op.INT_ADD, (local, number(amount)), INT, HERE), HERE)


def test_connectives_are_lazy() -> None:
    assert value_of(Connective(Logic.AND, FALSE, BOOM_BOOL)) is False
    assert value_of(Connective(Logic.OR, TRUE, BOOM_BOOL)) is True
    with pytest.raises(ModelError):
        value_of(Connective(Logic.AND, TRUE, BOOM_BOOL))
    with pytest.raises(ModelError):
        value_of(Connective(Logic.OR, FALSE, BOOM_BOOL))


def test_a_conditional_evaluates_one_side() -> None:
    assert value_of(IfElse(TRUE, number(1), BOOM, INT)) == 1
    assert value_of(IfElse(FALSE, BOOM, number(2), INT)) == 2
    with pytest.raises(ModelError):
        value_of(IfElse(FALSE, number(1), BOOM, INT))


def test_operators_are_strict_and_evaluate_from_left_to_right() -> None:
    nothing = Apply(Op.FIFO_HEAD, (Const((), FifoType(INT)),), INT, HERE)
    for first, second, kind in ((BOOM, nothing, "DIVISION"), (nothing, BOOM, "INDEX")):
        with pytest.raises(ModelError) as caught:
            value_of(Apply(Op.INT_ADD, (first, second), INT, HERE))
        assert caught.value.kind.name == kind


def test_an_error_has_the_place_of_the_innermost_operator_that_fails() -> None:
    elsewhere = Location("model.py", 99)
    with pytest.raises(ModelError) as caught:
        value_of(Apply(Op.INT_ADD, (BOOM, number(1)), INT, elsewhere))
    assert caught.value.location == HERE
    assert str(caught.value) == "model.py:7: 1 // 0 (division by zero)"


def less(bound: int) -> Expr:
    return Apply(Op.INT_LT, (X, number(bound)), BOOL)


def over_items(fold: Fold, body: Expr, *conditions: Expr, default: Expr | None = None) -> Comprehension:
    return Comprehension(fold, (Generator(("x",), ITEMS, conditions),), body, INT, default, HERE)


@pytest.mark.parametrize(
    ("expr", "value"),
    [
        (over_items(Fold.ALL, less(3)), True),
        (over_items(Fold.ALL, less(2)), False),
        (over_items(Fold.ANY, less(0)), False),
        (over_items(Fold.SUM, X), 3),
        (over_items(Fold.SUM, X, less(2)), 1),
        (over_items(Fold.COUNT, X, less(2)), 2),
        (over_items(Fold.SET, X, less(2)), frozenset({0, 1})),
        (over_items(Fold.MIN, X), 0),
        (over_items(Fold.MAX, X), 2),
        (over_items(Fold.MAX, X, FALSE, default=number(-1)), -1),
    ],
)
def test_folds(expr: Expr, value: Value) -> None:
    assert value_of(expr) == value


def test_all_and_any_stop_where_the_answer_is_known() -> None:
    at_two = IfElse(less(2), less(1), BOOM_BOOL, BOOL)
    assert value_of(over_items(Fold.ALL, at_two)) is False
    assert value_of(over_items(Fold.ANY, at_two)) is True
    with pytest.raises(ModelError):
        value_of(over_items(Fold.COUNT, at_two))


def test_least_of_nothing() -> None:
    with pytest.raises(ModelError) as caught:
        value_of(over_items(Fold.MIN, X, FALSE))
    assert caught.value.kind is ModelErrorKind.EMPTY
    assert caught.value.location == HERE


def test_later_generators_are_inner_and_see_earlier_variables() -> None:
    y = Local("y", ITEM)
    smaller = Apply(Op.INT_LT, (y, X), BOOL)
    generators = (Generator(("x",), ITEMS, ()), Generator(("y",), ITEMS, (smaller,)))
    pair = RecordType("Pair", (("x", ITEM), ("y", ITEM)))
    made = Apply(Op.RECORD_MAKE, (X, y), pair)
    pairs = Comprehension(Fold.SET, generators, made, SetType(pair))
    assert value_of(pairs) == {(1, 0), (2, 0), (2, 1)}
    second = Apply(Op.RECORD_GET, (Const((4, 9), pair),), ITEM, HERE, 1)
    assert value_of(second) == 9


def test_a_generator_over_items_binds_two_variables() -> None:
    entries = Const(FrozenMap({2: 5, 0: 7}), MapType(ITEM, INT))
    items = Apply(Op.MAP_ITEMS, (entries,), PairsType(ITEM, INT))
    body = Apply(Op.INT_MUL, (Local("k", ITEM), Local("v", INT)), INT)
    assert value_of(Comprehension(Fold.SUM, (Generator(("k", "v"), items, ()),), body, INT)) == 10


def test_a_property_of_a_step_reads_the_state_before() -> None:
    assert value_of(StateVar("old.count", IntType(0, 3))) == 2
    assert value_of(COUNT) == 0


def test_an_unassigned_local() -> None:
    with pytest.raises(ModelError) as caught:
        value_of(Local("y", INT, HERE))
    assert caught.value.kind is ModelErrorKind.UNASSIGNED
    assert caught.value.location == HERE


def test_caller_and_idle_depend_on_the_step() -> None:
    evaluator = Evaluator(program())
    caller = Apply(Op.CALLER, (), ITEM, HERE)
    assert evaluator.expression(caller)(Frame([0], caller=2)) == 2
    idle = Apply(Op.IS_IDLE, (number(1),), BOOL, HERE)
    is_even: Callable[[int], bool] = lambda instance: instance % 2 == 0  # noqa: E731
    assert evaluator.expression(idle)(Frame([0], idle=is_even)) is False
    with pytest.raises(ModelError) as caught:
        evaluator.expression(caller)(Frame([0]))
    assert caught.value.kind is ModelErrorKind.CALLER


def test_loops_break_and_continue() -> None:
    """Adds 1 for every item up to the break, and 10 for those that are not skipped."""
    loop = For(
        ("x",),
        ITEMS,
        (
            If(Apply(Op.EQ, (X, number(2)), BOOL), (Break(),), (), HERE),
            add("n", 1),
            If(Apply(Op.EQ, (X, number(0)), BOOL), (Continue(),), (), HERE),
            add("n", 10),
        ),
        HERE,
    )
    frame = run(loop, n=0)
    assert frame.locals == {"n": 12, "x": 2}


def test_a_loop_evaluates_its_iterable_once() -> None:
    fifo = Local("q", FifoType(ITEM))
    grow = Assign(fifo, Apply(Op.FIFO_APPEND, (fifo, X), FifoType(ITEM)), HERE)
    assert run(For(("x",), fifo, (grow,), HERE), q=(1, 2)).locals["q"] == (1, 2, 1, 2)


def test_a_loop_without_end_is_a_model_error() -> None:
    with pytest.raises(ModelError) as caught:
        run(While(TRUE, (add("n", 1),), HERE), n=0)
    assert caught.value.kind is ModelErrorKind.LOOP
    assert caught.value.location == HERE


def test_the_range_of_a_variable_is_checked_when_it_is_assigned() -> None:
    assert run(Assign(COUNT, number(3), HERE)).variables == [3]
    with pytest.raises(ModelError) as caught:
        run(Assign(COUNT, number(4), HERE))
    assert caught.value.kind is ModelErrorKind.OVERFLOW
    assert caught.value.what == "count: 4 is outside int[0..3]"


def test_forgotten_locals_have_no_value() -> None:
    assert run(Forget(("a", "b")), a=1, c=2).locals == {"c": 2}


def test_a_false_assertion() -> None:
    assert run(Assert(TRUE, HERE)).variables == [0]
    with pytest.raises(ModelError) as caught:
        run(Assert(FALSE, HERE))
    assert caught.value.kind is ModelErrorKind.ASSERTION


def test_routines_have_a_scope_of_their_own() -> None:
    double = Apply(Op.INT_ADD, (Local("x", INT), Local("x", INT)), INT)
    routine = Routine(
        "double", (Parameter("x", INT),), (assign("y", double), Return(Local("y", INT), HERE)), INT, HERE
    )
    evaluator = Evaluator(program(routine))
    frame = Frame([0])
    frame.locals = {"x": 5}
    call = PureCall("double", (number(4),), INT)
    assert evaluator.expression(call)(frame) == 8
    assert frame.locals == {"x": 5}


def test_choices_follow_the_script_and_are_recorded() -> None:
    frame = Frame([0], script=(1,))
    assert frame.choose(["a", "b"]) == "b"
    assert frame.choose(["c", "d", "e"]) == "c"
    assert (frame.taken, frame.offered) == ([1, 0], [2, 3])
    with pytest.raises(Disabled):
        frame.choose([])
