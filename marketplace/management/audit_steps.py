"""The steps of the audit demonstration: a chain alone, both verifiers as outsiders run them, and two ways to cheat.

It knows files and processes. What it changes, it changes in copies.
"""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import requests
from django.conf import settings

from marketplace.ledger import merkle
from marketplace.ledger.chain import Chain as Contract
from marketplace.ledger.chain import asking, open_rpc
from marketplace.ledger.deployment import Deployment
from marketplace.ledger.onchain import RevertedError
from marketplace.management.process_group import NotReadyError

VERIFIER = Path(settings.BASE_DIR) / "verifiers" / "verify_pack.py"
SCRIPT = Path(settings.BASE_DIR) / "static" / "js" / "verify_pack.mjs"
STARTS_WITHIN_S = 60.0


@dataclass(frozen=True, slots=True)
class Chain:
    """A running chain and the contract on it."""

    url: str
    where: Deployment


@dataclass(frozen=True, slots=True)
class Verdict:
    """What one verifier said of a pack: its exit code, its last line and the half hours it names."""

    verifier: str
    code: int
    sentence: str
    half_hours: tuple[str, ...]
    output: str


@dataclass(frozen=True, slots=True)
class Changed:
    """A reading somebody changed: the start of its half hour, and the change in words."""

    half_hour: str
    told: str


@contextmanager
def running_chain(var: Path) -> Iterator[Chain]:
    """The installation's development chain alone, with everything else off. Raises NotReadyError."""
    command = [sys.executable, "-m", "marketplace.ledger.devchain", "--var", str(var)]
    with (var / "devchain.log").open("ab") as log:
        process = subprocess.Popen(command, cwd=settings.BASE_DIR, stdout=log, stderr=log, stdin=subprocess.DEVNULL)
    try:
        told = json.loads((var / "chain" / "contract.json").read_text())
        where = Deployment(int(told["chain_id"]), told["address"], told["code_hash"], int(told.get("block", 0)))
        yield Chain(answering(var / "chain" / "rpc_url", process), where)
    finally:
        process.terminate()
        process.wait(20)


def answering(file: Path, process: subprocess.Popen[bytes]) -> str:
    """The address the chain answers at, once it does."""
    session = requests.Session()
    session.trust_env = False  # a proxy set for the machine does not lead to its own loopback
    begun = time.monotonic()
    while process.poll() is None and time.monotonic() - begun < STARTS_WITHIN_S:
        try:
            url = file.read_text().strip()
            session.post(url, json={"jsonrpc": "2.0", "id": 1, "method": "eth_chainId", "params": []}, timeout=2)
        except (OSError, requests.RequestException):
            time.sleep(0.1)
            continue
        return url
    raise NotReadyError(f"the chain did not answer; see {file.parent.parent / 'devchain.log'}")


def verdicts(pack: Path, chain: Chain) -> list[Verdict]:
    """Both verifiers' words; the second one's only where there is a node to run it."""
    node = shutil.which("node")
    found = [verdict("verify_pack.py", [sys.executable, str(VERIFIER)], pack, chain)]
    return [*found, verdict("verify_pack.mjs", [node, str(SCRIPT)], pack, chain)] if node else found


def verdict(name: str, command: Sequence[str], pack: Path, chain: Chain) -> Verdict:
    """Run a verifier with the contract and the chain that the auditor knows of."""
    known = ["--contract", chain.where.address, "--chain-id", str(chain.where.chain_id), "--rpc", chain.url]
    env = {name: value for name, value in os.environ.items() if not name.lower().endswith("_proxy")}
    done = subprocess.run([*command, *known, str(pack)], capture_output=True, text=True, check=False, env=env)
    lines = done.stdout.strip().splitlines() or [done.stderr.strip()[-300:]]
    named = tuple(line.rpartition(", ")[2] for line in lines if line.startswith("half hour at fault"))
    return Verdict(name, done.returncode, lines[-1], named, done.stdout + done.stderr)


def changed_reading(database: sqlite3.Connection) -> Changed:
    """Lower the newest reading of the first half hour that was settled by a tenth: less drawn, more delivered."""
    start, site = database.execute(
        "SELECT line.start_at, offer.site_id FROM marketplace_statementline line "
        "JOIN marketplace_settlementstatement statement ON statement.id = line.statement_id "
        "JOIN marketplace_order bought ON bought.id = statement.order_id "
        "JOIN marketplace_offer offer ON offer.id = bought.offer_id "
        "ORDER BY line.start_at LIMIT 1"
    ).fetchone()
    pk, wh = database.execute(
        "SELECT id, import_wh FROM marketplace_meterreading WHERE site_id = ? AND start_at = ? ORDER BY known_at DESC LIMIT 1",
        (site, start),
    ).fetchone()
    database.execute("UPDATE marketplace_meterreading SET import_wh = ? WHERE id = ?", (wh - wh // 10, pk))
    half_hour = f"{start[:10]}T{start[11:16]}Z"
    return Changed(half_hour, f"the reading of {half_hour} is lowered from {wh} to {wh - wh // 10} Wh")


def refused_rewrite(pack: Path, chain: Chain) -> str:
    """What the contract says to the next head of a log whose first entry was rewritten; empty if it would take it.

    Every leaf after it is linked anew and the consistency proof is made from the rewritten tree: nothing that can be
    recomputed is wrong. It is tried and not sent, with the right of the key that anchors.
    """
    with zipfile.ZipFile(pack) as found:
        leaves = [json.loads(line)["leaf"] for line in found.read("entries.jsonl").splitlines()]
        about, anchors = json.loads(found.read("pack.json")), json.loads(found.read("anchors.json"))
    hashes = rewritten([json.loads(leaf) for leaf in leaves])
    proof = merkle.consistency_proof(hashes, about["size"])
    contract = Contract(open_rpc(chain.url), chain.where).contract
    arguments: tuple[Any, ...] = (about["head"] + 1, len(hashes), merkle.root(hashes), proof, [])
    try:
        with asking():
            contract.functions.anchor(*arguments).call({"from": contract.w3.to_checksum_address(anchors["sender"])})
    except RevertedError as refusal:
        return refusal.name
    return ""


def rewritten(leaves: list[dict[str, Any]]) -> list[bytes]:
    """The leaf hashes of a log whose first entry says another time, and that has one entry more."""
    return grown([{**leaves[0], "at": "2020-01-01T00:00:00.000Z"}, *leaves[1:]])


def grown(leaves: list[dict[str, Any]]) -> list[bytes]:
    """The leaf hashes of a log with one entry more, every leaf linked to the one before."""
    hashes: list[bytes] = []
    for leaf in [*leaves, {**leaves[-1], "seq": len(leaves)}]:
        told = {**leaf, "prev": hashes[-1].hex() if hashes else "0" * 64}
        hashes.append(merkle.leaf_hash(json.dumps(told, sort_keys=True, separators=(",", ":")).encode()))
    return hashes
