"""What the kit says: identities, signatures with every knob a bad case needs, and contexts in each profile's spelling.

Written apart from beckn.wire on purpose: the judge must not share the defendant's signing code.
"""

from __future__ import annotations

import base64
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from nacl.exceptions import BadSignatureError
from nacl.signing import SigningKey, VerifyKey

LINES = "(created) (expires) digest"
LABEL = "BLAKE-512"
LIFETIME_S = 300
V2 = frozenset({"lts", "onix"})
ALL = V2 | {"v1"}
# Members of a 2.0.0 context and what 1.1 calls them; those without a name there are left out.
V1_NAMES = {
    "action": "action",
    "version": "version",
    "bapId": "bap_id",
    "bapUri": "bap_uri",
    "bppId": "bpp_id",
    "bppUri": "bpp_uri",
    "transactionId": "transaction_id",
    "messageId": "message_id",
    "timestamp": "timestamp",
    "ttl": "ttl",
}
V1_ACTIONS = {"discover": "search", "on_discover": "on_search"}
V1_PLACE = {"domain": "energy:flexibility", "location": {"country": {"code": "GBR"}, "city": {"code": "std:01603"}}}
PARAMETER = re.compile(r'([A-Za-z]+) *= *"([^"]*)"')


@dataclass(frozen=True, slots=True)
class Identity:
    """Who speaks: subscriber id, key id, secret key, and the URL at which it takes callbacks."""

    subscriber_id: str
    key_id: str
    secret: SigningKey = field(repr=False)
    url: str

    @property
    def public_key(self) -> str:
        """Base64 of 32 bytes."""
        return base64.b64encode(bytes(self.secret.verify_key)).decode()


@dataclass(frozen=True, slots=True)
class Target:
    """Who is tested: base URL, subscriber id, role (bpp or bap), network, profile, and its public keys by key id."""

    url: str
    subscriber_id: str
    role: str
    network_id: str
    profile: str
    public_keys: Mapping[str, str]

    @property
    def is_v1(self) -> bool:
        """Whether it speaks 1.1."""
        return self.profile == "v1"


def action_in(profile: str, action: str) -> str:
    """What a profile calls an action of 2.0.0."""
    return V1_ACTIONS.get(action, action) if profile == "v1" else action


def name_in(profile: str, member: str) -> str:
    """What a profile calls a member of the context."""
    return V1_NAMES[member] if profile == "v1" else member


def context(
    target: Target, us: Identity, *, action: str, message_id: str, transaction_id: str, at: datetime
) -> dict[str, Any]:
    """A complete context from `us` to `target`."""
    here, there = ("bpp", "bap") if target.role == "bap" else ("bap", "bpp")
    whole = {
        "networkId": target.network_id,
        "version": "1.1.1" if target.is_v1 else "2.0.0",
        "action": action_in(target.profile, action),
        f"{here}Id": us.subscriber_id,
        f"{here}Uri": us.url,
        f"{there}Id": target.subscriber_id,
        f"{there}Uri": target.url,
        "transactionId": transaction_id,
        "messageId": message_id,
        "timestamp": at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ"),
        "ttl": "PT30S",
    }
    if not target.is_v1:
        return whole
    return V1_PLACE | {V1_NAMES[name]: value for name, value in whole.items() if name in V1_NAMES}


def digest(raw: bytes, label: str = LABEL) -> str:
    """The body's digest. With a foreign label the digest is that label's own, so that only trusting the label is caught."""
    made = hashlib.sha256(raw).digest() if label == "SHA-256" else hashlib.blake2b(raw, digest_size=64).digest()
    return f"{label}={base64.b64encode(made).decode()}"


def signing_string(
    raw: bytes, created: int, expires: int, *, lines: str = LINES, label: str = LABEL, answering: str = ""
) -> str:
    """The signed lines that `lines` names, and the chain to what is answered."""
    values = {"(created)": str(created), "(expires)": str(expires), "digest": digest(raw, label)}
    signed = [f"{name}: {values[name]}" for name in lines.split() if name in values]
    return "\n".join(signed + ([f"request-signature: {answering}"] if answering else []))


def sign(
    raw: bytes,
    us: Identity,
    *,
    created: int,
    lifetime_s: int = LIFETIME_S,
    lines: str = LINES,
    label: str = LABEL,
    key_id: str = "",
    subscriber_id: str = "",
    algorithm: str = "ed25519",
) -> str:
    """An Authorization header in the standard's spelling; every keyword is something a bad case changes."""
    expires = created + lifetime_s
    value = us.secret.sign(signing_string(raw, created, expires, lines=lines, label=label).encode()).signature
    return (
        f'Signature keyId="{subscriber_id or us.subscriber_id}|{key_id or us.key_id}|{algorithm}",'
        f'algorithm="{algorithm}",created="{created}",expires="{expires}",headers="{lines}",'
        f'signature="{base64.b64encode(value).decode()}"'
    )


def parameters(header: str) -> dict[str, str]:
    """The parameters of a signature header, empty when there are none."""
    return dict(PARAMETER.findall(header)) if header.startswith("Signature ") else {}


def is_signed(text: str, parameters: Mapping[str, str], public_key: str) -> bool:
    """Whether the signature among `parameters` is the key's over `text`."""
    try:
        value = base64.b64decode(parameters.get("signature", ""), validate=True)
        VerifyKey(base64.b64decode(public_key)).verify(text.encode(), value)
    except (BadSignatureError, ValueError, TypeError):
        return False
    return True
