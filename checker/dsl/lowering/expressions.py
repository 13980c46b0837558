"""Lowering of Python expressions."""

from __future__ import annotations

import ast
from collections.abc import Callable
from enum import Enum
from typing import Any

from checker.dsl.index import Index
from checker.dsl.lowering import calls
from checker.dsl.lowering.scope import NOT_FOUND, Scope
from checker.dsl.lowering.types import convert, join, range_of
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
    StateVar,
)
from checker.ir.types import (
    BOOL,
    INT,
    NONE,
    BoolType,
    EnumType,
    FifoType,
    IntType,
    MapType,
    NoneType,
    OptionType,
    PairsType,
    RecordType,
    SetType,
    Type,
    element_type,
    is_collection,
)

_ARITHMETIC: dict[type[ast.operator], Op] = {
    ast.Add: Op.INT_ADD,
    ast.Sub: Op.INT_SUB,
    ast.Mult: Op.INT_MUL,
    ast.FloorDiv: Op.INT_FLOOR_DIV,
    ast.Mod: Op.INT_FLOOR_MOD,
}
_SET_OPERATORS: dict[type[ast.operator], Op] = {
    ast.BitOr: Op.SET_UNION,
    ast.BitAnd: Op.SET_INTERSECTION,
    ast.Sub: Op.SET_DIFFERENCE,
}
_ORDER: dict[type[ast.cmpop], Op] = {
    ast.Lt: Op.INT_LT,
    ast.LtE: Op.INT_LE,
    ast.Gt: Op.INT_GT,
    ast.GtE: Op.INT_GE,
}

_REJECTED: dict[type[ast.expr], tuple[str, str]] = {
    ast.Lambda: ("a lambda", "write a helper method"),
    ast.JoinedStr: ("a formatted string", "models have no text; leave logging out"),
    ast.Dict: ("a dict display", "use Map[K, V]"),
    ast.List: ("a list display", "use Fifo or Bag fields, or choose([a, b]) for a choice"),
    ast.Set: ("a set display", "write Set([a, b])"),
    ast.SetComp: ("a set comprehension in braces", "write Set(x for x in ...)"),
    ast.ListComp: ("a list comprehension", "use Set(x for x in ...), or a fold: sum(...), len([...])"),
    ast.GeneratorExp: ("a generator on its own", "pass it to all, any, sum, min, max, Set or choose"),
    ast.DictComp: ("a dict comprehension", "use Map.filled(value) as the initial value, or a for loop"),
    ast.Await: ("an await inside an expression", "await into a variable first, in a line of its own"),
    ast.Yield: ("a yield", "models use await only"),
    ast.Starred: ("an unpacking", "write the values out"),
    ast.Slice: ("a slice", "a Fifo is read at one position, or iterated over"),
    ast.NamedExpr: ("an assignment inside an expression", "assign in a line of its own"),
    ast.Tuple: ("a tuple", "use a @record"),
}


class ExpressionLowering:
    """Lowers the expressions of one function."""

    def __init__(self, scope: Scope) -> None:
        self.scope = scope

    def lower(self, node: ast.expr, expected: Type | None = None) -> Expr:
        """The IR of an expression, converted to ``expected`` where that is given.

        Raises:
            UserError: with the place, for an unsupported construct or a type error.
        """
        expr = self._lower(node, expected)
        return expr if expected is None else self.converted(expr, expected, node)

    def converted(self, expr: Expr, to: Type, node: ast.AST) -> Expr:
        """``expr`` as a value of ``to``. Raises UserError where it is none."""
        result = convert(expr, to, self.scope.place(node))
        if result is None:
            raise self.scope.reject(node, f"expected {to}, got {expr.type}", "mypy --strict says more")
        return result

    def value(self, node: ast.expr) -> Expr:
        """A value to work on: an option is unwrapped."""
        expr = self._lower(node, None)
        if isinstance(expr.type, OptionType):
            return Apply(Op.UNWRAP, (expr,), expr.type.inner, self.scope.place(node))
        return expr

    def condition(self, node: ast.expr) -> Expr:
        """A truth value; of other types only collections have one (not empty)."""
        if isinstance(node, ast.BoolOp):
            return self._connective(node, self.condition)
        expr = self._lower(node, BOOL)
        if expr.type == BOOL:
            return expr
        if is_collection(expr.type):
            length = Apply(Op.LENGTH, (expr,), IntType(0, None))
            return Apply(Op.INT_GT, (length, Const(0, IntType(0, 0))), BOOL)
        hint = "write 'is not None'" if isinstance(expr.type, OptionType) else "compare it with something"
        raise self.scope.reject(node, f"expected a bool, got {expr.type}", hint)

    def _lower(self, node: ast.expr, expected: Type | None) -> Expr:
        match node:
            case ast.Constant():
                return self._constant(node)
            case ast.Name() | ast.Attribute():
                return self._name(node)
            case ast.BoolOp():
                # As a value, `a or b` is one of its operands: only of bools is it a bool.
                return self._connective(node, lambda operand: self.lower(operand, BOOL))
            case ast.UnaryOp():
                return self._unary(node)
            case ast.BinOp():
                return self._binary(node)
            case ast.Compare():
                return self._compare(node)
            case ast.IfExp(test=test, body=body, orelse=orelse):
                return self._if_else(node, test, body, orelse, expected)
            case ast.Subscript(value=base, slice=key):
                return self._subscript(node, base, key)
            case ast.Call():
                return calls.lower_call(self, node, expected)
            case _:
                what, hint = self.rejection(node)
                raise self.scope.reject(node, f"{what} is not supported in a model", hint)

    def _connective(self, node: ast.BoolOp, operand: Callable[[ast.expr], Expr]) -> Expr:
        logic = Logic.AND if isinstance(node.op, ast.And) else Logic.OR
        parts = [operand(value) for value in node.values]
        result = parts[-1]
        for part in reversed(parts[:-1]):
            result = Connective(logic, part, result)
        return result

    @staticmethod
    def rejection(node: ast.expr) -> tuple[str, str]:
        """What an unsupported expression is called, and what to write instead."""
        return _REJECTED.get(
            type(node), (f"this expression ({type(node).__name__})", "see docs/semantics.md")
        )

    def _constant(self, node: ast.Constant) -> Expr:
        return self.constant(node.value, node)

    def constant(self, value: Any, node: ast.AST) -> Expr:
        """A Python constant as an expression."""
        if value is None:
            return Const(None, NONE)
        if isinstance(value, bool):
            return Const(value, BOOL)
        if isinstance(value, int):
            return Const(value, IntType(value, value))
        if isinstance(value, Enum):
            type_ = self.scope.unit.resolve(type(value), None, self.scope.place(node), "this")
            return Const(list(type(value)).index(value), type_)
        if isinstance(value, Index):
            type_ = self.scope.unit.resolve(type(value), None, self.scope.place(node), "this")
            return Const(value.position, type_)
        hint = "use an Enum for names; models compute with bool, int, Enum, Index and records"
        raise self.scope.reject(node, f"a {type(value).__name__} constant is not supported in a model", hint)

    def _name(self, node: ast.Name | ast.Attribute) -> Expr:
        scope = self.scope
        if isinstance(node, ast.Name) and scope.is_local(node.id):
            name, type_ = scope.local(node.id)
            return Local(name, type_, scope.place(node))
        if scope.receiver(node) is not None:
            what = f"'{ast.unparse(node)}' is not a value"
            raise scope.reject(node, what, "use one of its fields or methods")
        if isinstance(node, ast.Attribute):
            base = scope.receiver(node.value)
            if base is not None:
                variable = base.structure.fields.get(node.attr)
                if variable is None:
                    raise scope.reject(node, *calls.unknown_member(base, node.attr))
                return StateVar(base.variable(node.attr), variable.type)
        found = scope.python_object(node)
        if found is not NOT_FOUND:
            if isinstance(found, type):
                what = f"the class {found.__name__} is not a value"
                raise scope.reject(node, what, "iterate over it, or name one of its members")
            return self.constant(found, node)
        if isinstance(node, ast.Attribute):
            return self._field(self.value(node.value), node)
        if node.id in scope.tree_names:
            what = f"'{node.id}' is used before it is assigned"
            raise scope.reject(node, what, "assign it on every path before this line")
        raise scope.reject(node, f"the name '{node.id}' is not defined", "check the spelling, or import it")

    def _field(self, record: Expr, node: ast.Attribute) -> Expr:
        if isinstance(record.type, RecordType):
            type_ = record.type.field_type(node.attr)
            if type_ is not None:
                position = record.type.field_position(node.attr)
                return Apply(Op.RECORD_GET, (record,), type_, self.scope.place(node), position)
            known = ", ".join(name for name, _ in record.type.fields) or "none"
            raise self.scope.reject(node, f"{record.type} has no field '{node.attr}'", f"its fields: {known}")
        hint = "only records have fields; an Enum's value and an index's position are not part of a model"
        raise self.scope.reject(node, f"{record.type} has no field '{node.attr}'", hint)

    def _unary(self, node: ast.UnaryOp) -> Expr:
        place = self.scope.place(node)
        match node.op:
            case ast.Not():
                return Apply(Op.NOT, (self.condition(node.operand),), BOOL, place)
            case ast.USub():
                operand = self.integer(node.operand)
                if isinstance(operand, Const):
                    return Const(-operand.value, IntType(-operand.value, -operand.value))
                return Apply(Op.INT_NEG, (operand,), range_of(Op.INT_NEG, (operand.type,)), place)
            case _:
                hint = "integers have +, -, *, //, % here"
                raise self.scope.reject(node, "this operator is not supported in a model", hint)

    def integer(self, node: ast.expr) -> Expr:
        """An integer; a bool counts as 0 or 1."""
        return self._as_integer(self.value(node), node)

    def _as_integer(self, expr: Expr, node: ast.expr) -> Expr:
        return expr if isinstance(expr.type, IntType) else self.converted(expr, IntType(), node)

    def _binary(self, node: ast.BinOp) -> Expr:
        left = self.value(node.left)
        place = self.scope.place(node)
        if isinstance(left.type, SetType):
            op = _SET_OPERATORS.get(type(node.op))
            right = self.lower(node.right, left.type)
            if op is not None:
                return Apply(op, (left, right), left.type, place)
        op = _ARITHMETIC.get(type(node.op))
        if op is None:
            hint = "integers have +, -, *, //, % here; sets have |, &, -"
            raise self.scope.reject(node, "this operator is not supported in a model", hint)
        args = (self._as_integer(left, node.left), self.integer(node.right))
        return Apply(op, args, range_of(op, tuple(arg.type for arg in args)), place)

    def _compare(self, node: ast.Compare) -> Expr:
        result: Expr | None = None
        operands = [node.left, *node.comparators]
        for position in reversed(range(len(node.ops))):
            part = self._comparison(node, node.ops[position], operands[position], operands[position + 1])
            result = part if result is None else Connective(Logic.AND, part, result)
        assert result is not None
        return result

    def _comparison(self, node: ast.Compare, op: ast.cmpop, left: ast.expr, right: ast.expr) -> Expr:
        place = self.scope.place(node)
        match op:
            case ast.Is() | ast.IsNot():
                same = self._identical(node, left, right)
                return same if isinstance(op, ast.Is) else Apply(Op.NOT, (same,), BOOL, place)
            case ast.Eq():
                return self._equal(node, left, right)
            case ast.NotEq():
                return Apply(Op.NOT, (self._equal(node, left, right),), BOOL, place)
            case ast.In():
                return self._contains(node, left, right)
            case ast.NotIn():
                return Apply(Op.NOT, (self._contains(node, left, right),), BOOL, place)
        low = self.value(left)
        if isinstance(op, ast.LtE) and isinstance(low.type, SetType):
            return Apply(Op.SET_SUBSET, (low, self.lower(right, low.type)), BOOL, place)
        args = (self._as_integer(low, left), self.integer(right))
        return Apply(_ORDER[type(op)], args, BOOL, place)

    def _identical(self, node: ast.Compare, left: ast.expr, right: ast.expr) -> Expr:
        """``is``: the same as ``==`` where a value is one object, as None, bools and members of Enums are."""
        types = [self._lower(side, None).type for side in (left, right)]
        plain = [type_.inner if isinstance(type_, OptionType) else type_ for type_ in types]
        unique = all(isinstance(type_, EnumType | BoolType | NoneType) for type_ in plain)
        if not unique and not any(isinstance(type_, NoneType) for type_ in plain):
            raise self.scope.reject(node, f"'is' between values of {types[0]}", "compare values with ==")
        return self._equal(node, left, right)

    def _equal(self, node: ast.Compare, left: ast.expr, right: ast.expr) -> Expr:
        place = self.scope.place(node)
        a, b = self._lower(left, None), self._lower(right, None)
        if isinstance(a.type, NoneType) or isinstance(b.type, NoneType):
            value = b if isinstance(a.type, NoneType) else a
            if isinstance(value.type, OptionType):
                return Apply(Op.IS_NONE, (value,), BOOL, place)
            if isinstance(value.type, NoneType):
                return Const(True, BOOL)
            what = f"comparing {value.type} with None is always false"
            raise self.scope.reject(node, what, "declare it T | None, or drop the comparison")
        shared = join(a.type, b.type)
        if shared is None:
            what = f"comparing {a.type} with {b.type} is always false"
            raise self.scope.reject(node, what, "compare values of one type")
        return Apply(Op.EQ, (self.converted(a, shared, left), self.converted(b, shared, right)), BOOL, place)

    def _contains(self, node: ast.Compare, item: ast.expr, container: ast.expr) -> Expr:
        place = self.scope.place(node)
        if isinstance(container, ast.Tuple | ast.List | ast.Set):
            _, shared = self.listed(container)
            wanted = join(self._lower(item, None).type, shared)
            if wanted is None:
                what = f"{self._lower(item, None).type} is never one of {shared}"
                raise self.scope.reject(node, what, "compare values of one type")
            values = tuple(self.lower(element, wanted) for element in container.elts)
            several = Apply(Op.SET_MAKE, values, SetType(wanted), place)
            return Apply(Op.CONTAINS, (self.lower(item, wanted), several), BOOL, place)
        found = self.value(container)
        element = element_type(found.type)
        if element is None:
            raise self.scope.reject(node, f"{found.type} contains nothing", "use a Set, Bag, Fifo or Map")
        return Apply(Op.CONTAINS, (self.lower(item, element), found), BOOL, place)

    def _if_else(
        self, node: ast.expr, test: ast.expr, body: ast.expr, orelse: ast.expr, expected: Type | None
    ) -> Expr:
        condition = self.condition(test)
        then, other = self._lower(body, expected), self._lower(orelse, expected)
        shared = join(then.type, other.type)
        if shared is None:
            what = f"one side is {then.type}, the other {other.type}"
            raise self.scope.reject(node, what, "give both sides one type")
        return IfElse(
            condition, self.converted(then, shared, body), self.converted(other, shared, orelse), shared
        )

    def _subscript(self, node: ast.Subscript, base: ast.expr, key: ast.expr) -> Expr:
        place = self.scope.place(node)
        container = self.value(base)
        match container.type:
            case MapType(key_type, value_type):
                return Apply(Op.MAP_GET, (container, self.lower(key, key_type)), value_type, place)
            case FifoType(element):
                return Apply(Op.FIFO_AT, (container, self.integer(key)), element, place)
        raise self.scope.reject(node, f"{container.type} has no positions", "only Map and Fifo have")

    # Iteration

    def iterable(self, node: ast.expr) -> tuple[Expr, tuple[Type, ...]]:
        """Something to iterate over: an index set, an Enum, a range, a collection, a map's items.

        Returns the iterable and the types of the variables that one round binds.
        """
        scope = self.scope
        found = scope.python_object(node)
        if isinstance(found, type) and issubclass(found, Index | Enum):
            type_ = scope.unit.resolve(found, None, scope.place(node), "this")
            return Domain(type_, FifoType(type_)), (type_,)
        if isinstance(node, ast.Call) and scope.python_object(node.func) is range:
            return self._range(node)
        expr = self.value(node)
        if isinstance(expr.type, PairsType):
            return expr, (expr.type.first, expr.type.second)
        element = element_type(expr.type)
        if element is None:
            hint = "iterate over an index set, an Enum, range(n), or a collection"
            raise scope.reject(node, f"{expr.type} cannot be iterated over", hint)
        return self.elements(expr, element), (element,)

    @staticmethod
    def elements(expr: Expr, element: Type) -> Expr:
        """The elements of a collection in order."""
        return Apply(Op.ELEMENTS, (expr,), FifoType(element))

    def _range(self, node: ast.Call) -> tuple[Expr, tuple[Type, ...]]:
        bounds = [self.integer(arg) for arg in node.args]
        numbers = [bound.value for bound in bounds if isinstance(bound, Const)]
        if len(numbers) != len(bounds) or not 1 <= len(bounds) <= 2:
            hint = "iterate over a bounded int's values and test, or use a while loop"
            raise self.scope.reject(node, "range() takes one or two constants in a model", hint)
        low, stop = (0, numbers[0]) if len(numbers) == 1 else numbers
        type_ = IntType(low, max(stop - 1, low))
        if stop <= low:
            empty = Const(frozenset(), SetType(type_))
            return self.elements(empty, type_), (type_,)
        return Domain(type_, FifoType(type_)), (type_,)

    def listed(self, node: ast.List | ast.Tuple | ast.Set) -> tuple[Expr, Type]:
        """The values of a list display, and their common type."""
        if not node.elts:
            raise self.scope.reject(node, "an empty list", "list at least one value")
        values = [self._lower(element, None) for element in node.elts]
        shared = values[0].type
        for value, element in zip(values, node.elts, strict=True):
            joined = join(shared, value.type)
            if joined is None:
                raise self.scope.reject(element, f"expected {shared}, got {value.type}", "list one type")
            shared = joined
        converted = tuple(self.converted(v, shared, n) for v, n in zip(values, node.elts, strict=True))
        made = Apply(Op.SET_MAKE, converted, SetType(shared))
        return self.elements(made, shared), shared

    def comprehension(
        self,
        fold: Fold,
        body: ast.expr,
        generators: list[ast.comprehension],
        node: ast.AST,
        finish: Callable[[Expr], Expr] = lambda expr: expr,
        default: Expr | None = None,
    ) -> Expr:
        """A fold over generators; ``finish`` converts the body."""
        lowered: list[Generator] = []
        return self._generators(fold, body, generators, node, lowered, finish, default)

    def _generators(
        self,
        fold: Fold,
        body: ast.expr,
        rest: list[ast.comprehension],
        node: ast.AST,
        done: list[Generator],
        finish: Callable[[Expr], Expr],
        default: Expr | None,
    ) -> Expr:
        if not rest:
            value = finish(self._lower(body, None))
            type_: Type
            match fold:
                case Fold.ALL | Fold.ANY:
                    type_ = BOOL
                case Fold.SET:
                    type_ = SetType(value.type)
                case Fold.COUNT:
                    type_ = IntType(0, None)
                case Fold.SUM:
                    type_ = IntType()
                case _:
                    type_ = value.type if default is None else (join(value.type, default.type) or INT)
            return Comprehension(fold, tuple(done), value, type_, default, self.scope.place(node))
        first, *others = rest
        if first.is_async:
            raise self.scope.reject(first.iter, "an async comprehension is not supported", "use a for loop")
        iterable, types = self.iterable(first.iter)
        names = self.bind_targets(first.target, types)
        with self.scope.binding(names):
            conditions = tuple(self.condition(test) for test in first.ifs)
            variables = tuple(name for name, _ in names.values())
            done.append(Generator(variables, iterable, conditions))
            return self._generators(fold, body, others, node, done, finish, default)

    def bind_targets(self, target: ast.expr, types: tuple[Type, ...]) -> dict[str, tuple[str, Type]]:
        """Fresh IR names for the variables of a generator."""
        names = target_names(target)
        if names is None or len(names) != len(types):
            hint = "iterate with one variable, or with two over .items()"
            raise self.scope.reject(target, f"expected {len(types)} variable(s) here", hint)
        return {name: (self.scope.fresh(name), type_) for name, type_ in zip(names, types, strict=True)}


def target_names(target: ast.expr) -> list[str] | None:
    """The names in a loop target, or None where it is not made of plain names."""
    if isinstance(target, ast.Name):
        return [target.id]
    if isinstance(target, ast.Tuple) and all(isinstance(part, ast.Name) for part in target.elts):
        return [part.id for part in target.elts if isinstance(part, ast.Name)]
    return None
