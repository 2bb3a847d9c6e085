"""Take a few meter readings in at once, all or none. A reading that differs from what was known is a revision."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.db import transaction

from flex_engine.quantities import Label
from flex_engine.settle.metering import Meter, MeteringFileError, Problem, Problems, Said
from flex_engine.settle.metering import Site as Judged
from flex_engine.settle.metering_file import read_readings, table_of
from flex_engine.timegrid import day_start
from marketplace.models import MsidPair, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.roles import Action, require
from marketplace.usecases.keep_readings import keep_readings


def record_meter(
    *,
    site: Site,
    rows: Sequence[Mapping[str, Any]],
    said: Said | None = None,
    source: str,
    label: str,
    user: User | None = None,
    now: datetime,
) -> int:
    """Store `rows` such as {start, import_wh}, or with the columns a file may have; returns how many were new or changed.

    Raises MarketError BAD_READING naming the first rows that cannot be right, with all of the first in `details`, and for
    an unknown label; NOT_ALLOWED for a user who may not record.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.METER)
    check_label(label)
    if not rows:
        return 0
    try:
        outcome = read_readings(table_of(rows), said or Said(), judged(site, now))
    except MeteringFileError as problem:
        raise MarketError("BAD_READING", str(problem), fix="Send the readings again with it.") from problem
    if outcome.problems.total:
        raise refusal(outcome.problems)
    with transaction.atomic():
        return sum(
            keep_readings(site=site, half_hours=found, direction=direction, source=source, label=label, now=now)
            for direction, found in outcome.half_hours.items()
        )


def check_label(label: str) -> None:
    """Raise MarketError unless readings are said to be measured or simulated."""
    if label not in {Label.MEASURED, Label.SIMULATED}:
        raise MarketError("BAD_READING", f"label is {label!r}.", fix="Write MEASURED or SIMULATED.")


def judged(site: Site, now: datetime) -> Judged:
    """What readings of `site` are held against: its import limit, its meters, each from its day on, and the time.

    A site whose meters were never registered by days has the one it was made with, on every day.
    """
    found: dict[str, tuple[Meter, ...]] = {}
    for pair in MsidPair.objects.filter(site=site):
        begin, end = day_start(pair.effective_from), day_start(pair.effective_to) if pair.effective_to else None
        for msid, measures in ((pair.import_msid, "IMPORT"), (pair.export_msid, "EXPORT"), (pair.amsid, "")):
            if msid:
                found[msid] = (*found.get(msid, ()), Meter(measures, begin, end))
    return Judged(limit_wh=int(site.import_limit_kw * 500), msids=found or {site.msid: (Meter("IMPORT"),)}, now=now)


def refusal(problems: Problems) -> MarketError:
    """The refusal of readings with `problems`: the first in words, the first ones in the details, the rest counted."""
    first: Problem = problems.first[0]
    where = f"Reading {first.row}: {first.column} is {first.value}; " if first.row else ""
    more = f" {problems.total - 1} more problem(s) follow." if problems.total > 1 else ""
    return MarketError(
        "BAD_READING",
        f"{where}{first.problem}.{more}",
        fix=first.fix,
        details={
            "row": first.row,
            "column": first.column,
            "problems": [asdict(one) for one in problems.first],
            "more": problems.more,
        },
    )
