"""The engine from a shell: round trips, clear errors, and no Django anywhere."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from flex_engine.cli import main
from tests.shared_data import shared

START = "2026-03-16"


def call(*arguments: str | Path) -> tuple[int, str]:
    out = io.StringIO()
    return main([str(one) for one in arguments], out=out), out.getvalue()


@pytest.fixture(scope="module")
def signals(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "signals.csv"
    code, text = call("synth", "signals", "--start", "2026-01-05", "--days", "74", "--seed", "3")
    assert code == 0
    path.write_text(text)
    return path


@pytest.fixture(scope="module")
def jobs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("cli") / "jobs.csv"
    code, text = call("synth", "jobs", "--start", START, "--days", "1", "--count", "40", "--seed", "3")
    assert code == 0
    path.write_text(text)
    return path


def planned(*arguments: str | Path) -> dict[str, Any]:
    code, text = call("plan", *arguments, "--json")
    answer = json.loads(text)
    assert code == (0 if answer["status"] in {"OPTIMAL", "FEASIBLE"} else 1)
    return dict(answer)


def test_policies_stand_beside_the_plan_and_none_that_is_on_time_is_cheaper(signals: Path, jobs: Path):
    asked = ("plan", "--jobs", jobs, "--signals", signals, "--start", START, "--days", "3", "--compare")
    answer = json.loads(call(*asked, "--json")[1])
    found = {one["policy"]: one for one in answer["policies"]}
    assert found["as soon as possible"]["cost_gbp"] == answer["fifo_cost_gbp"]
    assert "wait awhile" in found
    assert all(one["cost_gbp"] >= answer["cost_gbp"] - 1e-3 for one in found.values() if not one["late_jobs"])
    assert "wait awhile: £" in call(*asked)[1]


def test_a_plan_of_synthetic_input_beats_first_come_first_served(signals: Path, jobs: Path):
    answer = planned(
        "--jobs", jobs, "--signals", signals, "--start", START, "--days", "3", "--offer", "--carbon-price", "85"
    )
    assert answer["status"] == "OPTIMAL"
    assert answer["slots"] == 144 == len(answer["load_kw"]) == len(answer["down_kw"]) == len(answer["up_kw"])
    assert len(answer["allocations"]) == answer["jobs"] == 40
    assert sum(answer["load_kw"]) == pytest.approx(sum(answer["fifo_load_kw"]), rel=1e-6)
    assert answer["cost_gbp"] < answer["fifo_cost_gbp"]
    assert {s["label"] for s in answer["signals"]} == {"SIMULATED"}, "a simulated file never passes for a measured one"
    assert answer["offer"]["certificate"]["holds"] is True
    assert answer["row_errors"] == []


def test_a_plan_on_forecasts_does_not_look_ahead(signals: Path, jobs: Path, tmp_path: Path):
    """Everything after the start may be missing: the forecast never reads it."""
    past = tmp_path / "past.csv"
    lines = signals.read_text().splitlines()
    past.write_text("\n".join(line for line in lines if not line.startswith("20") or line < START) + "\n")
    arguments = ("--start", START, "--days", "3", "--forecast")
    whole, cut = (planned("--jobs", jobs, "--signals", path, *arguments) for path in (signals, past))
    assert whole["cost_gbp"] == cut["cost_gbp"]
    assert whole["load_kw"] == cut["load_kw"]
    assert {s["label"] for s in whole["signals"]} == {"SIMULATED"}


def test_words_for_people(signals: Path, jobs: Path):
    code, text = call("plan", "--jobs", jobs, "--signals", signals, "--start", START, "--days", "3")
    assert code == 0
    assert text.startswith("OPTIMAL: 40 jobs over 144 half hours from 2026-03-16T00:00:00+00:00")
    assert "first come, first served £" in text
    assert "(Simulated)" in text


def test_no_plan_is_exit_code_one_with_its_reasons(signals: Path, jobs: Path):
    code, text = call("plan", "--jobs", jobs, "--signals", signals, "--start", START, "--days", "3", "--site-kw", "60")
    assert code == 1
    assert "INFEASIBLE" in text
    assert "everything fits" in text


def test_forecast(signals: Path):
    code, text = call("forecast", "--signals", signals, "--at", START, "--slots", "4", "--json")
    answer = json.loads(text)
    assert code == 0
    assert set(answer) == {"carbon_intensity", "price"}
    for one in answer.values():
        assert one["starts"][0] == "2026-03-16T00:00:00+00:00"
        assert len(one["p10"]) == len(one["p50"]) == len(one["p90"]) == 4
        assert one["label"] == "SIMULATED"
        assert "had the smallest mean error" in one["reason"]
    assert call("forecast", "--signals", signals, "--at", START, "--slots", "2")[0] == 0


def test_a_backtest_of_forecasters(signals: Path):
    asked = ("backtest", "forecast", "--data", signals, "--from", START, "--to", "2026-03-18")
    code, text = call(*asked, "--json")
    answer = json.loads(text)
    assert (code, answer["unit"], answer["filled"]) == (0, "gCO2e/kWh", 0)
    assert {score["model"] for score in answer["scores"]} == {
        "seasonal-naive-day",
        "seasonal-naive-week",
        "mean-profile",
        "ridge",
    }
    assert {score["skill"] for score in answer["scores"] if score["model"] == "seasonal-naive-day"} == {0.0}
    code, text = call(*asked, "--series", "price")
    assert (code, text.splitlines()[0]) == (
        0,
        "price (GBP/MWh) from signals.csv price (simulated), 0 half hours filled",
    )
    assert "ridge                  24-48" in text
    assert call("backtest", "forecast", "--data", signals, "--from", "2026-01-05", "--to", "2026-01-07")[0] == 2


@pytest.mark.parametrize(
    ("jobs_text", "changes", "sentence"),
    [
        (None, {"--jobs": "nowhere.csv"}, "No such file or directory: 'nowhere.csv'"),
        (None, {"--signals": "nowhere.csv"}, "nowhere.csv"),
        ("id,power\n1,2\n", {}, "has no column arrival or duration"),
        ("arrival,duration,power_kw\nnow,60,1\n", {}, "has no usable job; row 2, arrival: this is not a time"),
        (None, {"--start": "2027-03-16"}, "has no ci for 144 half hours"),
        (None, {"--site-kw": "-5"}, "import_limit_kw is -5.0"),
    ],
)
def test_bad_input_is_exit_code_two_and_one_sentence(
    signals: Path, jobs: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str],
    jobs_text: str | None, changes: dict[str, str], sentence: str,
):  # fmt: skip
    path = jobs
    if jobs_text is not None:
        path = tmp_path / "bad.csv"
        path.write_text(jobs_text)
    given = {"--jobs": str(path), "--signals": str(signals), "--start": START, "--days": "3"} | changes
    code, text = call("plan", *(word for pair in given.items() for word in pair))
    assert (code, text) == (2, "")
    said = capsys.readouterr().err
    assert said.startswith("flex_engine plan: ")
    assert sentence in said
    assert "Traceback" not in said


def test_a_bad_argument_is_exit_code_two(capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as caught:
        main(["forecast", "--signals", "x.csv", "--at", "soon"])
    assert caught.value.code == 2
    assert "'soon' is not a date or time; write 2024-01-15" in capsys.readouterr().err


def test_the_module_runs_without_django_and_prints_json_only(signals: Path, jobs: Path):
    probe = (
        "import sys; from flex_engine.cli import main; code = main(sys.argv[1:]); "
        "bad = [m for m in ('django', 'celery', 'web3', 'torch', 'redis') if m in sys.modules]; "
        "print(bad, file=sys.stderr); sys.exit(code or bool(bad))"
    )
    arguments = ["plan", "--jobs", str(jobs), "--signals", str(signals), "--start", START, "--days", "3", "--json"]
    done = subprocess.run(
        [sys.executable, "-c", probe, *arguments], capture_output=True, text=True, timeout=100, check=False
    )
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["status"] == "OPTIMAL"


def test_the_gaia_queue_on_a_real_week():
    answer = planned(
        "--jobs", shared("data/gaia_pai_1k_seconds.csv.gz"), "--signals", shared("data/gb_joined_hh_2016_2024.parquet"),
        "--start", "2024-03-04", "--kw-per-cpu", "0.5", "--slack-hours", "24", "--must-run-kw", "300", "--carbon-price", "85",
    )  # fmt: skip
    assert answer["status"] == "OPTIMAL"
    assert answer["jobs"] == 1000
    assert len(answer["unplanned"]) == 12, "these finish after the week"
    assert answer["cost_gbp"] < answer["fifo_cost_gbp"]
    assert answer["carbon_kg"] < answer["fifo_carbon_kg"]
    assert datetime.fromisoformat(answer["start"]) == datetime(2024, 3, 4, tzinfo=UTC)
