"""Gather the lines of an evidence pack from rows: leaves, payloads with salts, heads, records, readings, messages, prices.

Every function gives plain JSON values, one line at a time, in an order that the rows alone decide. What they mean is told in
docs/reference/evidence-pack.md.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from importlib import resources
from itertools import groupby
from typing import Any

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.db.models import QuerySet

from beckn import journal, keys
from beckn.models import InboxMessage, OutboxMessage, Subscriber
from beckn.wire import signing
from beckn.wire.errors import WireError
from flex_engine.timegrid import bank_holidays
from marketplace.ledger import checkpoint, merkle, published
from marketplace.ledger.log import as_bytes, leaf_hashes, stored, with_events
from marketplace.ledger.settlement import record_key
from marketplace.models import Anchor, LedgerEntry, MeterReading, SettlementRecord, SettlementStatement, Site

CHUNK = 1000
REACH = timedelta(days=92)  # how far back a baseline may look, and more
ROWS = ("performance_tables", "baseline_methods", "products")


def entry_lines(shown: QuerySet[LedgerEntry], *, size: int, proven: bool) -> Iterator[dict[str, Any]]:
    """Every leaf of the log, or, `proven`, those shown with the path of each to the tree of `size`."""
    if not proven:
        rows = LedgerEntry.objects.filter(seq__lt=size).order_by("seq").values_list("leaf", flat=True)
        for leaf in rows.iterator(chunk_size=CHUNK):
            yield {"leaf": text(leaf)}
        return
    levels = merkle.levels(leaf_hashes(size))
    for seq, leaf in shown.values_list("seq", "leaf").iterator(chunk_size=CHUNK):
        yield {"leaf": text(leaf), "path": [one.hex() for one in merkle.path_in(levels, seq)]}


def payload_lines(shown: QuerySet[LedgerEntry]) -> Iterator[dict[str, Any]]:
    """Payload, salt, subject and parties of each entry shown."""
    for entry in with_events(shown).iterator(chunk_size=CHUNK):
        found = stored(entry)
        yield {
            "seq": found.seq,
            "payload": text(found.payload),
            "salt": found.salt.hex(),
            "subject": found.subject,
            "parties": list(found.parties),
            "org_seqs": list(found.org_seqs),
        }


def head_lines(newest: Anchor) -> Iterator[dict[str, Any]]:
    """Every tree head up to `newest`, with its proof that it extends the one before."""
    for head in Anchor.objects.filter(kind=Anchor.Kind.HEAD, seq__lte=newest.seq).order_by("seq"):
        yield {"number": head.seq, "size": head.size, "root": head.root, "proof": head.proof}


def checkpoint_files(newest: Anchor) -> dict[str, bytes]:
    """The signed note over `newest`, with the keys to check it by: the published one where it is over the same size.

    A published checkpoint that has grown past the head cannot be checked within a pack; the head is then signed anew,
    by the log alone. Raises KeyFileError or TilesError where key or checkpoint cannot be read.
    """
    key, public = published.own_key(), published.folder("public")
    standing = published.published(public) if public else None
    if standing is None or standing.head.size != newest.size:
        text = checkpoint.Head(key.name, newest.size or 0, bytes.fromhex(newest.root)).text()
        standing = checkpoint.parse(text + "\n" + key.sign(text).line())
    witnesses = [told.strip().partition(" ")[0] for told in settings.LEDGER_WITNESSES]
    found = {f"checkpoints/{newest.size}": standing.note().encode(), "log.vkey": f"{key.public.text()}\n".encode()}
    return found | ({"witnesses.vkeys": "".join(f"{one}\n" for one in witnesses).encode()} if witnesses else {})


def record_lines(records: Iterable[SettlementRecord]) -> Iterator[dict[str, Any]]:
    """What opens each settlement's record on chain; `key` is for the caller, who takes it out."""
    for record in records:
        before = record.statement.supersedes_id
        yield {
            "statement": str(record.statement_id),
            "run": record.run,
            "salt": as_bytes(record.salt).hex(),
            "supersedes": record.supersedes,
            **({"supersedes_statement": str(before)} if before else {}),
            "key": record_key(record.settlement_id, record.run),
        }


def reading_lines(site: Site, *, size: int, known_at: datetime) -> Iterator[dict[str, Any]]:
    """A site's import readings, one line for each entry that recorded some, in the order they became known.

    Those that no entry recorded come without its number, as far as they were known at `known_at`.
    """
    entries = LedgerEntry.objects.filter(event__subject=f"site:{site.slug}", event__type__startswith="meter.")
    batches: dict[datetime, list[tuple[int, dict[str, Any]]]] = {}
    for seq, at, payload in entries.order_by("seq").values_list("seq", "event__at", "event__payload"):
        told = json.loads(as_bytes(payload))
        if "sha256" in told and "readings" in told and told.get("direction") == "IMPORT":
            batches.setdefault(at, []).append((seq, told))
    rows = MeterReading.objects.filter(site=site).order_by("known_at", "start_at", "pk")
    told_rows = rows.values_list("known_at", "start_at", "import_wh").iterator(chunk_size=CHUNK)
    for known, found in groupby(told_rows, key=lambda row: row[0]):
        left = [[start.isoformat(), wh] for _, start, wh in found]
        for seq, told in batches.pop(known, []):
            mine = [one for one in left if told["first"] <= one[0] <= told["last"]]
            left = [one for one in left if one not in mine]
            if seq < size:
                yield {"seq": seq, "site": site.slug, "known_at": known.isoformat(), "readings": mine}
        if left and known <= known_at:
            yield {"site": site.slug, "known_at": known.isoformat(), "readings": left}


def price_book(settled: Sequence[SettlementStatement]) -> dict[str, Any]:
    """The price book that these statements rest on."""
    begins = {one.start_at for one in settled}
    return price_book_of({year for start in begins for year in (start.year, (start - REACH).year)})


def price_book_of(years: Collection[int]) -> dict[str, Any]:
    """The rules as dated rows, and the bank holidays of `years`."""
    folder = resources.files("flex_engine.settle").joinpath("rows")
    rows = {name: json.loads(folder.joinpath(f"{name}.json").read_text("utf-8"), parse_float=str) for name in ROWS}
    return {**rows, "bank_holidays": sorted(day.isoformat() for year in years for day in bank_holidays(year))}


def message_lines(received: QuerySet[InboxMessage], sent: QuerySet[OutboxMessage]) -> Iterator[dict[str, Any]]:
    """The raw bytes of each message with its signature and the key that verified it; ours as they were first signed."""
    for message in received.order_by("received_at", "pk").iterator(chunk_size=CHUNK):
        asked = journal.signed_with(
            role=message.role, peer=message.subscriber_id, action=message.action, message_id=message.message_id
        )
        yield {
            "direction": "received",
            "subscriber_id": message.subscriber_id,
            "public_key": message.public_key,
            "at": message.received_at.isoformat(),
            **common(message, message.authorization, asked),
            **validity(message.subscriber_id, message.public_key),
        }
    for mine in sent.exclude(authorizations=[]).order_by("created_at", "pk").iterator(chunk_size=CHUNK):
        yield from our_message(mine)


def our_message(message: OutboxMessage) -> Iterator[dict[str, Any]]:
    """A message of ours, if the key it was signed with is still the one we hold or the registry shows."""
    header = message.authorizations[0]
    try:
        signature = signing.parse(header)
        own = keys.own(message.role)
    except (WireError, ImproperlyConfigured):
        return
    key = own.public_key if own.key_id == signature.key_id else registered(signature.subscriber_id, signature.key_id)
    if key:
        answered = [message.answers.authorization] if message.answers else []
        yield {
            "direction": "sent",
            "subscriber_id": signature.subscriber_id,
            "public_key": key,
            "at": datetime.fromtimestamp(signature.created, tz=message.created_at.tzinfo).isoformat(),
            **common(message, header, answered),
        }


def common(message: InboxMessage | OutboxMessage, header: str, answered: Sequence[str]) -> dict[str, Any]:
    """What every message is shown with; `answering` is what the fourth signed line may have held."""
    chain = (
        [part for one in answered for part in (value_in(one), one) if part] if " request-signature" in header else []
    )
    return {
        "role": message.role,
        "action": message.action,
        "message_id": str(message.message_id),
        "transaction_id": str(message.transaction_id),
        "authorization": header,
        "raw": base64.b64encode(as_bytes(message.raw)).decode(),
        **({"answering": chain} if chain else {}),
    }


def value_in(header: str) -> str:
    """The signature in a header; empty where it cannot be read."""
    try:
        return signing.value_of(header)
    except WireError:
        return ""


def validity(subscriber_id: str, public_key: str) -> dict[str, str]:
    """From when until when the registry let the key speak, where it still knows it."""
    row = Subscriber.objects.filter(subscriber_id=subscriber_id, public_key=public_key).order_by("pk").first()
    return {"valid_from": row.valid_from.isoformat(), "valid_until": row.valid_until.isoformat()} if row else {}


def registered(subscriber_id: str, key_id: str) -> str:
    """The key the registry shows under this id; empty when it shows none."""
    row = Subscriber.objects.filter(subscriber_id=subscriber_id, key_id=key_id).first()
    return row.public_key if row else ""


def text(value: Any) -> str:
    """Stored bytes as text; what is no text is shown as one that commits to something else."""
    return as_bytes(value).decode("utf-8", "replace")
