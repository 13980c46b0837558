"""Fixtures of the components' tests: an emulator of AWS beside the models."""

from __future__ import annotations

from checker.lab.fixtures import emulator as emulator
