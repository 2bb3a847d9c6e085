"""The contract document: the same terms give the same bytes, changed terms another version, and both parties find the hash."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from decimal import Decimal

import orjson
import pytest

from marketplace.models import ContractDocument, Event, OrderPeriod
from marketplace.queries.documents import document_page
from marketplace.queries.sentences import sentence
from marketplace.rules.contract_document import OPEN, changes, contract_document
from marketplace.usecases.write_document import terms_of, write_document
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import FIRST, NOW

VARIABLE = "VARIABLE_AVAILABILITY_OPERATIONAL_UTILISATION"
HEADINGS = [
    "Parties", "Services", "Service windows", "Service requirements schedule", "Availability and utilisation fees",
    "Technical requirements", "Metering and data", "Baseline", "Performance", "Payment", "Stacking",
    "Conditions before the first service", "Liability", "Term and termination", "Data protection", "Disputes", "Signatures",
]  # fmt: skip


@pytest.fixture
def order(site):
    return market.confirmed(
        market.offer(site, product=VARIABLE, availability_price_gbp_per_mw_h=Decimal("21.40")), kw="300"
    )


def clauses(document) -> dict[str, str]:
    return {f"{s['heading']}: {c['name']}": c["text"] for s in document["sections"] for c in s["clauses"]}


def test_confirming_writes_it_and_the_log_and_the_contract_name_its_hash(order):
    document = order.documents.get()
    body = bytes(document.body)
    assert (document.version, document.sha256) == (1, hashlib.sha256(body).hexdigest())
    event = orjson.loads(bytes(Event.objects.get(type="order.confirmed").payload))
    assert event["document_sha256"] == document.sha256
    (doc,) = order_contract(order, seller="s")["descriptor"]["docs"]
    assert doc["security"] == {"checksum": document.sha256, "checksumAlgorithm": "SHA256"}
    assert f"/contract-documents/{order.pk}/1/" in doc["url"]
    assert "not legal advice" in doc["label"]
    found = orjson.loads(body)
    assert [section["heading"] for section in found["sections"]] == HEADINGS
    said = clauses(found)
    assert said["Availability and utilisation fees: Availability fee"] == "21.4 GBP per MW and hour held ready"
    assert said["Availability and utilisation fees: Sum for full delivery, net of VAT"] == f"{order.quote_pence} p"
    assert said["Service windows: Window 1"] == "2024-01-16T17:00Z, 2 half hours"
    assert said["Service requirements schedule: 2024-01-16T17:30Z"] == "300 kW"
    assert "50 % delivered pays 0 %; 100 % delivered pays 100 %" in said["Performance: Utilisation table"]
    assert said["Liability: Limits"] == OPEN


def test_the_same_terms_are_the_same_bytes_and_no_new_version(order):
    first = order.documents.get()
    again = write_document(order=order, now=NOW + timedelta(days=3))
    assert (again.pk, ContractDocument.objects.count()) == (first.pk, 1)
    assert contract_document(terms_of(order)) == contract_document(terms_of(order))


def test_changed_terms_are_another_version_whose_difference_is_shown(order):
    OrderPeriod.objects.filter(order=order, start_at=FIRST).update(ordered_kw=Decimal("250.5"))
    type(order).objects.filter(pk=order.pk).update(quote_pence=7000)
    order.refresh_from_db()
    made = write_document(order=order, now=NOW + timedelta(hours=1))
    assert made.version == 2
    page = document_page(made)
    assert page.sound
    assert page.versions == (2, 1)
    assert [(one.place, one.before, one.after) for one in page.changes] == [
        ("Service requirements schedule: 2024-01-16T17:00Z", "300 kW", "250.5 kW"),
        ("Availability and utilisation fees: Sum for full delivery, net of VAT", "8142 p", "7000 p"),
    ]
    event = Event.objects.get(type="document.revised")
    assert event.subject == f"order:{order.pk}"
    assert "has a version 2" in sentence(event.type, event.payload)


def test_a_changed_byte_is_seen(order):
    document = order.documents.get()
    ContractDocument.objects.update(body=bytes(document.body).replace(b"300 kW", b"900 kW"))
    document.refresh_from_db()
    assert not document_page(document).sound


def test_a_clause_that_is_gone_is_named_too():
    old = {"sections": [{"heading": "A", "clauses": [{"name": "x", "text": "1"}, {"name": "y", "text": "2"}]}]}
    new = {"sections": [{"heading": "A", "clauses": [{"name": "y", "text": "2"}]}]}
    assert changes(old, new) == [("A: x", "1", "")]
    assert changes(old, old) == []
