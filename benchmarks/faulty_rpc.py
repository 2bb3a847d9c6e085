"""A JSON-RPC address that passes questions on to a chain, and goes wrong once where it is told to.

It runs as a process of its own. The sender's process id stands in the path it asks under, so that it can be killed in the
very moment between a question and its answer. `Door.plan` arms one fault; it is disarmed when it has happened.
"""

from __future__ import annotations

import json
import os
import signal
import time
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from multiprocessing import get_context
from types import TracebackType
from typing import Any

import requests

from benchmarks.second_chain import free_port

HELD_S = 1.5  # longer than the campaign's senders wait for an answer
SEND = "eth_sendRawTransaction"


class Handler(BaseHTTPRequestHandler):
    """Passes on, and does what is planned."""

    chain = ""
    plan: dict[str, Any]
    session: requests.Session

    def do_POST(self) -> None:
        """A question to pass on, or a plan."""
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if self.path == "/plan":
            Handler.plan = json.loads(body)
            self.answer(b"{}")
        elif self.path == "/left":
            self.answer(json.dumps(Handler.plan).encode())
        else:
            self.passed_on(body)

    def passed_on(self, body: bytes) -> None:
        """Answer as the chain does, unless the plan speaks of this question."""
        fault = self.due(json.loads(body).get("method", ""))
        if fault == "refuse":
            return self.failure(body, "transaction underpriced")
        if fault == "garbage":
            return self.answer(b"<html>502 Bad Gateway</html>", status=502)
        if fault == "kill before":
            return os.kill(int(self.path.strip("/")), signal.SIGKILL)
        if fault == "hold before":
            return time.sleep(HELD_S)
        try:
            found = Handler.session.post(
                Handler.chain, data=body, headers={"Content-Type": "application/json"}, timeout=30
            )
        except requests.RequestException:
            return self.answer(b"the chain is down", status=502)
        if fault == "kill after":
            return os.kill(int(self.path.strip("/")), signal.SIGKILL)
        if fault == "hold after":
            return time.sleep(HELD_S)
        if fault == "drop":
            return None
        if fault in {"too high", "too low"}:
            told = found.json()
            told["result"] = hex(max(0, int(told["result"], 16) + (1 if fault == "too high" else -1)))
            return self.answer(json.dumps(told).encode())
        return self.answer(found.content)

    def due(self, method: str) -> str:
        """The fault of this question; counts down to it."""
        plan = Handler.plan
        if not plan or (plan["method"] and plan["method"] != method):
            return ""
        plan["skip"] -= 1
        if plan["skip"] >= 0:
            return ""
        plan["times"] -= 1
        fault = str(plan["fault"])
        if plan["times"] <= 0:
            Handler.plan = {}
        return fault

    def failure(self, body: bytes, words: str) -> None:
        """An error object, in a node's words."""
        said = {"jsonrpc": "2.0", "id": json.loads(body)["id"], "error": {"code": -32000, "message": words}}
        self.answer(json.dumps(said).encode())

    def answer(self, content: bytes, *, status: int = 200) -> None:
        """HTTP."""
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002 - the base class's name
        """Silence."""


class Quiet(ThreadingHTTPServer):
    """Callers that are killed, or that gave up, are what this is for."""

    def handle_error(self, request: Any, address: Any) -> None:
        """Nothing to say."""


def serve(port: int, chain: str) -> None:
    """The process."""
    Handler.chain, Handler.plan, Handler.session = chain, {}, requests.Session()
    Handler.session.trust_env = False
    Handler.session.headers["Connection"] = "close"
    Quiet(("127.0.0.1", port), Handler).serve_forever(poll_interval=0.5)


@dataclass
class Door:
    """The address, as a context."""

    chain: str

    def __enter__(self) -> Door:
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}"
        self.process = get_context("fork").Process(target=serve, args=(self.port, self.chain), daemon=True)
        self.process.start()
        self.session = requests.Session()
        self.session.trust_env = False
        until = time.monotonic() + 10
        while True:
            try:
                self.session.post(f"{self.url}/left", data=b"{}", timeout=5)
            except requests.ConnectionError:
                if time.monotonic() > until:
                    raise
                time.sleep(0.02)
            else:
                return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.process.kill()
        self.process.join()

    def plan(self, fault: str, *, method: str = "", skip: int = 0, times: int = 1) -> None:
        """Arm a fault for the question after `skip` others of `method` (any when empty), and for `times` of them."""
        told = {"fault": fault, "method": method, "skip": skip, "times": times} if fault else {}
        self.session.post(f"{self.url}/plan", json=told, timeout=5)

    def pending(self) -> bool:
        """Whether the fault has not (wholly) happened yet."""
        return bool(self.session.post(f"{self.url}/left", data=b"{}", timeout=5).json())
