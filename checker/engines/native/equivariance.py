"""A look at some of the states that a reduced search has stored: does renaming them rename their successors?

The rules of ``checker.ir.symmetry`` say so beforehand. This asks generated code itself, so that a hole in the
rules does not become a verdict without a word.
"""

from __future__ import annotations

from collections import Counter
from itertools import chain

from checker.engines.native.binding import Search
from checker.engines.native.codegen.program import Source
from checker.engines.native.findings import PackedState
from checker.ir.program import Program
from checker.ir.symmetry import swaps
from checker.semantics.renaming import renamed

#: How many of the stored states are looked at, evenly spread over all depths: one of so many, at least and at
#: most these, so that it takes a small part of the time of the search.
ONE_IN, LEAST, MOST = 10_000, 16, 200


def treats_alike(program: Program, source: Source, search: Search, states: int) -> bool:
    """Whether each swap of two neighbouring members leaves alike what a sample of states leads to.

    Args:
        states: how many are stored.
    """
    layout, sets = source.layout, source.symmetric
    members = max(index.size for index in sets)

    def after(words: PackedState) -> Counter[tuple[int, PackedState]]:
        return Counter(
            (step, search.representative(reached, len(sets), members)[0])
            for step, reached in search.successors(words)
        )

    looked_at = min(MOST, max(LEAST, states // ONE_IN))
    for number in range(0, states, max(1, states // looked_at)):
        words = search.state_at(number)
        for swap in chain.from_iterable(map(swaps, sets)):
            other = layout.encode(renamed(program, layout.decode(words), swap))
            if after(words) != after(other):
                return False
    return True
