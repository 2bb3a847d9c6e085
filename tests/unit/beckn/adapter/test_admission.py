"""Who may speak in our name: whoever holds the secret or stands right beside us, and nobody else."""

from __future__ import annotations

import pytest

from beckn.adapter import admission

SECRET = "a-secret-of-this-installation-only"
NEAR = ["127.0.0.0/8", "::1/128", "10.1.2.0/24"]


@pytest.fixture
def open_to_both(settings):
    settings.BECKN_ADAPTER_SECRET, settings.BECKN_ADAPTER_NETWORKS = SECRET, NEAR


def admitted(*, address: str = "203.0.113.9", authorization: str = "", names: tuple[str, ...] = ("host",)) -> bool:
    return admission.is_admitted(address=address, authorization=authorization, names=names)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer"])
def test_the_secret_admits_from_anywhere(open_to_both, scheme):
    assert admitted(authorization=f"{scheme} {SECRET}")
    assert admitted(authorization=f"{scheme} {SECRET}", names=("host", "x-forwarded-for"))


@pytest.mark.parametrize(
    "authorization",
    ["", "Bearer", "Bearer ", f"Bearer {SECRET[:-1]}", f"Bearer {SECRET}x", SECRET, f"Basic {SECRET}", "Bearer \xff"],
)
def test_anything_else_does_not(open_to_both, authorization):
    assert not admitted(authorization=authorization)


def test_no_secret_is_no_secret_that_could_be_guessed(settings):
    settings.BECKN_ADAPTER_SECRET = ""
    assert not admitted(authorization="Bearer ")
    assert not admitted(authorization="Bearer")
    assert not admitted(address="127.0.0.1")


@pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1", "::ffff:127.0.0.1", "10.1.2.200"])
def test_a_named_private_network_needs_none(open_to_both, address):
    assert admitted(address=address)


@pytest.mark.parametrize(
    "address", ["", "testclient", "10.1.3.1", "192.168.0.1", "203.0.113.9", "8.8.8.8", "2a00::1", "unix:"]
)
def test_other_addresses_do(open_to_both, address):
    assert not admitted(address=address)


@pytest.mark.parametrize("name", sorted(admission.NOT_DIRECT))
def test_neither_a_proxy_nor_a_browser_is_near(open_to_both, name):
    assert not admitted(address="127.0.0.1", names=("host", name))


@pytest.mark.parametrize("entry", ["0.0.0.0/0", "8.8.8.0/24", "::/0", "nowhere", "", "127.0.0.1/8"])
def test_what_is_no_private_network_admits_nobody_and_is_named(settings, entry):
    settings.BECKN_ADAPTER_NETWORKS = [entry]
    assert admission.problems() == [entry]
    assert not any(admitted(address=address) for address in ("127.0.0.1", "8.8.8.8", "10.0.0.1"))
