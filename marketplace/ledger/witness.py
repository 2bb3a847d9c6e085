"""Witnesses: others who remember the largest head they were shown, and cosign only what extends it (c2sp.org/tlog-witness).

A log that shows different readers different trees cannot have both cosigned by one witness. Here are both sides: the log
asks, and a small reference witness answers, for operators, network companies and auditors who want to be one. Asking is
optional: a witness that is down or refuses costs its cosignature, never the checkpoint.
"""

from __future__ import annotations

import logging
import threading
from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import orjson
import requests
from django.conf import settings

from marketplace.ledger import merkle
from marketplace.ledger.checkpoint import (
    Checkpoint,
    Head,
    NoteError,
    PrivateKey,
    PublicKey,
    Signature,
    decoded,
    is_number,
    parse,
    public_key,
    signature_of,
    signed_by,
)
from marketplace.ledger.tiles import Files, Tree

log = logging.getLogger(__name__)
TIMEOUT_S = 5
MOST_HASHES = 63
MOST_BYTES = 64 * 1024
SIZE_TYPE = "text/x.tlog.size"


@dataclass(frozen=True, slots=True)
class Answer:
    """What a witness answers over HTTP."""

    status: int
    body: str
    content_type: str = "text/plain; charset=utf-8"


def cosigned(checkpoint: Checkpoint, tree: Tree, *, old: int) -> Checkpoint:
    """The checkpoint with the cosignature of every witness that gave one; `old` is the size they probably know."""
    found: list[Signature] = []
    for told in settings.LEDGER_WITNESSES:
        key, _, url = told.strip().partition(" ")
        try:
            found += ask(checkpoint, tree, key=public_key(key), url=url.strip(), old=old)
        except (requests.RequestException, NoteError, ValueError, IndexError) as problem:
            log.warning("witness %s gave no cosignature: %s", key.partition("+")[0], problem)
    return replace(checkpoint, signatures=(*checkpoint.signatures, *found))


def ask(checkpoint: Checkpoint, tree: Tree, *, key: PublicKey, url: str, old: int) -> list[Signature]:
    """One witness's cosignatures. Raises NoteError with its reason when it refuses."""
    with requests.Session() as session:
        # A proxy set for the machine does not lead to its own loopback.
        session.trust_env = urlsplit(url).hostname not in {"127.0.0.1", "localhost", "::1"}
        for known in (old, None):
            body = request_body(checkpoint, tree.consistency_proof(old), old=old)
            response = session.post(f"{url.rstrip('/')}/add-checkpoint", data=body, timeout=TIMEOUT_S)
            told = response.text.strip()
            conflict = response.status_code == 409 and response.headers.get("Content-Type") == SIZE_TYPE
            if known is None or not conflict or not is_number(told) or int(told) == old:
                break
            old = int(told)  # it remembers another size than we thought, and says which
    if response.status_code != 200:
        raise NoteError(f"it answered {response.status_code}: {told[:200]}")
    given = replace(checkpoint, signatures=tuple(signature_of(line) for line in response.text.splitlines()))
    return signed_by(given, [key])


def request_body(checkpoint: Checkpoint, proof: Sequence[bytes], *, old: int) -> bytes:
    """The body of add-checkpoint."""
    hashes = "".join(f"{b64encode(one).decode()}\n" for one in proof)
    return f"old {old}\n{hashes}\n{checkpoint.note()}".encode()


class Witness:
    """A reference witness of the logs whose keys it is given. It keeps each log's largest head in a file of its own."""

    def __init__(self, key: PrivateKey, logs: Sequence[PublicKey], state: Path) -> None:
        self.key, self.logs, self.state = key, list(logs), Files(state)
        self.lock = threading.Lock()

    def add_checkpoint(self, body: bytes, *, at: int) -> Answer:
        """Answer one request; `at` is the time in seconds since 1970. What is cosigned is remembered first."""
        try:
            old, proof, checkpoint = read_request(body)
        except NoteError as problem:
            return Answer(400, f"{problem}\n")
        keys = [key for key in self.logs if key.name == checkpoint.head.origin]
        if not keys:
            return Answer(404, f"This witness does not know the log {checkpoint.head.origin}.\n")
        if not signed_by(checkpoint, keys):
            return Answer(403, "No signature is by a key of that log.\n")
        with self.lock:
            return self.judge(old, proof, checkpoint, at)

    def judge(self, old: int, proof: list[bytes], checkpoint: Checkpoint, at: int) -> Answer:
        """What the protocol has done with a checkpoint whose log's signature holds."""
        head, known = checkpoint.head, self.known(checkpoint.head.origin)
        if old > head.size:
            return Answer(400, "The old size is larger than the checkpoint's.\n")
        if old != known.size:
            return Answer(409, f"{known.size}\n", SIZE_TYPE)
        if old == head.size and head.root != known.root:
            return Answer(409, "This witness knows another root for that size.\n")
        held = (
            not proof
            if old == 0
            else merkle.verify_consistency(
                old_size=old, new_size=head.size, old_root=known.root, new_root=head.root, proof=proof
            )
        )
        if not held:
            return Answer(422, "The proof does not show that the checkpoint extends the one before.\n")
        self.remember(head)
        return Answer(200, self.key.cosign(checkpoint.text, at=at).line())

    def known(self, origin: str) -> Head:
        """The largest head cosigned for a log."""
        told = self.heads().get(origin)
        return Head(origin, told["size"], bytes.fromhex(told["root"])) if told else Head(origin, 0, merkle.EMPTY_ROOT)

    def remember(self, head: Head) -> None:
        """Bring the head to the disk."""
        heads = self.heads() | {head.origin: {"size": head.size, "root": head.root.hex()}}
        self.state.write("heads.json", orjson.dumps(heads))

    def heads(self) -> dict[str, dict[str, Any]]:
        """All it remembers."""
        return dict(orjson.loads(self.state.read("heads.json"))) if (self.state.folder / "heads.json").exists() else {}


def read_request(body: bytes) -> tuple[int, list[bytes], Checkpoint]:
    """Old size, consistency proof and checkpoint of a request. Raises NoteError."""
    try:
        text = body.decode()
    except UnicodeDecodeError as problem:
        raise NoteError("the request is not UTF-8") from problem
    first, found, note = text.partition("\n\n")
    said, *lines = first.split("\n")
    old = said.removeprefix("old ")
    if not found or not said.startswith("old ") or not is_number(old):
        raise NoteError("a request is the line `old <size>`, the proof's hashes, an empty line and a checkpoint")
    proof = [decoded(line) for line in lines]
    if len(proof) > MOST_HASHES or any(len(one) != 32 for one in proof):
        raise NoteError(f"a proof is at most {MOST_HASHES} hashes of 32 bytes in base64, one a line")
    return int(old), proof, parse(note)
