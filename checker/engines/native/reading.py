"""Reading packed states back as runs and model errors.

The C side knows packed states only. A path is the states that it gives; the transition between two of
them is the first, in the order of the rules, that the interpreter takes from one to the other.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise, starmap

from checker.engines.interface import DEADLOCK_FREE, Failure, Run
from checker.engines.native.codegen.program import Source
from checker.engines.native.findings import ModelFault, Origin, PackedState, WalkFault
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


def mask_of_all(program: Program) -> int:
    """All properties of a program as a mask, and whether anything comes to rest."""
    return (1 << (len(program.properties) + 2)) - 1


class Reader:
    """Turns paths and faults of the C side into runs and model errors of a program."""

    def __init__(self, program: Program, source: Source) -> None:
        self._program = program
        self._source = source
        self._machine = Machine(program)

    def run(self, path: Sequence[PackedState]) -> Run:
        """The run through these states, the initial one first."""
        states = [self._source.layout.decode(words) for words in path]
        return Run(states[0], tuple(starmap(self._transition, pairwise(states))))

    def failure(self, fault: ModelFault | WalkFault, path: Sequence[PackedState]) -> Failure:
        """The model error of a fault; ``path`` leads to the state it happened in, empty for initial ones."""
        kind, place = self._source.errors[fault.id]
        if fault.origin is Origin.INITIAL:
            outcomes = [s.outcome for s in self._machine.initial_states()]
            return Failure(_matching(outcomes, kind, place), None)
        run = self.run(path)
        state = self._source.layout.decode(path[-1])
        if fault.origin is Origin.STEP:
            for successor in self._machine.successors(state):
                error = successor.outcome
                if isinstance(error, ModelError) and (error.kind, error.location) == (kind, place):
                    return Failure(error, replace(run, transitions=(*run.transitions, successor.transition)))
            raise InternalError(f"generated code runs into {kind} at {place}, the IR does not")
        return self._property_failure(fault, run, state)

    def _transition(self, before: State, after: State) -> Transition:
        for successor in self._machine.successors(before):
            if successor.outcome == after:
                return successor.transition
        raise InternalError(f"generated code goes from {before} to {after}, which the IR does not allow")

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
