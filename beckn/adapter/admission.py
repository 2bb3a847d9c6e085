"""Who may use the unsigned side: whoever holds the secret, or comes straight from a private network that the settings name.

Whoever is admitted speaks in our name. So everything not understood here is a no: a public address, an address behind a
proxy (which only says who the proxy is), a browser (which runs other people's pages).
"""

from __future__ import annotations

import hmac
import ipaddress
from collections.abc import Collection

from django.conf import settings

from beckn import egress

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
# Headers by which a proxy says that it speaks for somebody else, and a browser that a page does.
NOT_DIRECT = frozenset(
    {"forwarded", "x-forwarded-for", "x-forwarded-host", "x-forwarded-proto", "x-real-ip", "via", "origin"}
    | {"sec-fetch-site"}
)
SHORTEST_SECRET = 24  # characters: of base64 these are 18 bytes, past guessing


def is_admitted(*, address: str, authorization: str, names: Collection[str]) -> bool:
    """Whether a request may use the unsigned side.

    `address` is the network address it came from, `authorization` its header of that name, `names` those of all its headers,
    in lower case.
    """
    return holds_secret(authorization) or (not NOT_DIRECT & set(names) and is_near(address))


def holds_secret(authorization: str) -> bool:
    """Whether the header is `Bearer` and our secret; compared in a time that tells nothing of it."""
    scheme, _, told = authorization.partition(" ")
    secret = str(settings.BECKN_ADAPTER_SECRET)
    return bool(secret) and scheme.lower() == "bearer" and hmac.compare_digest(told.strip().encode(), secret.encode())


def is_near(address: str) -> bool:
    """Whether an address lies in one of the networks that need no secret. A public one never does, whatever they say."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        found = found.ipv4_mapped
    return not egress.is_public(str(found)) and any(found in network for network in networks())


def networks() -> list[Network]:
    """The networks of the settings; what is no private network is left out, and named by `problems`."""
    found = [parsed(text) for text in settings.BECKN_ADAPTER_NETWORKS]
    return [network for network in found if network is not None]


def problems() -> list[str]:
    """The entries of BECKN_ADAPTER_NETWORKS that admit nobody."""
    return [text for text in settings.BECKN_ADAPTER_NETWORKS if parsed(text) is None]


def parsed(text: str) -> Network | None:
    """A private network, or None."""
    try:
        network = ipaddress.ip_network(text.strip())
    except ValueError:
        return None
    if isinstance(network, ipaddress.IPv4Network):
        closed = any(network.subnet_of(block) for block in egress.CLOSED_V4)
    else:
        closed = not network.overlaps(egress.OPEN_V6)
    return network if closed else None
