"""The web process: python -m caco_site.web_process --host HOST --port PORT. It knows how to listen, not what is answered.

With --shared several of them listen on one port, and the system deals connections out among them (SO_REUSEPORT): one
interpreter judges one message at a time, so a machine with more cores takes more messages with more processes. They share
nothing but the database and Redis.
"""

from __future__ import annotations

import argparse
import socket
import sys
from collections.abc import Sequence

import uvicorn

STARTUP_FAILED = 3  # uvicorn's own exit code for it
LARGEST_FRAME = 64 * 1024  # of a WebSocket


def main(argv: Sequence[str]) -> int:
    """Serve until told to stop; returns the exit code."""
    parser = argparse.ArgumentParser(prog="web_process", description=__doc__)
    parser.add_argument("--application", default="caco_site.asgi:application")
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--log-level", default="info", type=str.lower)
    parser.add_argument("--shared", action="store_true", help="let other processes of ours listen there too")
    wanted = parser.parse_args(argv)
    config = uvicorn.Config(
        wanted.application,
        lifespan="on",
        log_level=wanted.log_level,
        access_log=False,
        server_header=False,
        ws_max_size=LARGEST_FRAME,
        timeout_graceful_shutdown=3,
    )
    server = uvicorn.Server(config)
    server.run(sockets=[listening(wanted.host, wanted.port, shared=wanted.shared)])
    return 0 if server.started else STARTUP_FAILED


def listening(host: str, port: int, *, shared: bool) -> socket.socket:
    """A bound socket. Raises OSError when somebody else listens there, or, shared, somebody who does not share."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    bound = socket.socket(family)
    bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    if shared:
        bound.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
    try:
        bound.bind((host, port))
    except OSError:
        bound.close()
        raise
    return bound


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
