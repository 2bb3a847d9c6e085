"""All ways to plan agree on problems small enough to try every schedule: a short slice of benchmarks.optimisers."""

from __future__ import annotations

import random
from dataclasses import replace

from benchmarks.optimisers import a_problem, brute_force, campaign, wrong_in
from flex_engine.optimise.problem import SiteLimits


def test_a_short_campaign_finds_nothing_wrong():
    told = campaign(8, seed=50_000)
    assert [name for name in told if name.startswith("WRONG")] == []
    assert told["feasible"] >= 4


def test_a_wrong_answer_would_be_seen():
    tight = next(
        made
        for made in (a_problem(random.Random(seed)) for seed in range(200))
        if brute_force(made) is None and len(made.jobs) > 1
    )
    assert wrong_in(tight, 1.0), "a plan is claimed where there is none"
    wide = replace(tight, site=SiteLimits(4.0, 0.0))
    best = brute_force(wide)
    assert best is not None
    assert wrong_in(wide, best) == []
    assert "planner: cost" in wrong_in(wide, best - 0.01)
    assert "planner: feasible or not" in wrong_in(wide, None)
