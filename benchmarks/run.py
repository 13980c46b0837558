"""Speed beside the peers, and beside ourselves, in one run on one machine: ``python -m benchmarks.run``.

Every case is explored whole, by us with one and two threads and by SPIN in each of its exact modes, the
best of which counts. What is timed is the search of the whole process of the peer and of our engine, not
compilation. Then come memory, the cost of a state from small spaces to large, symmetry, and the reference
engine. Writes ``benchmarks/latest.json`` and ``latest.md``; ratios hold when absolute times do not.

With ``--large`` one more case is explored without any reduction: order_intake with five orders, three
consumers and two redeliveries, 509,080,576 states, which takes minutes and about 11 GB.
"""

from __future__ import annotations

import argparse
import json
import re
import resource
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
from checker.dsl.lowering import LoweredModel, lower
from checker.engines.interface import Engine, Limits, Request
from checker.engines.memory import resident_bytes
from checker.engines.native.engine import NativeEngine
from checker.engines.reference.engine import ReferenceEngine
from checker.ir.program import Budgets
from checker.spec import load_spec

HERE = Path(__file__).parent
REPEATS = 3
SPIN_MODES = {"depth-first": (), "breadth-first": ("-DBFS",), "COLLAPSE": ("-DCOLLAPSE",)}
#: The least resident bytes a state at L among the peers: LTSmin's tree store, as published.
LTSMIN_BYTES_A_STATE = 22.0


@dataclass(frozen=True)
class Case:
    """A protocol at one size: our model with its bounds, the peer's file with its macros, the exact count."""

    name: str
    model: type[Model]
    bounds: dict[str, int]
    promela: str
    macros: dict[str, int]
    states: int

    @property
    def lowered(self) -> LoweredModel:
        """The model, lowered for its size."""
        return lower(self.model, self.bounds, Budgets())


def _order_intake(name: str, n: int, c: int, r: int, states: int) -> Case:
    bounds = {"Order": n, "Consumer": c, "Redelivery": r}
    macros = {"N": n, "C": c, "R": r}
    return Case(f"order_intake {name}", OrderIntake, bounds, "order_intake.pml", macros, states)


SMALL = _order_intake("S", 3, 2, 2, 115_552)
LARGE = _order_intake("L", 4, 3, 2, 15_669_376)
LARGER = _order_intake("4, 3, 3", 4, 3, 3, 130_002_489)
LARGEST = _order_intake("5, 3, 2", 5, 3, 2, 509_080_576)
CASES = [_order_intake("M", 4, 3, 1, 895_168), LARGE] + [
    Case(f"two_phase {n}", TwoPhase, {"Manager": n}, "two_phase.pml", {"N": n}, states)
    for n, states in [(8, 1_745_408), (9, 10_340_352)]
]


@dataclass(frozen=True)
class Row:
    """One comparison, as other programs read it; ``ratio`` is how many times better we are."""

    case: str
    metric: str
    states: int
    threads: int
    ours: float
    peer_name: str
    peer: float | None
    ratio: float | None


def seconds(case: Case, threads: int, *, symmetry: bool = False, repeats: int = REPEATS) -> float:
    """Our time to the verdict: the median of some runs. Raises where the count is wrong."""
    lowered = case.lowered
    NativeEngine().check(Request(lowered, Limits(depth_max=1), symmetry=symmetry))  # compiles
    taken = []
    for _ in range(repeats):
        begun = time.monotonic()
        result = NativeEngine().check(Request(lowered, threads=threads, symmetry=symmetry))
        taken.append(time.monotonic() - begun)
        if result.statistics.states_all != case.states:
            raise SystemExit(f"{case.name}: {result.statistics.states_all} states, not {case.states:,}")
    return sorted(taken)[len(taken) // 2]


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


def beside_spin(models: Path) -> Iterator[Row]:
    """Distinct states a second, without any reduction."""
    for case in CASES:
        peers = dict(spin(case, models))
        best = max(peers.values(), default=None)
        name = "SPIN " + max(peers, key=lambda mode: peers[mode]) if peers else "SPIN (not installed)"
        one = None
        for threads in (1, 2):
            speed = case.states / seconds(case, threads)
            ratio = None if best is None else round(speed / best, 2)
            yield Row(
                case.name, "distinct_states_per_s", case.states, threads, round(speed), name, best, ratio
            )
            if one is not None:
                times = round(speed / one, 2)
                yield Row(
                    case.name, "speed_up", case.states, 2, round(speed), "one thread", round(one), times
                )
            one = speed


def by_symmetry() -> Iterator[Row]:
    """Time to the verdict with and without symmetry."""
    for case in (LARGE, CASES[-1]):
        plain, reduced = seconds(case, 1), seconds(case, 1, symmetry=True, repeats=9)
        times = round(plain / reduced, 1)
        yield Row(case.name, "symmetry_s", case.states, 1, reduced, "without symmetry", plain, times)


def by_size() -> Iterator[Row]:
    """What a state costs, in nanoseconds, from 1e5 states to 1e8, against the largest space."""
    costs = []
    for case in (SMALL, CASES[0], LARGE, LARGER):
        repeats = 1 if case is LARGER else REPEATS
        costs.append((case, seconds(case, 1, repeats=repeats) / case.states * 1e9))
    last = costs[-1][1]
    for case, cost in costs:
        yield Row(
            case.name,
            "ns_per_state",
            case.states,
            1,
            round(cost),
            LARGER.name,
            round(last),
            round(last / cost, 2),
        )


def by_memory() -> Iterator[Row]:
    """Resident bytes a state at L, of the whole process: a new one, for its peak is its own."""
    code = f"from benchmarks.run import peak; peak({LARGE.bounds!r})"
    ran = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    ours, peer = float(ran.stdout) / LARGE.states, LTSMIN_BYTES_A_STATE
    yield Row(
        LARGE.name,
        "bytes_per_state",
        LARGE.states,
        2,
        round(ours, 1),
        "LTSmin (published)",
        peer,
        round(peer / ours, 2),
    )


def peak(bounds: dict[str, int]) -> None:
    """Prints by how much a search of order_intake raises the resident memory of this process, in bytes."""
    lowered = lower(OrderIntake, bounds, Budgets())
    before = resident_bytes()
    NativeEngine().check(Request(lowered, threads=2, symmetry=False))
    print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - before)


def beside_reference() -> Iterator[Row]:
    """Time to the verdict of a small spec, against the reference engine."""
    lowered = load_spec(HERE.parent / "specs" / "order_intake" / "naive.toml").lowered
    times, states = [], 0
    engines: tuple[Engine, ...] = (NativeEngine(), ReferenceEngine())
    NativeEngine().check(Request(lowered, Limits(depth_max=1), symmetry=False))
    for engine in engines:
        begun = time.monotonic()
        states = engine.check(Request(lowered, symmetry=False)).statistics.states
        times.append(time.monotonic() - begun)
    ours, peer = times
    yield Row(
        "specs/order_intake/naive", "verdict_s", states, 0, ours, "reference engine", peer, round(peer / ours)
    )


def largest() -> Iterator[Row]:
    """Half a thousand million states, without any reduction, in one run."""
    taken = seconds(LARGEST, 2, repeats=1)
    yield Row(LARGEST.name, "exhausted_s", LARGEST.states, 2, round(taken, 1), "", None, None)


def main() -> None:
    """Measure, and write the results beside this file."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--models", type=Path, default=HERE.parent.parent / "shared" / "bench")
    parser.add_argument("--large", action="store_true", help="half a thousand million states as well")
    given = parser.parse_args()
    rows: list[Row] = []
    parts = [beside_spin(given.models), by_symmetry(), by_size(), by_memory(), beside_reference()]
    for part in [*parts, largest()] if given.large else parts:
        for row in part:
            print(row, file=sys.stderr)
            rows.append(row)
    (HERE / "latest.json").write_text(json.dumps([asdict(row) for row in rows], indent=1) + "\n")
    lines = ["| case | metric | threads | ours | peer | peer's | ratio |", "|---|---|---|---|---|---|---|"]
    for row in rows:
        peer = "" if row.peer is None else f"{row.peer:,.4g}"
        cells = (row.case, row.metric, row.threads, f"{row.ours:,.4g}", row.peer_name, peer, row.ratio or "")
        lines.append(f"| {' | '.join(map(str, cells))} |")
    (HERE / "latest.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
