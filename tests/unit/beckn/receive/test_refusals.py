"""The journal of refused requests stays small whatever is thrown at it."""

from __future__ import annotations

import pytest
from django.utils import timezone

from beckn.models import RefusedRequest
from beckn.receive import refusals
from beckn.receive.refusals import Refusals
from beckn.wire.errors import WireError

PROBLEM = WireError("SCH_INVALID_JSON", "no \x00 good", "/a")


def entry(address: str = "192.0.2.1", raw: bytes = b"x" * 2000) -> RefusedRequest:
    found = refusals.entry_of(PROBLEM, raw, path="/beckn/bpp/confirm", role="bpp", authorization="nonsense")
    found.address = address
    return found


@pytest.mark.django_db
def test_the_table_keeps_the_newest_of_each_address_and_of_all(monkeypatch):
    monkeypatch.setattr(refusals, "KEPT", 7)
    monkeypatch.setattr(refusals, "KEPT_EACH", 3)
    for n in range(30):
        refusals.store(entry(f"192.0.2.{n % 4}"))
        assert RefusedRequest.objects.count() <= 7
    ids = list(RefusedRequest.objects.order_by("pk").values_list("pk", flat=True))
    assert ids == list(range(ids[-1] - 6, ids[-1] + 1))
    for _ in range(10):
        refusals.store(entry("192.0.2.9"))
    assert RefusedRequest.objects.filter(address="192.0.2.9").count() == 3


@pytest.mark.django_db
def test_an_entry_is_readable_and_bounded():
    refusals.store(entry())
    row = RefusedRequest.objects.get()
    assert (row.size, len(bytes(row.beginning)), row.pointer, row.claimed) == (2000, refusals.FIRST_BYTES, "/a", "")
    assert row.reason == "no \\x00 good"
    assert row.at <= timezone.now()


def test_a_flood_is_counted_instead_of_written(monkeypatch):
    journal = Refusals()
    written: list[RefusedRequest] = []
    monkeypatch.setattr(journal.waiting, "put_nowait", written.append)
    journal.thread = object()
    clock = {"now": 600.0}
    monkeypatch.setattr(refusals.time, "monotonic", lambda: clock["now"])

    def note(address: str, times: int) -> None:
        scope = {"client": (address, 1), "path": "/beckn/bpp/confirm"}
        for _ in range(times):
            journal.note(PROBLEM, b"{}", scope=scope, role="bpp", authorization="")

    note("192.0.2.1", refusals.A_MINUTE_EACH + 30)
    assert len(written) == refusals.A_MINUTE_EACH
    for n in range(2, 50):
        note(f"192.0.2.{n}", 10)
    assert len(written) == refusals.A_MINUTE
    clock["now"] += 60
    note("192.0.2.1", 1)
    assert (written[-1].address, written[-1].unrecorded) == ("192.0.2.1", 30)
    note("192.0.2.1", 1)
    assert written[-1].unrecorded == 0
