"""The contract document of an order as people read it: its sections, its hash, and what changed since the version before."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import orjson
from django.db.models import QuerySet

from marketplace.models import ContractDocument
from marketplace.rules.contract_document import changes


@dataclass(frozen=True, slots=True)
class Change:
    """One clause that reads otherwise than in the version before."""

    place: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class DocumentPage:
    """One version. `sound` is False where the stored bytes do not give the stored hash."""

    order: str
    version: int
    sha256: str
    created_at: datetime
    label: str
    notice: str
    sections: tuple[Mapping[str, Any], ...]
    versions: tuple[int, ...]
    changes: tuple[Change, ...]
    text: str
    sound: bool


def newest_first(documents: QuerySet[ContractDocument]) -> QuerySet[ContractDocument]:
    """Versions, the newest first."""
    return documents.order_by("-version")


def document_page(document: ContractDocument) -> DocumentPage:
    """One version beside the one before it."""
    body = bytes(document.body)
    content = orjson.loads(body)
    earlier = ContractDocument.objects.filter(order=document.order_id, version=document.version - 1).first()
    differing = changes(orjson.loads(bytes(earlier.body)), content) if earlier else []
    versions = ContractDocument.objects.filter(order=document.order_id).order_by("-version")
    return DocumentPage(
        order=str(document.order_id),
        version=document.version,
        sha256=document.sha256,
        created_at=document.created_at,
        label=content["label"],
        notice=content["notice"],
        sections=tuple(content["sections"]),
        versions=tuple(versions.values_list("version", flat=True)),
        changes=tuple(Change(*one) for one in differing),
        text=body.decode(),
        sound=hashlib.sha256(body).hexdigest() == document.sha256,
    )
