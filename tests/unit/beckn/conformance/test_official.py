from __future__ import annotations

import pytest

from beckn.conformance.official import Official, UnusableError

SPEC = """
openapi: 3.1.1
info: {title: ours for this test, version: "2026-01-15"}
paths:
  /on_discover:
    post:
      requestBody: {$ref: "#/components/requestBodies/Found"}
  /on_status:
    post:
      requestBody: {content: {application/json: {schema: {$ref: "https://elsewhere.example/schema.json"}}}}
  /catalog/{id}:
    get: {}
components:
  requestBodies:
    Found: {content: {application/json: {schema: {$ref: "#/components/schemas/Found"}}}}
  schemas:
    Found:
      type: object
      required: [message]
      properties: {message: {$ref: "#/components/schemas/Message"}}
    Message: {type: object, required: [catalogs], properties: {catalogs: {type: array}, at: {const: 2026-01-15}}}
"""


def test_a_body_is_judged_by_the_file_and_the_place_is_named():
    spec = Official(SPEC)
    assert spec.problem("on_discover", {"message": {"catalogs": [], "at": "2026-01-15"}}) == ""
    assert spec.problem("on_discover", {"message": {"catalogs": {}}}).startswith("at /message/catalogs:")
    assert "required" in spec.problem("on_discover", {})


def test_what_the_file_does_not_hold_is_not_guessed():
    spec = Official(SPEC)
    with pytest.raises(UnusableError, match="no JSON body for POST /on_select"):
        spec.problem("on_select", {})
    with pytest.raises(UnusableError):
        spec.problem("on_status", {})


@pytest.mark.parametrize("text", ["[1, 2]", "openapi: 3.1.1", "a: b: c", ""])
def test_another_file_is_refused(text):
    with pytest.raises(UnusableError):
        Official(text)
