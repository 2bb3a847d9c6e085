"""A failed anchor is put back in line by a platform administrator or at the command line, and the log says so."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse

from marketplace.models import Anchor, Event, User
from marketplace.queries.sentences import sentence
from marketplace.rules.errors import MarketError
from marketplace.usecases.retry_anchor import retry_anchor
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world.parties import organisation, person

NOW = datetime(2026, 3, 1, 9, 0, tzinfo=UTC)
WHY = "The contract expects another head number than this log does."
pytestmark = pytest.mark.django_db


@pytest.fixture
def failed() -> Anchor:
    return Anchor.objects.create(
        kind="HEAD", seq=7, size=9, root="ab" * 32, state="FAILED", last_error=WHY, created_at=NOW, updated_at=NOW
    )


def state(anchor: Anchor) -> str:
    anchor.refresh_from_db()
    return anchor.state


def test_an_administrator_of_the_platform_may_and_of_an_organisation_may_not(failed: Anchor) -> None:
    root = User.objects.create_superuser("root@caco.example", "a long password for tests")
    owner = person("admin@aire.example", organisation("Aire Valley", "OPERATOR"), "ADMIN")
    with pytest.raises(MarketError) as refused:
        retry_anchor(anchor=failed, user=owner, now=NOW, sent_now=NOW)
    assert (refused.value.code, state(failed), Event.objects.count()) == ("NOT_ALLOWED", "FAILED", 0)
    retry_anchor(anchor=failed, user=root, now=NOW, sent_now=NOW)
    assert (state(failed), failed.last_error) == ("PENDING", "")
    event = Event.objects.get(type="anchor.retried")
    assert json.loads(bytes(event.payload)) == {"kind": "HEAD", "number": 7, "failed_for": WHY, "person": root.pk}
    assert sentence(event.type, bytes(event.payload)) == f"Tree head 7 is sent again. It had failed: {WHY}"
    with pytest.raises(MarketError) as again:
        retry_anchor(anchor=failed, user=root, now=NOW, sent_now=NOW)
    assert again.value.message == "Tree head 7 has not failed: it is waiting."


def test_the_command_lists_what_failed_and_sends_one_again(failed: Anchor) -> None:
    said = StringIO()
    call_command("anchor_retry", stdout=said)
    assert said.getvalue() == f"{failed.pk}: tree head 7: {WHY}\n1 failed\n"
    call_command("anchor_retry", str(failed.pk), stdout=said)
    assert state(failed) == "PENDING"
    assert json.loads(bytes(Event.objects.get().payload))["person"] == 0
    for number, words in ((failed.pk, "has not failed"), (failed.pk + 1, "There is no anchor")):
        with pytest.raises(CommandError, match=words):
            call_command("anchor_retry", str(number), stdout=said)


def test_the_page_shows_what_does_not_move_and_whom_to_ask(failed: Anchor, client: Client) -> None:
    batch = Anchor.objects.create(kind="RECORD", last_error="the chain does not answer", created_at=NOW, updated_at=NOW)
    owner = person("admin@aire.example", organisation("Aire Valley", "OPERATOR"), "ADMIN")
    place, page = reverse("anchor-retry", args=[failed.pk]), reverse("operations")
    client.force_login(owner)
    shown = read(client.get(page))
    assert not shown.all("form", action=place)
    assert {WHY, "A platform administrator can send it again.", "Nothing: it goes on by itself."} <= {
        cell.text for cell in shown.all("td")
    }
    assert f"Settlement record {batch.pk}" in shown.text
    assert client.post(place).status_code == 403
    assert state(failed) == "FAILED"
    client.force_login(User.objects.create_superuser("root@caco.example", "a long password for tests"))
    assert client.get(place)["Location"] == page
    assert read(client.get(page)).all("form", action=place)
    assert "It is in line again" in read(client.post(place, follow=True)).text
    assert state(failed) == "PENDING"
    assert client.post(place).status_code == 409


def test_an_installation_without_a_chain_says_so(client: Client, settings: object) -> None:
    settings.CHAIN_RPC_URL = "none"  # type: ignore[attr-defined]
    client.force_login(person("admin@aire.example", organisation("Aire Valley", "OPERATOR"), "ADMIN"))
    assert "No chain CACO_RPC_URL is none" in read(client.get(reverse("operations"))).text
