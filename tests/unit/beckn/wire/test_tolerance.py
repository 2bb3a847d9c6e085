from __future__ import annotations

import copy
from pathlib import Path

import pytest

from beckn.wire import tolerance
from beckn.wire.errors import WireError
from beckn.wire.profile import PROFILES, named
from beckn.wire.tolerance import ALIASES, REPAIRS, TOLERANCES


def told(message=None, **context):
    return {"context": {"action": "select", "version": "2.0.0"} | context, "message": message or {}}


def contract(*, tracked=False):
    commitments = [{"resources": [{"id": "r1"}, {"id": "r2"}], "offer": {"id": "o1"}}]
    deal = {"contract": {"commitments": commitments}}
    return {"tracking": deal} if tracked else deal


@pytest.mark.parametrize(
    ("name", "action", "body", "mended"),
    [
        ("action-alias", "rate", told(action="rating"), told(action="rate")),
        ("action-alias", "on_rate", told(action="on_rating"), told(action="on_rate")),
        ("action-alias", "catalog/publish", told(action="publish"), told(action="catalog/publish")),
        ("sender-receiver", "select", told(senderId="a", senderUri="u", receiverId="b", receiverUrl="v"), told(bapId="a", bapUri="u", bppId="b", bppUri="v")),
        ("sender-receiver", "on_select", told(senderId="a", receiverId="b"), told(bppId="a", bapId="b")),
        ("sender-receiver", "select", told(senderId="a", bapId="a"), told(bapId="a")),
        ("version-2", "select", told(version="2.1.0"), told(version="2.0.0")),
        ("spatial-case", "discover", told({"intent": {"spatial": [{"op": "s_dwithin", "quantifier": "any"}]}}), told({"intent": {"spatial": [{"op": "S_DWITHIN", "quantifier": "ANY"}]}})),
    ],
)  # fmt: skip
def test_what_is_forgiven_is_mended_named_and_only_where_it_is_allowed(name, action, body, mended):
    for profile in PROFILES:
        mine = copy.deepcopy(body)
        allowed = profile in TOLERANCES[name].profiles
        assert tolerance.forgive(mine, action=action, profile=profile) == ([name] if allowed else [])
        assert mine == (mended if allowed else body)


@pytest.mark.parametrize("tracked", [False, True])
def test_missing_resource_ids_are_those_of_the_resources(tracked):
    body = told(contract(tracked=tracked))
    assert tolerance.forgive(body, action="select", profile="lts") == ["resource-ids"]
    (commitment,) = tolerance.commitments(body)
    assert commitment["offer"] == {"id": "o1", "resourceIds": ["r1", "r2"]}
    assert tolerance.forgive(body, action="select", profile="lts") == []


def test_a_preview_is_named_and_left_as_it_is():
    assert tolerance.forgive(told(**{"try": True}), action="select", profile="lts") == ["try"]
    assert tolerance.forgive(told(**{"try": False}), action="select", profile="lts") == []


def test_core_version_is_a_version_in_the_old_family():
    body = {"context": {"action": "search", "core_version": "1.1.0"}}
    assert tolerance.forgive(body, action="discover", profile="v1") == ["core-version"]
    assert body["context"]["version"] == "1.1.0"


def test_two_spellings_that_contradict_each_other_are_refused():
    with pytest.raises(WireError, match=r"senderId and context\.bapId differ"):
        tolerance.forgive(told(senderId="a", bapId="b"), action="select", profile="onix")


@pytest.mark.parametrize("body", [{}, {"context": []}, {"context": {}}, told([]), told({"intent": []}), told({"intent": {"spatial": {}}}), told({"contract": {"commitments": [{"offer": [], "resources": {}}, 7]}})])  # fmt: skip
def test_a_body_of_another_shape_is_left_alone(body):
    before = copy.deepcopy(body)
    assert tolerance.forgive(body, action="select", profile="lts") == []
    assert body == before


def test_every_tolerance_has_a_reason_and_profiles_that_exist():
    assert all(one.what.endswith(".") and one.profiles <= set(PROFILES) for one in TOLERANCES.values())
    assert {name for name, _ in REPAIRS} <= set(TOLERANCES)
    assert not set(ALIASES) & set(ALIASES.values())


def test_every_tolerance_and_profile_is_documented():
    page = (Path(__file__).resolve().parents[4] / "docs/reference/beckn-profiles.md").read_text()
    rows = {line.split("|")[1].strip(" `"): line.split("|")[3] for line in page.splitlines() if line.count("|") == 4}
    for one in TOLERANCES.values():
        assert set(PROFILES) == one.profiles or {f"`{name}`" for name in one.profiles} == set(
            rows[one.name].strip().split(", ")
        )
    assert all(f"| `{name}` |" in page for name in PROFILES)


def test_an_unknown_profile_is_named_with_those_there_are():
    with pytest.raises(ValueError, match="'ltsx' is no profile; there are lts, lts-pure, onix, v1"):
        named("ltsx")
