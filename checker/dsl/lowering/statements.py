"""Lowering of statements that run within one step."""

from __future__ import annotations

import ast
import inspect
from typing import Any

from checker.dsl import runtime
from checker.dsl.calls import Operation, ServiceError
from checker.dsl.lowering import calls
from checker.dsl.lowering.expressions import ExpressionLowering, target_names
from checker.dsl.lowering.patterns import lower_pattern
from checker.dsl.lowering.scope import NOT_FOUND, Receiver, Scope
from checker.errors import Location
from checker.ir.expressions import Apply, Const, Expr, Local, Op, StateVar
from checker.ir.program import Routine
from checker.ir.statements import (
    Assert,
    Assign,
    Break,
    CallRoutine,
    Choose,
    Continue,
    For,
    If,
    Raise,
    Return,
    Stmt,
    When,
    While,
)
from checker.ir.types import (
    BOOL,
    NONE,
    BagType,
    FifoType,
    MapType,
    OptionType,
    SetType,
    Type,
    is_collection,
)

_MUTATIONS: dict[tuple[type, str], Op] = {
    (SetType, "add"): Op.SET_ADD,
    (SetType, "remove"): Op.SET_REMOVE,
    (SetType, "discard"): Op.SET_DISCARD,
    (BagType, "add"): Op.BAG_ADD,
    (BagType, "remove"): Op.BAG_REMOVE,
    (BagType, "discard"): Op.BAG_DISCARD,
    (FifoType, "append"): Op.FIFO_APPEND,
    (MapType, "discard"): Op.MAP_DISCARD,
}

_REJECTED: dict[type[ast.stmt], tuple[str, str]] = {
    ast.With: ("a with statement", "models have no resources to release; write the calls out"),
    ast.AsyncWith: ("an async with statement", "write the calls out"),
    ast.AsyncFor: ("an async for", "use for, with awaits inside"),
    ast.FunctionDef: ("a nested function", "write a helper method"),
    ast.AsyncFunctionDef: ("a nested function", "write a helper method"),
    ast.ClassDef: ("a nested class", "put it at the top of the file"),
    ast.Global: ("a global statement", "keep state in fields of the model"),
    ast.Nonlocal: ("a nonlocal statement", "keep state in fields of the model"),
    ast.Import: ("an import inside a method", "import at the top of the file"),
    ast.ImportFrom: ("an import inside a method", "import at the top of the file"),
    ast.Try: ("a try statement outside a process", "test for the error before the call"),
}


class StatementLowering:
    """Lowers the atomic statements of one function; ``returns`` is its result type."""

    def __init__(self, scope: Scope, returns: Type, in_process: bool = False) -> None:
        self.scope = scope
        self.expressions = ExpressionLowering(scope)
        self._returns = returns
        self._in_process = in_process

    def body(self, nodes: list[ast.stmt]) -> tuple[Stmt, ...]:
        """Statements in order."""
        return tuple(lowered for node in nodes for lowered in self.statement(node))

    def statement(self, node: ast.stmt) -> list[Stmt]:
        """The IR of one statement.

        Raises:
            UserError: with the place, for an unsupported construct or a type error.
        """
        place = self.scope.place(node)
        match node:
            case ast.Pass():
                return []
            case ast.Expr(value=ast.Constant(value=str())):
                return []  # a docstring
            case ast.Expr(value=ast.Call() as call):
                return self._call_statement(node, call)
            case ast.Assign(targets=[target], value=value):
                return self._assign(node, target, value)
            case ast.AnnAssign(target=ast.Name(id=name), annotation=annotation, value=value):
                return self._declare(node, name, annotation, value)
            case ast.AugAssign(target=target, op=op, value=value):
                read = ast.copy_location(ast.BinOp(_loaded(target), op, value), node)
                return [self.store(target, self.expressions.lower(read), node)]
            case ast.If(test=test, body=then, orelse=orelse):
                condition = self.expressions.condition(test)
                return [If(condition, self.body(then), self.body(orelse), place)]
            case ast.While(test=test, body=body, orelse=[]):
                return [While(self.expressions.condition(test), self.body(body), place)]
            case ast.For(target=target, iter=iterable, body=body, orelse=[]):
                values, types = self.expressions.iterable(iterable)
                names = self.loop_variables(target, types)
                return [For(names, values, self.body(body), place)]
            case ast.Match():
                return self._match(node)
            case ast.Assert(test=test):
                return [Assert(self.expressions.condition(test), place)]
            case ast.Return(value=value):
                return [self._return(node, value)]
            case ast.Raise():
                return [Raise(self._declared_error(node), place)]
            case ast.Delete(targets=[ast.Subscript(value=base, slice=key)]):
                return [self._delete(node, base, key)]
            case ast.Break():
                return [Break()]
            case ast.Continue():
                return [Continue()]
        raise self._unsupported(node)

    def _unsupported(self, node: ast.stmt) -> Exception:
        what, hint = _REJECTED.get(
            type(node), (f"this statement ({type(node).__name__})", "see docs/semantics.md for what is")
        )
        if isinstance(node, ast.For | ast.While) and node.orelse:
            what, hint = "an else after a loop", "set a flag before the break"
        if isinstance(node, ast.Assign):
            what, hint = "an assignment to several targets", "assign one after the other"
        if isinstance(node, ast.Expr):
            what, hint = ExpressionLowering.rejection(node.value)
            if isinstance(node.value, ast.Compare | ast.BinOp | ast.Name | ast.Attribute | ast.BoolOp):
                what, hint = "a value that is not used", "assign it, or write when(...) for a guard"
        return self.scope.reject(node, f"{what} is not supported in a model", hint)

    # Assignments

    def _assign(self, node: ast.stmt, target: ast.expr, value: ast.expr) -> list[Stmt]:
        if isinstance(value, ast.Call):
            special = self._special_value(node, target, value)
            if special is not None:
                return special
        expected = self._expected(target)
        return [self.store(target, self.expressions.lower(value, expected), node, fresh_only=True)]

    def _expected(self, target: ast.expr) -> Type | None:
        """The type that a target demands of its value; None where the value decides."""
        if isinstance(target, ast.Name):
            name = self.scope.prefix + target.id
            return self.scope.locals[name] if name in self.scope.declared else None
        if isinstance(target, ast.Subscript):
            base = self.expressions.value(target.value)
            return base.type.value if isinstance(base.type, MapType) else None
        if isinstance(target, ast.Attribute):
            receiver = self.scope.receiver(target.value)
            variable = receiver.structure.fields.get(target.attr) if receiver is not None else None
            return variable.type if variable is not None else None
        return None

    def _declare(
        self, node: ast.AnnAssign, name: str, annotation: ast.expr, value: ast.expr | None
    ) -> list[Stmt]:
        receiver = next(iter(self.scope.receivers.values()), None)
        found = _evaluated(annotation, self.scope)
        place = self.scope.place(annotation)
        self.scope.declare(name, self.scope.unit.resolve(found, receiver, place, f"'{name}'"))
        return [] if value is None else self._assign(node, node.target, value)

    def _special_value(self, node: ast.stmt, target: ast.expr, call: ast.Call) -> list[Stmt] | None:
        """``x = choose(...)``, ``x = queue.popleft()``, ``x = self.helper(...)``; None for other values."""
        place = self.scope.place(node)
        if self.scope.python_object(call.func) is runtime.choose:
            if len(call.args) != 1:
                raise self.scope.reject(call, "choose() takes one argument", "choose(collection)")
            values, type_ = calls.alternatives(self.expressions, call.args[0])
            local = Local(self.scope.fresh("choice"), type_)
            return [Choose(local, values, place), self.store(target, local, node)]
        if isinstance(call.func, ast.Attribute):
            receiver = self.scope.receiver(call.func.value)
            if receiver is not None:
                return self._helper_value(node, target, call, receiver, call.func.attr)
            if call.func.attr == "popleft":
                return self._popleft(node, call.func.value, target)
        return None

    def _helper_value(
        self, node: ast.stmt, target: ast.expr, call: ast.Call, receiver: Receiver, method: str
    ) -> list[Stmt] | None:
        routine = self._routine(call, receiver, method)
        if routine is None or routine.pure:
            return None
        if routine.returns == NONE:
            raise self.scope.reject(call, f"'{routine.name}' returns nothing", "call it in a line of its own")
        local = Local(self.scope.fresh("result"), routine.returns)
        args = calls.call_arguments(self.expressions, call, routine)
        run = CallRoutine(local, routine.name, args, self.scope.place(node))
        return [run, self.store(target, local, node)]

    def _routine(self, call: ast.Call, receiver: Receiver, method: str) -> Routine | None:
        static = inspect.getattr_static(receiver.structure.cls, method, None)
        if not inspect.isfunction(static):
            return None
        return self.scope.unit.routine(receiver, method, self.scope.place(call))

    def _popleft(self, node: ast.stmt, queue: ast.expr, target: ast.expr | None) -> list[Stmt]:
        place = self.scope.place(node)
        value = self.expressions.value(queue)
        if not isinstance(value.type, FifoType):
            raise self.scope.reject(node, f"{value.type} has no popleft()", "only a Fifo has")
        head = Local(self.scope.fresh("head"), value.type.element)
        result: list[Stmt] = [Assign(head, Apply(Op.FIFO_HEAD, (value,), head.type, place), place)]
        tail = Apply(Op.FIFO_TAIL, (value,), value.type, place)
        result.append(self.store(queue, tail, node))
        if target is not None:
            result.append(self.store(target, head, node))
        return result

    def store(self, target: ast.expr, value: Expr, node: ast.AST, fresh_only: bool = False) -> Assign:
        """The assignment of ``value`` to a target: a local, a field, or an entry of a map.

        With ``fresh_only`` the value must not be a collection that something else holds, too: Python
        would share it, the model's meaning is a copy, so that the source has to say which it wants.
        """
        place = self.scope.place(node)
        if fresh_only and calls.holds_collection(value.type) and not calls.is_fresh(value):
            hint = "write .copy(): two names for one collection would change together"
            raise self.scope.reject(node, "a collection is assigned without a copy", hint)
        match target:
            case ast.Name(id=name):
                return self._store_local(target, name, value, node, fresh_only)
            case ast.Attribute(value=owner, attr=attribute):
                variable = self._field(target, owner, attribute)
                return Assign(variable, self.expressions.converted(value, variable.type, node), place)
            case ast.Subscript(value=base, slice=key):
                container = self.expressions.value(base)
                if isinstance(container.type, MapType):
                    item = self.expressions.converted(value, container.type.value, node)
                    args = (item, container, self.expressions.lower(key, container.type.key))
                    return self.store(base, Apply(Op.MAP_SET, args, container.type, place), node)
                raise self.scope.reject(
                    target, f"an entry of {container.type} is assigned", "only Map has entries"
                )
        raise self.scope.reject(
            target, "this target is not supported", "assign to a name, a field or a map entry"
        )

    def _store_local(self, target: ast.expr, name: str, value: Expr, node: ast.AST, fresh: bool) -> Assign:
        self._check_assignable(name, target)
        key = self.scope.prefix + name
        if is_collection(value.type):
            if fresh:
                self.scope.owned.add(key)
            elif key not in self.scope.owned:
                hint = "copy it first: mine = value.copy()"
                raise self.scope.reject(
                    target, f"'{name}' is changed, but something else holds it, too", hint
                )
        type_ = self.scope.assign(name, value.type, node)
        converted = self.expressions.converted(value, type_, node)
        return Assign(Local(key, type_), converted, self.scope.place(node))

    def _check_assignable(self, name: str, target: ast.expr) -> None:
        if name in self.scope.receivers or name in self.scope.fixed:
            raise self.scope.reject(target, f"'{name}' is assigned", "choose another name")

    def _field(self, target: ast.expr, owner: ast.expr, attribute: str) -> StateVar:
        receiver = self.scope.receiver(owner)
        if receiver is None:
            hint = "records are immutable: write replace(row, field=value)"
            raise self.scope.reject(target, "a field of a value is assigned", hint)
        if not isinstance(owner, ast.Name) or receiver.old:
            hint = "a component's state changes through its operations and methods only"
            raise self.scope.reject(target, f"'{ast.unparse(target)}' is assigned from outside", hint)
        variable = receiver.structure.fields.get(attribute)
        if variable is None:
            raise self.scope.reject(target, *calls.unknown_member(receiver, attribute))
        return StateVar(variable.name, variable.type)

    def _delete(self, node: ast.stmt, base: ast.expr, key: ast.expr) -> Stmt:
        container = self.expressions.value(base)
        if not isinstance(container.type, MapType):
            raise self.scope.reject(node, f"an entry of {container.type} is deleted", "only Map has entries")
        args = (container, self.expressions.lower(key, container.type.key))
        return self.store(base, Apply(Op.MAP_DELETE, args, container.type, self.scope.place(node)), node)

    # Calls as statements

    def _call_statement(self, node: ast.stmt, call: ast.Call) -> list[Stmt]:
        place = self.scope.place(node)
        found = self.scope.python_object(call.func)
        if found is runtime.when:
            if len(call.args) != 1:
                raise self.scope.reject(call, "when() takes one argument", "when(condition)")
            return [When(self.expressions.condition(call.args[0]), place)]
        if isinstance(call.func, ast.Attribute):
            receiver = self.scope.receiver(call.func.value)
            if receiver is not None:
                return self._method_statement(call, receiver, call.func.attr)
            return self._mutation(node, call, call.func)
        if found is not NOT_FOUND:
            hint = "assign its result; models use when(...), their own methods, and changes of collections"
            raise self.scope.reject(call, f"a call of '{ast.unparse(call.func)}' does nothing here", hint)
        hint = "check the spelling, or import it"
        raise self.scope.reject(call, f"the name '{ast.unparse(call.func)}' is not defined", hint)

    def _method_statement(self, call: ast.Call, receiver: Receiver, method: str) -> list[Stmt]:
        static = inspect.getattr_static(receiver.structure.cls, method, None)
        if isinstance(static, Operation) and self._in_process:
            hint = f"write: await {ast.unparse(call)}"
            raise self.scope.reject(call, "an operation is a call on the wire and has to be awaited", hint)
        if inspect.iscoroutinefunction(static):
            raise self.scope.reject(
                call, "an async helper has to be awaited", f"write: await {ast.unparse(call)}"
            )
        if not isinstance(static, Operation) and not inspect.isfunction(static):
            raise self.scope.reject(call, *calls.unknown_member(receiver, method))
        if isinstance(static, Operation):
            self._check_declared(call, static)
        place = self.scope.place(call)
        routine = self.scope.unit.routine(receiver, method, place)
        return [CallRoutine(None, routine.name, calls.call_arguments(self.expressions, call, routine), place)]

    def _check_declared(self, call: ast.Call, operation: Operation[Any, Any, Any]) -> None:
        """An operation used at once must not raise what the code around it does not declare."""
        for error in operation.raises:
            if error.__name__ not in (self.scope.raises or ()):
                what = f"this operation may answer with {error.__name__}, which nothing here handles"
                hint = "test its condition first, and use an operation that cannot fail"
                raise self.scope.reject(call, what, hint)

    def _mutation(self, node: ast.stmt, call: ast.Call, func: ast.Attribute) -> list[Stmt]:
        if func.attr == "popleft":
            return self._popleft(node, func.value, None)
        value = self.expressions.value(func.value)
        op = _MUTATIONS.get((type(value.type), func.attr))
        if op is None or len(call.args) != 1:
            what = (
                f"{value.type} has no method '{func.attr}' with {len(call.args)} argument(s) that changes it"
            )
            raise self.scope.reject(node, what, "see docs/semantics.md for the methods of collections")
        element = value.type.key if isinstance(value.type, MapType) else value.type.element  # type: ignore[union-attr]
        changed = Apply(
            op, (value, self.expressions.lower(call.args[0], element)), value.type, self.scope.place(node)
        )
        return [self.store(func.value, changed, node)]

    # Control flow

    def loop_variables(self, target: ast.expr, types: tuple[Type, ...]) -> tuple[str, ...]:
        """The IR names of a for statement's variables, which are ordinary locals."""
        names = target_names(target)
        if names is None or len(names) != len(types):
            hint = "iterate with one variable, or with two over .items()"
            raise self.scope.reject(target, f"expected {len(types)} variable(s) here", hint)
        for name, type_ in zip(names, types, strict=True):
            if calls.holds_collection(type_):
                hint = "iterate over the keys and look the values up"
                raise self.scope.reject(target, "a loop variable that is a collection", hint)
            self._check_assignable(name, target)
            self.scope.assign(name, type_, target)
        return tuple(self.scope.prefix + name for name in names)

    def _match(self, node: ast.Match) -> list[Stmt]:
        place = self.scope.place(node)
        subject = self.expressions.lower(node.subject)
        held = Local(self.scope.fresh("subject"), subject.type)
        matched = Local(self.scope.fresh("matched"), BOOL)
        return [
            Assign(held, subject, place),
            Assign(matched, Const(False, BOOL), place),
            *self._cases(held, matched, node.cases, place),
        ]

    def _cases(
        self, held: Local, matched: Local, cases: list[ast.match_case], place: Location
    ) -> tuple[Stmt, ...]:
        """The first case that matches; ``matched`` is false, and becomes what a guard says."""
        if not cases:
            return ()
        case, *others = cases
        test, bindings = lower_pattern(self.expressions, held, case.pattern)
        bound = [self.store(_name(name, case.pattern), value, case.pattern) for name, value in bindings]
        guard = None if case.guard is None else self.expressions.condition(case.guard)
        body = self.body(case.body)
        rest = self._cases(held, matched, others, place)
        if guard is None:
            if test == Const(True, BOOL):
                return (*bound, *body)
            return (If(test, (*bound, *body), rest, place),)
        taken = Assign(matched, guard, place)
        return (If(test, (*bound, taken), (), place), If(matched, body, rest, place))

    def _return(self, node: ast.stmt, value: ast.expr | None) -> Stmt:
        place = self.scope.place(node)
        if value is None or self._returns == NONE:
            if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
                raise self.scope.reject(
                    node, "a value is returned where none is declared", "declare its type"
                )
            return Return(None, place)
        return Return(self.expressions.lower(value, self._returns), place)

    def _declared_error(self, node: ast.Raise) -> str:
        error = raised_error(self.scope, node)
        if self.scope.raises is None:
            hint = "only operations answer with service errors; use when(...) for a guard"
            raise self.scope.reject(node, "an error is raised outside of an operation", hint)
        if error.__name__ not in self.scope.raises:
            hint = f"declare it: @operation(raises=({error.__name__},))"
            raise self.scope.reject(node, f"the operation raises an undeclared error, {error.__name__}", hint)
        return error.__name__


def raised_error(scope: Scope, node: ast.Raise) -> type[ServiceError]:
    """The service error that a raise statement names. Raises UserError for anything else."""
    named = node.exc.func if isinstance(node.exc, ast.Call) and not node.exc.args else node.exc
    found = scope.python_object(named) if named is not None else NOT_FOUND
    if isinstance(found, type) and issubclass(found, ServiceError):
        return found
    hint = "raise a subclass of ServiceError, without arguments"
    raise scope.reject(node, "only service errors can be raised in a model", hint)


def _loaded(target: ast.expr) -> ast.expr:
    """An assignment's target as the expression that reads it."""
    copied = ast.parse(ast.unparse(target), mode="eval").body
    for new, old in zip(ast.walk(copied), ast.walk(target), strict=False):
        ast.copy_location(new, old)
    return copied


def _name(name: str, node: ast.AST) -> ast.Name:
    return ast.Name(name, ast.Store(), lineno=node.lineno, col_offset=node.col_offset)  # type: ignore[attr-defined]


def _evaluated(annotation: ast.expr, scope: Scope) -> Any:
    try:
        code = compile(ast.Expression(annotation), scope.function.__code__.co_filename, "eval")
        return eval(code, scope.function.__globals__)
    except (NameError, TypeError, AttributeError) as error:
        raise scope.reject(
            annotation, f"this annotation cannot be evaluated: {error}", "import the name"
        ) from None


__all__ = ["OptionType", "StatementLowering", "raised_error"]
