"""A server on localhost that answers as the publishers do, from recorded bytes, over real HTTP."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

Given = tuple[int, bytes, dict[str, str]]


class Publishers:
    """Answers by the longest prefix of the path that is known; notes what it was asked for."""

    def __init__(self) -> None:
        self.given: dict[str, Given] = {}
        self.asked: list[tuple[str, dict[str, str]]] = []
        self.url = ""

    def say(self, path: str, body: bytes, *, status: int = 200, **headers: str) -> None:
        """What stands at MIRROR/path; `path` begins with the publisher's host."""
        self.given[f"/{path}"] = (status, body, {name.replace("_", "-"): value for name, value in headers.items()})

    def answer(self, path: str) -> Given:
        """The bytes for one path, 404 for one that nobody gave."""
        known = [prefix for prefix in self.given if path.startswith(prefix)]
        return self.given[max(known, key=len)] if known else (404, b"{}", {})


@contextmanager
def publishers() -> Iterator[Publishers]:
    """Serve until the block ends."""
    made = Publishers()

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            made.asked.append((self.path, dict(self.headers)))
            status, body, headers = made.answer(self.path)
            self.send_response(status)
            for name, value in ({"Content-Length": str(len(body))} | headers).items():
                self.send_header(name, value)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args: Any) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    made.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
