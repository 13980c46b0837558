"""What a process awaits: operations, transactions, and async helpers, which are inlined.

Each use of a helper gets its own copy of the helper's locals, under a prefix.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Callable, Iterator
from typing import Any

from checker.dsl.calls import CALL_FAULT_ERRORS, Operation, ServiceError, TransactionCanceled, transact
from checker.dsl.declarations import Component
from checker.dsl.lowering import calls
from checker.dsl.lowering.frames import Frame, Frames, Position
from checker.dsl.lowering.graph import Graph
from checker.dsl.lowering.liveness import reads
from checker.dsl.lowering.scope import Receiver, Unit
from checker.ir.expressions import Apply, Const, Expr, Local, Op
from checker.ir.program import Goto, Label, OperationCall, OperationPart
from checker.ir.statements import Assign, Forget
from checker.ir.types import NONE, Type, is_bounded

#: What one TransactWriteItems takes (API reference).
TRANSACTION_ITEMS_MAX = 100


class AwaitLowering:
    """Lowers awaited calls into a graph; ``body`` lowers the statements of an inlined helper."""

    def __init__(
        self, unit: Unit, frames: Frames, graph: Graph, body: Callable[[Frame, list[ast.stmt]], None]
    ) -> None:
        self._unit = unit
        self._frames = frames
        self._graph = graph
        self._body = body
        self._inlining: list[Any] = []

    def make(self, frame: Frame, node: ast.Await, result: str | None) -> Type:
        """Make the awaited call; its result goes into the local ``result``. Returns its type."""
        scope = frame.scope
        call = node.value
        if isinstance(call, ast.Call):
            if scope.python_object(call.func) is transact:
                self._call(frame, node, self._transaction(frame, call), None)
                return NONE
            if isinstance(call.func, ast.Attribute):
                receiver = scope.receiver(call.func.value)
                static = receiver and inspect.getattr_static(receiver.structure.cls, call.func.attr, None)
                if receiver is not None and isinstance(static, Operation):
                    part, returns = self._part(frame, call, receiver, static)
                    made = OperationCall((part,), applied_once=static.applied_once)
                    self._call(frame, node, made, result, static.raises)
                    return returns
                if receiver is not None and inspect.iscoroutinefunction(static):
                    return self._inline(frame, node, call, receiver, static, result)
        hint = "await a component's operation, transact(...), or an async helper of the model"
        raise scope.reject(node, "this cannot be awaited in a model", hint)

    def is_operation(self, frame: Frame, node: ast.Await) -> bool:
        """Whether an await is of a component's operation, and not of a helper or a transaction."""
        func = node.value.func if isinstance(node.value, ast.Call) else None
        receiver = frame.scope.receiver(func.value) if isinstance(func, ast.Attribute) else None
        if receiver is None or not isinstance(func, ast.Attribute):
            return False
        return isinstance(inspect.getattr_static(receiver.structure.cls, func.attr, None), Operation)

    def _part(
        self, frame: Frame, call: ast.Call, receiver: Receiver, operation: Operation[Any, Any, Any]
    ) -> tuple[OperationPart, Type]:
        scope = frame.scope
        name = operation.function.__name__
        routine = self._unit.routine(receiver, name, scope.place(call))
        args = []
        given = calls.call_arguments(frame.statements.expressions, call, routine)
        for parameter, arg in zip(routine.parameters, given, strict=True):
            if calls.is_shared(arg):
                what = "a collection is passed on without a copy: it may change before the call is applied"
                raise scope.reject(call, what, "write .copy()")
            if not _depends_on_locals_only(arg):
                # Python evaluates arguments when it reaches the await, one step before the call happens.
                kept_as = parameter.type if is_bounded(parameter.type) else arg.type
                held = self._frames.hide(frame, "argument", kept_as)
                self._graph.emit([Assign(held, arg, scope.place(call))])
                arg = held
            elif reads(arg):
                # Python reads a local here, too, where it may have no value.
                check = self._frames.check(frame, arg.type)
                self._graph.emit([Assign(check, arg, scope.place(call))])
            args.append(arg)
        if operation.applied_once and routine.returns != NONE:
            hint = "a retry is answered without applying it, so that there is no result; return None"
            raise scope.reject(call, f"the operation '{name}' is applied once and returns a value", hint)
        raises = tuple(error.__name__ for error in operation.raises)
        part = OperationPart(receiver.structure.name, name, routine.name, tuple(args), raises)
        return part, routine.returns

    def _transaction(self, frame: Frame, call: ast.Call) -> OperationCall:
        parts = []
        for arg in call.args:
            receiver = None
            if isinstance(arg, ast.Call) and isinstance(arg.func, ast.Attribute):
                receiver = frame.scope.receiver(arg.func.value)
                static = receiver and inspect.getattr_static(receiver.structure.cls, arg.func.attr, None)
                if receiver is not None and isinstance(static, Operation):
                    self._check_transactional(frame, arg, receiver)
                    parts.append(self._part(frame, arg, receiver, static)[0])
                    continue
            hint = "transact(self.table.put(...), self.other.put_if_absent(...))"
            raise frame.scope.reject(arg, "a transaction consists of calls of operations", hint)
        if not parts:
            raise frame.scope.reject(call, "an empty transaction", "pass the operations to be done together")
        if len(parts) > TRANSACTION_ITEMS_MAX:
            what = f"a transaction of {len(parts)} operations; AWS takes {TRANSACTION_ITEMS_MAX} at most"
            raise frame.scope.reject(call, what, "split it, and say in the model what happens in between")
        return OperationCall(tuple(parts), TransactionCanceled.__name__, applied_once=True)

    @staticmethod
    def _check_transactional(frame: Frame, node: ast.Call, receiver: Receiver) -> None:
        cls = receiver.structure.cls
        if issubclass(cls, Component) and not cls.transactional:
            hint = "call it in a line of its own; something may happen in between"
            raise frame.scope.reject(node, f"a {cls.__name__} takes no part in transactions", hint)

    def _call(
        self,
        frame: Frame,
        node: ast.Await,
        call: OperationCall,
        result: str | None,
        raises: tuple[type[ServiceError], ...] = (TransactionCanceled,),
    ) -> None:
        resume = self._graph.block()
        if self._graph.is_open:
            label = Label(
                len(self._graph.labels),
                call,
                result,
                resume.id,
                self._graph.handlers((*raises, *CALL_FAULT_ERRORS)),
                frame.scope.place(node),
                (*frame.position, _position(node)),
                prefixes=tuple(_prefixes(frame)),
            )
            self._graph.await_at(label)
        self._graph.current = resume

    def _inline(
        self,
        frame: Frame,
        node: ast.Await,
        call: ast.Call,
        receiver: Receiver,
        helper: Any,
        result: str | None,
    ) -> Type:
        scope = frame.scope
        if helper in self._inlining:
            raise scope.reject(node, f"'{helper.__name__}' awaits itself", "write a while loop instead")
        prefix = f"{scope.prefix}{helper.__name__}@{node.lineno}:{node.col_offset}/"
        routine = self._unit.signature(receiver, helper, scope.place(call))
        inner = self._frames.frame(
            receiver, helper, prefix, (*frame.position, _position(node)), routine.returns
        )
        args = calls.call_arguments(frame.statements.expressions, call, routine)
        parameters = {prefix + parameter.name for parameter in routine.parameters}
        own = [name for name in self._frames.known_locals(prefix) if name not in parameters]
        self._graph.emit([Forget(tuple(own))])
        for parameter, arg in zip(routine.parameters, args, strict=True):
            inner.scope.declare(parameter.name, parameter.type)
            inner.scope.parameters.add(prefix + parameter.name)
            self._graph.emit([Assign(Local(prefix + parameter.name, parameter.type), arg, scope.place(call))])
        after = self._graph.block()
        inner.after = after.id
        if result is not None:
            inner.result = Local(result, routine.returns)
        elif routine.returns != NONE:
            inner.result = self._frames.hide(frame, "unused", routine.returns)
        self._inlining.append(helper)
        self._body(inner, inner.scope.tree.body)
        self._inlining.pop()
        if self._graph.is_open and routine.returns != NONE:
            self._graph.open_ends.append((self._graph.current.id, inner.scope))
        self._graph.end(Goto(after.id))
        self._graph.current = after
        return routine.returns


def _prefixes(frame: Frame) -> Iterator[str]:
    """The prefixes of the locals in scope at an await: the process' own, and its helpers'."""
    yield ""
    parts = [part for part in frame.scope.prefix.split("/") if part]
    for count in range(1, len(parts) + 1):
        yield "".join(f"{part}/" for part in parts[:count])


def _position(node: ast.Await) -> Position:
    return (node.lineno, node.col_offset, node.end_lineno or 0, node.end_col_offset or 0)


def _depends_on_locals_only(expr: Expr) -> bool:
    """Whether evaluating later gives the same value, and cannot fail."""
    match expr:
        case Const() | Local():
            return True
        case Apply(op=op, args=args):
            harmless = op in (Op.RECORD_MAKE, Op.RECORD_GET, Op.SOME, Op.COPY)
            return harmless and all(_depends_on_locals_only(arg) for arg in args)
        case _:
            return False
