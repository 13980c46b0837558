"""Where CPython stands: the label of a suspended coroutine, its locals, and the line of an error."""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from types import FrameType, TracebackType
from typing import Any

import checker.dsl
from checker.dsl.calls import Call
from checker.dsl.source import displayed
from checker.errors import InternalError, Location, ModelError, ModelErrorKind
from checker.ir.expressions import Local
from checker.ir.program import Label, Process

#: Code that carries a model out, and so is never the place of a model's error.
_MACHINERY = (next(iter(checker.dsl.__path__)), __file__.rpartition("/")[0])

_KINDS: dict[type[Exception], ModelErrorKind] = {
    ZeroDivisionError: ModelErrorKind.DIVISION,
    NameError: ModelErrorKind.UNASSIGNED,
    AssertionError: ModelErrorKind.ASSERTION,
    IndexError: ModelErrorKind.INDEX,
}


def _frames(coroutine: Coroutine[Any, Any, Any]) -> Iterator[FrameType]:
    """The frames of a suspended coroutine, from the process down to the helper that awaits."""
    inner: Any = coroutine
    while isinstance(inner, Coroutine) and inner.cr_frame is not None:  # type: ignore[attr-defined]
        yield inner.cr_frame  # type: ignore[attr-defined]
        inner = inner.cr_await  # type: ignore[attr-defined]


def _position(frame: FrameType) -> tuple[int | None, int | None, int | None, int | None]:
    """(line, column, end line, end column) of the await at which a frame is suspended."""
    positions = list(frame.f_code.co_positions())[frame.f_lasti // 2]
    line, end_line, column, end_column = positions
    return line, column, end_line, end_column


def label_at(process: Process, coroutine: Coroutine[Any, Any, Any]) -> Label:
    """The label at which a suspended coroutine of a process waits."""
    place = tuple(_position(frame) for frame in _frames(coroutine))
    for label in process.labels:
        if label.frames == place:
            return label
    raise InternalError(f"{process.name} waits at {place}, where the IR has no label")


def locals_at(label: Label, coroutine: Coroutine[Any, Any, Any], call: Call[Any]) -> dict[str, Any]:
    """The IR's locals of a suspended coroutine: those of its frames, and arguments already evaluated."""
    found: dict[str, Any] = {}
    for prefix, frame in zip(label.prefixes, _frames(coroutine), strict=True):
        found.update({prefix + name: value for name, value in frame.f_locals.items()})
    for part, made in zip(label.call.parts, call.parts, strict=True):
        for arg, value in zip(part.args, made.args, strict=True):
            if isinstance(arg, Local) and arg.name not in found:
                found[arg.name] = value
    return found


@contextmanager
def located() -> Iterator[None]:
    """Turn what CPython raises into the model errors that it means, at the model's own line."""
    try:
        yield
    except ModelError as error:
        if error.location is not None:
            raise
        raise ModelError(error.kind, error.what, _place(error.__traceback__)) from None
    except tuple(_KINDS) as error:
        kind = next(kind for cls, kind in _KINDS.items() if isinstance(error, cls))
        raise ModelError(kind, str(error), _place(error.__traceback__)) from None
    except ValueError as error:
        if "empty" not in str(error):
            raise
        raise ModelError(ModelErrorKind.EMPTY, str(error), _place(error.__traceback__)) from None
    except (AttributeError, TypeError) as error:
        if "NoneType" not in str(error):
            raise
        raise ModelError(ModelErrorKind.NONE, str(error), _place(error.__traceback__)) from None


def _place(traceback: TracebackType | None) -> Location | None:
    found = None
    while traceback is not None:
        path = traceback.tb_frame.f_code.co_filename
        if not path.startswith(_MACHINERY):
            found = Location(displayed(path), traceback.tb_lineno)
        traceback = traceback.tb_next
    return found
