"""Evidence packs of made-up logs, whole and consistent, in memory: what the tamper campaign starts from.

Statements are worked out by flex_engine, leaves and trees by marketplace.ledger, so that neither verifier is checked against
itself. The contract's logs are written here as the contract would emit them. Everything follows from the seed.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from io import BytesIO
from itertools import pairwise
from random import Random
from typing import Any
from uuid import UUID

from nacl.signing import SigningKey

from beckn.wire import signing
from flex_engine.quantities import exact
from flex_engine.settle.availability import AvailabilityWindow, availability
from flex_engine.settle.baseline import Baseline, clipped
from flex_engine.settle.declared import Nomination
from flex_engine.settle.delivery import PeriodDelivery, deliver, deviations
from flex_engine.settle.payment import Component, Payment, component, pay, period_pays, total
from flex_engine.settle.performance import performance_table
from flex_engine.settle.products import Product, product
from flex_engine.settle.pull_forward import without_uplift
from flex_engine.settle.registry import work_out
from flex_engine.settle.wholesale import settle_wholesale
from flex_engine.timegrid import HALF_HOUR, period_start, settlement_period
from marketplace.ledger import evidence, merkle
from marketplace.ledger.evidence_lines import price_book_of
from marketplace.ledger.leaf import FIRST_PREV, Leaf, canonical, party_commits, payload_commitment, refs
from marketplace.ledger.manifest import Totals, figures
from marketplace.ledger.reader import ANCHORED, RECORDED
from marketplace.ledger.settlement import record_key, settlement_id, statement_commitment

LOG_ID = "caco.example/settlement-log"
CONTRACT, SENDER = "0x" + "c0" * 20, "0x" + "5e" * 20
BEGIN = datetime(2024, 3, 1, 9, tzinfo=UTC)
METHODS = (
    "like-day-mean-v1",
    "like-day-mean-unadjusted-v1",
    "before-after-v1",
    "nominated-v1",
    "zero-v1",
    "high-5-of-10-v1",
)
PRODUCTS = (
    "OPERATIONAL_UTILISATION",
    "SCHEDULED_UTILISATION",
    "PEAK_REDUCTION",
    "NESO_DFS",
    "P415_WHOLESALE",
    "SCHEDULED_AVAILABILITY_OPERATIONAL_UTILISATION",
)
NOTHING = Decimal(0)
Readings = dict[datetime, int]


@dataclass
class Event:
    """One entry before it is sealed. `payload` is set where its bytes are not those of `told`."""

    type: str
    at: datetime
    subject: str
    parties: tuple[int, ...]
    told: dict[str, Any]
    salt: bytes

    @property
    def payload(self) -> bytes:
        """Its canonical bytes."""
        return canonical(self.told)


@dataclass
class Log:
    """A log with all that a pack of it shows."""

    rng: Random
    events: list[Event] = field(default_factory=list)
    sizes: list[int] = field(default_factory=list)
    inputs: list[dict[str, Any]] = field(default_factory=list)
    batches: list[tuple[Event, str, list[list[Any]]]] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    record_salts: dict[str, bytes] = field(default_factory=dict)
    key: SigningKey = field(default_factory=lambda: SigningKey(bytes(32)))
    witness: SigningKey = field(default_factory=lambda: SigningKey(bytes([7]) * 32))

    def add(self, kind: str, subject: str, parties: Sequence[int], told: dict[str, Any], *, at: datetime) -> Event:
        """Append an event."""
        event = Event(kind, at, subject, tuple(sorted(parties)), told, self.rng.randbytes(32))
        self.events.append(event)
        return event


@dataclass
class Sealed:
    """The leaves of a log, and each event's numbers in its organisations."""

    leaves: list[bytes]
    hashes: list[bytes]
    numbers: list[tuple[int, ...]]


def sealed(events: Sequence[Event]) -> Sealed:
    """Number the events and link them."""
    leaves, hashes, numbers, counts, prev = [], [], [], dict[int, int](), FIRST_PREV
    for seq, event in enumerate(events):
        own = []
        for party in event.parties:
            counts[party] = counts.get(party, 0) + 1
            own.append(counts[party])
        commits = party_commits(list(zip(event.parties, own, strict=True)), salt=event.salt)
        commit = payload_commitment(type=event.type, salt=event.salt, payload=event.payload)
        leaf = Leaf(seq, event.type, event.at, prev, commit, commits, refs(event.subject, salt=event.salt)).bytes()
        leaves.append(leaf)
        hashes.append(merkle.leaf_hash(leaf))
        numbers.append(tuple(own))
        prev = hashes[-1].hex()
    return Sealed(leaves, hashes, numbers)


def random_log(seed: int, *, entries: int = 12, sales: int = 1) -> Log:
    """A log of about `entries` small events with `sales` settled dispatches among them, some with corrections."""
    rng = Random(seed)
    log = Log(rng)
    log.key, log.witness = SigningKey(rng.randbytes(32)), SigningKey(rng.randbytes(32))
    for number in range(entries):
        told = {
            "n": number,
            "site": f"site-{rng.randrange(4)}",
            "note": rng.choice(["", "é", 'a "b" \\', "\u2028", "x\ty"]),
        }
        log.add("offer.drafted", f"offer:{number}", [rng.randrange(1, 4)], told, at=BEGIN + timedelta(minutes=number))
    for number in range(sales):
        sale(log, number)
        if rng.random() < 0.5:
            log.sizes.append(len(log.events))
    manifest(log)
    log.add("offer.published", "offer:1", [1], {"n": 1}, at=BEGIN + timedelta(days=9))
    log.sizes = sorted({*log.sizes, len(log.events)})
    return log


def sale(log: Log, number: int) -> None:
    """An order confirmed by a signed message, metered, settled and perhaps settled again."""
    rng, site, order = log.rng, f"site-{number}", str(UUID(int=log.rng.getrandbits(128), version=4))
    day = (datetime(2024, 3, 14, tzinfo=UTC) + timedelta(days=log.rng.randrange(320))).date()
    starts = [period_start(day, 33 + i) for i in range(rng.randrange(1, 4))]
    at = starts[-1] + timedelta(hours=3)
    log.messages.append(confirmation(rng))
    log.add("order.confirmed", f"order:{order}", [number + 1], {"quote_pence": str(rng.randrange(10**5))}, at=starts[0])
    method = rng.choice(METHODS)
    back = 45 if "high" in method else 24 if "like-day" in method else 1
    reach = int((starts[-1] + 4 * HALF_HOUR - starts[0]) / HALF_HOUR) + back * 48
    readings = {
        starts[0] - back * 48 * HALF_HOUR + i * HALF_HOUR: rng.randrange(300_000, 700_000) for i in range(reach)
    }
    known = dict(readings)
    metered(log, site, number + 1, known, at=at)
    facts = Terms.random(rng, site, order, method, starts)
    before: dict[str, Any] | None = None
    for turn in range(rng.choice([1, 2, 2, 3])):
        at += timedelta(hours=2)
        if turn:
            revised = {start: rng.randrange(200_000, 600_000) for start in rng.sample(starts, 1)}
            known |= revised
            metered(log, site, number + 1, revised, at=at)
        before = stated(log, facts, known, before, turn, party=number + 1, at=at)


def metered(log: Log, site: str, party: int, readings: Readings, *, at: datetime) -> None:
    """Readings, and the entry that records them."""
    rows = [[start.isoformat(), wh] for start, wh in sorted(readings.items())]
    digest = hashlib.sha256("\n".join(f"{start},{wh}" for start, wh in rows).encode()).hexdigest()
    told = {
        "site": site,
        "direction": "IMPORT",
        "readings": len(rows),
        "first": rows[0][0],
        "last": rows[-1][0],
        "sha256": digest,
    }
    log.batches.append((log.add("meter.recorded", f"site:{site}", [party], told, at=at), site, rows))


@dataclass(frozen=True)
class Terms:
    """What a sale was agreed and dispatched by."""

    site: str
    order: str
    method: str
    sold_as: Product
    direction: Any
    starts: list[datetime]
    instructed: Readings
    others: Readings
    most_wh: int
    price: Decimal
    penalty: Decimal
    availability_price: Decimal
    alarm: bool
    nomination: Readings | None
    system: dict[datetime, Decimal]
    record: tuple[int, int]

    @classmethod
    def random(cls, rng: Random, site: str, order: str, method: str, starts: list[datetime]) -> Terms:
        """Any terms that the rules allow."""
        day = settlement_period(starts[0])[0]
        sold_as = product(rng.choice([key for key in PRODUCTS if is_known(key, day)]), day)
        instructed = {start: rng.randrange(50_000, 400_000, 500) for start in starts}
        others = {start: rng.randrange(1, 200_000) for start in starts if rng.random() < 0.2}
        month = rng.randrange(1, 10**6)
        return cls(
            site=site, order=order, method=method, sold_as=sold_as, direction=rng.choice(sold_as.directions), starts=starts,
            instructed=instructed, others=others, most_wh=rng.choice([450_000, 1_000_000]),
            price=Decimal(rng.randrange(1, 5000)).scaleb(-4), penalty=Decimal(rng.randrange(0, 2000)).scaleb(-4),
            availability_price=Decimal(rng.randrange(0, 300_000)).scaleb(-4), alarm=rng.random() < 0.2,
            nomination={start: rng.randrange(300_000, 700_000) for start in starts} if method == "nominated-v1" else None,
            system={start: Decimal(rng.randrange(-20_000, 90_000)).scaleb(-2) for start in starts},
            record=(rng.randrange(0, month), month) if rng.random() < 0.8 else (0, 0),
        )  # fmt: skip


def is_known(key: str, day: Any) -> bool:
    """Whether the product is in force on a day."""
    try:
        product(key, day)
    except LookupError:
        return False
    return True


def stated(
    log: Log, terms: Terms, known: Readings, before: dict[str, Any] | None, turn: int, *, party: int, at: datetime
) -> dict[str, Any]:
    """A statement as its event tells it, with what it follows from."""
    name = str(UUID(int=log.rng.getrandbits(128), version=4))
    baseline = baseline_of(terms, known)
    metered_wh = {start: known[start] for start in terms.starts}
    lines = deliver(
        instructed_wh=terms.instructed, baseline_wh=baseline.periods, metered_wh=metered_wh, direction=terms.direction,
        others_wh=terms.others, cap_percent=terms.sold_as.cap_percent,
    )  # fmt: skip
    money, rows = priced(terms, baseline, metered_wh, lines)
    told = {
        "statement": name, "order": terms.order, "activation": "dispatch-1", "run": "II" if turn < 2 else "SF",
        "version": turn + 1 if turn < 2 else 1, "knowledge_time": at.isoformat(), "baseline_method": terms.method,
        "delivered_wh": str(sum(line.delivered_wh for line in lines)), "eligible_wh": str(sum(line.eligible_wh for line in lines)),
        "shortfall_wh": str(sum(line.shortfall_wh for line in lines)), "payment_pence": str(money.payment_pence),
        "penalty_pence": str(money.penalty_pence), "amount_pence": str(money.amount_pence), "terms": told_terms(terms),
        "components": [{"type": one.type, "pence": str(one.pence), "residual_gbp": f"{one.residual_gbp:f}"} for one in money.components],
        "lines": [{**told_line(line), **row} for line, row in zip(lines, rows, strict=True)],
    }  # fmt: skip
    if before is not None:
        told |= {
            "supersedes": before["statement"],
            "delta_pence": str(money.amount_pence - int(before["amount_pence"])),
        }
    log.add("settlement.statement", f"order:{terms.order}", [party], told, at=at)
    log.inputs.append(told_inputs(terms, name))
    log.record_salts[name] = log.rng.randbytes(32)
    return told


def baseline_of(terms: Terms, known: Readings) -> Baseline:
    """The baseline as settlement makes it: without an adjustment that an alarm takes away, cut to the site's limit."""
    nomination = Nomination(terms.nomination, terms.starts[0] - timedelta(days=2)) if terms.nomination else None
    made = work_out(terms.method, readings=known, periods=terms.starts, nomination=nomination)
    made = without_uplift(made, direction=terms.direction) if terms.alarm and made.window else made
    return clipped(made, most_wh=terms.most_wh)


def priced(
    terms: Terms, baseline: Baseline, metered_wh: Readings, lines: Sequence[PeriodDelivery]
) -> tuple[Payment, list[dict[str, str]]]:
    """The money, and what each half hour was paid by."""
    if terms.sold_as.regulatory_basis == "P415_VTP":
        return traded(terms, baseline, metered_wh)
    day, sold_as = settlement_period(terms.starts[0])[0], terms.sold_as
    penalty = terms.penalty if sold_as.penalty_rule == "DEFICIENCY_PRICE" else NOTHING
    table = performance_table(sold_as.performance_table, day=day)
    periods = period_pays(lines, price_gbp_per_kwh=terms.price, penalty_gbp_per_kwh=penalty, table=table)
    missed = {one.start for one in periods if one.scale == 0} if sold_as.penalty_rule == "LOST_AVAILABILITY" else set()
    ready: list[Component] = []
    if sold_as.pays_availability:
        windows = [
            AvailabilityWindow(start, 1, Decimal(wh) / 500000, terms.availability_price)
            for start, wh in terms.instructed.items()
        ]
        ready = availability(
            windows, table=performance_table(str(sold_as.availability_table), day=day), delivered_wh=terms.record[0],
            instructed_wh=terms.record[1], missed=missed,
        )  # fmt: skip
    money = pay(lines, price_gbp_per_kwh=terms.price, penalty_gbp_per_kwh=penalty, table=table, others=ready)
    return money, [
        {"scale": f"{one.scale:f}", "pay_gbp": f"{one.pay_gbp:f}", "penalty_gbp": f"{one.penalty_gbp:f}"}
        for one in periods
    ]


def traded(terms: Terms, baseline: Baseline, metered_wh: Readings) -> tuple[Payment, list[dict[str, str]]]:
    """A wholesale trade."""
    sign = 1 if terms.direction == "REDUCE" else -1
    moved = deviations(periods=terms.starts, baseline_wh=baseline.periods, metered_wh=metered_wh)
    for start, others in terms.others.items():
        moved[start] = moved[start] * terms.instructed[start] // (terms.instructed[start] + others)
    cash = settle_wholesale(
        sold_wh={start: sign * wh for start, wh in terms.instructed.items()}, delivered_wh=moved,
        contract_gbp_per_mwh=sign * terms.price * 1000, system_gbp_per_mwh=terms.system, scrp_gbp_per_mwh=None, kind="MUTUALISED",
    )  # fmt: skip
    with exact():
        usage = sum((line.contract_gbp for line in cash.lines), NOTHING)
        beside = sum((line.imbalance_gbp for line in cash.lines), NOTHING)
    rows = [
        {"scale": "1", "pay_gbp": f"{line.contract_gbp:f}", "penalty_gbp": "0", "imbalance_mwh": f"{line.imbalance_mwh:f}",
         "imbalance_gbp": f"{line.imbalance_gbp:f}"}
        for line in cash.lines
    ]  # fmt: skip
    return total([component("USAGE", "", usage), component("IMBALANCE", "", beside)]), rows


def told_terms(terms: Terms) -> dict[str, Any]:
    """The terms as a statement tells them."""
    sold_as = terms.sold_as
    return {
        "product": sold_as.key,
        "regulatory_basis": sold_as.regulatory_basis,
        "performance_table": sold_as.performance_table,
        "cap_percent": sold_as.cap_percent,
        "penalty_rule": sold_as.penalty_rule,
        "utilisation_price_gbp_per_kwh": f"{terms.price:f}",
        "shortfall_penalty_gbp_per_kwh": f"{terms.penalty:f}",
        "availability_price_gbp_per_mw_h": f"{terms.availability_price:f}",
    }


def told_line(line: PeriodDelivery) -> dict[str, Any]:
    """One half hour's energy as a statement tells it."""
    day, period = settlement_period(line.start)
    names = ("instructed_wh", "baseline_wh", "metered_wh", "delivered_wh", "eligible_wh", "shortfall_wh")
    return {"date": day.isoformat(), "period": period, **{name: str(getattr(line, name)) for name in names}}


def told_inputs(terms: Terms, name: str) -> dict[str, Any]:
    """A line of settlements.jsonl."""
    told: dict[str, Any] = {
        "statement": name,
        "site": terms.site,
        "direction": terms.direction,
        "import_limit_wh": terms.most_wh,
        "periods": [
            {
                "start": start.isoformat(),
                "instructed_wh": terms.instructed[start],
                "others_wh": terms.others.get(start, 0),
            }
            for start in terms.starts
        ],
        "event_days": [],
        "uplift_alarm": terms.alarm,
        "system_gbp_per_mwh": {start.isoformat(): f"{price:f}" for start, price in terms.system.items()},
        "availability": {
            "first": True,
            "windows": [
                {"start": start.isoformat(), "power_kw": f"{Decimal(wh) / 500:f}"}
                for start, wh in terms.instructed.items()
            ],
            "delivered_wh": terms.record[0],
            "instructed_wh": terms.record[1],
        },
    }
    if terms.nomination:
        told["nomination"] = {"periods": {start.isoformat(): wh for start, wh in terms.nomination.items()}}
    return told


def manifest(log: Log) -> None:
    """Count the log so far, as a whole; one later than that counts the rest."""
    made = sealed(log.events)
    totals = Totals()
    for event in log.events:
        totals.add(event.type, figures(event.payload))
    told = {
        "day": "2024-03-02", "scope": "log", "organisations": 0, "root": merkle.root(made.hashes).hex(), "first": 0,
        "last": len(log.events) - 1, "entries": totals.entries, "types": totals.as_json(),
    }  # fmt: skip
    log.add("daily.manifest", "log:2024-03-02", [], told, at=log.events[-1].at + timedelta(hours=1))


def confirmation(rng: Random) -> dict[str, Any]:
    """A buyer's signed message."""
    key, now = SigningKey(rng.randbytes(32)), BEGIN + timedelta(minutes=rng.randrange(600))
    signer = signing.Signer(f"grid-{rng.randrange(10**6)}.example", "k1", key)
    raw = json.dumps(
        {"context": {"action": "confirm"}, "message": {"n": rng.randrange(10**9), "pad": "x" * rng.randrange(200)}}
    ).encode()
    return {
        "direction": "received", "role": "bpp", "action": "confirm", "subscriber_id": signer.subscriber_id,
        "authorization": signing.sign(raw, signer, now=now), "public_key": signer.public_key, "at": now.isoformat(),
        "valid_from": (now - timedelta(days=1)).isoformat(), "valid_until": (now + timedelta(days=1)).isoformat(),
        "raw": base64.b64encode(raw).decode(),
    }  # fmt: skip


def contents(log: Log) -> tuple[dict[str, Any], dict[str, Any]]:
    """(pack.json, files) of the whole log, every file a list, a mapping or bytes that a campaign may change."""
    made = sealed(log.events)
    heads = heads_of(made, log.sizes)
    files: dict[str, Any] = {
        "entries.jsonl": [{"leaf": leaf.decode()} for leaf in made.leaves],
        "payloads.jsonl": [
            {"seq": seq, "payload": one.payload.decode(), "salt": one.salt.hex(), "subject": one.subject,
             "parties": list(one.parties), "org_seqs": list(made.numbers[seq])}
            for seq, one in enumerate(log.events)
        ],
        "heads.jsonl": heads,
        "settlements.jsonl": log.inputs,
        "readings.jsonl": [
            {"seq": log.events.index(event), "site": site, "known_at": event.at.isoformat(), "readings": rows}
            for event, site, rows in log.batches if event in log.events
        ],
        "pricebook.json": price_book_of({2023, 2024, 2025}),
        "log.vkey": vkey("caco.example/settlement-log", 1, log.key),
        "witnesses.vkeys": vkey("witness.example", 4, log.witness),
        **{f"checkpoints/{head['size']}": checkpoint(log, head) for head in heads},
        **evidence.tiles(made.hashes),
    }  # fmt: skip
    if log.messages:
        files["beckn.jsonl"] = log.messages
    files["records.jsonl"], recorded = records_of(log)
    files["anchors.json"] = anchors_of(heads, recorded)
    about = {
        "log_id": LOG_ID, "head": len(heads), "size": len(log.events), "scope": {"kind": "whole"}, "leaves": "all",
        "opened": "all", "complete_for": [],
    }  # fmt: skip
    return about, files


def heads_of(made: Sealed, sizes: Sequence[int]) -> list[dict[str, Any]]:
    """A head at each size."""
    found = []
    for number, (old, size) in enumerate(pairwise([0, *sizes]), 1):
        hashes = made.hashes[:size]
        proof = [one.hex() for one in merkle.consistency_proof(hashes, old)]
        found.append({"number": number, "size": size, "root": merkle.root(hashes).hex(), "proof": proof})
    return found


def records_of(log: Log) -> tuple[list[dict[str, Any]], list[tuple[str, str, str, str, str]]]:
    """(records.jsonl, what the contract is told of each)."""
    lines, told, keys = [], [], dict[str, str]()
    for event in log.events:
        name = event.told.get("statement")
        if event.type != "settlement.statement" or name not in log.record_salts:
            continue
        salt, run = log.record_salts[name], event.told["run"]
        sid = settlement_id(UUID(name), log_id=LOG_ID, salt=salt)
        before = event.told.get("supersedes", "")
        keys[name] = record_key(sid, run)
        line = {"statement": name, "run": run, "salt": salt.hex(), "supersedes": keys.get(before, "")}
        lines.append(line | ({"supersedes_statement": before} if before else {}))
        told.append((keys[name], sid, keys.get(before, "0" * 64), run, statement_commitment(event.payload, salt=salt)))
    return lines, told


def anchors_of(heads: Sequence[dict[str, Any]], recorded: Sequence[tuple[str, str, str, str, str]]) -> dict[str, Any]:
    """The contract's logs of heads and records, one transaction and one block each."""
    logs: list[dict[str, Any]] = []
    acc, size = hashlib.sha256(LOG_ID.encode()).digest(), 0
    for head in heads:
        numbers = head["number"].to_bytes(8, "big") + head["size"].to_bytes(8, "big")
        acc = hashlib.sha256(acc + numbers + bytes.fromhex(head["root"])).digest()
        data = f"0x{size:064x}{head['size']:064x}{head['root']}{acc.hex()}"
        logs.append({"topics": [ANCHORED, f"0x{head['number']:064x}"], "data": data})
        size = head["size"]
    for key, sid, before, run, commitment in recorded:
        data = f"0x{run.encode().hex():0<64}{commitment}"
        logs.append({"topics": [RECORDED, f"0x{key}", f"0x{sid}", f"0x{before}"], "data": data})
    for number, log in enumerate(logs, 1):
        place = {
            "blockNumber": hex(number),
            "blockHash": f"0x{number:064x}",
            "transactionHash": f"0x{number + 2**64:064x}",
        }
        log.update({"address": CONTRACT, "logIndex": "0x0", **place})
    return {
        "state": "ANCHORED", "chain_id": 31337, "contract": CONTRACT, "code_hash": "0x" + "cc" * 32, "first_block": 0, "sender": SENDER,
        "logs": logs,
        "transactions": [{"hash": log["transactionHash"], "from": SENDER, "to": CONTRACT} for log in logs],
        "blocks": [{"number": log["blockNumber"], "hash": log["blockHash"]} for log in logs],
    }  # fmt: skip


def vkey(name: str, algorithm: int, key: SigningKey) -> bytes:
    """A verifier key's line (C2SP signed-note)."""
    raw = bytes([algorithm]) + bytes(key.verify_key)
    return f"{name}+{key_id(name, raw).hex()}+{base64.b64encode(raw).decode()}\n".encode()


def key_id(name: str, raw: bytes) -> bytes:
    """The four bytes that a note names a key by."""
    return hashlib.sha256(name.encode() + b"\n" + raw).digest()[:4]


def checkpoint(log: Log, head: dict[str, Any], *, key: SigningKey | None = None) -> bytes:
    """A head's signed note with one witness's cosignature; `key` signs in the log's place."""
    body = f"{LOG_ID}\n{head['size']}\n{base64.b64encode(bytes.fromhex(head['root'])).decode()}\n".encode()
    own = key_id(LOG_ID, b"\x01" + bytes(log.key.verify_key)) + (key or log.key).sign(body).signature
    time = int(BEGIN.timestamp())
    cosigned = log.witness.sign(f"cosignature/v1\ntime {time}\n".encode() + body).signature
    seen = key_id("witness.example", b"\x04" + bytes(log.witness.verify_key)) + time.to_bytes(8, "big") + cosigned
    lines = [f"— {name} {base64.b64encode(raw).decode()}\n" for name, raw in ((LOG_ID, own), ("witness.example", seen))]
    return body + b"\n" + "".join(lines).encode()


def packed(about: dict[str, Any], files: dict[str, Any]) -> bytes:
    """The zip file."""
    out = BytesIO()
    evidence.write_pack(out, about=about, files=files)
    return out.getvalue()
