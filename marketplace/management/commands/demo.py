"""manage.py demo: load the demonstration into this installation, up to an accepted dispatch that starts soon.

It starts the installation for a moment with the market's clock set back, plays the morning through the real doors (signed
Beckn messages included), and lets the clock catch up. Run it once, before the server; running it again adds nothing.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from flex_engine.simulate.synthetic import jobs as synthetic_jobs
from flex_engine.timegrid import ceil_half_hour, floor_half_hour
from marketplace.management import sale
from marketplace.management.assumptions import as_csv, history_of, measured
from marketplace.management.process_group import NotReadyError, ProcessGroup
from marketplace.management.sale import Party, StepFailedError

HISTORY = timedelta(weeks=10)
AHEAD = timedelta(minutes=20)  # the dispatch needs 15 minutes of notice


class Command(BaseCommand):
    help = "Load three organisations, two sites, a week of jobs, ten weeks of signals and a dispatch that starts soon. Example: manage.py demo"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--postgres", action="store_true", help="keep the data in embedded PostgreSQL (see manage.py up)"
        )
        parser.add_argument("--seed", type=int, default=1, help="seed of everything simulated")

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT != "DEMO":
            raise CommandError(
                f"The demonstration is made up, and this installation is {settings.ENVIRONMENT}; give it a CACO_VAR of its own."
            )
        var = Path(settings.VAR_DIR)
        kept = ["--postgres"] if options["postgres"] else []
        group = ProcessGroup(var, log=var / "demo.log", private=False, options=kept)
        begun = time.monotonic()
        window = ceil_half_hour(datetime.now(UTC) + AHEAD)
        morning = floor_half_hour(window - timedelta(hours=6))
        try:
            group.set_clock(morning)
            group.start()
            added = self.play(group, seed=options["seed"], morning=morning, window=window)
            logins = group.command("demo_parties")
        except (NotReadyError, StepFailedError) as problem:
            raise CommandError(f"{problem}\nLogs are in {var / 'log'}.") from problem
        finally:
            group.stop()
            group.clock.unlink(missing_ok=True)
        told = f"loaded in {time.monotonic() - begun:.0f} s; a dispatch starts at {window:%H:%M}Z"
        self.stdout.write(f"demo: {told if added else 'this installation already holds orders; nothing was added'}")
        self.stdout.write(logins)

    def play(self, group: ProcessGroup, *, seed: int, morning: datetime, window: datetime) -> bool:
        """The morning, up to an accepted dispatch; False when it was played before."""
        made = json.loads(group.command("demo_parties", "--json", "--tokens"))
        operator, grid = Party(group.url, made["tokens"]["operator"]), Party(group.url, made["tokens"]["grid"])
        if operator.get("/orders")["results"]:
            return False
        self.day(group, operator, grid, seed=seed, morning=morning, window=window)
        return True

    def day(
        self, group: ProcessGroup, operator: Party, grid: Party, *, seed: int, morning: datetime, window: datetime
    ) -> None:
        """Signals, queue, plan, readings, offer, order and dispatch, each by its own door."""
        group.command(
            "load_signals",
            "--seed",
            str(seed),
            "--from",
            (morning - HISTORY).isoformat(),
            "--to",
            (morning + timedelta(days=8)).isoformat(),
        )
        for site, count in (("norwich", 240), ("cambridge", 60)):
            content = as_csv(synthetic_jobs(start=morning, days=7, count=count, seed=seed + count))
            sale.upload_jobs(operator, site=site, filename="week.csv", content=content, slack_hours=24, epoch=morning)
        plan = sale.wait_for_plan(operator, site="norwich")
        sale.wait_for_plan(operator, site="cambridge")
        readings = history_of(plan, seed=seed)
        body = [{"start": when.isoformat(), "import_wh": wh} for when, wh in sorted(readings.items())]
        operator.post(
            "/sites/norwich/readings", {"source": "demonstration meter", "label": "SIMULATED", "readings": body}
        )
        offer = sale.publish_best_offer(operator, site="norwich", window=(window, window + timedelta(hours=1)))
        search = sale.find_on_network(grid, offer_id=offer["id"])
        purchase = sale.buy(grid, search=search, offer_id=offer["id"], kw=offer["periods"][0]["offered_kw"])
        group.set_clock(window - timedelta(minutes=18))
        sale.dispatch(grid, purchase_id=purchase["id"])
        sale.wait_for_plan(operator, site="norwich", after=plan["id"])
        so_far = measured([plan], until=floor_half_hour(datetime.now(UTC)), seed=seed)
        body = [{"start": when.isoformat(), "import_wh": wh} for when, wh in sorted(so_far.items())]
        group.set_clock(datetime.now(UTC))
        if body:
            operator.post(
                "/sites/norwich/readings", {"source": "demonstration meter", "label": "SIMULATED", "readings": body}
            )
