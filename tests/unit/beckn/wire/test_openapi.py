"""Our description of the doors says what the checks behind them say."""

from __future__ import annotations

import json
from io import StringIO
from typing import Any

import jsonschema_rs
import pytest
from django.core.management import call_command

from beckn.discovery import handlers as discovery
from beckn.wire import actions, openapi, schema
from beckn.wire.errors import WireError
from beckn.wire.types import references
from marketplace import bap, bpp
from tests.shared_data import shared

SERVED = {"bpp": bpp.ACTIONS, "bap": bap.ACTIONS, "ds": discovery.ACTIONS}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    return openapi.document(served=SERVED, server="https://market.example/beckn")


def validator(document: dict[str, Any], wanted: dict[str, Any]) -> jsonschema_rs.Draft202012Validator:
    """For a schema of the document."""
    return jsonschema_rs.Draft202012Validator(wanted | {"components": document["components"]}, validate_formats=True)


def body_at(document: dict[str, Any], path: str) -> jsonschema_rs.Draft202012Validator:
    """For the body that is posted to a path."""
    return validator(document, document["paths"][path]["post"]["requestBody"]["content"]["application/json"]["schema"])


def test_every_action_that_is_served_has_its_address(document):
    for role, handled in SERVED.items():
        for name in handled:
            assert "post" in document["paths"][f"/{role}/{name}"]
    assert {"/bpp/search", "/bpp/rating", "/bap/on_search", "/bap/on_rating"} <= set(document["paths"])
    named = [one["operationId"] for path in document["paths"].values() for one in path.values()]
    assert len(named) == len(set(named))


def test_every_reference_leads_somewhere(document):
    found = {str(holder["$ref"]) for holder in references(document)}
    assert found == {one for one in found if one.removeprefix(openapi.REF) in document["components"]["schemas"]}
    for path in document["paths"]:
        if "post" in document["paths"][path]:
            assert not body_at(document, path).is_valid({})


def test_the_command_prints_the_document(document):
    out = StringIO()
    call_command("beckn_openapi", stdout=out)
    assert json.loads(out.getvalue())["paths"] == document["paths"]


def test_a_recorded_flow_fits_the_description(document):
    told = [json.loads(path.read_bytes()) for path in sorted(shared("beckn/flow").glob("[0-9]*.json"))]
    assert len(told) == 26
    for one in told:
        name = one["context"]["action"]
        assert body_at(document, f"/{actions.ACTIONS[name].receiver}/{name}").is_valid(one), name
    for case in json.loads(shared("beckn/flow/v1_pairs.json").read_bytes())["cases"]:
        word = case["v1"]["context"]["action"]
        assert body_at(document, f"/{'bap' if word.startswith('on_') else 'bpp'}/{word}").is_valid(case["v1"]), word


SLOTS = [
    {"@context": "https://x.example/c", "@type": "Battery", "kw": 5},
    {"@context": "https://x.example/c"},
    {"@type": "Battery"},
    {"@context": "c", "@type": "PriceSpecification", "currency": "GBP", "value": 1},
    {"@context": "c", "@type": "PriceSpecification", "currency": "pounds", "value": 1},
    {"@context": "c", "@type": "FlexTracking", "resolution": "PT1M"},
    {"@context": "c", "@type": "FlexTracking", "resolution": "PT1M", "surprise": 1},
    {"@context": "c", "@type": "DEGContract"},
    "text",
]


@pytest.mark.parametrize("slot", SLOTS)
def test_attributes_are_judged_as_messages_judge_them(document, slot):
    """The description writes as alternatives what the schema says with conditions."""
    ours = validator(document, {"$ref": f"{openapi.REF}Attributes"}).is_valid(slot)
    context = {
        "action": "support",
        "version": "2.0.0",
        "transactionId": "6f1d0c2e-7a54-4c0b-9a6e-0d2b7f3f1a01",
        "messageId": "6f1d0c2e-7a54-4c0b-9a6e-0d2b7f3f1a02",
        "timestamp": "2026-01-15T17:00:00Z",
        "networkId": "n/r",
    }
    try:
        schema.validate({"context": context, "message": {"support": {"channels": [slot]}}})
        theirs = True
    except WireError:
        theirs = False
    assert ours == theirs
