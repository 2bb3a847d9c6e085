"""Pages under test: one market a module, a frozen market clock, and templates that fail on a name nobody gave them."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import transaction
from django.template import engines
from django.test import Client

from marketplace import clock
from marketplace.models import User
from tests.unit.marketplace.web.world import NOW, World, build


class Strict(str):
    """Stands where a template names something it was not given: the test fails and says what."""

    def __contains__(self, _: object) -> bool:
        return True

    def __mod__(self, name: object) -> str:
        raise AssertionError(f"a template names {name}, which its view does not give")


@pytest.fixture(autouse=True)
def frozen_market(monkeypatch: pytest.MonkeyPatch) -> None:
    """The market's clock stands at the world's own moment, and no template may name what it was not given."""
    monkeypatch.setattr(clock, "now", lambda: NOW)
    monkeypatch.setattr(engines["django"].engine, "string_if_invalid", Strict("%s"))  # type: ignore[attr-defined]


@pytest.fixture(scope="module")
def market(django_db_setup: None, django_db_blocker) -> Iterator[World]:
    """The market in every state, written once a module and rolled back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        yield build()
        transaction.set_rollback(True)


@pytest.fixture
def world(market: World, db: None) -> World:
    """The market; what a test changes in it is rolled back after that test."""
    return market


@pytest.fixture
def signed_in() -> Callable[[User], Client]:
    """A browser in which this person is signed in. It checks CSRF tokens only where a test asks for that."""

    def make(user: User) -> Client:
        client = Client()
        client.force_login(user)
        return client

    return make
