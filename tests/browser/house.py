"""A private installation for the browser to walk through: real server, worker, chain and socket, on a market clock of its own.

The market stands at a Monday morning of synthetic signals, so that every run sees the same prices. Only what the pages
cannot do is done here: signals and meter readings come in by command and API; everything else is clicked.
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from flex_engine.simulate.synthetic import jobs as synthetic_jobs
from marketplace.management.assumptions import as_csv, history_of, measured
from marketplace.management.process_group import ProcessGroup
from marketplace.management.sale import Party

MORNING = datetime(2026, 11, 16, 8, 10, tzinfo=UTC)
EMAILS = {
    "operator": "operator@demo.caco.example",
    "grid": "grid@demo.caco.example",
    "auditor": "auditor@demo.caco.example",
}
SEED = 7


@dataclass(frozen=True, slots=True)
class House:
    """A running installation with people in it. `operator` and `grid` are its REST API as their programs see it."""

    group: ProcessGroup
    password: str
    operator: Party
    grid: Party

    @property
    def url(self) -> str:
        """Where its pages are."""
        return self.group.url

    def last_words(self) -> str:
        """How its server's and worker's logs end, for a failure to be understood."""
        logs = [self.group.var / "log" / f"{part}.log" for part in ("web", "worker")]
        return "\n".join(f"--- {log.name}\n{log.read_text(errors='replace')[-2500:]}" for log in logs if log.exists())

    def set_clock(self, moment: datetime) -> None:
        """Move the market on to `moment`."""
        self.group.set_clock(moment)

    def read_meter(self, site: str, readings: dict[datetime, int]) -> None:
        """Record simulated readings, as the site's meter operator would."""
        rows = [{"start": when.isoformat(), "import_wh": wh} for when, wh in sorted(readings.items())]
        self.operator.post(
            f"/sites/{site}/readings", {"source": "simulated meter", "label": "SIMULATED", "readings": rows}
        )

    def read_history(self, site: str) -> None:
        """Record 62 days before the plan in force, like the week it plans."""
        self.read_meter(site, history_of(self.operator.get(f"/sites/{site}/plan"), seed=SEED))

    def wait_until_planned(self, site: str, *, until: datetime) -> None:
        """Wait for the plan that holds the dispatch ending at `until`: where the clock jumps before it, none is delivered."""

        def holds(plan: dict[str, Any]) -> bool:
            starts = [datetime.fromisoformat(held["start_at"]) for held in plan["commitments"]]
            return until - timedelta(minutes=30) in starts

        self.operator.wait(f"/sites/{site}/plan", until=holds, what="the plan under the dispatch")

    def read_delivery(self, site: str, *, until: datetime) -> None:
        """Record that the site followed its plan from the plan's start to `until`."""
        self.read_meter(site, measured([self.operator.get(f"/sites/{site}/plan")], until=until, seed=SEED))


def queue_file(*, count: int = 60, days: int = 2) -> bytes:
    """`days` days of synthetic jobs from MORNING."""
    return as_csv(synthetic_jobs(start=MORNING.replace(minute=0), days=days, count=count, seed=SEED))


@contextmanager
def open_house() -> Iterator[House]:
    """Start an installation, bring in people and signals, and stop it in the end."""
    with tempfile.TemporaryDirectory(prefix="caco-browser-") as folder:
        group = ProcessGroup(Path(folder), log=Path(folder) / "up.log")
        group.env["CACO_ANCHOR_EVERY_S"] = "2"  # so that an auditor need not wait half an hour
        group.set_clock(MORNING)
        try:
            group.start(timeout_s=90)
            made = json.loads(group.command("demo_parties", "--json", "--tokens"))
            first, last = MORNING.replace(minute=0) - timedelta(weeks=5), MORNING.replace(minute=0) + timedelta(days=9)
            group.command("load_signals", "--seed", str(SEED), "--from", first.isoformat(), "--to", last.isoformat())
            yield House(
                group,
                (Path(folder) / "demo_password").read_text().strip(),
                Party(group.url, made["tokens"]["operator"]),
                Party(group.url, made["tokens"]["grid"]),
            )
        finally:
            group.stop()
