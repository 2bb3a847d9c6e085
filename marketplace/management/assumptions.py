"""What a demonstration's input lacks, and what stands in for it: every value printed with its label, nothing hidden."""

from __future__ import annotations

import csv
import io
import random
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flex_engine.compute.job import Job
from flex_engine.simulate.synthetic import jobs as synthetic_jobs
from flex_engine.timegrid import utc
from marketplace.management.sale import StepFailedError

HALF_HOUR = timedelta(minutes=30)
HISTORY_DAYS = 62
NOISE = 0.01  # of the load: a revenue meter's reading against a plan that was followed


class Assumptions:
    """Prints each assumption once."""

    def __init__(self, *, say: Callable[[str], Any]) -> None:
        self.say, self.said = say, set[str]()

    def add(self, name: str, value: object, label: str, why: str) -> None:
        """Print `name`, `value` and `label`, with the reason."""
        line = f"          {label}: {name} = {value} ({why})"
        if line not in self.said:
            self.said.add(line)
            self.say(line)


def choose_week(text: str | None, signals: Path | None, assumed: Assumptions) -> datetime:
    """The Monday the queue starts on, 00:00 UTC."""
    if text:
        try:
            found = datetime.fromisoformat(text).replace(tzinfo=UTC)
        except ValueError as problem:
            raise StepFailedError(f"--week is {text!r}; write a date like 2024-02-05.") from problem
        return found - timedelta(days=found.weekday())
    week = datetime(2024, 3, 4, tzinfo=UTC)
    assumed.add(
        "week", week.date(), "Assumed", "no --week was given" if signals else "synthetic signals can start anywhere"
    )
    return week


def demo_jobs(path: Path | None, *, week: datetime, seed: int, assumed: Assumptions) -> tuple[str, bytes]:
    """The queue file to upload: the given one as it is, or synthetic jobs as CSV."""
    if path is not None:
        check_file(path)
        return path.name, path.read_bytes()
    made = synthetic_jobs(start=week, days=7, count=300, seed=seed)
    assumed.add("jobs", len(made), "Simulated", f"no queue file was given; seed {seed}")
    return "synthetic.csv", as_csv(made)


def check_file(path: Path) -> None:
    """Raise StepFailedError unless `path` is a file."""
    if not path.is_file():
        raise StepFailedError(f"{path} is not a file.")


def as_csv(made: Sequence[Job]) -> bytes:
    """Jobs as a queue file."""
    out = io.StringIO()
    rows = csv.writer(out)
    rows.writerow(["id", "arrival", "deadline", "duration", "power_kw", "preemptible", "tier"])
    for job in made:
        times = [job.arrival.isoformat(), job.deadline.isoformat()]
        rows.writerow([job.id, *times, job.duration_s, job.power_kw, str(job.preemptible).lower(), job.tier])
    return out.getvalue().encode()


def read_readings(path: Path) -> dict[datetime, int]:
    """start,import_wh rows of a readings CSV. Raises StepFailedError naming the row that cannot be read."""
    check_file(path)
    found, number = {}, 1
    try:
        with path.open(newline="", encoding="utf-8-sig") as lines:
            for number, row in enumerate(csv.DictReader(lines), 2):  # noqa: B007 - named in the error below
                start = datetime.fromisoformat(row["start"].replace("Z", "+00:00"))
                found[utc(start)] = int(row["import_wh"])
    except (AttributeError, KeyError, TypeError, ValueError, csv.Error) as problem:
        raise StepFailedError(
            f"{path.name}, row {number}: {problem}. Columns are start (with a zone) and import_wh (whole Wh)."
        ) from problem
    return found


def meter_history(
    path: Path | None, *, plan: dict[str, Any], until: datetime, seed: int, assumed: Assumptions
) -> dict[datetime, int]:
    """Readings of the 62 days before the plan, or up to `until` where a file gives them.

    Simulated: the site is taken to have run weeks like the planned one, so each past half hour draws what the plan draws
    at the same time of the same weekday, with seeded noise. `until` bounds nothing when simulated.
    """
    if path is not None:
        return {start: wh for start, wh in read_readings(path).items() if start < until}
    assumed.add(
        "meter history",
        f"{HISTORY_DAYS} days",
        "Simulated",
        "weeks like the planned one, 1 % noise; no readings file was given",
    )
    return history_of(plan, seed=seed)


def history_of(plan: dict[str, Any], *, seed: int) -> dict[datetime, int]:
    """62 simulated days before the plan: its own load at the same time of the same weekday, with seeded noise."""
    chance = random.Random(seed)  # noqa: S311 - noise, not a secret
    first = start_of(plan)
    week = weekly_profile(plan)
    moments = (first - timedelta(days=HISTORY_DAYS) + i * HALF_HOUR for i in range(HISTORY_DAYS * 48))
    return {moment: metered(week[(moment.weekday(), moment.hour, moment.minute)], chance) for moment in moments}


def meter_window(
    path: Path | None, *, plans: Sequence[dict[str, Any]], until: datetime, seed: int, assumed: Assumptions
) -> dict[datetime, int]:
    """Readings from the first plan's start to `until`: what the plans in force drew, with seeded noise (Simulated)."""
    if path is not None:
        return {start: wh for start, wh in read_readings(path).items() if start < until}
    assumed.add(
        "meter readings", "the plans in force", "Simulated", "the cluster is taken to have followed them, 1 % noise"
    )
    return measured(plans, until=until, seed=seed)


def measured(plans: Sequence[dict[str, Any]], *, until: datetime, seed: int) -> dict[datetime, int]:
    """Simulated readings up to `until`: each half hour draws what the plan in force then said, with seeded noise."""
    chance = random.Random(seed + 1)  # noqa: S311 - noise, not a secret
    loads: dict[datetime, float] = {}
    for plan in plans:
        loads |= {start_of(plan) + i * HALF_HOUR: kw for i, kw in enumerate(plan["load_kw"])}
    return {moment: metered(kw, chance) for moment, kw in loads.items() if moment < until}


def start_of(plan: dict[str, Any]) -> datetime:
    """The plan's first half hour."""
    return datetime.fromisoformat(plan["start_at"].replace("Z", "+00:00"))


def weekly_profile(plan: dict[str, Any]) -> dict[tuple[int, int, int], float]:
    """kW by (weekday, hour, minute): the plan's mean there, or its overall mean for times it does not cover."""
    sums: dict[tuple[int, int, int], list[float]] = {}
    for index, kw in enumerate(plan["load_kw"]):
        moment = start_of(plan) + index * HALF_HOUR
        sums.setdefault((moment.weekday(), moment.hour, moment.minute), []).append(kw)
    mean = sum(plan["load_kw"]) / len(plan["load_kw"])
    keys = ((day, hour, minute) for day in range(7) for hour in range(24) for minute in (0, 30))
    return {key: sum(sums[key]) / len(sums[key]) if key in sums else mean for key in keys}


def metered(kw: float, chance: random.Random) -> int:
    """Half an hour of `kw` as a meter would read it, in Wh."""
    return max(0, round(kw * 500 * (1 + chance.gauss(0, NOISE))))
