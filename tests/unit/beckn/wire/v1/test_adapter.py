"""Every message of ours goes to 1.1 and comes back exactly; every message of 1.1 in our domain has a meaning."""

from __future__ import annotations

import copy
import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import body, schema
from beckn.wire.actions import MEMBERS
from beckn.wire.errors import CODES, WireError
from beckn.wire.v1 import adapter, names, patch, shape, tags
from tests.shared_data import shared
from tests.unit.beckn.wire import refusal_of
from tests.unit.beckn.wire.v1.samples import ACTIVATED, CATALOG, CONTRACT, ORDER, context, sample

ACTIONS = [*MEMBERS, *(f"on_{name}" for name in MEMBERS)]


def there_and_back(told: dict[str, Any]) -> dict[str, Any]:
    """Through bytes in 1.1, as between two machines."""
    raw = body.dump(adapter.to_v1(told))
    adapted = body.parse(raw)
    shape.validate(adapted)
    return adapter.to_v2(adapted, network_id=told["context"]["networkId"])


def same(one: Any, other: Any) -> bool:
    """Equal with digits and types of numbers."""
    return patch.between(one, other) == {}


@pytest.mark.parametrize("action", ACTIONS)
def test_every_action_maps_both_ways(action):
    told = sample(action)
    schema.validate(told)
    there = adapter.to_v1(told)
    assert there["context"]["action"] == names.of(action)
    assert names.action_of(names.of(action)) == action
    assert same(there_and_back(told), told)


def test_no_word_of_the_old_family_is_missing():
    old = ["search", "select", "init", "confirm", "status", "track", "cancel", "update", "rating", "support"]
    assert set(names.MEANT) == {*old, *(f"on_{word}" for word in old)}
    assert set(shape.ENVELOPE["$defs"]["messages"]) == set(names.MEANT)


NUMBERS = st.decimals(-(10**9), 10**9, allow_nan=False, places=4) | st.integers(-(10**12), 10**12)
TEXTS = st.text(st.characters(exclude_characters="\x00", exclude_categories=["Cs"]), max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | TEXTS,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3),
    max_leaves=8,
)


@st.composite
def changed(draw: Any, base: dict[str, Any]) -> dict[str, Any]:
    """The message with some of its members replaced, removed or repeated, anywhere."""
    told = copy.deepcopy(base)
    for _ in range(draw(st.integers(1, 6))):
        holder: Any = told["message"]
        for _ in range(draw(st.integers(0, 7))):
            below = [
                one
                for one in (holder.values() if isinstance(holder, dict) else holder)
                if isinstance(one, dict | list) and one
            ]
            if not below:
                break
            holder = draw(st.sampled_from(below))
        keys = list(holder) if isinstance(holder, dict) else list(range(len(holder)))
        key = draw(st.sampled_from(keys)) if keys else None
        what = draw(st.sampled_from(["put", "drop", "repeat"]))
        if key is None:
            continue
        if what == "drop":
            del holder[key]
        elif what == "repeat" and isinstance(holder, list):
            holder.append(copy.deepcopy(holder[key]))
        else:
            holder[key] = draw(JSON)
    return told


@pytest.mark.parametrize("action", ["discover", "on_discover", "select", "update", "on_status", "on_update", "cancel", "track", "rate", "support"])  # fmt: skip
@given(data=st.data())
def test_any_body_comes_back_exactly_even_one_that_is_not_valid(action, data):
    told = body.parse(body.dump(data.draw(changed(sample(action)))))
    there = adapter.to_v1(told)
    back = adapter.to_v2(body.parse(body.dump(there)), network_id=told["context"]["networkId"])
    assert same(back, told)


@given(st.lists(NUMBERS, min_size=1, max_size=6), NUMBERS)
def test_every_digit_of_a_series_and_a_price_survives_without_the_tag(values, price):
    told = sample("on_select")
    contract = told["message"]["contract"]
    series = contract["commitments"][0]["commitmentAttributes"]
    series["intervals"] = [
        {"id": index, "payloads": [{"type": "CAPACITY_OFFERED", "values": [value]}]}
        for index, value in enumerate(values)
    ]
    contract["consideration"][0]["considerationAttributes"]["value"] = price
    told = body.parse(body.dump(told))
    there = adapter.to_v1(told)
    del there["message"]["order"]["tags"]
    back = adapter.to_v2(there, network_id="n")["message"]["contract"]
    assert same(
        back["commitments"][0]["commitmentAttributes"],
        told["message"]["contract"]["commitments"][0]["commitmentAttributes"],
    )
    assert (
        back["consideration"][0]["considerationAttributes"]["value"]
        == told["message"]["contract"]["consideration"][0]["considerationAttributes"]["value"]
    )


FLOW = """03a_discover 03b_on_discover 04a_select 04b_on_select 05a_init 05b_on_init 06a_confirm 06b_on_confirm 07a_update
07b_on_update 08_on_status_baseline_unsolicited 09a_status 09b_on_status 10a_track 10b_on_track 11_on_status_delivery_complete
12_on_update_settled 13a_cancel 13b_on_cancel 14a_rate 14b_on_rate 15a_support 15b_on_support"""


@pytest.mark.parametrize("name", FLOW.split())
def test_the_reference_flow_comes_back_exactly(name):
    told = body.parse(shared(f"beckn/flow/{name}.json").read_bytes())
    assert same(there_and_back(told), told)


PAIRS = [f"AD{number:02}" for number in range(1, 20)]


def pair(name: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A message of 1.1 and its 2.0.0 counterpart."""
    cases = json.loads(shared("beckn/flow/v1_pairs.json").read_bytes())["cases"]
    case = next(one for one in cases if one["id"] == name)
    old = body.parse(json.dumps(case["v1"]).encode())
    return old, body.parse(shared(f"beckn/{case['v2_counterpart']}").read_bytes())


def facts(told: Any) -> dict[str, Any]:
    """What must survive of a contract: ids, prices, quantities, series, states, money."""
    contract = told["message"].get("contract") or {}
    found: dict[str, Any] = {"id": contract.get("id"), "status": contract["status"]["code"]}
    for commitment in contract["commitments"]:
        resource = commitment["resources"][0]
        found["sold"] = resource["id"], commitment["offer"]["id"], resource["quantity"]
        found["offered"] = columns(commitment.get("commitmentAttributes"))
    for one in contract.get("consideration", []):
        price = one["considerationAttributes"]
        found["price"] = price["currency"], price["value"], [part["value"] for part in price["components"]]
    for entry in contract.get("performance", []):
        attributes = entry["performanceAttributes"]
        meter = attributes.get("meters", [{}])[0]
        found["state"] = entry["status"]["code"], columns(attributes.get("setpoint") or meter.get("telemetry"))
    return found


def columns(series: Any) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for interval in (series or {}).get("intervals", []):
        for payload in interval["payloads"]:
            found.setdefault(payload["type"], []).append(payload["values"][0])
    return found


CONTRACTUAL = ["AD04", "AD06", "AD08", "AD09", "AD11", "AD12"]


@pytest.mark.parametrize("name", PAIRS)
def test_the_reference_pairs_mean_their_counterparts(name):
    old, new = pair(name)
    shape.validate(old)
    deal = pair("AD08")[1]["message"]["contract"]
    known = deal if adapter.needs_contract(old) else None
    got = adapter.to_v2(old, network_id=new["context"]["networkId"], contract=known)
    schema.validate(got)
    assert got["context"]["action"] == new["context"]["action"]
    assert set(got["message"]) == set(new["message"])
    if name in CONTRACTUAL:
        said = {name: value for name, value in facts(new).items() if value is not None}
        assert {name: facts(got)[name] for name in said} == said
    elif "contract" in got["message"]:
        contract = got["message"]["contract"]
        assert contract["commitments"][0]["offer"]["id"] == new["message"]["contract"]["commitments"][0]["offer"]["id"]
        assert contract.get("id") in (None, deal["id"])


def test_what_the_reference_search_and_catalogue_mean():
    search, discover = pair("AD01")
    got = adapter.to_v2(search, network_id="n")["message"]["intent"]
    assert got["spatial"] == discover["message"]["intent"]["spatial"]
    old, new = pair("AD02")
    (got,), (expected,) = adapter.to_v2(old, network_id="n")["message"]["catalogs"], new["message"]["catalogs"]
    mine, theirs = (one["resources"][0]["resourceAttributes"] for one in (got, expected))
    for name in ("direction", "capacityType", "maxCapacityKw", "noticePeriod", "maxDuration", "location"):
        assert mine[name] == theirs[name]
    assert columns(mine["availability"])["CAPACITY_AVAILABLE"] == columns(theirs["availability"])["CAPACITY_AVAILABLE"]
    assert got["offers"][0]["validity"] == expected["offers"][0]["validity"]
    inputs = [one["offers"][0]["offerAttributes"]["inputs"][0] for one in (got, expected)]
    assert [columns(one["inputs"]["price"])["PRICE"] for one in inputs] == [[Decimal("0.25")] * 4] * 2
    assert inputs[0]["inputs"]["currency"] == "GBP"


# --- what is not said


def test_an_id_alone_means_the_deal_as_last_spoken_of():
    for action in ("status", "cancel", "track"):
        told = {"context": context(names.of(action)), "message": {"order_id": CONTRACT["id"]}}
        assert adapter.needs_contract(told)
        got = adapter.to_v2(told, network_id="n", contract=CONTRACT)["message"]
        deal = got["tracking"]["contract"] if action == "track" else got["contract"]
        assert (deal["id"], deal["commitments"]) == (CONTRACT["id"], CONTRACT["commitments"])
        with pytest.raises(WireError, match=r"BIZ_ORDER_NOT_FOUND.*order_id") as found:
            adapter.to_v2(told, network_id="n")
        assert found.value.path == "/message/order_id"


def test_an_order_without_items_means_those_of_the_deal():
    told = {"context": context("on_confirm"), "message": {"order": {"id": CONTRACT["id"], "status": "ACTIVE"}}}
    got = adapter.to_v2(told, network_id="n", contract=CONTRACT)["message"]["contract"]
    assert got["commitments"] == CONTRACT["commitments"]
    assert got["status"] == {"code": "ACTIVE"}
    with pytest.raises(WireError, match="without items"):
        adapter.to_v2(told, network_id="n")


def test_an_error_alone_means_the_deal_and_the_error():
    told = {"context": context("on_init"), "error": {"code": "40002", "message": "62.5 kW are left"}}
    shape.validate(told)
    got = adapter.to_v2(told, network_id="n", contract=CONTRACT)
    assert got["message"]["contract"]["commitments"] == CONTRACT["commitments"]
    assert (got["error"]["errorCode"], got["error"]["message"]) == ("BIZ_QUANTITY_UNAVAILABLE", "62.5 kW are left")


def update(target: str, **order: Any) -> dict[str, Any]:
    return {"context": context("update"), "message": {"update_target": target, "order": ORDER | order}}


def test_an_update_that_changes_more_than_its_target_is_refused():
    dispatch = adapter.to_v1(ACTIVATED)["message"]["order"]["fulfillments"]
    got = adapter.to_v2(update("order.fulfillments", fulfillments=dispatch), network_id="n", contract=CONTRACT)
    assert got["message"]["contract"]["performance"][0]["status"] == {"code": "ACTIVATION_REQUESTED"}
    for target in ("order.items", "order.fulfillment", "fulfillments", "order.fulfillments.state"):
        with pytest.raises(WireError, match=r"BIZ_INVALID_UPDATE_TARGET.*order\.fulfillments") as found:
            adapter.to_v2(update(target, fulfillments=dispatch), network_id="n", contract=CONTRACT)
        assert found.value.path == "/message/update_target"


def test_our_own_update_names_what_it_changes():
    there = adapter.to_v1(ACTIVATED, contract=CONTRACT)
    assert there["message"]["update_target"] == "order.fulfillments"
    assert adapter.to_v1(ACTIVATED)["message"]["update_target"] == "order"
    assert same(adapter.to_v2(there, network_id=ACTIVATED["context"]["networkId"], contract=CONTRACT), ACTIVATED)


# --- the tag


def test_a_peer_that_changes_an_order_and_keeps_our_tag_is_understood_by_what_it_changed():
    there = adapter.to_v1(sample("on_select"))
    order = there["message"]["order"]
    order["items"][0]["quantity"]["selected"]["measure"]["value"] = "600.5"
    there["context"]["action"] = "init"
    back = adapter.to_v2(there, network_id="n")
    resource = back["message"]["contract"]["commitments"][0]["resources"][0]
    assert resource["quantity"]["unitQuantity"] == Decimal("600.5")
    assert back["message"]["contract"]["contractAttributes"] == CONTRACT["contractAttributes"]
    assert back["context"]["action"] == "init"


@pytest.mark.parametrize(
    ("rest", "code"),
    [
        ({"set": {"/context/bapId": "thief.example"}}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"drop": ["/context/messageId"]}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"set": {"": 5}}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"set": {"/message/contract/commitments/7/id": "x"}}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"set": {"/message/contract/commitments/x": "x"}}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"set": 5}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"drop": [["a"]]}, "SCH_SCHEMA_ADAPTATION_FAILED"),
        ({"drop": ["/message/none"]}, "SCH_SCHEMA_ADAPTATION_FAILED"),
    ],
)
def test_a_tag_that_does_not_fit_is_refused(rest, code):
    there = adapter.to_v1(sample("on_select"))
    there["message"]["order"]["tags"] = [tags.extension(rest)]
    with pytest.raises(WireError) as found:
        adapter.to_v2(there, network_id="n")
    assert found.value.code == code


def test_a_tag_that_is_no_json_is_refused():
    there = adapter.to_v1(sample("on_select"))
    there["message"]["order"]["tags"] = [tags.group(tags.EXTENSION, [("json", "{")])]
    with pytest.raises(WireError, match="SCH_INVALID_JSON"):
        adapter.to_v2(there, network_id="n")


def test_an_order_without_anything_special_needs_no_tag():
    told = sample("support")
    assert "tags" not in adapter.to_v1(told)["message"]
    assert CATALOG["id"] != "cat-dc-operator"


@pytest.mark.parametrize(
    ("change", "path"),
    [
        ({"items": [{"id": "r", "quantity": {"selected": {"measure": {"value": "many"}}}}]}, "/message/order/items/0/quantity/selected/measure/value"),
        ({"quote": {"price": {"currency": "GBP", "value": "1,5"}}}, "/message/order/quote/price/value"),
        ({"quote": {"price": {"value": "1"}, "breakup": [{"price": {"value": "x"}}]}}, "/message/order/quote/breakup/0/price/value"),
        ({"payments": [{"params": {"amount": "ten"}}]}, "/message/order/payments/0/params/amount"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_named_where_it_stands_in_1_1(change, path):
    told = {"context": context("select"), "message": {"order": ORDER | change}}
    with pytest.raises(WireError) as found:
        adapter.to_v2(told, network_id="n")
    assert (found.value.code, found.value.path) == ("SCH_INVALID_FORMAT", path)


OLD = st.recursive(
    st.none() | st.booleans() | st.text(max_size=5) | st.sampled_from(["1200", "52.63, 1.30", "km", "beckn-v2"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["order", "items", "offers", "quote", "price", "value", "breakup", "fulfillments", "state", "descriptor", "code", "payments", "params", "amount", "tags", "list", "id", "intent", "stops", "location", "gps", "radius", "fulfillment", "catalog", "providers", "locations", "location_ids", "item_ids", "quantity", "selected", "available", "measure", "ratings", "support", "tracking", "order_id", "provider", "billing"]),
            inner,
            max_size=4,
        )
    ),
    max_leaves=20,
)  # fmt: skip


@given(OLD, st.sampled_from(sorted(names.MEANT)))
def test_whatever_stands_in_a_message_of_1_1_is_understood_or_refused_with_a_code(message, word):
    told = {"context": context(word), "message": message}
    for ask in (shape.validate, adapter.needs_contract, understand):
        problem = refusal_of(ask, told)
        assert problem is None or problem.code in CODES


def understand(told: dict[str, Any]) -> None:
    adapter.to_v2(told, network_id="n", contract=CONTRACT)
