"""Reading packed states back as runs and model errors.

The C side knows packed states only. A path is the states that it gives; the transition between two of
them is the first, in the order of the rules, that the interpreter takes from one to the other. With
symmetry a path names one state of each orbit, and the run goes through others of the same orbits, as its
own steps lead.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from checker.engines.interface import DEADLOCK_FREE, Failure, Run
from checker.engines.native.codegen.program import Source
from checker.engines.native.findings import Hit, ModelFault, Origin, PackedState, WalkFault
from checker.errors import InternalError, ModelError
from checker.ir.program import Program, PropertyKind
from checker.semantics.machine import Machine
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

    ``representative`` is what a search stores for a state; without symmetry it is the state itself.
    """

    def __init__(
        self,
        program: Program,
        source: Source,
        representative: Callable[[PackedState], PackedState] = lambda words: words,
    ) -> None:
        self._program = program
        self._source = source
        self._representative = representative
        self._machine = Machine(program)

    def run(self, path: Sequence[PackedState]) -> Run:
        """The run through these states, the initial one first."""
        return self._along(path)[0]

    def run_to(self, hit: Hit, path: Sequence[PackedState]) -> Run:
        """The run to where a property was hit; the last step to a hit of a step is one that violates it."""
        if hit.before is None:
            return self.run(path)
        run, before = self._along(path[:-1])
        number, holds = hit.property, self._machine.holds
        transition, _ = self._step(before, path[-1], lambda after: not holds(number, after, before))
        return replace(run, transitions=(*run.transitions, transition))

    def failure(self, fault: ModelFault | WalkFault, path: Sequence[PackedState]) -> Failure:
        """The model error of a fault; ``path`` leads to the state it happened in, empty for initial ones."""
        kind, place = self._source.errors[fault.id]
        if fault.origin is Origin.INITIAL:
            outcomes = [s.outcome for s in self._machine.initial_states()]
            return Failure(_matching(outcomes, kind, place), None)
        run, state = self._along(path)
        if fault.origin is not Origin.STEP:
            return self._property_failure(fault, run, state)
        errors = [(s.outcome, s.transition) for s in self._machine.successors(state)]
        failing = [(error, last) for error, last in errors if isinstance(error, ModelError)]
        same = [found for found in failing if (found[0].kind, found[0].location) == (kind, place)]
        # Of several errors in one step, which comes first may depend on the names of members.
        for error, last in same or (failing if self._source.symmetric else []):
            return Failure(error, replace(run, transitions=(*run.transitions, last)))
        raise InternalError(f"generated code runs into {kind} at {place}, the IR does not")

    def _along(self, path: Sequence[PackedState]) -> tuple[Run, State]:
        """The run through these states, and the state that it ends in."""
        state = self._initial(path[0])
        first, transitions = state, []
        for words in path[1:]:
            transition, state = self._step(state, words, lambda after: True)
            transitions.append(transition)
        return Run(first, tuple(transitions)), state

    def _initial(self, words: PackedState) -> State:
        stands_for = self._stands_for(words)
        for initial in self._machine.initial_states():
            if isinstance(initial.outcome, State) and stands_for(initial.outcome):
                return initial.outcome
        raise InternalError("generated code begins in a state that the IR does not begin in")

    def _step(
        self, before: State, words: PackedState, wanted: Callable[[State], bool]
    ) -> tuple[Transition, State]:
        stands_for = self._stands_for(words)
        for successor in self._machine.successors(before):
            after = successor.outcome
            if isinstance(after, State) and stands_for(after) and wanted(after):
                return successor.transition, after
        expected = self._source.layout.decode(words)
        raise InternalError(f"generated code goes from {before} to {expected}, which the IR does not allow")

    def _stands_for(self, words: PackedState) -> Callable[[State], bool]:
        """Whether packed words are a state, or with symmetry one of its orbit."""
        if not self._source.symmetric:
            state = self._source.layout.decode(words)
            return lambda other: other == state
        wanted, encode = self._representative(words), self._source.layout.encode
        return lambda other: self._representative(encode(other)) == wanted

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
