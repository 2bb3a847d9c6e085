"""A pack is taken from the ledger's page, verified, and shows each person their own; the page that verifies is for everybody."""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from io import BytesIO

import pytest
from django.test import Client
from django.urls import reverse

from marketplace.models import Anchor, Event, User
from tests.unit.marketplace.web.world import World

SignedIn = Callable[[User], Client]


def lines(raw: bytes, name: str) -> int:
    with zipfile.ZipFile(BytesIO(raw)) as pack:
        return len(pack.read(name).splitlines()) if name in pack.namelist() else 0


@pytest.fixture
def unchained(settings, tmp_path) -> None:
    settings.CHAIN_RPC_URL, settings.CHECKPOINT_KEY_FILE = "none", tmp_path / "key"


@pytest.mark.usefixtures("unchained")
def test_each_person_takes_a_pack_of_what_they_may_read(world: World, signed_in: SignedIn):
    shown = {}
    for name in ("operator", "grid", "auditor", "other"):
        answer = signed_in(getattr(world, name)).post(reverse("ledger-pack"))
        assert (answer.status_code, answer["Content-Type"]) == (200, "application/zip")
        raw = answer.getvalue()
        shown[name] = [lines(raw, file) for file in ("entries.jsonl", "payloads.jsonl", "beckn.jsonl")]
    size = Anchor.objects.get(kind="HEAD", seq=1).size
    assert {name: found[:2] for name, found in shown.items()} == {
        "operator": [size, size], "grid": [size, 0], "auditor": [size, size], "other": [size, 0],
    }  # fmt: skip
    assert (shown["operator"][2] > 0, shown["auditor"][2]) == (True, 0)
    assert Event.objects.filter(type="audit.exported").count() == 4
    assert signed_in(world.operator).get(reverse("ledger-pack")).status_code == 302
    assert Client().post(reverse("ledger-pack")).status_code == 302


@pytest.mark.usefixtures("unchained")
def test_before_the_first_head_the_page_says_so(world: World, signed_in: SignedIn):
    Anchor.objects.filter(kind="HEAD").update(size=0)
    answer = signed_in(world.operator).post(reverse("ledger-pack"))
    assert answer.status_code == 409
    assert "no tree head yet" in answer.content.decode()


def test_anybody_may_verify_in_their_browser_and_nothing_is_sent(world: World):
    answer = Client().get(reverse("audit-verify"))
    page = answer.content.decode()
    assert (answer.status_code, answer["Cache-Control"]) == (200, "public, max-age=60")
    assert 'type="module" src="/static/js/verify_pack' in page
    assert "<form" not in page
