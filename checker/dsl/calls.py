"""Calls on the wire: operations of components, awaited by processes, and the errors they answer with."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Generator
from typing import Any, Concatenate, Generic, ParamSpec, Self, TypeVar, overload

from checker.dsl import runtime

C = TypeVar("C")
P = ParamSpec("P")
R = TypeVar("R")


class ServiceError(Exception):
    """Base of the errors with which a service answers, or an SDK gives up."""


class CallFailed(ServiceError):
    """Every attempt failed; the last one was not applied. (An earlier one may have been.)"""


class CallTimedOut(ServiceError):
    """No answer came, all attempts used up: the call may have been applied, or not."""


class ConditionalCheckFailed(ServiceError):
    """The item is not as the call's condition demands; nothing was written."""


class TransactionCanceled(ServiceError):
    """A condition of the transaction failed; nothing of it was written."""


#: Errors that any call can end with, by the faults of the network and not by the operation.
CALL_FAULT_ERRORS: tuple[type[ServiceError], ...] = (CallFailed, CallTimedOut)


class Call(Awaitable[R]):
    """One call on the wire that is about to be made: ``await`` it, or hand it to ``transact``."""

    def __init__(self, operation: Operation[Any, Any, R], component: Any, args: tuple[Any, ...]) -> None:
        self.operation = operation
        self.component = component
        self.args = args

    @property
    def parts(self) -> tuple[Call[Any], ...]:
        """The operations that make up the call: itself, or a transaction's."""
        return (self,)

    def apply(self) -> R:
        """Run the operation now, as part of the current step."""
        with runtime.atomic():
            return self.operation.function(self.component, *self.args)

    def __await__(self) -> Generator[Call[Any], Any, R]:
        result: R = yield self
        return result


class Transaction(Call[None]):
    """Several operations as one call, all or nothing."""

    def __init__(self, calls: tuple[Call[Any], ...]) -> None:
        self._calls = calls
        self.args = tuple(arg for call in calls for arg in call.args)

    @property
    def parts(self) -> tuple[Call[Any], ...]:
        return self._calls

    def apply(self) -> None:
        raise TypeError("the engine applies a transaction part by part, to undo them together")


def transact(*calls: Awaitable[Any]) -> Awaitable[None]:
    """TransactWriteItems: all of the operations, or none where one raises (TransactionCanceled).

    A retry by the SDK carries the same client token: once applied, it is not applied again.
    """
    for call in calls:
        if not isinstance(call, Call):
            raise TypeError(f"transact() takes calls of operations, not {call!r}")
    return Transaction(tuple(call for call in calls if isinstance(call, Call)))


class Operation(Generic[C, P, R]):
    """A component's operation: called by a process it gives a Call to await; elsewhere it happens at once."""

    def __init__(
        self,
        function: Callable[Concatenate[C, P], R],
        raises: tuple[type[ServiceError], ...],
        applied_once: bool,
    ) -> None:
        self.function: Callable[..., R] = function
        self.raises = raises
        self.applied_once = applied_once
        self.__doc__ = function.__doc__
        self.__name__ = function.__name__

    @overload
    def __get__(self, instance: None, owner: type) -> Self: ...
    @overload
    def __get__(self, instance: C, owner: type) -> Callable[P, Awaitable[R]]: ...
    def __get__(self, instance: C | None, owner: type) -> Self | Callable[P, Awaitable[R]]:
        if instance is None:
            return self

        def call(*args: P.args, **kwargs: P.kwargs) -> Awaitable[R]:
            made = Call(self, instance, bound_arguments(self.function, args, kwargs))
            if not runtime.inside_process():
                made.apply()
            return made

        return call


def bound_arguments(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Any, ...]:
    """Positional and keyword arguments in the order of the function's parameters, after ``self``."""
    code = function.__code__
    names = code.co_varnames[1 : code.co_argcount]
    return (*args, *(kwargs[name] for name in names[len(args) :]))


@overload
def operation(function: Callable[Concatenate[C, P], R], /) -> Operation[C, P, R]: ...
@overload
def operation(
    *, raises: tuple[type[ServiceError], ...] = (), applied_once: bool = False
) -> Callable[[Callable[Concatenate[C, P], R]], Operation[C, P, R]]: ...
def operation(
    function: Callable[Concatenate[C, P], R] | None = None,
    /,
    *,
    raises: tuple[type[ServiceError], ...] = (),
    applied_once: bool = False,
) -> Operation[C, P, R] | Callable[[Callable[Concatenate[C, P], R]], Operation[C, P, R]]:
    """Declare a component's method to be one call on the wire.

    Args:
        raises: the service errors that it may answer with.
        applied_once: a retry by the SDK repeats an id or token that the client made for this call, so
            that a call which was applied has no further effect. It must not have a result.
    """
    if function is not None:
        return Operation(function, raises, applied_once)
    return lambda declared: Operation(declared, raises, applied_once)
