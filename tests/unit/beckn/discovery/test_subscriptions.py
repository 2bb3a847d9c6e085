"""Subscriptions and pulls over signed requests: whose they are, copies, what is delivered, and by which policy."""

from __future__ import annotations

import io
import json
import uuid
from datetime import timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from beckn import outbox, registry, retry
from beckn.egress import Answer, EgressError
from beckn.models import CatalogueSubscription, InboxMessage, OutboxMessage, Subscriber
from beckn.testing import Participant
from beckn.wire import body, receipts, signing
from tests.unit.beckn.discovery.conftest import TYPE, catalogue, found, resource, sent

pytestmark = pytest.mark.django_db
DS = "/beckn/ds/catalog"


def ask(who: Participant | None, method: str, path: str, raw: bytes = b"", **headers: str) -> Any:
    """A signed request to the service."""
    if who is not None:
        headers.setdefault("Authorization", who.authorization(raw))
    response = Client().generic(method, f"{DS}/{path}", raw, content_type="application/json", headers=headers)
    if response.status_code != 405:
        service = Subscriber.objects.get(role="ds")
        signing.verify(signing.parse(response["Signature"]), response.content, service.public_key)
    return response


def subscription(buyer: Participant, **wish: Any) -> bytes:
    told = buyer.envelope("catalog/subscription", {"subscription": {"networkIds": ["caco.example/flex-dev"], **wish}})
    return body.dump(told)


def subscribed(buyer: Participant, **wish: Any) -> dict[str, Any]:
    response = ask(buyer, "POST", "subscription", subscription(buyer, **wish))
    assert response.status_code == 200, response.content
    told = response.json()
    assert told["context"]["action"] == "catalog/on_subscription"
    (one,) = told["message"]["subscriptions"]
    return one


def code(response: Any) -> tuple[int, str]:
    return response.status_code, response.json()["error"]["errorCode"]


def test_a_subscription_lives_from_post_to_delete(buyer):
    one = subscribed(buyer, schemaTypes=[TYPE], callbackUrl=buyer.url)
    assert (one["status"], one["schemaTypes"]) == ("ACTIVE", [TYPE])
    assert ask(buyer, "GET", "subscriptions").json()["subscriptions"] == [one]
    assert ask(buyer, "GET", f"subscription/{one['id']}").json() == one
    for _ in range(2):
        assert ask(buyer, "DELETE", f"subscription/{one['id']}").json()["status"] == "DELETED"
    assert ask(buyer, "GET", f"subscription/{one['id']}").json()["status"] == "DELETED"


def test_somebody_elses_subscription_looks_like_none(buyer):
    one = subscribed(buyer)
    stranger = Participant("bap", "stranger.example")
    stranger.register()
    for method in ("GET", "DELETE"):
        assert code(ask(stranger, method, f"subscription/{one['id']}")) == (404, "BIZ_ITEM_NOT_FOUND")
        assert code(ask(buyer, method, f"subscription/{uuid.uuid4()}")) == (404, "BIZ_ITEM_NOT_FOUND")
    assert ask(stranger, "GET", "subscriptions").json() == {"subscriptions": []}
    assert CatalogueSubscription.objects.get().status == "ACTIVE"


def test_a_copy_gets_the_same_answer_and_another_body_none(buyer):
    raw = subscription(buyer)
    first, copy = ask(buyer, "POST", "subscription", raw), ask(buyer, "POST", "subscription", raw)
    assert first.content == copy.content
    assert CatalogueSubscription.objects.count() == InboxMessage.objects.filter(role="ds").count() == 1
    other = json.loads(raw)
    other["message"]["subscription"]["schemaTypes"] = [TYPE]
    assert code(ask(buyer, "POST", "subscription", json.dumps(other).encode())) == (400, "CTX_MESSAGE_ID_DUPLICATE")
    assert CatalogueSubscription.objects.count() == 1


def test_what_is_wrong_is_refused_without_effect(buyer, seller, settings):
    raw = subscription(buyer)
    stale = buyer.authorization(raw, at=timezone.now() - timedelta(minutes=10))
    assert code(ask(None, "POST", "subscription", raw)) == (401, "AUT_SIGNATURE_MISSING")
    assert "realm" in ask(None, "GET", "subscriptions")["WWW-Authenticate"]
    assert code(ask(buyer, "POST", "subscription", raw, Authorization=stale)) == (401, "AUT_SIGNATURE_INVALID")
    assert code(ask(buyer, "POST", "subscription", raw + b" ", Authorization=buyer.authorization(raw))) == (
        401,
        "AUT_SIGNATURE_INVALID",
    )
    assert code(ask(buyer, "GET", "subscriptions", Authorization=buyer.authorization(b"x"))) == (
        401,
        "AUT_SIGNATURE_INVALID",
    )
    assert code(ask(Participant("bap", "nobody.example"), "GET", "subscriptions")) == (401, "AUT_SUBSCRIBER_NOT_FOUND")
    assert code(ask(buyer, "POST", "subscription", b"{")) == (400, "SCH_INVALID_JSON")
    assert code(ask(seller, "POST", "subscription", subscription(buyer))) == (401, "AUT_UNAUTHORIZED_ACTION")
    assert code(ask(buyer, "POST", "subscription", subscription(buyer, networkIds=["other/net"]))) == (
        400,
        "CTX_INVALID_FIELD",
    )
    assert code(ask(buyer, "POST", "subscription", subscription(buyer, callbackUrl="https://elsewhere.example/x"))) == (
        400,
        "CTX_INVALID_FIELD",
    )
    assert code(ask(buyer, "POST", "subscription", subscription(buyer, deliveryPolicy={"timeoutSeconds": 0}))) == (
        400,
        "SCH_SCHEMA_VALIDATION_FAILED",
    )
    settings.BECKN_MAX_BODY = 100
    assert code(ask(buyer, "POST", "subscription", raw)) == (413, "SCH_INVALID_FORMAT")
    assert ask(buyer, "PUT", "subscription", raw).status_code == 405
    assert CatalogueSubscription.objects.count() == InboxMessage.objects.count() == 0


@pytest.mark.parametrize(
    "headers",
    [
        {"Content-Type": "text/plain"},
        {"Content-Type": ""},
        {"Content-Type": "application/json; charset=latin-1"},
        {"Content-Type": "application/json", "Content-Encoding": "gzip"},
    ],
)
def test_only_json_in_plain_utf_8_is_read(buyer, headers):
    raw = subscription(buyer)
    headers = headers | {"Authorization": buyer.authorization(raw)}
    kind = headers.pop("Content-Type")
    answer = Client().generic("POST", f"{DS}/subscription", raw, content_type=kind, headers=headers)
    assert code(answer) == (415, "SCH_INVALID_FORMAT")
    assert InboxMessage.objects.count() == 0


def test_a_body_in_chunks_is_read_like_any_other_and_no_further_than_allowed(buyer, settings):
    def sent_in_chunks() -> Any:
        raw = subscription(buyer)
        about: dict[str, Any] = {
            "HTTP_TRANSFER_ENCODING": "chunked",
            "CONTENT_LENGTH": "",
            "wsgi.input": io.BytesIO(raw),
        }
        return Client().post(
            f"{DS}/subscription", content_type="application/json", HTTP_AUTHORIZATION=buyer.authorization(raw), **about
        )

    assert sent_in_chunks().status_code == 200
    settings.BECKN_MAX_BODY = 100
    assert code(sent_in_chunks()) == (413, "SCH_INVALID_FORMAT")
    assert InboxMessage.objects.count() == 1


def publish(say, seller, *catalogs):
    return say(seller, "catalog/publish", {"catalogs": list(catalogs)})


def test_what_is_published_is_delivered_to_those_who_want_it(say, buyer, seller):
    one = subscribed(buyer, schemaTypes=[TYPE])
    subscribed(buyer, schemaTypes=["https://x.example/other"])
    told = body.parse(bytes(InboxMessage.objects.earliest("pk").raw))
    battery = resource("z") | {"resourceAttributes": {"@context": "https://x.example/c", "@type": "Battery"}}
    publish(say, seller, catalogue("one", "a", resources=[resource("a"), battery]))
    (pushed,) = sent("on_discover", "buyer.example")
    assert found(pushed) == ["a"]
    assert pushed["context"]["transactionId"] == told["context"]["transactionId"]
    assert pushed["context"]["messageId"] != told["context"]["messageId"]
    # What goes off sale is told as well, to all who may hold it.
    publish(say, seller, catalogue("one", isActive=False))
    assert [found(message) for message in sent("on_discover", "buyer.example")] == [["a"], [], []]
    ask(buyer, "DELETE", f"subscription/{one['id']}")
    publish(say, seller, catalogue("one", "b"))
    assert len(sent("on_discover", "buyer.example")) == 3


def test_a_publication_stands_when_a_subscriber_cannot_be_served(say, buyer, seller):
    small = subscribed(buyer, deliveryPolicy={"maxPayloadBytes": 20_000})
    publish(say, seller, catalogue("big", *[f"r{number}" for number in range(60)]))
    row = CatalogueSubscription.objects.get(pk=small["id"])
    assert "pull it" in row.problem
    Subscriber.objects.filter(subscriber_id="buyer.example").update(status="REVOKED")
    answer = publish(say, seller, catalogue("one", "a"))
    assert answer["message"]["results"][0]["status"] == "ACCEPTED"
    row.refresh_from_db()
    assert (row.status, sent("on_discover", "buyer.example")) == ("INACTIVE", [])


def test_a_delivery_is_tried_as_the_subscriber_wants_it(say, buyer, seller, monkeypatch):
    policy = {"maxRetries": 2, "initialDelaySeconds": 7, "backoffMultiplier": 3, "maxDelaySeconds": 15}
    subscribed(buyer, deliveryPolicy={"retryPolicy": policy})
    publish(say, seller, catalogue("one", "a"))
    row = OutboxMessage.objects.get(action="on_discover")

    def dead(*_: Any, **__: Any) -> Answer:
        raise EgressError("nobody listens")

    monkeypatch.setattr(outbox.egress, "post", dead)
    pauses = []
    while row.state == "PENDING":
        at = row.next_attempt_at
        outbox.deliver(row.pk, now=at)
        row.refresh_from_db()
        pauses.append((row.next_attempt_at - at).total_seconds())
    assert (row.state, row.attempts, pauses[:2]) == ("DEAD", 3, [7, 15])


@pytest.mark.parametrize(("policy", "seconds"), [({"timeoutSeconds": 3}, 3), ({}, 10), ({"timeoutSeconds": 300}, 300)])
def test_an_attempt_lasts_as_long_as_the_subscriber_wants_it(say, buyer, seller, monkeypatch, policy, seconds):
    subscribed(buyer, deliveryPolicy=policy)
    publish(say, seller, catalogue("one", "a"))
    row = OutboxMessage.objects.get(action="on_discover")
    given: list[float] = []

    def dead(*_: Any, total_s: float, **__: Any) -> Answer:
        given.append(total_s)
        raise EgressError("nobody listens")

    monkeypatch.setattr(outbox.egress, "post", dead)
    outbox.deliver(row.pk, now=row.next_attempt_at)
    assert given == [seconds]


def test_the_standards_policy_fills_what_a_subscriber_leaves_out():
    pauses = [retry.by_policy({}, attempt) for attempt in range(1, 7)]
    assert pauses == [*(timedelta(seconds=seconds) for seconds in (5, 10, 20, 40, 80)), None]
    assert retry.by_policy({"maxRetries": 9}, 8) == timedelta(seconds=300)


def pull(buyer: Participant, **wish: Any) -> tuple[dict[str, Any], bytes]:
    raw = body.dump(buyer.envelope("catalog/pull", {"mode": "FULL", **wish}))
    response = ask(buyer, "POST", "pull", raw)
    assert response.status_code == 200, response.content
    return response.json(), raw


def handle() -> None:
    from beckn import inbox

    for row in InboxMessage.objects.filter(state="RECEIVED"):
        assert inbox.handle(row.pk, now=timezone.now()) == "HANDLED"


def test_a_pull_is_acknowledged_made_announced_and_fetched(say, buyer, seller):
    publish(say, seller, catalogue("one", "a"), catalogue("two", "b"))
    ack, raw = pull(buyer)
    assert ack["status"] == "ACK"
    path = f"pull/result/{ack['requestId']}/catalogs.json"
    key = Subscriber.objects.get(role="ds").public_key
    copy = ask(buyer, "POST", "pull", raw).content
    assert receipts.is_countersigned(copy, request=raw, message_id=ack["requestId"], public_key=key)
    assert code(ask(buyer, "GET", path)) == (404, "BIZ_ITEM_NOT_FOUND")
    handle()
    (told,) = sent("on_catalog_pull", "buyer.example")
    assert told["message"]["requestId"] == ack["requestId"]
    assert told["message"]["url"].endswith(f"/beckn/ds/catalog/{path}")
    result = ask(buyer, "GET", path)
    assert body.parse(result.content)["catalogs"] == told["message"]["catalogs"]
    assert found({"message": result.json()}) == ["a", "b"]
    assert code(ask(seller, "GET", path)) == (404, "BIZ_ITEM_NOT_FOUND")
    for wish, names in (({"catalogIds": ["two"]}, ["b"]), ({"limit": 1}, ["a"]), ({"filters": {"schemaTypes": ["x"]}}, []),
                        ({"mode": "INCREMENTAL", "fromDate": "2020-01-01T00:00:00Z", "toDate": "2021-01-01T00:00:00Z"}, [])):  # fmt: skip
        pull(buyer, **wish)
        handle()
        assert found(sent("on_catalog_pull", "buyer.example")[-1]) == names


def test_a_pull_that_cannot_be_made_says_so(buyer):
    pull(buyer, mode="INCREMENTAL")
    handle()
    (told,) = sent("on_catalog_pull", "buyer.example")
    assert (told["message"]["status"], told["error"]["errorCode"]) == ("FAILED", "SCH_REQUIRED_FIELD_MISSING")


def test_master_items_are_found_apart_from_what_is_on_sale(say, buyer, seller):
    master = catalogue(
        "masters",
        *[f"m{number}" for number in range(5)],
        publishDirectives={"catalogType": "master", "updateMode": "FULL"},
    )
    publish(say, seller, master, catalogue("one", "a"))
    assert found(say(buyer, "discover", {"intent": {}})) == ["a"]
    told = buyer.envelope(
        "catalog/master_search", {"filters": {"schemaTypes": [TYPE]}, "pagination": {"limit": 2, "offset": 3}}
    )
    response = ask(buyer, "POST", "master/search", body.dump(told)).json()
    assert response["context"]["action"] == "on_catalog_master_search"
    assert [one["id"] for one in response["message"]["resources"]] == ["m3", "m4"]
    assert response["message"]["pagination"] == {"count": 5, "limit": 2, "offset": 3}
    assert ask(buyer, "GET", "master/schemaTypes").json() == {"schemaTypes": [TYPE]}
    assert ask(buyer, "GET", "master/m2").json()["id"] == "m2"
    assert code(ask(buyer, "GET", "master/nothing")) == (404, "BIZ_ITEM_NOT_FOUND")


def test_the_service_itself_is_registered_with_a_key_of_its_own(installed):
    one = registry.peer("discovery.caco.local", role="ds", now=timezone.now())
    assert one.url.endswith("/beckn/ds")
    assert Subscriber.objects.filter(role__in=["bap", "bpp", "ds"]).values("public_key").distinct().count() == 3
