"""Whether a program can tell how many copies of an element a bag holds, beyond whether there is one."""

from __future__ import annotations

from collections.abc import Iterator

from checker.ir.dependencies import all_expressions, flat, routines_called, subexpressions
from checker.ir.expressions import Apply, Comprehension, Expr, Fold, Op
from checker.ir.program import Branch, Program
from checker.ir.statements import For, Stmt
from checker.ir.types import BagType, FifoType, MapType, OptionType, RecordType, SetType, Type

_EQUALITIES = frozenset({Op.EQ, Op.NE})
_COUNTING = frozenset({Op.LENGTH, Op.BAG_COUNT})
_LISTINGS = frozenset({Op.ELEMENTS, Op.DISTINCT, Op.COPY})


def counts_copies(program: Program) -> bool:
    """Whether some code compares bags, counts their elements, or goes over every copy one by one."""
    called = routines_called(program) | {action.routine for action in program.actions}
    bodies = [program.routines[name].body for name in called]
    bodies += [block.body for process in program.processes for block in process.blocks]
    return any(_counts_in(body) for body in bodies) or any(map(_counts, _outside(program)))


def _outside(program: Program) -> Iterator[Expr]:
    """Expressions of processes that are in no statement."""
    for process in program.processes:
        for block in process.blocks:
            if isinstance(block.terminator, Branch):
                yield from subexpressions(block.terminator.condition)
        for label in process.labels:
            for part in label.call.parts:
                for arg in part.args:
                    yield from subexpressions(arg)


def _counts_in(body: tuple[Stmt, ...]) -> bool:
    loops = (statement.iterable for statement in flat(body) if isinstance(statement, For))
    return any(_lists_copies(iterable) for iterable in loops) or any(map(_counts, all_expressions(body)))


def _counts(expr: Expr) -> bool:
    match expr:
        case Apply(op=op, args=args) if op in _EQUALITIES:
            return any(_has_bag(arg.type) for arg in args)
        case Apply(op=op, args=(counted, *_)) if op in _COUNTING:
            return isinstance(counted.type, BagType) or _lists_copies(counted)
        case Comprehension(fold=Fold.SUM | Fold.COUNT, generators=generators):
            return any(_lists_copies(generator.iterable) for generator in generators)
        case _:
            return False


def _lists_copies(iterable: Expr) -> bool:
    while isinstance(iterable, Apply) and iterable.op in _LISTINGS and iterable.op is not Op.DISTINCT:
        iterable = iterable.args[0]
    return isinstance(iterable.type, BagType)


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
