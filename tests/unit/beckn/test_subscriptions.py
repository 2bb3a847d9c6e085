"""Being admitted to the network: who may ask, what the challenge proves, and what is refused."""

from __future__ import annotations

import asyncio
import base64
import json
from datetime import timedelta

import pytest
from django.utils import timezone
from nacl.public import PrivateKey

from beckn import keys, registry, subscriptions
from beckn.models import Subscriber, Subscription
from beckn.receive import challenge
from beckn.receive.known_keys import KnownKeys
from beckn.testing import Listener, Participant
from beckn.testing.listener import Received
from beckn.wire import body, signing
from beckn.wire.errors import WireError

OPENER = PrivateKey(b"o" * 32)
SEALED_FOR = base64.b64encode(bytes(OPENER.public_key)).decode()


@pytest.fixture
def newcomer(installed: None):
    """Somebody unknown, listening and answering challenges."""
    with Listener(Participant("bap", "new.example")).listening() as listener:
        listener.answer = lambda got: (200, answer_to(got, OPENER))
        yield listener


def answer_to(got: Received, opener: PrivateKey) -> bytes:
    assert got.path.endswith("/on_subscribe")
    return json.dumps({"answer": subscriptions.opened(str(got.told["challenge"]), [opener])}).encode()


def request(participant: Participant, **change) -> dict:
    asked = participant.subscription() | {"encr_public_key": SEALED_FOR, "nonce": "once"}
    return {name: value for name, value in (asked | change).items() if value is not None}


def subscribe(participant: Participant, *, signer: Participant | None = None, **change) -> str:
    raw = body.dump(request(participant, **change))
    return subscriptions.receive(raw, authorization=(signer or participant).authorization(raw), now=timezone.now())


def code_of(participant: Participant, **options) -> tuple[str, str]:
    with pytest.raises(WireError) as found:
        subscribe(participant, **options)
    return found.value.code, found.value.path


def run_challenge() -> str:
    return subscriptions.challenge(Subscription.objects.get().pk, now=timezone.now())


def test_a_newcomer_is_entered_once_it_answers_the_challenge(newcomer):
    who = newcomer.participant
    assert subscribe(who) == "UNDER_SUBSCRIPTION"
    with pytest.raises(WireError, match="AUT_SUBSCRIBER_NOT_FOUND"):
        registry.lookup("new.example", who.signer.key_id, now=timezone.now())
    assert run_challenge() == "ADMITTED"
    found = registry.lookup("new.example", who.signer.key_id, now=timezone.now())
    assert (found.public_key, found.url, found.role) == (who.signer.public_key, who.url, "bap")
    assert Subscriber.objects.get(subscriber_id="new.example").encr_public_key == SEALED_FOR
    (got,) = newcomer.received
    signature = signing.parse(got.headers["authorization"])
    signing.verify(signature, got.raw, keys.own("registry").public_key)
    assert signature.subscriber_id == "registry.caco.local"
    assert run_challenge() == "ADMITTED"  # a second wake-up asks nobody
    assert len(newcomer.received) == 1


def test_the_same_request_again_starts_nothing_and_another_nonce_starts_afresh(newcomer):
    subscribe(newcomer.participant)
    assert subscribe(newcomer.participant) == "UNDER_SUBSCRIPTION"
    assert Subscription.objects.get().nonce == "once"
    subscribe(newcomer.participant, nonce="twice")
    assert Subscription.objects.get().nonce == "twice"


@pytest.mark.parametrize("answer", [(200, b'{"answer": "a guess"}'), (200, b"[]"), (200, b"x"), (500, b"{}")], ids=str)
def test_whoever_cannot_answer_is_asked_again_and_then_not_admitted(newcomer, answer):
    newcomer.answer = lambda got: answer
    subscribe(newcomer.participant)
    now = timezone.now()
    states = []
    for _ in range(subscriptions.MAX_ATTEMPTS):
        states.append(subscriptions.challenge(Subscription.objects.get().pk, now=now))
        now += timedelta(minutes=5)
    assert states == ["PENDING"] * (subscriptions.MAX_ATTEMPTS - 1) + ["FAILED"]
    assert "on_subscribe answered" in Subscription.objects.get().problem
    assert not Subscriber.objects.filter(subscriber_id="new.example").exists()


def test_a_key_that_seals_nothing_is_a_failed_attempt(newcomer):
    subscribe(newcomer.participant, encr_public_key=base64.b64encode(bytes(32)).decode())
    assert run_challenge() == "PENDING"
    assert Subscription.objects.get().problem


def test_a_known_subscriber_adds_a_key_only_with_one_in_force(newcomer):
    who = newcomer.participant
    who.register()
    next_key = Participant("bap", "new.example", url=who.url)
    next_key.signer = next_key.signer.of("new.example", "second", b"s" * 32)
    assert code_of(next_key) == ("AUT_KEY_NOT_FOUND", "")  # the new key vouches for nothing
    assert subscribe(next_key, signer=who) == "UNDER_SUBSCRIPTION"
    assert run_challenge() == "ADMITTED"
    now = timezone.now()
    both = {("new.example", who.signer.key_id), ("new.example", "second")}
    assert registry.usable(both, now=now) == both
    Subscriber.objects.filter(subscriber_id="new.example").update(status="REVOKED")
    third = Participant("bap", "new.example", url=who.url)
    assert code_of(third, signer=who)[0] == "AUT_KEY_EXPIRED_OR_REVOKED"


def test_a_key_can_be_ended_sooner_but_not_later(newcomer):
    who = newcomer.participant
    who.register()
    row = Subscriber.objects.get(subscriber_id="new.example")
    soon = timezone.now() + timedelta(days=1)
    assert subscribe(who, valid_until=(row.valid_until + timedelta(days=9)).isoformat()) == "SUBSCRIBED"
    assert Subscriber.objects.get(pk=row.pk).valid_until == row.valid_until
    assert subscribe(who, valid_until=soon.isoformat()) == "SUBSCRIBED"
    assert Subscriber.objects.get(pk=row.pk).valid_until == soon
    assert subscribe(who, status="UNSUBSCRIBED") == "UNSUBSCRIBED"
    assert code_of(who)[0] == "AUT_KEY_EXPIRED_OR_REVOKED"
    assert not Subscription.objects.exists()


def test_of_two_who_want_one_name_the_first_to_answer_has_it(newcomer):
    rival = Participant("bap", "new.example", url=newcomer.participant.url)
    rival.signer = rival.signer.of("new.example", "rival", b"r" * 32)
    subscribe(newcomer.participant)
    subscribe(rival)
    first, second = Subscription.objects.order_by("pk")
    assert subscriptions.challenge(first.pk, now=timezone.now()) == "ADMITTED"
    assert subscriptions.challenge(second.pk, now=timezone.now()) == "FAILED"
    assert Subscriber.objects.filter(subscriber_id="new.example").count() == 1


@pytest.mark.parametrize(
    ("change", "code", "path"),
    [
        ({"nonce": None}, "SCH_REQUIRED_FIELD_MISSING", "/nonce"),
        ({"nonce": "n" * 101}, "SCH_REQUIRED_FIELD_MISSING", "/nonce"),
        ({"encr_public_key": None}, "SCH_REQUIRED_FIELD_MISSING", "/encr_public_key"),
        ({"encr_public_key": "AAAA"}, "SCH_REQUIRED_FIELD_MISSING", "/encr_public_key"),
        ({"url": None}, "SCH_SCHEMA_VALIDATION_FAILED", ""),
        ({"type": "REGISTRY"}, "SCH_SCHEMA_VALIDATION_FAILED", ""),
        ({"status": "UNSUBSCRIBED"}, "SCH_INVALID_ENUM", "/status"),
        ({"subscriber_id": "other.example"}, "AUT_UNAUTHORIZED_ACTION", "/subscriber_id"),
        ({"subscriber_id": "market.caco.local"}, "AUT_UNAUTHORIZED_ACTION", ""),
        ({"key_id": "not the one that signs"}, "AUT_KEY_NOT_FOUND", "/key_id"),
    ],
    ids=str,
)
def test_what_a_request_lacks_is_named(newcomer, change, code, path):
    assert code_of(newcomer.participant, **change) == (code, path)
    assert not Subscription.objects.exists()


def test_a_closed_registry_admits_nobody_by_itself(newcomer, settings):
    settings.BECKN_REGISTRY_OPEN = False
    assert code_of(newcomer.participant)[0] == "AUT_UNAUTHORIZED_ACTION"


def test_only_so_many_may_wait(newcomer, monkeypatch):
    monkeypatch.setattr(subscriptions, "MOST_PENDING", 1)
    subscribe(newcomer.participant)
    assert code_of(Participant("bap", "another.example"))[0] == "AUT_RATE_LIMITED"


@pytest.mark.parametrize(
    ("spoil", "status"), [(lambda raw: raw, 200), (lambda raw: raw + b" ", 401), (lambda raw: b" " * 5000, 413)]
)
def test_the_registrys_door_takes_signed_requests(newcomer, client, settings, spoil, status):
    settings.ROOT_URLCONF = "beckn.urls"
    raw = body.dump(request(newcomer.participant))
    sent = {"authorization": newcomer.participant.authorization(raw)}
    answer = client.post("/registry/subscribe", spoil(raw), content_type="application/json", headers=sent)
    assert answer.status_code == status, answer.content
    assert (answer.json().get("status") == "UNDER_SUBSCRIPTION") == (status == 200)
    assert bool(answer.json().get("error")) == (status != 200)


# The other side: our own participant is challenged.


def sealed_for(role: str) -> str:
    return subscriptions.sealed("a word", keys.held(role).encr_public_key)


def opened(told: dict, *, by: str | Participant = "registry") -> bytes:
    raw = body.dump(told)
    now = timezone.now()
    sent = signing.sign(raw, keys.own(by), now=now) if isinstance(by, str) else by.authorization(raw, at=now)
    return asyncio.run(challenge.answer(raw, authorization=sent, role="bpp", known=Known()))


class Known(KnownKeys):
    """Asks the table without a thread, which a test's transaction would not reach."""

    def __init__(self) -> None:
        super().__init__(lambda: None)

    async def find(self, key):
        return RECORDS[key]


RECORDS: dict = {}


@pytest.fixture
def ours(newcomer) -> str:
    newcomer.participant.register()
    RECORDS.clear()
    RECORDS.update({(row.subscriber_id, row.key_id): registry.record_of(row) for row in Subscriber.objects.all()})
    return keys.own("bpp").subscriber_id


def test_we_open_a_registrys_challenge(ours):
    told = {"subscriber_id": ours, "status": "UNDER_SUBSCRIPTION", "challenge": sealed_for("bpp")}
    assert json.loads(opened(told)) == {"answer": "a word"}


def test_the_next_key_opens_too_while_it_is_being_introduced(ours):
    coming = keys.prepare_next("bpp")
    told = {"subscriber_id": ours, "challenge": subscriptions.sealed("word", coming.encr_public_key)}
    assert json.loads(opened(told)) == {"answer": "word"}


def test_nobody_but_a_registry_has_anything_opened(ours, newcomer):
    told = {"subscriber_id": ours, "challenge": sealed_for("bpp")}
    with pytest.raises(WireError, match="AUT_UNAUTHORIZED_ACTION"):
        opened(told, by=newcomer.participant)
    with pytest.raises(WireError, match="AUT_UNAUTHORIZED_ACTION"):
        opened(told, by="bap")


def test_a_challenge_for_somebody_else_is_not_opened(ours):
    with pytest.raises(WireError) as found:
        opened({"subscriber_id": "grid.caco.local", "challenge": sealed_for("bpp")})
    assert found.value.path == "/subscriber_id"
    for challenge_text in (sealed_for("bap"), "AAAA", "?", ""):
        with pytest.raises(WireError) as found:
            opened({"subscriber_id": ours, "challenge": challenge_text})
        assert found.value.path == "/challenge"
