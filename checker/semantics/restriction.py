"""States with all but some members of index sets left out.

What belongs to a member that is left out goes with it: elements and keys that name it, its process instance.
A value that a state keeps for a member that stays, and that names one that is left out, becomes *elsewhere*:
the number behind the last member, which is no member.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from checker.ir.program import Program
from checker.ir.types import (
    PROCESS_SET_NAME,
    BagType,
    FifoType,
    IndexType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value
from checker.semantics.state import UNASSIGNED, ProcessState, State


class Restriction:
    """Leaves all out but ``kept`` members of each set, which are numbered anew in their order.

    ``smaller`` is the same model lowered for as many members as are kept.
    """

    def __init__(self, program: Program, smaller: Program, kept: Mapping[str, Sequence[int]]) -> None:
        self._program = program
        self._smaller = smaller
        self._kept = kept
        self._names = {name: {old: new for new, old in enumerate(ms)} for name, ms in kept.items()}

    def state(self, state: State) -> State:
        """What is left of a state."""
        pairs = zip(self._program.variables, state.variables, strict=True)
        variables = tuple(self.value(variable.type, value) for variable, value in pairs)
        processes: dict[int, ProcessState] = {}
        for number, waiting in enumerate(state.processes):
            place = self._instance(number)
            if place == self._smaller.process_count:
                continue
            process, _ = self._program.process_of(number)
            values = tuple(
                value if value is UNASSIGNED else self.value(process.locals[name], value)
                for name, value in zip(process.labels[waiting.label].live, waiting.locals, strict=True)
            )
            processes[place] = waiting._replace(locals=values)
        return State(variables, tuple(processes[one] for one in sorted(processes)), state.budgets)

    def value(self, type_: Type, value: Value) -> Value:
        """What is left of a value."""
        match type_:
            case IndexType(name) if name == PROCESS_SET_NAME:
                return self._instance(value)
            case IndexType(name) if name in self._names:
                return self._names[name].get(value, len(self._kept[name]))
            case OptionType(inner):
                return None if value is None else self.value(inner, value)
            case RecordType(_, fields):
                parts = zip(fields, value, strict=True)
                return tuple(self.value(field, part) for (_, field), part in parts)
            case SetType(element):
                return frozenset(self.value(element, one) for one in value if self._stays(element, one))
            case FifoType(element):
                return tuple(self.value(element, one) for one in value if self._stays(element, one))
            case BagType(element):
                counts = [(one, n) for one, n in value.items() if self._stays(element, one)]
                return FrozenMap({self.value(element, one): n for one, n in counts})
            case MapType(key, inner):
                entries = [(k, v) for k, v in value.items() if self._stays(key, k)]
                return FrozenMap({self.value(key, k): self.value(inner, v) for k, v in entries})
            case _:
                return value

    def _instance(self, number: int) -> int:
        """The new number of a process instance; behind the last where it is left out."""
        process, index = self._program.process_of(number)
        first = next(p.first_instance for p in self._smaller.processes if p.name == process.name)
        if process.index is None or process.index.name not in self._names:
            return first + index
        new = self._names[process.index.name].get(index)
        return self._smaller.process_count if new is None else first + new

    def _stays(self, type_: Type, value: Value) -> bool:
        """Whether a value names only members that stay."""
        match type_:
            case IndexType(name) if name == PROCESS_SET_NAME:
                return self._instance(value) < self._smaller.process_count
            case IndexType(name) if name in self._names:
                return value in self._names[name]
            case OptionType(inner):
                return value is None or self._stays(inner, value)
            case RecordType(_, fields):
                parts = zip(fields, value, strict=True)
                return all(self._stays(field, part) for (_, field), part in parts)
            case SetType(element) | FifoType(element) | BagType(element):
                return all(self._stays(element, one) for one in value)
            case MapType(key, inner):
                return all(self._stays(key, k) and self._stays(inner, v) for k, v in value.items())
            case _:
                return True
