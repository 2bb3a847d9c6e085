"""The market's clock, read at the doors only. Below them `now` is an argument.

It is real time, unless this is a DEMO installation with settings.MARKET_CLOCK_FILE: then the file's whole content is an
offset in seconds added to real time, so that a demonstration can live on recorded data and step over half hours.
Signatures, leases and the chain never use this clock.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.utils import timezone


def now() -> datetime:
    """The market's present, aware UTC."""
    return timezone.now() + offset()


def offset() -> timedelta:
    """How far the market's clock stands from real time; zero outside demonstrations."""
    file = getattr(settings, "MARKET_CLOCK_FILE", "")
    if not file or settings.ENVIRONMENT != "DEMO":
        return timedelta(0)
    path = Path(file)
    return timedelta(seconds=float(path.read_text())) if path.exists() else timedelta(0)


def is_simulated() -> bool:
    """Whether the clock shown is not real time."""
    return offset() != timedelta(0)
