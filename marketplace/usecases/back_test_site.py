"""Back-test every baseline method at a site: what each would have paid for on past days on which nothing was sold.

A seller and its buyer should know how wrong a baseline is before they agree on it. This room reads the meter and asks the
engine; it decides nothing. What speaks against a method is kept in sentences beside its figures.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flex_engine.settle.back_test import BackTest, back_test, faults
from flex_engine.settle.baseline import BaselineError
from flex_engine.settle.registry import BaselineMethod, methods
from flex_engine.timegrid import HALF_HOUR, floor_half_hour, settlement_period
from marketplace.models import Activation, MeterReading, Site, declared_event_days
from marketplace.rules.order_state import ActivationState

TESTED = 60  # settlement days
LOOKBACK = timedelta(days=TESTED + 62)  # a like-day baseline of the first of them looks back sixty days more


def back_test_site(
    *, site: Site, start: datetime, end: datetime, direction: str, event_mwh: Decimal, now: datetime
) -> dict[str, Any]:
    """Settle the last sixty settlement days over the clock times of [start, end) by each method, as if sold and not delivered.

    {"known_at", "label", "first_period", "periods", "methods": [{"id", "name", "standing", "faults", ...}]}: the figures of
    flex_engine.settle.back_test.BackTest as text, or "why" there are none. `event_mwh` is what is offered in all.
    """
    rows = MeterReading.objects.filter(site=site, start_at__gte=now - LOOKBACK, known_at__lte=now)
    known = list(rows.order_by("known_at", "pk").values_list("start_at", "import_wh", "label"))
    readings = {when: wh for when, wh, _ in known}
    today = settlement_period(floor_half_hour(now))[0]
    day, first = settlement_period(start)
    asked = {
        "readings": readings,
        "days": [today - timedelta(days=back) for back in range(TESTED, 0, -1)],
        "first_period": first,
        "periods": int((end - start) / HALF_HOUR),
        "next_day": day,
        "event_days": event_days(site),
        "direction": direction,
    }
    return {
        "known_at": now.isoformat(),
        "label": "SIMULATED" if any(label == "SIMULATED" for *_, label in known) else "MEASURED",
        "first_period": first,
        "periods": asked["periods"],
        "methods": [one_method(method, asked, day=day, event_mwh=event_mwh) for method in methods()],
    }


def one_method(method: BaselineMethod, asked: Mapping[str, Any], *, day: date, event_mwh: Decimal) -> dict[str, Any]:
    """The figures of one method and what speaks against it."""
    named = {"id": method.id, "name": method.name, "standing": method.standing}
    try:
        found = back_test(method=method.id, **asked)
    except BaselineError as missing:
        return named | {"why": str(missing), "faults": [f"{method.id} could not be tested. {missing}"]}
    return named | {"faults": faults(found, day=day, event_mwh=event_mwh)} | figures_of(found)


def figures_of(found: BackTest) -> dict[str, Any]:
    """The figures as they are kept: shares and energy as text, exact."""
    return {
        "days": found.days,
        "untested": found.untested,
        "bias": str(found.bias),
        "rrmse": str(found.rrmse),
        "phantom_mwh": str(found.phantom_mwh),
        "clean_days_left": found.clean_days_left,
    }


def event_days(site: Site) -> set[date]:
    """Settlement days with a dispatch of the site that was not refused, and those that were declared."""
    dispatched = Activation.objects.filter(order__offer__site=site).exclude(state=ActivationState.REJECTED)
    days = {settlement_period(start)[0] for start in dispatched.values_list("start_at", flat=True)}
    return days | declared_event_days(site)
