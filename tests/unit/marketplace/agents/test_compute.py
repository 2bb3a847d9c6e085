"""The compute agent reads what came in, once, and says what it found."""

from __future__ import annotations

from marketplace.agents import compute
from marketplace.models import Upload
from marketplace.usecases.upload_queue import upload_queue
from tests.unit.marketplace.agents.conftest import decisions
from tests.unit.marketplace.usecases.market import NOW

GOOD = b"id,arrival,deadline,duration,power_kw\na,2024-01-16T14:00Z,2024-01-16T20:00Z,3600,50\n"


def received(site, content, filename="queue.csv"):
    return upload_queue(site=site, user=None, filename=filename, content=content, now=NOW)


def test_a_lost_wake_up_call_is_made_good_by_the_tick(site):
    received(site, GOOD)
    received(site, b"\x00\x01", "broken.csv")
    compute.tick()
    assert set(Upload.objects.values_list("state", flat=True)) == {"NEEDS_REVIEW", "FAILED"}
    assert [decided for decided, _ in decisions("compute")] == ["kept it for review", "could not read it"]


def test_reading_again_decides_nothing_again(site):
    upload = received(site, GOOD)
    for _ in range(2):
        compute.read_upload(upload_id=upload.pk)
    compute.tick()
    assert len(decisions("compute")) == 1


def test_an_upload_that_is_gone_is_no_fault(db):
    compute.read_upload(upload_id=4711)
    assert decisions("compute") == []
