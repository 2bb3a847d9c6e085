"""The message inspector's pages: exact bytes, what was signed, dead letters in sight, refusals for whoever may see them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from beckn.models import OutboxMessage, RefusedRequest
from marketplace.models import User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World

SignedIn = Callable[[User], Client]


def test_a_message_shows_what_was_signed_and_when_each_thing_happened(world: World, signed_in: SignedIn) -> None:
    shown = read(signed_in(world.operator).get(reverse("message", args=["in", world.messages["select"].pk])))
    assert shown.faults() == []
    for words in ("The Authorization header cannot be read", "SCH_REQUIRED_FIELD_MISSING", "on_select delivered"):
        assert words in shown.text


def test_the_bytes_come_as_they_are_to_those_who_may_see_them(world: World, signed_in: SignedIn) -> None:
    row = world.messages["select"]
    path = reverse("message-bytes", args=["in", row.pk])
    answer = signed_in(world.operator).get(path)
    assert answer.content == bytes(row.raw)
    assert answer["Content-Type"] == "application/octet-stream"
    assert signed_in(world.grid).get(path).status_code == 404


def test_dead_letters_are_seen_without_looking_for_them(world: World, signed_in: SignedIn) -> None:
    operator = signed_in(world.operator)
    home, operations = (read(operator.get(reverse(name))) for name in ("home", "operations"))
    assert "1 Beckn message was given up" in home.text
    assert "1 dead letter" in operations.text
    assert "given up" not in read(signed_in(world.grid).get(reverse("home"))).text
    OutboxMessage.objects.update(state="DELIVERED")
    assert "given up" not in read(operator.get(reverse("home"))).text


@pytest.fixture
def refusal(world: World) -> RefusedRequest:
    return RefusedRequest.objects.create(
        at=timezone.now(), address="192.0.2.7", path="/beckn/bpp/confirm", role="bpp", claimed="peer.example",
        key_id="k", status=400, code="SCH_INVALID_ENUM", reason="<script>", pointer="/message/a", size=3,
        digest="ab" * 64, beginning=b"<b>\xff", unrecorded=12,
    )  # fmt: skip


def test_refusals_are_shown_to_administrators(world: World, signed_in: SignedIn, refusal: RefusedRequest) -> None:
    for path in (reverse("refused"), reverse("operations")):
        shown = read(signed_in(world.operator).get(path))
        assert shown.faults() == []
        for words in ("192.0.2.7", "peer.example", "SCH_INVALID_ENUM", "/message/a", "<script>", "12 before it"):
            assert words in shown.text
        assert "192.0.2.7" not in read(signed_in(world.viewer).get(reverse("operations"))).text
    assert signed_in(world.viewer).get(reverse("refused")).status_code == 404
