"""Two-phase commit after Gray and Lamport: a transaction manager and resource managers.

Source: ``TwoPhase.tla`` of the TLA+ examples (Gray and Lamport, Consensus on Transaction Commit, 2006), as
in ``benchmarks/TwoPhase.tla`` in github.com/will62794/endive and ``tla/ivy/TwoPhase.ivy`` in
github.com/aman-goel/ivybench. ``stage`` is ``rmState``, ``decision`` is ``tmState``, ``heard`` is
``tmPrepared``. The set ``msgs`` is ``prepared_sent`` and the flags ``commit_sent`` and ``abort_sent``:
messages are never taken out of it.
"""

from __future__ import annotations

from enum import Enum

from checker.dsl import Index, Map, Model, Set, action, always, reachable, when


class Manager(Index, interchangeable=True):
    """Resource managers."""


class Stage(Enum):
    """Where a resource manager is."""

    WORKING = 0
    PREPARED = 1
    COMMITTED = 2
    ABORTED = 3


class Decision(Enum):
    """What the transaction manager has decided."""

    INIT = 0
    COMMITTED = 1
    ABORTED = 2


class TwoPhase(Model):
    """The transaction manager commits once every resource manager has prepared, or aborts."""

    stage: Map[Manager, Stage] = Map.filled(Stage.WORKING)
    decision: Decision = Decision.INIT
    heard: Set[Manager]
    prepared_sent: Set[Manager]
    commit_sent: bool = False
    abort_sent: bool = False

    @action
    def hear_prepared(self, manager: Manager) -> None:
        """The transaction manager hears that a resource manager has prepared."""
        when(self.decision == Decision.INIT)
        when(manager in self.prepared_sent)
        self.heard.add(manager)

    @action
    def decide_commit(self) -> None:
        """All resource managers have prepared."""
        when(self.decision == Decision.INIT)
        when(all(manager in self.heard for manager in Manager))
        self.decision = Decision.COMMITTED
        self.commit_sent = True

    @action
    def decide_abort(self) -> None:
        """The transaction manager may abort for any reason."""
        when(self.decision == Decision.INIT)
        self.decision = Decision.ABORTED
        self.abort_sent = True

    @action
    def prepare(self, manager: Manager) -> None:
        """A resource manager prepares, and says so."""
        when(self.stage[manager] == Stage.WORKING)
        self.stage[manager] = Stage.PREPARED
        self.prepared_sent.add(manager)

    @action
    def choose_to_abort(self, manager: Manager) -> None:
        """A resource manager that has not prepared may abort by itself."""
        when(self.stage[manager] == Stage.WORKING)
        self.stage[manager] = Stage.ABORTED

    @action
    def hear_commit(self, manager: Manager) -> None:
        """A resource manager is told to commit."""
        when(self.commit_sent)
        when(self.stage[manager] != Stage.COMMITTED)
        self.stage[manager] = Stage.COMMITTED

    @action
    def hear_abort(self, manager: Manager) -> None:
        """A resource manager is told to abort."""
        when(self.abort_sent)
        when(self.stage[manager] != Stage.ABORTED)
        self.stage[manager] = Stage.ABORTED

    @always
    def consistent(self) -> bool:
        """No manager has committed while another has aborted."""
        return all(
            self.stage[one] != Stage.ABORTED or self.stage[other] != Stage.COMMITTED
            for one in Manager
            for other in Manager
        )

    @reachable
    def committed(self) -> bool:
        """Somebody can commit, which takes everybody's being prepared."""
        return any(self.stage[manager] == Stage.COMMITTED for manager in Manager)

    @reachable
    def abort_after_preparing(self) -> bool:
        """Everybody can abort, although somebody has prepared."""
        aborted = all(self.stage[manager] == Stage.ABORTED for manager in Manager)
        return aborted and any(manager in self.prepared_sent for manager in Manager)
