"""The lab: replays a schedule, call by call, against real consumer processes."""

from __future__ import annotations

from checker.lab.emulator import Emulator
from checker.lab.errors import (
    Bypass,
    DidNotQuiesce,
    Diverged,
    LabError,
    Outcome,
    StepDidNotFire,
    outcome_of,
)
from checker.lab.history import Step
from checker.lab.probe import Finding, probe, violated
from checker.lab.session import Lab
from checker.lab.wiring import Wiring, load_wiring

__all__ = [
    "Bypass",
    "DidNotQuiesce",
    "Diverged",
    "Emulator",
    "Finding",
    "Lab",
    "LabError",
    "Outcome",
    "Step",
    "StepDidNotFire",
    "Wiring",
    "load_wiring",
    "outcome_of",
    "probe",
    "violated",
]
