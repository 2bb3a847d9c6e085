"""Programs under test: one market a module, a frozen market clock, and clients that hold a token or a session."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.db import transaction
from rest_framework.test import APIClient

from beckn.models import Subscriber
from marketplace import clock
from marketplace.models import ApiToken, Membership, User
from marketplace.rules.scopes import SCOPES
from tests.unit.marketplace.web.world import NOW, World, build

API = "/api/v1"


class Program:
    """A client of the API: `status, body = program.get("/sites")`."""

    def __init__(self, *, secret: str = "", user: User | None = None, csrf: bool = False) -> None:
        self.client = APIClient(enforce_csrf_checks=csrf, raise_request_exception=False)
        if user is not None:
            self.client.force_login(user)
        self.headers = {"HTTP_AUTHORIZATION": f"Token {secret}"} if secret else {}

    def call(self, method: str, path: str, **options: Any) -> Any:
        """The whole response; a refusal must be a problem that says what is wrong and what to do."""
        response = getattr(self.client, method.lower())(f"{API}{path}", **options, **self.headers)
        if response.status_code >= 400:
            check_problem(response)
        return response

    def get(self, path: str, **query: Any) -> tuple[int, Any]:
        """GET as (status, JSON)."""
        response = self.call("GET", path, data=query)
        return response.status_code, response.json()

    def post(self, path: str, body: Any = None, **options: Any) -> tuple[int, Any]:
        """POST JSON as (status, JSON)."""
        response = self.call("POST", path, data=body if body is not None else {}, format="json", **options)
        return response.status_code, response.json()


def check_problem(response: Any) -> None:
    """Every refusal has the shape of RFC 9457, and nothing fails on our side."""
    assert response.status_code < 500, response.content[:500]
    assert response["Content-Type"] == "application/problem+json"
    body = response.json()
    assert body["status"] == response.status_code
    assert body["title"]
    assert body["detail"]
    assert body["code"].isupper()
    assert body["type"].startswith("urn:caco:problem:")
    assert isinstance(body["fix"], str)
    for error in body.get("errors", []):
        assert set(error) == {"field", "value", "problem", "fix"}


@pytest.fixture(autouse=True)
def frozen_market(monkeypatch: pytest.MonkeyPatch) -> None:
    """The market's clock stands at the world's own moment."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture(scope="module")
def market(django_db_setup: None, django_db_blocker: Any) -> Iterator[World]:
    """The market in every state, written once a module and rolled back after it."""
    with django_db_blocker.unblock(), transaction.atomic():
        join_the_network()
        yield build()
        transaction.set_rollback(True)


def join_the_network() -> None:
    """Both participants stand in the registry, as `manage.py beckn_keygen` puts them there. Nothing is delivered here."""
    for role, party in settings.BECKN_PARTICIPANTS.items():
        Subscriber.objects.create(
            subscriber_id=party["subscriber_id"],
            url=party["url"],
            key_id="test",
            role=role,
            public_key="A" * 43 + "=",
            valid_from=datetime(2020, 1, 1, tzinfo=UTC),
            valid_until=datetime(2100, 1, 1, tzinfo=UTC),
        )


@pytest.fixture
def world(market: World, db: None) -> World:
    """The market; what a test changes in it is rolled back after that test."""
    return market


def token_of(user: User, *scopes: str, **fields: Any) -> str:
    """The secret of a new token of `user` for their first organisation, with these scopes or all of them."""
    organisation = fields.pop("organisation", None) or Membership.objects.filter(user=user)[0].organisation
    held = list(scopes or SCOPES)
    _, secret = ApiToken.objects.create(
        user=user, expiry=fields.pop("life", timedelta(hours=1)), organisation=organisation, name="test", scopes=held
    )
    return str(secret)


@pytest.fixture
def program() -> Callable[..., Program]:
    """A program with a token of this person: program(user, "sites:read"); without scopes it holds all of them."""

    def make(user: User, *scopes: str, **fields: Any) -> Program:
        return Program(secret=token_of(user, *scopes, **fields))

    return make
