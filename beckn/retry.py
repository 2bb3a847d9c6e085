"""How long to wait before trying again: doubling from two seconds to an hour, with jitter so that peers do not march in step."""

from __future__ import annotations

import random
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

FIRST_S = 2.0
LONGEST_S = 3600.0


def delay(attempt: int) -> timedelta:
    """The pause after attempt number `attempt` (from 1): half to all of 2, 4, 8 ... 3,600 s."""
    whole = min(LONGEST_S, FIRST_S * 2 ** (min(attempt, 32) - 1))
    return timedelta(seconds=whole * random.uniform(0.5, 1.0))  # noqa: S311 - jitter, not a secret


# The standard's retryPolicy of a subscription, for whatever a subscriber's own leaves out.
POLICY = {"maxRetries": 5, "initialDelaySeconds": 5, "maxDelaySeconds": 300, "backoffMultiplier": 2}


def by_policy(policy: Mapping[str, Any], attempt: int) -> timedelta | None:
    """The pause after attempt number `attempt` (from 1) that a receiver asked for; None when it wants no further attempt.

    >>> [by_policy({"maxRetries": 2, "initialDelaySeconds": 10}, attempt) for attempt in (1, 2, 3)]
    [datetime.timedelta(seconds=10), datetime.timedelta(seconds=20), None]
    """
    told = {name: float(value) for name, value in {**POLICY, **policy}.items() if name in POLICY}
    if attempt > told["maxRetries"]:
        return None
    growth = told["backoffMultiplier"] ** min(attempt - 1, 32)
    return timedelta(seconds=min(told["maxDelaySeconds"], told["initialDelaySeconds"] * growth))
