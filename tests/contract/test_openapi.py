"""The API's OpenAPI document: the committed one is the one the code makes, and what the API answers is what it says.

Programs of others are written against docs/reference/openapi.yaml: additions only. After a deliberate change write it anew:

    .venv/bin/python manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml
"""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Any

import jsonschema_rs
import pytest
import yaml
from django.core.management import call_command

from marketplace import clock
from marketplace.rules.scopes import SCOPES
from tests.unit.marketplace.api.conftest import Program
from tests.unit.marketplace.api.routes import BY_PATTERN, MULTIPART, OPERATIONS
from tests.unit.marketplace.web.world import NOW, World

COMMITTED = Path(__file__).resolve().parents[2] / "docs" / "reference" / "openapi.yaml"
REFRESH = ".venv/bin/python manage.py spectacular --validate --fail-on-warn --file docs/reference/openapi.yaml"


@pytest.fixture(autouse=True)
def frozen_market(monkeypatch: pytest.MonkeyPatch) -> None:
    """The market's clock stands at the world's own moment."""
    monkeypatch.setattr(clock, "now", lambda: NOW)


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The document as the code makes it; a warning of its generator is a failure."""
    file = tmp_path_factory.mktemp("openapi") / "openapi.yaml"
    call_command("spectacular", validate=True, fail_on_warn=True, file=str(file))
    return file.read_text()


@pytest.fixture(scope="module")
def document(made: str) -> dict[str, Any]:
    return dict(yaml.safe_load(made))


def test_the_committed_document_is_the_one_the_code_makes(made: str) -> None:
    committed = COMMITTED.read_text()
    if made != committed:
        lines = difflib.unified_diff(committed.splitlines(), made.splitlines(), "committed", "made", lineterm="", n=1)
        shown = "\n".join(list(lines)[:60])
        pytest.fail(
            f"The API changed. If that is wanted and only adds to it, run\n    {REFRESH}\n\n{shown}", pytrace=False
        )


def operations(document: dict[str, Any]) -> dict[str, dict[str, Any]]:
    """{"GET /api/v1/sites": operation}."""
    return {
        f"{method.upper()} {path}": operation
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
    }


def test_every_operation_says_what_it_does_its_scope_and_its_problems(document: dict[str, Any]) -> None:
    found = operations(document)
    assert len(found) == len(OPERATIONS)
    for name, operation in found.items():
        assert operation["summary"], name
        assert len(operation["tags"]) == 1, name
        assert operation["security"] == [{"token": []}, {"session": []}], name
        assert operation.get("x-scope", "") in {"", *SCOPES}, name
        assert {"401", "403"} <= set(operation["responses"]), name
        if name.startswith("POST"):
            assert {"400", "409", "413", "415", "422"} <= set(operation["responses"]), name
        for status, response in operation["responses"].items():
            if int(status) >= 400:
                assert set(response["content"]) == {"application/problem+json"}, (name, status)


def test_the_reference_page_lists_every_operation_and_scope(document: dict[str, Any]) -> None:
    """docs/reference/api.md shows the words of the code; a line that is missing or old is printed as it must be."""
    page = COMMITTED.with_name("api.md").read_text()
    lines = [f"| `{scope}` | {words} |" for scope, words in SCOPES.items()]
    for name, operation in operations(document).items():
        shown = name.replace("/api/v1", "").replace("{", "<").replace("}", ">")
        scope = f"`{operation['x-scope']}`" if "x-scope" in operation else "any"
        lines.append(f"| `{shown}` | {scope} | {operation['summary']} |")
    assert [line for line in lines if line not in page] == []


def test_every_input_says_what_to_write(document: dict[str, Any]) -> None:
    shapes = document["components"]["schemas"]
    for name in (name for name in shapes if name.endswith("Input")):
        for field, schema in shapes[name].get("properties", {}).items():
            assert schema.get("description"), f"{name}.{field}"


def as_json_schema(tree: Any) -> Any:
    """OpenAPI 3.0 as JSON Schema: null is a type of its own there, and no member is unforeseen."""
    if isinstance(tree, list):
        return [as_json_schema(item) for item in tree]
    if not isinstance(tree, dict):
        return tree
    found = {name: as_json_schema(value) for name, value in tree.items() if name not in {"nullable", "readOnly"}}
    if "properties" in found:
        found["additionalProperties"] = found.get("additionalProperties", False)
    return {"anyOf": [found, {"type": "null"}]} if tree.get("nullable") else found


def check(document: dict[str, Any], schema: dict[str, Any], value: Any) -> None:
    """Fail with the first place where `value` is not what the document says."""
    whole = as_json_schema({**schema, "components": document["components"]})
    problems = [
        f"{error.instance_path}: {error.message}" for error in jsonschema_rs.validator_for(whole).iter_errors(value)
    ]
    assert problems == []


def documented(document: dict[str, Any], pattern: str, method: str) -> dict[str, Any]:
    """The operation at a Django pattern."""
    path = "/api/v1/" + "".join(
        f"{{{part.split(':')[1][:-1]}}}" if part.startswith("<") else part for part in _parts(pattern)
    )
    known = {key.replace("{id}", "{pk}"): value for key, value in document["paths"].items()}
    return dict(known[path][method.lower()])


def _parts(pattern: str) -> list[str]:
    """'a/<uuid:pk>/b' as ['a/', '<uuid:pk>', '/b']."""
    out: list[str] = []
    for piece in pattern.split("<"):
        head, mark, tail = piece.partition(">")
        out += [f"<{head}>", tail] if mark else [piece]
    return [piece for piece in out if piece]


@pytest.mark.parametrize(("pattern", "method", "scope"), OPERATIONS)
def test_an_answer_is_what_the_document_says(
    world: World,
    program: Any,
    document: dict[str, Any],
    pattern: str,
    method: str,
    scope: str,
) -> None:
    route, operation = BY_PATTERN[pattern], documented(document, pattern, method)
    assert operation.get("x-scope", "") == scope
    asker: Program = program(route.person(world))
    if route.file:
        answer = asker.call(method, route.own(world))
        assert answer["Content-Type"].partition(";")[0] == route.file
        assert route.file in operation["responses"]["200"]["content"]
        return
    if method == "GET":
        status, body = asker.get(route.own(world))
    elif method == "POST" and pattern not in MULTIPART:
        status, body = asker.post(route.own(world), route.body(world))
    else:
        return
    assert str(status) in operation["responses"]
    [(kind, content)] = operation["responses"][str(status)]["content"].items()
    assert kind == "application/json"
    assert status < 300
    check(document, content["schema"], body)


def test_a_problem_is_what_the_document_says(world: World, program: Any, document: dict[str, Any]) -> None:
    status, body = program(world.operator).post("/sites/leeds-1/offer-requests", {"start": "soon", "until": 1})
    assert status == 422
    check(document, {"$ref": "#/components/schemas/Problem"}, body)


def test_schema_and_docs_are_served_to_anybody_without_anything_from_elsewhere() -> None:
    anybody = Program().client
    schema = anybody.get("/api/v1/schema", HTTP_ACCEPT="application/json")
    assert schema.status_code == 200
    page = anybody.get("/api/v1/docs").content.decode()
    assert "http" not in page.replace("http-equiv", "")
    assert "<style" not in page
    assert "drf_spectacular_sidecar/swagger-ui-dist/swagger-ui.css" in page
