"""Meter readings as a person looks at them: days and their quality, a day as it was known at a moment, one half hour's history.

Two times count: the half hour a reading is about, and when it became known. Every answer says what it was known by.
"""

from __future__ import annotations

from datetime import datetime
from typing import TypeVar

from django.db.models import OuterRef, QuerySet, Subquery

from marketplace.models import ExportReading, MeterReading

R = TypeVar("R", MeterReading, ExportReading)


def known_at(rows: QuerySet[R], moment: datetime) -> QuerySet[R]:
    """Of `rows`, the one reading of each half hour that was in force at `moment`."""
    newest = (
        rows.model._default_manager.filter(site=OuterRef("site"), start_at=OuterRef("start_at"), known_at__lte=moment)
        .order_by("-known_at", "-pk")
        .values("pk")
    )
    return rows.filter(pk=Subquery(newest[:1]))
