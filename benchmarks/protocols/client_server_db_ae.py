"""Clients, servers and a database: a response that a client receives answers one of its requests.

Source: ``mypyv/ivy/client_server_db_ae.ivy`` in github.com/aman-goel/ivybench,
``benchmarks/client_server_db_ae.tla`` in github.com/will62794/endive; first in Feldman et al., Bounded
Quantifier Instantiation for Checking Inductive Invariants (TACAS 2017). The names are those of
``client_server_ae.py``; ``queries``, ``results`` and ``askers`` are ``db_request_sent``,
``db_response_sent`` and ``t``, and ``Query`` stands for the set of identities of requests to the database.
As there, ``let_match`` chooses what matches what, until ``begin`` ends that.
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, record, when


class Node(Index, interchangeable=True):
    """Clients."""


class Request(Index, interchangeable=True):
    """Requests that a client can make."""


class Response(Index, interchangeable=True):
    """Responses that a client can get."""


class Query(Index, interchangeable=True):
    """Identities of requests to the database."""


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


@record
class Queried:
    """The request was sent to the database under the identity."""

    query: Query
    request: Request


@record
class Result:
    """The database has given the response under the identity."""

    query: Query
    response: Response


@record
class Asker:
    """The identity belongs to a request of the client."""

    query: Query
    node: Node


class ClientServerDatabase(Model):
    """The server asks the database under a new identity, by which it knows whom to answer."""

    begun: bool = False
    matches: Set[Match]
    requests: Set[Asked]
    responses: Set[Answered]
    received: Set[Answered]
    queries: Set[Queried]
    results: Set[Result]
    askers: Set[Asker]

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
    def query(self, node: Node, request: Request, query: Query) -> None:
        """The server asks the database, under an identity that is not in use."""
        when(Asked(node, request) in self.requests)
        when(all(Asker(query, other) not in self.askers for other in Node))
        self.askers.add(Asker(query, node))
        self.queries.add(Queried(query, request))

    @action
    def look_up(self, query: Query, request: Request, response: Response) -> None:
        """The database gives a response that matches."""
        when(Queried(query, request) in self.queries)
        when(Match(request, response) in self.matches)
        self.results.add(Result(query, response))

    @action
    def respond(self, node: Node, query: Query, response: Response) -> None:
        """The server sends the database's response to whom the identity belongs."""
        when(Result(query, response) in self.results)
        when(Asker(query, node) in self.askers)
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
    def somebody_received(self) -> bool:
        """A client can receive something."""
        return any(Answered(node, response) in self.received for node in Node for response in Response)

    @reachable
    def every_identity_has_a_result(self) -> bool:
        """The database can have answered under all identities."""
        return all(any(Result(query, response) in self.results for response in Response) for query in Query)
