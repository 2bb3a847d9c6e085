"""Plain JSON-RPC reads the real contract, as web3 does; what is not an answer is an error in words."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator

import pytest
import responses
from eth_utils import keccak

from marketplace.ledger import merkle, reader
from marketplace.ledger.chain import Chain
from marketplace.ledger.deployment import artefact
from marketplace.ledger.onchain import ChainUnavailableError, NoContractError, WrongChainError
from marketplace.ledger.reader import Reader
from tests.embedded_chain import EmbeddedChain, running_chain

LEAVES = [merkle.leaf_hash(b"entry %d" % i) for i in range(9)]
KEY = hashlib.sha256(b"\x11" * 32 + b"II").hexdigest()
NODE = "http://127.0.0.1:8545"


@pytest.fixture(scope="module")
def chain() -> Iterator[EmbeddedChain]:
    with running_chain() as running:
        yield running


@pytest.fixture(scope="module")
def contract(chain):
    """The contract with two heads and one record."""
    log = chain.deploy()
    for number, (old, size) in enumerate([(0, 4), (4, 9)], start=1):
        proof = merkle.consistency_proof(LEAVES[:size], old)
        chain.transact(log.functions.anchor(number, size, merkle.root(LEAVES[:size]), proof, []))
    chain.transact(log.functions.recordBatch([(b"\x11" * 32, b"\x22" * 32, b"\0" * 32, b"II")]))
    return log


@pytest.fixture
def read(chain, contract):
    return Reader(chain.url, chain_id=chain.chain_id, contract=contract.address)


def test_the_topics_are_those_of_the_committed_contract():
    signatures = {
        one["name"]: keccak(text=f"{one['name']}({','.join(part['type'] for part in one['inputs'])})").hex()
        for one in artefact()["abi"]
        if one["type"] in {"event", "function"}
    }
    assert f"0x{signatures['Anchored']}" == reader.ANCHORED
    assert f"0x{signatures['SettlementRecorded']}" == reader.RECORDED
    assert f"0x{signatures['head'][:8]}" == reader.HEAD
    assert f"0x{signatures['originHash'][:8]}" == reader.ORIGIN_HASH


def test_heads_are_read(read):
    heads = read.heads()
    assert [(one.number, one.prev_size, one.size) for one in heads] == [(1, 0, 4), (2, 4, 9)]
    assert [one.root for one in heads] == [merkle.root(LEAVES[:size]).hex() for size in (4, 9)]
    newest = read.head()
    assert (newest.number, newest.size, newest.root, newest.acc) == (2, 9, heads[1].root, heads[1].acc)
    assert read.anchored_root(1) == (4, heads[0].root, heads[0].tx_hash)
    assert read.anchored_root(3) is None
    assert read.origin_hash() == hashlib.sha256(b"caco.example/settlement-log").hexdigest()


def test_records_are_read(read):
    commitment, tx_hash = read.recorded_commitment(KEY)
    assert commitment == "22" * 32
    assert tx_hash.startswith("0x")
    assert len(tx_hash) == 66
    assert read.recorded_commitment("00" * 32) is None
    assert read.records() == {KEY: "22" * 32}


def test_both_readers_say_the_same(read, chain, contract):
    other = Chain(chain.web3, chain.deployment(contract))
    for number in (1, 2, 3):
        event = other.anchored(number)
        assert (event and (event.size, event.root, event.place.tx_hash)) == read.anchored_root(number)
    events = other.recorded([KEY, "00" * 32])
    assert {key: (one.commitment, one.place.tx_hash) for key, one in events.items()} == {
        KEY: read.recorded_commitment(KEY)
    }
    head, newest = other.head(), read.head()
    assert (head.seq, head.size, head.root, head.acc) == (newest.number, newest.size, newest.root, newest.acc)


def test_the_place_is_checked(read, chain, contract):
    read.check_place()
    with pytest.raises(WrongChainError, match=f"chain {chain.chain_id} answers, and the proof speaks of chain 1"):
        Reader(chain.url, chain_id=1, contract=contract.address).check_place()
    with pytest.raises(NoContractError, match="there is no contract at 0x00"):
        Reader(chain.url, chain_id=chain.chain_id, contract="0x" + "00" * 20).check_place()


def test_an_address_without_a_contract_answers_nothing(chain):
    empty = Reader(chain.url, chain_id=chain.chain_id, contract="0x" + "00" * 20)
    assert empty.anchored_root(1) is None
    with pytest.raises(ChainUnavailableError, match="0 bytes where 192 were due"):
        empty.head()


def test_a_chain_that_is_down_is_said_in_words(free_port):
    down = Reader(f"http://127.0.0.1:{free_port()}", chain_id=1, contract="0x" + "00" * 20)
    with pytest.raises(ChainUnavailableError, match="does not answer"):
        down.head()


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ("<html>", "does not answer"),
        ("[]", "refused eth_call"),
        (json.dumps({"error": {"code": -32005, "message": "limit exceeded"}}), "limit exceeded"),
        (json.dumps({"result": "0x12"}), "1 bytes where 192 were due"),
    ],
)
@responses.activate
def test_what_is_no_answer_is_an_error(body, said):
    responses.post(NODE, body=body)
    with pytest.raises(ChainUnavailableError, match=said):
        Reader(NODE, chain_id=1, contract="0x" + "00" * 20).head()


def test_the_installations_contract_is_read_from_its_files(settings, tmp_path, chain, contract):
    settings.CHAIN_RPC_URL, settings.CHAIN_CONTRACT_FILE = "none", tmp_path / "contract.json"
    assert reader.installed() is None
    settings.CHAIN_RPC_URL = chain.url
    with pytest.raises(NoContractError, match="audit_deploy"):
        reader.installed()
    chain.deployment(contract).write(tmp_path / "contract.json")
    found = reader.installed()
    found.check_place()
    assert found.head().size == 9
