"""What code depends on: the state variables that a routine reads, through everything that it calls."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from checker.ir.expressions import Apply, Expr, Op, PureCall, StateVar, children
from checker.ir.program import Program
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


def _reachable(program: Program, routine: str) -> set[str]:
    seen: set[str] = set()
    todo = [routine]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            body = program.routines[name].body
            todo += [s.routine for s in flat(body) if isinstance(s, CallRoutine)]
            todo += [e.routine for e in all_expressions(body) if isinstance(e, PureCall)]
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

    def inside(expr: Expr) -> Iterator[Expr]:
        yield expr
        for child in children(expr):
            yield from inside(child)

    for statement in flat(body):
        for expr in expressions(statement):
            yield from inside(expr)
