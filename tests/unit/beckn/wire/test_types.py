"""The served documents say the same as the schema that our messages are checked with."""

from __future__ import annotations

import json

import jsonschema_rs
import pytest
import yaml

from beckn.wire import body, schema, types
from tests.shared_data import shared

FLOW = (
    """01a_catalog_publish 03b_on_discover 04b_on_select 07a_update 07b_on_update 10b_on_track 12_on_update_settled"""
)


def served(kind: str, name: str) -> dict:
    text = types.document(kind, name)[1]
    return yaml.safe_load(text) if name.endswith(".yaml") else json.loads(text)


def attributes_in(node) -> list[dict]:
    """Every object with one of our types."""
    if isinstance(node, list):
        return [found for item in node for found in attributes_in(item)]
    if not isinstance(node, dict):
        return []
    mine = [node] if node.get("@type") in types.TYPES else []
    return mine + [found for item in node.values() for found in attributes_in(item)]


@pytest.mark.parametrize("kind", types.TYPES)
def test_the_four_documents_name_the_same_members(kind):
    described = schema.SCHEMAS["attributes.json"]["$defs"][kind]
    members = {name for name in described["properties"] if not name.startswith("@")}
    alone = served(kind, "schema.json")
    assert {name: alone[name] for name in ("required", "description")} == {
        name: described[name] for name in ("required", "description")
    }
    assert set(alone["properties"]) - {"@context", "@type"} == members
    assert set(served(kind, "context.jsonld")["@context"]) == members | {"@version", "@protected", "xsd", kind}
    vocabulary = f"{types.address(kind, 'vocab.jsonld')}#"
    graph = {entry["@id"]: entry for entry in served(kind, "vocab.jsonld")["@graph"]}
    assert set(graph) == {f"{vocabulary}{name}" for name in members | {kind}}
    assert all(len(entry["rdfs:comment"]) > 10 for entry in graph.values())
    terms = {name: told for name, told in served(kind, "context.jsonld")["@context"].items() if name in members}
    assert {told["@id"] for told in terms.values()} < set(graph)
    component = served(kind, "attributes.yaml")["components"]["schemas"][kind]
    assert json.dumps(component).replace("#/components/schemas/", "#/$defs/") == json.dumps(
        {name: told for name, told in alone.items() if name not in ("$schema", "$id", "title", "$defs")}
    )


@pytest.mark.parametrize("kind", types.TYPES)
def test_the_schema_stands_alone_and_refuses_what_ours_refuses(kind):
    alone = jsonschema_rs.Draft202012Validator(served(kind, "schema.json"), validate_formats=True)
    assert not alone.is_valid({})
    assert not alone.is_valid({"@context": 5})


@pytest.mark.parametrize("name", FLOW.split())
def test_the_reference_flow_fits_the_served_schemas(name):
    found = attributes_in(body.parse(shared(f"beckn/flow/{name}.json").read_bytes()))
    assert found
    for told in found:
        kind = told["@type"]
        jsonschema_rs.Draft202012Validator(served(kind, "schema.json"), validate_formats=True).validate(told)
        assert told["@context"] == types.address(kind, "context.jsonld")


def test_what_there_is_not_is_not_made_up():
    for kind, name in (("Battery", "schema.json"), ("FlexTracking", "index.html")):
        with pytest.raises(KeyError):
            types.document(kind, name)
