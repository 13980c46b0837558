"""Evaluation of IR expressions and atomic statements.

Every node becomes a Python closure once, when its routine is first used; running a step then costs
calls instead of tree walks. A closure takes the frame that it runs in.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple, TypeAlias

from checker.errors import Location, ModelError, ModelErrorKind
from checker.ir.dependencies import OLD_PREFIX
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Domain,
    Expr,
    Fold,
    Generator,
    IfElse,
    Local,
    Logic,
    Op,
    PureCall,
    StateVar,
)
from checker.ir.iterables import bound_types
from checker.ir.program import Program
from checker.ir.statements import (
    LOOP_STEPS_MAX,
    Assert,
    Assign,
    Break,
    CallRoutine,
    Choose,
    Continue,
    For,
    Forget,
    If,
    Raise,
    Return,
    Stmt,
    When,
    While,
)
from checker.ir.types import Type
from checker.ir.values import Value, always_fits, domain, fits
from checker.semantics.operators import meaning
from checker.semantics.rules import Disabled, ServiceErrorRaised


class OperationRun(NamedTuple):
    """One run of an operation: its routine, arguments, and its result or the error that it raised."""

    routine: str
    args: tuple[Value, ...]
    result: Value
    error: str | None


class Frame:
    """What code runs in: the state being changed, locals, and the choices to take.

    ``script`` numbers the alternatives to take at the first choices; after its end the first
    alternative is taken. ``taken`` and ``offered`` record what was taken and how many there were.
    ``calls`` records the operations that ran.
    """

    __slots__ = ("caller", "calls", "idle", "locals", "offered", "old", "script", "taken", "variables")

    def __init__(
        self,
        variables: list[Value],
        script: tuple[int, ...] = (),
        caller: int = -1,
        idle: Callable[[int], bool] = lambda _: False,
        old: tuple[Value, ...] = (),
    ) -> None:
        self.variables = variables
        self.locals: dict[str, Value] = {}
        self.script = script
        self.taken: list[int] = []
        self.offered: list[int] = []
        self.caller = caller
        self.calls: list[OperationRun] = []
        self.idle = idle
        self.old = old

    def choose(self, alternatives: Sequence[Value]) -> Value:
        """Take the next choice."""
        if not alternatives:
            raise Disabled
        position = len(self.taken)
        number = self.script[position] if position < len(self.script) else 0
        self.taken.append(number)
        self.offered.append(len(alternatives))
        return alternatives[number]


Evaluate: TypeAlias = Callable[[Frame], Value]
#: Runs a statement and says how control leaves it.
Execute: TypeAlias = Callable[[Frame], "Flow | None"]


class Flow:
    """How control left a statement early: a break, a continue, or a return with its value."""

    __slots__ = ("value",)

    def __init__(self, value: Value = None) -> None:
        self.value = value


_BREAK = Flow()
_CONTINUE = Flow()


class Evaluator:
    """Closures for the expressions, statements and routines of one program."""

    def __init__(self, program: Program) -> None:
        self._program = program
        self._positions = {variable.name: i for i, variable in enumerate(program.variables)}
        self._types = [variable.type for variable in program.variables]
        self._bodies: dict[str, Execute] = {}

    def call(self, name: str, args: Iterable[Value], frame: Frame) -> Value:
        """Run a routine in a scope of its own, on the frame's state; returns its result."""
        routine = self._program.routines[name]
        body = self._bodies.get(name)
        if body is None:
            body = self._bodies[name] = self.block(routine.body)
        values = tuple(args)
        outer = frame.locals
        frame.locals = dict(zip((p.name for p in routine.parameters), values, strict=True))
        try:
            flow = body(frame)
        except ServiceErrorRaised as raised:
            frame.calls.append(OperationRun(name, values, None, raised.error))
            raise
        finally:
            frame.locals = outer
        result = flow.value if flow is not None else None
        if routine.is_operation:
            frame.calls.append(OperationRun(name, values, result, None))
        return result

    # Expressions

    def expression(self, expr: Expr) -> Evaluate:
        """The closure that evaluates an expression."""
        match expr:
            case Const(value=value):
                return lambda frame: value
            case Local(name=name, location=location):
                return _read_local(name, location)
            case StateVar(name=name) if name.startswith(OLD_PREFIX):
                position = self._positions[name.removeprefix(OLD_PREFIX)]
                return lambda frame: frame.old[position]
            case StateVar(name=name):
                position = self._positions[name]
                return lambda frame: frame.variables[position]
            case Domain(of=of):
                values = domain(of)
                return lambda frame: values
            case Connective(logic=logic, left=left, right=right):
                first, second = self.expression(left), self.expression(right)
                if logic is Logic.AND:
                    return lambda frame: first(frame) and second(frame)
                return lambda frame: first(frame) or second(frame)
            case IfElse(condition=condition, then=then, orelse=orelse):
                test, yes, no = map(self.expression, (condition, then, orelse))
                return lambda frame: yes(frame) if test(frame) else no(frame)
            case PureCall(routine=routine, args=args):
                parts = [self.expression(arg) for arg in args]
                return lambda frame: self.call(routine, [part(frame) for part in parts], frame)
            case Comprehension():
                return self._comprehension(expr)
            case Apply():
                return self._apply(expr)

    def _apply(self, expr: Apply) -> Evaluate:
        location = expr.location
        args = [self.expression(arg) for arg in expr.args]
        if expr.op is Op.RECORD_GET:
            record, position = args[0], expr.field
            return lambda frame: record(frame)[position]
        if expr.op is Op.IS_IDLE:
            instance = args[0]
            return lambda frame: frame.idle(instance(frame))
        if expr.op is Op.CALLER:
            return lambda frame: _caller(frame, location)
        function = meaning(expr.op, tuple(arg.type for arg in expr.args))

        def apply(frame: Frame) -> Value:
            try:
                return function(*[arg(frame) for arg in args])
            except ModelError as error:
                raise _placed(error, location) from None

        return apply

    def _comprehension(self, expr: Comprehension) -> Evaluate:
        body = self.expression(expr.body)
        loops = [self._generator(generator) for generator in expr.generators]
        default = None if expr.default is None else self.expression(expr.default)
        fold, location = expr.fold, expr.location

        def bindings(frame: Frame, depth: int) -> Iterator[Value]:
            for _ in loops[depth](frame):
                if depth + 1 < len(loops):
                    yield from bindings(frame, depth + 1)
                else:
                    yield body(frame)

        def comprehend(frame: Frame) -> Value:
            values = bindings(frame, 0)
            match fold:
                case Fold.ALL:
                    return all(values)
                case Fold.ANY:
                    return any(values)
                case Fold.SUM:
                    return sum(values)
                case Fold.COUNT:
                    return sum(1 for _ in values)
                case Fold.SET:
                    return frozenset(values)
                case Fold.MIN | Fold.MAX:
                    known = list(values)
                    if not known and default is not None:
                        return default(frame)
                    if not known:
                        what = f"{fold.name.lower()}() of nothing"
                        raise ModelError(ModelErrorKind.EMPTY, what, location)
                    return min(known) if fold is Fold.MIN else max(known)

        return comprehend

    def _generator(self, generator: Generator) -> Callable[[Frame], Iterator[None]]:
        iterable = self.expression(generator.iterable)
        conditions = [self.expression(condition) for condition in generator.conditions]
        bind = _binder(generator.variables)

        def loop(frame: Frame) -> Iterator[None]:
            for value in iterable(frame):
                bind(frame, value)
                if all(condition(frame) for condition in conditions):
                    yield

        return loop

    def first_failing(self, expr: Comprehension, frame: Frame) -> dict[str, tuple[Type, Value]]:
        """The bound variables of the first generator for which an ALL fails, by their source names."""
        if expr.fold is not Fold.ALL:
            return {}
        first, *rest = expr.generators
        inner: Expr = expr.body
        if rest:
            inner = replace(expr, generators=tuple(rest))
        body = self.expression(inner)
        types = bound_types(first.iterable)
        for _ in self._generator(first)(frame):
            if not body(frame):
                names = zip(first.variables, types, strict=True)
                return {name.split("$")[0]: (type_, frame.locals[name]) for name, type_ in names}
        return {}

    # Statements

    def block(self, statements: Iterable[Stmt]) -> Execute:
        """The closure that runs statements in order."""
        parts = [self.statement(statement) for statement in statements]

        def run(frame: Frame) -> Flow | None:
            for part in parts:
                flow = part(frame)
                if flow is not None:
                    return flow
            return None

        return run

    def statement(self, statement: Stmt) -> Execute:
        """The closure that runs one statement."""
        match statement:
            case Assign():
                return self._assign(statement)
            case If(condition=condition, then=then, orelse=orelse):
                test, yes, no = self.expression(condition), self.block(then), self.block(orelse)
                return lambda frame: yes(frame) if test(frame) else no(frame)
            case While():
                return self._while(statement)
            case For():
                return self._for(statement)
            case Choose(target=target, iterable=iterable):
                return _choice(target.name, self.expression(iterable))
            case When(guard=guard):
                return _guard(self.expression(guard))
            case Return(value=value):
                if value is None:
                    return lambda frame: Flow()
                result = self.expression(value)
                return lambda frame: Flow(result(frame))
            case Raise(error=error):
                return _raiser(error)
            case CallRoutine(target=target, routine=routine, args=args):
                parts = [self.expression(arg) for arg in args]

                def call(frame: Frame) -> None:
                    value = self.call(routine, [part(frame) for part in parts], frame)
                    if target is not None:
                        frame.locals[target.name] = value

                return call
            case Assert(condition=condition, location=location):
                return _assertion(self.expression(condition), location)
            case Forget(names=names):
                return _forgetting(names)
            case Break():
                return lambda frame: _BREAK
            case Continue():
                return lambda frame: _CONTINUE

    def _assign(self, statement: Assign) -> Execute:
        value = self.expression(statement.value)
        target, location = statement.target, statement.location
        if isinstance(target, Local):
            name = target.name

            def assign_local(frame: Frame) -> None:
                frame.locals[name] = value(frame)

            return assign_local
        position = self._positions[target.name]
        type_ = self._types[position]
        if always_fits(type_):

            def assign_unchecked(frame: Frame) -> None:
                frame.variables[position] = value(frame)

            return assign_unchecked

        def assign_variable(frame: Frame) -> None:
            new = value(frame)
            if (problem := fits(type_, new)) is not None:
                raise overflow(target.name, problem, location)
            frame.variables[position] = new

        return assign_variable

    def _while(self, statement: While) -> Execute:
        test, body = self.expression(statement.condition), self.block(statement.body)

        def loop(frame: Frame) -> Flow | None:
            rounds = 0
            while test(frame):
                rounds += 1
                if rounds > LOOP_STEPS_MAX:
                    raise endless(statement.location)
                flow = body(frame)
                if flow is _BREAK:
                    break
                if flow is not None and flow is not _CONTINUE:
                    return flow
            return None

        return loop

    def _for(self, statement: For) -> Execute:
        iterable, body = self.expression(statement.iterable), self.block(statement.body)
        bind = _binder(statement.variables)

        def loop(frame: Frame) -> Flow | None:
            for value in iterable(frame):
                bind(frame, value)
                flow = body(frame)
                if flow is _BREAK:
                    break
                if flow is not None and flow is not _CONTINUE:
                    return flow
            return None

        return loop


def overflow(name: str, problem: str, location: Location | None) -> ModelError:
    """The error of storing a value outside its type."""
    return ModelError(ModelErrorKind.OVERFLOW, f"{name}: {problem}", location)


def endless(location: Location | None) -> ModelError:
    """The error of local code that does not come to its next call."""
    return ModelError(ModelErrorKind.LOOP, f"more than {LOOP_STEPS_MAX} rounds", location)


def _read_local(name: str, location: Location | None) -> Evaluate:
    def read(frame: Frame) -> Value:
        try:
            return frame.locals[name]
        except KeyError:
            what = f"'{name}' has no value here"
            raise ModelError(ModelErrorKind.UNASSIGNED, what, location) from None

    return read


def _caller(frame: Frame, location: Location | None) -> int:
    if frame.caller < 0:
        raise ModelError(ModelErrorKind.CALLER, "no process makes this step", location)
    return frame.caller


def _placed(error: ModelError, location: Location | None) -> ModelError:
    if error.location is not None:
        return error
    return ModelError(error.kind, error.what, location)


def _binder(variables: tuple[str, ...]) -> Callable[[Frame, Value], None]:
    if len(variables) == 1:
        name = variables[0]

        def bind_one(frame: Frame, value: Value) -> None:
            frame.locals[name] = value

        return bind_one

    def bind_all(frame: Frame, value: Value) -> None:
        frame.locals.update(zip(variables, value, strict=True))

    return bind_all


def _choice(name: str, values: Evaluate) -> Execute:
    def run(frame: Frame) -> None:
        frame.locals[name] = frame.choose(values(frame))

    return run


def _guard(test: Evaluate) -> Execute:
    def run(frame: Frame) -> None:
        if not test(frame):
            raise Disabled

    return run


def _raiser(error: str) -> Execute:
    def run(frame: Frame) -> None:
        raise ServiceErrorRaised(error)

    return run


def _forgetting(names: tuple[str, ...]) -> Execute:
    def run(frame: Frame) -> None:
        for name in names:
            frame.locals.pop(name, None)

    return run


def _assertion(test: Evaluate, location: Location) -> Execute:
    def run(frame: Frame) -> None:
        if not test(frame):
            raise ModelError(ModelErrorKind.ASSERTION, "the assertion is false", location)

    return run
