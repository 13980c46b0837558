"""Fixtures of the generated tests."""

from __future__ import annotations

from checker.lab.fixtures import conduct as conduct
from checker.lab.fixtures import emulator as emulator
from checker.lab.fixtures import start_lab as start_lab
