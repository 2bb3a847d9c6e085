"""Ethereum's JSON-RPC methods over the store and the machine: reading parameters, answering in the wire's shapes.

It knows nothing of HTTP. A stranger's bad parameter becomes error -32602 with the place and the reason, never a stack trace.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Callable
from typing import Any

from marketplace.ledger.devchain.evm import AlreadyKnownError, Call, CallFailedError, Evm, RefusedError
from marketplace.ledger.devchain.shapes import hexed
from marketplace.ledger.devchain.store import Store, TooManyLogsError

log = logging.getLogger(__name__)
MOST_IN_A_BATCH = 100
TIP = 10**9  # wei per gas suggested as priority fee; this chain mines everything it accepts
VERSION = "caco-devchain/1"
QUANTITY = re.compile(r"0x(0|[1-9a-f][0-9a-f]{0,63})\Z", re.IGNORECASE)
NEWEST = {"latest", "pending", "safe", "finalized"}  # what is mined is final at once here


class RpcError(Exception):
    """An answer that is an error object."""

    def __init__(self, code: int, message: str, data: str | None = None) -> None:
        super().__init__(message)
        self.code, self.data = code, data

    def body(self) -> dict[str, Any]:
        """The error object."""
        return {"code": self.code, "message": str(self)} | ({"data": self.data} if self.data is not None else {})


def invalid(place: str, value: object, wanted: str) -> RpcError:
    """A bad parameter, named."""
    return RpcError(-32602, f"invalid params: {place} is {value!r:.80}, expected {wanted}")


def quantity(value: object, place: str) -> int:
    """A hexadecimal number."""
    if not isinstance(value, str) or not QUANTITY.match(value):
        raise invalid(place, value, "a number as 0x text without leading zeros")
    return int(value, 16)


def octets(value: object, place: str, *, size: int | None = None) -> bytes:
    """Bytes as 0x text, of `size` when it is given."""
    try:
        if not isinstance(value, str) or not value.startswith("0x"):
            raise ValueError
        found = bytes.fromhex(value[2:])
        if size is not None and len(found) != size:
            raise ValueError
    except ValueError:
        raise invalid(place, value, f"{size} bytes as 0x text" if size else "bytes as 0x text") from None
    return found


class Rpc:
    """All methods of one chain. `answer` takes a decoded request or batch. Callers take turns."""

    def __init__(self, store: Store, evm: Evm, *, chain_id: int) -> None:
        self.store, self.evm, self.chain_id = store, evm, chain_id
        self.methods: dict[str, Callable[..., Any]] = {
            "web3_clientVersion": lambda: VERSION,
            "net_version": lambda: str(chain_id),
            "net_listening": lambda: True,
            "eth_chainId": lambda: hexed(chain_id),
            "eth_syncing": lambda: False,
            "eth_accounts": list,  # it holds no keys
            "eth_blockNumber": lambda: hexed(self.height()),
            "eth_gasPrice": lambda: hexed(self.evm.base_fee() + TIP),
            "eth_maxPriorityFeePerGas": lambda: hexed(TIP),
            "eth_feeHistory": self.fee_history,
            "eth_getBlockByNumber": self.block_by_number,
            "eth_getBlockByHash": self.block_by_hash,
            "eth_getTransactionByHash": lambda tx: self.store.transaction_body(hexed(octets(tx, "hash", size=32))),
            "eth_getTransactionReceipt": lambda tx: self.store.receipt(hexed(octets(tx, "hash", size=32))),
            "eth_getTransactionCount": lambda a, at="latest": hexed(self.evm.nonce(*self.account(a, at))),
            "eth_getBalance": lambda a, at="latest": hexed(self.evm.balance(*self.account(a, at))),
            "eth_getCode": lambda a, at="latest": hexed(self.evm.code(*self.account(a, at))),
            "eth_getLogs": self.logs,
            "eth_call": lambda tx, at="latest": hexed(self.evm.call(asked(tx), self.number(at))),
            "eth_estimateGas": lambda tx, at="latest": hexed(self.evm.estimate(asked(tx), self.number(at))),
            "eth_sendRawTransaction": lambda raw: hexed(self.evm.send(octets(raw, "transaction"))),
        }

    def answer(self, request: object) -> object:
        """The response object, or a list of them for a batch; None when nobody waits for one."""
        if not isinstance(request, list):
            return self.answer_one(request)
        if not request:
            return failure(None, RpcError(-32600, "invalid request: the batch is empty"))
        if len(request) > MOST_IN_A_BATCH:
            return failure(
                None, RpcError(-32600, f"batch too large: {len(request)} requests, at most {MOST_IN_A_BATCH}")
            )
        return [found for one in request if (found := self.answer_one(one)) is not None] or None

    def answer_one(self, request: object) -> dict[str, Any] | None:
        """One request's response."""
        if not isinstance(request, dict) or not isinstance(request.get("method"), str):
            return failure(None, RpcError(-32600, "invalid request: expected an object with a method"))
        try:
            result = self.perform(request["method"], request.get("params", []))
        except RpcError as problem:
            return failure(request.get("id"), problem)
        if "id" not in request:
            return None
        return {"jsonrpc": "2.0", "id": request["id"], "result": result}

    def perform(self, method: str, params: object) -> Any:
        """Call the method and turn every anticipated failure into an RpcError."""
        if method not in self.methods:
            raise RpcError(-32601, f"the method {method:.60} does not exist on the development chain")
        if not isinstance(params, list):
            raise RpcError(-32602, "invalid params: expected a list")
        try:
            inspect.signature(self.methods[method]).bind(*params)
        except (TypeError, ValueError) as problem:
            raise RpcError(-32602, f"invalid params: {method} does not take {len(params)} parameters") from problem
        try:
            return self.methods[method](*params)
        except RpcError:
            raise
        except AlreadyKnownError as problem:
            raise RpcError(-32000, "already known") from problem
        except (RefusedError, TooManyLogsError) as problem:
            raise RpcError(-32000, str(problem)) from problem
        except CallFailedError as problem:
            raise RpcError(3 if problem.output else -32000, str(problem), hexed(problem.output)) from problem
        except Exception as problem:
            log.exception("%s failed", method)
            raise RpcError(-32603, "internal error; the development chain's log says more") from problem

    def height(self) -> int:
        """The newest block's number."""
        return self.store.height() or 0

    def number(self, at: object) -> int:
        """A block tag, number, or {"blockNumber"} / {"blockHash"} object as a number. Refuses blocks that do not exist."""
        if isinstance(at, dict):
            if "blockHash" in at:
                found = self.store.block(hexed(octets(at["blockHash"], "blockHash", size=32)))
                if found is None:
                    raise RpcError(-32000, "header not found")
                return int(found["number"], 16)
            at = at.get("blockNumber", "latest")
        if at is None or (isinstance(at, str) and at in NEWEST):
            return self.height()
        number = 0 if at == "earliest" else quantity(at, "block")
        if number > self.height():
            raise RpcError(-32000, f"header not found: block {number} is not mined, the newest is {self.height()}")
        return number

    def account(self, address: object, at: object) -> tuple[bytes, int]:
        """An address and the block after which to look at it."""
        return octets(address, "address", size=20), self.number(at)

    def block_by_number(self, at: object, full: object = False) -> dict[str, Any] | None:
        """A block by number or tag; null when it is not mined."""
        if isinstance(at, str) and at not in NEWEST | {"earliest"} and quantity(at, "block") > self.height():
            return None
        return self.filled(self.store.block(self.number(at)), full)

    def block_by_hash(self, block_hash: object, full: object = False) -> dict[str, Any] | None:
        """A block by hash; null when there is none."""
        return self.filled(self.store.block(hexed(octets(block_hash, "hash", size=32))), full)

    def filled(self, block: dict[str, Any] | None, full: object) -> dict[str, Any] | None:
        """With `full`, transactions in place of their hashes."""
        if block is None or not full:
            return block
        return block | {"transactions": [self.store.transaction_body(one) for one in block["transactions"]]}

    def logs(self, wanted: object) -> list[dict[str, Any]]:
        """Logs by address, topics and blocks."""
        if not isinstance(wanted, dict):
            raise invalid("filter", wanted, "an object")
        if "blockHash" in wanted:
            first = last = self.number({"blockHash": wanted["blockHash"]})
        else:
            first = self.number(wanted.get("fromBlock", "latest"))
            asked_last = wanted.get("toBlock", "latest")
            beyond = isinstance(asked_last, str) and QUANTITY.match(asked_last)
            last = quantity(asked_last, "toBlock") if beyond else self.number(asked_last)
        given = wanted.get("address") or []
        addresses = [hexed(octets(one, "address", size=20)) for one in (given if isinstance(given, list) else [given])]
        topics = wanted.get("topics") or []
        if not isinstance(topics, list) or len(topics) > 4:
            raise invalid("topics", topics, "a list of at most 4")
        return self.store.logs(first=first, last=last, addresses=addresses, topics=[topic(one) for one in topics])

    def fee_history(self, count: object, newest: object = "latest", percentiles: object = None) -> dict[str, Any]:
        """Base fees, fullness and tips of the newest blocks; each block holds one transaction, so its tip is every percentile."""
        last = self.number(newest)
        blocks = quantity(count, "blockCount") if isinstance(count, str) else count
        if not isinstance(blocks, int) or not 1 <= blocks <= 1024:
            raise invalid("blockCount", count, "1 to 1024")
        found = [self.store.block(n) or {} for n in range(max(0, last - blocks + 1), last + 1)]
        following = self.store.block(last + 1)
        fees = [one["baseFeePerGas"] for one in found]
        history = {
            "oldestBlock": found[0]["number"],
            "baseFeePerGas": [*fees, following["baseFeePerGas"] if following else hexed(self.evm.base_fee())],
            "gasUsedRatio": [int(one["gasUsed"], 16) / int(one["gasLimit"], 16) for one in found],
        }
        if isinstance(percentiles, list) and percentiles:
            history["reward"] = [[self.tip(one)] * len(percentiles) for one in found]
        return history

    def tip(self, block: dict[str, Any]) -> str:
        """What the block's transaction paid above the base fee."""
        paid = [self.store.transaction_body(one) or {} for one in block["transactions"]]
        return hexed(int(paid[0]["gasPrice"], 16) - int(block["baseFeePerGas"], 16)) if paid else "0x0"


def topic(value: object) -> list[str] | None:
    """One topic position: null for any, a hash, or alternatives."""
    if value is None:
        return None
    return [hexed(octets(one, "topic", size=32)) for one in (value if isinstance(value, list) else [value])]


def asked(tx: object) -> Call:
    """The fields of a call or an estimate that matter here."""
    if not isinstance(tx, dict):
        raise invalid("transaction", tx, "an object")
    data = tx.get("input") or tx.get("data") or "0x"
    return Call(
        to=octets(tx["to"], "to", size=20) if tx.get("to") else b"",
        data=octets(data, "data"),
        sender=octets(tx["from"], "from", size=20) if tx.get("from") else bytes(20),
        value=quantity(tx.get("value") or "0x0", "value"),
        gas=quantity(tx["gas"], "gas") if tx.get("gas") else None,
    )


def failure(request_id: object, problem: RpcError) -> dict[str, Any]:
    """A response that carries an error."""
    return {"jsonrpc": "2.0", "id": request_id, "error": problem.body()}
