"""What a protocol costs: the calls on the wire of its cheapest run without any fault."""

from __future__ import annotations

import heapq
import itertools
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

from checker.dsl.lowering import LoweredModel
from checker.errors import ModelError
from checker.semantics.machine import Machine
from checker.semantics.state import State, StepKind, Transition

#: How many states the search for the cheapest run may look at.
STATES_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Price:
    """The calls of a cheapest run, by operation in the order of their first use.

    ``until`` names the ``@reachable`` property that the run makes true on its way; ``rests`` says that
    nothing more can happen at its end, or that it need not come to rest. ``reason`` says why there is no
    such run; then all else is empty.
    """

    calls: Mapping[str, int]
    until: str | None
    rests: bool
    reason: str = ""

    @property
    def total(self) -> int:
        """The number of calls; a transaction is one."""
        return sum(self.calls.values())


def price_of(
    lowered: LoweredModel, until: str | None, to_rest: bool = True, states_max: int = STATES_MAX
) -> Price:
    """The cheapest run without faults that makes ``until`` true on its way and comes to rest.

    Fewest calls, then fewest steps. Where no such run comes to rest, the cheapest that makes ``until``
    true. Uniform-cost search over states and whether ``until`` has been true.

    Args:
        lowered: a model with budgets of 0; what its environment and components do by themselves is free.
        until: a property, or None: then any run to rest counts.
        to_rest: whether the run goes on to rest; else it ends where ``until`` is true first.
    """
    return _Search(lowered, until, to_rest, states_max).run()


class _Search:
    def __init__(self, lowered: LoweredModel, until: str | None, to_rest: bool, states_max: int) -> None:
        self._to_rest = to_rest
        self._machine = Machine(lowered.program)
        self._until = until
        self._states_max = states_max
        self._number = None if until is None else [p.name for p in lowered.program.properties].index(until)
        self._parents: dict[tuple[State, bool], tuple[tuple[State, bool], Transition] | None] = {}

    def run(self) -> Price:
        order = itertools.count()
        waiting: list[tuple[int, int, int, tuple[State, bool]]] = []
        costs: dict[tuple[State, bool], tuple[int, int]] = {}

        def reach(
            state: State,
            done: bool,
            cost: tuple[int, int],
            parent: tuple[tuple[State, bool], Transition] | None,
        ) -> None:
            node = (state, done or self._is_done(state))
            if node not in costs or cost < costs[node]:
                costs[node] = cost
                self._parents[node] = parent
                heapq.heappush(waiting, (*cost, next(order), node))

        for initial in self._machine.initial_states():
            if not isinstance(initial.outcome, ModelError):
                reach(initial.outcome, False, (0, 0), None)
        first_done: tuple[State, bool] | None = None
        closed: set[tuple[State, bool]] = set()
        while waiting:
            calls, steps, _, node = heapq.heappop(waiting)
            if node in closed:
                continue
            closed.add(node)
            if len(closed) > self._states_max:
                return Price({}, self._until, False, f"none found among {self._states_max:,} states")
            if node[1] and first_done is None:
                first_done = node
                if not self._to_rest and self._until is not None:
                    return self._price(node, rests=True)
            rests = True
            for successor in self._machine.successors(node[0]):
                kind, outcome = successor.transition.kind, successor.outcome
                if kind.is_fault:
                    continue
                rests = False
                if not isinstance(outcome, ModelError):
                    cost = (calls + (kind is StepKind.CALL), steps + 1)
                    reach(outcome, node[1], cost, (node, successor.transition))
            if rests and node[1]:
                return self._price(node, rests=True)
        if first_done is not None and self._until is not None:
            return self._price(first_done, rests=False)
        wanted = "comes to rest" if self._until is None else f"makes {self._until} true"
        return Price({}, self._until, False, f"no run without faults {wanted}")

    def _is_done(self, state: State) -> bool:
        return self._number is None or self._machine.holds(self._number, state)

    def _price(self, node: tuple[State, bool], rests: bool) -> Price:
        names: list[str] = []
        while (parent := self._parents[node]) is not None:
            node, transition = parent
            if transition.kind is StepKind.CALL:
                names.append(transition.name)
        return Price(dict(Counter(reversed(names))), self._until, rests)
