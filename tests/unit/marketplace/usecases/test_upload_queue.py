"""A file is kept as it came, once, and nothing is imported by taking it in."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from marketplace.models import Job, Upload
from marketplace.rules.errors import MarketError
from marketplace.usecases import upload_queue as room
from marketplace.usecases.upload_queue import upload_queue
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import NOW

CONTENT = b"id,arrival,duration,power_kw\na,2024-01-16T14:00Z,3600,50\n"


def upload(site, **changes):
    facts = {"site": site, "user": None, "filename": "queue.csv", "content": CONTENT, "now": NOW}
    return upload_queue(**facts | changes)


def test_the_bytes_are_kept_and_the_compute_agent_is_asked_to_read_them(site, woken):
    made = upload(site, slack=timedelta(hours=6), epoch=datetime(2024, 1, 15, tzinfo=UTC))
    made.refresh_from_db()
    assert (made.state, bytes(made.content), made.sha256) == ("RECEIVED", CONTENT, hashlib.sha256(CONTENT).hexdigest())
    assert made.options == {"slack_s": 21600, "epoch": "2024-01-15T00:00:00+00:00"}
    assert woken == [("marketplace.agents.compute.read_upload", {"upload_id": made.pk})]
    assert not Job.objects.exists()


def test_the_same_bytes_again_are_the_same_upload(site, woken):
    assert upload(site).pk == upload(site, filename="copy.csv").pk
    assert len(woken) == 1


def test_the_same_bytes_under_other_assumptions_or_for_another_site_are_another_upload(site, owner):
    other = market.site(owner, "leeds-2")
    found = {upload(site).pk, upload(site, slack=timedelta(hours=1)).pk, upload(other).pk}
    assert len(found) == 3


@pytest.mark.parametrize("state", ["IMPORTED", "DISCARDED", "FAILED"])
def test_a_finished_upload_can_be_sent_again(site, state):
    first = upload(site)
    Upload.objects.update(state=state)
    assert upload(site).pk != first.pk


@pytest.mark.parametrize(("content", "code"), [(b"", "EMPTY_FILE"), (b"x" * 101, "FILE_TOO_LARGE")])
def test_an_empty_or_huge_file_is_refused_with_what_to_do(site, monkeypatch, content, code):
    monkeypatch.setattr(room, "MAX_BYTES", 100)
    with pytest.raises(MarketError) as caught:
        upload(site, content=content)
    assert (caught.value.code, bool(caught.value.fix)) == (code, True)
    assert not Upload.objects.exists()


@pytest.mark.parametrize(
    ("role", "allowed"), [("OPERATOR", True), ("TRADER", True), ("VIEWER", False), ("AUDITOR", False)]
)
def test_only_those_who_run_the_site_may_upload(site, owner, role, allowed):
    user = market.person(owner, role)
    if allowed:
        assert upload(site, user=user).uploaded_by == user
    else:
        with pytest.raises(MarketError) as caught:
            upload(site, user=user)
        assert caught.value.code == "NOT_ALLOWED"


def test_a_stranger_may_not_upload(site):
    stranger = market.person(market.organisation("Mersey"), "ADMIN")
    with pytest.raises(MarketError):
        upload(site, user=stranger)
    assert not Upload.objects.exists()


def test_a_long_file_name_is_cut_and_not_refused(site):
    assert len(upload(site, filename="n" * 400 + ".csv").filename) == 255
