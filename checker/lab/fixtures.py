"""Pytest fixtures for tests that run a lab; a ``conftest.py`` imports them by name.

from checker.lab.fixtures import conduct as conduct, emulator as emulator, start_lab as start_lab
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest

from checker.errors import UserError
from checker.lab.emulator import Emulator
from checker.lab.modelled import ModelledLab
from checker.lab.session import Lab
from checker.lab.wiring import load_wiring
from checker.spec import load_spec

StartLab = Callable[..., Lab]


class Conduct(Protocol):
    """Runs a schedule in a lab, lets everything come to rest, and returns the lab for assertions."""

    def __call__(
        self, spec: str, schedule: Callable[[ModelledLab], None], *, found_on: str | None = None
    ) -> ModelledLab:
        """Run the consumer of ``spec``; ``found_on`` names the schedule's own spec where it is another."""


@pytest.fixture(scope="session")
def emulator() -> Iterator[Emulator]:
    """One emulator for the whole session; each lab resets it."""
    with Emulator() as running:
        yield running


@pytest.fixture
def start_lab(emulator: Emulator, request: pytest.FixtureRequest) -> Iterator[StartLab]:
    """Start labs that are closed after the test: ``start_lab(variant, processes, **options_of_Lab)``.

    ``variant`` is a spec's ``[lab]`` table. Paths count from pytest's root directory.
    """
    with ExitStack() as stack:

        def start(variant: Mapping[str, Any], processes: Sequence[str], **options: Any) -> Lab:
            where = f"[lab] of {request.node.name}"
            wiring = load_wiring(variant, root=Path(request.config.rootpath), where=where)
            return stack.enter_context(Lab(wiring, processes, emulator=emulator, **options))

        yield start


@pytest.fixture
def conduct(start_lab: StartLab) -> Conduct:
    """Run a schedule against the real consumers of a spec."""

    def run(
        spec: str, schedule: Callable[[ModelledLab], None], *, found_on: str | None = None
    ) -> ModelledLab:
        ours = load_spec(Path(spec))
        origin = ours if found_on is None else load_spec(Path(found_on))
        if ours.lab is None:
            hint = "add: [lab] with 'wiring' and 'command'"
            what = "the spec does not say how the lab reaches its consumer"
            raise UserError(what, where=spec, hint=hint)
        program = origin.lowered.program
        names = [program.instance_name(n).replace(" ", "-") for n in range(program.process_count)]
        lab = start_lab(ours.lab.settings, names, max_attempts=program.budgets.max_attempts)
        modelled = ModelledLab(ours, lab, None if found_on is None else origin)
        schedule(modelled)
        modelled.finish()
        return modelled

    return run
