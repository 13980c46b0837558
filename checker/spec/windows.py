"""The window lemma: a dedup window shorter than the redelivery horizon is a duplicate waiting to happen.

No search sees it, because the faults of a spec happen any time: a window that expires and one that
does not are a budget apart. So specs declare how long a component remembers, and this compares it with
how long what feeds it can come again.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from checker.dsl.lowering import LoweredModel
from checker.errors import UserError
from checker.spec.tables import Table, did_you_mean

_SECONDS = {"s": 1, "min": 60, "h": 3600, "d": 86_400}
_UNITS = {
    **_SECONDS,
    **dict.fromkeys(("sec", "second", "seconds"), 1),
    **dict.fromkeys(("m", "minute", "minutes"), 60),
    **dict.fromkeys(("hour", "hours"), 3600),
    **dict.fromkeys(("day", "days"), 86_400),
    **dict.fromkeys(("week", "weeks"), 604_800),
}
_UNBOUNDED = "unbounded"
_PART = re.compile(r"(\d+(?:\.\d+)?)\s*([a-z]+)\s*")
_HINT = 'write a number and a unit: "30 s", "5 min", "1 h", "14 d"'


@dataclass(frozen=True, slots=True)
class Duration:
    """A length of time as it was written, and in seconds; None is without a bound."""

    text: str
    seconds: float | None

    def __str__(self) -> str:
        return self.text


@dataclass(frozen=True, slots=True)
class Horizon:
    """How long after its first delivery a component can deliver something again, and who says so.

    ``implicit`` says that a component of this class feeds every window of its model that does not name
    what feeds it.
    """

    duration: Duration
    source: str
    implicit: bool = True


def _of(text: str, source: str, implicit: bool = True) -> Horizon:
    seconds = None if text == _UNBOUNDED else _seconds(text)
    return Horizon(Duration(text, seconds), source, implicit)


def _seconds(text: str) -> float | None:
    """The seconds of a text such as ``1 h 30 min``; None where it is none."""
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text or any(p[2] not in _UNITS for p in parts):
        return None
    return sum(float(part[1]) * _UNITS[part[2]] for part in parts)


#: The longest that each class of components redelivers, unless the spec knows better: AWS' maxima.
HORIZONS = {
    "SqsQueue": _of("14 d", "SQS retention"),
    "SqsQueueWithDlq": _of(_UNBOUNDED, "each redrive of a dead letter starts SQS retention anew"),
    "SqsFifoQueue": _of("14 d", "SQS retention"),
    "KinesisStream": _of("365 d", "Kinesis retention: a consumer can begin again from its oldest record"),
    "LambdaStreamMapping": _of("365 d", "Lambda retries a stream's batch until the record expires"),
    "EventBus": _of(_UNBOUNDED, "an EventBridge archive can be replayed at any time"),
    "Provider": _of(_UNBOUNDED, "people repeat a call to a provider whenever they like"),
    "DynamoTable": _of("24 h", "DynamoDB Streams keep a record for 24 h", implicit=False),
    "GlobalTable": _of("24 h", "DynamoDB Streams keep a record for 24 h", implicit=False),
}


@dataclass(frozen=True, slots=True)
class WindowWarning:
    """A window that is shorter than the horizon of a component that feeds it."""

    window: str
    dedup: Duration
    dedup_source: str
    component: str
    horizon: Duration
    horizon_source: str

    def __str__(self) -> str:
        return (
            f"{self.window} remembers for {self.dedup} ({self.dedup_source}), but {self.component} can "
            f"deliver again for {_told(self.horizon)} ({self.horizon_source}): a duplicate waiting to happen"
        )


def _told(duration: Duration) -> str:
    return "ever" if duration.seconds is None else duration.text


def window_warnings(table: Table, lowered: LoweredModel) -> tuple[WindowWarning, ...]:
    """Read ``[windows]`` and ``[horizons]`` of a spec; a warning for every window that is too short.

    Raises:
        UserError: no such component, a duration that is none, or a window that nothing feeds.
    """
    classes = {h.name: h.cls for h in lowered.structure.walk() if h.name}
    horizons = {}
    for name, cls in classes.items():
        for base in cls.__mro__:
            if base.__name__ in HORIZONS:
                horizons[name] = HORIZONS[base.__name__]
                break
    own = table.table("horizons")
    for name in own.data:
        _component(own.where(), name, classes)
        horizons[name] = Horizon(_duration(own, name, unbounded=True), f"{table.source} [horizons]")
    windows = table.table("windows")
    found = []
    for name in windows.data:
        _component(windows.where(), name, classes)
        warning = _window(windows, name, horizons, classes)
        if warning is not None:
            found.append(warning)
    return tuple(found)


def _window(
    windows: Table, name: str, horizons: dict[str, Horizon], classes: dict[str, type]
) -> WindowWarning | None:
    if isinstance(windows.data[name], str):
        one = Table({"dedup": windows.data[name]}, windows.source, f"windows.{name}")
    else:
        one = windows.table(name)
    one.known(("dedup", "fed_by", "source"))
    if "dedup" not in one.data:
        raise UserError("'dedup' is missing", where=one.where(), hint='add: dedup = "5 min"')
    dedup = _duration(one, "dedup", unbounded=False)
    fed_by = one.texts("fed_by")
    for feeder in fed_by:
        _component(one.where("fed_by"), feeder, classes)
        if feeder not in horizons:
            what = f"nobody knows for how long '{feeder}', a {classes[feeder].__name__}, delivers again"
            hint = f'add: [horizons] with {feeder} = "14 d"'
            raise UserError(what, where=one.where("fed_by"), hint=hint)
    feeders = fed_by or tuple(n for n, horizon in horizons.items() if horizon.implicit and n != name)
    if not feeders:
        hint = f'name what feeds it: fed_by = ["{next(iter(classes))}"]'
        raise UserError("no component of the model delivers again", where=one.where(), hint=hint)
    longest = max(feeders, key=lambda n: _key(horizons[n].duration))
    horizon = horizons[longest]
    if _key(dedup) >= _key(horizon.duration):
        return None
    source = one.text("source", f"{windows.source} [windows]")
    return WindowWarning(name, dedup, source, longest, horizon.duration, horizon.source)


def _key(duration: Duration) -> float:
    return float("inf") if duration.seconds is None else duration.seconds


def _component(where: str, name: str, classes: dict[str, type]) -> None:
    if name not in classes:
        hint = did_you_mean(name, classes)
        raise UserError(f"the model has no component '{name}'", where=where, hint=hint)


def _duration(table: Table, key: str, unbounded: bool) -> Duration:
    text = table.text(key).strip()
    if text == _UNBOUNDED and unbounded:
        return Duration(text, None)
    if text.startswith("-"):
        raise UserError(f"a duration cannot be negative, got '{text}'", where=table.where(key), hint=_HINT)
    seconds = _seconds(text.lower())
    if seconds is None:
        hint = f'{_HINT}, or "{_UNBOUNDED}"' if unbounded else _HINT
        raise UserError(f"'{text}' is no duration", where=table.where(key), hint=hint)
    if seconds == 0:
        raise UserError(f"expected a duration above 0, got '{text}'", where=table.where(key), hint=_HINT)
    return Duration(text, seconds)
