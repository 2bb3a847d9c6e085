#!/usr/bin/env python3
"""Verify a CACO evidence pack: one file, the standard library alone, no server and no network (unless you name one with --rpc).

    python verify_pack.py caco-pack.zip            # a line for each check; exit code 0 when everything that is there holds
    python verify_pack.py --json caco-pack.zip     # the whole report as one JSON object
    python verify_pack.py --log-key "$VKEY" --contract 0x... --anchor-key 0x... caco-pack.zip

Exit codes: 0 ok, 10 canonical form, 11 commitment, 12 chain of entries, 13 inclusion, 14 consistency, 15 checkpoint,
16 party signature, 17 anchor, 18 amount, 19 manifest, 20 superseding, 21 incomplete; of several the lowest. What the pack does
not hold is "not_in_pack" and never "held"; with --strict it ends with 21. A pack names its own keys and its own contract: compare
them with what you were given elsewhere, by the options above. static/js/verify_pack.js is a second, independent verifier;
both must agree. It imports nothing of the project, on purpose.
"""

from __future__ import annotations

import argparse
import base64
import binascii
import hashlib
import json
import re
import sys
import urllib.request
import zipfile
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from itertools import pairwise
from typing import Any

CANONICAL, COMMITMENT, CHAIN, INCLUSION, CONSISTENCY, CHECKPOINT = 10, 11, 12, 13, 14, 15
SIGNATURE, ANCHOR, AMOUNT, MANIFEST, SUPERSEDE, INCOMPLETE = 16, 17, 18, 19, 20, 21
TITLES = {
    "V1": "Every payload shown is canonical and is what its leaf commits to",
    "V2": "The entries are one chain without a gap",
    "V3": "The leaves lead to every tree head",
    "V4": "Every tree head extends the one before",
    "V5": "The checkpoints are signed by the log and its witnesses",
    "V6": "The parties signed their messages",
    "V7": "The contract holds the heads and the settlements",
    "V8": "The money follows from the readings",
    "V9": "Manifests and meter records are complete",
    "V10": "Statements supersede one another in one line",
}
STATEMENT, CANCELLED, MANIFEST_TYPE = "settlement.statement", "order.cancelled", "daily.manifest"
RUNS = ("II", "SF", "R1", "R2", "R3", "RF", "DF")
MAX_INT, MAX_DEPTH, MAX_PAYLOAD, MAX_LINE = 2**53 - 1, 8, 64 * 1024, 64 * 1024 * 1024
MAX_FAULTS = 20
HEX32 = re.compile(r"[0-9a-f]{64}")
EMPTY_ROOT = hashlib.sha256(b"").digest()
Entry = dict[str, Any]


class UnreadableError(Exception):
    """The pack, or a file in it, cannot be read as what it must be."""


# ---------------------------------------------------------------- the pack


class Pack:
    """A pack's files, read by name. Everything read here is a claim; the checks decide what is true."""

    def __init__(self, path: str) -> None:
        try:
            self.zip = zipfile.ZipFile(path)
            names = self.zip.namelist()
        except (OSError, zipfile.BadZipFile, ValueError) as problem:
            raise UnreadableError(f"the pack is no zip file: {problem}") from problem
        if len(names) != len(set(names)):
            raise UnreadableError("the pack holds two files of one name")
        self.names = set(names)
        self.about = self.value("pack.json")
        if not isinstance(self.about, dict) or self.about.get("format") != "caco-pack/1":
            raise UnreadableError("pack.json does not say that this is a caco-pack/1")
        self.sections = set(self.about.get("sections", []))
        for name in sorted(self.sections):
            if name not in self.names:
                raise UnreadableError(f"pack.json promises {name}, which is missing")

    def value(self, name: str) -> Any:
        """A file that is one JSON value."""
        return decoded(self.bytes(name), name)

    def bytes(self, name: str) -> bytes:
        """A file as it is."""
        try:
            return self.zip.read(name)
        except KeyError:
            raise UnreadableError(f"{name} is missing") from None
        except (zipfile.BadZipFile, OSError, EOFError, ValueError, zlib.error) as problem:
            raise UnreadableError(f"{name} cannot be read: {problem}") from problem

    def lines(self, name: str) -> Iterator[Any]:
        """The JSON values of a file of lines; none where the file is not in the pack."""
        if name not in self.names:
            return
        try:
            with self.zip.open(name) as file:
                for number, line in enumerate(iter(lambda: file.readline(MAX_LINE), b""), 1):
                    yield decoded(line, f"{name} line {number}")
        except (zipfile.BadZipFile, OSError, EOFError, zlib.error) as problem:
            raise UnreadableError(f"{name} cannot be read: {problem}") from problem


def decoded(text: bytes, where: str) -> Any:
    """JSON, without the fractions and constants that no two readers read alike."""
    try:
        return EXACT_JSON.decode(text.decode("utf-8"))
    except (ValueError, RecursionError) as problem:
        raise UnreadableError(f"{where} is not JSON of whole numbers and texts: {problem}") from problem


def refused(text: str) -> Any:
    """For a number that is not whole."""
    raise ValueError(f"{text} is no whole number")


EXACT_JSON = json.JSONDecoder(parse_float=refused, parse_constant=refused)


# ---------------------------------------------------------------- the report


@dataclass
class Check:
    """One check: what it looked at, and what was wrong. `absent` says why it could not be made."""

    name: str
    counted: int = 0
    faults: list[dict[str, Any]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    absent: str = ""

    def fault(self, code: int, what: str, **where: Any) -> None:
        """Something is wrong."""
        self.faults.append({"code": code, "what": what, **where})

    @property
    def status(self) -> str:
        """held, failed or not_in_pack."""
        return "failed" if self.faults else "not_in_pack" if self.absent else "held"

    @property
    def code(self) -> int:
        """The lowest code among its faults; 0 without any."""
        return min((one["code"] for one in self.faults), default=0)

    def as_json(self) -> dict[str, Any]:
        """The check as the report tells it."""
        told = {
            "check": self.name,
            "title": TITLES[self.name],
            "status": self.status,
            "code": self.code,
            "counted": self.counted,
            "faults": self.faults[:MAX_FAULTS],
            "more_faults": max(0, len(self.faults) - MAX_FAULTS),
            "notes": self.notes,
        }
        return {**told, "why": self.absent} if self.absent else told


@dataclass
class Given:
    """What the auditor knows from elsewhere; empty: the pack's own word is taken and the report says so."""

    log_key: str = ""
    contract: str = ""
    chain_id: int | None = None
    anchor_key: str = ""
    party_keys: dict[str, str] = field(default_factory=dict)
    rpc: str = ""


NOTHING_GIVEN = Given()

# ---------------------------------------------------------------- hashes and trees


def sha256(*parts: bytes) -> bytes:
    """SHA-256 of the parts one after another."""
    return hashlib.sha256(b"".join(parts)).digest()


def spelled(value: Any) -> bytes:
    """RFC 8785 of the profile: keys in order, no spaces, no fractions. Raises ValueError for half a surrogate pair."""
    return SPELLING.encode(value).encode()


SPELLING = json.JSONEncoder(sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False)


def outside_profile(value: Any, depth: int = 1) -> bool:
    """Whether a payload holds what the profile does not allow."""
    if isinstance(value, (str, bool)):
        return False
    if isinstance(value, int):
        return abs(value) > MAX_INT
    if isinstance(value, dict):
        plain = all(key and all(" " <= char <= "~" for char in key) for key in value)
        return depth > MAX_DEPTH or not plain or any(outside_profile(one, depth + 1) for one in value.values())
    if isinstance(value, list):
        return depth > MAX_DEPTH or any(outside_profile(one, depth + 1) for one in value)
    return True


def is_canonical(text: bytes) -> bool:
    """Whether bytes are the one spelling of a JSON object of the profile."""
    try:
        value = EXACT_JSON.decode(text.decode("utf-8"))
        return isinstance(value, dict) and not outside_profile(value) and spelled(value) == text
    except (ValueError, RecursionError):
        return False


def node(left: bytes, right: bytes) -> bytes:
    """The hash of an inner node (RFC 6962)."""
    return hashlib.sha256(b"\x01" + left + right).digest()


class Tree:
    """A growing tree: its root at any moment, from one hash for each bit of its size."""

    def __init__(self) -> None:
        self.size = 0
        self.peaks: list[bytes] = []

    def append(self, leaf: bytes) -> None:
        """Add a leaf hash."""
        size, self.size = self.size, self.size + 1
        while size & 1:
            leaf, size = node(self.peaks.pop(), leaf), size >> 1
        self.peaks.append(leaf)

    def root(self) -> bytes:
        """The tree head."""
        if not self.peaks:
            return EMPTY_ROOT
        found = self.peaks[-1]
        for peak in reversed(self.peaks[:-1]):
            found = node(peak, found)
        return found


def is_included(leaf: bytes, index: int, size: int, path: Sequence[bytes], root: bytes) -> bool:
    """RFC 9162 2.1.3.2."""
    if not 0 <= index < size:
        return False
    position, last, found = index, size - 1, leaf
    for sibling in path:
        if last == 0:
            return False
        if position & 1 or position == last:
            found = node(sibling, found)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            found = node(found, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and found == root


def is_consistent(old_size: int, old_root: bytes, new_size: int, new_root: bytes, proof: Sequence[bytes]) -> bool:
    """RFC 9162 2.1.4.2."""
    if not 0 <= old_size <= new_size:
        return False
    if old_size == 0:
        return not proof and old_root == EMPTY_ROOT
    if old_size == new_size:
        return not proof and old_root == new_root
    path = list(proof) if old_size & (old_size - 1) else [old_root, *proof]
    if not path:
        return False
    position, last = old_size - 1, new_size - 1
    while position & 1:
        position, last = position >> 1, last >> 1
    old = new = path[0]
    for sibling in path[1:]:
        if last == 0:
            return False
        if position & 1 or position == last:
            old, new = node(sibling, old), node(sibling, new)
            while position and not position & 1:
                position, last = position >> 1, last >> 1
        else:
            new = node(new, sibling)
        position, last = position >> 1, last >> 1
    return last == 0 and (old, new) == (old_root, new_root)


def unhexed(text: Any) -> bytes:
    """32 bytes of hex; anything else is no hash and gives none, which fits nothing."""
    return bytes.fromhex(text) if isinstance(text, str) and HEX32.fullmatch(text) else b""


def unbased(text: Any) -> bytes:
    """Base64 in its one spelling; anything else gives nothing."""
    try:
        value = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError, TypeError):
        return b""
    return value if base64.b64encode(value).decode() == text else b""


# ---------------------------------------------------------------- Ed25519 (RFC 8032)

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
ROOT = pow(2, (P - 1) // 4, P)
Point = tuple[int, int, int, int]
NEUTRAL: Point = (0, 1, 1, 0)


def added(a: Point, b: Point) -> Point:
    """The sum of two points in extended coordinates."""
    m, n = (a[1] - a[0]) * (b[1] - b[0]) % P, (a[1] + a[0]) * (b[1] + b[0]) % P
    c, d = 2 * a[3] * b[3] * D % P, 2 * a[2] * b[2] % P
    e, f, g, h = n - m, d - c, d + c, n + m
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def doubled(a: Point) -> Point:
    """A point added to itself, with fewer products."""
    x, y = a[0] * a[0] % P, a[1] * a[1] % P
    c, h = 2 * a[2] * a[2] % P, x + y
    e, g = h - (a[0] + a[1]) * (a[0] + a[1]) % P, x - y
    f = c + g
    return (e * f % P, g * h % P, f * g % P, e * h % P)


def times(scalar: int, point: Point) -> Point:
    """A multiple of a point."""
    found = NEUTRAL
    for bit in bin(scalar)[2:]:
        found = doubled(found)
        if bit == "1":
            found = added(found, point)
    return found


def same(a: Point, b: Point) -> bool:
    """Whether two points are one."""
    return (a[0] * b[2] - b[0] * a[2]) % P == 0 and (a[1] * b[2] - b[1] * a[2]) % P == 0


def point_of(text: bytes) -> Point | None:
    """The point that 32 bytes encode, if they do in the one way."""
    value = int.from_bytes(text, "little")
    sign, y = value >> 255, value & ((1 << 255) - 1)
    if y >= P:
        return None
    square = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(square, (P + 3) // 8, P)
    if (x * x - square) % P:
        x = x * ROOT % P
    if (x * x - square) % P or (x == 0 and sign):
        return None
    x = P - x if x & 1 != sign else x
    return (x, y, 1, x * y % P)


BASE = point_of((4 * pow(5, P - 2, P) % P).to_bytes(32, "little")) or NEUTRAL


def ed25519_holds(public: bytes, message: bytes, signature: bytes) -> bool:
    """Whether `signature` is the key's of exactly this message. Keys of small order sign nothing."""
    if len(public) != 32 or len(signature) != 64:
        return False
    key, nonce = point_of(public), point_of(signature[:32])
    scalar = int.from_bytes(signature[32:], "little")
    if key is None or nonce is None or scalar >= ORDER or same(times(8, key), NEUTRAL):
        return False
    asked = int.from_bytes(hashlib.sha512(signature[:32] + public + message).digest(), "little") % ORDER
    return same(times(scalar, BASE), added(nonce, times(asked, key)))


# ---------------------------------------------------------------- V1 payloads


def checked_leaf(text: Any, check: Check, number: int) -> Entry | None:
    """The leaf that a line shows, with its hash; None, and a fault, when it is none."""
    try:
        raw = text.encode("utf-8")
        leaf = EXACT_JSON.decode(text)
        kinds = {
            "at": str,
            "party_commits": list,
            "payload_commit": str,
            "prev": str,
            "refs": list,
            "seq": int,
            "type": str,
            "v": int,
        }
        fits = isinstance(leaf, dict) and leaf.keys() == kinds.keys()
        fits = fits and all(type(leaf[name]) is kind for name, kind in kinds.items()) and leaf["v"] in (1, 2)
        fits = fits and all(isinstance(one, str) for one in (*leaf["party_commits"], *leaf["refs"]))
        if not fits or outside_profile(leaf) or spelled(leaf) != raw:
            raise ValueError("it is not a leaf in canonical form")
    except (ValueError, AttributeError, TypeError, RecursionError) as problem:
        check.fault(CANONICAL, f"the leaf on line {number} of entries.jsonl cannot be used: {problem}", line=number)
        return None
    return {**leaf, "hash": sha256(b"\0", raw), "shown": False}


def check_payloads(pack: Pack, leaves: dict[int, Entry], check: Check) -> dict[int, Entry]:
    """V1. Gives what later checks read: every payload of the types they need, by entry."""
    kept: dict[int, Entry] = {}
    for line in pack.lines("payloads.jsonl"):
        check.counted += 1
        leaf = leaves.get(line.get("seq", -1)) if isinstance(line, dict) else None
        if leaf is None:
            check.fault(
                INCOMPLETE,
                f"a payload is shown of entry {line.get('seq') if isinstance(line, dict) else '?'}, which is not in the pack",
            )
            continue
        if leaf["shown"]:
            check.fault(INCOMPLETE, f"entry {leaf['seq']} is shown twice", seq=leaf["seq"])
            continue
        leaf["shown"] = True
        for code, what in payload_faults(line, leaf):
            check.fault(code, f"entry {leaf['seq']} ({leaf['type']}): {what}", seq=leaf["seq"])
        try:
            told = json.loads(line["payload"])
        except (ValueError, KeyError, TypeError, RecursionError):
            continue  # it is a fault already
        if isinstance(told, dict):
            kept[leaf["seq"]] = {**line, "told": told, "type": leaf["type"], "at": leaf["at"]}
    if pack.about.get("opened") == "all":
        for leaf in leaves.values():
            if not leaf["shown"]:
                check.fault(
                    INCOMPLETE, f"the payload of entry {leaf['seq']} ({leaf['type']}) is missing", seq=leaf["seq"]
                )
    return kept


def payload_faults(line: Entry, leaf: Entry) -> Iterator[tuple[int, str]]:
    """What of a shown payload is not what the leaf commits to."""
    try:
        payload, salt = line["payload"].encode("utf-8"), bytes.fromhex(line["salt"])
        parties, numbers, subject = line["parties"], line.get("org_seqs", []), line["subject"].encode("utf-8")
        if leaf["v"] == 1:
            due = [sha256(b"caco/party/v1\0", salt, b"%d" % party) for party in parties]
        else:
            due = [
                sha256(b"caco/party-seq/v1\0", salt, b"%d:%d" % pair) for pair in zip(parties, numbers, strict=False)
            ]
            if len(parties) != len(numbers):
                yield COMMITMENT, "it does not number each of its parties"
    except (KeyError, ValueError, TypeError, AttributeError) as problem:
        yield COMMITMENT, f"payload and salt cannot be read: {problem}"
        return
    if (
        len(salt) != 32
        or sha256(b"caco/v1/", leaf["type"].encode(), b"\0", salt, payload).hex() != leaf["payload_commit"]
    ):
        yield COMMITMENT, "payload and salt do not give the commitment in the leaf"
    elif len(payload) > MAX_PAYLOAD or not is_canonical(payload):
        yield CANONICAL, "the payload is not in canonical form"
    about = [sha256(b"caco/ref/v1\0", salt, subject).hex()] if subject else []
    if about != leaf["refs"] or sorted(one.hex() for one in due) != leaf["party_commits"]:
        yield COMMITMENT, "subject or parties are not those the leaf commits to"


# ---------------------------------------------------------------- V2, V3 entries and trees


def read_entries(pack: Pack, heads: Sequence[Entry], v1: Check, v2: Check, v3: Check) -> dict[int, Entry]:
    """V2 and V3 in one pass over the entries. Gives the leaves by number."""
    whole, size = pack.about.get("leaves") == "all", pack.about.get("size")
    noted = {name.partition("/")[2] for name in pack.names if name.startswith("checkpoints/")}
    wanted = {head["size"] for head in heads} | {int(name) for name in noted if name.isdigit()}
    tree, roots = Tree(), {0: EMPTY_ROOT}
    leaves: dict[int, Entry] = {}
    last: Entry | None = None
    for number, line in enumerate(pack.lines("entries.jsonl"), 1):
        leaf = checked_leaf(line.get("leaf") if isinstance(line, dict) else None, v1, number)
        if leaf is None:
            last = None
            continue
        v2.counted, v3.counted = v2.counted + 1, v3.counted + 1
        link_fault(leaf, last, whole, number - 1, v2)
        if whole:
            tree.append(leaf["hash"])
            if tree.size in wanted:
                roots[tree.size] = tree.root()
        else:
            path = [unhexed(one) for one in line.get("path", [])]
            if not heads or not is_included(
                leaf["hash"], leaf["seq"], heads[-1]["size"], path, unhexed(heads[-1]["root"])
            ):
                v3.fault(
                    INCLUSION,
                    f"entry {leaf['seq']} ({leaf['type']}) is not in the tree of the pack's head",
                    seq=leaf["seq"],
                )
        leaves[leaf["seq"]] = last = leaf
    if whole:
        if tree.size != size:
            v2.fault(CHAIN, f"the pack holds {tree.size} entries, and its head is over {size}")
        pack.about["roots"] = roots
        for head in heads:
            if roots.get(head["size"]) != unhexed(head["root"]):
                v3.fault(
                    INCLUSION,
                    f"head {head['number']} is not the root over the first {head['size']} leaves",
                    head=head["number"],
                )
    return leaves


def link_fault(leaf: Entry, last: Entry | None, whole: bool, index: int, check: Check) -> None:
    """Whether an entry follows the one before it."""
    if whole and leaf["seq"] != index:
        check.fault(CHAIN, f"entry {index} is due, and entry {leaf['seq']} stands there", seq=leaf["seq"])
    elif last is not None and leaf["seq"] <= last["seq"]:
        check.fault(CHAIN, f"entry {leaf['seq']} stands after entry {last['seq']}", seq=leaf["seq"])
    if last is not None and leaf["v"] < last["v"]:
        check.fault(CHAIN, f"entry {leaf['seq']} has a leaf of an older version than the one before", seq=leaf["seq"])
    before = "0" * 64 if leaf["seq"] == 0 else last["hash"].hex() if last and last["seq"] == leaf["seq"] - 1 else None
    if before is not None and leaf["prev"] != before:
        check.fault(
            CHAIN, f"entry {leaf['seq']} ({leaf['type']}) does not link to the entry before it", seq=leaf["seq"]
        )


def check_numbers(pack: Pack, kept: dict[int, Entry], check: Check) -> None:
    """The rest of V2: each organisation's own numbers."""
    everything = pack.about.get("opened") == "all" and pack.about.get("leaves") == "all"
    complete, any_number = set(pack.about.get("complete_for", [])), False
    due: dict[int, int] = {}
    for seq in sorted(kept):
        for party, number in zip(kept[seq].get("parties", []), kept[seq].get("org_seqs", []), strict=False):
            any_number = True
            wanted = due.get(party, 1)
            if (everything or party in complete) and number != wanted:
                check.fault(
                    CHAIN, f"entry {seq} is number {number} of organisation {party}, and {wanted} is due", seq=seq
                )
            elif number < wanted:
                check.fault(
                    CHAIN, f"entry {seq} is number {number} of organisation {party}, which came already", seq=seq
                )
            due[party] = number + 1
    if not any_number:
        check.notes.append("not_in_pack: no entry shown has a number within its organisations (org_seq)")
    elif not everything and not complete:
        check.notes.append(
            "not_in_pack: only some entries are shown, so that gaps within an organisation cannot be seen"
        )


def check_tiles(pack: Pack, leaves: dict[int, Entry], check: Check) -> None:
    """The rest of V3: the log's own tiles (C2SP tlog-tiles) against the leaves."""
    tiles = sorted(name for name in pack.names if name.startswith("tile/"))
    if not tiles:
        return
    level = [leaves[seq]["hash"] for seq in sorted(leaves)]
    for number in range(64):
        mine = [name for name in tiles if name.startswith(f"tile/{number}/")]
        for name in mine:
            match = re.fullmatch(r"tile/\d+/((?:x\d{3}/)*\d{3})(?:\.p/(\d{1,3}))?", name)
            index = int(re.sub(r"[x/]", "", match[1])) if match else -1
            due = (
                b"".join(level[index * 256 : index * 256 + (int(match[2]) if match and match[2] else 256)])
                if match
                else b""
            )
            if not due or pack.bytes(name) != due:
                check.fault(INCLUSION, f"{name} does not hold the hashes that follow from the leaves", tile=name)
        if not mine:
            break
        level = [tile_root(level[i : i + 256]) for i in range(0, len(level) // 256 * 256, 256)]


def tile_root(hashes: Sequence[bytes]) -> bytes:
    """The hash over a whole tile."""
    tree = Tree()
    for one in hashes:
        tree.append(one)
    return tree.root()


# ---------------------------------------------------------------- V4 heads


def read_heads(pack: Pack, check: Check) -> list[Entry]:
    """V4. The tree heads up to the pack's own, each proven to extend the one before."""
    heads: list[Entry] = []
    number, size, root = 0, 0, EMPTY_ROOT
    for line in pack.lines("heads.jsonl"):
        fits = isinstance(line, dict) and type(line.get("number")) is int and type(line.get("size")) is int
        if not fits or not unhexed(line.get("root")) or not isinstance(line.get("proof"), list):
            raise UnreadableError(f"line {len(heads) + 1} of heads.jsonl is no head")
        check.counted += 1
        proof = [unhexed(one) for one in line["proof"]]
        if line["number"] != number + 1:
            check.fault(CONSISTENCY, f"head {number + 1} is missing", head=number + 1)
        elif (
            b"" in proof
            or not size < line["size"]
            or not is_consistent(size, root, line["size"], unhexed(line["root"]), proof)
        ):
            check.fault(CONSISTENCY, f"head {line['number']} does not extend head {number}", head=line["number"])
        number, size, root = line["number"], line["size"], unhexed(line["root"])
        heads.append(line)
    if (number, size) != (pack.about.get("head"), pack.about.get("size")):
        check.fault(
            INCOMPLETE,
            f"pack.json says head {pack.about.get('head')} over {pack.about.get('size')}, and the last head is {number} over {size}",
        )
    if not heads:
        check.absent = "the pack holds no tree head: nothing was anchored yet"
    return heads


# ---------------------------------------------------------------- V5 checkpoints (C2SP signed notes)

SIGNED = re.compile(r"— (\S+) (\S+)")


@dataclass(frozen=True)
class Key:
    """A verifier key: name, algorithm (1: the log's, 4: a witness's cosignature/v1), the key, and the id notes carry."""

    name: str
    algorithm: int
    public: bytes

    @property
    def id(self) -> bytes:
        """The first four bytes of the key's hash."""
        return sha256(self.name.encode(), b"\n", bytes([self.algorithm]), self.public)[:4]


def key_of(text: str) -> Key:
    """A vkey line. Raises UnreadableError."""
    name, _, rest = text.strip().partition("+")
    claimed, _, encoded = rest.partition("+")
    raw = unbased(encoded)
    found = Key(name, raw[0] if raw else 0, raw[1:])
    if len(raw) != 33 or found.algorithm not in (1, 4) or found.id.hex() != claimed:
        raise UnreadableError(f"{text[:80]!r} is no verifier key")
    return found


def check_checkpoints(pack: Pack, heads: Sequence[Entry], given: Given, check: Check) -> None:
    """V5."""
    names = sorted(name for name in pack.names if name.startswith("checkpoints/"))
    if not names or "log.vkey" not in pack.names:
        check.absent = "the pack holds no signed checkpoint"
        if given.log_key or names:
            check.fault(CHECKPOINT, "checkpoints and the log's key belong together, and one of them is missing")
        return
    log = key_of(pack.bytes("log.vkey").decode("utf-8", "replace"))
    if given.log_key and key_of(given.log_key) != log:
        check.fault(CHECKPOINT, "the pack's log key is not the one you gave")
        log = key_of(given.log_key)
    if not given.log_key:
        check.notes.append(
            f"the log's key is the pack's own word ({log.name}+{log.id.hex()}); give yours with --log-key"
        )
    text = pack.bytes("witnesses.vkeys").decode("utf-8", "replace") if "witnesses.vkeys" in pack.names else ""
    witnesses = [key_of(line) for line in text.splitlines() if line.strip()]
    roots = {head["size"]: unhexed(head["root"]) for head in heads}
    for name in names:
        check.counted += 1
        for what in checkpoint_faults(
            pack.bytes(name), log, witnesses, {**pack.about.get("roots", {}), **roots}, pack.about["log_id"]
        ):
            check.fault(CHECKPOINT, f"{name}: {what}", file=name)
    if f"checkpoints/{pack.about.get('size')}" not in names:
        check.fault(CHECKPOINT, "no checkpoint is over the pack's own head")
    if not witnesses:
        check.notes.append("not_in_pack: no witness's key, so that no cosignature was looked at")


def checkpoint_faults(
    note: bytes, log: Key, witnesses: Sequence[Key], roots: dict[int, bytes], origin: str
) -> Iterator[str]:
    """What is wrong with one checkpoint."""
    try:
        body, _, signatures = note.decode("utf-8").partition("\n\n")
        lines = body.split("\n")
        if len(lines) < 3 or lines[0] != origin or str(int(lines[1])) != lines[1]:
            raise ValueError("it is not this log's")
    except ValueError as problem:
        yield f"it is no checkpoint of {origin}: {problem}"
        return
    if roots.get(int(lines[1])) != unbased(lines[2]):
        yield f"its root is not that of the first {lines[1]} entries"
    signed = [(match[1], unbased(match[2])) for line in signatures.splitlines() if (match := SIGNED.fullmatch(line))]
    text = (body + "\n").encode()
    own = [raw for name, raw in signed if name == log.name and raw[:4] == log.id]
    if not own or not all(ed25519_holds(log.public, text, raw[4:]) for raw in own):
        yield "it is not signed by the log's key"
    for witness in witnesses:
        for raw in (raw for name, raw in signed if name == witness.name and raw[:4] == witness.id):
            dated = b"cosignature/v1\ntime %d\n" % int.from_bytes(raw[4:12], "big") + text
            if not ed25519_holds(witness.public, dated, raw[12:]):
                yield f"the cosignature of {witness.name} does not hold"


# ---------------------------------------------------------------- V6 the parties' messages

HEADER = re.compile(
    r'Signature +keyId *= *"([^"\\|]+)\|([^"\\|]+)\|ed25519" *, *algorithm *= *"ed25519" *, *created *= *"([1-9]\d{0,9})" *, *'
    r'expires *= *"([1-9]\d{0,9})" *, *headers *= *"\(created\) +\(expires\) +digest( +request-signature)?" *, *signature *= *"([^"\\]+)" *'
)


def check_messages(pack: Pack, kept: dict[int, Entry], given: Given, check: Check) -> None:
    """V6."""
    if "beckn.jsonl" not in pack.names:
        check.absent = "the pack holds no messages: only the parties to them may show them"
        return
    known: dict[str, str] = dict(given.party_keys)
    digests = set()
    for number, line in enumerate(pack.lines("beckn.jsonl"), 1):
        check.counted += 1
        what = message_fault(line, known)
        raw = unbased(line.get("raw")) if isinstance(line, dict) else b""
        digests.add(hashlib.blake2b(raw, digest_size=64).hexdigest())
        if what:
            about = f"{line.get('action')} of {line.get('subscriber_id')}" if isinstance(line, dict) else ""
            check.fault(SIGNATURE, f"message {number} ({about}): {what}", line=number)
    named = [one["told"]["request_blake2b512"] for one in kept.values() if "request_blake2b512" in one["told"]]
    absent = sum(one not in digests for one in named)
    if named:
        check.notes.append(f"{len(named) - absent} entries name the signed request they follow from, and it is here")
    if absent:
        check.notes.append(f"not_in_pack: the requests that {absent} entries name")
    if not given.party_keys:
        check.notes.append(
            "the parties' keys are the pack's own word, as the registry gave them then; give yours with --party-key"
        )


def message_fault(line: Any, known: dict[str, str]) -> str:
    """Why a message does not prove that its sender signed it; empty when it does."""
    try:
        raw, header = unbased(line["raw"]), HEADER.fullmatch(line["authorization"])
        key, at = line["public_key"], micros(line["at"])
        if header is None or header[1] != line["subscriber_id"]:
            return "its signature is not one of its sender"
        name = f"{header[1]}|{header[2]}"
        if known.setdefault(name, key) != key:
            return f"{name} is shown with another key than the one known"
        created, expires = int(header[3]), int(header[4])
        begins = micros(line["valid_from"]) if "valid_from" in line else 0
        ends = micros(line["valid_until"]) if begins else 0
    except (KeyError, TypeError, ValueError) as problem:
        return f"it cannot be read: {problem}"
    if not created < expires <= created + 3660 or not (created - 5) * SECOND <= at <= expires * SECOND:
        return "its signature was not in force when it came"
    if begins and not begins <= at <= ends:
        return "its key was not valid when it came"
    digest = base64.b64encode(hashlib.blake2b(raw, digest_size=64).digest()).decode()
    for label in ("BLAKE-512", "BLAKE2b-512"):
        signed = f"(created): {created}\n(expires): {expires}\ndigest: {label}={digest}"
        for chained in [f"\nrequest-signature: {one}" for one in line.get("answering", [])] if header[5] else [""]:
            if ed25519_holds(unbased(key), (signed + chained).encode(), unbased(header[6])):
                return ""
    return "the signature does not fit its bytes and its sender's key"


# ---------------------------------------------------------------- V7 the chain

ANCHORED = "0x45ef56a72880233a8b623853acd34f76e6bf8a421163a5e65ea2b49870e8189f"
RECORDED = "0xfacb5b4282f6cb77120dc69d36993ae5bdaf9eca55a89370fc455d91cf44cda7"


def check_anchors(pack: Pack, heads: Sequence[Entry], kept: dict[int, Entry], given: Given, check: Check) -> None:
    """V7."""
    anchors = pack.value("anchors.json") if "anchors.json" in pack.names else {"state": "NO_CHAIN"}
    if not isinstance(anchors, dict) or anchors.get("state") != "ANCHORED":
        state = anchors.get("state") if isinstance(anchors, dict) else None
        check.absent = f"the pack's heads are on no chain ({state})"
        if given.contract or given.rpc or given.anchor_key:
            check.fault(ANCHOR, "the pack names no contract, and you gave one")
        return
    place_faults(anchors, given, check)
    try:
        logs = [log_of(one, anchors) for one in anchors["logs"]]
    except (KeyError, ValueError, TypeError, IndexError, AttributeError) as problem:
        check.fault(ANCHOR, f"a log of the contract cannot be read: {problem}")
        return
    check.counted = len(logs)
    for one in logs:
        if one["why"]:
            check.fault(ANCHOR, f"{one['why']} (transaction {one['tx']})")
    if [one["at"] for one in logs] != sorted(one["at"] for one in logs):
        check.fault(ANCHOR, "the contract's logs are not in their order")
    head_faults(pack.about["log_id"], heads, [one for one in logs if one["topic"] == ANCHORED], check)
    record_faults(pack, kept, [one for one in logs if one["topic"] == RECORDED], check)
    if given.rpc:
        rpc_faults(given.rpc, anchors, check)
    else:
        check.notes.append("the contract's logs are the pack's own word; ask a chain of your choice with --rpc")


def place_faults(anchors: Entry, given: Given, check: Check) -> None:
    """Whether the contract, its chain and the key that writes to it are the ones the auditor knows."""
    named = {"contract": given.contract.lower(), "chain_id": given.chain_id, "sender": given.anchor_key.lower()}
    for name, wanted in named.items():
        said = anchors.get(name)
        if wanted and (said.lower() if isinstance(said, str) else said) != wanted:
            check.fault(ANCHOR, f"the pack's {name} is {said}, and you gave {wanted}")
    if not given.contract:
        check.notes.append(
            f"contract {anchors.get('contract')} on chain {anchors.get('chain_id')} is the pack's own word; give yours with --contract"
        )


def log_of(log: Entry, anchors: Entry) -> Entry:
    """One log of the contract: where it stands, what it says, and why it cannot be one of ours."""
    senders = {one["hash"]: (one["from"].lower(), one["to"].lower()) for one in anchors["transactions"]}
    blocks = {one["number"]: one["hash"] for one in anchors["blocks"]}
    data = log["data"][2:]
    why = ""
    if log["address"].lower() != anchors["contract"].lower():
        why = f"a log stands at another contract, {log['address']}"
    elif senders.get(log["transactionHash"]) != (anchors["sender"].lower(), anchors["contract"].lower()):
        why = "it was not sent to the contract by the log's own key"
    elif blocks.get(log["blockNumber"]) != log["blockHash"]:
        why = "its block is not among the pack's blocks"
    return {
        "topic": log["topics"][0], "topics": [one[2:] for one in log["topics"]], "tx": log["transactionHash"], "why": why,
        "words": [data[i : i + 64] for i in range(0, len(data), 64)], "at": (int(log["blockNumber"], 16), int(log["logIndex"], 16)),
    }  # fmt: skip


def head_faults(log_id: str, heads: Sequence[Entry], logs: Sequence[Entry], check: Check) -> None:
    """Whether the contract accepted these heads and no other, and its running hash folds them all."""
    acc, size = sha256(log_id.encode()), 0
    said = {int(one["topics"][1], 16): one for one in logs}
    if len(said) != len(logs):
        check.fault(ANCHOR, "the contract is said to have accepted one head twice")
    for head in heads:
        one = said.pop(head["number"], None)
        if one is None:
            check.fault(
                ANCHOR, f"the contract is not shown to have accepted head {head['number']}", head=head["number"]
            )
            continue
        before, over, root, folded = (
            int(one["words"][0], 16),
            int(one["words"][1], 16),
            one["words"][2],
            one["words"][3],
        )
        acc = sha256(acc, head["number"].to_bytes(8, "big"), over.to_bytes(8, "big"), bytes.fromhex(root))
        if (before, over, root) != (size, head["size"], head["root"]):
            check.fault(
                ANCHOR, f"the contract accepted another head {head['number']} than the pack's", head=head["number"]
            )
        elif folded != acc.hex():
            check.fault(
                ANCHOR,
                f"the contract's running hash at head {head['number']} is not that of its heads",
                head=head["number"],
            )
        acc, size = bytes.fromhex(folded), over
    for number in said:
        check.fault(ANCHOR, f"the contract accepted a head {number} that the pack lacks", head=number)


def record_faults(pack: Pack, kept: dict[int, Entry], logs: Sequence[Entry], check: Check) -> None:
    """Whether each settlement's record follows from its statement and stands in the contract, and no other does."""
    said = {one["topics"][1]: one for one in logs}
    payloads = {one["told"].get("statement"): one["payload"] for one in kept.values() if one["type"] == STATEMENT}
    keys: dict[str, str] = {}
    waiting = set(payloads)
    for record in pack.lines("records.jsonl"):
        try:
            name, salt, payload = record["statement"], bytes.fromhex(record["salt"]), payloads.get(record["statement"])
            if payload is None:
                check.fault(ANCHOR, f"a record is shown of statement {name}, which is not in the pack", statement=name)
                continue
            plain = bytes.fromhex(name.replace("-", ""))
            sid = sha256(b"caco/sid/v1", pack.about["log_id"].encode(), salt, plain)
            key = sha256(sid, record["run"].encode("ascii")).hex()
            keys[name] = key
            waiting.discard(name)
            before = keys.get(record.get("supersedes_statement", "")) or record["supersedes"] or "0" * 64
            due = (
                sid.hex(),
                before,
                record["run"].encode().hex(),
                sha256(b"caco/settlement/v1\0", salt, payload.encode()).hex(),
            )
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            check.fault(ANCHOR, f"a settlement's record cannot be read: {problem}")
            continue
        one = said.pop(key, None)
        if one is None:
            check.fault(ANCHOR, f"the contract holds no record of statement {name}", statement=name)
        elif (one["topics"][2], one["topics"][3], one["words"][0][:4], one["words"][1]) != due:
            check.fault(
                ANCHOR, f"the contract holds another record of statement {name} than its bytes give", statement=name
            )
    if waiting:
        check.notes.append(f"not_in_pack: the records of {len(waiting)} statement(s), which were not on the chain yet")
    if said and pack.about.get("opened") == "all":
        check.fault(ANCHOR, f"the contract holds {len(said)} record(s) of statements that the pack lacks")


def rpc_faults(url: str, anchors: Entry, check: Check) -> None:
    """The same logs, asked of a chain of the auditor's choice."""

    def ask(method: str, *params: Any) -> Any:
        body = json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params}).encode()
        request = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310 - the auditor's own address
        with urllib.request.urlopen(request, timeout=30) as answer:  # noqa: S310
            return json.load(answer)["result"]

    try:
        where = {"address": anchors["contract"], "fromBlock": hex(anchors.get("first_block", 0)), "toBlock": "latest"}
        if int(ask("eth_chainId"), 16) != anchors["chain_id"] or ask("eth_getCode", anchors["contract"], "latest") in (
            "0x",
            "",
        ):
            check.fault(ANCHOR, "the chain you named is another one, or holds no such contract")
            return
        found = {
            (one["transactionHash"], one["logIndex"]): one
            for one in ask("eth_getLogs", {**where, "topics": [[ANCHORED, RECORDED]]})
        }
        compared = ("address", "topics", "data", "blockHash", "transactionHash", "logIndex")
        for one in anchors["logs"]:
            real = found.get((one["transactionHash"], one["logIndex"]), {})
            if any(str(one[name]).lower() != str(real.get(name)).lower() for name in compared):
                check.fault(
                    ANCHOR, f"the chain you named does not hold the log of transaction {one['transactionHash']}"
                )
    except (OSError, ValueError, KeyError, TypeError) as problem:
        check.fault(ANCHOR, f"the chain you named could not be asked: {problem}")


# ---------------------------------------------------------------- time: half hours and days of Great Britain

HALF_HOURS = 48


SECOND = 10**6
MOMENT = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,6}))?(Z|[+-]\d\d:\d\d)", re.ASCII)
DAY = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
WHOLE = re.compile(r"-?\d+", re.ASCII)
EXACT = re.compile(r"-?\d+(?:\.\d+)?", re.ASCII)


def micros(text: Any) -> int:
    """A moment with its zone in microseconds since 1970. Raises ValueError."""
    match = MOMENT.fullmatch(text) if isinstance(text, str) else None
    if match is None:
        raise ValueError(f"{text!r} is no moment with a zone")
    moment = datetime.fromisoformat(match[1] + match[3])
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)) // timedelta(seconds=1) * SECOND + int(
        (match[2] or "").ljust(6, "0")
    )


def whole(value: Any) -> int:
    """An integer, or one written as text. Raises ValueError."""
    if type(value) is int or (isinstance(value, str) and WHOLE.fullmatch(value)):
        return int(value)
    raise ValueError(f"{value!r} is no whole number")


def exact(value: Any) -> Fraction:
    """A number written as text, every digit of it. Raises ValueError."""
    if type(value) is int or (isinstance(value, str) and EXACT.fullmatch(value)):
        return Fraction(value)
    raise ValueError(f"{value!r} is no number")


def half_hour(text: Any) -> int:
    """The number of a half hour since 1970, from its UTC start. Raises ValueError off the grid or without a zone."""
    number, rest = divmod(micros(text), 1800 * SECOND)
    if number < 0 or rest:
        raise ValueError(f"{text!r} starts no half hour")
    return number


def moment_of(number: int) -> str:
    """A half hour's start as people read it."""
    return f"{datetime.fromtimestamp(number * 1800, UTC):%Y-%m-%dT%H:%MZ}"


def last_sunday(year: int, month: int) -> int:
    """The last Sunday of a month of 31 days, in days since 1970."""
    day = date(year, month, 31).toordinal()
    return day - day % 7 - EPOCH


EPOCH = date(1970, 1, 1).toordinal()


def day_of(text: str) -> int:
    """A date in days since 1970."""
    if not isinstance(text, str) or not DAY.fullmatch(text):
        raise ValueError(f"{text!r} is no date")
    return date.fromisoformat(text).toordinal() - EPOCH


def day_start(day: int) -> int:
    """The half hour in which a London day begins: an hour earlier in summer."""
    year = date.fromordinal(day + EPOCH).year
    return day * HALF_HOURS - (2 if last_sunday(year, 3) < day <= last_sunday(year, 10) else 0)


def periods_in(day: int) -> int:
    """46, 48 or 50."""
    return day_start(day + 1) - day_start(day)


def period_of(number: int) -> tuple[int, int]:
    """(London day, settlement period from 1) of a half hour."""
    day = number // HALF_HOURS
    day += number >= day_start(day + 1)
    return day, number - day_start(day) + 1


# ---------------------------------------------------------------- V8 the money, worked out anew


class NoBaselineError(Exception):
    """The baseline cannot be made from what the pack holds."""


def divided(total: int, count: int) -> int:
    """total / count to the nearest integer, half to even."""
    return round(Fraction(total, count))


@dataclass
class Site:
    """A site's readings: half hour -> [(known at, Wh)], oldest first; `broken` when one of its records does not hold."""

    readings: dict[int, list[tuple[int, int]]] = field(default_factory=dict)
    broken: bool = False

    def known(self, at: int) -> dict[int, int]:
        """The newest energy of each half hour by what was known at a moment."""
        found = {}
        for number, told in self.readings.items():
            for known_at, wh in told:
                if known_at <= at:
                    found[number] = wh
        return found


@dataclass
class Book:
    """The price book: rows by key with the days they are in force, and the bank holidays."""

    rows: dict[str, list[Entry]]
    holidays: set[int]

    def row(self, table: str, key: str, day: int) -> Entry:
        """The row in force. Raises KeyError."""
        for row in self.rows.get(table, []):
            begins, ends = row["effective_from"], row["effective_to"]
            if row["key"] == key and (not begins or day_of(begins) <= day) and (not ends or day < day_of(ends)):
                return row
        raise KeyError(f"the price book has no {key} among its {table}")

    def works(self, day: int) -> bool:
        """Whether people work on that day in England and Wales."""
        return (day + 3) % 7 < 5 and day not in self.holidays


def needed(readings: dict[int, int], wanted: Sequence[int]) -> list[int]:
    """The readings of half hours. Raises NoBaselineError naming the first that is missing."""
    for number in wanted:
        if number not in readings:
            raise NoBaselineError(f"there is no reading for {moment_of(number)}")
    return [readings[number] for number in wanted]


def reading_on(readings: dict[int, int], day: int, period: int) -> int:
    """The reading of a settlement period on another day."""
    return readings[day_start(day) + min(period, periods_in(day)) - 1]


def like_day(
    inputs: Entry, readings: dict[int, int], starts: Sequence[int], rule: Entry, book: Book
) -> tuple[dict[int, int], int]:
    """(unadjusted Wh by half hour, adjustment in Wh) of the like-day mean."""
    day, first = period_of(starts[0])
    works = book.works(day)
    events = {day_of(one) for one in inputs["event_days"]}
    alike = [
        one
        for one in (day - back for back in range(1, rule.get("lookback_days", 60) + 1))
        if book.works(one) == works and periods_in(one) == 48 and all(day_start(one) + i in readings for i in range(48))
    ]
    count = rule.get("working_days", 10) if works else rule.get("non_working_days", 4)
    days = [one for one in alike if one not in events][:count]
    days += [one for one in alike if one in events][: count - len(days)]
    if len(days) < count:
        raise NoBaselineError(f"{count} days like the event's are needed, and {len(days)} are whole")
    if rule.get("highest") is not None:
        energy = {one: sum(reading_on(readings, one, period_of(start)[1]) for start in starts) for one in days}
        days = sorted(days, key=lambda one: -energy[one])[: rule["highest"]]
    unadjusted = {
        start: divided(sum(reading_on(readings, one, period_of(start)[1]) for one in days), len(days))
        for start in starts
    }
    if not rule.get("adjust", True):
        return unadjusted, 0
    length = rule.get("adjustment_periods", 6)
    end = day_start(day) + first - 1 - rule.get("adjustment_gap_periods", 2)
    window = range(end - length, end)
    metered = needed(readings, window)
    over = sum(
        wh * len(days) - sum(reading_on(readings, one, period_of(start)[1]) for one in days)
        for start, wh in zip(window, metered, strict=False)
    )
    return unadjusted, divided(over, len(days) * length)


def near_event(kind: str, readings: dict[int, int], starts: Sequence[int], rule: Entry) -> dict[int, int]:
    """The level metered before the event, or the line from before it to after it."""
    gap, before, after = rule.get("gap_periods", 0), rule.get("before_periods", 2), rule.get("after_periods", 2)
    ahead = range(starts[0] - gap - before, starts[0] - gap)
    early = needed(readings, ahead)
    if kind == "meter-before":
        return dict.fromkeys(starts, divided(sum(early), before))
    behind = range(starts[-1] + 1 + gap, starts[-1] + 1 + gap + after)
    late = needed(readings, behind)
    # In quarter hours between the middles of the two windows.
    first, last = 2 * ahead[0] + before, 2 * behind[0] + after
    span = last - first
    return {
        start: divided(sum(early) * after * (span - x) + sum(late) * before * x, before * after * span)
        for start in starts
        for x in [2 * start + 1 - first]
    }


def baseline(method: str, inputs: Entry, readings: dict[int, int], starts: Sequence[int], book: Book) -> dict[int, int]:
    """Wh by half hour, cut to what the site can draw. Raises NoBaselineError, or KeyError for what the pack lacks."""
    row = book.row("baseline_methods", method, period_of(starts[0])[0])
    kind, rule, adjustment = row["method"], row["parameters"], 0
    if kind == "like-day":
        made, adjustment = like_day(inputs, readings, starts, rule, book)
        if inputs.get("uplift_alarm") and (adjustment > 0 if inputs["direction"] == "REDUCE" else adjustment < 0):
            adjustment = 0  # load was moved into the window: settled without what that would credit
    elif kind in ("before-after", "meter-before"):
        made = near_event(kind, readings, starts, rule)
    elif kind == "nominated":
        said = {half_hour(start): wh for start, wh in inputs["nomination"]["periods"].items()}
        made = dict(zip(starts, needed(said, starts), strict=False))
    elif kind == "zero":
        made = dict.fromkeys(starts, 0)
    else:
        raise KeyError(f"{kind} is no kind of baseline")
    return {start: min(max(wh + adjustment, 0), inputs["import_limit_wh"]) for start, wh in made.items()}


def table_share(points: Sequence[Sequence[str]], delivered: int, instructed: int) -> Fraction:
    """The share of the price a delivery earns, to six places, half to even."""
    if instructed <= 0:
        return Fraction(0)
    line, at = [(exact(x), exact(y)) for x, y in points], Fraction(delivered, instructed)
    found = line[-1][1]
    if at <= line[0][0]:
        found = line[0][1]
    else:
        for (x0, y0), (x1, y1) in pairwise(line):
            if at <= x1:
                found = y0 + (y1 - y0) * (at - x0) / (x1 - x0)
                break
    return Fraction(round(found * 10**6), 10**6)


def pence(pounds: Fraction) -> int:
    """Whole pence, half to even."""
    return round(pounds * 100)


@dataclass
class Worked:
    """What one statement comes to: a row for each half hour, and its components as (type, exact pounds)."""

    lines: dict[int, dict[str, Any]]
    components: list[tuple[str, Fraction]]


def worked_out(told: Entry, inputs: Entry, readings: dict[int, int], book: Book) -> Worked:
    """Readings -> baseline -> volume -> money, by the statement's own terms."""
    terms, direction = told["terms"], inputs["direction"]
    if not inputs["periods"]:
        return Worked({}, uncalled(told, inputs, book))
    periods = {half_hour(one["start"]): one for one in inputs["periods"]}
    starts = sorted(periods)
    base = baseline(told["baseline_method"], inputs, readings, starts, book)
    metered = dict(zip(starts, needed(readings, starts), strict=False))
    lines = {}
    for start in starts:
        instructed, others = periods[start]["instructed_wh"], periods[start]["others_wh"]
        turned = base[start] - metered[start] if direction == "REDUCE" else metered[start] - base[start]
        delivered = max(0, turned)
        delivered = delivered * instructed // (instructed + others) if others else delivered
        lines[start] = {
            "instructed_wh": instructed,
            "others_wh": others,
            "baseline_wh": base[start],
            "metered_wh": metered[start],
            "delivered_wh": delivered,
            "eligible_wh": min(delivered, instructed * terms["cap_percent"] // 100),
            "shortfall_wh": max(0, instructed - delivered),
        }
    price = exact(terms["utilisation_price_gbp_per_kwh"])
    if terms["regulatory_basis"] == "P415_VTP":
        return Worked(lines, traded(lines, inputs, price))
    return Worked(lines, sold(lines, terms, inputs, price, book))


def traded(lines: dict[int, dict[str, Any]], inputs: Entry, price: Fraction) -> list[tuple[str, Fraction]]:
    """A wholesale trade: what was sold at its price, and what was left over or missing at the system price."""
    sign = 1 if inputs["direction"] == "REDUCE" else -1
    system = {half_hour(start): exact(gbp) for start, gbp in inputs["system_gbp_per_mwh"].items()}
    usage, beside = Fraction(0), Fraction(0)
    for start, line in lines.items():
        moved, instructed, others = line["baseline_wh"] - line["metered_wh"], line["instructed_wh"], line["others_wh"]
        moved = moved * instructed // (instructed + others) if others else moved
        left = Fraction(moved - sign * instructed, 10**6)
        line.update(scale=Fraction(1), pay_gbp=Fraction(instructed, 1000) * price, penalty_gbp=Fraction(0))
        line.update(imbalance_mwh=left, imbalance_gbp=left * system[start])
        usage, beside = usage + line["pay_gbp"], beside + line["imbalance_gbp"]
    return [("USAGE", usage), ("IMBALANCE", beside)]


def sold(
    lines: dict[int, dict[str, Any]], terms: Entry, inputs: Entry, price: Fraction, book: Book
) -> list[tuple[str, Fraction]]:
    """Utilisation and penalty of every other product, and availability where it pays for that."""
    day = period_of(min(lines))[0]
    points = book.row("performance_tables", terms["performance_table"], day)["points"]
    deficiency = terms["penalty_rule"] == "DEFICIENCY_PRICE"
    penalty = exact(terms["shortfall_penalty_gbp_per_kwh"]) if deficiency else Fraction(0)
    for line in lines.values():
        line["scale"] = table_share(points, line["delivered_wh"], line["instructed_wh"])
        line["pay_gbp"] = Fraction(line["eligible_wh"], 1000) * price * line["scale"]
        line["penalty_gbp"] = Fraction(line["shortfall_wh"], 1000) * penalty
    owed = sum((line["penalty_gbp"] for line in lines.values()), Fraction(0))
    found = [("USAGE", sum((line["pay_gbp"] for line in lines.values()), Fraction(0)))]
    found += [("PENALTY", -owed)] if owed else []
    return found + stood_ready(lines, terms, inputs, day, book)


def uncalled(told: Entry, inputs: Entry, book: Book) -> list[tuple[str, Fraction]]:
    """What an order that nothing was delivered under is owed: its late cancellation, or having stood ready."""
    if told["reason"] == "CANCELLED":
        return [("CANCELLATION_FEE", Fraction(whole(inputs["cancellation_fee_pence"]), 100))]
    first = min(half_hour(one["start"]) for one in inputs["availability"]["windows"])
    return stood_ready({}, told["terms"], inputs, period_of(first)[0], book)


def stood_ready(
    lines: dict[int, dict[str, Any]], terms: Entry, inputs: Entry, day: int, book: Book
) -> list[tuple[str, Fraction]]:
    """AVAILABILITY of what was held ready, in the order's first dispatch, and CLAWBACK of what was missed."""
    product = book.row("products", terms["product"], day)
    if product["pays"] != "AVAILABILITY_AND_UTILISATION":
        return []
    held, price = inputs["availability"], exact(terms["availability_price_gbp_per_mw_h"])
    points = book.row("performance_tables", product["availability_table"], day)["points"]
    share = table_share(points, held["delivered_wh"], held["instructed_wh"]) if held["instructed_wh"] else Fraction(1)
    fees = {half_hour(one["start"]): exact(one["power_kw"]) / 1000 / 2 * price * share for one in held["windows"]}
    lost_rule = terms["penalty_rule"] == "LOST_AVAILABILITY"
    lost = sum((fees[start] for start, line in lines.items() if lost_rule and line["scale"] == 0), Fraction(0))
    found = [("AVAILABILITY", sum(fees.values(), Fraction(0)))] if held["first"] else []
    return found + ([("CLAWBACK", -lost)] if lost else [])


def half_hour_faults(told: Entry, worked: Worked) -> Iterator[tuple[int, str]]:
    """(half hour, what differs) for each half hour of a statement that does not come to what it says."""
    said = {day_start(day_of(line["date"])) + line["period"] - 1: line for line in told["lines"]}
    for start in sorted(said.keys() | worked.lines.keys()):
        stated, due = said.get(start), worked.lines.get(start)
        if stated is None or due is None:
            yield (
                start,
                "it is in the statement and not in the dispatch" if due is None else "it is missing in the statement",
            )
            continue
        differing = [
            f"{name} is {stated[name]}, and {shown(due[name])} follows from the readings"
            for name in (
                "metered_wh",
                "baseline_wh",
                "delivered_wh",
                "eligible_wh",
                "instructed_wh",
                "shortfall_wh",
                "scale",
                "pay_gbp",
                "penalty_gbp",
                "imbalance_mwh",
                "imbalance_gbp",
            )
            if name in stated and exact(stated[name]) != due[name]
        ]
        if differing:
            yield start, "; ".join(differing)


def shown(value: Any) -> str:
    """A number as a statement writes it."""
    if isinstance(value, int) or value.denominator == 1:
        return str(int(value))
    return f"{float(value):.9f}".rstrip("0")


def money_faults(told: Entry, worked: Worked) -> Iterator[str]:
    """What of a statement's sums is not what its half hours come to."""
    due = [(kind, pence(pounds), pounds - Fraction(pence(pounds), 100)) for kind, pounds in worked.components]
    due += carried(told, due)
    said = [(part["type"], whole(part["pence"]), exact(part["residual_gbp"])) for part in told["components"]]
    if due != said:
        yield f"its components are {said_as(said)}, and {said_as(due)} follow"
    amount, owed = sum(part[1] for part in due), -sum(part[1] for part in due if part[0] in ("PENALTY", "CLAWBACK"))
    sums = {"amount_pence": amount, "penalty_pence": owed, "payment_pence": amount + owed}
    for name in ("delivered_wh", "eligible_wh", "shortfall_wh"):
        sums[name] = sum(line[name] for line in worked.lines.values())
    for name, value in sums.items():
        if whole(told[name]) != value:
            yield f"{name} is {told[name]}, and {value} follows"


def carried(told: Entry, due: Sequence[tuple[str, int, Fraction]]) -> list[tuple[str, int, Fraction]]:
    """The components that settle what rounding left over, by account: the buyer's, and the market's for imbalance.

    What was paid before and the exact sum before give what is due by now, rounded once, half to even.
    """
    found = []
    for one in told.get("rounding", []):
        market = one["account"] == "MARKET"
        parts = [(amount, left) for kind, amount, left in due if (kind == "IMBALANCE") == market]
        odd, paid = whole(one["before_odd"]), sum(amount for amount, _ in parts)
        left = exact(one["before_gbp"]) + sum((left for _, left in parts), Fraction(0))
        moved = pence(Fraction(odd + paid, 100) + left) - odd - paid
        if left - Fraction(moved, 100) != exact(one["after_gbp"]):
            raise ValueError(f"rounding leaves over {left - Fraction(moved, 100)} GBP, and {one['after_gbp']} is said")
        if moved:
            found.append(("IMBALANCE_ROUNDING" if market else "ROUNDING", moved, -Fraction(moved, 100)))
    return found


def said_as(parts: Iterable[tuple[str, int, Fraction]]) -> str:
    """Components in words."""
    return ", ".join(f"{kind} {amount}p" for kind, amount, _ in parts) or "none"


def check_money(pack: Pack, kept: dict[int, Entry], sites: dict[str, Site], check: Check) -> list[Entry]:
    """V8. Gives the half hours at fault."""
    if "settlements.jsonl" not in pack.names:
        check.absent = "the pack holds nothing to work the money out from"
        return []
    inputs = {line.get("statement"): line for line in pack.lines("settlements.jsonl") if isinstance(line, dict)}
    fees = {one["subject"]: one["told"].get("fee_pence") for one in kept.values() if one["type"] == CANCELLED}
    book = book_of(pack)
    old, broken = 0, 0
    named: list[Entry] = []
    for seq, told in ((seq, one["told"]) for seq, one in sorted(kept.items()) if one["type"] == STATEMENT):
        name = told.get("statement", "")
        given = inputs.get(name)
        if not told.get("terms") or any("scale" not in line for line in told.get("lines", [])):
            old += 1
        elif given is None:
            check.fault(
                INCOMPLETE, f"statement {name} cannot be worked out: its readings and terms are missing", seq=seq
            )
        elif sites.get(given.get("site", ""), Site()).broken:
            broken += 1
        else:
            check.counted += 1
            charged = fees.get(f"order:{told.get('order')}")  # as the log told it when the order was cancelled
            given |= {"cancellation_fee_pence": charged} if charged is not None else {}
            named += statement_faults(told, given, sites, book, seq, check)
    if old:
        check.notes.append(f"not_in_pack: {old} statement(s) from before half hours carried their money")
    if broken:
        check.notes.append(f"not worked out: {broken} statement(s) that rest on meter records which V9 refuses")
    if not check.counted and not check.faults:
        check.absent = "the pack holds no statement whose money can be worked out"
    return named


def book_of(pack: Pack) -> Book:
    """The price book of the pack."""
    rows = pack.value("pricebook.json")
    try:
        return Book(rows, {day_of(one) for one in rows["bank_holidays"]})
    except (KeyError, TypeError, ValueError) as problem:
        raise UnreadableError(f"pricebook.json cannot be used: {problem}") from problem


def statement_faults(
    told: Entry, given: Entry, sites: dict[str, Site], book: Book, seq: int, check: Check
) -> list[Entry]:
    """Work one statement out and note what differs. Gives its half hours at fault."""
    name, named = told["statement"], []
    try:
        at = micros(told["knowledge_time"])
        worked = worked_out(told, given, sites.get(given["site"], Site()).known(at), book)
        for start, what in half_hour_faults(told, worked):
            day, period = period_of(start)
            where = {"date": date.fromordinal(day + EPOCH).isoformat(), "period": period, "start": moment_of(start)}
            named.append({"statement": name, **where})
            check.fault(
                AMOUNT,
                f"statement {name} in settlement period {period} of {where['date']} ({where['start']}): {what}",
                seq=seq,
                **where,
            )
        for what in money_faults(told, worked):
            check.fault(AMOUNT, f"statement {name}: {what}", seq=seq)
    except NoBaselineError as problem:
        check.fault(AMOUNT, f"statement {name} does not follow from the readings: {problem}", seq=seq)
    except (KeyError, ValueError, TypeError, AttributeError, ZeroDivisionError, IndexError) as problem:
        check.fault(AMOUNT, f"statement {name} cannot be worked out: {type(problem).__name__} {problem}", seq=seq)
    return named


# ---------------------------------------------------------------- V9 meter records and manifests


def read_sites(pack: Pack, kept: dict[int, Entry], check: Check) -> dict[str, Site]:
    """The readings by site, each record held to the entry of the log that it was written down in."""
    sites: dict[str, Site] = {}
    batches: dict[int, Entry] = {}
    outside = 0
    for line in pack.lines("settlements.jsonl"):
        if isinstance(line, dict):
            sites.setdefault(line.get("site", ""), Site())
    for line in pack.lines("readings.jsonl"):
        try:
            site, known_at = sites.setdefault(line["site"], Site()), micros(line["known_at"])
            for start, wh in line["readings"]:
                if type(wh) is not int:
                    raise ValueError(f"{wh!r} is no energy")
                site.readings.setdefault(half_hour(start), []).append((known_at, wh))
        except (KeyError, ValueError, TypeError, AttributeError) as problem:
            raise UnreadableError(f"readings.jsonl cannot be read: {problem}") from problem
        if "seq" in line:
            batches[line["seq"]] = line
        else:
            outside += len(line["readings"])
    for site in sites.values():
        for told in site.readings.values():
            told.sort(key=lambda one: one[0])
    for seq, one in sorted(kept.items()):
        name = one["told"].get("site")
        if (
            "sha256" in one["told"]
            and "readings" in one["told"]
            and one["told"].get("direction") == "IMPORT"
            and name in sites
        ):
            check.counted += 1
            batch_fault(seq, one, batches.pop(seq, None), sites[name], check)
    for seq in batches:
        check.fault(MANIFEST, f"readings are said to be of entry {seq}, which records none", seq=seq)
    if outside:
        check.notes.append(f"{outside} half hours rest on readings that no entry of the log records")
    return sites


def batch_fault(seq: int, entry: Entry, batch: Entry | None, site: Site, check: Check) -> None:
    """Whether the readings shown are those that an entry of the log wrote down."""
    told = entry["told"]
    starts = sorted(start for start, _ in batch["readings"]) if batch else []
    if batch is None or len(starts) != told["readings"] or (starts[0], starts[-1]) != (told["first"], told["last"]):
        site.broken = True
        check.fault(
            MANIFEST,
            f"entry {seq} records {told['readings']} readings of {told['site']}, and the pack shows {len(starts)}",
            seq=seq,
        )
        return
    text = "\n".join(f"{start},{wh}" for start, wh in sorted(map(tuple, batch["readings"])))
    if (
        sha256(text.encode()).hex() != told["sha256"]
        or micros(batch["known_at"]) // 1000 != micros(entry["at"]) // 1000
    ):
        check.fault(MANIFEST, f"the readings of {told['site']} are not those that entry {seq} recorded", seq=seq)


def check_manifests(pack: Pack, leaves: dict[int, Entry], kept: dict[int, Entry], check: Check) -> None:
    """The counts and sums that the log wrote down of itself, and of each organisation."""
    whole, opened = pack.about.get("leaves") == "all", pack.about.get("opened") == "all"
    complete = set(pack.about.get("complete_for", []))
    manifests = {seq: one["told"] for seq, one in sorted(kept.items()) if one["type"] == MANIFEST_TYPE}
    own: dict[int, dict[int, int]] = {}
    for seq, one in kept.items():
        for party, number in zip(one["parties"], one.get("org_seqs", []), strict=False):
            own.setdefault(party, {})[number] = seq
    ends: dict[int, int] = {}
    grown = Tree()
    for seq, told in manifests.items():
        party = 0 if told["scope"] == "log" else told["organisation"]
        if not (whole if party == 0 else (opened and whole) or party in complete):
            continue
        check.counted += 1
        due = ends.get(party, 0 if party == 0 else 1)
        if told["first"] != due:
            check.fault(MANIFEST, f"the manifest in entry {seq} begins at {told['first']}, and {due} is due", seq=seq)
        ends[party] = told["last"] + 1
        numbers = range(told["first"], told["last"] + 1)
        inside = [number if party == 0 else own.get(party, {}).get(number, -1) for number in numbers]
        for what in manifest_faults(told, [one for one in inside if one in leaves], leaves, kept, party or opened):
            check.fault(MANIFEST, f"the manifest in entry {seq} {what}", seq=seq)
        if party == 0:
            while grown.size <= told["last"] and grown.size in leaves:
                grown.append(leaves[grown.size]["hash"])
            if grown.root().hex() != told["root"]:
                check.fault(MANIFEST, f"the manifest in entry {seq} is of another log: its root differs", seq=seq)
    if not ends:
        check.notes.append("not_in_pack: no daily manifest that this pack could be counted by")
    elif whole:
        rest = sum(number >= ends.get(0, 0) for number in leaves)
        check.notes.append(f"{rest} entries came after the last manifest and are not counted yet")
    if not check.counted and not check.faults:
        check.absent = "the pack holds neither a manifest nor meter records"


def manifest_faults(
    told: Entry, numbers: Sequence[int], leaves: dict[int, Entry], kept: dict[int, Entry], summed: Any
) -> Iterator[str]:
    """What a manifest says that the pack does not hold; without every payload the counts alone."""
    if told["entries"] != len(numbers):
        yield f"counts {told['entries']} entries, and the pack holds {len(numbers)}"
    due: dict[str, dict[str, int]] = {}
    for number in numbers:
        sums = due.setdefault(leaves[number]["type"], {"entries": 0})
        sums["entries"] += 1
        for name, value in kept.get(number, {}).get("told", {}).items() if summed else ():
            text = str(value) if type(value) in (int, str) else ""
            if name.endswith(("_pence", "_wh")) and CONTROL.fullmatch(text):
                sums[name] = sums.get(name, 0) + int(text)
    for kind in sorted(due.keys() | told["types"].keys()):
        said, found = told["types"].get(kind, {}), due.get(kind, {})
        for name in sorted(found if not summed else said.keys() | found.keys()):
            if said.get(name) != str(found.get(name)):
                yield f"says {said.get(name)} {name} of {kind}, and the pack holds {found.get(name)}"


CONTROL = re.compile(r"-?[0-9]{1,39}")


# ---------------------------------------------------------------- V10 statements


def check_statements(pack: Pack, kept: dict[int, Entry], check: Check) -> None:
    """V10."""
    part = pack.about.get("scope", {}).get("kind") == "range"
    standing: dict[tuple[str, str], Entry] = {}
    for seq, told in ((seq, one["told"]) for seq, one in sorted(kept.items()) if one["type"] == STATEMENT):
        check.counted += 1
        try:
            about = (told["order"], told.get("activation", ""))
            for what in chain_faults(told, standing.get(about), part):
                check.fault(
                    SUPERSEDE, f"statement {told['statement']} ({told['run']} {told['version']}): {what}", seq=seq
                )
            standing[about] = told
        except (KeyError, ValueError, TypeError) as problem:
            check.fault(SUPERSEDE, f"the statement in entry {seq} cannot be read: {problem}", seq=seq)
    if not check.counted:
        check.absent = "the pack holds no statement"


def chain_faults(told: Entry, before: Entry | None, part: bool) -> Iterator[str]:
    """Why a statement cannot follow the one that stood before it."""
    run, version = RUNS.index(told["run"]), told["version"]
    if before is None:
        if "supersedes" in told and not part:
            yield "it supersedes a statement that is not in the pack"
        elif "supersedes" not in told and (told["run"], version) != ("II", 1):
            yield "it is the first, and the first is II 1"
        return
    if told.get("supersedes") != before["statement"]:
        yield f"it does not supersede {before['statement']}, which stood"
    elif whole(told["delta_pence"]) != whole(told["amount_pence"]) - whole(before["amount_pence"]):
        yield "its delta is not the difference of the two amounts"
    last = RUNS.index(before["run"])
    if run < last or version != (before["version"] + 1 if run == last else 1):
        yield f"it may not follow {before['run']} {before['version']}"


# ---------------------------------------------------------------- the whole


def verify(path: str, given: Given = NOTHING_GIVEN) -> dict[str, Any]:
    """Every check of a pack, as the report tells them; `exit` is the code to end with."""
    checks = {name: Check(name) for name in TITLES}
    named: list[Entry] = []
    try:
        pack = Pack(path)
        about = {name: pack.about.get(name) for name in ("log_id", "head", "size", "scope", "leaves", "opened")}
        heads = read_heads(pack, checks["V4"])
        leaves = read_entries(pack, heads, checks["V1"], checks["V2"], checks["V3"])
        kept = check_payloads(pack, leaves, checks["V1"])
        check_numbers(pack, kept, checks["V2"])
        check_tiles(pack, leaves, checks["V3"])
        check_checkpoints(pack, heads, given, checks["V5"])
        check_messages(pack, kept, given, checks["V6"])
        check_anchors(pack, heads, kept, given, checks["V7"])
        sites = read_sites(pack, kept, checks["V9"])
        named = check_money(pack, kept, sites, checks["V8"])
        check_manifests(pack, leaves, kept, checks["V9"])
        check_statements(pack, kept, checks["V10"])
    except (UnreadableError, KeyError, ValueError, TypeError, AttributeError, IndexError, OverflowError) as problem:
        why = str(problem) if isinstance(problem, UnreadableError) else f"{type(problem).__name__} {problem}"
        return {
            "format": "caco-pack-report/1",
            "verifier": "python",
            "exit": INCOMPLETE,
            "pack": {},
            "unreadable": why,
            "half_hours": [],
            "checks": [],
        }
    for name in ("V1", "V2", "V3"):
        if not leaves and not checks[name].faults:
            checks[name].absent = "the pack holds no entry"
    if not kept and not checks["V1"].faults:
        checks["V1"].absent = "the pack shows no payload"
    code = min((check.code for check in checks.values() if check.code), default=0)
    told = [check.as_json() for check in checks.values()]
    return {
        "format": "caco-pack-report/1",
        "verifier": "python",
        "exit": code,
        "pack": about,
        "half_hours": named,
        "checks": told,
    }


WORDS = {"held": "holds", "failed": "FAILED", "not_in_pack": "not in pack"}


def told_in_lines(report: dict[str, Any]) -> Iterator[str]:
    """The report as a person reads it."""
    if "unreadable" in report:
        yield f"INCOMPLETE  {report['unreadable']}"
    if report["pack"]:
        yield "{log_id}, head {head} over {size} entries; scope {scope}, leaves {leaves}, payloads {opened}".format(
            **{**report["pack"], "scope": (report["pack"]["scope"] or {}).get("kind")}
        )
    for check in report["checks"]:
        yield f"{WORDS[check['status']]:>11}  {check['check']:<3} {check['title']}: {check.get('why', '') or str(check['counted']) + ' looked at'}"
        for fault in check["faults"]:
            yield f"{'':>16} {fault['code']}: {fault['what']}"
        if check["more_faults"]:
            yield f"{'':>16} and {check['more_faults']} more"
        for note in check["notes"]:
            yield f"{'':>16} ({note})"
    for one in report["half_hours"]:
        yield f"half hour at fault: settlement period {one['period']} of {one['date']}, {one['start']}"
    absent = [check["check"] for check in report["checks"] if check["status"] == "not_in_pack"]
    beside = f"; {', '.join(absent)} could not be checked" if absent else ""
    yield f"exit {report['exit']}: {'everything that is in the pack holds' if report['exit'] == 0 else 'this pack does not hold'}{beside}"


def arguments(words: Sequence[str]) -> argparse.Namespace:
    """The command line."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("pack", help="the pack, a zip file")
    parser.add_argument("--json", action="store_true", help="print the report as one JSON object")
    parser.add_argument("--strict", action="store_true", help="end with 21 where a check is not in the pack")
    parser.add_argument("--log-key", default="", help="the log's verifier key: name+id+key")
    parser.add_argument("--contract", default="", help="the contract's address")
    parser.add_argument("--chain-id", type=int, help="the chain's id")
    parser.add_argument("--anchor-key", default="", help="the address that may write to the contract")
    parser.add_argument(
        "--party-key",
        action="append",
        default=[],
        help="subscriber|key=base64 of a party's Ed25519 key; may be repeated",
    )
    parser.add_argument("--rpc", default="", help="a chain of your choice to compare the contract's logs with")
    return parser.parse_args(words)


def main(words: Sequence[str]) -> int:
    """Verify, print, and answer the exit code."""
    asked = arguments(words)
    keys = dict(one.split("=", 1) for one in asked.party_key if "=" in one)
    report = verify(asked.pack, Given(asked.log_key, asked.contract, asked.chain_id, asked.anchor_key, keys, asked.rpc))
    if asked.strict and report["exit"] == 0 and any(check["status"] == "not_in_pack" for check in report["checks"]):
        report["exit"] = INCOMPLETE
    print(json.dumps(report, ensure_ascii=False) if asked.json else "\n".join(told_in_lines(report)))
    return int(report["exit"])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
