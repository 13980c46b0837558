"""What became of a user's lemmas in a proof: which were needed for what, and why others were not used."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum

from checker.engines.smt.encoding import System
from checker.engines.smt.ic3 import Target
from checker.engines.smt.induction import Candidate, excluded, filtered, is_k_inductive, of_cubes
from checker.engines.smt.obligations import ENCODING, targets
from checker.engines.smt.oracle import OutOfTime, Solver, Watch
from checker.engines.smt.orbits import Cube
from checker.errors import Location


class Fate(Enum):
    """What a proof made of a lemma."""

    #: Some proof does not go through without it.
    NEEDED = "needed"
    #: It is part of the invariant, or was proved, and everything is proved without it.
    NOT_NEEDED = "true, but not needed"
    #: It holds in every reachable state, and the time was up before it was clear what needs it.
    TRUE = "true"
    FALSE_INITIALLY = "false in the initial state"
    FALSE = "false"
    #: Whether it holds is open: some step out of states in which it does makes it false.
    NOT_PRESERVED = "not preserved"


@dataclass(frozen=True, slots=True)
class LemmaFate:
    """A lemma, where it stands, and what became of it.

    ``needed_for`` names properties; ``steps`` is the length of the run that makes it false, where one does.
    """

    name: str
    location: Location
    fate: Fate
    needed_for: tuple[str, ...] = ()
    steps: int = 0


def needs(
    system: System,
    cubes: Sequence[Cube],
    predicates: Sequence[Candidate],
    steps: Mapping[str, int],
    proved: Sequence[str],
    lemmas: Sequence[str],
    make: Callable[[], Solver],
    watch: Watch,
) -> dict[str, tuple[str, ...]]:
    """For each of some lemmas the proved properties that an invariant no longer proves without it.

    What of the invariant does not stay inductive without the lemma goes, too. That no step leaves the
    encoding counts as needed by all. Lemmas are left out of the answer where the time is up.
    """
    wanted = [target for target in targets(system) if target.name in (ENCODING, *proved)]
    invariant = [*of_cubes(system, cubes), *predicates]
    found: dict[str, tuple[str, ...]] = {}
    for lemma in lemmas:
        others = [one for one in invariant if one.name != lemma]
        try:
            kept = [one.literal for one in filtered(system, others, [], make, watch).kept]
            lost = _lost(system, wanted, kept, steps, make, watch)
        except OutOfTime:
            break
        names = proved if ENCODING in lost else [name for name in proved if name in lost]
        found[lemma] = tuple(name for name in names if name != lemma)
    return found


def _lost(
    system: System,
    wanted: Sequence[Target],
    invariant: Sequence[int],
    steps: Mapping[str, int],
    make: Callable[[], Solver],
    watch: Watch,
) -> set[str]:
    at_once = [target for target in wanted if target.name not in steps]
    held = {target.name for target in excluded(system, at_once, invariant, make, watch)}
    for target in wanted:
        if target.name in steps and is_k_inductive(
            system, target, steps[target.name], invariant, make, watch
        ):
            held.add(target.name)
    return {target.name for target in wanted} - held
