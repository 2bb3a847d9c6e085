"""What a site has promised, half hour by half hour: offered, reserved and dispatched, and for which service."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from django.db.models import Q

from flex_engine.timegrid import HALF_HOUR, day_start, settlement_period
from marketplace.models import ActivationPeriod, Offer, OfferPeriod, Site, SiteCapacity, StackingRow
from marketplace.queries.exports import utc_text
from marketplace.rules.order_state import ActivationState
from marketplace.rules.stacking import Form, day_of, service_of

SERVICES = {
    "DNO_OPERATIONAL": "DNO, called close to real time",
    "DNO_SCHEDULED": "DNO, by schedule",
    "NESO_DFS": "NESO Demand Flexibility Service",
    "NESO_RESERVE": "NESO reserve",
    "NESO_RESPONSE": "NESO response",
    "P415_WHOLESALE": "Wholesale (P415)",
    "P444_BM": "Balancing Mechanism (P444)",
    "CAPACITY_MARKET": "Capacity Market",
}
FORMS = {Form.CO_DELIVERY: "Co-delivery", Form.SPLITTING: "Splitting", Form.JUMPING: "Alone"}
DIRECTIONS = dict(Offer.Direction.choices)
HEADER = (
    "site",
    "start_utc",
    "settlement_date",
    "settlement_period",
    "service",
    "direction",
    "offered_kw",
    "reserved_kw",
    "co_delivered_kw",
    "dispatched_kw",
    "site_deliverable_kw",
    "site_reserved_kw",
)
Key = tuple[datetime, str, str]


@dataclass(frozen=True, slots=True)
class CommitmentRow:
    """One half hour, service and direction, in kW. `co_delivered_kw` is the part of what is reserved that shares another's power.

    `deliverable_kw` and `taken_kw` are the site's in this half hour and direction: proved by certificates, and reserved of
    it for all services together.
    """

    start: datetime
    service: str
    service_name: str
    direction: str
    direction_name: str
    offered_kw: Decimal
    reserved_kw: Decimal
    co_delivered_kw: Decimal
    dispatched_kw: Decimal
    forms: tuple[str, ...]
    deliverable_kw: Decimal
    taken_kw: Decimal

    @property
    def left_kw(self) -> Decimal:
        """What the site can still sell beside what it holds."""
        return self.deliverable_kw - self.taken_kw


@dataclass(frozen=True, slots=True)
class CommitmentsPage:
    """One settlement day of a site. `as_of` is when the ledger was read, `proved_at` when the newest offer in it was drafted."""

    day: date
    before: date
    after: date
    rows: tuple[CommitmentRow, ...]
    as_of: datetime
    proved_at: datetime | None


def commitments_page(site: Site, day: date, now: datetime) -> CommitmentsPage:
    """The half hours of `day`, London time, in which anything is on sale, reserved or dispatched."""
    start, end = day_start(day), day_start(day + timedelta(days=1))
    offered, proved_at = offered_kw(site, start, end)
    held = held_rows(site, start, end)
    dispatched = dispatched_kw(site, start, end)
    capacity = {
        (row.start_at, row.direction): row
        for row in SiteCapacity.objects.filter(site=site, start_at__gte=start, start_at__lt=end)
    }
    rows = []
    for key in sorted({*offered, *held, *dispatched}):
        at, direction, service = key
        site_row = capacity.get((at, direction))
        stacked = held.get(key, [])
        rows.append(
            CommitmentRow(
                start=at,
                service=service,
                service_name=SERVICES.get(service, service),
                direction=direction,
                direction_name=str(DIRECTIONS.get(direction, direction)),
                offered_kw=offered.get(key, Decimal(0)),
                reserved_kw=sum((row.kw for row in stacked), Decimal(0)),
                co_delivered_kw=sum((row.kw for row in stacked if row.form == Form.CO_DELIVERY), Decimal(0)),
                dispatched_kw=dispatched.get(key, Decimal(0)),
                forms=tuple(sorted({FORMS[Form(row.form)] for row in stacked})),
                deliverable_kw=site_row.deliverable_kw if site_row else offered.get(key, Decimal(0)),
                taken_kw=site_row.reserved_kw if site_row else Decimal(0),
            )
        )
    return CommitmentsPage(day, day - timedelta(days=1), day + timedelta(days=1), tuple(rows), now, proved_at)


def offered_kw(site: Site, start: datetime, end: datetime) -> tuple[dict[Key, Decimal], datetime | None]:
    """What offers that are on sale, or sold in part, put up in each half hour, and when the newest was drafted."""
    rows = OfferPeriod.objects.filter(offer__site=site, start_at__gte=start, start_at__lt=end).filter(
        Q(offer__state__in=[Offer.State.PUBLISHED, Offer.State.SOLD]) | Q(reserved_kw__gt=0)
    )
    found: dict[Key, Decimal] = defaultdict(Decimal)
    newest: datetime | None = None
    for row in rows.select_related("offer"):
        found[row.start_at, row.offer.direction, service_of(row.offer.product, day_of(row.start_at))] += row.offered_kw
        newest = max(newest or row.offer.created_at, row.offer.created_at)
    return found, newest


def held_rows(site: Site, start: datetime, end: datetime) -> dict[Key, list[StackingRow]]:
    """The rows of the stacking ledger that hold each half hour."""
    found: dict[Key, list[StackingRow]] = defaultdict(list)
    held = StackingRow.objects.filter(site=site, state=StackingRow.State.HELD, start_at__lt=end, end_at__gt=start)
    for row in held.order_by("pk"):
        at = max(row.start_at, start)
        while at < min(row.end_at, end):
            found[at, row.direction, row.service].append(row)
            at += HALF_HOUR
    return found


def dispatched_kw(site: Site, start: datetime, end: datetime) -> dict[Key, Decimal]:
    """What was instructed in each half hour and not refused."""
    rows = ActivationPeriod.objects.filter(
        activation__order__offer__site=site, start_at__gte=start, start_at__lt=end
    ).exclude(activation__state=ActivationState.REJECTED)
    found: dict[Key, Decimal] = defaultdict(Decimal)
    for row in rows.select_related("activation__order__offer"):
        offer = row.activation.order.offer
        found[row.start_at, offer.direction, service_of(offer.product, day_of(row.start_at))] += row.requested_kw
    return found


def commitments_export(site: Site, page: CommitmentsPage) -> Iterator[list[object]]:
    """The rows under HEADER."""
    for row in page.rows:
        day, period = settlement_period(row.start)
        power = (
            row.offered_kw, row.reserved_kw, row.co_delivered_kw, row.dispatched_kw, row.deliverable_kw, row.taken_kw
        )  # fmt: skip
        yield [
            site.slug,
            utc_text(row.start),
            day.isoformat(),
            period,
            row.service,
            row.direction,
            *(f"{kw.normalize():f}" for kw in power),
        ]
