"""Lock servers: every server has one lock, and clients connect to take it and disconnect to give it back.

Source: ``i4/ivy/lock_server.ivy`` in github.com/aman-goel/ivybench, ``benchmarks/lockserver.tla`` in
github.com/will62794/endive. ``taken`` is the complement of the originals' ``semaphore``, ``links`` is their
relation between clients and servers (``clientlocks``).
"""

from __future__ import annotations

from checker.dsl import Index, Model, Set, action, always, reachable, record, when


class Client(Index, interchangeable=True):
    """Clients that want locks."""


class Server(Index, interchangeable=True):
    """Servers with one lock each."""


@record
class Link:
    """The client holds the server's lock."""

    client: Client
    server: Server


class LockServer(Model):
    """A server's lock is given to one client at a time."""

    taken: Set[Server]
    links: Set[Link]

    @action
    def connect(self, client: Client, server: Server) -> None:
        """The client takes the server's lock."""
        when(server not in self.taken)
        self.links.add(Link(client, server))
        self.taken.add(server)

    @action
    def disconnect(self, client: Client, server: Server) -> None:
        """The client gives the lock back."""
        when(Link(client, server) in self.links)
        self.links.remove(Link(client, server))
        self.taken.remove(server)

    @always
    def mutual_exclusion(self) -> bool:
        """No two clients hold the lock of one server."""
        return all(
            one == other or Link(one, server) not in self.links or Link(other, server) not in self.links
            for one in Client
            for other in Client
            for server in Server
        )

    @reachable
    def every_server_is_locked(self) -> bool:
        """The locks of all servers can be held at once."""
        return all(any(Link(client, server) in self.links for client in Client) for server in Server)
