"""Every event that is ever written has a sentence, and the sentence says what the row says."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest

from marketplace.models import Event
from marketplace.queries.sentences import SENTENCES, sentence
from marketplace.usecases.accept_queue import accept_queue
from marketplace.usecases.cancel_order import cancel_order
from marketplace.usecases.complete_settlement import complete_settlement
from marketplace.usecases.draft_offer import draft_offer
from marketplace.usecases.make_token import make_token
from marketplace.usecases.plan_site import plan_site
from marketplace.usecases.publish_offer import publish_offer
from marketplace.usecases.read_upload import read_upload
from marketplace.usecases.record_meter import record_meter
from marketplace.usecases.revoke_token import revoke_token
from marketplace.usecases.settle_activation import settle_activation
from marketplace.usecases.start_activations import start_activations
from marketplace.usecases.upload_queue import upload_queue
from marketplace.usecases.withdraw_offer import withdraw_offer
from tests.style.meter import ROOT
from tests.unit.marketplace.usecases import market, planned, settled
from tests.unit.marketplace.usecases.conftest import network, owner, site
from tests.unit.marketplace.usecases.market import END, FIRST, NOW, RIVAL, SECOND

__all__ = ["network", "owner", "site"]
QUEUE = b"id,arrival,deadline,duration,power_kw\na,2024-01-16T14:00Z,2024-01-17T10:00Z,3600,50\nb,never,,1,1\n"


def said() -> dict[str, str]:
    """{type: sentence} of the newest event of each type."""
    return {event.type: sentence(event.type, bytes(event.payload)) for event in Event.objects.order_by("id")}


def test_every_type_that_the_code_appends_has_a_sentence():
    written = set()
    for path in [*(ROOT / "marketplace/usecases").glob("*.py"), *(ROOT / "marketplace/ledger").glob("*.py")]:
        for call in re.findall(r"events\.append\(.*?subject=", path.read_text(), re.DOTALL):
            written |= set(re.findall(r'"([a-z]+\.[a-z_]+)"', call))
    assert len(written) >= 14
    assert written - set(SENTENCES) == set()


@pytest.mark.usefixtures("network")
def test_the_life_of_a_sale_reads_as_sentences(site, settings):
    settings.CHAIN_RPC_URL = "none"
    planned.known_signals()
    planned.queue(site)
    upload = read_upload(
        upload_id=upload_queue(site=site, user=None, filename="q.csv", content=QUEUE, now=NOW).pk, now=NOW
    )
    accept_queue(upload=upload, user=None, valid_only=True, now=NOW)
    plan_site(site=site, now=NOW)
    publish_offer(
        offer=draft_offer(site=site, start=FIRST, end=END, now=NOW), user=None, accept_back_test=True, now=NOW
    )
    withdraw_offer(offer=market.offer(site), user=None, reason="maintenance", now=NOW)
    gone = market.confirmed(market.offer(site, start=END))
    cancel_order(transaction_id=gone.transaction_id, buyer_subscriber_id=gone.buyer_subscriber_id, reason="", now=NOW)
    activation = settled.over(market.site(site.organisation, "leeds-2"), metered={FIRST: 240_000, SECOND: 260_000})
    record_meter(site=site, rows=[{"start": FIRST, "import_wh": 300_000}], source="m", label="MEASURED", now=END)
    start_activations(now=FIRST)
    statement = settle_activation(activation=activation, now=END)
    complete_settlement(statement=statement, now=END)
    found = said()
    assert found["queue.accepted"] == "1 job was accepted into the queue of leeds-1. 1 problem was left out."
    assert found["plan.ready"].startswith("leeds-1 has a plan for 12 jobs (optimal")
    assert re.fullmatch(r"An offer of [\d.]+ kW was drafted for leeds-1\.", found["offer.drafted"])
    assert "2024-01-16T17:00 to 2024-01-16T18:00 UTC" in found["offer.published"]
    assert found["offer.withdrawn"] == "An offer of leeds-1 was withdrawn: maintenance."
    assert found["order.cancelled"] == "An order was cancelled: no reason given."
    assert found["order.confirmed"] == "grid.example ordered 400 kW over 2 settlement periods for £100.00."
    assert found["activation.started"] == "Dispatch dispatch-1 began."
    assert found["meter.recorded"].startswith("1 measured meter reading was recorded for leeds-1, 2024-01-16T17:00")
    assert f"pays £{statement.amount_pence / 100:.2f}" in found["settlement.statement"]
    assert found["order.settled"] == "An order is settled by run II. Proof: no chain."


def test_tokens_are_told_without_their_secret(site, owner):
    user = market.person(owner, "ADMIN")
    token, secret = make_token(
        user=user, organisation=owner, name="meter feed", scopes=["readings:write"], life=timedelta(days=1), now=NOW
    )
    revoke_token(token=token, now=NOW)
    found = said()
    until = f"{token.expiry:%Y-%m-%dT%H:%M}"
    assert found["token.made"] == f"API token meter feed was made for readings:write, until {until} UTC."
    assert found["token.revoked"] == "API token meter feed was revoked."
    assert secret not in "".join(found.values())


@pytest.mark.parametrize("payload", [b"", b"null", b"{}", b'{"power_w": "x"}'])
def test_an_erased_or_broken_payload_still_says_what_kind_of_thing_happened(payload):
    assert sentence("offer.drafted", payload) == "Offer drafted."
    assert sentence("something.new_here", payload) == "Something new here."


def test_a_rival_is_named_as_the_network_knows_it(site):
    market.confirmed(market.offer(site), kw="100", buyer=RIVAL)
    assert said()["order.confirmed"].startswith("rival.example ordered 100 kW")
