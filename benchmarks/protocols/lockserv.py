"""One lock, granted by messages: a node asks, is granted the lock, and gives it back.

Source: ``mypyv/ivy/lockserv.ivy`` in github.com/aman-goel/ivybench, ``benchmarks/lockserv.tla`` in
github.com/will62794/endive; first in Verdi (Wilcox et al., PLDI 2015). ``requests``, ``grants`` and
``releases`` are ``lock_msg``, ``grant_msg`` and ``unlock_msg``, ``holders`` is ``holds_lock``, and ``free``
is ``server_holds_lock``. A message that is sent twice is there once, as in the originals.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, when


class Node(Index, interchangeable=True):
    """Nodes that want the lock."""


class LockServ(Model):
    """The server grants its lock to one node at a time."""

    requests: Set[Node]
    grants: Set[Node]
    releases: Set[Node]
    holders: Set[Node]
    free: bool = True

    @action
    def send_lock(self, node: Node) -> None:
        """A node asks for the lock."""
        self.requests.add(node)

    @action
    def receive_lock(self, node: Node) -> None:
        """The server grants the lock that it has."""
        when(self.free)
        when(node in self.requests)
        self.free = False
        self.requests.remove(node)
        self.grants.add(node)

    @action
    def receive_grant(self, node: Node) -> None:
        """The node has the lock."""
        when(node in self.grants)
        self.grants.remove(node)
        self.holders.add(node)

    @action
    def unlock(self, node: Node) -> None:
        """The node sends the lock back."""
        when(node in self.holders)
        self.holders.remove(node)
        self.releases.add(node)

    @action
    def receive_unlock(self, node: Node) -> None:
        """The server has the lock again."""
        when(node in self.releases)
        self.releases.remove(node)
        self.free = True

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
