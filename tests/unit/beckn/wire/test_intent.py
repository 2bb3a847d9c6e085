"""What an intent selects: words, filters from any root, places, types, dates, and who may take an offer."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import intent
from beckn.wire.errors import WireError
from beckn.wire.intent import Asker
from beckn.wire.jsonpath import Budget

NOW = datetime(2026, 1, 15, 12, tzinfo=UTC)
TYPE = "https://caco.example/schema/ComputeFlexResource/v1.0/context.jsonld"
PLACES = [
    ("Norwich", "REDUCE", 800, [1.2974, 52.6309]),
    ("Leeds", "REDUCE", 200, [-1.54, 53.79]),
    ("Ely", "INCREASE", 900, [0.26, 52.4]),
]


def resource(number: int, name: str, way: str, kw: int, at: list[float]) -> dict[str, Any]:
    about = {
        "@context": TYPE,
        "direction": way,
        "maxCapacityKw": Decimal(kw),
        "location": {"geo": {"type": "Point", "coordinates": at}},
    }
    return {"id": f"r{number}", "descriptor": {"name": name}, "resourceAttributes": about}


def catalogue(**change: Any) -> dict[str, Any]:
    found = {
        "id": "cat",
        "descriptor": {"name": "Flexibility"},
        "provider": {"id": "fen", "descriptor": {"name": "Fenland"}},
        "resources": [resource(i, *place) for i, place in enumerate(PLACES)],
        "offers": [{"id": f"o{i}", "resourceIds": [f"r{i}"]} for i in range(3)],
    }
    return found | change


def chosen(
    asked: dict[str, Any], *, asker: Asker | None = None, types: tuple[str, ...] = (), **change: Any
) -> list[str]:
    found = intent.matching([catalogue(**change)], intent.read({"intent": asked}, types), now=NOW, asker=asker)
    assert all({"id", "descriptor", "provider"} <= set(one) for one in found)
    return [offer["id"] for one in found for offer in one["offers"]]


def filtered(expression: str) -> dict[str, Any]:
    return {"filters": {"type": "jsonpath", "expression": expression}}


@pytest.mark.parametrize(
    "expression",
    [
        "$.catalogs[*].resources[?(@.resourceAttributes.direction == 'REDUCE' && @.resourceAttributes.maxCapacityKw >= 500)]",
        '$.catalogs[*].resources[*] ? (@.resourceAttributes.direction == "REDUCE" && @.resourceAttributes.maxCapacityKw >= 500)',
        "$.resources[?(@.resourceAttributes.direction == 'REDUCE' && @.resourceAttributes.maxCapacityKw >= 500)]",
        "$[?(@.resourceAttributes.direction == 'REDUCE' && @.resourceAttributes.maxCapacityKw >= 500)]",
        "$..resources[?@.id == 'r0']",
        "$.catalogs[*].offers[?@.id == 'o0']",
        "$.catalogs[*].resources[*].resourceAttributes ? (@.maxCapacityKw == 800)",
    ],
)
def test_a_filter_may_start_at_the_answer_the_catalogue_or_its_resources(expression: str) -> None:
    assert chosen(filtered(expression)) == ["o0"]


def test_a_filter_on_the_catalogue_takes_or_leaves_all_of_it() -> None:
    assert chosen(filtered("$.catalogs[?@.provider.id == 'fen']")) == ["o0", "o1", "o2"]
    assert chosen(filtered('$.catalogs[*].provider ? (@.id == "fen")')) == ["o0", "o1", "o2"]
    assert chosen(filtered("$.catalogs[?@.provider.id == 'peak']")) == []


def test_words_and_nothing() -> None:
    assert chosen({}) == ["o0", "o1", "o2"]
    assert chosen({"textSearch": "fenland ELY"}) == ["o2"]
    assert chosen({"textSearch": "oslo"}) == []
    found = intent.matching([catalogue()], intent.read({"intent": {}, "text_search": "leeds"}), now=NOW)
    assert [one["id"] for one in found[0]["resources"]] == ["r1"]


@pytest.mark.parametrize(
    ("filters", "code"),
    [
        ({"type": "jsonpath", "expression": "$.catalogs[*].resources[?(__import__('os'))]"}, "SCH_INVALID_JSONPATH"),
        ({"type": "jsonpath", "expression": "resources[?(@.a == 'b')]"}, "SCH_INVALID_JSONPATH"),
        ({"type": "xpath", "expression": "$.catalogs[*].resources[?(@.a == 'b')]"}, "SCH_INVALID_JSONPATH"),
        ({"type": "jsonpath", "expression": "$[?(" + "@.a == 'b' && " * 200 + "@.a == 'b')]"}, "SCH_INVALID_JSONPATH"),
    ],
)
def test_anything_else_is_refused_naming_the_member(filters: dict[str, str], code: str) -> None:
    with pytest.raises(WireError) as caught:
        chosen({"filters": filters})
    assert (caught.value.code, caught.value.path) == (code, "/message/intent/filters/expression")


def near(at: list[float], metres: int, **change: Any) -> dict[str, Any]:
    return {"op": "S_DWITHIN", "targets": "$['resourceAttributes']['location']['geo']", "geometry": {"type": "Point", "coordinates": at},
            "distanceMeters": metres} | change  # fmt: skip


def test_places_are_those_of_the_resource_or_its_provider() -> None:
    assert chosen({"spatial": [near([1.30, 52.63], 20_000)]}) == ["o0"]
    assert chosen({"spatial": [near([1.30, 52.63], 90_000)]}) == ["o0", "o2"]
    assert chosen({"spatial": [near([1.30, 52.63], 90_000), near([-1.5, 53.8], 10_000)]}) == []
    assert chosen({"spatial": [near([1.30, 52.63], 20_000, quantifier="NONE")]}) == ["o1", "o2"]
    absolute = near([1.30, 52.63], 20_000, targets="$.catalogs[*].resources[*].resourceAttributes.location.geo")
    assert chosen({"spatial": [absolute]}) == ["o0"]
    provider = {
        "id": "fen",
        "descriptor": {"name": "F"},
        "availableAt": [{"geo": {"type": "Point", "coordinates": [1.30, 52.63]}}],
    }
    at_provider = {"spatial": [near([1.30, 52.63], 100, targets=["$['availableAt'][*]['geo']"])]}
    assert chosen(at_provider, provider=provider) == ["o0", "o1", "o2"]
    assert chosen(at_provider) == []


def test_a_constraint_that_is_not_understood_is_refused_naming_it() -> None:
    for change, code, path in (
        ({"distanceMeters": None}, "SCH_SCHEMA_VALIDATION_FAILED", "/message/intent/spatial/1"),
        ({"targets": "geo"}, "SCH_INVALID_JSONPATH", "/message/intent/spatial/1/targets"),
    ):
        with pytest.raises(WireError) as caught:
            chosen({"spatial": [near([1, 52], 5), near([1, 52], 5, **change)]})
        assert (caught.value.code, caught.value.path) == (code, path)
    with pytest.raises(WireError, match="More than 10"):
        chosen({"spatial": [near([1, 52], 5)] * 11})
    with pytest.raises(WireError, match="picture"):
        chosen({"mediaSearch": {"url": "x"}})


def test_types_dates_and_inactive_catalogues() -> None:
    assert chosen({}, types=(TYPE,)) == ["o0", "o1", "o2"]
    assert chosen({}, types=("https://other.example/context.jsonld",)) == []
    assert chosen({}, isActive=False) == []
    past, future = {"endDate": "2026-01-15T12:00:00Z"}, {"startDate": "2026-01-15T12:00:01Z"}
    now = {"startDate": "2026-01-15T12:00:00Z", "endDate": "2026-01-15T13:00:00+01:00"}
    assert [chosen({}, validity=period) for period in (past, future, now)] == [[], [], []]
    assert chosen({}, validity={"startDate": "2026-01-15T12:00:00Z", "endDate": "2026-01-15T13:00:01+01:00"}) == [
        "o0",
        "o1",
        "o2",
    ]
    offers = [{"id": "o0", "resourceIds": ["r0"], "validity": past}, {"id": "o1", "resourceIds": ["r1"]}]
    found = intent.matching([catalogue(offers=offers)], intent.read({}), now=NOW)
    # The first has nothing on offer any more; the third never had, and is still shown.
    assert [one["id"] for one in found[0]["resources"]] == ["r1", "r2"]


def test_an_offer_is_shown_to_those_it_is_open_to() -> None:
    def offers(*named: dict[str, str]) -> list[dict[str, Any]]:
        return [{"id": "o0", "resourceIds": ["r0"], "availableTo": list(named)}]

    us = Asker("grid.example", "net/one")
    for named, open_to_us in (
        ([], True),
        ([{"type": "NETWORK", "id": "net/one"}], True),
        ([{"type": "NETWORK", "id": "net/two"}], False),
        ([{"type": "PARTICIPANT", "id": "grid.example"}], True),
        ([{"type": "PARTICIPANT", "id": "rival.example"}, {"type": "ROLE", "id": "BAP"}], True),
        ([{"type": "ROLE", "id": "BPP"}], False),
        ([{"type": "FRIEND", "id": "grid.example"}], False),
    ):
        assert chosen({"textSearch": "norwich"}, asker=us, offers=offers(*named)) == (["o0"] if open_to_us else [])


def test_one_search_has_one_budget_for_all_catalogues() -> None:
    asked = intent.Intent(path=intent.path_of({"type": "jsonpath", "expression": "$..*"}), budget=Budget(200))
    with pytest.raises(WireError) as caught:
        intent.matching([catalogue()] * 50, asked, now=NOW)
    assert (caught.value.code, "narrower" in caught.value.message) == ("SCH_INVALID_JSONPATH", True)


ATTRIBUTES = st.dictionaries(st.sampled_from("abc"), st.integers(0, 9), max_size=3)


@given(st.lists(ATTRIBUTES, max_size=6), st.sampled_from("abc"), st.integers(0, 9))
def test_a_comparison_selects_what_python_would(attributes, name, least) -> None:
    resources = [{"id": f"r{i}", "resourceAttributes": one} for i, one in enumerate(attributes)]
    one = catalogue(resources=resources, offers=[])
    expected = [f"r{i}" for i, about in enumerate(attributes) if about.get(name, -1) >= least]
    for spelt in (
        f"$[?(@.resourceAttributes.{name} >= {least})]",
        f"$.catalogs[*].resources[*] ? (@.resourceAttributes.{name} >= {least})",
    ):
        found = intent.matching([one], intent.read({"intent": filtered(spelt)}), now=NOW)
        assert [kept["id"] for part in found for kept in part["resources"]] == expected
