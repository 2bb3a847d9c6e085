"""What the Carbon Intensity API does that its pages do not say."""

from __future__ import annotations

from datetime import timedelta

from flex_engine.feeds.carbon_intensity import asks_actual, asks_forecast
from flex_engine.feeds.feed import Places
from flex_engine.quantities import Label
from flex_engine.timegrid import HALF_HOUR
from tests.unit.flex_engine.feeds.recorded import blocks, moment, reading, stamp, why

START = moment("2023-05-01T00:00")
ASKED = {"from": stamp(START - HALF_HOUR), "to": stamp(START + 4 * HALF_HOUR)}
LATER = START + timedelta(days=1)


def test_actuals_are_moved_half_an_hour_later_and_the_block_before_the_window_is_dropped():
    found = reading("carbon-intensity", blocks(7, 90, 91, 92, 93, start=START - 2 * HALF_HOUR), now=LATER, about=ASKED)
    assert [(value.start - START, value.value) for value in found.values] == [
        (i * HALF_HOUR, 90.0 + i) for i in range(4)
    ]
    assert {value.label for value in found.values} == {Label.MEASURED}


def test_half_hours_that_are_not_over_are_not_measured():
    payload = blocks(90, 91, 92, start=START - HALF_HOUR)
    found = reading("carbon-intensity", payload, now=START + 2 * HALF_HOUR - timedelta(minutes=1), about=ASKED)
    assert [value.value for value in found.values] == [90.0]


def test_the_forecast_beside_an_actual_is_never_taken_and_a_real_one_is_issued_when_fetched():
    assert {v.series for v in reading("carbon-intensity", blocks(90, start=START), now=LATER, about=ASKED).values} == {
        "carbon_intensity"
    }
    payload = blocks(*range(40, 60), start=START - HALF_HOUR, word="forecast")
    found = reading("carbon-forecast", payload, now=START)
    assert found.values[0].start == START, "the block that ends at `from` has begun"
    assert {(value.label, value.issued_at) for value in found.values} == {(Label.FORECAST, START)}
    assert found.notes == ("19 of 95 half hours were published.",)


def test_a_spike_is_set_aside_and_a_new_level_is_believed_once_confirmed():
    spiked = reading("carbon-intensity", blocks(90, 300, 92, 93, start=START - HALF_HOUR), now=LATER, about=ASKED)
    assert [value.value for value in spiked.values] == [90, 92, 93]
    assert "leaps from 90 to 300 gCO2e/kWh at 2023-05-01T00:30Z" in why(spiked)
    assert "no carbon intensity for 1 half hour" in spiked.notes[0]
    moved = reading("carbon-intensity", blocks(90, 300, 305, start=START - HALF_HOUR), now=LATER, about=ASKED)
    assert [value.value for value in moved.values] == [90, 300, 305]
    assert "leaps" in why(reading("carbon-intensity", blocks(90, 300, start=START), now=LATER, about=ASKED))


def test_a_value_that_is_no_intensity_is_set_aside_alone():
    for wrong in ("90", -1, 1001, True, {}, [], 10**300):
        found = reading("carbon-intensity", blocks(90, wrong, 91, start=START - HALF_HOUR), now=LATER, about=ASKED)
        assert [value.value for value in found.values] == [90, 91]
        assert found.set_aside[0].row == "row 2"


def test_rows_in_any_order_repeated_and_contradicting():
    rows = blocks(90, 91, 92, 93, start=START - HALF_HOUR)["data"]
    other = blocks(99, start=START - HALF_HOUR)["data"]
    mixed = reading("carbon-intensity", {"data": [*reversed(rows), rows[2], *other]}, now=LATER, about=ASKED)
    assert [value.value for value in mixed.values] == [91, 92, 93]
    assert why(mixed) == (
        "row 4: carbon_intensity at 2023-05-01T00:00Z is given as 90 (row 4) and 99 (row 6); none is believed | "
        "row 5: it repeats row 2, which is kept | "
        "row 6: carbon_intensity at 2023-05-01T00:00Z is given as 90 (row 4) and 99 (row 6); none is believed"
    )


def test_a_generation_mix_must_add_up():
    def mix(*shares: float) -> dict[str, object]:
        fuels = [{"fuel": fuel, "perc": share} for fuel, share in zip(("gas", "wind"), shares, strict=True)]
        return {"from": stamp(START), "to": stamp(START + HALF_HOUR), "generationmix": fuels}

    whole = reading("generation-mix", {"data": [mix(40, 60.2)]}, now=LATER, about=ASKED)
    assert [(value.series, value.value) for value in whole.values] == [
        ("generation_share:gas", 40), ("generation_share:wind", 60.2),
    ]  # fmt: skip
    assert "adds up to 80 %" in why(reading("generation-mix", {"data": [mix(40, 40)]}, now=LATER, about=ASKED))


def test_windows_hold_what_is_wanted_in_steps_of_fourteen_days():
    asked = asks_actual(START, START + timedelta(days=20), Places())
    assert [(ask.about["from"], ask.about["to"]) for ask in asked] == [
        ("2023-04-30T23:30Z", "2023-05-14T23:30Z"),
        ("2023-05-14T23:30Z", "2023-05-21T00:00Z"),
    ]
    assert asks_forecast(START, START + timedelta(minutes=7), Places())[0].url.endswith("2023-05-01T00:00Z/fw48h")
