"""Import the published Settlement Calendar: the days its runs are due go before those worked out from nominal offsets.

All of a file is imported, or nothing of it. What was known before stays; what is known later goes before it.
"""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime

from django.db import transaction

from flex_engine.settle.calendar_file import Problem, Rows, read_calendar
from flex_engine.settle.effective import NothingInForceError
from flex_engine.settle.versions import due_at
from marketplace import events
from marketplace.models import PublishedRunDate, SettlementProgress, published_dates, settlement_day, window_of
from marketplace.rules.errors import MarketError

SHOWN = 20


@dataclass(frozen=True, slots=True)
class Imported:
    """How many due dates were new or changed, how many were known already, and how many waiting runs moved."""

    added: int
    known: int
    moved: int


def import_settlement_calendar(*, content: bytes, name: str, now: datetime) -> Imported:
    """Import the CSV `content` of the file `name`: columns settlement_date, run, due_date.

    Raises MarketError BAD_CALENDAR naming every bad row (twenty at most), its column, its value and what to do; nothing is
    then imported. Importing the same again changes nothing.
    """
    rows = read(content)
    digest = hashlib.sha256(content).hexdigest()
    with transaction.atomic():
        held = newest(now)
        fresh = {key: due for key, due in rows.items() if held.get(key) != due}
        PublishedRunDate.objects.bulk_create(
            [
                PublishedRunDate(
                    settlement_date=day, run=run, due_date=due, source=name[:120], sha256=digest, known_at=now
                )
                for (day, run), due in sorted(fresh.items())
            ],
            batch_size=1000,
        )
        moved = move_waiting({day for day, _ in fresh}, now=now)
        if fresh:
            days = sorted(day for day, _ in fresh)
            events.append(
                type="settlement.calendar",
                subject="settlement-calendar",
                payload={
                    "file": name[:120],
                    "sha256": digest,
                    "rows": len(fresh),
                    "first": days[0].isoformat(),
                    "last": days[-1].isoformat(),
                },
                organisations=[],
                now=now,
            )
    return Imported(len(fresh), len(rows) - len(fresh), moved)


def read(content: bytes) -> Rows:
    """The rows of the file. Raises MarketError BAD_CALENDAR."""
    try:
        rows, problems = read_calendar(content.decode("utf-8"))
    except UnicodeDecodeError as problem:
        rows, problems = {}, [Problem(1, "", "", f"is no UTF-8 at byte {problem.start}", "Save the file as UTF-8.")]
    if problems:
        more = f"\n… and {len(problems) - SHOWN} more" if len(problems) > SHOWN else ""
        said = "\n".join(str(one) for one in problems[:SHOWN])
        raise MarketError(
            "BAD_CALENDAR",
            f"Nothing was imported; {len(problems)} row(s) are wrong:\n{said}{more}",
            fix="Put the rows right and import the file again.",
        )
    return rows


def newest(now: datetime) -> dict[tuple[date, str], date]:
    """Every due date as it is known at `now`."""
    rows = PublishedRunDate.objects.filter(known_at__lte=now).order_by("known_at", "pk")
    return {(day, run): due for day, run, due in rows.values_list("settlement_date", "run", "due_date")}


def move_waiting(days: set[date], *, now: datetime) -> int:
    """Find the settlements of `days` that wait for a run anew, so that an earlier day is not missed."""
    moved = 0
    waiting = SettlementProgress.objects.filter(next_due_at__isnull=False).select_related("activation", "order")
    for progress in waiting.iterator(chunk_size=500):
        end = progress.activation.end_at if progress.activation else window_of(progress.order)[1]
        day = settlement_day(end)
        if day not in days:
            continue
        try:
            due = due_at(day, progress.next_run, published=published_dates(day, known_at=now))
        except NothingInForceError:
            continue
        if due != progress.next_due_at:
            moved += SettlementProgress.objects.filter(pk=progress.pk).update(next_due_at=due)
    return moved
