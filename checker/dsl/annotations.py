"""From Python annotations to the IR's types, for the index-set sizes in force."""

from __future__ import annotations

import inspect
import sys
import types
import typing
from collections.abc import Mapping
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Annotated, Any, TypeVar, Union, get_args, get_origin

from checker.dsl.collections import Bag, Fifo, Map, Set
from checker.dsl.declarations import Range
from checker.dsl.index import Index, Process, size_of
from checker.dsl.source import field_location, rejected
from checker.errors import Location
from checker.ir.types import (
    BOOL,
    INT,
    NONE,
    BagType,
    EnumType,
    FifoType,
    IndexType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
    is_collection,
)

_HINTS: dict[Any, str] = {
    str: "use an Enum, or an index set where only identity matters",
    float: "use a bounded int: Annotated[int, Range(0, 7)]",
    list: "use Fifo[T] (ordered) or Bag[T] (unordered)",
    tuple: "use a @record, whose fields have names",
    dict: "use Map[K, V]",
    set: "use Set[T]",
    frozenset: "use Set[T]",
    bytes: "use an Enum or an index set",
    object: "name the type",
    Any: "name the type",
}


class TypeTable:
    """Resolves annotations, and remembers which Python class each IR type came from."""

    def __init__(self, process_labels: tuple[str, ...] = ()) -> None:
        self._process_labels = process_labels
        self.classes: dict[Type, type] = {}

    def resolve(
        self, annotation: Any, variables: Mapping[Any, Type], where: Location | str, what: str
    ) -> Type:
        """The IR type of an annotation.

        Args:
            annotation: a runtime annotation, forward references already evaluated.
            variables: the types that the type variables in it stand for.
            where, what: the place and the thing annotated, for messages.

        Raises:
            UserError: where the annotation is no finite type.
        """
        if isinstance(annotation, TypeVar):
            if annotation not in variables:
                raise rejected(
                    where,
                    f"{what}: the type variable {annotation} stands for nothing here",
                    "derive from Base[T], with a type",
                )
            return variables[annotation]
        if annotation is bool:
            return BOOL
        if annotation is int:
            return INT
        if annotation is None or annotation is type(None):
            return NONE
        origin, args = get_origin(annotation), get_args(annotation)
        if origin is Annotated:
            return self._ranged(annotation, where, what)
        if origin in (Union, types.UnionType):
            return self._option(args, variables, where, what)
        if origin in (Set, Bag, Fifo, Map):
            parts = [self.resolve(arg, variables, where, what) for arg in args]
            return self._collection(origin, parts, where, what)
        target = origin or annotation
        if isinstance(target, type):
            if issubclass(target, Index):
                labels = self._process_labels if target is Process else ()
                type_ = IndexType(target.__name__, size_of(target), target.interchangeable, labels)
                return self._known(type_, target)
            if issubclass(target, Enum):
                if issubclass(target, int | str):
                    hint = "derive it from Enum alone: its members have an identity, no arithmetic"
                    raise rejected(where, f"{what}: {target.__name__} is also a number or text", hint)
                members = tuple(member.name for member in target)
                return self._known(EnumType(target.__name__, members), target)
            if is_dataclass(target):
                return self._record(target, args, variables, where)
        hint = _HINTS.get(
            target, "use bool, a bounded int, an Enum, an Index, a @record, T | None, Set, Bag, Fifo or Map"
        )
        name = getattr(annotation, "__name__", None) or str(annotation)
        raise rejected(where, f"{what} has the type {name}, which is not a finite type", hint)

    def arguments(
        self, cls: type, args: tuple[Any, ...], variables: Mapping[Any, Type], where: Location | str
    ) -> dict[Any, Type]:
        """The types that a generic class' type variables stand for, given its type arguments."""
        given = zip(getattr(cls, "__parameters__", ()), args, strict=False)
        return {
            variable: self.resolve(arg, variables, where, f"the argument {variable} of {cls.__name__}")
            for variable, arg in given
        }

    def _known(self, type_: Type, cls: type) -> Type:
        self.classes[type_] = cls
        return type_

    def _ranged(self, annotation: Any, where: Location | str, what: str) -> Type:
        base, *extras = get_args(annotation)
        bounds = [extra for extra in extras if isinstance(extra, Range)]
        if base is not int or len(bounds) != 1:
            hint = "write Annotated[int, Range(0, 7)]"
            raise rejected(where, f"{what}: Annotated needs int and one Range", hint)
        low, high = bounds[0].low, bounds[0].high
        if low > high:
            raise rejected(where, f"{what}: Range({low}, {high}) is empty", "give the lower bound first")
        return IntType(low, high)

    def _option(
        self, args: tuple[Any, ...], variables: Mapping[Any, Type], where: Location | str, what: str
    ) -> Type:
        others = [arg for arg in args if arg is not type(None)]
        if len(others) != 1 or len(others) == len(args):
            hint = "only T | None is supported; use a @record with an Enum for other unions"
            raise rejected(where, f"{what} is a union of several types", hint)
        inner = self.resolve(others[0], variables, where, what)
        return inner if isinstance(inner, OptionType) else OptionType(inner)

    def _collection(self, origin: Any, parts: list[Type], where: Location | str, what: str) -> Type:
        keys = parts[:1]
        if any(is_collection(part) for part in keys):
            hint = "an element or key has to be immutable: a @record, an index, an Enum, a bool or an int"
            raise rejected(where, f"{what}: a collection cannot be an element of a {origin.__name__}", hint)
        match origin.__name__, parts:
            case "Set", [element]:
                return SetType(element)
            case "Bag", [element]:
                return BagType(element)
            case "Fifo", [element]:
                return FifoType(element)
            case "Map", [key, value]:
                return MapType(key, value)
        raise rejected(
            where,
            f"{what}: {origin.__name__} with {len(parts)} type arguments",
            "Set, Bag and Fifo take one, Map two",
        )

    def _record(
        self, cls: type, args: tuple[Any, ...], variables: Mapping[Any, Type], where: Location | str
    ) -> Type:
        inner = self.arguments(cls, args, variables, where)
        hints = evaluated_hints(cls, where)
        members = []
        for part in fields(cls):
            what = f"{cls.__name__}.{part.name}"
            type_ = self.resolve(hints[part.name], inner, where, what)
            if is_collection(type_):
                hint = "records are immutable; keep the collection in a field of the model"
                raise rejected(where, f"{what} is a collection", hint)
            members.append((part.name, type_))
        return self._known(RecordType(cls.__name__, tuple(members)), cls)


def generic_bases(cls: type) -> list[tuple[type, tuple[Any, ...]]]:
    """The generic bases of a class with their arguments, the most derived first."""
    found = []
    for base in cls.__mro__:
        for generic in getattr(base, "__orig_bases__", ()):
            origin = get_origin(generic)
            if isinstance(origin, type) and origin is not typing.Generic:
                found.append((origin, get_args(generic)))
    return found


def evaluated_hints(target: Any, where: Location | str) -> dict[str, Any]:
    """``typing.get_type_hints`` with a UserError where an annotation cannot be evaluated."""
    try:
        return typing.get_type_hints(target, include_extras=True)
    except (NameError, TypeError, AttributeError, SyntaxError) as error:
        name = getattr(target, "__qualname__", str(target))
        hint = "import the name at the top of the file (not under TYPE_CHECKING)"
        if isinstance(error, TypeError):
            hint = "give the class as many types as it has type parameters"
        place = _field_at_fault(target) or where
        raise rejected(place, f"an annotation of {name} cannot be evaluated: {error}", hint) from None


def _field_at_fault(target: Any) -> Location | None:
    """Where the first annotation of a class stands that cannot be evaluated by itself."""
    for base in getattr(target, "__mro__", ()):
        module = sys.modules.get(base.__module__)
        known = {} if module is None else vars(module)
        for name, text in inspect.get_annotations(base).items():
            try:
                _ = eval(text, known) if isinstance(text, str) else text
            except (NameError, TypeError, AttributeError, SyntaxError):
                return field_location(base, name)
    return None
