"""System prices as Elexon answers them: days of 46, 48 and 50 periods, negative and very high prices."""

from __future__ import annotations

import json
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import responses

from flex_engine.feeds import elexon
from flex_engine.feeds.http import FeedGapError, FeedPayloadError, session
from flex_engine.quantities import Label
from flex_engine.timegrid import day_start, periods_in_day
from tests.shared_data import shared

NOW = datetime(2026, 3, 1, tzinfo=UTC)
DAYS = [
    ("2022-12-12", 48), ("2023-07-02", 48), ("2024-03-31", 46), ("2024-10-27", 50),
    ("2025-01-08", 48), ("2025-03-30", 46), ("2025-10-26", 50), ("2026-02-17", 48),
]  # fmt: skip


def recorded(day: str, periods: int) -> Any:
    return json.loads(shared(f"fixtures/rebuilt_elexon_system_prices_{day}_{periods}sp.json").read_text())


def serve(day: str, payload: Any) -> None:
    responses.get(f"{elexon.BASE_URL}/balancing/settlement/system-prices/{day}", json=payload)


@responses.activate
@pytest.mark.parametrize(("day", "periods"), DAYS)
def test_a_settlement_day_is_read_whole(day: str, periods: int):
    payload = recorded(day, periods)
    serve(day, payload)
    start, end = day_start(date.fromisoformat(day)), day_start(date.fromisoformat(day) + timedelta(days=1))
    found = elexon.fetch(session(), start, end, NOW)
    assert (found.start, found.end, found.unit, found.label) == (start, end, "GBP/MWh", Label.MEASURED)
    assert found.values == tuple(float(row["systemSellPrice"]) for row in payload["data"])
    assert len(found.values) == periods == periods_in_day(date.fromisoformat(day))


@responses.activate
def test_extreme_prices_are_believed():
    serve("2023-07-02", recorded("2023-07-02", 48))
    serve("2025-01-08", recorded("2025-01-08", 48))
    summer, winter = date(2023, 7, 2), date(2025, 1, 8)
    low = elexon.fetch(session(), day_start(summer), day_start(summer) + timedelta(days=1), NOW)
    high = elexon.fetch(session(), day_start(winter), day_start(winter) + timedelta(days=1), NOW)
    assert min(low.values) < -90
    assert max(high.values) == 2900


@responses.activate
def test_a_utc_day_in_summer_asks_for_two_settlement_days_with_a_pause():
    waits: list[float] = []
    for day in (date(2023, 7, 2), date(2023, 7, 3)):
        serve(day.isoformat(), {"data": [row(day, period) for period in range(1, 49)]})
    start = datetime(2023, 7, 2, tzinfo=UTC)
    found = elexon.fetch(session(), start, start + timedelta(days=1), NOW, pause=waits.append)
    assert len(found.values) == 48
    assert waits == [elexon.COURTESY_S]


def row(day: date, period: int, **changes: object) -> dict[str, object]:
    start = day_start(day) + (period - 1) * timedelta(minutes=30)
    return {
        "settlementDate": day.isoformat(), "settlementPeriod": period, "startTime": f"{start:%Y-%m-%dT%H:%M:%SZ}",
        "systemSellPrice": 50.0, "systemBuyPrice": 50.0,
    } | changes  # fmt: skip


DAY = date(2025, 1, 8)


@pytest.mark.parametrize(
    ("rows", "sentence"),
    [
        ([row(DAY, 1), row(DAY, 1)], "gives settlement period 1 of 2025-01-08 twice"),
        ([row(DAY, 1) | {"settlementPeriod": 49}], "has periods 1 to 48, not 49"),
        ([row(DAY, 2, startTime="2025-01-08T01:00:00Z")], "period 2 starts 2025-01-08T00:30Z"),
        ([row(DAY, 1, systemBuyPrice=51.0)], "there is one imbalance price since 2015"),
        ([row(DAY, 1, systemSellPrice="50")], "is not a number"),
        ([row(date(2025, 1, 9), 1)], "it is of 2025-01-09, not 2025-01-08"),
        ([{}], "is not a system price"),
    ],
)
def test_rows_that_contradict_themselves_are_refused(rows: list[dict[str, object]], sentence: str):
    with pytest.raises(FeedPayloadError, match=sentence):
        elexon.parse({"data": rows}, day=DAY)


@pytest.mark.parametrize("payload", [None, [], {}, {"data": {}}])
def test_an_unknown_shape_is_refused(payload: object):
    with pytest.raises(FeedPayloadError, match="without a data list"):
        elexon.parse(payload, day=DAY)


@responses.activate
def test_a_day_not_yet_published_is_a_gap():
    serve("2025-01-08", {"data": []})
    with pytest.raises(FeedGapError, match="no system price for 48 half hours"):
        elexon.fetch(session(), day_start(DAY), day_start(DAY) + timedelta(days=1), NOW)


@responses.activate
def test_a_day_in_progress_ends_early():
    serve("2025-01-08", {"data": [row(DAY, period) for period in range(1, 21)]})
    found = elexon.fetch(session(), day_start(DAY), day_start(DAY) + timedelta(days=1), NOW)
    assert len(found.values) == 20
