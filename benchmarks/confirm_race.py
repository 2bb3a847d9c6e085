"""Is the last of a site's capacity ever sold twice? Two buyers confirm it at the same moment, many times over.

    .venv/bin/python -m benchmarks.confirm_race --trials 500
    script/with-postgres .venv/bin/python -m benchmarks.confirm_race --trials 500

Real use cases on a throw-away database, two threads with a connection each and one starting line. In every second trial the
two buyers have bought from different offers of the same site, for two services, that cover the same half hour: only the
site's own row can tell that both together are too much. After every trial the books are read: one order confirmed, one
refused for want of quantity, the site's capacity reserved to the watt and not beyond, and the stacking ledger adding up to it.
"""

from __future__ import annotations

import argparse
import os
import sys
import threading
import uuid
from collections import Counter
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from time import perf_counter
from typing import Any

import django

NOW = datetime(2026, 7, 1, 8, tzinfo=UTC)
CAPACITY = Decimal("100.125")
PRODUCTS = ("OPERATIONAL_UTILISATION", "NESO_DFS")
EXPECTED = ["BIZ_QUANTITY_UNAVAILABLE", "CONFIRMED"]


def a_site() -> Any:
    """A site with a plan, both as rows."""
    from marketplace.models import Organisation, Plan, Site

    name = f"race-{uuid.uuid4().hex[:8]}"
    owner = Organisation.objects.create(name=name, slug=name, kind="OPERATOR", created_at=NOW)
    site = Site.objects.create(
        organisation=owner, name=name, slug=name, import_limit_kw=2000, msid="1900000000001", latitude=53, longitude=-1,
        created_at=NOW,
    )  # fmt: skip
    Plan.objects.create(site=site, state="READY", created_at=NOW, start_at=NOW, slots=2, load_kw=[1000.0] * 2)
    return site


def offers_of(site: Any, start: datetime, *, how_many: int) -> list[Any]:
    """Offers of one half hour from `start`, on sale, each of the whole capacity."""
    from marketplace.models import Offer, OfferPeriod

    found = []
    for product in PRODUCTS[:how_many]:
        offer = Offer.objects.create(
            site=site, plan=site.plans.get(), state="PUBLISHED", product=product, start_at=start,
            end_at=start + timedelta(minutes=30), gate_closure_at=start, utilisation_price_gbp_per_kwh=Decimal("0.25"),
            shortfall_penalty_gbp_per_kwh=0, certificate={"holds": True, "reference_kw": ["1000"]}, created_at=NOW,
        )  # fmt: skip
        OfferPeriod.objects.create(offer=offer, start_at=start, offered_kw=CAPACITY)
        found.append(offer)
    return found


def agreed(offer: Any, buyer: str) -> Any:
    """An order for all of the offer whose terms are agreed."""
    from marketplace.usecases.initialise_order import initialise_order
    from marketplace.usecases.quote_order import quote_order

    deal: dict[str, Any] = {"transaction_id": uuid.uuid4(), "buyer_subscriber_id": buyer, "now": NOW}
    quote_order(offer_id=str(offer.pk), kw=CAPACITY, periods=None, **deal)
    initialise_order(**deal)
    return deal


class Buyer(threading.Thread):
    """Confirms when the other is ready as well, and keeps what came of it."""

    def __init__(self, deal: Any, line: threading.Barrier) -> None:
        super().__init__()
        self.deal, self.line, self.told = deal, line, "nothing"

    def run(self) -> None:
        """Wait at the line, then confirm."""
        from django.db import connection

        from marketplace.rules.errors import MarketError
        from marketplace.usecases.confirm_order import confirm_order

        self.line.wait()
        try:
            self.told = str(confirm_order(agreed_pence=None, **self.deal).state)
        except MarketError as problem:
            self.told = problem.code
        except Exception as problem:  # noqa: BLE001 - a fault must be counted as one
            self.told = f"fault: {problem!r}"
        finally:
            connection.close()


def books(site: Any, start: datetime) -> tuple[Decimal, Decimal, Decimal]:
    """(deliverable, reserved, sum of held rows) of the half hour, in kW."""
    from marketplace.models import SiteCapacity, StackingRow

    row = SiteCapacity.objects.get(site=site, start_at=start)
    held = StackingRow.objects.filter(site=site, start_at=start, state="HELD").exclude(form="CO_DELIVERY")
    return row.deliverable_kw, row.reserved_kw, sum((one.kw for one in held), Decimal(0))


def campaign(trials: int) -> Counter[str]:
    """Run so many trials on the database that is set up. Counts those that ended right, and every other ending by its words."""
    site, told = a_site(), Counter[str]()
    for number in range(trials):
        start = NOW + timedelta(days=1, minutes=30 * number)
        offers = offers_of(site, start, how_many=1 + number % 2)
        deals = [agreed(offers[0], "first.example"), agreed(offers[-1], "second.example")]
        line = threading.Barrier(2, timeout=60)
        buyers = [Buyer(deal, line) for deal in deals]
        for buyer in buyers:
            buyer.start()
        for buyer in buyers:
            buyer.join()
        ending = (sorted(buyer.told for buyer in buyers), books(site, start))
        right = ending == (EXPECTED, (CAPACITY, CAPACITY, CAPACITY))
        told["right" if right else f"wrong: {ending}"] += 1
        told["first won" if buyers[0].told == "CONFIRMED" else "second won"] += 1
    return told


def main() -> int:
    """Make the database, run, report; 1 if any trial ended otherwise than it must."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--trials", type=int, default=500)
    asked = parser.parse_args()
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "tests.settings")
    django.setup()
    from django.db import connection
    from django.test.utils import setup_databases, teardown_databases

    made = setup_databases(verbosity=0, interactive=False)
    try:
        begun = perf_counter()
        told = campaign(asked.trials)
        print(f"{connection.vendor}: {asked.trials} trials in {perf_counter() - begun:.0f} s: {dict(told)}")
    finally:
        teardown_databases(made, verbosity=0)
    return int(told["right"] != asked.trials)


if __name__ == "__main__":
    sys.exit(main())
