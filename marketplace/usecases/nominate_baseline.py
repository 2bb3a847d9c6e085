"""Nominate a baseline: say before the deadline what a site would draw. What comes later is refused, never quietly dropped."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal

from django.db import transaction

from flex_engine.quantities import wh_from_kw
from flex_engine.settle.declared import Nomination
from flex_engine.settle.registry import nomination_deadline
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, settlement_period
from marketplace import events, notify
from marketplace.models import BaselineNomination, Plan, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require

METHOD = "nominated-v1"


def nominate_baseline(
    *,
    site: Site,
    periods: Mapping[datetime, int],
    plan: Plan | None = None,
    user: User | None = None,
    now: datetime,
) -> int:
    """Keep the expected import energy in Wh of each half hour, all or none; returns how many were new or revised.

    `plan` is the one whose load is nominated, if it is one's. Raises MarketError naming the half hour: off the grid,
    negative, more than the site can import, or nominated after its deadline.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.TRADE)
    check_periods(site, periods, now=now)
    with transaction.atomic():
        Site.objects.select_for_update(of=("self",)).get(pk=site.pk)  # of two at one moment, the second sees the first
        known = latest(site, periods, until=now)
        fresh = {start: wh for start, wh in sorted(periods.items()) if known.get(start, (None,))[0] != wh}
        BaselineNomination.objects.bulk_create(
            BaselineNomination(site=site, plan=plan, start_at=start, import_wh=wh, received_at=now)
            for start, wh in fresh.items()
        )
        if fresh:
            events.append(
                type="baseline.nominated",
                subject=f"site:{site.slug}",
                payload={
                    "site": site.slug,
                    "method": METHOD,
                    "plan": str(plan.pk) if plan else "",
                    "periods": [{"start": start.isoformat(), "import_wh": str(wh)} for start, wh in fresh.items()],
                },
                organisations=[site.organisation],
                now=now,
            )
            notify.changed(f"site:{site.slug}")
    return len(fresh)


def nominate_plan(
    *, site: Site, plan: Plan, start: datetime, end: datetime, user: User | None = None, now: datetime
) -> int:
    """Nominate the site power of `plan` in [start, end). Raises MarketError as nominate_baseline, or where it does not reach."""
    if user is not None:
        require(role_of(user, site.organisation), Action.TRADE)
    first, last = (int((when - plan.start_at) / HALF_HOUR) for when in (start, end))
    if first < 0 or last > len(plan.load_kw):
        raise MarketError(
            "PLAN_TOO_SHORT",
            f"The plan covers {plan.start_at:%Y-%m-%dT%H:%M}Z and {len(plan.load_kw)} half hours, not all of the window.",
            fix="Nominate a window inside it.",
        )
    loads = enumerate(plan.load_kw[first:last])
    periods = {start + i * HALF_HOUR: wh_from_kw(Decimal(repr(float(kw)))) for i, kw in loads}
    return nominate_baseline(site=site, periods=periods, plan=plan, user=user, now=now)


def check_periods(site: Site, periods: Mapping[datetime, int], *, now: datetime) -> None:
    """Raise MarketError for the first half hour that cannot be nominated."""
    if not periods:
        raise MarketError("NOMINATION_REFUSED", "The nomination names no half hour.", fix="Name at least one.")
    most = int(site.import_limit_kw * 500)
    for start, wh in sorted(periods.items()):
        if start.tzinfo is None or floor_half_hour(start) != start:
            bad(f"{start} is not the start of a half hour with a zone.", "Write it like 2024-01-16T17:00:00Z.")
        if not 0 <= wh <= most:
            bad(
                f"{wh} Wh is nominated for {start:%Y-%m-%dT%H:%M}Z.",
                f"Write whole Wh from 0 to {most}, what {site.name} can import in half an hour.",
            )
        deadline = nomination_deadline(METHOD, settlement_period(start)[0])
        if deadline is not None and now > deadline:
            bad(
                f"{start:%Y-%m-%dT%H:%M}Z had to be nominated by {deadline:%Y-%m-%dT%H:%M}Z.",
                "Nominate a later settlement day.",
            )


def bad(what: str, fix: str) -> None:
    """Refuse."""
    raise MarketError("NOMINATION_REFUSED", what, fix=fix)


def latest(
    site: Site, starts: Mapping[datetime, int] | Sequence[datetime], *, until: datetime
) -> dict[datetime, tuple[int, datetime]]:
    """(Wh, received at) of the newest nomination of each of `starts` that was received by `until`."""
    rows = BaselineNomination.objects.filter(site=site, start_at__in=list(starts), received_at__lte=until)
    return {
        start: (wh, received)
        for start, wh, received in rows.order_by("received_at", "pk").values_list(
            "start_at", "import_wh", "received_at"
        )
    }


def nomination_of(site: Site, starts: Sequence[datetime], *, method: str, now: datetime) -> Nomination | None:
    """What was nominated for `starts`, all of one settlement day, as known at `now`; None for a method that needs none."""
    deadline = nomination_deadline(method, settlement_period(min(starts))[0])
    if deadline is None:
        return None
    found = latest(site, starts, until=min(now, deadline))
    if not found:
        return None
    return Nomination({start: wh for start, (wh, _) in found.items()}, max(received for _, received in found.values()))
