"""Which contract this installation anchors in, and where its chain answers: two small files and a setting.

It touches no network, so pages and health checks may read it without loading web3.
"""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from functools import cache
from pathlib import Path
from typing import Any

from django.conf import settings

from marketplace.ledger.onchain import ChainUnavailableError, NoContractError

ARTEFACT = Path(settings.BASE_DIR) / "contracts" / "build" / "SettlementAuditLog.json"


@dataclass(frozen=True, slots=True)
class Deployment:
    """The contract: chain, address with checksum, keccak-256 of its code, and the block it was made in."""

    chain_id: int
    address: str
    code_hash: str
    block: int = 0

    def write(self, path: Path) -> None:
        """Keep it, whole or not at all."""
        path.parent.mkdir(parents=True, exist_ok=True)
        new = path.with_suffix(".new")
        new.write_text(json.dumps(asdict(self), indent=1) + "\n")
        new.replace(path)


def rpc_url() -> str | None:
    """Where the chain answers; None when this installation has no chain on purpose. Raises ChainUnavailableError."""
    if settings.CHAIN_RPC_URL == "none":
        return None
    if settings.CHAIN_RPC_URL:
        return str(settings.CHAIN_RPC_URL)
    try:
        return (Path(settings.VAR_DIR) / "chain" / "rpc_url").read_text().strip()
    except FileNotFoundError:
        raise ChainUnavailableError(
            "no chain is running: start CACO with `manage.py up`, or set CACO_RPC_URL to a chain's address"
        ) from None


def deployment() -> Deployment:
    """The contract of this installation. Raises NoContractError."""
    path = Path(settings.CHAIN_CONTRACT_FILE)
    try:
        found = json.loads(path.read_text())
        return Deployment(int(found["chain_id"]), found["address"], found["code_hash"], int(found.get("block", 0)))
    except FileNotFoundError:
        raise NoContractError("the audit contract is not deployed yet: run `manage.py audit_deploy`") from None
    except (ValueError, KeyError, TypeError) as problem:
        raise NoContractError(f"{path} does not name a contract ({problem}): run `manage.py audit_deploy`") from problem


@cache
def artefact() -> dict[str, Any]:
    """The compiled contract as committed under contracts/build."""
    return dict(json.loads(ARTEFACT.read_text()))
