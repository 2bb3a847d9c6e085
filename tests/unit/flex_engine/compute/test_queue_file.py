"""Job queues in every format: good rows become jobs, bad rows are named with column, value, problem and fix."""

from __future__ import annotations

import gzip
import io
import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pyarrow as pa
import pyarrow.parquet
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flex_engine.compute.queue_file import QueueDefaults, UnreadableFileError, parse
from flex_engine.quantities import Label
from tests.shared_data import shared

MONDAY = datetime(2026, 3, 2, tzinfo=UTC)
DEFAULTS = QueueDefaults(kw_per_cpu=0.5, kw_per_gpu=2.0, pue=1.25, slack=timedelta(hours=24), epoch=MONDAY)
GOOD = "id,arrival,deadline,duration,power_kw\na,2026-03-02T09:00Z,2026-03-02T18:00Z,2:30,40\n"


def read(text: str, defaults: QueueDefaults = DEFAULTS) -> Any:
    return parse(text.encode(), "queue.csv", defaults=defaults)


def test_a_plain_row_becomes_a_job():
    (job,) = read(GOOD).jobs
    assert (job.id, job.arrival, job.deadline) == ("a", MONDAY + timedelta(hours=9), MONDAY + timedelta(hours=18))
    assert (job.duration_s, job.power_kw, job.power_label, job.deadline_label) == (
        9000,
        40.0,
        Label.MEASURED,
        Label.MEASURED,
    )
    assert (job.preemptible, job.tier) == (True, "BATCH")


ROW = {"id": "a", "arrival": "2026-03-02T09:00Z", "deadline": "2026-03-02T18:00Z", "duration": "3600", "power_kw": "40"}


@pytest.mark.parametrize(
    ("column", "value", "problem", "fix"),
    [
        ("arrival", "tomorrow", "this is not a time", "Write it like"),
        ("arrival", "2026-03-02T09:00", "this time has no zone", "Z for UTC"),
        ("arrival", "", "this is not a time", "Write it like"),
        ("duration", "two hours", "this is not a duration", "PT2H30M"),
        ("duration", "-5", "a duration is more than nothing", "Check the unit"),
        ("duration", "0", "a duration is more than nothing", "Check the unit"),
        ("duration", "999999999", "at most a year", "Check the unit"),
        ("power_kw", "40 kW", "this is not a plain number", "Write digits"),
        ("power_kw", "-1", "this must be more than 0", "Check the sign"),
        ("power_kw", "nan", "this is not a plain number", "Write digits"),
        ("power_kw", "2e6", "this is more than 1e+06", "Check the unit"),
        ("deadline", "2026-03-02T09:30Z", "does not fit between arrival and deadline", "later deadline"),
        ("preemptible", "maybe", "this is neither yes nor no", "true or false"),
        ("cpus", "-1", "this must be at least 0", "Check the sign"),
    ],
)
def test_a_bad_cell_is_named_and_the_rows_around_it_survive(column: str, value: str, problem: str, fix: str):
    bad = ROW | {column: value}
    rows = [
        ROW | {"id": "before", column: ROW.get(column, "")},
        bad,
        ROW | {"id": "after", column: ROW.get(column, "")},
    ]
    header = list(bad)
    text = "\n".join([",".join(header), *(",".join(row[name] for name in header) for row in rows)])
    found = read(text)
    assert [job.id for job in found.jobs] == ["before", "after"]
    (error,) = found.errors
    assert (error.row, error.column, error.value) == (3, column, value)
    assert problem in error.problem
    assert fix in error.fix


def test_a_row_with_too_many_cells_and_a_line_that_is_no_json_are_errors_of_their_row():
    found = read(
        GOOD + "b,2026-03-02T09:00Z,2026-03-02T18:00Z,3600,40,surprise\nc,2026-03-02T09:00Z,2026-03-02T18:00Z,3600,41\n"
    )
    assert [job.id for job in found.jobs] == ["a", "c"]
    assert [(e.row, e.column, e.problem) for e in found.errors] == [(3, "row", "there are 6 cells under 5 columns")]
    lines = [json.dumps(ROW), "{not json", "[1]", json.dumps(ROW | {"id": "b"})]
    found = parse("\n".join(lines).encode(), "queue.jsonl", defaults=DEFAULTS)
    assert [job.id for job in found.jobs] == ["a", "b"]
    assert [(e.row, e.column) for e in found.errors] == [(2, "row"), (3, "row")]
    assert all(e.fix == "Write one JSON object a line." for e in found.errors)


def test_an_id_may_stand_once():
    found = read(GOOD + "a,2026-03-02T09:00Z,2026-03-02T18:00Z,3600,40\n")
    assert [(e.row, e.column, e.value) for e in found.errors] == [(3, "id", "a")]


def test_everything_filled_in_is_said_with_its_label():
    found = read("arrival_h,length_h,cpus,gpus\n1.5,0.5,4,1\n")
    (job,) = found.jobs
    assert job.arrival == MONDAY + timedelta(minutes=90)
    assert job.deadline == job.arrival + timedelta(minutes=30, hours=24)
    assert job.power_kw == pytest.approx((4 * 0.5 + 2.0) * 1.25)
    assert (job.power_label, job.deadline_label, job.id) == (Label.ESTIMATED, Label.ASSUMED, "row-2")
    said = {a.name: (a.value, a.label) for a in found.assumptions}
    assert said == {
        "deadline slack": ("24 h", Label.ASSUMED),
        "power": ("0.5 kW a CPU, 2 kW a GPU, PUE 1.25", Label.ESTIMATED),
        "time zero": (MONDAY.isoformat(), Label.ASSUMED),
        "id": ("row number", Label.ASSUMED),
    }
    assert read(GOOD).assumptions == []


def test_nothing_is_guessed_without_a_default():
    nothing = QueueDefaults()
    assert [e.problem for e in read("arrival,duration,cpus\n2026-03-02T09:00Z,60,1\n", nothing).errors] == [
        "there is no deadline"
    ]
    assert [e.problem for e in read("arrival,duration,cpus\n0,60,1\n", nothing).errors] == [
        "this counts from an unknown start"
    ]
    (error,) = read("arrival,deadline,duration\n2026-03-02T09:00Z,2026-03-03T09:00Z,60\n", nothing).errors
    assert (error.column, error.fix) == ("power_kw", "Give power_kw, or cpus and the site's kW per CPU.")


def test_an_unknown_column_is_reported_and_not_used():
    (error,) = read("arrival,duration,power_kw,colour\n2026-03-02T09:00Z,60,1,red\n").errors
    assert (error.row, error.column) == (1, "colour")


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "queue.csv is empty"),
        (b"id,arrival,duration\n", "has a header but no jobs"),
        (b"id,power\n1,2\n", "has no column arrival or duration"),
        (b"arrival,duration,length\n1,2,3\n", "gives duration twice; the second time as 'length'"),
        (b"arrival,arrival,duration\n1,2,3\n", "names a column twice in its header"),
        (b"\xff\xfe\x00", "is not UTF-8 text"),
        (b"\x1f\x8bgarbage", "is a damaged gzip file"),
        (gzip.compress(GOOD.encode(), mtime=0)[:-12], "ends too early"),
        (b"PAR1 and then nothing", "is a damaged Parquet file"),
        (b'[{"arrival": 1}]', "is a JSON list"),
        (b'arrival,duration\n"2026,60\n', "row 2: unexpected end of data"),
    ],
)
def test_a_file_that_cannot_be_read_says_why_in_one_sentence(content: bytes, sentence: str):
    with pytest.raises(UnreadableFileError, match=sentence):
        parse(content, "queue.csv", defaults=DEFAULTS)


def test_limits_hold():
    many = GOOD + "".join(f"j{i},2026-03-02T09:00Z,2026-03-02T18:00Z,60,1\n" for i in range(20))
    with pytest.raises(UnreadableFileError, match="has more than 10 rows; split it"):
        read(many, QueueDefaults(max_rows=10))


def as_parquet(rows: list[dict[str, Any]]) -> bytes:
    out = io.BytesIO()
    pyarrow.parquet.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


texts = st.integers(0, 10_000).map(lambda n: f"job-{n}")
jobs = st.lists(
    st.fixed_dictionaries(
        {
            "id": texts,
            "arrival": st.integers(0, 7 * 86400).map(lambda s: (MONDAY + timedelta(seconds=s)).isoformat()),
            "duration": st.integers(1, 86400),
            "power_kw": st.integers(1, 10**6).map(lambda n: n / 1000),
            "preemptible": st.booleans(),
        }
    ),
    min_size=1,
    max_size=12,
    unique_by=lambda row: row["id"],
)


@settings(max_examples=30)
@given(jobs)
def test_the_four_formats_say_the_same(rows: list[dict[str, Any]]):
    rows = [{name: row[name] for name in ("id", "arrival", "duration", "power_kw", "preemptible")} for row in rows]
    csv = "\n".join([",".join(rows[0]), *(",".join(str(value) for value in row.values()) for row in rows)])
    formats = [
        csv.encode(),
        gzip.compress(csv.encode()),
        csv.replace(",", ";").encode("utf-8-sig"),
        "\n".join(json.dumps(row) for row in rows).encode(),
        as_parquet(rows),
    ]
    first, *others = [parse(content, "queue", defaults=DEFAULTS) for content in formats]
    assert first.errors == []
    assert [job.duration_s for job in first.jobs] == [row["duration"] for row in rows]
    for other in others:
        assert other.jobs == first.jobs


@settings(max_examples=100)
@given(
    st.one_of(
        st.binary(max_size=300), st.text(max_size=300).map(lambda t: ("arrival,duration,power_kw\n" + t).encode())
    )
)
def test_no_input_breaks_the_reader(content: bytes):
    try:
        found = parse(content, "queue.csv", defaults=DEFAULTS)
    except UnreadableFileError:
        return  # a sentence for the file as a whole
    bad_rows = {error.row for error in found.errors if error.row > 1}
    assert found.rows_total == len(found.jobs) + len(bad_rows)


def test_the_gaia_trace_is_read_as_published():
    path = shared("data/gaia_pai_1k_seconds.csv.gz")
    found = parse(path.read_bytes(), path.name, defaults=DEFAULTS)
    assert (len(found.jobs), found.errors) == (1000, [])
    assert (found.jobs[0].arrival, found.jobs[0].duration_s, found.jobs[0].cpus) == (MONDAY, 6302, 1.0)


def test_columns_of_the_hundred_thousand_job_parquet_are_known():
    path = shared("data/trace_jobs_pai_100k.parquet")
    head = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.parquet.read_table(path).slice(0, 500), head)
    found = parse(head.getvalue(), path.name, defaults=DEFAULTS)
    assert (len(found.jobs), found.errors) == (500, [])
    assert found.jobs[1].arrival == MONDAY + timedelta(hours=0.5769444444444503)
