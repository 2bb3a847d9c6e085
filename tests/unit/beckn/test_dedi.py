"""The DeDi spelling of the registry, as it is served and as it is asked."""

from __future__ import annotations

import json
from datetime import timedelta
from urllib.parse import unquote

import pytest
from django.utils import timezone

from beckn import dedi, egress, registry
from beckn.models import Subscriber
from beckn.testing import Listener, Participant

pytestmark = pytest.mark.django_db


@pytest.fixture
def peer(settings) -> Participant:
    settings.ROOT_URLCONF = "beckn.urls"
    one = Participant("bpp", "seller.example", url="https://seller.example/bpp")
    one.register()
    return one


@pytest.mark.parametrize("suffix", ["", "|ed25519", "%7Ced25519"])
@pytest.mark.parametrize("address", ["seller.example/subscribers.beckn.one/bpp-test", "caco.example/flex-dev/bpp-test"])
def test_a_key_is_served_under_its_addresses(client, peer, address, suffix):
    answer = client.get(f"/registry/dedi/lookup/{address}{suffix}")
    assert answer.status_code == 200
    data = answer.json()["data"]
    assert data["record_id"] == "bpp-test"
    assert data["details"]["signing_public_key"] == peer.signer.public_key
    assert data["details"]["type"] == "BPP"
    assert data["network_memberships"] == ["caco.example/flex-dev"]
    assert data["ttl"] == 300


def test_unknown_is_404_and_revoked_or_over_is_410(client, peer):
    there, gone = "/registry/dedi/lookup/seller.example/subscribers.beckn.one/bpp-test", "/registry/dedi/lookup/x/y/z"
    assert client.get(gone).status_code == 404
    assert client.get(there.replace("seller", "other")).status_code == 404
    Subscriber.objects.update(valid_until=timezone.now() + timedelta(seconds=30))
    assert client.get(there).json()["data"]["ttl"] <= 30
    Subscriber.objects.update(valid_until=timezone.now())
    assert client.get(there).status_code == 410
    Subscriber.objects.update(status="REVOKED", valid_until=timezone.now() + timedelta(days=1))
    assert client.get(there).status_code == 410


def test_a_key_id_of_two_subscribers_names_neither(client, peer):
    Participant("bpp", "twin.example").register()
    assert client.get("/registry/dedi/lookup/caco.example/flex-dev/bpp-test").status_code == 404


@pytest.fixture
def directory(settings):
    """Another network's directory; what it answers is set by the test."""
    with Listener(Participant("bpp", "x.example")).listening() as listener:
        settings.BECKN_REGISTRY_URL = f"{listener.base}/dedi"
        settings.BECKN_REGISTRY_KIND = "dedi"
        listener.answer = lambda got: (404, b"{}")
        yield listener


def look(now=None) -> registry.Record:
    return registry.lookup("far.example", "k|1", now=now or timezone.now(), fetch=egress.ask_registry)


def answer(participant: Participant, **change) -> bytes:
    details = {
        "url": "https://far.example/bpp",
        "type": "BPP",
        "subscriber_id": "far.example",
        "signing_public_key": participant.signer.public_key,
    }
    data = {"details": details, "network_memberships": ["caco.example/flex-dev"], "ttl": 60} | change
    return json.dumps({"message": "ok", "data": data}).encode()


def test_a_key_is_asked_for_by_address_and_kept_as_long_as_it_says(directory):
    far = Participant("bpp", "far.example")
    directory.answer = lambda got: (200, answer(far))
    now = timezone.now()
    assert look(now).public_key == far.signer.public_key
    (got,) = directory.received
    assert unquote(got.path) == "/dedi/lookup/far.example/subscribers.beckn.one/k|1"
    look(now + timedelta(seconds=59))
    assert len(directory.received) == 1
    look(now + timedelta(seconds=61))
    assert len(directory.received) == 2


@pytest.mark.parametrize("status", [404, 410])
def test_a_key_that_is_not_there_any_more_is_revoked(directory, status):
    far = Participant("bpp", "far.example")
    directory.answer = lambda got: (200, answer(far))
    now = timezone.now()
    look(now)
    directory.answer = lambda got: (status, b"{}")
    with pytest.raises(registry.WireError, match="AUT_KEY_EXPIRED_OR_REVOKED"):
        look(now + timedelta(minutes=2))


@pytest.mark.parametrize(
    ("status", "raw", "code"),
    [
        (500, b"{}", "NET_DOWNSTREAM_UNAVAILABLE"),
        (200, b"x", "NET_DOWNSTREAM_UNAVAILABLE"),
        (200, b"{}", "AUT_SUBSCRIBER_NOT_FOUND"),
        (200, b'{"data": {"details": []}}', "AUT_SUBSCRIBER_NOT_FOUND"),
        (200, answer(Participant("bpp", "far.example"), network_memberships=["other/net"]), "AUT_SUBSCRIBER_NOT_FOUND"),
        (200, answer(Participant("bpp", "far.example"), details={"url": 5}), "AUT_SUBSCRIBER_NOT_FOUND"),
    ],
    ids=["fault", "no json", "no data", "no details", "another network", "no key"],
)
def test_an_answer_that_is_no_usable_record_is_none(directory, status, raw, code):
    directory.answer = lambda got: (status, raw)
    with pytest.raises(registry.WireError, match=code):
        look()


def test_what_is_written_is_what_is_read(peer):
    row = Subscriber.objects.get()
    now = timezone.now()
    told = dedi.record(row, network_id="caco.example/flex-dev", now=now)
    found = registry.from_subscription(
        dedi.subscription(told, key_id=row.key_id, network_id="caco.example/flex-dev", now=now)
    )
    assert found is not None
    assert (found["public_key"], found["url"], found["valid_until"]) == (row.public_key, row.url, row.valid_until)
