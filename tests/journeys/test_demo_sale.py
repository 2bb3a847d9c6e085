"""One sale from a job queue to a proof, as `manage.py demo_sale` plays it, and its amount worked out again from the meter.

The second calculation shares nothing with the settlement engine: it reads the installation's readings with sqlite3 and
does the like-day rule and the money in fractions. Weeks are chosen in winter, where London time is UTC.
"""

from __future__ import annotations

import contextlib
import json
import os
import signal
import sqlite3
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from tests.faults.up import STEERING, family
from tests.shared_data import shared
from tests.style.meter import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
HALF_HOUR = timedelta(minutes=30)


def played(var: Path, *options: str, kill_after: str = "") -> dict[str, Any]:
    """Run the command; after the line that holds `kill_after`, worker and chain are killed. The last line is the outcome."""
    env = {name: value for name, value in os.environ.items() if not name.startswith(STEERING)}
    command = [sys.executable, "manage.py", "demo_sale", "--json", "--var", str(var), *options]
    lines = []
    with subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as running:
        assert running.stdout is not None
        for line in running.stdout:
            lines.append(line)
            if kill_after and kill_after in line:
                assert kill(running.pid, "celery")
                assert kill(running.pid, "devchain")
    assert running.returncode == 0, "".join(lines)
    return dict(json.loads(lines[-1]))


def kill(pid: int, part: str) -> int:
    """kill -9 every process below `pid` that runs `part`; returns how many."""
    found = [child for child, arguments in family(pid).items() if part in arguments]
    for child in found:
        with contextlib.suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
    return len(found)


def newest_readings(var: Path) -> dict[datetime, int]:
    """What the meter is last known to have read, in Wh by half hour."""
    with contextlib.closing(sqlite3.connect(f"file:{var / 'caco.sqlite3'}?mode=ro", uri=True)) as rows:
        found = rows.execute(
            "SELECT start_at, import_wh FROM marketplace_meterreading ORDER BY known_at, id"
        ).fetchall()
    return {datetime.fromisoformat(start).replace(tzinfo=UTC): wh for start, wh in found}


def baseline_again(readings: dict[datetime, int], starts: list[datetime]) -> dict[datetime, int]:
    """The mean of the newest like days and the mean difference in the six half hours that end an hour before the event."""
    midnight = starts[0].replace(hour=0, minute=0)
    working = midnight.weekday() < 5
    days = [
        day
        for back in range(1, 61)
        if ((day := midnight - timedelta(days=back)).weekday() < 5) == working
        and all(day + i * HALF_HOUR in readings for i in range(48))
    ][: 10 if working else 4]

    def like(start: datetime) -> Fraction:
        # The same settlement period of each like day, also where the window begins on the evening before.
        clock = timedelta(hours=start.hour, minutes=start.minute)
        return Fraction(sum(readings[day + clock] for day in days), len(days))

    window = [starts[0] - back * HALF_HOUR for back in range(3, 9)]
    adjustment = round(sum((readings[start] - like(start) for start in window), Fraction(0)) / len(window))
    return {start: round(like(start)) + adjustment for start in starts}


def check_amount(var: Path, told: dict[str, Any]) -> None:
    """Baseline, delivery and money of the outcome, worked out again."""
    readings = newest_readings(var)
    lines = {datetime.fromisoformat(line["start_at"]): line for line in told["lines"]}
    expected = baseline_again(readings, sorted(lines))
    eligible = short = delivered = 0
    for start, line in lines.items():
        assert (line["baseline_wh"], line["metered_wh"]) == (expected[start], readings[start])
        turned_down = max(0, expected[start] - readings[start])
        delivered += turned_down
        eligible += min(turned_down, line["instructed_wh"])
        short += max(0, line["instructed_wh"] - turned_down)
    payment = round(Fraction(eligible, 10) * Fraction(told["price_gbp_per_kwh"]))
    penalty = round(Fraction(short, 10) * Fraction(told["penalty_gbp_per_kwh"]))
    assert told["delivered_kwh"] == delivered / 1000
    assert (told["payment_pence"], told["penalty_pence"]) == (payment, penalty)
    assert round(float(told["amount_gbp"]) * 100) == payment - penalty


def test_a_sale_ends_settled_and_proved_though_worker_and_chain_are_killed(tmp_path: Path) -> None:
    told = played(tmp_path, "--seed", "1", "--week", "2024-02-05", kill_after="dispatch accepted")
    assert (told["order_state"], told["verified"], told["label"]) == ("SETTLED", True, "SIMULATED")
    assert len(told["root"]) == len(told["tx_hash"]) == 66
    check_amount(tmp_path, told)


def test_other_input_gives_another_sale(tmp_path: Path) -> None:
    """A real queue and real signals: nothing of the sale above may come back."""
    queue, signals = shared("data/gaia_pai_1k_seconds.csv.gz"), shared("data/gb_joined_hh_2016_2024.parquet")
    told = played(tmp_path, "--jobs", str(queue), "--signals", str(signals), "--week", "2024-02-05")
    assert (told["order_state"], told["verified"]) == ("SETTLED", True)
    assert told["delivered_kwh"] < 100, "the real queue is a few hundred kW; the synthetic one sells hundreds"
    check_amount(tmp_path, told)
