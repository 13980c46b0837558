"""A system unrolled into runs of growing length, in one incremental solver."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from checker.engines.smt.circuit import FALSE
from checker.engines.smt.cnf import Clauses, Copy, Template
from checker.engines.smt.conservation import Fact, named
from checker.engines.smt.encoding import AskedProperty, System
from checker.engines.smt.evaluation import Fault
from checker.engines.smt.oracle import Solver
from checker.ir.program import PropertyKind
from checker.semantics.state import State


@dataclass(frozen=True, slots=True)
class Frame:
    """One state of the run and the step from it, as literals of the solver."""

    row: tuple[int, ...]
    step: Copy


class Unrolling:
    """Runs of ``depth`` steps from an initial state; every step of a run but the last is valid.

    ``alike`` names index sets whose members the program treats alike. Of the runs that renaming them makes
    of one, only one is looked at: that in which steps first pick their members in order. ``facts`` hold in
    all reachable states: the solver is told of them.
    """

    def __init__(
        self,
        system: System,
        make: Callable[[], Solver],
        alike: Sequence[str] = (),
        facts: Sequence[Fact] = (),
    ) -> None:
        self.system = system
        self._facts = facts
        self.solver = make()
        self.clauses = Clauses(self.solver)
        self._picked = {
            name: [-self.clauses.true] * len(system.uses[name][0]) for name in alike if system.uses[name]
        }
        self._step = Template(
            system.circuit,
            [
                *(*system.following, system.valid, system.beyond),
                *(fault.literal for fault in system.faults),
                *(literal for name in self._picked for row in system.uses[name] for literal in row),
            ],
        )
        self._templates = self._grouped()
        self._copies: dict[tuple[str, int], Copy] = {}
        roots = [*system.initial, system.initial_valid, system.initial_beyond]
        roots += [fault.literal for fault in system.initial_faults]
        self.initial = Template(system.circuit, roots).copy(self.clauses, {})
        self.frames = [self._frame(tuple(self.initial.row(system.initial)))]

    def _grouped(self) -> dict[str, Template]:
        """One template for each property, and one for all that is asked of quiescent states."""
        system = self.system
        roots: dict[str, list[int]] = {_REST: [system.rests, system.stuck]}
        for asked in system.properties:
            of = roots.setdefault(_group(asked), [])
            of += [asked.hit, *(fault.literal for fault in asked.faults)]
        return {name: Template(system.circuit, of) for name, of in roots.items()}

    @property
    def depth(self) -> int:
        """The number of steps of the runs."""
        return len(self.frames) - 1

    def _frame(self, row: tuple[int, ...]) -> Frame:
        step = self._step.copy(self.clauses, self._inputs(row))
        self._in_order(step)
        return Frame(row, step)

    def _in_order(self, step: Copy) -> None:
        """Let the step pick a member only where the one before it was picked, now or earlier."""
        for name, picked in self._picked.items():
            for row in self.system.uses[name]:
                picks = step.row(row)
                self.clauses.add([[-picks[i], picked[i - 1]] for i in range(1, len(picks))])
                for i, pick in enumerate(picks):
                    either = self.clauses.variable()
                    self.clauses.add([[-either, pick, picked[i]], [either, -pick], [either, -picked[i]]])
                    picked[i] = either

    def _inputs(self, row: tuple[int, ...], before: tuple[int, ...] | None = None) -> dict[int, int]:
        system = self.system
        found = {lit >> 1: name for lit, name in zip(system.state, row, strict=True)}
        if before is not None:
            found |= {lit >> 1: name for lit, name in zip(system.before, before, strict=True)}
        return found

    def begin(self) -> None:
        """Require that the run begins without a model error; to be called before the first question."""
        self.clauses.add([[self.initial[self.system.initial_valid]]])

    def extend(self) -> None:
        """Make the runs one step longer."""
        last = self.frames[-1]
        self.clauses.add([[last.step[self.system.valid]]])
        row = tuple(last.step[literal] for literal in self.system.following)
        self.clauses.add([named(fact, row) for fact in self._facts])
        self.frames.append(self._frame(row))

    def hit(self, asked: AskedProperty) -> int:
        """The solver's literal for a property's hit in the last state."""
        return self._here(_group(asked))[asked.hit]

    def fault(self, asked: AskedProperty, fault: Fault) -> int:
        """The solver's literal for a model error of a property in the last state."""
        return self._here(_group(asked))[fault.literal]

    def _here(self, group: str) -> Copy:
        """The copy of a group's circuit for the last state, made when it is first asked for."""
        found = self._copies.get((group, self.depth))
        if found is None:
            before = self.frames[-2].row if len(self.frames) > 1 else None
            inputs = self._inputs(self.frames[-1].row, before)
            found = self._copies[group, self.depth] = self._templates[group].copy(self.clauses, inputs)
        return found

    def at_rest(self) -> Copy:
        """The literals of what rests in the last state."""
        return self._here(_REST)

    def beyond(self) -> int:
        """The solver's literal for a step from the last state that leaves the layout's capacities."""
        literal = self.system.beyond
        return -self.clauses.true if literal == FALSE else self.frames[-1].step[literal]

    def faults(self) -> list[tuple[Fault, int]]:
        """The model errors of steps from the last state with the solver's literals."""
        step = self.frames[-1].step
        return [(fault, step[fault.literal]) for fault in self.system.faults]

    def states(self) -> list[State]:
        """The states of the run that the solver has just found."""
        return [self._state(frame.row) for frame in self.frames]

    def _state(self, row: tuple[int, ...]) -> State:
        bits = [self.solver.value(abs(name)) == (name > 0) for name in row]
        return self.system.layout.decoded(bits)


#: The name of the group of what is asked of quiescent states; no property is called so.
_REST = "<rest>"


def _group(asked: AskedProperty) -> str:
    is_quiescent = asked.property.kind is PropertyKind.QUIESCENT
    return _REST if is_quiescent else asked.property.name
