"""two_phase(N): two-phase commit with a shared set of messages, after the TLA+ examples' TwoPhase.

Published counts for comparison (distinct states / transitions with the initial state): N=7: 296,448 /
2,744,706; 8: 1,745,408 / 18,507,778; 9: 10,340,352 / 123,558,400.
"""

from __future__ import annotations

from enum import Enum

from checker.dsl import Index, Map, Model, Set, action, always, when


class Manager(Index, interchangeable=True):
    """Resource managers: N of them."""


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
    """A transaction manager commits once every resource manager has prepared, or aborts."""

    stage: Map[Manager, Stage] = Map.filled(Stage.WORKING)
    decision: Decision = Decision.INIT
    heard: Set[Manager]
    prepared_sent: Set[Manager]
    commit_sent: bool = False
    abort_sent: bool = False

    @action
    def hear_prepared(self, manager: Manager) -> None:
        when(self.decision == Decision.INIT and manager in self.prepared_sent)
        self.heard.add(manager)

    @action
    def commit(self) -> None:
        when(self.decision == Decision.INIT and len(self.heard) == len(Manager))
        self.decision = Decision.COMMITTED
        self.commit_sent = True

    @action
    def abort(self) -> None:
        when(self.decision == Decision.INIT)
        self.decision = Decision.ABORTED
        self.abort_sent = True

    @action
    def prepare(self, manager: Manager) -> None:
        when(self.stage[manager] == Stage.WORKING)
        self.stage[manager] = Stage.PREPARED
        self.prepared_sent.add(manager)

    @action
    def choose_to_abort(self, manager: Manager) -> None:
        when(self.stage[manager] == Stage.WORKING)
        self.stage[manager] = Stage.ABORTED

    @action
    def hear_commit(self, manager: Manager) -> None:
        when(self.commit_sent)
        self.stage[manager] = Stage.COMMITTED

    @action
    def hear_abort(self, manager: Manager) -> None:
        when(self.abort_sent)
        self.stage[manager] = Stage.ABORTED

    @always
    def consistent(self) -> bool:
        """No manager has committed while another has aborted."""
        committed = any(self.stage[manager] == Stage.COMMITTED for manager in Manager)
        return not committed or all(self.stage[manager] != Stage.ABORTED for manager in Manager)
