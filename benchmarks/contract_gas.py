"""What the audit contract costs, in gas: python -m benchmarks.contract_gas prints the table of contracts/README.md.

It runs the committed build on the development chain's EVM (py-evm, Prague rules) in memory. Gas depends on the code and the
input alone, so every machine prints the same table, and tests/contract/test_gas.py compares it with the README.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterator, Sequence
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
W3 = Web3()
MILLION = (2**19 - 1, 1_000_000)  # nearly every step of this proof hashes twice: the dearest growth to a million leaves
GAS_LIMIT = 30_000_000


class Log:
    """A fresh contract on a fresh chain. `arguments` are the constructor's, `funded` addresses with money to send."""

    def __init__(self, arguments: Sequence[Any] = (), funded: Sequence[str] = ()) -> None:
        funds = {bytes.fromhex(one[2:]): 10**27 for one in (OWN, *funded)}
        self.evm = Evm(Store(None), chain_id=CHAIN_ID, funded=funds, clock=lambda: 1_800_000_000)
        built, origin = artefact(), hashlib.sha256(b"caco.example/settlement-log").digest()
        factory = W3.eth.contract(abi=built["abi"], bytecode=built["bytecode"])
        given = arguments or (OWN, 259_200, OWN, OWN, origin, 0, 0, [], "0x" + "00" * 20)
        deployment = factory.constructor(*given)
        receipt = self.mined("", bytes.fromhex(deployment.data_in_transaction[2:]))
        self.deployed, self.address = int(receipt["gasUsed"], 16), Web3.to_checksum_address(receipt["contractAddress"])
        self.contract: Any = W3.eth.contract(address=self.address, abi=built["abi"])

    def mined(self, to: str, data: bytes) -> dict[str, Any]:
        """The receipt of a transaction that must succeed."""
        receipt = self.sent(KEY, data, to=to)
        assert receipt["status"] == "0x1", receipt
        return receipt

    def sent(self, key: bytes, data: bytes, *, to: str | None = None) -> dict[str, Any]:
        """The receipt of a transaction to the contract (or `to`) that may be reverted."""
        nonce = self.evm.nonce(bytes.fromhex(chain_key.address(key)[2:]))
        tx = {"to": self.address if to is None else to, "data": data, "gas": GAS_LIMIT, "nonce": nonce, "value": 0}
        fees = {"chainId": CHAIN_ID, "maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
        raw = bytes(Account.sign_transaction(tx | fees, key).raw_transaction)
        receipt = self.evm.store.receipt("0x" + self.evm.send(raw).hex())
        assert receipt is not None
        return receipt

    def ask(self, name: str, *arguments: Any) -> Any:
        """A view's answer."""
        output = self.evm.call(Call(to=bytes.fromhex(self.address[2:]), data=self.encoded(name, *arguments)))
        return W3.codec.decode([abi_type(one) for one in element("function", name)["outputs"]], output)[0]

    def told(self, log: dict[str, Any]) -> tuple[Any, ...]:
        """An event as its name and its values in the order of the interface."""
        kind = event_of(log["topics"][0])
        topics, data = iter(log["topics"][1:]), [one["type"] for one in kind["inputs"] if not one["indexed"]]
        rest = iter(W3.codec.decode(data, bytes.fromhex(log["data"][2:])))
        found: list[Any] = [kind["name"]]
        for part in kind["inputs"]:
            value = (
                W3.codec.decode([part["type"]], bytes.fromhex(next(topics)[2:]))[0] if part["indexed"] else next(rest)
            )
            found.append(Web3.to_checksum_address(value) if part["type"] == "address" else value)
        return tuple(found)

    def gas(self, name: str, *arguments: Any) -> int:
        """Gas of a transaction."""
        return int(self.mined(self.address, self.encoded(name, *arguments))["gasUsed"], 16)

    def encoded(self, name: str, *arguments: Any) -> bytes:
        """A call's data."""
        inputs = [abi_type(one) for one in element("function", name)["inputs"]]
        return bytes(W3.keccak(text=f"{name}({','.join(inputs)})"))[:4] + W3.codec.encode(inputs, arguments)

    def anchor(self, seq: int, size: int, proof: list[bytes]) -> int:
        """Gas of a head over the first `size` leaves."""
        return self.gas("anchor", seq, size, merkle.root(LEAVES[:size]), proof, [])


@cache
def element(kind: str, name: str) -> Any:
    """A function of the contract by its name."""
    return next(one for one in artefact()["abi"] if (one["type"], one.get("name")) == (kind, name))


@cache
def event_of(topic: str) -> Any:
    """The event whose logs begin with `topic`."""
    events = [one for one in artefact()["abi"] if one["type"] == "event"]
    texts = [f"{one['name']}({','.join(part['type'] for part in one['inputs'])})" for one in events]
    return next(one for one, text in zip(events, texts, strict=True) if W3.to_hex(W3.keccak(text=text)) == topic)


def abi_type(part: Any) -> str:
    """An ABI type as the decoder wants it."""
    if not part["type"].startswith("tuple"):
        return str(part["type"])
    return f"({','.join(abi_type(one) for one in part['components'])}){part['type'][5:]}"


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
