"""A feed's answers become values once, as they became known; what cannot be right is set aside, said, and never a value."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flex_engine.feeds.gateway import FeedKeyMissingError
from flex_engine.feeds.http import FeedUnavailableError
from flex_engine.timegrid import floor_half_hour
from marketplace.models import Event, FeedQuarantine, FeedState, Forecast, SignalPoint
from marketplace.queries.sentences import sentence
from tests.unit.marketplace.usecases.feeding import ahead, carbon, took
from tests.unit.marketplace.usecases.market import HALF_HOUR, NOW

pytestmark = pytest.mark.django_db
LATER = NOW + timedelta(minutes=10)


def values() -> list[float]:
    return list(SignalPoint.objects.order_by("start_at", "known_at").values_list("value", flat=True))


def events() -> list[str]:
    return [sentence(event.type, bytes(event.payload)) for event in Event.objects.order_by("id")]


def test_a_value_is_written_once_and_a_changed_one_beside_it():
    assert carbon(90, 91, 92, now=NOW).values == 3
    assert carbon(90, 95, 92, 93, now=LATER, back=8).values == 2
    assert values() == [90, 91, 95, 92, 93]
    changed = SignalPoint.objects.filter(value__in=[91, 95]).order_by("known_at")
    assert [row.known_at for row in changed] == [NOW, LATER]
    assert [row.value for row in SignalPoint.objects.as_known(NOW)] == [90, 91, 92], "as it was known then"
    assert {row.source for row in changed} == {"NESO Carbon Intensity API, national actual, moved +30 min"}


def test_a_simulated_value_does_not_stand_for_a_measured_one():
    start = floor_half_hour(NOW) - 8 * HALF_HOUR
    SignalPoint.objects.create(series="carbon_intensity", start_at=start, value=90, unit="gCO2e/kWh", source="s", label="SIMULATED", known_at=start)  # fmt: skip
    assert carbon(90, now=NOW).values == 1
    assert SignalPoint.objects.as_known(NOW).last().label == "MEASURED"


def test_published_forecasts_are_issues_and_the_same_one_is_kept_once():
    assert ahead(50, 51, 52, now=NOW).issues == 1
    assert ahead(50, 51, 52, now=NOW).issues == 0
    assert ahead(60, 61, 62, now=LATER).issues == 1
    first, second = Forecast.objects.order_by("issued_at")
    assert (first.series, first.model, first.p50, first.p10) == (
        "carbon_intensity_published",
        "carbon-forecast",
        [50, 51, 52],
        [],
    )
    assert (first.start_at, first.end_at) == (floor_half_hour(NOW) + HALF_HOUR, floor_half_hour(NOW) + 4 * HALF_HOUR)
    assert (second.issued_at, second.known_at, second.p50[0]) == (LATER, LATER, 60)
    assert not SignalPoint.objects.exists(), "a forecast is no signal"


def test_a_hole_in_a_published_forecast_is_two_runs_and_nothing_between():
    ahead(50, "broken", 52, now=NOW)
    assert [(row.start_at - floor_half_hour(NOW), row.p50) for row in Forecast.objects.order_by("start_at")] == [
        (HALF_HOUR, [50]), (3 * HALF_HOUR, [52]),
    ]  # fmt: skip


def test_what_cannot_be_right_is_set_aside_said_once_and_counted():
    taken = carbon(90, 9999, -5, 91, now=NOW)
    assert (values(), taken.set_aside) == ([90, 91], 2)
    assert "carbon intensity 9999 gCO2e/kWh is not within 0 to 1000" in taken.why
    assert carbon(90, 9999, -5, 91, now=LATER).set_aside == 0
    row = FeedQuarantine.objects.order_by("pk").first()
    assert (row.feed, row.row, row.times, row.first_at, row.last_at) == ("carbon-intensity", "row 2", 2, NOW, LATER)
    assert "9999" in row.said
    state = FeedState.objects.get()
    assert (state.set_aside_rows, state.set_aside_at, state.failing_since) == (2, NOW, None)
    assert events() == [
        "2 rows were set aside of Carbon intensity, national from NESO Carbon Intensity API: carbon intensity 9999 gCO2e/kWh is not within 0 to 1000."
    ]


def test_a_feed_that_fails_and_comes_back_says_each_once_and_keeps_what_it_had():
    carbon(90, 91, now=NOW)
    down = FeedUnavailableError("api.carbonintensity.org.uk could not be read: ConnectionError. Try again later.")
    assert took("carbon-intensity", now=LATER, failure=down).changed
    assert not took("carbon-intensity", now=LATER + HALF_HOUR, failure=down).changed
    state = FeedState.objects.get()
    assert (state.failing_since, state.failed_at, state.succeeded_at) == (LATER, LATER + HALF_HOUR, NOW)
    assert (state.failure_kind, state.failure) == ("UNAVAILABLE", str(down))
    assert values() == [90, 91], "the last values stand, with their age"
    assert carbon(90, 91, now=LATER + timedelta(hours=1), back=10).changed
    assert [said.partition(" from ")[0] for said in events()] == [
        "Carbon intensity, national can no longer be read", "Carbon intensity, national can be read",
    ]  # fmt: skip
    assert FeedState.objects.get().failure == ""


def test_an_answer_of_nothing_but_nonsense_is_listed_in_part_and_counted():
    rows = [{"from": f"nonsense {number}"} for number in range(250)]
    asked = {"from": "2024-01-16T10:00Z", "to": "2024-01-16T11:00Z"}
    assert took("carbon-intensity", {"data": rows}, now=NOW, **asked).set_aside == 200
    assert FeedQuarantine.objects.count() == 200
    assert "50 more rows were set aside than are listed." in FeedState.objects.get().notes


def test_an_old_answer_read_again_says_nothing_of_how_the_feed_is_now():
    down = FeedUnavailableError("not reached")
    took("carbon-intensity", now=LATER, failure=down)
    assert carbon(90, 9999, now=NOW).values == 1
    state = FeedState.objects.get()
    assert (state.failing_since, state.failure, state.succeeded_at, state.values_taken) == (
        LATER,
        "not reached",
        None,
        1,
    )


@pytest.mark.parametrize("payload", [{}, {"data": {}}, "text", None])
def test_an_answer_that_is_nothing_documented_is_a_failure_and_is_set_aside(payload):
    asked = {"from": "2024-01-16T10:00Z", "to": "2024-01-16T11:00Z"}
    taken = took("carbon-intensity", payload, now=NOW, **asked)
    assert "without a data list" in taken.failure
    assert FeedState.objects.get().failure_kind == "PAYLOAD"
    assert FeedQuarantine.objects.get().row == "the whole answer"
    assert not SignalPoint.objects.exists()


def test_a_missing_key_is_named_as_such():
    took(
        "met-office",
        now=NOW,
        failure=FeedKeyMissingError("Met Office Weather DataHub wants a key: set CACO_MET_OFFICE_KEY."),
    )
    assert FeedState.objects.get().failure_kind == "NO_KEY"
