"""Who a credential speaks for, and making and revoking tokens."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from marketplace.models import ApiToken, Event
from tests.unit.marketplace.api.conftest import Program
from tests.unit.marketplace.web.world import World

WISH = {"name": "night planner", "scopes": ["uploads:write", "plans:read"], "days": 7}


def test_a_token_says_whom_it_speaks_for_and_what_it_lets_through(world: World, program: Any) -> None:
    status, body = program(world.operator, "sites:read").get("/me")
    assert status == 200
    assert body["organisation"] == {"slug": "aire-valley-compute", "name": "Aire Valley Compute", "kind": "OPERATOR"}
    assert (body["email"], body["role"], body["scopes"]) == (world.operator.email, "ADMIN", ["sites:read"])
    assert "upload a queue" in body["may"]
    assert body["market_time"] == "2024-01-16T13:10:00Z"


def test_a_session_has_every_scope_and_its_persons_role(world: World) -> None:
    body = Program(user=world.viewer).get("/me")[1]
    assert body["role"] == "VIEWER"
    assert body["may"] == ["view"]
    assert "tokens:write" in body["scopes"]


def test_a_new_token_works_is_shown_once_and_stands_in_the_log(world: World) -> None:
    browser = Program(user=world.operator)
    status, body = browser.post("/tokens", WISH)
    assert (status, body["scopes"], body["organisation"]) == (
        201,
        ["plans:read", "uploads:write"],
        "aire-valley-compute",
    )
    assert Program(secret=body["secret"]).get("/me")[1]["scopes"] == ["plans:read", "uploads:write"]
    listed = browser.get("/tokens")[1]["results"]
    assert listed[0]["id"] == body["id"]
    assert "secret" not in listed[0]
    assert body["secret"] not in str(listed)
    event = Event.objects.get(subject=f"token:{body['id']}")
    assert event.type == "token.made"
    assert body["secret"][:8].encode() not in bytes(event.payload)


def test_the_database_keeps_a_hash_only(world: World) -> None:
    secret = Program(user=world.operator).post("/tokens", WISH)[1]["secret"]
    for row in ApiToken.objects.values():
        assert secret not in str(row)


def test_a_token_makes_tokens_no_larger_than_itself(world: World, program: Any) -> None:
    maker = program(world.operator, "tokens:write", "plans:read")
    status, body = maker.post("/tokens", {**WISH, "scopes": ["plans:read", "uploads:write"]})
    assert (status, body["code"]) == (403, "NOT_ALLOWED")
    assert "uploads:write" in body["detail"]
    status, body = maker.post("/tokens", {**WISH, "scopes": ["plans:read"], "days": 90})
    assert status == 201
    made = ApiToken.objects.get(name=WISH["name"])
    assert made.expiry <= max(one.expiry for one in ApiToken.objects.filter(name="test"))


def test_a_revoked_token_is_refused_at_once(world: World) -> None:
    browser = Program(user=world.operator)
    made = browser.post("/tokens", WISH)[1]
    assert browser.call("DELETE", f"/tokens/{made['id']}").status_code == 204
    assert Program(secret=made["secret"]).get("/me")[0] == 401
    assert browser.call("DELETE", f"/tokens/{made['id']}").status_code == 404
    assert Event.objects.filter(type="token.revoked", subject=f"token:{made['id']}").exists()


def test_nobody_revokes_somebody_elses_token(world: World) -> None:
    made = Program(user=world.operator).post("/tokens", WISH)[1]
    assert Program(user=world.other).call("DELETE", f"/tokens/{made['id']}").status_code == 404
    assert Program(user=world.viewer).call("DELETE", f"/tokens/{made['id'][:4]}").status_code == 404
    assert Program(secret=made["secret"]).get("/me")[0] == 200


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"scopes": []}, "scopes"),
        ({"scopes": ["everything"]}, "scopes[0]"),
        ({"scopes": "plans:read"}, "scopes"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"name": ""}, "name"),
        ({"name": "x" * 81}, "name"),
        ({"organisation": "mersey-data-halls"}, "organisation"),
    ],
)
def test_a_token_that_cannot_be_made_is_refused_by_field(world: World, change: dict[str, Any], field: str) -> None:
    status, body = Program(user=world.operator).post("/tokens", {**WISH, **change})
    assert status == 422
    assert [error["field"] for error in body["errors"]] == [field]
    assert body["errors"][0]["fix"]


def test_expiry_is_in_real_time(world: World) -> None:
    """The market's clock may stand elsewhere; a token's life does not."""
    made = Program(user=world.operator).post("/tokens", WISH)[1]
    assert made["expires_at"] > timezone.now().isoformat()
