"""The whole C source of a program, and what is needed to read the engine's answers."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined, Template

from checker.engines.interface import DEADLOCK_FREE
from checker.engines.native.codegen.actions import ActionSteps
from checker.engines.native.codegen.errors import ErrorSites
from checker.engines.native.codegen.expressions import Expressions
from checker.engines.native.codegen.layout import Capacities, Layout, ProcessLayout, Slot, Unsupported, pack
from checker.engines.native.codegen.processes import ProcessFunctions
from checker.engines.native.codegen.symmetry import SymmetryCode
from checker.engines.native.codegen.values import CTypes
from checker.errors import Location, ModelErrorKind
from checker.ir.dependencies import flat
from checker.ir.program import Process, Program, PropertyKind
from checker.ir.statements import Raise
from checker.ir.types import IndexType
from checker.semantics.rules import CALL_FAILED, CALL_TIMED_OUT

#: Error numbers that are not the model's: see ``runtime/gen_fields.h``.
CAPACITY, BEYOND, UNSYMMETRIC = 1, 2, 3

_INIT = "init"
_CRASH = "crash"


@dataclass(frozen=True, slots=True)
class Source:
    """Generated C, the layout of its states, the names of its coverage counters, its error numbers.

    Property i of the program is bit i of the C side's masks; the bits after the last are freedom from
    deadlock, and that some state is quiescent.
    """

    text: str
    layout: Layout
    #: The sets by which the search is reduced to one state of each orbit.
    symmetric: tuple[IndexType, ...]
    step_names: tuple[str, ...]
    #: What a model error's number means: its kind and place.
    errors: Mapping[int, tuple[ModelErrorKind, Location | None]]


def generate(
    program: Program, capacities: Capacities | None = None, symmetric: Sequence[IndexType] = ()
) -> Source:
    """The C source of a program's transition system; ``symmetric`` sets are those to reduce by.

    Raises:
        Unsupported: the program needs something that the native engine does not have.
    """
    return _Generator(program, Layout(program, capacities), symmetric).source()


@cache
def _template() -> Template:
    environment = Environment(
        loader=PackageLoader("checker.engines.native"),
        undefined=StrictUndefined,
        keep_trailing_newline=True,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template("model.c.j2")


class _Generator:
    """Emits one program."""

    def __init__(self, program: Program, layout: Layout, symmetric: Sequence[IndexType]) -> None:
        self._program = program
        self._symmetric = symmetric
        self._layout = layout
        self._types = CTypes(layout.capacities)
        names = {name: f"r{i}_{_identifier(name)}" for i, name in enumerate(program.routines)}
        self._expressions = Expressions(program, layout, self._types, ErrorSites(), names)
        self._expressions.is_symmetric = bool(symmetric)
        self._services = _service_errors(program)
        self._steps = _step_names(program)
        for process in program.processes:
            if len(process.labels) > 64:
                # Sets of labels are words in the generated code.
                raise Unsupported(f"{process.name} has {len(process.labels)} calls, more than 64")
        if len(program.properties) > 62:
            raise Unsupported(f"{len(program.properties)} properties, more than 62")

    def source(self) -> Source:
        program, layout = self._program, self._layout
        actions = ActionSteps(self._expressions, self._services, self._steps)
        prototypes = [actions.prototype(routine) for routine in program.routines.values()]
        functions = [actions.function(routine) for routine in program.routines.values()]
        steps = [s for action in program.actions for s in actions.steps(action, self._budget(action.budget))]
        processes = [self._process(process, place) for process, place in self._processes()]
        crash, fail, ambiguous = layout.budgets[:3]
        state_checks = self._checks(PropertyKind.ALWAYS, PropertyKind.LEMMA, PropertyKind.REACHABLE)
        step_checks = self._checks(PropertyKind.TRANSITION)
        rest = {"bit": len(program.properties) + 1, "test": "true", "title": "some state is quiescent"}
        quiescent_checks = [*self._checks(PropertyKind.QUIESCENT), self._deadlock(), rest]
        symmetry = None
        if self._symmetric:
            code = SymmetryCode(program, layout, self._types, self._symmetric)
            names = ", ".join(index.name for index in self._symmetric)
            symmetry = {"names": names, "before": code.before(), "after": code.after()}
        text = _template().render(
            symmetry=symmetry,
            name=program.name,
            location=program.location,
            bits=layout.bits,
            words=layout.words,
            step_names=self._steps,
            definitions=self._types.definitions,
            prototypes=prototypes,
            functions=functions,
            processes=processes,
            process_count=program.process_count,
            actions=steps,
            crash=crash,
            fail=fail,
            ambiguous=ambiguous,
            crash_name=self._steps.index(_CRASH),
            init_name=self._steps.index(_INIT),
            max_attempts=program.budgets.max_attempts,
            failed=self._services.index(CALL_FAILED),
            timed_out=self._services.index(CALL_TIMED_OUT),
            initial=[f"UINT64_C({word})" for word in self._initial_words()],
            state_checks=state_checks,
            step_checks=step_checks,
            quiescent_checks=quiescent_checks,
            state_mask=_mask(check["bit"] for check in state_checks),
            step_mask=_mask(check["bit"] for check in step_checks),
            quiescent_mask=_mask(check["bit"] for check in quiescent_checks),
        )
        return Source(
            text, layout, tuple(self._symmetric), tuple(self._steps), self._expressions.errors.numbered()
        )

    def _processes(self) -> list[tuple[Process, ProcessLayout]]:
        return list(zip(self._program.processes, self._layout.processes, strict=True))

    def _process(self, process: Process, place: ProcessLayout) -> dict[str, Any]:
        emitted = ProcessFunctions(self._expressions, place, self._services)
        names = [label.call.name for label in process.labels]
        return {
            "name": emitted.name,
            "functions": emitted.functions(),
            "first": process.first_instance,
            "end": process.first_instance + process.instances,
            "instances": process.instances,
            "offset": place.offset,
            "width": place.width,
            "label_width": place.label.width,
            "attempt": place.attempt,
            "applied": place.applied,
            "idle": _mask(label.id for label in process.labels if label.idle),
            "once": _mask(label.id for label in process.labels if label.call.applied_once),
            "call_names": [self._steps.index(name) for name in names],
            "fail_names": [self._steps.index(f"{name} fail") for name in names],
            "lost_names": [self._steps.index(f"{name} ambiguous") for name in names],
        }

    def _budget(self, name: str | None) -> Slot | None:
        if name is None:
            return None
        return self._layout.budgets[self._program.budgets.names.index(name)]

    def _initial_words(self) -> list[int]:
        layout = self._layout
        bits = 0
        for variable in self._program.variables:
            packed = pack(variable.type, variable.initial, layout.capacities)
            bits |= packed << layout.variables[variable.name].offset
        for slot, amount in zip(layout.budgets, self._program.budgets.amounts, strict=True):
            bits |= amount << slot.offset
        return [bits >> (64 * word) & (2**64 - 1) for word in range(layout.words)]

    def _checks(self, *kinds: PropertyKind) -> list[dict[str, Any]]:
        found = []
        for bit, prop in enumerate(self._program.properties):
            if prop.kind in kinds:
                call = f"{self._expressions.routine_names[prop.routine]}(&c, s)"
                test = call if prop.kind is PropertyKind.REACHABLE else f"!{call}"
                found.append({"bit": bit, "test": test, "title": prop.name})
        return found

    def _deadlock(self) -> dict[str, Any]:
        busy = [f"!gen_is_idle(s, {instance})" for instance in range(self._program.process_count)]
        bit = len(self._program.properties)
        return {"bit": bit, "test": " || ".join(busy) or "false", "title": DEADLOCK_FREE}


def _identifier(name: str) -> str:
    return re.sub(r"\W", "_", name)


def _mask(bits: Any) -> int:
    return sum(1 << bit for bit in bits)


def _service_errors(program: Program) -> list[str]:
    """The names of all service errors, by their number."""
    found = [CALL_FAILED, CALL_TIMED_OUT]
    for routine in program.routines.values():
        found += [s.error for s in flat(routine.body) if isinstance(s, Raise)]
    for process in program.processes:
        for label in process.labels:
            found += [error for handler in label.handlers for error in handler.errors]
            found += [label.call.cancelled] if label.call.cancelled else []
    return list(dict.fromkeys(found))


def _step_names(program: Program) -> list[str]:
    """The names under which coverage counts steps, as ``checker.engines.search.fired_name`` has them."""
    names = [_INIT, *(action.name for action in program.actions)]
    for process in program.processes:
        for label in process.labels:
            call = label.call.name
            names += [call, f"{call} fail", f"{call} ambiguous"]
    return list(dict.fromkeys([*names, _CRASH]))
