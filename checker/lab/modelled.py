"""A lab that speaks the model's language: its actions, its operations, and its properties as assertions.

The environment's steps are the model's own actions, whose calls are made for real. After every step the
tables and queues are read back as a state of the model, and its properties are asked of that state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from checker.dsl.lowering import LoweredModel
from checker.errors import UserError
from checker.ir.dependencies import OLD_PREFIX, flat, variables_read
from checker.ir.expressions import StateVar
from checker.ir.program import Program, Property, PropertyKind
from checker.ir.statements import Assign
from checker.ir.types import BagType, MapType, RecordType, Type
from checker.ir.values import Value, show
from checker.lab.errors import LabError, StepDidNotFire
from checker.lab.session import Delivers, Fault, Lab, StaleDelete
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind, Successor
from checker.spec import Spec
from checker.trace.plain import from_plain, to_plain
from checker.trace.story import concerns, entities_in
from checker.trace.trace import changes

#: What part of a component the lab can read back, by the component's class.
_OBSERVED = {"SqsQueue": ("visible",), "DynamoTable": ("items",)}


class PropertyViolated(AssertionError):
    """A property of the model is false in what the lab observed. ``name`` is the property's."""

    def __init__(self, name: str, text: str) -> None:
        super().__init__(text)
        self.name = name


@dataclass(frozen=True, slots=True)
class Observation:
    """What was there after a step of the lab's history; ``step`` counts from 0, before the first."""

    step: int
    state: State


class ModelledLab:
    """A running lab, with the model of the consumer that runs in it.

    Args:
        spec: the spec whose consumer runs; its properties are the assertions.
        lab: a lab that has been entered.
        found_on: the spec that the schedule was found on, where it is another one. Then the schedule is
            *forced*: it keeps the order of processes and the faults, on whatever calls this consumer
            makes. A call that both consumers know happens only where the schedule has it; other calls
            happen at the next step of their process.
    """

    def __init__(self, spec: Spec, lab: Lab, found_on: Spec | None = None) -> None:
        self.spec = spec
        self.lab = lab
        self._program = spec.lowered.program
        self._machine = Machine(self._program)
        self._known = [] if found_on is None else _operations(found_on.lowered.program)
        self._forced = found_on is not None
        self._faults_asked = self._faults_fired = 0
        self._initial = _initial_state(self._machine)
        self._ghost = self._initial
        self._observations = [Observation(0, self._observed())]
        self._violated: dict[str, PropertyViolated] = {}

    # The schedule

    def act(self, action: str, **parameters: str) -> None:
        """A step of the environment: run the model's action, and make the calls that it makes."""
        found = next((a for a in self._program.actions if a.name == action), None)
        if found is None or found.component:
            known = ", ".join(a.name for a in self._program.actions if not a.component)
            raise UserError(f"{self._program.name} has no action '{action}'", hint=f"its actions: {known}")
        names = [parameter.name for parameter in found.parameters]
        if sorted(names) != sorted(parameters):
            what = f"the action '{action}' takes {', '.join(names) or 'nothing'}"
            hint = f"it was given {', '.join(parameters) or 'nothing'}"
            raise UserError(what, where=str(self.spec.path), hint=hint)
        values = tuple(from_plain(p.type, parameters[p.name]) for p in found.parameters)
        successor = self._successor(action, values)
        if not isinstance(successor.outcome, State):
            raise successor.outcome
        for run in self._machine.last_calls:
            component, _, operation = run.routine.rpartition(".")
            routine = self._program.routines[run.routine]
            named = zip(routine.parameters, run.args, strict=True)
            self.lab.perform(component, operation, _flattened([(p.name, p.type, v) for p, v in named]))
        self._ghost = successor.outcome
        self._look()

    def call(
        self,
        process: str,
        operation: str,
        *,
        delivers: Delivers | None = None,
        key: Any = None,
        values: Mapping[str, Any] | None = None,
        writes: Sequence[str] = (),
        fault: Fault | None = None,
        raises: str | None = None,
        attempt: int = 1,
        stale_delete: StaleDelete = "kept",
    ) -> None:
        """A process' next call, which must be this one (see ``Lab.call``), or is made to fit, if forced."""
        self._faults_asked += fault is not None
        if self._forced:
            if fault is None and self._holds_back(process, operation, writes):
                return
            if self.lab.next_call(process, fault=fault, delivers=delivers, stale_delete=stale_delete) is None:
                return
        else:
            self.lab.call(
                process,
                operation,
                delivers=delivers,
                key=key,
                values=values,
                writes=writes,
                fault=fault,
                expect_error=raises,
                attempt=attempt,
                stale_delete=stale_delete,
            )
        self._faults_fired += fault is not None
        self._look()

    def fault(self, component: str, fault: str, **values: Any) -> None:
        """A fault of a component; forced, it may find nothing to act on."""
        self._component_step(component, fault, values, is_fault=True)

    def timeout(self, component: str, step: str, **values: Any) -> None:
        """A free step of a component, such as a visibility timeout that ends in the end."""
        self._component_step(component, step, values, is_fault=False)

    def crash(self, process: str) -> None:
        """Kill a process at the call that it is about to make, and start it again."""
        self._faults_asked += 1
        self._faults_fired += 1
        self.lab.crash(process)
        self._look()

    def _component_step(self, component: str, step: str, values: Mapping[str, Any], is_fault: bool) -> None:
        self._faults_asked += is_fault
        try:
            self.lab.perform(component, step, values)
        except StepDidNotFire:
            if not self._forced:
                raise
            return
        self._faults_fired += is_fault
        self._look()

    def _holds_back(self, process: str, operation: str, writes: Sequence[str]) -> bool:
        """Whether the call at which a process waits has its own place in the schedule, later than here."""
        if operation != "transact" and not self.lab.knows(operation):
            return False
        if self.lab.is_at(process, operation, writes):
            return False
        others = [known for known in self._known if known[0] == "transact" or self.lab.knows(known[0])]
        return any(self.lab.is_at(process, name, parts) for name, parts in others)

    def finish(self) -> None:
        """After the schedule: let everything run until nothing more can happen, and ask what must hold then.

        Raises:
            StepDidNotFire: the schedule has faults, and none of them could be applied.
        """
        if self._faults_asked and not self._faults_fired:
            raise StepDidNotFire("none of the schedule's faults could be applied to this consumer")
        self.lab.drain(after_step=self._look)
        self._look()
        self._ask(PropertyKind.QUIESCENT)

    # Properties

    def check(self, *names: str) -> None:
        """Assert properties by name.

        Raises:
            PropertyViolated: one was false, at some step or at the end.
        """
        known = {prop.name: prop for prop in self._program.properties}
        for name in names:
            if name not in known:
                hint = f"its properties: {', '.join(known)}"
                raise UserError(f"{self._program.name} has no property '{name}'", hint=hint)
            self._require_observable(known[name])
            if name in self._violated:
                raise self._violated[name]

    def check_all(self) -> None:
        """Assert all properties of the model, ``@reachable`` ones and lemmas aside."""
        left_out = (PropertyKind.REACHABLE, PropertyKind.LEMMA)
        names = [p.name for p in self._program.properties if p.kind not in left_out]
        self.check(*names)

    def _look(self) -> None:
        self._observations.append(Observation(len(self.lab.history), self._observed()))
        self._ask(PropertyKind.ALWAYS)
        self._ask(PropertyKind.TRANSITION)

    def _ask(self, kind: PropertyKind) -> None:
        now, before = self._observations[-1].state, self._observations[-2].state
        for number, prop in enumerate(self._program.properties):
            if (
                prop.kind is not kind
                or prop.name in self._violated
                or unobservable_variables(self.spec.lowered, prop)
            ):
                continue
            earlier = before if kind is PropertyKind.TRANSITION else None
            if not self._machine.holds(number, now, earlier):
                bindings = self._machine.failing_bindings(number, now, earlier)
                self._violated[prop.name] = self._violation(prop, list(bindings.values()))

    def _violation(self, prop: Property, bound: list[tuple[Type, Value]]) -> PropertyViolated:
        entities = [entity for type_, value in bound for entity in entities_in(type_, value)]
        about = ", ".join(dict.fromkeys(show(type_, value) for type_, value in entities))
        lines = [
            f"{prop.name} is false{f' for {about}' if about else ''} ({prop.description}) "
            f"[backend: {self.lab.emulator.label}]"
        ]
        names = {name.removeprefix(OLD_PREFIX) for name in variables_read(self._program, prop.routine)}
        for name in sorted(names):
            lines += self._writers(name, entities)
        lines += ["the run so far:", *(f"  {step}" for step in self.lab.history)]
        return PropertyViolated(prop.name, "\n".join(lines))

    def _writers(self, name: str, entities: list[tuple[Type, Value]]) -> list[str]:
        """Who changed a variable for the entities concerned, and what is in it now."""
        variable = self._program.variable(name)
        position = self._program.variables.index(variable)
        lines = [
            f"{name} is {show(variable.type, self._observations[-1].state.variables[position])}, changed by"
        ]
        for before, after in zip(self._observations, self._observations[1:], strict=False):
            for change in changes(self._program, before.state, after.state):
                if change.name == name and concerns(change, entities):
                    steps = self.lab.history[before.step : after.step]
                    lines += [f"  {step}" for step in steps]
        return lines

    # Observation

    def _observed(self) -> State:
        """What tables and queues show as a state; the model's own fields are as the actions left them."""
        contents = self.lab.observe()
        values = list(self._ghost.variables)
        for position, variable in enumerate(self._program.variables):
            field = variable.name.rpartition(".")[2]
            if field in _fields_seen(self.spec.lowered, variable.component):
                try:
                    values[position] = _read(variable.type, field, contents[variable.component])
                except UserError as error:
                    where = f"{variable.component} as the lab observed it"
                    raise UserError(error.what, where=where, hint=error.hint) from None
        self._ghost = self._ghost._replace(variables=tuple(values))
        return self._ghost

    def _require_observable(self, prop: Property) -> None:
        if hidden := unobservable_variables(self.spec.lowered, prop):
            what = f"the property '{prop.name}' looks at {', '.join(hidden)}, which the lab cannot observe"
            hint = "state it in terms of tables, visible messages, and fields that only actions change"
            raise UserError(what, where=str(self.spec.path), hint=hint)

    def _successor(self, action: str, values: tuple[Value, ...]) -> Successor:
        for successor in self._machine.successors(self._ghost):
            transition = successor.transition
            if transition.kind is StepKind.ACTION and (transition.name, transition.parameters) == (
                action,
                values,
            ):
                return successor
        raise StepDidNotFire(f"the action '{action}' is not enabled in the observed state")


def unobservable_variables(lowered: LoweredModel, prop: Property) -> list[str]:
    """The variables that a property reads and the lab cannot see, sorted."""
    program = lowered.program
    hidden = _written_by_processes(program)
    found = []
    for name in sorted({name.removeprefix(OLD_PREFIX) for name in variables_read(program, prop.routine)}):
        component = program.variable(name).component
        field = name.rpartition(".")[2]
        if name in hidden or (component and field not in _fields_seen(lowered, component)):
            found.append(name)
    return found


def _fields_seen(lowered: LoweredModel, component: str) -> tuple[str, ...]:
    """The fields of a component that the lab reads back."""
    if not component:
        return ()
    structure = lowered.structure
    for part in component.split("."):
        structure = structure.components[part]
    return _OBSERVED.get(structure.cls.__name__, ())


def _initial_state(machine: Machine) -> State:
    for successor in machine.initial_states():
        if isinstance(successor.outcome, State):
            return successor.outcome
    raise LabError("the model has no initial state")


def _operations(program: Program) -> list[tuple[str, tuple[str, ...]]]:
    """All calls of a program's processes: the operation's name, and the parts of a transaction."""
    found: list[tuple[str, tuple[str, ...]]] = []
    for process in program.processes:
        for label in process.labels:
            if label.call.cancelled is None:
                found.append((label.call.name, ()))
            else:
                found.append(("transact", tuple(part.name for part in label.call.parts)))
    return list(dict.fromkeys(found))


def _written_by_processes(program: Program) -> set[str]:
    """The model's own fields that processes change: nothing in the lab shows them."""
    return {
        statement.target.name
        for process in program.processes
        for block in process.blocks
        for statement in flat(block.body)
        if isinstance(statement, Assign) and isinstance(statement.target, StateVar)
    }


def _flattened(arguments: list[tuple[str, Type, Value]]) -> dict[str, Any]:
    """Arguments as the lab takes them: a record's fields by their names, others by their parameter's."""
    flattened: dict[str, Any] = {}
    for name, type_, value in arguments:
        plain = to_plain(type_, value)
        flattened.update(plain if isinstance(type_, RecordType) else {name: plain})
    return flattened


def _read(type_: Type, field: str, contents: Any) -> Value:
    """A component's variable from what its adapter observed."""
    match type_:
        case MapType(key, item):
            entries = [[k, v] for k, v in contents.items()]
            return from_plain(MapType(key, item), entries)
        case BagType():
            return from_plain(type_, contents[field])
        case _:
            raise UserError(f"'{field}' of type {type_} cannot be read back")
