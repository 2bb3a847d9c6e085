"""The participant itself: identity, registration, envelopes and signed posts."""

from __future__ import annotations

import secrets
import uuid
from datetime import UTC, datetime, timedelta
from typing import Any

from django.conf import settings
from django.utils import timezone

from beckn import egress, registry
from beckn.wire import actions, body, context, signing
from beckn.wire.context import Party
from beckn.wire.signing import Signer


class Participant:
    """Somebody else on the network as `role` (bap or bpp), listening at `url` if it listens at all."""

    def __init__(self, role: str, subscriber_id: str, *, url: str = "http://127.0.0.1:9/nobody") -> None:
        self.role, self.url = role, url
        self.signer = Signer.of(subscriber_id, f"{role}-test", secrets.token_bytes(32))

    @property
    def party(self) -> Party:
        """Its identity and address."""
        return Party(self.signer.subscriber_id, self.url)

    def register(self) -> None:
        """Enter it in the development registry of this database."""
        registry.register(
            self.party,
            role=self.role,
            key_id=self.signer.key_id,
            public_key=self.signer.public_key,
            now=timezone.now(),
        )

    def subscription(self) -> dict[str, str]:
        """What a registry would say about it, for an installation that asks one."""
        now = datetime.now(UTC)
        return {
            "subscriber_id": self.signer.subscriber_id,
            "url": self.url,
            "type": self.role.upper(),
            "key_id": self.signer.key_id,
            "signing_public_key": self.signer.public_key,
            "valid_from": (now - timedelta(hours=1)).isoformat(),
            "valid_until": (now + timedelta(days=1)).isoformat(),
            "status": "SUBSCRIBED",
        }

    def envelope(
        self,
        action: str,
        message: dict[str, Any],
        *,
        to: Party | None = None,
        transaction_id: uuid.UUID | None = None,
        message_id: uuid.UUID | None = None,
        at: datetime | None = None,
        receiver: str = "",
    ) -> dict[str, Any]:
        """A complete body from it to `to`, as `receiver` (default: our own participant that receives the action)."""
        spec = actions.ACTIONS[action]
        ours = settings.BECKN_PARTICIPANTS[receiver or spec.receiver]
        return {
            "context": context.build(
                action=spec,
                us=self.party,
                peer=to or Party(ours["subscriber_id"], ours["url"]),
                network_id=settings.BECKN_NETWORK_ID,
                transaction_id=transaction_id or uuid.uuid4(),
                message_id=message_id or uuid.uuid4(),
                now=at or timezone.now(),
                ttl=timedelta(seconds=30),
                role=self.role if self.role in spec.senders else "",
                peer_role=receiver,
            ),
            "message": message,
        }

    def authorization(self, raw: bytes, *, at: datetime | None = None) -> str:
        """Its signature over `raw`."""
        return signing.sign(raw, self.signer, now=at or timezone.now())

    def post(self, base: str, told: dict[str, Any] | bytes, action: str = "") -> egress.Answer:
        """Sign and send a body to {base}/{action}; the action is the envelope's unless another is given."""
        raw = told if isinstance(told, bytes) else body.dump(told)
        action = action or body.parse(raw)["context"]["action"]
        return egress.post(f"{base}/{action}", raw, headers={"Authorization": self.authorization(raw)})
