import uuid
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn.wire import context
from beckn.wire.actions import ACTIONS
from beckn.wire.context import Party
from beckn.wire.errors import WireError

NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
BUYER = Party("grid.example", "https://grid.example/beckn/bap")
SELLER = Party("market.example", "https://market.example/beckn/bpp")
SERVICE = Party("ds.example", "https://ds.example/beckn/ds")
NETWORK = "caco.example/flex-dev"


def build(name: str, **change):
    spec = ACTIONS[name]
    us, peer = (SELLER, BUYER) if spec.is_callback else (BUYER, SELLER)
    told = context.build(
        action=spec,
        us=us,
        peer=peer,
        network_id=NETWORK,
        transaction_id=uuid.uuid4(),
        message_id=uuid.uuid4(),
        now=NOW,
        ttl=timedelta(seconds=30),
    )
    return {name: value for name, value in (told | change).items() if value is not None}


def check(told, action: str, *, now=NOW):
    callback = ACTIONS[action].is_callback
    us, signer = (BUYER, SELLER) if callback else (SELLER, BUYER)
    context.check(told, action=action, us=us.subscriber_id, signer=signer, network_id=NETWORK, now=now)


@pytest.mark.parametrize("action", sorted(ACTIONS))
def test_what_we_build_a_peer_accepts(action):
    spec = ACTIONS[action]
    parties = {"bap": BUYER, "bpp": SELLER, "ds": SERVICE}
    for sender in spec.senders:
        for receiver in spec.receivers:
            us, peer = parties[sender], parties[receiver]
            told = context.build(
                action=spec, us=us, peer=peer, network_id=NETWORK, transaction_id=uuid.uuid4(), message_id=uuid.uuid4(),
                now=NOW, ttl=timedelta(seconds=30), role=sender, peer_role=receiver,
            )  # fmt: skip
            assert {name for name in told if name.endswith("Id")} >= {"networkId", "transactionId", "messageId"}
            assert SERVICE.subscriber_id not in told.values()
            context.check(
                told, action=action, us=peer.subscriber_id, signer=us, network_id=NETWORK, now=NOW, role=receiver,
                signer_role=sender,
            )  # fmt: skip


def test_a_seller_cannot_publish_as_another_or_have_the_receipt_sent_elsewhere():
    spec = ACTIONS["catalog/publish"]
    told = context.build(
        action=spec, us=SELLER, peer=SERVICE, network_id=NETWORK, transaction_id=uuid.uuid4(), message_id=uuid.uuid4(),
        now=NOW, ttl=timedelta(seconds=30),
    )  # fmt: skip
    for change, code in (
        ({"bppId": "other.example"}, "AUT_UNAUTHORIZED_ACTION"),
        ({"bppUri": "https://elsewhere.example"}, "CTX_INVALID_FIELD"),
        ({"action": "publish"}, "CTX_ACTION_MISMATCH"),
    ):
        with pytest.raises(WireError) as found:
            context.check(
                told | change, action=spec.name, us="ds.example", signer=SELLER, network_id=NETWORK, now=NOW, role="ds",
                signer_role="bpp",
            )  # fmt: skip
        assert found.value.code == code
    context.check(
        told | {"action": "catalog_publish"}, action=spec.name, us="ds.example", signer=SELLER, network_id=NETWORK, now=NOW,
        role="ds", signer_role="bpp",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"action": "select"}, "CTX_ACTION_MISMATCH"),
        ({"action": None}, "CTX_MISSING_FIELD"),
        ({"version": "1.1.0"}, "CTX_VERSION_UNSUPPORTED"),
        ({"version": None}, "CTX_MISSING_FIELD"),
        ({"networkId": "elsewhere/net"}, "CTX_INVALID_FIELD"),
        ({"networkId": 5}, "CTX_MISSING_FIELD"),
        ({"messageId": "m-1"}, "CTX_INVALID_FIELD"),
        ({"messageId": "{6f1d0c2e-7a54-4c0b-9a6e-0d2b7f3f1a01}"}, "CTX_INVALID_FIELD"),
        ({"transactionId": None}, "CTX_MISSING_FIELD"),
        ({"timestamp": "2026-01-15T17:00:00"}, "CTX_INVALID_FIELD"),
        ({"timestamp": "yesterday"}, "CTX_INVALID_FIELD"),
        ({"timestamp": "2026-01-15T17:00:06Z"}, "CTX_INVALID_FIELD"),
        ({"timestamp": "2026-01-15T16:59:29Z"}, "CTX_TTL_EXPIRED"),
        ({"ttl": "P1M"}, "CTX_INVALID_FIELD"),
        ({"ttl": 30}, "CTX_INVALID_FIELD"),
        ({"bapId": "other.example"}, "AUT_UNAUTHORIZED_ACTION"),
        ({"bppId": "other.example"}, "CTX_INVALID_FIELD"),
        ({"bppId": None}, "CTX_MISSING_FIELD"),
        ({"bapUri": None}, "CTX_CALLBACK_URL_MISSING"),
        ({"bapUri": "https://evil.example/beckn/bap"}, "CTX_INVALID_FIELD"),
        ({"bapUri": "https://[::1"}, "CTX_INVALID_FIELD"),
    ],
    ids=str,
)
def test_each_member_is_checked_and_named(change, code):
    with pytest.raises(WireError) as found:
        check(build("confirm", **change), "confirm")
    assert found.value.code == code
    assert found.value.path.startswith("/context")


def test_a_discover_may_be_addressed_to_nobody_but_not_to_somebody_else():
    check(build("discover", bppId=None, bppUri=None), "discover")
    with pytest.raises(WireError, match="bppId"):
        check(build("discover", bppId="other.example"), "discover")


def test_a_callback_must_come_from_the_seller_it_names():
    with pytest.raises(WireError, match="AUT_UNAUTHORIZED_ACTION"):
        check(build("on_status", bppId="other.example"), "on_status")


def test_the_time_to_live_is_kept_to_the_second():
    told = build("confirm")
    check(told, "confirm", now=NOW + timedelta(seconds=30))
    check(told, "confirm", now=NOW - timedelta(seconds=5))
    with pytest.raises(WireError, match="CTX_TTL_EXPIRED"):
        check(told, "confirm", now=NOW + timedelta(seconds=30.001))
    del told["ttl"]
    check(told, "confirm", now=NOW + context.DEFAULT_TTL)


@pytest.mark.parametrize("told", [None, [], "x", 5])
def test_a_context_that_is_no_object_is_refused(told):
    with pytest.raises(WireError, match="CTX_MISSING_FIELD"):
        check(told, "confirm")


@given(st.integers(0, 99), st.integers(0, 999), st.integers(0, 999), st.integers(0, 9999))
def test_durations_are_read_as_written(days, hours, minutes, seconds):
    written = f"P{days}DT{hours}H{minutes}M{seconds}S"
    assert context.parse_duration(written) == timedelta(days=days, hours=hours, minutes=minutes, seconds=seconds)


@pytest.mark.parametrize(
    "written", ["", "P", "PT", "P1Y", "P1M", "PT1.5S", "PT-5S", "1H", "P1DT", "PT999999999S", "PT5S "]
)
def test_other_durations_are_not(written):
    assert context.parse_duration(written) is None
