"""A chain of another make than ours: ganache (EthereumJS) as a child process, killed and started again at will.

Its blocks lie in a folder and outlive `kill -9`; evm_snapshot and evm_revert take blocks back, which is a reorganisation.
It needs Node and `npm ci --prefix benchmarks/node`, and nothing of the product.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from itertools import count
from pathlib import Path
from types import TracebackType
from typing import Any

import requests

HERE = Path(__file__).parent / "node"
CLI = HERE / "node_modules" / "ganache" / "dist" / "node" / "cli.js"
NEEDS = "Node with ganache (npm ci --prefix benchmarks/node)"
CHAIN_ID = 4242
FUNDS = 10**24
READY_WITHIN_S = 60.0


def missing() -> str:
    """What this machine lacks for it; empty when nothing."""
    return "" if shutil.which("node") and CLI.exists() else NEEDS


def free_port() -> int:
    """A port nobody listens on right now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class SecondChain:
    """One ganache over one folder, with money at one key. Use as a context; `ask` is JSON-RPC, past every fault."""

    def __init__(self, folder: Path, key: bytes) -> None:
        self.folder, self.key, self.port, self.ids = folder, key, free_port(), count(1)
        self.url = f"http://127.0.0.1:{self.port}"
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.headers["Connection"] = (
            "close"  # ganache hangs up idle connections, and then one is lost now and then
        )
        self.process: subprocess.Popen[bytes] | None = None

    def __enter__(self) -> SecondChain:
        self.begin()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, problem: BaseException | None, at: TracebackType | None
    ) -> None:
        self.kill()

    def begin(self) -> None:
        """Start the process; `await_ready` waits until it answers."""
        options = {
            "--server.host": "127.0.0.1", "--server.port": str(self.port), "--chain.chainId": str(CHAIN_ID),
            "--database.dbPath": str(self.folder), "--wallet.accounts": f"0x{self.key.hex()},{FUNDS}",
        }  # fmt: skip
        words = [word for pair in options.items() for word in pair]
        self.process = subprocess.Popen(
            ["node", str(CLI), *words, "--logging.quiet"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )

    def await_ready(self) -> None:
        """Until it answers. Raises TimeoutError."""
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            try:
                self.ask("eth_chainId")
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        raise TimeoutError(f"ganache does not answer after {READY_WITHIN_S:.0f} s")

    def kill(self) -> None:
        """SIGKILL: nothing is flushed, the pool is lost."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def restart(self) -> None:
        """Killed and started again over the same folder."""
        self.kill()
        self.begin()
        self.await_ready()

    def ask(self, method: str, *params: Any) -> Any:
        """A question's result. Raises RuntimeError with what the chain said instead."""
        body = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": list(params)}
        answer = self.post(body)
        if "result" not in answer:
            raise RuntimeError(f"{method}: {answer.get('error', answer)}")
        return answer["result"]

    def post(self, body: dict[str, Any]) -> Any:
        """Its answer. ganache hangs up now and then without one, so it is asked up to three times while it lives."""
        for _ in range(2):
            try:
                return self.session.post(self.url, json=body, timeout=30).json()
            except requests.ConnectionError:
                if self.process is None or self.process.poll() is not None:
                    raise
                time.sleep(0.2)
        return self.session.post(self.url, json=body, timeout=30).json()

    def mine(self, blocks: int) -> None:
        """So many blocks more, with what waits in the pool."""
        for _ in range(blocks):
            self.ask("evm_mine")

    def height(self) -> int:
        """The newest block's number."""
        return int(self.ask("eth_blockNumber"), 16)
