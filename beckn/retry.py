"""How long to wait before trying again: doubling from two seconds to an hour, with jitter so that peers do not march in step."""

from __future__ import annotations

import random
from datetime import timedelta

FIRST_S = 2.0
LONGEST_S = 3600.0


def delay(attempt: int) -> timedelta:
    """The pause after attempt number `attempt` (from 1): half to all of 2, 4, 8 ... 3,600 s."""
    whole = min(LONGEST_S, FIRST_S * 2 ** (min(attempt, 32) - 1))
    return timedelta(seconds=whole * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret
