"""One lock, granted by messages, as an automaton of the server that remembers whether its lock is held.

Source: ``ex/ivy/lockserv_automaton.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/lockserv_automaton.tla`` in github.com/will62794/endive. The names are those of
``lockserv.py``; ``held`` stands for the opposite of its ``free``.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, when


class Node(Index, interchangeable=True):
    """Nodes that want the lock."""


class LockServAutomaton(Model):
    """The server grants its lock unless it is held."""

    requests: Set[Node]
    grants: Set[Node]
    releases: Set[Node]
    holders: Set[Node]
    held: bool = False

    @action
    def lock(self, node: Node) -> None:
        """A node asks for the lock."""
        self.requests.add(node)

    @action
    def unlock(self, node: Node) -> None:
        """The node sends the lock back."""
        when(node in self.holders)
        self.holders.remove(node)
        self.releases.add(node)

    @action
    def receive_lock(self, sender: Node) -> None:
        """The server grants its lock."""
        when(sender in self.requests)
        when(not self.held)
        self.held = True
        self.requests.remove(sender)
        self.grants.add(sender)

    @action
    def receive_grant(self, node: Node) -> None:
        """The node has the lock."""
        when(node in self.grants)
        self.grants.remove(node)
        self.holders.add(node)

    @action
    def receive_unlock(self, sender: Node) -> None:
        """The server hears that its lock is not held."""
        when(sender in self.releases)
        self.releases.remove(sender)
        self.held = False

    @always
    def mutual_exclusion(self) -> bool:
        """No two nodes hold the lock."""
        return all(
            one == other or one not in self.holders or other not in self.holders
            for one in Node
            for other in Node
        )

    @reachable
    def held_while_others_ask(self) -> bool:
        """One node holds the lock, and all nodes ask for it."""
        return any(node in self.holders for node in Node) and all(node in self.requests for node in Node)

    @reachable
    def lock_on_its_way_back(self) -> bool:
        """A node has given the lock back, and the server has not heard of it."""
        return any(node in self.releases for node in Node)
