"""The buyer's side of the small market: a grid operator, what a search brought back, and what the seller answered.

Seller's messages are built by the seller's own code and taken through the wire's bytes, so a buyer under test reads what
it would really get.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings

from beckn.models import OutboxMessage
from beckn.wire import body
from marketplace.models import Offer, Order, Organisation, Purchase, SearchResult
from marketplace.usecases.advance_purchase import advance_purchase
from marketplace.usecases.receive_answer import receive_answer, receive_catalogue
from marketplace.usecases.request_quote import request_quote
from marketplace.wire.catalogue import catalogues
from marketplace.wire.contract import order_contract
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import NOW

BPP = settings.BECKN_PARTICIPANTS["bpp"]
SELLER = BPP["subscriber_id"]
BUYER = settings.BECKN_PARTICIPANTS["bap"]["subscriber_id"]


def wired(value: Any) -> Any:
    """What the other side parses of a message of ours."""
    return body.parse(body.dump({"message": value}))["message"]


def grid() -> Organisation:
    return market.organisation("Northern Networks", "GRID")


def searched(organisation: Organisation, *offers: Offer) -> SearchResult:
    """A search answered with these offers."""
    result = SearchResult.objects.create(organisation=organisation, transaction_id=offers[0].pk, requested_at=NOW)
    found = wired(catalogues(offers, seller=SELLER, bpp_url=BPP["url"], now=NOW))
    receive_catalogue(transaction_id=result.transaction_id, catalogs=found, now=NOW)
    result.refresh_from_db()
    return result


def sent(action: str) -> list[dict[str, Any]]:
    """The messages of this action in our outbox, oldest first, as the peer reads them."""
    rows = OutboxMessage.objects.filter(action=action).order_by("pk")
    return [body.parse(bytes(row.raw)) for row in rows]


def told(purchase: Purchase, action: str, contract: dict[str, Any], *, error: dict[str, Any] | None = None) -> Purchase:
    """The seller's callback arrives."""
    receive_answer(
        action=action, seller_subscriber_id=SELLER, transaction_id=purchase.transaction_id, contract=wired(contract),
        error=error, now=NOW,
    )  # fmt: skip
    purchase.refresh_from_db()
    return purchase


def quoted(organisation: Organisation, offer: Offer, *, kw: str = "300") -> tuple[Purchase, Order]:
    """A purchase with the seller's quote, and the seller's order behind it."""
    search = searched(organisation, offer)
    purchase = request_quote(
        organisation=organisation, search=search, offer_id=str(offer.pk), kw=market.Decimal(kw), now=NOW
    )
    order = market.quote_order(
        offer_id=str(offer.pk), buyer_subscriber_id=BUYER, transaction_id=purchase.transaction_id, kw=market.Decimal(kw),
        periods=None, now=NOW,
    )  # fmt: skip
    return told(purchase, "on_select", order_contract(order, seller=SELLER, with_id=False)), order


def step(purchase: Purchase, word: str) -> Purchase:
    return advance_purchase(purchase=purchase, step=word, now=NOW)
