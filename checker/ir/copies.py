"""Whether a program can tell how many copies of an element a bag holds, beyond whether there is one.

Where code without effect removes copies from a bag of its own, what is left tells, too: it is no step
of which the outcome could be left open.
"""

from __future__ import annotations

from collections.abc import Iterator

from checker.ir.dependencies import all_expressions, flat, routines_called
from checker.ir.expressions import Apply, Comprehension, Expr, Fold, Op, children
from checker.ir.program import Branch, Program
from checker.ir.statements import Choose, For, Stmt, expressions
from checker.ir.types import BagType, FifoType, MapType, OptionType, RecordType, SetType, Type

_EQUALITIES = frozenset({Op.EQ, Op.NE})
_COUNTING = frozenset({Op.LENGTH, Op.BAG_COUNT})
_LISTINGS = frozenset({Op.ELEMENTS, Op.DISTINCT, Op.COPY})
#: Folds that come out the same however often a value is there.
_BLIND = frozenset({Fold.ALL, Fold.ANY, Fold.SET, Fold.MIN, Fold.MAX})


def counts_copies(program: Program) -> bool:
    """Whether some code compares bags, counts their elements, or goes over every copy one by one."""
    called = routines_called(program) | {action.routine for action in program.actions}
    if any(_removes(program.routines[name].body) for name in called if program.routines[name].pure):
        return True
    bodies = [program.routines[name].body for name in called]
    bodies += [block.body for process in program.processes for block in process.blocks]
    return any(_counts_in(body) for body in bodies) or any(
        _counts(part) for expr in _outside(program) for part in _asked(expr)
    )


def has_bags(program: Program) -> bool:
    """Whether states hold bags at all."""
    kept = [local for process in program.processes for local in process.locals.values()]
    return any(map(_has_bag, [*(variable.type for variable in program.variables), *kept]))


def _removes(body: tuple[Stmt, ...]) -> bool:
    removals = (Op.BAG_REMOVE, Op.BAG_DISCARD)
    return any(isinstance(expr, Apply) and expr.op in removals for expr in all_expressions(body))


def _outside(program: Program) -> Iterator[Expr]:
    """Expressions of processes that are in no statement."""
    for process in program.processes:
        for block in process.blocks:
            if isinstance(block.terminator, Branch):
                yield block.terminator.condition
        for label in process.labels:
            for part in label.call.parts:
                yield from part.args


def _counts_in(body: tuple[Stmt, ...]) -> bool:
    for statement in flat(body):
        for expr in expressions(statement):
            # What is chosen may be there once or often.
            asked = _behind_listing(expr) if isinstance(statement, Choose) else expr
            if any(map(_counts, _asked(asked))):
                return True
        if isinstance(statement, For) and isinstance(_behind_listing(statement.iterable).type, BagType):
            return True
    return False


def _asked(expr: Expr) -> Iterator[Expr]:
    """An expression and its parts, without the listings that all() and the like go over in any number."""
    yield expr
    if isinstance(expr, Comprehension) and expr.fold in _BLIND:
        for generator in expr.generators:
            yield from _asked(_behind_listing(generator.iterable))
            for condition in generator.conditions:
                yield from _asked(condition)
        yield from _asked(expr.body)
        return
    for child in children(expr):
        yield from _asked(child)


def _counts(expr: Expr) -> bool:
    match expr:
        case Apply(op=op, args=args) if op in _EQUALITIES:
            return any(_has_bag(arg.type) for arg in args)
        case Apply(op=op, args=(counted, *_)) if op in _COUNTING:
            return isinstance(counted.type, BagType)
        case Apply(op=Op.ELEMENTS, args=(listed,)):
            # A list of copies: whatever looks at it may see how many there are.
            return isinstance(listed.type, BagType)
        case Comprehension(fold=fold, generators=generators) if fold not in _BLIND:
            return any(isinstance(_behind_listing(g.iterable).type, BagType) for g in generators)
        case _:
            return False


def _behind_listing(iterable: Expr) -> Expr:
    while isinstance(iterable, Apply) and iterable.op in _LISTINGS:
        iterable = iterable.args[0]
    return iterable


def _has_bag(type_: Type) -> bool:
    match type_:
        case BagType():
            return True
        case OptionType(inner) | SetType(inner) | FifoType(inner):
            return _has_bag(inner)
        case MapType(key, value):
            return _has_bag(key) or _has_bag(value)
        case RecordType(_, fields):
            return any(_has_bag(field) for _, field in fields)
        case _:
            return False
