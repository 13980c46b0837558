"""Consensus by the votes of a quorum: a node that has them leads, and decides.

Source: ``mypyv/ivy/consensus_forall.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/consensus_forall.tla`` in github.com/will62794/endive. ``requests``, ``votes_sent``, ``votes``,
``leaders``, ``voting`` and ``decisions`` are ``vote_request_msg``, ``vote_msg``, ``votes``, ``leader``,
``voting_quorum`` and ``decided``; as in endive a request for a vote stays.

Which nodes are in which quorum is open in the originals, and so is the first voting quorum: here ``enlist``
chooses the one, until ``begin`` chooses the other. That any two quorums have a node in common is an axiom
there. Here the steps that need it name the node: ``choose_quorum`` one that the new quorum shares with the
old one, ``become_leader`` one of the voting quorum. Where the axiom holds there always is such a node, so
that every run of the originals is a run here; runs with quorums that do not meet come on top, as long as
they need not. So what holds here holds there.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, record, when


class Node(Index, interchangeable=True):
    """Nodes that vote and lead."""


class Quorum(Index, interchangeable=True):
    """Sets of nodes that can elect a leader."""


class Value(Index, interchangeable=True):
    """Values to decide on."""


@record
class Member:
    """A node in a quorum."""

    node: Node
    quorum: Quorum


@record
class Message:
    """A request for a vote, or a vote."""

    source: Node
    target: Node


@record
class Decision:
    """A node has decided on a value."""

    node: Node
    value: Value


class Consensus(Model):
    """Every node votes once; who has the votes of a quorum leads."""

    members: Set[Member]
    voting: Quorum | None
    requests: Set[Message]
    voted: Set[Node]
    votes_sent: Set[Message]
    votes: Set[Message]
    leaders: Set[Node]
    decisions: Set[Decision]

    @action
    def enlist(self, node: Node, quorum: Quorum) -> None:
        """Initially any node may be in any quorum."""
        when(self.voting is None)
        self.members.add(Member(node, quorum))

    @action
    def begin(self, quorum: Quorum) -> None:
        """No more members; some quorum is the voting one."""
        when(self.voting is None)
        self.voting = quorum

    @action
    def send_request(self, source: Node, target: Node) -> None:
        """A node asks for a vote."""
        when(self.voting is not None)
        self.requests.add(Message(source, target))

    @action
    def send_vote(self, source: Node, target: Node) -> None:
        """A node votes for one that has asked, once."""
        when(source not in self.voted)
        when(Message(target, source) in self.requests)
        self.votes_sent.add(Message(source, target))
        self.voted.add(source)

    @action
    def receive_vote(self, node: Node, sender: Node) -> None:
        """A vote arrives."""
        when(Message(sender, node) in self.votes_sent)
        self.votes.add(Message(node, sender))

    @action
    def choose_quorum(self, node: Node, old: Quorum, quorum: Quorum, common: Node) -> None:
        """A quorum that has voted for one node becomes the voting one; it meets the old one."""
        when(self.voting == old)
        when(Member(common, old) in self.members and Member(common, quorum) in self.members)
        when(
            all(
                Member(voter, quorum) not in self.members or Message(node, voter) in self.votes
                for voter in Node
            )
        )
        self.voting = quorum

    @action
    def become_leader(self, node: Node, quorum: Quorum, member: Node) -> None:
        """A node has the votes of the voting quorum, which is not empty."""
        when(self.voting == quorum)
        when(Member(member, quorum) in self.members)
        when(
            all(
                Member(voter, quorum) not in self.members or Message(node, voter) in self.votes
                for voter in Node
            )
        )
        self.leaders.add(node)

    @action
    def decide(self, node: Node, value: Value) -> None:
        """A leader decides, once."""
        when(node in self.leaders)
        when(all(Decision(node, other) not in self.decisions for other in Value))
        self.decisions.add(Decision(node, value))

    @always
    def agreement(self) -> bool:
        """No two values are decided."""
        return all(
            first == second
            or Decision(one, first) not in self.decisions
            or Decision(other, second) not in self.decisions
            for one in Node
            for other in Node
            for first in Value
            for second in Value
        )

    @reachable
    def decided(self) -> bool:
        """A value can be decided on."""
        return any(Decision(node, value) in self.decisions for node in Node for value in Value)

    @reachable
    def elected_by_others(self) -> bool:
        """A node can lead by the vote of another."""
        return any(
            node in self.leaders and Message(node, voter) in self.votes
            for node in Node
            for voter in Node
            if node != voter
        )
