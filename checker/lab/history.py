"""The history of a lab run: numbered steps, for failure messages and for naming the workers in them."""

from __future__ import annotations

from dataclasses import dataclass

from checker.lab.interposer import RecordedCall


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a run.

    Attributes:
        number: from 1.
        actor: a process, or ``environment``.
        action: what it did: the call (``sqs DeleteMessage order-inbox``) or the environment's step.
        decision: what the schedule decided about a call, empty for other steps.
        error: the AWS error code that the process was answered with.
        note: what the lab added (a stale handle, an exit status).
        call: the recorded call behind the step, where there is one.
    """

    number: int
    actor: str
    action: str
    decision: str = ""
    error: str | None = None
    note: str = ""
    call: RecordedCall | None = None

    def __str__(self) -> str:
        text = f"{self.number:3} {self.actor}: {self.action}"
        if self.decision:
            text += f": {self.decision}"
        if self.error:
            text += f", {self.error}"
        return text + (f" ({self.note})" if self.note else "")


class History:
    """Collects steps and numbers them."""

    def __init__(self) -> None:
        self.steps: list[Step] = []

    def add(self, actor: str, action: str, note: str = "") -> Step:
        """A step that is no call: the environment's, a crash, a restart."""
        return self._append(Step(len(self.steps) + 1, actor, action, note=note))

    def add_call(self, recorded: RecordedCall) -> Step:
        """A call and what became of it."""
        call = recorded.call
        action = call.action + (f" (attempt {call.attempt})" if call.attempt > 1 else "")
        return self._append(
            Step(
                len(self.steps) + 1,
                call.process,
                action,
                str(recorded.decision),
                recorded.error,
                recorded.note,
                recorded,
            )
        )

    def last(self, count: int = 8) -> tuple[str, ...]:
        """The last steps as lines."""
        return tuple(str(step) for step in self.steps[-count:])

    def _append(self, step: Step) -> Step:
        self.steps.append(step)
        return step
