"""Speed beside the peers, in one run on one machine: ``python -m benchmarks.run``.

Every case is explored whole, by us with one and two threads and by SPIN in each of its exact modes, the
best of which counts. What is timed is the search of the whole process of the peer and of our engine, not
compilation. Writes ``benchmarks/latest.json`` and ``latest.md``; ratios hold when absolute times do not.
"""

from __future__ import annotations

import argparse
import json
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.models.order_intake import OrderIntake
from benchmarks.models.two_phase import TwoPhase
from checker.dsl.declarations import Model
from checker.dsl.lowering import lower
from checker.engines.interface import Limits, Request
from checker.engines.native.engine import NativeEngine
from checker.ir.program import Budgets

HERE = Path(__file__).parent
REPEATS = 3
SPIN_MODES = {"depth-first": (), "breadth-first": ("-DBFS",), "COLLAPSE": ("-DCOLLAPSE",)}


@dataclass(frozen=True)
class Case:
    """A protocol at one size: our model with its bounds, the peer's file with its macros, the exact count."""

    name: str
    model: type[Model]
    bounds: dict[str, int]
    promela: str
    macros: dict[str, int]
    states: int


CASES = [
    Case(
        f"order_intake {name}",
        OrderIntake,
        {"Order": n, "Consumer": c, "Redelivery": r},
        "order_intake.pml",
        {"N": n, "C": c, "R": r},
        states,
    )
    for name, n, c, r, states in [("M", 4, 3, 1, 895_168), ("L", 4, 3, 2, 15_669_376)]
] + [
    Case(f"two_phase {n}", TwoPhase, {"Manager": n}, "two_phase.pml", {"N": n}, states)
    for n, states in [(8, 1_745_408), (9, 10_340_352)]
]


@dataclass(frozen=True)
class Row:
    """One comparison, as other programs read it."""

    case: str
    metric: str
    states: int
    threads: int
    ours: float
    peer_name: str
    peer: float | None
    ratio: float | None


def ours(case: Case, threads: int) -> float:
    """Our distinct states a second: the median of some runs. Raises where the count is wrong."""
    lowered = lower(case.model, case.bounds, Budgets())
    NativeEngine().check(Request(lowered, Limits(depth_max=1)))  # compiles
    seconds = []
    for _ in range(REPEATS):
        begun = time.monotonic()
        result = NativeEngine().check(Request(lowered, threads=threads))
        seconds.append(time.monotonic() - begun)
        if result.statistics.states != case.states:
            raise SystemExit(f"{case.name}: {result.statistics.states:,} states, not {case.states:,}")
    return case.states / sorted(seconds)[len(seconds) // 2]


def spin(case: Case, models: Path) -> Iterator[tuple[str, float]]:
    """SPIN's distinct states a second in each exact mode, nothing where it is not installed."""
    if shutil.which("spin") is None or not (models / case.promela).is_file():
        return
    for mode, flags in SPIN_MODES.items():
        with tempfile.TemporaryDirectory() as folder:
            macros = [f"-D{name}={value}" for name, value in case.macros.items()]
            source = (models / case.promela).resolve()
            subprocess.run(["spin", "-a", *macros, str(source)], cwd=folder, check=True, capture_output=True)
            build = ["cc", "-O2", "-w", "-DSAFETY", "-DNOREDUCE", "-DMEMLIM=16000", *flags]
            subprocess.run([*build, "pan.c", "-o", "pan"], cwd=folder, check=True, capture_output=True)
            begun = time.monotonic()
            run = subprocess.run(
                ["./pan", "-E", "-m3000000", "-w25"], cwd=folder, check=True, capture_output=True, text=True
            )
            seconds = time.monotonic() - begun
        stored = re.search(r"([\d.e+]+) states, stored", run.stdout)
        if stored is not None:
            yield mode, case.states / seconds


def compare(models: Path) -> list[Row]:
    """All cases. Progress goes to standard error."""
    rows = []
    for case in CASES:
        peers = dict(spin(case, models))
        best = max(peers.values(), default=None)
        name = "SPIN " + max(peers, key=lambda mode: peers[mode]) if peers else "SPIN (not installed)"
        for threads in (1, 2):
            speed = ours(case, threads)
            ratio = None if best is None else round(speed / best, 2)
            row = Row(
                case.name, "distinct_states_per_s", case.states, threads, round(speed), name, best, ratio
            )
            rows.append(row)
            print(row, file=sys.stderr)
    return rows


def main() -> None:
    """Measure, and write the results beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=HERE.parent.parent / "shared" / "bench")
    models = parser.parse_args().models
    rows = compare(models)
    (HERE / "latest.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    lines = ["| case | threads | ours, states/s | peer | states/s | ratio |", "|---|---|---|---|---|---|"]
    for row in rows:
        peer = "" if row.peer is None else f"{row.peer:,.0f}"
        lines.append(
            f"| {row.case} | {row.threads} | {row.ours:,.0f} | {row.peer_name} | {peer} | {row.ratio or ''} |"
        )
    (HERE / "latest.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
