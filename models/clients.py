"""Clients of a service that runs in several Regions: they repeat a request until it is answered."""

from __future__ import annotations

from typing import Generic, TypeVar

from checker.components import Region
from checker.dsl import Component, Set, choose, fault, operation, record, when

R = TypeVar("R")


@record
class Sent(Generic[R]):
    """A request, and the Region to which it was sent."""

    region: Region
    request: R


class Clients(Component, Generic[R]):
    """Requests ``R`` over HTTP. Without an answer (the server died, say) a client sends the same again.

    The fault ``retry_elsewhere`` is a client that loses patience and sends it to another Region, too.
    """

    waiting: Set[Sent[R]]
    confirmed: Set[R]
    refused: Set[R]

    def send(self, region: Region, request: R) -> None:
        """A client sends a request."""
        self.waiting.add(Sent(region, request))

    @operation
    def next_request(self, region: Region) -> R:
        """Any request that a Region has not answered; not yet removed, because its client would repeat it."""
        sent = choose(sent for sent in self.waiting if sent.region == region)
        return sent.request

    @operation
    def confirm(self, region: Region, request: R) -> None:
        """200: done. From now on the client relies on it."""
        self.waiting.discard(Sent(region, request))
        self.confirmed.add(request)

    @operation
    def refuse(self, region: Region, request: R) -> None:
        """409: not possible."""
        self.waiting.discard(Sent(region, request))
        self.refused.add(request)

    @operation
    def redirect(self, region: Region, to: Region, request: R) -> None:
        """307: the client repeats its request in the Region that the answer names."""
        self.waiting.discard(Sent(region, request))
        self.waiting.add(Sent(to, request))

    @fault
    def retry_elsewhere(self, region: Region) -> None:
        """A client has no answer yet, and sends the request to another Region as well."""
        sent = choose(sent for sent in self.waiting if sent.region != region)
        when(Sent(region, sent.request) not in self.waiting)
        self.waiting.add(Sent(region, sent.request))
