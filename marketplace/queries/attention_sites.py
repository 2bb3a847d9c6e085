"""What of a site needs a person beside its orders: tenders it could bid on, and meter files that did not go in whole."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.db.models import Exists, OuterRef, Q

from flex_engine.timegrid import HALF_HOUR
from marketplace.models import Bid, ExportReading, MeterFile, MeterReading, Site, Tender, User
from marketplace.queries.attention_item import RECENT, Item
from marketplace.queries.visible import visible

CLOSING = timedelta(hours=2)  # a tender that closes within it is said to close soon
MOST = 5


def open_tenders(user: User, now: datetime) -> Iterator[Item]:
    """Tenders of the zones of our sites on which none of them has bid, the first to close first."""
    ours = visible(Site, user)
    group = ours.filter(gsp_group=OuterRef("gsp_group"))
    point = group.filter(gsp_zone=OuterRef("gsp_zone"))
    bid = Bid.objects.filter(tender=OuterRef("pk"), state=Bid.State.OFFERED, offer__site__in=ours)
    rows = Tender.objects.filter(state=Tender.State.OPEN, closes_at__gt=now)
    rows = rows.filter(Exists(point) | (Q(gsp_zone="") & Exists(group))).filter(~Exists(bid))
    for row in rows.order_by("closes_at", "created_at")[:MOST]:
        soon = row.closes_at - now <= CLOSING
        yield Item(
            f"The tender {row.name} {'closes soon' if soon else 'takes bids'}, and you have not bid",
            f"{row.get_direction_display()} is wanted in your zone, for at most £{row.ceiling_gbp_per_kwh:.4f}/kWh.",
            "See the need",
            "tender",
            str(row.pk),
            row.closes_at,
            "attention",
            "until",
        )


def meter_files(user: User, now: datetime) -> Iterator[Item]:
    """Files of readings that were refused lately, and those that went in and left half hours without a reading since."""
    wanted = Q(state=MeterFile.State.REFUSED) | Q(state=MeterFile.State.IMPORTED, gaps_total__gt=0)
    rows = visible(MeterFile, user).filter(wanted, created_at__gt=now - RECENT).defer("content").select_related("site")
    for row in rows.order_by("-created_at", "-pk")[:MOST]:
        if row.state == MeterFile.State.REFUSED:
            why = row.error or (row.problems[0]["problem"] if row.problems else "Its rows cannot be right.")
            text, tone = f"{row.filename} was refused: none of its readings are recorded", "bad"
        elif missing := still_missing(row):
            many = "1 half hour has" if missing == 1 else f"{missing} half hours have"
            text, tone = f"{row.filename} left gaps in the readings of {row.site.name}", "attention"
            why = f"{many} no whole reading yet; what is dispatched then does not settle."
        else:
            continue
        yield Item(text, why, "See the file", "meter-file", str(row.pk), None, tone)


def still_missing(file: MeterFile) -> int:
    """How many half hours of the gaps that the file names are without any reading today."""
    wanted: dict[str, set[datetime]] = {"IMPORT": set(), "EXPORT": set()}
    for gap in file.gaps:
        wanted.setdefault(str(gap["direction"]), set()).update(starts_of(gap))
    known = 0
    for direction, model in (("IMPORT", MeterReading), ("EXPORT", ExportReading)):
        if starts := wanted[direction]:
            rows = model._default_manager.filter(
                site=file.site_id, start_at__gte=min(starts), start_at__lte=max(starts)
            )
            known += len(starts & set(rows.values_list("start_at", flat=True)))
    return sum(len(starts) for starts in wanted.values()) - known


def starts_of(gap: Mapping[str, Any]) -> list[datetime]:
    """The half hours of a gap as the file keeps it."""
    first = datetime.fromisoformat(str(gap["start"]))
    return [first + index * HALF_HOUR for index in range(min(int(gap["count"]), 20_000))]
