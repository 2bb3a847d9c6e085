"""The rest of a demonstration day: the meter is restated, and every settlement run comes when it is due, up to the last.

It speaks to an installation through its API and moves the market's clock; each statement is made by the installation itself.
All it makes up are the restatements: a meter operator corrects half hours by a little before SF, by less before R1 and R2, and none after.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from flex_engine.settle.settlement_calendar import runs
from flex_engine.settle.versions import AFTER_DISPUTE, FIRST, due_at
from flex_engine.simulate.counterparties import draw
from flex_engine.timegrid import settlement_period
from marketplace.management.process_group import ProcessGroup
from marketplace.management.sale import Party

# Of 1,000 half hours, how many are restated before a run, and by up to how many thousandths (Simulated).
RESTATED = {"SF": (1000, 40), "R1": (1000, 20), "R2": (500, 10)}
LATEST = [run for run in runs() if run != AFTER_DISPUTE]


def play_runs(
    group: ProcessGroup,
    operator: Party,
    *,
    site: str,
    order: str,
    window: Mapping[datetime, int],
    through: str,
    seed: int,
    say: Callable[[str], Any],
) -> None:
    """Take the settled `order` from run II to `through`, restating `window` (half hour -> Wh metered) on the way."""
    day = settlement_period(max(window))[0]
    metered = dict(window)
    for run in LATEST[LATEST.index(FIRST) + 1 : LATEST.index(through) + 1]:
        group.set_clock(due_at(day, run) - timedelta(hours=1))
        changed = restated(metered, run=run, seed=seed)
        metered |= changed
        send(operator, site, changed, source=f"demonstration meter, restated before {run}")
        group.set_clock(due_at(day, run) + timedelta(minutes=1))
        stands = wait_for_run(operator, order, run)
        say(
            f"run {run}, {stands['created_at'][:10]}: {len(changed)} half hours restated (Simulated), "
            f"{stands['delivered_wh'] / 1000:.3f} kWh delivered, {stands['amount_pence'] / 100:+.2f} GBP"
        )


def restated(metered: Mapping[datetime, int], *, run: str, seed: int) -> dict[datetime, int]:
    """The half hours a meter operator corrects before `run`, and to what."""
    of_thousand, most = RESTATED.get(run, (0, 0))
    found = {}
    for start, wh in sorted(metered.items()):
        if draw(seed, run, start.isoformat(), "which", below=1000) < of_thousand:
            by = draw(seed, run, start.isoformat(), "by", below=2 * most + 1) - most
            found[start] = wh + wh * by // 1000
    return found


def send(operator: Party, site: str, readings: Mapping[datetime, int], *, source: str) -> None:
    """Send simulated readings, half hour -> Wh, if there are any."""
    if readings:
        body = [{"start": when.isoformat(), "import_wh": wh} for when, wh in sorted(readings.items())]
        operator.post(f"/sites/{site}/readings", {"source": source, "label": "SIMULATED", "readings": body})


def wait_for_run(operator: Party, order: str, run: str) -> dict[str, Any]:
    """The newest statement of `run` of the order's one dispatch, when it has come and the order is settled."""

    def of_run(answer: Any) -> list[dict[str, Any]]:
        (activation,) = answer["activations"]
        return [one for one in activation["statements"] if one["run"] == run]

    path = f"/orders/{order}"
    found = operator.wait(
        path, until=lambda one: bool(of_run(one)) and one["state"] == "SETTLED", what=f"run {run}", timeout_s=90
    )
    return max(of_run(found), key=lambda one: int(one["version"]))
