import socket
import threading
import time
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from beckn import egress
from beckn.egress import EgressError
from beckn.testing import Listener, Participant


@pytest.fixture
def listener():
    with Listener(Participant("bap", "peer.example")).listening() as one:
        yield one


def test_a_post_carries_bytes_and_headers_unchanged(listener):
    answer = egress.post(f"{listener.base}/bap/on_status", b'{"a":1.0}', headers={"Authorization": "Signature x"})
    (got,) = listener.received
    assert (got.path, got.raw) == ("/bap/on_status", b'{"a":1.0}')
    assert got.headers["authorization"] == "Signature x"
    assert got.headers["content-type"] == "application/json"
    assert got.headers["host"] == urlsplit(listener.base).netloc
    assert "accept-encoding" not in got.headers
    assert answer.status == 200


def test_no_redirect_is_followed_and_no_password_is_taken_from_home(listener, monkeypatch, tmp_path):
    (tmp_path / ".netrc").write_text("machine 127.0.0.1 login me password secret")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    listener.answer = lambda _: (307, b"")
    answer = egress.post(f"{listener.base}/x", b"{}", headers={"Authorization": "Signature x"})
    assert answer.status == 307
    assert [got.headers["authorization"] for got in listener.received] == ["Signature x"]


def test_a_long_answer_is_refused(listener):
    listener.answer = lambda _: (200, b"x" * (egress.LARGEST_ANSWER + 1))
    with pytest.raises(EgressError, match="more than"):
        egress.post(f"{listener.base}/x", b"{}", headers={})


@pytest.mark.parametrize("host", ["a..example", f"{'a' * 64}.example"])
def test_a_name_that_cannot_be_one_is_an_error_like_any_other(host):
    with pytest.raises(EgressError, match="cannot be resolved"):
        egress.post(f"http://{host}/x", b"{}", headers={})


def test_nobody_there_is_an_error_with_the_address(free_port):
    port = free_port()
    with pytest.raises(EgressError, match=str(port)):
        egress.post(f"http://127.0.0.1:{port}/x", b"{}", headers={})


@pytest.mark.parametrize(("most_s", "wish_s"), [(0.3, 100.0), (10.0, 0.3)])
@pytest.mark.parametrize("drip", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"])
def test_a_dripping_peer_is_cut_off(drip, most_s, wish_s, monkeypatch):
    monkeypatch.setattr(egress, "TOTAL_S", most_s)
    with socket.create_server(("127.0.0.1", 0)) as server:
        begun = time.monotonic()
        server.settimeout(5)

        def serve() -> None:
            held, _ = server.accept()
            held.sendall(drip)
            until = time.monotonic() + 3
            while time.monotonic() < until:
                try:
                    held.sendall(b"x")
                except OSError:
                    break
                time.sleep(0.05)
            held.close()

        thread = threading.Thread(target=serve)
        thread.start()
        with pytest.raises(EgressError):
            egress.post(f"http://127.0.0.1:{server.getsockname()[1]}/x", b"{}", headers={}, total_s=wish_s)
        assert time.monotonic() - begun < 2
        thread.join()


@pytest.mark.parametrize(
    "url",
    ["ftp://a.example/x", "a.example", "http://", "http://user@a.example/", "http://a.example/?q", "http://a.example/#f", "http://a.example:x/", "http://a.example\\@b/", "http://ä.example/", "http://a b/", "http://a.example./"],
)  # fmt: skip
def test_ambiguous_urls_are_never_called(url):
    with pytest.raises(EgressError):
        egress.check_url(url)


@pytest.mark.parametrize(
    "url",
    ["http://a.example/x", "https://a.example:8443/", "https://127.0.0.1/", "https://2130706433/", "https://0x7f.1/", "https://[::1]/", "https://127.1/"],
)  # fmt: skip
def test_in_production_only_names_over_https_at_443(url, settings):
    settings.BECKN_ALLOW_PRIVATE_PEERS = False
    with pytest.raises(EgressError):
        egress.check_url(url)
    assert egress.check_url("https://a.example:443/beckn").hostname == "a.example"


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1",
        "10.1.2.3",
        "100.64.0.1",
        "169.254.169.254",
        "172.31.0.1",
        "192.168.1.1",
        "0.0.0.0",
        "224.0.0.1",
        "255.255.255.255",
        "192.88.99.1",
        "::1",
        "::",
        "fe80::1",
        "fc00::1",
        "fec0::1",
        "ff02::1",
        "::ffff:127.0.0.1",
        "::ffff:10.0.0.1",
        "64:ff9b::7f00:1",
        "64:ff9b:1::1",
        "2001:db8::1",
        "2002:7f00:1::1",
        "2001::1",
        "::127.0.0.1",
        "fe80::1%eth0",
    ],
)
def test_addresses_inside_are_not_public(address):
    assert not egress.is_public(address)


@pytest.mark.parametrize("address", ["8.8.8.8", "172.32.0.1", "2606:4700::1111", "::ffff:8.8.8.8", "64:ff9b::808:808"])
def test_addresses_outside_are_public(address):
    assert egress.is_public(address)


def test_one_private_address_among_many_spoils_the_name(settings, monkeypatch):
    settings.BECKN_ALLOW_PRIVATE_PEERS = False
    found = [(2, 1, 6, "", ("8.8.8.8", 443)), (2, 1, 6, "", ("127.0.0.1", 443))]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *a, **k: found)
    with pytest.raises(EgressError, match=r"127\.0\.0\.1"):
        egress.resolve(egress.check_url("https://a.example/x"))
    found.pop()
    assert egress.resolve(egress.check_url("https://a.example/x")) == "8.8.8.8"


@given(st.text(max_size=60))
def test_any_text_is_a_url_or_a_clear_error(text):
    for tried in (text, f"http://{text}", f"https://a.example/{text}"):
        try:
            egress.check_url(tried)
        except EgressError:
            continue


def test_another_registry_is_asked_in_its_words(listener, settings):
    settings.BECKN_REGISTRY_URL = f"{listener.base}/registry"
    listener.directory = [listener.participant.subscription()]
    assert egress.registry_directory() == listener.directory
    assert egress.ask_registry({"subscriber_id": "peer.example"}) == listener.directory
    assert egress.ask_registry({"subscriber_id": "other"}) == []
    settings.BECKN_REGISTRY_URL = listener.base
    with pytest.raises(EgressError, match="without a list"):
        egress.registry_directory()


def test_an_application_of_ours_may_be_near_even_where_peers_may_not(listener, settings):
    settings.BECKN_ALLOW_PRIVATE_PEERS = False
    with pytest.raises(EgressError):
        egress.post(f"{listener.base}/select", b"{}", headers={})
    assert (
        egress.post_to_application(f"{listener.base}/select", b"{}", headers={"X-Beckn-Subscriber": "a"}).status == 200
    )
    (got,) = listener.received
    assert (got.path, got.headers["x-beckn-subscriber"]) == ("/select", "a")


def test_an_application_over_plain_http_is_not_on_the_public_internet(monkeypatch):
    def resolved(host, port, **_):
        return [(0, 0, 0, "", (address, port)) for address in ("10.0.0.1", "93.184.216.34")]

    monkeypatch.setattr(socket, "getaddrinfo", resolved)
    with pytest.raises(EgressError, match="public internet"):
        egress.post_to_application("http://app.example/x", b"{}", headers={})
    assert egress.resolve_own(egress.check_application("https://app.example/x")) == "10.0.0.1"


@pytest.mark.parametrize(
    "url", ["ftp://a/x", "a", "http://u@a/", "http://a/?q", "http://[::1", "http://a:x/", "http://a\\b/"]
)
def test_an_applications_address_is_as_plain_as_a_peers(url):
    with pytest.raises(EgressError):
        egress.check_application(url)
