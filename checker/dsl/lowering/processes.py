"""Lowering of processes: an ``async def`` becomes a control-flow graph whose labels are its awaits.

Async helpers are inlined: each use gets its own copy of the helper's locals, under a prefix.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

import networkx as nx

from checker.dsl.calls import CALL_FAULT_ERRORS, Operation, ServiceError, TransactionCanceled, transact
from checker.dsl.lowering import calls
from checker.dsl.lowering.awaits import RESULT_NAME, SplitExpression, has_await, leaves, split_await
from checker.dsl.lowering.liveness import (
    Liveness,
    assigned_after,
    assigned_before,
    live_before,
    liveness,
    reads,
)
from checker.dsl.lowering.patterns import lower_pattern
from checker.dsl.lowering.scope import Receiver, Scope, Unit
from checker.dsl.lowering.statements import StatementLowering, raised_error
from checker.dsl.source import rejected
from checker.errors import Location
from checker.ir.expressions import Apply, Const, Domain, Expr, Local, Op
from checker.ir.program import (
    Await,
    Block,
    Branch,
    End,
    Fail,
    Goto,
    Handler,
    Label,
    OperationCall,
    OperationPart,
    Process,
    Terminator,
)
from checker.ir.statements import Assign, Forget, Stmt
from checker.ir.types import BOOL, NONE, FifoType, IndexType, IntType, Type, is_bounded
from checker.ir.values import domain

Position = tuple[int, int, int, int]


@dataclass
class _Block:
    """A block under construction; open until it has a terminator."""

    id: int
    body: list[Stmt] = field(default_factory=list)
    terminator: Terminator | None = None


@dataclass(frozen=True)
class _Catch:
    """One except clause in force: the errors that it names, and its block."""

    errors: tuple[type[ServiceError], ...]
    block: int


@dataclass
class _Frame:
    """One function being lowered into the graph: the process itself, or an inlined helper."""

    scope: Scope
    statements: StatementLowering
    returns: Type
    position: tuple[Position, ...]
    after: int | None = None
    result: Local | None = None
    loops: list[tuple[int, int]] = field(default_factory=list)


class ProcessLowering:
    """Lowers one process. Types of locals are inferred by lowering until nothing changes."""

    def __init__(
        self, unit: Unit, receiver: Receiver, function: Any, parameter: tuple[str, Type] | None
    ) -> None:
        self._unit = unit
        self._receiver = receiver
        self._function = function
        self._parameter = parameter
        self._scopes: dict[str, Scope] = {}
        self._locals: dict[str, Type] = {}
        self._declared: set[str] = set()
        self._inlining: list[Any] = []

    def lower(self, name: str, index: IndexType | None, first_instance: int) -> Process:
        """The process. Raises UserError for whatever its source does that a model cannot."""
        for _ in range(32):
            self._begin()
            root = self._frame(self._receiver, self._function, "", (), NONE)
            if self._parameter is not None:
                root.scope.declare(*self._parameter)
                root.scope.parameters.add(self._parameter[0])
                root.scope.fixed.add(self._parameter[0])
            entry = self._block()
            self._current = entry
            self._body(root, root.scope.tree.body)
            self._end(End())
            if not any(scope.changed for scope in self._scopes.values()):
                break
        place = root.scope.place(root.scope.tree)
        return self._finished(name, index, first_instance, place)

    def _begin(self) -> None:
        self._blocks: list[_Block] = []
        self._labels: list[Label] = []
        self._catches: list[list[_Catch]] = []
        self._hidden: dict[str, Type] = {}
        self._checks: set[str] = set()
        self._open_ends: list[tuple[int, _Frame]] = []
        for scope in self._scopes.values():
            scope.restart()

    def _frame(
        self, receiver: Receiver, function: Any, prefix: str, position: tuple[Position, ...], returns: Type
    ) -> _Frame:
        scope = self._scopes.get(prefix)
        if scope is None:
            receivers = {"self": receiver}
            scope = Scope(self._unit, function, receivers, prefix, self._locals, self._declared)
            self._scopes[prefix] = scope
        return _Frame(scope, StatementLowering(scope, returns, in_process=True), returns, position)

    # Blocks

    def _block(self) -> _Block:
        block = _Block(len(self._blocks))
        self._blocks.append(block)
        return block

    def _end(self, terminator: Terminator) -> None:
        """Close the current block, unless control has left it already."""
        if self._current.terminator is None:
            self._current.terminator = terminator

    def _emit(self, statements: Iterable[Stmt]) -> None:
        if self._current.terminator is None:
            self._current.body.extend(statements)

    def _go_on_at(self, block: _Block) -> None:
        self._end(Goto(block.id))
        self._current = block

    # Statements

    def _body(self, frame: _Frame, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if not has_await(node) and not leaves(node):
                self._emit(frame.statements.statement(node))
            else:
                self._statement(frame, node)

    def _statement(self, frame: _Frame, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                split = split_await(frame.scope, value)
                assert split is not None
                if not split.is_whole:
                    raise frame.scope.reject(node, "a value that is not used", "assign it, or only await")
                self._await(frame, split.awaited, None)
            case ast.Assign(targets=[target], value=value):
                result = self._awaited_value(frame, value)
                self._emit([frame.statements.store(target, result, node, fresh_only=True)])
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                bare = ast.copy_location(ast.AnnAssign(target, node.annotation, None, 1), node)
                self._emit(frame.statements.statement(bare))
                result = self._awaited_value(frame, value)
                self._emit([frame.statements.store(target, result, node, fresh_only=True)])
            case ast.If():
                self._if(frame, node)
            case ast.While(orelse=[]):
                self._while(frame, node)
            case ast.For(orelse=[]):
                self._for(frame, node)
            case ast.Match():
                self._match(frame, node)
            case ast.Try():
                self._try(frame, node)
            case ast.Return(value=value):
                self._return(frame, node, value)
            case ast.Raise():
                self._raise_here(raised_error(frame.scope, node))
            case ast.Break() | ast.Continue():
                proceed, leave = frame.loops[-1]
                self._end(Goto(leave if isinstance(node, ast.Break) else proceed))
            case _:
                frame.statements.statement(node)  # rejects what no one supports, with its reason
                hint = "await into a variable first, in a line of its own"
                raise frame.scope.reject(node, "an await is not supported here", hint)

    def _awaited_value(self, frame: _Frame, value: ast.expr) -> Expr:
        """The value of an expression that may begin with an await, which is made here."""
        split = split_await(frame.scope, value)
        if split is None:
            return frame.statements.expressions.lower(value)
        return self._value_after(frame, split)

    def _value_after(self, frame: _Frame, split: SplitExpression, condition: bool = False) -> Expr:
        name = frame.scope.fresh("result")
        result = Local(name, self._await(frame, split.awaited, name))
        with frame.scope.binding({RESULT_NAME: (name, result.type)}):
            expressions = frame.statements.expressions
            return expressions.condition(split.rest) if condition else expressions.lower(split.rest)

    def _condition(self, frame: _Frame, test: ast.expr) -> Expr:
        split = split_await(frame.scope, test)
        if split is None:
            return frame.statements.expressions.condition(test)
        return self._value_after(frame, split, condition=True)

    def _if(self, frame: _Frame, node: ast.If) -> None:
        condition = self._condition(frame, node.test)
        then, orelse, after = self._block(), self._block(), self._block()
        self._end(Branch(condition, then.id, orelse.id, frame.scope.place(node)))
        for block, body in ((then, node.body), (orelse, node.orelse)):
            self._current = block
            self._body(frame, body)
            self._end(Goto(after.id))
        self._current = after

    def _while(self, frame: _Frame, node: ast.While) -> None:
        header, after = self._block(), self._block()
        self._go_on_at(header)
        if isinstance(node.test, ast.Constant) and node.test.value is True:
            body = header
        else:
            condition = self._condition(frame, node.test)
            body = self._block()
            self._end(Branch(condition, body.id, after.id, frame.scope.place(node)))
        self._current = body
        with _loop(frame, header.id, after.id):
            self._body(frame, node.body)
        self._end(Goto(header.id))
        self._current = after

    def _for(self, frame: _Frame, node: ast.For) -> None:
        values, types = frame.statements.expressions.iterable(node.iter)
        if any(has_await(inner) for inner in node.body):
            if not isinstance(values, Domain):
                hint = (
                    "copy it and take one at a time: 'todo = self.items.copy()', then 'while todo:' with "
                    "'item = choose(todo)' and 'todo.remove(item)'"
                )
                raise frame.scope.reject(node.iter, "a for loop over a collection cannot await", hint)
            self._for_domain(frame, node, values, types)
        else:
            self._for_elements(frame, node, values, types)

    def _for_domain(self, frame: _Frame, node: ast.For, values: Domain, types: tuple[Type, ...]) -> None:
        """A loop over all values of a type: where it stands follows from its variable alone."""
        place = frame.scope.place(node)
        (name,) = frame.statements.loop_variables(node.target, types)
        variable = Local(name, types[0])
        known = domain(values.of)
        assert known
        self._emit([Assign(variable, Const(known[0], types[0]), place)])
        body, advance, step, after = self._block(), self._block(), self._block(), self._block()
        self._go_on_at(body)
        source_name = name.removeprefix(frame.scope.prefix)
        frame.scope.fixed.add(source_name)
        with _loop(frame, advance.id, after.id):
            self._body(frame, node.body)
        frame.scope.fixed.discard(source_name)
        self._go_on_at(advance)
        last = Apply(Op.EQ, (variable, Const(known[-1], types[0])), BOOL)
        self._end(Branch(last, after.id, step.id, place))
        self._current = step
        self._emit([Assign(variable, Apply(Op.NEXT, (variable,), types[0], place), place)])
        self._end(Goto(body.id))
        self._current = after

    def _for_elements(self, frame: _Frame, node: ast.For, values: Expr, types: tuple[Type, ...]) -> None:
        """A loop that stays within one step, but may be left by return or raise."""
        place = frame.scope.place(node)
        if len(types) != 1:
            hint = "iterate over the keys and look the values up"
            raise frame.scope.reject(node, "leaving a loop over items() is not supported", hint)
        (name,) = frame.statements.loop_variables(node.target, types)
        variable = Local(name, types[0])
        elements = FifoType(types[0])
        rest = self._hide(frame, "rest", elements)
        start = values if isinstance(values, Apply) else self._all_of(values, elements)
        self._emit([Assign(rest, start, place)])
        header, body, after = self._block(), self._block(), self._block()
        self._go_on_at(header)
        length = Apply(Op.LENGTH, (rest,), IntType(0, None))
        some = Apply(Op.INT_GT, (length, Const(0, IntType(0, 0))), BOOL)
        self._end(Branch(some, body.id, after.id, place))
        self._current = body
        self._emit(
            [
                Assign(variable, Apply(Op.FIFO_HEAD, (rest,), types[0], place), place),
                Assign(rest, Apply(Op.FIFO_TAIL, (rest,), elements, place), place),
            ]
        )
        with _loop(frame, header.id, after.id):
            self._body(frame, node.body)
        self._end(Goto(header.id))
        self._current = after

    @staticmethod
    def _all_of(values: Expr, elements: FifoType) -> Expr:
        assert isinstance(values, Domain)
        return Const(tuple(domain(values.of) or ()), elements)

    def _hide(self, frame: _Frame, stem: str, type_: Type) -> Local:
        """A local that the source does not have."""
        local = Local(frame.scope.fresh(stem), type_)
        self._hidden[local.name] = type_
        return local

    def _match(self, frame: _Frame, node: ast.Match) -> None:
        place = frame.scope.place(node)
        subject = self._awaited_value(frame, node.subject)
        held = self._hide(frame, "subject", subject.type)
        self._emit([Assign(held, subject, place)])
        after = self._block()
        for case in node.cases:
            test, bindings = lower_pattern(frame.statements.expressions, held, case.pattern)
            matched, otherwise = self._block(), self._block()
            always = test == Const(True, BOOL)
            self._end(Goto(matched.id) if always else Branch(test, matched.id, otherwise.id, place))
            self._current = matched
            for name, value in bindings:
                target = ast.copy_location(ast.Name(name, ast.Store()), case.pattern)
                self._emit([frame.statements.store(target, value, case.pattern)])
            if case.guard is not None:
                condition = frame.statements.expressions.condition(case.guard)
                body = self._block()
                self._end(Branch(condition, body.id, otherwise.id, place))
                self._current = body
            self._body(frame, case.body)
            self._end(Goto(after.id))
            self._current = otherwise
        self._go_on_at(after)

    def _try(self, frame: _Frame, node: ast.Try) -> None:
        if node.finalbody:
            hint = "a crash skips it in any case; write the calls after the try statement"
            raise frame.scope.reject(node, "a finally clause is not supported in a model", hint)
        catches = [_Catch(_caught(frame.scope, clause), self._block().id) for clause in node.handlers]
        after = self._block()
        self._catches.append(catches)
        self._body(frame, node.body)
        self._catches.pop()
        self._body(frame, node.orelse)
        self._end(Goto(after.id))
        for catch, clause in zip(catches, node.handlers, strict=True):
            self._current = self._blocks[catch.block]
            self._body(frame, clause.body)
            self._end(Goto(after.id))
        self._current = after

    def _return(self, frame: _Frame, node: ast.stmt, value: ast.expr | None) -> None:
        if frame.after is None:
            if value is not None:
                raise frame.scope.reject(node, "a process returns a value", "write a bare return")
            self._end(End())
            return
        if frame.returns == NONE:
            if value is not None and not (isinstance(value, ast.Constant) and value.value is None):
                hint = "declare its type, or await in a line of its own before a bare return"
                raise frame.scope.reject(node, "a value is returned where none is declared", hint)
        elif value is None:
            raise frame.scope.reject(node, f"expected a {frame.returns}", "return a value")
        else:
            result = self._awaited_value(frame, value)
            converted = frame.statements.expressions.converted(result, frame.returns, node)
            assert frame.result is not None
            self._emit([Assign(frame.result, converted, frame.scope.place(node))])
        self._end(Goto(frame.after))

    def _raise_here(self, error: type[ServiceError]) -> None:
        for catches in reversed(self._catches):
            for catch in catches:
                if issubclass(error, catch.errors):
                    self._end(Goto(catch.block))
                    return
        self._end(Fail(error.__name__))

    # Awaits

    def _await(self, frame: _Frame, node: ast.Await, result: str | None) -> Type:
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

    def _part(
        self, frame: _Frame, call: ast.Call, receiver: Receiver, operation: Operation[Any, Any, Any]
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
                held = self._hide(frame, "argument", kept_as)
                self._emit([Assign(held, arg, scope.place(call))])
                arg = held
            elif reads(arg):
                # Python reads a local here, too, where it may have no value.
                check = self._hide(frame, "checked", arg.type)
                self._checks.add(check.name)
                self._emit([Assign(check, arg, scope.place(call))])
            args.append(arg)
        if operation.applied_once and routine.returns != NONE:
            hint = "a retry is answered without applying it, so that there is no result; return None"
            raise scope.reject(call, f"the operation '{name}' is applied once and returns a value", hint)
        raises = tuple(error.__name__ for error in operation.raises)
        part = OperationPart(receiver.structure.name, name, routine.name, tuple(args), raises)
        return part, routine.returns

    def _transaction(self, frame: _Frame, call: ast.Call) -> OperationCall:
        parts = []
        for arg in call.args:
            receiver = None
            if isinstance(arg, ast.Call) and isinstance(arg.func, ast.Attribute):
                receiver = frame.scope.receiver(arg.func.value)
                static = receiver and inspect.getattr_static(receiver.structure.cls, arg.func.attr, None)
                if receiver is not None and isinstance(static, Operation):
                    parts.append(self._part(frame, arg, receiver, static)[0])
                    continue
            hint = "transact(self.table.put(...), self.other.put_if_absent(...))"
            raise frame.scope.reject(arg, "a transaction consists of calls of operations", hint)
        if not parts:
            raise frame.scope.reject(call, "an empty transaction", "pass the operations to be done together")
        return OperationCall(tuple(parts), TransactionCanceled.__name__, applied_once=True)

    def _call(
        self,
        frame: _Frame,
        node: ast.Await,
        call: OperationCall,
        result: str | None,
        raises: tuple[type[ServiceError], ...] = (TransactionCanceled,),
    ) -> None:
        resume = self._block()
        if self._current.terminator is None:
            label = Label(
                len(self._labels),
                call,
                result,
                resume.id,
                self._handlers((*raises, *CALL_FAULT_ERRORS)),
                frame.scope.place(node),
                (*frame.position, _position(node)),
                prefixes=tuple(self._prefixes(frame)),
            )
            self._labels.append(label)
            self._end(Await(label.id))
        self._current = resume

    def _prefixes(self, frame: _Frame) -> Iterator[str]:
        yield ""
        parts = [part for part in frame.scope.prefix.split("/") if part]
        for count in range(1, len(parts) + 1):
            yield "".join(f"{part}/" for part in parts[:count])

    def _handlers(self, possible: tuple[type[ServiceError], ...]) -> tuple[Handler, ...]:
        handlers: list[Handler] = []
        left = list(dict.fromkeys(possible))
        for catches in reversed(self._catches):
            for catch in catches:
                caught = [error for error in left if issubclass(error, catch.errors)]
                if caught:
                    handlers.append(Handler(tuple(error.__name__ for error in caught), catch.block))
                    left = [error for error in left if error not in caught]
        return tuple(handlers)

    def _inline(
        self,
        frame: _Frame,
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
        inner = self._frame(receiver, helper, prefix, (*frame.position, _position(node)), routine.returns)
        args = calls.call_arguments(frame.statements.expressions, call, routine)
        parameters = {prefix + parameter.name for parameter in routine.parameters}
        own = sorted(n for n in self._locals if n.startswith(prefix) and n not in parameters)
        self._emit([Forget(tuple(own))])
        for parameter, arg in zip(routine.parameters, args, strict=True):
            inner.scope.declare(parameter.name, parameter.type)
            inner.scope.parameters.add(prefix + parameter.name)
            self._emit([Assign(Local(prefix + parameter.name, parameter.type), arg, scope.place(call))])
        after = self._block()
        inner.after = after.id
        if result is not None:
            inner.result = Local(result, routine.returns)
        elif routine.returns != NONE:
            inner.result = self._hide(frame, "unused", routine.returns)
        self._inlining.append(helper)
        self._body(inner, inner.scope.tree.body)
        self._inlining.pop()
        if self._current.terminator is None and routine.returns != NONE:
            self._open_ends.append((self._current.id, inner))
        self._end(Goto(after.id))
        self._current = after
        return routine.returns

    # The finished process

    def _finished(self, name: str, index: IndexType | None, first_instance: int, place: Location) -> Process:
        graph = self._graph()
        used = {0, *nx.descendants(graph, 0)} if 0 in graph else {0}
        blocks = {
            b.id: Block(b.id, tuple(b.body), b.terminator or End()) for b in self._blocks if b.id in used
        }
        for number, frame in self._open_ends:
            if number in used:
                hint = "add a return (or raise) on the path that has none"
                scope = frame.scope
                raise scope.reject(scope.tree, f"'{scope.function.__name__}' may end without a value", hint)
        awaited = [b.terminator.label for b in blocks.values() if isinstance(b.terminator, Await)]
        if not awaited:
            hint = "await at least one operation of a component"
            raise rejected(place, f"the process '{name}' makes no call", hint)
        order = sorted(awaited, key=lambda number: self._labels[number].frames)
        idle = self._idle_labels(blocks)
        constants = [self._parameter[0]] if self._parameter is not None else []
        awaited_labels = {number: self._labels[number] for number in order}
        live = liveness(blocks, awaited_labels, constants)
        assigned = assigned_before(blocks, awaited_labels, 0, constants)
        block_numbers = {old: new for new, old in enumerate(sorted(blocks))}
        label_numbers = {old: new for new, old in enumerate(order)}
        labels = tuple(
            replace(
                self._labels[old],
                id=label_numbers[old],
                resume=block_numbers[self._labels[old].resume],
                handlers=tuple(
                    replace(handler, block=block_numbers[handler.block])
                    for handler in self._labels[old].handlers
                ),
                idle=old in idle,
                live=tuple(sorted(live.at_label[old])),
            )
            for old in order
        )
        types = {**self._locals, **self._hidden}
        self._check_bounded(labels, types)
        return Process(
            name,
            None if self._parameter is None else self._parameter[0],
            index,
            first_instance,
            block_numbers[0],
            tuple(
                Block(
                    new,
                    self._without_needless(blocks[old], live, assigned[old]),
                    _renumbered(blocks[old].terminator, block_numbers, label_numbers),
                )
                for old, new in block_numbers.items()
            ),
            labels,
            types,
            place,
        )

    def _without_needless(self, block: Block, live: Liveness, assigned: frozenset[str]) -> tuple[Stmt, ...]:
        """A block's body without checks that cannot fail, and without forgetting what nobody reads."""
        needed: list[Stmt] = []
        for position, statement in enumerate(block.body):
            match statement:
                case Assign(target=Local(name=name), value=value) if name in self._checks:
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

    def _graph(self) -> nx.DiGraph[int]:
        """Blocks and where control can go from them, calls and their handlers included."""
        graph: nx.DiGraph[int] = nx.DiGraph()
        for block in self._blocks:
            match block.terminator:
                case Goto(target):
                    graph.add_edge(block.id, target)
                case Branch(_, then, orelse):
                    graph.add_edges_from([(block.id, then), (block.id, orelse)])
                case Await(number):
                    label = self._labels[number]
                    graph.add_edge(block.id, label.resume)
                    graph.add_edges_from((block.id, handler.block) for handler in label.handlers)
        return graph

    @staticmethod
    def _idle_labels(blocks: dict[int, Block]) -> set[int]:
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

    def _check_bounded(self, labels: tuple[Label, ...], types: dict[str, Type]) -> None:
        for label in labels:
            for name in label.live:
                type_ = types[name]
                if not is_bounded(type_):
                    shown = name.split("/")[-1]
                    hint = f"annotate it: {shown}: Annotated[int, Range(0, 7)] = ..."
                    what = f"the local '{shown}' is kept across an await and has no bounds"
                    if "$" in shown:
                        hint = "give the operation's parameter a bounded type: Annotated[int, Range(0, 7)]"
                        what = f"an argument of {label.call.name} has no bounds"
                    raise rejected(label.location, what, hint)


@contextmanager
def _loop(frame: _Frame, proceed: int, leave: int) -> Iterator[None]:
    frame.loops.append((proceed, leave))
    yield
    frame.loops.pop()


def _renumbered(terminator: Terminator, blocks: dict[int, int], labels: dict[int, int]) -> Terminator:
    match terminator:
        case Goto(target):
            return Goto(blocks[target])
        case Branch(condition, then, orelse, place):
            return Branch(condition, blocks[then], blocks[orelse], place)
        case Await(label):
            return Await(labels[label])
        case _:
            return terminator


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


def _caught(scope: Scope, clause: ast.ExceptHandler) -> tuple[type[ServiceError], ...]:
    """The error classes of an except clause."""
    hint = "name service errors: except ConditionalCheckFailed, or except ServiceError for all"
    if clause.type is None:
        raise scope.reject(clause, "a bare except is not supported in a model", hint)
    if clause.name is not None:
        raise scope.reject(
            clause, "the caught error is given a name", "leave out 'as ...': errors carry nothing"
        )
    named = clause.type.elts if isinstance(clause.type, ast.Tuple) else [clause.type]
    classes = []
    for node in named:
        found = scope.python_object(node)
        if not isinstance(found, type) or not issubclass(found, ServiceError):
            what = f"'{ast.unparse(node)}' is not a service error"
            raise scope.reject(node, what, hint)
        classes.append(found)
    return tuple(classes)
