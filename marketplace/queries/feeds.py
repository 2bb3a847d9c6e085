"""The feeds of public grid data as a person asks after them: is each fresh, what failed and why, what was not believed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Count, Max

from flex_engine.feeds.catalogue import FEEDS
from flex_engine.feeds.feed import Feed
from marketplace.models import FeedQuarantine, FeedState, Forecast

SHOWN = 20
RECENT = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class FeedRow:
    """One feed. `state` is FRESH, STALE, FAILED, NO_KEY, WAITING (on, and not asked yet) or OFF; `in_words` explains it."""

    name: str
    title: str
    publisher: str
    licence: str
    state: str
    in_words: str
    newest_at: datetime | None
    age: timedelta | None
    succeeded_at: datetime | None
    failed_at: datetime | None
    failure: str
    values_taken: int
    set_aside: int
    notes: tuple[str, ...]
    forecasts: bool


@dataclass(frozen=True, slots=True)
class SetAsideRow:
    """One row that was not believed."""

    title: str
    row: str
    said: str
    why: str
    first_at: datetime
    last_at: datetime
    times: int
    answer: str


@dataclass(frozen=True, slots=True)
class IssueRow:
    """The newest issue of one model for one series."""

    series: str
    model: str
    issued_at: datetime
    known_at: datetime
    start_at: datetime
    end_at: datetime
    label: str
    digest: str
    sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FeedsPage:
    """The feeds page."""

    live: bool
    feeds: tuple[FeedRow, ...]
    set_aside: tuple[SetAsideRow, ...]
    issues: tuple[IssueRow, ...]


def feeds_page(now: datetime, *, live: bool, feeds: Sequence[Feed]) -> FeedsPage:
    """Every feed, the rows set aside last, and the newest issues in the forecast store."""
    rows = FeedQuarantine.objects.filter(first_at__lte=now).order_by("-last_at", "-pk")[:SHOWN]
    return FeedsPage(
        live=live,
        feeds=tuple(feed_rows(now, live=live, feeds=feeds)),
        set_aside=tuple(
            SetAsideRow(
                FEEDS[row.feed].title if row.feed in FEEDS else row.feed, row.row, row.said, row.why,
                row.first_at, row.last_at, row.times, row.answer_sha256[:12],
            )
            for row in rows
        ),
        issues=tuple(newest_issues(now)),
    )  # fmt: skip


def feed_rows(now: datetime, *, live: bool, feeds: Sequence[Feed]) -> list[FeedRow]:
    """How each of `feeds`, and each other that was ever asked, is doing."""
    states = {state.pk: state for state in FeedState.objects.all()}
    aside = dict(
        FeedQuarantine.objects.filter(last_at__gt=now - RECENT, last_at__lte=now)
        .values_list("feed")
        .annotate(n=Count("pk"))
    )
    wanted = {feed.name for feed in feeds}
    shown = [feed for feed in FEEDS.values() if feed.name in wanted or feed.name in states]
    return [
        feed_row(feed, states.get(feed.name), now, live=live and feed.name in wanted, set_aside=aside.get(feed.name, 0))
        for feed in shown
    ]


def feed_row(feed: Feed, state: FeedState | None, now: datetime, *, live: bool, set_aside: int) -> FeedRow:
    """One feed with its state in words."""
    newest = state.newest_at if state else None
    age = max(now - newest, timedelta(0)) if newest else None
    code, words = judged(feed, state, age, live=live)
    return FeedRow(
        name=feed.name,
        title=feed.title,
        publisher=feed.publisher,
        licence=feed.licence,
        state=code,
        in_words=words,
        newest_at=newest,
        age=age,
        succeeded_at=state.succeeded_at if state else None,
        failed_at=state.failed_at if state else None,
        failure=state.failure if state else "",
        values_taken=state.values_taken if state else 0,
        set_aside=set_aside,
        notes=tuple(state.notes) if state else (),
        forecasts=feed.forecasts,
    )


def judged(feed: Feed, state: FeedState | None, age: timedelta | None, *, live: bool) -> tuple[str, str]:
    """The state of a feed and one sentence for it."""
    if not live:
        return "OFF", "Not asked: live feeds are off."
    if state is None or state.attempted_at is None:
        if feed.key is not None:
            return "WAITING", f"Not asked yet. It needs {feed.key.setting}."
        return "WAITING", "Not asked yet."
    if state.failure_kind == FeedState.Failure.NO_KEY:
        return "NO_KEY", state.failure
    if state.failing_since is not None:
        return "FAILED", state.failure
    if age is None or age > feed.stale_after:
        what = "issue" if feed.forecasts else "half hour"
        return "STALE", f"The publisher answers, and its newest {what} is older than it should be."
    return "FRESH", "Up to date."


def newest_issues(now: datetime) -> list[IssueRow]:
    """The newest issue of each model of each series that was issued in the last week."""
    recent = Forecast.objects.filter(known_at__lte=now, issued_at__lte=now, issued_at__gt=now - RECENT)
    newest = recent.values("series", "model").annotate(newest=Max("pk")).values_list("newest", flat=True)
    rows = Forecast.objects.filter(pk__in=list(newest)).defer("p10", "p50", "p90").order_by("series", "model")
    return [
        IssueRow(
            row.series, f"{row.model} {row.model_version}", row.issued_at, row.known_at, row.start_at, row.end_at,
            row.label, row.inputs_digest[:12], tuple(row.sources),
        )
        for row in rows
    ]  # fmt: skip
