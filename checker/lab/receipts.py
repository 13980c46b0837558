"""Receipt handles of SQS standard queues: which message each handle is for, and whether it is still current.

A handle is *stale* once its message was received again or became visible again: DeleteMessage with it
succeeds but may not delete (SQS API reference, DeleteMessage). Emulators delete, or refuse.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

Queue = tuple[str, str]  # region, queue name


class HandleState(Enum):
    """What a receipt handle is worth."""

    CURRENT = "current"
    STALE = "stale"
    DELETED = "deleted"  # its message is gone; deleting it again succeeds
    UNKNOWN = "unknown"  # never seen in a response: the backend decides


@dataclass(frozen=True, slots=True)
class Receipt:
    """One receive of one message: who holds it, under which handle."""

    queue: Queue
    message_id: str
    body: str
    handle: str
    holder: str


class Receipts:
    """The ledger of receives, fed with every response that the interposer passes on."""

    def __init__(self) -> None:
        self._by_handle: dict[tuple[Queue, str], Receipt] = {}
        self._current: dict[tuple[Queue, str], Receipt] = {}
        self._deleted: set[tuple[Queue, str]] = set()

    def received(self, receipt: Receipt) -> None:
        """A message was delivered; older handles of it become stale."""
        message = (receipt.queue, receipt.message_id)
        self._by_handle[receipt.queue, receipt.handle] = receipt
        self._current.pop(message, None)  # so that in_flight() is in order of the latest receive
        self._current[message] = receipt
        self._deleted.discard(message)

    def made_visible(self, receipt: Receipt) -> None:
        """The message is visible again: every handle of it is stale."""
        self._current.pop((receipt.queue, receipt.message_id), None)

    def deleted(self, receipt: Receipt) -> None:
        """The message is gone."""
        self._current.pop((receipt.queue, receipt.message_id), None)
        self._deleted.add((receipt.queue, receipt.message_id))

    def state(self, queue: Queue, handle: str) -> HandleState:
        """What ``handle`` is worth now."""
        receipt = self._by_handle.get((queue, handle))
        if receipt is None:
            return HandleState.UNKNOWN
        message = (queue, receipt.message_id)
        if message in self._deleted:
            return HandleState.DELETED
        return HandleState.CURRENT if self._current.get(message) == receipt else HandleState.STALE

    def of_handle(self, queue: Queue, handle: str) -> Receipt | None:
        """The receive that gave out ``handle``."""
        return self._by_handle.get((queue, handle))

    def current(self, queue: Queue, message_id: str) -> Receipt | None:
        """The receive that holds the message now, if it is in flight."""
        return self._current.get((queue, message_id))

    def bodies(self, queue: Queue) -> list[str]:
        """The body of every message that was ever received, deleted ones too, in order of receive."""
        return list(
            dict.fromkeys(r.body for (of_queue, _), r in self._by_handle.items() if of_queue == queue)
        )

    def in_flight(self, queue: Queue) -> list[Receipt]:
        """Messages received and neither deleted nor visible again, in order of their latest receive."""
        return [receipt for (of_queue, _), receipt in self._current.items() if of_queue == queue]
