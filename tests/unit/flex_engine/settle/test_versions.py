"""Which statement may follow which: every pair of runs, both ways, for every reason."""

from __future__ import annotations

from datetime import UTC, date, datetime
from itertools import product
from typing import get_args

import pytest

from flex_engine.settle.settlement_calendar import runs
from flex_engine.settle.versions import Named, Reason, RunOrderError, due_at, next_name, next_run, run_to_make


@pytest.mark.parametrize(("stands", "run", "reason"), list(product(runs(), runs(), get_args(Reason))))
def test_every_pair_of_runs(stands, run, reason):
    order = runs()
    earlier = order.index(run) < order.index(stands)
    out_of_turn = run == "DF" and (reason != "DISPUTE" or stands not in ("RF", "DF"))
    if earlier or out_of_turn or run == stands == "RF":
        for same in (True, False):
            with pytest.raises(RunOrderError, match=run):
                next_name(Named(stands, 3), run, reason=reason, same=same)
    elif run == stands:
        assert next_name(Named(stands, 3), run, reason=reason, same=True) is None
        assert next_name(Named(stands, 3), run, reason=reason, same=False) == Named(run, 4)
    else:
        assert next_name(Named(stands, 3), run, reason=reason, same=True) == Named(run, 1)


def test_the_first_statement_is_run_ii():
    assert next_name(None, "II", reason="RUN_DUE", same=False) == Named("II", 1)
    for run in runs()[1:]:
        with pytest.raises(RunOrderError, match="run II, which has not been made"):
            next_name(None, run, reason="RUN_DUE", same=False)


def test_a_code_that_is_no_run_is_a_mistake_of_the_caller():
    with pytest.raises(ValueError, match="'R9' is no settlement run"):
        next_name(Named("II", 1), "R9", reason="RUN_DUE", same=False)


def test_a_correction_stays_in_its_run_but_a_dispute_after_rf_makes_df():
    assert [run_to_make(run, reason="DISPUTE") for run in runs()] == ["II", "SF", "R1", "R2", "R3", "DF", "DF"]
    assert [run_to_make(run, reason="NEW_READINGS") for run in runs()] == list(runs())
    assert [next_run(run) for run in runs()] == ["SF", "R1", "R2", "R3", "RF", None, None]


def test_a_run_is_due_from_the_start_of_its_day_in_london():
    assert due_at(date(2025, 1, 8), "SF") == datetime(2025, 1, 30, tzinfo=UTC)
    assert due_at(date(2025, 3, 20), "SF") == datetime(2025, 4, 10, 23, tzinfo=UTC)
    assert due_at(date(2025, 1, 8), "SF", published={(date(2025, 1, 8), "SF"): date(2025, 2, 3)}).day == 3
