"""Finding the one await of a statement, and checking that it is evaluated first."""

from __future__ import annotations

import ast
import copy
from dataclasses import dataclass

from checker.dsl.lowering.scope import Scope

#: Stands for the awaited result in the rest of the expression; no source name contains a dollar.
RESULT_NAME = "$result"

_FIRST: dict[type[ast.expr], str] = {
    ast.Compare: "left",
    ast.UnaryOp: "operand",
    ast.BinOp: "left",
    ast.Attribute: "value",
    ast.Subscript: "value",
    ast.IfExp: "test",
}


@dataclass(frozen=True, slots=True)
class SplitExpression:
    """An expression around an await: the await, and the expression that reads its result instead."""

    awaited: ast.Await
    rest: ast.expr

    @property
    def is_whole(self) -> bool:
        """Whether the await is the whole expression."""
        return isinstance(self.rest, ast.Name) and self.rest.id == RESULT_NAME


def has_await(node: ast.AST) -> bool:
    """Whether there is an await anywhere inside."""
    return any(isinstance(inner, ast.Await) for inner in ast.walk(node))


def split_await(scope: Scope, expression: ast.expr) -> SplitExpression | None:
    """The await of an expression and what is done with its result; None where there is no await.

    Raises:
        UserError: several awaits, or one before which something else is evaluated: the step would end
            in the middle of an expression, which no reader expects.
    """
    found = [node for node in ast.walk(expression) if isinstance(node, ast.Await)]
    if not found:
        return None
    if len(found) > 1:
        raise scope.reject(found[1], "a second await in one expression", "await into a variable first")
    if _first_evaluated(expression) is not found[0]:
        hint = "await into a variable first, in a line of its own"
        raise scope.reject(found[0], "something is evaluated before this await", hint)
    return SplitExpression(found[0], _replaced(expression, found[0]))


def _first_evaluated(node: ast.expr) -> ast.expr:
    """The innermost expression that Python evaluates first."""
    if type(node) in _FIRST:
        inner = getattr(node, _FIRST[type(node)])
    elif isinstance(node, ast.BoolOp):
        inner = node.values[0]
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        inner = node.func.value
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.args:
        inner = node.args[0]
    else:
        return node
    assert isinstance(inner, ast.expr)
    return _first_evaluated(inner)


def _replaced(expression: ast.expr, awaited: ast.Await) -> ast.expr:
    name = ast.copy_location(ast.Name(RESULT_NAME, ast.Load()), awaited)
    if expression is awaited:
        return name
    copied = copy.copy(expression)
    for field, value in ast.iter_fields(expression):
        if isinstance(value, ast.expr) and has_await(value):
            setattr(copied, field, _replaced(value, awaited))
        elif isinstance(value, list):
            parts = [_replaced(p, awaited) if isinstance(p, ast.expr) and has_await(p) else p for p in value]
            setattr(copied, field, parts)
    return copied


def leaves(node: ast.stmt, in_loop: bool = False) -> bool:
    """Whether control can leave a statement other than at its end, or it has handlers of its own.

    Such statements become part of the control-flow graph even where they do not await.
    """
    match node:
        case ast.Return() | ast.Raise() | ast.Try():
            return True
        case ast.Break() | ast.Continue():
            return not in_loop
        case ast.For(body=body) | ast.While(body=body):
            return any(leaves(inner, in_loop=True) for inner in body)
        case ast.If(body=body, orelse=orelse):
            return any(leaves(inner, in_loop) for inner in [*body, *orelse])
        case ast.Match(cases=cases):
            return any(leaves(inner, in_loop) for case in cases for inner in case.body)
        case _:
            return False
