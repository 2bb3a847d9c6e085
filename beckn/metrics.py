"""Counters of the protocol, in the process's Prometheus registry; whoever serves metrics exposes them."""

from __future__ import annotations

from collections.abc import Iterable

from prometheus_client import Counter

TOLERANCES = Counter(
    "beckn_tolerance_total",
    "What was forgiven in received messages (beckn.wire.tolerance), by the verified sender.",
    ["tolerance", "profile", "subscriber"],
)


def forgiven(names: Iterable[str], *, profile: str, subscriber_id: str) -> None:
    """Count each tolerance that a verified message needed; senders are registered, so the labels are bounded."""
    for name in names:
        TOLERANCES.labels(tolerance=name, profile=profile, subscriber=subscriber_id).inc()
