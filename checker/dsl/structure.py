"""What a model class consists of: its durable variables, components and decorated methods."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any, TypeVar, get_args, get_origin

from checker.dsl.annotations import TypeTable, evaluated_hints, generic_bases
from checker.dsl.codec import decode, encode
from checker.dsl.collections import Map
from checker.dsl.declarations import Component, Holder, Mark, Model, mark_of
from checker.dsl.source import class_location, declared_twice, field_and_method, field_location, rejected
from checker.errors import Location, ModelError, ModelErrorKind
from checker.ir.program import Variable
from checker.ir.types import (
    BagType,
    BoolType,
    EnumType,
    FifoType,
    IndexType,
    IntType,
    MapType,
    OptionType,
    RecordType,
    SetType,
    Type,
    is_bounded,
    is_collection,
)
from checker.ir.values import EMPTY_MAP, FrozenMap, Value, domain, fits


@dataclass(frozen=True, slots=True)
class HolderStructure:
    """A model or one of its components: its class, dotted name, and what its type variables stand for.

    ``fields`` maps an attribute to its variable; ``components`` maps an attribute to a structure.
    """

    cls: type[Holder]
    name: str
    variables: Mapping[Any, Type]
    fields: dict[str, Variable] = field(default_factory=dict)
    components: dict[str, HolderStructure] = field(default_factory=dict)

    def qualified(self, attribute: str) -> str:
        """The dotted name of one of its attributes."""
        return f"{self.name}.{attribute}" if self.name else attribute

    def walk(self) -> Iterator[HolderStructure]:
        """This holder and all components inside it, outermost first."""
        yield self
        for component in self.components.values():
            yield from component.walk()

    def marked(self) -> Iterator[tuple[str, Any, Mark]]:
        """The decorated methods, base classes first, each class in the order of its source."""
        for name in method_names(self.cls):
            function = inspect.getattr_static(self.cls, name)
            if (mark := mark_of(function)) is not None:
                yield name, function, mark


def method_names(cls: type) -> list[str]:
    """Attribute names of a class and its bases, base classes first, without repetition."""
    names: dict[str, None] = {}
    for base in reversed(cls.__mro__):
        if base not in (object, Holder, Component, Model):
            names.update(dict.fromkeys(vars(base)))
    return list(names)


def structure_of(
    cls: type[Holder],
    table: TypeTable,
    name: str = "",
    variables: Mapping[Any, Type] | None = None,
    wired_at: Location | None = None,
) -> HolderStructure:
    """Read the fields of a model class, and of the components that it holds.

    Args:
        wired_at: for a component, the line that declares it: there stands what it is to carry, so that
            an error in a field which depends on that is reported there.

    Raises:
        UserError: a field without a finite type, or without the initial value that it needs; a name that is
            declared twice; a component that cannot be wired so.
    """
    _check_names(cls)
    bound = dict(variables or {})
    for base, args in generic_bases(cls):
        bound.update(table.arguments(base, args, bound, class_location(cls)))
    found = HolderStructure(cls, name, bound)
    hints = evaluated_hints(cls, class_location(cls))
    for attribute, annotation in hints.items():
        if attribute.startswith("_"):
            continue
        where = field_location(cls, attribute)
        origin = get_origin(annotation) or annotation
        if isinstance(origin, type) and issubclass(origin, Component):
            _check_types_given(origin, annotation, attribute, where)
            inner = table.arguments(origin, get_args(annotation), bound, where)
            component = structure_of(origin, table, found.qualified(attribute), inner, where)
            _check_wiring(component, attribute, where)
            found.components[attribute] = component
            continue
        if wired_at is not None and _depends_on_variables(annotation):
            where = wired_at
        type_ = table.resolve(annotation, found.variables, where, f"'{attribute}'")
        initial = _initial(cls, attribute, type_, where)
        found.fields[attribute] = Variable(found.qualified(attribute), type_, initial, name)
    return found


def _depends_on_variables(annotation: Any) -> bool:
    return isinstance(annotation, TypeVar) or bool(getattr(annotation, "__parameters__", ()))


def _check_names(cls: type[Holder]) -> None:
    """A name that a class declares twice would mean its last declaration only, without a word."""
    if (twice := declared_twice(cls)) is not None:
        name, first, second = twice
        what = f"'{name}' is declared twice, in line {first.line} already"
        raise rejected(second, what, "give each field and component a name of its own")
    if (both := field_and_method(cls)) is not None:
        name, first, second = both
        what = f"'{name}' is a field and a method, in line {first.line} of {first.path} already"
        raise rejected(second, what, "give each field, component and method a name of its own")


def _check_types_given(cls: type[Component], annotation: Any, attribute: str, where: Location) -> None:
    """A generic component without its types would say of its own field that a variable stands for nothing."""
    wanted = [variable.__name__ for variable in getattr(cls, "__parameters__", ())]
    if wanted and not get_args(annotation):
        hint = f"write {attribute}: {cls.__name__}[{', '.join(wanted)}], with a type for each"
        raise rejected(where, f"'{attribute}' is a {cls.__name__} without its types", hint)


def _check_wiring(component: HolderStructure, attribute: str, where: Location) -> None:
    assert issubclass(component.cls, Component)
    carried = {variable.__name__: type_ for variable, type_ in component.variables.items()}
    problem = component.cls.unfit(carried)
    if problem is not None:
        raise rejected(
            where, f"'{attribute}' cannot be a {component.cls.__name__} here: {problem[0]}", problem[1]
        )


def _initial(cls: type, attribute: str, type_: Type, where: Location) -> Value:
    given = getattr(cls, attribute, None)
    what = f"'{attribute}'"
    if not is_bounded(type_):
        hint = "write Annotated[int, Range(0, 7)]"
        held = "is" if isinstance(type_, IntType) else "holds"
        raise rejected(where, f"{what} {held} an int without bounds", hint)
    if isinstance(given, Map) and given.filled_with is not None and isinstance(type_, MapType):
        keys = domain(type_.key)
        if keys is None:
            raise rejected(
                where,
                f"{what}: the keys of Map.filled() cannot be enumerated",
                "use an index set, an Enum or a bounded int as the key type",
            )
        value: Value = FrozenMap(dict.fromkeys(keys, encode(given.filled_with)))
    elif given is not None:
        value = encode(given)
    elif is_collection(type_):
        value = {"SetType": frozenset(), "FifoType": ()}.get(type(type_).__name__, EMPTY_MAP)
    elif isinstance(type_, OptionType):
        value = None
    else:
        assert isinstance(type_, BoolType | IntType | EnumType | IndexType | RecordType)
        hint = f"write: {attribute}: ... = <value>"
        raise rejected(where, f"{what} has no initial value", hint)
    if (problem := fits(type_, value)) is not None:
        raise rejected(where, f"the initial value of {what}: {problem}", "widen its range")
    return value


class Instance:
    """A live object of a model class whose fields can be set from, and read as, canonical values."""

    def __init__(self, structure: HolderStructure, table: TypeTable) -> None:
        self._table = table
        self._slots: list[tuple[Holder, str, Variable]] = []
        model = self._build(structure)
        assert isinstance(model, Model)
        self.model: Model = model

    def _build(self, structure: HolderStructure) -> Holder:
        holder = object.__new__(structure.cls)
        object.__setattr__(holder, "name", structure.name)
        guards = {}
        for attribute, variable in structure.fields.items():
            guards[attribute] = _guard(variable, self._table.classes)
            self._slots.append((holder, attribute, variable))
        for attribute, component in structure.components.items():
            object.__setattr__(holder, attribute, self._build(component))
        object.__setattr__(holder, "_guards", guards)
        return holder

    def load(self, values: tuple[Value, ...]) -> None:
        """Set all fields, in the order of the program's variables."""
        for (holder, attribute, variable), value in zip(self._slots, values, strict=True):
            setattr(holder, attribute, decode(variable.type, value, self._table.classes))

    def values(self) -> tuple[Value, ...]:
        """The fields as canonical values, in the order of the program's variables."""
        return tuple(encode(getattr(holder, attribute)) for holder, attribute, _ in self._slots)

    def holder(self, name: str) -> Holder:
        """The model (empty name) or a component by its dotted name."""
        found: Any = self.model
        for part in name.split(".") if name else ():
            found = getattr(found, part)
        assert isinstance(found, Holder)
        return found


def _guard(variable: Variable, classes: Mapping[Type, type]) -> Callable[[Any], Any]:
    """What runs when a field is assigned: check the value, and tie a collection to the field."""

    def check(type_: Type, value: Any) -> None:
        if value is None and not isinstance(type_, OptionType):
            raise ModelError(ModelErrorKind.NONE, f"{variable.name}: a value is None here")
        if (problem := fits(type_, encode(value))) is not None:
            raise ModelError(ModelErrorKind.OVERFLOW, f"{variable.name}: {problem}")
        attach(type_, value)

    def attach(type_: Type, value: Any) -> None:
        match type_:
            case SetType(element) | BagType(element) | FifoType(element):
                value.attach(partial(check, element))
            case MapType(key, inner):

                def check_entry(entry_key: Any, entry: Any) -> None:
                    check(key, entry_key)
                    check(inner, entry)

                value.attach(check_entry, lambda: [decode(key, k, classes) for k in domain(key) or ()])
                if is_collection(inner):
                    for entry in value.values():
                        attach(inner, entry)

    def assign(value: Any) -> Any:
        check(variable.type, value)
        return value

    return assign
