"""Offers, searches, purchases and orders: both sides of a deal."""

from __future__ import annotations

import uuid
from decimal import Decimal
from typing import Any

import pytest

from beckn.models import OutboxMessage
from marketplace.models import Offer, OfferRequest, Purchase, SearchResult
from tests.unit.marketplace.api.routes import bid_on, tendered
from tests.unit.marketplace.web.world import World


def test_a_wish_is_stored_and_answered_later(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/sites/{world.site.slug}/offer-requests"
    status, body = operator.post(path, {"start": "2024-01-16T20:00:00+00:00", "end": "2024-01-16T21:00:00+00:00"})
    assert (status, body["state"], body["offer"], body["problem"]) == (202, "PENDING", None, "")
    assert body["start_at"] == "2024-01-16T20:00:00Z"
    assert operator.get(f"/offer-requests/{body['id']}") == (200, body)
    done = OfferRequest.objects.get(state="DONE")
    assert operator.get(f"/offer-requests/{done.pk}")[1]["offer"] == str(done.offer_id)


@pytest.mark.parametrize(
    "window",
    [
        {"start": "2024-01-16T20:00:00Z"},
        {"start": "2024-01-16T20:00:00Z", "end": "2024-01-16T19:00:00Z"},
        {"start": "2024-01-16T20:10:00Z", "end": "2024-01-16T21:00:00Z"},
        {"start": "2024-01-15T20:00:00Z", "end": "2024-01-15T21:00:00Z"},
    ],
)
def test_a_window_that_is_none_is_refused(world: World, program: Any, window: dict[str, str]) -> None:
    status, body = program(world.operator).post(f"/sites/{world.site.slug}/offer-requests", window)
    assert (status, body["code"]) == (422, "BAD_WINDOW")


def test_an_offer_is_published_once_and_withdrawn(world: World, program: Any) -> None:
    operator, path = program(world.operator), f"/offers/{world.offers['draft'].pk}"
    status, body = operator.post(f"{path}/publish")
    assert (status, body["code"]) == (409, "BACK_TEST_NOT_ACCEPTED")  # this draft was never tried on past days
    status, body = operator.post(f"{path}/publish", {"accept_back_test": True})
    assert (status, body["state"], body["published_at"]) == (200, "PUBLISHED", "2024-01-16T13:10:00Z")
    assert body["periods"][0] == {"start_at": "2024-01-16T17:00:00Z", "offered_kw": "385.000", "reserved_kw": "0.000"}
    assert body["utilisation_price_gbp_per_kwh"] == "0.2475"
    assert operator.post(f"{path}/publish")[0] == 200
    status, body = operator.post(f"{path}/withdraw", {"reason": "maintenance"})
    assert (status, body["state"]) == (200, "WITHDRAWN")
    status, body = operator.post(f"{path}/publish")
    assert (status, body["code"]) == (409, "OFFER_NOT_DRAFT")


def test_an_offer_that_was_not_proved_stays_off_sale(world: World, program: Any) -> None:
    status, body = program(world.operator).post(f"/offers/{world.offers['unproved'].pk}/publish")
    assert (status, body["code"]) == (409, "CERTIFICATE_FAILED")


def test_offers_are_listed_by_state(world: World, program: Any) -> None:
    operator = program(world.operator)
    assert {one["id"] for one in operator.get("/offers")[1]["results"]} == {
        str(offer.pk) for offer in world.offers.values()
    }
    drafts = operator.get("/offers", state="DRAFT")[1]["results"]
    assert len(drafts) == Offer.objects.filter(site=world.site, state="DRAFT").count()
    assert operator.get("/offers", state="OLD")[0] == 422
    assert operator.get(f"/offers/{world.offers['draft'].pk}")[1]["certificate"]["holds"] is True


def test_a_search_sends_a_signed_discover_and_waits(world: World, program: Any) -> None:
    status, body = program(world.grid).post("/searches", {"direction": "REDUCE", "min_kw": "100.5"})
    assert status == 202
    assert (body["answered_at"], body["late"], body["catalogs"]) == (None, False, [])
    search = SearchResult.objects.get(transaction_id=body["transaction_id"])
    assert search.organisation.slug == "northern-networks"
    sent = OutboxMessage.objects.get(transaction_id=search.transaction_id)
    assert (sent.role, sent.action) == ("bap", "discover")
    assert b"100.5" in bytes(sent.raw)


def test_an_answered_search_shows_offers_by_provider_and_counts_the_unreadable(world: World, program: Any) -> None:
    status, body = program(world.grid).get(f"/searches/{world.searches['answered'].transaction_id}")
    assert (status, body["unreadable"]) == (200, 1)
    [catalogue] = body["catalogs"]
    assert catalogue["provider"] == "Aire Valley Compute"
    offer = next(one for one in catalogue["offers"] if one["id"] == str(world.offers["published"].pk))
    assert (offer["kw"], offer["price_gbp_per_kwh"], offer["direction"]) == ("262.5", "0.2475", "REDUCE")
    assert (offer["notice_s"], len(offer["periods"])) == (900, 4)


def test_a_search_nobody_answered_is_late(world: World, program: Any) -> None:
    grid = program(world.grid)
    assert grid.get(f"/searches/{world.searches['late'].transaction_id}")[1]["late"] is True
    assert len(grid.get("/searches")[1]["results"]) == len(world.searches)


def test_a_quote_is_asked_of_the_seller_in_the_search(world: World, program: Any) -> None:
    search, offer = world.searches["answered"], world.offers["published"]
    wish = {"search": str(search.transaction_id), "offer_id": str(offer.pk), "kw": "100.5"}
    status, body = program(world.grid).post("/purchases", wish)
    assert (status, body["state"], body["requested_kw"]) == (202, "QUOTING", "100.500")
    assert (body["refusal"], body["quote_pence"], body["waiting"]) == (None, None, True)
    purchase = Purchase.objects.get(pk=body["id"])
    assert purchase.requested_kw == Decimal("100.5")
    assert OutboxMessage.objects.get(transaction_id=purchase.transaction_id).action == "select"


@pytest.mark.parametrize(
    ("change", "status", "field"),
    [
        ({"kw": 0}, 422, ""),
        ({"kw": "-1"}, 422, "kw"),
        ({"kw": "0.0001"}, 422, "kw"),
        ({"kw": "lots"}, 422, "kw"),
        ({"kw": "1e40"}, 422, "kw"),
        ({"kw": None}, 422, "kw"),
        ({"search": "x"}, 422, "search"),
        ({"search": str(uuid.UUID(int=9))}, 404, ""),
        ({"offer_id": "strange"}, 404, "offer_id"),
        ({"offer_id": str(uuid.UUID(int=9))}, 404, "offer_id"),
        ({"mw": 1}, 422, "mw"),
    ],
)
def test_a_wish_that_cannot_be_bought_is_named(
    world: World, program: Any, change: dict[str, Any], status: int, field: str
) -> None:
    wish = {"search": str(world.searches["answered"].transaction_id), "offer_id": str(world.offers["published"].pk)}
    answered, body = program(world.grid).post("/purchases", {**wish, "kw": "100", **change})
    assert answered == status
    assert [error["field"] for error in body.get("errors", [])] == ([field] if field else [])


@pytest.mark.parametrize(
    ("name", "step", "state", "action"),
    [
        ("quoted", "initialise", "INITIALISING", "init"),
        ("initialised", "confirm", "CONFIRMING", "confirm"),
        ("confirmed", "dispatch", "DISPATCHING", "update"),
        ("active", "status", "ACTIVE", "status"),
        ("confirmed", "cancel", "CONFIRMED", "cancel"),
    ],
)
def test_each_step_sends_one_message(world: World, program: Any, name: str, step: str, state: str, action: str) -> None:
    purchase = world.purchases[name]
    sent = OutboxMessage.objects.filter(transaction_id=purchase.transaction_id, role="bap", action=action)
    before, grid = sent.count(), program(world.grid)
    status, body = grid.post(f"/purchases/{purchase.pk}/{step}")
    assert (status, body["state"]) == (202, state)
    assert sent.count() == before + 1
    if state.endswith("ING"):
        assert grid.post(f"/purchases/{purchase.pk}/{step}")[0] == 202
        assert sent.count() == before + 1


def test_a_step_out_of_turn_and_a_step_nobody_knows(world: World, program: Any) -> None:
    grid = program(world.grid)
    status, body = grid.post(f"/purchases/{world.purchases['quoted'].pk}/dispatch")
    assert (status, body["code"]) == (409, "BIZ_INVALID_STATE_TRANSITION")
    status, body = grid.post(f"/purchases/{world.purchases['quoted'].pk}/celebrate")
    assert status == 404
    assert "initialise" in body["detail"]


def test_a_purchase_says_its_refusal_its_next_steps_and_its_settlement(world: World, program: Any) -> None:
    grid = program(world.grid)
    refused = grid.get(f"/purchases/{world.purchases['refused'].pk}")[1]
    assert refused["refusal"]["code"] == "BIZ_QUANTITY_UNAVAILABLE"
    assert grid.get(f"/purchases/{world.purchases['confirmed'].pk}")[1]["next_steps"] == [
        "dispatch",
        "cancel",
        "status",
    ]
    settled = grid.get(f"/purchases/{world.purchases['settled'].pk}")[1]
    assert settled["settlement"]["proof_state"] == "ANCHORED"
    assert settled["settlement"]["proof"]["chainId"] == "31337"
    assert settled["settlement"]["amount_pence"] > 0
    assert settled["delivery"]["check"]["settlement_id"] == settled["settlement"]["id"]
    rows = grid.get(f"/purchases/{world.purchases['settled'].pk}/readings", limit=3)[1]
    assert [row["metered_wh"] for row in rows["results"]] == [445_000, 445_000, 457_400]
    assert rows["next"]
    assert len(grid.get("/purchases", state="SETTLED")[1]["results"]) == 1


def test_an_order_carries_its_dispatches_and_statements_in_integers(world: World, program: Any) -> None:
    status, body = program(world.operator).get(f"/orders/{world.orders['settled'].pk}")
    assert (status, body["state"], body["utilisation_price_gbp_per_kwh"]) == (200, "SETTLED", "0.2475")
    [activation] = body["activations"]
    [statement] = activation["statements"]
    assert statement["delivered_wh"] == sum(line["delivered_wh"] for line in statement["lines"])
    assert statement["amount_pence"] == statement["payment_pence"] - statement["penalty_pence"]
    assert statement["label"] == "MEASURED"
    assert [line["start_at"] for line in statement["lines"]] == sorted(line["start_at"] for line in statement["lines"])
    assert statement["lines"][0]["settlement_date"] == "2024-01-15"
    record = statement["record"]
    assert (record["state"], record["chain_id"], record["tx_hash"]) == ("FINAL", 31337, "0x" + "5e" * 32)


def test_an_order_without_a_dispatch_and_orders_by_state(world: World, program: Any) -> None:
    operator = program(world.operator)
    assert operator.get(f"/orders/{world.orders['confirmed'].pk}")[1]["activations"] == []
    settled = operator.get("/orders", state="SETTLED")[1]["results"]
    assert [one["id"] for one in settled] == [str(world.orders["settled"].pk)]
    assert settled[0]["periods"][0]["ordered_kw"] == "420.000"


def test_others_bids_are_sealed(world: World, program: Any) -> None:
    """An open tender shows its buyer and other sellers no bid; its own bidder sees it, and nobody finds an unknown tender."""
    bid_on(world)
    path = f"/tenders/{tendered(world).pk}/bids"
    seen = {who: len(program(getattr(world, who)).get(path)[1]["results"]) for who in ("operator", "grid", "other")}
    assert seen == {"operator": 1, "grid": 0, "other": 0}
    assert program(world.other).get(f"/tenders/{uuid.UUID(int=7)}")[0] == 404
