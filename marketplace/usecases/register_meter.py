"""Register a site's meters from a settlement day on: import, export and asset meter of one GSP group, in one unit.

What was registered before ends on that day. The database refuses a meter that stands elsewhere on any day of it.
"""

from __future__ import annotations

from datetime import date, datetime

from django.db import IntegrityError, transaction

from flex_engine.timegrid import LONDON
from marketplace import events, notify
from marketplace.models import MsidPair, Site, User, role_of
from marketplace.rules.errors import MarketError
from marketplace.rules.meters import check_pair
from marketplace.rules.roles import Action, require


def register_meter(
    *,
    site: Site,
    import_msid: str,
    export_msid: str = "",
    amsid: str = "",
    gsp_group: str,
    unit: str = "",
    effective_from: date,
    user: User | None,
    now: datetime,
) -> MsidPair:
    """The new pair, in force from `effective_from` on, which has come; the site's own number follows it.

    Raises MarketError BAD_MSID naming the number that cannot be, a day to come or before the pair in force began, or a meter that is
    held elsewhere; NOT_ALLOWED for a user who may not manage.
    """
    if user is not None:
        require(role_of(user, site.organisation), Action.MANAGE)
    check_pair(
        import_msid=import_msid,
        export_msid=export_msid,
        amsid=amsid,
        gsp_group=gsp_group,
        effective_from=effective_from,
        effective_to=None,
    )
    if effective_from > now.astimezone(LONDON).date():
        raise MarketError(
            "BAD_MSID",
            f"{effective_from} is still to come.",
            fix="Register a meter from its first day on, once that day has come.",
            details={"column": "effective_from"},
        )
    try:
        with transaction.atomic():
            end_before(site, effective_from)
            pair = MsidPair.objects.create(
                site=site,
                import_msid=import_msid,
                export_msid=export_msid,
                amsid=amsid,
                gsp_group=gsp_group,
                unit=unit[:20],
                effective_from=effective_from,
            )
            Site.objects.filter(pk=site.pk).update(msid=import_msid, gsp_group=gsp_group)
            events.append(
                type="meter.registered",
                subject=f"site:{site.slug}",
                payload={
                    "site": site.slug,
                    "import_msid": import_msid,
                    "export_msid": export_msid,
                    "amsid": amsid,
                    "gsp_group": gsp_group,
                    "unit": unit[:20],
                    "from": effective_from.isoformat(),
                },
                organisations=[site.organisation],
                now=now,
            )
            notify.changed(f"site:{site.slug}")
    except IntegrityError as problem:
        raise MarketError(
            "BAD_MSID",
            f"One of these meters is registered elsewhere on {effective_from} or later.",
            fix="A meter stands in one pair at a time: end the other registration first, or check the number.",
            details={"column": "import_msid"},
        ) from problem
    return pair


def end_before(site: Site, day: date) -> None:
    """End the pair in force on `day`. Raises MarketError where pairs begin on that day or later."""
    later = MsidPair.objects.filter(site=site, effective_from__gte=day).order_by("effective_from").first()
    if later is not None:
        raise MarketError(
            "BAD_MSID",
            f"A registration of this site begins on {later.effective_from}.",
            fix="Choose a day after it.",
            details={"column": "effective_from"},
        )
    MsidPair.objects.filter(site=site, effective_to=None).update(effective_to=day)
