"""Record what was read of a file of meter readings: every half hour in one transaction, or nothing and the reasons."""

from __future__ import annotations

from dataclasses import asdict
from datetime import datetime

from django.db import transaction

from flex_engine.settle.metering import SHOWN_PROBLEMS, Gap
from flex_engine.settle.metering_file import Outcome
from marketplace import notify
from marketplace.models import MeterFile
from marketplace.rules.errors import MarketError
from marketplace.usecases.keep_readings import keep_readings


def import_meter_file(*, file_id: int, outcome: Outcome, now: datetime) -> MeterFile:
    """Import or refuse the file. One that was cancelled, or imported by another worker, is left as it is."""
    with transaction.atomic():
        file = (
            MeterFile.objects.select_for_update(of=("self",))
            .select_related("site__organisation")
            .defer("content")
            .get(pk=file_id)
        )
        if file.state != MeterFile.State.READING:
            return file
        note(file, outcome)
        if outcome.problems.total:
            file.state = MeterFile.State.REFUSED
        else:
            keep(file, outcome, now=now)
        file.ended_at = now
        file.save()
        notify.changed(f"meter-file:{file.pk}", f"site:{file.site.slug}")
    return file


def keep(file: MeterFile, outcome: Outcome, *, now: datetime) -> None:
    """Record every half hour; where one cannot be, none is, and the file says why."""
    try:
        with transaction.atomic():
            file.recorded = sum(
                keep_readings(
                    site=file.site,
                    half_hours=found,
                    direction=direction,
                    source=file.source,
                    label=file.label,
                    facts={"file_sha256": file.sha256},
                    now=now,
                )
                for direction, found in outcome.half_hours.items()
            )
    except MarketError as problem:
        file.state, file.error = MeterFile.State.REFUSED, str(problem)
        return
    file.state = MeterFile.State.IMPORTED
    file.half_hours = sum(len(found) for found in outcome.half_hours.values())


def note(file: MeterFile, outcome: Outcome) -> None:
    """The counts, the first problems and the first gaps."""
    file.rows_read = file.rows_total = outcome.rows_read
    file.rows_accepted, file.rows_refused = outcome.rows_accepted, outcome.problems.rows
    file.rows_empty = outcome.rows_empty
    file.problems = [asdict(one) for one in outcome.problems.first]
    file.problems_total = outcome.problems.total
    file.gaps = [written(gap) for gap in outcome.gaps[:SHOWN_PROBLEMS]]
    file.gaps_total = sum(gap.count for gap in outcome.gaps)
    file.ignored = list(outcome.ignored)


def written(gap: Gap) -> dict[str, object]:
    """A gap as JSON."""
    return {
        "direction": gap.direction,
        "start": gap.start.isoformat(),
        "count": gap.count,
        "partial": gap.partial,
    }
