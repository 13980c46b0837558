"""One engine in a process of its own, for those that race: ``main`` is what the process runs.

A pickled job comes in on standard input; pickled messages go out on standard output: progress, and at the
end one answer. The process ends as soon as its input does, so that it never outlives who started it.
"""

from __future__ import annotations

import os
import pickle
import signal
import sys
import threading
import traceback
from dataclasses import dataclass, replace
from typing import IO

from checker.dsl.annotations import TypeTable
from checker.dsl.declarations import Model
from checker.dsl.lowering import LoweredModel
from checker.dsl.structure import HolderStructure
from checker.engines.interface import Limits, Progress, Request, Result
from checker.errors import UserError
from checker.ir.program import Program


@dataclass(frozen=True, slots=True)
class Job:
    """What one contender is to do: ``engine`` names an engine, or is PROVER."""

    engine: str
    program: Program
    limits: Limits
    threads: int = 0
    symmetry: bool = True
    wanted: frozenset[str] | None = None
    solver: str = "auto"


@dataclass(frozen=True, slots=True)
class Declined:
    """The engine cannot take this program, and why."""

    reason: str


@dataclass(frozen=True, slots=True)
class Broken:
    """The engine failed, which it never should; with the traceback."""

    text: str


#: The engine of a job that proves.
PROVER = "prover"

Message = Progress | Result | Declined | Broken


def done(job: Job, report: IO[bytes]) -> Message:
    """Do a job, progress being reported meanwhile."""
    # Here and not above: who only sends a job needs no engine.
    from checker.engines.explicit import ExplicitEngine
    from checker.engines.native.codegen.layout import Unsupported
    from checker.engines.native.compile import CannotCompile
    from checker.engines.native.engine import NativeEngine
    from checker.engines.reference.engine import ReferenceEngine
    from checker.engines.smt.engine import SmtEngine
    from checker.engines.smt.errors import Unsupported as NotEncodable
    from checker.engines.smt.prove import Prover

    lowered = LoweredModel(Model, job.program, HolderStructure(Model, "", {}), TypeTable(()), {})
    request = Request(
        lowered,
        job.limits,
        lambda now: send(now, report),
        job.threads,
        job.symmetry,
        wanted=job.wanted,
    )
    try:
        if job.engine == PROVER:
            # Of the model there is only its program here: no other sizes can be tried.
            return Prover(request, job.solver, for_any_number=False).run().result
        engines = {e.name: e for e in (NativeEngine(), ExplicitEngine(), ReferenceEngine(), SmtEngine())}
        try:
            return engines[job.engine].check(request)
        except (CannotCompile, Unsupported) as error:
            notice = f"the {job.engine} engine is not used: {error}"
            return replace(ExplicitEngine().check(request), notice=notice)
    except (NotEncodable, UserError) as error:
        return Declined(str(error))
    except KeyboardInterrupt:
        return Declined("interrupted")
    except Exception:
        return Broken(traceback.format_exc())


def send(message: Message | Job, stream: IO[bytes]) -> None:
    """Write a message: its length in eight bytes, and itself."""
    data = pickle.dumps(message)
    stream.write(len(data).to_bytes(8, "big") + data)
    stream.flush()


def receive(stream: IO[bytes]) -> Message | Job | None:
    """Read a message; None where there is no other."""
    head = stream.read(8)
    if len(head) < 8:
        return None
    data = stream.read(int.from_bytes(head, "big"))
    found: Message | Job = pickle.loads(data)
    return found


def _end_with_input() -> None:
    while os.read(sys.stdin.fileno(), 1):
        pass
    # A group of its own, so that a compiler at work ends, too.
    os.killpg(os.getpgrp(), signal.SIGKILL)


def main() -> None:
    """Do the job that comes in, and send what comes of it."""
    # Whoever started this may ignore Ctrl-C, which ends an engine's search and keeps what it has found.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    report = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    # What a library prints must not come between messages.
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    job = receive(sys.stdin.buffer)
    if not isinstance(job, Job):
        return
    if os.getpgrp() == os.getpid():
        threading.Thread(target=_end_with_input, daemon=True).start()
    send(done(job, report), report)
    # At once: an engine's threads, and who waits for the end of the input, are not worth waiting for.
    os._exit(0)
