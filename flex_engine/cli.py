"""The engine from a shell: plan a queue, forecast a signal, back-test forecasters, make synthetic input. No database, no server.

Exit codes: 0 done, 1 there is no plan (the reasons are printed), 2 the input or the arguments are wrong (one sentence on
standard error). With --json the answer is one JSON document on standard output.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TextIO

from flex_engine.compute.queue_file import QueueDefaults, QueueFile, UnreadableFileError, parse
from flex_engine.feeds.file import UnreadableSignalsError, read_signals
from flex_engine.flexibility.envelope import envelope
from flex_engine.flexibility.offer import NoOfferError, Wanted, draft
from flex_engine.grid.forecast import Choice, ShortHistoryError, best_available
from flex_engine.optimise.fifo import fifo
from flex_engine.optimise.peers.registry import policies
from flex_engine.optimise.problem import Problem, SiteLimits
from flex_engine.optimise.solve import Plan, solve
from flex_engine.quantities import Label
from flex_engine.series import HalfHourly, MissingDataError
from flex_engine.settle.delivery import Direction
from flex_engine.simulate import synthetic
from flex_engine.simulate.backtest import HISTORY as BACKTEST_HISTORY
from flex_engine.simulate.backtest import HORIZON as BACKTEST_HORIZON
from flex_engine.simulate.backtest import SpanScore, backtest
from flex_engine.timegrid import HALF_HOUR, floor_half_hour

HISTORY = timedelta(weeks=10)
WAYS = {"REDUCE": "turn-down", "INCREASE": "turn-up"}
BAD_INPUT = (UnreadableFileError, UnreadableSignalsError, MissingDataError, ShortHistoryError, OSError, ValueError)


def main(arguments: Sequence[str], *, out: TextIO | None = None) -> int:
    """Run one command; returns the exit code."""
    options = parser().parse_args(arguments)
    out = out or sys.stdout
    try:
        return int(options.run(options, out))
    except BAD_INPUT as problem:
        print(f"flex_engine {options.command}: {problem}", file=sys.stderr)
        return 2


def parser() -> argparse.ArgumentParser:
    """The command line."""
    top = argparse.ArgumentParser(prog="python -m flex_engine", description=__doc__)
    commands = top.add_subparsers(dest="command", required=True)
    plan = commands.add_parser(
        "plan", help="plan a job queue on half-hourly price and carbon, beside first come, first served"
    )
    plan.set_defaults(run=run_plan)
    plan.add_argument("--jobs", type=Path, required=True, help="queue: CSV, CSV.gz, JSONL or Parquet")
    plan.add_argument("--signals", type=Path, required=True, help="half-hourly carbon and price: CSV or Parquet")
    plan.add_argument("--start", type=moment, help="first half hour, UTC; default: the first arrival")
    plan.add_argument("--days", type=float, default=7, help="length of the plan (default 7)")
    plan.add_argument(
        "--forecast",
        action="store_true",
        help="plan on forecasts from ten weeks before --start, not on the values themselves",
    )
    for name, default, text in (
        ("site-kw", 2000.0, "import limit of the site, kW"),
        ("must-run-kw", 0.0, "load that always runs, kW"),
        ("kw-per-cpu", 0.0, "IT power of one CPU, for jobs without power_kw"),
        ("kw-per-gpu", 0.0, "IT power of one GPU"),
        ("pue", 1.0, "site power over IT power"),
        ("carbon-price", 0.0, "GBP per tonne of CO2e"),
    ):
        plan.add_argument(f"--{name}", type=float, default=default, help=f"{text} (default {default:g})")
    plan.add_argument("--slack-hours", type=float, help="slack of jobs without a deadline")
    plan.add_argument("--offer", action="store_true", help="draft the best offer too")
    plan.add_argument(
        "--direction",
        choices=("REDUCE", "INCREASE"),
        default="REDUCE",
        help="of the offer: turn-down or turn-up (%(default)s)",
    )
    plan.add_argument("--compare", action="store_true", help="say what published scheduling policies would do too")
    plan.add_argument("--json", action="store_true", help="print one JSON document")
    ahead = commands.add_parser("forecast", help="forecast carbon and price from their own history")
    ahead.set_defaults(run=run_forecast)
    ahead.add_argument("--signals", type=Path, required=True, help="half-hourly history: CSV or Parquet")
    ahead.add_argument("--at", type=moment, required=True, help="moment of issue, UTC: nothing later is looked at")
    ahead.add_argument("--slots", type=int, default=96, help="half hours ahead (default 96)")
    ahead.add_argument("--json", action="store_true", help="print one JSON document")
    test = commands.add_parser("backtest", help="how wrong each forecaster would have been, from an origin a day")
    test.set_defaults(run=run_backtest)
    test.add_argument("what", choices=["forecast"])
    test.add_argument("--data", type=Path, required=True, help="half-hourly carbon and price: CSV or Parquet")
    test.add_argument(
        "--from", dest="start", type=moment, required=True, help="first origin, UTC, for example 2024-03-01T09:00Z"
    )
    test.add_argument("--to", dest="end", type=moment, required=True, help="end of the origins, exclusive, UTC")
    test.add_argument("--series", choices=["carbon_intensity", "price"], default="carbon_intensity")
    test.add_argument("--json", action="store_true", help="one JSON document")
    synth = commands.add_parser("synth", help="write synthetic input as CSV, labelled simulated")
    synth.set_defaults(run=run_synth)
    synth.add_argument("what", choices=("signals", "jobs"))
    synth.add_argument("--start", type=moment, required=True, help="first half hour, UTC")
    synth.add_argument("--days", type=int, default=7, help="days (default 7)")
    synth.add_argument("--count", type=int, default=300, help="jobs (default 300)")
    synth.add_argument("--seed", type=int, default=1, help="the same seed gives the same numbers (default 1)")
    return top


def moment(text: str) -> datetime:
    """A UTC half hour from a date or a time, for argparse."""
    try:
        found = datetime.fromisoformat(text)
    except ValueError as problem:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not a date or time; write 2024-01-15 or 2024-01-15T17:00Z"
        ) from problem
    return floor_half_hour(found.replace(tzinfo=found.tzinfo or UTC))


def run_plan(options: argparse.Namespace, out: TextIO) -> int:
    """Plan, compare with first come, first served, and say what was assumed."""
    queue = parse(
        options.jobs.read_bytes(),
        options.jobs.name,
        defaults=QueueDefaults(
            kw_per_cpu=options.kw_per_cpu,
            kw_per_gpu=options.kw_per_gpu,
            pue=options.pue,
            slack=None if options.slack_hours is None else timedelta(hours=options.slack_hours),
            epoch=options.start,
        ),
    )
    if not queue.jobs:
        first = queue.errors[0]
        raise ValueError(
            f"{options.jobs.name} has no usable job; row {first.row}, {first.column}: {first.problem}. {first.fix}"
        )
    start = options.start or floor_half_hour(min(job.arrival for job in queue.jobs))
    slots = round(options.days * 48)
    signals = signals_for(options.signals, start, slots, forecast=options.forecast)
    problem = Problem(
        jobs=tuple(job for job in queue.jobs if start < job.deadline and job.arrival < start + slots * HALF_HOUR),
        site=SiteLimits(import_limit_kw=options.site_kw, must_run_kw=options.must_run_kw),
        start=start,
        slots=slots,
        price_gbp_per_mwh=signals["price"].values,
        carbon_g_per_kwh=signals["carbon_intensity"].values,
        carbon_price_gbp_per_tonne=options.carbon_price,
    )
    plan = solve(problem)
    planned = tuple(job for job in problem.jobs if job.id not in plan.unplanned)
    plain = fifo(replace(problem, jobs=planned))  # the same work, or the comparison says nothing
    answer = plan_facts(problem, queue, signals, plan, plain)
    if options.compare:
        answer["policies"] = compared(replace(problem, jobs=planned))
    if plan.allocations:
        answer |= flexibility_facts(problem, plan, offer=options.offer, direction=options.direction)
    print(json.dumps(answer, indent=1) if options.json else plan_words(answer), file=out)
    return 0 if plan.status in {"OPTIMAL", "FEASIBLE"} else 1


def signals_for(path: Path, start: datetime, slots: int, *, forecast: bool) -> dict[str, HalfHourly]:
    """Price and carbon over the plan: the file's own values, or forecasts from the ten weeks before it."""
    if not forecast:
        return read_signals(path, start, start + slots * HALF_HOUR, fill_gaps=True).series
    history = read_signals(path, start - HISTORY, start, fill_gaps=True).series
    return {
        name: chosen.predict(start=start, slots=slots).central(
            Label.SIMULATED if one.label == Label.SIMULATED else Label.FORECAST
        )
        for name, one in history.items()
        for chosen in (best_available(one),)
    }


def plan_facts(
    problem: Problem, queue: QueueFile, signals: dict[str, HalfHourly], plan: Plan, plain: Plan
) -> dict[str, Any]:
    """Everything a program needs of a plan, JSON-safe. Power in kW, energy cost in GBP, carbon in kg CO2e."""
    return {
        "status": plan.status,
        "start": problem.start.isoformat(),
        "slots": problem.slots,
        "jobs": len(problem.jobs),
        "unplanned": list(plan.unplanned),
        "reasons": list(plan.reasons),
        "solver": plan.solver,
        "gap": plan.gap,
        "solve_s": round(plan.solve_s, 3),
        "cost_gbp": round(plan.cost_gbp, 4),
        "carbon_kg": round(plan.carbon_kg, 4),
        "fifo_cost_gbp": round(plain.cost_gbp, 4),
        "fifo_carbon_kg": round(plain.carbon_kg, 4),
        "fifo_reasons": list(plain.reasons),
        "signals": [
            {"series": s.name, "source": s.source, "label": str(s.label), "unit": s.unit} for s in signals.values()
        ],
        "assumptions": [
            {"name": a.name, "value": a.value, "label": str(a.label), "why": a.why} for a in queue.assumptions
        ],
        "row_errors": [
            {"row": e.row, "column": e.column, "value": e.value, "problem": e.problem, "fix": e.fix}
            for e in queue.errors
        ],
        "load_kw": [round(kw, 4) for kw in plan.load_kw],
        "fifo_load_kw": [round(kw, 4) for kw in plain.load_kw],
        "allocations": plan.allocations,
    }


def flexibility_facts(problem: Problem, plan: Plan, *, offer: bool, direction: Direction = "REDUCE") -> dict[str, Any]:
    """Room around the plan, and the best offer when one is wanted."""
    room = envelope(problem, plan)
    facts: dict[str, Any] = {
        "down_kw": [round(kw, 4) for kw in room.down_kw],
        "up_kw": [round(kw, 4) for kw in room.up_kw],
    }
    if offer:
        try:
            made = draft(
                problem, plan, start=None, end=None, earliest=problem.start, wanted=Wanted(direction=direction)
            )
        except NoOfferError as problem_met:
            return facts | {"offer": None, "no_offer": str(problem_met)}
        facts["offer"] = {
            "start": made.start.isoformat(),
            "end": made.end.isoformat(),
            "quantity_kw": str(made.quantity_kw),
            "utilisation_price_gbp_per_kwh": str(made.utilisation_price_gbp_per_kwh),
            "shortfall_penalty_gbp_per_kwh": str(made.shortfall_penalty_gbp_per_kwh),
            "arithmetic": list(made.arithmetic),
            "certificate": made.certificate.to_dict(),
        }
    return facts


def compared(problem: Problem) -> list[dict[str, Any]]:
    """What each published policy makes of the same work: energy cost in GBP, carbon in kg CO2e, jobs that end late."""
    plans = {name: policy(problem) for name, policy in policies().items()}
    return [
        {
            "policy": name,
            "cost_gbp": round(plan.cost_gbp, 4),
            "carbon_kg": round(plan.carbon_kg, 4),
            "late_jobs": len(plan.unplanned),
        }
        for name, plan in plans.items()
    ]


def plan_words(facts: dict[str, Any]) -> str:
    """The same for a person."""
    said = [f"{facts['status']}: {facts['jobs']} jobs over {facts['slots']} half hours from {facts['start']}"]
    said += facts["reasons"]
    if facts["status"] in {"OPTIMAL", "FEASIBLE"}:
        said += [
            f"energy £{facts['cost_gbp']:.2f}, {facts['carbon_kg']:.1f} kg CO2e (solved in {facts['solve_s']:.2f} s)",
            f"first come, first served £{facts['fifo_cost_gbp']:.2f}, {facts['fifo_carbon_kg']:.1f} kg CO2e",
        ]
    said += [
        f"{p['policy']}: £{p['cost_gbp']:.2f}, {p['carbon_kg']:.1f} kg CO2e, {p['late_jobs']} jobs late"
        for p in facts.get("policies", [])
    ]
    said += [f"{a['label'].title()}: {a['name']} = {a['value']} ({a['why']})" for a in facts["assumptions"]]
    said += [f"{s['series']} from {s['source']} ({s['label'].title()})" for s in facts["signals"]]
    bad = facts["row_errors"]
    said += [f"row {e['row']}, {e['column']} {e['value']!r}: {e['problem']}. {e['fix']}" for e in bad[:10]]
    if len(bad) > 10:
        said.append(f"and {len(bad) - 10} more rows with errors")
    offer = facts.get("offer")
    if offer:
        said.append(
            f"offer: {WAYS[offer['certificate']['direction']]} of {offer['quantity_kw']} kW from {offer['start']} to {offer['end']} at £{offer['utilisation_price_gbp_per_kwh']}/kWh"
        )
    return "\n".join([*said, *([facts["no_offer"]] if "no_offer" in facts else [])])


def run_forecast(options: argparse.Namespace, out: TextIO) -> int:
    """Forecast both series from the ten weeks before the moment of issue."""
    history = read_signals(options.signals, options.at - HISTORY, options.at, fill_gaps=True).series
    answer = {name: forecast_facts(best_available(one), one, options) for name, one in history.items()}
    if options.json:
        print(json.dumps(answer, indent=1), file=out)
        return 0
    for name, facts in answer.items():
        print(f"{name} ({facts['unit']}): {facts['reason']} {facts['label'].title()}", file=out)
        for when, low, middle, high in zip(facts["starts"], facts["p10"], facts["p50"], facts["p90"], strict=True):
            print(f"{when} {low:9.2f} {middle:9.2f} {high:9.2f}", file=out)
    return 0


def forecast_facts(chosen: Choice, history: HalfHourly, options: argparse.Namespace) -> dict[str, Any]:
    """One forecast, JSON-safe."""
    made = chosen.predict(start=options.at, slots=options.slots)
    return chosen.facts() | {
        "unit": made.unit,
        "label": str(Label.SIMULATED if history.label == Label.SIMULATED else Label.FORECAST),
        "source": history.source,
        "issued_at": made.issued_at.isoformat(),
        "starts": [(made.start + i * HALF_HOUR).isoformat() for i in range(options.slots)],
        "p10": list(made.p10),
        "p50": list(made.p50),
        "p90": list(made.p90),
    }


def run_backtest(options: argparse.Namespace, out: TextIO) -> int:
    """Each forecaster by how far it looked ahead; a line says what the columns are."""
    start, end = options.start, options.end
    reach = end - timedelta(days=1) + BACKTEST_HORIZON * HALF_HOUR  # past the last origin
    read = read_signals(options.data, start - BACKTEST_HISTORY, reach, fill_gaps=True, wanted=[options.series])
    record = read.series[options.series]
    scores = backtest(record, start, end)
    filled = len(read.estimated[options.series])
    if options.json:
        facts = {"series": record.name, "unit": record.unit, "source": record.source, "filled": filled}
        print(json.dumps(facts | {"scores": [asdict(score) for score in scores]}, indent=1), file=out)
        return 0
    print(f"{record.name} ({record.unit}) from {record.source}, {filled} half hours filled", file=out)
    print("model                leads h   MAE  MAPE  WAPE pinball cover skill", file=out)
    for score in scores:
        print(backtest_line(score), file=out)
    return 0


def backtest_line(score: SpanScore) -> str:
    """One line of the table; shares in percent."""
    leads = f"{score.first / 2:g}-{score.last / 2:g}"
    shares = f"{score.mape:6.0%}{score.wape:6.0%}{score.pinball:8.2f}{score.cover:6.0%}{score.skill:6.0%}"
    return f"{score.model:20} {leads:>7}{score.mae:6.1f}{shares}"


def run_synth(options: argparse.Namespace, out: TextIO) -> int:
    """Synthetic signals or jobs as CSV that `plan` reads."""
    rows = csv.writer(out)
    if options.what == "signals":
        made = synthetic.signals(options.start, options.days * 48, options.seed)
        rows.writerow(["ts_utc", "ci", "ci_src", "price", "price_src"])
        pairs = zip(made["carbon_intensity"].values, made["price"].values, strict=True)
        for index, (carbon, price) in enumerate(pairs):
            when = options.start + index * HALF_HOUR
            rows.writerow([f"{when:%Y-%m-%dT%H:%MZ}", carbon, "simulated", price, "simulated"])
        return 0
    rows.writerow(["id", "arrival", "deadline", "duration", "power_kw", "preemptible", "tier"])
    for job in synthetic.jobs(options.start, options.days, options.count, options.seed):
        times = [job.arrival.isoformat(), job.deadline.isoformat()]
        rows.writerow([job.id, *times, job.duration_s, job.power_kw, str(job.preemptible).lower(), job.tier])
    return 0
