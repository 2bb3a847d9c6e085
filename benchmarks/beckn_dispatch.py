"""How soon a dispatch is accepted: python -m benchmarks.beckn_dispatch [--orders N].

A real `manage.py up` with the demonstration's sites, jobs, signals and plan. A buyer of its own orders a slice of the best
offer N times, then dispatches each order over real sockets; a time is from before the update is signed to the arrival of its
on_update that says ACTIVATION_ACCEPTED. Every accepted dispatch is stored, checked against order and notice, and asks for a new
plan, which the worker makes beside the next. Times depend on the machine, so the load average is printed beside them.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import django

SETTINGS = "caco_site.settings"
TIMEOUT_S = 60.0


def main() -> int:
    """Set up, order, dispatch, report; the exit status is 0 when every dispatch was accepted."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--orders", type=int, default=100)
    parser.add_argument("--postgres", action="store_true", help="keep the installation's data in embedded PostgreSQL")
    wanted = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="caco-dispatch-") as folder:
        os.environ.update(DJANGO_SETTINGS_MODULE=SETTINGS, CACO_VAR=str(Path(folder) / "buyer"))
        django.setup()
        with (
            selling(Path(folder), ["--postgres"] if wanted.postgres else []) as (group, offer),
            buying(folder, group) as buyer,
        ):
            contracts = [ordered(buyer(), offer, wanted.orders) for _ in range(wanted.orders)]
            start = datetime.fromisoformat(offer["start_at"].replace("Z", "+00:00"))
            group.set_clock(start - timedelta(minutes=40))
            times = [dispatched(deal, contract) for deal, contract in contracts]
    report(times)
    return 0


@contextmanager
def selling(folder: Path, options: list[str]) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A running installation and its published offer."""
    from flex_engine.timegrid import floor_half_hour
    from marketplace.management import sale
    from marketplace.management.commands import demo
    from marketplace.management.process_group import ProcessGroup

    group = ProcessGroup(folder / "seller", log=folder / "up.log", options=options)
    try:
        group.start()
        operator = sale.Party(
            group.url, json.loads(group.command("demo_parties", "--json", "--tokens"))["tokens"]["operator"]
        )
        demo.Command().prepare(
            group, operator, seed=1, morning=floor_half_hour(datetime.now(UTC)) + timedelta(minutes=30)
        )
        yield group, sale.publish_best_offer(operator, site=demo.SITE, window=None)
    finally:
        group.stop()


@contextmanager
def buying(folder: str, group: Any) -> Iterator[Any]:
    """A function that begins a new deal with the seller, as one admitted buyer."""
    from django.conf import settings

    from beckn.client import identity
    from beckn.client.buyer import Buyer
    from beckn.client.listener import Listener
    from beckn.client.network import Network
    from beckn.wire.profile import LTS

    network = Network(f"{group.url}/beckn/registry")
    us = identity.load_or_make(Path(folder) / "buyer.json", subscriber_id="", port=0)
    listener, url = (
        Listener(us, network, settings.BECKN_NETWORK_ID, host="127.0.0.1", profile=LTS),
        f"http://127.0.0.1:{us.port}/bap",
    )
    with listener.listening():
        network.be_admitted(us, url, within_s=TIMEOUT_S)
        seller = network.seller("", "")
        yield lambda: Buyer(listener, seller, url, TIMEOUT_S, uuid.uuid4())


def ordered(buyer: Any, offer: dict[str, Any], share: int) -> tuple[Any, dict[str, Any]]:
    """One of `share` equal slices of the offer, confirmed."""
    from beckn.client import deal

    found = buyer.ask(
        "discover", {"intent": {"filters": {"type": "jsonpath", "expression": "$.catalogs[*].resources[*]"}}}
    )
    on_sale = deal.choices(found.get("catalogs"), seller=buyer.seller.party.subscriber_id)
    choice = next(one for one in on_sale if one.offer["id"] == offer["id"])
    kw = (min(Decimal(period["offered_kw"]) for period in offer["periods"]) / share).quantize(
        Decimal("0.001"), rounding="ROUND_DOWN"
    )
    us = buyer.listener.identity.signer.subscriber_id
    quoted = buyer.ask("select", deal.select_message(choice, kw=kw, buyer=us))["contract"]
    terms = buyer.ask("init", deal.again(quoted))["contract"]
    return buyer, buyer.ask("confirm", deal.again(terms))["contract"]


def dispatched(buyer: Any, contract: dict[str, Any]) -> float:
    """Seconds from the signature to the acceptance of a dispatch of all that was ordered."""
    from django.utils import timezone

    from beckn.client import deal

    told = deal.dispatch_message(contract, instruction_id=f"dispatch-{uuid.uuid4().hex[:8]}", now=timezone.now())
    begun = time.perf_counter()
    answer = buyer.ask("update", told)["contract"]
    took = time.perf_counter() - begun
    if "ACTIVATION_ACCEPTED" not in deal.codes(answer):
        sys.exit(f"a dispatch was not accepted: {sorted(deal.codes(answer))}")
    return took


def report(times: list[float]) -> None:
    """The figures."""
    ranked = sorted(times)
    figures = [1000 * ranked[min(len(ranked) - 1, int(share * len(ranked)))] for share in (0.5, 0.95, 0.99)]
    print(f"{len(times)} dispatches, one after the other, load average {os.getloadavg()[0]:.1f}")
    print(f"{'p50 ms':>8} {'p95 ms':>8} {'p99 ms':>8} {'worst ms':>9}")
    print(f"{figures[0]:8.0f} {figures[1]:8.0f} {figures[2]:8.0f} {1000 * ranked[-1]:9.0f}")


if __name__ == "__main__":
    sys.exit(main())
