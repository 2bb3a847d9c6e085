"""What is held is what the table says, and no more of it than may be."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from beckn.discovery.publication import publish
from beckn.discovery.shelf import Shelf
from beckn.models import Catalogue
from beckn.wire.context import Party
from tests.unit.beckn.discovery.conftest import catalogue

pytestmark = pytest.mark.django_db
SELLER = Party("seller.example", "https://seller.example")
NOW = datetime(2026, 1, 15, tzinfo=UTC)


def put(*names: str, kw: int = 1) -> None:
    for number, name in enumerate(names):
        told = catalogue(name, f"{name}-{kw}")
        assert publish(told, publisher=SELLER, network_id="n", now=NOW + timedelta(seconds=number)).row is not None


def read(shelf: Shelf) -> list[str]:
    return [one["resources"][0]["id"] for one in shelf.catalogues(Catalogue.objects.order_by("pk"))]


def test_a_catalogue_is_read_once_and_again_when_it_changes(django_assert_num_queries):
    shelf = Shelf()
    put("a", "b")
    with django_assert_num_queries(2):
        assert read(shelf) == ["a-1", "b-1"]
    with django_assert_num_queries(1):
        assert read(shelf) == ["a-1", "b-1"]
    put("b", kw=2)
    assert read(shelf) == ["a-1", "b-2"]
    assert len(shelf.held) == len(shelf.current) == 2
    assert shelf.bytes == sum(len(row.body) for row in Catalogue.objects.all())
    Catalogue.objects.filter(catalogue_id="a").delete()
    assert read(shelf) == ["b-2"]


def test_no_more_is_held_than_may_be(django_assert_num_queries):
    put(*"abcde")
    size = len(bytes(Catalogue.objects.earliest("pk").body))
    shelf = Shelf(most_bytes=2 * size + 10)
    for _ in range(2):
        assert read(shelf) == [f"{name}-1" for name in "abcde"]
        assert (len(shelf.held), len(shelf.current), shelf.bytes <= shelf.most_bytes) == (2, 2, True)
