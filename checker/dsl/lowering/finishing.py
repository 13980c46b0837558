"""From a graph to the finished process: what is never reached or needed goes, the rest is renumbered."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace

from checker.dsl.lowering.graph import Graph
from checker.dsl.lowering.liveness import (
    Liveness,
    assigned_after,
    assigned_before,
    live_before,
    liveness,
    reads,
)
from checker.dsl.source import rejected
from checker.errors import Location
from checker.ir.expressions import Local
from checker.ir.program import Await, Block, Branch, End, Goto, Label, Process, Terminator
from checker.ir.statements import Assign, Forget, Stmt
from checker.ir.types import IndexType, Type, is_bounded


@dataclass(frozen=True, slots=True)
class Head:
    """What a process is besides its graph."""

    name: str
    parameter: str | None
    index: IndexType | None
    first_instance: int
    place: Location


def finished(head: Head, graph: Graph, types: dict[str, Type], checks: AbstractSet[str]) -> Process:
    """The process of a graph. ``checks`` are locals assigned only to fail where something has no value.

    Raises:
        UserError: a helper may end without its value, no call is made, or a local that is kept across a
            call has no bounds.
    """
    used = graph.reachable()
    blocks = {b.id: Block(b.id, tuple(b.body), b.terminator or End()) for b in graph.blocks if b.id in used}
    _reject_open_ends(graph, used)
    awaited = [b.terminator.label for b in blocks.values() if isinstance(b.terminator, Await)]
    if not awaited:
        hint = "await at least one operation of a component"
        raise rejected(head.place, f"the process '{head.name}' makes no call", hint)
    kept = {number: graph.labels[number] for number in sorted(awaited, key=lambda n: graph.labels[n].frames)}
    constants = [head.parameter] if head.parameter is not None else []
    live = liveness(blocks, kept, constants)
    assigned = assigned_before(blocks, kept, 0, constants)
    block_numbers = {old: new for new, old in enumerate(sorted(blocks))}
    label_numbers = {old: new for new, old in enumerate(kept)}
    labels = _finished_labels(kept, live, _idle_labels(blocks), block_numbers, label_numbers)
    _check_bounded(labels, types)
    return Process(
        head.name,
        head.parameter,
        head.index,
        head.first_instance,
        block_numbers[0],
        tuple(
            Block(
                new,
                _without_needless(blocks[old], live, assigned[old], checks),
                _renumbered(blocks[old].terminator, block_numbers, label_numbers),
            )
            for old, new in block_numbers.items()
        ),
        labels,
        types,
        head.place,
    )


def _reject_open_ends(graph: Graph, used: AbstractSet[int]) -> None:
    for number, scope in graph.open_ends:
        if number in used:
            hint = "add a return (or raise) on the path that has none"
            raise scope.reject(scope.tree, f"'{scope.function.__name__}' may end without a value", hint)


def _finished_labels(
    kept: Mapping[int, Label],
    live: Liveness,
    idle: AbstractSet[int],
    block_numbers: Mapping[int, int],
    label_numbers: Mapping[int, int],
) -> tuple[Label, ...]:
    return tuple(
        replace(
            label,
            id=label_numbers[old],
            resume=block_numbers[label.resume],
            handlers=tuple(
                replace(handler, block=block_numbers[handler.block]) for handler in label.handlers
            ),
            idle=old in idle,
            live=tuple(sorted(live.at_label[old])),
        )
        for old, label in kept.items()
    )


def _idle_labels(blocks: Mapping[int, Block]) -> set[int]:
    """The labels that are reached from the entry without a call."""
    seen: set[int] = set()
    labels: set[int] = set()
    todo = [0]
    while todo:
        number = todo.pop()
        if number in seen:
            continue
        seen.add(number)
        match blocks[number].terminator:
            case Goto(target):
                todo.append(target)
            case Branch(_, then, orelse):
                todo += [then, orelse]
            case Await(label):
                labels.add(label)
    return labels


def _check_bounded(labels: tuple[Label, ...], types: Mapping[str, Type]) -> None:
    for label in labels:
        for name in label.live:
            if not is_bounded(types[name]):
                shown = name.split("/")[-1]
                hint = f"annotate it: {shown}: Annotated[int, Range(0, 7)] = ..."
                what = f"the local '{shown}' is kept across an await and has no bounds"
                if "$" in shown:
                    hint = "give the operation's parameter a bounded type: Annotated[int, Range(0, 7)]"
                    what = f"an argument of {label.call.name} has no bounds"
                raise rejected(label.location, what, hint)


def _without_needless(
    block: Block, live: Liveness, assigned: frozenset[str], checks: AbstractSet[str]
) -> tuple[Stmt, ...]:
    """A block's body without checks that cannot fail, and without forgetting what nobody reads."""
    needed: list[Stmt] = []
    for position, statement in enumerate(block.body):
        match statement:
            case Assign(target=Local(name=name), value=value) if name in checks:
                if not reads(value) <= assigned:
                    needed.append(statement)
            case Forget(names=names):
                after = live_before(block.body[position + 1 :], live.after_block[block.id])
                if kept := tuple(name for name in names if name in after):
                    needed.append(Forget(kept))
            case _:
                needed.append(statement)
        assigned = assigned_after(statement, assigned)
    return tuple(needed)


def _renumbered(terminator: Terminator, blocks: Mapping[int, int], labels: Mapping[int, int]) -> Terminator:
    match terminator:
        case Goto(target):
            return Goto(blocks[target])
        case Branch(condition, then, orelse, place):
            return Branch(condition, blocks[then], blocks[orelse], place)
        case Await(label):
            return Await(labels[label])
        case _:
            return terminator
