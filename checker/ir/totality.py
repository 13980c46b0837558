"""Which expressions may end in a model error: a conservative answer, with what guards around them show."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import replace

from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Domain,
    Expr,
    Fold,
    IfElse,
    Local,
    Logic,
    Op,
    PureCall,
    StateVar,
)
from checker.ir.program import Program
from checker.ir.statements import Assign, For, If, Return, Stmt
from checker.ir.totals import total_maps
from checker.ir.types import BOOL, SetType
from checker.ir.values import always_fits

#: What is known where an expression is evaluated: that an option is not None, or that a map has a key.
Fact = tuple[str, Expr, Expr | None]
Facts = frozenset[Fact]

_FAILING = frozenset(
    {
        Op.SET_REMOVE,
        Op.BAG_REMOVE,
        Op.FIFO_HEAD,
        Op.FIFO_TAIL,
        Op.FIFO_AT,
        Op.MAP_DELETE,
        Op.MAP_FRESH_KEY,
        Op.NEXT,
        Op.CALLER,
    }
)
_GROWING = frozenset({Op.SET_ADD, Op.BAG_ADD, Op.FIFO_APPEND, Op.MAP_SET, Op.SET_MAKE})


class Totality:
    """Answers for one program; ``assigned`` names the locals that have a value."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._total = total_maps(program)
        self._routines: dict[str, bool] = {}

    def can_fail(self, expr: Expr, assigned: Collection[str], facts: Facts = frozenset()) -> bool:
        """Whether evaluating may end in a model error; False only where it cannot."""
        match expr:
            case Const() | StateVar() | Domain():
                return False
            case Local(name=name):
                return name not in assigned
            case Connective(logic=logic, left=left, right=right):
                shown = facts | _shown(left, truth=logic is Logic.AND)
                return self.can_fail(left, assigned, facts) or self.can_fail(right, assigned, shown)
            case IfElse(condition=condition, then=then, orelse=orelse):
                return (
                    self.can_fail(condition, assigned, facts)
                    or self.can_fail(then, assigned, facts | _shown(condition, truth=True))
                    or self.can_fail(orelse, assigned, facts | _shown(condition, truth=False))
                )
            case PureCall(routine=routine, args=args):
                return any(self.can_fail(arg, assigned, facts) for arg in args) or self._routine(routine)
            case Comprehension():
                return self._comprehension(expr, assigned, facts)
            case Apply():
                return any(self.can_fail(arg, assigned, facts) for arg in expr.args) or self._operator(
                    expr, facts
                )

    def _comprehension(self, expr: Comprehension, assigned: Collection[str], facts: Facts) -> bool:
        names, known = set(assigned), facts
        for generator in expr.generators:
            if self.can_fail(generator.iterable, names, known):
                return True
            names |= set(generator.variables)
            known |= _of_elements(generator.iterable, generator.variables[0])
            for condition in generator.conditions:
                if self.can_fail(condition, names, known):
                    return True
                known |= _shown(condition, truth=True)
        if self.can_fail(expr.body, names, known):
            return True
        if expr.fold in (Fold.MIN, Fold.MAX):
            return expr.default is None or self.can_fail(expr.default, assigned, facts)
        if expr.fold is Fold.SET:
            return isinstance(expr.type, SetType) and not always_fits(expr.type.element)
        return False

    def _operator(self, expr: Apply, facts: Facts) -> bool:
        match expr.op:
            case Op.INT_FLOOR_DIV | Op.INT_FLOOR_MOD:
                divisor = expr.args[1]
                return not (isinstance(divisor, Const) and divisor.value != 0)
            case Op.UNWRAP:
                return ("some", _plain(expr.args[0]), None) not in facts
            case Op.MAP_GET:
                source, key = expr.args
                if isinstance(source, StateVar) and source.name.removeprefix("old.") in self._total:
                    return False
                return ("has", _plain(source), _plain(key)) not in facts
            case op if op in _GROWING:
                return not always_fits(expr.type)
            case op:
                return op in _FAILING

    def _routine(self, name: str) -> bool:
        if name not in self._routines:
            self._routines[name] = True  # A routine that calls itself.
            routine = self._program.routines[name]
            self._routines[name] = self._body(routine.body, {p.name for p in routine.parameters})
        return self._routines[name]

    def _body(self, body: tuple[Stmt, ...], assigned: set[str]) -> bool:
        """Straight code, branches and returns are followed; anything else may fail."""
        for statement in body:
            match statement:
                case Return(value=value):
                    return value is not None and self.can_fail(value, assigned)
                case Assign(target=Local() as target, value=value):
                    if self.can_fail(value, assigned):
                        return True
                    assigned = assigned | {target.name}
                case If(condition=condition, then=then, orelse=orelse):
                    if self.can_fail(condition, assigned):
                        return True
                    if self._body(then, assigned) or self._body(orelse, assigned):
                        return True
                case For(variables=variables, iterable=iterable, body=inner):
                    if self.can_fail(iterable, assigned):
                        return True
                    if self._body(inner, assigned | set(variables)):
                        return True
                case _:
                    return True
        return False


def _shown(condition: Expr, truth: bool) -> Facts:
    """What holds where a condition is true, or false."""
    match condition:
        case Apply(op=Op.NOT, args=(inner,)):
            return _shown(inner, not truth)
        case Apply(op=Op.IS_NONE, args=(option,)) if not truth:
            return frozenset({("some", _plain(option), None)})
        case Apply(op=Op.CONTAINS, args=(key, source)) if truth:
            return frozenset({("has", _plain(source), _plain(key))})
        case Connective(logic=logic, left=left, right=right) if (logic is Logic.AND) == truth:
            return _shown(left, truth) | _shown(right, truth)
        case _:
            return frozenset()


def _of_elements(iterable: Expr, variable: str) -> Facts:
    """That a map has each of the keys that it is asked for."""
    source = iterable.args[0] if isinstance(iterable, Apply) and iterable.op is Op.ELEMENTS else iterable
    if isinstance(source, StateVar):
        return frozenset({("has", source, Local(variable, BOOL))})
    return frozenset()


def _plain(expr: Expr) -> Expr:
    """The expression without places, and locals by name only, so that equal ones compare equal."""
    match expr:
        case Local(name=name):
            return Local(name, BOOL)
        case Apply(args=args):
            return replace(expr, args=tuple(map(_plain, args)), location=None)
        case _:
            return expr
