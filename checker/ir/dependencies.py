"""What code depends on: the state variables that a routine reads, through everything that it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checker.ir.expressions import Apply, Expr, Op, PureCall, StateVar, children
from checker.ir.program import Branch, Program, Routine
from checker.ir.statements import CallRoutine, Stmt, expressions, nested

#: Marks a variable of the state before a transition.
OLD_PREFIX = "old."


def variables_read(program: Program, routine: str) -> frozenset[str]:
    """The names of the variables that a routine may read; those of the old state keep their prefix."""
    reachable = _reachable(program, routine)
    return frozenset(expr.name for expr in _expressions_of(program, reachable) if isinstance(expr, StateVar))


def reads_processes(program: Program, routine: str) -> bool:
    """Whether a routine asks where a process waits, and so depends on more than variables."""
    found = _expressions_of(program, _reachable(program, routine))
    return any(isinstance(expr, Apply) and expr.op is Op.IS_IDLE for expr in found)


def routines_called(program: Program) -> frozenset[str]:
    """The names of the routines that other code calls: routines, processes, properties."""
    called = {prop.routine for prop in program.properties}
    called |= {part.routine for p in program.processes for label in p.labels for part in label.call.parts}
    bodies = [routine.body for routine in program.routines.values()]
    bodies += [block.body for process in program.processes for block in process.blocks]
    for body in bodies:
        called |= _calls(body)
    for process in program.processes:
        for block in process.blocks:
            if isinstance(block.terminator, Branch):
                called |= _pure_calls(block.terminator.condition)
        for label in process.labels:
            called |= {name for part in label.call.parts for arg in part.args for name in _pure_calls(arg)}
    return frozenset(called)


def statements_reached(program: Program, routine: Routine) -> Iterator[Stmt]:
    """All statements of a routine and of those that it calls."""
    for name in _reachable(program, routine.name):
        yield from flat(program.routines[name].body)


def _calls(body: Iterable[Stmt]) -> set[str]:
    statements = list(body)
    names = {s.routine for s in flat(statements) if isinstance(s, CallRoutine)}
    return names | {e.routine for e in all_expressions(statements) if isinstance(e, PureCall)}


def _pure_calls(expr: Expr) -> set[str]:
    return {e.routine for e in subexpressions(expr) if isinstance(e, PureCall)}


def _reachable(program: Program, routine: str) -> set[str]:
    seen: set[str] = set()
    todo = [routine]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo += _calls(program.routines[name].body)
    return seen


def _expressions_of(program: Program, routines: Iterable[str]) -> Iterator[Expr]:
    for name in routines:
        yield from all_expressions(program.routines[name].body)


def flat(body: Iterable[Stmt]) -> Iterator[Stmt]:
    """All statements, nested ones after the statement that holds them."""
    for statement in body:
        yield statement
        yield from flat(nested(statement))


def all_expressions(body: Iterable[Stmt]) -> Iterator[Expr]:
    """All expressions and subexpressions of some statements."""
    for statement in flat(body):
        for expr in expressions(statement):
            yield from subexpressions(expr)


def subexpressions(expr: Expr) -> Iterator[Expr]:
    """An expression and all that it is made of."""
    yield expr
    for child in children(expr):
        yield from subexpressions(child)
