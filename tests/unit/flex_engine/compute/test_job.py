"""A job survives its JSON form and refuses what can never run."""

from __future__ import annotations

import json
import math
from datetime import UTC, datetime, timedelta

import pytest

from flex_engine.compute.job import Job
from flex_engine.quantities import Label

START = datetime(2026, 3, 2, 9, tzinfo=UTC)


def job(**changes: object) -> Job:
    facts: dict[str, object] = {
        "id": "a", "arrival": START, "deadline": START + timedelta(hours=3), "duration_s": 3600, "power_kw": 12.5,
    }  # fmt: skip
    return Job(**(facts | changes))  # type: ignore[arg-type]


def test_energy_and_slack():
    assert job().energy_kwh == 12.5
    assert job().slack_s == 7200
    assert job(duration_s=4 * 3600).slack_s == -3600


def test_json_round_trip():
    made = job(preemptible=False, tier="GOLD", gpus=8.0, power_label=Label.ESTIMATED, deadline_label=Label.ASSUMED)
    assert Job.from_dict(json.loads(json.dumps(made.to_dict()))) == made


@pytest.mark.parametrize(
    ("field", "value"),
    [("duration_s", 0), ("power_kw", 0.0), ("power_kw", math.nan), ("arrival", START.replace(tzinfo=None))],
)
def test_what_can_never_run_is_refused_by_name(field: str, value: object):
    with pytest.raises(ValueError, match=f"job a: .*{field}"):
        job(**{field: value})
