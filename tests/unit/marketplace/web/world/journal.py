"""Beckn messages and log entries of the world under test."""

from __future__ import annotations

import hashlib
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

import rfc8785
from django.conf import settings

from beckn.models import InboxMessage, OutboxMessage, Subscriber
from marketplace.models import (
    Anchor,
    Event,
    LedgerEntry,
    Offer,
    Order,
    Organisation,
    SearchResult,
    SettlementStatement,
    Site,
)
from tests.unit.marketplace.web.world.moment import NOW

BODY = b'{"context":{"version":"2.0.0","action":"%s","ttl":"PT30S"},"message":{"price":{"value":0.2500,"currency":"GBP"},"note":"<b>a caf\\u00e9 & bar</b>"}}'


RECEIPT = b'{"message":{"status":"ACK"}}'


def participants() -> None:
    """Both sides as the registry knows them; signatures and their validity are real time, not the market's."""
    for role, us in settings.BECKN_PARTICIPANTS.items():
        Subscriber.objects.create(
            subscriber_id=us["subscriber_id"], key_id="key-1", role=role, url=us["url"], public_key="A" * 43 + "=",
            valid_from=datetime(2020, 1, 1, tzinfo=UTC), valid_until=datetime(2100, 1, 1, tzinfo=UTC),
        )  # fmt: skip


def message_in(role: str, action: str, transaction: uuid.UUID, age_min: int, **more: Any) -> InboxMessage:
    peer = settings.BECKN_PARTICIPANTS["bap" if role == "bpp" else "bpp"]["subscriber_id"]
    at, raw = NOW - timedelta(minutes=age_min), BODY % action.encode()
    given = {
        "state": "HANDLED",
        "attempts": 1,
        "handled_at": at + timedelta(seconds=1),
        "message_id": uuid.uuid4(),
        **more,
    }
    return InboxMessage.objects.create(
        role=role, subscriber_id=peer, action=action, transaction_id=transaction, raw=raw, receipt=RECEIPT, received_at=at, next_attempt_at=at,
        authorization=f'Signature keyId="{peer}|key-1|ed25519",algorithm="ed25519",created="1705410600",expires="1705410900",headers="(created) (expires) digest",signature="c2lnbmVk"',
        public_key="MCowBQYDK2VwAyEAexample", digest=hashlib.blake2b(raw).hexdigest(), **given,
    )  # fmt: skip


def message_out(role: str, action: str, transaction: uuid.UUID, age_min: int, **more: Any) -> OutboxMessage:
    peer = settings.BECKN_PARTICIPANTS["bap" if role == "bpp" else "bpp"]["subscriber_id"]
    at = NOW - timedelta(minutes=age_min)
    given = {"state": "DELIVERED", "attempts": 1, "delivered_at": at, "last_status": 200, "receipt": RECEIPT, **more}
    return OutboxMessage.objects.create(
        role=role, to=peer, action=action, transaction_id=transaction, raw=BODY % action.encode(), created_at=at, next_attempt_at=at, **given
    )  # fmt: skip


def make_messages(orders: dict[str, Order], searches: dict[str, SearchResult]) -> dict[str, Any]:
    """One quote as both sides keep it, and one message in each of the states that ask for a look."""
    quote, asked = orders["quoted"].transaction_id, uuid.uuid4()
    select = message_in("bpp", "select", quote, 14, message_id=asked)
    return {
        "select": select,
        "on_select": message_out("bpp", "on_select", quote, 14, message_id=asked, answers=select),
        "asked": message_out("bap", "select", quote, 15, message_id=asked),
        "answered": message_in("bap", "on_select", quote, 13, message_id=asked),
        "refused": message_in("bpp", "init", quote, 9, state="REFUSED", problem="BIZ_QUOTE_EXPIRED: the quote ran out at 13:02Z. Ask for a new one."),
        "dead": message_out("bpp", "on_update", orders["active"].transaction_id, 8, state="DEAD", attempts=12, delivered_at=None, last_status=503, receipt=b"", problem="no answer in 12 attempts; the last was HTTP 503"),
        "pending": message_out("bap", "discover", searches["pending"].transaction_id, 0, state="PENDING", attempts=0, delivered_at=None, last_status=None, receipt=b""),
    }  # fmt: skip


def log(
    owner: Organisation, orders: dict[str, Order], offers: dict[str, Offer], site: Site, statement: SettlementStatement
) -> None:
    """Nine events, eight of them numbered; heads over the first four, seven and eight in three states."""
    active = orders["active"].activations.get()
    told: list[tuple[str, str, dict[str, Any]]] = [
        ("queue.accepted", "upload:1", {"site": site.slug, "file_sha256": "0" * 64, "jobs": 40, "rows_refused": 2}),
        ("plan.ready", "plan:1", {"site": site.slug, "jobs": 40, "status": "OPTIMAL", "commitments": 0}),
        ("offer.drafted", f"offer:{offers['published'].pk}", {"site": site.slug, "power_w": 412500, "plan": 1}),
        ("offer.published", f"offer:{offers['published'].pk}", {"site": site.slug, "start": "2024-01-16T20:00:00+00:00", "end": "2024-01-16T22:00:00+00:00", "power_w": 412500, "price_upgbp_per_mwh": "247500000", "penalty_upgbp_per_mwh": "123800000", "baseline_method": "like-day-mean-v1"}),
        ("order.confirmed", f"order:{orders['confirmed'].pk}", {"offer": str(offers["published"].pk), "buyer": "grid.caco.local", "terms_sha256": "1" * 64, "quote_pence": "7425", "periods": [{"start": "2024-01-16T20:00:00+00:00", "power_w": 150000}] * 4}),
        ("activation.accepted", f"activation:{active.pk}", {"order": str(orders["active"].pk), "instruction": "d-17", "mechanism": "P415", "issued_at": "2024-01-16T13:00:00+00:00", "periods": [{"start": "2024-01-16T20:00:00+00:00", "power_w": 150000, "declared_w": 1310000}] * 4}),
        ("meter.recorded", f"site:{site.slug}", {"site": site.slug, "readings": 48, "first": "2024-01-15T00:00:00+00:00", "last": "2024-01-15T23:30:00+00:00", "sha256": "2" * 64, "label": "MEASURED"}),
        ("settlement.statement", f"order:{orders['settled'].pk}", {"activation": "d-11", "delivered_wh": str(statement.delivered_wh), "eligible_wh": str(statement.eligible_wh), "shortfall_wh": str(statement.shortfall_wh), "run": "II", "amount_pence": str(statement.amount_pence)}),
        ("order.settled", f"order:{orders['settled'].pk}", {"statement": str(statement.pk), "run": "II", "proof": "ANCHORED"}),
    ]  # fmt: skip
    before = "0" * 64
    for seq, (kind, subject, payload) in enumerate(told):
        at, body, salt = NOW - timedelta(minutes=60 - seq * 5), rfc8785.dumps(payload), bytes([seq]) * 32
        commit = hashlib.sha256(b"caco/v1/" + kind.encode() + b"\0" + salt + body).hexdigest()
        event = Event.objects.create(type=kind, at=at, subject=subject, payload=body, salt=salt, payload_commit=commit)
        event.organisations.add(owner)
        if seq == len(told) - 1:
            continue
        leaf = rfc8785.dumps({"seq": seq, "type": kind, "at": at.isoformat(), "payload_commit": commit, "prev": before})
        leaf_hash = hashlib.sha256(b"\0" + leaf).hexdigest()
        LedgerEntry.objects.create(
            seq=seq, event=event, leaf=leaf, leaf_hash=leaf_hash, prev_hash=before, created_at=at
        )
        before = leaf_hash
    for number, (size, state) in enumerate([(4, "FINAL"), (7, "MINED"), (8, "PENDING")], start=1):
        sent = state != "PENDING"
        Anchor.objects.create(
            kind="HEAD", seq=number, size=size, root=hashlib.sha256(bytes([size])).hexdigest(), state=state,
            tx_hash="0x" + hashlib.sha256(bytes([number])).hexdigest() if sent else "", block_number=40 + number if sent else None,
            block_hash="0x" + "ab" * 32 if sent else "", chain_id=31337, contract="0x" + "c0" * 20, created_at=NOW, updated_at=NOW,
        )  # fmt: skip
