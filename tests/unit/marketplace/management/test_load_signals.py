"""Loading signals from a shell: what was loaded is said with its unit and source, and bad input is one sentence."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from marketplace.models import SignalPoint

FROM, TO = "2024-01-01", "2024-01-03"


def load(*arguments: str) -> str:
    out = StringIO()
    call_command("load_signals", *arguments, stdout=out)
    return out.getvalue()


def csv(tmp_path, *, skip=(), name="signals.csv"):
    """Two days of half hours."""
    path = tmp_path / name
    start = datetime(2024, 1, 1, tzinfo=UTC)
    rows = [f"{(start + i * timedelta(minutes=30)).isoformat()},{100 + i},{50 + i}" for i in range(96) if i not in skip]
    path.write_text("\n".join(["ts_utc,ci,system_price", *rows]) + "\n")
    return str(path)


def test_a_file_is_loaded_as_history_that_became_known_as_it_happened(db, tmp_path):
    said = load(csv(tmp_path), "--from", FROM, "--to", TO)
    assert "carbon_intensity: 96 half hours in gCO2e/kWh" in said
    assert "price: 96 half hours in GBP/MWh" in said
    assert said.strip().endswith("192 values were new")
    first = SignalPoint.objects.filter(series="price").earliest("start_at")
    assert (first.value, first.known_at - first.start_at) == (50, timedelta(minutes=30))
    assert load(csv(tmp_path), "--from", FROM, "--to", TO).strip().endswith("0 values were new")


def test_a_short_gap_is_bridged_and_labelled_and_a_long_one_is_refused_by_name(db, tmp_path):
    load(csv(tmp_path, skip={10, 11}), "--from", FROM, "--to", TO)
    assert set(SignalPoint.objects.values_list("label", flat=True)) == {"ESTIMATED"}
    SignalPoint.objects.all().delete()
    with pytest.raises(CommandError, match="2024-01-01"):
        load(csv(tmp_path, skip={10, 11, 12}), "--from", FROM, "--to", TO)
    assert not SignalPoint.objects.exists()


def test_without_a_file_everything_is_labelled_simulated(db):
    said = load("--from", FROM, "--to", TO, "--seed", "7")
    assert "synthetic, seed 7 (SIMULATED)" in said
    assert set(SignalPoint.objects.values_list("label", flat=True)) == {"SIMULATED"}


@pytest.mark.parametrize(
    ("start", "end", "words"),
    [
        (TO, FROM, "is not after"),
        (FROM, FROM, "is not after"),
        ("soon", TO, "is not a date"),
        (FROM, "2024-13-01", "is not a date"),
    ],
)
def test_odd_times_are_one_sentence(db, start, end, words):
    with pytest.raises(CommandError, match=words):
        load("--from", start, "--to", end)


@pytest.mark.parametrize("content", [None, b"", b"a,b\n1,2\n", b"ts_utc,ci,price\n2024-01-01 00:00,1,1\n", b"\x00\x01"])
def test_a_file_that_is_none_is_one_sentence(db, tmp_path, content):
    path = tmp_path / "signals.csv"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(CommandError) as caught:
        load(str(path), "--from", FROM, "--to", TO)
    assert "Traceback" not in str(caught.value)
    assert len(str(caught.value)) < 500
