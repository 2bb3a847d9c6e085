"""Each baseline of the registry is tried on the site's own past days, and what speaks against one is said."""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from flex_engine.settle.back_test import back_test
from flex_engine.settle.registry import methods
from flex_engine.timegrid import floor_half_hour, settlement_period
from marketplace.models import MeterReading
from marketplace.usecases.back_test_site import back_test_site
from tests.unit.marketplace.usecases import market
from tests.unit.marketplace.usecases.market import END, FIRST, HALF_HOUR, NOW

DAYS = 75


def known(site, *, from_day=DAYS, label="MEASURED", known_at=NOW - timedelta(hours=1)):
    """Readings that swing by the day of the month, so that no baseline is exact."""
    starts = [floor_half_hour(NOW) - timedelta(days=from_day) + i * HALF_HOUR for i in range(from_day * 48)]
    rows = {start: 200_000 + 1_000 * (start.hour + start.day % 7) for start in starts}
    MeterReading.objects.bulk_create(
        MeterReading(site=site, start_at=start, import_wh=wh, source="m", label=label, known_at=known_at)
        for start, wh in rows.items()
    )
    return rows


def tried(site, event_mwh=Decimal("0.4")):
    return back_test_site(site=site, start=FIRST, end=END, direction="REDUCE", event_mwh=event_mwh, now=NOW)


def of(found, method):
    return next(one for one in found["methods"] if one["id"] == method)


def test_the_figures_are_the_engine_s_for_the_same_days_and_clock_times(site):
    rows = known(site)
    found = tried(site)
    day, first = settlement_period(FIRST)
    today = settlement_period(floor_half_hour(NOW))[0]
    wanted = back_test(
        method="like-day-mean-v1", readings=rows, days=[today - timedelta(days=back) for back in range(60, 0, -1)],
        first_period=first, periods=int((END - FIRST) / HALF_HOUR), next_day=day,
    )  # fmt: skip
    one = of(found, "like-day-mean-v1")
    assert (one["bias"], one["rrmse"], one["days"]) == (str(wanted.bias), str(wanted.rrmse), wanted.days)
    assert one["phantom_mwh"] == str(wanted.phantom_mwh)
    assert one["faults"] == []
    assert [each["id"] for each in found["methods"]] == [method.id for method in methods()]
    assert (found["label"], found["known_at"]) == ("MEASURED", NOW.isoformat())


def test_what_breaks_a_limit_and_what_cannot_be_tested_is_said(site):
    known(site, label="SIMULATED")
    found = tried(site, event_mwh=Decimal("0.000001"))
    assert found["label"] == "SIMULATED"
    assert "Doing nothing would be paid" in of(found, "like-day-mean-unadjusted-v1")["faults"][0]
    assert "could not be tested" in of(found, "nominated-v1")["faults"][0]


def test_readings_that_came_later_are_not_known_yet(site):
    known(site, known_at=NOW + timedelta(minutes=1))
    assert "could not be tested" in of(tried(site), "like-day-mean-v1")["faults"][0]


def test_a_day_with_a_dispatch_is_left_out_of_the_days_tested(site):
    known(site)
    before = of(tried(site), "meter-before-meter-after-v1")["days"]
    past, then = (
        market.offer(
            site, start=FIRST - timedelta(days=7), certificate={"holds": True, "reference_kw": ["1000", "1000"]}
        ),
        NOW - timedelta(days=7),
    )
    order = market.confirmed(past, now=then)
    market.dispatched(order, market.instruction("400", past.start_at, at=then), now=then)
    assert of(tried(site), "meter-before-meter-after-v1")["days"] == before - 1
