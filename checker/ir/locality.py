"""Locality: how many members of an index set a step of a program can tell from all others.

A program is local in some index sets where each of its steps depends on, and changes, only what belongs to
few members: those that it chooses, those whose process acts, those that it finds by ``any`` or misses by
``all``. Everything about other members can then be left out of a state, and the step is still one, with
the same outcome for those that stayed. So what is inductive for every number of members up to some reach
is inductive for any number. docs/decisions/0012 has the argument, and what is checked beside this.

A ``Reach`` counts, for each set, how many members have to stay for something to come out the same. Being
too large costs time; being too small would make proofs wrong, so that what is not known to be local is
refused with its reason.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

from checker.errors import Location
from checker.ir.dependencies import subexpressions
from checker.ir.expressions import (
    Apply,
    Comprehension,
    Connective,
    Const,
    Domain,
    Expr,
    Fold,
    Generator,
    IfElse,
    Local,
    Logic,
    Op,
    PureCall,
    StateVar,
)
from checker.ir.iterables import bound_types
from checker.ir.program import Await, Branch, End, Fail, Goto, Label, Process, Program, Property
from checker.ir.statements import (
    Assert,
    Assign,
    CallRoutine,
    Choose,
    For,
    If,
    Return,
    Stmt,
    When,
    While,
    expressions,
)
from checker.ir.symmetry import may_fail
from checker.ir.types import (
    BOOL,
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
from checker.ir.values import domain

#: Members of each set, by its name.
Reach = Counter[str]

#: Operators whose outcome for some members follows from what belongs to those.
_POINTWISE = frozenset(
    {
        *(Op.NOT, Op.IS_NONE, Op.SOME, Op.UNWRAP, Op.RECORD_GET, Op.RECORD_MAKE, Op.SET_MAKE, Op.SET_ADD),
        *(Op.SET_REMOVE, Op.SET_DISCARD, Op.SET_UNION, Op.SET_INTERSECTION, Op.SET_DIFFERENCE, Op.BAG_ADD),
        *(Op.BAG_REMOVE, Op.BAG_DISCARD, Op.BAG_COUNT, Op.MAP_GET, Op.MAP_GET_OPTION, Op.MAP_SET),
        *(Op.MAP_DELETE, Op.MAP_DISCARD, Op.COPY, Op.IS_IDLE, Op.CALLER),
    }
)
#: Operators that read a value which a state keeps for some members, and which may name others.
_READS = frozenset({Op.MAP_GET, Op.MAP_GET_OPTION})
_LISTINGS = frozenset({Op.ELEMENTS, Op.DISTINCT, Op.MAP_VALUES, Op.MAP_ITEMS})
_COMPARISONS = {
    Op.INT_LT: "<",
    Op.INT_LE: "<=",
    Op.INT_GT: ">",
    Op.INT_GE: ">=",
    Op.EQ: "==",
    Op.NE: "!=",
}
_MIRRORED = {"<": ">", "<=": ">=", ">": "<", ">=": "<=", "==": "==", "!=": "!="}


class NotLocal(Exception):
    """Why a program, or a property, is not known to be local."""

    def __init__(self, reason: str, location: Location | None) -> None:
        place = "" if location is None else f" ({location})"
        super().__init__(f"{reason}{place}")


@dataclass(frozen=True, slots=True)
class Rule:
    """One kind of step, and how many members it reaches."""

    name: str
    reach: Reach


class Locality:
    """What steps and properties of a program reach among the members of some index sets."""

    def __init__(self, program: Program, sets: Sequence[str]) -> None:
        self._program = program
        self._sets = frozenset(sets)
        self._indexing = Counter({p.index.name for p in program.processes if p.index is not None})
        self._routines: dict[str, Reach] = {}

    # Programs

    def rules(self) -> list[Rule]:
        """Every kind of step that can happen. Raises NotLocal where one is not known to be local."""
        self._check_places()
        found = []
        amounts = dict(zip(self._program.budgets.names, self._program.budgets.amounts, strict=True))
        for action in self._program.actions:
            if action.budget is not None and not amounts[action.budget]:
                continue
            reach = self._all(self.names(parameter.type) for parameter in action.parameters)
            found.append(Rule(action.name, reach + self._routine(action.routine)))
        for process in self._program.processes:
            me = self._instance(process)
            begins = self._from_block(process, process.entry)
            if begins:
                # Initially all processes have come to their first call: that is no step of one of them.
                self._refuse("a process looks for members before its first call", process.location)
            found.append(Rule(f"{process.name} begins", me + begins))
            for label in process.labels:
                name = f"{process.name}: {label.call.name} (line {label.location.line})"
                found.append(Rule(name, me + self._at_label(process, label)))
        return found

    def _instance(self, process: Process) -> Reach:
        return Counter() if process.index is None else self.names(process.index)

    def _check_places(self) -> None:
        """A state has to fall apart into what belongs to some members and what does not."""
        for variable in self._program.variables:
            self._check_type(variable.type, f"`{variable.name}`")
        for process in self._program.processes:
            for name, type_ in process.locals.items():
                self._check_type(type_, f"`{name}` of {process.name}")

    def _check_type(self, type_: Type, name: str) -> None:
        match type_:
            case FifoType(element) if self._mentions(element):
                self._refuse(f"{name} keeps {element} in order", None)
            case SetType(element) | BagType(element):
                self._check_element(element, name)
            case MapType(key, value):
                self._check_element(key, name)
                self._check_type(value, name)
            case OptionType(inner):
                self._check_type(inner, name)
            case RecordType(_, fields):
                for _, field in fields:
                    self._check_type(field, name)
            case _:
                pass

    def _check_element(self, type_: Type, name: str) -> None:
        if any(self._mentions(part) for part in _collections(type_)):
            self._refuse(f"{name} has elements with collections of their own", None)

    def values_held(self, process: Process) -> Reach:
        """Members that the locals of one instance may name at once."""
        return self._all(
            (self._all(self.names(process.locals[name]) for name in label.live) for label in process.labels),
            most=True,
        )

    def _at_label(self, process: Process, label: Label) -> Reach:
        held = self._all(self.names(process.locals[name]) for name in label.live)
        parts = self._all(
            self._all(self._value(arg) for arg in part.args) + self._routine(part.routine)
            for part in label.call.parts
        )
        goes_on = [label.resume, *(handler.block for handler in label.handlers), process.entry]
        return held + parts + self._all((self._from_block(process, block) for block in goes_on), most=True)

    def _from_block(self, process: Process, block: int, above: tuple[int, ...] = ()) -> Reach:
        """What the code from a block to the next call reaches."""
        if block in above:
            # A loop without a call in it: it may go round any number of times.
            loop = [process.blocks[one] for one in above[above.index(block) :]]
            inside = self._all(self._body(one.body) for one in loop)
            for one in loop:
                if isinstance(one.terminator, Branch):
                    inside += self._value(one.terminator.condition)
            if inside:
                self._refuse("a loop looks for members", process.location)
            return Counter()
        here = process.blocks[block]
        reach = self._body(here.body)
        above = (*above, block)
        match here.terminator:
            case Goto(target):
                return reach + self._from_block(process, target, above)
            case Branch(condition, then, orelse):
                return reach + (
                    (self.truth(condition, True) + self._from_block(process, then, above))
                    | (self.truth(condition, False) + self._from_block(process, orelse, above))
                )
            case End() | Fail():
                # It goes on at its entry in the same step.
                return reach + self._from_block(process, process.entry, above)
            case Await():
                return reach

    # Properties

    def falsity(self, prop: Property) -> Reach:
        """How many members have to stay for a property that is false to be false still."""
        return self._returned(prop.routine, False)

    def keeps_truth(self, prop: Property) -> bool:
        """Whether a property that is true stays true whatever members are left out."""
        try:
            return not self._returned(prop.routine, True)
        except NotLocal:
            return False

    def _returned(self, routine: str, wanted: bool) -> Reach:
        reach = Counter[str]()
        body = self._program.routines[routine].body
        for statement in body[:-1]:
            reach += self._statement(statement)
        last = body[-1]
        if isinstance(last, Return) and last.value is not None:
            return reach + self.truth(last.value, wanted)
        return reach + self._statement(last)

    def check_rests(self) -> None:
        """Raises NotLocal where a state that rests might not rest when members are left out.

        A state rests where no step is possible; so every step that is possible when members are left out has
        to be possible before. For that no guard may need a witness.
        """
        program = self._program
        free = [action.routine for action in program.actions if action.budget is None]
        asked = [statement for name in free for statement in self._reached(program.routines[name].body)]
        for process in program.processes:
            asked += [statement for block in process.blocks for statement in self._reached(block.body)]
            parts = [part for label in process.labels for part in label.call.parts]
            for part in parts:
                asked += self._reached(program.routines[part.routine].body)
            exprs = [arg for part in parts for arg in part.args]
            exprs += [b.terminator.condition for b in process.blocks if isinstance(b.terminator, Branch)]
            for expr in exprs:
                self._needs_none(expr, process.location)
        for statement in asked:
            for expr in expressions(statement):
                if isinstance(statement, Choose) and isinstance(expr, Comprehension):
                    for generator in expr.generators:
                        for condition in generator.conditions:
                            self._needs_none(condition, statement.location)
                elif not isinstance(statement, Choose):
                    self._needs_none(expr, getattr(statement, "location", None))

    def _reached(self, body: Iterable[Stmt]) -> list[Stmt]:
        """Statements with those inside them and in the routines that they call."""
        found: list[Stmt] = []
        for statement in body:
            found.append(statement)
            match statement:
                case If(then=then, orelse=orelse):
                    found += self._reached((*then, *orelse))
                case While(body=inner) | For(body=inner):
                    found += self._reached(inner)
                case CallRoutine(routine=name):
                    found += self._reached(self._program.routines[name].body)
                case _:
                    pass
        return found

    def _needs_none(self, expr: Expr, location: Location | None) -> None:
        if self._value(expr):
            self._refuse("whether a state rests may depend on members that are left out", location)

    # Types

    def names(self, type_: Type) -> Reach:
        """How many members a value names at most; what collections in it hold is not counted."""
        match type_:
            case IndexType(name) if name == PROCESS_SET_NAME:
                return Counter({one: n for one, n in self._indexing.items() if one in self._sets})
            case IndexType(name):
                return Counter({name: 1}) if name in self._sets else Counter()
            case OptionType(inner):
                return self.names(inner)
            case RecordType(_, fields):
                return self._all(self.names(field) for _, field in fields)
            case PairsType(first, second):
                return self.names(first) + self.names(second)
            case _:
                return Counter()

    def _mentions(self, type_: Type) -> bool:
        match type_:
            case SetType(element) | BagType(element) | FifoType(element):
                return self._mentions(element)
            case MapType(key, value):
                return self._mentions(key) or self._mentions(value)
            case OptionType(inner):
                return self._mentions(inner)
            case RecordType(_, fields):
                return any(self._mentions(field) for _, field in fields)
            case PairsType(first, second):
                return self._mentions(first) or self._mentions(second)
            case _:
                return bool(self.names(type_))

    # Statements

    def _routine(self, name: str) -> Reach:
        if name not in self._routines:
            self._routines[name] = self._body(self._program.routines[name].body)
        return self._routines[name]

    def _body(self, body: Iterable[Stmt]) -> Reach:
        return self._all(self._statement(statement) for statement in body)

    def _statement(self, statement: Stmt) -> Reach:
        match statement:
            case If(condition=condition, then=then, orelse=orelse):
                yes = self.truth(condition, True) + self._body(then)
                return yes | (self.truth(condition, False) + self._body(orelse))
            case When(guard=guard):
                return self.truth(guard, True)
            case Assert(condition=condition):
                return self.truth(condition, True) | self.truth(condition, False)
            case Choose(iterable=iterable):
                return self._chosen(iterable)
            case Assign(value=value):
                return self._value(value)
            case For(iterable=iterable, body=body, location=location):
                return self._for(iterable, body, location)
            case While(condition=condition, body=body, location=location):
                if self._value(condition) + self._body(body):
                    self._refuse("a loop looks for members", location)
                return Counter()
            case CallRoutine(routine=name, args=args):
                return self._all(self._value(arg) for arg in args) + self._routine(name)
            case Return(value=value):
                return Counter() if value is None else self._value(value)
            case _:
                return Counter()

    def _for(self, iterable: Expr, body: Sequence[Stmt], location: Location) -> Reach:
        if self._goes_over_members(iterable):
            self._refuse("a loop goes over all members", location)
        return self._value(iterable) + self._times(iterable, self._body(body), location)

    def _chosen(self, iterable: Expr) -> Reach:
        """The element that is chosen, with what makes it one of those that can be."""
        source = self._source(iterable)
        if isinstance(source, Comprehension):
            reach = self._value(source.body)
            for generator in source.generators:
                reach += self._elements(generator.iterable) + self._value(self._source(generator.iterable))
                reach += self._all(self.truth(condition, True) for condition in generator.conditions)
            return reach
        return self._elements(iterable) + self._value(self._source(iterable))

    # Expressions

    def truth(self, expr: Expr, wanted: bool) -> Reach:
        """How many members have to stay for a condition that is ``wanted`` to be so still."""
        expr = self._opened(expr)
        match expr:
            case Connective(logic=logic, left=left, right=right):
                decides = logic is Logic.OR
                if wanted == decides:
                    first = self.truth(left, decides)
                    return first | (self.truth(left, not decides) + self.truth(right, decides))
                return self.truth(left, wanted) + self.truth(right, wanted)
            case Apply(op=Op.NOT, args=(inner,)):
                return self.truth(inner, not wanted)
            case Apply(op=Op.IS_NONE, args=(inner,)):
                # Whether a state keeps a value does not depend on whom it names.
                return self._beside(inner) if self._is_kept(inner) else self._value(inner)
            case Comprehension(fold=Fold.ALL | Fold.ANY):
                return self._quantified(expr, wanted)
            case Apply(op=op, args=(left, right)) if op in _COMPARISONS:
                return self._compared(_COMPARISONS[op], left, right, wanted, expr.location)
            case Apply(op=Op.CONTAINS, args=(element, collection)):
                return self._contained(element, collection, wanted)
            case Apply(op=Op.SET_SUBSET, args=(left, right)):
                reach = self._value(left) + self._value(right)
                return reach if wanted else reach + self._elements(left)
            case IfElse(condition=condition, then=then, orelse=orelse):
                yes = self.truth(condition, True) + self.truth(then, wanted)
                return yes | (self.truth(condition, False) + self.truth(orelse, wanted))
            case PureCall(routine=name, args=args) if expr.type == BOOL:
                return self._all(self._value(arg) for arg in args) + self._returned(name, wanted)
            case _:
                return self._value(expr)

    def _quantified(self, expr: Comprehension, wanted: bool) -> Reach:
        """``all`` that fails and ``any`` that holds have a witness; else no one member may need one."""
        is_witnessed = (expr.fold is Fold.ANY) == wanted
        # An error in one round has to stay an error, too.
        reach = self._one_round(expr) if self._may_err(expr) else Counter[str]()
        if is_witnessed:
            inner = self._all(self._elements(generator.iterable) for generator in expr.generators)
            inner += self._sources(expr.generators)
            for condition in self._conditions(expr):
                inner += self.truth(condition, True)
            return reach + inner + self.truth(expr.body, wanted)
        inner = self._all(self.truth(condition, False) for condition in self._conditions(expr))
        inner += self.truth(expr.body, wanted)
        return reach + self._each_round(expr, inner)

    def _sources(self, generators: Iterable[Generator]) -> Reach:
        return self._all(self._value(self._source(generator.iterable)) for generator in generators)

    def _each_round(self, expr: Comprehension, inner: Reach) -> Reach:
        """What all rounds reach together; a later generator is evaluated anew in each earlier round."""
        for generator in reversed(expr.generators):
            inner = self._times(generator.iterable, inner, expr.location)
            inner += self._value(self._source(generator.iterable))
        return inner

    def _may_err(self, expr: Comprehension) -> bool:
        parts = [part for inner in (*self._conditions(expr), expr.body) for part in subexpressions(inner)]
        return any(may_fail(self._program, part) for part in parts)

    def _one_round(self, expr: Comprehension) -> Reach:
        """What one round of a comprehension reaches, whatever comes out of it."""
        reach = self._all(self._elements(generator.iterable) for generator in expr.generators)
        reach += self._sources(expr.generators)
        return reach + self._all(self._value(part) for part in (*self._conditions(expr), expr.body))

    def _conditions(self, expr: Comprehension) -> list[Expr]:
        return [condition for generator in expr.generators for condition in generator.conditions]

    def _times(self, iterable: Expr, each: Reach, location: Location | None) -> Reach:
        """What each round over an iterable reaches, for all its rounds."""
        if not each:
            return Counter()
        types = bound_types(iterable)
        if self._goes_over_members(iterable):
            self._refuse("something is looked for anew for each of any number of members", location)
        rounds = 1
        for type_ in types:
            values = domain(type_)
            if values is None or (isinstance(iterable.type, FifoType) and not isinstance(iterable, Domain)):
                self._refuse("something is looked for in a loop without a bound", location)
            rounds *= len(values)
        return Counter({name: count * rounds for name, count in each.items()})

    def _compared(
        self, operator: str, left: Expr, right: Expr, wanted: bool, location: Location | None
    ) -> Reach:
        if self._counts(left) is None and self._counts(right) is not None:
            left, right, operator = right, left, _MIRRORED[operator]
        counted = self._counts(left)
        if counted is not None:
            if not isinstance(right, Const):
                self._refuse("a number of members is compared with another number", location)
            return self._counted(counted, operator, right.value, wanted)
        if operator in ("==", "!="):
            equal = wanted == (operator == "==")
            if _collections(left.type) and self._mentions(left.type):
                reach = self._value(left) + self._value(right)
                return reach if equal else reach + self._part_of(left.type)
            if left.type == BOOL:
                return self._value(left) + self._value(right)
            # Where one side is kept in the state and the other is among those that stay, nothing else has to.
            if self._is_kept(left) and self._stays(right):
                return self._beside(left) + self._value(right)
            if self._is_kept(right) and self._stays(left):
                return self._beside(right) + self._value(left)
        return self._value(left) + self._value(right)

    def _is_kept(self, expr: Expr) -> bool:
        match expr:
            case StateVar():
                return True
            case Apply(op=op, args=(kept_map, key)) if op in _READS:
                return (self._stays(kept_map) or isinstance(kept_map, StateVar)) and self._stays(key)
            case Apply(op=Op.RECORD_GET | Op.UNWRAP, args=(inner,)):
                return self._is_kept(inner)
            case _:
                return False

    def _stays(self, expr: Expr) -> bool:
        """Whether a value names only members that stay: what was chosen, or bound, or given."""
        match expr:
            case Local() | Const():
                return True
            case Apply(op=Op.RECORD_GET | Op.RECORD_MAKE | Op.SOME | Op.UNWRAP | Op.CALLER, args=args):
                return all(self._stays(arg) for arg in args)
            case _:
                return False

    def _beside(self, kept: Expr) -> Reach:
        """What a kept value's place reaches, without the members that the value names."""
        match kept:
            case Apply(op=op, args=(kept_map, key)) if op in _READS:
                reach = Counter[str]() if isinstance(kept_map, StateVar) else self._value(kept_map)
                return reach + self._value(key)
            case Apply(args=(inner,)):
                return self._beside(inner)
            case _:
                return Counter()

    def _counts(self, expr: Expr) -> Comprehension | Apply | None:
        """A number of elements, where that may be more when members are left out or not."""
        expr = self._opened(expr)
        match expr:
            case Comprehension(fold=Fold.COUNT):
                return expr
            case Comprehension(fold=Fold.SUM, body=Const(value=1)):
                return expr
            case Apply(op=Op.LENGTH, args=(collection,)) if self._counts_members(collection):
                return expr
            case _:
                return None

    def _counts_members(self, collection: Expr) -> bool:
        return any(self._mentions(type_) for type_ in bound_types(collection)) or self._mentions(
            collection.type
        )

    def _counted(self, counted: Comprehension | Apply, operator: str, bound: int, wanted: bool) -> Reach:
        """A number of elements against a constant: as many witnesses as make it at least so large."""
        if not wanted:
            negated = {"<": ">=", "<=": ">", ">": "<=", ">=": "<", "==": "!=", "!=": "=="}
            operator = negated[operator]
        at_least = {"<": 0, "<=": 0, ">": bound + 1, ">=": bound, "==": bound, "!=": bound + 1}[operator]
        is_bounded = operator in ("<", "<=", "==", "!=")
        if isinstance(counted, Apply):
            (collection,) = counted.args
            each, reach = self._elements(collection), self._value(self._source(collection))
            never = Counter[str]()
        else:
            each = self._all(self._elements(generator.iterable) for generator in counted.generators)
            first, *later = counted.generators
            reach, anew = self._sources([first]), self._sources(later)
            each += anew
            if self._may_err(counted):
                reach += self._one_round(counted)
            conditions = self._conditions(counted)
            each += self._all(self.truth(condition, True) for condition in conditions)
            never = anew + self._all(self.truth(condition, False) for condition in conditions)
        if is_bounded and never:
            self._refuse("something is looked for anew for each of any number of members", counted.location)
        return reach + Counter({name: n * max(at_least, 0) for name, n in each.items()})

    def _contained(self, element: Expr, collection: Expr, wanted: bool) -> Reach:
        reach = self._value(element)
        reach += self._value(self._source(collection))
        # In a list of a map's values, the key under which one lies is a witness.
        own = self._all(self.names(type_) for type_ in bound_types(collection))
        return reach + (self._elements(collection) - own) if wanted else reach

    def _value(self, expr: Expr) -> Reach:
        """How many members have to stay for a value to come out the same; for a collection, its part."""
        expr = self._opened(expr)
        match expr:
            case Local() | Domain():
                return Counter()
            case Const(type=type_, value=value):
                if self._mentions(type_) and value is not None and not _is_empty(value):
                    self._refuse("the code names a member", None)
                return Counter()
            case StateVar(type=type_):
                return self.names(type_)
            case Connective() | Apply(op=Op.NOT | Op.IS_NONE | Op.CONTAINS | Op.SET_SUBSET):
                return self.truth(expr, True) | self.truth(expr, False)
            case Apply(op=op) if op in _COMPARISONS:
                return self.truth(expr, True) | self.truth(expr, False)
            case IfElse(condition=condition, then=then, orelse=orelse):
                yes = self.truth(condition, True) + self._value(then)
                return yes | (self.truth(condition, False) + self._value(orelse))
            case Comprehension():
                return self._comprehended(expr)
            case PureCall(routine=name, args=args):
                return self._all(self._value(arg) for arg in args) + self._routine(name)
            case Apply():
                return self._applied(expr)

    def _applied(self, expr: Apply) -> Reach:
        reach = self._all(self._value(arg) for arg in expr.args)
        if expr.op in _READS:
            return reach + self.names(expr.type)
        if expr.op is Op.MAP_FRESH_KEY and not self._mentions(expr.type):
            # Which keys are there does not depend on what lies under them.
            return reach
        if expr.op in _POINTWISE or not any(self._mentions(arg.type) for arg in expr.args):
            return reach
        what = expr.op.name.lower().replace("_", " ")
        return self._refuse(f"`{what}` looks at all members at once", expr.location)

    def _comprehended(self, expr: Comprehension) -> Reach:
        if expr.fold in (Fold.ALL, Fold.ANY):
            return self.truth(expr, True) | self.truth(expr, False)
        over_members = any(self._goes_over_members(generator.iterable) for generator in expr.generators)
        inner = self._all(self._value(condition) for condition in self._conditions(expr))
        inner += self._value(expr.body)
        if over_members:
            if expr.fold is not Fold.SET or not self._is_filter(expr) or inner or self._may_err(expr):
                self._refuse("something is computed from all members at once", expr.location)
            return self._sources(expr.generators)
        default = Counter[str]() if expr.default is None else self._value(expr.default)
        return default + self._each_round(expr, inner)

    def _is_filter(self, expr: Comprehension) -> bool:
        """Whether a set consists of elements of another that are kept or not, each for itself."""
        if len(expr.generators) != 1 or not isinstance(expr.body, Local):
            return False
        (generator,) = expr.generators
        # A value stays in the set although the key under which it lies may be left out.
        own = self._all(self.names(type_) for type_ in bound_types(generator.iterable))
        return generator.variables == (expr.body.name,) and not self._elements(generator.iterable) - own

    # Iteration

    def _source(self, iterable: Expr) -> Expr:
        """The collection behind a listing of its elements."""
        iterable = self._opened(iterable)
        while isinstance(iterable, Apply) and iterable.op in _LISTINGS:
            iterable = self._opened(iterable.args[0])
        return iterable

    def _elements(self, iterable: Expr) -> Reach:
        """How many members one element of an iterable names, with the key under which it lies."""
        iterable = self._opened(iterable)
        reach = self._all(self.names(type_) for type_ in bound_types(iterable))
        while isinstance(iterable, Apply) and iterable.op in _LISTINGS:
            if iterable.op is Op.MAP_VALUES:
                reach += self.names(bound_types(iterable.args[0])[0])
            iterable = self._opened(iterable.args[0])
        return reach

    def _goes_over_members(self, iterable: Expr) -> bool:
        """Whether there is an element for each of any number of members, by its value or by its key."""
        mentions = any(self._mentions(type_) for type_ in bound_types(iterable))
        return mentions or bool(self._elements(iterable))

    def _part_of(self, type_: Type) -> Reach:
        """Members that tell two different collections apart."""
        match type_:
            case SetType(element) | BagType(element) | FifoType(element):
                return self.names(element)
            case MapType(key, value):
                return self.names(key) + self.names(value) + self._part_of(value)
            case OptionType(inner):
                return self._part_of(inner)
            case RecordType(_, fields):
                return self._all((self._part_of(field) for _, field in fields), most=True)
            case _:
                return Counter()

    def _opened(self, expr: Expr) -> Expr:
        """A call of a routine that only returns an expression, as that expression with its own parameters."""
        while isinstance(expr, PureCall) and all(isinstance(arg, Local | Const) for arg in expr.args):
            body = self._program.routines[expr.routine].body
            if len(body) != 1 or not isinstance(body[0], Return) or body[0].value is None:
                break
            expr = body[0].value
        return expr

    def _all(self, reaches: Iterable[Reach], most: bool = False) -> Reach:
        total = Counter[str]()
        for reach in reaches:
            total = total | reach if most else total + reach
        return total

    def _refuse(self, reason: str, location: Location | None) -> NoReturn:
        raise NotLocal(reason, location)


def _collections(type_: Type) -> list[Type]:
    """The collections in a type, itself included."""
    match type_:
        case SetType() | BagType() | FifoType() | MapType():
            return [type_]
        case OptionType(inner):
            return _collections(inner)
        case RecordType(_, fields):
            return [part for _, field in fields for part in _collections(field)]
        case _:
            return []


def _is_empty(value: object) -> bool:
    return isinstance(value, frozenset | tuple | Mapping) and len(value) == 0
