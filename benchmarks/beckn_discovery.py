"""How fast a search is answered: python -m benchmarks.beckn_discovery [--items N] [--catalogues N] [--searches N] [--rate R].

A real installation (web, Redis, worker) holds N items, published as messages are. A buyer in this process sends signed
discovers over real sockets and waits for the signed on_discover; a time is from before the signature to the arrival of the
callback. Four kinds of search are asked in turn. Times depend on the machine, so the load average is printed beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import django

from benchmarks.beckn_house import BUYER, House

# As caco_site.supervisor starts it.
WORKER = [sys.executable, "-m", "celery", "-A", "caco_site.celery", "worker", "--pool", "threads"]
SEED = """
import django, sys; django.setup()
from datetime import timedelta
from django.conf import settings
from django.db import transaction
from django.utils import timezone
from beckn.discovery.publication import publish
from beckn.wire.context import Party
items, catalogues = int(sys.argv[1]), int(sys.argv[2])
TYPE = "https://caco.example/schema/ComputeFlexResource/v1.0/context.jsonld"
SERIES = "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld"
def series(name, value, unit):
    return {"@context": SERIES, "@type": "TimeSeries", "intervalPeriod": {"start": "2026-01-15T17:00:00Z", "duration": "PT30M"},
            "payloadDescriptors": [{"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": name, "units": unit}],
            "intervals": [{"id": i, "payloads": [{"type": name, "values": [value]}]} for i in range(4)]}
def resource(n):
    about = {"@context": TYPE, "@type": "ComputeFlexResource", "direction": "INCREASE" if n % 3 == 0 else "REDUCE", "capacityType": "SHIFT",
             "maxCapacityKw": n % 1000, "noticePeriod": "PT15M", "maxEventsPerDay": 2, "gridZone": f"GSP:ZONE_{n % 50}",
             "location": {"geo": {"type": "Point", "coordinates": [-5 + (n % 100) * 7 // 100, 50 + n * 8 // items]}},
             "availability": series("CAPACITY_AVAILABLE", n % 1000, "KW")}
    return {"id": f"r{n}", "descriptor": {"name": f"Site {n} turn-down"}, "resourceAttributes": about}
def offer(n):
    terms = {"currency": "GBP", "participatingMeters": [f"msid-{n}"], "price": series("PRICE", 1, "GBP_PER_KWH")}
    return {"id": f"o{n}", "resourceIds": [f"r{n}"], "offerAttributes": {
        "@context": TYPE.replace("Resource", "SellOffer"), "@type": "ComputeFlexSellOffer",
        "inputs": [{"role": "seller", "participantId": "s", "inputs": terms}, {"role": "buyer", "participantId": None, "inputs": {}}]}}
each = items // catalogues
for c in range(catalogues):
    numbers = range(c * each, (c + 1) * each)
    told = {"id": f"cat-{c}", "descriptor": {"name": f"Catalogue {c}"}, "provider": {"id": f"p{c}", "descriptor": {"name": f"Provider {c}"}},
            "resources": [resource(n) for n in numbers], "offers": [offer(n) for n in numbers]}
    with transaction.atomic():
        done = publish(told, publisher=Party(f"seller-{c}.example", "https://s.example"), network_id=settings.BECKN_NETWORK_ID, now=timezone.now())
    assert done.row is not None, done.result
"""


def searches() -> dict[str, dict[str, Any]]:
    """The kinds of search, by name."""
    from beckn.wire.body import decimal

    rfc = "$.catalogs[*].resources[?(@.resourceAttributes.direction == 'REDUCE' && @.resourceAttributes.maxCapacityKw >= 995)]"
    sql = '$.catalogs[*].resources[*] ? (@.resourceAttributes.gridZone == "GSP:ZONE_7" && @.resourceAttributes.maxCapacityKw > 900)'
    near = {
        "op": "S_DWITHIN",
        "targets": "$['resourceAttributes']['location']['geo']",
        "geometry": {"type": "Point", "coordinates": [decimal("-1.54"), decimal("53.79")]},
        "distanceMeters": 50_000,
    }
    return {
        "RFC 9535": {"filters": {"type": "jsonpath", "expression": rfc}},
        "SQL/JSON": {"filters": {"type": "jsonpath", "expression": sql}},
        "words": {"textSearch": "site 4711"},
        "place": {"spatial": [near]},
    }


class Waiting:
    """The searches that are under way, and how long each took."""

    def __init__(self) -> None:
        self.begun: dict[str, tuple[float, str]] = {}
        self.took: dict[str, list[float]] = {}
        self.found: dict[str, int] = {}
        self.changed = threading.Condition()

    def arrived(self, raw: bytes) -> None:
        """An answer is here."""
        at, told = time.perf_counter(), json.loads(raw)
        with self.changed:
            begun, kind = self.begun.pop(told["context"]["messageId"])
            self.took.setdefault(kind, []).append(at - begun)
            self.found[kind] = sum(len(one["resources"]) for one in told["message"]["catalogs"])
            self.changed.notify_all()


def percentile(values: list[float], share: float) -> float:
    """The smallest value that `share` of the values do not exceed, in milliseconds."""
    ranked = sorted(values)
    return 1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))]


def ask(buyer: Any, house: House, kind: str, intent: dict[str, Any], waiting: Waiting) -> None:
    """Send one search."""
    told = buyer.envelope("discover", {"intent": intent}, receiver="ds")
    with waiting.changed:
        waiting.begun[told["context"]["messageId"]] = (time.perf_counter(), kind)
    answer = buyer.post(f"{house.url}/beckn/ds", told)
    if answer.status != 200:
        sys.exit(f"the search was refused: {answer.status} {answer.body[:500]!r}")


def run(house: House, buyer: Any, waiting: Waiting, wanted: argparse.Namespace) -> None:
    """All searches, `rate` a second, or one after the other when it is 0."""
    kinds = list(searches().items())
    begun = time.perf_counter()
    for number in range(wanted.searches):
        kind, intent = kinds[number % len(kinds)]
        if wanted.rate:
            time.sleep(max(0.0, begun + number / wanted.rate - time.perf_counter()))
        ask(buyer, house, kind, intent, waiting)
        if not wanted.rate:
            settle(waiting, house)
    settle(waiting, house)


def settle(waiting: Waiting, house: House) -> None:
    """Until every search is answered."""
    with waiting.changed:
        if not waiting.changed.wait_for(lambda: not waiting.begun, timeout=60):
            sys.exit(
                f"{len(waiting.begun)} searches were not answered in 60 s: {(house.var / 'worker.log').read_text()[-2000:]}"
            )


def report(waiting: Waiting, wanted: argparse.Namespace) -> None:
    """The figures, one line a kind."""
    how = f"{wanted.rate:g}/s" if wanted.rate else "one after the other"
    print(
        f"{wanted.items} items in {wanted.catalogues} catalogues, {wanted.searches} searches {how}, load {os.getloadavg()[0]:.1f}"
    )
    print(f"{'search':10} {'found':>6} {'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'worst ms':>9}")
    everything = [took for each in waiting.took.values() for took in each]
    for kind, took in [*waiting.took.items(), ("all", everything)]:
        found = waiting.found.get(kind, 0) if kind != "all" else statistics.mean(waiting.found.values())
        figures = [percentile(took, share) for share in (0.5, 0.95, 0.99)]
        print(f"{kind:10} {found:6.0f} {figures[0]:8.0f} {figures[1]:8.0f} {figures[2]:8.0f} {1000 * max(took):9.0f}")


def main() -> None:
    """Set up, seed, measure, report, clean up."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--items", type=int, default=10_000)
    parser.add_argument("--catalogues", type=int, default=100)
    parser.add_argument("--searches", type=int, default=200)
    parser.add_argument("--rate", type=float, default=0.0, help="searches a second; 0: one after the other")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="caco-discovery-") as folder:
        house = House(Path(folder) / "var")
        os.environ.update(house.env)
        django.setup()
        from beckn.testing import Listener, Participant
        from beckn.wire.signing import Signer

        buyer = Participant("bap", BUYER)
        buyer.signer = Signer.of(BUYER, "load-1", bytes.fromhex(house.seed))
        waiting, listener = Waiting(), Listener(buyer)

        def answer(got: Any) -> tuple[int, bytes]:
            waiting.arrived(got.raw)
            return listener.ack(got)

        listener.answer = answer
        try:
            with listener.listening():
                house.callback_url = buyer.url
                house.set_up()
                house.python(SEED, str(wanted.items), str(wanted.catalogues))
                house.spawn("worker", [*WORKER, "--concurrency", "4"])
                house.serve()
                for kind, intent in searches().items():  # the first of each waits for the worker to start
                    ask(buyer, house, kind, intent, waiting)
                settle(waiting, house)
                waiting.took.clear()
                run(house, buyer, waiting, wanted)
        finally:
            house.close()
        report(waiting, wanted)


if __name__ == "__main__":
    main()
