"""What the protocol counts: events of the web processes, and what waits or was given up in the journal that all share.

Whoever serves metrics asks for `text`; who may see it is their affair.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator

from django.db.models import Count
from prometheus_client import REGISTRY, CollectorRegistry, Counter, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.multiprocess import MultiProcessCollector
from prometheus_client.registry import Collector

from beckn.models import InboxMessage, OutboxMessage

TOLERANCES = Counter(
    "beckn_tolerance_total",
    "What was forgiven in received messages (beckn.wire.tolerance), by the verified sender.",
    ["tolerance", "profile", "subscriber"],
)
# States in which a message waits for us or for a person; what is done is not counted: there is ever more of it.
OPEN = (
    ("in", InboxMessage.State.RECEIVED, "waiting"),
    ("in", InboxMessage.State.DEAD, "dead"),
    ("out", OutboxMessage.State.PENDING, "waiting"),
    ("out", OutboxMessage.State.DEAD, "dead"),
)


def forgiven(names: Iterable[str], *, profile: str, subscriber_id: str) -> None:
    """Count each tolerance that a verified message needed; senders are registered, so the labels are bounded."""
    for name in names:
        TOLERANCES.labels(tolerance=name, profile=profile, subscriber=subscriber_id).inc()


class Journal(Collector):
    """The journal's open messages, counted in the database when they are asked for."""

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """One gauge, by direction and by whether it waits or is a dead letter."""
        gauge = GaugeMetricFamily(
            "beckn_messages",
            "Messages that wait to be handled (in) or delivered (out), and dead letters.",
            labels=["direction", "state"],
        )
        held = {"in": counts(InboxMessage), "out": counts(OutboxMessage)}
        for direction, state, word in OPEN:
            gauge.add_metric([direction, word], held[direction].get(state, 0))
        yield gauge


def counts(model: type[InboxMessage] | type[OutboxMessage]) -> dict[str, int]:
    """How many messages stand in each open state."""
    states = {state.value for _, state, _ in OPEN}
    rows = model.objects.filter(state__in=states).order_by().values("state").annotate(count=Count("pk"))
    return dict(rows.values_list("state", "count"))


def text() -> bytes:
    """Everything in Prometheus' text format: the counters, and the journal's open messages.

    Web processes that share a port share their counters through the folder PROMETHEUS_MULTIPROC_DIR; one alone has its own,
    and figures of itself (memory, CPU time) beside them.
    """
    shared = CollectorRegistry()
    shared.register(Journal())
    if os.environ.get("PROMETHEUS_MULTIPROC_DIR"):
        MultiProcessCollector(shared)
        return generate_latest(shared)
    return generate_latest(REGISTRY) + generate_latest(shared)
