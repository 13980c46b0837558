"""Lowering of processes: an ``async def`` becomes a control-flow graph whose labels are its awaits."""

from __future__ import annotations

import ast
from typing import Any

from checker.dsl.calls import ServiceError
from checker.dsl.lowering.awaits import RESULT_NAME, SplitExpression, has_await, leaves, split_await
from checker.dsl.lowering.finishing import Head, finished
from checker.dsl.lowering.frames import Frame, Frames
from checker.dsl.lowering.graph import Catch, Graph
from checker.dsl.lowering.patterns import lower_pattern
from checker.dsl.lowering.process_awaits import AwaitLowering
from checker.dsl.lowering.scope import Receiver, Scope, Unit
from checker.dsl.lowering.statements import raised_error
from checker.ir.expressions import Apply, Const, Domain, Expr, Local, Op
from checker.ir.program import Branch, End, Goto, Process
from checker.ir.statements import Assign
from checker.ir.types import BOOL, NONE, FifoType, IndexType, IntType, Type, is_collection
from checker.ir.values import domain


class ProcessLowering:
    """Lowers one process. Types of locals are inferred by lowering until nothing changes."""

    def __init__(
        self, unit: Unit, receiver: Receiver, function: Any, parameter: tuple[str, Type] | None
    ) -> None:
        self._unit = unit
        self._receiver = receiver
        self._function = function
        self._parameter = parameter
        self._frames = Frames(unit)

    def lower(self, name: str, index: IndexType | None, first_instance: int) -> Process:
        """The process. Raises UserError for whatever its source does that a model cannot."""
        for _ in range(32):
            scope = self._round()
            if not self._frames.changed:
                break
        parameter = None if self._parameter is None else self._parameter[0]
        head = Head(name, parameter, index, first_instance, scope.place(scope.tree))
        return finished(head, self._graph, self._frames.types, self._frames.checks)

    def _round(self) -> Scope:
        """Lower everything into a new graph, with the types found so far; returns the process' own scope."""
        self._frames.restart()
        self._graph = Graph()
        self._awaits = AwaitLowering(self._unit, self._frames, self._graph, self._body)
        root = self._frames.frame(self._receiver, self._function, "", (), NONE)
        if self._parameter is not None:
            root.scope.declare(*self._parameter)
            root.scope.parameters.add(self._parameter[0])
            root.scope.fixed.add(self._parameter[0])
        self._body(root, root.scope.tree.body)
        self._graph.end(End())
        return root.scope

    # Statements

    def _body(self, frame: Frame, nodes: list[ast.stmt]) -> None:
        for node in nodes:
            if not has_await(node) and not leaves(node):
                self._graph.emit(frame.statements.statement(node))
            else:
                self._statement(frame, node)

    def _statement(self, frame: Frame, node: ast.stmt) -> None:
        match node:
            case ast.Expr(value=value):
                split = split_await(frame.scope, value)
                assert split is not None
                if not split.is_whole:
                    raise frame.scope.reject(node, "a value that is not used", "assign it, or only await")
                self._awaits.make(frame, split.awaited, None)
            case ast.Assign(targets=[target], value=value):
                result = self._awaited_value(frame, value)
                self._graph.emit([frame.statements.store(target, result, node, fresh_only=True)])
            case ast.AnnAssign(target=ast.Name() as target, value=ast.expr() as value):
                bare = ast.copy_location(ast.AnnAssign(target, node.annotation, None, 1), node)
                self._graph.emit(frame.statements.statement(bare))
                result = self._awaited_value(frame, value)
                self._graph.emit([frame.statements.store(target, result, node, fresh_only=True)])
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
                self._graph.raise_here(raised_error(frame.scope, node))
            case ast.Break() | ast.Continue():
                proceed, leave = frame.loops[-1]
                self._graph.end(Goto(leave if isinstance(node, ast.Break) else proceed))
            case _:
                frame.statements.statement(node)  # rejects what no one supports, with its reason
                hint = "await into a variable first, in a line of its own"
                raise frame.scope.reject(node, "an await is not supported here", hint)

    # Awaited values

    def _awaited_value(self, frame: Frame, value: ast.expr) -> Expr:
        """The value of an expression that may begin with an await, which is made here."""
        split = split_await(frame.scope, value)
        if split is None:
            return frame.statements.expressions.lower(value)
        return self._value_after(frame, split)

    def _value_after(self, frame: Frame, split: SplitExpression, condition: bool = False) -> Expr:
        name = frame.scope.fresh("result")
        result = Local(name, self._awaits.make(frame, split.awaited, name))
        with frame.scope.binding({RESULT_NAME: (name, result.type)}):
            expressions = frame.statements.expressions
            value = expressions.condition(split.rest) if condition else expressions.lower(split.rest)
        if split.is_whole and is_collection(value.type) and self._awaits.is_operation(frame, split.awaited):
            # What a service answers crosses the wire: the process gets a collection of its own.
            return Apply(Op.COPY, (value,), value.type, frame.scope.place(split.awaited))
        return value

    def _condition(self, frame: Frame, test: ast.expr) -> Expr:
        split = split_await(frame.scope, test)
        if split is None:
            return frame.statements.expressions.condition(test)
        return self._value_after(frame, split, condition=True)

    # Control flow

    def _if(self, frame: Frame, node: ast.If) -> None:
        condition = self._condition(frame, node.test)
        then, orelse, after = self._graph.block(), self._graph.block(), self._graph.block()
        self._graph.end(Branch(condition, then.id, orelse.id, frame.scope.place(node)))
        for block, body in ((then, node.body), (orelse, node.orelse)):
            self._graph.current = block
            self._body(frame, body)
            self._graph.end(Goto(after.id))
        self._graph.current = after

    def _while(self, frame: Frame, node: ast.While) -> None:
        header, after = self._graph.block(), self._graph.block()
        self._graph.go_on_at(header)
        if isinstance(node.test, ast.Constant) and node.test.value is True:
            body = header
        else:
            condition = self._condition(frame, node.test)
            body = self._graph.block()
            self._graph.end(Branch(condition, body.id, after.id, frame.scope.place(node)))
        self._graph.current = body
        with frame.loop(header.id, after.id):
            self._body(frame, node.body)
        self._graph.end(Goto(header.id))
        self._graph.current = after

    def _for(self, frame: Frame, node: ast.For) -> None:
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

    def _for_domain(self, frame: Frame, node: ast.For, values: Domain, types: tuple[Type, ...]) -> None:
        """A loop over all values of a type: where it stands follows from its variable alone."""
        place = frame.scope.place(node)
        (name,) = frame.statements.loop_variables(node.target, types)
        variable = Local(name, types[0])
        known = domain(values.of)
        assert known
        self._graph.emit([Assign(variable, Const(known[0], types[0]), place)])
        body, advance, step, after = (
            self._graph.block(),
            self._graph.block(),
            self._graph.block(),
            self._graph.block(),
        )
        self._graph.go_on_at(body)
        source_name = name.removeprefix(frame.scope.prefix)
        frame.scope.fixed.add(source_name)
        with frame.loop(advance.id, after.id):
            self._body(frame, node.body)
        frame.scope.fixed.discard(source_name)
        self._graph.go_on_at(advance)
        last = Apply(Op.EQ, (variable, Const(known[-1], types[0])), BOOL)
        self._graph.end(Branch(last, after.id, step.id, place))
        self._graph.current = step
        self._graph.emit([Assign(variable, Apply(Op.NEXT, (variable,), types[0], place), place)])
        self._graph.end(Goto(body.id))
        self._graph.current = after

    def _for_elements(self, frame: Frame, node: ast.For, values: Expr, types: tuple[Type, ...]) -> None:
        """A loop that stays within one step, but may be left by return or raise."""
        place = frame.scope.place(node)
        if len(types) != 1:
            hint = "iterate over the keys and look the values up"
            raise frame.scope.reject(node, "leaving a loop over items() is not supported", hint)
        (name,) = frame.statements.loop_variables(node.target, types)
        variable = Local(name, types[0])
        elements = FifoType(types[0])
        rest = self._frames.hide(frame, "rest", elements)
        start = values if isinstance(values, Apply) else self._all_of(values, elements)
        self._graph.emit([Assign(rest, start, place)])
        header, body, after = self._graph.block(), self._graph.block(), self._graph.block()
        self._graph.go_on_at(header)
        length = Apply(Op.LENGTH, (rest,), IntType(0, None))
        some = Apply(Op.INT_GT, (length, Const(0, IntType(0, 0))), BOOL)
        self._graph.end(Branch(some, body.id, after.id, place))
        self._graph.current = body
        self._graph.emit(
            [
                Assign(variable, Apply(Op.FIFO_HEAD, (rest,), types[0], place), place),
                Assign(rest, Apply(Op.FIFO_TAIL, (rest,), elements, place), place),
            ]
        )
        with frame.loop(header.id, after.id):
            self._body(frame, node.body)
        self._graph.end(Goto(header.id))
        self._graph.current = after

    @staticmethod
    def _all_of(values: Expr, elements: FifoType) -> Expr:
        assert isinstance(values, Domain)
        return Const(tuple(domain(values.of) or ()), elements)

    def _match(self, frame: Frame, node: ast.Match) -> None:
        place = frame.scope.place(node)
        subject = self._awaited_value(frame, node.subject)
        held = self._frames.hide(frame, "subject", subject.type)
        self._graph.emit([Assign(held, subject, place)])
        after = self._graph.block()
        for case in node.cases:
            test, bindings = lower_pattern(frame.statements.expressions, held, case.pattern)
            matched, otherwise = self._graph.block(), self._graph.block()
            always = test == Const(True, BOOL)
            self._graph.end(Goto(matched.id) if always else Branch(test, matched.id, otherwise.id, place))
            self._graph.current = matched
            for name, value in bindings:
                target = ast.copy_location(ast.Name(name, ast.Store()), case.pattern)
                self._graph.emit([frame.statements.store(target, value, case.pattern)])
            if case.guard is not None:
                condition = frame.statements.expressions.condition(case.guard)
                body = self._graph.block()
                self._graph.end(Branch(condition, body.id, otherwise.id, place))
                self._graph.current = body
            self._body(frame, case.body)
            self._graph.end(Goto(after.id))
            self._graph.current = otherwise
        self._graph.go_on_at(after)

    def _try(self, frame: Frame, node: ast.Try) -> None:
        if node.finalbody:
            hint = "a crash skips it in any case; write the calls after the try statement"
            raise frame.scope.reject(node, "a finally clause is not supported in a model", hint)
        catches = [Catch(_caught(frame.scope, clause), self._graph.block().id) for clause in node.handlers]
        after = self._graph.block()
        with self._graph.catching(catches):
            self._body(frame, node.body)
        self._body(frame, node.orelse)
        self._graph.end(Goto(after.id))
        for catch, clause in zip(catches, node.handlers, strict=True):
            self._graph.current = self._graph.blocks[catch.block]
            self._body(frame, clause.body)
            self._graph.end(Goto(after.id))
        self._graph.current = after

    def _return(self, frame: Frame, node: ast.stmt, value: ast.expr | None) -> None:
        if frame.after is None:
            if value is not None:
                raise frame.scope.reject(node, "a process returns a value", "write a bare return")
            self._graph.end(End())
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
            self._graph.emit([Assign(frame.result, converted, frame.scope.place(node))])
        self._graph.end(Goto(frame.after))


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
