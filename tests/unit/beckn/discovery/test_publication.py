"""Publishing and searching: FULL and MERGE, whose a catalogue is, what is found, and answers that do not fit."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from django.utils import timezone

from beckn.discovery import clock, search
from beckn.models import Catalogue
from beckn.testing import Participant
from beckn.wire import body
from tests.unit.beckn.discovery.conftest import TYPE, Said, catalogue, found, resource

pytestmark = pytest.mark.django_db


def publish(say: Said, seller: Participant, *catalogs, **directives):
    told = [one | ({"publishDirectives": directives} if directives else {}) for one in catalogs]
    return say(seller, "catalog/publish", {"catalogs": told})


def discover(say: Said, buyer: Participant, **context):
    intent = context.pop("intent", {})
    return say(buyer, "discover", {"intent": intent}, **context)


def test_a_catalogue_that_is_published_is_accepted_and_found(say, seller, rival, buyer):
    answer = publish(say, seller, catalogue("one", "a", "b"))
    assert answer["context"]["action"] == "catalog/on_publish"
    assert answer["message"]["results"] == [
        {"catalogId": "one", "status": "ACCEPTED", "stats": {"itemCount": 2, "providerCount": 1}}
    ]
    publish(say, rival, catalogue("one", "c"))
    got = discover(say, buyer)
    assert got["context"]["action"] == "on_discover"
    assert "bppId" not in got["context"]
    assert found(got) == ["a", "b", "c"]
    assert [one["bppId"] for one in got["message"]["catalogs"]] == ["seller.example", "rival.example"]
    assert got["message"]["catalogs"][0]["bppUri"] == seller.url
    assert found(discover(say, buyer, bppId="rival.example")) == ["c"]


def test_full_replaces_and_merge_writes_over(say, seller, buyer):
    publish(say, seller, catalogue("one", "a", "b"))
    changed = catalogue("one", "b", "c", resources=[resource("b", kw=9), resource("c")])
    publish(say, seller, changed, updateMode="MERGE")
    got = discover(say, buyer)
    assert found(got) == ["a", "b", "c"]
    assert [one["resourceAttributes"]["maxCapacityKw"] for one in got["message"]["catalogs"][0]["resources"]] == [
        500,
        9,
        500,
    ]
    publish(say, seller, changed, updateMode="FULL")
    assert found(discover(say, buyer)) == ["b", "c"]
    publish(
        say,
        seller,
        {name: value for name, value in changed.items() if name != "offers"} | {"isActive": False},
        updateMode="MERGE",
    )
    assert found(discover(say, buyer)) == []
    assert Catalogue.objects.get().version == 4


def test_a_catalogue_of_somebody_else_is_rejected_and_the_others_are_not(say, seller, rival, buyer):
    publish(say, seller, catalogue("one", "a"))
    forged = catalogue("one", "x", bppId="seller.example")
    answer = publish(say, rival, forged, catalogue("two", "b"))
    assert [(one["catalogId"], one["status"]) for one in answer["message"]["results"]] == [
        ("one", "REJECTED"),
        ("two", "ACCEPTED"),
    ]
    assert answer["message"]["results"][0]["errors"][0]["errorCode"] == "AUT_UNAUTHORIZED_ACTION"
    assert found(discover(say, buyer)) == ["a", "b"]


def test_directives_that_are_not_applied_are_said_to_be(say, seller):
    extends = [{"resourceId": "a", "extends": {"masterResourceId": "m"}}]
    (result,) = publish(say, seller, catalogue("one", "a"), resourceDirectives=extends)["message"]["results"]
    assert (result["status"], result["errors"][0]["errorCode"]) == ("PARTIAL", "NET_NOT_IMPLEMENTED")


def test_validity_goes_by_the_market_clock(say, seller, buyer, monkeypatch):
    day = datetime(2024, 1, 16, tzinfo=UTC)
    publish(
        say,
        seller,
        catalogue("one", "a", validity={"startDate": "2024-01-16T00:00:00Z", "endDate": "2024-01-17T00:00:00Z"}),
    )
    assert found(discover(say, buyer)) == []
    for moment, names in ((day - timedelta(seconds=1), []), (day, ["a"]), (day + timedelta(days=1), [])):
        monkeypatch.setattr(clock, "now", lambda moment=moment: moment)
        assert found(discover(say, buyer)) == names


def test_intent_types_and_openness_narrow_the_answer(say, seller, buyer):
    offers = [{"id": "o", "resourceIds": ["a"], "availableTo": [{"type": "PARTICIPANT", "id": "other.example"}]}]
    other = resource("z") | {"resourceAttributes": {"@context": "https://x.example/c", "@type": "Battery"}}
    publish(
        say,
        seller,
        catalogue("one", "a", offers=offers),
        catalogue("two", "b", "c"),
        catalogue("three", resources=[other], offers=[]),
    )
    assert found(discover(say, buyer)) == ["b", "c", "z"]
    assert found(discover(say, buyer, schemaContext=[TYPE])) == ["b", "c"]
    filtered = {"filters": {"type": "jsonpath", "expression": "$.catalogs[*].resources[?@.id == 'c']"}}
    assert found(discover(say, buyer, intent=filtered)) == ["c"]
    near = {"op": "S_DWITHIN", "targets": "$['resourceAttributes']['location']['geo']", "distanceMeters": 5000,
            "geometry": {"type": "Point", "coordinates": [Decimal("1.3"), Decimal("52.63")]}}  # fmt: skip
    assert found(discover(say, buyer, intent={"spatial": [near]})) == ["b", "c"]
    assert found(discover(say, buyer, intent={"textSearch": "flexibility THREE"})) == ["z"]


def test_a_filter_nobody_can_read_is_answered_with_an_error(say, buyer):
    broken = {"filters": {"type": "jsonpath", "expression": "resources"}}
    got = discover(say, buyer, intent=broken)
    assert (got["message"], got["error"]["errorCode"]) == ({"catalogs": []}, "SCH_INVALID_JSONPATH")
    assert got["error"]["details"] == {"path": "/message/intent/filters/expression"}


@pytest.mark.parametrize("room", [0, 2000, 5000, 60_000])
def test_an_answer_holds_what_fits_and_says_what_does_not(say, seller, buyer, settings, room):
    names = [f"r{number}" for number in range(40)]
    publish(say, seller, catalogue("one", *names[:30]), catalogue("two", *names[30:]))
    settings.BECKN_MAX_BODY = search.ENVELOPE + room
    got = discover(say, buyer)
    kept = found(got)
    assert kept == names[: len(kept)]
    assert body.size(got["message"]["catalogs"]) <= room + 100
    assert [one["id"] for each in got["message"]["catalogs"] for one in each["offers"]] == [
        f"offer-{name}" for name in kept
    ]
    if len(kept) < len(names):
        assert got["error"]["details"] == {"returned": len(kept), "matched": 40}
        assert room < 60_000
    else:
        assert "error" not in got


def test_a_copy_of_a_publication_changes_nothing(say, seller):
    from tests.unit.beckn.discovery.conftest import take

    told = seller.envelope("catalog/publish", {"catalogs": [catalogue("one", "a")]}, receiver="ds")
    assert take(seller, told).pk == take(seller, told).pk
    assert Catalogue.objects.get().version == 1
    assert Catalogue.objects.get().updated_at <= timezone.now()
