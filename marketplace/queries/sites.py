"""Sites as the list and the overview show them: what is happening there now, is it fine, how fresh is what we know."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, OuterRef, QuerySet, Subquery
from django.db.models.functions import Coalesce

from flex_engine.timegrid import HALF_HOUR, floor_half_hour
from marketplace.models import Activation, AgentDecision, Job, MeterReading, Offer, Plan, Site
from marketplace.queries.figures import Figure
from marketplace.queries.signals import feeds
from marketplace.rules.order_state import ActivationState

# A plan is made anew whenever something changes; a day without one means that the planner is not running.
PLAN_STALE_AFTER = timedelta(hours=24)
# Half-hourly meter data arrives the working day after; three days covers a weekend.
METER_STALE_AFTER = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class SiteRow:
    """One line of the site list."""

    name: str
    slug: str
    zone: str
    import_limit_kw: Decimal
    jobs_open: int
    offers_on_sale: int
    plan_at: datetime | None
    draw: Figure | None


@dataclass(frozen=True, slots=True)
class Freshness:
    """One thing a page rests on: FRESH, STALE or MISSING. `said` and `until` say until, or from, when we know it."""

    name: str
    state: str
    until: datetime | None
    note: str
    said: str = "Known until"


@dataclass(frozen=True, slots=True)
class Commitment:
    """A dispatch the site has accepted and not finished."""

    order: str
    state: str
    start: datetime
    end: datetime
    kw: Decimal
    direction: str


@dataclass(frozen=True, slots=True)
class Decision:
    """What an agent saw, decided and why."""

    agent: str
    site: str
    at: datetime
    saw: str
    decided: str
    why: str


@dataclass(frozen=True, slots=True)
class SitePage:
    """The overview of one site."""

    site: Site
    draw: Figure | None
    jobs_open: int
    freshness: tuple[Freshness, ...]
    commitments: tuple[Commitment, ...]
    decisions: tuple[Decision, ...]
    replan_wanted: bool


def site_rows(sites: QuerySet[Site], plans: Mapping[int, Plan], now: datetime) -> list[SiteRow]:
    """The list, by name; `plans` are the plans in force by site, from current_plans."""
    counted = sites.annotate(
        jobs_open=how_many(Job.objects.filter(deadline_at__gt=now)),
        on_sale=how_many(Offer.objects.filter(state=Offer.State.PUBLISHED)),
    )
    return [
        SiteRow(
            name=site.name,
            slug=site.slug,
            zone=zone_of(site),
            import_limit_kw=site.import_limit_kw,
            jobs_open=site.jobs_open,
            offers_on_sale=site.on_sale,
            plan_at=plans[site.pk].created_at if site.pk in plans else None,
            draw=draw_now(plans.get(site.pk), now),
        )
        for site in counted.order_by("name")
    ]


def how_many(rows: QuerySet[Any]) -> Coalesce:
    """How many of `rows` belong to each site, as an expression; a join would multiply one list by the other."""
    counted = rows.filter(site=OuterRef("pk")).order_by().values("site").annotate(n=Count("pk")).values("n")
    return Coalesce(Subquery(counted), 0)


def current_plans(sites: QuerySet[Site]) -> dict[int, Plan]:
    """The plan in force of each site that has one, without its allocations, which are most of a plan."""
    newest = Plan.objects.filter(site=OuterRef("pk"), state=Plan.State.READY).order_by("-created_at", "-pk")
    keys = sites.annotate(newest=Subquery(newest.values("pk")[:1])).values("newest")
    plans = Plan.objects.filter(pk__in=keys).defer("allocations", "fifo_allocations", "executed_s")
    return {plan.site_id: plan for plan in plans}


def site_page(site: Site, now: datetime) -> SitePage:
    """The overview of `site`."""
    plan = current_plan(site)
    return SitePage(
        site=site,
        draw=draw_now(plan, now),
        jobs_open=site.jobs.filter(deadline_at__gt=now).count(),
        freshness=freshness(site, plan, now),
        commitments=tuple(commitments(Activation.objects.filter(order__offer__site=site), now)),
        decisions=tuple(decisions(AgentDecision.objects.filter(site=site))),
        replan_wanted=site.replan_requested_at is not None,
    )


def zone_of(site: Site) -> str:
    """Where the site sits on the grid, in words."""
    parts = [f"GSP group {site.gsp_group}", site.gsp_zone, site.licence_area]
    return ", ".join(part for part in parts if part)


def current_plan(site: Site) -> Plan | None:
    """The newest plan that can be worked to."""
    return Plan.objects.filter(site=site, state=Plan.State.READY).order_by("-created_at", "-pk").first()


def draw_now(plan: Plan | None, now: datetime) -> Figure | None:
    """The site's power in this half hour as its plan lays it out, or None outside the plan."""
    if plan is None:
        return None
    slot = int((floor_half_hour(now) - plan.start_at) / HALF_HOUR)
    if not 0 <= slot < len(plan.load_kw):
        return None
    return Figure(plan.load_kw[slot], "kW", "FORECAST", "plan in force", plan.created_at)


def freshness(site: Site, plan: Plan | None, now: datetime) -> tuple[Freshness, ...]:
    """Whether signals, plan and meter are fresh enough to act on."""
    found = [Freshness(feed.name, feed.state, feed.until, feed.source) for feed in feeds(now)]
    if plan is None:
        found.append(Freshness("Plan", "MISSING", None, "no plan yet"))
    else:
        stale = now - plan.created_at > PLAN_STALE_AFTER
        found.append(Freshness("Plan", "STALE" if stale else "FRESH", plan.created_at, plan.status.lower(), "Made"))
    last = MeterReading.objects.filter(site=site, known_at__lte=now).order_by("-start_at").first()
    if last is None:
        found.append(Freshness("Meter", "MISSING", None, "no reading yet"))
    else:
        until = last.start_at + HALF_HOUR
        found.append(Freshness("Meter", "STALE" if now - until > METER_STALE_AFTER else "FRESH", until, last.source))
    return tuple(found)


def commitments(activations: QuerySet[Activation], now: datetime) -> Iterable[Commitment]:
    """Accepted dispatches not over yet, soonest first."""
    ahead = activations.filter(state__in=[ActivationState.ACCEPTED, ActivationState.IN_PROGRESS], end_at__gt=now)
    ahead = ahead.select_related("order__offer").prefetch_related("periods")
    for row in ahead.order_by("start_at"):
        most = max((period.requested_kw for period in row.periods.all()), default=Decimal(0))
        way = row.order.offer.get_direction_display()
        yield Commitment(str(row.order_id), row.state, row.start_at, row.end_at, most, way)


def decisions(rows: QuerySet[AgentDecision], *, limit: int = 10) -> Iterable[Decision]:
    """The newest decisions."""
    for row in rows.select_related("site").order_by("-at", "-pk")[:limit]:
        name = row.site.name if row.site else ""
        yield Decision(row.agent, name, row.at, row.saw, row.decided, row.why)
