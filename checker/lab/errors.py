"""What can go wrong in a lab run, apart from a violated property."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum

from checker.errors import QuackcheckError


class LabError(QuackcheckError):
    """Base of the errors that a lab run raises about the consumers or the schedule."""


class Diverged(LabError):
    """Conformance: a consumer did something other than what the model predicted.

    Args:
        what: one sentence, expected against actual.
        parked: the calls that are waiting at the interposer, one line each.
        history: the last steps of the run, one line each.
    """

    def __init__(self, what: str, *, parked: tuple[str, ...] = (), history: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.parked = parked
        self.history = history

    def __str__(self) -> str:
        lines = [self.what]
        if self.parked:
            lines += ["parked calls:", *(f"  {line}" for line in self.parked)]
        if self.history:
            lines += ["last steps:", *(f"  {line}" for line in self.history)]
        return "\n".join(lines)


class StepDidNotFire(Diverged):
    """A predicted step never happened: no call came in time, or the fault found nothing to act on."""


class Bypass(Diverged):
    """The backend changed while the interposer had released nothing that explains it."""


class DidNotQuiesce(LabError):
    """Draining reached its bound on steps; ``looping`` names the calls that came back most."""

    def __init__(self, what: str, *, looping: tuple[str, ...] = ()) -> None:
        super().__init__(what)
        self.what = what
        self.looping = looping

    def __str__(self) -> str:
        return "\n".join([self.what, *(f"  {line}" for line in self.looping)])


class Outcome(StrEnum):
    """What a replay showed."""

    REPRODUCED = "reproduced"
    NOT_REPRODUCED = "not reproduced"
    DIVERGED = "diverged"


def outcome_of(replay: Callable[[], bool]) -> tuple[Outcome, str]:
    """Run ``replay``, which says whether the property was violated, and name the outcome.

    Returns:
        The outcome and, for ``DIVERGED``, the explanation (otherwise an empty string).
    """
    try:
        violated = replay()
    except LabError as error:
        return Outcome.DIVERGED, str(error)
    return (Outcome.REPRODUCED if violated else Outcome.NOT_REPRODUCED), ""
