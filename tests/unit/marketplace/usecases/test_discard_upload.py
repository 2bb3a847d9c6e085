"""A file put aside stays readable; what was imported cannot be put aside."""

from __future__ import annotations

import pytest

from marketplace.models import Upload
from marketplace.rules.errors import MarketError
from marketplace.usecases.discard_upload import discard_upload
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import NOW
from tests.unit.marketplace.usecases.test_accept_queue import job, upload


@pytest.mark.parametrize("state", ["RECEIVED", "NEEDS_REVIEW", "FAILED", "DISCARDED"])
def test_a_file_is_put_aside_and_kept(site, state):
    made = upload(site, job(), state=state)
    found = discard_upload(upload=made, user=None, now=NOW)
    found.refresh_from_db()
    assert (found.state, found.reviewed_at, bytes(found.content), len(found.jobs)) == ("DISCARDED", NOW, b"x", 1)


def test_an_imported_file_stays_imported(site):
    with pytest.raises(MarketError) as caught:
        discard_upload(upload=upload(site, job(), state="IMPORTED"), user=None, now=NOW)
    assert caught.value.code == "UPLOAD_NOT_READY"
    assert Upload.objects.get().state == "IMPORTED"


def test_a_viewer_may_not_discard(site, owner):
    with pytest.raises(MarketError) as caught:
        discard_upload(upload=upload(site, job()), user=market.person(owner, "VIEWER"), now=NOW)
    assert caught.value.code == "NOT_ALLOWED"
