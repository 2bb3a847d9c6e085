"""The buyer's questions on the purchase's page: plain forms, and what the seller answered."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from django.test import Client
from django.urls import reverse

from beckn.models import OutboxMessage
from marketplace.models import User
from tests.unit.marketplace.web.reading import read
from tests.unit.marketplace.web.world import World

SignedIn = Callable[[User], Client]


@pytest.fixture
def grid(world: World, signed_in: SignedIn) -> Client:
    return signed_in(world.grid)


def address(world: World, key: str, word: str) -> str:
    return reverse("purchase-ask", args=[world.purchases[key].pk, word])


@pytest.mark.parametrize(
    ("word", "typed", "said"),
    [
        ("track", {}, "The seller is asked where delivery stands."),
        ("rate", {"score": "4"}, "Your rating is on its way to the seller."),
        ("support", {"subject": " Which meter? "}, "Your question is on its way to the seller."),
    ],
)
def test_a_question_is_sent_and_waited_for(
    grid: Client, world: World, word: str, typed: dict[str, str], said: str
) -> None:
    answer = grid.post(address(world, "active", word), typed, follow=True)
    assert answer.redirect_chain == [(reverse("purchase", args=[world.purchases["active"].pk]), 302)]
    page = read(answer)
    assert page.faults() == []
    text = answer.content.decode()
    assert said in text
    assert "Waiting for the seller." in text
    sent = OutboxMessage.objects.get(transaction_id=world.purchases["active"].transaction_id, action=word)
    assert b" Which meter? " not in bytes(sent.raw)


@pytest.mark.parametrize(
    ("word", "typed", "words", "field"),
    [
        ("rate", {}, "The score is not from 1 to 5.", "score"),
        ("rate", {"score": "9"}, "The score is not from 1 to 5.", "score"),
        ("rate", {"score": "four"}, "The score is not from 1 to 5.", "score"),
        ("support", {"subject": "  "}, "The question is empty.", "subject"),
    ],
)
def test_what_cannot_be_asked_is_said_beside_its_field(
    grid: Client, world: World, word: str, typed: dict[str, str], words: str, field: str
) -> None:
    answer = grid.post(address(world, "active", word), typed)
    page = read(answer)
    assert (answer.status_code, page.faults()) == (422, [])
    assert page.problems()[0].startswith(words)
    assert f'href="#{field}"' in answer.content.decode()
    assert not OutboxMessage.objects.filter(action=word).exists()


def test_what_the_seller_said_is_shown(grid: Client, world: World) -> None:
    text = grid.get(reverse("purchase", args=[world.purchases["settled"].pk])).content.decode()
    assert "262.5 kW delivered in the half hour from" in text.replace("\N{NARROW NO-BREAK SPACE}", " ")
    assert "measured, from meter" in text
    assert "The seller keeps your rating: 4 of 5." in text
    assert '<a href="mailto:help@seller.example" rel="noreferrer noopener">help@seller.example</a>' in text


def test_a_no_and_an_answer_that_says_nothing_are_shown(grid: Client, world: World) -> None:
    purchase = world.purchases["active"]
    at = "2024-01-16T13:00:00+00:00"
    purchase.answers = {
        "on_track": {"message": {}, "error": {}, "received_at": at},
        "on_rate": {"message": {}, "error": {"errorCode": "BIZ_INVALID_RATING_VALUE"}, "received_at": at},
        "on_support": {"message": {"support": {"channels": [{"url": "javascript:alert(1)"}]}}, "error": {}, "received_at": at},
    }  # fmt: skip
    purchase.save()
    answer = grid.get(reverse("purchase", args=[purchase.pk]))
    text = answer.content.decode()
    assert read(answer).faults() == []
    assert "The seller answered without saying anything that can be read." in text
    assert "No reason was given. <code>BIZ_INVALID_RATING_VALUE</code>" in text
    assert "javascript:alert(1)" in text
    assert 'href="javascript' not in text


def test_a_rating_that_is_not_repeated_was_taken_all_the_same(grid: Client, world: World) -> None:
    purchase = world.purchases["active"]
    purchase.answers = {
        "on_rate": {"message": {"ratings": []}, "error": {}, "received_at": "2024-01-16T13:00:00+00:00"}
    }
    purchase.save()
    text = grid.get(reverse("purchase", args=[purchase.pk])).content.decode()
    assert "The seller took your rating, without repeating it." in text


def test_before_there_is_an_order_nothing_can_be_asked(grid: Client, world: World) -> None:
    path = reverse("purchase", args=[world.purchases["refused"].pk])
    text = grid.get(path).content.decode()
    assert "Once the seller has named its terms" in text
    assert "Ask for support" not in text
    assert grid.post(address(world, "refused", "track")).status_code == 409
    assert grid.post(address(world, "active", "shout")).status_code == 404
    assert grid.get(address(world, "active", "track"))["Location"] == reverse(
        "purchase", args=[world.purchases["active"].pk]
    )
