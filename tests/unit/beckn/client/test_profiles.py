"""The standalone buyer in every profile, with a seller of a few lines: what it sends, what it takes, what it refuses."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beckn import egress
from beckn.client import identity
from beckn.client.buyer import Buyer, LateError, RefusedError
from beckn.client.listener import Listener
from beckn.client.network import Network
from beckn.client.registry import NetworkError
from beckn.testing import Listener as FakePeer
from beckn.testing import Participant, Received
from beckn.wire import body, dialect, receipts, signing
from beckn.wire.context import Party
from beckn.wire.profile import PROFILES, Profile

NETWORK = "caco.example/flex-dev"
CONTRACT = {
    "status": {"code": "DRAFT"},
    "commitments": [
        {
            "id": "commitment-1",
            "status": {"descriptor": {"code": "DRAFT"}},
            "resources": [{"id": "r1", "quantity": {"unitCode": "kW", "unitQuantity": 5}}],
            "offer": {"id": "o1", "resourceIds": ["r1"]},
        }
    ],
}


class Seller:
    """It answers each request at once, in a profile, with the body that a test sets."""

    def __init__(self, peer: FakePeer, profile: Profile) -> None:
        self.peer, self.profile = peer, profile
        self.answer: dict[str, Any] = {"message": {"contract": CONTRACT}}
        self.chain = True
        self.status = 200
        self.receipts: list[tuple[int, bytes]] = []
        peer.answer = self.take

    def take(self, got: Received) -> tuple[int, bytes]:
        """A receipt, once the callback is delivered."""
        if self.status == 200:
            self.call_back(got)
        signer = self.peer.participant.signer
        form = self.profile.receipts
        return self.status, receipts.ack(
            request=got.raw, message_id="", signer=signer, now=datetime.now(UTC), form=form
        )

    def call_back(self, got: Received) -> None:
        """What is asked, understood in 2.0.0, answered in the profile's own words."""
        word = got.path.rpartition("/")[2]
        action = dialect.action_of(word, "bpp")
        asked = dialect.understand(got.raw, profile=self.profile, action=action, network_id=NETWORK)["context"]
        context = {**asked, "action": f"on_{action}", "timestamp": datetime.now(UTC).isoformat()}
        raw = dialect.say({"context": context, **self.answer}, profile=self.profile)
        answering = signing.value_of(got.headers["authorization"]) if self.profile.is_chained and self.chain else ""
        now, signer = datetime.now(UTC), self.peer.participant.signer
        header = signing.sign(raw, signer, now=now, answering=answering)
        url = f"{asked['bapUri']}/on_{word}"
        answer = self.post(url, raw, header)
        self.receipts.append(answer)

    def post(self, url: str, raw: bytes, header: str) -> tuple[int, bytes]:
        """Send it."""
        told = egress.post(url, raw, headers={"Authorization": header})
        return told.status, told.body


@contextmanager
def dealing(profile: str, folder: Path) -> Iterator[tuple[Buyer, Seller]]:
    """A buyer with its address open, and the seller it deals with."""
    with FakePeer(Participant("bpp", "seller.example")).listening() as peer:
        peer.directory = [peer.participant.subscription()]
        us = identity.load_or_make(folder / "key.json", subscriber_id="buyer.example", port=0)
        network = Network(f"{peer.base}/registry")
        listener = Listener(us, network, NETWORK, profile=PROFILES[profile])
        with listener.listening():
            buyer = Buyer(listener, network.seller("", ""), f"http://127.0.0.1:{us.port}/bap", 5, uuid.uuid4())
            yield buyer, Seller(peer, PROFILES[profile])


@pytest.mark.parametrize("profile", ["lts", "lts-pure", "onix", "v1"])
def test_a_question_is_asked_and_answered_in_the_sellers_own_words(profile, tmp_path):
    with dealing(profile, tmp_path) as (buyer, seller):
        told = buyer.ask("select", {"contract": CONTRACT})
        sent = body.parse(seller.peer.received[0].raw)["context"]
    assert told["contract"]["commitments"][0]["resources"][0]["quantity"]["unitQuantity"] == 5
    assert (sent["version"], "bap_id" in sent) == (("1.1.1", True) if profile == "v1" else ("2.0.0", False))
    assert [(status, receipts.read(raw).status) for status, raw in seller.receipts] == [(200, "ACK")]
    assert (
        set(body.parse(seller.receipts[0][1]))
        == {
            "lts": {"status", "signature", "message"},
            "lts-pure": {"status", "signature"},
            "onix": {"message"},
            "v1": {"message"},
        }[profile]
    )


@pytest.mark.parametrize("profile", ["lts", "onix", "v1"])
def test_a_sellers_no_is_said_whatever_its_words(profile, tmp_path):
    with dealing(profile, tmp_path) as (buyer, seller):
        error = {"errorCode": "BIZ_QUANTITY_UNAVAILABLE", "errorMessage": "Sold out.", "code": "x", "message": "y"}
        seller.answer = {"message": {"contract": CONTRACT}, "error": error}
        with pytest.raises(RefusedError, match=r"on_select: BIZ_QUANTITY_UNAVAILABLE Sold out\."):
            buyer.ask("select", {"contract": CONTRACT})


def test_a_no_of_1_1_may_stand_alone(tmp_path):
    with dealing("v1", tmp_path) as (buyer, seller):
        seller.answer = {"error": {"errorCode": "BIZ_QUANTITY_UNAVAILABLE", "errorMessage": "Sold out."}}
        with pytest.raises(RefusedError, match=r"BIZ_QUANTITY_UNAVAILABLE Sold out\."):
            buyer.ask("select", {"contract": CONTRACT})


def test_an_update_of_1_1_names_what_it_changes(tmp_path):
    with dealing("v1", tmp_path) as (buyer, seller):
        contract = buyer.ask("select", {"contract": CONTRACT})["contract"]
        performance = {"id": "a-1", "status": {"code": "ACTIVATION_REQUESTED"}, "commitmentIds": ["commitment-1"]}
        buyer.send("update", {"contract": contract | {"performance": [performance]}})
        sent = body.parse(seller.peer.received[-1].raw)["message"]
    assert sent["update_target"] == "order.fulfillments"


def test_another_participants_word_about_a_deal_changes_nothing_in_it(tmp_path):
    with dealing("v1", tmp_path) as (buyer, seller):
        buyer.ask("select", {"contract": CONTRACT})
        rival = Participant("bpp", "rival.example")
        seller.peer.directory.append(rival.subscription())
        told = rival.envelope(
            "on_select",
            {"contract": CONTRACT | {"id": str(uuid.uuid4())}},
            to=Party("buyer.example", buyer.url),
            transaction_id=buyer.transaction_id,
        )
        raw = dialect.say(told, profile=PROFILES["v1"])
        assert rival.post(buyer.url, raw, "on_select").status == 200
        held = buyer.listener.said.contracts
        assert held["seller.example", str(buyer.transaction_id)].get("id") is None
        assert held["rival.example", str(buyer.transaction_id)]["id"]
        with pytest.raises(LateError):
            buyer.wait(lambda one: True, "anything", 0.2)


def test_a_receipt_of_onix_is_signed_over_what_it_answers(tmp_path):
    with dealing("onix", tmp_path) as (buyer, seller):
        listener, peer = buyer.listener, seller.peer.participant
        to = Party("buyer.example", buyer.url)
        raw = body.dump(peer.envelope("on_discover", {"catalogs": []}, to=to))
        authorization = peer.authorization(raw)
        status, told, headers = listener.respond("/bap/on_discover", raw, authorization)
        found = signing.parse(headers["Signature"])
        text = signing.signing_string(told, found.created, found.expires, answering=signing.value_of(authorization))
        assert (status, signing.holds(found.value, text, listener.identity.signer.public_key)) == (200, True)
        changed = body.dump(body.parse(raw) | {"other": "body"})
        assert listener.respond("/bap/on_discover", changed, peer.authorization(changed))[0] == 409
        assert listener.respond("/bap/on_discover", raw, "")[::2] == (401, {})


def test_an_answer_chained_to_something_else_is_refused(tmp_path):
    with dealing("onix", tmp_path) as (buyer, seller):
        real, signing_for = seller.post, seller.peer.participant
        seller.post = lambda url, raw, header: real(
            url, raw, signing.sign(raw, signing_for.signer, now=datetime.now(UTC), answering="AAAA")
        )
        buyer.timeout_s = 0.5
        with pytest.raises(LateError):
            buyer.ask("select", {"contract": CONTRACT})
    assert [status for status, _ in seller.receipts] == [401]


@pytest.mark.parametrize(("profile", "path"), [("v1", "/bap/on_discover"), ("lts", "/bap/on_search")])
def test_the_other_beckns_address_is_refused(profile, path, tmp_path):
    with dealing(profile, tmp_path) as (buyer, _):
        status, told, _ = buyer.listener.respond(path, b"{}", "")
    read = receipts.read(told)
    assert (status, read.status) == (400, "NACK")
    assert read.code == ("30000" if profile == "v1" else "CTX_VERSION_UNSUPPORTED")


@pytest.mark.parametrize(("profile", "status"), [("lts", 409), ("onix", 202)])
def test_an_ack_without_a_callback_is_a_no(profile, status, tmp_path):
    with dealing(profile, tmp_path) as (buyer, seller):
        seller.status = status
        with pytest.raises(RefusedError, match=f"HTTP {status} says that no answer will come"):
            buyer.ask("select", {"contract": CONTRACT})


@pytest.mark.parametrize(("profile", "status"), [("onix", 409), ("v1", 409), ("lts", 500)])
def test_an_ack_at_a_status_that_means_something_else_is_none(profile, status, tmp_path):
    with dealing(profile, tmp_path) as (buyer, seller):
        seller.status = status
        with pytest.raises(NetworkError, match=f"HTTP {status} without a receipt"):
            buyer.ask("select", {"contract": CONTRACT})
