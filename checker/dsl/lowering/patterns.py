"""Lowering of the patterns of match statements."""

from __future__ import annotations

import ast
import dataclasses
from typing import TYPE_CHECKING

from checker.dsl.lowering.scope import NOT_FOUND
from checker.ir.expressions import Apply, Connective, Const, Expr, Logic, Op
from checker.ir.types import BOOL, OptionType, RecordType

if TYPE_CHECKING:
    from checker.dsl.lowering.expressions import ExpressionLowering

_TRUE = Const(True, BOOL)


def lower_pattern(
    lowering: ExpressionLowering, subject: Expr, pattern: ast.pattern
) -> tuple[Expr, list[tuple[str, Expr]]]:
    """The test that a pattern makes of ``subject``, and the names that it binds, with their values.

    Supported: values (``Status.NEW``, numbers, None, True), ``_``, captures, alternatives without
    captures, and records with subpatterns (``OrderRow(order=o)``).
    """
    scope = lowering.scope
    place = scope.place(pattern)
    match pattern:
        case ast.MatchValue(value=value):
            return _equals(lowering, subject, lowering.lower(value), pattern), []
        case ast.MatchSingleton(value=None):
            if not isinstance(subject.type, OptionType):
                raise scope.reject(pattern, f"{subject.type} is never None", "remove this case")
            return Apply(Op.IS_NONE, (subject,), BOOL, place), []
        case ast.MatchSingleton(value=value):
            if subject.type not in (BOOL, OptionType(BOOL)):
                raise scope.reject(pattern, f"{subject.type} is never {value}", "match a value of its type")
            return _equals(lowering, subject, lowering.constant(value, pattern), pattern), []
        case ast.MatchAs(pattern=None, name=None):
            return _TRUE, []
        case ast.MatchAs(pattern=None, name=str(name)):
            return _TRUE, [(name, subject)]
        case ast.MatchAs(pattern=ast.pattern() as inner, name=str(name)):
            test, bindings = lower_pattern(lowering, subject, inner)
            return test, [*bindings, (name, subject)]
        case ast.MatchOr(patterns=patterns):
            result: Expr = Const(False, BOOL)
            for alternative in reversed(patterns):
                test, bindings = lower_pattern(lowering, subject, alternative)
                if bindings:
                    raise scope.reject(alternative, "a capture inside an alternative", "write two cases")
                result = Connective(Logic.OR, test, result)
            return result, []
        case ast.MatchClass():
            return _record(lowering, subject, pattern)
    hint = "use values, None, _, names, alternatives and records"
    raise scope.reject(pattern, "this pattern is not supported in a model", hint)


def _equals(lowering: ExpressionLowering, subject: Expr, value: Expr, node: ast.AST) -> Expr:
    place = lowering.scope.place(node)
    if isinstance(subject.type, OptionType):
        value = lowering.converted(value, subject.type, node)
    else:
        value = lowering.converted(value, subject.type, node)
    return Apply(Op.EQ, (subject, value), BOOL, place)


def _record(
    lowering: ExpressionLowering, subject: Expr, pattern: ast.MatchClass
) -> tuple[Expr, list[tuple[str, Expr]]]:
    scope = lowering.scope
    place = scope.place(pattern)
    cls = scope.python_object(pattern.cls)
    type_ = subject.type.inner if isinstance(subject.type, OptionType) else subject.type
    if cls is NOT_FOUND or not isinstance(type_, RecordType) or type_.name != getattr(cls, "__name__", ""):
        what = f"{subject.type} is never a {ast.unparse(pattern.cls)}"
        raise scope.reject(pattern, what, "match the record's own class")
    test: Expr = _TRUE
    record = subject
    if isinstance(subject.type, OptionType):
        test = Apply(Op.NOT, (Apply(Op.IS_NONE, (subject,), BOOL, place),), BOOL, place)
        record = Apply(Op.UNWRAP, (subject,), type_, place)
    names = [part.name for part in dataclasses.fields(cls)]
    named = [
        *zip(names, pattern.patterns, strict=False),
        *zip(pattern.kwd_attrs, pattern.kwd_patterns, strict=True),
    ]
    bindings: list[tuple[str, Expr]] = []
    for name, inner in named:
        field_type = type_.field_type(name)
        if field_type is None:
            raise scope.reject(inner, f"{type_} has no field '{name}'", f"its fields: {', '.join(names)}")
        value = Apply(Op.RECORD_GET, (record,), field_type, place, type_.field_position(name))
        part, found = lower_pattern(lowering, value, inner)
        test = Connective(Logic.AND, test, part)
        bindings += found
    return test, bindings
