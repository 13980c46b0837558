"""Transaction commit: what two-phase commit is to implement. Resource managers decide, looking at each other.

Source: ``TCommit.tla`` of the TLA+ examples (Gray and Lamport, Consensus on Transaction Commit, 2006), as
in ``benchmarks/TCommit.tla`` in github.com/will62794/endive and ``tla/ivy/TCommit.ivy`` in
github.com/aman-goel/ivybench. ``stage`` is ``rmState``; the two halves of the original's ``Decide`` are
``commit`` and ``abort``.
"""

from __future__ import annotations

from enum import Enum

from checker.dsl import Index, Map, Model, action, always, reachable, when


class Manager(Index, interchangeable=True):
    """Resource managers."""


class Stage(Enum):
    """Where a resource manager is."""

    WORKING = 0
    PREPARED = 1
    COMMITTED = 2
    ABORTED = 3


class TransactionCommit(Model):
    """A manager commits when nobody is working or has aborted; it aborts when nobody has committed."""

    stage: Map[Manager, Stage] = Map.filled(Stage.WORKING)

    @action
    def prepare(self, manager: Manager) -> None:
        """A manager has done its work."""
        when(self.stage[manager] == Stage.WORKING)
        self.stage[manager] = Stage.PREPARED

    @action
    def commit(self, manager: Manager) -> None:
        """A manager commits: all have prepared or committed."""
        when(self.stage[manager] == Stage.PREPARED)
        when(
            all(
                self.stage[other] == Stage.PREPARED or self.stage[other] == Stage.COMMITTED
                for other in Manager
            )
        )
        self.stage[manager] = Stage.COMMITTED

    @action
    def abort(self, manager: Manager) -> None:
        """A manager aborts: none has committed."""
        when(self.stage[manager] == Stage.WORKING or self.stage[manager] == Stage.PREPARED)
        when(all(self.stage[other] != Stage.COMMITTED for other in Manager))
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
    def all_commit(self) -> bool:
        """Everybody can commit."""
        return all(self.stage[manager] == Stage.COMMITTED for manager in Manager)

    @reachable
    def all_abort(self) -> bool:
        """Everybody can abort."""
        return all(self.stage[manager] == Stage.ABORTED for manager in Manager)
