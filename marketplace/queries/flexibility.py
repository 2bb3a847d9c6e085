"""How flexible a site is half hour by half hour, and the wishes and drafts for offers drawn from it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from flex_engine.settle.products import Product, products
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, settlement_period
from marketplace.models import Offer, OfferRequest, Plan, Site
from marketplace.queries.charts import Chart, Line, Pane
from marketplace.queries.offers import OfferRow, offer_row
from marketplace.queries.signals import grounds, issues_for
from marketplace.queries.sites import current_plan
from marketplace.rules.product_terms import product_on

SHOWN_WISHES = 5


@dataclass(frozen=True, slots=True)
class Wish:
    """One request for an offer and its answer: an offer in draft, or why there is none."""

    state: str
    start: datetime | None
    end: datetime | None
    created_at: datetime
    offer_id: str
    problem: str
    product: str
    direction: str


@dataclass(frozen=True, slots=True)
class FlexibilityPage:
    """The flexibility page of one site. `ended`: the plan in force covers no half hour ahead any more."""

    plan: Plan | None
    ended: bool
    chart: Chart | None
    most_down_kw: float
    most_down_at: datetime | None
    most_up_kw: float
    most_up_at: datetime | None
    wishes: tuple[Wish, ...]
    offers: tuple[OfferRow, ...]
    products: tuple[Product, ...]

    @property
    def pending(self) -> bool:
        """Whether the agent is still working on a wish."""
        return any(wish.state == OfferRequest.State.PENDING for wish in self.wishes)


def flexibility_page(site: Site, now: datetime) -> FlexibilityPage:
    """The envelope of the plan in force, the newest wishes and the site's open offers."""
    plan = current_plan(site)
    wishes = OfferRequest.objects.filter(site=site).order_by("-created_at", "-pk")[:SHOWN_WISHES]
    offers = (
        Offer.objects.filter(
            site=site, state__in=[Offer.State.DRAFT, Offer.State.PUBLISHED, Offer.State.SOLD], end_at__gt=now
        )
        .select_related("site")
        .prefetch_related("periods")
        .order_by("start_at", "pk")
    )
    chart = envelope_chart(plan, now) if plan and plan.down_kw else None
    most, at = most_ahead(chart, 0, now)
    most_up, up_at = most_ahead(chart, 1, now)
    return FlexibilityPage(
        plan=plan,
        ended=plan is not None and plan.start_at + plan.slots * HALF_HOUR <= now,
        chart=chart,
        most_down_kw=most,
        most_down_at=at,
        most_up_kw=most_up,
        most_up_at=up_at,
        wishes=tuple(wish_of(row) for row in wishes),
        offers=tuple(offer_row(offer, now) for offer in offers),
        products=products(settlement_period(floor_half_hour(now))[0]),
    )


def wish_of(row: OfferRequest) -> Wish:
    """One wish as the page shows it."""
    return Wish(
        state=row.state,
        start=row.start_at,
        end=row.end_at,
        created_at=row.created_at,
        offer_id=str(row.offer_id or ""),
        problem=row.problem,
        product=name_of(row),
        direction=row.get_direction_display(),
    )


def name_of(row: OfferRequest) -> str:
    """The product asked for, by name."""
    return product_on(row.product, row.start_at or row.created_at).name


def most_ahead(chart: Chart | None, line: int, now: datetime) -> tuple[float, datetime | None]:
    """The most the site can turn down (line 0 of the envelope) or up (line 1) in one half hour still ahead, and when."""
    if chart is None:
        return 0.0, None
    ahead = [(values[line] or 0.0, start) for start, values in chart.rows() if start > now]
    most, at = max(ahead, key=lambda pair: pair[0], default=(0.0, now))
    return (most, at) if most > 0 else (0.0, None)


def envelope_chart(plan: Plan, now: datetime) -> Chart:
    """What can be turned down and up in each half hour, over the planned load."""
    flexible = Pane(
        "Flexibility",
        "kW",
        (
            Line("Turn-down available", tuple(plan.down_kw), "down", "FORECAST"),
            Line("Turn-up available", tuple(plan.up_kw), "up", "FORECAST"),
        ),
    )
    load = Pane("Planned site power", "kW", (Line("Planned", tuple(plan.load_kw), "planned", "FORECAST"),))
    behind = grounds(issues_for(plan.start_at, plan.created_at))
    return Chart(
        id="envelope",
        title="Power the site could turn down or up in each half hour, each taken alone",
        start=plan.start_at,
        slots=plan.slots,
        panes=(flexible, load),
        now=now,
        sources=behind.sources or tuple(plan.signal_sources),
        label=behind.label,
    )
