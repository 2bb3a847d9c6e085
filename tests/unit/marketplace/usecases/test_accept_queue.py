"""Importing is one step: all valid jobs or none, once, by somebody who may."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

import pytest

from marketplace.models import Job, Site, Upload
from marketplace.rules.errors import MarketError
from marketplace.usecases import accept_queue as room
from marketplace.usecases.accept_queue import accept_queue
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.conftest import events_of
from tests.unit.marketplace.usecases.market import NOW

ERROR = {"row": 3, "column": "arrival", "value": "x", "problem": "no time", "fix": "Write a time."}


def job(identity="a", **changes):
    facts = {
        "id": identity, "arrival": "2024-01-16T14:00:00+00:00", "deadline": "2024-01-16T20:00:00+00:00", "duration_s": 3600,
        "power_kw": 50.0004, "preemptible": True, "tier": "BATCH", "cpus": 4.0, "gpus": 0.0, "power_label": "ESTIMATED",
        "deadline_label": "MEASURED",
    }  # fmt: skip
    return facts | changes


def upload(site, *jobs, errors=(), state="NEEDS_REVIEW"):
    return Upload.objects.create(
        site=site, filename="queue.csv", content=b"x", sha256="0" * 64, state=state, jobs=list(jobs), row_errors=list(errors),
        created_at=NOW,
    )  # fmt: skip


def accept(made, *, valid_only=False, user=None):
    return accept_queue(upload=made, user=user, valid_only=valid_only, now=NOW)


def test_jobs_come_in_and_a_plan_is_asked_for(site, woken):
    made = upload(site, job("a"), job("b", power_kw=0.0001))
    assert accept(made) == 2
    made.refresh_from_db()
    assert (made.state, made.reviewed_at) == ("IMPORTED", NOW)
    powers = dict(Job.objects.values_list("external_id", "power_kw"))
    assert powers == {"a": Decimal("50.000"), "b": Decimal("0.001")}, "to the watt, and never zero"
    assert Site.objects.get().replan_requested_at == NOW
    assert woken == [("marketplace.agents.optimisation.plan", {"site_id": site.pk})]
    assert events_of(f"upload:{made.pk}") == ["queue.accepted"]


def test_accepting_twice_imports_once(site):
    made = upload(site, job())
    accept(made)
    with pytest.raises(MarketError) as caught:
        accept(made)
    assert caught.value.code == "UPLOAD_NOT_READY"
    assert Job.objects.count() == 1
    assert events_of(f"upload:{made.pk}") == ["queue.accepted"]


def test_a_job_the_site_already_has_is_replaced(site, owner):
    other = market.site(owner, "leeds-2")
    accept(upload(other, job(power_kw=7.0)))
    accept(upload(site, job(power_kw=50.0)))
    accept(upload(site, job(power_kw=80.0, deadline="2024-01-17T20:00:00+00:00")))
    assert Job.objects.get(site=site).power_kw == Decimal(80)
    assert Job.objects.get(site=site).deadline_at - NOW == timedelta(hours=30, minutes=50)
    assert Job.objects.get(site=other).power_kw == Decimal(7)


def test_row_errors_are_refused_unless_the_reviewer_says_otherwise(site):
    made = upload(site, job(), errors=[ERROR])
    with pytest.raises(MarketError) as caught:
        accept(made)
    assert caught.value.code == "ROWS_REFUSED"
    assert not Job.objects.exists()
    assert accept(made, valid_only=True) == 1


def test_a_file_without_a_valid_row_imports_nothing(site):
    with pytest.raises(MarketError) as caught:
        accept(upload(site, errors=[ERROR]), valid_only=True)
    assert caught.value.code == "NOTHING_TO_IMPORT"


@pytest.mark.parametrize("state", ["RECEIVED", "DISCARDED", "FAILED", "IMPORTED"])
def test_only_a_reviewed_file_is_imported(site, state):
    with pytest.raises(MarketError) as caught:
        accept(upload(site, job(), state=state))
    assert caught.value.code == "UPLOAD_NOT_READY"
    assert not Job.objects.exists()


@pytest.mark.parametrize("role", ["VIEWER", "AUDITOR", "SETTLEMENT"])
def test_who_may_not_upload_may_not_import(site, owner, role):
    with pytest.raises(MarketError) as caught:
        accept(upload(site, job()), user=market.person(owner, role))
    assert caught.value.code == "NOT_ALLOWED"
    assert not Job.objects.exists()


def test_a_fault_half_way_leaves_nothing_behind(site, monkeypatch, django_capture_on_commit_callbacks):
    """The event is part of the transaction: when it cannot be written, no job is imported and no plan is asked for."""

    def broken(**_):
        raise RuntimeError("disk full")

    made = upload(site, job())
    monkeypatch.setattr(room.events, "append", broken)
    with django_capture_on_commit_callbacks() as callbacks, pytest.raises(RuntimeError):
        accept(made)
    made.refresh_from_db()
    assert (made.state, Job.objects.count(), callbacks) == ("NEEDS_REVIEW", 0, [])
    assert Site.objects.get().replan_requested_at is None


def test_five_thousand_jobs_are_one_import(site, django_assert_max_num_queries):
    made = upload(site, *(job(f"job-{number}") for number in range(5000)))
    with django_assert_max_num_queries(120):
        assert accept(made) == 5000
    assert Job.objects.count() == 5000
