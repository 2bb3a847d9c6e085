"""manage.py demo: load the demonstration into this installation, up to an accepted dispatch that starts soon.

It starts the installation for a moment and plays a day through the real doors (signed Beckn messages included). The
market's clock (VAR/market_clock) is then set a few minutes before the dispatch, and every page says that it is simulated:
the best window is where the plan puts the work, not where we happen to look. Running it again adds nothing.
"""

from __future__ import annotations

import json
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from flex_engine.settle.versions import FIRST
from flex_engine.simulate.synthetic import jobs as synthetic_jobs
from flex_engine.timegrid import floor_half_hour
from marketplace import clock
from marketplace.management import sale
from marketplace.management.assumptions import as_csv, history_of, measured
from marketplace.management.later_runs import LATEST, play_runs, wait_for_run
from marketplace.management.process_group import NotReadyError, ProcessGroup
from marketplace.management.sale import Party, StepFailedError

SITE = "norwich"
HISTORY = timedelta(weeks=10)
OVERRUN = 0.12  # of what was offered, so that money is at stake in the later runs
AHEAD = timedelta(minutes=20)  # of the dispatch; it needs 15 minutes of notice


class Command(BaseCommand):
    help = "Load three organisations, two sites, a week of jobs, ten weeks of signals and a dispatch that starts soon. Example: manage.py demo"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--postgres", action="store_true", help="keep the data in embedded PostgreSQL (see manage.py up)"
        )
        parser.add_argument("--seed", type=int, default=1, help="seed of everything simulated")
        parser.add_argument(
            "--through",
            choices=LATEST,
            help="go on past the dispatch: meter it, settle it, and bring every run up to this one, with restated readings",
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if settings.ENVIRONMENT != "DEMO":
            raise CommandError(
                f"The demonstration is made up, and this installation is {settings.ENVIRONMENT}; give it a CACO_VAR of its own."
            )
        var = Path(settings.VAR_DIR)
        options_of_up = ["--postgres"] if options["postgres"] else []
        group = ProcessGroup(var, log=var / "demo.log", private=False, options=options_of_up)
        begun = time.monotonic()
        try:
            group.start()
            start = self.play(group, seed=options["seed"], through=options["through"])
            logins = group.command("demo_parties")
        except (NotReadyError, StepFailedError) as problem:
            raise CommandError(f"{problem}\nLogs are in {var / 'log'}.") from problem
        finally:
            group.stop()
        if start is None:
            self.stdout.write("demo: this installation already holds orders; nothing was added")
        else:
            self.stdout.write(
                f"demo: loaded in {time.monotonic() - begun:.0f} s; the market's clock reads {clock.now():%Y-%m-%d %H:%M}Z "
                f"(simulated), and a dispatch {'was settled that started' if options['through'] else 'starts'} at {start:%Y-%m-%d %H:%M}Z"
            )
        self.stdout.write(logins)

    def play(self, group: ProcessGroup, *, seed: int, through: str | None) -> datetime | None:
        """A day at the market up to an accepted dispatch, or `through` a run; returns when the dispatch starts.

        None when it was played before.
        """
        made = json.loads(group.command("demo_parties", "--json", "--tokens"))
        operator, grid = Party(group.url, made["tokens"]["operator"]), Party(group.url, made["tokens"]["grid"])
        if operator.get("/orders")["results"]:
            return None
        morning = floor_half_hour(datetime.now(UTC))
        plan = self.prepare(group, operator, seed=seed, morning=morning)
        offer = sale.publish_best_offer(operator, site=SITE, window=None)
        search = sale.find_on_network(grid, offer_id=offer["id"])
        purchase = sale.buy(grid, search=search, offer_id=offer["id"], kw=offer["periods"][0]["offered_kw"])
        start = datetime.fromisoformat(offer["start_at"].replace("Z", "+00:00"))
        group.set_clock(start - AHEAD)
        sale.dispatch(grid, purchase_id=purchase["id"])
        replan = sale.wait_for_plan(operator, site=SITE, after=plan["id"])
        read_meter(operator, measured([plan, replan], until=floor_half_hour(start - AHEAD), seed=seed))
        if through:
            self.settle(
                group,
                operator,
                offer=offer,
                order=purchase["contract_id"],
                plans=[plan, replan],
                seed=seed,
                through=through,
            )
        return start

    def settle(
        self,
        group: ProcessGroup,
        operator: Party,
        *,
        offer: dict[str, Any],
        order: str,
        plans: list[dict[str, Any]],
        seed: int,
        through: str,
    ) -> None:
        """Let the window pass, meter it, and bring the runs."""
        start, end = (datetime.fromisoformat(offer[key].replace("Z", "+00:00")) for key in ("start_at", "end_at"))
        group.set_clock(end + timedelta(minutes=5))
        readings = measured(plans, until=end, seed=seed)
        overrun = int(float(offer["periods"][-1]["offered_kw"]) * 500 * OVERRUN)
        readings[max(readings)] += overrun
        self.stdout.write(f"demo: a job overran in the last half hour by {overrun / 1000:.3f} kWh (Simulated)")
        read_meter(operator, readings)
        first = wait_for_run(operator, order, FIRST)
        self.stdout.write(
            f"demo: run II: {first['delivered_wh'] / 1000:.3f} kWh delivered, {first['amount_pence'] / 100:+.2f} GBP"
        )
        window = {when: wh for when, wh in readings.items() if start <= when < end}
        say = self.stdout.write
        play_runs(
            group,
            operator,
            site=SITE,
            order=order,
            window=window,
            through=through,
            seed=seed,
            say=lambda line: say(f"demo: {line}"),
        )

    def prepare(self, group: ProcessGroup, operator: Party, *, seed: int, morning: datetime) -> dict[str, Any]:
        """Signals, a week of jobs at two sites, their plans, and the first site's readings; returns its plan."""
        bounds = ["--from", (morning - HISTORY).isoformat(), "--to", (morning + timedelta(days=10)).isoformat()]
        group.command("load_signals", "--seed", str(seed), *bounds)
        for site, count in ((SITE, 240), ("cambridge", 60)):
            content = as_csv(synthetic_jobs(start=morning, days=7, count=count, seed=seed + count))
            sale.upload_jobs(operator, site=site, filename="week.csv", content=content, slack_hours=24, epoch=morning)
        plan = sale.wait_for_plan(operator, site=SITE)
        sale.wait_for_plan(operator, site="cambridge")
        read_meter(operator, history_of(plan, seed=seed))
        return plan


def read_meter(operator: Party, readings: dict[datetime, int]) -> None:
    """Send simulated readings of the first site, half hour -> Wh."""
    body = [{"start": when.isoformat(), "import_wh": wh} for when, wh in sorted(readings.items())]
    if body:
        source = {"source": "demonstration meter", "label": "SIMULATED"}
        operator.post(f"/sites/{SITE}/readings", {**source, "readings": body})
