"""Times as people in Great Britain read them: London with zone letters, settlement period beside, UTC in the tooltip.

It only formats. Which period a half hour is comes from flex_engine.timegrid; what time it is comes from the door.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django import template
from django.conf import settings
from django.utils.html import format_html
from django.utils.safestring import SafeString

from flex_engine.timegrid import floor_half_hour, periods_in_day, settlement_period
from marketplace.queries.exports import utc_text

register = template.Library()
LONDON = ZoneInfo(settings.DISPLAY_TIME_ZONE)
MOMENT = timedelta(microseconds=1)


def day_text(moment: datetime | date) -> str:
    """A day as people say it.

    >>> day_text(date(2024, 1, 2))
    'Tue 2 Jan 2024'
    """
    return f"{moment:%a} {moment.day} {moment:%b %Y}"


def period_text(start: datetime, end: datetime | None = None) -> str:
    """The settlement period that holds `start`, or the range up to `end` (exclusive).

    >>> period_text(datetime(2024, 1, 2, 16, 30, tzinfo=UTC), datetime(2024, 1, 2, 18, tzinfo=UTC))
    'SP 34–36'
    """
    first = settlement_period(floor_half_hour(start))[1]
    if end is None:
        return f"SP {first}"
    last = settlement_period(floor_half_hour(end - MOMENT))[1]
    return f"SP {first}" if first == last else f"SP {first}–{last}"


def stamp(moment: datetime, text: str) -> SafeString:
    """A <time> element with UTC for machines and in the tooltip."""
    utc = utc_text(moment)
    return format_html('<time datetime="{}" title="{} UTC">{}</time>', utc, utc.replace("T", " ").rstrip("Z"), text)


@register.filter
def moment(value: datetime | None) -> SafeString | str:
    """Day, time, zone and settlement period: Tue 2 Jan 2024, 16:30 GMT (SP 34)."""
    if value is None:
        return "—"
    local = value.astimezone(LONDON)
    text = f"{day_text(local)}, {local:%H:%M} {local:%Z}"
    return format_html('{} <span class="sp">({})</span>', stamp(value, text), period_text(value))


@register.filter
def brief(value: datetime | None) -> SafeString | str:
    """Day without the year, time and zone, for table cells: Tue 2 Jan, 16:30 GMT."""
    if value is None:
        return "—"
    local = value.astimezone(LONDON)
    return stamp(value, f"{short_day(local)}, {local:%H:%M} {local:%Z}")


@register.filter
def deadline(value: datetime | None) -> SafeString | str:
    """The last moment of something: a day that ends in London is named itself, and not by the midnight that begins the next."""
    if value is None:
        return "—"
    local = value.astimezone(LONDON)
    if (local.hour, local.minute, local.second) != (0, 0, 0):
        return stamp(value, f"{day_text(local)}, {local:%H:%M} {local:%Z}")
    return stamp(value, f"the end of {day_text(local - timedelta(days=1))}")


@register.filter
def clock(value: datetime | None) -> SafeString | str:
    """Time and zone alone: 16:30 GMT."""
    if value is None:
        return "—"
    local = value.astimezone(LONDON)
    return stamp(value, f"{local:%H:%M} {local:%Z}")


@register.filter
def utc_clock(value: datetime) -> str:
    """The time in UTC: 16:30 UTC."""
    return f"{value.astimezone(UTC):%H:%M} UTC"


@register.filter
def settlement(value: datetime) -> str:
    """The settlement period that holds a moment: SP 34."""
    return period_text(value)


@register.filter
def period_number(value: datetime) -> int:
    """The number alone, 1 to 50."""
    return settlement_period(floor_half_hour(value))[1]


@register.simple_tag
def window(start: datetime | None, end: datetime | None) -> SafeString | str:
    """[start, end) on one line with its settlement periods; the end is exclusive."""
    if start is None or end is None:
        return "—"
    text = span_text(start, end, day_text)
    return format_html('{} <span class="sp">({})</span>', stamp(start, text), period_text(start, end))


@register.simple_tag
def brief_window(start: datetime | None, end: datetime | None) -> SafeString | str:
    """[start, end) without the year, for table cells; the settlement periods are in it, the end is exclusive."""
    if start is None or end is None:
        return "—"
    text = span_text(start, end, short_day)
    return format_html('{} <span class="sp">({})</span>', stamp(start, text), period_text(start, end))


def span_text(start: datetime, end: datetime, name: Callable[[datetime], str]) -> str:
    """The span in words; the second day is named only when it differs, and midnight at its end is 24:00.

    >>> span_text(datetime(2024, 1, 2, 22, tzinfo=UTC), datetime(2024, 1, 3, tzinfo=UTC), short_day)
    'Tue 2 Jan, 22:00–24:00 GMT'
    """
    first, last = start.astimezone(LONDON), end.astimezone(LONDON)
    days = (last.date() - first.date()).days
    if days == 1 and last.hour == last.minute == 0:
        until = "24:00"
    else:
        until = f"{last:%H:%M}" if days == 0 else f"{name(last)}, {last:%H:%M}"
    zones = f"{first:%Z}" if f"{first:%Z}" == f"{last:%Z}" else f"{first:%Z} to {last:%Z}"
    return f"{name(first)}, {first:%H:%M}–{until} {zones}"


def short_day(moment: datetime) -> str:
    """A day without its year: Tue 2 Jan."""
    return f"{moment:%a} {moment.day} {moment:%b}"


@register.filter
def duration(value: timedelta | int | float | None) -> str:
    """A duration in words people use.

    >>> duration(5400), duration(timedelta(days=2, hours=3)), duration(45)
    ('1 h 30 min', '2 d 3 h', '45 s')
    """
    if value is None:
        return "—"
    seconds = int(value.total_seconds()) if isinstance(value, timedelta) else int(value)
    sign, seconds = ("−" if seconds < 0 else ""), abs(seconds)
    days, rest = divmod(seconds, 86400)
    hours, rest = divmod(rest, 3600)
    minutes, left = divmod(rest, 60)
    parts = [(days, "d"), (hours, "h"), (minutes, "min"), (left, "s")]
    named = [f"{count} {unit}" for count, unit in parts if count]
    return sign + " ".join(named[:2]) if named else "0 s"


@register.simple_tag
def odd_day(now: datetime) -> str:
    """A sentence when today or tomorrow has 46 or 50 settlement periods, otherwise nothing."""
    today = now.astimezone(LONDON).date()
    for day, word in ((today, "Today"), (today + timedelta(days=1), "Tomorrow")):
        count = periods_in_day(day)
        if count != 48:
            return f"{word} the clocks change: {day_text(day)} has {count} settlement periods."
    return ""
