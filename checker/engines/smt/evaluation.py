"""Symbolic execution of the IR's expressions and statements.

A ``Path`` is the state of one execution that may or may not happen: ``alive`` is the literal under which
it is still running. Branches run on copies and are joined again, so that a routine gives one path for
each way to leave it, not one for each way through it. A model error is a literal, a kind and a place.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from checker.engines.smt.circuit import FALSE, TRUE, Circuit
from checker.engines.smt.errors import Unsupported
from checker.engines.smt.fitting import Bounds, clamped, misfit
from checker.engines.smt.operators import Operators
from checker.engines.smt.symbols import (
    BagOf,
    Num,
    Rec,
    Seq,
    Symbol,
    Symbols,
    bounds_of,
    lifted,
    number,
    placeholder,
)
from checker.errors import InternalError, Location, ModelErrorKind
from checker.ir.dependencies import OLD_PREFIX
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Domain,
    Expr,
    Fold,
    IfElse,
    Local,
    Logic,
    Op,
    PureCall,
    StateVar,
)
from checker.ir.iterables import bound_types
from checker.ir.program import Program
from checker.ir.statements import (
    LOOP_STEPS_MAX,
    Assert,
    Assign,
    Break,
    CallRoutine,
    Choose,
    Continue,
    For,
    Forget,
    If,
    Raise,
    Return,
    Stmt,
    When,
    While,
)
from checker.ir.types import PairsType, Type
from checker.ir.values import Value, always_fits, domain

_T = TypeVar("_T")

#: A loop whose end depends on the state is unrolled as often as this; the IR's own limit is far higher.
UNROLLED_MAX = 256


@dataclass(slots=True)
class Path:
    """One symbolic execution: what is known on it, and the literal under which it is running.

    A local is a literal that says whether it has a value, and the value. ``choices`` counts the bits of
    nondeterminism that were used up.
    """

    alive: int
    variables: dict[str, Symbol]
    locals: dict[str, tuple[int, Symbol]]
    choices: int = 0

    def fork(self, alive: int) -> Path:
        """A copy under another literal."""
        return Path(alive, dict(self.variables), dict(self.locals), self.choices)


@dataclass(frozen=True, slots=True)
class Fault:
    """A model error, and where it happens."""

    literal: int
    kind: ModelErrorKind
    location: Location | None


@dataclass(slots=True)
class Surroundings:
    """What one piece of code runs in, beside its path.

    ``pool`` are inputs of the circuit for choices, grown as needed and shared by pieces of code of which
    only one runs in a step. ``idle`` says of each process instance whether it is idle in the state
    before. ``feasible`` decides whether a literal can hold at all; it is asked to end loops. ``blocked`` is
    where what was begun is no step: a guard does not hold, or there is nothing to choose from.
    before. ``feasible`` decides whether a literal can hold at all; it is asked to end loops.
    ``names_elsewhere`` says where a value of a type names a member that was left out of the state, which
    ``bounds_of`` allows for.
    A bag that holds ``copies_open_at`` copies of an element may hold more.
    """

    pool: list[int]
    feasible: Callable[[int], bool]
    caller: Num | None = None
    idle: Sequence[int] = ()
    old: dict[str, Symbol] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)
    blocked: list[int] = field(default_factory=list)
    names_elsewhere: Callable[[Type, Symbol], int] | None = None
    bounds_of: Bounds = bounds_of
    copies_open_at: int | None = None
    open_copies: list[int] = field(default_factory=list)


class _Exits:
    """The paths that leave a loop, routine or call early.

    ``returns`` is shared by the loops of a routine.
    """

    def __init__(self) -> None:
        self.breaks: list[Path] = []
        self.continues: list[Path] = []
        self.returns: list[tuple[Path, Symbol]] = []

    def count(self) -> int:
        """How many paths have left."""
        return len(self.breaks) + len(self.continues) + len(self.returns)


class Executor:
    """Runs code symbolically. Service errors that were raised are collected in ``raised``."""

    def __init__(self, program: Program, symbols: Symbols, around: Surroundings) -> None:
        self._program = program
        self.symbols = symbols
        self.circuit: Circuit = symbols.circuit
        self.operators = Operators(symbols)
        self._types = {variable.name: variable.type for variable in program.variables}
        self.around = around
        self.raised: list[tuple[Path, str]] = []
        #: Where paths have ended, as they did: by a model error, at a guard, with a service error.
        self._gone: list[int] = []

    # Joining paths

    def join(self, ours: Path | None, theirs: Path | None, condition: int | None = None) -> Path | None:
        """One path for two of which at most one is running.

        ``condition`` holds on the first and not on the second; by default it is that the first is running.
        """
        if ours is None or ours.alive == FALSE:
            return theirs
        if theirs is None or theirs.alive == FALSE:
            return ours
        test = ours.alive if condition is None else condition
        choose = self.symbols.choose
        result = theirs.fork(self.circuit.or_(ours.alive, theirs.alive))
        for name, value in ours.variables.items():
            if value is not theirs.variables[name]:
                result.variables[name] = choose(test, value, theirs.variables[name])
        for name in dict.fromkeys([*ours.locals, *theirs.locals]):
            one, other = ours.locals.get(name), theirs.locals.get(name)
            if one is other:
                continue
            if one is None or other is None:
                there, value = one or other or (FALSE, None)
                side = test if other is None else test ^ 1
                result.locals[name] = self.circuit.and_(side, there), value
            elif FALSE in (one[0], other[0]):
                kept = other if one[0] == FALSE else one
                result.locals[name] = self.circuit.mux(test, one[0], other[0]), kept[1]
            else:
                result.locals[name] = (
                    self.circuit.mux(test, one[0], other[0]),
                    choose(test, one[1], other[1]),
                )
        result.choices = max(ours.choices, theirs.choices)
        return result

    def joined(self, paths: Iterable[Path]) -> Path | None:
        """One path for several of which at most one is running."""
        result: Path | None = None
        for path in paths:
            result = self.join(path, result)
        return result

    def _remaining(self, before: int, mark: int) -> int:
        """Where paths still run that were running as ``before`` when ``mark`` paths had gone.

        It is what their literals come to when they are joined, but without the conditions of the branches
        that they took: what does not end a path leaves no trace.
        """
        remaining = before
        for gone in self._gone[mark:]:
            remaining = self.circuit.and_(remaining, gone ^ 1)
        return remaining

    def require(self, path: Path, condition: int) -> None:
        """Let a path go on only where a condition holds; elsewhere it is no step."""
        literal = self.circuit.and_(path.alive, condition ^ 1)
        if literal != FALSE:
            self.around.blocked.append(literal)
            self._gone.append(literal)
            path.alive = self.circuit.and_(path.alive, condition)

    # Routines

    def call(self, name: str, args: Sequence[Symbol], path: Path) -> tuple[Path | None, Symbol]:
        """Run a routine in a scope of its own. Returns the path after it, and its result."""
        routine = self._program.routines[name]
        outer, before, mark = path.locals, path.alive, len(self._gone)
        path.locals = {
            parameter.name: (TRUE, arg) for parameter, arg in zip(routine.parameters, args, strict=True)
        }
        exits = _Exits()
        last = self.block(routine.body, path, exits)
        if last is not None and last.alive != FALSE:
            exits.returns.append((last, None))
        result: Path | None = None
        value: Symbol = placeholder(routine.returns)
        for returned, given in exits.returns:
            if returned.alive == FALSE:
                continue
            value = given if result is None else self.symbols.choose(returned.alive, given, value)
            result = self.join(returned, result)
        if result is not None:
            result.locals = outer
            result.alive = self._remaining(before, mark)
        return result, value

    # Expressions

    def fail(self, path: Path, condition: int, kind: ModelErrorKind, location: Location | None) -> None:
        """Note a model error where a condition holds, and end the path there."""
        literal = self.circuit.and_(path.alive, condition)
        if literal != FALSE:
            self.around.faults.append(Fault(literal, kind, location))
            self._gone.append(literal)
            path.alive = self.circuit.and_(path.alive, condition ^ 1)

    def where(self, path: Path, condition: int, evaluate: Callable[[], _T]) -> _T:
        """Evaluate what is evaluated only where a condition holds."""
        before = path.alive
        path.alive = inside = self.circuit.and_(before, condition)
        result = evaluate()
        if path.alive == inside:
            path.alive = before
        else:
            died = self.circuit.and_(inside, path.alive ^ 1)
            path.alive = self.circuit.and_(before, died ^ 1)
        return result

    def value(self, expr: Expr, path: Path) -> Symbol:
        """The value of an expression. Model errors end the path where they happen."""
        match expr:
            case Const(value=value, type=type_):
                return lifted(type_, value)
            case Local(name=name, type=type_, location=location):
                there, value = path.locals.get(name, (FALSE, None))
                self.fail(path, there ^ 1, ModelErrorKind.UNASSIGNED, location)
                return placeholder(type_) if there == FALSE else value
            case StateVar(name=name) if name.startswith(OLD_PREFIX):
                return self.around.old[name.removeprefix(OLD_PREFIX)]
            case StateVar(name=name):
                return path.variables[name]
            case Domain(of=of):
                values = domain(of)
                assert values is not None
                return Seq(tuple((TRUE, lifted(of, value)) for value in values), packed=True)
            case Connective(logic=logic, left=left, right=right):
                return self._connective(logic, left, right, path)
            case IfElse(condition=condition, then=then, orelse=orelse):
                test = self.value(condition, path)
                if test <= TRUE:
                    return self.value(then if test else orelse, path)
                yes = self.where(path, test, lambda: self.value(then, path))
                no = self.where(path, test ^ 1, lambda: self.value(orelse, path))
                return self.symbols.choose(test, yes, no)
            case PureCall(routine=routine, args=args):
                return self._pure_call(routine, [self.value(arg, path) for arg in args], path)
            case Comprehension():
                return self._comprehension(expr, path)
            case Apply():
                return self._apply(expr, path)

    def _connective(self, logic: Logic, left: Expr, right: Expr, path: Path) -> int:
        first: int = self.value(left, path)
        needed = first if logic is Logic.AND else first ^ 1
        if needed == FALSE:
            return first
        second: int = self.where(path, needed, lambda: self.value(right, path))
        combine = self.circuit.and_ if logic is Logic.AND else self.circuit.or_
        return combine(first, second)

    def _pure_call(self, routine: str, args: list[Symbol], path: Path) -> Symbol:
        inside = path.fork(path.alive)
        after, value = self.call(routine, args, inside)
        path.alive = FALSE if after is None else after.alive
        return value

    def _apply(self, expr: Apply, path: Path) -> Symbol:
        args = [self.value(arg, path) for arg in expr.args]
        if expr.op is Op.IS_IDLE:
            idle = self.around.idle
            found = [(lit, idle[i]) for i, lit in self.symbols.cases(args[0]).items() if i < len(idle)]
            return self.circuit.any(self.circuit.and_(lit, is_idle) for lit, is_idle in found)
        if expr.op is Op.CALLER:
            if self.around.caller is None:
                self.fail(path, TRUE, ModelErrorKind.CALLER, expr.location)
                return number(0)
            return self.around.caller
        if expr.op in (Op.BAG_ADD, Op.BAG_REMOVE, Op.BAG_DISCARD) and self.around.copies_open_at is not None:
            return self._of_open_bag(expr, args, path, self.around.copies_open_at)
        return self.operators.apply(
            expr, args, lambda condition, kind: self.fail(path, condition, kind, expr.location)
        )

    def _of_open_bag(self, expr: Apply, args: list[Symbol], path: Path, most: int) -> Symbol:
        """A copy more or less where ``most`` copies may be more than that: one less may be as many."""
        changed = self.operators.apply(
            expr, args, lambda condition, kind: self.fail(path, condition, kind, expr.location)
        )
        counts: dict[Value, Num] = {}
        stays = FALSE
        if expr.op is not Op.BAG_ADD:
            stays = self.circuit.input()
            self.around.open_copies.append(stays)
        for key, after in changed.counts.items():
            before = args[0].counts.get(key, number(0))
            is_open = self.circuit.and_(stays, self.symbols.equal(before, number(most)))
            kept = self.symbols.choose(is_open, before, after)
            counts[key] = self.operators.least(kept, number(most))
        return BagOf(counts)

    # Comprehensions

    def _comprehension(self, expr: Comprehension, path: Path) -> Symbol:
        names = [name for generator in expr.generators for name in generator.variables]
        hidden = {name: path.locals.get(name) for name in names}
        fold = _Fold(self, expr, path)
        self._generate(expr, 0, path, TRUE, fold)
        for name, before in hidden.items():
            path.locals.pop(name, None)
            if before is not None:
                path.locals[name] = before
        return fold.result()

    def _generate(self, expr: Comprehension, depth: int, path: Path, there: int, fold: _Fold) -> None:
        """Bind the variables of a generator to each of its values; ``there`` is where this is reached."""
        if depth == len(expr.generators):
            value = self.where(path, there, lambda: self.value(expr.body, path))
            fold.take(there, value)
            return
        generator = expr.generators[depth]
        # Where the fold has its answer, nothing more is evaluated.
        reached = self.circuit.and_(there, fold.goes_on)
        items = self.where(path, reached, lambda: self.value(generator.iterable, path)).items
        for present, value in items:
            holds = self.circuit.all((there, fold.goes_on, present, self._is_here(generator.iterable, value)))
            if self.circuit.and_(holds, path.alive) == FALSE:
                continue
            self.bind(generator.variables, value, path)
            for condition in generator.conditions:
                test = self.where(path, holds, lambda c=condition: self.value(c, path))  # type: ignore[misc]
                holds = self.circuit.and_(holds, test)
            if holds != FALSE:
                self._generate(expr, depth + 1, path, holds, fold)

    def _is_here(self, iterable: Expr, value: Symbol) -> int:
        """Where an element names no member that was left out: such an element was left out too."""
        if self.around.names_elsewhere is None:
            return TRUE
        types = bound_types(iterable)
        type_ = types[0] if len(types) == 1 else PairsType(*types)
        return self.around.names_elsewhere(type_, value) ^ 1

    def bind(self, names: tuple[str, ...], value: Symbol, path: Path) -> None:
        """Bind one variable to a value, or two to a pair."""
        if len(names) == 1:
            path.locals[names[0]] = TRUE, value
        else:
            assert isinstance(value, Rec)
            path.locals.update({name: (TRUE, part) for name, part in zip(names, value.fields, strict=True)})

    # Statements

    def block(self, statements: Sequence[Stmt], path: Path | None, exits: _Exits) -> Path | None:
        """Run statements in order; None where no path goes on behind them."""
        for statement in statements:
            if path is None or path.alive == FALSE:
                return None
            path = self.statement(statement, path, exits)
        return path

    def plain(self, statements: Sequence[Stmt], path: Path) -> Path | None:
        """Run a process' straight-line code, from which nothing returns."""
        exits = _Exits()
        after = self.block(statements, path, exits)
        if exits.returns or exits.breaks or exits.continues:
            raise InternalError("a process' block leaves what it is not in")
        return after

    def statement(self, statement: Stmt, path: Path, exits: _Exits) -> Path | None:
        """Run one statement."""
        match statement:
            case Assign():
                return self._assign(statement, path)
            case If(condition=condition, then=then, orelse=orelse):
                return self._if(self.value(condition, path), then, orelse, path, exits)
            case While():
                return self._while(statement, path, exits)
            case For():
                return self._for(statement, path, exits)
            case Choose(target=target, iterable=iterable):
                alternatives = self.value(iterable, path)
                chosen = self.choose(alternatives, path)
                path.locals[target.name] = TRUE, chosen
                return path if path.alive != FALSE else None
            case When(guard=guard):
                self.require(path, self.value(guard, path))
                return path
            case Return(value=value):
                result = None if value is None else self.value(value, path)
                exits.returns.append((path, result))
                return None
            case Raise(error=error):
                self.raised.append((path, error))
                self._gone.append(path.alive)
                return None
            case CallRoutine(target=target, routine=routine, args=args):
                after, result = self.call(routine, [self.value(arg, path) for arg in args], path)
                if after is not None and target is not None:
                    after.locals[target.name] = TRUE, result
                return after
            case Assert(condition=condition, location=location):
                self.fail(path, self.value(condition, path) ^ 1, ModelErrorKind.ASSERTION, location)
                return path
            case Forget(names=names):
                for name in names:
                    path.locals.pop(name, None)
                return path
            case Break():
                exits.breaks.append(path)
                return None
            case Continue():
                exits.continues.append(path)
                return None

    def choose(self, alternatives: Seq, path: Path) -> Symbol:
        """A nondeterministic choice; the path is running only where there is something to choose."""
        items = [item for item in alternatives.items if item[0] != FALSE]
        if not items:
            self.require(path, FALSE)
            return None
        bits = self.choice(len(items), path)
        # A position beyond the last item is no choice at all.
        there = [lit for lit, _ in items] + [FALSE] * ((1 << len(bits)) - len(items))
        self.require(path, self.symbols.indexed(bits, there))
        return self.symbols.indexed(bits, [value for _, value in items])

    def choice(self, count: int, path: Path) -> list[int]:
        """Fresh bits for a choice among ``count``, from a pool that code which runs in other steps shares."""
        width = (count - 1).bit_length()
        pool = self.around.pool
        while len(pool) < path.choices + width:
            pool.append(self.circuit.input())
        bits = pool[path.choices : path.choices + width]
        path.choices += width
        return bits

    def _assign(self, statement: Assign, path: Path) -> Path:
        value = self.value(statement.value, path)
        target = statement.target
        if isinstance(target, Local):
            path.locals[target.name] = TRUE, value
        else:
            path.variables[target.name] = self.stored(
                self._types[target.name], value, path, statement.location
            )
        return path

    def stored(self, type_: Type, value: Symbol, path: Path, location: Location | None) -> Symbol:
        """A value on its way into a state: one outside its type is a model error."""
        if not always_fits(type_):
            outside = misfit(self.symbols, type_, value, self.around.bounds_of)
            self.fail(path, outside, ModelErrorKind.OVERFLOW, location)
        return clamped(type_, value, self.around.bounds_of)

    def _if(
        self, test: int, then: Sequence[Stmt], orelse: Sequence[Stmt], path: Path, exits: _Exits
    ) -> Path | None:
        if test <= TRUE:
            return self.block(then if test else orelse, path, exits)
        before, mark, left = path.alive, len(self._gone), exits.count()
        yes = path.fork(self.circuit.and_(before, test))
        no = path.fork(self.circuit.and_(before, test ^ 1))
        after = self.join(self.block(then, yes, exits), self.block(orelse, no, exits), test)
        if after is not None and exits.count() == left:
            after.alive = self._remaining(before, mark)
        return after

    def _while(self, statement: While, path: Path, exits: _Exits) -> Path | None:
        after: list[Path] = []
        start, mark, left = path.alive, len(self._gone), exits.count()
        inner = _Exits()
        inner.returns = exits.returns
        going: Path | None = path
        before: Path | None = None
        unrolled = rounds = 0
        while going is not None and going.alive != FALSE:
            test = self.value(statement.condition, going)
            if test != TRUE:
                after.append(going.fork(self.circuit.and_(going.alive, test ^ 1)))
                unrolled += 1
            going.alive = self.circuit.and_(going.alive, test)
            if going.alive == FALSE or (unrolled > 2 and not self.around.feasible(going.alive)):
                break
            rounds += 1
            is_endless = before is not None and is_same(before, going)
            if is_endless or rounds > LOOP_STEPS_MAX:
                self.fail(going, TRUE, ModelErrorKind.LOOP, statement.location)
                break
            if unrolled > UNROLLED_MAX:
                raise Unsupported(f"a loop of more than {UNROLLED_MAX} rounds at {statement.location}")
            inner.continues = []
            before = going.fork(going.alive)
            ended = self.block(statement.body, going, inner)
            going = self.joined([*([ended] if ended is not None else []), *inner.continues])
        result = self.joined([*inner.breaks, *after])
        if result is not None and exits.count() == left:
            result.alive = self._remaining(start, mark)
        return result

    def _for(self, statement: For, path: Path, exits: _Exits) -> Path | None:
        items = self.value(statement.iterable, path).items
        start, mark, left = path.alive, len(self._gone), exits.count()
        inner = _Exits()
        inner.returns = exits.returns
        going: Path | None = path
        for there, value in items:
            if going is None or going.alive == FALSE:
                break
            before, gone = going.alive, len(self._gone)
            broken = len(inner.breaks) + len(inner.returns)
            skipping: Path | None = None
            if there != TRUE:
                skipping = going.fork(self.circuit.and_(going.alive, there ^ 1))
                going.alive = self.circuit.and_(going.alive, there)
            if going.alive != FALSE:
                self.bind(statement.variables, value, going)
                inner.continues = []
                ended = self.block(statement.body, going, inner)
                going = self.joined([*([ended] if ended is not None else []), *inner.continues])
            going = self.join(going, skipping, there)
            if going is not None and len(inner.breaks) + len(inner.returns) == broken:
                going.alive = self._remaining(before, gone)
        result = self.joined([*inner.breaks, *([going] if going is not None else [])])
        if result is not None and exits.count() == left:
            result.alive = self._remaining(start, mark)
        return result


class _Fold:
    """What a comprehension makes of its values, taken one by one with the literal where each is there.

    ``goes_on`` is where the next value is still looked at: ALL and ANY stop as soon as they can.
    """

    def __init__(self, executor: Executor, expr: Comprehension, path: Path) -> None:
        self._executor = executor
        self._expr = expr
        self._path = path
        self.goes_on = TRUE
        self._items: list[tuple[int, Symbol]] = []

    def take(self, there: int, value: Symbol) -> None:
        """One more value."""
        self._items.append((there, value))
        circuit = self._executor.circuit
        if self._expr.fold is Fold.ALL:
            self.goes_on = circuit.and_(self.goes_on, circuit.implies(there, value))
        elif self._expr.fold is Fold.ANY:
            self.goes_on = circuit.and_(self.goes_on, circuit.and_(there, value) ^ 1)

    def result(self) -> Symbol:
        """The value of the comprehension."""
        executor = self._executor
        circuit, operators = executor.circuit, executor.operators
        match self._expr.fold:
            case Fold.ALL:
                return self.goes_on
            case Fold.ANY:
                return self.goes_on ^ 1
            case Fold.SUM:
                return operators.total(
                    [executor.symbols.choose(there, value, number(0)) for there, value in self._items]
                )
            case Fold.COUNT:
                return operators.total(
                    [Num((there,), 0, 1) if there > TRUE else number(there) for there, _ in self._items]
                )
            case Fold.SET:
                return operators.set_of(self._items)
            case Fold.MIN | Fold.MAX:
                return self._extreme(circuit)

    def _extreme(self, circuit: Circuit) -> Symbol:
        executor, expr = self._executor, self._expr
        better = executor.operators.least if expr.fold is Fold.MIN else executor.operators.greatest
        known, best = FALSE, None
        for there, value in self._items:
            if best is None:
                known, best = there, value
            else:
                both = executor.symbols.choose(known, better(value, best), value)
                best = executor.symbols.choose(there, both, best)
                known = circuit.or_(known, there)
        if expr.default is not None and known != TRUE:
            default = expr.default
            other = executor.where(self._path, known ^ 1, lambda: executor.value(default, self._path))
            return other if best is None else executor.symbols.choose(known, best, other)
        executor.fail(self._path, known ^ 1, ModelErrorKind.EMPTY, expr.location)
        return placeholder(expr.type) if best is None else best


def is_same(one: Path, other: Path) -> bool:
    """Whether two paths are in the same state, so that what made one from the other goes on for ever."""
    if one.alive != other.alive or one.choices != other.choices or one.locals.keys() != other.locals.keys():
        return False
    pairs = [(value, other.variables[name]) for name, value in one.variables.items()]
    for name, (there, value) in one.locals.items():
        pairs += [(there, other.locals[name][0]), (value, other.locals[name][1])]
    return all(a is b or (isinstance(a, int) and a == b) for a, b in pairs)
