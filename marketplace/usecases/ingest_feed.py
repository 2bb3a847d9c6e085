"""Take one round of one feed into the database, once: values, forecasts, what was set aside, and how the feed is doing.

Measured values are kept as they became known: a value that is known already is not written again, a changed one is a
second row. Rows that were set aside never become values. Failure, recovery and a new set-aside row are each an event.
"""

from __future__ import annotations

import hashlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import F

from flex_engine.feeds.collect import Round, Taken
from flex_engine.feeds.feed import Feed
from flex_engine.feeds.gateway import FeedKeyMissingError
from flex_engine.feeds.http import FeedPayloadError, FeedRefusedError, FeedUnavailableError
from flex_engine.feeds.reading import SetAside, Value
from flex_engine.feeds.runs import spans
from flex_engine.timegrid import HALF_HOUR, half_hours
from marketplace import events, notify
from marketplace.models import FeedQuarantine, FeedState, SignalPoint
from marketplace.usecases.store_forecast import store_forecast

KINDS = {
    FeedUnavailableError: FeedState.Failure.UNAVAILABLE,
    FeedRefusedError: FeedState.Failure.REFUSED,
    FeedPayloadError: FeedState.Failure.PAYLOAD,
    FeedKeyMissingError: FeedState.Failure.NO_KEY,
}
WHOLE_ANSWER = "the whole answer"
MOST_SET_ASIDE = 200  # rows listed of one round: an answer that is nothing but nonsense must not fill the table
MOST_NOTES = 10


@dataclass(frozen=True, slots=True)
class Ingested:
    """What a round brought: new or changed values and forecasts, rows set aside for the first time, and the failure."""

    values: int
    issues: int
    set_aside: int
    why: str  # of the first row set aside
    failure: str
    changed: bool  # whether the feed began or ceased to fail


def ingest_feed(*, feed: Feed, found: Round, now: datetime) -> Ingested:
    """Store a round of `feed`; values count as known from the moment they were fetched. Never raises for what was sent."""
    with transaction.atomic():
        values = sum(keep_values(feed, taken) for taken in found.taken)
        issues = sum(keep_issues(feed, taken) for taken in found.taken)
        aside = [(taken, one) for taken in found.taken for one in taken.reading.set_aside]
        new = set_aside(feed, aside[:MOST_SET_ASIDE], now)
        uncounted = len(aside) - MOST_SET_ASIDE
        notes = [note for one in found.taken for note in one.reading.notes][:MOST_NOTES]
        notes += [f"{uncounted} more rows were set aside than are listed."] * (uncounted > 0)
        failure, kind = failure_of(found)
        turned = note_state(feed, found, values + issues, notes, failure, kind, now)
        if new:
            note_set_aside(feed, new, now)
        notify.changed("signals", "feeds")
    return Ingested(values, issues, len(new), new[0].why if new else "", failure, turned)


def keep_values(feed: Feed, taken: Taken) -> int:
    """Insert measured values that are new or differ from what is known; how many."""
    given = [value for value in taken.reading.values if value.issued_at is None]
    known: dict[tuple[str, datetime], tuple[float, str]] = {}
    if given:
        rows = SignalPoint.objects.as_known(taken.fetched_at).filter(
            series__in={value.series for value in given},
            start_at__gte=min(value.start for value in given),
            start_at__lte=max(value.start for value in given),
        )
        for series, start, value, label in rows.values_list("series", "start_at", "value", "label"):
            known[series, start] = (value, label)
    fresh = [value for value in given if known.get((value.series, value.start)) != (value.value, str(value.label))]
    SignalPoint.objects.bulk_create(
        [point(feed, value, taken) for value in fresh], batch_size=500, ignore_conflicts=True
    )
    return len(fresh)


def point(feed: Feed, value: Value, taken: Taken) -> SignalPoint:
    """The unsaved row of one value."""
    return SignalPoint(
        series=value.series,
        start_at=value.start,
        value=value.value,
        unit=value.unit,
        source=feed.source,
        label=str(value.label),
        known_at=taken.fetched_at,
    )


def keep_issues(feed: Feed, taken: Taken) -> int:
    """Store each unbroken run of each issue in the forecast store; how many are new."""
    by_issue: dict[tuple[str, datetime], dict[datetime, Value]] = defaultdict(dict)
    for value in taken.reading.values:
        if value.issued_at is not None:
            by_issue[value.series, value.issued_at][value.start] = value
    new = 0
    for (series, issued_at), values in by_issue.items():
        for start, end in spans(values):
            run = [values[moment] for moment in half_hours(start, end)]
            _, made = store_forecast(
                series=series,
                issued_at=min(issued_at, taken.fetched_at),  # a publisher's clock may be minutes ahead of ours
                start=start,
                p50=[value.value for value in run],
                unit=run[0].unit,
                model=feed.name,
                model_version="published",
                inputs_digest=taken.sha256,
                sources=[feed.source],
                now=taken.fetched_at,
            )
            new += made
    return new


def set_aside(feed: Feed, rows: Iterable[tuple[Taken, SetAside]], now: datetime) -> list[FeedQuarantine]:
    """Write rows that were set aside for the first time, count the others seen again later; the new ones."""
    found: dict[str, FeedQuarantine] = {}
    for taken, one in rows:
        digest = hashlib.sha256("\x1f".join((feed.name, one.said, one.why)).encode()).hexdigest()
        found.setdefault(
            digest,
            FeedQuarantine(
                feed=feed.name,
                digest=digest,
                first_at=now,
                last_at=now,
                row=one.row,
                said=one.said,
                why=one.why,
                url=taken.url,
                answer_sha256=taken.sha256,
            ),
        )
    if not found:
        return []
    seen = FeedQuarantine.objects.filter(digest__in=found)
    old = set(seen.values_list("digest", flat=True))
    seen.filter(last_at__lt=now).update(last_at=now, times=F("times") + 1)
    new = [row for digest, row in found.items() if digest not in old]
    FeedQuarantine.objects.bulk_create(new)
    return new


def failure_of(found: Round) -> tuple[str, FeedState.Failure]:
    """Why the round failed, and of which kind; empty when it did not. A round that was nothing but refused answers failed."""
    if found.failure is not None:
        kind = next(
            (kind for error, kind in KINDS.items() if isinstance(found.failure, error)), FeedState.Failure.FAULT
        )
        return str(found.failure), kind
    whole = [one.why for taken in found.taken for one in taken.reading.set_aside if one.row == WHOLE_ANSWER]
    if whole and not any(taken.reading.values for taken in found.taken):
        return whole[0], FeedState.Failure.PAYLOAD
    return "", FeedState.Failure.NONE


def note_state(
    feed: Feed, found: Round, taken: int, notes: list[str], failure: str, kind: FeedState.Failure, now: datetime
) -> bool:
    """Write how the feed is doing; whether it began or ceased to fail, each of which is an event.

    An archived round that is no newer than the last one adds its values and says nothing of how the feed is now.
    """
    state, _ = FeedState.objects.select_for_update(of=("self",)).get_or_create(pk=feed.name)
    was_failing = state.failing_since is not None
    state.values_taken += taken
    newest = [newest_of(feed, one) for one in found.taken if one.reading.values]
    state.newest_at = max([*newest, *([state.newest_at] if state.newest_at else [])], default=None)
    if state.attempted_at is not None and now <= state.attempted_at:
        state.save()
        return False
    state.attempted_at, state.notes = now, notes
    state.failure, state.failure_kind = failure, kind
    if failure:
        state.failed_at = now
        state.failing_since = state.failing_since or now
    else:
        state.succeeded_at, state.failing_since = now, None
    state.save()
    if bool(failure) == was_failing:
        return False
    events.append(
        type="feed.failed" if failure else "feed.recovered",
        subject=f"feed:{feed.name}",
        payload={"feed": feed.title, "publisher": feed.publisher, "why": failure},
        organisations=[],
        now=now,
    )
    return True


def newest_of(feed: Feed, taken: Taken) -> datetime:
    """The end of the newest half hour of an answer; of forecasts the newest issue."""
    if feed.forecasts:
        return max(min(value.issued_at or taken.fetched_at, taken.fetched_at) for value in taken.reading.values)
    return max(value.start for value in taken.reading.values) + HALF_HOUR


def note_set_aside(feed: Feed, new: list[FeedQuarantine], now: datetime) -> None:
    """Put the new rows where people look: on the feed's state, and in the log."""
    latest = FeedState.objects.filter(pk=feed.name).exclude(set_aside_at__gt=now)
    latest.update(set_aside_at=now, set_aside_rows=len(new), set_aside_why=new[0].why)
    events.append(
        type="feed.set_aside",
        subject=f"feed:{feed.name}",
        payload={
            "feed": feed.title,
            "publisher": feed.publisher,
            "rows": len(new),
            "why": new[0].why,
            "answer_sha256": new[0].answer_sha256,
        },
        organisations=[],
        now=now,
    )
