"""The home page of each role: what is happening, is it fine, what should I do."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Exists

from marketplace.models import (
    Activation,
    AgentDecision,
    Event,
    LedgerEntry,
    Offer,
    Purchase,
    SettlementStatement,
    Site,
    User,
)
from marketplace.queries.attention import Item, auditor_items, grid_items, operator_items
from marketplace.queries.disputes import in_dispute_of_chain, same_chain
from marketplace.queries.figures import Figure
from marketplace.queries.ledger import Head, heads
from marketplace.queries.offers import OfferRow, offer_row
from marketplace.queries.purchases import PurchaseFilters, PurchaseRow, filtered_purchases, purchase_row
from marketplace.queries.signals import Feed, feeds, grounds, issues_for, signals_now
from marketplace.queries.sites import Commitment, Decision, SiteRow, commitments, current_plans, decisions, site_rows
from marketplace.queries.visible import visible

MONTH = timedelta(days=30)
SHOWN_WINDOWS = 5


@dataclass(frozen=True, slots=True)
class Earnings:
    """Settled money of the last 30 days, by newest statement of each dispatch, and energy delivered; disputes apart."""

    pence: int
    delivered_wh: int
    statements: int
    label: str
    in_dispute_pence: int


@dataclass(frozen=True, slots=True)
class OperatorHome:
    """The operator's home. Savings are those of the plans in force, beside first come, first served."""

    draw: Figure | None
    carbon: Figure | None
    price: Figure | None
    next: Commitment | None
    items: tuple[Item, ...]
    windows: tuple[OfferRow, ...]
    sites: tuple[SiteRow, ...]
    earnings: Earnings
    saved_gbp: float
    saved_kg: float
    plans: int
    label: str
    decisions: tuple[Decision, ...]


@dataclass(frozen=True, slots=True)
class GridHome:
    """The grid operator's home."""

    carbon: Figure | None
    price: Figure | None
    items: tuple[Item, ...]
    purchases: tuple[PurchaseRow, ...]
    ahead_kw: float
    feeds: tuple[Feed, ...]


@dataclass(frozen=True, slots=True)
class Recorded:
    """One statement and where its record stands."""

    order: str
    run: str
    amount_pence: int
    created_at: datetime
    state: str
    label: str


@dataclass(frozen=True, slots=True)
class AuditorHome:
    """The auditor's home."""

    entries: int
    unsequenced: int
    newest: Head | None
    items: tuple[Item, ...]
    statements: tuple[Recorded, ...]
    heads: tuple[Head, ...]


def operator_home(user: User, now: datetime) -> OperatorHome:
    """Sites, signals, attention and money of one operator."""
    plans = current_plans(visible(Site, user))
    rows = site_rows(visible(Site, user), plans, now)
    ahead = list(commitments(visible(Activation, user), now))
    signals = signals_now(now)
    return OperatorHome(
        draw=whole_draw(rows),
        carbon=signals["carbon_intensity"],
        price=signals["price"],
        next=ahead[0] if ahead else None,
        items=tuple(operator_items(user, now)),
        windows=windows_ahead(user, now),
        sites=tuple(rows),
        earnings=earnings(user, now),
        saved_gbp=sum(plan.fifo_cost_gbp - plan.cost_gbp for plan in plans.values()),
        saved_kg=sum(plan.fifo_carbon_kg - plan.carbon_kg for plan in plans.values()),
        plans=len(plans),
        label=grounds(issues_for(now, now)).label,
        decisions=tuple(decisions(visible(AgentDecision, user), limit=8)),
    )


def windows_ahead(user: User, now: datetime) -> tuple[OfferRow, ...]:
    """What is on sale or sold and not over yet, soonest first."""
    ahead = visible(Offer, user).filter(state__in=[Offer.State.PUBLISHED, Offer.State.SOLD], end_at__gt=now)
    rows = ahead.select_related("site").prefetch_related("periods").order_by("start_at", "pk")[:SHOWN_WINDOWS]
    return tuple(offer_row(row, now) for row in rows)


def whole_draw(rows: list[SiteRow]) -> Figure | None:
    """Planned power of all sites together, or None when any site has no plan for now: a part would mislead."""
    figures = [row.draw for row in rows]
    known = [figure for figure in figures if figure is not None]
    if not known or len(known) < len(figures):
        return None
    return Figure(sum(f.value for f in known), "kW", "FORECAST", "plans in force", min(f.as_of for f in known))


def earnings(user: User, now: datetime) -> Earnings:
    """What was settled first in the last 30 days is paid, by the statement of each that stands."""
    own = visible(Site, user)  # a statement is also its buyer's to read, and earns the buyer nothing
    first = SettlementStatement.objects.filter(same_chain(), sequence=1, created_at__gt=now - MONTH)
    rows = SettlementStatement.objects.filter(
        Exists(first), superseded_by__isnull=True, order__offer__site__in=own.values("pk")
    )
    disputed = rows.annotate(in_dispute=in_dispute_of_chain())
    found = list(disputed.values_list("amount_pence", "delivered_wh", "label", "in_dispute"))
    return Earnings(
        sum(pence for pence, _, _, _ in found),
        sum(wh for _, wh, _, _ in found),
        len(found),
        next((one for one in ("SIMULATED", "ESTIMATED") if one in {label for _, _, label, _ in found}), "MEASURED"),
        sum(claimed for _, _, _, claimed in found),
    )


def grid_home(user: User, now: datetime) -> GridHome:
    """Signals, attention and open purchases of one grid operator."""
    purchases = visible(Purchase, user)
    held = purchases.filter(
        state__in=[Purchase.State.CONFIRMED, Purchase.State.DISPATCHING, Purchase.State.ACTIVE], end_at__gt=now
    )
    newest = filtered_purchases(purchases, PurchaseFilters())[:8]
    signals = signals_now(now)
    return GridHome(
        carbon=signals["carbon_intensity"],
        price=signals["price"],
        items=tuple(grid_items(user, now)),
        purchases=tuple(purchase_row(row) for row in newest),
        ahead_kw=float(sum(row.requested_kw for row in held)),
        feeds=tuple(feeds(now)),
    )


def auditor_home(user: User) -> AuditorHome:
    """The log, its heads and the newest statements."""
    found = heads()
    final = [head for head in found if head.state == "FINAL"]
    statements = visible(SettlementStatement, user).select_related("record__anchor").order_by("-created_at")[:8]
    return AuditorHome(
        entries=visible(LedgerEntry, user).count(),
        unsequenced=visible(Event, user).filter(entry__isnull=True).count(),
        newest=final[-1] if final else None,
        items=tuple(auditor_items()),
        statements=tuple(recorded(row) for row in statements),
        heads=tuple(reversed(found[-6:])),
    )


def recorded(row: SettlementStatement) -> Recorded:
    """One statement with the state of its record."""
    record = getattr(row, "record", None)
    state = record.anchor.state if record and record.anchor else "QUEUED"
    return Recorded(str(row.order_id), row.run, row.amount_pence, row.created_at, state, row.label)
