"""Which locals are still needed: a backward analysis over a process' control-flow graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from checker.ir.expressions import Comprehension, Expr, Local, children
from checker.ir.program import Await, Block, Branch, Goto, Label
from checker.ir.statements import Assign, CallRoutine, Choose, For, If, Stmt, While, expressions, nested

Names = frozenset[str]


def reads(expr: Expr) -> Names:
    """The locals that an expression reads, bound variables of comprehensions aside."""
    found: set[str] = {expr.name} if isinstance(expr, Local) else set()
    for child in children(expr):
        found |= reads(child)
    if isinstance(expr, Comprehension):
        found -= {name for generator in expr.generators for name in generator.variables}
    return frozenset(found)


def live_before(statements: Sequence[Stmt], after: Names) -> Names:
    """The locals needed before some statements, from those needed after them."""
    live = after
    for statement in reversed(statements):
        live = _before(statement, live)
    return live


def _before(statement: Stmt, after: Names) -> Names:
    used: Names = frozenset().union(*(reads(expr) for expr in expressions(statement)))
    match statement:
        case Assign(target=Local(name=name)) | Choose(target=Local(name=name)):
            return (after - {name}) | used
        case CallRoutine(target=Local(name=name)):
            return (after - {name}) | used
        case If(then=then, orelse=orelse):
            return used | live_before(then, after) | live_before(orelse, after)
        case While() | For():
            bound = frozenset(statement.variables) if isinstance(statement, For) else frozenset()
            live = after | used
            while True:
                grown = live | (live_before(nested(statement), live) - bound)
                if grown == live:
                    return live
                live = grown
        case _:
            return after | used


def live_at_labels(
    blocks: Mapping[int, Block], labels: Mapping[int, Label], constants: Iterable[str]
) -> dict[int, Names]:
    """The locals needed from each label on; ``constants`` never change and are left out."""
    at_block: dict[int, Names] = dict.fromkeys(blocks, frozenset())
    at_label: dict[int, Names] = dict.fromkeys(labels, frozenset())
    excluded = frozenset(constants)

    def after(block: Block) -> Names:
        match block.terminator:
            case Goto(target):
                return at_block[target]
            case Branch(condition, then, orelse):
                return reads(condition) | at_block[then] | at_block[orelse]
            case Await(label):
                return at_label[label]
            case _:
                return frozenset()

    changed = True
    while changed:
        changed = False
        for number, label in labels.items():
            resumed = at_block[label.resume] - ({label.result} if label.result else frozenset())
            used = frozenset().union(*(reads(arg) for part in label.call.parts for arg in part.args))
            handled = frozenset().union(*(at_block[handler.block] for handler in label.handlers))
            live = (resumed | used | handled) - excluded
            changed |= live != at_label[number]
            at_label[number] = live
        for number, block in blocks.items():
            live = live_before(block.body, after(block))
            changed |= live != at_block[number]
            at_block[number] = live
    return at_label
