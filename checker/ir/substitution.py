"""Calls of pure routines replaced by what they return, with bound variables renamed apart."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace

from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Expr,
    Generator,
    IfElse,
    Local,
    PureCall,
    StateVar,
)
from checker.ir.iterables import bound_types
from checker.ir.program import Routine
from checker.ir.statements import Return


def inlined(expr: Expr, routines: Mapping[str, Routine], fresh: Callable[[str], str]) -> Expr:
    """A call of a routine that only returns an expression, as that expression."""
    if not isinstance(expr, PureCall) or not all(isinstance(a, Local | Const | StateVar) for a in expr.args):
        return expr
    routine = routines[expr.routine]
    if len(routine.body) != 1:
        return expr
    (only,) = routine.body
    if not isinstance(only, Return) or only.value is None:
        return expr
    given = dict(zip((p.name for p in routine.parameters), expr.args, strict=True))
    return inlined(substituted(only.value, given, fresh), routines, fresh)


def substituted(expr: Expr, given: Mapping[str, Expr], fresh: Callable[[str], str]) -> Expr:
    """An expression with expressions in place of parameters, and its bound variables renamed apart."""

    def inside(part: Expr) -> Expr:
        return substituted(part, given, fresh)

    match expr:
        case Local(name=name) if name in given:
            return given[name]
        case Apply(args=args) | PureCall(args=args):
            return replace(expr, args=tuple(map(inside, args)))
        case Connective(left=left, right=right):
            return replace(expr, left=inside(left), right=inside(right))
        case IfElse(condition=condition, then=then, orelse=orelse):
            return replace(expr, condition=inside(condition), then=inside(then), orelse=inside(orelse))
        case Comprehension():
            return _substituted_comprehension(expr, given, fresh)
        case _:
            return expr


def _substituted_comprehension(
    expr: Comprehension, given: Mapping[str, Expr], fresh: Callable[[str], str]
) -> Comprehension:
    known = dict(given)
    generators = []
    for generator in expr.generators:
        iterable = substituted(generator.iterable, known, fresh)
        names = tuple(fresh("bound") for _ in generator.variables)
        types = bound_types(generator.iterable)
        for old, new, type_ in zip(generator.variables, names, types, strict=True):
            known[old] = Local(new, type_)
        conditions = tuple(substituted(condition, known, fresh) for condition in generator.conditions)
        generators.append(Generator(names, iterable, conditions))
    default = None if expr.default is None else substituted(expr.default, given, fresh)
    body = substituted(expr.body, known, fresh)
    return replace(expr, generators=tuple(generators), body=body, default=default)
