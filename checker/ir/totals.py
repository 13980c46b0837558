"""Maps that have an entry for every key in every state, so that generated code need not ask."""

from __future__ import annotations

from collections.abc import Iterator

from checker.ir.dependencies import flat
from checker.ir.expressions import Apply, Op
from checker.ir.program import Program
from checker.ir.statements import Assign, Stmt
from checker.ir.types import MapType
from checker.ir.values import domain


def total_maps(program: Program) -> frozenset[str]:
    """The variables that begin as full maps and are never changed but by setting entries."""
    full = set()
    for variable in program.variables:
        if isinstance(variable.type, MapType):
            keys = domain(variable.type.key)
            if keys is not None and len(variable.initial) == len(keys):
                full.add(variable.name)
    for statement in _statements(program):
        match statement:
            case Assign(target=target, value=Apply(op=Op.MAP_SET, args=(_, changed, _))) if changed == target:
                pass
            case Assign(target=target):
                full.discard(target.name)
    return frozenset(full)


def _statements(program: Program) -> Iterator[Stmt]:
    for routine in program.routines.values():
        yield from flat(routine.body)
    for process in program.processes:
        for block in process.blocks:
            yield from flat(block.body)
