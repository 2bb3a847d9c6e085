"""A small market in every state the pages must show, written as rows: two operators, a grid operator and an auditor.

Figures are made up but consistent: the plan keeps its limit, prices and carbon have a winter day's shape, statements add
up. Nothing here goes through a use case, so a page can be tested before, and apart from, the verb it calls.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from beckn.models import InboxMessage, OutboxMessage
from marketplace.models import (
    Dispute,
    Offer,
    Order,
    Plan,
    Purchase,
    SearchResult,
    SettlementStatement,
    Site,
    Upload,
    User,
)
from tests.unit.marketplace.web.world.deals import (
    bought_elsewhere,
    deliver,
    make_dispute,
    make_offers,
    make_orders,
    make_purchases,
    make_searches,
)
from tests.unit.marketplace.web.world.journal import log, make_messages, message_in, participants
from tests.unit.marketplace.web.world.moment import NOW, SLOTS, START
from tests.unit.marketplace.web.world.parties import PASSWORD, organisation, person
from tests.unit.marketplace.web.world.places import make_jobs, make_plan, make_site, make_uploads, say, signals, wishes

__all__ = ["NOW", "PASSWORD", "SLOTS", "START", "World", "bought_elsewhere", "build"]


@dataclass
class World:
    """Handles to what a test wants to open."""

    operator: User
    viewer: User
    other: User
    grid: User
    auditor: User
    site: Site
    plan: Plan
    uploads: dict[str, Upload]
    offers: dict[str, Offer]
    orders: dict[str, Order]
    purchases: dict[str, Purchase]
    searches: dict[str, SearchResult]
    messages: dict[str, InboxMessage | OutboxMessage]
    statement: SettlementStatement
    disputes: dict[str, Dispute]
    foreign: dict[str, Any]


def build(*, jobs: int = 40) -> World:
    """Write the market."""
    aire = organisation("Aire Valley Compute", "OPERATOR")
    mersey = organisation("Mersey Data Halls", "OPERATOR")
    networks = organisation("Northern Networks", "GRID")
    house = organisation("Fieldhouse Audit", "AUDITOR")
    operator = person("operator@aire.example", aire, "ADMIN")
    viewer = person("viewer@aire.example", aire, "VIEWER")
    other = person("operator@mersey.example", mersey, "ADMIN")
    grid = person("control@networks.example", networks, "TRADER")
    auditor = person("auditor@fieldhouse.example", house, "AUDITOR")
    signals()
    participants()
    site = make_site(aire, "Leeds 1", "leeds-1")
    make_jobs(site, jobs)
    plan = make_plan(site)
    uploads = make_uploads(site, operator)
    offers = make_offers(site, plan)
    orders = make_orders(offers)
    statement = deliver(orders["settled"])
    disputes = {
        "open": make_dispute(statement, networks, "BUYER", "OPEN"),
        "answered": make_dispute(statement, aire, "SELLER", "ANSWERED"),
    }
    purchases = make_purchases(networks, orders, statement)
    searches = make_searches(networks, offers)
    messages = make_messages(orders, searches)
    wishes(site, offers)
    say(site)
    log(aire, orders, offers, site, statement)
    foreign_site = make_site(mersey, "Wirral 2", "wirral-2")
    make_jobs(foreign_site, 3)
    foreign_plan = make_plan(foreign_site)
    foreign_offers = make_offers(foreign_site, foreign_plan)
    foreign_orders = make_orders(foreign_offers)
    foreign_statement = deliver(foreign_orders["settled"])
    foreign = {
        "site": foreign_site,
        "upload": make_uploads(foreign_site, other)["review"],
        "offer": foreign_offers["draft"],
        "order": foreign_orders["confirmed"],
        "statement": foreign_statement,
        "dispute": make_dispute(foreign_statement, mersey, "SELLER", "OPEN"),
        "message": message_in("bpp", "confirm", foreign_orders["confirmed"].transaction_id, 30),
    }
    return World(
        operator, viewer, other, grid, auditor, site, plan, uploads, offers, orders, purchases, searches, messages, statement, disputes, foreign
    )  # fmt: skip
