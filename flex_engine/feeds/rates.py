"""Token buckets: how often each publisher's host may be asked. Limits are the publishers' own where they state one.

A bucket lives in one process; two of the same feed never run at once, because whoever collects holds its lease.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import urlsplit


@dataclass(slots=True)
class Bucket:
    """At most `burst` requests at once and one more every `every_s` seconds."""

    every_s: float
    burst: int
    clock: Callable[[], float] = time.monotonic
    pause: Callable[[float], None] = time.sleep
    tokens: float = field(init=False)
    filled: float = field(init=False)

    def __post_init__(self) -> None:
        self.tokens, self.filled = float(self.burst), self.clock()

    def take(self) -> float:
        """Wait until one more request is allowed; the seconds waited."""
        moment = self.clock()
        self.tokens = min(self.burst, self.tokens + (moment - self.filled) / self.every_s)
        self.filled = moment
        wait = max(0.0, (1.0 - self.tokens) * self.every_s)
        if wait:
            self.pause(wait)
            self.tokens, self.filled = self.tokens + wait / self.every_s, moment + wait
        self.tokens -= 1.0
        return wait


# Seconds between requests and how many may come at once.
RATES: dict[str, tuple[float, int]] = {
    "data.elexon.co.uk": (0.5, 2),  # none stated; a maintained client keeps to two a second
    "api.neso.energy": (30.0, 2),  # datastore: two a minute (neso.energy, API guidance)
    "web-api.tp.entsoe.eu": (0.15, 10),  # 400 a minute, then ten minutes of refusals
    "data.hub.api.metoffice.gov.uk": (10.0, 2),  # 360 a day on the free plan
}
OTHERS = (0.5, 4)


@dataclass(slots=True)
class Rates:
    """A bucket for each host, made when the host is first asked."""

    pause: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    buckets: dict[str, Bucket] = field(default_factory=dict)

    def take(self, url: str) -> float:
        """Wait for the bucket of this URL's host; the seconds waited."""
        host = urlsplit(url).hostname or ""
        if host not in self.buckets:
            every_s, burst = RATES.get(host, OTHERS)
            self.buckets[host] = Bucket(every_s, burst, self.clock, self.pause)
        return self.buckets[host].take()
