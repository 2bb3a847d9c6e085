"""Asking the chain: the right one, in words when it cannot be asked, and nothing sent to a contract we did not deploy."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from eth_account import Account
from eth_account.typed_transactions import TypedTransaction
from hexbytes import HexBytes
from pytest_django.fixtures import Settings

from marketplace.ledger import chain, deploy, merkle
from marketplace.ledger.deployment import Deployment, deployment, rpc_url
from marketplace.ledger.onchain import (
    ChainError,
    ChainUnavailableError,
    NoContractError,
    NonceUsedError,
    Record,
    RevertedError,
    UnderpricedError,
    WrongChainError,
)
from marketplace.ledger.refusals import is_known, refusal
from marketplace.ledger.settlement import record_key
from tests.embedded_chain import KEY, EmbeddedChain

LEAVES = [merkle.leaf_hash(b"%d" % i) for i in range(20)]
PUBLIC_MNEMONIC = "test test test test test test test test test test test junk"


def anchor(on: chain.Chain, seq: int, size: int, before: int) -> str:
    """Sign, send and return the transaction hash."""
    proof = [one.hex() for one in merkle.consistency_proof(LEAVES[:size], before)]
    root = merkle.root(LEAVES[:size]).hex()
    signed = on.sign_anchor(seq=seq, size=size, root=root, proof=proof, nonce=on.next_nonce())
    on.broadcast(signed.raw)
    return signed.tx_hash


def test_a_head_is_sent_found_and_proven(anchored_in: chain.Chain) -> None:
    first, second = anchor(anchored_in, 1, 9, 0), anchor(anchored_in, 2, 20, 9)
    head = anchored_in.head()
    root = merkle.root(LEAVES).hex()
    assert (head.seq, head.size, head.root) == (2, 20, root)
    events = [anchored_in.anchored(number) for number in (1, 2, 3)]
    assert [(one.size, one.root, one.place.tx_hash) for one in events if one] == [
        (9, merkle.root(LEAVES[:9]).hex(), first),
        (20, root, second),
    ]
    assert events[2] is None
    path = [one.hex() for one in merkle.inclusion_proof(LEAVES, 4)]
    for index, held in ((4, True), (5, False)):
        assert anchored_in.verify_inclusion(leaf=LEAVES[4].hex(), index=index, size=20, root=root, proof=path) is held
    receipt = anchored_in.receipt(second)
    assert receipt is not None
    assert receipt.ok
    assert anchored_in.block_hash(receipt.place.block_number) == receipt.place.block_hash
    assert anchored_in.block_number() == receipt.place.block_number


def test_records_are_sent_and_found_by_key(anchored_in: chain.Chain) -> None:
    first = Record("a1" * 32, "c1" * 32, "", "II")
    key = record_key(first.settlement_id, first.run)
    second = Record("a1" * 32, "c2" * 32, key, "SF")
    later = record_key(second.settlement_id, second.run)
    signed = anchored_in.sign_record([first, second], nonce=anchored_in.next_nonce())
    anchored_in.broadcast(signed.raw)
    found = anchored_in.recorded([key, later, "00" * 32])
    assert {name: (one.settlement_id, one.commitment, one.supersedes, one.run) for name, one in found.items()} == {
        key: ("a1" * 32, "c1" * 32, "", "II"),
        later: ("a1" * 32, "c2" * 32, key, "SF"),
    }
    assert {one.place.tx_hash for one in found.values()} == {signed.tx_hash}


def test_a_refusal_has_its_name_before_anything_is_spent(anchored_in: chain.Chain) -> None:
    nonce = anchored_in.next_nonce()
    with pytest.raises(RevertedError, match="WrongSeq"):
        anchored_in.sign_anchor(seq=2, size=3, root="11" * 32, proof=[], nonce=nonce)
    with pytest.raises(RevertedError, match="UnknownPredecessor"):
        anchored_in.sign_record([Record("a1" * 32, "c1" * 32, "ee" * 32, "II")], nonce=nonce)
    assert anchored_in.next_nonce() == nonce


def test_a_reverted_transaction_can_say_why(anchored_in: chain.Chain, embedded: EmbeddedChain) -> None:
    call = anchored_in.contract.functions.anchor(5, 1, b"\1" * 32, [], [])
    receipt = embedded.transact(call, gas=200_000)
    tx_hash = f"0x{bytes(receipt['transactionHash']).hex()}"
    found = anchored_in.receipt(tx_hash)
    assert found is not None
    assert not found.ok
    assert anchored_in.revert_reason(tx_hash) == "WrongSeq"


def test_the_same_bytes_may_be_sent_twice_and_a_used_nonce_is_told(anchored_in: chain.Chain) -> None:
    signed = anchored_in.sign_anchor(seq=1, size=1, root=LEAVES[0].hex(), proof=[], nonce=anchored_in.next_nonce())
    anchored_in.broadcast(signed.raw)
    anchored_in.broadcast(signed.raw)
    other = anchored_in.sign_anchor(
        seq=2, size=2, root=merkle.root(LEAVES[:2]).hex(), proof=[LEAVES[1].hex()], nonce=signed.nonce
    )
    with pytest.raises(NonceUsedError):
        anchored_in.broadcast(other.raw)


def test_signing_again_raises_both_fees_by_an_eighth(anchored_in: chain.Chain) -> None:
    signed = anchored_in.sign_anchor(seq=1, size=1, root=LEAVES[0].hex(), proof=[], nonce=77)
    again = anchored_in.sign_again(signed.raw)
    old, new = (TypedTransaction.from_bytes(HexBytes(one.raw)).as_dict() for one in (signed, again))
    for fee in ("maxFeePerGas", "maxPriorityFeePerGas"):
        assert new[fee] >= old[fee] * 1.125
        assert new[fee] <= old[fee] * 1.2
    assert all(old[name] == new[name] for name in ("nonce", "to", "data", "gas", "chainId"))
    assert (again.sender, again.max_fee_wei) == (Account.from_key(KEY).address, new["maxFeePerGas"])
    assert again.priority_fee_wei == new["maxPriorityFeePerGas"]
    assert Account.recover_transaction(again.raw) == Account.from_key(KEY).address


@pytest.mark.parametrize("said", ["already known", "Known transaction", "transaction already imported", "AlreadyKnown"])
def test_bytes_that_a_node_has_already_are_as_good_as_taken(said: str) -> None:
    assert is_known(ChainUnavailableError(f"the chain refused a request: {said}"))
    assert not is_known(ChainUnavailableError("the chain does not answer"))


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("nonce too low: next nonce 5, tx nonce 4", NonceUsedError),
        ("replacement transaction underpriced", UnderpricedError),
        ("max fee per gas less than block base fee", UnderpricedError),
        ("OldNonce, Current nonce: 5, nonce of rejected tx: 4", NonceUsedError),
        ("FeeTooLowToCompete", UnderpricedError),
        ("Gas price below current base fee", UnderpricedError),
        ("the tx doesn't have the correct nonce. account has nonce of: 5 tx has nonce of: 4", NonceUsedError),
        ("the tx doesn't have the correct nonce. account has nonce of: 5 tx has nonce of: 6", ChainUnavailableError),
        ("insufficient funds for gas * price + value", ChainUnavailableError),
    ],
)
def test_a_nodes_words_become_what_the_sender_must_do(said: str, kind: type[ChainError]) -> None:
    problem = ValueError(said)
    problem.rpc_response = {"error": {"code": -32000, "message": said}}  # type: ignore[attr-defined]
    found = refusal(problem)
    assert type(found) is kind
    assert said in str(found)


def test_a_dead_chain_is_told_soon_and_in_words(
    settings: Settings, free_port: Callable[[], int], tmp_path: Path
) -> None:
    settings.CHAIN_RPC_URL = f"http://127.0.0.1:{free_port()}"
    settings.CHAIN_CONTRACT_FILE = tmp_path / "contract.json"
    Deployment(5, "0x" + "11" * 20, "0x00").write(settings.CHAIN_CONTRACT_FILE)
    begun = time.monotonic()
    with pytest.raises(ChainUnavailableError, match="does not answer"):
        chain.connect()
    assert time.monotonic() - begun < 5


def test_where_the_chain_is(settings: Settings, tmp_path: Path) -> None:
    settings.VAR_DIR, settings.CHAIN_RPC_URL = tmp_path, ""
    with pytest.raises(ChainUnavailableError, match=r"manage\.py up"):
        rpc_url()
    (tmp_path / "chain").mkdir()
    (tmp_path / "chain" / "rpc_url").write_text("http://127.0.0.1:1234\n")
    assert rpc_url() == "http://127.0.0.1:1234"
    settings.CHAIN_RPC_URL = "http://node:8545"
    assert rpc_url() == "http://node:8545"
    settings.CHAIN_RPC_URL = "none"
    assert rpc_url() is None
    assert chain.connect() is None


@pytest.mark.parametrize(
    "content", [None, "{", "[]", '{"chain_id": 1}', '{"chain_id": "x", "address": "", "code_hash": ""}']
)
def test_a_missing_or_broken_contract_file_names_the_way_out(
    settings: Settings, tmp_path: Path, content: str | None
) -> None:
    settings.CHAIN_CONTRACT_FILE = tmp_path / "contract.json"
    if content is not None:
        settings.CHAIN_CONTRACT_FILE.write_text(content)
    with pytest.raises(NoContractError, match=r"manage\.py audit_deploy"):
        deployment()


def test_nothing_is_sent_to_another_chain_or_other_code(
    anchored_in: chain.Chain, embedded: EmbeddedChain, settings: Settings
) -> None:
    good = anchored_in.where
    cases = [
        (replace(good, chain_id=good.chain_id + 1), WrongChainError, "another|but chain"),
        (replace(good, code_hash="0x" + "00" * 32), WrongChainError, "not the one that was deployed"),
        (replace(good, address="0x" + "11" * 20), NoContractError, "no contract"),
    ]
    for where, kind, says in cases:
        where.write(settings.CHAIN_CONTRACT_FILE)
        with pytest.raises(kind, match=says):
            chain.connect()
    good.write(settings.CHAIN_CONTRACT_FILE)
    assert chain.connect() is not None


def test_a_chain_that_is_starting_is_waited_for(
    embedded: EmbeddedChain, settings: Settings, monkeypatch: pytest.MonkeyPatch, free_port: Callable[[], int]
) -> None:
    opened, dead = chain.open_rpc, chain.open_rpc(f"http://127.0.0.1:{free_port()}")
    late = opened(embedded.url)
    first = [dead.provider]
    monkeypatch.setattr(
        late.provider, "make_request",
        lambda *asked: (first.pop() if first else opened(embedded.url).provider).make_request(*asked),
    )  # fmt: skip
    monkeypatch.setattr(chain, "open_rpc", lambda url: late)
    assert deploy.deploy().fresh
    assert first == []
    monkeypatch.setattr(deploy, "ANSWER_WITHIN_S", 0.1)
    monkeypatch.setattr(chain, "open_rpc", lambda url: dead)
    with pytest.raises(CommandError, match="does not answer"):
        call_command("audit_deploy")


def test_deploying_twice_deploys_once(
    embedded: EmbeddedChain, settings: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    height = embedded.web3.eth.block_number
    call_command("audit_deploy")
    call_command("audit_deploy")
    said = capsys.readouterr().out.strip().splitlines()
    first, second = (line for line in said if line.startswith("The audit contract"))
    assert [line.split()[0] for line in said[1:7]] == ["holds"] * 5 + ["not"]
    where = deployment()
    assert "deployed to " + where.address in first
    assert "stands already at " + where.address in second
    assert embedded.web3.eth.block_number == height + 1
    connected = chain.connect()
    assert connected is not None
    assert connected.head().seq == 0
    assert list(settings.CHAIN_CONTRACT_FILE.parent.iterdir()) == [settings.CHAIN_CONTRACT_FILE]


def test_a_deployment_cut_short_goes_on_with_the_same_bytes(embedded: EmbeddedChain, settings: Settings) -> None:
    first = deploy.deploy().where
    raw: Any = embedded.web3.eth.get_block(first.block, full_transactions=True)["transactions"][0]
    # As after a crash between sending and writing contract.json.
    settings.CHAIN_CONTRACT_FILE.unlink()
    kept = settings.CHAIN_CONTRACT_FILE.with_name("deploying.json")
    key, nonce = Account.from_key(KEY), raw["nonce"]
    again = key.sign_transaction(
        {k: raw[k] for k in ("gas", "value", "chainId", "maxFeePerGas", "maxPriorityFeePerGas")}
        | {"data": raw["input"], "nonce": nonce}
    )
    kept.write_text(json.dumps({"chain_id": first.chain_id, "raw": again.raw_transaction.hex()}))
    height = embedded.web3.eth.block_number
    done = deploy.deploy()
    assert (done.where, done.fresh) == (first, True)
    assert embedded.web3.eth.block_number == height


def test_keys_everybody_knows_are_refused_outside_development(
    embedded: EmbeddedChain, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    Account.enable_unaudited_hdwallet_features()
    known = [Account.from_mnemonic(PUBLIC_MNEMONIC, account_path=f"m/44'/60'/0'/0/{i}") for i in range(10)]
    assert {one.address.lower() for one in known} <= deploy.PUBLIC_TEST_KEYS
    monkeypatch.setitem(embedded.server.rpc.methods, "web3_clientVersion", lambda: "Geth/v1.16.0")
    settings.CHAIN_KEY_FILE.write_text(bytes(known[3].key).hex())
    with pytest.raises(CommandError, match="a test key that everybody knows") as caught:
        call_command("audit_deploy")
    assert bytes(known[3].key).hex() not in str(caught.value)
    settings.CHAIN_KEY_FILE.write_text(KEY.hex())
    own = Account.from_key(KEY).address
    for admin in ("", own.lower()):
        with pytest.raises(CommandError, match=f"another than the anchoring key \\({own}"):
            call_command("audit_deploy", "--admin", admin)
    assert deploy.deploy(admin=known[0].address).fresh
    call_command("audit_deploy", "--check")


def test_a_contract_on_somebody_elses_chain_is_never_replaced(
    anchored_in: chain.Chain, embedded: EmbeddedChain, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(embedded.server.rpc.methods, "web3_clientVersion", lambda: "Geth/v1.16.0")
    for kept in (replace(anchored_in.where, chain_id=1), replace(anchored_in.where, address="0x" + "11" * 20)):
        kept.write(settings.CHAIN_CONTRACT_FILE)
        with pytest.raises(CommandError, match=r"move .* away first"):
            call_command("audit_deploy")
        assert deployment() == kept


def test_without_a_chain_there_is_nothing_to_deploy(settings: Settings) -> None:
    settings.CHAIN_RPC_URL = "none"
    with pytest.raises(CommandError, match="anchors on no chain"):
        call_command("audit_deploy")


def test_no_fee_goes_above_the_set_one(anchored_in: chain.Chain, settings: Settings) -> None:
    root, nonce = merkle.leaf_hash(b"").hex(), anchored_in.next_nonce()
    made = anchored_in.sign_anchor(seq=1, size=1, root=root, proof=[], nonce=nonce)
    settings.CHAIN_MAX_FEE_GWEI = -(-made.max_fee_wei // 10**9)
    anchored_in.sign_anchor(seq=1, size=1, root=root, proof=[], nonce=nonce)
    settings.CHAIN_MAX_FEE_GWEI = made.max_fee_wei // 10**9
    with pytest.raises(ChainUnavailableError, match="more than CACO_MAX_FEE_GWEI"):
        anchored_in.sign_again(made.raw)
