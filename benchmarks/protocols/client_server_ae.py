"""Clients and servers: a response that a client receives answers one of its requests.

Source: ``mypyv/ivy/client_server_ae.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/client_server_ae.tla`` in github.com/will62794/endive; first in Feldman et al., Bounded
Quantifier Instantiation for Checking Inductive Invariants (TACAS 2017). ``matches`` is ``match``,
``requests``, ``responses`` and ``received`` are ``request_sent``, ``response_sent`` and
``response_received``. Which responses match which requests is open in the originals: here ``let_match``
chooses it, until ``begin`` ends that.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, record, when


class Node(Index, interchangeable=True):
    """Clients."""


class Request(Index, interchangeable=True):
    """Requests that a client can make."""


class Response(Index, interchangeable=True):
    """Responses that a client can get."""


@record
class Match:
    """The response answers the request."""

    request: Request
    response: Response


@record
class Asked:
    """The client has sent the request."""

    node: Node
    request: Request


@record
class Answered:
    """The response was sent to the client."""

    node: Node
    response: Response


class ClientServer(Model):
    """The server sends responses that match requests which it got."""

    begun: bool = False
    matches: Set[Match]
    requests: Set[Asked]
    responses: Set[Answered]
    received: Set[Answered]

    @action
    def let_match(self, request: Request, response: Response) -> None:
        """Initially any response may answer any request."""
        when(not self.begun)
        self.matches.add(Match(request, response))

    @action
    def begin(self) -> None:
        """What answers what is settled."""
        when(not self.begun)
        self.begun = True

    @action
    def ask(self, node: Node, request: Request) -> None:
        """A client sends a request."""
        when(self.begun)
        self.requests.add(Asked(node, request))

    @action
    def respond(self, node: Node, request: Request, response: Response) -> None:
        """The server sends a response that matches a request."""
        when(Asked(node, request) in self.requests)
        when(Match(request, response) in self.matches)
        self.responses.add(Answered(node, response))

    @action
    def receive(self, node: Node, response: Response) -> None:
        """A response arrives."""
        when(Answered(node, response) in self.responses)
        self.received.add(Answered(node, response))

    @always
    def responses_match(self) -> bool:
        """What a client has received answers a request that it has sent."""
        return all(
            Answered(node, response) not in self.received
            or any(
                Asked(node, request) in self.requests and Match(request, response) in self.matches
                for request in Request
            )
            for node in Node
            for response in Response
        )

    @reachable
    def everything_received(self) -> bool:
        """A client can receive all responses."""
        return any(all(Answered(node, response) in self.received for response in Response) for node in Node)
