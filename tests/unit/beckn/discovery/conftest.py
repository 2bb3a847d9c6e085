"""A discovery service with two sellers and a buyer, whose messages go through the real inbox and outbox."""

from __future__ import annotations

import uuid
from collections.abc import Callable
from typing import Any

import pytest
from django.utils import timezone

from beckn import inbox, registry
from beckn.models import InboxMessage, OutboxMessage
from beckn.testing import Participant
from beckn.wire import body, signing

TYPE = "https://caco.example/schema/ComputeFlexResource/v1.0/context.jsonld"
Said = Callable[..., dict[str, Any]]


@pytest.fixture(autouse=True)
def service(installed: None, settings) -> None:
    """Our discovery service handles its own messages."""
    settings.BECKN_HANDLERS = settings.BECKN_HANDLERS | {"ds": "beckn.discovery.handlers"}


@pytest.fixture
def rival(installed: None) -> Participant:
    """Another seller."""
    participant = Participant("bpp", "rival.example")
    participant.register()
    return participant


def take(sender: Participant, told: dict[str, Any]) -> InboxMessage:
    """A message of `sender` comes to the discovery service, is stored and handled."""
    raw, now = body.dump(told), timezone.now()
    authorization = sender.authorization(raw)
    judged = inbox.judge(
        raw,
        authorization=authorization,
        signature=signing.parse(authorization),
        signer=registry.lookup(sender.signer.subscriber_id, sender.signer.key_id, now=now),
        role="ds",
        action=told["context"]["action"],
        now=now,
    )
    (stored,) = inbox.store([judged], now=now)
    assert isinstance(stored, inbox.Stored)
    inbox.handle(stored.pk, now=timezone.now())
    return InboxMessage.objects.get(pk=stored.pk)


@pytest.fixture
def say() -> Said:
    """Say something to the service: the callback that answers it."""

    def answered(sender: Participant, action: str, message: dict[str, Any], **context: Any) -> dict[str, Any]:
        told = sender.envelope(action, message, receiver="ds")
        told["context"] |= context
        row = take(sender, told)
        assert row.state in ("HANDLED", "REFUSED"), row.problem
        return body.parse(bytes(OutboxMessage.objects.get(answers=row).raw))

    return answered


def sent(action: str, to: str) -> list[dict[str, Any]]:
    """What waits to be sent to somebody, oldest first."""
    return [body.parse(bytes(row.raw)) for row in OutboxMessage.objects.filter(action=action, to=to).order_by("pk")]


def resource(name: str, kw: int = 500, **more: Any) -> dict[str, Any]:
    at = more.pop("at", [1.2974, 52.6309])
    about = {
        "@context": TYPE, "@type": "ComputeFlexResource", "direction": "REDUCE", "capacityType": "SHIFT", "maxCapacityKw": kw,
        "location": {"geo": {"type": "Point", "coordinates": [body.decimal(str(one)) for one in at]}},
    }  # fmt: skip
    return {"id": name, "descriptor": {"name": f"Site {name}"}, "resourceAttributes": about | more}


def catalogue(name: str, *names: str, **change: Any) -> dict[str, Any]:
    whole = {
        "id": name,
        "descriptor": {"name": f"Flexibility {name}"},
        "provider": {"id": "p", "descriptor": {"name": "Provider"}},
        "resources": [resource(one) for one in names],
        "offers": [{"id": f"offer-{one}", "resourceIds": [one]} for one in names],
    }
    return whole | change


def found(answer: dict[str, Any]) -> list[str]:
    """The ids of the resources in an answer."""
    return [one["id"] for catalog in answer["message"]["catalogs"] for one in catalog["resources"]]


def some_id() -> uuid.UUID:
    return uuid.uuid4()
