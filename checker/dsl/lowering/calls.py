"""Lowering of calls inside expressions: builtins, constructors, methods of values, pure helpers."""

from __future__ import annotations

import ast
import dataclasses
import difflib
import inspect
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from checker.dsl import collections as dsl_collections
from checker.dsl import runtime
from checker.dsl.calls import Operation, transact
from checker.dsl.index import Index, Process, length_of, size_of
from checker.dsl.lowering.scope import NOT_FOUND, Receiver
from checker.dsl.lowering.types import join, range_of
from checker.dsl.structure import method_names
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
    record_make,
)
from checker.ir.program import Routine
from checker.ir.types import (
    BOOL,
    BagType,
    FifoType,
    IntType,
    MapType,
    OptionType,
    PairsType,
    RecordType,
    SetType,
    Type,
    is_collection,
)
from checker.ir.values import EMPTY_MAP, domain

if TYPE_CHECKING:
    from checker.dsl.lowering.expressions import ExpressionLowering

_FOLDS = {all: Fold.ALL, any: Fold.ANY, sum: Fold.SUM, min: Fold.MIN, max: Fold.MAX}
_STATEMENT_ONLY = {
    runtime.choose: "write it as 'name = choose(...)' in a line of its own",
    runtime.when: "write it as a line of its own",
    transact: "await it in a line of its own",
}
#: Methods that change a collection: statements, not expressions.
MUTATORS = frozenset({"add", "remove", "discard", "append", "popleft"})


def lower_call(lowering: ExpressionLowering, node: ast.Call, expected: Type | None) -> Expr:
    """A call in an expression."""
    scope = lowering.scope
    if isinstance(node.func, ast.Attribute):
        receiver = scope.receiver(node.func.value)
        if receiver is not None:
            return _helper(lowering, node, receiver, node.func.attr)
    found = scope.python_object(node.func)
    if found is not NOT_FOUND:
        return _python_call(lowering, node, found, expected)
    if isinstance(node.func, ast.Attribute):
        return _value_method(lowering, node, node.func)
    name = ast.unparse(node.func)
    raise scope.reject(node.func, f"the name '{name}' is not defined", "check the spelling, or import it")


def unknown_member(receiver: Receiver, name: str) -> tuple[str, str]:
    """What to say of an attribute that a model or component does not have."""
    known = [
        *receiver.structure.fields,
        *receiver.structure.components,
        *method_names(receiver.structure.cls),
    ]
    owner = receiver.structure.name or receiver.structure.cls.__name__
    close = difflib.get_close_matches(name, known, 1)
    hint = f"did you mean '{close[0]}'?" if close else f"it has: {', '.join(k for k in known if k[0] != '_')}"
    return f"'{owner}' has no field '{name}' in the state", hint


def _python_call(lowering: ExpressionLowering, node: ast.Call, found: Any, expected: Type | None) -> Expr:
    scope = lowering.scope
    place = scope.place(node)
    if found in _FOLDS if isinstance(found, Callable) else False:  # type: ignore[arg-type]
        return _fold(lowering, node, found)
    if found is len:
        return _length(lowering, node)
    if found is abs:
        operand = lowering.integer(_only(lowering, node))
        return Apply(Op.INT_ABS, (operand,), range_of(Op.INT_ABS, (operand.type,)), place)
    if found is bool:
        return lowering.condition(_only(lowering, node))
    if found is int:
        return lowering.lower(_only(lowering, node), IntType())
    if found is runtime.caller:
        return Apply(Op.CALLER, (), scope.unit.resolve(Process, None, place, "caller()"), place)
    if found is runtime.is_idle:
        type_ = scope.unit.resolve(Process, None, place, "is_idle()")
        return Apply(Op.IS_IDLE, (lowering.lower(_only(lowering, node), type_),), BOOL, place)
    if found in _STATEMENT_ONLY:
        hint = _STATEMENT_ONLY[found]
        raise scope.reject(node, f"{found.__name__}() inside an expression is not supported", hint)
    if found is dataclasses.replace:
        return _replace(lowering, node)
    if isinstance(found, type):
        return _construct(lowering, node, found, expected)
    if inspect.isfunction(found) and not found.__module__.startswith("checker.dsl."):
        routine = scope.unit.function(found, place)
        return _pure(lowering, node, routine)
    name = ast.unparse(node.func)
    hint = "models use len, all, any, sum, min, max, abs, their own helpers, and checker.dsl"
    raise scope.reject(node, f"'{name}' is not supported in a model", hint)


def _only(lowering: ExpressionLowering, node: ast.Call) -> ast.expr:
    if len(node.args) != 1 or node.keywords:
        raise lowering.scope.reject(node, f"{ast.unparse(node.func)}() takes one argument here", "pass one")
    return node.args[0]


def _length(lowering: ExpressionLowering, node: ast.Call) -> Expr:
    arg = _only(lowering, node)
    found = lowering.scope.python_object(arg)
    if isinstance(found, type) and issubclass(found, Index):
        length = length_of(found)
        return Const(length, IntType(length, length))
    if isinstance(arg, ast.ListComp):
        return lowering.comprehension(Fold.COUNT, arg.elt, arg.generators, node)
    value = lowering.value(arg)
    if not is_collection(value.type):
        raise lowering.scope.reject(arg, f"{value.type} has no length", "only collections have")
    return Apply(Op.LENGTH, (value,), IntType(0, None), lowering.scope.place(node))


def _fold(lowering: ExpressionLowering, node: ast.Call, function: Any) -> Expr:
    fold = _FOLDS[function]
    scope = lowering.scope
    default = None
    for keyword in node.keywords:
        if keyword.arg != "default" or fold not in (Fold.MIN, Fold.MAX):
            raise scope.reject(node, f"{function.__name__}() takes no '{keyword.arg}' here", "leave it out")
        default = lowering.integer(keyword.value)
        if not isinstance(default, Const | StateVar):
            hint = "assign it to a variable, and test for emptiness before"
            raise scope.reject(keyword.value, "the default is not a constant or a field", hint)
    if fold in (Fold.MIN, Fold.MAX) and len(node.args) > 1:
        return _extremum(lowering, node, Op.INT_MIN if fold is Fold.MIN else Op.INT_MAX)
    if len(node.args) != 1:
        raise scope.reject(node, f"{function.__name__}() takes one argument here", "pass one")

    def finish(body: Expr) -> Expr:
        if fold in (Fold.ALL, Fold.ANY):
            return lowering.converted(body, BOOL, node)
        return lowering.converted(body, IntType(), node)

    arg = node.args[0]
    if isinstance(arg, ast.ListComp) and fold in (Fold.ALL, Fold.ANY):
        hint = "leave out the brackets, so that it stops where the answer is known"
        raise scope.reject(arg, f"{function.__name__}() of a list", hint)
    if isinstance(arg, ast.GeneratorExp | ast.ListComp):
        return lowering.comprehension(fold, arg.elt, arg.generators, node, finish, default)
    variable = ast.copy_location(ast.Name("value", ast.Store()), arg)
    body = ast.copy_location(ast.Name("value", ast.Load()), arg)
    generator = ast.comprehension(variable, arg, [], 0)
    return lowering.comprehension(fold, body, [generator], node, finish, default)


def _extremum(lowering: ExpressionLowering, node: ast.Call, op: Op) -> Expr:
    result, *others = [lowering.integer(arg) for arg in node.args]
    for other in others:
        result = Apply(
            op, (result, other), range_of(op, (result.type, other.type)), lowering.scope.place(node)
        )
    return result


def _construct(lowering: ExpressionLowering, node: ast.Call, cls: type, expected: Type | None) -> Expr:
    scope = lowering.scope
    place = scope.place(node)
    if issubclass(cls, Index):
        arg = lowering.integer(_only(lowering, node))
        size = size_of(cls)
        if not isinstance(arg, Const) or not 0 <= arg.value < size:
            what = f"{cls.__name__}() takes a constant from 0 to {size - 1} in this spec"
            raise scope.reject(node, what, "raise the bound in the spec, or choose() a member")
        return Const(arg.value, scope.unit.resolve(cls, None, place, "this"))
    if issubclass(cls, dsl_collections.Collection):
        return _collection(lowering, node, cls, expected)
    if dataclasses.is_dataclass(cls):
        return _record(lowering, node, cls, expected)
    raise scope.reject(node, f"'{cls.__name__}' is not supported in a model", "use a @record")


def _collection(lowering: ExpressionLowering, node: ast.Call, cls: type, expected: Type | None) -> Expr:
    scope = lowering.scope
    if not node.args:
        if expected is None or not is_collection(expected):
            hint = f"annotate the variable: name: {cls.__name__}[T] = {cls.__name__}()"
            raise scope.reject(node, f"the type of this {cls.__name__} is not known", hint)
        empty = {SetType: frozenset(), FifoType: ()}.get(type(expected), EMPTY_MAP)
        return Const(empty, expected)
    if cls is not dsl_collections.Set:
        raise scope.reject(node, f"{cls.__name__}(...) with elements is not supported", "add them one by one")
    arg = _only(lowering, node)
    if isinstance(arg, ast.GeneratorExp | ast.ListComp):
        return lowering.comprehension(Fold.SET, arg.elt, arg.generators, node)
    if isinstance(arg, ast.List | ast.Tuple | ast.Set) and arg.elts:
        values = [lowering.lower(element) for element in arg.elts]
        shared = values[0].type
        for value in values:
            joined = join(shared, value.type)
            if joined is None:
                raise scope.reject(arg, f"a set of {shared} and {value.type}", "use one type")
            shared = joined
        made = tuple(lowering.converted(value, shared, arg) for value in values)
        return Apply(Op.SET_MAKE, made, SetType(shared), scope.place(node))
    raise scope.reject(node, "Set() takes a comprehension or a list here", "write Set(x for x in ...)")


def _record(lowering: ExpressionLowering, node: ast.Call, cls: type, expected: Type | None) -> Expr:
    """A record; a generic one takes its type from where it is used, or from its arguments."""
    scope = lowering.scope
    wanted = expected.inner if isinstance(expected, OptionType) else expected
    given = _arguments(lowering, node, [part.name for part in dataclasses.fields(cls)])
    if not getattr(cls, "__parameters__", ()):
        type_ = scope.unit.resolve(cls, None, scope.place(node), cls.__name__)
        assert isinstance(type_, RecordType)
    elif isinstance(wanted, RecordType) and wanted.name == cls.__name__:
        type_ = wanted
    else:
        lowered = [(name, lowering.lower(arg)) for name, arg in given.items()]
        type_ = RecordType(cls.__name__, tuple((name, value.type) for name, value in lowered))
        return record_make(type_, tuple(value for _, value in lowered), scope.place(node))
    values = []
    for part in dataclasses.fields(cls):
        field_type = type_.field_type(part.name)
        assert field_type is not None
        if part.name in given:
            values.append(lowering.lower(given[part.name], field_type))
        elif part.default is not dataclasses.MISSING:
            values.append(lowering.converted(lowering.constant(part.default, node), field_type, node))
        else:
            raise scope.reject(node, f"{cls.__name__}() lacks '{part.name}'", "pass every field")
    return record_make(type_, tuple(values), scope.place(node))


def _arguments(lowering: ExpressionLowering, node: ast.Call, names: list[str]) -> dict[str, ast.expr]:
    """Arguments by parameter name. Raises UserError for too many, unknown or repeated ones."""
    scope = lowering.scope
    if len(node.args) > len(names):
        what = f"{ast.unparse(node.func)}() takes {len(names)} argument(s), {len(node.args)} given"
        raise scope.reject(node, what, f"its parameters: {', '.join(names) or 'none'}")
    given = dict(zip(names, node.args, strict=False))
    for keyword in node.keywords:
        if keyword.arg not in names or keyword.arg in given:
            what = f"{ast.unparse(node.func)}() takes no (other) argument '{keyword.arg}'"
            raise scope.reject(node, what, f"its parameters: {', '.join(names) or 'none'}")
        given[keyword.arg] = keyword.value
    return {name: given[name] for name in names if name in given}


def _replace(lowering: ExpressionLowering, node: ast.Call) -> Expr:
    scope = lowering.scope
    if len(node.args) != 1:
        raise scope.reject(node, "replace() takes one record and fields", "write replace(row, field=value)")
    record = lowering.value(node.args[0])
    if not isinstance(record.type, RecordType):
        raise scope.reject(node, f"expected a record, got {record.type}", "replace() works on records")
    place = scope.place(node)
    changed = {keyword.arg: keyword.value for keyword in node.keywords}
    for name in changed:
        if name is None or record.type.field_type(name) is None:
            known = ", ".join(name for name, _ in record.type.fields)
            raise scope.reject(node, f"{record.type} has no field '{name}'", f"its fields: {known}")
    values = tuple(
        lowering.lower(changed[name], type_)
        if name in changed
        else Apply(Op.RECORD_GET, (record,), type_, place, position)
        for position, (name, type_) in enumerate(record.type.fields)
    )
    return record_make(record.type, values, place)


def _helper(lowering: ExpressionLowering, node: ast.Call, receiver: Receiver, method: str) -> Expr:
    scope = lowering.scope
    static = inspect.getattr_static(receiver.structure.cls, method, None)
    if isinstance(static, Operation):
        hint = f"write 'name = await {ast.unparse(node)}' in a line of its own, in a process"
        raise scope.reject(node, "the result of an operation is only known once it is awaited", hint)
    if static is None or not inspect.isfunction(static):
        raise scope.reject(node, *unknown_member(receiver, method))
    return _pure(lowering, node, scope.unit.routine(receiver, method, scope.place(node)))


def _pure(lowering: ExpressionLowering, node: ast.Call, routine: Routine) -> Expr:
    if not routine.pure:
        what = f"'{routine.name}' changes the state or chooses, so that it cannot be used in an expression"
        raise lowering.scope.reject(node, what, "call it in a line of its own: name = self.helper(...)")
    return PureCall(routine.name, call_arguments(lowering, node, routine), routine.returns)


def call_arguments(lowering: ExpressionLowering, node: ast.Call, routine: Routine) -> tuple[Expr, ...]:
    """The arguments of a call of a routine, in the order of its parameters."""
    given = _arguments(lowering, node, [parameter.name for parameter in routine.parameters])
    for parameter in routine.parameters:
        if parameter.name not in given:
            what = f"{ast.unparse(node.func)}() lacks '{parameter.name}'"
            raise lowering.scope.reject(node, what, "pass every parameter")
    args = tuple(lowering.lower(given[p.name], p.type) for p in routine.parameters)
    for parameter, arg in zip(routine.parameters, args, strict=True):
        if not routine.pure and is_shared(arg):
            what = "a collection is passed on without a copy, to code that may change it"
            raise lowering.scope.reject(given[parameter.name], what, "write .copy()")
    return args


#: Expressions that may hand out a collection which something else holds, too.
_ALIASING = frozenset({Op.MAP_GET, Op.MAP_GET_OPTION, Op.FIFO_AT, Op.FIFO_HEAD, Op.UNWRAP, Op.SOME})


def is_fresh(value: Expr) -> bool:
    """Whether nothing else holds the collection that an expression hands out."""
    match value:
        case Apply(op=op, args=args):
            return op not in _ALIASING or (op in (Op.UNWRAP, Op.SOME) and is_fresh(args[0]))
        case Const() | Comprehension():
            return True
        case _:
            return False


def is_shared(value: Expr) -> bool:
    """Whether a value is a collection that is a field, or a part of one."""
    return holds_collection(value.type) and not isinstance(value, Local) and not is_fresh(value)


def holds_collection(type_: Type) -> bool:
    """Whether a value of the type is a collection, if it is not None."""
    return is_collection(type_.inner if isinstance(type_, OptionType) else type_)


def _value_method(lowering: ExpressionLowering, node: ast.Call, func: ast.Attribute) -> Expr:
    scope = lowering.scope
    place = scope.place(node)
    value = lowering.value(func.value)
    args = node.args
    if node.keywords:
        raise scope.reject(node, f".{func.attr}() takes no keywords here", "pass the argument by position")
    match value.type, func.attr, len(args):
        case (SetType() | BagType() | FifoType() | MapType(), "copy", 0):
            # Values of the IR are immutable: what is a copy in Python is the value itself.
            return Apply(Op.COPY, (value,), value.type, place)
        case BagType(element), "count", 1:
            return Apply(Op.BAG_COUNT, (value, lowering.lower(args[0], element)), IntType(0, None), place)
        case MapType(key, inner), "get", 1:
            type_ = inner if isinstance(inner, OptionType) else OptionType(inner)
            return Apply(Op.MAP_GET_OPTION, (value, lowering.lower(args[0], key)), type_, place)
        case MapType(key, _), "fresh_key", 0:
            if not isinstance(value, StateVar) or domain(key) is None:
                hint = "call it on a field whose key type is an index set, an Enum or a bounded int"
                raise scope.reject(node, "fresh_key() is not known here", hint)
            return Apply(Op.MAP_FRESH_KEY, (value,), key, place)
        case MapType(key, _), "keys", 0:
            return Apply(Op.ELEMENTS, (value,), FifoType(key), place)
        case MapType(_, inner), "values", 0:
            return Apply(Op.MAP_VALUES, (value,), FifoType(inner), place)
        case MapType(key, inner), "items", 0:
            return Apply(Op.MAP_ITEMS, (value,), PairsType(key, inner), place)
    if func.attr in MUTATORS and is_collection(value.type):
        hint = "call it in a line of its own; popleft() may be assigned: head = queue.popleft()"
        raise scope.reject(node, f".{func.attr}() inside an expression is not supported", hint)
    raise scope.reject(node, f"{value.type} has no method '{func.attr}' here", _method_hint(value.type))


def _method_hint(type_: Type) -> str:
    methods = {
        SetType: "add, remove, discard, copy, |, &, -, <=",
        BagType: "add, remove, discard, count, copy",
        FifoType: "append, popleft, copy, [position]",
        MapType: "get, keys, values, items, fresh_key, discard, copy, [key]",
    }.get(type(type_))
    return f"its methods: {methods}" if methods else "only collections have methods"


def alternatives(lowering: ExpressionLowering, node: ast.expr) -> tuple[Expr, Type]:
    """What ``choose`` chooses from: distinct values in their order, and their type."""
    if isinstance(node, ast.GeneratorExp | ast.ListComp):
        made = lowering.comprehension(Fold.SET, node.elt, node.generators, node)
        assert isinstance(made, Comprehension)
        assert isinstance(made.type, SetType)
        return lowering.elements(made, made.type.element), made.type.element
    if isinstance(node, ast.List | ast.Tuple):
        return lowering.listed(node)
    iterable, types = lowering.iterable(node)
    if len(types) != 1:
        raise lowering.scope.reject(node, "choose() takes single values", "choose a key, then look it up")
    if is_collection(types[0]):
        raise lowering.scope.reject(node, "choosing between collections", "choose a key, then look it up")
    if isinstance(iterable, Domain):
        return iterable, types[0]
    assert isinstance(iterable, Apply)
    return Apply(Op.DISTINCT, iterable.args, iterable.type, iterable.location), types[0]
