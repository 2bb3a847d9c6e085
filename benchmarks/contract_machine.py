"""The audit contract beside a model of it, in any order of right and wrong calls by any role: what hypothesis drives.

The model is written from contracts/README.md, not from the Solidity: for each call it says what must come of it, which is an
error's name or the events in order. After each step all that stands in the contract must be what the model holds:

C1, C2, C3  heads are numbered one by one, grow, and only extend     C6  corrections form lines
C4          a record never changes                                  C7  acc is the fold of all Anchored events
C5          the same again: no event, no change                      C8  no role changes what stands
C9          after sealing nothing changes

Both run in memory on the development chain's EVM.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from web3 import Web3

from benchmarks.contract_gas import ZERO, Log
from marketplace.ledger import chain_key, merkle
from marketplace.ledger.devchain.evm import Call, CallFailedError
from marketplace.ledger.refusals import error_name
from marketplace.ledger.settlement import record_key

INTERVAL_S, DELAY_S = 10, 3600
ACTORS = ("admin", "anchorer", "pauser", "stranger")
KEYS = {name: hashlib.sha256(f"the {name}".encode()).digest() for name in ACTORS}
ADDRESSES = {name: chain_key.address(key) for name, key in KEYS.items()}
ORIGIN = hashlib.sha256(b"caco.example/settlement-log").digest()
ROLES = {"ANCHOR_ROLE": "anchorer", "PAUSER_ROLE": "pauser"}
LEAVES = [merkle.leaf_hash(b"entry %d" % i) for i in range(60)]
OTHER = [merkle.leaf_hash(b"another entry %d" % i) for i in range(60)]
NAMES = [hashlib.sha256(b"settlement %d" % i).digest() for i in range(4)]
SAID = [hashlib.sha256(b"said %d" % i).digest() for i in range(3)]
RUNS = (b"II", b"SF", b"R1")
UNAUTHORISED = "AccessControlUnauthorizedAccount"

actors = st.sampled_from(ACTORS)
mostly_anchorer = st.sampled_from(["anchorer"] * 7 + ["stranger", "admin", "pauser"])
mostly_admin = st.sampled_from(["admin"] * 5 + ["stranger", "anchorer", "pauser"])
entries = st.tuples(
    st.sampled_from([*NAMES * 4, ZERO]),
    st.sampled_from([*SAID * 4, ZERO]),
    st.one_of(st.just(ZERO), st.tuples(st.sampled_from(NAMES), st.sampled_from(RUNS))),
    st.sampled_from(RUNS),
)


def key_of(name: bytes, run: bytes) -> bytes:
    """A record's key, by the product's own rule."""
    return bytes.fromhex(record_key(name.hex(), run.decode()))


EVERY_KEY = [key_of(name, run) for name in NAMES for run in RUNS]


class Refused(Exception):  # noqa: N818 - an answer, and no fault
    """What the model says to a call that must be refused."""


class Model:
    """What the contract must hold. Each method answers the events that are due, or raises Refused with an error's name."""

    def __init__(self) -> None:
        self.seq = self.size = self.time = 0
        self.root, self.acc, self.paused, self.closed = ZERO, ORIGIN, False, False
        self.plan: tuple[str, bytes] | None = None
        self.due = 0
        self.records: dict[bytes, bytes] = {}
        self.later: dict[bytes, bytes] = {}
        self.roles = {("ANCHOR_ROLE", "anchorer"), ("PAUSER_ROLE", "pauser")}

    def must(self, actor: str, role: str) -> None:
        """Only holders of the role; the administrator holds no other by itself."""
        if (role, actor) not in self.roles | {("DEFAULT_ADMIN_ROLE", "admin")}:
            raise Refused(UNAUTHORISED)

    def open(self) -> None:
        """Writing goes on."""
        if self.closed:
            raise Refused("SealedLog")
        if self.paused:
            raise Refused("Paused")

    def anchor(self, actor: str, at: int, seq: int, size: int, root: bytes, *, true: bool) -> list[Any]:
        """A head."""
        self.must(actor, "ANCHOR_ROLE")
        if seq and (seq, size, root) == (self.seq, self.size, self.root):
            return []
        self.open()
        if seq != self.seq + 1:
            raise Refused("WrongSeq")
        if size <= self.size:
            raise Refused("NotGrowing")
        if self.seq and at < self.time + INTERVAL_S:
            raise Refused("TooSoon")
        if not true:
            raise Refused("BadConsistency")
        before, self.seq, self.size, self.time, self.root = self.size, seq, size, at, root
        self.acc = hashlib.sha256(self.acc + seq.to_bytes(8, "big") + size.to_bytes(8, "big") + root).digest()
        return [("Anchored", seq, before, size, root, self.acc)]

    def record_batch(self, actor: str, batch: list[tuple[bytes, bytes, bytes, bytes]]) -> list[Any]:
        """Records, all of them or none."""
        self.must(actor, "ANCHOR_ROLE")
        self.open()
        records, later, told = dict(self.records), dict(self.later), []
        for name, said, old, run in batch:
            key = key_of(name, run)
            if ZERO in (name, said):
                raise Refused("ZeroCommitment")
            if key in records:
                if records[key] != said or (old != ZERO and later.get(old) != key):
                    raise Refused("Conflict")
                continue
            if old != ZERO:
                if old not in records:
                    raise Refused("UnknownPredecessor")
                if old in later:
                    raise Refused("AlreadySuperseded")
                later[old] = key
            records[key] = said
            told.append(("SettlementRecorded", key, name, old, run, said))
        self.records, self.later = records, later
        return told

    def set_paused(self, actor: str, *, paused: bool) -> list[Any]:
        """Stop writes, or go on."""
        self.must(actor, "PAUSER_ROLE" if paused else "DEFAULT_ADMIN_ROLE")
        if self.closed:
            raise Refused("SealedLog")
        self.paused = paused
        return [("Paused", paused)]

    def seal(self, actor: str, at: int, to: str, reason: bytes) -> list[Any]:
        """Announce, then close."""
        self.must(actor, "DEFAULT_ADMIN_ROLE")
        if self.closed:
            raise Refused("SealedLog")
        if self.plan != (to, reason):
            self.plan, self.due = (to, reason), at + DELAY_S
            return [("SealAnnounced", to, reason, self.due)]
        if at < self.due:
            raise Refused("TooSoon")
        self.closed = True
        return [("Sealed", to, self.size, self.root)]


class AuditLog(RuleBasedStateMachine):
    """The contract and the model take the same calls."""

    @initialize()
    def begin(self) -> None:
        """A fresh contract with a role for each actor."""
        self.now = 1_800_000_000
        admin, anchorer, pauser, _ = (ADDRESSES[name] for name in ACTORS)
        arguments: tuple[Any, ...] = (admin, DELAY_S, anchorer, pauser, ORIGIN, INTERVAL_S, 0, [], "0x" + "00" * 20)
        self.log = Log(arguments=arguments, funded=list(ADDRESSES.values()))
        self.log.evm.clock = lambda: self.now
        self.model, self.told, self.touched = Model(), list[Any](), set[bytes]()

    def act(self, actor: str, due: Any, name: str, *arguments: Any) -> None:
        """Try the call, send it all the same, and compare errors and events with the model's."""
        data, sender = self.log.encoded(name, *arguments), bytes.fromhex(ADDRESSES[actor][2:])
        to, block = bytes.fromhex(self.log.address[2:]), self.next_time()
        try:
            expected, refused = due(block), ""
        except Refused as problem:
            expected, refused = [], str(problem)
        try:
            self.log.evm.call(Call(to=to, data=data, sender=sender))
            said = ""
        except CallFailedError as problem:
            said = error_name("0x" + problem.output.hex())
        assert said == refused, (name, actor, arguments)
        receipt = self.log.sent(KEYS[actor], data)
        assert (receipt["status"] == "0x1") is not bool(refused)
        found = [self.log.told(one) for one in receipt["logs"]]
        assert found == expected, (name, actor)
        self.told += found

    def next_time(self) -> int:
        """The time of the next block."""
        return max(self.now, int(self.log.evm.chain.get_canonical_head().timestamp) + 1)

    @rule(seconds=st.sampled_from([1, INTERVAL_S, INTERVAL_S, DELAY_S]))
    def wait(self, seconds: int) -> None:
        """Time passes."""
        self.now = self.next_time() + seconds

    @rule(actor=mostly_anchorer, grow=st.integers(1, 9), fork=st.booleans(), skip=st.sampled_from([0, 0, 0, 0, -1, 1]))
    def head(self, actor: str, grow: int, fork: bool, skip: int) -> None:
        """A head that extends the log, or one of a log whose past was rewritten, or out of turn."""
        seq, size = self.model.seq + 1 + skip, min(self.model.size + grow, len(LEAVES))
        fork = fork and self.model.size > 0
        leaves = [*OTHER[: self.model.size], *LEAVES[self.model.size :]] if fork else LEAVES
        self.send_head(
            actor, seq, leaves[:size], merkle.consistency_proof(leaves[:size], self.model.size), true=not fork
        )

    @precondition(lambda self: self.model.seq > 0)
    @rule(actor=mostly_anchorer, at=st.integers(0, 5), bit=st.integers(0, 255))
    def corrupted(self, actor: str, at: int, bit: int) -> None:
        """A true head with a proof in which one bit is flipped."""
        leaves = LEAVES[: min(self.model.size + 5, len(LEAVES))]
        proof = merkle.consistency_proof(leaves, self.model.size)
        if proof:
            at %= len(proof)
            proof[at] = (int.from_bytes(proof[at], "big") ^ 1 << bit).to_bytes(32, "big")
            self.send_head(actor, self.model.seq + 1, leaves, proof, true=False)

    @rule(actor=actors)
    def newest_again(self, actor: str) -> None:
        """The newest head once more, with any proof or none."""
        self.send_head(actor, self.model.seq, LEAVES[: self.model.size], [], true=False)

    def send_head(self, actor: str, seq: int, leaves: list[bytes], proof: list[bytes], *, true: bool) -> None:
        """Call anchor()."""
        size, root = len(leaves), merkle.root(leaves) if leaves else ZERO
        if seq >= 0:
            due = lambda at: self.model.anchor(actor, at, seq, size, root, true=true)  # noqa: E731
            self.act(actor, due, "anchor", seq, size, root, proof, [])

    @rule(actor=mostly_anchorer, batch=st.lists(entries, min_size=1, max_size=3))
    def records(self, actor: str, batch: list[tuple[bytes, bytes, Any, bytes]]) -> None:
        """Records, among them conflicts, branches, empty hashes and repetitions."""
        plain = [(name, said, old if old == ZERO else key_of(*old), run) for name, said, old, run in batch]
        self.touched = {key_of(name, run) for name, _, _, run in plain} | {old for _, _, old, _ in plain}
        self.act(actor, lambda _: self.model.record_batch(actor, plain), "recordBatch", plain)

    @rule(actor=actors, paused=st.booleans())
    def stop(self, actor: str, paused: bool) -> None:
        """Stop, or go on."""
        due = lambda _: self.model.set_paused(actor, paused=paused)  # noqa: E731
        self.act(actor, due, "pause" if paused else "unpause")

    @rule(actor=mostly_admin, to=st.sampled_from(["stranger", "admin", "admin", "admin"]))
    def seal(self, actor: str, to: str) -> None:
        """Announce the end, or make it."""
        due = lambda at: self.model.seal(actor, at, ADDRESSES[to], SAID[0])  # noqa: E731
        self.act(actor, due, "seal", ADDRESSES[to], SAID[0])

    @rule(actor=mostly_admin, role=st.sampled_from(sorted(ROLES)), whom=actors, give=st.booleans())
    def hand_over(self, actor: str, role: str, whom: str, give: bool) -> None:
        """Roles change hands, and past state does not."""
        holds = (role, whom) in self.model.roles
        event = ("RoleGranted" if give else "RoleRevoked", Web3.keccak(text=role), ADDRESSES[whom], ADDRESSES[actor])

        def due(_: int) -> list[Any]:
            self.model.must(actor, "DEFAULT_ADMIN_ROLE")
            (self.model.roles.add if give else self.model.roles.discard)((role, whom))
            return [event] if holds is not give else []

        self.act(actor, due, "grantRole" if give else "revokeRole", Web3.keccak(text=role), ADDRESSES[whom])

    @invariant()
    def all_that_stands(self) -> None:
        """The head and what the step was about are the model's; corrections form lines. In the end all is compared."""
        if not hasattr(self, "model"):
            return
        model, ask = self.model, self.log.ask
        assert ask("head") == (model.seq, model.size, model.time, model.paused, model.root, model.acc)
        assert ask("isSealed") is model.closed
        self.compare_records(self.touched)
        self.touched = set()
        assert len(set(model.later.values())) == len(model.later)

    def compare_records(self, keys: Iterable[bytes]) -> None:
        """What stands under these keys."""
        for key in keys:
            assert self.log.ask("record", key) == self.model.records.get(key, ZERO)
            assert self.log.ask("supersededBy", key) == self.model.later.get(key, ZERO)

    def teardown(self) -> None:
        """All events ever, in order, are those that were due, and fold to acc."""
        if not hasattr(self, "model"):
            return
        logs = self.log.evm.store.logs(
            first=0, last=self.log.evm.store.height() or 0, addresses=[self.log.address.lower()], topics=[]
        )
        told = [self.log.told(one) for one in logs]
        assert told[len(told) - len(self.told) :] == self.told
        assert {one[0] for one in told[: len(told) - len(self.told)]} <= {
            "RoleGranted",
            "DefaultAdminDelayChangeScheduled",
        }
        self.compare_records(EVERY_KEY)
        acc = ORIGIN
        for _, seq, _, size, root, _ in (one for one in self.told if one[0] == "Anchored"):
            acc = hashlib.sha256(acc + seq.to_bytes(8, "big") + size.to_bytes(8, "big") + root).digest()
        assert acc == self.model.acc
