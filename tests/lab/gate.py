"""An interposer before the emulator, and boto3 clients whose calls it parks."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

from checker.lab.adapters import Bench, DynamoTableAdapter, Resource, SqsQueueAdapter
from checker.lab.aws import AwsBackend, Choice
from checker.lab.clients import lab_client
from checker.lab.emulator import Emulator
from checker.lab.forward import Forwarder
from checker.lab.interposer import Interposer, ParkedCall

REGION = "us-east-1"
KEYS = {"AKQUACK0": "worker-0", "AKQUACK1": "worker-1"}


class Gate:
    """An interposer before a reset emulator, with a queue and a table, and boto3 clients in threads."""

    def __init__(self, emulator: Emulator) -> None:
        emulator.reset()
        self.emulator = emulator
        self.backend = AwsBackend(Forwarder(emulator.url), emulator)
        self.interposer = Interposer(self.backend, KEYS, key_attributes={"orders": "id"})
        bench = Bench(emulator, self.backend)
        self.queue = SqsQueueAdapter(
            Resource("inbox", "SqsQueue", "order-inbox", REGION, {"order": "order_id"}), bench
        )
        self.table = DynamoTableAdapter(
            Resource("orders", "DynamoTable", "orders", REGION, {"order": "order_id"}, key="id"), bench
        )
        self.queue.create()
        self.table.create()
        self._pool = ThreadPoolExecutor(4)
        self._clients: list[Any] = []

    def client(self, service: str, process: str = "worker-0", attempts: int = 1) -> Any:
        key = next(key for key, name in KEYS.items() if name == process)
        client = lab_client(service, REGION, self.interposer.endpoint(process), key, attempts)
        self._clients.append(client)
        return client

    def submit(self, call: Callable[..., Any], **parameters: Any) -> Future[Any]:
        return self._pool.submit(call, **parameters)

    def parked(self, attempt: int = 1) -> ParkedCall:
        """Wait for a parked call of that attempt."""
        found: list[ParkedCall] = []

        def arrived() -> bool:
            found[:] = [parked for parked in self.interposer.parked() if parked.call.attempt == attempt]
            return bool(found)

        assert self.interposer.wait_for(arrived, 10)
        return found[0]

    def through(self, call: Callable[..., Any], choice: Choice | None = None, **parameters: Any) -> Any:
        """Make a call, release it, and give its result."""
        future = self.submit(call, **parameters)
        self.interposer.release(self.parked(), choice or Choice())
        return future.result(10)

    def queue_url(self, process: str = "worker-0") -> str:
        return self.interposer.endpoint(process) + self.queue.url_path()

    def close(self) -> None:
        self.interposer.close()
        self._pool.shutdown()
        for client in self._clients:
            client.close()
