"""What every operator of the IR means, on canonical values.

This table is the definition: an engine that computes anything else is wrong. Operators that can fail
raise ModelError without a location; the interpreter adds the place.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import TypeAlias

from checker.errors import ModelError, ModelErrorKind
from checker.ir.expressions import Op
from checker.ir.types import BagType, FifoType, MapType, SetType, Type
from checker.ir.values import FrozenMap, Value, domain, in_order, show

Meaning: TypeAlias = Callable[..., Value]


def meaning(op: Op, argument_types: tuple[Type, ...]) -> Meaning:
    """The function that ``op`` denotes for arguments of these types.

    IS_IDLE, CALLER and RECORD_GET depend on more than values; the interpreter defines them.
    """
    if op in _SIMPLE:
        return _SIMPLE[op]
    return _TYPED[op](*argument_types)


def _floor_div(a: int, b: int) -> int:
    if b == 0:
        raise ModelError(ModelErrorKind.DIVISION, f"{a} // 0")
    return a // b


def _floor_mod(a: int, b: int) -> int:
    if b == 0:
        raise ModelError(ModelErrorKind.DIVISION, f"{a} % 0")
    return a % b


def _unwrap(value: Value) -> Value:
    if value is None:
        raise ModelError(ModelErrorKind.NONE, "a value is None here")
    return value


def _bag_without_one(bag: FrozenMap, element: Value) -> FrozenMap:
    count = bag.get(element, 0)
    return bag.set(element, count - 1) if count > 1 else bag.without(element)


def _bag_add(bag: FrozenMap, element: Value) -> FrozenMap:
    return bag.set(element, bag.get(element, 0) + 1)


def _set_remove(collection: Type, element: Type) -> Meaning:
    def remove(values: frozenset[Value], value: Value) -> frozenset[Value]:
        if value not in values:
            raise _absent(collection, values, element, value)
        return values - {value}

    return remove


def _bag_remove(collection: Type, element: Type) -> Meaning:
    def remove(bag: FrozenMap, value: Value) -> FrozenMap:
        if value not in bag:
            raise _absent(collection, bag, element, value)
        return _bag_without_one(bag, value)

    return remove


def _fifo_head(fifo_type: Type) -> Meaning:
    def head(fifo: tuple[Value, ...]) -> Value:
        if not fifo:
            raise ModelError(ModelErrorKind.INDEX, f"the head of an empty {fifo_type}")
        return fifo[0]

    return head


def _fifo_tail(fifo_type: Type) -> Meaning:
    def tail(fifo: tuple[Value, ...]) -> Value:
        if not fifo:
            raise ModelError(ModelErrorKind.INDEX, f"the head of an empty {fifo_type}")
        return fifo[1:]

    return tail


def _fifo_at(fifo_type: Type, _: Type) -> Meaning:
    def at(fifo: tuple[Value, ...], position: int) -> Value:
        if not -len(fifo) <= position < len(fifo):
            raise ModelError(ModelErrorKind.INDEX, f"position {position} of a {fifo_type} of {len(fifo)}")
        return fifo[position]

    return at


def _map_get(map_type: Type, key: Type) -> Meaning:
    def get(entries: FrozenMap, value: Value) -> Value:
        if value not in entries:
            raise _absent(map_type, entries, key, value)
        return entries[value]

    return get


def _map_delete(map_type: Type, key: Type) -> Meaning:
    def delete(entries: FrozenMap, value: Value) -> FrozenMap:
        if value not in entries:
            raise _absent(map_type, entries, key, value)
        return entries.without(value)

    return delete


def _map_fresh_key(map_type: Type) -> Meaning:
    assert isinstance(map_type, MapType)
    keys = domain(map_type.key)
    assert keys is not None

    def fresh(entries: FrozenMap) -> Value:
        for key in keys:
            if key not in entries:
                return key
        what = f"all {len(keys)} keys of {map_type.key} are taken; raise its bound in the spec"
        raise ModelError(ModelErrorKind.FULL, what)

    return fresh


def _absent(collection: Type, values: Value, element: Type, value: Value) -> ModelError:
    what = f"{show(element, value)} is not in {show(collection, values)}"
    return ModelError(ModelErrorKind.MISSING, what)


def _length(type_: Type) -> Meaning:
    return (lambda bag: sum(bag.values())) if isinstance(type_, BagType) else len


def _elements(type_: Type) -> Meaning:
    match type_:
        case BagType(element):
            return lambda bag: tuple(v for v in in_order(element, bag) for _ in range(bag[v]))
        case SetType(element) | MapType(element, _):
            return lambda values: tuple(in_order(element, values))
        case FifoType():
            return lambda values: values
        case _:
            raise AssertionError(type_)


def _distinct(type_: Type) -> Meaning:
    match type_:
        case BagType(element) | SetType(element) | FifoType(element) | MapType(element, _):
            return lambda values: tuple(in_order(element, set(values)))
        case _:
            raise AssertionError(type_)


def _map_values(type_: Type) -> Meaning:
    assert isinstance(type_, MapType)
    key = type_.key
    return lambda entries: tuple(entries[k] for k in in_order(key, entries))


def _map_items(type_: Type) -> Meaning:
    assert isinstance(type_, MapType)
    key = type_.key
    return lambda entries: tuple((k, entries[k]) for k in in_order(key, entries))


_SIMPLE: dict[Op, Meaning] = {
    Op.INT_ADD: operator.add,
    Op.INT_SUB: operator.sub,
    Op.INT_MUL: operator.mul,
    Op.INT_FLOOR_DIV: _floor_div,
    Op.INT_FLOOR_MOD: _floor_mod,
    Op.INT_NEG: operator.neg,
    Op.INT_ABS: abs,
    Op.INT_MIN: min,
    Op.INT_MAX: max,
    Op.INT_LT: operator.lt,
    Op.INT_LE: operator.le,
    Op.INT_GT: operator.gt,
    Op.INT_GE: operator.ge,
    Op.BOOL_TO_INT: int,
    Op.NOT: operator.not_,
    Op.EQ: operator.eq,
    Op.NE: operator.ne,
    Op.IS_NONE: lambda value: value is None,
    Op.SOME: lambda value: value,
    Op.UNWRAP: _unwrap,
    Op.RECORD_MAKE: lambda *fields: fields,
    Op.SET_MAKE: lambda *elements: frozenset(elements),
    Op.SET_ADD: lambda values, value: values | {value},
    Op.SET_DISCARD: lambda values, value: values - {value},
    Op.SET_UNION: operator.or_,
    Op.SET_INTERSECTION: operator.and_,
    Op.SET_DIFFERENCE: operator.sub,
    Op.SET_SUBSET: operator.le,
    Op.BAG_ADD: _bag_add,
    Op.BAG_DISCARD: _bag_without_one,
    Op.BAG_COUNT: lambda bag, value: bag.get(value, 0),
    Op.FIFO_APPEND: lambda fifo, value: (*fifo, value),
    Op.MAP_GET_OPTION: lambda entries, key: entries.get(key),
    Op.MAP_SET: lambda value, entries, key: entries.set(key, value),
    Op.MAP_DISCARD: lambda entries, key: entries.without(key),
    Op.CONTAINS: lambda element, collection: element in collection,
    Op.NEXT: lambda value: value + 1,
    Op.COPY: lambda value: value,
}

_TYPED: dict[Op, Callable[..., Meaning]] = {
    Op.SET_REMOVE: _set_remove,
    Op.BAG_REMOVE: _bag_remove,
    Op.FIFO_HEAD: _fifo_head,
    Op.FIFO_TAIL: _fifo_tail,
    Op.FIFO_AT: _fifo_at,
    Op.MAP_GET: _map_get,
    Op.MAP_DELETE: _map_delete,
    Op.MAP_FRESH_KEY: _map_fresh_key,
    Op.LENGTH: _length,
    Op.ELEMENTS: _elements,
    Op.DISTINCT: _distinct,
    Op.MAP_VALUES: _map_values,
    Op.MAP_ITEMS: _map_items,
}
