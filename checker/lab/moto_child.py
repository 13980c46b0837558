"""The emulator's process: moto's server on a free loopback port, which it reports on standard output."""

from __future__ import annotations

import logging
import threading

PORT_LINE = "quackcheck-emulator-port="


def main() -> None:
    """Bind port 0, so that no other process can take the port in between, say which it became, and serve."""
    # Imported here, since the lab imports this module for its constant, and moto takes a while to import.
    from moto.moto_server.threaded_moto_server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    _, port = server.get_host_and_port()
    print(f"{PORT_LINE}{port}", flush=True)
    threading.Event().wait()  # until the guard of this process group kills it


if __name__ == "__main__":
    main()
