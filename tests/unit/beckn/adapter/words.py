"""Bodies as an application behind the adapter writes them: complete, unsigned, and in its own spelling of JSON."""

from __future__ import annotations

import json
import uuid
from datetime import UTC, datetime
from typing import Any

CONTRACT = {
    "id": "b7a0a4a2-2a39-4f0f-8d52-6f5f2d1a9c10",
    "status": {"code": "DRAFT"},
    "commitments": [
        {
            "id": "commitment-1",
            "status": {"descriptor": {"code": "DRAFT"}},
            "resources": [{"id": "r1", "quantity": {"unitCode": "kW", "unitQuantity": 1200.5}}],
            "offer": {"id": "o1", "resourceIds": ["r1"]},
        }
    ],
}


def told(word: str, message: dict[str, Any] | None = None, **head: Any) -> dict[str, Any]:
    """A body of our buyer's or seller's application; None takes a member out of the context."""
    context = {
        "version": "2.0.0",
        "action": word,
        "networkId": "caco.example/flex-dev",
        "transactionId": str(uuid.uuid4()),
        "messageId": str(uuid.uuid4()),
        "timestamp": datetime.now(UTC).isoformat(),
        "ttl": "PT30S",
        **head,
    }
    named = {name: value for name, value in context.items() if value is not None}
    return {"context": named, "message": {"contract": CONTRACT} if message is None else message}


def raw(word: str, message: dict[str, Any] | None = None, **head: Any) -> bytes:
    """The same as bytes, with spaces and line breaks that we would not write."""
    return json.dumps(told(word, message, **head), indent=1).encode()
