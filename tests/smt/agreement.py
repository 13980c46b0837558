"""Compares the symbolic encoding with the interpreter: every step, model error and property of a state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Mapping

from checker.dsl.lowering import LoweredModel
from checker.engines.interface import Answer, Result, Verdict
from checker.engines.smt.cnf import Clauses, Copy, Template
from checker.engines.smt.encoding import System, encode
from checker.engines.smt.layout import Capacities
from checker.engines.smt.oracle import Solver
from checker.errors import ModelError
from checker.ir.program import PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State

#: Random models fill their bags and FIFOs.
ROOMY = Capacities(7, 6)


def encoded(lowered: LoweredModel, make: Callable[[], Solver], capacities: Capacities = ROOMY) -> System:
    """The system of a lowered model."""
    return encode(lowered.program, make, capacities)


class Comparison:
    """Asks one solver about many states of one system."""

    def __init__(self, lowered: LoweredModel, system: System, make: Callable[[], Solver]) -> None:
        self.machine = Machine(lowered.program)
        self.system = system
        self.counts: Counter[str] = Counter()
        self._make = make
        self._clauses = Clauses(make())
        self._copy = self._copied()

    def _copied(self) -> Copy:
        system = self.system
        roots = [*system.state, *system.before, *system.following, system.valid, system.beyond]
        roots += [fault.literal for fault in system.faults]
        roots += [system.rests, system.stuck]
        for asked in system.properties:
            roots += [asked.hit, *(fault.literal for fault in asked.faults)]
        return Template(system.circuit, roots).copy(self._clauses, {})

    def _fixed(self, state: State, row: tuple[int, ...]) -> list[int] | None:
        bits = self.system.layout.encoded(state)
        if bits is None:
            return None
        assert self.system.layout.decoded(bits) == state
        names = self._copy.row(row)
        return [name if bit else -name for name, bit in zip(names, bits, strict=True)]

    def _can(self, literal: int, fixed: list[int]) -> bool:
        return self._clauses.solver.solve([*fixed, self._copy[literal]])

    def _successors(self, fixed: list[int]) -> Iterator[State]:
        """Every state after the fixed one, each once."""
        names = self._copy.row(self.system.following)
        guard = self._clauses.variable()
        solver = self._clauses.solver
        while solver.solve([*fixed, guard, self._copy[self.system.valid]]):
            bits = [solver.value(abs(name)) == (name > 0) for name in names]
            self._clauses.add(
                [[-guard, *(-name if bit else name for name, bit in zip(names, bits, strict=True))]]
            )
            yield self.system.layout.decoded(bits)

    def state(self, state: State) -> list[State]:
        """Compare everything about one state. Returns the states after it, for further comparing."""
        fixed = self._fixed(state, self.system.state)
        assert fixed is not None
        successors = list(self.machine.successors(state))
        expected = {s.outcome for s in successors if isinstance(s.outcome, State)}
        fitting = {outcome for outcome in expected if self.system.layout.encoded(outcome) is not None}
        found = list(self._successors(fixed))
        assert len(found) == len(set(found))
        assert set(found) == fitting, f"{state}\n{set(found) - fitting}\nagainst\n{fitting - set(found)}"
        self.counts["transitions"] += len(found)
        assert self._can(self.system.beyond, fixed) == (fitting != expected), state
        errors = {_shown(s.outcome) for s in successors if isinstance(s.outcome, ModelError)}
        faults = {
            (f.kind, f.location and f.location.line)
            for f in self.system.faults
            if self._can(f.literal, fixed)
        }
        assert faults == errors, f"{state}\n{faults} against {errors}"
        self.counts["errors"] += len(errors)
        rests = all(s.transition.kind.is_fault for s in successors)
        assert self._can(self.system.rests, fixed) == rests, state
        assert self._can(self.system.rests ^ 1, fixed) != rests, state
        busy = any(not self.machine.label_of(state, i).idle for i in range(len(state.processes)))
        assert self._can(self.system.stuck, fixed) == (rests and busy), state
        self._properties(state, fixed, rests, sorted(fitting, key=repr))
        return sorted(fitting, key=repr)

    def _properties(self, state: State, fixed: list[int], rests: bool, after: list[State]) -> None:
        for number, asked in enumerate(self.system.properties):
            kind = asked.property.kind
            if kind is PropertyKind.TRANSITION:
                before = self._fixed(state, self.system.before)
                assert before is not None
                for following in after:
                    now = self._fixed(following, self.system.state)
                    assert now is not None
                    self._property(number, [*before, *now], following, state)
            elif kind is PropertyKind.QUIESCENT and not rests:
                assert not self._can(asked.hit, fixed)
                assert not any(self._can(fault.literal, fixed) for fault in asked.faults)
            else:
                self._property(number, fixed, state, None)

    def _property(self, number: int, fixed: list[int], state: State, before: State | None) -> None:
        asked = self.system.properties[number]
        errors: set[object] = set()
        hit = False
        try:
            holds = self.machine.holds(number, state, before)
            hit = holds == (asked.property.kind is PropertyKind.REACHABLE)
            self.counts[f"{asked.property.kind.value} {'hit' if hit else 'missed'}"] += 1
        except ModelError as error:
            errors.add(_shown(error))
            self.counts["property errors"] += 1
        faults = {
            (f.kind, f.location and f.location.line) for f in asked.faults if self._can(f.literal, fixed)
        }
        assert faults == errors, f"{asked.property.name} in {state}: {faults} against {errors}"
        assert self._can(asked.hit, fixed) == hit, f"{asked.property.name} in {state}: {not hit}"

    def initial(self) -> list[State]:
        """Compare the initial states; empty where the model fails before it begins."""
        system = self.system
        outcomes = [s.outcome for s in self.machine.initial_states()]
        clauses = Clauses(self._make())
        roots = [*system.initial, system.initial_valid, *(f.literal for f in system.initial_faults)]
        copy = Template(system.circuit, roots).copy(clauses, {})
        errors = {_shown(o) for o in outcomes if isinstance(o, ModelError)}
        faults = {
            (f.kind, f.location and f.location.line)
            for f in system.initial_faults
            if clauses.solver.solve([copy[f.literal]])
        }
        # The interpreter stops at the first.
        assert errors <= faults
        assert bool(errors) == bool(faults)
        if errors:
            return []
        found = set()
        names = copy.row(system.initial)
        while clauses.solver.solve([copy[system.initial_valid]]):
            bits = [clauses.solver.value(abs(name)) == (name > 0) for name in names]
            clauses.add([[-name if bit else name for name, bit in zip(names, bits, strict=True)]])
            found.add(system.layout.decoded(bits))
        fitting = {o for o in outcomes if isinstance(o, State) and system.layout.encoded(o) is not None}
        assert found == fitting
        return sorted(found, key=repr)


def assert_same_verdicts(ours: Result, theirs: Result, kinds: Mapping[str, PropertyKind], depth: int) -> None:
    """What the symbolic engine says of runs to a depth is what the explicit engine says, with runs as short.

    ``kinds`` are those of the program's properties.
    """
    if theirs.failure is not None or ours.failure is not None:
        assert theirs.failure is not None
        assert ours.failure is not None
        if theirs.failure.path is None or ours.failure.path is None:
            assert theirs.failure.path is ours.failure.path
        else:
            assert len(ours.failure.path.transitions) <= len(theirs.failure.path.transitions)
        return
    for mine, other in zip(ours.verdicts, theirs.verdicts, strict=True):
        assert (mine.property, length(mine)) == (other.property, length(other))
        if mine.answer is not other.answer:
            # The explicit engine has seen every state; of the runs, some are longer than the depth.
            assert theirs.stopped is None
            assert ours.stopped is not None
            is_reachable = kinds.get(mine.property) is PropertyKind.REACHABLE
            assert mine.answer is (Answer.UNKNOWN if is_reachable else Answer.HOLDS_UP_TO)
            assert mine.depth == depth


def length(verdict: Verdict) -> int | None:
    """How many steps a verdict's run has."""
    return None if verdict.path is None else len(verdict.path.transitions)


def _shown(error: ModelError) -> tuple[object, int | None]:
    return error.kind, None if error.location is None else error.location.line


def compare_steps(
    lowered: LoweredModel, make: Callable[[], Solver], states_max: int, system: System | None = None
) -> Counter[str]:
    """Compare up to ``states_max`` states, breadth first. Returns what was compared."""
    comparison = Comparison(lowered, system or encoded(lowered, make), make)
    todo = comparison.initial()
    seen = set(todo)
    for state in todo:
        comparison.counts["states"] += 1
        for after in comparison.state(state):
            if after not in seen and len(seen) < states_max:
                seen.add(after)
                todo.append(after)
    return comparison.counts
