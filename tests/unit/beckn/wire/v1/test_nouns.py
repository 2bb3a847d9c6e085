"""The single nouns of the adapter, where each has a rule of its own."""

from __future__ import annotations

import copy
from datetime import UTC, datetime
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire.context import Party
from beckn.wire.errors import CODES, WireError
from beckn.wire.v1 import context, error, intent, money, number, order, patch, place, series, support, tags, target
from tests.unit.beckn.wire.v1 import samples

# --- errors


def test_every_word_has_a_number_and_every_number_a_word():
    assert set(error.WORDS.values()) <= CODES
    assert all(error.number_of(word) in error.WORDS for word in CODES)
    # Several numbers share a word; the way back from each word is to one that means it.
    assert all(error.word_of(error.number_of(word)) == word for word in error.WORDS.values())


@pytest.mark.parametrize(
    ("word", "number"),
    [
        ("BIZ_ORDER_NOT_FOUND", "30010"),
        ("BIZ_INVALID_UPDATE_TARGET", "30012"),
        ("BIZ_QUANTITY_UNAVAILABLE", "40002"),
        ("BIZ_CATEGORY_NOT_FOUND", "30003"),
        ("BIZ_PRICE_MISMATCH", "40003"),
        ("POL_KYC_REQUIRED", "50000"),
        ("CTX_TTL_EXPIRED", "30000"),
        ("AUT_KEY_NOT_FOUND", "30016"),
        ("NET_OVERLOADED", "40000"),
        ("our own word", "40000"),
    ],
)
def test_a_word_without_a_number_of_its_own_has_its_familys(word, number):
    assert error.number_of(word) == number


@pytest.mark.parametrize(
    ("number", "word"),
    [("30999", "SCH_SCHEMA_VALIDATION_FAILED"), ("50999", "POL_GENERIC_ERROR"), ("", "BIZ_GENERIC_ERROR")],
)
def test_an_unknown_number_has_the_general_word_of_its_thousands(number, word):
    assert error.to_v2({"code": number, "message": "x"})["errorCode"] == word


# --- numbers and places


@given(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**20), max_value=10**20, places=6))
def test_a_decimal_keeps_its_digits(value):
    assert str(Decimal(number.text(value))) == str(value)
    assert number.maybe(number.text(value)) == value


@pytest.mark.parametrize("written", ["", "x", "1e5", "1,5", "--1", "1_000", "NaN", "Infinity", "٣", "1" * 41, None, 5])
def test_what_is_no_decimal_text_is_none(written):
    assert number.maybe(written) is None


def test_latitude_and_longitude_change_places():
    point = {"type": "Point", "coordinates": [Decimal("1.2974"), Decimal("52.6309")]}
    assert place.gps_of(point) == "52.6309, 1.2974"
    assert place.point_of("52.6309,1.2974", "/p") == point
    for gps in ("52.6", "91, 0", "0, 181", "a, b", "1, 2, 3", None):
        with pytest.raises(WireError) as found:
            place.point_of(gps, "/p")
        assert (found.value.code, found.value.path) == ("SCH_INVALID_FORMAT", "/p")
    assert place.gps_of({"type": "Polygon", "coordinates": [[1, 2]]}) == ""


# --- intents


def around(value: str, unit: str = "km") -> dict:
    radius = {"type": "CONSTANT", "value": value, "unit": unit}
    return {"fulfillment": {"stops": [{"location": {"gps": "52.63, 1.30", "radius": radius}}]}}


@pytest.mark.parametrize(("value", "unit", "metres"), [("20", "km", 20000), ("0.5", "km", 500), ("20.0005", "km", Decimal("20000.5")), ("750", "m", 750)])  # fmt: skip
def test_kilometres_become_metres_exactly(value, unit, metres):
    (found,) = intent.to_v2(around(value, unit))["spatial"]
    assert (found["distanceMeters"], found["geometry"]["coordinates"]) == (metres, [Decimal("1.30"), Decimal("52.63")])


def test_a_unit_nobody_knows_and_words_are_read():
    with pytest.raises(WireError, match="SCH_INVALID_ENUM"):
        intent.to_v2(around("20", "mile"))
    assert intent.to_v2({"item": {"descriptor": {"code": "compute-flex"}}}) == {}
    assert intent.to_v2({"item": {"descriptor": {"code": "battery"}}}) == {"textSearch": "battery"}
    assert intent.to_v2({"item": {"descriptor": {"name": "norwich", "code": "battery"}}}) == {"textSearch": "norwich"}
    asked = [tags.group("compute-flex", [("direction", "REDUCE"), ("capacity_type", "SHIFT' || true")])]
    expression = intent.to_v2({"tags": asked})["filters"]["expression"]
    assert expression == "$.catalogs[*].resources[?(@.resourceAttributes.direction == 'REDUCE')]"


# --- series, money, orders


def test_a_series_has_a_group_for_each_column_with_units_as_1_1_writes_them():
    told = samples.series(BASELINE=[2000, 1], USAGE=[Decimal("0.50"), 7])
    first, second = series.to_groups(told)
    assert [(one["descriptor"]["code"], one["value"]) for one in second["list"]] == [
        ("start", "2026-01-15T17:00:00Z"), ("duration", "PT30M"), ("unit", "kW"), ("v0", "0.50"), ("v1", "7"),
    ]  # fmt: skip
    back = series.from_groups(tags.read([first, second]))
    assert back is not None
    assert back["intervals"] == told["intervals"]
    assert back["payloadDescriptors"][0] == {"objectType": "REPORT_PAYLOAD_DESCRIPTOR", "payloadType": "BASELINE", "units": "KW"}  # fmt: skip
    assert series.from_groups({"X": {"start": "s", "duration": "d"}}) is None


def test_a_gap_in_a_column_stays_a_gap():
    pairs = {"start": "s", "duration": "PT30M", "v0": "1", "v2": "3"}
    back = series.from_groups({"PRICE": pairs})
    assert back is not None
    assert [one["id"] for one in back["intervals"]] == [0, 2]


def test_the_kind_of_a_line_comes_from_its_sign_and_title():
    lines = [("2175 kWh", "543.75"), ("shortfall", "-2.50"), ("Cancellation fee", "5")]
    quote = {
        "price": {"currency": "GBP", "value": "546.25"},
        "breakup": [{"title": title, "price": {"currency": "GBP", "value": value}} for title, value in lines],
    }
    (found,) = money.consideration_of(quote, "COMPLETE", "/q")
    parts = found["considerationAttributes"]["components"]
    assert [(part["type"], part["value"]) for part in parts] == [
        ("USAGE", Decimal("543.75")), ("PENALTY", Decimal("-2.50")), ("CANCELLATION_FEE", 5),
    ]  # fmt: skip
    assert found["status"] == {"code": "SETTLED"}


def test_several_offers_divide_the_items_between_them():
    told = {
        "items": [{"id": "a"}, {"id": "b"}, {"id": "c"}],
        "offers": [{"id": "x", "item_ids": ["a", "c"]}, {"id": "y", "item_ids": ["b"]}],
    }
    found = order.to_v2(told, samples.context("select"))["commitments"]
    assert [(one["id"], one["offer"]) for one in found] == [
        ("commitment-1", {"id": "x", "resourceIds": ["a", "c"]}), ("commitment-2", {"id": "y", "resourceIds": ["b"]}),
    ]  # fmt: skip


def test_billing_and_provider_are_the_parties_they_are():
    told = {"billing": {"name": "Grid"}, "provider": {"id": "op", "descriptor": {"name": "Operator"}}}
    found = order.to_v2(told, samples.context("select"))["participants"]
    assert found == [
        {"id": "buyer.example", "descriptor": {"code": "BUYER", "name": "Grid"}},
        {"id": "op", "descriptor": {"code": "ASSET_OPERATOR", "name": "Operator"}},
    ]


def test_support_channels_are_typed():
    told = {"ref_id": "x", "email": "a@b.example", "phone": "+44", "url": "https://b.example"}
    found = support.to_v2(told)
    assert [one["@type"] for one in found["channels"]] == ["EmailChannel", "PhoneChannel", "UrlChannel"]
    assert support.to_v1(found) == told


# --- update_target


def test_what_an_order_leaves_out_is_not_changed_and_zeros_do_not_count():
    before = order.to_v1(samples.CONTRACT)
    assert list(target.changes(before, before)) == []
    assert list(target.changes(before, {"status": "ACTIVE"})) == []
    said = copy.deepcopy(samples.ORDER)
    said["items"][0]["quantity"]["selected"]["measure"]["value"] = "1200.00"
    assert list(target.changes(before, said)) == []
    said["items"][0]["quantity"]["selected"]["measure"]["value"] = "1100"
    assert list(target.changes(before, said)) == ["order.items.quantity.selected.measure.value"]
    for covering in ("order", "order.items", "order.items[0].quantity", "order.quote, order.items.quantity.selected"):
        target.check(covering, before, said)
    for other in ("", "order.item", "order.items.id", None):
        with pytest.raises(WireError, match="BIZ_INVALID_UPDATE_TARGET"):
            target.check(other, before, said)


# --- patches

JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.decimals(allow_nan=False, allow_infinity=False)
    | st.text(max_size=4),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=12,
)


@given(JSON, JSON)
def test_a_patch_makes_one_value_of_another(old, new):
    before = copy.deepcopy(old)
    found = patch.between(old, new)
    made = patch.applied(old, found)
    assert patch.between(made, new) == {}
    assert old == before


# --- the context


def check(**change):
    told = samples.context("select") | change
    context.check(
        {name: value for name, value in told.items() if value is not None},
        action="select",
        us="seller.example",
        signer=Party("buyer.example", "https://buyer.example/bap"),
        network_id="n",
        now=datetime(2026, 1, 15, 10, 7, 10, tzinfo=UTC),
    )


def test_a_context_of_1_1_is_held_to_the_same_rules():
    check()
    for change, code, path in (
        ({"action": "init"}, "CTX_ACTION_MISMATCH", "action"),
        ({"version": "2.0.0"}, "CTX_VERSION_UNSUPPORTED", "version"),
        ({"version": None}, "CTX_MISSING_FIELD", "version"),
        ({"bap_id": "x"}, "AUT_UNAUTHORIZED_ACTION", "bap_id"),
        ({"bpp_id": "x"}, "CTX_INVALID_FIELD", "bpp_id"),
        ({"bap_uri": "https://evil.example"}, "CTX_INVALID_FIELD", "bap_uri"),
        ({"bap_uri": None}, "CTX_CALLBACK_URL_MISSING", "bap_uri"),
        ({"message_id": "x"}, "CTX_INVALID_FIELD", "message_id"),
        ({"timestamp": "2026-01-15T10:06:00Z"}, "CTX_TTL_EXPIRED", "ttl"),
        ({"timestamp": None}, "CTX_MISSING_FIELD", "timestamp"),
    ):
        with pytest.raises(WireError) as found:
            check(**change)
        assert (found.value.code, found.value.path) == (code, f"/context/{path}")
        assert path in found.value.message or code in ("AUT_UNAUTHORIZED_ACTION", "CTX_TTL_EXPIRED")
    with pytest.raises(WireError, match="no context"):
        context.check(None, action="select", us="", signer=Party("", ""), network_id="n", now=datetime.now(UTC))
