"""C expressions for the IR's expressions.

A collection is worked on where it lies (``s`` and a bit for a state variable, ``x.w`` and 0 for a local).
A model error sets ``c->error`` and the expression goes on with a harmless value: the first error counts,
and the statement around it looks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace

from checker.engines.native.codegen.layout import (
    Layout,
    Unsupported,
    bits_for,
    cardinality,
    entry_width,
    is_scalar,
    width,
)
from checker.engines.native.codegen.values import CTypes
from checker.errors import Location, ModelErrorKind
from checker.ir.dependencies import OLD_PREFIX
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
from checker.ir.program import Program, Routine
from checker.ir.statements import Return
from checker.ir.types import (
    BagType,
    FifoType,
    MapType,
    OptionType,
    PairsType,
    SetType,
    Type,
)

_INFIX = {
    Op.INT_ADD: "+",
    Op.INT_SUB: "-",
    Op.INT_MUL: "*",
    Op.INT_LT: "<",
    Op.INT_LE: "<=",
    Op.INT_GT: ">",
    Op.INT_GE: ">=",
}
_WORDWISE = {Op.SET_UNION: "|", Op.SET_INTERSECTION: "&", Op.SET_DIFFERENCE: "& ~"}
MUTATIONS = frozenset(
    {
        Op.SET_ADD,
        Op.SET_REMOVE,
        Op.SET_DISCARD,
        Op.BAG_ADD,
        Op.BAG_REMOVE,
        Op.BAG_DISCARD,
        Op.FIFO_APPEND,
        Op.FIFO_TAIL,
        Op.MAP_SET,
        Op.MAP_DELETE,
        Op.MAP_DISCARD,
    }
)


def changed(expr: Apply) -> Expr:
    """The collection that a changing operator starts from."""
    return expr.args[1] if expr.op is Op.MAP_SET else expr.args[0]


class ErrorSites:
    """Numbers for the places where a model error can happen; the first three mean something else."""

    def __init__(self) -> None:
        self.sites: list[tuple[ModelErrorKind, Location | None]] = []

    def number(self, kind: ModelErrorKind, location: Location | None) -> int:
        """The number of an error of this kind at this place."""
        site = (kind, location)
        if site not in self.sites:
            self.sites.append(site)
        return self.sites.index(site) + 3

    def numbered(self) -> dict[int, tuple[ModelErrorKind, Location | None]]:
        """All places by their numbers."""
        return dict(enumerate(self.sites, start=3))


class Expressions:
    """Emits expressions of one function. ``names`` maps the IR's locals to C variables."""

    def __init__(
        self,
        program: Program,
        layout: Layout,
        types: CTypes,
        errors: ErrorSites,
        routine_names: Mapping[str, str],
    ) -> None:
        self.program = program
        self.layout = layout
        self.types = types
        self.errors = errors
        self.routine_names = routine_names
        self.names: dict[str, str] = {}
        #: C variables that say whether a local has a value; absent for those that always have.
        self.flags: dict[str, str] = {}
        self.may_fail = False
        #: Whether what is being emitted is stored in the state at once: then a value out of range is an
        #: error here. In a local it would be none yet, and the packed form cannot hold it.
        self.is_storing = False
        self._counter = 0

    def fresh(self, stem: str) -> str:
        """A C name that nothing else has."""
        self._counter += 1
        return f"{stem}{self._counter}"

    def fail(self, kind: ModelErrorKind, location: Location | None) -> str:
        """The C statement that notes a model error."""
        self.may_fail = True
        return f"gen_error(c, {self.errors.number(kind, location)})"

    def out_of_range(self, location: Location | None) -> str:
        """The C statement that notes an element out of its collection's range."""
        if self.is_storing:
            return self.fail(ModelErrorKind.OVERFLOW, location)
        self.may_fail = True
        return "gen_error(c, QC_BEYOND)"

    # Values

    def value(self, expr: Expr) -> str:
        """A C expression for the value."""
        match expr:
            case Const(value=value, type=type_):
                return self.types.constant(type_, value)
            case Local():
                return self._local(expr)
            case StateVar():
                pointer, base = self._variable(expr)
                return self.load(expr.type, pointer, base)
            case Connective(logic=logic, left=left, right=right):
                sign = "&&" if logic is Logic.AND else "||"
                return f"({self.value(left)} {sign} {self.value(right)})"
            case IfElse(condition=condition, then=then, orelse=orelse):
                return f"({self.value(condition)} ? {self.value(then)} : {self.value(orelse)})"
            case PureCall():
                return self._pure_call(expr)
            case Comprehension():
                return self._comprehension(expr)
            case Apply():
                return self._apply(expr)
            case Domain():
                raise Unsupported("a domain as a value")

    def load(self, type_: Type, pointer: str, base: str) -> str:
        """The value that lies at a bit of some words."""
        if is_scalar(type_):
            bits = width(type_, self.layout.capacities)
            return self.types.unkey(type_, f"gen_get({pointer}, {base}, {bits})")
        name, bits = self.types.name(type_), width(type_, self.layout.capacities)
        v = self.fresh("v")
        return f"({{ {name} {v} = {{0}}; gen_copy({v}.w, 0, {pointer}, {base}, {bits}); {v}; }})"

    def store(self, type_: Type, pointer: str, base: str, value: str) -> str:
        """The C statement that puts a value of the type, known to fit, at a bit of some words."""
        bits = width(type_, self.layout.capacities)
        if is_scalar(type_):
            return f"gen_put({pointer}, {base}, {bits}, (uint64_t){self.types.key(type_, value)});"
        temporary = self.fresh("v")
        name = self.types.name(type_)
        return f"{{ {name} {temporary} = {value}; gen_copy({pointer}, {base}, {temporary}.w, 0, {bits}); }}"

    def _local(self, expr: Local) -> str:
        name = self.names.get(expr.name)
        if name is None:
            raise Unsupported(f"the local {expr.name} is not declared")
        flag = self.flags.get(expr.name)
        if flag is None:
            return name
        return f"({{ if (!{flag}) {self.fail(ModelErrorKind.UNASSIGNED, expr.location)}; {name}; }})"

    def _variable(self, expr: StateVar) -> tuple[str, str]:
        slot = self.layout.variables[expr.name.removeprefix(OLD_PREFIX)]
        return ("c->old" if expr.name.startswith(OLD_PREFIX) else "s"), str(slot.offset)

    def at(self, expr: Expr, use: Callable[[str, str], str]) -> str:
        """An expression on the place (pointer and bit) of a collection; ``use`` makes it from the place."""
        expr = self.inlined(expr)
        if isinstance(expr, StateVar):
            return use(*self._variable(expr))
        if isinstance(expr, Apply) and expr.op is Op.COPY:
            return self.at(expr.args[0], use)
        if isinstance(expr, Local) and expr.name not in self.flags:
            return use(f"{self.value(expr)}.w", "0")
        v, name = self.fresh("v"), self.types.name(expr.type)
        return f"({{ {name} {v} = {self.value(expr)}; {use(f'{v}.w', '0')}; }})"

    # Calls of pure routines

    def inlined(self, expr: Expr) -> Expr:
        """A call of a routine that only returns an expression, as that expression."""
        if isinstance(expr, PureCall):
            routine = self.program.routines[expr.routine]
            if (
                len(routine.body) == 1
                and isinstance(routine.body[0], Return)
                and routine.body[0].value is not None
            ):
                simple = all(isinstance(arg, Local | Const | StateVar) for arg in expr.args)
                if simple:
                    given = dict(zip((p.name for p in routine.parameters), expr.args, strict=True))
                    return self.inlined(substituted(routine.body[0].value, given, self.fresh))
        return expr

    def _pure_call(self, expr: PureCall) -> str:
        inner = self.inlined(expr)
        if inner is not expr:
            return self.value(inner)
        routine = self.program.routines[expr.routine]
        return self.call(routine, expr.args)

    def call(self, routine: Routine, args: Iterable[Expr]) -> str:
        """A call of a pure routine's C function."""
        self.may_fail = True
        parts = [self.value(arg) for arg in args]
        return f"{self.routine_names[routine.name]}({', '.join(['c', 's', *parts])})"

    # Operators

    def _apply(self, expr: Apply) -> str:
        op, args = expr.op, expr.args
        if op in _INFIX:
            return f"({self.value(args[0])} {_INFIX[op]} {self.value(args[1])})"
        if op in MUTATIONS:
            temporary = self.fresh("v")
            name = self.types.name(expr.type)
            change = self.mutation(expr, f"{temporary}.w", "0")
            return f"({{ {name} {temporary} = {self.value(changed(expr))}; {change} {temporary}; }})"
        if op in _WORDWISE:
            return self._wordwise(expr)
        match op:
            case Op.EQ:
                return self.types.equal(args[0].type, self.value(args[0]), self.value(args[1]))
            case Op.NE:
                return f"(!{self.types.equal(args[0].type, self.value(args[0]), self.value(args[1]))})"
            case Op.NOT:
                return f"(!{self.value(args[0])})"
            case Op.INT_NEG:
                return f"(-{self.value(args[0])})"
            case Op.NEXT:
                return f"({self.value(args[0])} + 1)"
            case Op.BOOL_TO_INT:
                return f"((int64_t)({self.value(args[0])} != 0))"
            case Op.COPY:
                return self.value(args[0])
            case Op.INT_ABS | Op.INT_MIN | Op.INT_MAX | Op.INT_FLOOR_DIV | Op.INT_FLOOR_MOD:
                return self._arithmetic(expr)
            case Op.IS_NONE:
                return f"(!({self.value(args[0])}).some)"
            case Op.SOME:
                return f"(({self.types.name(expr.type)}){{true, {self.value(args[0])}}})"
            case Op.UNWRAP:
                held, name = self.fresh("v"), self.types.name(args[0].type)
                note = self.fail(ModelErrorKind.NONE, expr.location)
                return (
                    f"({{ {name} {held} = {self.value(args[0])}; if (!{held}.some) {note}; {held}.value; }})"
                )
            case Op.RECORD_GET:
                return f"({self.value(args[0])}).f{expr.field}"
            case Op.RECORD_MAKE:
                parts = ", ".join(self.value(arg) for arg in args) or "0"
                return f"(({self.types.name(expr.type)}){{{parts}}})"
            case Op.IS_IDLE:
                return f"gen_is_idle(s, {self.value(args[0])})"
            case Op.CALLER:
                note = self.fail(ModelErrorKind.CALLER, expr.location)
                return f"({{ if (c->caller < 0) {note}; (int64_t)(c->caller < 0 ? 0 : c->caller); }})"
            case _:
                return self._collection(expr)

    def _arithmetic(self, expr: Apply) -> str:
        a, b = self.fresh("a"), self.fresh("b")
        first = f"int64_t {a} = {self.value(expr.args[0])};"
        if expr.op is Op.INT_ABS:
            return f"({{ {first} {a} < 0 ? -{a} : {a}; }})"
        both = f"{first} int64_t {b} = {self.value(expr.args[1])};"
        match expr.op:
            case Op.INT_MIN:
                return f"({{ {both} {a} < {b} ? {a} : {b}; }})"
            case Op.INT_MAX:
                return f"({{ {both} {a} > {b} ? {a} : {b}; }})"
            case _:
                note = self.fail(ModelErrorKind.DIVISION, expr.location)
                function = "gen_floor_div" if expr.op is Op.INT_FLOOR_DIV else "gen_floor_mod"
                return f"({{ {both} if ({b} == 0) {{ {note}; {b} = 1; }} {function}({a}, {b}); }})"

    def _wordwise(self, expr: Apply) -> str:
        name, words = self.types.name(expr.type), self.types.words(expr.type)
        a, b = self.fresh("a"), self.fresh("b")
        if self.types.name(expr.args[1].type) != name:
            raise Unsupported("sets over different ranges")
        loop = f"for (int i = 0; i < {words}; i++) {a}.w[i] = {a}.w[i] {_WORDWISE[expr.op]} {b}.w[i];"
        first, second = self.value(expr.args[0]), self.value(expr.args[1])
        return f"({{ {name} {a} = {first}, {b} = {second}; {loop} {a}; }})"

    # Collections

    def _collection(self, expr: Apply) -> str:
        source, *args = expr.args
        match expr.op:
            case Op.SET_MAKE:
                return self._set_make(expr)
            case Op.SET_SUBSET:
                rest = Apply(Op.SET_DIFFERENCE, expr.args, source.type)
                return self.at(rest, lambda p, b: f"(gen_count({p}, {b}, {self._size(source.type)}) == 0)")
            case Op.CONTAINS:
                return self._contains(args[0], source)
            case Op.LENGTH:
                return self._length(source)
            case Op.BAG_COUNT:
                assert isinstance(source.type, BagType)
                return self._keyed(source, args[0], self._bag_count, "0")
            case Op.MAP_GET | Op.MAP_GET_OPTION:
                return self._map_get(expr, source, args[0])
            case Op.MAP_FRESH_KEY:
                return self._fresh_key(expr, source)
            case Op.FIFO_HEAD | Op.FIFO_AT:
                return self._fifo_at(expr, source, args[0] if args else None)
            case Op.ELEMENTS | Op.DISTINCT | Op.MAP_VALUES:
                return self._materialised(expr)
            case _:
                raise Unsupported(f"the operator {expr.op.name} as a value")

    def _size(self, type_: Type) -> int:
        match type_:
            case SetType(element) | BagType(element):
                return cardinality(element)
            case MapType(key, _):
                return cardinality(key)
            case _:
                raise Unsupported(f"the size of {type_}")

    def stride(self, type_: Type) -> int:
        """The bits between one element and the next."""
        capacities = self.layout.capacities
        match type_:
            case SetType():
                return 1
            case BagType():
                return bits_for(capacities.bag_count_max + 1)
            case MapType(_, value):
                return entry_width(value, capacities)
            case FifoType(element):
                return width(element, capacities)
            case _:
                raise Unsupported(f"the elements of {type_}")

    def _key_type(self, type_: Type) -> Type:
        match type_:
            case SetType(element) | BagType(element) | FifoType(element):
                return element
            case MapType(key, _):
                return key
            case _:
                raise Unsupported(f"the elements of {type_}")

    def _keyed(
        self, source: Expr, element: Expr, use: Callable[[str, str, str, Type], str], otherwise: str
    ) -> str:
        """An expression on the slot of an element; ``otherwise`` where it is outside the domain."""
        k = self.fresh("k")
        key = self.types.key(self._key_type(source.type), self.value(element))
        inside = self.at(source, lambda p, b: use(p, b, k, source.type))
        if not self.types.needs_check(self._key_type(source.type)):
            return f"({{ int64_t {k} = {key}; {inside}; }})"
        return f"({{ int64_t {k} = {key}; {k} < 0 ? {otherwise} : {inside}; }})"

    def slot(self, pointer: str, base: str, key: str, type_: Type) -> str:
        """What lies at an element's place: a bit, a count, or a map's entry."""
        stride = self.stride(type_)
        return f"gen_get({pointer}, {base} + (uint32_t){key} * {stride}, {min(stride, 64)})"

    def _bag_count(self, pointer: str, base: str, key: str, type_: Type) -> str:
        return f"(int64_t){self.slot(pointer, base, key, type_)}"

    def present(self, pointer: str, base: str, key: str, type_: Type) -> str:
        """Whether an element is in a set, bag or map."""
        if isinstance(type_, MapType) and not is_scalar(type_.value):
            return f"(gen_get({pointer}, {base} + (uint32_t){key} * {self.stride(type_)}, 1) != 0)"
        return f"({self.slot(pointer, base, key, type_)} != 0)"

    def _contains(self, source: Expr, element: Expr) -> str:
        source = self.inlined(source)
        if isinstance(source.type, FifoType):
            held, found, v = self.fresh("v"), self.fresh("found"), self.fresh("v")
            name = self.types.name(element.type)
            same = self.types.equal(source.type.element, held, v)
            body = f"if ({same}) {found} = true;"
            loop = self.loop(source, [(v, source.type.element)], body)
            return f"({{ {name} {held} = {self.value(element)}; bool {found} = false; {loop} {found}; }})"
        return self._keyed(source, element, self.present, "false")

    def _length(self, source: Expr) -> str:
        source = self.inlined(source)
        match source.type:
            case SetType(element):
                return self.at(source, lambda p, b: f"(int64_t)gen_count({p}, {b}, {cardinality(element)})")
            case FifoType() if isinstance(source, StateVar | Local):
                head = bits_for(self.layout.capacities.fifo_length_max + 1)
                return self.at(source, lambda p, b: f"(int64_t)gen_get({p}, {b}, {head})")
            case _:
                total, v = self.fresh("n"), self.fresh("v")
                element = self._key_type(source.type)
                loop = self.loop(source, [(v, element)], f"{total}++; (void){v};")
                return f"({{ int64_t {total} = 0; {loop} {total}; }})"

    def entry_value(self, pointer: str, base: str, key: str, type_: MapType) -> str:
        """The value of an entry that is there."""
        if is_scalar(type_.value):
            return self.types.unkey(type_.value, f"({self.slot(pointer, base, key, type_)} - 1)")
        return self.load(type_.value, pointer, f"{base} + (uint32_t){key} * {self.stride(type_)} + 1")

    def _map_get(self, expr: Apply, source: Expr, key: Expr) -> str:
        type_ = source.type
        assert isinstance(type_, MapType)
        result, k, name = self.fresh("r"), self.fresh("k"), self.types.name(expr.type)
        number = self.types.key(type_.key, self.value(key))
        if expr.op is Op.MAP_GET:
            missing = f"else {self.fail(ModelErrorKind.MISSING, expr.location)};"
            store = "{result} = {value};"
        elif isinstance(type_.value, OptionType):
            missing, store = "", "{result} = {value};"
        else:
            missing, store = "", "{result}.some = true; {result}.value = {value};"

        def use(pointer: str, base: str) -> str:
            test = f"{k} >= 0 && {self.present(pointer, base, k, type_)}"
            then = store.format(result=result, value=self.entry_value(pointer, base, k, type_))
            return f"({{ if ({test}) {{ {then} }} {missing} {result}; }})"

        zero = self.types.zero(expr.type)
        return f"({{ {name} {result} = {zero}; int64_t {k} = {number}; {self.at(source, use)}; }})"

    def _fresh_key(self, expr: Apply, source: Expr) -> str:
        assert isinstance(source.type, MapType)
        type_ = source.type
        size, k = cardinality(type_.key), self.fresh("k")
        note = self.fail(ModelErrorKind.FULL, expr.location)

        def use(pointer: str, base: str) -> str:
            search = f"while ({k} < {size} && {self.present(pointer, base, k, type_)}) {k}++;"
            full = f"if ({k} == {size}) {{ {note}; {k} = 0; }}"
            return f"({{ {search} {full} {self.types.unkey(type_.key, k)}; }})"

        return f"({{ int64_t {k} = 0; {self.at(source, use)}; }})"

    def _fifo_at(self, expr: Apply, source: Expr, position: Expr | None) -> str:
        type_ = source.type
        assert isinstance(type_, FifoType)
        i, n, result = self.fresh("i"), self.fresh("n"), self.fresh("r")
        head = bits_for(self.layout.capacities.fifo_length_max + 1)
        note = self.fail(ModelErrorKind.INDEX, expr.location)
        where = "0" if position is None else self.value(position)

        def use(pointer: str, base: str) -> str:
            slot = f"{base} + {head} + (uint32_t){i} * {self.stride(type_)}"
            return (
                f"({{ int64_t {n} = (int64_t)gen_get({pointer}, {base}, {head}); if ({i} < 0) {i} += {n}; "
                f"if ({i} < 0 || {i} >= {n}) {note}; "
                f"else {result} = {self.load(type_.element, pointer, slot)}; {result}; }})"
            )

        name, zero = self.types.name(type_.element), self.types.zero(type_.element)
        return f"({{ int64_t {i} = {where}; {name} {result} = {zero}; {self.at(source, use)}; }})"

    def _set_make(self, expr: Apply) -> str:
        assert isinstance(expr.type, SetType)
        made = self.fresh("v")
        adds = " ".join(self._add_to(made, expr.type, self.value(arg), expr.location) for arg in expr.args)
        return f"({{ {self.types.name(expr.type)} {made} = {{0}}; {adds} {made}; }})"

    def _add_to(self, made: str, type_: SetType, value: str, location: Location | None) -> str:
        k = self.fresh("k")
        note = self.fail(ModelErrorKind.OVERFLOW, location)
        return (
            f"{{ int64_t {k} = {self.types.key(type_.element, value)}; "
            f"if ({k} < 0) {note}; else gen_put({made}.w, (uint32_t){k}, 1, 1); }}"
        )

    def _materialised(self, expr: Apply) -> str:
        """The elements of something as a FIFO of its own."""
        assert isinstance(expr.type, FifoType)
        made, v = self.fresh("v"), self.fresh("v")
        append = self._append(expr.type, f"{made}.w", "0", v, expr.location)
        loop = self.loop(expr, [(v, expr.type.element)], append)
        return f"({{ {self.types.name(expr.type)} {made} = {{0}}; {loop} {made}; }})"

    # Changes in place

    def mutation(self, expr: Apply, pointer: str, base: str) -> str:
        """The statements that apply a changing operator to a collection where it lies."""
        type_, location = expr.type, expr.location
        if isinstance(type_, FifoType):
            if expr.op is Op.FIFO_APPEND:
                v, name = self.fresh("v"), self.types.name(type_.element)
                append = self._append(type_, pointer, base, v, location)
                return f"{{ {name} {v} = {self.value(expr.args[1])}; {append} }}"
            return self._tail(type_, pointer, base, location)
        k = self.fresh("k")
        element = expr.args[2] if expr.op is Op.MAP_SET else expr.args[1]
        key = self.types.key(self._key_type(type_), self.value(element))
        change = self._change(expr, pointer, base, k)
        return f"{{ int64_t {k} = {key}; {change} }}"

    def _change(self, expr: Apply, pointer: str, base: str, k: str) -> str:
        type_, location, stride = expr.type, expr.location, self.stride(expr.type)
        place = f"{base} + (uint32_t){k} * {stride}"
        here = f"{k} >= 0 && {self.present(pointer, base, k, type_)}"
        count = self.slot(pointer, base, k, type_)
        clear = f"gen_clear({pointer}, {place}, {stride});"
        less = f"gen_put({pointer}, {place}, {stride}, {count} - 1);"
        missing = f"else {self.fail(ModelErrorKind.MISSING, location)};"
        match expr.op:
            case Op.SET_ADD:
                note = self.out_of_range(location)
                return f"if ({k} < 0) {note}; else gen_put({pointer}, {place}, 1, 1);"
            case Op.SET_REMOVE | Op.MAP_DELETE:
                return f"if ({here}) {{ {clear} }} {missing}"
            case Op.SET_DISCARD | Op.MAP_DISCARD:
                return f"if ({here}) {{ {clear} }}"
            case Op.BAG_ADD:
                note = self.out_of_range(location)
                full = (
                    f"else if ({count} >= {self.layout.capacities.bag_count_max}) gen_error(c, QC_CAPACITY);"
                )
                more = f"else gen_put({pointer}, {place}, {stride}, {count} + 1);"
                return f"if ({k} < 0) {note}; {full} {more}"
            case Op.BAG_REMOVE:
                return f"if ({here}) {{ {less} }} {missing}"
            case Op.BAG_DISCARD:
                return f"if ({here}) {{ {less} }}"
            case Op.MAP_SET:
                return self._map_set(expr, pointer, place, k)
            case _:
                raise AssertionError(expr.op)

    def _map_set(self, expr: Apply, pointer: str, place: str, k: str) -> str:
        assert isinstance(expr.type, MapType)
        value_type = expr.type.value
        note = self.out_of_range(expr.location)
        value = self.value(expr.args[0])
        if is_scalar(value_type):
            e = self.fresh("e")
            stride = self.stride(expr.type)
            return (
                f"int64_t {e} = {self.types.key(value_type, value)}; if ({k} < 0 || {e} < 0) {note}; "
                f"else gen_put({pointer}, {place}, {stride}, (uint64_t){e} + 1);"
            )
        # The value may read the very entry that is set, so that it comes first.
        v, name = self.fresh("v"), self.types.name(value_type)
        inner = self.store(value_type, pointer, f"{place} + 1", v)
        put = f"if ({k} < 0) {note}; else {{ gen_put({pointer}, {place}, 1, 1); {inner} }}"
        return f"{name} {v} = {value}; {put}"

    def _append(self, type_: FifoType, pointer: str, base: str, value: str, location: Location | None) -> str:
        slots = self.layout.capacities.fifo_length_max
        head, n = bits_for(slots + 1), self.fresh("n")
        slot = f"{base} + {head} + {n} * {self.stride(type_)}"
        put = self.store(type_.element, pointer, slot, value)
        check = ""
        if self.types.needs_check(type_.element):
            note = self.out_of_range(location)
            check = f"if ({self.types.key(type_.element, value)} < 0) {note}; else "
        self.may_fail = True
        return (
            f"{{ uint32_t {n} = (uint32_t)gen_get({pointer}, {base}, {head}); {check}if ({n} >= {slots}) "
            f"gen_error(c, QC_CAPACITY); else {{ {put} gen_put({pointer}, {base}, {head}, {n} + 1); }} }}"
        )

    def _tail(self, type_: FifoType, pointer: str, base: str, location: Location | None) -> str:
        slots, stride = self.layout.capacities.fifo_length_max, self.stride(type_)
        head, n, i = bits_for(slots + 1), self.fresh("n"), self.fresh("i")
        note = self.fail(ModelErrorKind.INDEX, location)
        slot = f"{base} + {head} + {i} * {stride}"
        move = f"gen_copy({pointer}, {slot}, {pointer}, {slot} + {stride}, {stride});"
        shift = f"for (uint32_t {i} = 0; {i} + 1 < {n}; {i}++) {move}"
        last = f"gen_clear({pointer}, {base} + {head} + ({n} - 1) * {stride}, {stride});"
        return (
            f"{{ uint32_t {n} = (uint32_t)gen_get({pointer}, {base}, {head}); if ({n} == 0) {note}; "
            f"else {{ {shift} {last} gen_put({pointer}, {base}, {head}, {n} - 1); }} }}"
        )

    # Iteration

    def loop(self, iterable: Expr, variables: list[tuple[str, Type]], body: str) -> str:
        """A loop over an iterable that declares its C variables; ``body`` sees them."""
        iterable = self.inlined(iterable)
        if isinstance(iterable, Domain):
            return self._domain_loop(iterable.of, variables, body)
        if isinstance(iterable, Apply) and iterable.op in (
            Op.ELEMENTS,
            Op.DISTINCT,
            Op.MAP_VALUES,
            Op.MAP_ITEMS,
        ):
            return self._apply_loop(iterable, variables, body)
        if isinstance(iterable.type, SetType | BagType | FifoType | MapType):
            return self._apply_loop(Apply(Op.ELEMENTS, (iterable,), iterable.type), variables, body)
        raise Unsupported(f"iterating over {iterable.type}")

    def _domain_loop(self, type_: Type, variables: list[tuple[str, Type]], body: str) -> str:
        k = self.fresh("k")
        ((name, declared),) = variables
        bind = f"{self.types.name(declared)} {name} = {self.types.unkey(type_, k)};"
        return f"for (int64_t {k} = 0; {k} < {cardinality(type_)}; {k}++) {{ {bind} {body} }}"

    def _apply_loop(self, iterable: Apply, variables: list[tuple[str, Type]], body: str) -> str:
        source = self.inlined(iterable.args[0])
        if iterable.op is Op.DISTINCT and isinstance(source.type, FifoType):
            return self._distinct_loop(source, source.type, variables, body)
        listings = (Op.ELEMENTS, Op.DISTINCT, Op.MAP_VALUES)
        if iterable.op is Op.ELEMENTS and isinstance(source, Apply) and source.op in listings:
            # The elements of a listing are iterated over where it is made.
            return self._apply_loop(source, variables, body)
        loop = self._place_loop(iterable.op, source.type, variables, body)
        # A statement, unlike an expression, needs its place declared around it.
        if isinstance(source, StateVar):
            return loop(*self._variable(source))
        held = self.fresh("v")
        return f"{{ {self.types.name(source.type)} {held} = {self.value(source)}; {loop(f'{held}.w', '0')} }}"

    def _distinct_loop(
        self, source: Expr, type_: FifoType, variables: list[tuple[str, Type]], body: str
    ) -> str:
        """The distinct elements of a FIFO, in their order: those of the set that they make."""
        elements = SetType(type_.element)
        held, v = self.fresh("v"), self.fresh("v")
        fill = self.loop(source, [(v, type_.element)], self._add_to(held, elements, v, None))
        loop = self._place_loop(Op.ELEMENTS, elements, variables, body)(f"{held}.w", "0")
        return f"{{ {self.types.name(elements)} {held} = {{0}}; {fill} {loop} }}"

    def _place_loop(
        self, op: Op, type_: Type, variables: list[tuple[str, Type]], body: str
    ) -> Callable[[str, str], str]:
        if isinstance(type_, FifoType):
            return lambda pointer, base: self._fifo_loop(type_, pointer, base, variables, body)
        k, i = self.fresh("k"), self.fresh("i")
        size = self._size(type_)

        def loop(pointer: str, base: str) -> str:
            binds = []
            keys = [*variables]
            if op is Op.MAP_VALUES or op is Op.MAP_ITEMS:
                assert isinstance(type_, MapType)
                name, declared = keys.pop()
                value = self.entry_value(pointer, base, k, type_)
                binds.append(f"{self.types.name(declared)} {name} = {value};")
            for name, declared in keys:
                binds.append(
                    f"{self.types.name(declared)} {name} = {self.types.unkey(self._key_type(type_), k)};"
                )
            inner = f"{' '.join(binds)} {body}"
            if isinstance(type_, BagType) and op is Op.ELEMENTS:
                count = self.slot(pointer, base, k, type_)
                inner = f"for (uint64_t {i} = {count}; {i} > 0; {i}--) {{ {inner} }}"
            test = self.present(pointer, base, k, type_)
            return f"for (int64_t {k} = 0; {k} < {size}; {k}++) if {test} {{ {inner} }}"

        return loop

    def _fifo_loop(
        self, type_: FifoType, pointer: str, base: str, variables: list[tuple[str, Type]], body: str
    ) -> str:
        head, i = bits_for(self.layout.capacities.fifo_length_max + 1), self.fresh("i")
        ((name, declared),) = variables
        slot = f"{base} + {head} + (uint32_t){i} * {self.stride(type_)}"
        bind = f"{self.types.name(declared)} {name} = {self.load(type_.element, pointer, slot)};"
        return f"for (uint64_t {i} = 0; {i} < gen_get({pointer}, {base}, {head}); {i}++) {{ {bind} {body} }}"

    # Comprehensions

    def _comprehension(self, expr: Comprehension) -> str:
        acc, done = self.fresh("acc"), self.fresh("done")
        fold = expr.fold
        name = self.types.name(expr.type)
        start = "1" if fold is Fold.ALL else self.types.zero(expr.type)
        some = self.fresh("some")

        def innermost() -> str:
            match fold:
                case Fold.ALL:
                    return f"if (!{self.value(expr.body)}) {{ {acc} = 0; goto {done}; }}"
                case Fold.ANY:
                    return f"if ({self.value(expr.body)}) {{ {acc} = 1; goto {done}; }}"
                case Fold.SUM:
                    return f"{acc} += {self.value(expr.body)};"
                case Fold.COUNT:
                    return f"{acc}++;"
                case Fold.SET:
                    assert isinstance(expr.type, SetType)
                    return self._add_to(acc, expr.type, self.value(expr.body), expr.location)
                case Fold.MIN | Fold.MAX:
                    v, sign = self.fresh("v"), "<" if fold is Fold.MIN else ">"
                    better = f"if (!{some} || {v} {sign} {acc}) {acc} = {v};"
                    return f"int64_t {v} = {self.value(expr.body)}; {better} {some} = true;"

        loops = self._nested(expr.generators, innermost)
        finish = ""
        if fold in (Fold.MIN, Fold.MAX):
            empty = f"{self.fail(ModelErrorKind.EMPTY, expr.location)};"
            if expr.default is not None:
                empty = f"{acc} = {self.value(expr.default)};"
            finish = f"if (!{some}) {empty}"
        return (
            f"({{ __label__ {done}; {name} {acc} = {start}; bool {some} = false; (void){some}; {loops} "
            f"{done}:; {finish} {acc}; }})"
        )

    def _nested(self, generators: tuple[Generator, ...], innermost: Callable[[], str]) -> str:
        if not generators:
            return innermost()
        first, *rest = generators
        types = bound_types(first.iterable)
        variables = []
        for variable, type_ in zip(first.variables, types, strict=True):
            self.names[variable] = self.fresh("b")
            variables.append((self.names[variable], type_))
        inner = self._nested(tuple(rest), innermost)
        for condition in reversed(first.conditions):
            inner = f"if ({self.value(condition)}) {{ {inner} }}"
        return self.loop(first.iterable, variables, inner)


def bound_types(iterable: Expr) -> tuple[Type, ...]:
    """The types of what one round over an iterable binds."""
    match iterable.type:
        case PairsType(first, second):
            return (first, second)
        case SetType(element) | BagType(element) | FifoType(element):
            return (element,)
        case MapType(key, _):
            return (key,)
        case other:
            raise Unsupported(f"iterating over {other}")


def substituted(expr: Expr, given: Mapping[str, Expr], fresh: Callable[[str], str]) -> Expr:
    """An expression with expressions in place of parameters, and its bound variables renamed apart."""

    def inside(part: Expr) -> Expr:
        return substituted(part, given, fresh)

    match expr:
        case Local(name=name) if name in given:
            return given[name]
        case Apply(args=args) | PureCall(args=args):
            return replace(expr, args=tuple(map(inside, args)))
        case Connective(left=left, right=right):
            return replace(expr, left=inside(left), right=inside(right))
        case IfElse(condition=condition, then=then, orelse=orelse):
            return replace(expr, condition=inside(condition), then=inside(then), orelse=inside(orelse))
        case Comprehension():
            return _substituted_comprehension(expr, given, fresh)
        case _:
            return expr


def _substituted_comprehension(
    expr: Comprehension, given: Mapping[str, Expr], fresh: Callable[[str], str]
) -> Comprehension:
    known = dict(given)
    generators = []
    for generator in expr.generators:
        iterable = substituted(generator.iterable, known, fresh)
        names = tuple(fresh("bound") for _ in generator.variables)
        types = bound_types(generator.iterable)
        for old, new, type_ in zip(generator.variables, names, types, strict=True):
            known[old] = Local(new, type_)
        conditions = tuple(substituted(condition, known, fresh) for condition in generator.conditions)
        generators.append(Generator(names, iterable, conditions))
    default = None if expr.default is None else substituted(expr.default, given, fresh)
    body = substituted(expr.body, known, fresh)
    return replace(expr, generators=tuple(generators), body=body, default=default)
