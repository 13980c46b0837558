"""Fixtures of the lab's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from checker.lab.emulator import Emulator
from checker.lab.fixtures import emulator as emulator
from checker.lab.fixtures import start_lab as start_lab

from .gate import Gate


@pytest.fixture
def gate(emulator: Emulator) -> Iterator[Gate]:
    gate = Gate(emulator)
    gate.interposer.start()
    yield gate
    gate.close()
