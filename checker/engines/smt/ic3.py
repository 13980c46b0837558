"""Proof without a bound: an inductive invariant, found clause by clause.

Source: A. Bradley, "SAT-based model checking without unrolling" (VMCAI 2011), in the form of N. Een,
A. Mishchenko and R. Brayton, "Efficient implementation of property directed reachability" (FMCAD 2011).

A cube is a set of literals of the state's row: ``i + 1`` where bit ``i`` is true, negative where it is false.
A lemma is a cube that no reachable state lies in. Frame ``k`` holds the lemmas that are true of every
state that ``k`` steps reach.

Where renaming the members of sets changes neither the initial state nor the steps, a lemma stands for all
its copies (``orbits.py``): what ``k`` steps reach is the same after renaming, so that what excludes one copy
excludes them all. It is generalised once, and carried to later frames once. The solver is told of all copies
of small orbits, and of those of large ones that a state found by it lies in.

What keeps a lemma from being generalised is itself excluded where that is easy. Source: Z. Hassan,
A. Bradley, F. Somenzi, "Better generalization in IC3" (FMCAD 2013).
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from itertools import count

from checker.engines.smt.cnf import Clauses, Copy, Template
from checker.engines.smt.encoding import System
from checker.engines.smt.oracle import Solver, Watch
from checker.engines.smt.orbits import Cube, Orbits
from checker.errors import InternalError

#: The solver is told of all copies of a lemma that has no more than this.
COPIES_MAX = 600
#: How many states that keep a lemma from being generalised are looked at before that is given up, and how
#: deep: excluding one may be kept back by another.
OBSTACLES_MAX = 3
OBSTACLE_DEPTH_MAX = 1
#: A frame of which nothing is known but what holds in every reachable state.
FOREVER = 1 << 30
#: How long a chain of states is that are tried to be excluded for good, each one for the sake of the next,
#: and how many are tried for the sake of one.
CHAIN_MAX = 3
CHAIN_BREADTH_MAX = 1
#: How many steps are asked for in one such attempt before something is excluded. After an attempt that fails
#: it is half as many, at least the lesser number: where the target is reached after all, or where frames are
#: needed, attempts would take all the time.
EFFORT_MAX, EFFORT_MIN = 1_500, 50
#: How often what is in the way of generalising one cube is generalised itself.
NESTED_MAX = 4
#: After this many clauses that served one question only, a solver is built anew without them.
QUESTIONS_MAX = 4_000


@dataclass(frozen=True, slots=True)
class Target:
    """What must never happen: a literal over the system's state and inputs."""

    name: str
    bad: int


@dataclass(frozen=True, slots=True)
class Refuted:
    """The target is reached: the rows of a run to it, not a shortest one.

    ``after`` is the row after one more step, for a target that is about a step.
    """

    rows: tuple[tuple[bool, ...], ...]
    after: tuple[bool, ...]


@dataclass(frozen=True, slots=True)
class Proved:
    """The target is never reached: with what was known before, these lemmas are inductive and exclude it.

    Each stands for all its copies.
    """

    lemmas: tuple[Cube, ...]
    frames: int


@dataclass(frozen=True, slots=True)
class _Obligation:
    """A cube from which the target can be reached; with these inputs, its states step into the next one."""

    cube: Cube
    inputs: tuple[bool, ...]
    following: _Obligation | None
    row: tuple[bool, ...] = ()

    def whole(self) -> Cube:
        """All literals of the state that it was made of."""
        return _literals(self.row)


@dataclass(eq=False, slots=True)
class _Lemma:
    """A cube that is excluded with all its copies.

    ``copies`` are all of them, or, where ``is_partial``, those that the solver was told of.
    """

    cube: Cube
    copies: list[Cube] = field(default_factory=list)
    is_partial: bool = False


class _Queries:
    """A solver with the frames, and one without them that generalises the states that the first one finds."""

    def __init__(
        self,
        system: System,
        bad: int,
        known: Sequence[Cube],
        make: Callable[[], Solver],
        orbits: Orbits,
        facts: Sequence[int] = (),
    ) -> None:
        self._system = system
        self._bad = bad
        self._make = make
        self._orbits = orbits
        self._known = [self._lemma(cube) for cube in known]
        self.found: list[Cube] = []
        self._well_formed = [*system.layout.well_formed(list(system.state)), *facts]
        roots = [*system.state, *system.inputs, *system.following, system.valid, bad, *self._well_formed]
        self._template = Template(system.circuit, roots)
        self._initial = Template(system.circuit, [*system.initial, system.initial_valid])
        self.frames: list[dict[Cube, _Lemma]] = [{}, {}]
        self._lifter = Clauses(make())
        self._lift_copy = self._template.copy(self._lifter, {})
        # Every state has a well-formed row, so that a part of a state has to do what it does in those only.
        self._lifter.add([[self._lift_copy[literal]] for literal in self._well_formed])
        self._constant = all(literal <= 1 for literal in system.initial)
        self._questions = 0
        self._build()

    def know(self, cubes: Sequence[Cube]) -> None:
        """More lemmas that hold in every reachable state."""
        lemmas = [self._lemma(cube) for cube in cubes]
        self._known += lemmas
        self._clauses.add([self._excluded(copy) for lemma in lemmas for copy in lemma.copies])

    def _lemma(self, cube: Cube) -> _Lemma:
        if self._orbits.count(cube) > COPIES_MAX:
            return _Lemma(cube, [cube], is_partial=True)
        return _Lemma(cube, self._orbits.copies(cube))

    def _build(self) -> None:
        system = self._system
        self._clauses = Clauses(self._make())
        self._copy = self._template.copy(self._clauses, {})
        self._clauses.add([[self._copy[literal]] for literal in self._well_formed])
        self._clauses.add([self._excluded(cube) for lemma in self._known for cube in lemma.copies])
        self._active = [self._clauses.variable() for _ in self.frames]
        initial = self._initial.copy(self._clauses, {})
        begins = self._active[0]
        ties = [[-begins, initial[system.initial_valid]]]
        for ours, theirs in zip(self._copy.row(system.state), initial.row(system.initial), strict=True):
            ties += [[-begins, -ours, theirs], [-begins, ours, -theirs]]
        self._clauses.add(ties)
        for level, lemmas in enumerate(self.frames):
            for lemma in lemmas.values():
                self._state(level, lemma.copies)

    def _named(self, cube: Iterable[int]) -> list[int]:
        return _names(self._copy, self._system.state, cube)

    def _excluded(self, cube: Cube) -> list[int]:
        return [-name for name in self._named(cube)]

    def _state(self, level: int, cubes: Iterable[Cube]) -> None:
        self._clauses.add([[-self._active[level], *self._excluded(cube)] for cube in cubes])

    def _in_frame(self, level: int) -> list[int]:
        return [self._active[0]] if level == 0 else self._active[level:]

    def open_frame(self) -> None:
        """One more frame, of which nothing is known."""
        self.frames.append({})
        self._active.append(self._clauses.variable())

    def learn(self, cube: Cube, level: int) -> None:
        """A lemma that holds in frames up to a level; weaker ones are dropped."""
        lemma = self._lemma(cube)
        for below in range(1, level + 1):
            others = self.frames[below]
            for weaker in [other for other in others if any(copy <= other for copy in lemma.copies)]:
                del others[weaker]
        self.frames[level][cube] = lemma
        self._state(level, lemma.copies)

    def learn_forever(self, cube: Cube) -> None:
        """A lemma that holds in every reachable state."""
        self.found.append(cube)
        self.know([cube])
        copies = self._known[-1].copies
        for frame in self.frames[1:]:
            for weaker in [other for other in frame if any(copy <= other for copy in copies)]:
                del frame[weaker]

    def is_known(self, cube: Cube, level: int) -> bool:
        """Whether a lemma excludes the whole cube from a frame."""
        lemmas = [*self._known, *(lemma for frame in self.frames[level:] for lemma in frame.values())]
        if any(copy <= cube for lemma in lemmas for copy in lemma.copies):
            return True
        return any(lemma.is_partial and self._orbits.copy_in(lemma.cube, cube) for lemma in lemmas)

    def _solve(self, assumed: list[int], level: int, watch: Watch) -> tuple[bool, ...] | None:
        """The row of a state in a frame for which the assumed literals hold, or None.

        States that lie in a copy of a lemma that the solver was not told of are none: it is told now.
        """
        while self._clauses.solver.solve(assumed, watch):
            row = self._row()
            if not self._tell(row, level):
                return row
        return None

    def _tell(self, row: tuple[bool, ...], level: int) -> bool:
        """Tell the solver of copies of lemmas that a row lies in. Returns whether there were any."""
        told = False
        partial: list[tuple[int | None, _Lemma]] = [
            (None, lemma) for lemma in self._known if lemma.is_partial
        ]
        if level > 0:
            frames = range(level, len(self.frames))
            partial += [(k, one) for k in frames for one in self.frames[k].values() if one.is_partial]
        literals = _literals(row) if partial else frozenset[int]()
        for frame, lemma in partial:
            found = self._orbits.copy_in(lemma.cube, literals)
            if found is not None and found not in lemma.copies:
                lemma.copies.append(found)
                told = True
                if frame is None:
                    self._clauses.add([self._excluded(found)])
                else:
                    self._state(frame, [found])
        return told

    def begins_in(self, cube: Cube, watch: Watch) -> bool:
        """Whether some initial state lies in the cube."""
        if self._constant:
            initial = self._system.initial
            return all(initial[abs(literal) - 1] == int(literal > 0) for literal in cube)
        return self._clauses.solver.solve([self._active[0], *self._named(cube)], watch)

    def bad_state(self, level: int, watch: Watch) -> _Obligation | None:
        """States of a frame in which the target is reached at once."""
        row = self._solve([*self._in_frame(level), self._copy[self._bad]], level, watch)
        if row is None:
            return None
        inputs = self._inputs()
        return _Obligation(self._lifted(row, inputs, [self._bad], watch), inputs, None, row)

    def step_into(
        self, cube: Cube, level: int, watch: Watch, following: _Obligation | None = None
    ) -> _Obligation | Cube:
        """States of a frame, outside the cube's copies, that step into it; or a part that none steps into."""
        guard = self._question(self._excluded(cube))
        steps = {self._following(literal): literal for literal in cube}
        assumed = [*self._in_frame(level), guard, self._copy[self._system.valid], *steps]
        while (row := self._solve(assumed, level, watch)) is not None:
            # Where the cube is excluded, so are its copies: from those no step into it matters.
            other = self._orbits.copy_in(cube, _literals(row)) if not self._orbits.is_trivial else None
            if other is not None:
                self._clauses.add([[-guard, *self._excluded(other)]])
                continue
            inputs = self._inputs()
            wanted = [self._system.valid]
            wanted += [self._system.following[abs(lit) - 1] ^ (lit < 0) for lit in cube]
            found = _Obligation(self._lifted(row, inputs, wanted, watch), inputs, following, row)
            self._answered(guard)
            return found
        core = set(self._clauses.solver.core())
        self._answered(guard)
        # Two bits may have one literal as their next value: all of those stay.
        return frozenset(lit for lit in cube if self._following(lit) in core)

    def _following(self, literal: int) -> int:
        name = self._copy[self._system.following[abs(literal) - 1]]
        return name if literal > 0 else -name

    def _question(self, clause: list[int]) -> int:
        if self._questions > QUESTIONS_MAX:
            self._questions = 0
            self._clauses.solver.close()
            self._build()
            raise _Rebuilt
        self._questions += 1
        guard = self._clauses.variable()
        self._clauses.add([[-guard, *clause]])
        return guard

    def _answered(self, guard: int) -> None:
        self._clauses.add([[-guard]])

    def _row(self) -> tuple[bool, ...]:
        return tuple(_is_true(self._clauses.solver, name) for name in self._copy.row(self._system.state))

    def _inputs(self) -> tuple[bool, ...]:
        return tuple(_is_true(self._clauses.solver, name) for name in self._copy.row(self._system.inputs))

    def _lifted(
        self, row: tuple[bool, ...], inputs: tuple[bool, ...], wanted: list[int], watch: Watch
    ) -> Cube:
        """The part of a state for which these inputs make all of ``wanted`` hold.

        Where a step is wanted, that it is valid has to be among it.
        """
        copy, system = self._lift_copy, self._system
        guard = self._lifter.variable()
        self._lifter.add([[-guard, *(-copy[literal] for literal in wanted)]])
        # What holds comes first: the solver prefers what it was given first, and it says more of a state.
        ordered = sorted(_literals(row), key=lambda literal: (literal < 0, abs(literal)))
        names = copy.row(system.state)
        state = {names[abs(lit) - 1] * (1 if lit > 0 else -1): lit for lit in ordered}
        given = [n if v else -n for n, v in zip(copy.row(system.inputs), inputs, strict=True)]
        if self._lifter.solver.solve([guard, *given, *state], watch):
            raise InternalError("a state does not do what it was found for")
        core = set(self._lifter.solver.core())
        self._lifter.add([[-guard]])
        return frozenset(literal for name, literal in state.items() if name in core)

    def initial_row(self, cube: Cube, watch: Watch) -> tuple[bool, ...]:
        """An initial state inside the cube."""
        if not self._clauses.solver.solve([self._active[0], *self._named(cube)], watch):
            raise InternalError("a run begins where no initial state is")
        return self._row()

    def close(self) -> None:
        """Free both solvers."""
        self._clauses.solver.close()
        self._lifter.solver.close()


class _Rebuilt(Exception):
    """The solver was built anew: names are others now, and the question has to be put again."""


class Ic3:
    """One proof or refutation of one target.

    ``known`` are lemmas proved before, and ``facts`` literals over the state: both hold in every reachable
    state. ``orbits`` are those of a system that renaming does not change, nor what ``facts`` say together.
    """

    def __init__(
        self,
        system: System,
        target: Target,
        known: Sequence[Cube],
        make: Callable[[], Solver],
        watch: Watch,
        orbits: Orbits | None = None,
        facts: Sequence[int] = (),
    ) -> None:
        self.target = target
        self._system = system
        self._orbits = orbits or Orbits()
        self._queries = _Queries(system, target.bad, known, make, self._orbits, facts)
        self._watch = watch
        self._order = count()
        # Of an attempt to exclude a cube for good: what it is worth, and what is left of that.
        self._effort = self._left = EFFORT_MAX
        self._nested = 0

    def resume(self, known: Sequence[Cube], watch: Watch) -> None:
        """Let ``run`` go on where it ran out of time, with what else is known by now."""
        self._queries.know(known)
        self._watch = watch

    def close(self) -> None:
        """Free the solvers."""
        self._queries.close()

    @property
    def frames(self) -> int:
        """How many frames there are."""
        return len(self._queries.frames)

    @property
    def lemmas(self) -> int:
        """How many lemmas there are."""
        return sum(len(frame) for frame in self._queries.frames)

    def run(self) -> Proved | Refuted:
        """Prove or refute. Raises OutOfTime, and can go on after that."""
        queries = self._queries
        first = queries.bad_state(0, self._watch)
        if first is not None:
            return self._refuted(first)
        while True:
            top = len(queries.frames) - 1
            while (found := queries.bad_state(top, self._watch)) is not None:
                reached = self._block(found, top)
                if reached is not None:
                    return self._refuted(reached)
            queries.open_frame()
            fixed = self._propagate()
            if fixed is not None:
                lemmas = [lemma for frame in queries.frames[fixed + 1 :] for lemma in frame] + queries.found
                return Proved(tuple(sorted(lemmas, key=sorted)), fixed)

    def _block(self, obligation: _Obligation, top: int) -> _Obligation | None:
        """Exclude a cube from a frame, and all that leads to it; returns an obligation that begins a run."""
        queries, watch = self._queries, self._watch
        todo = [(top, next(self._order), obligation)]
        while todo:
            level, _, one = heapq.heappop(todo)
            if queries.begins_in(one.cube, watch):
                return one
            if queries.is_known(one.cube, level) or self._excluded_for_good(one.cube):
                continue
            found = self._step_into(one.cube, level - 1, one)
            if isinstance(found, _Obligation):
                if level == 1:
                    # What steps into it from the first frame is initial.
                    return found
                heapq.heappush(todo, (level - 1, next(self._order), found))
                heapq.heappush(todo, (level, next(self._order), one))
                continue
            lemma = self._generalised(self._outside(found, one.cube), level)
            while level < top and not isinstance(self._step_into(lemma, level), _Obligation):
                level += 1
            queries.learn(lemma, level)
            if level < top:
                heapq.heappush(todo, (level + 1, next(self._order), one))
        return None

    def _excluded_for_good(self, cube: Cube) -> bool:
        """Whether an attempt to exclude a cube for good succeeds within the effort that it is worth."""
        effort, self._left, self._nested = self._effort, self._effort, 0
        succeeds = self._forever(cube, CHAIN_MAX)
        self._effort = EFFORT_MAX if succeeds else max(effort // 2, EFFORT_MIN)
        return succeeds

    def _forever(self, cube: Cube, chain: int) -> bool:
        """Exclude a cube for good, where no state steps into it but some that can be excluded for good.

        What only the first frames exclude says little of all others. In a protocol that is right, what is
        wrong most often follows from something that is wrong one step before, a few steps back.
        """
        depth = CHAIN_MAX - chain
        part = self._below(cube, FOREVER, depth)
        if part is None:
            return False
        # Something is gained: what is left may be spent on more.
        self._left = max(self._left, self._effort)
        self._nested += 1
        # What is in the way of that may be excluded in turn, but not without end.
        lemma = self._generalised(part, FOREVER, CHAIN_MAX - (self._nested <= NESTED_MAX))
        self._nested -= 1
        self._left = max(self._left, self._effort)
        if not self._queries.is_known(lemma, FOREVER):
            self._queries.learn_forever(lemma)
        return True

    def _step_into(self, cube: Cube, level: int, following: _Obligation | None = None) -> _Obligation | Cube:
        try:
            return self._queries.step_into(cube, level, self._watch, following)
        except _Rebuilt:
            return self._queries.step_into(cube, level, self._watch, following)

    def _outside(self, part: Cube, whole: Cube) -> Cube:
        """A part of a cube without initial states: what is missing for that is put back."""
        for literal in sorted(whole - part):
            if not self._queries.begins_in(part, self._watch):
                break
            part |= {literal}
        return part

    def _generalised(self, cube: Cube, level: int, depth: int = 0) -> Cube:
        """A smaller cube that no state of the frame below steps into either.

        What it says of one member is dropped as a whole first: the fewer members, the more copies.
        """
        for member in self._orbits.members(cube):
            smaller = self._orbits.without(cube, member)
            if smaller and smaller < cube:
                cube = self._below(smaller, level, depth) or cube
        for literal in sorted(cube, key=lambda literal: (abs(literal), literal), reverse=True):
            if literal in cube and len(cube) > 1:
                cube = self._below(cube - {literal}, level, depth) or cube
        return cube

    def _below(self, cube: Cube, level: int, depth: int) -> Cube | None:
        """A part of a cube that no state of the frame below steps into, if one is found easily."""
        obstacles = 0
        obstacles_max = CHAIN_BREADTH_MAX if level == FOREVER else OBSTACLES_MAX
        while not self._queries.begins_in(cube, self._watch):
            if level == FOREVER:
                self._left -= 1
                if self._left < 0:
                    return None
            found = self._step_into(cube, level - 1)
            if not isinstance(found, _Obligation):
                return self._outside(found, cube)
            if obstacles < obstacles_max:
                obstacles += 1
                if self._removed(found, level, depth + 1):
                    continue
            # What the state and the cube have in common may be excluded with the state.
            obstacles = 0
            cube &= found.whole()
            if not cube:
                break
        return None

    def _removed(self, obstacle: _Obligation, level: int, depth: int) -> bool:
        """Exclude a state from the frame below, where no state of the one below that steps into it."""
        if level == FOREVER:
            return depth <= CHAIN_MAX and self._forever(obstacle.cube, CHAIN_MAX - depth)
        level -= 1
        if level == 0 or depth > OBSTACLE_DEPTH_MAX:
            return False
        queries, watch = self._queries, self._watch
        if queries.begins_in(obstacle.cube, watch):
            return False
        found = self._step_into(obstacle.cube, level - 1)
        if isinstance(found, _Obligation):
            return False
        lemma = self._generalised(self._outside(found, obstacle.cube), level, depth)
        top = len(queries.frames) - 1
        while level < top and not isinstance(self._step_into(lemma, level), _Obligation):
            level += 1
        queries.learn(lemma, level)
        return True

    def _propagate(self) -> int | None:
        """Carry lemmas to later frames; returns a frame that is equal to the next one."""
        queries = self._queries
        for level in range(1, len(queries.frames) - 1):
            for lemma in sorted(queries.frames[level], key=sorted):
                if lemma in queries.frames[level] and not isinstance(
                    self._step_into(lemma, level), _Obligation
                ):
                    queries.learn(lemma, level + 1)
            if not queries.frames[level]:
                return level
        return None

    def _refuted(self, obligation: _Obligation) -> Refuted:
        """The run that follows the obligations' inputs from an initial state."""
        system = self._system
        rows = [self._queries.initial_row(obligation.cube, self._watch)]
        chain = [obligation]
        while (following := chain[-1].following) is not None:
            chain.append(following)
        for one in chain:
            values = dict(zip((lit >> 1 for lit in system.state), rows[-1], strict=True))
            values |= dict(zip((lit >> 1 for lit in system.inputs), one.inputs, strict=True))
            rows.append(tuple(system.circuit.evaluated(system.following, values)))
        return Refuted(tuple(rows[:-1]), rows[-1])


def _literals(row: Sequence[bool]) -> Cube:
    return frozenset([position + 1 if bit else -position - 1 for position, bit in enumerate(row)])


def _names(copy: Copy, row: Sequence[int], cube: Iterable[int]) -> list[int]:
    return [copy[row[abs(lit) - 1]] * (1 if lit > 0 else -1) for lit in cube]


def _is_true(solver: Solver, name: int) -> bool:
    return solver.value(abs(name)) == (name > 0)
