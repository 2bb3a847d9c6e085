"""Blocks, transactions, receipts and logs in the JSON shapes of Ethereum's RPC. It reads py-evm's objects and decides nothing."""

from __future__ import annotations

from typing import Any

import rlp
from eth.abc import BlockAPI, BlockHeaderAPI, ComputationAPI, ReceiptAPI, SignedTransactionAPI

HEADER_FIELDS = {
    "parentHash": "parent_hash",
    "sha3Uncles": "uncles_hash",
    "miner": "coinbase",
    "stateRoot": "state_root",
    "transactionsRoot": "transaction_root",
    "receiptsRoot": "receipt_root",
    "logsBloom": "bloom",
    "difficulty": "difficulty",
    "number": "block_number",
    "gasLimit": "gas_limit",
    "gasUsed": "gas_used",
    "timestamp": "timestamp",
    "extraData": "extra_data",
    "mixHash": "mix_hash",
    "nonce": "nonce",
    "baseFeePerGas": "base_fee_per_gas",
    "withdrawalsRoot": "withdrawals_root",
    "blobGasUsed": "blob_gas_used",
    "excessBlobGas": "excess_blob_gas",
    "parentBeaconBlockRoot": "parent_beacon_block_root",
    "requestsHash": "requests_hash",
}


def hexed(value: bytes | int) -> str:
    """0x text: bytes in full, numbers without leading zeros."""
    return hex(value) if isinstance(value, int) else f"0x{bytes(value).hex()}"


def encoded(block: BlockAPI) -> bytes:
    """The block's RLP bytes."""
    return bytes(rlp.encode(block))


def block(header: BlockHeaderAPI, tx_hashes: list[str], *, size: int) -> dict[str, Any]:
    """A block with its transactions as hashes."""
    body: dict[str, Any] = {name: hexed(getattr(header, field)) for name, field in HEADER_FIELDS.items()}
    body["logsBloom"] = f"0x{header.bloom:0512x}"
    return body | {
        "hash": hexed(header.hash),
        "size": hexed(size),
        "transactions": tx_hashes,
        "uncles": [],
        "withdrawals": [],
    }


def transaction(tx: SignedTransactionAPI, at: dict[str, Any]) -> dict[str, Any]:
    """A transaction in block `at`, of which it is the only one."""
    kind = getattr(tx, "type_id", None) or 0
    base_fee = int(at["baseFeePerGas"], 16)
    tip = min(tx.max_priority_fee_per_gas, tx.max_fee_per_gas - base_fee)
    body = {
        "hash": hexed(tx.hash),
        "type": hexed(kind),
        "chainId": hexed(tx.chain_id or 0),
        "nonce": hexed(tx.nonce),
        "from": hexed(tx.sender),
        "to": hexed(tx.to) if tx.to else None,
        "value": hexed(tx.value),
        "input": hexed(tx.data),
        "gas": hexed(tx.gas),
        "gasPrice": hexed(base_fee + tip),
        "r": hexed(tx.r),
        "s": hexed(tx.s),
        "v": hexed(tx.y_parity if kind else tx.v),  # type: ignore[attr-defined]
        "blockHash": at["hash"],
        "blockNumber": at["number"],
        "transactionIndex": "0x0",
    }
    if kind:
        body |= {"yParity": hexed(tx.y_parity), "accessList": access_list(tx)}
    if kind >= 2:
        body |= {
            "maxFeePerGas": hexed(tx.max_fee_per_gas),
            "maxPriorityFeePerGas": hexed(tx.max_priority_fee_per_gas),
        }
    return body


def access_list(tx: SignedTransactionAPI) -> list[dict[str, Any]]:
    """Addresses and slots a typed transaction declares."""
    return [
        {"address": hexed(address), "storageKeys": [f"0x{slot:064x}" for slot in slots]}
        for address, slots in tx.access_list
    ]


def receipt(tx: dict[str, Any], at: dict[str, Any], mined: ReceiptAPI, computation: ComputationAPI) -> dict[str, Any]:
    """The receipt of `tx` in block `at`."""
    place = {
        "blockHash": at["hash"],
        "blockNumber": at["number"],
        "transactionHash": tx["hash"],
        "transactionIndex": "0x0",
    }
    logs = [
        place
        | {
            "address": hexed(log.address),
            "topics": [f"0x{topic:064x}" for topic in log.topics],
            "data": hexed(log.data),
            "logIndex": hexed(position),
            "removed": False,
        }
        for position, log in enumerate(mined.logs)
    ]
    created = computation.msg.storage_address if tx["to"] is None and computation.is_success else None
    return place | {
        "type": tx["type"],
        "from": tx["from"],
        "to": tx["to"],
        "status": "0x1" if computation.is_success else "0x0",
        "gasUsed": hexed(mined.gas_used),
        "cumulativeGasUsed": hexed(mined.gas_used),
        "effectiveGasPrice": tx["gasPrice"],
        "contractAddress": hexed(created) if created else None,
        "logs": logs,
        "logsBloom": f"0x{mined.bloom:0512x}",
    }
