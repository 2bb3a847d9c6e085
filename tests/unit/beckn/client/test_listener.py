"""The standalone buyer's address: it takes what its seller signed, once, and nothing else."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from beckn import egress, subscriptions
from beckn.client import identity
from beckn.client.listener import Listener
from beckn.client.network import Network
from beckn.client.registry import NetworkError
from beckn.testing import Listener as FakePeer
from beckn.testing import Participant
from beckn.wire import body, receipts
from beckn.wire.context import Party


@pytest.fixture
def seller() -> Iterator[FakePeer]:
    """A seller that also plays the registry, which names it."""
    with FakePeer(Participant("bpp", "seller.example")).listening() as peer:
        peer.directory = [peer.participant.subscription()]
        yield peer


@pytest.fixture
def ours(seller: FakePeer, tmp_path: Path) -> Iterator[Listener]:
    """Our address."""
    us = identity.load_or_make(tmp_path / "key.json", subscriber_id="buyer.example", port=0)
    with Listener(us, Network(f"{seller.base}/registry"), "caco.example/flex-dev").listening() as listener:
        yield listener


def callback(ours: Listener, seller: FakePeer, **change) -> bytes:
    us = Party("buyer.example", f"http://127.0.0.1:{ours.identity.port}/bap")
    told = seller.participant.envelope("on_discover", {"catalogs": []}, to=us)
    told["context"] |= change
    return body.dump(told)


def post(ours: Listener, seller: FakePeer, raw: bytes, action: str = "on_discover") -> egress.Answer:
    return seller.participant.post(f"http://127.0.0.1:{ours.identity.port}/bap", raw, action)


def test_a_callback_is_handed_over_once_and_its_copy_gets_the_same_receipt(ours, seller):
    raw = callback(ours, seller)
    first, second = post(ours, seller, raw), post(ours, seller, raw)
    assert first.status == second.status == 200
    assert first.body == second.body
    message_id = body.parse(raw)["context"]["messageId"]
    public_key = ours.identity.signer.public_key
    assert receipts.is_countersigned(first.body, request=raw, message_id=message_id, public_key=public_key)
    assert ours.arrived.get_nowait().message == {"catalogs": []}
    assert ours.arrived.empty()


@pytest.mark.parametrize(
    ("change", "action", "code"),
    [
        ({"bapId": "other.example"}, "on_discover", "CTX_INVALID_FIELD"),
        ({"networkId": "other/net"}, "on_discover", "CTX_INVALID_FIELD"),
        ({"bppId": "other.example"}, "on_discover", "AUT_UNAUTHORIZED_ACTION"),
        ({}, "on_select", "CTX_ACTION_MISMATCH"),
        ({}, "discover", "NET_NOT_IMPLEMENTED"),
    ],
)
def test_what_is_not_meant_for_us_is_refused(ours, seller, change, action, code):
    answer = post(ours, seller, callback(ours, seller, **change), action)
    assert (receipts.read(answer.body).status, receipts.read(answer.body).code) == ("NACK", code)
    assert ours.arrived.empty()


def test_a_stranger_and_a_changed_copy_are_refused(ours, seller):
    raw = callback(ours, seller)
    stranger = Participant("bpp", "stranger.example")
    answer = stranger.post(f"http://127.0.0.1:{ours.identity.port}/bap", raw, "on_discover")
    assert (answer.status, receipts.read(answer.body).code) == (401, "AUT_KEY_NOT_FOUND")
    assert post(ours, seller, raw).status == 200
    changed = body.parse(raw)
    changed["context"]["ttl"] = "PT31S"
    assert receipts.read(post(ours, seller, body.dump(changed)).body).code == "CTX_MESSAGE_ID_DUPLICATE"


def test_a_challenge_is_opened_and_nothing_is_signed(ours, seller):
    told = {"challenge": subscriptions.sealed("a word", ours.identity.encr_public_key)}
    answer = post(ours, seller, body.dump(told), "on_subscribe")
    assert (answer.status, json.loads(answer.body)) == (200, {"answer": "a word"})
    assert post(ours, seller, body.dump({"challenge": "AAAA"}), "on_subscribe").status == 400


def test_a_silent_registry_costs_a_later_copy_and_no_more(ours, seller):
    raw = callback(ours, seller)
    url, ours.network.url = ours.network.url, "http://127.0.0.1:9/registry"
    assert post(ours, seller, raw).status == 503
    ours.network.url = url
    assert post(ours, seller, raw).status == 200


def test_the_key_file_is_made_once_for_its_owner_only(tmp_path):
    path = tmp_path / "new" / "key.json"
    one = identity.load_or_make(path, subscriber_id="", port=0)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    again = identity.load_or_make(path, subscriber_id="", port=0)
    assert (again.signer.key_id, again.port) == (one.signer.key_id, one.port)
    assert identity.load_or_make(path, subscriber_id="", port=4321).port == 4321
    with pytest.raises(identity.IdentityError, match="not of somebody"):
        identity.load_or_make(path, subscriber_id="somebody", port=0)
    for spoilt in ("", "{}", "[]", '{"subscriber_id": "a"}'):
        path.write_text(spoilt)
        with pytest.raises(identity.IdentityError, match="move it away"):
            identity.load_or_make(path, subscriber_id="", port=0)


def test_a_registry_that_is_none_is_said(seller, tmp_path):
    us = identity.load_or_make(tmp_path / "key.json", subscriber_id="", port=0)
    with pytest.raises(NetworkError, match="does not answer as one"):
        Network("http://127.0.0.1:9").sellers()
    seller.answer = lambda got: (403, b'{"error": {"code": "AUT_UNAUTHORIZED_ACTION"}}')
    with pytest.raises(NetworkError, match=r"HTTP 403.*AUT_UNAUTHORIZED_ACTION"):
        Network(f"{seller.base}/elsewhere").be_admitted(us, "http://x/bap", within_s=0)
