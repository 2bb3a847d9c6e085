"""Our signatures beside two other libraries, both ways: what we sign they verify, what they sign we verify, and nothing else."""

from __future__ import annotations

import base64
import json
import random
import shutil
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beckn.wire import signing
from beckn.wire.errors import WireError
from beckn.wire.signing import Signer

FOLDER = Path(__file__).parent / "signatures"
LIBRARIES = ("tweetnacl", "libsodium")
NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
BODIES = 100
CHOSEN = [
    b"",
    b"{}",
    b'{"price":1.0}',
    '{"name":"caf\u00e9 \u00a3 \u2603 \U0001f50c"}'.encode(),
    b'{"a":1}\n',
    bytes(range(256)),
    b"x" * 300_000,
]


def bodies() -> list[bytes]:
    """Bodies that were chosen, and random ones; the same on every run."""
    dice = random.Random(20260115)
    return CHOSEN + [dice.randbytes(dice.randrange(2000)) for _ in range(BODIES - len(CHOSEN))]


def ask(*jobs: dict[str, Any]) -> list[dict[str, Any]]:
    """What the other libraries say."""
    node = shutil.which("node")
    if node is None or not (FOLDER / "node_modules" / "tweetnacl").exists():
        pytest.skip("service missing: Node with its libraries (npm ci --prefix tests/contract/signatures)")
    done = subprocess.run(
        [node, "check.mjs"], cwd=FOLDER, input=json.dumps({"jobs": jobs}), capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found: list[dict[str, Any]] = json.loads(done.stdout)
    return found


def text(raw: bytes) -> str:
    return base64.b64encode(raw).decode()


def signer_of(number: int) -> Signer:
    return Signer.of("buyer.example", f"k{number}", random.Random(number).randbytes(32))


@pytest.mark.parametrize("library", LIBRARIES)
def test_they_verify_what_we_sign(library: str) -> None:
    jobs = []
    for number, raw in enumerate(bodies()):
        signer = signer_of(number)
        verify = {"op": "verify", "library": library, "publicKey": signer.public_key}
        header = signing.sign(raw, signer, now=NOW)
        jobs.append(verify | {"body": text(raw), "header": header})
        jobs.append(verify | {"body": text(raw + b" "), "header": header})
        jobs.append(verify | {"body": text(raw), "header": header, "publicKey": signer_of(number + 1).public_key})
    assert [one["holds"] for one in ask(*jobs)] == [True, False, False] * BODIES


@pytest.mark.parametrize("library", LIBRARIES)
def test_we_verify_what_they_sign(library: str) -> None:
    created = int(NOW.timestamp())
    jobs = [
        {
            "op": "sign",
            "library": library,
            "body": text(raw),
            "seed": text(random.Random(number).randbytes(32)),
            "subscriber": "buyer.example",
            "key": f"k{number}",
            "created": created,
            "expires": created + 300,
        }
        for number, raw in enumerate(bodies())
    ]
    for number, (raw, answer) in enumerate(zip(bodies(), ask(*jobs), strict=True)):
        signer = signer_of(number)
        assert answer["publicKey"] == signer.public_key
        assert answer["header"] == signing.sign(raw, signer, now=NOW)  # Ed25519 has one signature for each key and text
        found = signing.parse(answer["header"])
        signing.check_times(found, now=NOW)
        signing.verify(found, raw, answer["publicKey"])
        with pytest.raises(WireError):
            signing.verify(found, raw + b" ", answer["publicKey"])


def test_the_lock_file_names_no_host() -> None:
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    assert [name for name, package in lock["packages"].items() if "resolved" in package] == []
    assert all("integrity" in package for name, package in lock["packages"].items() if name)
