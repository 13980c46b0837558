"""Which locals are still needed, and which surely have a value: analyses of a control-flow graph."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import NamedTuple

from checker.ir.expressions import Comprehension, Expr, Local, children
from checker.ir.program import Await, Block, Branch, Goto, Label
from checker.ir.statements import (
    Assign,
    CallRoutine,
    Choose,
    For,
    Forget,
    If,
    Stmt,
    While,
    expressions,
    nested,
)

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
        case Forget(names=names):
            return after - frozenset(names)
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


class Liveness(NamedTuple):
    """The locals needed from each label on, and those needed after each block."""

    at_label: Mapping[int, Names]
    after_block: Mapping[int, Names]


def liveness(blocks: Mapping[int, Block], labels: Mapping[int, Label], constants: Iterable[str]) -> Liveness:
    """The locals that are needed; ``constants`` never change and are left out."""
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
    return Liveness(at_label, {number: after(block) for number, block in blocks.items()})


def assigned_before(
    blocks: Mapping[int, Block], labels: Mapping[int, Label], entry: int, constants: Iterable[str]
) -> dict[int, Names]:
    """The locals that have a value wherever a block begins."""
    found: dict[int, Names] = {entry: frozenset(constants)}
    todo = [entry]
    while todo:
        number = todo.pop()
        known = found[number]
        for statement in blocks[number].body:
            known = assigned_after(statement, known)
        for target, extra in _targets(blocks[number], labels):
            before = found.get(target)
            now = known | extra if before is None else before & (known | extra)
            if now != before:
                found[target] = now
                todo.append(target)
    return found


def _targets(block: Block, labels: Mapping[int, Label]) -> list[tuple[int, Names]]:
    """Where control goes after a block, and what is assigned on the way."""
    match block.terminator:
        case Goto(target):
            return [(target, frozenset())]
        case Branch(_, then, orelse):
            return [(then, frozenset()), (orelse, frozenset())]
        case Await(number):
            label = labels[number]
            result = frozenset({label.result} if label.result else ())
            return [(label.resume, result), *((handler.block, frozenset()) for handler in label.handlers)]
        case _:
            return []


def assigned_after(statement: Stmt, before: Names) -> Names:
    """The locals that surely have a value after a statement."""
    match statement:
        case Assign(target=Local(name=name)) | Choose(target=Local(name=name)):
            return before | {name}
        case CallRoutine(target=Local(name=name)):
            return before | {name}
        case Forget(names=names):
            return before - frozenset(names)
        case If(then=then, orelse=orelse):
            yes, no = before, before
            for inner in then:
                yes = assigned_after(inner, yes)
            for inner in orelse:
                no = assigned_after(inner, no)
            return yes & no
        case _:
            return before
