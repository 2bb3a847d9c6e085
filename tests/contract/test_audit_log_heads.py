"""The contract's promise: a head is accepted when it only extends the one before, and refused otherwise."""

from __future__ import annotations

import hashlib
from itertools import pairwise
from typing import Any

import pytest
from eth_account import Account
from eth_account.messages import encode_typed_data
from web3.exceptions import ContractLogicError

from marketplace.ledger import merkle
from marketplace.ledger.chain import error_name
from tests.embedded_chain import KEY, EmbeddedChain

LEAVES = [merkle.leaf_hash(b"entry %d" % i) for i in range(70)]
OTHER = [merkle.leaf_hash(b"another entry %d" % i) for i in range(70)]
ORIGIN = hashlib.sha256(b"caco.example/settlement-log").digest()


def head_call(
    log: Any, seq: int, size: int, before: int, leaves: list[bytes] = LEAVES, sigs: tuple[bytes, ...] = ()
) -> Any:
    """The call that extends a log of `before` leaves to `size`."""
    proof = merkle.consistency_proof(leaves[:size], before)
    return log.functions.anchor(seq, size, merkle.root(leaves[:size]), proof, list(sigs))


def refused(chain: EmbeddedChain, call: Any, key: bytes = KEY) -> str:
    """The name of the error with which the contract refuses."""
    with pytest.raises(ContractLogicError) as caught:
        chain.transact(call, key)
    return error_name(caught.value.data)


def fold(events: list[Any]) -> bytes:
    """The running hash over these Anchored events, with the standard library alone."""
    acc = ORIGIN
    for event in events:
        numbers = event.args.seq.to_bytes(8, "big") + event.args.size.to_bytes(8, "big")
        acc = hashlib.sha256(acc + numbers + event.args.root).digest()
    return acc


def test_every_leaf_is_found_and_nowhere_else(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    for size in (1, 2, 3, 7, 8, 13, 21):
        root = merkle.root(LEAVES[:size])
        for index in range(size):
            proof = merkle.inclusion_proof(LEAVES[:size], index)
            assert chain.ask(log, "verifyInclusion", LEAVES[index], index, size, root, proof)
            assert not chain.ask(log, "verifyInclusion", LEAVES[index], (index + 1) % (size + 1), size, root, proof)
            assert not chain.ask(log, "verifyInclusion", OTHER[index], index, size, root, proof)


def test_heads_grow_and_leave_events_that_fold_to_the_accumulator(chain: EmbeddedChain) -> None:
    log, sizes = chain.deploy(), [0, 1, 2, 7, 8, 9, 31, 64, 70]
    for seq, (before, size) in enumerate(pairwise(sizes), 1):
        chain.transact(head_call(log, seq, size, before))
    events = log.events.Anchored.get_logs(from_block=0)
    assert [(one.args.seq, one.args.prevSize, one.args.size) for one in events] == [
        (seq, before, size) for seq, (before, size) in enumerate(pairwise(sizes), 1)
    ]
    seq, size, when, paused, root, acc = log.functions.head().call()
    assert (seq, size, paused, root) == (8, 70, False, merkle.root(LEAVES))
    assert acc == fold(events) == events[-1].args.acc
    assert when > 0
    # A reader who was shown one event less notices.
    assert fold(events[:3] + events[4:]) != acc


def test_a_rewritten_history_is_refused(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    chain.transact(head_call(log, 1, 9, 0))
    rewritten = [OTHER[0], *LEAVES[1:]]
    assert refused(chain, head_call(log, 2, 20, 9, rewritten)) == "BadConsistency"
    dropped = LEAVES[1:]
    assert refused(chain, head_call(log, 2, 20, 9, dropped)) == "BadConsistency"
    before = log.functions.head().call()
    # Sent all the same, with gas given by hand, it is mined as reverted and changes nothing.
    receipt = chain.transact(head_call(log, 2, 20, 9, rewritten), gas=500_000)
    assert (receipt["status"], list(receipt["logs"]), log.functions.head().call()) == (0, [], before)


def test_numbers_and_sizes_only_go_up(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    assert refused(chain, head_call(log, 2, 5, 0)) == "WrongSeq"
    assert refused(chain, head_call(log, 0, 0, 0)) == "WrongSeq"
    assert refused(chain, head_call(log, 1, 0, 0)) == "NotGrowing"
    chain.transact(head_call(log, 1, 5, 0))
    assert refused(chain, head_call(log, 2, 5, 5)) == "NotGrowing"
    assert refused(chain, head_call(log, 2, 4, 4)) == "NotGrowing"
    assert refused(chain, head_call(log, 3, 6, 5)) == "WrongSeq"


def test_the_first_head_takes_no_proof(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    root = merkle.root(LEAVES[:4])
    assert refused(chain, log.functions.anchor(1, 4, root, [root], [])) == "BadConsistency"


def test_sending_the_newest_head_again_changes_nothing(chain: EmbeddedChain) -> None:
    log = chain.deploy()
    chain.transact(head_call(log, 1, 5, 0))
    before = log.functions.head().call()
    receipt = chain.transact(head_call(log, 1, 5, 0))
    assert (receipt["status"], list(receipt["logs"]), log.functions.head().call()) == (1, [], before)
    assert refused(chain, head_call(log, 1, 5, 0, OTHER)) == "WrongSeq"


def test_two_heads_need_the_interval_between_them(chain: EmbeddedChain) -> None:
    log = chain.deploy(interval=10)
    chain.transact(head_call(log, 1, 5, 0))
    assert refused(chain, head_call(log, 2, 6, 5)) == "TooSoon"
    chain.now = chain.web3.eth.get_block("latest")["timestamp"] + 10
    chain.transact(head_call(log, 2, 6, 5))
    assert log.functions.head().call()[0] == 2


def signature(chain: EmbeddedChain, log: Any, key: bytes, seq: int, size: int, root: bytes) -> bytes:
    """A witness's EIP-712 signature over a head."""
    message = encode_typed_data(
        {
            "name": "CACO SettlementAuditLog",
            "version": "1",
            "chainId": chain.chain_id,
            "verifyingContract": log.address,
        },
        {
            "Head": [
                {"name": "seq", "type": "uint64"},
                {"name": "size", "type": "uint64"},
                {"name": "root", "type": "bytes32"},
            ]
        },
        {"seq": seq, "size": size, "root": root},
    )
    return bytes(Account.sign_message(message, key).signature)


def test_two_of_three_witnesses_must_sign_each_head(chain: EmbeddedChain) -> None:
    keys = sorted(
        (hashlib.sha256(b"witness %d" % i).digest() for i in range(3)),
        key=lambda k: int(Account.from_key(k).address, 16),
    )
    log = chain.deploy(threshold=2, witnesses=[Account.from_key(key).address for key in keys])
    root = merkle.root(LEAVES[:5])
    a, b, c = (signature(chain, log, key, 1, 5, root) for key in keys)
    b2, c2 = (signature(chain, log, key, 2, 6, merkle.root(LEAVES[:6])) for key in keys[1:])
    stranger = signature(chain, log, b"\x09" * 32, 1, 5, root)
    elsewhere = signature(chain, log, keys[1], 1, 6, root)
    for sigs in [(), (a,), (a, a), (b, a), (a, stranger), (a, elsewhere), (a, b"\x01" * 65), (a, b"")]:
        assert refused(chain, head_call(log, 1, 5, 0, sigs=sigs)) == "NotEnoughWitnesses"
    chain.transact(head_call(log, 1, 5, 0, sigs=(a, c)))
    chain.transact(head_call(log, 2, 6, 5, sigs=(b2, c2)))
    assert log.functions.head().call()[0] == 2
