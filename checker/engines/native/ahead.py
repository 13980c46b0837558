"""Compiling the models of a long check in the background, so that no search waits for a compiler for long."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor

from checker.engines.native.codegen.layout import Capacities
from checker.engines.native.codegen.program import generate
from checker.engines.native.compile import compiled
from checker.engines.native.opening import symmetry_for
from checker.errors import QuackcheckError
from checker.ir.program import Program


@contextlib.contextmanager
def compiling_ahead(programs: Iterable[tuple[Program, bool]]) -> Iterator[None]:
    """Compile programs, in their order, while the code inside runs; with each, whether symmetry may be used.

    What goes wrong is left for the search to meet, which tells it in its place.
    """
    pool = ThreadPoolExecutor(max_workers=os.cpu_count() or 1, thread_name_prefix="compile")
    for program, symmetry in programs:
        pool.submit(_compile, program, symmetry)
    try:
        yield
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _compile(program: Program, symmetry: bool) -> None:
    # Whatever happens here, the search will come to it again.
    with contextlib.suppress(QuackcheckError, OSError):
        source = generate(program, Capacities(), symmetry_for(program, symmetry).sets)
        with compiled(source.text):
            pass
