"""Compiles the sample models of this directory, once for each set of definitions."""

from __future__ import annotations

import functools
import subprocess
import tempfile
from pathlib import Path

from checker.engines.native.structures import Library

_MODELS = Path(__file__).parent / "models"
_RUNTIME = Path(__file__).parents[2] / "checker" / "engines" / "native" / "runtime"
_FLAGS = ("-std=gnu11", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread", "-fvisibility=hidden")

#: Properties of order_intake.c, as masks.
ACKED_IS_CREATED, CREATED_ONCE, ALL_ACKED, NEVER_BACK, NO_DEADLOCK, STAYS_ACKED = (
    1 << bit for bit in range(6)
)
ALL_PROPERTIES = 0x3F


@functools.cache
def _directory() -> tempfile.TemporaryDirectory[str]:
    return tempfile.TemporaryDirectory(prefix="native_runtime_")


def _compile(source: Path, kind: str, definitions: tuple[str, ...], flags: tuple[str, ...]) -> Path:
    target = Path(_directory().name) / f"{kind}_{abs(hash((source, kind, definitions, flags)))}"
    if not target.exists():
        defined = [f"-D{definition}" for definition in definitions]
        command = [
            "cc",
            *_FLAGS,
            *flags,
            *defined,
            f"-I{_RUNTIME}",
            f"-I{_MODELS}",
            str(source),
            "-o",
            str(target),
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
    return target


@functools.cache
def library(model: str, *definitions: str) -> Library:
    """The shared library of a model, such as ``library("two_phase", "MANAGERS=7")``."""
    return Library(_compile(_MODELS / f"{model}.c", model, definitions, ("-shared", "-fPIC")))


def program(model: str, *definitions: str, flags: tuple[str, ...]) -> Path:
    """The command-line program run.c around a model."""
    return _compile(_MODELS / "run.c", "run", (f'MODEL="{model}.c"', *definitions), flags)


def program_of(source: Path, flags: tuple[str, ...]) -> Path:
    """The command-line program run.c around a generated model; without warnings as errors."""
    return _compile(_MODELS / "run.c", "run", (f'MODEL="{source}"',), ("-w", "-Wno-error", *flags))


def small() -> Library:
    """Order intake S, with step checks."""
    return library("order_intake", "QC_HAS_STEP_CHECK=1")


def medium(*definitions: str) -> Library:
    """Order intake M."""
    return library("order_intake", "ORDERS=4", "CONSUMERS=3", "REDELIVERIES=1", *definitions)
