"""A site with a queue and two weeks of signals, ready to be planned with the real solver."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

from flex_engine.simulate.synthetic import signals
from marketplace.models import Job, Site
from marketplace.usecases.record_signals import record_signals
from tests.unit.marketplace.usecases.market import FIRST, HALF_HOUR, NOW, PLANNED

DAYS = 15


def known_signals(*, days: int = DAYS, seed: int = 7) -> None:
    """Carbon and price of the days before NOW, each known when its half hour is over.

    Power is nearly free from five to six in the afternoon, so that a good plan works then, and has something to turn down.
    """
    made = signals(PLANNED - timedelta(days=days), days * 48, seed)
    price = made["price"]
    hours = [(price.start + index * HALF_HOUR).hour for index in range(len(price.values))]
    cheap = tuple(5.0 if hour == FIRST.hour else value for hour, value in zip(hours, price.values, strict=True))
    made["price"] = replace(price, values=cheap)
    record_signals(series=list(made.values()), now=NOW, published_after=timedelta(0))


def job(site: Site, identity: str, **changes: object) -> Job:
    """Two hours of 100 kW that may run at any time until tomorrow noon."""
    facts = {
        "arrival_at": PLANNED,
        "deadline_at": PLANNED + timedelta(hours=23),
        "duration_s": 7200,
        "power_kw": Decimal(100),
    }
    return Job.objects.create(site=site, external_id=identity, **facts | changes)


def queue(site: Site) -> list[Job]:
    """Ten jobs that can wait, and one that must run in the offer's window whatever happens."""
    fixed = job(site, "fixed", arrival_at=FIRST - HALF_HOUR, deadline_at=FIRST + 2 * HALF_HOUR, duration_s=5400)
    return [fixed, *(job(site, f"job-{number}") for number in range(10))]
