"""A whole recorded flow passes between two installations, one as the buyer's side and one as the seller's, over real sockets.

Each message of the flow is restamped, given to the two participants and signed with the sender's own key, in the sender's own
installation; its payload stays as it was recorded. It must be acknowledged with a receipt that the sender can verify, stored
once, and refused if a byte of it changed on the way. What it says is a stranger's: our market has no such offer. It answers
so, in a callback; it does not fail.
"""

from __future__ import annotations

import json
import subprocess
import sys
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from beckn.wire import actions, schema
from beckn.wire.errors import CODES
from beckn.wire.v1 import names, shape
from beckn.wire.v1.error import WORDS
from tests.journeys.houses import KNOW, House, wait_until
from tests.shared_data import shared
from tests.unit.beckn.installation import ROOT

pytestmark = [pytest.mark.journey, pytest.mark.timeout(300)]
DOOR = "caco_site.asgi:application"
# Says, in the sender's installation, what it is given a line: signs `signed`, sends `raw`, and verifies the receipt.
SPEAKER = """
import django, json, sys; django.setup()
from django.utils import timezone
from beckn import egress, keys, registry
from beckn.wire import receipts, signing
from beckn.wire.errors import WireError
for line in sys.stdin:
    told, now = json.loads(line), timezone.now()
    raw, peer = told["raw"].encode(), registry.peer(told["to"], role=told["receiver"], now=now)
    header = signing.sign(told["signed"].encode(), keys.own(told["sender"]), now=now)
    answer = egress.post(f"{peer.url}/{told['word']}", raw, headers={"Authorization": header})
    known, in_header = registry.keys_of(told["to"], now=now), answer.headers.get("signature", "")
    if told["at_once"]:  # an answer of the discovery service, signed over its own bytes
        found = signing.parse(in_header)
        signing.verify(found, answer.body, known[found.key_id])
        proof = "SIGNED"
    else:
        proof = receipts.proof(answer.body, in_header, request=raw, authorization=header, message_id=told["id"], form=peer.profile.receipts, keys=known)
    print(json.dumps({"status": answer.status, "body": answer.body.decode(), "proof": proof}), flush=True)
"""
# Hands every stored message to the market, without delivering what it answers.
HANDLE = """
from django.utils import timezone
from beckn import inbox
for pk in inbox.due(now=timezone.now(), limit=1000):
    inbox.handle(pk, now=timezone.now())
"""


@dataclass(frozen=True)
class Answered:
    """A receipt as its receiver got it."""

    status: int
    body: str
    proof: str


class Speaker:
    """A process in a house that says messages in the name of its participants."""

    def __init__(self, house: House) -> None:
        with (house.var / "speaker.log").open("ab") as log:
            command = [sys.executable, "-c", SPEAKER]
            self.process = subprocess.Popen(
                command, env=house.env, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True
            )

    def say(self, **told: Any) -> Answered:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        self.process.stdin.write(json.dumps(told) + "\n")
        self.process.stdin.flush()
        return Answered(**json.loads(self.process.stdout.readline()))

    def close(self) -> None:
        self.process.communicate(timeout=20)


@dataclass
class Network:
    """Two houses, who speaks for each, and how each participant is entered at the other."""

    buyer: House
    seller: House
    speakers: dict[str, Speaker]
    entries: dict[tuple[str, str], dict[str, str]]

    def house(self, name: str) -> House:
        return self.buyer if name == "buyer" else self.seller


@pytest.fixture(params=["lts", "v1"])
def network(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Network]:
    """Two installations that know each other's participants and speak one profile; their workers do not work yet."""
    houses = {name: House(tmp_path / name, name) for name in ("buyer", "seller")}
    for house in houses.values():
        house.door = DOOR
        house.open(works=False)
    entries = {(name, role): house.entry(role) for name, house in houses.items() for role in ("bap", "bpp", "ds")}
    for name, house in houses.items():
        others = [(role, entry) for (at, role), entry in entries.items() if at != name]
        house.run(
            "".join(KNOW.format(**entry, profile="lts" if role == "ds" else request.param) for role, entry in others)
        )
    speakers = {name: Speaker(house) for name, house in houses.items()}
    yield Network(**houses, speakers=speakers, entries=entries)
    for speaker in speakers.values():
        speaker.close()
    for house in houses.values():
        house.close()


@dataclass(frozen=True)
class Step:
    """One message of a flow: its name, the action in words of 2.0.0, the body, and from whom it goes to whom."""

    name: str
    action: str
    told: dict[str, Any]
    sender: tuple[str, str]
    receiver: tuple[str, str]

    @property
    def word(self) -> str:
        """What it is called where it is posted."""
        return str(self.told["context"]["action"])


def direction(action: str, about: dict[str, Any]) -> tuple[tuple[str, str], tuple[str, str]]:
    """Requests go to the seller's house, callbacks to the buyer's; each house also has a discovery service for the other."""
    if action in ("catalog/publish", "catalog/on_publish"):
        there = [("seller", "bpp"), ("buyer", "ds")]
        return (there[0], there[1]) if action == "catalog/publish" else (there[1], there[0])
    if action == "catalog/subscription":
        return ("buyer", "bap"), ("seller", "ds")
    if action.startswith("on_"):
        named = "bppId" in about or "bpp_id" in about
        return ("seller", "bpp" if named else "ds"), ("buyer", "bap")
    return ("buyer", "bap"), ("seller", "bpp")


def flow(profile: str) -> list[Step]:
    """The recorded messages of a profile, in order."""
    if profile == "v1":
        cases = json.loads(shared("beckn/flow/v1_pairs.json").read_bytes())["cases"]
        recorded = {case["id"]: case["v1"] for case in cases}
    else:
        paths = sorted(shared("beckn/flow").glob("[0-9]*.json"))
        recorded = {path.stem: json.loads(path.read_bytes()) for path in paths}
    steps = []
    for name, told in recorded.items():
        word = told["context"]["action"]
        action = names.action_of(word) if profile == "v1" else word
        steps.append(Step(name, action, told, *direction(action, told["context"])))
    return steps


class Renewal:
    """Ids of our own for those of a recording, the same ones each time they are met."""

    def __init__(self) -> None:
        self.ids: dict[str, str] = {}

    def renew(self, step: Step, network: Network) -> tuple[str, str]:
        """(body, message id) of a step, now, between the two houses; its message is as it was recorded."""
        about = dict(step.told["context"])
        for name in ("transactionId", "messageId", "transaction_id", "message_id"):
            if name in about:
                about[name] = self.ids.setdefault(f"{name}{about[name]}", str(uuid.uuid4()))
        for role, house in (("bap", "buyer"), ("bpp", "seller")):
            entry = network.entries[house, role]
            for names_of in ((f"{role}Id", f"{role}Uri"), (f"{role}_id", f"{role}_uri")):
                about |= (
                    dict(zip(names_of, (entry["subscriber_id"], entry["url"]), strict=True))
                    if names_of[0] in about
                    else {}
                )
        about["timestamp"] = datetime.now(UTC).isoformat()
        told = step.told | {"context": about}
        return json.dumps(told, ensure_ascii=False), about.get("messageId") or about["message_id"]


def said(network: Network, step: Step, raw: str, message_id: str, *, signed: str = "") -> Answered:
    """The receipt of a step; with `signed`, its signature is over other bytes than are sent."""
    (house, sender), (there, receiver) = step.sender, step.receiver
    told = {
        "raw": raw,
        "signed": signed or raw,
        "sender": sender,
        "receiver": receiver,
        "to": network.entries[there, receiver]["subscriber_id"],
        "word": step.word,
        "id": message_id,
        "at_once": step.action == "catalog/subscription" and not signed,
    }
    return network.speakers[house].say(**told)


def tampered(raw: str) -> str:
    """The same with one byte changed, in the middle."""
    half = len(raw) // 2
    at = next(place for place in range(half, len(raw)) if raw[place].isascii() and raw[place].isalnum())
    return f"{raw[:at]}{'1' if raw[at] != '1' else '2'}{raw[at + 1 :]}"


def test_a_recorded_flow_is_accepted_in_order(network: Network, request: pytest.FixtureRequest) -> None:
    profile = request.node.callspec.params["network"]
    steps, renewal = flow(profile), Renewal()
    assert len(steps) == (19 if profile == "v1" else 26)
    sent: dict[str, list[tuple[str, str, bytes]]] = {"buyer": [], "seller": []}
    for step in steps:
        raw, message_id = renewal.renew(step, network)
        spoilt = said(network, step, tampered(raw), message_id, signed=raw)
        assert (spoilt.status, "AUT_SIGNATURE_INVALID" in spoilt.body or "30016" in spoilt.body) == (401, True), (
            step.name
        )
        taken = said(network, step, raw, message_id)
        assert taken.status == 200, (step.name, taken)
        if step.action == "catalog/subscription":
            assert json.loads(taken.body)["context"]["action"] == "catalog/on_subscription"
        else:
            assert is_ack(json.loads(taken.body), profile if step.sender[1] != "ds" else "lts"), step.name
        assert taken.proof == ("" if profile == "v1" else "SIGNED"), step.name
        sent[step.receiver[0]].append((step.receiver[1], step.action, raw.encode()))
    stored = "select role, action, raw from beckn_inboxmessage order by id"
    assert network.seller.rows(stored) == sent["seller"]
    assert network.buyer.rows(stored) == sent["buyer"]

    check_handled(network, profile)
    check_answers_arrive(network, [step for step in steps if not actions.ACTIONS[step.action].is_callback])


def is_ack(told: dict[str, Any], profile: str) -> bool:
    """Whether a receipt says so in the profile's words."""
    return bool(told["message"]["ack"]["status"] == "ACK" if profile == "v1" else told["status"] == "ACK")


def check_handled(network: Network, profile: str) -> None:
    """Both markets have dealt with every message, at the first attempt, and owe one valid callback for each request.

    Ours has sold nothing of what the recording speaks of, so the seller refuses whatever is about a contract.
    """
    refused = set()
    for house in (network.seller, network.buyer):
        house.run(HANDLE)
        handled = house.rows("select action, message_id, state, attempts, problem from beckn_inboxmessage order by id")
        assert {one[2] for one in handled} <= {"HANDLED", "REFUSED"}, handled
        assert all(one[3] <= 1 for one in handled), handled
        owed = [one for one in handled if actions.ACTIONS[one[0]].answer]
        query = "select action, message_id, raw from beckn_outboxmessage where answers_id is not null order by id"
        for (action, named, state, *_), (answer, answered, raw) in zip(owed, house.rows(query), strict=True):
            assert (answer, answered) == (actions.ACTIONS[action].answer, named)
            told = json.loads(raw)
            (schema.validate if profile == "lts" or action.startswith("catalog") else shape.validate)(told)
            assert ("error" in told) == (state == "REFUSED"), (action, told)
            if state == "REFUSED":
                refused.add(action)
                check_error(told["error"], profile)
    assert {"select", "init", "confirm", "update", "status", "cancel", "track", "rate"} <= refused


def check_error(error: dict[str, Any], profile: str) -> None:
    """A refusal in the network's words, or the numbers of 1.1, that says why."""
    assert error["code"] in WORDS if profile == "v1" else error["errorCode"] in CODES, error
    assert error["message"] if profile == "v1" else error["errorMessage"]


def check_answers_arrive(network: Network, requests: list[Step]) -> None:
    """The same requests as another deal, with workers at work: each is answered by our own callback, which is taken."""
    renewal, asked = Renewal(), []
    for house in (network.seller, network.buyer):
        house.rows("update beckn_outboxmessage set state = 'DEAD' where state = 'PENDING'")  # answers of the first deal
        house.hire()
    for step in requests:
        raw, message_id = renewal.renew(step, network)
        assert said(network, step, raw, message_id).status == 200
        if step.action != "catalog/subscription":
            asked.append((step.sender[0], actions.ACTIONS[step.action].answer, uuid.UUID(message_id).hex))

    def arrived(house: str, action: str, message_id: str) -> bool:
        query = "select state from beckn_inboxmessage where action = ? and message_id = ?"
        return network.house(house).rows(query, action, message_id) in ([("HANDLED",)], [("REFUSED",)])

    wait_until(lambda: all(arrived(*one) for one in asked))
