"""manage.py demo_sale: sell, deliver, settle and prove one activation through the real doors, in a private installation.

It starts `manage.py up` in a folder of its own (own database, keys, Redis, chain and market clock), so it works beside a
running server and never touches its data. What the input lacks is printed with its value and label.
"""

from __future__ import annotations

import json
import tempfile
import time
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from marketplace.management import sale
from marketplace.management.assumptions import Assumptions, choose_week, demo_jobs, meter_history, meter_window
from marketplace.management.process_group import NotReadyError, ProcessGroup
from marketplace.management.proof_check import check_proof
from marketplace.management.sale import Party, StepFailedError

SITE = "norwich"
HISTORY = timedelta(weeks=10)


class Command(BaseCommand):
    help = (
        "Run the whole thread on real or synthetic input and print one line a step; the last line is JSON. Exit 0 only when every check held. "
        "Example: manage.py demo_sale --json --jobs queue.csv.gz --signals gb.parquet --week 2024-02-05"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--jobs", type=Path, help="job queue: CSV, CSV.gz, JSONL or Parquet; left out: synthetic jobs"
        )
        parser.add_argument(
            "--signals", type=Path, help="half-hourly carbon and price: CSV or Parquet; left out: synthetic"
        )
        parser.add_argument("--readings", type=Path, help="meter readings CSV (start,import_wh); left out: simulated")
        parser.add_argument("--week", help="Monday the queue starts on, UTC; needs ten weeks of signals before it")
        parser.add_argument("--slack-hours", type=float, default=None, help="deadline slack of jobs without a deadline")
        parser.add_argument("--kw-per-cpu", type=Decimal, default=None, help="IT power of one CPU in kW")
        parser.add_argument("--site-kw", type=Decimal, default=None, help="import limit of the site in kW")
        parser.add_argument("--must-run-kw", type=Decimal, default=None, help="load that always runs, kW")
        parser.add_argument("--seed", type=int, default=1, help="seed of everything simulated")
        parser.add_argument("--var", type=Path, help="keep the private installation in this folder")
        parser.add_argument("--json", action="store_true", help="print each step as a JSON line too")

    def handle(self, *args: Any, **options: Any) -> None:
        self.begun, self.as_json = time.monotonic(), options["json"]
        var = options["var"] or Path(tempfile.mkdtemp(prefix="caco-sale-"))
        var.mkdir(parents=True, exist_ok=True)
        group = ProcessGroup(var, log=var / "up.log")
        try:
            outcome = self.run(group, options)
        except (StepFailedError, NotReadyError) as problem:
            raise CommandError(f"{problem}\nThe installation's logs are in {var}.") from problem
        finally:
            group.stop()
        self.stdout.write(json.dumps(outcome, sort_keys=True))
        if not (outcome["verified"] and outcome["order_state"] == "SETTLED"):
            raise CommandError("a check did not hold; see the line above")

    def step(self, text: str, **facts: Any) -> None:
        """Print one step; with --json its facts follow on the same line."""
        tail = f" {json.dumps(facts, default=str)}" if facts and self.as_json else ""
        self.stdout.write(f"[{time.monotonic() - self.begun:5.1f} s] {text}{tail}")
        self.stdout.flush()

    def run(self, group: ProcessGroup, options: dict[str, Any]) -> dict[str, Any]:
        """The thread, step by step."""
        assumed = Assumptions(say=self.stdout.write)
        week = choose_week(options["week"], options["signals"], assumed)
        group.set_clock(week + timedelta(minutes=1))
        self.step(f"private installation ready in {group.start():.1f} s at {group.url}", var=str(group.var))
        operator, grid = self.parties(group, options, assumed)
        self.signals(group, options, week)
        plan = self.plan(operator, options, week, assumed)
        history = meter_history(
            options["readings"], plan=plan, until=week, seed=options["seed"], assumed=assumed
        )  # before the sale: an offer is measured against the baseline that settles it
        self.read_meter(operator, options, history)
        purchase, offer = self.sell(operator, grid)
        window = self.deliver(group, operator, grid, options, plan, purchase, offer, assumed)
        return self.settle(group, operator, grid, purchase, window)

    def parties(self, group: ProcessGroup, options: dict[str, Any], assumed: Assumptions) -> tuple[Party, Party]:
        """Organisations, a site of the stated or assumed size, and a token for each side."""
        sizes = []
        for option, value, why in (
            ("site_kw", Decimal(2000), "no site size was given"),
            ("must_run_kw", Decimal(300), "no must-run load was given"),
            ("kw_per_cpu", Decimal("0.5"), "the queue counts CPUs and no power; each is taken as a whole server"),
        ):
            given = options[option]
            sizes += [f"--{option.replace('_', '-')}", str(value if given is None else given)]
            if given is None:
                assumed.add(option, f"{value} kW", "Assumed", why)
        made = json.loads(group.command("demo_parties", "--json", "--tokens", *sizes))
        self.step("three organisations, one site and two tokens made")
        return Party(group.url, made["tokens"]["operator"]), Party(group.url, made["tokens"]["grid"])

    def signals(self, group: ProcessGroup, options: dict[str, Any], week: datetime) -> None:
        """Ten weeks of history and the week itself; each value becomes known only when its half hour is over."""
        source = [str(options["signals"].resolve())] if options["signals"] else ["--seed", str(options["seed"])]
        bounds = ["--from", (week - HISTORY).isoformat(), "--to", (week + timedelta(days=8)).isoformat()]
        said = group.command("load_signals", *source, *bounds).strip().splitlines()
        self.step(f"signals loaded: {'; '.join(said)}")

    def plan(self, operator: Party, options: dict[str, Any], week: datetime, assumed: Assumptions) -> dict[str, Any]:
        """Upload and import the queue, and wait for its plan."""
        filename, content = demo_jobs(options["jobs"], week=week, seed=options["seed"], assumed=assumed)
        slack = options["slack_hours"]
        if slack is None:
            slack = 24.0
            assumed.add("deadline slack", "24 h", "Assumed", "for jobs whose deadline the file does not give")
        upload = sale.upload_jobs(
            operator, site=SITE, filename=filename, content=content, slack_hours=slack, epoch=week
        )
        for one in upload["assumptions"]:
            assumed.add(one["name"], one["value"], one["label"].title(), one["why"])
        self.step(
            f"queue imported: {upload['rows_total']} rows, {len(upload['row_errors'])} refused, {upload['jobs']} jobs"
        )
        plan = sale.wait_for_plan(operator, site=SITE)
        self.step(
            f"planned {len(plan['allocations'])} jobs over {plan['slots']} half hours ({plan['status']}, {plan['solve_s']:.2f} s): forecast "
            f"£{plan['cost_gbp']:.2f} and {plan['carbon_kg']:.0f} kg CO2e; first come, first served £{plan['fifo_cost_gbp']:.2f} "
            f"and {plan['fifo_carbon_kg']:.0f} kg",
            signals=plan["signal_sources"],
        )
        return plan

    def sell(self, operator: Party, grid: Party) -> tuple[dict[str, Any], dict[str, Any]]:
        """Offer, catalogue, quote, terms, confirmation: each a signed Beckn message between the two participants."""
        offer = sale.publish_best_offer(operator, site=SITE, window=None)
        kw = offer["periods"][0]["offered_kw"]
        self.step(
            f"offer published: {kw} kW turn-down {offer['start_at']} to {offer['end_at']} at £{offer['utilisation_price_gbp_per_kwh']}/kWh"
        )
        tried = next(one for one in offer["back_test"]["methods"] if one["id"] == offer["baseline_method"])
        self.step(
            f"back-test of {tried['id']} accepted: {tried.get('why') or back_test_in_words(tried)}",
            against=tried["faults"],
        )
        search = sale.find_on_network(grid, offer_id=offer["id"])
        self.step("discover answered over Beckn: the offer is in the catalogue")
        purchase = sale.buy(grid, search=search, offer_id=offer["id"], kw=kw)
        self.step(
            f"select, init and confirm answered: order {purchase['contract_id']} at {purchase['quote_pence']} p",
            order=purchase["contract_id"],
        )
        return purchase, offer

    def deliver(
        self,
        group: ProcessGroup,
        operator: Party,
        grid: Party,
        options: dict[str, Any],
        plan: dict[str, Any],
        purchase: dict[str, Any],
        offer: dict[str, Any],
        assumed: Assumptions,
    ) -> tuple[datetime, datetime]:
        """Dispatch with notice, re-plan under the commitment, let the window pass, and send the meter readings."""
        start, end = (datetime.fromisoformat(offer[key].replace("Z", "+00:00")) for key in ("start_at", "end_at"))
        group.set_clock(start - timedelta(minutes=25))
        sale.dispatch(grid, purchase_id=purchase["id"])
        self.step(
            f"dispatch accepted 25 minutes ahead; the market's clock now reads {start - timedelta(minutes=25):%Y-%m-%d %H:%M}Z"
        )
        replan = sale.wait_for_plan(operator, site=SITE, after=plan["id"])
        self.step(f"re-planned under {len(replan['commitments'])} committed half hours ({replan['status']})")
        group.set_clock(end + timedelta(minutes=5))
        recent = meter_window(
            options["readings"], plans=(plan, replan), until=end, seed=options["seed"], assumed=assumed
        )
        self.read_meter(operator, options, recent)
        return start, end

    def read_meter(self, operator: Party, options: dict[str, Any], readings: dict[datetime, int]) -> None:
        """Send readings: those of the file, or simulated ones under that name."""
        label, source = (
            ("MEASURED", options["readings"].name) if options["readings"] else ("SIMULATED", "demonstration meter")
        )
        body = [{"start": when.isoformat(), "import_wh": wh} for when, wh in sorted(readings.items())]
        operator.post(f"/sites/{SITE}/readings", {"source": source, "label": label, "readings": body})
        self.step(f"{len(body)} half-hourly meter readings sent ({label.title()})")

    def settle(
        self,
        group: ProcessGroup,
        operator: Party,
        grid: Party,
        purchase: dict[str, Any],
        window: tuple[datetime, datetime],
    ) -> dict[str, Any]:
        """Wait for the statement, its anchoring and the buyer's copy; check the proof outside the installation."""
        done = sale.wait_for_state(grid, f"/purchases/{purchase['id']}", "SETTLED")
        order = operator.get(f"/orders/{done['contract_id']}")
        statement = order["activations"][0]["statements"][-1]
        delivered = Decimal(statement["delivered_wh"]) / 1000
        self.step(
            f"settled: {delivered} kWh delivered, {Decimal(statement['amount_pence']) / 100:.2f} GBP ({statement['label'].title()})"
        )
        proof = check_proof(
            operator, order_id=order["id"], rpc_url=(group.var / "chain" / "rpc_url").read_text().strip()
        )
        self.step(f"proof checked against the chain: {proof['sentence']}")
        return {
            "order_state": order["state"],
            "delivered_kwh": float(delivered),
            "amount_gbp": f"{Decimal(statement['amount_pence']) / 100:.2f}",
            "payment_pence": statement["payment_pence"],
            "penalty_pence": statement["penalty_pence"],
            "label": statement["label"],
            "lines": statement["lines"],
            "price_gbp_per_kwh": order["utilisation_price_gbp_per_kwh"],
            "penalty_gbp_per_kwh": order["shortfall_penalty_gbp_per_kwh"],
            "window": [moment.astimezone(UTC).isoformat() for moment in window],
            "tx_hash": proof["tx_hash"],
            "root": proof["root"],
            "verified": proof["verified"],
            "seconds": round(time.monotonic() - self.begun, 1),
        }


def back_test_in_words(tried: dict[str, Any]) -> str:
    """The figures of one method's back-test."""
    return (
        f"bias {float(tried['bias']):+.1%}, RRMSE {float(tried['rrmse']):.1%}, {tried['phantom_mwh']} MWh an event for doing "
        f"nothing, over {tried['days']} days; {len(tried['faults'])} limit(s) broken"
    )
