"""The rules of a step over CPython's own execution of a model.

A coroutine cannot be copied, so a process in a state carries how it got where it waits since its
iteration began: the variables that it saw at each resumption, what it was sent, and the choices of
its local code. Going on from a state runs a fresh coroutine through that history first.
"""

from __future__ import annotations

import contextlib
import inspect
from collections.abc import Callable, Coroutine, Iterator
from typing import Any, NamedTuple, TypeVar

from checker.dsl.calls import CALL_FAULT_ERRORS, Call, ServiceError, TransactionCanceled
from checker.dsl.codec import decode, encode
from checker.dsl.collections import Collection
from checker.dsl.index import sized
from checker.dsl.lowering import LoweredModel
from checker.dsl.runtime import StepContext, choose, step
from checker.dsl.structure import Instance
from checker.engines.reference.places import label_at, locals_at, located
from checker.errors import InternalError, ModelError
from checker.ir.program import Action, Label, PropertyKind
from checker.ir.statements import LOOP_STEPS_MAX
from checker.ir.values import Value, fits
from checker.semantics.evaluation import endless, overflow
from checker.semantics.rules import Disabled, Outcome, ServiceErrorRaised, TransitionRules, next_scripts
from checker.semantics.state import UNASSIGNED, ProcessState, State

_T = TypeVar("_T")
Coro = Coroutine[Call[Any], Any, None]

_CALL_ERRORS = (*CALL_FAULT_ERRORS, TransactionCanceled)


class _Resumption(NamedTuple):
    """One resumption of a coroutine: the variables at it, what it is sent or thrown, its surroundings."""

    variables: tuple[Value, ...]
    sent: Any
    script: tuple[int, ...]
    is_idle: Callable[[int], bool]


class _Replayable(ProcessState):
    """A process' state that also knows its history; equal to any other with the same place and locals."""

    history: tuple[_Resumption, ...]

    def _replace(self, **changes: Any) -> _Replayable:
        result = _Replayable(*ProcessState(*self)._replace(**changes))
        result.history = self.history
        return result


class ReferenceMachine(TransitionRules[StepContext]):
    """Executes a model by running its methods and coroutines."""

    def __init__(self, lowered: LoweredModel) -> None:
        super().__init__(lowered.program)
        self._lowered = lowered
        with sized(lowered.sizes):
            self._instance = Instance(lowered.structure, lowered.table)
            self._before = Instance(lowered.structure, lowered.table)

    def holds(self, number: int, state: State, before: State | None = None) -> bool:
        prop = self.program.properties[number]
        with sized(self._lowered.sizes), step(StepContext(is_idle=self._idle_in(state))), located():
            self._instance.load(state.variables)
            args = []
            if prop.kind is PropertyKind.TRANSITION:
                if before is None:
                    raise InternalError(f"{prop.name} needs the state before")
                self._before.load(before.variables)
                args = [self._before.model]
            return bool(getattr(self._instance.model, prop.name)(*args))

    def _outcomes(self, state: State, caller: int, run: Callable[[StepContext], _T]) -> Iterator[Outcome[_T]]:
        scripts: list[tuple[int, ...]] = [()]
        while scripts:
            script = scripts.pop()
            context = StepContext(script, caller if caller >= 0 else None, self._idle_in(state))
            outcome: tuple[tuple[Value, ...], _T] | ModelError | None
            with sized(self._lowered.sizes), step(context):
                self._instance.load(state.variables)
                try:
                    with located():
                        result = run(context)
                    outcome = (self._instance.values(), result)
                except Disabled:
                    outcome = None
                except ModelError as error:
                    outcome = error
            scripts.extend(next_scripts(script, context.taken, context.offered))
            if outcome is not None:
                yield tuple(context.taken), outcome

    def _choose(self, context: StepContext, count: int) -> int:
        return choose(range(count))

    def _act(self, context: StepContext, action: Action, parameters: tuple[Value, ...]) -> None:
        holder = self._instance.holder(action.component)
        method = getattr(holder, action.name.removeprefix(f"{action.component}."))
        types = [parameter.type for parameter in action.parameters]
        classes = self._lowered.table.classes
        method(*(decode(type_, value, classes) for type_, value in zip(types, parameters, strict=True)))

    def _start(self, context: StepContext, instance: int) -> ProcessState:
        context.in_process = True
        for _ in range(LOOP_STEPS_MAX):
            before, chosen = self._instance.values(), len(context.taken)
            coroutine = self._coroutine(instance)
            with contextlib.suppress(StopIteration, ServiceError):
                call = coroutine.send(None)
                resumption = _Resumption(before, None, tuple(context.taken[chosen:]), context.is_idle)
                return self._waiting(instance, coroutine, call, (resumption,))
        raise endless(self.instances[instance][0].location)

    def _apply(self, context: StepContext, instance: int, waiting: ProcessState) -> Value:
        _, call = self._rebuilt(context, instance, waiting)
        before = self._instance.values()
        try:
            if len(call.parts) == 1 and call.parts[0] is call:
                return call.apply()
            for part in call.parts:
                part.apply()
        except ServiceError as error:
            self._instance.load(before)
            name = type(error).__name__
            raise ServiceErrorRaised(
                name if call.parts[0] is call else TransactionCanceled.__name__
            ) from None
        return None

    def _resume(
        self, context: StepContext, instance: int, waiting: ProcessState, result: Value
    ) -> ProcessState:
        return self._go_on(context, instance, waiting, result)

    def _raise_in(
        self, context: StepContext, instance: int, waiting: ProcessState, error: str
    ) -> ProcessState:
        label = self.instances[instance][0].labels[waiting.label]
        return self._go_on(context, instance, waiting, self._error_class(label, error)())

    def _error_class(self, label: Label, name: str) -> type[ServiceError]:
        """The class of an error with which the call at a label can end."""
        known: list[type[ServiceError]] = list(_CALL_ERRORS)
        for part in label.call.parts:
            holder = self._instance.holder(part.component)
            known += inspect.getattr_static(type(holder), part.operation).raises
        return next(error for error in known if error.__name__ == name)

    def _go_on(self, context: StepContext, instance: int, waiting: ProcessState, sent: Any) -> ProcessState:
        """Resume a process with a result or an error, up to its next await or its next iteration's first."""
        assert isinstance(waiting, _Replayable)
        coroutine, _ = self._rebuilt(context, instance, waiting)
        variables, chosen = self._instance.values(), len(context.taken)
        context.in_process = True
        try:
            call = _resumed(coroutine, sent)
        except (StopIteration, ServiceError):
            return self._start(context, instance)
        resumption = _Resumption(variables, sent, tuple(context.taken[chosen:]), context.is_idle)
        return self._waiting(instance, coroutine, call, (*waiting.history, resumption))

    def _coroutine(self, instance: int) -> Coro:
        process, index = self.instances[instance]
        method = getattr(self._instance.model, process.name)
        if process.index is None:
            return method()  # type: ignore[no-any-return]
        return method(decode(process.index, index, self._lowered.table.classes))  # type: ignore[no-any-return]

    def _rebuilt(self, context: StepContext, instance: int, waiting: ProcessState) -> tuple[Coro, Call[Any]]:
        """A coroutine that waits where ``waiting`` says; the variables are left as they are."""
        assert isinstance(waiting, _Replayable)
        now = self._instance.values()
        coroutine = self._coroutine(instance)
        call: Call[Any] | None = None
        for resumption in waiting.history:
            replayed = StepContext(resumption.script, context.caller, resumption.is_idle, in_process=True)
            with step(replayed):
                self._instance.load(resumption.variables)
                call = _resumed(coroutine, resumption.sent)
        self._instance.load(now)
        assert call is not None
        return coroutine, call

    def _waiting(
        self, instance: int, coroutine: Coro, call: Call[Any], history: tuple[_Resumption, ...]
    ) -> ProcessState:
        process = self.instances[instance][0]
        label = label_at(process, coroutine)
        found = locals_at(label, coroutine, call)
        values = []
        for name in label.live:
            value = UNASSIGNED if name not in found else encode(found[name])
            problem = None if value is UNASSIGNED else fits(process.locals[name], value)
            if problem is not None:
                raise overflow(name, problem, label.location)
            values.append(value)
        result = _Replayable(label.id, 0, False, tuple(values))
        result.history = history
        return result


def _resumed(coroutine: Coro, sent: Any) -> Call[Any]:
    """Go on with what a call answered; a collection is handed over as a copy, for the history keeps it."""
    if isinstance(sent, ServiceError):
        return coroutine.throw(sent)
    return coroutine.send(sent.copy() if isinstance(sent, Collection) else sent)
