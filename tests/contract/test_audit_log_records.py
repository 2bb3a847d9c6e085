"""Records of settlements, and who may do what: records never change, corrections form a line, and closing is for good."""

from __future__ import annotations

import hashlib
from typing import Any

import pytest
from eth_account import Account

from marketplace.ledger import merkle
from marketplace.ledger.settlement import record_key
from tests.contract.test_audit_log_heads import LEAVES, head_call, refused
from tests.embedded_chain import KEY, EmbeddedChain

STRANGER = hashlib.sha256(b"a stranger").digest()
ZERO = bytes(32)
REASON = hashlib.sha256(b"why").digest()


def digest(text: str) -> bytes:
    """A hash that stands for something."""
    return hashlib.sha256(text.encode()).digest()


def entry(
    name: str, *, said: str = "", run: bytes = b"II", supersedes: bytes = ZERO
) -> tuple[bytes, bytes, bytes, bytes]:
    """One entry of a batch."""
    return digest(name), digest(said or f"what {name} says"), supersedes, run


def key_of(name: str, run: bytes = b"II") -> bytes:
    """Its record key, by the product's own rule."""
    return bytes.fromhex(record_key(digest(name).hex(), run.decode()))


def recorded(log: Any, receipt: Any) -> list[Any]:
    """The events of a transaction."""
    return list(log.events.SettlementRecorded().process_receipt(receipt))


def state(log: Any, *names: str) -> list[tuple[bytes, bytes]]:
    """What stands about these records."""
    return [(log.functions.record(key_of(n)).call(), log.functions.supersededBy(key_of(n)).call()) for n in names]


def test_each_entry_leaves_one_event_with_its_hashes(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    receipt = chain.transact(log.functions.recordBatch([entry("a"), entry("b", run=b"SF")]))
    first, second = recorded(log, receipt)
    assert first.args == {
        "recordKey": key_of("a"), "settlementId": digest("a"), "supersedes": ZERO, "run": b"II", "commitment": digest("what a says"),
    }  # fmt: skip
    assert second.args.recordKey == key_of("b", b"SF") == log.functions.recordKey(digest("b"), b"SF").call()
    assert log.functions.record(key_of("a")).call() == digest("what a says")


def test_sending_a_batch_again_records_only_what_is_new(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    chain.transact(log.functions.recordBatch([entry("a"), entry("b")]))
    before = state(log, "a", "b")
    receipt = chain.transact(log.functions.recordBatch([entry("a"), entry("b"), entry("c"), entry("c")]))
    assert [one.args.recordKey for one in recorded(log, receipt)] == [key_of("c")]
    assert state(log, "a", "b") == before


def test_a_record_never_changes(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    chain.transact(log.functions.recordBatch([entry("a"), entry("b")]))
    chain.transact(log.functions.recordBatch([entry("c", supersedes=key_of("a"))]))
    before = state(log, "a", "b", "c", "new")
    for other in (
        entry("a", said="something else"),
        entry("a", supersedes=key_of("b")),
        entry("c", supersedes=key_of("b")),
    ):
        # The whole batch is refused, the good entry with it.
        assert refused(chain, log.functions.recordBatch([entry("new"), other])) == "Conflict"
    assert state(log, "a", "b", "c", "new") == before


def test_an_empty_hash_is_no_record(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    for bad in ((ZERO, digest("x"), ZERO, b"II"), (digest("x"), ZERO, ZERO, b"II")):
        assert refused(chain, log.functions.recordBatch([bad])) == "ZeroCommitment"


def test_corrections_form_a_line(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    first, second, third = key_of("s"), key_of("s", b"SF"), key_of("s", b"R1")
    # A whole line may stand in one batch, in order.
    chain.transact(
        log.functions.recordBatch(
            [
                entry("s"),
                entry("s", said="2", run=b"SF", supersedes=first),
                entry("s", said="3", run=b"R1", supersedes=second),
            ]
        )
    )
    assert log.functions.supersededBy(first).call() == second
    assert log.functions.supersededBy(second).call() == third
    assert log.functions.record(first).call() == digest("what s says")
    branch = entry("s", said="4", run=b"R2", supersedes=first)
    assert refused(chain, log.functions.recordBatch([branch])) == "AlreadySuperseded"
    unknown = entry("t", supersedes=key_of("never recorded"))
    assert refused(chain, log.functions.recordBatch([unknown])) == "UnknownPredecessor"
    itself = entry("u", supersedes=key_of("u"))
    assert refused(chain, log.functions.recordBatch([itself])) == "UnknownPredecessor"


def test_only_the_roles_may_write_stop_and_close(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    calls = [
        head_call(log, 1, 3, 0),
        log.functions.recordBatch([entry("a")]),
        log.functions.pause(),
        log.functions.unpause(),
        log.functions.seal(Account.from_key(KEY).address, REASON),
        log.functions.grantRole(log.functions.ANCHOR_ROLE().call(), Account.from_key(STRANGER).address),
    ]
    for call in calls:
        assert refused(chain, call, STRANGER) == "AccessControlUnauthorizedAccount"


def test_ether_is_refused(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    assert chain.pay({"to": log.address, "value": 1})["status"] == 0
    assert chain.web3.eth.get_balance(log.address) == 0


def test_pausing_stops_new_writes_and_nothing_else(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    chain.transact(head_call(log, 1, 3, 0))
    receipt = chain.transact(log.functions.pause())
    assert log.events.Paused().process_receipt(receipt)[0].args.paused is True
    assert refused(chain, head_call(log, 2, 5, 3)) == "Paused"
    assert refused(chain, log.functions.recordBatch([entry("a")])) == "Paused"
    assert log.functions.head().call()[3] is True
    assert chain.ask(log, "verifyInclusion", LEAVES[0], 0, 1, LEAVES[0], [])
    chain.transact(log.functions.unpause())
    chain.transact(head_call(log, 2, 5, 3))


@pytest.fixture
def sealed(chain: EmbeddedChain) -> Any:
    """A log closed in favour of the chain key's address."""
    log = chain.deploy(admin_delay=3600)
    chain.transact(head_call(log, 1, 3, 0))
    call = log.functions.seal(Account.from_key(KEY).address, REASON)
    receipt = chain.transact(call)
    due = log.events.SealAnnounced().process_receipt(receipt)[0].args.due
    assert due == chain.web3.eth.get_block(receipt["blockNumber"])["timestamp"] + 3600
    assert refused(chain, call) == "TooSoon"
    chain.transact(head_call(log, 2, 5, 3))
    chain.now = due
    event = log.events.Sealed().process_receipt(chain.transact(call))[0]
    assert event.args == {"successor": Account.from_key(KEY).address, "size": 5, "root": merkle.root(LEAVES[:5])}
    return log


def test_after_sealing_nothing_changes(chain: EmbeddedChain, sealed: Any) -> None:
    head = sealed.functions.head().call()
    for call in (
        head_call(sealed, 3, 9, 5),
        sealed.functions.recordBatch([entry("a")]),
        sealed.functions.pause(),
        sealed.functions.unpause(),
        sealed.functions.seal(Account.from_key(STRANGER).address, REASON),
    ):
        assert refused(chain, call) == "SealedLog"
    assert list(chain.transact(head_call(sealed, 2, 5, 3))["logs"]) == []
    assert sealed.functions.head().call() == head
    assert sealed.functions.isSealed().call() is True


def test_a_successor_pins_where_its_predecessor_stood(chain: EmbeddedChain, sealed: Any) -> None:
    after = chain.deploy(before=sealed.address)
    assert after.functions.predecessor().call() == (sealed.address, 5, merkle.root(LEAVES[:5]))
    assert after.functions.head().call()[:2] == (0, 0)


def test_announcing_another_seal_starts_the_delay_anew(chain: EmbeddedChain) -> None:
    log = chain.deploy(admin_delay=3600)
    own, other = (Account.from_key(key).address for key in (KEY, STRANGER))
    chain.transact(log.functions.seal(own, REASON))
    chain.transact(log.functions.seal(other, REASON))
    chain.now += 3601
    chain.transact(log.functions.seal(own, REASON))
    assert log.functions.isSealed().call() is False
    assert refused(chain, log.functions.seal(own, REASON)) == "TooSoon"
