"""The development chain as a process: one loopback port, one chain file, one lock.

It reads no settings and loads no Django, so that it starts fast; folder and port come from whoever starts it.
"""

from __future__ import annotations

import contextlib
import json
import logging
import secrets
import signal
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from urllib.parse import urlsplit

from marketplace.ledger import chain_key
from marketplace.ledger.devchain.evm import Evm
from marketplace.ledger.devchain.rpc import Rpc, RpcError, failure
from marketplace.ledger.devchain.store import Store

log = logging.getLogger(__name__)
HOST = "127.0.0.1"  # never anything else: whoever reaches the port may spend what they can sign, and read everything
MOST_BYTES = 4 * 1024 * 1024
FUNDS = 10**9 * 10**18  # wei for the installation's key
TAKEN_IDS = {1, 1337, 31337}


class Handler(BaseHTTPRequestHandler):
    """POST / with JSON-RPC. Requests take turns: the machine is one."""

    protocol_version = "HTTP/1.1"
    wbufsize = 65536  # with Nagle off: header and body leave together, without a 40 ms wait for the other side
    disable_nagle_algorithm = True
    server: DevServer

    def do_POST(self) -> None:
        """Answer one request or batch."""
        length = self.headers.get("Content-Length", "")
        if not length.isdigit() or int(length) > MOST_BYTES:
            self.close_connection = True
            self.reply(failure(None, RpcError(-32600, f"Content-Length must be given and at most {MOST_BYTES}")), 413)
            return
        try:
            request = json.loads(self.rfile.read(int(length)))
        except ValueError:
            self.reply(failure(None, RpcError(-32700, "parse error: the body is not JSON")))
            return
        with self.server.turn:
            answer = self.server.rpc.answer(request)
        self.reply(answer)

    def do_GET(self) -> None:
        """A word for people who open the address in a browser."""
        self.reply({"chain": "CACO development chain", "use": "POST JSON-RPC to this address"})

    def reply(self, body: object, status: int = 200) -> None:
        """Send JSON; nothing for None (a batch of notifications)."""
        content = b"" if body is None else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        """Requests are not worth a line each."""
        log.debug(format, *args)


class DevServer(ThreadingHTTPServer):
    """The listening chain. Port 0: any free one."""

    daemon_threads = True
    request_queue_size = 64

    def __init__(self, port: int, rpc: Rpc) -> None:
        self.rpc, self.turn = rpc, threading.Lock()
        super().__init__((HOST, port), Handler)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{HOST}:{self.server_address[1]}"


def open_chain(path: Path | None, *, key: bytes) -> Rpc:
    """The chain in file `path`, made on first use with a random id and money for `key`. Raises InUseError."""
    store = Store(path)
    known = store.setting("chain_id")
    chain_id = int(known) if known else fresh_id()
    funded = {bytes.fromhex(chain_key.address(key)[2:]): FUNDS}
    with store.transaction():
        if known is None:
            store.remember("chain_id", str(chain_id))
        evm = Evm(store, chain_id=chain_id, funded=funded)
    return Rpc(store, evm, chain_id=chain_id)


def fresh_id() -> int:
    """A random chain id, so that a transaction signed for one installation means nothing on another."""
    while True:
        chain_id = 10**6 + secrets.randbelow(2**31 - 10**6)
        if chain_id not in TAKEN_IDS:
            return chain_id


def serve(*, var: Path, port: int | None = None) -> None:
    """Serve until SIGTERM or SIGINT. Writes var/chain/rpc_url once it listens; `port` None: the last one when it is free."""
    folder = var / "chain"
    folder.mkdir(parents=True, exist_ok=True)
    rpc = open_chain(folder / "chain.sqlite3", key=chain_key.load_or_create(var / "keys" / "chain_key"))
    server = listen(rpc, port, folder / "rpc_url")

    def stop(_number: int, _frame: FrameType | None) -> None:
        # shutdown() waits for serve_forever, which runs in this very thread.
        threading.Thread(target=server.shutdown).start()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    write_whole(folder / "rpc_url", server.url)
    log.info("development chain %d listens at %s, block %d", rpc.chain_id, server.url, rpc.height())
    server.serve_forever(poll_interval=0.1)
    server.server_close()
    with server.turn:
        rpc.store.close()


def listen(rpc: Rpc, port: int | None, remembered: Path) -> DevServer:
    """Bind the port asked for; without one, the one of last time, else any free one. Raises OSError when it is taken."""
    if port is not None:
        return DevServer(port, rpc)
    with contextlib.suppress(OSError, ValueError):
        last = urlsplit(remembered.read_text().strip()).port
        if last:
            return DevServer(last, rpc)
    return DevServer(0, rpc)


def write_whole(path: Path, text: str) -> None:
    """Replace a file in one step, so that no reader sees half of it."""
    new = path.with_suffix(".new")
    new.write_text(text)
    new.replace(path)
