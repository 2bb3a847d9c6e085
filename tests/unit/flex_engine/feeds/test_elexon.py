"""Elexon's prices, generation and forecasts: days of 46 to 50 periods, a provider of zeros, rows against themselves."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from flex_engine.feeds.catalogue import FEEDS
from flex_engine.feeds.feed import Places
from flex_engine.timegrid import HALF_HOUR, day_start, settlement_period
from tests.unit.flex_engine.feeds.recorded import moment, price_row, reading, why

DAY = date(2025, 1, 8)
START = day_start(DAY)
LATER = datetime(2025, 2, 1, tzinfo=UTC)
NOW_UNUSED = LATER


def prices(*rows, now=LATER):
    return reading("system-price", {"data": list(rows)}, now=now, about={"day": DAY.isoformat()})


@pytest.mark.parametrize(
    ("row", "sentence"),
    [
        (price_row(DAY, 1) | {"settlementPeriod": 49}, "has periods 1 to 48, not 49"),
        (price_row(DAY, 2, startTime="2025-01-08T01:00:00Z"), "period 2 starts 2025-01-08T00:30Z"),
        (price_row(DAY, 1, systemBuyPrice=51.0), "there is one imbalance price since 2015"),
        (price_row(DAY, 1, systemSellPrice="50"), "is not a number"),
        (price_row(DAY, 1, systemSellPrice=99999.0, systemBuyPrice=99999.0), "is not within -6000 to 6000"),
        (price_row(DAY, 1, settlementPeriod=True), "is not a whole number"),
        (price_row(date(2025, 1, 9), 1), "it is of 2025-01-09, not 2025-01-08"),
        ({}, "it has no 'settlementPeriod'"),
        (None, "not subscriptable"),
    ],
)
def test_a_row_that_cannot_be_is_set_aside_and_the_others_stand(row, sentence):
    found = prices(price_row(DAY, 3), row, price_row(DAY, 4))
    assert [value.start for value in found.values] == [START + 2 * HALF_HOUR, START + 3 * HALF_HOUR]
    assert sentence in why(found)


def test_a_price_for_a_period_that_has_not_begun_is_no_fact():
    assert "has not begun" in why(prices(price_row(DAY, 1), now=START - timedelta(hours=1)))


@pytest.mark.parametrize("payload", [None, [], {}, {"data": {}}])
def test_an_unknown_shape_is_set_aside_whole(payload):
    found = reading("system-price", payload, now=LATER, about={"day": DAY.isoformat()})
    assert "without a data list" in why(found)


def test_a_day_in_progress_ends_early_and_a_missing_period_is_named():
    day = [price_row(DAY, period) for period in range(1, 21) if period != 7]
    assert prices(*day, now=START + timedelta(hours=10)).notes == (
        "The publisher has no price for 1 half hour: 2025-01-08T03:00Z to 2025-01-08T03:30Z.",
    )


def test_a_utc_day_in_summer_touches_two_settlement_days():
    asked = FEEDS["system-price"].asks(moment("2023-07-02T00:00"), moment("2023-07-03T00:00"), Places())
    assert [ask.about["day"] for ask in asked] == ["2023-07-02", "2023-07-03"]


def test_days_are_asked_again_when_one_of_their_runs_is_due():
    """The runs of 8 January 2025: II after 5 working days, SF 16, R1 39, R2 84, R3 154, RF 292."""
    for due in ("2025-01-15T06:00", "2025-01-30T06:00", "2025-03-04T06:00", "2025-05-09T06:00"):
        asked = FEEDS["system-price-runs"].asks(NOW_UNUSED, moment(due), Places())
        assert "2025-01-08" in [ask.about["day"] for ask in asked], due
        assert len(asked) < 30
    quiet = FEEDS["system-price-runs"].asks(NOW_UNUSED, moment("2025-02-12T06:00"), Places())
    assert "2025-01-08" not in [ask.about["day"] for ask in quiet]


def dated(start: datetime, **fields):
    day, period = settlement_period(start)
    return {"startTime": f"{start:%Y-%m-%dT%H:%M:%S.0000000+00:00}", "settlementDate": day.isoformat(), "settlementPeriod": period} | fields  # fmt: skip


def test_the_market_index_weighs_by_volume_and_ignores_a_provider_of_zeros():
    apx = dated(START, dataProvider="APXMIDP", price=100.0, volume=300.0)
    n2ex = dated(START, dataProvider="N2EXMIDP", price=0, volume=0)
    found = reading("market-index", {"data": [apx, n2ex]}, now=LATER)
    assert [(value.series, value.value) for value in found.values] == [
        ("market_index_price", 100.0), ("market_index_volume", 300.0),
    ]  # fmt: skip
    both = reading("market-index", {"data": [apx, n2ex | {"price": 60.0, "volume": 100.0}]}, now=LATER)
    assert both.values[0].value == 90.0


def test_fuels_and_types_are_series_of_their_own():
    rows = [dated(START, fuelType="CCGT", generation=9000), dated(START, fuelType="INTFR", generation=-1200)]
    found = reading("fuel-mix", {"data": [*rows, dated(START, fuelType="", generation=1)]}, now=LATER)
    assert [(value.series, value.value) for value in found.values] == [
        ("generation:CCGT", 9000), ("generation:INTFR", -1200),
    ]  # fmt: skip
    assert "fuelType '' is not a word" in why(found)
    twice = {
        "startTime": "2025-01-08T00:00:00Z",
        "settlementPeriod": 1,
        "data": [{"psrType": "Solar", "quantity": 1}] * 2,
    }
    assert "names a type twice" in why(reading("generation-types", {"data": [twice]}, now=LATER))


def test_forecasts_keep_their_own_time_of_issue():
    early, late = "2025-01-07T08:30:00Z", "2025-01-07T09:00:00Z"
    rows = [
        dated(START + i * HALF_HOUR, publishTime=when, nationalDemand=30000 + i) for i, when in enumerate((early, late))
    ]
    found = reading("demand-forecast", {"data": rows}, now=START - timedelta(hours=12))
    assert [(value.issued_at, value.value) for value in found.values] == [
        (moment("2025-01-07T08:30"), 30000), (moment("2025-01-07T09:00"), 30001),
    ]  # fmt: skip
    ahead = reading("demand-forecast", {"data": rows}, now=moment("2025-01-07T08:40"))
    assert "issued at 2025-01-07T09:00Z, which is yet to come" in why(ahead)


def test_an_hour_of_wind_is_two_half_hours():
    rows = [{"publishTime": "2025-01-07T08:30:00Z", "startTime": "2025-01-08T00:00:00Z", "generation": 12000}]
    found = reading("wind-forecast", {"data": rows}, now=START - timedelta(hours=12))
    assert [(value.start, value.value) for value in found.values] == [(START, 12000), (START + HALF_HOUR, 12000)]
    rows[0]["startTime"] = "2025-01-08T00:30:00Z"
    assert "does not start an hour" in why(reading("wind-forecast", {"data": rows}, now=START - timedelta(hours=12)))


def test_frequency_is_mean_lowest_and_highest_of_half_hours_with_enough_of_it():
    spots = [
        {
            "measurementTime": f"{START + timedelta(seconds=15 * i):%Y-%m-%dT%H:%M:%SZ}",
            "frequency": 50 + (i % 3 - 1) / 10,
        }
        for i in range(150)
    ]
    found = reading(
        "frequency",
        {"data": [*spots, {"measurementTime": "2025-01-08T00:00:01Z", "frequency": 5.0}]},
        now=START + timedelta(hours=2),
    )
    assert [(value.series, value.value) for value in found.values] == [
        ("frequency:mean", 50.0), ("frequency:lowest", 49.9), ("frequency:highest", 50.1),
    ]  # fmt: skip
    assert "frequency 5 Hz is not within 45 to 55" in why(found)
    assert found.notes == ("Fewer than 60 spot values came for 1 half hour: 2025-01-08T00:30Z to 2025-01-08T01:00Z.",)
