"""Which locals every path to a label has assigned: a forward analysis over a process' graph."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checker.ir.expressions import Local
from checker.ir.program import Await, Branch, End, Fail, Goto, Process
from checker.ir.statements import Assign, CallRoutine, Choose, If, Stmt

Names = frozenset[str]


def assigned_at_labels(process: Process) -> Mapping[int, Names]:
    """The locals that have a value at each label, whichever way it was reached."""
    return _analysed(process)[1]


def assigned_at_blocks(process: Process) -> Mapping[int, Names]:
    """The locals that have a value where each block begins, whichever way it was reached."""
    return _analysed(process)[0]


def _analysed(process: Process) -> tuple[dict[int, Names], dict[int, Names]]:
    everything = frozenset(process.locals)
    start: Names = frozenset() if process.parameter is None else frozenset({process.parameter})
    at_block: dict[int, Names] = dict.fromkeys(range(len(process.blocks)), everything)
    at_label: dict[int, Names] = dict.fromkeys(range(len(process.labels)), everything)
    at_block[process.entry] = start
    changed = True
    while changed:
        changed = False

        def flow(target: dict[int, Names], number: int, names: Names) -> bool:
            met = target[number] & names
            differs = met != target[number]
            target[number] = met
            return differs

        for block in process.blocks:
            after = _after(block.body, at_block[block.id])
            match block.terminator:
                case Goto(target):
                    changed |= flow(at_block, target, after)
                case Branch(_, then, orelse):
                    changed |= flow(at_block, then, after)
                    changed |= flow(at_block, orelse, after)
                case Await(number):
                    changed |= flow(at_label, number, after)
                case End() | Fail():
                    changed |= flow(at_block, process.entry, start)
        for label in process.labels:
            # Only what is live survives at a label.
            kept = at_label[label.id] & frozenset(label.live) | start
            result = frozenset({label.result}) if label.result else frozenset()
            changed |= flow(at_block, label.resume, kept | result)
            for handler in label.handlers:
                changed |= flow(at_block, handler.block, kept)
    return at_block, at_label


def _after(body: Sequence[Stmt], before: Names) -> Names:
    names = before
    for statement in body:
        match statement:
            case Assign(target=Local(name=name)) | Choose(target=Local(name=name)):
                names |= {name}
            case CallRoutine(target=Local(name=name)):
                names |= {name}
            case If(then=then, orelse=orelse):
                names = _after(then, names) & _after(orelse, names)
            case _:
                # A loop may run not at all.
                pass
    return names
