"""A buyer elsewhere reads its contract document by the address it was sent, and nobody reads anything by another one."""

from __future__ import annotations

import hashlib
import uuid
from datetime import timedelta

import pytest
from django.test import Client

from marketplace import clock
from marketplace.models import ContractDocument
from marketplace.usecases.write_document import write_document
from marketplace.wire.contract import order_contract
from marketplace.wire.document_link import OPEN_FOR, signature
from tests.unit.marketplace.web.world import NOW, World


@pytest.fixture
def sent(world: World) -> tuple[ContractDocument, str]:
    """The document and the path that its contract names."""
    order = world.orders["settled"]
    document = write_document(order=order, now=NOW)
    (doc,) = order_contract(order, seller="s")["descriptor"]["docs"]
    return document, "/" + doc["url"].split("/", 3)[3]


def test_the_address_in_the_contract_gives_the_bytes_of_its_hash_to_anybody_who_has_it(
    sent: tuple[ContractDocument, str],
) -> None:
    document, path = sent
    answer = Client().get(path)
    assert answer.status_code == 200
    assert hashlib.sha256(answer.content).hexdigest() == document.sha256
    assert answer["Content-Type"] == "application/json"
    assert answer["Cache-Control"] == "private, no-store"
    assert not answer.cookies
    for method in ("post", "put", "delete", "patch"):
        assert getattr(Client(), method)(path).status_code == 405


def test_any_other_address_is_of_nothing(sent: tuple[ContractDocument, str], world: World) -> None:
    document, path = sent
    head, order, version, last, signed = path.rsplit("/", 4)
    other = write_document(order=world.orders["confirmed"], now=NOW)
    wrong = [
        (order, version, last, signed[:-1] + ("a" if signed[-1] != "a" else "b")),
        (order, version, str(int(last) + 1), signed),
        (order, "2", last, signed),
        (str(other.order_id), version, last, signed),
        (order, version, last, signature(other, int(last))),
        (str(uuid.uuid4()), version, last, signed),
        (order, version, last, "-"),
    ]
    pages = {Client().get("/".join((head, *parts))).content for parts in wrong}
    assert {Client().get("/".join((head, *parts))).status_code for parts in wrong} == {404}
    assert all(document.sha256.encode() not in page and b"Leeds" not in page for page in pages)


def test_it_ends_and_other_bytes_are_not_given(
    sent: tuple[ContractDocument, str], world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    document, path = sent
    ContractDocument.objects.filter(pk=document.pk).update(body=bytes(document.body).replace(b"300", b"301") + b" ")
    assert Client().get(path).status_code == 404, "the bytes that were signed are no longer there"
    ContractDocument.objects.filter(pk=document.pk).update(body=bytes(document.body))
    assert Client().get(path).status_code == 200
    over = world.orders["settled"].offer.end_at + OPEN_FOR
    monkeypatch.setattr(clock, "now", lambda: over - timedelta(seconds=1))
    assert Client().get(path).status_code == 200
    monkeypatch.setattr(clock, "now", lambda: over)
    assert Client().get(path).status_code == 404
