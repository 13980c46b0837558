"""SAT solvers behind one interface: Z3, which is always there, and python-sat's, where it is installed.

A clause is a sequence of integers as in DIMACS: variables from 1, negative where negated.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Protocol

from checker.engines.memory import resident_bytes
from checker.errors import UserError

#: How many conflicts a solver may have before the first look at the clock, and between two looks after that.
CONFLICTS_AT_FIRST = 200
CONFLICTS_PER_LOOK = 2_000
#: How long Z3 searches before the first look at the clock, in milliseconds; twice as long each time.
Z3_SLICE_MS = 250
#: The solver for long runs: three times as fast as the first one at nine steps of a safe consumer.
HARD = "glucose4"


#: The oldest version of Z3 that is known to do.
Z3_VERSION_MIN = (4, 13)


def z3_module() -> Any:
    """The module ``z3``. Raises UserError where it is missing or too old."""
    hint = f"pip install 'z3-solver>={'.'.join(map(str, Z3_VERSION_MIN))}'"
    try:
        # Here and not above: it takes a while, and most commands do without.
        import z3
    except ImportError as error:
        raise UserError(f"Z3 cannot be used: {error}", hint=hint) from None
    version = tuple(z3.get_version()[:3])
    if version < Z3_VERSION_MIN:
        found, wanted = ".".join(map(str, version)), ".".join(map(str, Z3_VERSION_MIN))
        raise UserError(f"Z3 is too old: version {found}, not {wanted} or later", hint=hint)
    return z3


class OutOfTime(Exception):
    """A query was given up: its deadline has passed."""


class OutOfMemory(Exception):
    """A query was given up: the process holds more memory than it may."""


@dataclass(slots=True)
class Watch:
    """What looks after a query while it runs.

    ``deadline`` is a time of ``time.monotonic()``; ``look`` is called from time to time.
    ``memory_bytes_max`` is what the process may hold.
    """

    deadline: float | None = None
    look: Callable[[], None] = lambda: None
    memory_bytes_max: int | None = None

    def check(self) -> None:
        """Look, and raise OutOfTime or OutOfMemory where a limit is reached."""
        self.look()
        if self.memory_bytes_max is not None and resident_bytes() > self.memory_bytes_max:
            raise OutOfMemory
        if self.deadline is not None and time.monotonic() >= self.deadline:
            raise OutOfTime

    @property
    def left_s(self) -> float | None:
        """The seconds until the deadline, None without one."""
        return None if self.deadline is None else max(self.deadline - time.monotonic(), 0.0)


class Solver(Protocol):
    """An incremental SAT solver. Ctrl-C ends a query with KeyboardInterrupt."""

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        """Add clauses."""

    def solve(self, assumptions: Sequence[int] = (), watch: Watch | None = None) -> bool:
        """Whether the clauses can hold together with the assumed literals. Raises OutOfTime."""

    def value(self, variable: int) -> bool:
        """A variable's value in the last answer, which was yes; False where it does not matter."""

    def core(self) -> list[int]:
        """Assumptions that contradict the clauses, after the last answer, which was no."""

    def close(self) -> None:
        """Give back what the solver holds."""


class Z3Solver:
    """Z3's SAT solver, by its finite-domain tactic; clauses go in as DIMACS text."""

    name = "z3"

    def __init__(self) -> None:
        self._z3 = z3 = z3_module()
        self._context = z3.Context()
        self._solver = z3.SolverFor("QF_FD", ctx=self._context)
        self._pending: list[str] = []
        self._variables = 0
        self._symbols: dict[int, Any] = {}
        self._model: Any = None
        self._core: list[int] = []

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        """Add clauses. They are handed over with the next query."""
        for clause in clauses:
            for literal in clause:
                if abs(literal) > self._variables:
                    self._variables = abs(literal)
            self._pending.append(" ".join(map(str, clause)) + " 0\n")

    def _flush(self) -> None:
        if self._pending:
            head = f"p cnf {self._variables} {len(self._pending)}\n"
            self._solver.from_string(head + "".join(self._pending))
            self._pending = []

    def _symbol(self, variable: int) -> Any:
        found = self._symbols.get(variable)
        if found is None:
            # The name that Z3's reader of DIMACS gives to a variable: a number, not a string.
            context = self._context.ref()
            name = self._z3.Z3_mk_int_symbol(context, variable)
            const = self._z3.Z3_mk_const(context, name, self._z3.BoolSort(self._context).ast)
            found = self._symbols[variable] = self._z3.BoolRef(const, self._context)
        return found

    def _literal(self, literal: int) -> Any:
        symbol = self._symbol(abs(literal))
        return symbol if literal > 0 else self._z3.Not(symbol)

    def solve(self, assumptions: Sequence[int] = (), watch: Watch | None = None) -> bool:
        """As ``Solver.solve``."""
        self._flush()
        assumed = [self._literal(literal) for literal in assumptions]
        slice_ms = Z3_SLICE_MS
        while True:
            if watch is not None:
                watch.check()
            left_s = None if watch is None else watch.left_s
            # No slice goes beyond the deadline; a timeout of 0 would be none to Z3.
            most_ms = slice_ms if left_s is None else min(slice_ms, int(left_s * 1000) + 1)
            self._solver.set("timeout", most_ms)
            answer = self._solver.check(*assumed)
            if answer == self._z3.sat:
                self._model = self._solver.model()
                return True
            if answer == self._z3.unsat:
                core = {term.get_id() for term in self._solver.unsat_core()}
                pairs = zip(assumptions, assumed, strict=True)
                self._core = [literal for literal, term in pairs if term.get_id() in core]
                return False
            if "interrupted" in self._solver.reason_unknown():
                # Z3 takes Ctrl-C for itself while it works.
                raise KeyboardInterrupt
            slice_ms *= 2

    def value(self, variable: int) -> bool:
        """As ``Solver.value``."""
        return bool(self._z3.is_true(self._model[self._symbol(variable)]))

    def core(self) -> list[int]:
        """As ``Solver.core``."""
        return self._core

    def close(self) -> None:
        """Nothing: Z3 counts its references."""


class PySatSolver:
    """A solver of python-sat, by its name there; it has to know limits of conflicts."""

    def __init__(self, name: str) -> None:
        from pysat.solvers import Solver as Implementation

        self.name = name
        self._solver = Implementation(name=name)
        self._model: list[int] = []

    def add(self, clauses: Iterable[Sequence[int]]) -> None:
        """Add clauses."""
        self._solver.append_formula(clauses, no_return=True)

    def solve(self, assumptions: Sequence[int] = (), watch: Watch | None = None) -> bool:
        """As ``Solver.solve``."""
        conflicts = CONFLICTS_AT_FIRST
        while True:
            if watch is not None:
                watch.check()
            self._solver.conf_budget(conflicts)
            left_s = None if watch is None or conflicts == CONFLICTS_AT_FIRST else watch.left_s
            with self._ended_after(left_s):
                # Told to expect an interruption, it leaves Ctrl-C to Python, which sees it after this slice.
                answer = self._solver.solve_limited(assumptions=list(assumptions), expect_interrupt=True)
            conflicts = CONFLICTS_PER_LOOK
            if answer:
                self._model = self._solver.get_model()
                return True
            if answer is False:
                return False

    @contextmanager
    def _ended_after(self, seconds: float | None) -> Iterator[None]:
        """Interrupt the query inside after so long: in a large formula, conflicts can be far between."""
        if seconds is None:
            yield
            return
        alarm = threading.Timer(seconds, self._solver.interrupt)
        alarm.start()
        try:
            yield
        finally:
            alarm.cancel()
            alarm.join()
            self._solver.clear_interrupt()

    def value(self, variable: int) -> bool:
        """As ``Solver.value``."""
        return variable <= len(self._model) and self._model[variable - 1] > 0

    def core(self) -> list[int]:
        """As ``Solver.core``."""
        return list(self._solver.get_core() or [])

    def close(self) -> None:
        """Free the solver's memory."""
        self._solver.delete()


def _pysat(name: str) -> Callable[[], Solver] | None:
    try:
        import pysat.solvers  # noqa: F401
    except ImportError:
        return None
    return lambda: PySatSolver(name)


def oracles() -> dict[str, Callable[[], Solver]]:
    """The solvers that can be used here, the preferred one first."""
    found: dict[str, Callable[[], Solver]] = {}
    for name in ("minisat22", "glucose4"):
        make = _pysat(name)
        if make is not None:
            found[name] = make
    return {**found, Z3Solver.name: Z3Solver}


def oracle_named(name: str, hard: bool = False) -> Callable[[], Solver]:
    """The solver of that name, ``auto`` for the preferred one. Raises UserError.

    The preferred one for many small questions is not that for a few ``hard`` ones.
    """
    known = oracles()
    if name == "auto":
        return known[HARD] if hard and HARD in known else next(iter(known.values()))
    if name not in known:
        hint = f"solvers here: {', '.join(known)}; `pip install 'quackcheck[sat]'` adds python-sat's"
        raise UserError(f"there is no SAT solver '{name}'", hint=hint)
    return known[name]
