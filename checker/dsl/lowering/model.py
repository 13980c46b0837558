"""Lowering of a whole model for the bounds of one spec."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import CodeType
from typing import Any, get_args, get_origin

from checker.dsl.annotations import TypeTable, evaluated_hints, generic_bases
from checker.dsl.calls import Operation
from checker.dsl.collections import Fifo
from checker.dsl.declarations import Holder, Model, Role
from checker.dsl.index import Index, Process, sized
from checker.dsl.lowering.processes import ProcessLowering
from checker.dsl.lowering.scope import Receiver, Scope
from checker.dsl.lowering.statements import StatementLowering
from checker.dsl.source import class_location, function_tree, location, rejected
from checker.dsl.structure import HolderStructure, structure_of
from checker.errors import InternalError, Location, UserError
from checker.ir.expressions import Expr, PureCall, StateVar, children
from checker.ir.program import (
    Action,
    Budgets,
    Parameter,
    Program,
    Property,
    PropertyKind,
    Routine,
)
from checker.ir.program import Process as IrProcess
from checker.ir.statements import (
    Assign,
    CallRoutine,
    Choose,
    Raise,
    Stmt,
    When,
    expressions,
    nested,
)
from checker.ir.types import BOOL, NONE, IndexType, Type
from checker.ir.values import domain
from checker.ir.verifier import verify

_PROPERTY_KINDS = {
    Role.ALWAYS: PropertyKind.ALWAYS,
    Role.TRANSITION: PropertyKind.TRANSITION,
    Role.QUIESCENT: PropertyKind.QUIESCENT,
    Role.REACHABLE: PropertyKind.REACHABLE,
    Role.LEMMA: PropertyKind.LEMMA,
}


@dataclass(frozen=True)
class LoweredModel:
    """A model class with its program for some bounds, and what ties the two together."""

    cls: type[Model]
    program: Program
    structure: HolderStructure
    table: TypeTable
    sizes: Mapping[type, int]
    #: The index sets whose number of members the code asks for.
    lengths_asked: frozenset[str] = frozenset()


def lower(cls: type[Model], bounds: Mapping[str, int], budgets: Budgets) -> LoweredModel:
    """Lower a model class.

    Args:
        bounds: the size of every index set that the model uses, by name.
        budgets: the budgets of faults; those of components are by ``component.fault``.

    Raises:
        UserError: a bound or budget that the model does not know or lacks, an unsupported construct, a
            type error. The message has the place.
    """
    sets = _index_sets(cls)
    sizes = _sizes(cls, sets, bounds)
    labels = _process_labels(cls, sizes)
    sizes = {**sizes, Process: len(labels)}
    with sized(sizes) as asked:
        lowering = _ModelLowering(cls, labels)
        program = lowering.program(budgets)
    verify(program)
    lengths_asked = frozenset(one.__name__ for one in asked)
    return LoweredModel(cls, program, lowering.structure, lowering.table, sizes, lengths_asked)


def _process_labels(cls: type[Model], sizes: Mapping[type, int]) -> tuple[str, ...]:
    """What the process instances are called, in the order in which the model declares them."""
    labels: list[str] = []
    for name, _, mark in HolderStructure(cls, "", {}).marked():
        if mark.role is Role.PROCESS:
            count = None if mark.instances is None else sizes[mark.instances]
            labels += [name] if count is None else [f"{name} {index}" for index in range(count)]
    return tuple(labels)


def index_sets_of(cls: type[Model]) -> list[str]:
    """The names of the index sets that a spec has to size, sorted."""
    return sorted(_index_sets(cls))


def _index_sets(cls: type[Model]) -> dict[str, type[Index]]:
    """Index sets by name that a model can mention: in annotations, or by name in its functions."""
    found: dict[str, type[Index]] = {}
    _collect(cls, found, set())
    return found


def _collect(value: Any, found: dict[str, type[Index]], seen: set[int]) -> None:
    if id(value) in seen:
        return
    seen.add(id(value))
    if isinstance(value, type) and issubclass(value, Index) and value not in (Index, Process):
        found[value.__name__] = value
    for arg in get_args(value):
        _collect(arg, found, seen)
    target = get_origin(value) or value
    if isinstance(target, type) and hasattr(target, "__dataclass_fields__"):
        for annotation in evaluated_hints(target, class_location(target)).values():
            _collect(annotation, found, seen)
    if isinstance(target, type) and issubclass(target, Holder):
        for mentioned in _mentioned_by_class(target):
            _collect(mentioned, found, seen)
    if inspect.isfunction(value) and not value.__module__.startswith("checker.dsl"):
        place = location(value.__code__.co_filename, function_tree(value))
        names = [value.__globals__.get(name) for name in _global_names(value.__code__)]
        for mentioned in [*evaluated_hints(value, place).values(), *names]:
            _collect(mentioned, found, seen)


def _mentioned_by_class(cls: type[Holder]) -> list[Any]:
    """The types of a model's or component's fields, its type arguments, and its functions."""
    members = [inspect.getattr_static(cls, name) for name in dir(cls)]
    functions = [member.function if isinstance(member, Operation) else member for member in members]
    return [
        *evaluated_hints(cls, class_location(cls)).values(),
        *(arg for _, args in generic_bases(cls) for arg in args),
        *(function for function in functions if inspect.isfunction(function)),
    ]


def _global_names(code: CodeType) -> list[str]:
    """The names that a function's code looks up, comprehensions inside it included."""
    inner = [const for const in code.co_consts if isinstance(const, CodeType)]
    return [*code.co_names, *(name for nested_code in inner for name in _global_names(nested_code))]


def _sizes(cls: type[Model], sets: Mapping[str, type[Index]], bounds: Mapping[str, int]) -> dict[type, int]:
    for name, size in bounds.items():
        if name not in sets:
            close = difflib.get_close_matches(name, sets, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"its index sets: {', '.join(sorted(sets))}"
            raise UserError(f"{cls.__name__} has no index set '{name}'", where="[bounds]", hint=hint)
        if size < 1:
            hint = "an index set needs at least one member"
            raise UserError(f"'{name}' has {size} members", where="[bounds]", hint=hint)
    missing = sorted(set(sets) - set(bounds))
    if missing:
        hint = f"add: {missing[0]} = 2"
        raise UserError(f"no size is given for {', '.join(missing)}", where="[bounds]", hint=hint)
    return {sets[name]: size for name, size in bounds.items()}


class _ModelLowering:
    """Lowers the members of one model; routines are lowered when first asked for."""

    def __init__(self, cls: type[Model], process_labels: tuple[str, ...]) -> None:
        self._cls = cls
        self.table = TypeTable(process_labels)
        self.structure = structure_of(cls, self.table)
        self._routines: dict[str, Routine] = {}
        self._open: list[str] = []
        self._operations: set[str] = set()

    def program(self, budgets: Budgets) -> Program:
        actions: list[Action] = []
        processes: list[IrProcess] = []
        properties: list[Property] = []
        for holder in self.structure.walk():
            receiver = Receiver(holder)
            for name, function, mark in holder.marked():
                if mark.role in (Role.ACTION, Role.FAULT):
                    actions.append(self._action(receiver, name, function, mark.role))
                elif holder.name:
                    hint = "components have operations, actions and faults"
                    raise UserError(f"'{name}' is a {mark.role.value} of a component", hint=hint)
                elif mark.role is Role.PROCESS:
                    first = sum(process.instances for process in processes)
                    processes.append(self._process(receiver, name, function, mark.instances, first))
                else:
                    properties.append(self._property(receiver, name, function, mark.role))
        variables = tuple(v for holder in self.structure.walk() for v in holder.fields.values())
        for process in processes:
            self._check_calls_awaited(process)
        index_sets = sorted((t for t in self.table.classes if isinstance(t, IndexType)), key=lambda t: t.name)
        return Program(
            self._cls.__name__,
            inspect.getdoc(self._cls) or "",
            class_location(self._cls),
            tuple(t for t in index_sets if t.name != Process.__name__),
            variables,
            dict(self._routines),
            tuple(actions),
            tuple(processes),
            tuple(properties),
            _known_budgets(self._cls, budgets, tuple(actions)),
        )

    # Unit: what lowering a function asks for

    def resolve(self, annotation: Any, receiver: Receiver | None, place: Location, what: str) -> Type:
        variables = {} if receiver is None else receiver.structure.variables
        return self.table.resolve(annotation, variables, place, what)

    def routine(self, receiver: Receiver, method: str, place: Location) -> Routine:
        name = receiver.variable(method)
        static = inspect.getattr_static(receiver.structure.cls, method)
        function = static.function if isinstance(static, Operation) else static
        raises = tuple(e.__name__ for e in static.raises) if isinstance(static, Operation) else None
        if isinstance(static, Operation):
            self._operations.add(name)
        return self._lowered(name, function, receiver, place, raises)

    def function(self, function: Any, place: Location) -> Routine:
        return self._lowered(f"{function.__module__}.{function.__qualname__}", function, None, place, None)

    def signature(self, receiver: Receiver, helper: Any, place: Location) -> Routine:
        parameters, returns, _ = self._signature(helper, receiver)
        return Routine(helper.__name__, parameters, (), returns, place)

    def _signature(
        self, function: Any, receiver: Receiver | None
    ) -> tuple[tuple[Parameter, ...], Type, str | None]:
        """Parameters, result type, and the name of a parameter that is the state before, if any."""
        tree = function_tree(function)
        place = location(function.__code__.co_filename, tree)
        hints = evaluated_hints(function, place)
        arguments = tree.args
        if arguments.vararg or arguments.kwarg or arguments.kwonlyargs or arguments.defaults:
            hint = "use plain positional parameters without defaults"
            raise rejected(place, f"the parameters of '{function.__name__}' are not supported", hint)
        names = [arg.arg for arg in arguments.args][0 if receiver is None else 1 :]
        parameters, before = [], None
        for name in names:
            if name not in hints:
                raise rejected(place, f"the parameter '{name}' has no type", f"write {name}: T")
            if getattr(hints[name], "__name__", "") in ("Self", self._cls.__name__):
                before = name
                continue
            type_ = self.resolve(_listed(hints[name]), receiver, place, f"'{name}'")
            parameters.append(Parameter(name, type_))
        if "return" not in hints:
            hint = "annotate the result: -> None, -> bool, ..."
            raise rejected(place, f"'{function.__name__}' has no result type", hint)
        returns = self.resolve(
            _listed(hints["return"]), receiver, place, f"the result of '{function.__name__}'"
        )
        return tuple(parameters), returns, before

    def _lowered(
        self,
        name: str,
        function: Any,
        receiver: Receiver | None,
        place: Location,
        raises: tuple[str, ...] | None,
    ) -> Routine:
        if name in self._routines:
            return self._routines[name]
        if name in self._open:
            raise rejected(place, f"'{name}' calls itself", "models have no recursion; write a loop")
        self._open.append(name)
        try:
            parameters, returns, before = self._signature(function, receiver)
            receivers = {} if receiver is None else {"self": receiver}
            if before is not None and receiver is not None:
                receivers[before] = Receiver(receiver.structure, old=True)
            scope = Scope(self, function, receivers, raises=raises)
            for parameter in parameters:
                scope.declare(parameter.name, parameter.type)
                scope.parameters.add(parameter.name)
            body = _stable(scope, lambda: StatementLowering(scope, returns).body(scope.tree.body))
        finally:
            self._open.pop()
        _check_returns(body, returns, scope)
        pure, is_operation = self._is_pure(body), name in self._operations
        routine = Routine(name, parameters, body, returns, scope.place(scope.tree), pure, is_operation)
        self._routines[name] = routine
        return routine

    def _is_pure(self, body: tuple[Stmt, ...]) -> bool:
        for statement in body:
            if isinstance(statement, Choose | When | Raise):
                return False
            if isinstance(statement, Assign) and isinstance(statement.target, StateVar):
                return False
            if isinstance(statement, CallRoutine) and not self._routines[statement.routine].pure:
                return False
            if not self._is_pure(nested(statement)):
                return False
        return True

    # Members

    def _action(self, receiver: Receiver, name: str, function: Any, role: Role) -> Action:
        routine = self.routine(
            receiver, name, location(function.__code__.co_filename, function_tree(function))
        )
        for parameter in routine.parameters:
            if domain(parameter.type) is None:
                hint = "use an index set, an Enum, a bool, a bounded int, or choose() inside"
                what = f"the parameter '{parameter.name}' of '{name}' has no finite domain ({parameter.type})"
                raise rejected(routine.location, what, hint)
        budget = routine.name if role is Role.FAULT else None
        component = receiver.structure.name
        return Action(routine.name, routine.name, routine.parameters, routine.location, component, budget)

    def _process(
        self, receiver: Receiver, name: str, function: Any, instances: type[Index] | None, first: int
    ) -> IrProcess:
        tree = function_tree(function)
        place = location(function.__code__.co_filename, tree)
        if not inspect.iscoroutinefunction(function):
            raise rejected(place, f"the process '{name}' is not async", f"write: async def {name}(...)")
        parameters, returns, _ = self._signature(function, receiver)
        if returns != NONE:
            raise rejected(place, f"the process '{name}' returns {returns}", "write -> None")
        index = None if instances is None else self.resolve(instances, None, place, "instances")
        parameter = None
        if index is None and parameters:
            hint = f"declare its instances: @process(instances={parameters[0].type})"
            raise rejected(place, f"the process '{name}' has a parameter, but one instance", hint)
        if index is not None:
            if [p.type for p in parameters] != [index]:
                hint = f"write: async def {name}(self, me: {index}) -> None"
                raise rejected(place, f"the process '{name}' needs one parameter of type {index}", hint)
            parameter = (parameters[0].name, parameters[0].type)
            assert isinstance(index, IndexType)
        return ProcessLowering(self, receiver, function, parameter).lower(name, index, first)

    def _property(self, receiver: Receiver, name: str, function: Any, role: Role) -> Property:
        tree = function_tree(function)
        place = location(function.__code__.co_filename, tree)
        parameters, returns, before = self._signature(function, receiver)
        if returns != BOOL:
            hint = f"write: def {name}(self) -> bool"
            raise rejected(place, f"the property '{name}' returns {returns}, not bool", hint)
        if parameters or (before is not None) != (role is Role.TRANSITION):
            expected = "(self, before: Self)" if role is Role.TRANSITION else "(self)"
            raise rejected(
                place, f"the parameters of the property '{name}'", f"write: def {name}{expected} -> bool"
            )
        routine = self.routine(receiver, name, place)
        if not routine.pure:
            raise rejected(
                place, f"the property '{name}' changes the state or chooses", "only look at the state"
            )
        return Property(name, _PROPERTY_KINDS[role], routine.name, inspect.getdoc(function) or "", place)

    def _check_calls_awaited(self, process: IrProcess) -> None:
        """A helper that a process calls must not use an operation: that would be a call without an await."""
        for block in process.blocks:
            for statement in block.body:
                found = self._operation_in(statement)
                if found is not None:
                    place, name = found
                    hint = "make the helper async and await it, or pass the result of the operation to it"
                    raise rejected(
                        place, f"the operation '{name}' is used by a helper without an await", hint
                    )

    def _operation_in(self, statement: Stmt) -> tuple[Location, str] | None:
        names = [statement.routine] if isinstance(statement, CallRoutine) else []
        names += [name for expr in expressions(statement) for name in _called(expr)]
        for name in names:
            for inner in self._routines[name].body:
                for called in _all_calls(inner):
                    if called.routine in self._operations:
                        return called.location, called.routine
                    deeper = self._operation_in(called)
                    if deeper is not None:
                        return deeper
        return next((f for inner in nested(statement) if (f := self._operation_in(inner)) is not None), None)


def _all_calls(statement: Stmt) -> list[CallRoutine]:
    found = [statement] if isinstance(statement, CallRoutine) else []
    return found + [call for inner in nested(statement) for call in _all_calls(inner)]


def _called(expr: Expr) -> list[str]:
    found = [expr.routine] if isinstance(expr, PureCall) else []
    return found + [name for child in children(expr) for name in _called(child)]


def _listed(annotation: Any) -> Any:
    """A query's ``list[T]`` is a FIFO: something that is only iterated over."""
    return Fifo[get_args(annotation)[0]] if get_origin(annotation) is list else annotation  # type: ignore[misc]


def _stable(scope: Scope, run: Callable[[], tuple[Stmt, ...]]) -> tuple[Stmt, ...]:
    """Lower until the types of locals no longer change."""
    for _ in range(32):
        scope.restart()
        body = run()
        if not scope.changed:
            return body
    raise InternalError(f"the types of locals in {scope.function.__qualname__} do not settle")


def _check_returns(body: tuple[Stmt, ...], returns: Type, scope: Scope) -> None:
    if returns != NONE and not _always_leaves(body):
        hint = "add a return (or raise) on the path that has none"
        raise scope.reject(scope.tree, f"'{scope.function.__name__}' may end without a value", hint)


def _always_leaves(body: tuple[Stmt, ...]) -> bool:
    from checker.ir.statements import If, Return

    for statement in body:
        match statement:
            case Return() | Raise():
                return True
            case If(then=then, orelse=orelse) if _always_leaves(then) and _always_leaves(orelse):
                return True
    return False


def _known_budgets(cls: type[Model], budgets: Budgets, actions: tuple[Action, ...]) -> Budgets:
    """The budgets with every component fault of the model in program order, 0 where none is given."""
    given = dict(budgets.component)
    known = [action.budget for action in actions if action.budget is not None]
    for name, amount in [*zip(("crash", "fail", "ambiguous"), budgets.amounts, strict=False), *given.items()]:
        if amount < 0:
            raise UserError(
                f"the budget of '{name}' is {amount}", where="[faults]", hint="0 disables a fault"
            )
    for name in given:
        if name not in known:
            everything = ["crash", "fail", "ambiguous", *known]
            close = difflib.get_close_matches(name, everything, 1)
            hint = f"did you mean '{close[0]}'?" if close else f"its faults: {', '.join(everything)}"
            raise UserError(f"{cls.__name__} has no fault '{name}'", where="[faults]", hint=hint)
    return replace(budgets, component=tuple((name, given.get(name, 0)) for name in known))
