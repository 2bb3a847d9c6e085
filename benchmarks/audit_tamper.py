"""Tamper with evidence packs in fifteen ways, and see whether both verifiers say so, with the right code, and nothing else.

    python -m benchmarks.audit_tamper [--clean 1000] [--mutations 300] [--leaves 10000] [--seed 1] [--no-node]

Each mutation does what somebody would do who wants it to pass: where a class is about rewriting history, everything that can
be recomputed is, and only what others hold stays as it was. Prints one line a class and ends with 1 for any miss, any false
alarm, or any pack on which the two verifiers differ.
"""

from __future__ import annotations

import argparse
import base64
import copy
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "caco_site.settings")

import django

django.setup()

from nacl.signing import SigningKey  # noqa: E402 - Django first

from benchmarks.audit_packs import Log, checkpoint, contents, packed, random_log  # noqa: E402
from verifiers.verify_pack import verify  # noqa: E402

Contents = tuple[dict[str, Any], dict[str, Any]]
Tamper = Callable[[Random, Log], Contents]
SCRIPT = Path(__file__).resolve().parents[1] / "static" / "js" / "verify_pack.mjs"
BATCH = 50


def honest(log: Log) -> Contents:
    """The pack as it should be, ready to be changed."""
    return copy.deepcopy(contents(log))


def rewritten(log: Log, kept: Log, *names: str) -> Contents:
    """The pack of a rewritten log, with the files of these names as the honest log had them."""
    about, files = honest(log)
    files |= {name: value for name, value in honest(kept)[1].items() if name in names}
    return about, files


def statements(log: Log) -> list[int]:
    """Where the log's statements stand."""
    return [seq for seq, event in enumerate(log.events) if event.type == "settlement.statement"]


def payload_byte(rng: Random, log: Log) -> Contents:
    """A character of a payload."""
    about, files = honest(log)
    line = rng.choice(files["payloads.jsonl"])
    at = rng.randrange(1, len(line["payload"]) - 1)
    line["payload"] = line["payload"][:at] + chr(ord(line["payload"][at]) ^ 1) + line["payload"][at + 1 :]
    return about, files


def entry_dropped(rng: Random, log: Log) -> Contents:
    """An entry, out of the pack, or out of the log before it was anchored while its manifest counts it."""
    seq = rng.randrange(len(log.events) - 3)
    if rng.random() < 0.5:
        about, files = honest(log)
        del files["entries.jsonl"][seq]
        files["payloads.jsonl"] = [line for line in files["payloads.jsonl"] if line["seq"] != seq]
        return about, files
    seq = rng.choice([seq for seq, event in enumerate(log.events) if event.type == "offer.drafted"])
    log.sizes = [size - (size > seq) for size in log.sizes]
    del log.events[seq]
    return honest(log)


def reordered(rng: Random, log: Log) -> Contents:
    """Two entries in each other's place."""
    about, files = honest(log)
    lines = files["entries.jsonl"]
    a, b = rng.sample(range(len(lines)), 2)
    lines[a], lines[b] = lines[b], lines[a]
    return about, files


def salts_swapped(rng: Random, log: Log) -> Contents:
    """Two payloads' salts."""
    about, files = honest(log)
    a, b = rng.sample(files["payloads.jsonl"], 2)
    a["salt"], b["salt"] = b["salt"], a["salt"]
    return about, files


def chain_rehashed(rng: Random, log: Log) -> Contents:
    """A payload in the database, and every hash, tree, proof and checkpoint after it; or the proofs as they were."""
    old = copy.deepcopy(log)
    log.sizes = sorted({*log.sizes, rng.randrange(1, len(log.events))})
    old.sizes = list(log.sizes)
    event = log.events[rng.randrange(log.sizes[-2])]
    event.told = {**event.told, "note": f"changed {rng.random()}"}
    if rng.random() < 0.5:
        return rewritten(log, old, "anchors.json")
    about, files = rewritten(log, old)
    before = honest(old)[1]["heads.jsonl"]
    for head, was in zip(files["heads.jsonl"], before, strict=True):
        head["proof"] = was["proof"]
    return about, files


def forked(rng: Random, log: Log) -> Contents:
    """Another end of the log for one reader, signed by the log itself."""
    old = copy.deepcopy(log)
    event = log.events[-1]
    event.told = {**event.told, "n": rng.randrange(2, 10**9)}
    return rewritten(log, old, "anchors.json")


def checkpoint_forged(rng: Random, log: Log) -> Contents:
    """A checkpoint under another key than the log's, or a cosignature that its witness did not make."""
    about, files = honest(log)
    head = rng.choice(files["heads.jsonl"])
    forger = SigningKey(rng.randbytes(32))
    if rng.random() < 0.5:
        files[f"checkpoints/{head['size']}"] = checkpoint(log, head, key=forger)
    else:
        files[f"checkpoints/{head['size']}"] = checkpoint(replace(log, witness=log.witness), head)
        forged = replace(log, witness=forger)
        own, _, lines = checkpoint(forged, head).partition(b"\n\n")
        honest_lines = files[f"checkpoints/{head['size']}"].partition(b"\n\n")[2].splitlines(keepends=True)
        mine = bytearray(honest_lines[1])
        theirs = lines.splitlines(keepends=True)[1]
        files[f"checkpoints/{head['size']}"] = own + b"\n\n" + honest_lines[0] + bytes(mine[:-60]) + theirs[-60:]
    return about, files


def tile_edited(rng: Random, log: Log) -> Contents:
    """A byte of a tile."""
    about, files = honest(log)
    name = rng.choice([name for name in files if name.startswith("tile/")])
    raw = bytearray(files[name])
    raw[rng.randrange(len(raw))] ^= 1 << rng.randrange(8)
    files[name] = bytes(raw)
    return about, files


def backdated(rng: Random, log: Log) -> Contents:
    """The time of an entry, with everything after it made anew."""
    old = copy.deepcopy(log)
    event = rng.choice([one for one in log.events if one.type != "meter.recorded"])
    event.at -= timedelta(minutes=rng.randrange(1, 10**5))
    return rewritten(log, old, "anchors.json")


def second_statement(rng: Random, log: Log) -> Contents:
    """The same run of the same dispatch stated twice, in a log that is whole otherwise."""
    event = log.events[rng.choice(statements(log))]
    name = f"{rng.getrandbits(128):032x}"
    told = {**event.told, "statement": f"{name[:8]}-{name[8:12]}-{name[12:16]}-{name[16:20]}-{name[20:]}"}
    log.add(event.type, event.subject, event.parties, told, at=log.events[-1].at)
    (inputs,) = [one for one in log.inputs if one["statement"] == event.told["statement"]]
    log.inputs.append({**inputs, "statement": told["statement"]})
    log.record_salts[told["statement"]] = rng.randbytes(32)
    log.sizes.append(len(log.events))
    return honest(log)


def anchored_by_another(rng: Random, log: Log) -> Contents:
    """A transaction sent by somebody else, or to another contract."""
    about, files = honest(log)
    anchors = files["anchors.json"]
    other = f"0x{rng.getrandbits(160):040x}"
    if rng.random() < 0.5:
        rng.choice(anchors["transactions"])["from"] = other
    else:
        rng.choice(anchors["logs"])["address"] = other
    return about, files


def price_book_changed(rng: Random, log: Log) -> Contents:
    """The share of the price that every delivery earns, or a statement's agreed price."""
    about, files = honest(log)
    seq = statements(log)[0]
    event = log.events[seq]
    trade = event.told["terms"]["regulatory_basis"] == "P415_VTP"
    if trade:
        system = next(one for one in files["settlements.jsonl"] if one["statement"] == event.told["statement"])[
            "system_gbp_per_mwh"
        ]
        for start in system:
            system[start] = f"{float(system[start]) + rng.randrange(10**4, 10**5):.2f}"
        return about, files
    for row in files["pricebook.json"]["performance_tables"]:
        row["points"] = [["0", f"0.{rng.randrange(1, 10**6):06d}"]]
    return about, files


def correction_removed(rng: Random, log: Log) -> Contents:
    """A correcting statement, out of the whole log, which is then anchored."""
    corrected = [seq for seq in statements(log) if "supersedes" in log.events[seq].told]
    seq = rng.choice(corrected)
    name = log.events[seq].told["statement"]
    log.inputs = [one for one in log.inputs if one["statement"] != name]
    log.sizes = [size - (size > seq) for size in log.sizes]
    del log.events[seq]
    return honest(log)


def party_key_swapped(rng: Random, log: Log) -> Contents:
    """The key that a party is said to have signed with, or the message it signed."""
    about, files = honest(log)
    line = rng.choice(files["beckn.jsonl"])
    if rng.random() < 0.5:
        line["public_key"] = base64.b64encode(bytes(SigningKey(rng.randbytes(32)).verify_key)).decode()
    else:
        line["raw"] = base64.b64encode(b"{}" + rng.randbytes(4)).decode()
    return about, files


def revision_hidden(rng: Random, log: Log) -> Contents:
    """A record of the meter, as if it had never been revised."""
    about, files = honest(log)
    del files["readings.jsonl"][rng.randrange(len(files["readings.jsonl"]))]
    return about, files


CLASSES: dict[str, tuple[Tamper, set[int]]] = {
    "payload byte": (payload_byte, {11}),
    "entry dropped": (entry_dropped, {12, 19}),
    "reorder": (reordered, {12}),
    "salts swapped": (salts_swapped, {11}),
    "row edited and chain rehashed": (chain_rehashed, {14, 17}),
    "fork shown to one reader": (forked, {17}),
    "forged checkpoint key": (checkpoint_forged, {15}),
    "tile edited": (tile_edited, {13}),
    "entry back-dated": (backdated, {17}),
    "second statement of a run": (second_statement, {20}),
    "anchor by another key": (anchored_by_another, {17}),
    "price book changed": (price_book_changed, {18}),
    "correction run removed": (correction_removed, {19, 20}),
    "party key swapped": (party_key_swapped, {16}),
    "meter revision hidden": (revision_hidden, {19}),
}


def suited(name: str, seeds: Iterator[int]) -> tuple[int, Log]:
    """The next random log that a class can be played on."""
    for seed in seeds:
        log = random_log(seed)
        corrected = any("supersedes" in event.told for event in log.events)
        earns = any(
            int(event.told["eligible_wh"]) and event.told["terms"]["utilisation_price_gbp_per_kwh"] != "0"
            for event in log.events[:1] + [log.events[seq] for seq in statements(log)[:1]]
            if event.type == "settlement.statement"
        )
        if (name != "correction run removed" or corrected) and (name != "price book changed" or earns):
            return seed, log
    raise AssertionError("seeds do not end")


def judged(packs: Sequence[bytes], *, node: str | None) -> list[tuple[dict[str, Any], dict[str, Any] | None]]:
    """Both verifiers' reports of each pack; None for the second where there is no node."""
    found: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
    with tempfile.TemporaryDirectory() as folder:
        for first in range(0, len(packs), BATCH):
            paths = []
            for number, raw in enumerate(packs[first : first + BATCH], first):
                paths.append(Path(folder) / f"{number}.zip")
                paths[-1].write_bytes(raw)
            own = [verify(str(path)) for path in paths]
            theirs: list[dict[str, Any] | None] = [None] * len(paths)
            if node:
                done = subprocess.run([node, SCRIPT, "--json", *paths], capture_output=True, text=True, check=False)
                theirs = [json.loads(line) for line in done.stdout.splitlines()]
            found += zip(own, theirs, strict=True)
            for path in paths:
                path.unlink()
    return found


def outline(report: dict[str, Any]) -> list[tuple[Any, ...]]:
    """What both verifiers must agree on: the exit code, each check's status and codes, the half hours at fault."""
    checks = [
        (one["check"], one["status"], one["code"], sorted({fault["code"] for fault in one["faults"]}))
        for one in report["checks"]
    ]
    return [("exit", report["exit"]), *checks, *(tuple(sorted(one.items())) for one in report["half_hours"])]


def played(*, mutations: int, seed: int) -> Iterator[tuple[str, int, bytes]]:
    """(class, seed of its log, changed pack), one class after another."""
    rng, seeds, names = Random(seed), iter(range(seed * 10**6, (seed + 1) * 10**6)), list(CLASSES)
    for number in range(mutations):
        name = names[number % len(names)]
        made, log = suited(name, seeds)
        yield name, made, packed(*CLASSES[name][0](rng, log))


def campaign(games: Sequence[tuple[str, int, bytes]], *, node: str | None) -> tuple[Counter[str], list[str]]:
    """(detected by class, everything that went wrong)."""
    detected, wrong = Counter[str](), []
    found = judged([raw for _, _, raw in games], node=node)
    for (name, made, _), (own, theirs) in zip(games, found, strict=True):
        if own["exit"] not in CLASSES[name][1]:
            wrong.append(f"{name} (seed {made}): exit {own['exit']}, due {sorted(CLASSES[name][1])}")
        elif theirs is not None and outline(own) != outline(theirs):
            wrong.append(f"{name} (seed {made}): the verifiers differ: {difference(own, theirs)}")
        else:
            detected[name] += 1
    return detected, wrong


def difference(own: dict[str, Any], theirs: dict[str, Any]) -> str:
    """Where two reports differ."""
    pairs = zip(outline(own), outline(theirs), strict=False)
    return next((f"{a} and {b}" for a, b in pairs if a != b), "in their length")


def clean(count: int, *, seed: int, node: str | None) -> list[str]:
    """Every false alarm on `count` honest packs, and every one on which the verifiers differ."""
    wrong = []
    for first in range(0, count, 200):
        seeds = range(seed * 10**7 + first, seed * 10**7 + min(first + 200, count))
        packs = [packed(*contents(random_log(one, entries=1 + one % 20, sales=one % 3))) for one in seeds]
        for one, (own, theirs) in zip(seeds, judged(packs, node=node), strict=True):
            if own["exit"] != 0:
                wrong.append(
                    f"seed {one}: {own['exit']} {own.get('unreadable', '')} {[c['faults'][:1] for c in own['checks'] if c['faults']]}"
                )
            elif theirs is not None and outline(own) != outline(theirs):
                wrong.append(f"seed {one}: the verifiers differ: {difference(own, theirs)}")
    return wrong


def timed(leaves: int, *, node: str | None) -> dict[str, float]:
    """Seconds of one core that each verifier takes for a pack of so many leaves."""
    raw = packed(*contents(random_log(1, entries=leaves, sales=20)))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "pack.zip"
        path.write_bytes(raw)
        commands = {
            "python": [sys.executable, "verifiers/verify_pack.py"],
            **({"node": [node, str(SCRIPT)]} if node else {}),
        }
        found = {"bytes": float(len(raw))}
        for name, command in commands.items():
            before = resource.getrusage(resource.RUSAGE_CHILDREN)
            subprocess.run([*command, path], check=True, capture_output=True)
            after = resource.getrusage(resource.RUSAGE_CHILDREN)
            found[name] = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return found


def main() -> int:
    """Run the campaign; 1 for anything that went wrong."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--clean", type=int, default=1000)
    parser.add_argument("--mutations", type=int, default=300)
    parser.add_argument("--leaves", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--no-node", action="store_true", help="the Python verifier alone")
    asked = parser.parse_args()
    node = None if asked.no_node else shutil.which("node")
    print(f"verifiers: python{' and node' if node else ' alone'}")
    detected, wrong = campaign(list(played(mutations=asked.mutations, seed=asked.seed)), node=node)
    for number, name in enumerate(CLASSES):
        times = len(range(number, asked.mutations, len(CLASSES)))
        print(f"{detected[name]:>4} of {times:<4} {name}")
    alarms = clean(asked.clean, seed=asked.seed, node=node)
    print(f"{len(alarms)} false alarms on {asked.clean} clean packs")
    if asked.leaves:
        found = timed(asked.leaves, node=node)
        print(
            f"{asked.leaves} leaves ({found.pop('bytes') / 1e6:.1f} MB): "
            + ", ".join(f"{name} {s:.2f} s of one core" for name, s in found.items())
        )
    for one in [*wrong, *alarms][:20]:
        print(f"WRONG {one}")
    return int(bool(wrong or alarms))


if __name__ == "__main__":
    sys.exit(main())
