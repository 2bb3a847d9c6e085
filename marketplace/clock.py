"""The market's clock, read at the doors only. Below them `now` is an argument.

It is real time, unless this is a DEMO installation with settings.MARKET_CLOCK_FILE: then the file's whole content is an
offset in seconds added to real time, so that a demonstration can live on recorded data and step over half hours.
Signatures, leases, the outbox and the chain never use this clock.
"""

from __future__ import annotations

import math
from datetime import datetime, timedelta
from pathlib import Path

from django.conf import settings
from django.core.exceptions import ImproperlyConfigured
from django.utils import timezone


def now() -> datetime:
    """The market's present, aware UTC. Raises ImproperlyConfigured when the clock file holds no number."""
    return timezone.now() + offset()


def offset() -> timedelta:
    """How far the market's clock stands from real time; zero outside demonstrations, and while there is no file."""
    file = settings.MARKET_CLOCK_FILE
    if not file or settings.ENVIRONMENT != "DEMO":
        return timedelta(0)
    try:
        text = Path(file).read_text()
    except FileNotFoundError:
        return timedelta(0)
    return parse_offset(text, file)


def parse_offset(text: str, file: str) -> timedelta:
    """Read the file's content; raises ImproperlyConfigured in words, because a market on a guessed time sells nonsense."""
    try:
        seconds = float(text)
        if not math.isfinite(seconds):
            raise ValueError("not finite")
        return timedelta(seconds=seconds)
    except (ValueError, OverflowError) as problem:
        raise ImproperlyConfigured(
            f"the market clock file {file} holds {text[:40]!r}; write one number, the offset from real time in seconds, or remove it"
        ) from problem


def is_simulated() -> bool:
    """Whether the market's clock stands away from real time; pages then say so."""
    return offset() != timedelta(0)
