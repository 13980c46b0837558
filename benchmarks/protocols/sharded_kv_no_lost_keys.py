"""The key-value store of ``sharded_kv.py``, in which every key has an owner at first: no key may get lost.

Source: ``mypyv/ivy/sharded_kv_no_lost_keys.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/sharded_kv_no_lost_keys.tla`` in github.com/will62794/endive. The initial owners are open in
the originals, except that every key has one: here ``assign`` chooses the first owner of each key, and
nothing else happens to a key before that; ``assigned`` is our own. The property is the originals': that
*every* key has an owner or is on its way would be stronger, and is what an invariant has to say.
"""

from __future__ import annotations

from checker.dsl import Index, Map, Model, Set, action, always, reachable, record, when


class Node(Index, interchangeable=True):
    """Nodes that store."""


class Key(Index, interchangeable=True):
    """Keys of the store."""


class Value(Index, interchangeable=True):
    """Values in the store."""


@record
class Slot:
    """A key on a node."""

    node: Node
    key: Key


@record
class Transfer:
    """A key with its value, on its way to a node."""

    node: Node
    key: Key
    value: Value


class ShardedStore(Model):
    """A key is owned by a node, or on its way to one."""

    begun: bool = False
    assigned: Set[Key]
    table: Map[Slot, Value]
    owned: Set[Slot]
    transfers: Set[Transfer]

    @action
    def assign(self, node: Node, key: Key) -> None:
        """Initially a key may belong to any node, but only to one."""
        when(key not in self.assigned)
        self.assigned.add(key)
        self.owned.add(Slot(node, key))

    @action
    def begin(self) -> None:
        """All keys have owners."""
        when(not self.begun)
        when(all(key in self.assigned for key in Key))
        self.begun = True

    @action
    def put(self, node: Node, key: Key, value: Value) -> None:
        """The owner of a key sets its value."""
        when(self.begun)
        when(Slot(node, key) in self.owned)
        self.table[Slot(node, key)] = value

    @action
    def reshard(self, key: Key, value: Value, old: Node, new: Node) -> None:
        """A node gives a key and its value away."""
        when(self.table.get(Slot(old, key)) == value)
        self.table.discard(Slot(old, key))
        self.owned.discard(Slot(old, key))
        self.transfers.add(Transfer(new, key, value))

    @action
    def receive(self, node: Node, key: Key, value: Value) -> None:
        """A node gets a key and its value."""
        when(Transfer(node, key, value) in self.transfers)
        self.transfers.remove(Transfer(node, key, value))
        self.table[Slot(node, key)] = value
        self.owned.add(Slot(node, key))

    @always
    def no_key_is_lost(self) -> bool:
        """Once all keys have owners: every key has one, or something is on its way."""
        return (
            not self.begun
            or any(
                Transfer(node, key, value) in self.transfers
                for node in Node
                for key in Key
                for value in Value
            )
            or all(any(Slot(node, key) in self.owned for node in Node) for key in Key)
        )

    @reachable
    def nobody_owns_a_key(self) -> bool:
        """All keys can be on their way at once."""
        return self.begun and all(Slot(node, key) not in self.owned for node in Node for key in Key)

    @reachable
    def stored_elsewhere(self) -> bool:
        """A key can be stored on one node while another node stores another key."""
        return any(
            Slot(here, one) in self.table and Slot(there, other) in self.table
            for here in Node
            for there in Node
            for one in Key
            for other in Key
            if here != there and one != other
        )
