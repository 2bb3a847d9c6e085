"""Signal files: columns, zones and gaps are named; nothing is read that the file does not say."""

from __future__ import annotations

import gzip
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet
import pytest

from flex_engine.feeds.file import UnreadableSignalsError, load_signals, read_signals
from flex_engine.quantities import Label
from flex_engine.series import MissingDataError
from flex_engine.timegrid import HALF_HOUR
from tests.shared_data import shared

START = datetime(2024, 1, 2, 9, tzinfo=UTC)
END = START + 4 * HALF_HOUR
REAL = "data/gb_joined_hh_2016_2024.parquet"


def lines(**columns: list[str]) -> str:
    rows = zip(*columns.values(), strict=True)
    return "\n".join([",".join(columns), *(",".join(row) for row in rows), ""])


TIMES = [f"{START + i * HALF_HOUR:%Y-%m-%dT%H:%MZ}" for i in range(4)]


@pytest.fixture
def file(tmp_path: Path):
    def write(text: str, name: str = "gb.csv") -> Path:
        path = tmp_path / name
        path.write_bytes(gzip.compress(text.encode()) if name.endswith(".gz") else text.encode())
        return path

    return write


@pytest.mark.parametrize("name", ["gb.csv", "gb.csv.gz"])
def test_a_csv_gives_both_series_with_their_facts(file, name: str):
    path = file(lines(ts_utc=TIMES, ci=["100", "110", "120", "130"], price=["50", "-5", "60.5", "70"]), name)
    found = read_signals(path, START, END)
    assert found.series["carbon_intensity"].values == (100.0, 110.0, 120.0, 130.0)
    assert found.series["price"].values == (50.0, -5.0, 60.5, 70.0)
    price = found.series["price"]
    assert (price.unit, price.source, price.label, price.as_of) == ("GBP/MWh", f"{name} price", Label.MEASURED, END)
    assert found.columns == {"time": "ts_utc", "carbon_intensity": "ci", "price": "price"}


def test_times_with_an_offset_are_the_same_instants(file):
    summer = [f"{START + i * HALF_HOUR + timedelta(hours=1):%Y-%m-%dT%H:%M:%S+01:00}" for i in range(4)]
    path = file(lines(start=summer, gco2_kwh=["1", "2", "3", "4"], system_price=["5", "6", "7", "8"]))
    assert load_signals(path, START, END)["carbon_intensity"].values == (1.0, 2.0, 3.0, 4.0)


def test_the_price_column_may_be_named(file):
    path = file(lines(ts_utc=TIMES, ci=["1"] * 4, system_price=["5"] * 4, day_ahead_price=["6"] * 4))
    assert load_signals(path, START, END)["price"].values[0] == 5.0
    assert load_signals(path, START, END, price_column="day_ahead_price")["price"].values[0] == 6.0


def test_a_gap_is_named_and_refused_or_filled_and_marked(file):
    path = file(lines(ts_utc=TIMES, ci=["100", "", "", "130"], price=["1", "2", "3", "4"]))
    with pytest.raises(MissingDataError, match="has no ci for 2 half hours: 2024-01-02T09:30Z to 2024-01-02T10:30Z"):
        read_signals(path, START, END)
    found = read_signals(path, START, END, fill_gaps=True)
    assert found.series["carbon_intensity"].values == (100.0, 110.0, 120.0, 130.0)
    assert found.series["carbon_intensity"].label == Label.ESTIMATED
    assert found.estimated == {"carbon_intensity": (START + HALF_HOUR, START + 2 * HALF_HOUR), "price": ()}
    assert found.series["price"].label == Label.MEASURED
    assert "2 filled" in found.series["carbon_intensity"].source


def test_a_gap_longer_than_an_hour_or_at_the_edge_is_never_filled(file):
    times = [f"{START + i * HALF_HOUR:%Y-%m-%dT%H:%MZ}" for i in range(5)]
    path = file(lines(ts_utc=times, ci=["1", "", "", "", "5"], price=["1"] * 5))
    with pytest.raises(MissingDataError, match="3 half hours"):
        read_signals(path, START, START + 5 * HALF_HOUR, fill_gaps=True)
    with pytest.raises(MissingDataError, match="Choose a window without them"):
        read_signals(path, START - HALF_HOUR, START + HALF_HOUR, fill_gaps=True)


def test_origins_decide_the_label(file):
    path = file(
        lines(ts_utc=TIMES, ci=["1"] * 4, ci_src=["reconstructed"] * 4, price=["1"] * 4, price_src=["simulated"] * 4)
    )
    found = load_signals(path, START, END)
    assert found["carbon_intensity"].label == Label.ESTIMATED
    assert found["price"].label == Label.SIMULATED


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        (lines(when=TIMES, ci=["1"] * 4, price=["1"] * 4), "no time column: the file has when, ci, price; name it ts_utc or utc or start"),
        (lines(ts_utc=TIMES, carbon=["1"] * 4, price=["1"] * 4), "no carbon intensity column"),
        (lines(ts_utc=TIMES, ci=["1"] * 4), "no price column"),
        (lines(ts_utc=["2024-01-02T09:00"] * 4, ci=["1"] * 4, price=["1"] * 4), "row 1: ts_utc '2024-01-02T09:00' has no time zone"),
        (lines(ts_utc=["soon"] * 4, ci=["1"] * 4, price=["1"] * 4), "row 1: ts_utc 'soon' is not a time"),
        (lines(ts_utc=["2024-01-02T09:10Z"] * 4, ci=["1"] * 4, price=["1"] * 4), "does not start a half hour"),
        (lines(ts_utc=[TIMES[0]] * 4, ci=["1"] * 4, price=["1"] * 4), "stands in rows 1 and 2; keep one"),
        (lines(ts_utc=TIMES, ci=["a"] * 4, price=["1"] * 4), "column ci holds string, not numbers"),
        (lines(ts_utc=["2024-01-02T09:00Z", "2024-01-02T10:00Z", "2024-01-02T11:00Z"], ci=["1"] * 3, price=["1"] * 3), "hours are not split"),
        (lines(ts_utc=TIMES, ci=["inf"] * 4, price=["1"] * 4), "row 1: ci is inf; leave the cell empty"),
    ],
)  # fmt: skip
def test_what_is_no_signal_file_says_why(file, text: str, sentence: str):
    with pytest.raises(UnreadableSignalsError, match=sentence):
        read_signals(file(text), START, END)


def test_other_files_are_refused(tmp_path: Path):
    (tmp_path / "gb.xlsx").write_bytes(b"PK")
    with pytest.raises(UnreadableSignalsError, match=r"gb.xlsx is neither .csv, .csv.gz nor .parquet"):
        read_signals(tmp_path / "gb.xlsx", START, END)
    (tmp_path / "gb.parquet").write_bytes(b"not parquet")
    with pytest.raises(UnreadableSignalsError, match="cannot be read"):
        read_signals(tmp_path / "gb.parquet", START, END)
    with pytest.raises(ValueError, match="no half hour lies between"):
        read_signals(tmp_path / "gb.parquet", START, START)


def test_a_parquet_timestamp_without_a_zone_is_refused(tmp_path: Path):
    table = pa.table({"ts_utc": pa.array([START.replace(tzinfo=None)]), "ci": [1.0], "price": [1.0]})
    pyarrow.parquet.write_table(table, tmp_path / "gb.parquet")
    with pytest.raises(UnreadableSignalsError, match="column ts_utc has no time zone"):
        read_signals(tmp_path / "gb.parquet", START, START + HALF_HOUR)


@pytest.mark.parametrize("week", ["2024-03-04", "2024-11-04"])
def test_a_week_of_real_2024_and_the_ten_weeks_before_it(week: str):
    start = datetime.fromisoformat(week).replace(tzinfo=UTC)
    first, last = start - timedelta(weeks=10), start + timedelta(days=8)
    found = load_signals(shared(REAL), first, last, fill_gaps=True)
    for series in found.values():
        assert (series.start, series.end, len(series.values)) == (first, last, 78 * 48)
    assert 0 < min(found["carbon_intensity"].values) < max(found["carbon_intensity"].values) < 500
    assert found["price"].source.startswith("gb_joined_hh_2016_2024.parquet system_price")


def test_a_reconstructed_year_is_labelled_estimated():
    start = datetime(2018, 3, 5, tzinfo=UTC)
    found = load_signals(shared(REAL), start, start + timedelta(days=7))
    assert found["carbon_intensity"].label == Label.ESTIMATED
    assert "reconstructed" in found["carbon_intensity"].source
