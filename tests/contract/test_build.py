"""The committed build is what the committed sources compile to."""

from __future__ import annotations

import hashlib
import json
import re
import shutil
import subprocess

import pytest

from marketplace.ledger.deploy import blanked
from marketplace.ledger.deployment import ARTEFACT, artefact

CONTRACTS = ARTEFACT.parents[1]


def test_the_build_is_of_these_sources() -> None:
    """Without a compiler: someone who changed a source and forgot to build is told."""
    built = artefact()
    sources = b"".join((CONTRACTS / name).read_bytes() for name in built["sources"])
    assert built["sourceHash"] == f"sha256:{hashlib.sha256(sources).hexdigest()}", "run node contracts/build.mjs"
    lying = {str(path.relative_to(CONTRACTS)) for path in CONTRACTS.rglob("*.sol") if "node_modules" not in path.parts}
    assert lying == set(built["sources"])


@pytest.mark.timeout(300)
def test_compiling_again_gives_the_same_bytes() -> None:
    node = shutil.which("node")
    if node is None or not (CONTRACTS / "node_modules" / "solc").exists():
        pytest.skip("service missing: Node with the compiler (npm ci --prefix contracts)")
    done = subprocess.run([node, CONTRACTS / "build.mjs", "--print"], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    assert done.stdout == ARTEFACT.read_bytes()


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((CONTRACTS / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)


def test_the_interface_is_the_agreed_one() -> None:
    def text(one: dict[str, object]) -> str:
        return f"{one['name']}({','.join(shape(part) for part in one['inputs'])})"  # type: ignore[attr-defined]

    def shape(part: dict[str, object]) -> str:
        if str(part["type"]).startswith("tuple"):
            inner = ",".join(shape(field) for field in part["components"])  # type: ignore[attr-defined]
            return f"({inner}){str(part['type'])[5:]}"
        return f"{part['type']}{' indexed' if part.get('indexed') else ''}"

    found = {
        kind: {text(one) for one in artefact()["abi"] if one["type"] == kind} for kind in ("function", "event", "error")
    }
    assert {
        "anchor(uint64,uint64,bytes32,bytes32[],bytes[])",
        "recordBatch((bytes32,bytes32,bytes32,bytes2)[])",
        "verifyInclusion(bytes32,uint64,uint64,bytes32,bytes32[])",
        "verifyConsistency(uint64,bytes32,uint64,bytes32,bytes32[])",
        "head()", "pause()", "unpause()", "seal(address,bytes32)",
    } <= found["function"]  # fmt: skip
    assert {
        "Anchored(uint64 indexed,uint64,uint64,bytes32,bytes32)",
        "SettlementRecorded(bytes32 indexed,bytes32 indexed,bytes32 indexed,bytes2,bytes32)",
        "Sealed(address,uint64,bytes32)",
        "Paused(bool)",
    } <= found["event"]
    assert {
        "WrongSeq()", "NotGrowing()", "BadConsistency()", "TooSoon()", "ZeroCommitment()", "Conflict(bytes32)", "UnknownPredecessor()",
        "AlreadySuperseded()", "NotEnoughWitnesses()", "SealedLog()", "Paused()",
    } <= found["error"]  # fmt: skip


def test_nobody_can_replace_the_code_or_call_through_it() -> None:
    """No DELEGATECALL, CALLCODE or SELFDESTRUCT among the opcodes; nothing payable."""
    code = bytes.fromhex(artefact()["deployedBytecode"][2:])
    metadata = int.from_bytes(code[-2:], "big") + 2
    found, at = set(), 0
    while at < len(code) - metadata:
        found.add(code[at])
        at += code[at] - 0x5E if 0x60 <= code[at] <= 0x7F else 1
    assert not found & {0xF2, 0xF4, 0xFF}
    assert [one["name"] for one in artefact()["abi"] if one.get("stateMutability") == "payable"] == []
    assert len(blanked(code)) == len(code) < 24_576


def test_no_name_and_no_price_can_go_on_chain() -> None:
    """Every parameter that may be written is a hash, a number of the log, a run or an address: no text anywhere."""
    writing = [
        one
        for one in artefact()["abi"]
        if one["type"] == "event" or one.get("name") in {"anchor", "recordBatch", "seal"}
    ]
    assert not re.search(r'"type": "string', json.dumps(writing))
