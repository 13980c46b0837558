"""One lock that nodes hand to each other by messages.

Source: ``ex/ivy/simple-decentralized-lock.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/simple_decentralized_lock.tla`` in github.com/will62794/endive. ``messages`` is ``message``,
``holders`` is ``has_lock``. Which node has the lock at first is open in the originals: here ``begin``
chooses it, before anything else can happen.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, record, when


class Node(Index, interchangeable=True):
    """Nodes that hand the lock around."""


@record
class Message:
    """The lock on its way."""

    source: Node
    target: Node


class DecentralizedLock(Model):
    """The lock is with one node or in one message."""

    begun: bool = False
    messages: Set[Message]
    holders: Set[Node]

    @action
    def begin(self, node: Node) -> None:
        """Some node has the lock at first."""
        when(not self.begun)
        self.begun = True
        self.holders.add(node)

    @action
    def send(self, source: Node, target: Node) -> None:
        """The node that has the lock sends it to another, or to itself."""
        when(source in self.holders)
        self.messages.add(Message(source, target))
        self.holders.remove(source)

    @action
    def receive(self, source: Node, target: Node) -> None:
        """The lock arrives."""
        when(Message(source, target) in self.messages)
        self.messages.remove(Message(source, target))
        self.holders.add(target)

    @always
    def mutual_exclusion(self) -> bool:
        """No two nodes have the lock."""
        return all(
            one == other or one not in self.holders or other not in self.holders
            for one in Node
            for other in Node
        )

    @reachable
    def handed_over(self) -> bool:
        """The lock can be on its way to another node."""
        return any(
            Message(source, target) in self.messages for source in Node for target in Node if source != target
        )
