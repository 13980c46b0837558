"""Running a matrix: a check for every variant and class of faults, and the price of every variant."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace

from checker.engines.explicit import ExplicitEngine
from checker.engines.interface import Answer, Limits, Progress
from checker.ir.program import PropertyKind
from checker.spec.check import Checked, Finding, Status, check
from checker.spec.load import Spec
from checker.spec.matrix import Matrix, Variant
from checker.spec.price import Price, price_of

#: Spaces up to this size are left to the explicit engine: it is done before a compiler is.
EXPLICIT_STATES_MAX = 2_000

Report = Callable[[str, str, Progress], None]


@dataclass(frozen=True, slots=True)
class Cell:
    """A variant under a class of faults. ``checked`` is None where it cannot have one of the faults.

    ``findings`` are those of the properties that the matrix asks. ``inherited`` names the class, all of
    whose faults this one has, from which the failure is taken over; None where it was searched.
    """

    checked: Checked | None
    findings: tuple[Finding, ...] = ()
    inherited: str | None = None

    @property
    def violated(self) -> tuple[Finding, ...]:
        """The violated properties, the shortest counterexample first; without one, last."""
        found = [f for f in self.findings if f.verdict.answer is Answer.VIOLATED]
        return tuple(sorted(found, key=lambda f: len(f.trace.steps) if f.trace is not None else 10**9))

    @property
    def status(self) -> Status:
        """AS_EXPECTED where everything asked is decided, violated or not."""
        if self.checked is None:
            return Status.AS_EXPECTED
        if self.checked.result.failure is not None:
            return Status.BAD_INPUT
        decided = all(f.verdict.answer in (Answer.HOLDS, Answer.VIOLATED) for f in self.findings)
        return Status.AS_EXPECTED if decided else Status.UNDECIDED


@dataclass(frozen=True, slots=True)
class Row:
    """A variant with its price and a cell for every class of faults that was looked at."""

    variant: Variant
    price: Price
    cells: Mapping[str, Cell]


@dataclass(frozen=True, slots=True)
class Compared:
    """A matrix with what was found; ``interrupted`` says that Ctrl-C left some of it out."""

    matrix: Matrix
    rows: tuple[Row, ...]
    interrupted: bool = False

    @property
    def status(self) -> Status:
        """The worst of all cells: a model error, else something undecided."""
        statuses = {cell.status for row in self.rows for cell in row.cells.values()}
        for worst in (Status.BAD_INPUT, Status.UNDECIDED):
            if worst in statuses:
                return worst
        return Status.AS_EXPECTED


def compare(
    matrix: Matrix,
    engine: str | None = None,
    report: Report = lambda variant, faults, progress: None,
    threads: int = 0,
) -> Compared:
    """Check every variant under every class of faults.

    Small spaces are searched by the explicit engine, larger ones by ``engine`` or the native one. Ctrl-C
    keeps the cells that were finished.

    Raises:
        UserError: no such engine.
        InternalError: the reference semantics disagree with what was found.
    """
    rows: list[Row] = []
    for variant in matrix.variants:
        cells: dict[str, Cell] = {}
        price = Price({}, variant.until, False, "interrupted")
        try:
            price = price_of(variant.fault_free, variant.until, variant.to_rest)
            for title, cell in _cells(matrix, variant, engine, report, threads):
                cells[title] = cell
        except KeyboardInterrupt:
            return Compared(matrix, (*rows, Row(variant, price, cells)), interrupted=True)
        rows.append(Row(variant, price, cells))
    return Compared(matrix, tuple(rows))


def _cells(
    matrix: Matrix, variant: Variant, engine: str | None, report: Report, threads: int
) -> Iterator[tuple[str, Cell]]:
    failing: dict[str, Cell] = {}
    for title, spec in variant.checks.items():
        if spec is None:
            yield title, Cell(None)
            continue
        below = next((t for t in failing if _allows(spec, variant.checks[t])), None)
        if below is not None:
            yield title, replace(failing[below], inherited=below)
            continue

        def told(progress: Progress, title: str = title) -> None:
            report(variant.name, title, progress)

        checked = _checked(spec, engine, told, threads)
        if checked.interrupted:
            raise KeyboardInterrupt
        findings = [f for f in checked.findings if _is_asked(f, matrix.asked)]
        cell = Cell(checked, tuple(findings))
        if matrix.inherits and any(f.trace is not None for f in cell.violated):
            failing[title] = cell
        yield title, cell


def _is_asked(finding: Finding, asked: frozenset[str] | None) -> bool:
    """Whether a matrix asks a property; lemmas, of which nobody requires anything, only by their names."""
    return finding.kind is not PropertyKind.LEMMA if asked is None else finding.name in asked


def _allows(spec: Spec, other: Spec | None) -> bool:
    """Whether a check allows every run of another one of the same model: its budgets are no smaller.

    A counterexample stays one then; what is asked of states at rest does not look at faults.
    """
    assert other is not None
    ours, theirs = spec.lowered.program.budgets, other.lowered.program.budgets
    return all(mine >= yours for mine, yours in zip(ours.amounts, theirs.amounts, strict=True))


def _checked(spec: Spec, engine: str | None, report: Callable[[Progress], None], threads: int) -> Checked:
    own = spec.limits.states_max
    if engine is None and (own is None or own > EXPLICIT_STATES_MAX):
        small = Limits(states_max=EXPLICIT_STATES_MAX)
        checked = check(spec, ExplicitEngine.name, small, report)
        if not (checked.result.stopped or "").startswith("state limit"):
            return checked
    return check(spec, engine, Limits(), report, threads, retells=False)
