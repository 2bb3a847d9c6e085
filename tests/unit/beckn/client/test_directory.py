"""A DeDi directory as the standalone buyer asks it, over real sockets."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import unquote

import pytest

from beckn.client import identity
from beckn.client.directory import Directory
from beckn.client.registry import NetworkError
from beckn.testing import Participant
from beckn.wire.errors import WireError

NETWORK = "caco.example/flex-dev"


class Served:
    """Records by subscriber and key; `status` overrides the answer to everything."""

    def __init__(self) -> None:
        self.records: dict[str, Any] = {}
        self.asked: list[str] = []
        self.status = 0

    def hold(self, who: Participant, **change: Any) -> None:
        """Enter a participant."""
        told = who.subscription()
        details = {name: told[name] for name in ("subscriber_id", "url", "type", "signing_public_key")}
        data = {"record_id": told["key_id"], "details": details, "network_memberships": [NETWORK]} | change
        self.records[f"/lookup/{told['subscriber_id']}/subscribers.beckn.one/{told['key_id']}"] = {"data": data}

    @contextmanager
    def serving(self) -> Iterator[str]:
        """Its address."""
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.asked.append(self.path)
                found = served.records.get(unquote(self.path))
                self.send_response(served.status or (200 if found else 404))
                self.end_headers()
                self.wfile.write(json.dumps(found or {}).encode())

            def log_message(self, *args: Any) -> None:
                """Say nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_address[1]}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


@pytest.fixture
def served() -> Iterator[tuple[Served, Directory, Participant]]:
    """A directory that holds one seller."""
    one, seller = Served(), Participant("bpp", "seller.example", url="http://127.0.0.1:9/bpp")
    one.hold(seller)
    with one.serving() as url:
        yield one, Directory(url, NETWORK), seller


def test_a_key_is_looked_up_once(served):
    one, directory, seller = served
    for _ in range(2):
        found = directory.key("seller.example", "bpp-test")
        assert (found.party, found.role, found.public_key) == (seller.party, "bpp", seller.signer.public_key)
    assert one.asked == ["/lookup/seller.example/subscribers.beckn.one/bpp-test"]
    with pytest.raises(WireError, match="AUT_KEY_NOT_FOUND"):
        directory.key("seller.example", "other")


def test_the_seller_is_named_with_its_key(served):
    one, directory, seller = served
    assert directory.seller("seller.example", "bpp-test").party == seller.party
    for named in (("", ""), ("seller.example", "")):
        with pytest.raises(NetworkError, match="lists nobody"):
            directory.seller(*named)
    with pytest.raises(NetworkError, match=r"holds no seller 'nobody\.example'"):
        directory.seller("nobody.example", "bpp-test")
    one.hold(Participant("bap", "buyer.example"))
    with pytest.raises(NetworkError, match=r"holds no seller 'buyer\.example'"):
        directory.seller("buyer.example", "bap-test")


def test_a_record_of_another_network_or_of_somebody_else_is_none(served):
    one, directory, seller = served
    one.hold(seller, network_memberships=["other/network"])
    with pytest.raises(WireError):
        directory.key("seller.example", "bpp-test")
    one.hold(seller)
    path = "/lookup/seller.example/subscribers.beckn.one/bpp-test"
    one.records[path]["data"]["details"]["subscriber_id"] = "somebody-else.example"
    with pytest.raises(WireError):
        directory.key("seller.example", "bpp-test")


def test_only_its_keeper_can_enter_us_and_is_told_what(served, tmp_path):
    one, directory, _ = served
    us = identity.load_or_make(tmp_path / "key.json", subscriber_id="buyer.example", port=0)
    url = "http://127.0.0.1:7/bap"
    with pytest.raises(NetworkError, match=r"subscriber_id buyer\.example") as refused:
        directory.be_admitted(us, url, within_s=0)
    assert us.signer.public_key in str(refused.value)
    entered = Participant("bap", "buyer.example", url=url)
    entered.signer = us.signer
    one.hold(entered)
    directory.be_admitted(us, url, within_s=0)
    with pytest.raises(NetworkError):
        directory.be_admitted(us, "http://127.0.0.1:8/bap", within_s=0)


def test_a_directory_that_fails_is_said(served):
    one, directory, _ = served
    one.status = 500
    with pytest.raises(NetworkError, match="answered HTTP 500"):
        directory.key("seller.example", "bpp-test")
