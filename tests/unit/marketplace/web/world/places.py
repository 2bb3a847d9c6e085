"""Signals, sites, queues, plans and uploads of the world under test."""

from __future__ import annotations

import hashlib
import math
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from flex_engine.timegrid import HALF_HOUR
from marketplace.models import (
    AgentDecision,
    Forecast,
    Job,
    Offer,
    OfferRequest,
    Organisation,
    Plan,
    SignalPoint,
    Site,
    Upload,
    User,
)
from tests.unit.marketplace.web.world.moment import NOW, SLOTS, START

LIMIT_KW, MUST_RUN_KW = 2000.0, 350.0


def price_at(start: datetime) -> float:
    """A winter day: cheap at night, dear around half past five."""
    hour = start.hour + start.minute / 60
    return round(62 + 18 * math.sin((hour - 9) / 24 * 2 * math.pi) + 74 * math.exp(-(((hour - 17.5) / 1.9) ** 2)), 2)


def carbon_at(start: datetime) -> float:
    """Cleanest in a windy night, dirtiest in the evening."""
    hour = start.hour + start.minute / 60
    return round(150 - 55 * math.cos((hour - 2.5) / 24 * 2 * math.pi) + 45 * math.exp(-(((hour - 18) / 2.2) ** 2)), 1)


SERIES = {
    "price": (price_at, "GBP/MWh", "Elexon system prices"),
    "carbon_intensity": (carbon_at, "gCO2e/kWh", "NESO Carbon Intensity API"),
}


def signals() -> None:
    known, half_hours = START - timedelta(days=3), 3 * 48 + 1
    rows = []
    for name, (value, unit, source) in SERIES.items():
        for index in range(half_hours):
            start = known + index * HALF_HOUR
            rows.append(
                SignalPoint(
                    series=name, start_at=start, value=value(start), unit=unit, source=source, label="MEASURED",
                    known_at=min(start + timedelta(minutes=45), NOW - timedelta(minutes=2)),
                )
            )  # fmt: skip
        middle = [value(START + index * HALF_HOUR) for index in range(SLOTS * 2)]
        width = [0.06 + 0.2 * min(1, index / 60) for index in range(SLOTS * 2)]
        Forecast.objects.create(
            series=name, issued_at=START + timedelta(minutes=4), known_at=START + timedelta(minutes=4), start_at=START,
            end_at=START + SLOTS * 2 * HALF_HOUR, model="ridge", model_version="1", unit=unit,
            p10=[round(v * (1 - w), 2) for v, w in zip(middle, width, strict=True)], p50=middle,
            p90=[round(v * (1 + w), 2) for v, w in zip(middle, width, strict=True)], inputs_digest="0" * 64, sources=[source],
        )  # fmt: skip
    SignalPoint.objects.bulk_create(rows)


def make_site(owner: Organisation, name: str, slug: str) -> Site:
    return Site.objects.create(
        organisation=owner, name=name, slug=slug, import_limit_kw=LIMIT_KW, must_run_kw=MUST_RUN_KW, pue=Decimal("1.25"),
        kw_per_cpu=Decimal("0.012"), kw_per_gpu=Decimal("0.7"), carbon_price_gbp_per_tonne=85, gsp_group="_M", gsp_zone="SKLG_1",
        licence_area="YEDL", msid="1900000000001", latitude=Decimal("53.79"), longitude=Decimal("-1.54"),
        created_at=NOW - timedelta(days=60),
    )  # fmt: skip


def make_jobs(site: Site, count: int) -> None:
    rows = []
    for index in range(count):
        arrival = START + timedelta(minutes=20 * index - 120)
        duration = timedelta(minutes=30 * (1 + index * 7 % 9))
        rows.append(
            Job(
                site=site, external_id=f"{'train' if index % 3 else 'batch'}-{index:03d}", arrival_at=max(arrival, START),
                deadline_at=max(arrival, START) + duration + timedelta(hours=8 + index * 5 % 22),
                duration_s=int(duration.total_seconds()), power_kw=Decimal(60 + index * 37 % 190), preemptible=index % 4 != 1,
                tier=("BATCH", "TRAINING", "INFERENCE")[index % 3], gpus=index % 3 * 16, power_label="ESTIMATED" if index % 3 else "MEASURED",
                deadline_label="ASSUMED" if index % 5 == 0 else "MEASURED",
            )
        )  # fmt: skip
    Job.objects.bulk_create(rows)


def lay_out(jobs: list[Job], *, by_price: bool) -> tuple[list[float], dict[str, list[list[float]]]]:
    """Fill half hours job by job, cheapest or earliest first, under the import limit: enough for a picture."""
    load, runs = [MUST_RUN_KW] * SLOTS, {}
    for job in jobs:
        first = math.ceil((job.arrival_at - START) / HALF_HOUR)
        last = min(SLOTS, int((job.deadline_at - START) / HALF_HOUR))
        need, power = job.duration_s // 1800, float(job.power_kw)
        slots = [slot for slot in range(first, last) if load[slot] + power <= LIMIT_KW]
        if by_price:
            slots.sort(key=lambda slot: price_at(START + slot * HALF_HOUR))
        chosen = sorted(slots[:need])
        for slot in chosen:
            load[slot] += power
        runs[job.external_id] = [[slot, 1.0] for slot in chosen]
    return load, runs


def make_plan(site: Site) -> Plan:
    jobs = list(Job.objects.filter(site=site).order_by("pk"))
    load, runs = lay_out(jobs, by_price=True)
    plain, plain_runs = lay_out(jobs, by_price=False)
    prices = [price_at(START + slot * HALF_HOUR) for slot in range(SLOTS)]
    carbon = [carbon_at(START + slot * HALF_HOUR) for slot in range(SLOTS)]
    cost = [sum(kw / 2000 * p for kw, p in zip(kws, prices, strict=True)) for kws in (load, plain)]
    mass = [sum(kw / 2000 * c for kw, c in zip(kws, carbon, strict=True)) for kws in (load, plain)]
    return Plan.objects.create(
        site=site, state="READY", created_at=START + timedelta(minutes=5), start_at=START, slots=SLOTS, load_kw=load, fifo_load_kw=plain,
        price_gbp_per_mwh=prices, carbon_g_per_kwh=carbon, down_kw=[max(0.0, kw - MUST_RUN_KW) * 0.8 for kw in load],
        up_kw=[(LIMIT_KW - kw) * 0.6 for kw in load], allocations=runs, fifo_allocations=plain_runs,
        commitments=[
            {"order": "7c1d5f1e-0000-4000-8000-000000000000", "start": (START + slot * HALF_HOUR).isoformat(), "site_max_kw": 700.0}
            for slot in (9, 10, 11)
        ],
        cost_gbp=cost[0], fifo_cost_gbp=cost[1], carbon_kg=mass[0], fifo_carbon_kg=mass[1], solver="HiGHS 1.15", status="OPTIMAL", gap=0.0004,
        solve_s=0.41, signal_sources=["price: ridge 1 issued 2024-01-16T13:04Z", "carbon_intensity: ridge 1 issued 2024-01-16T13:04Z"],
        assumptions=[{"name": "work done before this plan", "value": "12 jobs", "label": "ASSUMED", "why": "taken from the plans in force, not from the cluster"}],
    )  # fmt: skip


def make_uploads(site: Site, user: User) -> dict[str, Upload]:
    def job(index: int) -> dict[str, Any]:
        return {
            "id": f"new-{index}", "arrival": (START + timedelta(hours=1)).isoformat(), "deadline": (START + timedelta(hours=9 + index)).isoformat(),
            "duration_s": 5400, "power_kw": 120.5, "preemptible": True, "tier": "BATCH", "cpus": 64, "gpus": 0, "power_label": "ESTIMATED",
            "deadline_label": "ASSUMED",
        }  # fmt: skip

    errors = [
        {"row": 3, "column": "arrival", "value": "2024-01-16 15:00", "problem": "the time has no zone", "fix": "Write 2024-01-16T15:00Z or 2024-01-16T15:00+00:00."},
        {"row": 7, "column": "power_kw", "value": "-4", "problem": "power is below zero", "fix": "Write the power the job draws, above 0."},
        {"row": 7, "column": "deadline", "value": "2024-01-16T14:00Z", "problem": "the deadline comes before arrival and duration", "fix": "Give it at least until 2024-01-16T16:30Z."},
    ]  # fmt: skip
    common = {"site": site, "uploaded_by": user, "content": b"id,arrival\n", "sha256": hashlib.sha256(b"x").hexdigest()}
    make = Upload.objects.create
    slack = [{"name": "slack", "value": "6 h", "label": "ASSUMED", "why": "9 jobs have no deadline; you gave 6 hours"}]
    return {
        "review": make(filename="night-queue.csv", state="NEEDS_REVIEW", rows_total=12, jobs=[job(i) for i in range(9)], row_errors=errors, assumptions=slack, created_at=NOW - timedelta(minutes=6), read_at=NOW, **common),
        "clean": make(filename="clean.csv", state="NEEDS_REVIEW", rows_total=2, jobs=[job(20), job(21)], created_at=NOW - timedelta(minutes=5), read_at=NOW, **common),
        "received": make(filename="big.parquet", state="RECEIVED", created_at=NOW - timedelta(seconds=4), **common),
        "failed": make(filename="notes.docx", state="FAILED", error="notes.docx is a ZIP archive, not CSV, JSON Lines or Parquet.", created_at=NOW - timedelta(hours=2), **common),
        "imported": make(filename="week-2.csv", state="IMPORTED", rows_total=40, jobs=[job(1)], created_at=NOW - timedelta(days=1), read_at=NOW - timedelta(days=1), reviewed_at=NOW - timedelta(days=1), **common),
    }  # fmt: skip


def wishes(site: Site, offers: dict[str, Offer]) -> None:
    make = OfferRequest.objects.create
    make(
        site=site,
        state="DONE",
        offer=offers["draft"],
        created_at=NOW - timedelta(minutes=31),
        answered_at=NOW - timedelta(minutes=30),
    )
    make(site=site, state="PENDING", start_at=START + 20 * HALF_HOUR, end_at=START + 22 * HALF_HOUR, created_at=NOW)
    make(site=site, state="REFUSED", start_at=START + 40 * HALF_HOUR, end_at=START + 44 * HALF_HOUR, problem="Nothing can be turned down from 09:00 to 11:00 with every deadline kept. Choose another window, or give jobs more slack.", created_at=NOW - timedelta(hours=3))  # fmt: skip


def say(site: Site) -> None:
    make = AgentDecision.objects.create
    make(
        agent="optimisation",
        site=site,
        at=START + timedelta(minutes=5),
        saw="40 jobs, 3 committed half hours, limit 2000 kW",
        decided="a plan of 96 half hours (optimal, 0.41 s)",
        why="forecast saving against first come, first served: £58.20 and 96.4 kg CO2e",
    )
    make(
        agent="compute",
        site=site,
        at=NOW - timedelta(minutes=6),
        saw="night-queue.csv with 12 rows",
        decided="kept it for review",
        why="9 jobs are valid, 3 problems were found",
    )
    make(agent="grid", at=NOW - timedelta(minutes=2), saw="1 new half hour of price from Elexon", decided="stored it", why="plans and forecasts rest on it")  # fmt: skip
