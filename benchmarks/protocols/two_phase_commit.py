"""Two-phase commit in which nodes vote, may fail, and the coordinator tells all nodes at once what to do.

Source: ``i4/ivy/two_phase_commit.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/two_phase_commit.tla`` in github.com/will62794/endive. ``failed`` is the complement of
``alive``. ``go_commit`` and ``go_abort`` are relations in the originals which every step leaves empty or
makes full: here each is a flag. The safety property has three parts there; here they are three properties.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, when


class Node(Index, interchangeable=True):
    """Nodes that vote."""


class TwoPhaseCommit(Model):
    """All nodes commit, once all have voted yes, or all that are alive abort."""

    voted_yes: Set[Node]
    voted_no: Set[Node]
    failed: Set[Node]
    committed: Set[Node]
    aborted: Set[Node]
    go_commit: bool = False
    go_abort: bool = False
    abort_flag: bool = False

    @action
    def vote_yes(self, node: Node) -> None:
        """A node is willing to commit."""
        when(node not in self.failed and node not in self.voted_no)
        when(node not in self.committed and node not in self.aborted)
        self.voted_yes.add(node)

    @action
    def vote_no(self, node: Node) -> None:
        """A node refuses, and aborts by itself."""
        when(node not in self.failed and node not in self.voted_yes)
        when(node not in self.committed and node not in self.aborted)
        self.voted_no.add(node)
        self.abort_flag = True
        self.aborted.add(node)

    @action
    def fail(self, node: Node) -> None:
        """A node stops for good."""
        when(node not in self.failed)
        self.failed.add(node)
        self.abort_flag = True

    @action
    def tell_to_commit(self) -> None:
        """The coordinator has everybody's yes."""
        when(not self.go_commit and not self.go_abort)
        when(all(node in self.voted_yes for node in Node))
        self.go_commit = True

    @action
    def tell_to_abort(self) -> None:
        """The coordinator knows of a node that refuses or has failed."""
        when(not self.go_commit and not self.go_abort)
        when(any(node in self.voted_no or node in self.failed for node in Node))
        self.go_abort = True

    @action
    def commit(self, node: Node) -> None:
        """A node commits as told."""
        when(node not in self.failed)
        when(self.go_commit)
        self.committed.add(node)

    @action
    def abort(self, node: Node) -> None:
        """A node aborts as told."""
        when(node not in self.failed)
        when(self.go_abort)
        self.aborted.add(node)

    @always
    def decisions_agree(self) -> bool:
        """No node has committed while another, or itself, has aborted."""
        return all(one not in self.committed or other not in self.aborted for one in Node for other in Node)

    @always
    def commit_is_unanimous(self) -> bool:
        """A node commits only if all nodes have voted yes."""
        return all(one not in self.committed or other in self.voted_yes for one in Node for other in Node)

    @always
    def abort_has_a_reason(self) -> bool:
        """A node aborts only if some node has refused or failed."""
        return all(node not in self.aborted or self.abort_flag for node in Node)

    @reachable
    def all_commit(self) -> bool:
        """Everybody can commit."""
        return all(node in self.committed for node in Node)

    @reachable
    def all_abort(self) -> bool:
        """Everybody can abort, although somebody votes yes."""
        return all(node in self.aborted for node in Node) and any(node in self.voted_yes for node in Node)
