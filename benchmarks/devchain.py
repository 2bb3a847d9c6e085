"""How fast the development chain is: python -m benchmarks.devchain [--seconds N].

It starts the chain as its own process in a fresh folder, and prints start, restart after kill -9, memory, and transactions per
second by one client that waits for each answer. Times depend on the machine, so the load average is printed beside them.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import django
from eth_account import Account

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
django.setup()

from marketplace.ledger import chain, chain_key, merkle  # noqa: E402 - settings first
from marketplace.ledger.deployment import artefact  # noqa: E402

ROOT = Path(__file__).resolve().parent.parent


class Process:
    """The chain under `var`."""

    def __init__(self, var: Path) -> None:
        self.var, self.address = var, var / "chain" / "rpc_url"
        self.child: subprocess.Popen[bytes] | None = None

    def start(self) -> float:
        """Seconds until it answers a question."""
        self.address.unlink(missing_ok=True)
        begun = time.monotonic()
        command = [sys.executable, "-m", "marketplace.ledger.devchain", "--var", str(self.var)]
        self.child = subprocess.Popen(command, cwd=ROOT, stderr=subprocess.DEVNULL)
        while not self.address.exists():
            if self.child.poll() is not None:
                sys.exit("the chain did not start")
            time.sleep(0.005)
        chain.open_rpc(self.address.read_text()).provider.make_request("eth_blockNumber", [])  # type: ignore[arg-type]
        return time.monotonic() - begun

    def stop(self, how: int = signal.SIGTERM) -> None:
        """End it."""
        assert self.child is not None
        self.child.send_signal(how)
        self.child.wait(20)

    def cpu_s(self) -> float:
        """Processor time it has used: unlike the clock, hardly changed by what else runs on the machine."""
        assert self.child is not None
        fields = Path(f"/proc/{self.child.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory_mb(self) -> float:
        """Resident memory."""
        assert self.child is not None
        line = next(one for one in Path(f"/proc/{self.child.pid}/status").read_text().splitlines() if "VmRSS" in one)
        return int(line.split()[1]) / 1024


def per_second(seconds: float, act: Callable[[int], None]) -> tuple[float, int]:
    """How often `act` was done in a second, and how often in all."""
    begun, count = time.monotonic(), 0
    while time.monotonic() - begun < seconds:
        act(count)
        count += 1
    return count / (time.monotonic() - begun), count


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=5.0, help="how long each kind of transaction is sent")
    seconds = parser.parse_args().seconds
    with tempfile.TemporaryDirectory() as folder:
        process = Process(Path(folder))
        starts, processor = [], []
        for _ in range(5):
            starts.append(process.start())
            processor.append(process.cpu_s())
            process.stop()
        restart = process.start()
        process.stop(signal.SIGKILL)
        after_kill = process.start()
        print(
            f"start until it answers: median {statistics.median(starts):.2f} s, worst {max(starts):.2f} s of 5; "
            f"{statistics.median(processor):.2f} s of processor time"
        )
        print(f"restart {restart:.2f} s; after kill -9 {after_kill:.2f} s; {process.memory_mb():.0f} MB resident")
        transactions(process, seconds)
        process.stop()
    print(f"load average {' '.join(f'{one:.2f}' for one in os.getloadavg())} on {os.cpu_count()} cores")


def transactions(process: Process, seconds: float) -> None:
    """Send heads and records one after the other, signing included, waiting for each receipt."""
    web3, account = (
        chain.open_rpc(process.address.read_text()),
        Account.from_key(chain_key.load(process.var / "keys" / "chain_key")),
    )
    fees = {"chainId": web3.eth.chain_id, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9, "gas": 5_000_000}

    def sent(call: Any) -> Any:
        nonce = web3.eth.get_transaction_count(account.address)
        raw = account.sign_transaction(
            call.build_transaction({"from": account.address, "nonce": nonce} | fees)
        ).raw_transaction
        return web3.eth.get_transaction_receipt(web3.eth.send_raw_transaction(raw))

    factory = web3.eth.contract(abi=artefact()["abi"], bytecode=artefact()["bytecode"])
    arguments: tuple[Any, ...] = (
        account.address,
        0,
        account.address,
        account.address,
        b"\1" * 32,
        0,
        0,
        [],
        "0x" + "00" * 20,
    )
    log = web3.eth.contract(address=sent(factory.constructor(*arguments))["contractAddress"], abi=artefact()["abi"])
    leaves = [merkle.leaf_hash(b"%d" % n) for n in range(2_000)]

    def head(count: int) -> None:
        proof = merkle.consistency_proof(leaves[: count + 1], count)
        sent(log.functions.anchor(count + 1, count + 1, merkle.root(leaves[: count + 1]), proof, []))

    def record(count: int) -> None:
        digest = hashlib.sha256(b"%d" % count).digest()
        sent(log.functions.recordBatch([(digest, digest, bytes(32), b"II")]))

    for name, act in (("heads with their proofs", head), ("records, one each", record)):
        before = process.cpu_s()
        rate, count = per_second(seconds, act)
        each_ms = (process.cpu_s() - before) * 1000 / count
        print(
            f"{name}: {rate:.0f} transactions/s by one client, each durable when answered; "
            f"{each_ms:.0f} ms of the chain's processor time each, with the questions around it ({count} sent)"
        )
    size = sum(one.stat().st_size for one in (process.var / "chain").iterdir()) / 1e6
    print(f"{web3.eth.block_number} blocks in {size:.1f} MB")


if __name__ == "__main__":
    main()
