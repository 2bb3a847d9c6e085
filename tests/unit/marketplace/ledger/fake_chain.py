"""A chain whose blocks, memory pool and failures the test decides. Its contract follows the Solidity one's rules on heads and records.

The state is what replaying its blocks gives, so dropping blocks is a reorganisation. Used where the real chain cannot be made
to misbehave; test_sender.py also runs the sender against the real contract.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from marketplace.ledger.onchain import (
    Anchored,
    ChainUnavailableError,
    Head,
    NonceUsedError,
    Place,
    Receipt,
    Record,
    Recorded,
    RevertedError,
    Signed,
    UnderpricedError,
)
from marketplace.ledger.settlement import record_key


class Crash(BaseException):
    """The process dies here."""


@dataclass
class World:
    """What replaying the blocks gives."""

    heads: list[Anchored] = field(default_factory=list)
    records: dict[str, Recorded] = field(default_factory=dict)
    receipts: dict[str, Receipt] = field(default_factory=dict)
    reasons: dict[str, str] = field(default_factory=dict)
    emitted: list[str] = field(default_factory=list)
    nonce: int = 0


class FakeChain:
    """One chain with one contract and one sending key."""

    chain_id, address, sender = 77, "0x" + "c0" * 20, "0x" + "5e" * 20

    def __init__(self) -> None:
        self.blocks: list[list[dict[str, Any]]] = [[]]
        self.salt = [0]  # makes the hash of a replaced block another one
        self.pool: dict[int, dict[str, Any]] = {}
        self.automine, self.down, self.lose_answers = True, False, False
        self.lowest_fee = 1
        self.refuses = ""  # the name of an error for every call
        self.crash_in = 0  # calls until Crash; 0: never
        self.sent: list[bytes] = []

    # --- what the test does

    def mine(self, *, foreign: bool = False) -> None:
        """One block with everything in the pool that fits."""
        block, nonce = [], self.world().nonce
        while nonce in self.pool:
            block.append(self.pool.pop(nonce))
            nonce += 1
        if foreign:
            block.append({"nonce": nonce, "call": "foreign", "fee": 1})
        self.pool = {n: tx for n, tx in self.pool.items() if n >= nonce + foreign}
        self.blocks.append(block)
        self.salt.append(self.salt[-1])

    def reorganise(self, depth: int, *, forget: bool) -> None:
        """Replace the last `depth` blocks by empty ones; what they held goes back to the pool or is forgotten."""
        depth = min(depth, len(self.blocks) - 1)
        if not depth:
            return
        gone = self.blocks[-depth:]
        height, self.blocks = len(self.blocks), self.blocks[:-depth]
        salt = max(self.salt) + 1
        self.salt = self.salt[: len(self.blocks)]
        while len(self.blocks) < height:
            self.blocks.append([])
            self.salt.append(salt)
        if not forget:
            self.pool |= {tx["nonce"]: tx for block in gone for tx in block if tx["call"] != "foreign"}

    def world(self) -> World:
        """Replay."""
        made = World()
        for number, block in enumerate(self.blocks):
            for tx in block:
                raw = encoded(tx)
                place = Place(hash_of(raw), number, self.hash_at(number))
                reason = perform(made, tx, place)
                made.receipts[place.tx_hash] = Receipt(not reason, place)
                made.reasons[place.tx_hash] = reason
                made.nonce += 1
        return made

    def hash_at(self, number: int) -> str:
        """A block's hash depends on which version of it this is."""
        return "0x" + hashlib.sha256(f"{number}:{self.salt[number]}".encode()).hexdigest()

    def call(self) -> World:
        """Every question passes here."""
        if self.crash_in:
            self.crash_in -= 1
            if not self.crash_in:
                raise Crash
        if self.down:
            raise ChainUnavailableError("the chain does not answer")
        return self.world()

    # --- what the sender asks

    def head(self) -> Head:
        heads = self.call().heads
        return Head(heads[-1].seq, heads[-1].size, heads[-1].root, "") if heads else Head(0, 0, "00" * 32, "")

    def anchored(self, seq: int) -> Anchored | None:
        return next((one for one in self.call().heads if one.seq == seq), None)

    def recorded(self, keys: Sequence[str]) -> dict[str, Recorded]:
        return {key: one for key, one in self.call().records.items() if key in keys}

    def mined_nonce(self) -> int:
        return self.call().nonce

    def next_nonce(self) -> int:
        nonce = self.call().nonce
        while nonce in self.pool:
            nonce += 1
        return nonce

    def sign_anchor(self, *, seq: int, size: int, root: str, proof: Sequence[str], nonce: int) -> Signed:
        return self._sign({"call": "anchor", "seq": seq, "size": size, "root": root, "nonce": nonce})

    def sign_record(self, records: Sequence[Record], *, nonce: int) -> Signed:
        rows = [[one.settlement_id, one.commitment, one.supersedes, one.run] for one in records]
        return self._sign({"call": "record", "records": rows, "nonce": nonce})

    def _sign(self, tx: dict[str, Any]) -> Signed:
        world = self.call()
        reason = self.refuses or perform(world, tx, Place("", 0, ""))
        if reason:
            raise RevertedError(reason)
        return signed(tx | {"fee": self.lowest_fee * 8}, self.sender)

    def sign_again(self, raw: bytes) -> Signed:
        self.call()
        tx = json.loads(raw)
        return signed(tx | {"fee": tx["fee"] * 9 // 8 + 1}, self.sender)

    def broadcast(self, raw: bytes) -> None:
        world = self.call()
        self.sent.append(raw)
        tx = json.loads(raw)
        if hash_of(raw) in world.receipts or self.pool.get(tx["nonce"]) == tx:
            return
        if tx["nonce"] < world.nonce:
            raise NonceUsedError("nonce too low")
        rival = self.pool.get(tx["nonce"])
        if tx["fee"] < self.lowest_fee or (rival and tx["fee"] * 8 < rival["fee"] * 9):
            raise UnderpricedError("underpriced")
        self.pool[tx["nonce"]] = tx
        if self.automine:
            self.mine()
        if self.lose_answers:
            raise ChainUnavailableError("the answer was lost")

    def receipt(self, tx_hash: str) -> Receipt | None:
        return self.call().receipts.get(tx_hash)

    def revert_reason(self, tx_hash: str) -> str:
        return self.call().reasons[tx_hash]

    def block_number(self) -> int:
        self.call()
        return len(self.blocks) - 1

    def block_hash(self, number: int) -> str | None:
        self.call()
        return self.hash_at(number) if number < len(self.blocks) else None


def perform(world: World, tx: dict[str, Any], place: Place) -> str:
    """Change the world as the contract would; the error's name when it refuses."""
    if tx.get("reverts"):
        return str(tx["reverts"])
    if tx["call"] == "anchor":
        return append(world, tx, place)
    if tx["call"] == "record":
        return record(world, tx["records"], place)
    return ""


def append(world: World, tx: dict[str, Any], place: Place) -> str:
    """anchor()."""
    last = world.heads[-1] if world.heads else Anchored(0, 0, "", place)
    if (tx["seq"], tx["size"], tx["root"]) == (last.seq, last.size, last.root):
        return ""
    if tx["seq"] != last.seq + 1:
        return "WrongSeq"
    if tx["size"] <= last.size:
        return "NotGrowing"
    world.heads.append(Anchored(tx["seq"], tx["size"], tx["root"], place))
    world.emitted.append(f"head {tx['seq']}")
    return ""


def record(world: World, rows: list[list[str]], place: Place) -> str:
    """recordBatch()."""
    for settlement_id, commitment, supersedes, run in rows:
        key = record_key(settlement_id, run)
        if key in world.records:
            if world.records[key].commitment != commitment:
                return "Conflict"
            continue
        if supersedes and supersedes not in world.records:
            return "UnknownPredecessor"
        world.records[key] = Recorded(key, settlement_id, commitment, supersedes, run, place)
        world.emitted.append(f"record {key}")
    return ""


def encoded(tx: dict[str, Any]) -> bytes:
    """A transaction's bytes."""
    return json.dumps(tx, sort_keys=True).encode()


def hash_of(raw: bytes) -> str:
    """A transaction's hash."""
    return "0x" + hashlib.sha256(raw).hexdigest()


def signed(tx: dict[str, Any], sender: str = FakeChain.sender) -> Signed:
    """As the sender gets it. Only a key's own transactions have its name in them, so that another key's have other bytes."""
    raw = encoded(tx | ({"from": sender} if sender != FakeChain.sender else {}))
    return Signed(raw, hash_of(raw), tx["nonce"], sender, tx["fee"], tx["fee"] // 8)
