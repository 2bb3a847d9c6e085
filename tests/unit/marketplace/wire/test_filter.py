"""Intents: both JSONPath spellings select the same, and anything else is refused, never evaluated."""

from __future__ import annotations

from decimal import Decimal

import pytest

from marketplace.rules.errors import MarketError
from marketplace.wire.filter import matching


def catalogue() -> list[dict]:
    resources = [
        {
            "id": f"r{i}",
            "descriptor": {"name": name},
            "resourceAttributes": {"direction": way, "maxCapacityKw": Decimal(kw)},
        }
        for i, (name, way, kw) in enumerate(
            [("Norwich", "REDUCE", 800), ("Leeds", "REDUCE", 200), ("Ely", "INCREASE", 900)]
        )
    ]
    offers = [{"id": f"o{i}", "resourceIds": [f"r{i}"]} for i in range(3)]
    return [{"provider": {"descriptor": {"name": "Fenland"}}, "resources": resources, "offers": offers}]


def chosen(intent: dict) -> list[str]:
    return [offer["id"] for found in matching(catalogue(), intent) for offer in found["offers"]]


@pytest.mark.parametrize(
    "expression",
    [
        "$.catalogs[*].resources[?(@.resourceAttributes.direction == 'REDUCE' && @.resourceAttributes.maxCapacityKw >= 500)]",
        '$.catalogs[*].resources[*] ? (@.resourceAttributes.direction == "REDUCE" && @.resourceAttributes.maxCapacityKw >= 500)',
    ],
)
def test_both_dialects_select_alike(expression: str) -> None:
    assert chosen({"filters": {"type": "jsonpath", "expression": expression}}) == ["o0"]


def test_words_and_nothing() -> None:
    assert chosen({}) == ["o0", "o1", "o2"]
    assert chosen({"textSearch": "fenland ely"}) == ["o2"]
    assert chosen({"textSearch": "oslo"}) == []


@pytest.mark.parametrize(
    "filters",
    [
        {"type": "jsonpath", "expression": "$.catalogs[*].resources[?(__import__('os'))]"},
        {"type": "jsonpath", "expression": "resources[?(@.a == 'b')]"},
        {"type": "xpath", "expression": "$.catalogs[*].resources[?(@.a == 'b')]"},
        {"type": "jsonpath", "expression": "$.catalogs[*].resources[?(" + "@.a == 'b' && " * 200 + "@.a == 'b')]"},
        {"type": "jsonpath", "expression": "$.catalogs[*].resources[?(@.a == 'b' || @.c == 'd')]"},
    ],
)
def test_anything_else_is_refused(filters: dict) -> None:
    with pytest.raises(MarketError) as caught:
        matching(catalogue(), {"filters": filters})
    assert caught.value.code == "SCH_INVALID_JSONPATH"


def test_a_missing_attribute_and_a_text_against_a_number_never_match() -> None:
    base = "$.catalogs[*].resources[?(@.resourceAttributes.{})]"
    assert chosen({"filters": {"type": "jsonpath", "expression": base.format("nothing >= 0")}}) == []
    assert chosen({"filters": {"type": "jsonpath", "expression": base.format("direction >= 0")}}) == []
