"""What the contract says, kept as an evidence pack carries it: raw logs, their transactions and their blocks.

It asks a chain in plain JSON-RPC and judges nothing: the verifier does.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, Protocol

from marketplace.ledger.onchain import ChainUnavailableError
from marketplace.ledger.reader import ANCHORED, RECORDED

LOG = ("address", "topics", "data", "blockNumber", "blockHash", "transactionHash", "logIndex")
BLOCK = ("number", "hash", "parentHash", "timestamp", "stateRoot", "receiptsRoot", "transactionsRoot")


class RawChain(Protocol):
    """What is asked of ledger.reader.Reader."""

    chain_id: int
    contract: str
    first_block: int

    def check_place(self) -> None:
        """Refuse another chain, or an address without a contract."""

    def logs(self, *topics: str) -> list[dict[str, Any]]:
        """The contract's events under these topics, oldest first."""

    def ask(self, method: str, *params: Any) -> Any:
        """One JSON-RPC question."""


def anchors(chain: RawChain | None, *, code_hash: str, heads: int, keys: Collection[str]) -> dict[str, Any]:
    """anchors.json: what the contract says of heads 1 to `heads` and of the record keys given.

    Without a chain it says NO_CHAIN. Raises ChainError where the chain cannot be asked.
    """
    if chain is None:
        return {"state": "NO_CHAIN"}
    chain.check_place()
    logs = [log for log in chain.logs(ANCHORED) if int(log["topics"][1], 16) <= heads]
    logs += [log for log in chain.logs(RECORDED) if log["topics"][1][2:] in keys]
    logs.sort(key=lambda log: (int(log["blockNumber"], 16), int(log["logIndex"], 16)))
    transactions = [transaction(chain, tx) for tx in dict.fromkeys(log["transactionHash"] for log in logs)]
    numbers = sorted({log["blockNumber"] for log in logs}, key=lambda number: int(number, 16))
    return {
        "state": "ANCHORED",
        "chain_id": chain.chain_id,
        "contract": chain.contract,
        "code_hash": code_hash,
        "first_block": chain.first_block,
        "sender": transactions[0]["from"] if transactions else "",
        "logs": [{name: log[name] for name in LOG} for log in logs],
        "transactions": transactions,
        "blocks": [block(chain, number) for number in numbers],
    }


def transaction(chain: RawChain, tx_hash: str) -> dict[str, str]:
    """Who sent a transaction to whom."""
    found = chain.ask("eth_getTransactionByHash", tx_hash)
    if not found:
        raise ChainUnavailableError(f"the chain shows a log of transaction {tx_hash}, and not the transaction")
    return {"hash": tx_hash, "from": str(found["from"]), "to": str(found["to"])}


def block(chain: RawChain, number: str) -> dict[str, Any]:
    """A block's header, as far as the chain gives it."""
    found = chain.ask("eth_getBlockByNumber", number, False)
    if not found:
        raise ChainUnavailableError(f"the chain shows a log in block {number}, and not the block")
    return {name: found[name] for name in BLOCK if name in found}
