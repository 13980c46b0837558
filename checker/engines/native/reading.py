"""Reading packed states back as runs and model errors.

The C side knows packed states only. A path is the states that it gives; the transition between two of
them is the first, in the order of the rules, that the interpreter takes from one to the other. With
symmetry a path goes through representatives, and the run through other states of their orbits, as its own
steps lead; the renaming from its state to the representative is kept along the way.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from checker.engines.interface import DEADLOCK_FREE, Failure, Run
from checker.engines.native.binding import Search
from checker.engines.native.codegen.program import Source
from checker.engines.native.findings import Hit, ModelFault, Origin, PackedState, WalkFault
from checker.errors import InternalError, ModelError
from checker.ir.program import Program, PropertyKind
from checker.ir.symmetry import Renaming
from checker.semantics.machine import Machine
from checker.semantics.renaming import following, renamed
from checker.semantics.state import State, Transition


def asked_properties(program: Program) -> list[tuple[str, PropertyKind]]:
    """The properties that a search is asked for, by their number in generated code.

    One more, after these, says whether any state is quiescent.
    """
    asked = [(prop.name, prop.kind) for prop in program.properties]
    return [*asked, (DEADLOCK_FREE, PropertyKind.QUIESCENT)]


def mask_of(program: Program, wanted: frozenset[str] | None = None) -> int:
    """The wanted properties of a program as a mask; all of them, and whether anything rests, if None."""
    names = [name for name, _ in asked_properties(program)]
    if wanted is None:
        return (1 << (len(names) + 1)) - 1
    return sum(1 << number for number, name in enumerate(names) if name in wanted)


class Reader:
    """Turns paths and faults of the C side into runs and model errors of a program.

    A path of a search by symmetry is one of representatives, which ``search`` tells; one of a walk is not.
    """

    def __init__(self, program: Program, source: Source, search: Search | None = None) -> None:
        self._program = program
        self._source = source
        self._search = search
        self._machine = Machine(program)

    def run(self, path: Sequence[PackedState]) -> Run:
        """The run through these states, the initial one first."""
        return self._along(path)[0]

    def run_to(self, hit: Hit, path: Sequence[PackedState]) -> Run:
        """The run to where a property was hit."""
        if hit.before is None:
            return self.run(path)
        run, before, names = self._along(path[:-1])
        # The state after the step is as the step made it, and stands for nothing.
        wanted = self._source.layout.decode(path[-1])
        for successor in self._machine.successors(before):
            after = successor.outcome
            if isinstance(after, State) and renamed(self._program, after, names) == wanted:
                return replace(run, transitions=(*run.transitions, successor.transition))
        raise self._disagreement(before, path[-1])

    def failure(self, fault: ModelFault | WalkFault, path: Sequence[PackedState]) -> Failure:
        """The model error of a fault; ``path`` leads to the state it happened in, empty for initial ones."""
        kind, place = self._source.errors[fault.id]
        if fault.origin is Origin.INITIAL:
            outcomes = [s.outcome for s in self._machine.initial_states()]
            return Failure(_matching(outcomes, kind, place), None)
        run, state, _ = self._along(path)
        if fault.origin is not Origin.STEP:
            return self._property_failure(fault, run, state)
        errors = [(s.outcome, s.transition) for s in self._machine.successors(state)]
        failing = [(error, last) for error, last in errors if isinstance(error, ModelError)]
        same = [found for found in failing if (found[0].kind, found[0].location) == (kind, place)]
        # Of several errors in one step, which comes first may depend on the names of members.
        for error, last in same or (failing if self._source.symmetric else []):
            return Failure(error, replace(run, transitions=(*run.transitions, last)))
        raise InternalError(f"generated code runs into {kind} at {place}, the IR does not")

    def _along(self, path: Sequence[PackedState]) -> tuple[Run, State, Renaming]:
        """The run through these states, the state that it ends in, and the renaming from it to the path's."""
        state, names = self._initial(path[0])
        first, transitions = state, []
        for words in path[1:]:
            transition, state, names = self._step(state, names, words)
            transitions.append(transition)
        return Run(first, tuple(transitions)), state, names

    def _initial(self, words: PackedState) -> tuple[State, Renaming]:
        for initial in self._machine.initial_states():
            if isinstance(initial.outcome, State):
                names = self._to_representative(initial.outcome, words)
                if names is not None:
                    return initial.outcome, names
        raise InternalError("generated code begins in a state that the IR does not begin in")

    def _step(self, before: State, names: Renaming, words: PackedState) -> tuple[Transition, State, Renaming]:
        """The first step from a state that leads to the packed one; ``names`` rename it to the path's."""
        for successor in self._machine.successors(before):
            after = successor.outcome
            if isinstance(after, State):
                more = self._to_representative(renamed(self._program, after, names), words)
                if more is not None:
                    return successor.transition, after, following(names, more)
        raise self._disagreement(before, words)

    def _to_representative(self, state: State, words: PackedState) -> Renaming | None:
        """The renaming by which packed words stand for a state; None where they do not."""
        sets = self._source.symmetric
        if self._search is None or not sets:
            return {} if self._source.layout.decode(words) == state else None
        members = max(index.size for index in sets)
        packed = self._source.layout.encode(state)
        found, names = self._search.representative(packed, len(sets), members)
        if found != words:
            return None
        rows = (names[number * members :][: index.size] for number, index in enumerate(sets))
        return {index.name: tuple(row) for index, row in zip(sets, rows, strict=True)}

    def _disagreement(self, before: State, words: PackedState) -> InternalError:
        expected = self._source.layout.decode(words)
        return InternalError(f"generated code goes from {before} to {expected}, which the IR does not allow")

    def _property_failure(self, fault: ModelFault | WalkFault, run: Run, state: State) -> Failure:
        """A model error of a property: ask them all, in the state, or after each step from it."""
        if fault.origin is Origin.STEP_CHECK:
            for successor in self._machine.successors(state):
                if isinstance(successor.outcome, State):
                    error = self._asked_error(successor.outcome, state)
                    if error is not None:
                        longer = replace(run, transitions=(*run.transitions, successor.transition))
                        return Failure(error, longer)
        error = self._asked_error(state, None)
        if error is None:
            raise InternalError("generated code finds a property without a value, the IR does not")
        return Failure(error, run)

    def _asked_error(self, state: State, before: State | None) -> ModelError | None:
        for number, prop in enumerate(self._program.properties):
            if (prop.kind is PropertyKind.TRANSITION) != (before is not None):
                continue
            try:
                self._machine.holds(number, state, before)
            except ModelError as error:
                return error
        return None


def _matching(outcomes: Sequence[State | ModelError], kind: object, place: object) -> ModelError:
    for outcome in outcomes:
        if isinstance(outcome, ModelError) and (outcome.kind, outcome.location) == (kind, place):
            return outcome
    raise InternalError(f"generated code begins with {kind} at {place}, the IR does not")
