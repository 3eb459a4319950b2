"""Starts the simulated carrier: `python -m serai_sandbox.carrier --port 8463 --account SLUG:SECRET:WEBHOOK_SECRET`."""

import argparse
import signal
import sys
from threading import Thread
from typing import Any

from serai_sandbox.carrier.server import Carrier, Server


def main() -> int:
    """Serve until SIGTERM or SIGINT; 2 when it cannot start."""
    parser = argparse.ArgumentParser(prog="python -m serai_sandbox.carrier", description=__doc__)
    parser.add_argument("--port", type=int, default=8463)
    parser.add_argument("--account", action="append", required=True, metavar="SLUG:SECRET:WEBHOOK_SECRET")
    options = parser.parse_args()
    accounts = {}
    for text in options.account:
        parts = text.split(":")
        if len(parts) != 3 or min(len(part) for part in parts[1:]) < 16:
            print(
                "carrier: --account takes slug:secret:webhook_secret, secrets of 16 characters or more",
                file=sys.stderr,
            )
            return 2
        accounts[parts[1]] = (parts[0], parts[2])
    carrier = Carrier(accounts)
    try:
        server = Server(options.port, carrier)
    except OSError as error:
        print(f"carrier: port {options.port} on 127.0.0.1: {error.strerror}", file=sys.stderr)
        return 2

    def stop(_number: int, _frame: Any) -> None:
        carrier.closing.set()
        Thread(target=server.shutdown).start()

    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, stop)
    print(f"carrier on http://127.0.0.1:{options.port}, no parcel moves", file=sys.stderr)
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
