"""Checks that a program is well formed; run after every pass.

A program that fails here is the fault of the pass that made it, never of the model's author.
"""

from __future__ import annotations

from collections.abc import Iterable

from checker.errors import InternalError
from checker.ir.dependencies import OLD_PREFIX, all_expressions, flat
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Expr,
    IfElse,
    Local,
    Op,
    PureCall,
    StateVar,
    children,
)
from checker.ir.program import Await, Branch, Goto, Process, Program, PropertyKind, Routine
from checker.ir.statements import Assign, CallRoutine, Choose, For, Return, Stmt, expressions, nested
from checker.ir.types import BOOL, BoolType, FifoType, IntType, RecordType
from checker.ir.values import fits

_BOOLEAN = frozenset({Op.NOT, Op.EQ, Op.NE, Op.IS_NONE, Op.CONTAINS, Op.IS_IDLE, Op.SET_SUBSET})
_COMPARISONS = frozenset({Op.INT_LT, Op.INT_LE, Op.INT_GT, Op.INT_GE})


def verify(program: Program) -> None:
    """Check names, types and the shape of control-flow graphs. Raises InternalError."""
    for variable in program.variables:
        if (problem := fits(variable.type, variable.initial)) is not None:
            raise InternalError(f"the initial value of {variable.name}: {problem}")
    for routine in program.routines.values():
        _routine(program, routine)
    for action in program.actions:
        _need(action.routine in program.routines, f"action {action.name} has no routine")
        budgets = program.budgets.names
        _need(action.budget is None or action.budget in budgets, f"action {action.name} has no budget")
    first = 0
    for process in program.processes:
        _need(process.first_instance == first, f"process {process.name} is numbered wrongly")
        first += process.instances
        _process(program, process)
    for prop in program.properties:
        routine = program.routines[prop.routine]
        _need(routine.returns == BOOL and routine.pure, f"property {prop.name} is no pure predicate")
        if prop.kind is not PropertyKind.TRANSITION:
            old = any(
                isinstance(e, StateVar) and e.name.startswith(OLD_PREFIX)
                for e in all_expressions(routine.body)
            )
            _need(not old, f"property {prop.name} reads the state before")


def _need(condition: bool, what: str) -> None:
    if not condition:
        raise InternalError(what)


def _routine(program: Program, routine: Routine) -> None:
    names = {parameter.name for parameter in routine.parameters}
    _statements(program, routine.body, names, routine.name)
    for statement in flat(routine.body):
        if isinstance(statement, Return) and statement.value is not None:
            returned = type(statement.value.type) is type(routine.returns)
            _need(returned, f"{routine.name} returns {statement.value.type}, not {routine.returns}")


def _process(program: Program, process: Process) -> None:
    _need([block.id for block in process.blocks] == list(range(len(process.blocks))), "blocks out of order")
    _need([label.id for label in process.labels] == list(range(len(process.labels))), "labels out of order")
    names = set(process.locals) | {process.parameter or ""}
    for block in process.blocks:
        _statements(program, block.body, set(names), process.name)
        match block.terminator:
            case Goto(target):
                _need(target < len(process.blocks), f"{process.name}: no block {target}")
            case Branch(condition, then, orelse):
                _need(max(then, orelse) < len(process.blocks), f"{process.name}: a branch leaves the graph")
                _expression(program, condition, process.name)
                _need(condition.type == BOOL, f"{process.name}: a branch on {condition.type}")
            case Await(number):
                _need(number < len(process.labels), f"{process.name}: no label {number}")
            case _:
                pass
    for label in process.labels:
        _need(set(label.live) <= names, f"{process.name}: unknown live locals {set(label.live) - names}")
        _need(label.resume < len(process.blocks), f"{process.name}: label {label.id} resumes nowhere")
        for part in label.call.parts:
            routine = program.routines.get(part.routine)
            _need(routine is not None, f"{process.name}: no operation {part.routine}")
            if routine is not None:
                _need(len(routine.parameters) == len(part.args), f"{part.name}: wrong number of arguments")


def _statements(program: Program, body: Iterable[Stmt], names: set[str], owner: str) -> None:
    for statement in body:
        for expr in expressions(statement):
            _expression(program, expr, owner)
        match statement:
            case Assign(target=StateVar(name=name)):
                known = any(variable.name == name for variable in program.variables)
                _need(known, f"{owner} assigns the unknown variable {name}")
            case CallRoutine(routine=called, args=args):
                routine = program.routines.get(called)
                _need(routine is not None, f"{owner} calls the unknown routine {called}")
                if routine is not None:
                    _need(
                        len(args) == len(routine.parameters), f"{owner}: {called} with {len(args)} arguments"
                    )
            case Choose(iterable=iterable) | For(iterable=iterable):
                iterated = isinstance(iterable.type, FifoType) or type(iterable.type).__name__ == "PairsType"
                _need(iterated, f"{owner} iterates over {iterable.type}")
            case _:
                pass
        _statements(program, nested(statement), names, owner)


def _expression(program: Program, expr: Expr, owner: str) -> None:
    for child in children(expr):
        _expression(program, child, owner)
    match expr:
        case StateVar(name=name, type=type_):
            variable = next((v for v in program.variables if v.name == name.removeprefix(OLD_PREFIX)), None)
            _need(variable is not None and variable.type == type_, f"{owner} reads {name} as {type_}")
        case Connective(left=left, right=right):
            _need(
                left.type == BOOL and right.type == BOOL,
                f"{owner}: a connective of {left.type}, {right.type}",
            )
        case IfElse(condition=condition):
            _need(condition.type == BOOL, f"{owner}: a condition of type {condition.type}")
        case PureCall(routine=called, args=args):
            routine = program.routines.get(called)
            _need(routine is not None and routine.pure, f"{owner} calls {called}, which is not pure")
            if routine is not None:
                _need(len(args) == len(routine.parameters), f"{owner}: {called} with {len(args)} arguments")
        case Comprehension(generators=generators):
            _need(bool(generators), f"{owner}: a comprehension over nothing")
        case Apply(op=op, args=args, type=type_):
            _apply(op, args, type_, owner)
        case Local() | _:
            pass


def _apply(op: Op, args: tuple[Expr, ...], type_: object, owner: str) -> None:
    if op in _BOOLEAN or op in _COMPARISONS:
        _need(isinstance(type_, BoolType), f"{owner}: {op.name} gives {type_}")
    if op in _COMPARISONS:
        _need(all(isinstance(arg.type, IntType) for arg in args), f"{owner}: {op.name} of no integers")
    if op is Op.RECORD_MAKE:
        _need(
            isinstance(type_, RecordType) and len(type_.fields) == len(args), f"{owner}: a record of {type_}"
        )
