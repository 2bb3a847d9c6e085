import json
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from beckn import registry
from beckn.models import Subscriber
from beckn.testing import Participant
from beckn.wire.errors import WireError

NOW = datetime(2026, 1, 15, 17, tzinfo=UTC)
pytestmark = pytest.mark.django_db


@pytest.fixture
def peer() -> Participant:
    return Participant("bap", "buyer.example", url="https://buyer.example/bap")


def enter(peer: Participant, now=NOW) -> None:
    registry.register(peer.party, role=peer.role, key_id=peer.signer.key_id, public_key=peer.signer.public_key, now=now)


def look(peer: Participant, **options) -> registry.Record:
    return registry.lookup(peer.signer.subscriber_id, peer.signer.key_id, **{"now": NOW, **options})


def code_of(peer: Participant, **options) -> str:
    with pytest.raises(WireError) as found:
        look(peer, **options)
    return found.value.code


def told(peer: Participant, **change) -> dict:
    return peer.subscription() | {"valid_from": "2026-01-01T00:00:00Z", "valid_until": "2027-01-01T00:00:00Z"} | change


def test_a_registered_key_is_found_until_it_expires_or_is_revoked(peer):
    assert code_of(peer) == "AUT_SUBSCRIBER_NOT_FOUND"
    enter(peer)
    assert look(peer).party == peer.party
    assert registry.peer("buyer.example", role="bap", now=NOW) == look(peer)
    with pytest.raises(WireError, match="AUT_KEY_NOT_FOUND"):
        registry.lookup("buyer.example", "another", now=NOW)
    row = Subscriber.objects.get()
    assert code_of(peer, now=row.valid_until) == "AUT_KEY_EXPIRED_OR_REVOKED"
    assert code_of(peer, now=row.valid_from - timedelta(seconds=1)) == "AUT_KEY_EXPIRED_OR_REVOKED"
    key = (peer.signer.subscriber_id, peer.signer.key_id)
    assert registry.usable({key, ("buyer.example", "other")}, now=NOW) == {key}
    Subscriber.objects.update(status="REVOKED")
    assert code_of(peer) == "AUT_KEY_EXPIRED_OR_REVOKED"
    assert registry.usable({key}, now=NOW) == set()
    with pytest.raises(registry.UnknownPeerError, match=r"buyer\.example"):
        registry.peer("buyer.example", role="bap", now=NOW)


def test_a_peer_is_found_by_role_and_by_its_newest_key(peer):
    enter(peer)
    newer = Participant("bap", "buyer.example", url="https://new.example/bap")
    newer.signer = newer.signer.of("buyer.example", "newer", b"n" * 32)
    enter(newer, now=NOW + timedelta(hours=1))
    later = NOW + timedelta(hours=2)
    assert registry.peer("buyer.example", role="bap", now=later).url == "https://new.example/bap"
    assert look(peer, now=later).key_id == peer.signer.key_id  # both keys verify while they overlap
    with pytest.raises(registry.UnknownPeerError):
        registry.peer("buyer.example", role="bpp", now=later)


class Elsewhere:
    """Another installation's registry."""

    def __init__(self, *entries: dict) -> None:
        self.entries, self.asked, self.down = list(entries), 0, False

    def __call__(self, query: dict[str, str]) -> list:
        self.asked += 1
        if self.down:
            raise OSError("no answer")
        return [e for e in self.entries if e.get("subscriber_id") == query["subscriber_id"]]


def test_another_registry_is_asked_once_and_its_answer_kept_for_a_while(peer):
    fetch = Elsewhere(told(peer))
    assert look(peer, fetch=fetch).url == peer.url
    assert look(peer, fetch=fetch, now=NOW + registry.FRESH - timedelta(seconds=1)).url == peer.url
    assert fetch.asked == 1
    assert look(peer, fetch=fetch, now=NOW + registry.FRESH).url == peer.url
    assert fetch.asked == 2
    look(peer, fetch=fetch, now=NOW + registry.FRESH, force=True)
    assert fetch.asked == 3


def test_a_rotated_key_is_found_by_force_and_a_revoked_one_after_the_fresh_time(peer):
    fetch = Elsewhere(told(peer))
    look(peer, fetch=fetch)
    peer.signer = peer.signer.of("buyer.example", peer.signer.key_id, b"r" * 32)
    fetch.entries = [told(peer)]
    assert look(peer, fetch=fetch).public_key != peer.signer.public_key
    assert look(peer, fetch=fetch, force=True).public_key == peer.signer.public_key
    fetch.entries = [told(peer, status="UNSUBSCRIBED")]
    assert code_of(peer, fetch=fetch, now=NOW + registry.FRESH) == "AUT_KEY_EXPIRED_OR_REVOKED"


def test_a_silent_registry_is_forgiven_for_a_while_and_a_vanished_subscriber_is_not(peer):
    fetch = Elsewhere(told(peer))
    look(peer, fetch=fetch)
    fetch.down = True
    assert look(peer, fetch=fetch, now=NOW + registry.STALE - timedelta(seconds=1)).url == peer.url
    with pytest.raises(WireError) as found:
        look(peer, fetch=fetch, now=NOW + registry.STALE + timedelta(seconds=1))
    assert (found.value.code, found.value.http_status) == ("NET_DOWNSTREAM_UNAVAILABLE", 503)
    fetch.down, fetch.entries = False, []
    assert code_of(peer, fetch=fetch, force=True) == "AUT_KEY_EXPIRED_OR_REVOKED"
    stranger = Participant("bap", "stranger.example")
    fetch.down = True
    assert code_of(stranger, fetch=fetch) == "NET_DOWNSTREAM_UNAVAILABLE"


def test_another_registry_has_no_say_about_our_own_subscribers(peer):
    enter(peer)
    imposter = Participant("bap", "buyer.example", url="https://evil.example/bap")
    fetch = Elsewhere(told(imposter), told(imposter, key_id="second"))
    assert look(peer, fetch=fetch, force=True).public_key == peer.signer.public_key
    with pytest.raises(WireError, match="AUT_KEY_NOT_FOUND"):
        registry.lookup("buyer.example", "second", now=NOW, fetch=fetch)
    assert fetch.asked == 0
    assert registry.learn(fetch.entries, now=NOW) == set()


@pytest.mark.parametrize(
    "change",
    [
        {"subscriber_id": ""},
        {"subscriber_id": "x" * 256},
        {"key_id": "\x00"},
        {"type": "BG"},
        {"url": "ftp://x"},
        {"url": 5},
        {"signing_public_key": "AAAA"},
        {"signing_public_key": "not base64"},
        {"valid_from": "soon"},
        {"valid_until": None},
    ],
    ids=str,
)
def test_a_malformed_answer_is_left_out(peer, change):
    assert registry.learn([None, "x", told(peer, **change)], now=NOW) == set()
    assert not Subscriber.objects.exists()


def test_the_registrys_door_lists_and_looks_up(peer, client, settings):
    settings.ROOT_URLCONF = "beckn.urls"
    enter(peer, now=datetime.now(UTC))
    learned = Participant("bpp", "far.example", url="https://far.example/bpp")
    registry.learn([told(learned)], now=NOW)
    (listed,) = client.get("/registry/subscribers").json()
    assert registry.from_subscription(listed)["public_key"] == peer.signer.public_key
    assert listed["subscriber_id"] == "buyer.example"

    def ask(query) -> list:
        return client.post("/registry/lookup", json.dumps(query), content_type="application/json").json()

    assert ask({"subscriber_id": "buyer.example"}) == [listed]
    assert ask({"subscriber_id": "buyer.example", "ukId": peer.signer.key_id}) == [listed]
    assert ask({"subscriber_id": "buyer.example", "key_id": "other"}) == []
    assert ask({"subscriber_id": "far.example"}) == []
    Subscriber.objects.update(status="REVOKED")
    assert ask({"subscriber_id": "buyer.example"})[0]["status"] == "UNSUBSCRIBED"
    assert client.get("/registry/subscribers").json() == []


@pytest.mark.parametrize(
    "raw", [b"", b"x", b"[]", b"{}", b'{"subscriber_id":5}', b'{"subscriber_id":"a\\u0000"}', b'{"subscriber_id":"a","key_id":5}', b"[" * 3000, b" " * 5000,
    b'{"subscriber_id":"a","subscriber_id":"b"}', b'{"subscriber_id":"a","x":Infinity}', b'{"subscriber_id":"a","x":1e400}']
)  # fmt: skip
def test_the_registrys_door_refuses_nonsense_in_words(client, settings, raw):
    settings.ROOT_URLCONF = "beckn.urls"
    answer = client.post("/registry/lookup", raw, content_type="application/json")
    assert answer.status_code == 400
    assert "subscriber_id" in answer.json()["detail"]


def test_what_is_only_read_says_so(settings):
    settings.ROOT_URLCONF = "beckn.urls"
    strict = Client(enforce_csrf_checks=True)
    for path in ("subscribers", "dedi/lookup/a/subscribers.beckn.one/b", "dedi/lookup/a/b/c"):
        for answer in (strict.post(f"/registry/{path}"), strict.delete(f"/registry/{path}")):
            assert (answer.status_code, answer["Allow"]) == (405, "GET, HEAD")
