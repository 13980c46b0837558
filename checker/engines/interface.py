"""What every engine takes and gives: a request in, a result out."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Protocol

from checker.dsl.lowering import LoweredModel
from checker.errors import ModelError
from checker.semantics.state import State, Transition

#: The verdict, beside the model's own properties, that no process is stuck in the middle of its work.
DEADLOCK_FREE = "deadlock_free"

#: Why a search stopped that was asked for some properties only, once each of them had its run.
ALL_FOUND = "all that was asked for is found"
#: Why a property has no answer that nobody asked for.
NOT_ASKED = "not asked for"


class Answer(Enum):
    """What is known of a property. For a ``@reachable`` one HOLDS says that a witness was found."""

    #: In all states that the bounds and budgets allow, or proved.
    HOLDS = "HOLDS"
    #: In all states up to a depth.
    HOLDS_UP_TO = "HOLDS UP TO"
    #: There is a counterexample; for a ``@reachable`` property: there is no witness.
    VIOLATED = "VIOLATED"
    #: A limit was reached first.
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Run:
    """A run by its initial state and transitions; what an engine reports, before it is replayed."""

    initial: State
    transitions: tuple[Transition, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """The answer for one property.

    ``path`` is a counterexample, or the witness of a ``@reachable`` property; ``is_shortest`` says that
    none is shorter. ``reason`` says why an answer is UNKNOWN; ``depth`` up to where nothing was found,
    where such a depth is known. ``proved`` says that the answer rests on an inductive invariant; ``method``
    what found that, or what decided otherwise in a proof, empty where there is one way only. ``any_number``
    names the index sets for any number of whose members it was proved.
    """

    property: str
    answer: Answer
    path: Run | None = None
    depth: int | None = None
    reason: str = ""
    is_shortest: bool = True
    proved: bool = False
    method: str = ""
    any_number: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.any_number and self.answer is Answer.HOLDS:
            return f"{self.answer.value} for any number of {' and '.join(self.any_number)} (proved)"
        if self.proved and self.answer is Answer.HOLDS:
            return f"{self.answer.value} (proved)"
        if self.answer is Answer.HOLDS_UP_TO:
            return f"{self.answer.value} depth {self.depth}"
        return str(self.answer.value)


class SearchOrder(Enum):
    """In which order the native engine looks at states; the others only know the first."""

    #: By their depth: shortest counterexamples; keeps all states.
    BREADTH_FIRST = "breadth-first"
    #: Along one run as far as it goes: keeps as many states as memory allows.
    DEPTH_FIRST = "depth-first"
    #: The same to depth 0, 1, 2, ...: shortest counterexamples again, and states looked at many times.
    DEEPENING = "deepening"


@dataclass(frozen=True, slots=True)
class Limits:
    """When to stop: distinct states, seconds, depth in steps, bytes of memory; None is no limit.

    Without a limit of its own the native engine stops before it drives the machine out of memory.
    """

    states_max: int | None = None
    time_s_max: float | None = None
    depth_max: int | None = None
    memory_bytes_max: int | None = None


@dataclass(frozen=True, slots=True)
class Progress:
    """How far a search is: distinct states, depth in steps, states waiting, seconds since its start.

    ``memory_bytes`` is what the search has taken; ``load`` the share of the table of states that is full,
    from 0 to 1, None where there is no such table. An engine that counts no states says in ``text`` how far
    it is.
    """

    states: int
    depth: int
    frontier: int
    seconds: float
    memory_bytes: int = 0
    load: float | None = None
    text: str = ""


@dataclass(frozen=True, slots=True)
class Request:
    """A model lowered for its bounds, and how far to look.

    ``report`` is called a few times a second while the engine works. ``threads`` is for engines that
    have several, 0 one per core; it changes nothing but the time. ``symmetry`` lets an engine that can look
    at one state of each orbit only.

    ``wanted`` names the only properties whose answers are needed: the search may end as soon as each of
    them has its run, with ``stopped`` saying ALL_FOUND. The answers of the others are then UNKNOWN.

    ``retells`` says that of several shortest runs the one in the order of the rules is wanted, which takes
    a second search of the first states.
    """

    lowered: LoweredModel
    limits: Limits = field(default_factory=Limits)
    report: Callable[[Progress], None] = lambda progress: None
    threads: int = 0
    symmetry: bool = True
    order: SearchOrder = SearchOrder.BREADTH_FIRST
    wanted: frozenset[str] | None = None
    retells: bool = True


@dataclass(frozen=True, slots=True)
class SymmetryUsed:
    """What symmetry did: over which sets, in how many ways their members can be renamed.

    ``represented`` is how many states the distinct ones stand for, None where that is not known;
    ``broken`` tells of sets that are declared interchangeable and are not, and why.
    """

    sets: tuple[str, ...]
    permutations: int
    represented: int | None
    broken: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Statistics:
    """What a search has seen: distinct states, transitions (without the initial states), depth, seconds.

    ``fired`` counts every action, call and fault that happened at least once, by its name.
    ``comes_to_rest`` says that some state is quiescent: without one, what is asked of quiescent states
    holds of nothing. ``symmetry`` is None where no set is declared interchangeable, or the engine looks at
    every state; where it is used, all counts are of the states that stand for the others. ``summary``
    says what was done by an engine that counts neither states nor transitions nor ``fired``.
    """

    states: int
    transitions: int
    depth: int
    seconds: float
    fired: Mapping[str, int]
    comes_to_rest: bool
    symmetry: SymmetryUsed | None = None
    summary: str = ""

    @property
    def states_all(self) -> int | None:
        """Distinct states, with those that symmetry leaves out; None where that is not known."""
        return self.states if self.symmetry is None else self.symmetry.represented


@dataclass(frozen=True, slots=True)
class Failure:
    """A model error, and a shortest run into it; None where it comes before the processes have started."""

    error: ModelError
    path: Run | None


@dataclass(frozen=True, slots=True)
class Result:
    """What an engine found.

    ``stopped`` says why it did not finish; None where it did. ``notice`` says why another engine than
    the one asked for did the work.
    """

    engine: str
    verdicts: tuple[Verdict, ...]
    statistics: Statistics
    failure: Failure | None = None
    stopped: str | None = None
    notice: str = ""


class Engine(Protocol):
    """An engine; a new one needs this and an entry in ``checker.engines.runner``."""

    name: str

    def check(self, request: Request) -> Result:
        """Check all properties of the model. Ctrl-C ends it with what is known."""
