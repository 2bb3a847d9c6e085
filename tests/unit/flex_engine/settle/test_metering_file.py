"""Files of readings: what a header must say, what a row may not, and minutes that become half hours exactly."""

from __future__ import annotations

import io
import re
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as limits
from hypothesis import strategies as st

from flex_engine.settle.metering import Gap, HalfHour, Meter, MeteringFileError, Said, Site
from flex_engine.settle.metering_file import open_table, read_readings, table_of
from flex_engine.timegrid import day_start, half_hours, settlement_period

NOW = datetime(2026, 11, 25, 12, 0, tzinfo=UTC)
IMPORT, EXPORT = "1010000000019", "1010000000028"
LEFT = "2310000000024"
SITE = Site(
    limit_wh=1_000_000,
    msids={
        IMPORT: (Meter("IMPORT"),),
        EXPORT: (Meter("EXPORT"),),
        LEFT: (Meter("IMPORT", end=datetime(2026, 1, 15, tzinfo=UTC)),),
    },
    now=NOW,
)
FIRST = datetime(2026, 1, 15, 17, 0, tzinfo=UTC)


def read(text: str, **said):
    return read_readings(open_table(text.encode(), "readings.csv"), Said(**said), SITE)


def only_problem(text: str, **said) -> str:
    outcome = read(text, **said)
    assert outcome.half_hours == {}, "nothing is given out where something is wrong"
    [problem] = outcome.problems.first
    return str(problem)


def test_the_template_s_own_form_is_read():
    outcome = read(
        "date,period,start_utc,direction,unit,value\n"
        "2026-01-15,35,2026-01-15T17:00Z,IMPORT,kWh,410.25\n"
        "2026-01-15,36,2026-01-15T17:30Z,IMPORT,kWh,\n"
        "2026-01-15,37,2026-01-15T18:00Z,IMPORT,kWh,398.5\n"
    )
    assert outcome.half_hours["IMPORT"] == [
        HalfHour(FIRST, 410_250, "ACTUAL"),
        HalfHour(FIRST + timedelta(hours=1), 398_500, "ACTUAL"),
    ]
    assert (outcome.rows_read, outcome.rows_empty, outcome.rows_accepted) == (3, 1, 2)
    assert outcome.gaps == [Gap("IMPORT", FIRST + timedelta(minutes=30), 1, partial=False)]


def test_the_example_of_the_how_to_is_a_file():
    page = Path(__file__).parents[4] / "docs/howto/send-meter-readings.md"
    [example] = re.findall(r"```csv\n(.*?)```", page.read_text(), flags=re.DOTALL)
    outcome = read(example)
    assert [one.wh for one in outcome.half_hours["IMPORT"]] == [412_500, 398_250, 401_000]
    assert outcome.rows_empty == 1


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("start_utc,import_wh\n2026-01-15 17:00,410250\n", {}),
        ("\ufeff\n\nstart_utc,import_wh\r\n2026-01-15T17:00Z,410250\r\n", {}),
        ("end_utc,import_kwh\n2026-01-15T17:30Z,410.25\n", {}),
        ("start;import_mwh\n2026-01-15T18:00+01:00;0.41025\n", {}),
        ("Timestamp\tValue\n2026-01-15 17:00\t410250\n", {"direction": "IMPORT", "unit": "Wh", "zone": "LONDON", "edge": "START"}),
        ("time,kwh,direction\n2026-01-15T17:30,410.25,import\n", {"zone": "UTC", "edge": "END"}),
        ("Settlement Date,SP,MPAN Core,import_kwh\n2026-01-15,35,1010000000019,410.25\n", {}),
    ],
)  # fmt: skip
def test_zone_edge_unit_and_direction_are_said_in_header_or_form(text, said):
    assert read(text, **said).half_hours["IMPORT"] == [HalfHour(FIRST, 410_250, "ACTUAL")]


@pytest.mark.parametrize(
    ("header", "said", "words"),
    [
        ("2026-01-15,35,410", {}, "No column of the header holds energy"),
        ("date,period", {}, "No column of the header holds energy"),
        ("import_kwh", {}, "neither date and period nor a time"),
        ("time,import_kwh", {}, "begin or end their periods"),
        ("start,value", {"direction": "IMPORT"}, "unit of 'value' is not said"),
        ("start,kwh", {}, "direction of 'kwh' is not said"),
        ("start,import_kw", {}, "not active energy"),
        ("start,import_kvarh", {}, "not active energy"),
        ("start_utc,import_kwh", {"zone": "LONDON"}, "Let both say the same"),
        ("start_utc,import_kwh", {"unit": "Wh"}, "different unit"),
        ("start_utc,import_kwh,unit", {}, "said twice"),
        ("start_utc,import_kwh,import_wh", {}, "same direction"),
        ("start_utc,start,import_kwh", {}, "Two columns"),
        ("date,period,import_kwh", {"minutes": 15}, "finer readings"),
        ("start_utc,import_kwh", {"minutes": 20}, "The minutes is 20"),
        ("start_utc,import_kwh", {"zone": "CET"}, "The zone is 'CET'"),
        ("", {}, "is empty"),
    ],
)
def test_a_header_that_leaves_something_open_is_refused_in_words(header, said, words):
    with pytest.raises(MeteringFileError, match=words):
        read(f"{header}\n", **said)


@pytest.mark.parametrize(
    ("row", "said", "words"),
    [
        ("2026-10-25 01:30,1", {"zone": "LONDON"}, ("Row 2: start", "2026-10-25 01:30", "twice on that day", "01:30+01:00")),
        ("2026-03-29 01:30,1", {"zone": "LONDON"}, ("do not show this time", "UTC")),
        ("2026-07-15T17:00Z,1", {"zone": "LONDON"}, ("do not have this offset",)),
        ("2026-01-15T17:00,1", {}, ("no zone", "+01:00")),
        ("2026-07-15T17:00+01:00,1", {"zone": "UTC"}, ("another offset",)),
        ("2026-01-15T17:10Z,1", {}, ("own grid", "starts or ends")),
        ("2026-01-15T17:00:01Z,1", {}, ("whole minute",)),
        ("1026-01-15T17:00Z,1", {}, ("before 2000",)),
        ("soon,1", {}, ("not a time",)),
        ("2026-11-25T11:45Z,1", {"minutes": 15, "edge": "START"}, ()),
        ("2026-11-25T12:00Z,1", {}, ("still to come",)),
        ("2026-01-15T17:00Z,-1", {}, ("never negative", "EXPORT")),
        ("2026-01-15T17:00Z,\"1,5\"", {}, ("plain number", "point")),
        ("2026-01-15T17:00Z,NaN", {}, ("plain number",)),
        ("2026-01-15T17:00Z,1,2", {}, ("3 cells under 2 columns",)),
        # A site of 2,000 kW takes 1,000 kWh in half an hour: 1,900 was kW, 410,000 was Wh.
        ("2026-01-15T17:00Z,1900", {}, ("at most 1,000,000 Wh", "not kW")),
        ("2026-01-15T17:00Z,410000", {}, ("thousand times smaller",)),
        ("2026-01-15T17:00Z,41000000000", {}, ("Check the unit",)),
        ("2026-01-15T17:00Z,1200", {}, ()),
        ("2026-01-15T17:00Z,0.41", {}, ("largest half hour is 410 Wh", "MWh that is called kWh", "nearly idle")),
        ("2026-01-15T17:00Z,0.41", {"small": True}, ()),
        ("2026-01-15T17:00Z,0", {}, ()),
    ],
)  # fmt: skip
def test_a_row_that_cannot_be_right_names_column_value_and_fix(row, said, words):
    text = f"start,import_kwh\n{row}\n"
    if words:
        problem = only_problem(text, **said)
        for word in words:
            assert word in problem
    else:
        assert read(text, **said).problems.total == 0


@pytest.mark.parametrize(
    ("day", "period", "words"),
    [
        ("2026-01-15", "49", "1 to 48"),
        ("2026-03-29", "47", "1 to 46, because the clocks go forward"),
        ("2026-10-25", "51", "1 to 50, because the clocks go back"),
        ("2026-01-15", "0", "1 to 48"),
        ("2026-01-15", "x", "1 to 48"),
        ("15/01/2026", "1", "not a date"),
        ("20260115", "1", "not a date"),
    ],
)
def test_a_settlement_period_that_the_day_does_not_have_is_named(day, period, words):
    assert words in only_problem(f"date,period,import_kwh\n{day},{period},400\n")


def test_two_ways_of_saying_when_must_agree():
    problem = only_problem("date,period,start_utc,import_kwh\n2026-07-15,35,2026-07-15T17:00Z,400\n")
    assert "period 35 begins at 16:00Z" in problem


@pytest.mark.parametrize(
    ("msid", "words"),
    [
        ("1010000000018", "check digit"),
        ("2310000000015", "not one of the site"),
        (EXPORT, "measures EXPORT"),
        (LEFT, "not registered for the site at 2026-01-15T17:00Z"),
        ("", "not made of digits"),
    ],
)
def test_an_unknown_or_wrong_meter_is_named(msid, words):
    assert words in only_problem(f"msid,start_utc,import_kwh\n{msid},2026-01-15T17:00Z,400\n")


@pytest.mark.parametrize(
    ("rows", "said", "words"),
    [
        (("17:00Z,400", "17:00Z,400"), {}, ("Row 3", "row 2 gives the same half hour", "once")),
        (("17:00Z,400", "17:00Z,401"), {}, ("another value", "one revision", "file of its own")),
        (("17:00Z,200", "17:00Z,200"), {"minutes": 15}, ("overlap",)),
    ],
)
def test_double_rows_overlaps_and_revisions_inside_one_file_are_told_apart(rows, said, words):
    problem = only_problem("start_utc,import_kwh\n" + "".join(f"2026-01-15T{row}\n" for row in rows), **said)
    for word in words:
        assert word in problem


def test_rows_that_say_start_and_end_may_not_overlap_or_last_something_else():
    head = "start_utc,end_utc,import_kwh\n"
    overlapping = head + "2026-01-15T17:00Z,2026-01-15T17:30Z,400\n2026-01-15T17:15Z,2026-01-15T17:30Z,200\n"
    assert "overlap" in only_problem(overlapping)
    assert "1, 5, 10, 15 or 30" in only_problem(head + "2026-01-15T17:00Z,2026-01-15T18:00Z,400\n")
    mixed = head + "2026-01-15T17:00Z,2026-01-15T17:15Z,200\n2026-01-15T17:15Z,2026-01-15T17:30Z,210.5\n"
    assert read(mixed).half_hours["IMPORT"] == [HalfHour(FIRST, 410_500, "ACTUAL")]


@pytest.mark.parametrize("minutes", [1, 5, 10, 15, 30])
@given(
    micro=st.lists(st.integers(0, 33_000_000_000), min_size=60, max_size=60), missing=st.integers(0, 59), data=st.data()
)
@limits(max_examples=15)
def test_minutes_are_summed_exactly_and_a_missing_one_is_a_gap(minutes, micro, missing, data):
    """Two half hours in any order, one row left out: its half hour is a gap, the other is the exact sum, rounded once."""
    count = 60 // minutes
    gone = missing % count
    rows = [(FIRST + index * timedelta(minutes=minutes), micro[index]) for index in range(count) if index != gone]
    text = "".join(
        f"{at:%Y-%m-%dT%H:%MZ},{Decimal(value).scaleb(-9)}\n" for at, value in data.draw(st.permutations(rows))
    )
    outcome = read(f"start_utc,import_kwh\n{text}", minutes=minutes, small=True)
    assert outcome.problems.total == 0
    half, partial = gone * minutes // 30, minutes < 30
    kept = FIRST + (1 - half) * timedelta(minutes=30)
    exact = sum((Decimal(value) for at, value in rows if kept <= at < kept + timedelta(minutes=30)), Decimal(0)).scaleb(
        -6
    )
    assert outcome.half_hours["IMPORT"] == [HalfHour(kept, int(exact.to_integral_value()), "ACTUAL")]
    assert outcome.gaps == ([Gap("IMPORT", FIRST + half * timedelta(minutes=30), 1, partial=True)] if partial else [])


@pytest.mark.parametrize("day", [date(2026, 3, 29), date(2026, 10, 25), date(2026, 1, 15)])
def test_a_whole_day_by_period_is_the_same_as_by_utc(day):
    starts = half_hours(day_start(day), day_start(day + timedelta(days=1)))
    periods = "".join(f"{day},{settlement_period(start)[1]},{400 + index}\n" for index, start in enumerate(starts))
    times = "".join(f"{start:%Y-%m-%dT%H:%MZ},{400 + index}\n" for index, start in enumerate(starts))
    by_period, by_time = read("date,period,import_kwh\n" + periods), read("start_utc,import_kwh\n" + times)
    assert len(by_period.half_hours["IMPORT"]) == len(starts)
    assert by_period.half_hours == by_time.half_hours


def test_columns_that_mean_nothing_here_are_named():
    outcome = read("Serial,date,start_utc,import_kwh\nE1,2026-01-15,2026-01-15T17:00Z,400\n")
    assert (outcome.ignored, len(outcome.half_hours["IMPORT"])) == (("Serial", "date"), 1)


def test_the_first_twenty_problems_are_listed_and_the_rest_counted():
    text = "start_utc,import_kwh\n" + "".join(f"2026-01-{day:02d}T17:00Z,-{day}\n" for day in range(1, 26))
    outcome = read(text + "2026-02-01T17:00Z,400\n")
    assert (len(outcome.problems.first), outcome.problems.more, outcome.problems.rows) == (20, 5, 25)
    assert (outcome.rows_accepted, outcome.half_hours) == (1, {})


def test_import_and_export_stand_side_by_side_and_the_worst_part_marks_the_half_hour():
    outcome = read(
        "start_utc,minutes,import_kwh,export_kwh,quality\n"
        "2026-01-15T17:00Z,15,200,0,A\n2026-01-15T17:15Z,15,200,1.5,SUSPECT\n2026-01-15T17:30Z,30,400,,E\n"
    )
    assert [one.quality for one in outcome.half_hours["IMPORT"]] == ["SUSPECT", "ESTIMATED"]
    assert outcome.half_hours["EXPORT"] == [HalfHour(FIRST, 1500, "SUSPECT")]


def test_a_parquet_file_is_the_same_as_its_csv():
    import pyarrow as pa
    import pyarrow.parquet as pq

    times = [FIRST, FIRST + timedelta(minutes=30)]
    file = io.BytesIO()
    pq.write_table(pa.table({"start": times, "import_kwh": [410.25, 398.1]}), file)
    outcome = read_readings(open_table(file.getvalue(), "r.parquet"), Said(), SITE)
    assert [one.wh for one in outcome.half_hours["IMPORT"]] == [410_250, 398_100]
    nested = io.BytesIO()
    pq.write_table(pa.table({"date": [[1]], "period": [{"a": 1}], "import_kwh": [[2]]}), nested)
    outcome = read_readings(open_table(nested.getvalue(), "r.parquet"), Said(), SITE)
    assert [one.problem for one in outcome.problems.first] == ["this is not a date"]
    with pytest.raises(MeteringFileError, match="damaged Parquet"):
        open_table(file.getvalue()[:-9], "r.parquet")


@pytest.mark.parametrize(
    ("content", "words"),
    [(b"\xff\xfe\x00", "UTF-8"), (b"a\x00b", "NUL"), (b" \n", "is empty"), (b'start,import_kwh\n"1', "row 2")],
)
def test_bytes_that_are_no_table_are_refused_in_words(content, words):
    with pytest.raises(MeteringFileError, match=words):
        read_readings(open_table(content, "f.csv"), Said(), SITE)


def test_rows_without_any_value_are_refused():
    with pytest.raises(MeteringFileError, match="No row holds a value"):
        read("date,period,direction,unit,value\n2026-01-15,35,IMPORT,kWh,\n")


def test_progress_is_told_and_may_stop():
    seen = []

    def stop(*counts: int) -> None:
        seen.append(counts)
        raise KeyboardInterrupt

    rows = [
        {"start": f"{FIRST + n * timedelta(minutes=30):%Y-%m-%dT%H:%MZ}", "import_wh": 400_000} for n in range(10_001)
    ]
    with pytest.raises(KeyboardInterrupt):
        read_readings(table_of(rows), Said(), SITE, stop)
    assert seen == [(10_000, 10_000, 0)]


@given(st.text(alphabet=st.characters(codec="utf-8"), max_size=80))
@limits(max_examples=40)
def test_any_text_is_read_or_refused_in_words(text):
    try:
        read(f"start,import_kwh,msid,quality,minutes\n{text}")
    except MeteringFileError as error:
        assert str(error)  # noqa: PT017 - either outcome is right; a fault of another kind is not
