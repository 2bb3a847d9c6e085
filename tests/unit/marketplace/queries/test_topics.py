"""A person hears of what they may see; of the rest not even that it changed."""

from __future__ import annotations

import re
import uuid
from collections.abc import Iterator

import pytest
from django.contrib.auth.models import AnonymousUser
from django.db import transaction
from django.test import Client

from marketplace.queries.topics import COMMON, heard_by
from tests.unit.marketplace.web.world import World, build


@pytest.fixture(scope="module")
def market(django_db_setup: None, django_db_blocker) -> Iterator[World]:
    """The market, written once a module and rolled back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build(jobs=2)
        transaction.set_rollback(True)


@pytest.fixture
def world(market: World, db: None) -> World:
    return market


def own_topics(world):
    """What the operator of the first site may hear, by key."""
    order = world.orders["confirmed"]
    slug = world.site.organisation.slug
    return {f"site:{world.site.slug}", f"upload:{world.uploads['review'].pk}", f"order:{order.pk}", f"orders:{slug}"}


def test_signed_in_people_hear_the_common_topics_and_nobody_else_does(world):
    assert heard_by(world.grid, COMMON) == COMMON
    assert heard_by(AnonymousUser(), COMMON | own_topics(world)) == frozenset()


def test_an_operator_hears_their_own_and_not_a_strangers(world):
    foreign = world.foreign
    strange = {
        f"site:{foreign['site'].slug}",
        f"upload:{foreign['upload'].pk}",
        f"order:{foreign['order'].pk}",
        f"orders:{foreign['site'].organisation.slug}",
        f"search:{next(iter(world.searches.values())).transaction_id}",
        f"purchase:{next(iter(world.purchases.values())).pk}",
    }
    assert heard_by(world.operator, own_topics(world) | strange) == own_topics(world)
    assert heard_by(world.other, own_topics(world)) == frozenset()


def test_a_grid_operator_hears_of_their_searches_and_purchases(world):
    search, purchase = next(iter(world.searches.values())), next(iter(world.purchases.values()))
    topics = {f"search:{search.transaction_id}", f"purchase:{purchase.pk}"}
    assert heard_by(world.grid, topics) == topics


def test_a_person_who_was_deactivated_hears_nothing_keyed(world):
    world.operator.is_active = False
    assert heard_by(world.operator, own_topics(world)) == frozenset()
    world.operator.is_active = True


@pytest.mark.parametrize(
    "topic",
    ["", "site", "site:", "upload:x", "upload:99999999999999999999", "order:no-uuid", "user:1", "site:' OR 1=1"],
)
def test_nonsense_is_left_out_without_a_word(world, topic):
    assert heard_by(world.operator, {topic, f"order:{uuid.uuid4()}"}) == frozenset()


@pytest.mark.parametrize(
    ("who", "path"),
    [
        ("operator", "/"),
        ("operator", "/sites"),
        ("operator", "/sites/leeds-1"),
        ("operator", "/sites/leeds-1/queue"),
        ("operator", "/sites/leeds-1/schedule"),
        ("operator", "/sites/leeds-1/flexibility"),
        ("operator", "/offers"),
        ("operator", "/orders"),
        ("operator", "/operations"),
        ("grid", "/"),
        ("grid", "/purchases"),
        ("auditor", "/"),
        ("auditor", "/ledger"),
    ],
)
def test_whoever_reads_a_page_may_hear_what_it_listens_for(world, who, path):
    user = getattr(world, who)
    client = Client()
    client.force_login(user)
    page = client.get(path).content.decode()
    topics = {topic for found in re.findall(r'data-live-topics="([^"]*)"', page) for topic in found.split()}
    assert topics
    assert heard_by(user, topics) == topics
