"""Read the audit contract with nothing but JSON-RPC and fixed 32-byte words: what an auditor could type by hand.

Verifiers read through this room and not through chain.py, so they share no code with what wrote to the chain, and a web
page never loads web3 (two seconds of it). It reads events and one view; it sends nothing and trusts nothing it is told.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import count
from typing import Any, Never
from urllib.parse import urlsplit

import requests

from marketplace.ledger.deployment import deployment, rpc_url
from marketplace.ledger.onchain import ChainError, ChainUnavailableError, NoContractError, WrongChainError

TIMEOUT_S = 10
# keccak-256 of the event signatures, and the first four bytes of those of the views (contracts/interfaces).
ANCHORED = "0x45ef56a72880233a8b623853acd34f76e6bf8a421163a5e65ea2b49870e8189f"
RECORDED = "0xfacb5b4282f6cb77120dc69d36993ae5bdaf9eca55a89370fc455d91cf44cda7"
HEAD, ORIGIN_HASH = "0x8f7dcfa3", "0x67a32810"


@dataclass(frozen=True, slots=True)
class AnchoredHead:
    """A head the contract accepted, by the event it left. Root and acc are 64 hex digits, tx_hash carries 0x."""

    number: int
    prev_size: int
    size: int
    root: str
    acc: str
    tx_hash: str


@dataclass(frozen=True, slots=True)
class NewestHead:
    """The contract's newest head. `acc` folds every head ever accepted."""

    number: int
    size: int
    root: str
    acc: str


class Reader:
    """One contract on one chain. Every method raises ChainError when it cannot be asked."""

    def __init__(self, url: str, *, chain_id: int, contract: str, first_block: int = 0) -> None:
        self.url, self.chain_id, self.contract, self.first_block = url, chain_id, contract, first_block
        self.session, self.ids = requests.Session(), count(1)
        # A proxy set for the machine does not lead to its own loopback.
        self.session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}

    def check_place(self) -> None:
        """Raise WrongChainError or NoContractError unless this is the chain, with a contract at the address."""
        chain_id = int(self.ask("eth_chainId"), 16)
        if chain_id != self.chain_id:
            raise WrongChainError(f"chain {chain_id} answers, and the proof speaks of chain {self.chain_id}")
        if self.ask("eth_getCode", self.contract, "latest") in {"0x", ""}:
            raise NoContractError(f"there is no contract at {self.contract} on chain {chain_id}")

    def head(self) -> NewestHead:
        """The newest head the contract holds; number 0 before the first."""
        number, size, _time, _paused, root, acc = words(self.call(HEAD), 6)
        return NewestHead(int(number, 16), int(size, 16), root, acc)

    def origin_hash(self) -> str:
        """SHA-256 of the log's origin line, as the contract was deployed with it."""
        return words(self.call(ORIGIN_HASH), 1)[0]

    def heads(self) -> list[AnchoredHead]:
        """Every head ever accepted, in order."""
        return [anchored(log) for log in self.logs(ANCHORED)]

    def anchored_root(self, number: int) -> tuple[int, str, str] | None:
        """Size, root and transaction of head `number`; None when the contract never accepted one."""
        found = self.logs(ANCHORED, f"{number:#066x}")
        head = anchored(found[0]) if found else None
        return (head.size, head.root, head.tx_hash) if head else None

    def recorded_commitment(self, key: str) -> tuple[str, str] | None:
        """Commitment and transaction of a record key (64 hex digits); None when the contract holds no such record."""
        found = self.logs(RECORDED, f"0x{key}")
        return (words(found[0]["data"], 2)[1], found[0]["transactionHash"]) if found else None

    def records(self) -> dict[str, str]:
        """The commitment of every record key."""
        return {log["topics"][1][2:]: words(log["data"], 2)[1] for log in self.logs(RECORDED)}

    def logs(self, *topics: str) -> list[dict[str, Any]]:
        """The contract's own events under these topics, oldest first."""
        wanted = {
            "address": self.contract,
            "fromBlock": hex(self.first_block),
            "toBlock": "latest",
            "topics": list(topics),
        }
        return list(self.ask("eth_getLogs", wanted))

    def call(self, selector: str) -> str:
        """A view without arguments."""
        return str(self.ask("eth_call", {"to": self.contract, "data": selector}, "latest"))

    def ask(self, method: str, *params: Any) -> Any:
        """One JSON-RPC question."""
        body = {"jsonrpc": "2.0", "id": next(self.ids), "method": method, "params": list(params)}
        try:
            response = self.session.post(self.url, json=body, timeout=TIMEOUT_S)
            answer = response.json()
        except (requests.RequestException, ValueError) as problem:
            raise ChainUnavailableError(f"the chain does not answer ({type(problem).__name__})") from problem
        if not isinstance(answer, dict) or "result" not in answer:
            said = answer.get("error", {}) if isinstance(answer, dict) else answer
            raise ChainUnavailableError(f"the chain refused {method}: {str(said)[:200]}")
        return answer["result"]


class Unanswering:
    """Stands where a chain should be and is not: every question about it gets the reason."""

    def __init__(self, problem: ChainError) -> None:
        self.problem = problem

    def refuse(self, _asked: object, /) -> Never:
        """Raises the reason."""
        raise self.problem

    anchored_root = recorded_commitment = refuse


def installed() -> Reader | None:
    """The contract this installation anchors in; None when it has no chain on purpose. Raises ChainError."""
    url = rpc_url()
    if url is None:
        return None
    where = deployment()
    return Reader(url, chain_id=where.chain_id, contract=where.address, first_block=where.block)


def anchored(log: dict[str, Any]) -> AnchoredHead:
    """An Anchored event."""
    prev_size, size, root, acc = words(log["data"], 4)
    return AnchoredHead(
        int(log["topics"][1], 16), int(prev_size, 16), int(size, 16), root, acc, str(log["transactionHash"])
    )


def words(data: str, wanted: int) -> list[str]:
    """The first `wanted` 32-byte words of ABI data, 64 hex digits each. Raises ChainUnavailableError for less."""
    text = data.removeprefix("0x")
    if len(text) < 64 * wanted:
        raise ChainUnavailableError(f"the contract answered {len(text) // 2} bytes where {32 * wanted} were due")
    return [text[64 * i : 64 * i + 64] for i in range(wanted)]
