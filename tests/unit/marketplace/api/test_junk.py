"""Junk at every POST: a clear refusal or, where it happens to fit, an answer; never a failure of ours."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.unit.marketplace.api.conftest import Program
from tests.unit.marketplace.api.routes import BY_PATTERN, MULTIPART, OPERATIONS
from tests.unit.marketplace.web.world import World

POSTS = [pattern for pattern, method, _ in OPERATIONS if method == "POST" and pattern not in MULTIPART]
NAMES = st.sampled_from(
    ["start", "end", "kw", "search", "offer_id", "text", "direction", "min_kw", "name", "scopes", "days", "reason",
     "valid_only", "source", "label", "readings", "import_wh", "", "id", "__proto__"]
)  # fmt: skip
PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
    | st.sampled_from(
        [
            "2024-01-16T20:00:00Z",
            "9999-12-31T23:59:59-14:00",
            "0001-01-01T00:00:00+14:00",
            "MEASURED",
            "REDUCE",
            "sNaN",
            "1e999999999",
            "１２",
            "00000000-0000-0000-0000-000000000000",
            "sites:read",
        ]
    )
)
JUNK = st.recursive(
    PLAIN, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(NAMES, inner, max_size=4), max_leaves=10
)
MANY = settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
QUERIES = st.dictionaries(
    st.sampled_from(
        [
            "state",
            "site",
            "start",
            "end",
            "series",
            "find",
            "type",
            "subject",
            "page",
            "way",
            "transaction",
            "action",
            "text",
            "tier",
            "status",
            "run",
            "order",
            "disputed",
            "reason",
            "limit",
            "cursor",
        ]
    ),
    st.text(max_size=12),
    max_size=3,
)
LISTS = (
    "/offers",
    "/orders",
    "/ledger",
    "/signals",
    "/forecasts",
    "/messages",
    "/statements",
    "/statements/totals",
    "/statements/csv",
    "/disputes",
    "/sites/leeds-1/jobs",
    "/sites/leeds-1/readings",
)


@pytest.fixture
def buyer_or_seller(world: World, program: Callable[..., Program]) -> dict[bool, Program]:
    """The grid operator's program under True, the data-centre operator's under False."""
    return {True: program(world.grid), False: program(world.operator)}


@pytest.mark.parametrize("pattern", POSTS)
@MANY
@given(data=st.data())
def test_json_of_any_shape(
    world: World, buyer_or_seller: dict[bool, Program], pattern: str, data: st.DataObject
) -> None:
    """Anything at all, and a good body with one member spoilt."""
    route = BY_PATTERN[pattern]
    body: Any = dict(route.body(world))
    if body and data.draw(st.booleans()):
        body[data.draw(st.sampled_from(sorted(body)))] = data.draw(JUNK)
    else:
        body = data.draw(st.dictionaries(NAMES, JUNK, max_size=5) | JUNK)
    response = buyer_or_seller[route.buyer].call("POST", route.own(world), data=body, format="json")
    assert response.status_code < 500


@MANY
@given(raw=st.binary(max_size=120), kind=st.sampled_from(["multipart/form-data; boundary=b", "multipart/form-data"]))
def test_bytes_where_a_file_belongs(world: World, buyer_or_seller: dict[bool, Program], raw: bytes, kind: str) -> None:
    part = b'--b\r\nContent-Disposition: form-data; name="file"; filename="q"\r\n\r\n'
    for body in (raw, b"--b\r\n" + raw, part + raw):
        path = f"/sites/{world.site.slug}/uploads"
        assert buyer_or_seller[False].call("POST", path, data=body, content_type=kind).status_code < 500


@MANY
@given(query=QUERIES, path=st.sampled_from(LISTS))
def test_any_query_of_any_list(
    world: World, buyer_or_seller: dict[bool, Program], query: dict[str, str], path: str
) -> None:
    assert buyer_or_seller[False].call("GET", path, data=query).status_code in {200, 422}
