"""The last resort when a machine has no Redis: fakeredis answers on TCP. python -m caco_site.supervisor.redis_stand_in PORT"""

from __future__ import annotations

import signal
import sys
from typing import NoReturn

from fakeredis import TcpFakeServer


def leave(*_: object) -> NoReturn:
    """End at once: nothing here outlives the process anyway."""
    sys.exit(0)


class Server(TcpFakeServer):
    """Connection threads must not keep the process alive."""

    daemon_threads = True

    def __init__(self, port: int) -> None:
        super().__init__(("127.0.0.1", port), server_type="redis")
        self.daemon_threads = True


if __name__ == "__main__":
    signal.signal(signal.SIGTERM, leave)
    Server(int(sys.argv[1])).serve_forever()
