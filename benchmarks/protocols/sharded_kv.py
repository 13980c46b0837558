"""A key-value store whose keys are owned by nodes, and move between them by messages.

Source: ``mypyv/ivy/sharded_kv.ivy`` in github.com/aman-goel/ivybench, ``benchmarks/sharded_kv.tla`` in
github.com/will62794/endive. ``table``, ``owned`` and ``transfers`` are ``table``, ``owner`` and
``transfer_msg``. Who owns which key at first is open in the originals, except that no key has two owners:
here ``assign`` chooses it for some keys, until ``begin`` ends that.
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
    """The value of a key is on one node, or on its way to one."""

    begun: bool = False
    table: Map[Slot, Value]
    owned: Set[Slot]
    transfers: Set[Transfer]

    @action
    def assign(self, node: Node, key: Key) -> None:
        """Initially a key without an owner may belong to any node."""
        when(not self.begun)
        when(all(Slot(other, key) not in self.owned for other in Node))
        self.owned.add(Slot(node, key))

    @action
    def begin(self) -> None:
        """No more keys are assigned."""
        when(not self.begun)
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
    def keys_are_unique(self) -> bool:
        """No key has values on two nodes."""
        return all(
            one == other or Slot(one, key) not in self.table or Slot(other, key) not in self.table
            for one in Node
            for other in Node
            for key in Key
        )

    @reachable
    def moved(self) -> bool:
        """A key that has been on its way can be stored, while another is on its way."""
        return any(
            Slot(node, one) in self.table and Transfer(node, other, value) in self.transfers
            for node in Node
            for one in Key
            for other in Key
            for value in Value
            if one != other
        )
