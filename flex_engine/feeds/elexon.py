"""GB system price (the imbalance price, GBP/MWh) and net imbalance volume (MWh) from Elexon's Insights Solution.

GET https://data.elexon.co.uk/bmrs/api/v1/balancing/settlement/system-prices/{settlementDate} (no key; BMRS data licence:
"Contains BMRS data © Elexon Limited copyright and database right"). One settlement day a call, local days of 46, 48 or 50
periods. Since P305 (2015) buy and sell price are one; a row where they differ is set aside, not averaged.

The answer is the latest settlement run and does not say which: a price changes at later runs, so a day is asked again for
two days, and again when one of its runs is due; a changed price is kept beside the first with the moment it became known.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator, Mapping
from datetime import date, datetime, timedelta
from itertools import takewhile
from typing import Any

from flex_engine.feeds.feed import Ask, Feed, Places
from flex_engine.feeds.reading import Reading, Value, sift
from flex_engine.feeds.row import half_hour, number, rows_of, settlement
from flex_engine.feeds.runs import noted
from flex_engine.quantities import Label
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.settlement_calendar import run_date, runs
from flex_engine.timegrid import LONDON, day_start, floor_half_hour, half_hours, settlement_period

BASE_URL = "https://data.elexon.co.uk/bmrs/api/v1"
PUBLISHER, LICENCE = (
    "Elexon Insights",
    "BMRS data licence: contains BMRS data © Elexon Limited copyright and database right",
)
DAY = timedelta(days=1)
RUNS_REACH_BACK = timedelta(days=460)  # run RF comes about fourteen months after its day


def asks(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """One call a settlement day."""
    return [
        Ask(f"{BASE_URL}/balancing/settlement/system-prices/{day}?format=json", {"day": day.isoformat()})
        for day in settlement_days(since, now)
    ]


def asks_runs(since: datetime, now: datetime, places: Places) -> list[Ask]:  # noqa: ARG001
    """One call for each settlement day of which a run was due today or yesterday, in London."""
    today = now.astimezone(LONDON).date()
    days = sorted(days_of_runs(today - DAY) | days_of_runs(today))
    return [
        Ask(f"{BASE_URL}/balancing/settlement/system-prices/{day}?format=json", {"day": day.isoformat()})
        for day in days
    ]


def days_of_runs(due: date) -> frozenset[date]:
    """Settlement days of which a run falls on `due`, by the nominal settlement calendar."""
    return frozenset(day for run in runs() for day in days_of_run(run, due))


def days_of_run(run: str, due: date) -> list[date]:
    """Settlement days whose `run` falls on `due`: neighbours, because a later day's run is never earlier."""

    def falls(day: date) -> date:
        return run_date(day, run).day

    back = [due - timedelta(days=number) for number in range(RUNS_REACH_BACK.days, 0, -1)]
    try:
        first = bisect_left(back, due, key=falls)
        return list(takewhile(lambda day: falls(day) == due, back[first:]))
    except NothingInForceError:
        return []


def read(payload: Any, about: Mapping[str, str], now: datetime) -> Reading:
    """`price` and `imbalance_volume`, MEASURED. Raises FeedPayloadError without a data list.

    A row is set aside when it is of another day, of a period the day does not have, or its startTime contradicts its
    period. Periods that lack before the last published one are noted.
    """
    wanted = date.fromisoformat(about["day"])

    def read_row(row: Any) -> Iterator[Value]:
        start = stated_start(row)
        if row["settlementDate"] != about["day"]:
            raise ValueError(f"it is of {row['settlementDate']}, not {wanted}")
        sell, buy = number(row, "systemSellPrice"), number(row, "systemBuyPrice")
        if sell != buy:
            raise ValueError(f"sell price {sell} and buy price {buy} differ; there is one imbalance price since 2015")
        yield Value("price", start, sell, "GBP/MWh", Label.MEASURED)
        if row.get("netImbalanceVolume") is not None:
            yield Value("imbalance_volume", start, number(row, "netImbalanceVolume"), "MWh", Label.MEASURED)

    found = sift(rows_of(payload, "data", who="Elexon"), read_row, now=now)
    return noted(found, half_hours(day_start(wanted), day_start(wanted + DAY)), "price", now=now)


def stated_start(row: Any) -> datetime:
    """The start of a row, which its date and period and its startTime must agree on."""
    start = settlement(row, "settlementDate", "settlementPeriod")
    if half_hour(row, "startTime") != start:
        raise ValueError(f"period {row['settlementPeriod']} starts {start:%Y-%m-%dT%H:%MZ}, not {row['startTime']}")
    return start


def settlement_days(since: datetime, now: datetime) -> list[date]:
    """Every settlement day that [since, now) touches, in London."""
    starts = half_hours(floor_half_hour(since), floor_half_hour(now))
    if not starts:
        return []
    first, last = settlement_period(starts[0])[0], settlement_period(starts[-1])[0]
    return [first + timedelta(days=index) for index in range((last - first).days + 1)]


FEEDS = (
    Feed(
        "system-price", "System price and imbalance volume", PUBLISHER, LICENCE, ("price", "imbalance_volume"),
        asks, read, stale_after=timedelta(hours=2), every=timedelta(minutes=10), back=timedelta(days=14), overlap=timedelta(days=2),
        remark="system price, latest run",
    ),
    Feed(
        "system-price-runs", "System price when a settlement run is due", PUBLISHER, LICENCE, ("price", "imbalance_volume"),
        asks_runs, read, stale_after=timedelta(days=14), every=timedelta(hours=6), remark="system price, latest run",
    ),
)  # fmt: skip
