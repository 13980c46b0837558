"""The interpreter: the rules of a step over the IR. It is the IR's living definition."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TypeVar

from checker.errors import InternalError, ModelError
from checker.ir.expressions import Comprehension
from checker.ir.program import Action, Await, Branch, End, Fail, Goto, Process, Program, PropertyKind
from checker.ir.statements import LOOP_STEPS_MAX, Return
from checker.ir.types import Type
from checker.ir.values import Value, fits
from checker.semantics.evaluation import Evaluate, Evaluator, Execute, Frame, OperationRun, endless, overflow
from checker.semantics.rules import Disabled, Outcome, ServiceErrorRaised, TransitionRules, next_scripts
from checker.semantics.state import UNASSIGNED, ProcessState, State

_T = TypeVar("_T")


class Machine(TransitionRules[Frame]):
    """Executes a program by interpreting its IR."""

    def __init__(self, program: Program) -> None:
        super().__init__(program)
        self._evaluator = Evaluator(program)
        code = {process.name: _ProcessCode(process, self._evaluator) for process in program.processes}
        self._code = [(code[process.name], index) for process, index in self.instances]
        #: The operations that the outcome yielded last ran, in order.
        self.last_calls: list[OperationRun] = []

    def holds(self, number: int, state: State, before: State | None = None) -> bool:
        prop = self.program.properties[number]
        frame = Frame(list(state.variables), idle=self._idle_in(state))
        if prop.kind is PropertyKind.TRANSITION:
            if before is None:
                raise InternalError(f"{prop.name} needs the state before")
            frame.old = before.variables
        return bool(self._evaluator.call(prop.routine, (), frame))

    def arguments(self, state: State, instance: int) -> list[tuple[Value, ...]]:
        """The arguments of the call that a process instance waits for, for each of its parts."""
        code, index = self._code[instance]
        frame = Frame(list(state.variables), caller=instance)
        return code.arguments(frame, index, state.processes[instance])

    def failing_bindings(
        self, number: int, state: State, before: State | None = None
    ) -> dict[str, tuple[Type, Value]]:
        """Why a property is false: where it is ``all(... for x in ...)``, the first x that it fails for.

        Returns the bound variables' source names with their types and values; empty for other forms.
        """
        routine = self.program.routines[self.program.properties[number].routine]
        returned = routine.body[-1] if routine.body else None
        if not isinstance(returned, Return) or not isinstance(returned.value, Comprehension):
            return {}
        frame = Frame(list(state.variables), idle=self._idle_in(state))
        frame.old = before.variables if before is not None else ()
        return self._evaluator.first_failing(returned.value, frame)

    def _outcomes(self, state: State, caller: int, run: Callable[[Frame], _T]) -> Iterator[Outcome[_T]]:
        idle = self._idle_in(state)
        scripts: list[tuple[int, ...]] = [()]
        while scripts:
            script = scripts.pop()
            frame = Frame(list(state.variables), script, caller, idle)
            outcome: tuple[tuple[Value, ...], _T] | ModelError | None
            try:
                result = run(frame)
                outcome = (tuple(frame.variables), result)
            except Disabled:
                outcome = None
            except ModelError as error:
                outcome = error
            scripts.extend(next_scripts(script, frame.taken, frame.offered))
            if outcome is not None:
                self.last_calls = frame.calls
                yield tuple(frame.taken), outcome

    def _choose(self, context: Frame, count: int) -> int:
        return int(context.choose(range(count)))

    def _act(self, context: Frame, action: Action, parameters: tuple[Value, ...]) -> None:
        self._evaluator.call(action.routine, parameters, context)

    def _start(self, context: Frame, instance: int) -> ProcessState:
        code, index = self._code[instance]
        return code.start(context, index)

    def _apply(self, context: Frame, instance: int, waiting: ProcessState) -> Value:
        code, index = self._code[instance]
        return code.apply(context, index, waiting)

    def _resume(self, context: Frame, instance: int, waiting: ProcessState, result: Value) -> ProcessState:
        code, index = self._code[instance]
        return code.resume(context, index, waiting, result)

    def _raise_in(self, context: Frame, instance: int, waiting: ProcessState, error: str) -> ProcessState:
        code, index = self._code[instance]
        return code.raise_in(context, index, waiting, error)


class _ProcessCode:
    """The executable form of one process: its blocks as closures, its labels' calls."""

    def __init__(self, process: Process, evaluator: Evaluator) -> None:
        self.process = process
        self.labels = process.labels
        self._evaluator = evaluator
        self._bodies: list[Execute] = [evaluator.block(block.body) for block in process.blocks]
        self._conditions: list[Evaluate | None] = [
            evaluator.expression(block.terminator.condition) if isinstance(block.terminator, Branch) else None
            for block in process.blocks
        ]
        self._args = [
            [[evaluator.expression(arg) for arg in part.args] for part in label.call.parts]
            for label in process.labels
        ]

    def start(self, frame: Frame, index: int) -> ProcessState:
        """Begin an iteration: run up to the first await."""
        frame.locals = {}
        if self.process.parameter is not None:
            frame.locals[self.process.parameter] = index
        return self._run(frame, index, self.process.entry)

    def resume(self, frame: Frame, index: int, waiting: ProcessState, result: Value) -> ProcessState:
        """Go on after the call at the label, up to the next await."""
        label = self.labels[waiting.label]
        self._restore(frame, index, waiting)
        if label.result is not None:
            frame.locals[label.result] = result
        return self._run(frame, index, label.resume)

    def apply(self, frame: Frame, index: int, waiting: ProcessState) -> Value:
        """Apply the call at the label. Raises ServiceErrorRaised where it answers with an error."""
        label = self.labels[waiting.label]
        self._restore(frame, index, waiting)
        before = list(frame.variables)
        result = None
        try:
            for part, args in zip(label.call.parts, self._args[label.id], strict=True):
                values = [arg(frame) for arg in args]
                result = self._evaluator.call(part.routine, values, frame)
        except ServiceErrorRaised as raised:
            frame.variables[:] = before
            raise ServiceErrorRaised(label.call.cancelled or raised.error) from None
        return result if label.call.cancelled is None else None

    def arguments(self, frame: Frame, index: int, waiting: ProcessState) -> list[tuple[Value, ...]]:
        """The arguments of the call at the label, for each of its parts."""
        self._restore(frame, index, waiting)
        return [tuple(arg(frame) for arg in args) for args in self._args[waiting.label]]

    def raise_in(self, frame: Frame, index: int, waiting: ProcessState, error: str) -> ProcessState:
        """Go on where the label's call has raised: at its handler, or, without one, from the start."""
        for handler in self.labels[waiting.label].handlers:
            if error in handler.errors:
                self._restore(frame, index, waiting)
                return self._run(frame, index, handler.block)
        return self.start(frame, index)

    def _restore(self, frame: Frame, index: int, waiting: ProcessState) -> None:
        label = self.labels[waiting.label]
        known = zip(label.live, waiting.locals, strict=True)
        frame.locals = {name: value for name, value in known if value is not UNASSIGNED}
        if self.process.parameter is not None:
            frame.locals[self.process.parameter] = index

    def _run(self, frame: Frame, index: int, number: int) -> ProcessState:
        for _ in range(LOOP_STEPS_MAX):
            block = self.process.blocks[number]
            self._bodies[number](frame)
            match block.terminator:
                case Goto(target):
                    number = target
                case Branch(_, then, orelse):
                    condition = self._conditions[number]
                    assert condition is not None
                    number = then if condition(frame) else orelse
                case Await(label):
                    return self._wait(frame, label)
                case End() | Fail():
                    frame.locals = {}
                    if self.process.parameter is not None:
                        frame.locals[self.process.parameter] = index
                    number = self.process.entry
        raise endless(self.process.location)

    def _wait(self, frame: Frame, number: int) -> ProcessState:
        label = self.labels[number]
        for name in label.live:
            if name in frame.locals:
                problem = fits(self.process.locals[name], frame.locals[name])
                if problem is not None:
                    raise overflow(name, problem, label.location)
        values = tuple(frame.locals.get(name, UNASSIGNED) for name in label.live)
        return ProcessState(number, 0, False, values)
