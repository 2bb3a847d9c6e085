"""The Carbon Intensity API as it really answers: recorded and rebuilt payloads."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import responses
import stamina

from flex_engine.feeds import carbon_intensity
from flex_engine.feeds.http import FeedGapError, FeedPayloadError, FeedRefusedError, FeedUnavailableError, session
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR
from tests.shared_data import shared

NOW = datetime(2023, 12, 31, tzinfo=UTC)


def recorded(name: str) -> Any:
    return json.loads(shared(f"fixtures/{name}.json").read_text())


@pytest.fixture(autouse=True)
def no_waiting():
    stamina.set_testing(True, attempts=4)
    yield
    stamina.set_testing(False)


def answer(payload: Any, start: datetime, end: datetime) -> None:
    responses.get(f"{carbon_intensity.BASE_URL}/intensity/{start:%Y-%m-%dT%H:%MZ}/{end:%Y-%m-%dT%H:%MZ}", json=payload)


def blocks(*values: int | None, start: datetime) -> dict[str, Any]:
    """The documented shape, for tests that need no recorded payload."""
    return {
        "data": [
            {
                "from": f"{start + i * HALF_HOUR:%Y-%m-%dT%H:%MZ}",
                "to": f"{start + (i + 1) * HALF_HOUR:%Y-%m-%dT%H:%MZ}",
                "intensity": {"forecast": 100 + i, "actual": value, "index": "low"},
            }
            for i, value in enumerate(values)
        ]
    }


@responses.activate
def test_fourteen_days_of_forecasts_are_one_call_and_the_block_before_is_dropped():
    payload = recorded("rebuilt_ci_intensity_14d_2023-01-01")
    start = datetime(2023, 1, 1, tzinfo=UTC)
    end = start + timedelta(days=14)
    answer(payload, start, end)
    found = carbon_intensity.fetch(session(), start, end, NOW, quantity="forecast")
    assert (found.start, found.label, found.unit, found.as_of) == (start, Label.FORECAST, "gCO2e/kWh", NOW)
    by_start = {row["from"]: row["intensity"]["forecast"] for row in payload["data"]}
    assert found.values == tuple(
        float(by_start[f"{start + i * HALF_HOUR:%Y-%m-%dT%H:%MZ}"]) for i in range(len(found.values))
    )
    assert len(found.values) == 671, "the first of the 672 blocks ends at the start asked for"


@responses.activate
@pytest.mark.parametrize(
    ("name", "day"),
    [
        ("rebuilt_ci_intensity_2023-03-25T23-30Z_2023-03-27T00-00Z", datetime(2023, 3, 26, tzinfo=UTC)),
        ("rebuilt_ci_intensity_2023-10-28T23-30Z_2023-10-30T00-00Z", datetime(2023, 10, 29, tzinfo=UTC)),
    ],
)
def test_clock_changes_do_not_touch_utc(name: str, day: datetime):
    answer(recorded(name), day, day + timedelta(days=1))
    found = carbon_intensity.fetch(session(), day, day + timedelta(days=1), NOW, quantity="forecast")
    assert len(found.values) == 48


@responses.activate
def test_actuals_are_moved_half_an_hour_later_and_say_so():
    start = datetime(2023, 5, 1, tzinfo=UTC)
    answer(blocks(90, 91, 92, 93, start=start - HALF_HOUR), start - HALF_HOUR, start + HALF_HOUR)
    found = carbon_intensity.fetch(session(), start, start + timedelta(hours=1), NOW)
    assert found.values == (90.0, 91.0), "the publisher's label 23:30 is our 00:00"
    assert found.source.endswith("moved +30 min")
    assert found.label == Label.MEASURED


@responses.activate
def test_half_hours_that_are_not_over_are_not_measured():
    start = datetime(2023, 5, 1, tzinfo=UTC)
    answer(blocks(90, 91, 92, start=start - HALF_HOUR), start - HALF_HOUR, start + 2 * HALF_HOUR)
    found = carbon_intensity.fetch(
        session(), start, start + 3 * HALF_HOUR, start + 2 * HALF_HOUR - timedelta(minutes=1)
    )
    assert found.values == (90.0,)


@responses.activate
def test_null_actuals_are_gaps_and_never_values():
    payload = recorded("rebuilt_ci_intensity_null_actual")
    start, end = datetime(2023, 1, 26, 11, tzinfo=UTC), datetime(2023, 1, 26, 17, tzinfo=UTC)
    answer(payload, start - HALF_HOUR, end - HALF_HOUR)
    runs = carbon_intensity.fetch_runs(session(), start, end, NOW)
    assert [(run.start, len(run.values)) for run in runs] == [
        (start, 6),
        (datetime(2023, 1, 26, 16, 30, tzinfo=UTC), 1),
    ]
    with pytest.raises(
        FeedGapError, match=r"no national carbon intensity .actual. for 5 half hours: 2023-01-26T14:00Z"
    ):
        carbon_intensity.fetch(session(), start, end, NOW)


@responses.activate
def test_an_answer_that_stops_early_ends_early():
    payload = recorded("rebuilt_ci_intensity_with_gap")
    start, end = datetime(2023, 10, 20, 16, 30, tzinfo=UTC), datetime(2023, 10, 21, 0, tzinfo=UTC)
    answer(payload, start - HALF_HOUR, end - HALF_HOUR)
    found = carbon_intensity.fetch(session(), start, end, NOW)
    assert (found.start, len(found.values)) == (start, 12)


@responses.activate
@pytest.mark.parametrize(
    ("name", "error"), [("real_ci_200_empty_object", FeedPayloadError), ("real_ci_200_empty_data", FeedGapError)]
)
def test_two_hundred_without_values_is_no_value(name: str, error: type[Exception]):
    start = datetime(2023, 5, 1, tzinfo=UTC)
    answer(recorded(name), start, start + timedelta(hours=1))
    with pytest.raises(error):
        carbon_intensity.fetch(session(), start, start + timedelta(hours=1), NOW, quantity="forecast")


@responses.activate
@pytest.mark.parametrize(
    ("name", "status", "error"),
    [("real_ci_error_400_region", 400, FeedRefusedError), ("real_ci_error_500", 500, FeedUnavailableError)],
)
def test_recorded_errors(name: str, status: int, error: type[Exception]):
    responses.get(
        url=f"{carbon_intensity.BASE_URL}/intensity/2023-05-01T00:00Z/2023-05-01T01:00Z",
        status=status,
        json=recorded(name),
    )
    start = datetime(2023, 5, 1, tzinfo=UTC)
    with pytest.raises(error, match=f"answered {status}"):
        carbon_intensity.fetch(session(), start, start + timedelta(hours=1), NOW, quantity="forecast")


@pytest.mark.parametrize("value", ["90", -1, 1001, True, {}])
def test_a_value_that_is_no_intensity_is_refused(value: object):
    start = datetime(2023, 5, 1, tzinfo=UTC)
    payload = blocks(90, start=start)
    payload["data"][0]["intensity"]["forecast"] = value
    with pytest.raises(FeedPayloadError, match="is not a national half hour"):
        carbon_intensity.parse(payload, quantity="forecast")


def test_the_regional_shape_is_not_taken_for_the_national_one():
    with pytest.raises(FeedPayloadError):
        carbon_intensity.parse(recorded("real_ci_regional_intensity_pt24h_2024-01-02"), quantity="forecast")
