"""When the world under test is: a winter afternoon, and the half hours its plan covers."""

from __future__ import annotations

from datetime import UTC, datetime

NOW = datetime(2024, 1, 16, 13, 10, tzinfo=UTC)
START = NOW.replace(minute=0)
SLOTS = 96
