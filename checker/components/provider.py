"""An external provider of payments, or of stock, that is called over HTTP.

What it represents (Source: the published API guides of payment providers, which agree on these points): a
request carries an idempotency key; while the provider remembers the key, the same request again has no
effect and gets the same answer; providers forget keys after some time (24 hours to 30 days), and then
the same request is a new one. A request whose answer does not come was carried out, will be, or
never arrived. ``NotifyingProvider`` also accepts a request and reports later, by a callback that comes at
least once, in any order, until it is acknowledged.

Faults: ``window_expiry``, a key is forgotten; ``stall``, the next charge gets no answer, and
is carried out at any later time or never; ``decline``, the next charge is refused for good.
The faults of every call (``fail``, ``ambiguous``) come on top.

What it leaves out: a key that is used for two different requests (providers answer with an error; here the
first one counts); charges of parts; disputes; a refund that stalls; the end of a callback's retries after
days; answers to requests that a rate limit refused, which is the fault ``fail``.
"""

from __future__ import annotations

from enum import Enum
from typing import Generic, TypeVar

from checker.dsl import Bag, Component, Set, action, choose, fault, operation, record, when

K = TypeVar("K")
C = TypeVar("C")


class Charged(Enum):
    """How the provider answers a charge; UNKNOWN stands for no answer within the caller's timeout."""

    DONE = 0
    DECLINED = 1
    UNKNOWN = 2


@record
class ChargeRequest(Generic[K, C]):
    """A request that the provider has accepted, or that is still on its way to it."""

    key: K
    what: C


class Provider(Component, Generic[K, C]):
    """A provider that charges for ``C`` (an order, say) under idempotency keys ``K``.

    A stock provider reads the same: to charge is to reserve, to refund is to release.
    """

    transactional = False

    charges: Bag[C]
    refunds: Bag[C]
    #: The keys of charges that the provider remembers, and the keys of refunds.
    remembered: Set[K]
    refunded: Set[K]
    declined: Set[K]
    under_way: Bag[ChargeRequest[K, C]]
    stalled: bool = False
    declining: bool = False

    @operation
    def charge(self, key: K, what: C) -> Charged:
        """Charge once for each key that is remembered; a repeated key gets the first answer."""
        if self.stalled:
            self.stalled = False
            arrives = choose([False, True])
            if arrives:
                self.under_way.add(ChargeRequest(key, what))
            return Charged.UNKNOWN
        if key in self.declined:
            return Charged.DECLINED
        if self.declining and key not in self.remembered:
            self.declining = False
            self.declined.add(key)
            return Charged.DECLINED
        self._carry_out(key, what)
        return Charged.DONE

    @operation
    def refund(self, key: K, what: C) -> None:
        """Pay back once for each key that is remembered; charged or not is the caller's to know."""
        if key not in self.refunded:
            self.refunded.add(key)
            self.refunds.add(what)

    @operation
    def was_charged(self, key: K) -> bool:
        """Whether the charge under a key has been carried out, as far as the provider remembers it."""
        return key in self.remembered

    def times_charged(self, what: C) -> int:
        """How often it was charged for, for properties."""
        return self.charges.count(what)

    def balance(self, what: C) -> int:
        """How often it was charged for and not paid back, for properties."""
        return self.charges.count(what) - self.refunds.count(what)

    def _carry_out(self, key: K, what: C) -> None:
        if key not in self.remembered:
            self.remembered.add(key)
            self.charges.add(what)

    @action
    def carry_out(self) -> None:
        """A charge whose caller has given up waiting is carried out after all."""
        request = choose(self.under_way)
        self.under_way.remove(request)
        self._carry_out(request.key, request.what)

    @fault
    def stall(self) -> None:
        """The provider hangs: the next charge gets no answer in time."""
        when(not self.stalled)
        self.stalled = True

    @fault
    def decline(self) -> None:
        """The next new charge is refused: no funds, or no stock."""
        when(not self.declining)
        self.declining = True

    @fault
    def window_expiry(self) -> None:
        """The idempotency window of a charge is over: its key means nothing any more."""
        key = choose(self.remembered)
        self.remembered.remove(key)


class NotifyingProvider(Provider[K, C]):
    """A provider that also accepts charges at once and reports them later."""

    accepted: Bag[ChargeRequest[K, C]]
    callbacks: Bag[C]

    @operation
    def submit(self, key: K, what: C) -> None:
        """Accept a charge: 202, with the outcome to come by a callback."""
        self.accepted.add(ChargeRequest(key, what))

    @operation
    def callback(self) -> C:
        """The provider calls the webhook: any callback that is not acknowledged, again and again."""
        what = choose(self.callbacks)
        return what

    @operation
    def acknowledge(self, what: C) -> None:
        """The webhook answers 200: this callback does not come again. It may be acknowledged already."""
        self.callbacks.discard(what)

    @action
    def report(self) -> None:
        """An accepted charge is carried out, and a callback says so; a repeated key is reported again."""
        request = choose(self.accepted)
        self.accepted.remove(request)
        self._carry_out(request.key, request.what)
        self.callbacks.add(request.what)
