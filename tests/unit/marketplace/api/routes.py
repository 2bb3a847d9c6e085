"""Every address of the API with an example of one's own, one of somebody else's, and a body its POST accepts.

A new address without a row here fails test_access.py.
"""

from __future__ import annotations

import uuid
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils import timezone

from beckn.models import OutboxMessage
from flex_engine.settle.position import Position, notify_by, render
from flex_engine.settle.settlement_calendar import gate_closure
from marketplace.api.nothing import NothingHere
from marketplace.api.urls import urlpatterns
from marketplace.api.view import ApiView
from marketplace.models import Bid, MeterFile, OfferRequest, Order, PositionNotification, Site, Tender, User
from marketplace.rules.notification import unit_of
from marketplace.rules.tender_terms import by_half_hour
from marketplace.usecases.place_bid import place_bid
from marketplace.usecases.publish_tender import publish_tender
from marketplace.usecases.write_document import write_document
from tests.unit.marketplace.usecases.market import moved
from tests.unit.marketplace.web.world import NOW, World, bought_elsewhere

NOMINATION = {"periods": [{"start": "2024-01-18T17:00:00Z", "import_wh": 412500}]}
READING = {"source": "meter", "label": "MEASURED", "readings": [{"start": "2024-01-16T12:00:00Z", "import_wh": 410000}]}
# Sent as a form with a file, so that a JSON body is no example of them.
MULTIPART = {"sites/<slug:slug>/uploads", "sites/<slug:slug>/reading-files"}

CLAIM = {
    "reason": "CLOCK",
    "unit": "PENCE",
    "claimed_value": 1,
    "words": "The clock was an hour ahead.",
    "periods": [{"settlement_date": "2024-01-15", "settlement_period": 45}],
}
ANSWER = {"words": "The log shows no gap.", "agrees": False}


NEED: dict[str, Any] = {
    "name": "Evening peak", "product": "OPERATIONAL_UTILISATION", "direction": "REDUCE", "gsp_group": "_M",
    "start": "2024-01-16T17:00:00+00:00", "end": "2024-01-16T18:30:00+00:00", "closes_at": "2024-01-16T15:00:00+00:00",
    "needed_kw": ["400"], "pricing": "PAY_AS_BID", "ceiling_gbp_per_kwh": "0.5",
}  # fmt: skip


@dataclass(frozen=True)
class Route:
    """An address, by its pattern. `own` belongs to the operator, or to the grid operator where `buyer` is set.

    `file` is the media type of an address that answers with a file.
    """

    pattern: str
    own: Callable[[World], str]
    foreign: Callable[[World], str] | None = None
    body: Callable[[World], Any] = lambda world: {}
    buyer: bool = False
    file: str = ""

    def person(self, world: World) -> User:
        """Whose the example is."""
        return world.grid if self.buyer else world.operator


def foreign_wish(world: World) -> OfferRequest:
    site = world.foreign["site"]
    return OfferRequest.objects.get_or_create(site=site, defaults={"created_at": site.created_at})[0]


def returned(site: Site) -> PositionNotification:
    """A position notification that came back, of a period whose gate is still open."""
    start = NOW.replace(hour=20, minute=0)
    return PositionNotification.objects.get_or_create(
        site=site, unit=unit_of(site.pk), start_at=start, revision=1, defaults={
            "position_wh": 75_000, "state": "EXCEPTION", "notify_by": notify_by(start), "gate_closure_at": gate_closure(start),
            "key": f"{unit_of(site.pk)}-2024-01-16-41-r1", "content": render(Position(unit_of(site.pk), start, 1, 75_000)),
            "content_sha256": "ab" * 32, "planned_at": NOW, "sent_at": NOW, "exception_reason": "Submit it again.",
            "exception_at": NOW, "alarm": "EXCEPTION", "alarm_at": NOW,
        },
    )[0]  # fmt: skip


def meter_file(of: Site) -> MeterFile:
    facts = {
        "filename": "day.csv",
        "content": b"x",
        "source": "meter",
        "label": "MEASURED",
        "created_at": of.created_at,
    }
    return MeterFile.objects.get_or_create(site=of, sha256="3" * 64, defaults=facts)[0]


def reading_file(tail: str = "") -> tuple[Callable[[World], str], Callable[[World], str]]:
    return (
        lambda w: f"/reading-files/{meter_file(w.site).pk}{tail}",
        lambda w: f"/reading-files/{meter_file(w.foreign['site']).pk}{tail}",
    )


def site(tail: str = "") -> tuple[Callable[[World], str], Callable[[World], str]]:
    return (lambda w: f"/sites/{w.site.slug}{tail}", lambda w: f"/sites/{w.foreign['site'].slug}{tail}")


def upload(tail: str = "", name: str = "clean") -> tuple[Callable[[World], str], Callable[[World], str]]:
    return (lambda w: f"/uploads/{w.uploads[name].pk}{tail}", lambda w: f"/uploads/{w.foreign['upload'].pk}{tail}")


def offer(tail: str = "", name: str = "draft") -> tuple[Callable[[World], str], Callable[[World], str]]:
    return (lambda w: f"/offers/{w.offers[name].pk}{tail}", lambda w: f"/offers/{w.foreign['offer'].pk}{tail}")


def statement(tail: str = "") -> tuple[Callable[[World], str], Callable[[World], str]]:
    return (lambda w: f"/statements/{w.statement.pk}{tail}", lambda w: f"/statements/{w.foreign['statement'].pk}{tail}")


def dispute(tail: str = "") -> tuple[Callable[[World], str], Callable[[World], str]]:
    return (
        lambda w: f"/disputes/{w.disputes['open'].pk}{tail}",
        lambda w: f"/disputes/{w.foreign['dispute'].pk}{tail}",
    )


def waiting(tail: str) -> Callable[[World], str]:
    """An order of the operator that waits for a yes or no."""

    def address(world: World) -> str:
        order = Order.objects.get(pk=world.orders["quoted"].pk)
        if order.state == "DRAFT":
            moved(order, "PENDING")
            Order.objects.filter(pk=order.pk).update(approve_by=NOW + timedelta(hours=1), waits_because="It is large.")
        return f"/orders/{order.pk}{tail}"

    return address


def wanted(world: World) -> dict[str, Any]:
    search = world.searches["answered"]
    return {"search": str(search.transaction_id), "offer_id": str(world.offers["published"].pk), "kw": "100.5"}


def question(word: str, body: dict[str, Any]) -> Route:
    return Route(
        f"purchases/<uuid:pk>/{word}",
        lambda w: f"/purchases/{w.purchases['active'].pk}/{word}",
        lambda w: f"/purchases/{uuid.UUID(int=7)}/{word}",
        body=lambda w: body,
        buyer=True,
    )


def elsewhere(tail: str) -> tuple[Callable[[World], str], Callable[[World], str]]:
    """A purchase from a seller elsewhere."""
    return (
        lambda w: f"/purchases/{bought_elsewhere(w.purchases['settled']).purchase_id}{tail}",
        lambda w: f"/purchases/{uuid.UUID(int=7)}{tail}",
    )


def nobodys(noun: str) -> Callable[[World], str]:
    """An id that does not exist: purchases and searches of others look the same."""
    return lambda world: f"/{noun}/{uuid.UUID(int=7)}"


def documented(world: World) -> uuid.UUID:
    """An order with its contract document."""
    order = world.orders["settled"]
    write_document(order=order, now=order.created_at)
    return order.pk


def tendered(world: World) -> Tender:
    """An open tender of the grid operator, over the operator's draft."""
    given = dict(NEED)
    start, end = (datetime.fromisoformat(given.pop(name)) for name in ("start", "end"))
    return Tender.objects.first() or publish_tender(
        organisation=world.purchases["quoted"].organisation,
        user=None,
        kw=by_half_hour(start, end, [Decimal(400)]),
        closes_at=datetime.fromisoformat(given["closes_at"]),
        ceiling_gbp_per_kwh=Decimal("0.5"),
        now=NOW,
        **{name: given[name] for name in ("name", "product", "direction", "gsp_group", "pricing")},
    )


def bid_on(world: World) -> Bid:
    """The operator's bid on it."""
    return Bid.objects.filter(state="OFFERED").first() or place_bid(
        tender=tendered(world), offer=world.offers["draft"], user=None, kw=Decimal(300), accept_back_test=True, now=NOW
    )


def deliverable(world: World) -> int:
    """The dead letter, young enough in real time to be sent again."""
    dead = world.messages["dead"]
    OutboxMessage.objects.filter(pk=dead.pk).update(created_at=timezone.now())
    return int(dead.pk)


ROUTES = [
    Route("me", lambda w: "/me"),
    Route("tokens", lambda w: "/tokens", body=lambda w: {"name": "n", "scopes": ["sites:read"]}),
    Route("tokens/<slug:token>", lambda w: "/tokens/" + "0" * 16, lambda w: "/tokens/" + "0" * 16),
    Route("sites", lambda w: "/sites"),
    Route("sites/<slug:slug>", *site()),
    Route("sites/<slug:slug>/uploads", *site("/uploads")),
    Route("sites/<slug:slug>/jobs", *site("/jobs")),
    Route("sites/<slug:slug>/plan", *site("/plan")),
    Route("sites/<slug:slug>/readings", *site("/readings"), body=lambda w: READING),
    Route("sites/<slug:slug>/nominations", *site("/nominations"), body=lambda w: NOMINATION),
    Route("sites/<slug:slug>/export-readings", *site("/export-readings")),
    Route("sites/<slug:slug>/reading-days", *site("/reading-days?start=2024-01-14&end=2024-01-16")),
    Route("sites/<slug:slug>/estimation", *site("/estimation"), body=lambda w: {"rule": "linear-2-v1"}),
    Route("sites/<slug:slug>/reading-files", *site("/reading-files")),
    Route("reading-files/<int:pk>", *reading_file()),
    Route("reading-files/<int:pk>/cancel", *reading_file("/cancel")),
    Route("sites/<slug:slug>/commitments", *site("/commitments")),
    Route("sites/<slug:slug>/sale-rules", *site("/sale-rules"), body=lambda w: {"approve_above_kw": "250"}),
    Route("sites/<slug:slug>/offer-requests", *site("/offer-requests")),
    Route("uploads/<int:pk>", *upload(name="review")),
    Route("uploads/<int:pk>/accept", *upload("/accept")),
    Route("uploads/<int:pk>/discard", *upload("/discard")),
    Route(
        "offer-requests/<int:pk>",
        lambda w: f"/offer-requests/{OfferRequest.objects.filter(site=w.site)[0].pk}",
        lambda w: f"/offer-requests/{foreign_wish(w).pk}",
    ),
    Route("products", lambda w: "/products"),
    Route("offers", lambda w: "/offers"),
    Route("offers/<uuid:pk>", *offer()),
    Route("offers/<uuid:pk>/publish", *offer("/publish"), body=lambda w: {"accept_back_test": True}),
    Route("offers/<uuid:pk>/withdraw", *offer("/withdraw")),
    Route("orders", lambda w: "/orders"),
    Route(
        "orders/<uuid:pk>", lambda w: f"/orders/{w.orders['settled'].pk}", lambda w: f"/orders/{w.foreign['order'].pk}"
    ),
    Route("orders/<uuid:pk>/approve", waiting("/approve"), lambda w: f"/orders/{w.foreign['order'].pk}/approve"),
    Route(
        "orders/<uuid:pk>/decline",
        waiting("/decline"),
        lambda w: f"/orders/{w.foreign['order'].pk}/decline",
        body=lambda w: {"reason": "Maintenance."},
    ),
    Route(
        "orders/<uuid:pk>/proof",
        lambda w: f"/orders/{w.orders['settled'].pk}/proof",
        lambda w: f"/orders/{w.foreign['order'].pk}/proof",
    ),
    Route("notifications", lambda w: f"/notifications?site={returned(w.site).site.slug}"),
    Route(
        "notifications/<int:pk>/resubmit",
        lambda w: f"/notifications/{returned(w.site).pk}/resubmit",
        lambda w: f"/notifications/{returned(w.foreign['site']).pk}/resubmit",
    ),
    Route("reconciliation", lambda w: "/reconciliation"),
    Route(
        "orders/<uuid:pk>/document",
        lambda w: f"/orders/{documented(w)}/document",
        lambda w: f"/orders/{w.foreign['order'].pk}/document",
    ),
    Route(
        "orders/<uuid:pk>/documents/<int:version>",
        lambda w: f"/orders/{documented(w)}/documents/1",
        lambda w: f"/orders/{w.foreign['order'].pk}/documents/1",
    ),
    Route("statements", lambda w: "/statements"),
    Route("statements/totals", lambda w: "/statements/totals"),
    Route("statements/csv", lambda w: "/statements/csv", file="text/csv"),
    Route("statements/<uuid:pk>", *statement()),
    Route("statements/<uuid:pk>/disputes", *statement("/disputes"), body=lambda w: CLAIM, buyer=True),
    Route("statements/<uuid:pk>/<slug:kind>", *statement("/csv"), file="text/csv"),
    Route("disputes", lambda w: "/disputes"),
    Route("disputes/<uuid:pk>", *dispute()),
    Route("disputes/<uuid:pk>/<slug:step>", *dispute("/respond"), body=lambda w: ANSWER),
    Route("tenders", lambda w: "/tenders", body=lambda w: NEED, buyer=True),
    # A need is published to everybody; others' bids on it are not among what they list.
    Route("tenders/<uuid:pk>", lambda w: f"/tenders/{tendered(w).pk}"),
    Route(
        "tenders/<uuid:pk>/cancel",
        lambda w: f"/tenders/{tendered(w).pk}/cancel",
        lambda w: f"/tenders/{uuid.UUID(int=7)}/cancel",
        body=lambda w: {"reason": "No longer needed."},
        buyer=True,
    ),
    Route(
        "tenders/<uuid:pk>/bids",
        lambda w: f"/tenders/{tendered(w).pk}/bids",
        body=lambda w: {"offer": str(w.offers["draft"].pk), "kw": "300", "accept_back_test": True},
    ),
    Route(
        "bids/<uuid:pk>/withdraw",
        lambda w: f"/bids/{bid_on(w).pk}/withdraw",
        lambda w: f"/bids/{uuid.UUID(int=7)}/withdraw",
    ),
    Route("searches", lambda w: "/searches", buyer=True),
    Route(
        "searches/<uuid:transaction_id>",
        lambda w: f"/searches/{w.searches['answered'].transaction_id}",
        nobodys("searches"),
        buyer=True,
    ),
    Route("purchases", lambda w: "/purchases", body=wanted, buyer=True),
    Route("purchases/<uuid:pk>", lambda w: f"/purchases/{w.purchases['settled'].pk}", nobodys("purchases"), buyer=True),
    question("track", {}),
    question("rate", {"score": 4}),
    question("support", {"subject": "METERING"}),
    Route(
        "purchases/<uuid:pk>/readings",
        lambda w: f"/purchases/{w.purchases['settled'].pk}/readings",
        lambda w: f"/purchases/{uuid.UUID(int=7)}/readings",
        buyer=True,
    ),
    Route("purchases/<uuid:pk>/disputes", *elsewhere("/disputes"), body=lambda w: CLAIM, buyer=True),
    Route(
        "purchases/<uuid:pk>/disputes/<uuid:dispute>/<slug:step>",
        lambda w: elsewhere(f"/disputes/{bought_elsewhere(w.purchases['settled']).pk}/escalate")[0](w),
        lambda w: elsewhere(f"/disputes/{uuid.UUID(int=7)}/escalate")[0](w),
        body=lambda w: {"words": "Look again."},
        buyer=True,
    ),
    Route(
        "purchases/<uuid:pk>/<slug:step>",
        lambda w: f"/purchases/{w.purchases['quoted'].pk}/initialise",
        lambda w: f"/purchases/{uuid.UUID(int=7)}/initialise",
        buyer=True,
    ),
    Route("ledger", lambda w: "/ledger"),
    Route("ledger/<int:seq>", lambda w: "/ledger/3", lambda w: "/ledger/999999"),
    Route("ledger/<int:seq>/proof", lambda w: "/ledger/3/proof", lambda w: "/ledger/999999/proof"),
    Route("signals", lambda w: "/signals"),
    Route("forecasts", lambda w: "/forecasts"),
    Route("messages", lambda w: "/messages"),
    Route("messages/refused", lambda w: "/messages/refused"),
    Route(
        "messages/<slug:direction>/<int:pk>",
        lambda w: f"/messages/out/{w.messages['dead'].pk}",
        lambda w: f"/messages/in/{w.messages['answered'].pk}",
    ),
    Route(
        "messages/<slug:direction>/<int:pk>/redrive",
        lambda w: f"/messages/out/{deliverable(w)}/redrive",
        lambda w: f"/messages/in/{w.messages['answered'].pk}/redrive",
    ),
]
BY_PATTERN = {route.pattern: route for route in ROUTES}


def views() -> Iterator[tuple[str, type[ApiView]]]:
    """(pattern, view) of every address with scopes."""
    for entry in urlpatterns:
        view = getattr(entry.callback, "cls", None)
        if isinstance(view, type) and issubclass(view, ApiView) and view is not NothingHere:
            yield str(entry.pattern), view


OPERATIONS = [(pattern, method, view.scopes[method]) for pattern, view in views() for method in view.scopes]
IDS = [f"{method} {pattern}" for pattern, method, _ in OPERATIONS]
