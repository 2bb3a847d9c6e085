import copy
import json
import uuid
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import body, context, schema
from beckn.wire.actions import ACTIONS, MEMBERS
from beckn.wire.context import Party
from beckn.wire.errors import CODES, WireError
from tests.shared_data import shared
from tests.unit.beckn.wire import refusal_of

SERIES = {
    "@context": "https://schema.nfh.global/BecknTimeSeries/v1.0/context.jsonld",
    "@type": "TimeSeries",
    "intervalPeriod": {"start": "2026-01-15T17:00:00Z", "duration": "PT30M"},
    "payloadDescriptors": [
        {"objectType": "EVENT_PAYLOAD_DESCRIPTOR", "payloadType": "CAPACITY_OFFERED", "units": "KW"}
    ],
    "intervals": [{"id": 0, "payloads": [{"type": "CAPACITY_OFFERED", "values": [Decimal("1200.5")]}]}],
}
CONTRACT = {
    "id": "b7a0a4a2-2a39-4f0f-8d52-6f5f2d1a9c10",
    "status": {"code": "DRAFT"},
    "commitments": [
        {
            "id": "commitment-1",
            "status": {"descriptor": {"code": "DRAFT"}},
            "resources": [{"id": "r1", "quantity": {"unitCode": "kW", "unitQuantity": 1200}}],
            "offer": {"id": "o1", "resourceIds": ["r1"]},
            "commitmentAttributes": SERIES,
        }
    ],
}
ACTIVATION = {
    "@context": "https://caco.example/schema/FlexActivation/v1.0/context.jsonld",
    "@type": "FlexActivation",
    "activationId": "a1",
    "instruction": "DISPATCH",
    "issuedAt": "2026-01-15T16:40:00Z",
    "ackBy": "2026-01-15T16:45:00Z",
    "setpoint": SERIES,
}


def envelope(action: str, message, **more):
    party = Party("a.example", "https://a.example/x")
    told = context.build(
        action=ACTIONS[action],
        us=party,
        peer=party,
        network_id="n/r",
        transaction_id=uuid.uuid4(),
        message_id=uuid.uuid4(),
        now=datetime(2026, 1, 15, tzinfo=UTC),
        ttl=timedelta(seconds=30),
    )
    return {"context": told, "message": message, **more}


def contract(**change):
    return {"contract": copy.deepcopy(CONTRACT) | change}


def with_performance(attributes):
    return contract(performance=[{"id": "a1", "status": {"code": "X"}, "performanceAttributes": attributes}])


TRACKING = {"url": "https://a.example/track", "status": "ACTIVE"}
CATALOGUE = {
    "id": "c",
    "descriptor": {"name": "C"},
    "provider": {"id": "p", "descriptor": {"name": "P"}},
    "resources": [],
}
SMALLEST = {
    "contract": CONTRACT,
    "intent": {},
    "catalogs": [CATALOGUE],
    "tracking": TRACKING,
    "ratingInputs": [{"target": {"id": "x"}, "range": {"value": 5}}],
    "ratings": [],
    "support": {},
    "results": [{"catalogId": "c", "status": "ACCEPTED"}],
    "subscription": {"networkIds": ["n/r"]},
    "mode": "FULL",
    "requestId": "b7a0a4a2-2a39-4f0f-8d52-6f5f2d1a9c10",
}


def test_every_known_action_is_described_and_takes_its_member():
    assert set(ACTIONS) == schema.ACTIONS
    for action in schema.ACTIONS - {"catalog/master_search"}:  # its message may be empty
        member = ACTIONS[action].member
        schema.validate(envelope(action, {member: SMALLEST[member]}))
        with pytest.raises(WireError) as found:
            schema.validate(envelope(action, {}))
        assert (found.value.code, found.value.path) == ("SCH_REQUIRED_FIELD_MISSING", "/message")


@pytest.mark.parametrize(
    ("message", "code", "path"),
    [
        (contract(id="order-1"), "SCH_INVALID_FORMAT", "/message/contract/id"),
        (contract(status={"code": "NEW"}), "SCH_INVALID_ENUM", "/message/contract/status/code"),
        (contract(state="DRAFT"), "SCH_FIELD_NOT_ALLOWED", "/message/contract"),
        (contract(commitments=[]), "SCH_SCHEMA_VALIDATION_FAILED", "/message/contract/commitments"),
        (contract(commitments={}), "SCH_TYPE_NOT_SUPPORTED", "/message/contract/commitments"),
        (contract(settlements=[{"status": "PAID"}]), "SCH_INVALID_ENUM", "/message/contract/settlements/0/status"),
        (contract(contractAttributes={"@type": "X"}), "SCH_REQUIRED_FIELD_MISSING", "/message/contract/contractAttributes"),
        (with_performance(ACTIVATION | {"instruction": "GO"}), "SCH_INVALID_ENUM", "/message/contract/performance/0/performanceAttributes/instruction"),
        (with_performance(ACTIVATION | {"kw": 5}), "SCH_FIELD_NOT_ALLOWED", "/message/contract/performance/0/performanceAttributes"),
        (with_performance(ACTIVATION | {"ackBy": "soon"}), "SCH_INVALID_FORMAT", "/message/contract/performance/0/performanceAttributes/ackBy"),
        (with_performance(ACTIVATION | {"settlementPeriods": [51]}), "SCH_SCHEMA_VALIDATION_FAILED", "/message/contract/performance/0/performanceAttributes/settlementPeriods/0"),
    ],
)  # fmt: skip
def test_an_error_has_the_codes_word_for_its_kind_and_a_pointer(message, code, path):
    with pytest.raises(WireError) as found:
        schema.validate(envelope("update", message))
    assert (found.value.code, found.value.path) == (code, path)
    assert path in found.value.message


def test_required_beside_a_reference_counts():
    broken = contract()
    del broken["contract"]["commitments"][0]["offer"]["resourceIds"]
    with pytest.raises(WireError) as found:
        schema.validate(envelope("select", broken))
    assert found.value.path == "/message/contract/commitments/0/offer"
    no_id = contract()
    del no_id["contract"]["id"]
    schema.validate(envelope("confirm", no_id))
    for action in ("status", "cancel"):
        with pytest.raises(WireError, match="id"):
            schema.validate(envelope(action, no_id))


def test_a_type_of_strangers_passes_and_a_series_of_ours_must_be_one():
    strange = {"@context": "https://x.example/c", "@type": "TheirType", "anything": [1]}
    schema.validate(envelope("update", with_performance(strange)))
    broken = copy.deepcopy(SERIES)
    broken["intervals"][0]["payloads"][0]["values"] = []
    with pytest.raises(WireError, match="/values"):
        schema.validate(envelope("update", with_performance(broken)))


def test_a_refusal_carries_its_error_beside_the_message():
    error = {"errorCode": "BIZ_OFFER_NOT_FOUND", "errorMessage": "gone", "code": "x", "message": "y", "details": {}}
    schema.validate(envelope("on_select", contract(), error=error))
    with pytest.raises(WireError, match="errorMessage"):
        schema.validate(envelope("on_select", contract(), error={"errorCode": "x"}))


def test_an_action_without_a_schema_is_refused():
    told = envelope("discover", {"intent": {}})
    told["context"]["action"] = "search"  # 1.x's word
    with pytest.raises(WireError, match="/context/action"):
        schema.validate(told)


@pytest.mark.parametrize(
    ("action", "message", "path"),
    [
        ("track", {"tracking": TRACKING | {"status": "ON"}}, "/message/tracking/status"),
        ("rate", {"ratingInputs": [{"target": {}}]}, "/message/ratingInputs/0"),
        ("on_support", {"support": {"channels": ["PHONE"]}}, "/message/support/channels/0"),
        ("catalog/publish", {"catalogs": []}, "/message/catalogs"),
        ("catalog/publish", {"catalogs": [CATALOGUE | {"publishDirectives": {"updateMode": "ADD"}}]}, "/message/catalogs/0/publishDirectives/updateMode"),
        ("catalog/on_publish", {"results": [{"catalogId": "c", "status": "DONE"}]}, "/message/results/0/status"),
        ("catalog/subscription", {"subscription": {"networkIds": []}}, "/message/subscription/networkIds"),
        ("catalog/pull", {"mode": "SOME"}, "/message/mode"),
        ("catalog/master_search", {"pagination": {"limit": 0}}, "/message/pagination/limit"),
    ],
)  # fmt: skip
def test_the_services_messages_are_checked_too(action, message, path):
    with pytest.raises(WireError) as found:
        schema.validate(envelope(action, message))
    assert found.value.path == path


@pytest.mark.parametrize("word", ["catalog_publish", "catalog/publish"])
def test_both_spellings_of_the_standard_name_the_same_schema(word):
    told = envelope("catalog/publish", {"catalogs": []})
    told["context"]["action"] = word
    with pytest.raises(WireError, match="/message/catalogs"):
        schema.validate(told)


@pytest.mark.timeout(20)
def test_what_is_wrong_half_a_million_times_is_refused_as_fast_as_once():
    """Whoever waits for the whole list of faults waits minutes, and with it the door for everybody."""
    problem = refusal_of(schema.validate, envelope("support", {"support": {"channels": [0] * 500_000}}))
    assert (problem.code, problem.path) == ("SCH_TYPE_NOT_SUPPORTED", "/message/support/channels/0")


def test_decimals_are_numbers_and_long_reasons_are_cut():
    schema.validate(envelope("on_select", contract()))
    with pytest.raises(WireError) as found:
        schema.validate(envelope("on_select", contract(status={"code": "x" * 5000})))
    assert len(found.value.message) < 500


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from([*CONTRACT, "@type", "@context", "code"]) | st.text(max_size=5), inner, max_size=4
        )
    ),
    max_leaves=15,
)


@given(JSON, st.sampled_from(sorted(schema.ACTIONS)))
def test_any_message_is_valid_or_refused_with_a_code(value, action):
    problem = refusal_of(schema.validate, envelope(action, value))
    assert problem is None or problem.code in CODES


def test_every_callback_answers_a_request():
    assert {name for name, one in ACTIONS.items() if one.is_callback} == {one.answer for one in ACTIONS.values()} - {""}
    assert {one.name for one in ACTIONS.values() if one.answer == f"on_{one.name}"} == set(MEMBERS)


FLOW = """01a_catalog_publish 01b_catalog_on_publish 02_catalog_subscription 03a_discover 03b_on_discover 04a_select 04b_on_select 05a_init 05b_on_init 06a_confirm 06b_on_confirm 07a_update
07b_on_update 08_on_status_baseline_unsolicited 09a_status 09b_on_status 10a_track
10b_on_track 11_on_status_delivery_complete
12_on_update_settled 13a_cancel 13b_on_cancel 14a_rate 14b_on_rate 15a_support 15b_on_support"""


@pytest.mark.parametrize("name", FLOW.split())
def test_the_reference_flow_is_valid(name):
    raw = shared(f"beckn/flow/{name}.json").read_bytes()
    told = body.parse(raw)
    schema.validate(told)
    assert body.parse(body.dump(told)) == told
    assert json.loads(raw)["context"]["action"] in schema.ACTIONS
