"""on_subscribe: a registry's challenge, opened and answered in plain words, as the proof that we asked to be admitted.

Nothing a caller sends is ever signed here, and nothing is opened for anybody but a registry: the configured one, or the one
in this database. The key that opens it serves for nothing else.
"""

from __future__ import annotations

import json

from django.utils import timezone

from beckn import keys, subscriptions
from beckn.receive.known_keys import KnownKeys
from beckn.wire import body, signing
from beckn.wire.errors import WireError


async def answer(raw: bytes, *, authorization: str, role: str, known: KnownKeys) -> bytes:
    """The word in the challenge, as {"answer": ...}. Raises WireError."""
    signature = signing.parse(authorization)
    signing.check_times(signature, now=timezone.now())
    signer = await known.find((signature.subscriber_id, signature.key_id))
    if signer.role != keys.REGISTRY:
        raise WireError("AUT_UNAUTHORIZED_ACTION", f"A {signer.role} sends no challenge; a registry does.")
    signing.verify(signature, raw, signer.public_key)
    told = body.parse(raw)
    if told.get("subscriber_id") != keys.subscriber_id_of(role):
        raise WireError("CTX_INVALID_FIELD", "The challenge is for another subscriber.", "/subscriber_id")
    word = subscriptions.opened(str(told.get("challenge", "")), keys.openers(role))
    if word is None:
        raise WireError("SCH_INVALID_FORMAT", "The challenge is not sealed for our encryption key.", "/challenge")
    return json.dumps({"answer": word}).encode()
