"""What cannot be read, what is too large, what is not there: always a problem in words, never a failure of ours."""

from __future__ import annotations

import uuid
from typing import Any

import pytest

from marketplace.api.problems import from_market
from marketplace.queries import sites
from marketplace.rules.errors import MarketError
from tests.unit.marketplace.api.conftest import API, Program, check_problem
from tests.unit.marketplace.web.world import World

BROKEN = [
    (b"", 202, ""),
    (b"{", 400, "not JSON"),
    (b"[]", 400, "not an object"),
    (b'"x"', 400, "not an object"),
    (b"null", 400, "not an object"),
    (b'{"start": NaN}', 400, "NaN"),
    (b'{"start": -Infinity}', 400, "Infinity"),
    (b'{"start": 1e400}', 400, "out of range"),
    (b'{"start": 1, "start": 2}', 400, "twice"),
    (b'{"start": "\xff"}', 400, "UTF-8"),
    (b"\xef\xbb\xbf{}", 400, "not JSON"),
    (b'{"start": "\\ud800"}', 400, "not text"),
    (b'{"start": "\\u0000"}', 400, "not text"),
    (b'{"\\u0000": 1}', 400, "not text"),
    (b'{"start": ' + b"9" * 5000 + b"}", 400, "too many digits"),
    (b'{"start": ' + b"[" * 100_000 + b"]" * 100_000 + b"}", 400, "nested"),
    (b'{"start": ' + b"[" * 40 + b"]" * 40 + b"}", 400, "nested"),
    (b'{"start": "2024-01-16T20:00:00Z", "until": 1}', 422, "until"),
]


@pytest.mark.parametrize(("body", "status", "words"), BROKEN, ids=range(len(BROKEN)))
def test_a_body_is_read_strictly(world: World, program: Any, body: bytes, status: int, words: str) -> None:
    path = f"/sites/{world.site.slug}/offer-requests"
    response = program(world.operator).call("POST", path, data=body, content_type="application/json")
    assert response.status_code == status
    if words:
        assert words in str(response.json())
        assert response.json()["fix"]


@pytest.mark.parametrize(
    "kind",
    ["text/plain", "application/x-www-form-urlencoded", "application/xml", "multipart/form-data; boundary=x", "x"],
)
def test_another_format_is_refused_by_name(world: World, program: Any, kind: str) -> None:
    response = program(world.operator).call("POST", f"/sites/{world.site.slug}/plan", data=b"a=b", content_type=kind)
    assert (response.status_code, response.json()["code"]) == (415, "NOT_THIS_FORMAT")


def test_a_body_of_unknown_length_is_refused_and_not_taken_for_none(world: World, program: Any) -> None:
    path = f"/uploads/{world.uploads['clean'].pk}/accept"
    response = program(world.operator).call("POST", path, HTTP_TRANSFER_ENCODING="chunked")
    assert (response.status_code, response.json()["code"]) == (400, "UNREADABLE")


def test_json_by_any_spelling_of_its_name_is_read(world: World, program: Any) -> None:
    kind = "Application/JSON; charset=utf-8"
    assert (
        program(world.operator)
        .call("POST", f"/sites/{world.site.slug}/plan", data=b"{}", content_type=kind)
        .status_code
        == 202
    )


def test_a_body_that_is_too_large_is_refused_before_credentials_are_read(world: World) -> None:
    response = Program().call("POST", "/tokens", data=b" " * (1024 * 1024 + 1), content_type="application/json")
    assert (response.status_code, response.json()["code"]) == (413, "TOO_LARGE")


@pytest.mark.parametrize(
    "path", ["/", "/nowhere", "/sites/", "/sites/leeds-1/", "/offers/7", "/uploads/x", "/ledger/-1", "/sites/é"]
)
def test_an_address_that_does_not_exist_is_a_problem_too(world: World, program: Any, path: str) -> None:
    for method in ("GET", "POST"):
        response = program(world.operator).call(method, path)
        assert (response.status_code, response.json()["code"]) == (404, "NOT_FOUND")


@pytest.mark.parametrize(
    "path", ["/uploads/99999999999999999999", "/ledger/99999999999999999999", f"/offers/{uuid.UUID(int=1)}"]
)
def test_an_id_out_of_range_is_not_there(world: World, program: Any, path: str) -> None:
    assert program(world.operator).get(path)[0] == 404


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "OPTIONS", "HEAD"])
def test_a_method_an_address_does_not_take(world: World, program: Any, method: str) -> None:
    response = program(world.operator).call(method, f"/sites/{world.site.slug}/plan")
    assert response.status_code == (200 if method == "HEAD" else 405)


def test_what_nobody_anticipated_is_a_problem_with_a_reference(
    world: World, program: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def broken(*_: Any) -> None:
        raise ZeroDivisionError("a secret detail")

    monkeypatch.setattr(sites.Site.objects.none().__class__, "select_related", broken)
    asker = program(world.operator)
    response = asker.client.get(f"{API}/sites", **asker.headers)
    assert response.status_code == 500
    body = response.json()
    assert body["code"] == "FAULT"
    assert "secret" not in response.content.decode()
    reference = body["detail"].split()[-1].rstrip(".")
    assert reference in caplog.text
    assert "a secret detail" in caplog.text


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("NOT_ALLOWED", 403),
        ("BIZ_ORDER_NOT_FOUND", 404),
        ("CTX_TRANSACTION_ID_UNKNOWN", 404),
        ("BIZ_QUANTITY_UNAVAILABLE", 409),
        ("OFFER_OVERLAPS", 409),
        ("FILE_TOO_LARGE", 413),
        ("BAD_WINDOW", 422),
        ("SCH_INVALID_FORMAT", 422),
        ("BIZ_INVALID_UPDATE_TARGET", 422),
    ],
)
def test_each_of_the_markets_codes_has_its_status(code: str, status: int) -> None:
    response = from_market(MarketError(code, "It cannot be.", fix="Do something else."))
    assert response.status_code == status
    assert response.data["code"] == code
    assert response.data["fix"] == "Do something else."


def test_a_seller_that_left_the_network_is_told_as_such(world: World, program: Any) -> None:
    purchase = world.purchases["quoted"]
    purchase.seller_subscriber_id = "gone.example"
    purchase.save(update_fields=["seller_subscriber_id"])
    status, body = program(world.grid).post(f"/purchases/{purchase.pk}/initialise")
    assert (status, body["code"]) == (409, "PEER_UNKNOWN")
    assert "gone.example" in body["detail"]


def test_answers_are_not_kept_by_caches_and_an_accept_header_changes_nothing(world: World, program: Any) -> None:
    response = program(world.operator).call("GET", "/me", HTTP_ACCEPT="text/html")
    assert response["Content-Type"] == "application/json"
    assert response["Cache-Control"] == "no-store"
    refused = Program().client.get(f"{API}/me", HTTP_ACCEPT="text/html")
    check_problem(refused)
