"""Interchangeable index sets: whether a program treats their members alike, and renaming them in values.

Where no step and no property can tell the members of a set apart, renaming them everywhere in a run gives a
run. So one state of each orbit (the states that renamings make of one) stands for all of them. That holds
only if nothing depends on which member is which, or on the order of members: what breaks it is found here,
on the IR, and a set that is broken is left as it is. Source: Ip and Dill, Better verification through
symmetry, 1996 (scalarsets); the rules on the order of iteration are our own.

One thing is left to the engines: ``all()`` and ``any()`` over members stop early, so that a model error in
one member comes or not with the order. An engine that uses symmetry evaluates them all, and begins again
without symmetry where an error comes to light, or asks ``may_err_by_order`` and uses none.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import count, pairwise

from checker.errors import Location
from checker.ir.dependencies import all_expressions, flat, subexpressions, variables_read
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Const,
    Domain,
    Expr,
    Fold,
    Local,
    Op,
    PureCall,
    StateVar,
    children,
)
from checker.ir.program import Branch, Goto, Program, Routine
from checker.ir.statements import (
    Assert,
    Assign,
    CallRoutine,
    Choose,
    For,
    If,
    Return,
    Stmt,
    While,
    expressions,
    nested,
)
from checker.ir.substitution import inlined
from checker.ir.types import (
    PROCESS_SET_NAME,
    BagType,
    FifoType,
    IndexType,
    MapType,
    OptionType,
    PairsType,
    RecordType,
    SetType,
    Type,
)
from checker.ir.values import FrozenMap, Value

#: A new name for each member of each set, by the set's name: ``names[set][member]``.
Renaming = Mapping[str, Sequence[int]]

#: Operators that treat every element alike. Those on numbers are not among them, nor is MAP_FRESH_KEY.
_BLIND = frozenset(
    {
        *(Op.EQ, Op.NE, Op.NOT, Op.IS_NONE, Op.SOME, Op.UNWRAP, Op.RECORD_GET, Op.RECORD_MAKE),
        *(Op.SET_MAKE, Op.SET_ADD, Op.SET_REMOVE, Op.SET_DISCARD, Op.SET_UNION, Op.SET_INTERSECTION),
        *(Op.SET_DIFFERENCE, Op.SET_SUBSET, Op.BAG_ADD, Op.BAG_REMOVE, Op.BAG_DISCARD, Op.BAG_COUNT),
        *(Op.FIFO_APPEND, Op.FIFO_HEAD, Op.FIFO_TAIL, Op.FIFO_AT, Op.MAP_GET, Op.MAP_GET_OPTION),
        *(Op.MAP_SET, Op.MAP_DELETE, Op.MAP_DISCARD, Op.CONTAINS, Op.COPY, Op.LENGTH, Op.IS_IDLE, Op.CALLER),
    }
)
_LISTINGS = frozenset({Op.ELEMENTS, Op.DISTINCT, Op.MAP_VALUES, Op.MAP_ITEMS})
#: Changes that can be made in any order, as long as only one kind of them is made.
_COMMUTING = frozenset({Op.SET_ADD, Op.SET_DISCARD, Op.BAG_ADD, Op.MAP_DISCARD})


#: Operators that may end in a model error.
_FAILING = frozenset(
    {
        *(Op.INT_FLOOR_DIV, Op.INT_FLOOR_MOD, Op.UNWRAP, Op.SET_MAKE, Op.SET_ADD, Op.SET_REMOVE, Op.BAG_ADD),
        *(Op.BAG_REMOVE, Op.FIFO_APPEND, Op.FIFO_HEAD, Op.FIFO_TAIL, Op.FIFO_AT, Op.MAP_GET, Op.MAP_SET),
        *(Op.MAP_DELETE, Op.MAP_FRESH_KEY, Op.NEXT, Op.CALLER),
    }
)


@dataclass(frozen=True, slots=True)
class Broken:
    """What tells the members of a set apart."""

    set: str
    reason: str
    location: Location | None

    def __str__(self) -> str:
        place = "" if self.location is None else f" ({self.location})"
        return f"{self.set}: {self.reason}{place}"


@dataclass(frozen=True, slots=True)
class Symmetry:
    """The sets whose members can be renamed, and why others that are declared so cannot."""

    sets: tuple[IndexType, ...]
    broken: tuple[Broken, ...]

    @property
    def permutations(self) -> int:
        """In how many ways the members of all sets can be renamed."""
        product = 1
        for index in self.sets:
            for size in range(2, index.size + 1):
                product *= size
        return product


NO_SYMMETRY = Symmetry((), ())


def symmetry_of(program: Program, members_max: int) -> Symmetry:
    """The declared symmetry of a program that its code keeps, over sets of 2 to ``members_max`` members."""
    kept, broken = [], []
    for index in program.index_sets:
        if index.interchangeable and 1 < index.size <= members_max:
            reason = next(_Inspection(program, index).found(), None)
            if reason is None:
                kept.append(index)
            else:
                broken.append(reason)
    return Symmetry(tuple(kept), tuple(broken))


def may_err_by_order(program: Program) -> bool:
    """Whether some ``all()`` or ``any()`` looks at what may end in a model error; False where none does."""
    bodies = [routine.body for routine in program.routines.values()]
    bodies += [block.body for process in program.processes for block in process.blocks]
    found = [expr for body in bodies for expr in all_expressions(body)]
    for process in program.processes:
        conditions = [b.terminator.condition for b in process.blocks if isinstance(b.terminator, Branch)]
        args = [arg for label in process.labels for part in label.call.parts for arg in part.args]
        found += [inner for expr in (*conditions, *args) for inner in subexpressions(expr)]
    early = (e for e in found if isinstance(e, Comprehension) and e.fold in (Fold.ALL, Fold.ANY))
    return any(may_fail(program, inner) for fold in early for inner in subexpressions(fold))


def may_fail(program: Program, expr: Expr) -> bool:
    """Whether an expression itself, its parts apart, may end in a model error."""
    match expr:
        case Apply(op=op):
            return op in _FAILING
        case Comprehension(fold=Fold.MIN | Fold.MAX, default=None) | Comprehension(fold=Fold.SET):
            return True
        case PureCall(routine=name):
            body = program.routines[name].body
            if len(body) != 1 or any(isinstance(statement, Assert | While) for statement in flat(body)):
                # With several statements a local may have no value.
                return True
            return any(may_fail(program, inner) for inner in all_expressions(body))
        case _:
            return False


class Renamer:
    """Renames the members of index sets in values of a program, process instances with them."""

    def __init__(self, program: Program) -> None:
        self._program = program

    def instance(self, number: int, names: Renaming) -> int:
        """The new number of a process instance."""
        process, index = self._program.process_of(number)
        if process.index is None or process.index.name not in names:
            return number
        return process.first_instance + names[process.index.name][index]

    def value(self, type_: Type, value: Value, names: Renaming) -> Value:
        """A value of the type with its members renamed."""
        match type_:
            case IndexType(name) if name == PROCESS_SET_NAME:
                return self.instance(value, names)
            case IndexType(name):
                return names[name][value] if name in names else value
            case OptionType(inner):
                return None if value is None else self.value(inner, value, names)
            case RecordType(_, fields):
                parts = zip(fields, value, strict=True)
                return tuple(self.value(field, part, names) for (_, field), part in parts)
            case SetType(element):
                return frozenset(self.value(element, part, names) for part in value)
            case FifoType(element):
                return tuple(self.value(element, part, names) for part in value)
            case BagType(element):
                return FrozenMap({self.value(element, part, names): n for part, n in value.items()})
            case MapType(key, inner):
                entries = value.items()
                return FrozenMap({self.value(key, k, names): self.value(inner, v, names) for k, v in entries})
            case _:
                return value


def swaps(index: IndexType) -> Iterator[Renaming]:
    """The renamings that swap two neighbouring members of a set; every renaming of it is made of these."""
    for a, b in pairwise(range(index.size)):
        names = list(range(index.size))
        names[a], names[b] = b, a
        yield {index.name: names}


def contains(program: Program, type_: Type, index: IndexType) -> bool:
    """Whether values of a type name members of the set, or process instances that belong to them."""
    match type_:
        case IndexType(name) if name == PROCESS_SET_NAME:
            return any(p.index is not None and p.index.name == index.name for p in program.processes)
        case IndexType(name):
            return name == index.name
        case OptionType(inner) | SetType(inner) | BagType(inner) | FifoType(inner):
            return contains(program, inner, index)
        case MapType(first, second) | PairsType(first, second):
            return contains(program, first, index) or contains(program, second, index)
        case RecordType(_, fields):
            return any(contains(program, field, index) for _, field in fields)
        case _:
            return False


class _Inspection:
    """Looks for what breaks the symmetry of one set; yields nothing where nothing does."""

    def __init__(self, program: Program, index: IndexType) -> None:
        self._program = program
        self._index = index
        self._numbers = count()
        self._swaps = list(swaps(index))

    def found(self) -> Iterator[Broken]:
        """Everything that tells the members apart; the initial state first, then code."""
        renamer = Renamer(self._program)
        for variable in self._program.variables:
            swapped = (renamer.value(variable.type, variable.initial, swap) for swap in self._swaps)
            if any(value != variable.initial for value in swapped):
                reason = f"{variable.name} does not begin alike for all"
                yield self._broken(reason, self._program.location)
        yield from self._initial_code()
        for routine in self._program.routines.values():
            yield from self._left_over(routine.body, (), routine.location)
            if _is_listing(routine):
                # Looked at where it is called.
                yield from self._iterable(_returned(routine), routine.location)
            else:
                yield from self._body(routine.body, routine.location)
        for process in self._program.processes:
            outside = [b.terminator.condition for b in process.blocks if isinstance(b.terminator, Branch)]
            outside += [arg for label in process.labels for part in label.call.parts for arg in part.args]
            code = tuple(statement for block in process.blocks for statement in block.body)
            yield from self._left_over(code, outside, process.location)
            for block in process.blocks:
                yield from self._body(block.body, process.location)
                if isinstance(block.terminator, Branch):
                    yield from self._expr(block.terminator.condition, block.terminator.location)
            for label in process.labels:
                for part in label.call.parts:
                    for arg in part.args:
                        yield from self._expr(arg, label.location)

    def _initial_code(self) -> Iterator[Broken]:
        """Processes begin one after another: what they change before their first call comes in that order."""
        for process in self._program.processes:
            if process.index is None or process.index.name != self._index.name:
                continue
            todo, seen = [process.entry], set[int]()
            while todo:
                block = process.blocks[todo.pop()]
                if block.id in seen:
                    continue
                seen.add(block.id)
                if any(self._changes(statement) for statement in flat(block.body)):
                    reason = "its processes change something before their first call"
                    yield self._broken(reason, process.location)
                match block.terminator:
                    case Goto(target):
                        todo.append(target)
                    case Branch(_, then, orelse):
                        todo += [then, orelse]
                    case _:
                        pass

    def _changes(self, statement: Stmt) -> bool:
        match statement:
            case Assign(target=StateVar()):
                return True
            case CallRoutine(routine=name):
                return not self._program.routines[name].pure
            case _:
                return False

    def _left_over(self, body: Sequence[Stmt], outside: Sequence[Expr], where: Location) -> Iterator[Broken]:
        """After a loop its variable is the last member: what reads it there knows which that is."""
        bound = {
            name
            for loop in flat(body)
            if isinstance(loop, For) and self._in_order(loop.iterable)
            for name in loop.variables
        }
        free = {name for expr in outside for name in _locals(expr)} | set(_free(body, frozenset()))
        for name in sorted(bound & free):
            yield self._broken(f"'{name}' is read after its loop over members", where)

    def _broken(self, reason: str, location: Location | None) -> Broken:
        return Broken(self._index.name, reason, location)

    def _holds(self, type_: Type) -> bool:
        return contains(self._program, type_, self._index)

    # Statements

    def _body(self, body: Sequence[Stmt], near: Location) -> Iterator[Broken]:
        for statement in body:
            where = getattr(statement, "location", None) or near
            for expr in expressions(statement):
                if isinstance(statement, For | Choose):
                    yield from self._iterable(expr, where)
                else:
                    yield from self._expr(expr, where)
            match statement:
                case If(then=then, orelse=orelse):
                    yield from self._body(then, where)
                    yield from self._body(orelse, where)
                case For(iterable=iterable, body=inner):
                    if self._in_order(iterable) and not self._commutes(statement):
                        yield self._broken("a loop takes its members in order", where)
                    yield from self._body(inner, where)
                case CallRoutine(routine=name) if _is_listing(self._program.routines[name]):
                    yield self._broken("a list has its members in order", where)
                case While(body=inner):
                    yield from self._body(inner, where)
                case _:
                    pass

    def _commutes(self, loop: For) -> bool:
        """Whether the rounds of a loop can be run in any order.

        They can if all that they do is to add, or to discard, elements, or to set the entry of the element
        itself, and if they read nothing that they change.
        """
        changed: dict[str, set[object]] = {}
        for statement in flat(loop.body):
            match statement:
                case If():
                    continue
                case Assign(target=StateVar(name=name) as target, value=Apply(op=op, args=args)):
                    own = op is Op.MAP_SET and args[1] == target and self._is_variable(args[2], loop)
                    if not own and not (op in _COMMUTING and args[0] == target):
                        return False
                    changed.setdefault(name, set()).add(op)
                case _:
                    return False
        if any(len(kinds) > 1 for kinds in changed.values()):
            return False
        return not any(name in changed for name in _read(self._program, loop.body))

    def _is_variable(self, expr: Expr, loop: For) -> bool:
        return isinstance(expr, Local) and expr.name == loop.variables[0]

    # Expressions

    def _expr(self, expr: Expr, where: Location | None) -> Iterator[Broken]:
        where = getattr(expr, "location", None) or where
        match expr:
            case Const(value=value, type=type_):
                renamer = Renamer(self._program)
                if self._holds(type_) and any(renamer.value(type_, value, s) != value for s in self._swaps):
                    yield self._broken("the code names one of its members", where)
            case Comprehension():
                yield from self._comprehension(expr, where)
                return
            case PureCall() if isinstance(expr.type, FifoType | PairsType) and self._in_order(expr):
                yield self._broken("a list has its members in order", where)
            case Apply(op=Op.LENGTH | Op.CONTAINS, args=args):
                for arg in args:
                    yield from self._iterable(arg, where)
                return
            case Apply(op=op, args=args) if any(self._holds(arg.type) for arg in args):
                yield from self._operator(op, args, where)
        for child in children(expr):
            yield from self._expr(child, where)

    def _operator(self, op: Op, args: Sequence[Expr], where: Location | None) -> Iterator[Broken]:
        if op is Op.MAP_FRESH_KEY:
            type_ = args[0].type
            if isinstance(type_, MapType) and self._holds(type_.key):
                yield self._broken("a fresh key is the first of its members that is free", where)
        elif op in _LISTINGS:
            if self._in_order(Apply(op, tuple(args), args[0].type)):
                yield self._broken("a list has its members in order", where)
        elif op not in _BLIND:
            yield self._broken("the code counts with its members, or compares which comes first", where)

    def _comprehension(self, expr: Comprehension, where: Location | None) -> Iterator[Broken]:
        for generator in expr.generators:
            yield from self._iterable(generator.iterable, where)
            for condition in generator.conditions:
                yield from self._expr(condition, where)
        yield from self._expr(expr.body, where)
        if expr.default is not None:
            yield from self._expr(expr.default, where)
        if expr.fold in (Fold.MIN, Fold.MAX) and self._holds(expr.body.type):
            yield self._broken("the code takes the first or the last of its members", where)

    def _iterable(self, iterable: Expr, where: Location | None) -> Iterator[Broken]:
        """What is only iterated over, where the order is looked at apart, or returned to where it is."""
        iterable = self._inlined(iterable)
        if isinstance(iterable, Apply) and iterable.op in _LISTINGS:
            yield from self._iterable(iterable.args[0], where)
        else:
            yield from self._expr(iterable, where)

    def _inlined(self, expr: Expr) -> Expr:
        return inlined(expr, self._program.routines, lambda stem: f"{stem} {next(self._numbers)}")

    def _in_order(self, iterable: Expr) -> bool:
        """Whether elements come in an order that follows from which member is which."""
        iterable = self._inlined(iterable)
        match iterable:
            case Domain(of=of):
                return self._holds(of)
            case PureCall() if isinstance(iterable.type, FifoType | PairsType):
                # A list made by code that could not be looked into here.
                return True
            case Apply(op=op, args=(source, *_)) if op in _LISTINGS:
                if isinstance(source.type, FifoType):
                    inside = self._in_order(source)
                    return inside or (op is Op.DISTINCT and self._holds(source.type.element))
                return self._in_order(source)
            case _:
                match iterable.type:
                    case SetType(element) | BagType(element) | MapType(element, _):
                        return self._holds(element)
                    case _:
                        return False


def _locals(expr: Expr) -> Iterator[str]:
    """The locals that an expression reads, without those that a comprehension in it binds."""
    if isinstance(expr, Local):
        yield expr.name
    bound: set[str] = set()
    if isinstance(expr, Comprehension):
        bound = {name for generator in expr.generators for name in generator.variables}
    for child in children(expr):
        yield from (name for name in _locals(child) if name not in bound)


def _free(body: Sequence[Stmt], bound: frozenset[str]) -> Iterator[str]:
    """The locals that statements read where no loop around them binds them."""
    for statement in body:
        for expr in expressions(statement):
            yield from (name for name in _locals(expr) if name not in bound)
        inner = bound | frozenset(statement.variables) if isinstance(statement, For) else bound
        yield from _free(nested(statement), inner)


def _is_listing(routine: Routine) -> bool:
    """Whether a routine only returns a list that it does not store: what one may iterate over."""
    return (
        routine.pure
        and not routine.is_operation
        and len(routine.body) == 1
        and isinstance(routine.body[0], Return)
        and isinstance(routine.returns, FifoType)
    )


def _returned(routine: Routine) -> Expr:
    (only,) = routine.body
    assert isinstance(only, Return)
    assert only.value is not None
    return only.value


def _read(program: Program, body: Sequence[Stmt]) -> Iterator[str]:
    """The variables that statements read, themselves or in what they call, but for a change's own target."""

    def inside(expr: Expr) -> Iterator[str]:
        if isinstance(expr, StateVar):
            yield expr.name
        if isinstance(expr, PureCall):
            yield from variables_read(program, expr.routine)
        for child in children(expr):
            yield from inside(child)

    for statement in flat(body):
        match statement:
            case Assign(target=StateVar() as target, value=Apply(args=args)):
                for arg in args:
                    if arg != target:
                        yield from inside(arg)
            case _:
                for expr in expressions(statement):
                    yield from inside(expr)
