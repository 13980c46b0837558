"""A program as a transition system of circuits: the rules of ``checker.semantics.rules`` once more.

One step is a function of the state and of inputs: which rule, which process instance, which choices. It
says whether these inputs are a step, what the next state is, and which model errors it runs into.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
from checker.engines.smt.cnf import Feasibility
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.evaluation import Executor, Fault, Path, Surroundings
from checker.engines.smt.layout import (
    EXACT,
    Abstraction,
    Capacities,
    Layout,
    ProcessSymbols,
    StateSymbols,
    Unsure,
)
from checker.engines.smt.numbers import Numbers
from checker.engines.smt.oracle import Solver
from checker.engines.smt.processes import APPLIED, ATTEMPT, LABEL, ProcessExecutor
from checker.engines.smt.quantify import Quantifier
from checker.engines.smt.symbols import Num, Seq, Symbol, Symbols, lifted, number
from checker.errors import InternalError
from checker.ir.assigned import assigned_at_labels
from checker.ir.copies import counts_copies
from checker.ir.program import Action, Label, Process, Program, Property, PropertyKind
from checker.ir.types import IndexType, Type
from checker.ir.values import domain

_CRASH, _FAIL, _AMBIGUOUS = 0, 1, 2


@dataclass(frozen=True, slots=True)
class AskedProperty:
    """A property over ``System.state``, and for a TRANSITION one ``System.before``.

    ``hit`` holds where the property is false, or, for a REACHABLE one, true; where it is to be asked of
    quiescent states only, ``hit`` and ``faults`` hold in those only.
    """

    property: Property
    hit: int
    faults: tuple[Fault, ...]


@dataclass(frozen=True, slots=True)
class System:
    """The transition system.

    ``state`` and ``before`` are rows of inputs. ``following`` and ``valid`` (these inputs are a step)
    depend on ``state`` and ``inputs``; ``faults`` are the step's model errors, ``beyond`` is where it
    leaves the layout's capacities. ``initial`` and its like depend on ``initial_inputs`` only. ``rests``
    and ``stuck``, a quiescent state and one with a process in the middle of its work, on ``state``.
    ``uses`` lists for each index set what a step picks from it by its parameters or by who makes it: one
    row for each pick, and in it a literal over the inputs for each member.
    """

    program: Program
    layout: Layout
    circuit: Circuit
    state: tuple[int, ...]
    before: tuple[int, ...]
    inputs: tuple[int, ...]
    following: tuple[int, ...]
    valid: int
    faults: tuple[Fault, ...]
    beyond: int
    initial_inputs: tuple[int, ...]
    initial: tuple[int, ...]
    initial_valid: int
    initial_faults: tuple[Fault, ...]
    initial_beyond: int
    properties: tuple[AskedProperty, ...]
    rests: int
    stuck: int
    uses: Mapping[str, tuple[tuple[int, ...], ...]]


def encode(
    program: Program,
    make: Callable[[], Solver],
    capacities: Capacities | None = None,
    look: Callable[[], None] = lambda: None,
    one_hot: frozenset[str] = frozenset(),
    abstraction: Abstraction = EXACT,
) -> System:
    """Encode a program.

    Args:
        make: gives a solver, which decides when loops end and which model errors are possible.
        capacities: of bags and FIFOs.
        look: called from time to time; what it raises ends the encoding.
        one_hot: names the index sets whose members have a bit each in a row.
        abstraction: what is left open.

    Raises:
        Unsupported: only the explicit engine can take this program.
    """
    unsure = _unsure(program)
    while True:
        # What the graph of a process shows to have a value has one; the circuit is asked all the same.
        encoder = _Encoder(program, make(), capacities or Capacities(), unsure, look, one_hot, abstraction)
        try:
            system = encoder.system()
        finally:
            encoder.close()
        if encoder.unsure <= unsure:
            # A certificate is made of what was proved in time, however late it is by then.
            system.circuit.unwatched()
            return system
        unsure |= encoder.unsure


def _unsure(program: Program) -> frozenset[Unsure]:
    """What is live at a label but not assigned on every way there."""
    found: set[Unsure] = set()
    for process in program.processes:
        assigned = assigned_at_labels(process)
        for label in process.labels:
            found |= {(process.name, label.id, name) for name in label.live if name not in assigned[label.id]}
    return frozenset(found)


@dataclass(slots=True)
class _Step:
    """One rule's steps: under which inputs they happen, and what they change.

    ``enabled`` is where they happen or run into a model error.
    """

    valid: int
    after: StateSymbols | None
    enabled: int = FALSE
    faults: list[Fault] = field(default_factory=list)
    is_free: bool = True
    picks: tuple[tuple[IndexType, Num], ...] = ()


class _Encoder:
    def __init__(
        self,
        program: Program,
        solver: Solver,
        capacities: Capacities,
        unsure: frozenset[Unsure],
        look: Callable[[], None],
        one_hot: frozenset[str],
        abstraction: Abstraction,
    ) -> None:
        self._program = program
        self._circuit = Circuit(look)
        self._symbols = Symbols(self._circuit)
        self._numbers = Numbers(self._symbols)
        self._layout = Layout(program, self._symbols, capacities, unsure, one_hot, abstraction)
        self._names_elsewhere = self._layout.packing.names_elsewhere if abstraction.elsewhere else None
        self._abstraction = abstraction
        if abstraction.bags_saturate and counts_copies(program):
            raise Unsupported("the model tells how many copies a bag holds")
        #: Inputs that say whether a bag which is full still is with one copy less.
        self._open_copies: list[int] = []
        self._assumed = unsure
        self.unsure: set[Unsure] = set()
        self._feasible = Feasibility(self._circuit, solver)
        self._row = self._circuit.inputs(self._layout.bits)
        self._before_row = self._circuit.inputs(self._layout.bits)
        self._state = self._layout.symbols(self._row)
        self._instance_bits = self._circuit.inputs(
            max([0, *((process.instances - 1).bit_length() for process in program.processes)])
        )
        self._pool: list[int] = []
        self._budget_of = {name: i for i, name in enumerate(program.budgets.names)}
        self._idle = [self._is_idle(self._state, i) for i in range(program.process_count)]

    def close(self) -> None:
        """Free the solver."""
        self._feasible.close()

    # The system

    def system(self) -> System:
        """Encode everything."""
        circuit = self._circuit
        steps = self._steps()
        rule_bits = circuit.inputs((len(steps) - 1).bit_length() if steps else 0)
        valid, following, faults, beyond = self._selected(steps, rule_bits)
        rests = self._rests(steps)
        busy = [lit ^ 1 for lit in self._idle]
        initial = self._initial()
        return System(
            self._program,
            self._layout,
            circuit,
            tuple(self._row),
            tuple(self._before_row),
            (*rule_bits, *self._instance_bits, *self._pool, *self._open_copies),
            tuple(following),
            valid,
            tuple(faults),
            beyond,
            *initial,
            tuple(self._asked(prop, rests) for prop in self._program.properties),
            rests,
            circuit.and_(rests, circuit.any(busy)),
            self._uses(steps, rule_bits),
        )

    def _selected(
        self, steps: Sequence[_Step], rule_bits: list[int]
    ) -> tuple[int, list[int], list[Fault], int]:
        """The one step that the rule's bits choose."""
        circuit = self._circuit
        numbers = list(range(len(steps)))
        cases = self._symbols.cases(Num(tuple(rule_bits), 0, max(len(steps) - 1, 0))) if steps else {}
        unused = [FALSE] * ((1 << len(rule_bits)) - len(steps))
        valid = self._symbols.indexed(rule_bits, [step.valid for step in steps] + unused) if steps else FALSE
        rows, beyond = [], []
        for chosen in numbers:
            outside: list[int] = []
            after = steps[chosen].after
            rows.append(self._row if after is None else self._layout.row(after, outside))
            taken = circuit.and_(cases[chosen], steps[chosen].valid)
            beyond += [circuit.and_(taken, lit) for lit in outside]
        following = [
            self._symbols.indexed(rule_bits, [row[i] for row in rows]) if rows else self._row[i]
            for i in range(self._layout.bits)
        ]
        faults = [
            Fault(circuit.and_(cases[chosen], fault.literal), fault.kind, fault.location)
            for chosen in numbers
            for fault in steps[chosen].faults
        ]
        leaves = circuit.any(beyond)
        valid = circuit.and_(valid, self._canonical(steps, rows, cases, rule_bits))
        return circuit.and_(valid, leaves ^ 1), following, _grouped(circuit, faults), leaves

    def _uses(
        self, steps: Sequence[_Step], rule_bits: Sequence[int]
    ) -> dict[str, tuple[tuple[int, ...], ...]]:
        """What steps pick from each index set."""
        cases = self._symbols.cases(Num(tuple(rule_bits), 0, max(len(steps) - 1, 0))) if steps else {}
        found: dict[str, tuple[tuple[int, ...], ...]] = {}
        for index in self._program.index_sets:
            picks = [[value for one, value in step.picks if one.name == index.name] for step in steps]
            rows = []
            for place in range(max([0, *map(len, picks)])):
                row = [
                    self._circuit.any(
                        self._circuit.and_(cases[chosen], self._symbols.equal(values[place], number(member)))
                        for chosen, values in enumerate(picks)
                        if place < len(values)
                    )
                    for member in range(index.size)
                ]
                rows.append(tuple(row))
            found[index.name] = tuple(rows)
        return found

    def _canonical(
        self,
        steps: Sequence[_Step],
        rows: Sequence[Sequence[int]],
        cases: Mapping[int, int],
        rule_bits: Sequence[int],
    ) -> int:
        """That inputs which the chosen rule does not look at are 0: otherwise one step would be many."""
        circuit = self._circuit
        free = [*self._instance_bits, *self._pool, *self._open_copies]
        wanted = []
        for chosen, step in enumerate(steps):
            used = set(circuit.cone([step.valid, *rows[chosen], *(fault.literal for fault in step.faults)]))
            unused = [lit ^ 1 for lit in free if lit >> 1 not in used]
            wanted.append(circuit.all(unused))
        unused_codes = [TRUE] * ((1 << len(rule_bits)) - len(steps))
        literal: int = self._symbols.indexed(rule_bits, wanted + unused_codes) if steps else TRUE
        return literal

    def _steps(self) -> list[_Step]:
        program = self._program
        steps = [self._action(action) for action in program.actions if action.budget is None]
        budgets = program.budgets
        for process in program.processes:
            calls = self._calls(process)
            steps.append(calls)
            if budgets.fail or budgets.ambiguous:
                # A call can only fail where it could be answered, whatever is chosen then.
                enabled = Quantifier(self._circuit, {lit >> 1 for lit in self._pool}).exists(calls.enabled)
                steps += [self._failing(process, enabled, _FAIL)] * bool(budgets.fail)
                steps += [self._failing(process, enabled, _AMBIGUOUS)] * bool(budgets.ambiguous)
        if budgets.crash:
            steps += [self._crash(process) for process in program.processes]
        for action in program.actions:
            if action.budget is not None and budgets.amounts[self._budget_of[action.budget]]:
                steps.append(self._action(action))
        return steps

    def _rests(self, steps: Sequence[_Step]) -> int:
        free = [step.enabled for step in steps if step.is_free]
        if not {lit >> 1 for lit in self._open_copies}.isdisjoint(self._circuit.cone(free)):
            raise Unsupported("whether a step is possible depends on how many copies a bag holds")
        quantifier = Quantifier(self._circuit, {lit >> 1 for lit in [*self._pool, *self._instance_bits]})
        return self._circuit.any(quantifier.exists(step.enabled) for step in steps if step.is_free) ^ 1

    def _possible(self, faults: Sequence[Fault]) -> list[Fault]:
        """The model errors that some state may run into, even one that no run reaches.

        Most cannot happen for reasons that a circuit does not show: what was chosen from a bag can be
        removed from it.
        """
        return [fault for fault in _grouped(self._circuit, faults) if self._feasible(fault.literal)]

    # Steps

    def _around(self, caller: Num | None, pool: list[int] | None = None) -> Surroundings:
        chosen = self._pool if pool is None else pool
        return self._surrounded(chosen, caller)

    def _surrounded(
        self, pool: list[int], caller: Num | None, old: dict[str, Symbol] | None = None
    ) -> Surroundings:
        copies_max = self._layout.packing.capacities.bag_count_max
        return Surroundings(
            pool,
            self._feasible,
            caller,
            self._idle,
            old or {},
            names_elsewhere=self._names_elsewhere,
            bounds_of=self._layout.packing.bounds_of,
            copies_open_at=copies_max if self._abstraction.bags_saturate else None,
            open_copies=self._open_copies,
        )

    def _path(self, alive: int = TRUE) -> Path:
        return Path(alive, dict(self._state.variables), {})

    def _action(self, action: Action) -> _Step:
        around = self._around(None)
        executor = Executor(self._program, self._symbols, around)
        path = self._path()
        budgets = self._state.budgets
        if action.budget is not None:
            budgets, path.alive = self._spent(self._budget_of[action.budget])
        begun = path.alive
        values = [executor.choose(_all_of(parameter.type), path) for parameter in action.parameters]
        is_free = action.budget is None
        if path.alive == FALSE:
            return _Step(FALSE, None, is_free=is_free)
        after, _ = executor.call(action.routine, values, path)
        if executor.raised:
            raise InternalError(f"{action.name} raises a service error")
        enabled = self._enabled(begun, around)
        if after is None:
            return _Step(FALSE, None, enabled, self._possible(around.faults), is_free)
        state = replace(self._state, variables=after.variables, budgets=budgets)
        given = zip(action.parameters, values, strict=True)
        picks = tuple((one.type, value) for one, value in given if isinstance(one.type, IndexType))
        return _Step(after.alive, state, enabled, self._possible(around.faults), is_free, picks)

    def _enabled(self, begun: int, around: Surroundings) -> int:
        """Where code that was begun ends in a state or a model error: where nothing blocks it.

        Said so, it leaves out all that the code does behind its last guard.
        """
        return self._circuit.and_(begun, self._circuit.any(around.blocked) ^ 1)

    def _spent(self, position: int) -> tuple[tuple[Num, ...], int]:
        """The budgets with one less of one of them, and where there is one left."""
        budgets = self._state.budgets
        if self._abstraction.faults_are_endless:
            return budgets, TRUE
        left = budgets[position]
        one_less = self._numbers.subtract(left, number(1))
        kept = Num(tuple(one_less.bit(i) for i in range(len(left.bits))), 0, left.high)
        return (*budgets[:position], kept, *budgets[position + 1 :]), self._circuit.any(left.bits)

    def _calls(self, process: Process) -> _Step:
        def run(code: ProcessExecutor, label: Label, path: Path, waiting: ProcessSymbols) -> Path | None:
            return code.answered(label, path, waiting.applied)

        return self._at_labels(process, run, TRUE, self._state.budgets, is_free=True)

    def _failing(self, process: Process, enabled: int, position: int) -> _Step:
        budgets, left = self._spent(position)
        last_attempt = number(self._layout.attempts_max - 1)

        def run(code: ProcessExecutor, label: Label, path: Path, waiting: ProcessSymbols) -> Path | None:
            last = self._symbols.equal(waiting.attempt, last_attempt)
            fails = code.failed if position == _FAIL else code.unanswered
            return fails(label, path, waiting, last)

        return self._at_labels(process, run, self._circuit.and_(enabled, left), budgets, is_free=False)

    def _crash(self, process: Process) -> _Step:
        budgets, left = self._spent(_CRASH)
        waiting, me = self._instance(process)
        around = self._around(self._caller(process, me))
        executor = Executor(self._program, self._symbols, around)
        idle = self._idle_at(process, waiting.label)
        path = self._path(self._circuit.all((left, idle ^ 1, self._exists(process))))
        code = ProcessExecutor(self._program, process, me, executor, self.unsure)
        after = code.start(path)
        return self._process_step(process, after, around.faults, budgets, FALSE, is_free=False)

    def _at_labels(
        self,
        process: Process,
        run: Callable[[ProcessExecutor, Label, Path, ProcessSymbols], Path | None],
        condition: int,
        budgets: tuple[Num, ...],
        is_free: bool,
    ) -> _Step:
        """What an instance does from whichever label it waits at."""
        circuit = self._circuit
        waiting, me = self._instance(process)
        condition = circuit.and_(condition, self._exists(process))
        faults: list[Fault] = []
        enabled: list[int] = []
        result: Path | None = None
        for label in process.labels:
            around = self._around(self._caller(process, me))
            executor = Executor(self._program, self._symbols, around)
            code = ProcessExecutor(self._program, process, me, executor, self.unsure)
            path = self._path()
            path.locals = self._locals(process, label, waiting, me)
            executor.require(path, self._is_here(process, path))
            # Only a call that a retry does not repeat is ever known to have been applied.
            applied = waiting.applied if label.call.applied_once else FALSE
            after = run(code, label, path, replace(waiting, applied=applied))
            here = circuit.and_(condition, self._symbols.equal(waiting.label, number(label.id)))
            enabled.append(self._enabled(here, around))
            for fault in around.faults:
                literal = circuit.and_(here, fault.literal)
                faults += [Fault(literal, fault.kind, fault.location)] * (literal != FALSE)
            if after is not None:
                # All that was begun is there again, but for what was blocked or ran into a model error.
                gone = circuit.any([*around.blocked, *(fault.literal for fault in around.faults)])
                after.alive = circuit.and_(here, gone ^ 1)
                at_label = self._symbols.equal(waiting.label, number(label.id))
                joiner = Executor(self._program, self._symbols, around)
                result = joiner.join(after, result, at_label)
        return self._process_step(process, result, faults, budgets, circuit.any(enabled), is_free)

    def _process_step(
        self,
        process: Process,
        after: Path | None,
        faults: list[Fault],
        budgets: tuple[Num, ...],
        enabled: int,
        is_free: bool,
    ) -> _Step:
        if after is None or after.alive == FALSE:
            return _Step(FALSE, None, enabled, self._possible(faults), is_free)
        processes = list(self._state.processes)
        ended = _waiting(after)
        for index in range(process.instances):
            instance = process.first_instance + index
            chosen = self._is_chosen(process, index)
            processes[instance] = self._either(chosen, ended, processes[instance])
        state = StateSymbols(after.variables, tuple(processes), budgets)
        _, me = self._instance(process)
        picks = () if process.index is None else ((process.index, me),)
        return _Step(after.alive, state, enabled, self._possible(faults), is_free, picks)

    # Processes

    def _bits_of(self, process: Process) -> list[int]:
        return self._instance_bits[: (process.instances - 1).bit_length()]

    def _exists(self, process: Process) -> int:
        bits = self._bits_of(process)
        there = [TRUE] * process.instances + [FALSE] * ((1 << len(bits)) - process.instances)
        literal: int = self._symbols.indexed(bits, there)
        return literal

    def _is_chosen(self, process: Process, index: int) -> int:
        bits = self._bits_of(process)
        return self._symbols.equal(Num(tuple(bits), 0, (1 << len(bits)) - 1), number(index))

    def _instance(self, process: Process) -> tuple[ProcessSymbols, Num]:
        """Where the chosen instance waits, and its index."""
        bits = self._bits_of(process)
        first = process.first_instance
        every = self._state.processes[first : first + process.instances]
        names = [place.name for place in self._layout.places[process.name]]
        chosen = ProcessSymbols(
            self._symbols.indexed(bits, [one.label for one in every]),
            self._symbols.indexed(bits, [one.attempt for one in every]),
            self._symbols.indexed(bits, [one.applied for one in every]),
            {
                name: (
                    self._symbols.indexed(bits, [one.locals[name][0] for one in every]),
                    self._symbols.indexed(bits, [one.locals[name][1] for one in every]),
                )
                for name in names
            },
        )
        me: Num = self._symbols.indexed(bits, [number(index) for index in range(process.instances)])
        return chosen, me

    def _caller(self, process: Process, me: Num) -> Num:
        return self._numbers.add(me, number(process.first_instance))

    def _locals(
        self, process: Process, label: Label, waiting: ProcessSymbols, me: Num
    ) -> dict[str, tuple[int, Symbol]]:
        found: dict[str, tuple[int, Symbol]] = {}
        for name in label.live:
            there, value = waiting.locals[name]
            is_sure = (process.name, label.id, name) not in self._assumed
            found[name] = TRUE if is_sure else there, value
        if process.parameter is not None:
            found[process.parameter] = TRUE, me
        return found

    def _is_here(self, process: Process, path: Path) -> int:
        """Where an instance holds no member that was left out; where it does, it was left out itself."""
        if self._names_elsewhere is None:
            return path.alive
        held = [(process.locals[name], there, value) for name, (there, value) in path.locals.items()]
        return self._circuit.all(
            [path.alive]
            + [
                self._circuit.and_(there, self._names_elsewhere(type_, value)) ^ 1
                for type_, there, value in held
            ]
        )

    def _idle_at(self, process: Process, label: Num) -> int:
        return self._circuit.any(
            self._symbols.equal(label, number(one.id)) for one in process.labels if one.idle
        )

    def _is_idle(self, state: StateSymbols, instance: int) -> int:
        process, _ = self._program.process_of(instance)
        return self._idle_at(process, state.processes[instance].label)

    def _either(self, condition: int, then: ProcessSymbols, orelse: ProcessSymbols) -> ProcessSymbols:
        choose = self._symbols.choose
        local = {}
        for name, (there_too, other) in orelse.locals.items():
            there, value = then.locals.get(name, (FALSE, None))
            kept = other if there == FALSE else choose(condition, value, other)
            local[name] = self._circuit.mux(condition, there, there_too), kept
        return ProcessSymbols(
            choose(condition, then.label, orelse.label),
            choose(condition, then.attempt, orelse.attempt),
            self._circuit.mux(condition, then.applied, orelse.applied),
            local,
        )

    # Initial states and properties

    def _initial(self) -> tuple[tuple[int, ...], tuple[int, ...], int, tuple[Fault, ...], int]:
        program, pool = self._program, list[int]()
        variables = {v.name: lifted(v.type, v.initial) for v in program.variables}
        path = Path(TRUE, variables, {})
        processes: list[ProcessSymbols] = []
        faults: list[Fault] = []
        for instance in range(program.process_count):
            process, index = program.process_of(instance)
            around = Surroundings(pool, self._feasible, number(instance), [TRUE] * program.process_count)
            executor = Executor(program, self._symbols, around)
            code = ProcessExecutor(program, process, number(index), executor, self.unsure)
            after = code.start(path.fork(path.alive))
            faults += around.faults
            if after is None or after.alive == FALSE:
                path.alive = FALSE
                break
            processes.append(_waiting(after))
            path = after
        budgets = tuple(number(amount) for amount in program.budgets.amounts)
        beyond: list[int] = []
        row = list(self._row)
        if path.alive != FALSE:
            row = self._layout.row(StateSymbols(path.variables, tuple(processes), budgets), beyond)
        return (
            tuple(pool),
            tuple(row),
            path.alive,
            tuple(_grouped(self._circuit, faults)),
            self._circuit.any(self._circuit.and_(path.alive, lit) for lit in beyond),
        )

    def _asked(self, prop: Property, rests: int) -> AskedProperty:
        old = self._layout.symbols(self._before_row).variables
        around = self._surrounded([], None, dict(old))
        executor = Executor(self._program, self._symbols, around)
        after, value = executor.call(prop.routine, [], self._path())
        alive = FALSE if after is None else after.alive
        asked = rests if prop.kind is PropertyKind.QUIESCENT else TRUE
        wanted = TRUE if prop.kind is PropertyKind.REACHABLE else FALSE
        hit = self._circuit.all((asked, alive, self._circuit.equal(value, wanted)))
        faults = [
            Fault(self._circuit.and_(asked, fault.literal), fault.kind, fault.location)
            for fault in around.faults
        ]
        return AskedProperty(prop, hit, tuple(self._possible(faults)))


def _waiting(path: Path) -> ProcessSymbols:
    """Where a process waits after a path that has come to awaits."""
    local = {name: value for name, value in path.locals.items() if name not in (LABEL, ATTEMPT, APPLIED)}
    return ProcessSymbols(path.locals[LABEL][1], path.locals[ATTEMPT][1], path.locals[APPLIED][1], local)


def _all_of(type_: Type) -> Seq:
    values = domain(type_)
    assert values is not None
    return Seq(tuple((TRUE, lifted(type_, value)) for value in values), packed=True)


def _grouped(circuit: Circuit, faults: Sequence[Fault]) -> list[Fault]:
    """One fault for each kind and place."""
    found: dict[tuple[object, object], list[Fault]] = {}
    for fault in faults:
        if fault.literal != FALSE:
            found.setdefault((fault.kind, fault.location), []).append(fault)
    return [
        Fault(circuit.any(fault.literal for fault in group), group[0].kind, group[0].location)
        for group in found.values()
    ]
