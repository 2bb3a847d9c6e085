"""A request of ours that nobody will answer does not leave the buyer waiting."""

from __future__ import annotations

from datetime import timedelta

import pytest

from beckn import outbox
from beckn.egress import Answer
from beckn.models import OutboxMessage
from beckn.wire import receipts
from beckn.wire.errors import WireError
from beckn.wire.signing import Signer
from marketplace.models import Offer
from marketplace.queries.catalogue import search_page
from marketplace.usecases.search_catalogue import search_catalogue
from tests.unit.marketplace.usecases import buyer
from tests.unit.marketplace.usecases.conftest import network, offer, owner, site  # noqa: F401 - fixtures
from tests.unit.marketplace.usecases.market import NOW

pytestmark = pytest.mark.django_db


@pytest.fixture
def refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every peer answers NACK."""
    problem = WireError("CTX_TTL_EXPIRED", "The message lived until noon.", "/context/ttl")
    signer = Signer.of("seller.example", "k", bytes(32))
    raw = receipts.nack(problem, request=b"{}", message_id="", signer=signer, now=NOW)
    monkeypatch.setattr(outbox.keys, "own", lambda _: signer)
    monkeypatch.setattr(outbox.egress, "post", lambda *_, **__: Answer(400, {}, raw))


@pytest.mark.parametrize(
    ("word", "state"), [("initialise", "QUOTED"), ("confirm", "REFUSED"), ("dispatch", "CONFIRMED"), ("status", "CONFIRMED")]
)  # fmt: skip
def test_a_refused_message_takes_the_purchase_back_with_the_peers_words(
    offer: Offer,  # noqa: F811
    network: None,  # noqa: F811
    refused: None,
    word: str,
    state: str,
) -> None:
    purchase, _ = buyer.quoted(buyer.grid(), offer)
    before = {"initialise": "QUOTED", "confirm": "INITIALISED"}.get(word, "CONFIRMED")
    type(purchase).objects.filter(pk=purchase.pk).update(state=before, contract_id=str(purchase.pk))
    purchase.refresh_from_db()
    purchase.contract["id"] = str(purchase.pk)
    purchase.save()
    buyer.step(purchase, word)
    row = OutboxMessage.objects.latest("pk")
    assert outbox.deliver(row.pk, now=row.next_attempt_at) == "REFUSED"
    row.refresh_from_db()
    assert row.problem == "CTX_TTL_EXPIRED: The message lived until noon."
    purchase.refresh_from_db()
    assert purchase.state == state
    assert purchase.refusal == {"code": "CTX_TTL_EXPIRED", "message": "The message lived until noon."}


def test_a_refused_search_says_why(network: None, refused: None) -> None:  # noqa: F811
    result = search_catalogue(organisation=buyer.grid(), now=NOW)
    row = OutboxMessage.objects.get()
    assert outbox.deliver(row.pk, now=row.next_attempt_at) == "REFUSED"
    row.refresh_from_db()
    assert "could not be told" not in row.problem
    result.refresh_from_db()
    assert result.answered_at is None
    assert result.refusal == {"code": "CTX_TTL_EXPIRED", "message": "The message lived until noon."}
    page = search_page(result, NOW + timedelta(hours=1))
    assert (page.late, page.refusal["code"]) == (False, "CTX_TTL_EXPIRED")
