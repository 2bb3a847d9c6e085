"""How often each page asks the database: at most so often, and no oftener when the lists on it grow."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from marketplace.models import AgentDecision, Job, Purchase, SettlementStatement, User
from tests.unit.marketplace.api.routes import bid_on, meter_file
from tests.unit.marketplace.web.world import NOW, World
from tests.unit.marketplace.web.world.deals import deliver, dispatch, make_offers, make_orders
from tests.unit.marketplace.web.world.journal import message_in, message_out
from tests.unit.marketplace.web.world.places import make_plan, make_site

SignedIn = Callable[[User], Client]
# The most questions a page may ask, sign-in and menu included. Lower them when a page gets better; never raise them.
MOST = {
    "home": 28,
    "sites": 5,
    "site": 12,
    "queue": 10,
    "schedule": 10,
    "flexibility": 10,
    "baseline": 8,
    "commitments": 9,
    "sale-rules": 6,
    "upload": 5,
    "readings": 13,
    "reading-day": 10,
    "meter-file": 5,
    "offers": 7,
    "offer": 7,
    "orders": 7,
    "order": 16,
    "reconciliation": 13,
    "ledger": 15,
    "entry": 8,
    "operations": 18,
    "feeds": 8,
    "messages": 6,
    "message": 8,
    "purchases": 5,
    "purchase": 8,
    "search": 4,
    "tenders": 6,
    "tender": 9,
    "statements": 7,
    "statement": 12,
    "disputes": 8,
    "dispute": 8,
}


def asked(client: Client, path: str) -> int:
    """How many statements one GET sends."""
    with CaptureQueriesContext(
        connection,
    ) as seen:
        assert client.get(path).status_code == 200
    return len(seen)


def grow(world: World) -> None:
    """Three times as much of everything that a list shows."""
    for _ in range(2):
        orders = make_orders(make_offers(world.site, world.plan))
        deliver(orders["settled"])
        for order in orders.values():
            message_in("bpp", "confirm", order.transaction_id, 5)
            message_out("bpp", "on_confirm", order.transaction_id, 5)
            Purchase.objects.create(
                organisation=world.purchases["quoted"].organisation, transaction_id=order.transaction_id, offer_id="x", resource_id="x",
                seller_subscriber_id="s", state="QUOTED", requested_kw=1, created_at=NOW, updated_at=NOW,
            )  # fmt: skip
        dispatch(orders["confirmed"], "ACTIVATION_ACCEPTED", "d-30")
    for number in range(3):
        make_plan(make_site(world.site.organisation, f"Hull {number}", f"hull-{number}"))
    AgentDecision.objects.bulk_create(
        AgentDecision(agent="compute", at=NOW, saw="a", decided="b", why="c", site=world.site) for _ in range(20)
    )
    job = Job.objects.filter(site=world.site).earliest("pk")
    Job.objects.bulk_create(
        Job(site=world.site, external_id=f"more-{i}", arrival_at=job.arrival_at, deadline_at=NOW + timedelta(days=1), duration_s=60, power_kw=1)
        for i in range(80)
    )  # fmt: skip


@pytest.mark.parametrize("role", ["operator", "grid", "auditor"])
def test_pages_ask_little_and_no_more_for_longer_lists(world: World, signed_in: SignedIn, role: str) -> None:
    client = signed_in(getattr(world, role))
    keys = {
        "site": "leeds-1", "queue": "leeds-1", "schedule": "leeds-1", "flexibility": "leeds-1", "baseline": "leeds-1", "readings": "leeds-1", "reading-day": ["leeds-1", "2024-01-15"],
        "meter-file": meter_file(world.site).pk, "upload": world.uploads["review"].pk, "commitments": "leeds-1", "sale-rules": "leeds-1",
        "offer": world.offers["published"].pk, "order": world.orders["settled"].pk, "entry": 4, "statement": world.statement.pk, "dispute": world.disputes["open"].pk,
        "message": ["in", world.messages["select"].pk], "purchase": world.purchases["settled"].pk, "search": world.searches["answered"].pk,
        "tender": bid_on(world).tender_id,
    }  # fmt: skip
    names = {
        "operator": [name for name in MOST if name not in {"purchases", "purchase", "search"}],
        "grid": [
            "home",
            "ledger",
            "operations",
            "feeds",
            "messages",
            "purchases",
            "purchase",
            "search",
            "statements",
            "statement",
            "disputes",
            "dispute",
            "tenders",
            "tender",
        ],
        "auditor": [
            "home",
            "ledger",
            "entry",
            "orders",
            "order",
            "operations",
            "reconciliation",
            "statements",
            "disputes",
        ],
    }[role]
    paths = {
        name: reverse(name, args=key if isinstance(key, list) else [key] if key else [])
        for name in names
        for key in [keys.get(name)]
    }
    client.get("/")  # the session is read and the content types are known
    before = {name: asked(client, path) for name, path in paths.items()}
    over = {name: count for name, count in before.items() if count > MOST[name]}
    assert over == {}
    grow(world)
    assert SettlementStatement.objects.count() == 4
    after = {name: asked(client, path) for name, path in paths.items()}
    assert {name: (before[name], after[name]) for name in names if after[name] > before[name]} == {}
