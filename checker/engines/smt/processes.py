"""Symbolic execution of a process: from a label, through its call and its own code, to the next labels."""

from __future__ import annotations

from collections.abc import Iterable

from checker.engines.smt.circuit import FALSE, TRUE
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.evaluation import UNROLLED_MAX, Executor, Path, is_same
from checker.engines.smt.layout import ProcessSymbols, Unsure
from checker.engines.smt.symbols import Num, Symbol, number
from checker.errors import ModelErrorKind
from checker.ir.program import Await, Branch, End, Fail, Goto, Label, OperationCall, Process, Program
from checker.ir.statements import LOOP_STEPS_MAX
from checker.ir.types import NONE, NoneType, OptionType, Type
from checker.semantics.rules import CALL_FAILED, CALL_TIMED_OUT

#: Where a path that waits keeps the number of its label, among its locals: no local is called so.
LABEL = "<label>"
ATTEMPT = "<attempt>"
APPLIED = "<applied>"


class ProcessExecutor:
    """Runs one process for an instance that may itself be unknown.

    A path that has come to an await has the live locals there and, beside them, the three of the names
    above. ``unsure`` collects what is live at a label without a value on every way to it.
    """

    def __init__(
        self, program: Program, process: Process, me: Num, executor: Executor, unsure: set[Unsure]
    ) -> None:
        self._process = process
        self._program = program
        self._me = me
        self._executor = executor
        self._unsure = unsure
        self._order = _reverse_postorder(process)

    # Steps

    def start(self, path: Path) -> Path | None:
        """Begin an iteration: run up to the first awaits."""
        path.locals = self._own()
        return self._run(path, self._process.entry)

    def answered(self, label: Label, path: Path, applied: int) -> Path | None:
        """The call is applied, where it was not before, and answered; the process goes on."""
        executor = self._executor
        kept = self._kept(label, path)
        again = path.fork(executor.circuit.and_(path.alive, applied))
        path.alive = executor.circuit.and_(path.alive, applied ^ 1)
        after, result, raised = self._apply(label, path)
        if again.alive != FALSE and not isinstance(self._returns(label.call), NoneType | OptionType):
            raise Unsupported(f"{label.call.name} is applied once, but its answer is not None")
        if again.alive != FALSE:
            result = executor.symbols.choose(applied, None, result) if after is not None else None
        ended = [self._raise_in(label, error, at) for error, at in raised.items()]
        going = executor.join(again, after, applied)
        if going is not None:
            going.locals = dict(kept)
            if label.result is not None:
                going.locals[label.result] = TRUE, result
            ended.append(self._run(going, label.resume))
        return executor.joined(path for path in ended if path is not None)

    def failed(self, label: Label, path: Path, waiting: ProcessSymbols, last: int) -> Path | None:
        """The call fails before it is applied: the SDK tries again, or the process sees the failure."""
        executor = self._executor
        final = path.fork(executor.circuit.and_(path.alive, last))
        path.alive = executor.circuit.and_(path.alive, last ^ 1)
        retry = self._retrying(label, path, waiting, waiting.applied)
        if final.alive == FALSE:
            return retry
        return executor.join(self._raise_in(label, CALL_FAILED, final), retry, last)

    def unanswered(self, label: Label, path: Path, waiting: ProcessSymbols, last: int) -> Path | None:
        """The call is applied and its answer lost, or, at the last attempt, it may not have arrived."""
        executor = self._executor
        circuit, kept = executor.circuit, self._kept(label, path)
        arrives = TRUE
        if last != FALSE:
            # One alternative of the last attempt is that the call did not arrive.
            (lost,) = executor.choice(2, path)
            arrives = circuit.or_(last ^ 1, lost ^ 1)
        applies = circuit.and_(waiting.applied ^ 1, arrives)
        missing = path.fork(circuit.and_(path.alive, applies ^ 1))
        path.alive = circuit.and_(path.alive, applies)
        applied, _, raised = self._apply(label, path)
        for error in raised.values():
            # A call that answers with a service error has no answer to lose: that is the step FAIL.
            executor.require(error, FALSE)
        after = executor.join(applied, missing, applies)
        if after is None or after.alive == FALSE:
            return None
        after.locals = dict(kept)
        final = after.fork(circuit.and_(after.alive, last))
        after.alive = circuit.and_(after.alive, last ^ 1)
        took_effect = circuit.or_(waiting.applied, TRUE if label.call.applied_once else FALSE)
        retry = self._retrying(label, after, waiting, took_effect)
        if final.alive == FALSE:
            return retry
        return executor.join(self._raise_in(label, CALL_TIMED_OUT, final), retry, last)

    # Parts of steps

    def _retrying(self, label: Label, path: Path, waiting: ProcessSymbols, applied: int) -> Path | None:
        if path.alive == FALSE:
            return None
        # The attempt is below the last one here, so that one more fits.
        raised = Num(tuple(self._incremented(waiting.attempt)), 0, waiting.attempt.high)
        path.locals[LABEL] = TRUE, number(label.id)
        path.locals[ATTEMPT] = TRUE, raised
        path.locals[APPLIED] = TRUE, applied
        return path

    def _incremented(self, attempt: Num) -> Iterable[int]:
        carry = TRUE
        for bit in attempt.bits:
            yield self._executor.circuit.xor(bit, carry)
            carry = self._executor.circuit.and_(bit, carry)

    def _returns(self, call: OperationCall) -> Type:
        if call.cancelled is not None:
            return NONE
        return self._program.routines[call.parts[-1].routine].returns

    def _apply(self, label: Label, path: Path) -> tuple[Path | None, Symbol, dict[str, Path]]:
        """Run the operations of a call. Returns the path after it, its result, and paths by service error."""
        executor = self._executor
        before, kept = dict(path.variables), path.locals
        executor.raised = []
        going: Path | None = path
        result: Symbol = None
        for part in label.call.parts:
            if going is None or going.alive == FALSE:
                break
            values = [executor.value(arg, going) for arg in part.args]
            going, result = executor.call(part.routine, values, going)
        raised: dict[str, Path] = {}
        for at, error in executor.raised:
            at.variables, at.locals = dict(before), dict(kept)
            name = label.call.cancelled or error
            joined = executor.join(at, raised.get(name))
            if joined is not None:
                raised[name] = joined
        executor.raised = []
        return going, None if label.call.cancelled is not None else result, raised

    def _raise_in(self, label: Label, error: str, path: Path) -> Path | None:
        for handler in label.handlers:
            if error in handler.errors:
                path.locals = self._kept(label, path)
                return self._run(path, handler.block)
        return self.start(path)

    def _own(self) -> dict[str, tuple[int, Symbol]]:
        parameter = self._process.parameter
        return {} if parameter is None else {parameter: (TRUE, self._me)}

    def _kept(self, label: Label, path: Path) -> dict[str, tuple[int, Symbol]]:
        """What a process has at a label, without what its call left behind."""
        found = {name: path.locals[name] for name in label.live if name in path.locals}
        return {**found, **self._own()}

    # The process' own code

    def _run(self, path: Path, number_: int) -> Path | None:
        """Run from a block to awaits: block by block, joining the paths that meet at one."""
        executor = self._executor
        pending: dict[int, Path] = {number_: path}
        visits: dict[int, int] = {}
        seen: dict[int, Path] = {}
        waiting: Path | None = None
        while pending:
            block_id = min(pending, key=self._order.__getitem__)
            going = pending.pop(block_id)
            if going.alive == FALSE:
                continue
            visits[block_id] = visits.get(block_id, 0) + 1
            if visits[block_id] > 2 and not self._goes_on(block_id, going, visits[block_id], seen):
                continue
            block = self._process.blocks[block_id]
            after = executor.plain(block.body, going)
            if after is None or after.alive == FALSE:
                continue
            match block.terminator:
                case Goto(target):
                    self._reach(pending, target, after)
                case Branch(condition, then, orelse):
                    self._branch(pending, executor.value(condition, after), then, orelse, after)
                case Await(label):
                    waiting = executor.join(self._wait(after, label), waiting)
                case End() | Fail():
                    after.locals = self._own()
                    self._reach(pending, self._process.entry, after)
        return waiting

    def _goes_on(self, block: int, path: Path, visits: int, seen: dict[int, Path]) -> bool:
        """Whether a block that was visited before is worth another visit; false at an endless loop."""
        executor = self._executor
        if not executor.around.feasible(path.alive):
            return False
        if (block in seen and is_same(seen[block], path)) or visits > LOOP_STEPS_MAX:
            executor.fail(path, TRUE, ModelErrorKind.LOOP, self._process.location)
            return False
        if visits > UNROLLED_MAX:
            raise Unsupported(f"a loop of more than {UNROLLED_MAX} rounds in {self._process.name}")
        seen[block] = path.fork(path.alive)
        return True

    def _branch(self, pending: dict[int, Path], test: int, then: int, orelse: int, path: Path) -> None:
        if path.alive == FALSE:
            return
        if test <= TRUE:
            self._reach(pending, then if test else orelse, path)
            return
        circuit = self._executor.circuit
        self._reach(pending, then, path.fork(circuit.and_(path.alive, test)))
        self._reach(pending, orelse, path.fork(circuit.and_(path.alive, test ^ 1)))

    def _reach(self, pending: dict[int, Path], block: int, path: Path) -> None:
        joined = self._executor.join(path, pending.get(block))
        if joined is not None:
            pending[block] = joined

    def _wait(self, path: Path, label_id: int) -> Path:
        label = self._process.labels[label_id]
        kept: dict[str, tuple[int, Symbol]] = {}
        for name in label.live:
            there, value = path.locals.get(name, (FALSE, None))
            if there != TRUE:
                self._unsure.add((self._process.name, label_id, name))
            if there != FALSE:
                kept[name] = there, self._stored(name, there, value, path, label)
        path.locals = kept
        path.locals[LABEL] = TRUE, number(label_id)
        path.locals[ATTEMPT] = TRUE, number(0)
        path.locals[APPLIED] = TRUE, FALSE
        return path

    def _stored(self, name: str, there: int, value: Symbol, path: Path, label: Label) -> Symbol:
        executor = self._executor
        type_ = self._process.locals[name]
        return executor.where(path, there, lambda: executor.stored(type_, value, path, label.location))


def _reverse_postorder(process: Process) -> dict[int, int]:
    """A rank for every block, so that a block comes after those that lead to it, loops aside."""
    seen: set[int] = set()
    finished: list[int] = []
    starts = [process.entry, *(label.resume for label in process.labels)]
    starts += [handler.block for label in process.labels for handler in label.handlers]
    for start in starts:
        todo: list[tuple[int, bool]] = [(start, False)]
        while todo:
            block, is_done = todo.pop()
            if is_done:
                finished.append(block)
            elif block not in seen:
                seen.add(block)
                todo.append((block, True))
                match process.blocks[block].terminator:
                    case Goto(target):
                        todo.append((target, False))
                    case Branch(_, then, orelse):
                        todo += [(orelse, False), (then, False)]
                    case End() | Fail():
                        todo.append((process.entry, False))
                    case _:
                        pass
    return {block: rank for rank, block in enumerate(reversed(finished))}
