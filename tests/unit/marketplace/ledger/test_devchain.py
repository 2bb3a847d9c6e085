"""The development chain: what it answers, what it refuses in words, and that it forgets nothing it acknowledged."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import requests
from eth_account import Account
from hypothesis import given
from hypothesis import strategies as st

from marketplace.ledger import chain, chain_key
from marketplace.ledger.devchain.rpc import MOST_IN_A_BATCH
from marketplace.ledger.devchain.server import TAKEN_IDS, open_chain
from marketplace.ledger.devchain.store import InUseError, Store
from tests.embedded_chain import KEY, EmbeddedChain
from tests.style.meter import ROOT

OWN = chain_key.address(KEY)
SOMEBODY = Account.from_key(b"\x05" * 32).address


def asked(url: str, body: Any) -> Any:
    """POST any body and decode the answer."""
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    with requests.Session() as session:
        session.trust_env = False
        return session.post(url, data=content, timeout=20).json()


def ask(url: str, method: str, *params: Any) -> Any:
    """One request; the error object when it is one."""
    answer = asked(url, {"jsonrpc": "2.0", "id": 1, "method": method, "params": params})
    return answer.get("result", answer.get("error"))


def signed(chain_id: int, nonce: int, *, key: bytes = KEY, **fields: Any) -> str:
    """A signed payment of one wei, or what `fields` make of it."""
    tx = {"to": SOMEBODY, "value": 1, "gas": 21_000, "nonce": nonce, "chainId": chain_id}
    fees = {"maxFeePerGas": 10**11, "maxPriorityFeePerGas": 10**9}
    return "0x" + bytes(Account.sign_transaction(tx | fees | fields, key).raw_transaction).hex()


def nonce_of(running: EmbeddedChain) -> int:
    """The installation key's next nonce."""
    return int(ask(running.url, "eth_getTransactionCount", OWN, "latest"), 16)


def test_a_payment_is_a_block_with_everything_about_it(embedded: EmbeddedChain) -> None:
    url, nonce = embedded.url, nonce_of(embedded)
    before = int(ask(url, "eth_getBalance", SOMEBODY, "latest"), 16)
    tx_hash = ask(url, "eth_sendRawTransaction", signed(embedded.chain_id, nonce))
    receipt = ask(url, "eth_getTransactionReceipt", tx_hash)
    assert (receipt["status"], receipt["gasUsed"], receipt["from"]) == ("0x1", "0x5208", OWN.lower())
    block = ask(url, "eth_getBlockByHash", receipt["blockHash"], True)
    assert block["number"] == receipt["blockNumber"] == ask(url, "eth_blockNumber")
    assert block["transactions"][0] == ask(url, "eth_getTransactionByHash", tx_hash)
    assert block["transactions"][0]["nonce"] == hex(nonce)
    parent = ask(url, "eth_getBlockByNumber", hex(int(block["number"], 16) - 1), False)
    assert (block["parentHash"], int(block["timestamp"], 16) > int(parent["timestamp"], 16)) == (parent["hash"], True)
    assert int(ask(url, "eth_getBalance", SOMEBODY, "latest"), 16) == before + 1
    # The past is still there to be asked.
    assert int(ask(url, "eth_getBalance", SOMEBODY, parent["number"]), 16) == before
    assert ask(url, "eth_getTransactionCount", OWN, {"blockHash": parent["hash"]}) == hex(nonce)


@pytest.mark.parametrize("tag", ["latest", "pending", "safe", "finalized"])
def test_what_is_mined_is_final(embedded: EmbeddedChain, tag: str) -> None:
    assert ask(embedded.url, "eth_getBlockByNumber", tag, False)["number"] == ask(embedded.url, "eth_blockNumber")


def test_the_same_bytes_are_mined_once(embedded: EmbeddedChain) -> None:
    raw, height = signed(embedded.chain_id, nonce_of(embedded)), int(ask(embedded.url, "eth_blockNumber"), 16)
    ask(embedded.url, "eth_sendRawTransaction", raw)
    again = ask(embedded.url, "eth_sendRawTransaction", raw)
    assert again == {"code": -32000, "message": "already known"}
    assert int(ask(embedded.url, "eth_blockNumber"), 16) == height + 1


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"nonce": -1, "value": 2}, "nonce too low: next nonce"),
        ({"nonce": 1}, "nonce too high: next nonce"),
        ({"chainId": 1}, "invalid chain id for signer: have 1 want"),
        ({"gas": 30_000_001}, "exceeds block gas limit"),
        ({"gas": 20_999}, "gas"),
        ({"maxFeePerGas": 1, "maxPriorityFeePerGas": 1}, "max fee per gas less than block base fee"),
        ({"value": 10**40}, "insufficient funds for gas * price + value"),
    ],
)
def test_a_transaction_no_block_can_hold_is_refused_in_words(
    embedded: EmbeddedChain, change: dict[str, Any], says: str
) -> None:
    nonce, height = nonce_of(embedded), ask(embedded.url, "eth_blockNumber")
    fields = dict(change)
    chain_id, nonce_asked = fields.pop("chainId", embedded.chain_id), nonce + fields.pop("nonce", 0)
    error = ask(embedded.url, "eth_sendRawTransaction", signed(chain_id, nonce_asked, **fields))
    assert error["code"] == -32000
    assert says in error["message"]
    assert (ask(embedded.url, "eth_blockNumber"), nonce_of(embedded)) == (height, nonce)


def test_bytes_that_are_no_transaction_are_refused(embedded: EmbeddedChain) -> None:
    for raw in ("0x", "0x00", "0x02", "0xc0", "0x02c0", "0x" + "ff" * 100):
        assert "cannot be read" in ask(embedded.url, "eth_sendRawTransaction", raw)["message"]


def test_a_revert_carries_the_contracts_error(embedded: EmbeddedChain) -> None:
    log = embedded.deploy()
    data = log.functions.anchor(7, 1, b"\1" * 32, [], [])._encode_transaction_data()
    for method in ("eth_call", "eth_estimateGas"):
        error = ask(embedded.url, method, {"from": OWN, "to": log.address, "data": data})
        assert (error["code"], chain.error_name(error["data"])) == (3, "WrongSeq")


def test_an_estimate_is_enough_and_not_much_more(embedded: EmbeddedChain) -> None:
    log = embedded.deploy()
    call = log.functions.anchor(1, 1, b"\1" * 32, [], [])
    estimate = call.estimate_gas({"from": OWN})
    used = embedded.transact(call, gas=estimate)["gasUsed"]
    assert used <= estimate <= used * 1.1


def test_logs_are_found_by_address_topic_and_block(embedded: EmbeddedChain) -> None:
    log, other = embedded.deploy(), embedded.deploy()
    for one in (log, other):
        embedded.transact(one.functions.anchor(1, 1, b"\1" * 32, [], []))
    everything = {"fromBlock": "0x0", "toBlock": "latest"}
    own = ask(embedded.url, "eth_getLogs", everything | {"address": log.address})
    anchored = own[-1]
    assert anchored["data"].startswith("0x")
    signature, number = anchored["topics"]
    found = ask(
        embedded.url, "eth_getLogs", everything | {"address": [log.address, other.address], "topics": [signature]}
    )
    assert [one["address"] for one in found] == [log.address.lower(), other.address.lower()]
    assert ask(
        embedded.url, "eth_getLogs", everything | {"address": log.address, "topics": [None, [number, signature]]}
    ) == [anchored]
    assert ask(embedded.url, "eth_getLogs", everything | {"address": log.address, "topics": [[number]]}) == []
    assert ask(embedded.url, "eth_getLogs", {"blockHash": anchored["blockHash"]}) == [anchored]
    assert ask(embedded.url, "eth_getLogs", {"fromBlock": "0x0", "toBlock": "0x0"}) == []


def test_fees_follow_the_blocks(embedded: EmbeddedChain) -> None:
    embedded.transact(embedded.deploy().functions.pause())
    history = ask(embedded.url, "eth_feeHistory", "0x2", "latest", [10, 50])
    newest = ask(embedded.url, "eth_getBlockByNumber", "latest", False)
    assert history["baseFeePerGas"][1] == newest["baseFeePerGas"]
    assert len(history["baseFeePerGas"]) == 3
    assert history["gasUsedRatio"][1] == int(newest["gasUsed"], 16) / 30_000_000
    assert history["reward"][1] == [hex(10**9)] * 2
    assert int(ask(embedded.url, "eth_gasPrice"), 16) > int(ask(embedded.url, "eth_maxPriorityFeePerGas"), 16) > 0


@pytest.mark.parametrize(
    ("method", "params", "code", "says"),
    [
        ("eth_mine", [], -32601, "eth_mine does not exist"),
        ("eth_getBalance", [], -32602, "eth_getBalance does not take 0 parameters"),
        ("eth_getBalance", ["0x12", "latest"], -32602, "address is '0x12', expected 20 bytes"),
        ("eth_getBalance", [OWN, "newest"], -32602, "block is 'newest', expected a number"),
        ("eth_getBalance", [OWN, "0xffffff"], -32000, "block 16777215 is not mined"),
        ("eth_getTransactionReceipt", [7], -32602, "hash is 7, expected 32 bytes"),
        ("eth_call", ["0x"], -32602, "transaction is '0x', expected an object"),
        ("eth_getLogs", [{"topics": "x"}], -32602, "topics is 'x'"),
        ("eth_feeHistory", ["0x0"], -32602, "blockCount"),
        ("eth_chainId", {"a": 1}, -32602, "expected a list"),
    ],
)
def test_a_bad_request_is_told_what_is_wrong(
    embedded: EmbeddedChain, method: str, params: Any, code: int, says: str
) -> None:
    error = asked(embedded.url, {"jsonrpc": "2.0", "id": 5, "method": method, "params": params})
    assert (error["id"], error["error"]["code"]) == (5, code)
    assert says in error["error"]["message"]


def test_a_batch_is_answered_in_order_and_has_a_limit(embedded: EmbeddedChain) -> None:
    one = {"jsonrpc": "2.0", "method": "eth_chainId", "params": []}
    answers = asked(embedded.url, [one | {"id": 1}, one, "nonsense", one | {"id": 2, "method": "x"}])
    assert [answer.get("id") for answer in answers] == [1, None, 2]
    assert (
        "batch too large: 101 requests"
        in asked(embedded.url, [one | {"id": 1}] * (MOST_IN_A_BATCH + 1))["error"]["message"]
    )
    assert asked(embedded.url, [])["error"]["code"] == -32600
    assert asked(embedded.url, b"{oops")["error"]["code"] == -32700
    assert asked(embedded.url, b" " * 5_000_000)["error"]["code"] == -32600


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=12) | st.sampled_from(["0x", "0x1", OWN, "latest"]),
    lambda inner: (
        st.lists(inner, max_size=4)
        | st.dictionaries(st.sampled_from(["to", "data", "topics", "address", "gas"]), inner)
    ),
    max_leaves=8,
)


@given(data=st.data())
def test_no_parameter_breaks_it(shared_chain: EmbeddedChain, data: st.DataObject) -> None:
    rpc = shared_chain.server.rpc
    method = data.draw(st.sampled_from(sorted(rpc.methods)))
    answer = rpc.answer({"id": 1, "method": method, "params": data.draw(st.lists(JSON, max_size=3) | JSON)})
    assert isinstance(answer, dict)
    json.dumps(answer)
    assert answer.get("error", {}).get("code") != -32603, answer


def test_each_installation_has_a_chain_id_of_its_own() -> None:
    ids = {open_chain(None, key=KEY).chain_id for _ in range(3)}
    assert len(ids) == 3
    assert not ids & TAKEN_IDS


@pytest.fixture
def process(tmp_path: Path) -> Iterator[Callable[[], str]]:
    """Starts the chain as its own process under tmp_path and returns its address; kill -9 first if one runs."""
    running: list[subprocess.Popen[bytes]] = []

    def start() -> str:
        for one in running:
            os.kill(one.pid, signal.SIGKILL)
            one.communicate()
        running.clear()
        address = tmp_path / "chain" / "rpc_url"
        old = address.stat().st_mtime_ns if address.exists() else 0
        command = [sys.executable, "-m", "marketplace.ledger.devchain", "--var", str(tmp_path)]
        running.append(subprocess.Popen(command, cwd=ROOT, stderr=subprocess.PIPE))
        until = time.monotonic() + 30
        while not address.exists() or address.stat().st_mtime_ns == old:
            assert running[0].poll() is None, running[0].communicate()[1].decode()
            assert time.monotonic() < until
            time.sleep(0.02)
        return address.read_text()

    yield start
    for one in running:
        one.terminate()
        assert one.wait(10) == 0
        one.communicate()


def test_kill_9_loses_nothing_that_was_acknowledged(process: Callable[[], str], tmp_path: Path) -> None:
    url = process()
    key, chain_id = chain_key.load(tmp_path / "keys" / "chain_key"), int(ask(url, "eth_chainId"), 16)
    acknowledged: list[str] = []

    def keep_sending() -> None:
        while True:
            raw = signed(chain_id, len(acknowledged), key=key)
            try:
                acknowledged.append(ask(url, "eth_sendRawTransaction", raw))
            except requests.RequestException:
                return

    sender = threading.Thread(target=keep_sending)
    sender.start()
    while len(acknowledged) < 15:
        time.sleep(0.01)
    assert process() == url, "the port stays"  # kill -9 in the middle of sending
    sender.join()
    # One transaction may have been mined without its answer arriving; none that was answered may be missing.
    height = int(ask(url, "eth_blockNumber"), 16)
    assert len(acknowledged) <= height <= len(acknowledged) + 1
    assert all(ask(url, "eth_getTransactionReceipt", tx_hash)["status"] == "0x1" for tx_hash in acknowledged)
    assert int(ask(url, "eth_chainId"), 16) == chain_id
    blocks = [ask(url, "eth_getBlockByNumber", hex(n), False) for n in range(height + 1)]
    assert [one["parentHash"] for one in blocks[1:]] == [one["hash"] for one in blocks[:-1]]
    # And it goes on from there.
    assert ask(url, "eth_sendRawTransaction", signed(chain_id, height, key=key)).startswith("0x")


def test_one_chain_file_has_one_owner(tmp_path: Path) -> None:
    first = Store(tmp_path / "chain.sqlite3")
    with pytest.raises(InUseError, match="is open in another process"):
        Store(tmp_path / "chain.sqlite3")
    first.close()
    Store(tmp_path / "chain.sqlite3").close()


def test_the_key_is_made_once_and_for_its_owner_only(tmp_path: Path) -> None:
    path = tmp_path / "keys" / "chain_key"
    key = chain_key.load_or_create(path)
    assert chain_key.load_or_create(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert [one.name for one in path.parent.iterdir()] == ["chain_key"]


@pytest.mark.parametrize("content", ["", "0x12", "not a key", "0x" + "zz" * 32])
def test_a_broken_key_file_is_named_and_not_shown(tmp_path: Path, content: str) -> None:
    path = tmp_path / "chain_key"
    path.write_text(content)
    with pytest.raises(chain_key.KeyFileError, match="must hold one secp256k1 key as 64 hexadecimal") as caught:
        chain_key.load_or_create(path)
    assert not content or content not in str(caught.value)
