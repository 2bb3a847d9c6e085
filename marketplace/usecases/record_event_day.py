"""Declare an event day of a site: a past day that like-day baselines leave out from now on."""

from __future__ import annotations

from datetime import date, datetime

from django.db import transaction

from flex_engine.timegrid import LONDON, utc
from marketplace import events, notify
from marketplace.models import EventDay, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require


def record_event_day(
    *, site: Site, day: date, reason: str, kind: str = "O", user: User | None = None, now: datetime
) -> EventDay:
    """Store the day, known from `now` on; a day that is known already stays as it is.

    Raises MarketError BAD_EVENT_DAY: a day that is not over in London, an unknown kind, or no reason.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.METER)
    check(day, kind, reason, now=now)
    with transaction.atomic():
        found, made = EventDay.objects.get_or_create(
            site=site, day=day, defaults={"kind": kind, "reason": reason, "known_at": now}
        )
        if made:
            events.append(
                type="site.event_day",
                subject=f"site:{site.slug}",
                payload={"site": site.slug, "day": day.isoformat(), "kind": kind, "reason": reason},
                organisations=[site.organisation],
                now=now,
            )
            notify.changed(f"site:{site.slug}")
    return found


def check(day: date, kind: str, reason: str, *, now: datetime) -> None:
    """Raise MarketError for a day that cannot be declared."""
    if day >= utc(now).astimezone(LONDON).date():
        bad("event_day", day, "that day is not over in London.", "Declare past days only.")
    if kind not in EventDay.Kind.values:
        bad("kind", kind, "there is no such kind.", "Write B (wholesale or balancing service) or O (other).")
    if not reason.strip() or len(reason) > 200:
        bad("event_day_reason", reason[:40], "a reason has 1 to 200 characters.", "Say what was unusual about the day.")


def bad(field: str, value: object, problem: str, fix: str) -> None:
    """Raise the one error every bad event day gives."""
    raise MarketError("BAD_EVENT_DAY", f"{field} is {value}: {problem}", fix=fix, details={"column": field})
