"""The market's clock is real time, except in a demonstration that says otherwise in a file; a broken file is never a guess."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from marketplace import clock

REAL = datetime(2026, 3, 2, 9, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def real_time(monkeypatch):
    monkeypatch.setattr(timezone, "now", lambda: REAL)


@pytest.fixture
def file(tmp_path, settings):
    path = tmp_path / "market_clock"
    settings.MARKET_CLOCK_FILE, settings.ENVIRONMENT = str(path), "DEMO"
    return path


@pytest.mark.parametrize("text", ["-86400.5", " 3600\n", "0", "1e3"])
def test_the_file_is_an_offset_in_seconds(file, text):
    file.write_text(text)
    assert clock.now() == REAL + timedelta(seconds=float(text))
    assert clock.is_simulated() == (float(text) != 0)


def test_without_a_file_it_is_real_time(file, settings):
    assert (clock.now(), clock.is_simulated()) == (REAL, False)
    settings.MARKET_CLOCK_FILE = ""
    assert clock.now() == REAL


@pytest.mark.parametrize("environment", ["SANDBOX", "LIVE", "demo", ""])
def test_only_a_demonstration_may_leave_real_time(file, settings, environment):
    file.write_text("-86400")
    settings.ENVIRONMENT = environment
    assert (clock.now(), clock.is_simulated()) == (REAL, False)


@pytest.mark.parametrize("text", ["", "soon", "nan", "inf", "-inf", "1e30", "1 2", "0x10"])
def test_a_file_without_a_number_stops_the_market_in_words(file, text):
    file.write_text(text)
    with pytest.raises(ImproperlyConfigured) as caught:
        clock.now()
    assert str(file) in str(caught.value)
    assert "offset from real time in seconds" in str(caught.value)


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_every_offset_that_is_written_is_read_back_to_the_microsecond(seconds):
    read = clock.parse_offset(f"{seconds:.6f}", "clock")
    assert abs(read.total_seconds() - seconds) <= 1e-6
