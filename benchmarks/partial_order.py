"""What partial-order reduction could save, at best: ``python -m benchmarks.partial_order SPEC...``.

Stubborn sets (Valmari, 1989; here with the two relations of Laarman and others, 2013) are computed with exact
relations, read off the whole state graph, where a real reduction has to do with what it can tell from the
program: which steps accord (in every state where both are enabled, neither disables the other, and either
order gives the same states), and which steps ever enable another. In each state the smallest stubborn set of
all is taken. Steps that change the value of a property are visible, and are taken all or not at all. What a
real reduction must do besides, so that it ignores no step for ever, is left out.

So the states that are left are fewer than any reduction of this kind leaves. Small specs only: it all runs on
the interpreter.
"""

from __future__ import annotations

import argparse
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from pathlib import Path

from checker.errors import ModelError
from checker.ir.program import Program, PropertyKind
from checker.semantics.machine import Machine
from checker.semantics.state import State
from checker.spec import load_spec

#: A step with all its choices: kind, name, process, parameters.
Step = tuple[object, ...]
Steps = Mapping[Step, frozenset[int]]


@dataclass(frozen=True)
class Graph:
    """States by number, the steps from each, and what the properties say of each."""

    initial: tuple[int, ...]
    steps: Sequence[Steps]
    values: Sequence[tuple[bool, ...]]


def graph(program: Program, states_max: int) -> Graph | None:
    """The whole graph of a program; None where it has more states, or runs into a model error."""
    machine = Machine(program)
    numbers: dict[State, int] = {}
    for initial in machine.initial_states():
        if isinstance(initial.outcome, State):
            numbers.setdefault(initial.outcome, len(numbers))
    first = tuple(numbers.values())
    todo, steps, values = list(numbers), [], []
    for state in todo:
        found: dict[Step, set[int]] = defaultdict(set)
        for successor in machine.successors(state):
            after = successor.outcome
            if isinstance(after, ModelError) or len(numbers) > states_max:
                return None
            if after not in numbers:
                numbers[after] = len(numbers)
                todo.append(after)
            kind, name, process, parameters, _ = successor.transition
            found[kind, name, process, parameters].add(numbers[after])
        steps.append({step: frozenset(targets) for step, targets in found.items()})
        values.append(_values(machine, program, state))
    return Graph(first, steps, values)


def _values(machine: Machine, program: Program, state: State) -> tuple[bool, ...]:
    kinds = (PropertyKind.ALWAYS, PropertyKind.LEMMA, PropertyKind.REACHABLE)
    return tuple(machine.holds(n, state, None) for n, p in enumerate(program.properties) if p.kind in kinds)


def _after(found: Graph, states: Iterable[int], step: Step) -> frozenset[int] | None:
    """Where a step leads from any of some states; None where it is disabled in one."""
    reached: set[int] = set()
    for state in states:
        if step not in found.steps[state]:
            return None
        reached |= found.steps[state][step]
    return frozenset(reached)


class Relations:
    """Which steps do not accord, which enable which, and which are visible."""

    def __init__(self, found: Graph) -> None:
        self.conflicts: dict[Step, set[Step]] = defaultdict(set)
        self.enablers: dict[Step, set[Step]] = defaultdict(set)
        self.visible: set[Step] = set()
        for number, steps in enumerate(found.steps):
            for a, b in combinations(steps, 2):
                one = _after(found, steps[a], b)
                other = _after(found, steps[b], a)
                if one is None or one != other:
                    self.conflicts[a].add(b)
                    self.conflicts[b].add(a)
            for step, targets in steps.items():
                for target in targets:
                    if found.values[target] != found.values[number]:
                        self.visible.add(step)
                    for enabled in found.steps[target].keys() - steps.keys():
                        self.enablers[enabled].add(step)

    def stubborn(self, seed: Step, enabled: frozenset[Step]) -> frozenset[Step]:
        """The enabled steps of the least stubborn set with a step in it."""
        closed: set[Step] = set()
        todo = [seed]
        while todo:
            step = todo.pop()
            if step in closed:
                continue
            closed.add(step)
            if step not in enabled:
                todo += self.enablers[step]
                continue
            todo += self.conflicts[step]
            if step in self.visible:
                todo += self.visible
        return frozenset(closed & enabled)


def reduced(found: Graph) -> int:
    """How many states are left where each is left by the smallest stubborn set."""
    relations = Relations(found)
    seen, todo = set(found.initial), list(found.initial)
    for state in todo:
        enabled = frozenset(found.steps[state])
        sets = (relations.stubborn(seed, enabled) for seed in enabled)
        for step in min(sets, key=len, default=frozenset[Step]()):
            for target in found.steps[state][step] - seen:
                seen.add(target)
                todo.append(target)
    return len(seen)


def main() -> None:
    """Print a line for each spec."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("specs", nargs="+", type=Path)
    parser.add_argument("--states", type=int, default=20_000)
    given = parser.parse_args()
    print("| spec | states | left at best | times fewer |\n|---|---|---|---|")
    for path in given.specs:
        found = graph(load_spec(path).lowered.program, given.states)
        if found is None:
            print(f"| {path} | more than {given.states:,}, or a model error | | |", flush=True)
            continue
        left = reduced(found)
        print(f"| {path} | {len(found.steps):,} | {left:,} | {len(found.steps) / left:.2f} |", flush=True)


if __name__ == "__main__":
    main()
