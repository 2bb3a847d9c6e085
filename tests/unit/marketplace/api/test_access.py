"""Who gets in, with what, and to what: every address, every method, from the URL table itself."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone

from marketplace.models import ApiToken, Membership, Organisation, Purchase, SearchResult, User
from marketplace.rules.scopes import SCOPES
from tests.unit.marketplace.api.conftest import Program, token_of
from tests.unit.marketplace.api.routes import BY_PATTERN, IDS, MULTIPART, OPERATIONS, views
from tests.unit.marketplace.web.world import NOW, World

EACH = pytest.mark.parametrize(("pattern", "method", "scope"), OPERATIONS, ids=IDS)
WITH_SCOPE = pytest.mark.parametrize(
    ("pattern", "method", "scope"),
    [one for one in OPERATIONS if one[2]],
    ids=[name for name, one in zip(IDS, OPERATIONS, strict=True) if one[2]],
)
FOREIGN = pytest.mark.parametrize(
    ("pattern", "method"),
    [(pattern, method) for pattern, method, _ in OPERATIONS if BY_PATTERN[pattern].foreign],
)
# POST without a role that allows it; making and revoking one's own tokens and searching need none beyond membership.
WRITES = [
    (pattern, method)
    for pattern, method, scope in OPERATIONS
    if method == "POST" and not scope.startswith("tokens") and pattern not in {"searches", *MULTIPART}
]


def test_every_address_has_an_example_and_every_scope_a_use() -> None:
    assert {pattern for pattern, _ in views()} == set(BY_PATTERN)
    used = {scope for _, _, scope in OPERATIONS if scope}
    assert used == set(SCOPES)


def test_every_method_of_every_view_declares_its_scope() -> None:
    for pattern, view in views():
        methods = {name.upper() for name in ("get", "post", "put", "patch", "delete") if hasattr(view, name)}
        assert methods == set(view.scopes), pattern


@EACH
def test_nobody_gets_in_without_a_credential(world: World, pattern: str, method: str, scope: str) -> None:
    response = Program().call(method, BY_PATTERN[pattern].own(world))
    assert response.status_code == 401
    assert response["WWW-Authenticate"] == "Token"
    assert response.json()["code"] == "NOT_SIGNED_IN"


@WITH_SCOPE
def test_a_token_without_the_scope_is_refused_by_its_name(
    world: World, program: Any, pattern: str, method: str, scope: str
) -> None:
    route = BY_PATTERN[pattern]
    others = [one for one in SCOPES if one != scope]
    response = program(route.person(world), *others).call(method, route.own(world))
    assert response.status_code == 403
    assert response.json()["code"] == "SCOPE_MISSING"
    assert scope in response.json()["detail"]


@FOREIGN
def test_what_belongs_to_others_looks_like_nothing(world: World, program: Any, pattern: str, method: str) -> None:
    route = BY_PATTERN[pattern]
    assert route.foreign is not None
    options = {"data": route.body(world), "format": "json"} if method == "POST" and pattern not in MULTIPART else {}
    for person in (route.person(world),):
        response = program(person).call(method, route.foreign(world), **options)
        assert response.status_code == 404
        assert response.json()["code"] == "NOT_FOUND"


@FOREIGN
def test_others_do_not_find_what_is_ours(world: World, program: Any, pattern: str, method: str) -> None:
    """The same from the other side: another operator asks for our example."""
    route = BY_PATTERN[pattern]
    response = program(world.other).call(method, route.own(world))
    assert response.status_code == 404


@pytest.mark.parametrize(("pattern", "method"), WRITES)
def test_a_role_that_may_not_is_refused_in_words(world: World, program: Any, pattern: str, method: str) -> None:
    route = BY_PATTERN[pattern]
    Membership.objects.filter(user=world.grid).update(role="VIEWER")
    person = world.grid if route.buyer else world.viewer
    status, body = program(person).post(route.own(world), route.body(world))
    assert (status, body["code"]) == (403, "NOT_ALLOWED")
    assert body["fix"] == "Ask an administrator of your organisation to change your role."


@EACH
def test_its_owner_may_read_it(world: World, program: Any, pattern: str, method: str, scope: str) -> None:
    route = BY_PATTERN[pattern]
    if method == "GET":
        scopes = [scope] if scope else ["ledger:read"]
        assert program(route.person(world), *scopes).call("GET", route.own(world)).status_code == 200


def test_an_auditor_reads_every_order_and_no_offer(world: World, program: Any) -> None:
    auditor = program(world.auditor)
    assert auditor.get(f"/orders/{world.foreign['order'].pk}")[0] == 200
    assert auditor.get(f"/offers/{world.offers['draft'].pk}")[0] == 404
    assert auditor.get("/sites")[1]["results"] == []


def test_a_token_acts_for_its_one_organisation_only(world: World, program: Any) -> None:
    """The person belongs to two organisations; each token shows and does the one it was made for."""
    mersey = Organisation.objects.get(slug="mersey-data-halls")
    Membership.objects.create(user=world.operator, organisation=mersey, role="ADMIN")
    ours = program(world.operator, organisation=world.site.organisation)
    theirs = program(world.operator, organisation=mersey)
    assert [one["slug"] for one in ours.get("/sites")[1]["results"]] == [world.site.slug]
    assert [one["slug"] for one in theirs.get("/sites")[1]["results"]] == [world.foreign["site"].slug]
    assert theirs.get(f"/uploads/{world.uploads['review'].pk}")[0] == 404
    assert theirs.post(f"/offers/{world.offers['draft'].pk}/withdraw")[0] == 404
    assert {one["organisation"] for one in theirs.get("/tokens")[1]["results"]} == {"mersey-data-halls"}
    everything = Program(user=world.operator).get("/sites")[1]["results"]
    assert {one["slug"] for one in everything} == {world.site.slug, world.foreign["site"].slug}


def test_a_platform_administrators_token_is_narrowed_too(world: World, program: Any) -> None:
    chief = User.objects.create_superuser("chief@caco.example")
    narrowed = program(chief, organisation=world.site.organisation)
    assert [one["slug"] for one in narrowed.get("/sites")[1]["results"]] == [world.site.slug]
    me = narrowed.get("/me")[1]
    assert (me["organisation"]["slug"], me["role"]) == ("aire-valley-compute", "ADMIN")
    assert narrowed.post("/searches")[0] == 403
    assert len(Program(user=chief).get("/sites")[1]["results"]) == 2
    assert Program(user=chief).get("/me")[1]["organisation"] is None
    assert Program(user=chief).post("/tokens", {"name": "n", "scopes": ["sites:read"]})[0] == 403


def test_a_token_of_an_auditor_who_is_also_an_operator_sees_what_it_was_made_for(world: World, program: Any) -> None:
    house = Organisation.objects.get(kind="AUDITOR")
    Membership.objects.create(user=world.operator, organisation=house, role="AUDITOR")
    foreign = f"/orders/{world.foreign['order'].pk}"
    assert program(world.operator, organisation=world.site.organisation).get(foreign)[0] == 404
    assert program(world.operator, organisation=house).get(foreign)[0] == 200


def test_a_token_ends_with_its_life_its_person_and_their_membership(world: World) -> None:
    secret = token_of(world.viewer)
    assert Program(secret=secret).get("/me")[0] == 200
    ApiToken.objects.filter(user=world.viewer).update(expiry=timezone.now() - timedelta(seconds=1))
    assert Program(secret=secret).get("/me")[0] == 401
    left = token_of(world.viewer)
    Membership.objects.filter(user=world.viewer).delete()
    status, body = Program(secret=left).get("/me")
    assert (status, body["code"]) == (401, "BAD_CREDENTIALS")


@pytest.mark.parametrize(
    "header", ["Token", "Token a b", "Token ÿþ", "Token " + "0" * 64, "Token x\0", "Token " + "a" * 5000]
)
def test_a_header_that_is_no_token_is_401(world: World, header: str) -> None:
    response = Program().call("GET", "/me", HTTP_AUTHORIZATION=header)
    assert response.status_code == 401


def test_use_is_noted_but_not_written_every_time(world: World, django_assert_num_queries: Any) -> None:
    secret = token_of(world.operator)
    Program(secret=secret).get("/me")
    noted = ApiToken.objects.get(user=world.operator).last_used_at
    assert noted is not None
    Program(secret=secret).get("/me")
    assert ApiToken.objects.get(user=world.operator).last_used_at == noted


def test_a_session_posts_only_with_its_csrf_token(world: World) -> None:
    browser = Program(user=world.operator, csrf=True)
    status, body = browser.post(f"/sites/{world.site.slug}/plan")
    assert (status, body["code"]) == (403, "CSRF_FAILED")
    assert "X-CSRFToken" in body["fix"]
    browser.client.cookies["csrftoken"] = "a" * 32
    assert browser.post(f"/sites/{world.site.slug}/plan", HTTP_X_CSRFTOKEN="a" * 32)[0] == 202


def test_only_a_grid_operator_searches(world: World, program: Any) -> None:
    status, body = program(world.operator).post("/searches", {"direction": "REDUCE"})
    assert (status, body["code"]) == (403, "NOT_ALLOWED")
    assert SearchResult.objects.filter(organisation=world.site.organisation).count() == 0


def test_a_second_buyer_sees_none_of_the_firsts_deals(world: World, program: Any) -> None:
    rival = Organisation.objects.create(name="Southern Wires", slug="southern-wires", kind="GRID", created_at=NOW)
    Membership.objects.create(user=world.viewer, organisation=rival, role="TRADER")
    theirs = program(world.viewer, organisation=rival)
    assert theirs.get("/purchases")[1]["results"] == []
    assert theirs.get("/messages")[1]["results"] == []
    assert theirs.get(f"/purchases/{world.purchases['settled'].pk}")[0] == 404
    assert theirs.post(f"/purchases/{world.purchases['quoted'].pk}/initialise")[0] == 404
    wish = {"search": str(world.searches["answered"].transaction_id), "offer_id": "x", "kw": 1}
    assert theirs.post("/purchases", wish)[0] == 404
    assert Purchase.objects.filter(organisation=rival).count() == 0
