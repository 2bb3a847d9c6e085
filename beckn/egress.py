"""The only room that opens outgoing connections for the protocol. It calls registered URLs, and an application of our own.

An address is resolved once, checked against our own list of what is public (Python's `is_private` and `is_global` miss some
ranges in 3.11), and connected to by that very address, so that a second look-up cannot point elsewhere. No redirects, no
proxies or passwords from the environment, no compression; connecting, the whole exchange and the answer are bounded.
"""

from __future__ import annotations

import ipaddress
import json
import re
import socket
import ssl
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from typing import Any
from urllib.parse import SplitResult, urlsplit

from django.conf import settings
from django.utils import timezone

from beckn import dedi

CONNECT_S = 3.0
TOTAL_S = 10.0  # from the connection to the last byte of the answer
APPLICATION_S = 5.0  # the same for an application behind us: whoever waits for its receipt waits no longer than TOTAL_S
LARGEST_ANSWER = 64 * 1024
LARGEST_DIRECTORY = 1024 * 1024
# Not public: IANA's special-purpose registries for IPv4; for IPv6 all but global unicast without its special blocks.
CLOSED_V4_BLOCKS = """0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4"""
CLOSED_V4 = [ipaddress.IPv4Network(block) for block in CLOSED_V4_BLOCKS.split()]
OPEN_V6 = ipaddress.IPv6Network("2000::/3")
CLOSED_V6 = [ipaddress.IPv6Network(block) for block in ("2001::/23", "2001:db8::/32", "2002::/16", "3fff::/20")]
NAT64 = ipaddress.IPv6Network("64:ff9b::/96")
HOST = re.compile(r"[A-Za-z0-9_](?:[A-Za-z0-9_.-]{0,251}[A-Za-z0-9_])?|\[[0-9a-fA-F:.]{2,45}\]")


class EgressError(OSError):
    """Nothing was answered: refused by our own rules, not reached, or cut short. The text says which."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: status, headers with lower-case names, and the body, at most as long as allowed."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Pinned(HTTPConnection):
    """A connection to an address that was looked up and checked before; the name only serves TLS and the Host header.

    It is cut `total_s` after it stands: a timeout per read would let a peer drip for ever.
    """

    def __init__(self, target: SplitResult, address: str, total_s: float) -> None:
        self.secure = target.scheme == "https"
        super().__init__(target.hostname or "", port_of(target), timeout=CONNECT_S)
        self.address, self.total_s = address, total_s
        self.watch = threading.Timer(total_s, self.cut)
        self.watch.daemon = True
        self.is_cut = False

    def connect(self) -> None:
        """Connect to the pinned address; under https prove that the name's owner answers there."""
        self.sock = socket.create_connection((self.address, self.port), CONNECT_S)
        self.sock.settimeout(self.total_s)
        self.watch.start()
        if self.secure:
            context = ssl.create_default_context()
            self.sock = context.wrap_socket(self.sock, server_hostname=self.host, do_handshake_on_connect=False)
            self.sock.do_handshake()

    def cut(self) -> None:
        """End both directions; whoever reads comes to an end at once."""
        self.is_cut = True
        try:
            socket.socket.shutdown(self.sock, socket.SHUT_RDWR)
        except (OSError, TypeError):  # already closed
            return

    def close(self) -> None:
        """Close, and stop watching."""
        self.watch.cancel()
        super().close()


def port_of(target: SplitResult) -> int:
    """The port a URL means."""
    return target.port or (443 if target.scheme == "https" else 80)


def post(url: str, raw: bytes, *, headers: Mapping[str, str], total_s: float = TOTAL_S) -> Answer:
    """POST JSON bytes. Raises EgressError when there is no complete answer."""
    sent = {"Content-Type": "application/json", **headers}
    return exchange("POST", url, raw, headers=sent, largest=LARGEST_ANSWER, total_s=total_s)


def post_to_application(url: str, raw: bytes, *, headers: Mapping[str, str]) -> Answer:
    """POST to an application of our own, whose address the settings give and no message can. Raises EgressError."""
    target = check_application(url)
    sent = {"Content-Type": "application/json", **headers}
    connection = Pinned(target, resolve_own(target), APPLICATION_S)
    return talk(connection, "POST", target, raw, headers=sent, largest=LARGEST_ANSWER)


def exchange(
    method: str, url: str, raw: bytes, *, headers: Mapping[str, str], largest: int, total_s: float = TOTAL_S
) -> Answer:
    """One request to a peer or a registry and its answer, within `total_s` and never longer than TOTAL_S."""
    target = check_url(url)
    return talk(
        Pinned(target, resolve(target), min(total_s, TOTAL_S)), method, target, raw, headers=headers, largest=largest
    )


def talk(
    connection: Pinned, method: str, target: SplitResult, raw: bytes, *, headers: Mapping[str, str], largest: int
) -> Answer:
    """One request and its answer over one connection."""
    ours = {"Host": target.netloc, "Connection": "close"} | ({"Content-Length": str(len(raw))} if raw else {})
    try:
        connection.putrequest(method, target.path or "/", skip_host=True, skip_accept_encoding=True)
        for name, value in (ours | dict(headers)).items():
            connection.putheader(name, value)
        connection.endheaders(raw)
        answer = connection.getresponse()
        body = answer.read(largest + 1)
        if connection.is_cut or (answer.length and len(body) <= largest):  # http.client calls a cut body complete
            raise EgressError("the answer was cut short")
    except (OSError, HTTPException) as problem:
        raise EgressError(f"{target.netloc}: {problem or type(problem).__name__}") from problem
    finally:
        connection.close()
    if len(body) > largest:
        raise EgressError(f"{target.netloc} answered more than {largest} bytes")
    return Answer(answer.status, {name.lower(): value for name, value in answer.getheaders()}, body)


def check_url(url: str) -> SplitResult:
    """The parts of a URL we may call. Raises EgressError for every form that two parsers could read differently."""
    try:
        target = urlsplit(url)
        port = target.port
    except ValueError as problem:
        raise EgressError(f"{url[:80]!r} is not a URL") from problem
    private = settings.BECKN_ALLOW_PRIVATE_PEERS
    if target.scheme != "https" and not (private and target.scheme == "http"):
        raise EgressError(f"{url[:80]!r} is not https; plain http is for development (BECKN_ALLOW_PRIVATE_PEERS)")
    host = plain_host(url, target)
    if not private and (port not in (None, 443) or looks_like_address(host)):
        raise EgressError(f"{url[:80]!r} must be a host name at port 443")
    return target


def plain_host(url: str, target: SplitResult) -> str:
    """The host of a URL that every parser reads the same. Raises EgressError."""
    host = target.netloc.rsplit(":", 1)[0] if target.port is not None else target.netloc
    if not url.isascii() or not HOST.fullmatch(host) or target.query or target.fragment or "\\" in url or " " in url:
        raise EgressError(f"{url[:80]!r} must be scheme, plain ASCII host, port and path")
    return host


def check_application(url: str) -> SplitResult:
    """The parts of an application's address: http or https, and as plain as a peer's. Raises EgressError."""
    try:
        target = urlsplit(url)
        plain_host(url, target)
    except ValueError as problem:
        raise EgressError(f"{url[:80]!r} is not a URL") from problem
    if target.scheme not in ("http", "https"):
        raise EgressError(f"{url[:80]!r} is neither http nor https")
    return target


def looks_like_address(host: str) -> bool:
    """Whether the host is a number in any of the spellings that resolvers take (0x7f.1, 2130706433)."""
    last = host.rstrip(".").rsplit(".", 1)[-1]
    return host.startswith("[") or last.isdigit() or last.lower().startswith("0x")


def resolve(target: SplitResult) -> str:
    """The one address we shall connect to. Raises EgressError when any of the name's addresses is not public."""
    addresses = addresses_of(target)
    closed = [address for address in addresses if not is_public(address)]
    if closed and not settings.BECKN_ALLOW_PRIVATE_PEERS:
        raise EgressError(f"{target.netloc} resolves to {closed[0]}, which is not a public address")
    return addresses[0]


def resolve_own(target: SplitResult) -> str:
    """The one address of an application of ours. Raises EgressError when plain http would leave private networks."""
    addresses = addresses_of(target)
    if target.scheme == "http" and any(is_public(address) for address in addresses):
        raise EgressError(f"{target.netloc} is on the public internet; an application there is spoken to over https")
    return addresses[0]


def addresses_of(target: SplitResult) -> list[str]:
    """What the host's name stands for. Raises EgressError."""
    try:
        found = socket.getaddrinfo(target.hostname, port_of(target), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:  # a label that is empty or too long fails before anybody is asked
        raise EgressError(f"{target.netloc} cannot be resolved: {problem}") from problem
    return [str(entry[4][0]) for entry in found]


def is_public(text: str) -> bool:
    """Whether an address belongs to the public internet, by our own list."""
    address = ipaddress.ip_address(text.split("%")[0])
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or (ipaddress.IPv4Address(int(address) & 0xFFFFFFFF) if address in NAT64 else None)
        if inner is None:
            return address in OPEN_V6 and not any(address in block for block in CLOSED_V6)
        address = inner
    return not any(address in block for block in CLOSED_V4)


def ask_registry(query: dict[str, str]) -> list[dict[str, Any]]:
    """What the registry says of a key, asked as BECKN_REGISTRY_KIND wants it. Raises EgressError, also for no answer to it."""
    return ask_directory(query) if settings.BECKN_REGISTRY_KIND == "dedi" else ask_by_post(query)


def ask_directory(query: dict[str, str]) -> list[dict[str, Any]]:
    """GET {BECKN_REGISTRY_URL}/lookup/{subscriber}/subscribers.beckn.one/{key}: 404 and 410 mean that there is no such key."""
    key_id = query["key_id"]
    url = f"{settings.BECKN_REGISTRY_URL}{dedi.path_for(query['subscriber_id'], key_id)}"
    answer = exchange("GET", url, b"", headers={}, largest=LARGEST_ANSWER)
    if answer.status in (404, 410):
        return []
    try:
        told = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        told = None
    if not isinstance(told, dict):
        raise EgressError(f"the directory answered {answer.status} without a record")
    found = dedi.subscription(told, key_id=key_id, network_id=settings.BECKN_NETWORK_ID, now=timezone.now())
    return [found] if found else []


def ask_by_post(query: dict[str, str]) -> list[dict[str, Any]]:
    """POST {BECKN_REGISTRY_URL}/lookup; an answer that is no list of subscriptions is an EgressError too."""
    answer = post(f"{settings.BECKN_REGISTRY_URL}/lookup", json.dumps(query).encode(), headers={})
    return subscriptions(answer)


def registry_directory() -> list[dict[str, Any]]:
    """GET {BECKN_REGISTRY_URL}/subscribers: everybody on the network. Raises EgressError."""
    url = f"{settings.BECKN_REGISTRY_URL}/subscribers"
    return subscriptions(exchange("GET", url, b"", headers={}, largest=LARGEST_DIRECTORY))


def subscriptions(answer: Answer) -> list[dict[str, Any]]:
    """The list in a registry's answer."""
    try:
        found = json.loads(answer.body) if answer.status == 200 else None
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise EgressError(f"the registry answered {answer.status} without a list of subscribers")
    return found
