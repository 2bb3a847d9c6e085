"""Whether a chain answers and holds the contract that VAR/chain/contract.json names, asked in plain JSON-RPC.

Health and the supervisor share it: neither loads web3, and the supervisor loads no Django.
"""

from __future__ import annotations

import json
import urllib.request
from pathlib import Path


class NotDeployedError(RuntimeError):
    """The chain cannot be used; the message says why, in one sentence and without an address."""


def chain_of_contract(url: str, file: Path) -> int:
    """The id of the chain at `url`, when the contract of `file` is on it. Raises NotDeployedError otherwise."""
    if not file.exists():
        raise NotDeployedError("the audit contract is not deployed; run manage.py audit_deploy")
    try:
        deployed = json.loads(file.read_text())
        address, wanted = str(deployed["address"]), int(deployed["chain_id"])
    except (ValueError, KeyError, TypeError):
        raise NotDeployedError("contract.json does not name a contract; run manage.py audit_deploy") from None
    try:
        chain_id, code = int(asked(url, "eth_chainId"), 16), asked(url, "eth_getCode", address, "latest")
    except (OSError, ValueError, KeyError, TypeError) as problem:
        raise NotDeployedError(f"the chain does not answer ({type(problem).__name__})") from None
    if chain_id != wanted:
        raise NotDeployedError(f"the contract is on chain {wanted}, this is chain {chain_id}")
    if code in {"", "0x"}:
        raise NotDeployedError("the audit contract is not on this chain; run manage.py audit_deploy")
    return chain_id


def asked(url: str, method: str, *params: str, timeout_s: float = 2) -> str:
    """The result of one call. Raises OSError when nobody answers, ValueError or KeyError when the answer is no result."""
    body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
    request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the owner's setting
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(request, timeout=timeout_s) as answer:
        return str(json.load(answer)["result"])
