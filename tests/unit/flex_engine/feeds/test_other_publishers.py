"""NESO's portal, Octopus, the Met Office, ENTSO-E and RTE: the zones of their clocks, their envelopes, their XML."""

from __future__ import annotations

from datetime import timedelta

import pytest

from flex_engine.feeds.carbon_regions import regions
from flex_engine.feeds.catalogue import FEEDS, UnknownFeedError, chosen
from flex_engine.feeds.feed import Places
from flex_engine.timegrid import HALF_HOUR
from tests.unit.flex_engine.feeds.recorded import moment, reading, stamp, why

NOW = moment("2026-07-29T09:00")


def ckan(*records):
    return {"help": "", "success": True, "result": {"records": list(records), "fields": []}}


def test_ctime_is_the_london_clock_and_must_agree_with_gmt():
    row = {"DATE": "2026-07-31", "CTIME": 1430, "GDATETIME": "2026-07-31T13:30:00", "NATIONALDEMAND": 20289}
    assert reading("neso-demand", ckan(row), now=NOW).values[0].start == moment("2026-07-31T13:30")
    assert "is not 1430, the London clock" in why(reading("neso-demand", ckan(row | {"CTIME": 1330}), now=NOW))
    zoned = row | {"GDATETIME": "2026-07-31T13:30:00Z"}
    assert "has a zone" in why(reading("neso-demand", ckan(zoned), now=NOW))


def test_embedded_power_is_read_by_settlement_period():
    row = {"SETTLEMENT_DATE": "2026-07-30T00:00:00", "SETTLEMENT_PERIOD": 1, "EMBEDDED_WIND_FORECAST": 900, "EMBEDDED_SOLAR_FORECAST": 0}  # fmt: skip
    found = reading("neso-embedded", ckan(row), now=NOW)
    assert {(value.series, value.start) for value in found.values} == {
        ("embedded_wind_published", moment("2026-07-29T23:00")), ("embedded_solar_published", moment("2026-07-29T23:00")),
    }  # fmt: skip


@pytest.mark.parametrize(
    ("payload", "sentence"),
    [
        (ckan(), "without a single record"),
        ({"success": False, "error": {"message": "Not found"}}, "the search failed: {'message': 'Not found'}"),
        ({"success": True, "result": {}}, "without a result.records list"),
    ],
)
def test_an_empty_datastore_is_said(payload, sentence):
    assert sentence in why(reading("neso-demand", payload, now=NOW))


def test_a_rate_of_an_hour_is_no_agile_rate_and_more_pages_are_noted():
    rate = {
        "value_exc_vat": 10.5,
        "value_inc_vat": 11.025,
        "valid_from": "2026-07-29T09:00:00Z",
        "valid_to": "2026-07-29T10:00:00Z",
    }
    found = reading(
        "octopus-agile", {"count": 1, "next": "https://", "results": [rate]}, now=NOW, about={"region": "C"}
    )
    assert "not for one half hour" in why(found)
    assert found.notes == ("There are more pages than the one that was read.",)
    assert (
        reading("octopus-agile", {"results": [rate | {"valid_to": "2026-07-29T09:30:00Z"}]}, now=NOW).values[0].value
        == 105.0
    )
    asked = FEEDS["octopus-agile"].asks(NOW - timedelta(days=99), NOW, Places(agile_region="A"))[0].url
    assert "E-1R-AGILE-24-10-01-A/" in asked
    assert "period_from=2026-07-08T09:00Z&period_to=2026-07-31T09:00Z" in asked


def weather(**hour):
    series = [{"time": "2026-07-29T09:00Z", "screenTemperature": 19.5, "windSpeed10m": 4.1} | hour]
    return {"features": [{"properties": {"modelRunDate": "2026-07-29T08:00Z", "timeSeries": series}}]}


def test_weather_is_issued_by_its_model_run():
    found = reading("met-office", weather(), now=NOW, about={"place": "51.5,-0.1"})
    assert {(value.series, value.value, value.issued_at) for value in found.values} == {
        ("temperature_published:51.5,-0.1", 19.5, moment("2026-07-29T08:00")),
        ("wind_speed_published:51.5,-0.1", 4.1, moment("2026-07-29T08:00")),
    }
    assert [value.start for value in found.values][:2] == [NOW, NOW + HALF_HOUR]
    assert "temperature published 195 °C" in why(reading("met-office", weather(screenTemperature=195), now=NOW))
    assert "without a forecast" in why(reading("met-office", {"features": []}, now=NOW))


def test_a_region_is_read_in_all_three_shapes_and_another_is_set_aside():
    block = {"from": stamp(NOW), "to": stamp(NOW + HALF_HOUR), "intensity": {"forecast": 200, "index": "high"}}
    shapes = [
        {"data": {"regionid": 13, "data": [block]}},
        {"data": [{"regionid": 13, "data": [block]}]},
        {
            "data": [
                {
                    "from": block["from"],
                    "to": block["to"],
                    "regions": [{"regionid": 13, "intensity": block["intensity"]}],
                }
            ]
        },
    ]
    for shape in shapes:
        found = reading("carbon-regions", shape, now=NOW, about={"region": "13"})
        assert [(value.series, value.value) for value in found.values] == [("carbon_intensity_published:13", 200)]
        assert "and 10 was asked for" in why(reading("carbon-regions", shape, now=NOW, about={"region": "10"}))
    assert regions({"data": [5]}) == [(None, 5)]


PERIOD = (
    '<Publication_MarketDocument xmlns="urn:x"><TimeSeries><in_Domain.mRID>10YGB----------A</in_Domain.mRID>'
    "<out_Domain.mRID>10YFR-RTE------C</out_Domain.mRID><quantity_Measure_Unit.name>MAW</quantity_Measure_Unit.name>"
    "<curveType>{curve}</curveType><Period><timeInterval><start>2026-07-28T10:00Z</start><end>2026-07-28T11:00Z</end></timeInterval>"
    "<resolution>PT15M</resolution>{points}</Period></TimeSeries></Publication_MarketDocument>"
)  # fmt: skip


def quarters(curve: str, **given: int):
    points = "".join(f"<Point><position>{p[1:]}</position><quantity>{q}</quantity></Point>" for p, q in given.items())
    found = reading("entsoe-flows", PERIOD.format(curve=curve, points=points).encode(), now=NOW)
    return [(value.series, value.start.minute, value.value) for value in found.values], why(found)


def test_quarters_are_averaged_in_pairs_and_a_curve_says_what_a_hole_means():
    assert quarters("A01", p1=100, p2=200, p3=50)[0] == [("cross_border_flow:FR>GB", 0, 150)]
    assert quarters("A03", p1=100, p3=50)[0] == [
        ("cross_border_flow:FR>GB", 0, 100),
        ("cross_border_flow:FR>GB", 30, 50),
    ]
    assert "position 5 is not one of 1 to 4" in quarters("A01", p5=1)[1]


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"<a><b></a>", "not plain XML"),
        (b'<!DOCTYPE x [<!ENTITY a "aaaa">]><x>&a;</x>', "not plain XML"),
        (
            '<?xml version="1.0" encoding="utf-16"?><!DOCTYPE x [<!ENTITY a "a">]><x>&a;</x>'.encode("utf-16"),
            "not plain XML",
        ),
        (b"", "not plain XML"),
        (b"<Other/>", "answered with a Other"),
    ],
)
def test_xml_that_is_no_publication_is_set_aside_whole(body, sentence):
    assert sentence in why(reading("entsoe-flows", body, now=NOW))


def test_an_acknowledgement_is_a_note_and_nd_is_no_price():
    said = b"<Acknowledgement_MarketDocument><Reason><text>No matching data found</text></Reason></Acknowledgement_MarketDocument>"
    found = reading("entsoe-flows", said, now=NOW)
    assert (found.set_aside, found.notes[0][-22:]) == ((), "No matching data found")
    day = "<liste><donneesMarche date='2026-03-29'><type perimetre='GB'>{}</type></donneesMarche></liste>"
    hours = "".join(f"<valeur periode='{hour}'>{'ND' if hour == 3 else hour}</valeur>" for hour in range(24))
    spring = reading("rte-prices", day.format(hours).encode(), now=NOW)
    assert len(spring.values) == 2 * 22, "a day of 23 hours, one of them without a price"
    assert "hour 23 is not one of 2026-03-29" in why(spring)


def test_feeds_are_chosen_by_name():
    assert "rte-prices" not in {feed.name for feed in chosen([])}
    assert [feed.name for feed in chosen(["rte-prices"])] == ["rte-prices"]
    with pytest.raises(UnknownFeedError, match=r"There is no feed 'weather'\. There are carbon-intensity, "):
        chosen(["weather"])
