"""What the audit contract costs, in gas: python -m benchmarks.contract_gas prints the table of contracts/README.md.

It runs the committed build on the development chain's EVM (py-evm, Prague rules) in memory. Gas depends on the code and the
input alone, so every machine prints the same table, and tests/contract/test_gas.py compares it with the README.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator
from functools import cache
from typing import Any

import django
from eth_account import Account
from web3 import Web3

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")
django.setup()

from marketplace.ledger import chain_key, merkle  # noqa: E402 - settings first
from marketplace.ledger.deployment import artefact  # noqa: E402
from marketplace.ledger.devchain.evm import Call, Evm  # noqa: E402
from marketplace.ledger.devchain.store import Store  # noqa: E402

KEY = hashlib.sha256(b"benchmark").digest()
OWN = chain_key.address(KEY)
CHAIN_ID = 7_654_321
LEAVES = [merkle.leaf_hash(b"%d" % n) for n in range(131_072)]
ZERO = bytes(32)
MILLION = (2**19 - 1, 1_000_000)  # nearly every step of this proof hashes twice: the dearest growth to a million leaves
GAS_LIMIT = 30_000_000


class Log:
    """A fresh contract on a fresh chain."""

    def __init__(self) -> None:
        funds = {bytes.fromhex(OWN[2:]): 10**27}
        self.evm = Evm(Store(None), chain_id=CHAIN_ID, funded=funds, clock=lambda: 1_800_000_000)
        built, origin = artefact(), hashlib.sha256(b"caco.example/settlement-log").digest()
        factory = Web3().eth.contract(abi=built["abi"], bytecode=built["bytecode"])
        deployment = factory.constructor(OWN, 259_200, OWN, OWN, origin, 0, 0, [], "0x" + "00" * 20)
        receipt = self.mined("", bytes.fromhex(deployment.data_in_transaction[2:]))
        self.deployed, self.address = int(receipt["gasUsed"], 16), Web3.to_checksum_address(receipt["contractAddress"])
        self.contract: Any = Web3().eth.contract(address=self.address, abi=built["abi"])

    def mined(self, to: str, data: bytes) -> dict[str, Any]:
        """The receipt of a transaction that must succeed."""
        tx = {"to": to, "data": data, "gas": GAS_LIMIT, "nonce": self.evm.nonce(bytes.fromhex(OWN[2:])), "value": 0}
        fees = {"chainId": CHAIN_ID, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        raw = bytes(Account.sign_transaction(tx | fees, KEY).raw_transaction)
        receipt = self.evm.store.receipt("0x" + self.evm.send(raw).hex())
        assert receipt is not None
        assert receipt["status"] == "0x1", receipt
        return receipt

    def gas(self, name: str, *arguments: Any) -> int:
        """Gas of a transaction."""
        return int(self.mined(self.address, self.encoded(name, *arguments))["gasUsed"], 16)

    def encoded(self, name: str, *arguments: Any) -> bytes:
        """A call's data."""
        return bytes.fromhex(self.contract.encode_abi(name, args=list(arguments))[2:])

    def anchor(self, seq: int, size: int, proof: list[bytes]) -> int:
        """Gas of a head over the first `size` leaves."""
        return self.gas("anchor", seq, size, merkle.root(LEAVES[:size]), proof, [])


def growth(length: int) -> tuple[int, int, list[bytes]]:
    """Two sizes whose consistency proof has `length` hashes, with the proof."""
    for new in (2, 200, 5_000, 131_072):
        levels = merkle.levels(LEAVES[:new])
        for old in range(1, new):
            proof = merkle.subproof(levels, old, 0, new, whole=True)
            if len(proof) == length:
                return old, new, proof
    raise ValueError(f"no tree here has a proof of {length} hashes")


@cache
def alike(size: int) -> bytes:
    """The root over `size` leaves that are all the same: one hash for each size that occurs, so that a million take no time."""
    if size == 1:
        return LEAVES[0]
    split = 1 << (size - 1).bit_length() - 1
    return merkle.node_hash(alike(split), alike(size - split))


def growth_alike(old: int, size: int, *, whole: bool = True) -> list[bytes]:
    """The consistency proof from `old` to `size` of them (RFC 9162 2.1.4.1)."""
    if old == size:
        return [] if whole else [alike(size)]
    split = 1 << (size - 1).bit_length() - 1
    if old <= split:
        return [*growth_alike(old, split, whole=whole), alike(size - split)]
    return [*growth_alike(old - split, size - split, whole=False), alike(split)]


def entries(count: int, *, run: bytes = b"II", before: bytes = b"") -> list[tuple[bytes, bytes, bytes, bytes]]:
    """So many records; with `before`, each supersedes its record of that run."""
    made = []
    for n in range(count):
        name = hashlib.sha256(b"settlement %d" % n).digest()
        old = hashlib.sha256(name + before).digest() if before else ZERO
        made.append((name, hashlib.sha256(run + name).digest(), old, run))
    return made


def rows() -> Iterator[tuple[str, str]]:
    """The table: what is done, and its gas."""
    log = Log()
    size = len(log.evm.code(bytes.fromhex(log.address[2:])))
    yield f"deploy ({size:,} bytes of code)", f"{log.deployed:,}"
    yield "first head", f"{log.anchor(1, 5, []):,}"
    yield "the same head again: no event, no change", f"{log.anchor(1, 5, []):,}"
    for length in (1, 8, 12, 18):
        log, (old, new, proof) = Log(), growth(length)
        log.anchor(1, old, [])
        yield (
            f"a head with a proof of {length} hash{'es' if length > 1 else ''} ({old:,} to {new:,} leaves)",
            f"{log.anchor(2, new, proof):,}",
        )
    log, (old, new) = Log(), MILLION
    proof = growth_alike(old, new)
    log.gas("anchor", 1, old, alike(old), [], [])
    most = log.gas("anchor", 2, new, alike(new), proof, [])
    yield f"a head with a proof of {len(proof)} hashes ({old:,} to {new:,} leaves)", f"{most:,}"
    for count in (1, 10, 50, 200):
        log = Log()
        total = log.gas("recordBatch", entries(count))
        yield f"{count} record{'s' if count > 1 else ''}", f"{total // count:,} each"
    yield "the same 200 records again: no event, no change", f"{log.gas('recordBatch', entries(200)) // 200:,} each"
    later = log.gas("recordBatch", entries(200, run=b"SF", before=b"II"))
    yield "200 records that supersede those", f"{later // 200:,} each"
    path = merkle.inclusion_proof(LEAVES, 70_000)
    asked = log.encoded("verifyInclusion", LEAVES[70_000], 70_000, len(LEAVES), merkle.root(LEAVES), path)
    gas = log.evm.estimate(Call(to=bytes.fromhex(log.address[2:]), data=asked))
    yield f"verifyInclusion, {len(path)} hashes (a view: free to ask)", f"{gas:,}"


def table() -> str:
    """The rows as Markdown."""
    lines = ["| operation | gas |", "|---|---|", *(f"| {what} | {gas} |" for what, gas in rows())]
    return "\n".join(lines)


if __name__ == "__main__":
    print(table())
