"""The journal: each party reads the messages of its own deals, whole and in order, and nobody else's."""

from __future__ import annotations

import uuid

import pytest

from beckn.models import InboxMessage, OutboxMessage
from marketplace.models import Membership, User
from marketplace.queries.messages import (
    MessageFilters,
    filtered_messages,
    message_export,
    message_page,
    message_row,
    messages_list,
    messages_of,
    newest_messages,
)
from tests.unit.marketplace.web.world import World, build
from tests.unit.marketplace.web.world.journal import BODY, message_in

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    return build()


def seen(user: User, **filters: str) -> list[tuple[str, str, str]]:
    """(direction, role, action) of what `user` sees, newest first."""
    rows = map(message_row, filtered_messages(user, MessageFilters(**filters)))
    return [(row.direction, row.role, row.action) for row in rows]


def test_each_side_sees_its_own_half(world: World) -> None:
    assert seen(world.operator) == [
        ("out", "seller", "on_update"),
        ("in", "seller", "init"),
        ("out", "seller", "on_select"),
        ("in", "seller", "select"),
    ]
    assert seen(world.grid) == [("out", "buyer", "discover"), ("in", "buyer", "on_select"), ("out", "buyer", "select")]
    assert seen(world.other) == [("in", "seller", "confirm")]


def test_an_auditor_and_a_stranger_see_none_and_a_platform_administrator_all(world: World) -> None:
    stranger = User.objects.create_user("stranger@caco.example", "a long password for tests")
    root = User.objects.create_superuser("root@caco.example", "a long password for tests")
    assert seen(world.auditor) == seen(stranger) == []
    assert len(seen(root)) == InboxMessage.objects.count() + OutboxMessage.objects.count() == 8
    assert message_page(world.auditor, "in", world.messages["select"].pk) is None
    assert message_page(root, "in", world.messages["select"].pk) is not None


def test_an_auditor_who_also_sells_sees_only_what_was_sold(world: World) -> None:
    auditing = Membership.objects.get(user=world.auditor).organisation
    Membership.objects.create(user=world.operator, organisation=auditing, role="AUDITOR")
    assert ("in", "seller", "confirm") not in seen(world.operator)
    assert len(seen(world.operator)) == 4


def test_a_message_of_no_deal_is_nobodys(world: World) -> None:
    message_in("bpp", "discover", uuid.uuid4(), 1)
    message_in(
        "bap", "on_select", world.orders["confirmed"].transaction_id, 1
    )  # a buyer's, under a seller's transaction
    assert len(seen(world.operator)) == 4


def test_filters_name_exactly_what_is_shown(world: World) -> None:
    assert seen(world.operator, way="in") == [("in", "seller", "init"), ("in", "seller", "select")]
    assert seen(world.operator, state="DEAD") == [("out", "seller", "on_update")]
    assert seen(world.operator, action="on_select") == [("out", "seller", "on_select")]
    transaction = str(world.orders["quoted"].transaction_id)
    assert len(seen(world.operator, transaction=transaction)) == 3
    assert len(seen(world.operator, transaction=transaction[:7].upper())) == 3
    assert seen(world.operator, transaction=transaction, way="out", state="DELIVERED") == [
        ("out", "seller", "on_select")
    ]
    assert seen(world.operator, transaction="%") == []


def test_the_list_offers_only_the_actions_one_can_see(world: World) -> None:
    found = messages_list(world.operator, MessageFilters(), 1)
    assert found.actions == ("init", "on_select", "on_update", "select")
    assert found.page.total == 4
    assert messages_list(world.other, MessageFilters(), 7).actions == ("confirm",)


def test_a_received_message_shows_every_byte_and_its_answer(world: World) -> None:
    page = message_page(world.operator, "in", world.messages["select"].pk)
    assert page is not None
    assert page.raw.encode() == BODY % b"select"
    assert page.raw_bytes == len(BODY % b"select")
    assert '"value": 0.2500,' in page.body
    assert page.authorization.startswith("Signature keyId=")
    assert '"status": "ACK"' in page.receipt
    assert page.next_attempt is None
    assert [(one.direction, one.action) for one in page.answers] == [("out", "on_select")]
    assert [(one.direction, one.action) for one in page.others] == [("in", "init")]


def test_the_answer_shown_beside_a_request_is_ones_own_copy(world: World) -> None:
    page = message_page(world.grid, "out", world.messages["asked"].pk)
    assert page is not None
    assert [(one.direction, one.role, one.action) for one in page.answers] == [("in", "buyer", "on_select")]
    assert page.authorization == ""


def test_a_dead_letter_says_why_and_a_waiting_one_when(world: World) -> None:
    dead = message_page(world.operator, "out", world.messages["dead"].pk)
    waiting = message_page(world.grid, "out", world.messages["pending"].pk)
    assert dead is not None
    assert waiting is not None
    assert dead.row.note == "no answer in 12 attempts; the last was HTTP 503"
    assert ("Last HTTP status", "503") in dead.facts
    assert dead.next_attempt is None
    assert waiting.next_attempt == world.messages["pending"].next_attempt_at
    assert ("Delivered", "not yet") in waiting.facts


def test_directions_and_ids_do_not_mix(world: World) -> None:
    select = world.messages["select"]
    assert message_page(world.operator, "sideways", select.pk) is None
    assert message_page(world.operator, "in", 10**9) is None
    assert message_page(world.other, "in", select.pk) is None
    assert message_page(world.grid, "in", select.pk) is None


def test_export_and_short_lists_agree_with_the_page(world: World) -> None:
    rows = list(message_export(world.operator, MessageFilters()))
    assert [row[3] for row in rows] == [action for _, _, action in seen(world.operator)]
    assert [row.action for row in newest_messages(world.operator)] == [row[3] for row in rows]
    of_order = messages_of([str(world.orders["quoted"].transaction_id)], role="bpp")
    assert [row.action for row in of_order] == ["init", "on_select", "select"]
