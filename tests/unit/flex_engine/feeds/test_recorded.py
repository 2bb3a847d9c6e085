"""Every recorded answer is read, and read for what it says; none of its rows is set aside."""

from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from flex_engine.feeds.http import FeedPayloadError, json_of
from tests.shared_data import shared
from tests.unit.flex_engine.feeds.recorded import moment, raw, reading

# (file, feed, what was asked, when it was fetched, values, first series, first start, first value)
RECORDED = [
    ("real_ci_regional_intensity_pt24h_2024-01-02.json", "carbon-regions", {}, "2023-12-31T23:00", 49 * 17, "carbon_intensity_published:1", "2023-12-31T23:30", 4),
    ("real_ci_regional_fw48h_2023-03-11T23-01Z_firstblock_regions1-9.json", "carbon-regions", {}, "2023-03-11T22:59", 9, "carbon_intensity_published:1", "2023-03-11T23:00", 0),
    ("real_ci_regional_regionid_13_2021-12-13.json", "carbon-regions", {"region": "13"}, "2021-12-13T16:29", 1, "carbon_intensity_published:13", "2021-12-13T16:30", 435),
    ("real_ci_intensity_factors_2023.json", "carbon-factors", {}, "2023-06-01T00:10", 14, "carbon_factor:Biomass", "2023-06-01T00:00", 120),
    ("rebuilt_ci_intensity_14d_2023-01-01.json", "carbon-intensity", {"from": "2023-01-01T00:00Z", "to": "2023-01-15T00:00Z"}, "2023-02-01T00:00", 671, "carbon_intensity", "2023-01-01T00:30", None),
    ("rebuilt_ci_intensity_2023-03-25T23-30Z_2023-03-27T00-00Z.json", "carbon-intensity", {"from": "2023-03-26T00:00Z", "to": "2023-03-27T00:00Z"}, "2023-04-01T00:00", 48, "carbon_intensity", "2023-03-26T00:30", None),
    ("rebuilt_ci_intensity_2023-10-28T23-30Z_2023-10-30T00-00Z.json", "carbon-intensity", {"from": "2023-10-29T00:00Z", "to": "2023-10-30T00:00Z"}, "2023-11-01T00:00", 48, "carbon_intensity", "2023-10-29T00:30", None),
    ("rebuilt_ci_intensity_with_gap.json", "carbon-intensity", {"from": "2023-10-20T16:00Z", "to": "2023-10-20T23:30Z"}, "2023-11-01T00:00", 12, "carbon_intensity", "2023-10-20T16:30", None),
    ("rebuilt_ci_intensity_null_actual.json", "carbon-intensity", {"from": "2023-01-26T10:30Z", "to": "2023-01-26T16:30Z"}, "2023-02-01T00:00", 7, "carbon_intensity", "2023-01-26T11:00", 228),
    *(
        (f"rebuilt_elexon_system_prices_{day}_{periods}sp.json", "system-price", {"day": day}, "2026-03-01T00:00", 2 * periods, "imbalance_volume", None, None)
        for day, periods in (
            ("2022-12-12", 48), ("2023-07-02", 48), ("2024-03-31", 46), ("2024-10-27", 50), ("2025-01-08", 48), ("2025-03-30", 46),
            ("2025-10-26", 50), ("2026-02-17", 48),
        )
    ),
    ("real_elexon_mid_2026-07-01_sp22.json", "market-index", {}, "2026-07-01T11:00", 2, "market_index_price", "2026-07-01T09:30", 106.83),
    ("real_elexon_generation_actual_per_type_2024-01.json", "generation-types", {}, "2024-01-05T00:00", None, "generation_type:Biomass", "2024-01-01T00:00", 1002),
    ("real_octopus_standard_unit_rates_rows.json", "octopus-agile", {"region": "C"}, "2024-06-20T22:00", 1, "retail_price:agile-C", "2024-06-20T21:30", 180.4),
    ("real_octopus_standard_unit_rates_rows_2023-03-26.json", "octopus-agile", {"region": "C"}, "2023-03-26T03:00", 1, "retail_price:agile-C", "2023-03-26T01:00", 234.0),
    ("real_entsoe_a11_flow_GB_to_DK1_2023-12-20.xml", "entsoe-flows", {}, "2023-12-24T00:00", 2 * (39 + 2 + 3), "cross_border_flow:DK1>GB", "2023-12-20T17:00", 1362),
    ("real_entsoe_a44_prices_FR.xml", "entsoe-flows", {}, "2023-05-09T12:00", 96, "day_ahead_price_eur:FR", "2023-05-06T22:00", None),
    ("real_rte_eco2mix_dayahead_prices_incl_GB_2024-04-13.xml", "rte-prices", {}, "2024-04-14T15:10", 4 * 3 * 48, "day_ahead_price_eur:BE", "2024-04-12T22:00", 36.14),
    ("mock_neso_ckan_2to14d_demand_forecast_live.json", "neso-demand", {}, "2026-07-29T09:00", 6, "demand_published", "2026-07-31T13:30", 20289),
    ("mock_neso_ckan_2to14d_demand_forecast_historic.json", "neso-demand-history", {}, "2026-07-18T00:00", 6, "demand_published", "2026-07-17T04:00", 20902),
    ("mock_neso_ckan_dayahead_wind_forecast_historic.json", "neso-wind", {}, "2022-07-17T00:00", None, "wind_published", "2022-07-15T23:00", 7523),
]  # fmt: skip
NO_VALUES = {
    "mock_neso_ckan_dayahead_wind_forecast.json",  # made by hand, and against itself
    "real_ci_200_empty_object.json", "real_ci_200_empty_data.json", "real_ci_error_400_region.json", "real_ci_error_500.json",
}  # fmt: skip


def test_no_recorded_answer_is_forgotten() -> None:
    there = {
        path.name
        for path in shared("fixtures").iterdir()
        if path.name.startswith(("real_", "rebuilt_", "mock_")) and not path.name.startswith("golden_")
    }
    assert there == {row[0] for row in RECORDED} | NO_VALUES


@pytest.mark.parametrize("case", RECORDED, ids=lambda case: case[0])
def test_it_says_what_was_recorded(case) -> None:
    file, feed, about, now, count, series, start, value = case
    found = reading(feed, raw(file), now=moment(now), about=about)
    assert found.set_aside == ()
    assert count is None or len(found.values) == count
    first = found.values[0]
    assert first.series == series
    assert start is None or first.start == moment(start)
    assert value is None or first.value == value


@pytest.mark.parametrize("day", ["2024-03-31", "2024-10-27", "2025-01-08", "2023-07-02"])
def test_a_settlement_day_is_read_to_the_penny(day: str) -> None:
    file = next(row[0] for row in RECORDED if day in row[0])
    found = reading("system-price", raw(file), now=datetime(2026, 3, 1, tzinfo=UTC), about={"day": day})
    prices = [value.value for value in found.values if value.series == "price"]
    assert prices == [float(row["systemSellPrice"]) for row in json.loads(raw(file))["data"]]
    assert {"2025-01-08": max(prices) == 2900, "2023-07-02": min(prices) < -90}.get(day, True), "extremes are believed"


def test_the_great_britain_row_of_a_regional_list_is_left_out() -> None:
    found = reading("carbon-regions", raw(RECORDED[0][0]), now=moment("2023-12-31T23:00"))
    assert {value.series for value in found.values} == {
        f"carbon_intensity_published:{region}" for region in range(1, 18)
    }


def test_two_hundred_without_values_is_no_value() -> None:
    about = {"from": "2023-05-01T00:00Z", "to": "2023-05-01T06:00Z"}
    nothing = reading(
        "carbon-intensity", raw("real_ci_200_empty_object.json"), now=moment("2023-05-01T09:00"), about=about
    )
    assert (nothing.values, nothing.set_aside[0].row) == ((), "the whole answer")
    empty = reading("carbon-intensity", raw("real_ci_200_empty_data.json"), now=moment("2023-05-01T09:00"), about=about)
    assert (empty.values, empty.set_aside) == ((), ())
    assert empty.notes == (
        "The publisher has no carbon intensity for 12 half hours: 2023-05-01T00:30Z to 2023-05-01T06:30Z.",
    )


def test_gaps_are_named_and_never_filled() -> None:
    case = next(row for row in RECORDED if row[0] == "rebuilt_ci_intensity_null_actual.json")
    found = reading(case[1], raw(case[0]), now=moment(case[3]), about=case[2])
    assert found.notes == (
        "The publisher has no carbon intensity for 5 half hours: 2023-01-26T14:00Z to 2023-01-26T16:30Z.",
    )


def test_a_winter_answer_that_names_two_times_for_one_period_is_not_believed() -> None:
    found = reading("neso-wind", raw("mock_neso_ckan_dayahead_wind_forecast.json"), now=moment("2024-12-16T09:00"))
    assert found.values == ()
    assert found.set_aside[0].why == "2024-12-16T23:00:00 GMT is not period 1 of 2024-12-17"


def test_constants_that_are_no_json_are_refused() -> None:
    with pytest.raises(FeedPayloadError, match="not JSON"):
        json_of(b'{"data": [NaN]}', "https://publisher.example/")
